/* emu/multipart: forms, whatever pieces they come in. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "emu/multipart.h"
#include "tests/support/unit.h"

/* Writes what is called as "name:content|" with '*' before a file's name. */
static int
take(void *ctx, const struct multipart_part *part, bool first, const char *data,
    size_t len)
{
	struct buf *out = ctx;
	int ret = 0;

	if (first)
		ret = buf_printf(
		    out, "|%s%s:", part->is_file ? "*" : "", part->name);
	return ret < 0 ? ret : buf_append(out, data, len);
}

static int
read_form(const char *type, const char *data, size_t len, size_t step,
    struct buf *out, bool *complete)
{
	struct multipart *m;
	int ret;

	buf_init(out, BUF_LIMIT_TEXT);
	ret = multipart_new(type, take, out, &m);
	if (ret < 0)
		return ret;
	for (size_t at = 0; ret == 0 && at < len; at += step)
		ret = multipart_feed(
		    m, data + at, len - at < step ? len - at : step);
	*complete = multipart_complete(m);
	multipart_free(m);
	return ret;
}

#define D(params) "Content-Disposition: form-data; " params "\r\n"

static const struct {
	const char *type, *text;
	int ret;
	bool complete;
	const char *want;
} rows[] = {
	{ "x; boundary=B",
	    "--B\r\n" D("name=\"a\"") "\r\n1\r\n--B\r\n" D(
		"name=b") "\r\n\r\n--B--\r\n",
	    0, true, "|a:1|b:" },
	{ "x; charset=y; BOUNDARY=\"a b\"",
	    "--a b\r\n" D("name=\"a\"") "\r\n1\r\n--a b--", 0, true, "|a:1" },
	{ "x;boundary=B",
	    "pre\r\namble\r\n--B \t\r\n" D("name=a") "\r\n\r\n--B--x", 0, true,
	    "|a:" },
	{ "x;boundary=B",
	    "--B\r\n" D("name=\"a\"; filename=\"\"") "Content-Type: t\r\n\r\n"
						     "x\r\n--B--",
	    0, true, "|*a:x" },
	{ "x;boundary=B",
	    "--B\r\n" D("name=\"a\"; filename*=utf-8''%C3%BC") "\r\nx\r\n--B--",
	    0, true, "|*a:x" },
	{ "x;boundary=B",
	    "--B\r\n" D("filename=\"a;name=\\\"q\"; name=\"n\"") "\r\nx"
								 "\r\n--B--",
	    0, true, "|*n:x" },
	{ "x;boundary=B", "--B\r\nX: y\r\n\r\nx\r\n--B--", 0, true, "|:x" },
	{ "x;boundary=BB",
	    "--BB\r\n" D("name=a") "\r\n\r\r\n\r\n-\r\n--\r\n--B\r\n--bb\r\n"
				   "\r\n--BB--",
	    0, true, "|a:\r\r\n\r\n-\r\n--\r\n--B\r\n--bb\r\n" },
	{ "x;boundary=B", "--B\r\n" D("name=a") "\r\nx\r\n--B", 0, false,
	    "|a:x" },
	{ "x;boundary=B", "", 0, false, "" },
	{ "x;boundary=B", "no form", 0, false, "" },
	{ "x;boundary=B", "--Bx\r\n", -EBADMSG, false, "" },
	{ "x", "", -EBADMSG, false, "" },
	{ "x;boundary=", "", -EBADMSG, false, "" },
};

START_TEST(pieces_do_not_matter)
{
	size_t len = strlen(rows[_i].text);

	for (size_t step = 1; step <= len + 1; step++) {
		struct buf out;
		bool complete = false;
		int ret = read_form(
		    rows[_i].type, rows[_i].text, len, step, &out, &complete);

		ck_assert_int_eq(ret, rows[_i].ret);
		ck_assert_int_eq(complete, rows[_i].complete);
		ck_assert_str_eq(buf_text(&out), rows[_i].want);
		buf_release(&out);
	}
}
END_TEST

/* Content made of pieces of delimiters: what is most easily taken for one. */
START_TEST(content_like_delimiters_stays_content)
{
	static const char alphabet[] = "\r\n-B";
	static const char head[] = "--BB\r\n" D("name=a; filename=f") "\r\n";
	unsigned state = 1;

	for (int round = 0; round < 300; round++) {
		struct buf form, want, out;
		bool complete = false;

		buf_init(&form, BUF_LIMIT_TEXT);
		buf_init(&want, BUF_LIMIT_TEXT);
		ck_assert_int_eq(buf_puts(&want, "|*a:"), 0);
		for (int i = 0; i < 60; i++) {
			state = state * 1103515245 + 12345;
			ck_assert_int_eq(
			    buf_append(&want, &alphabet[state >> 16 & 3], 1),
			    0);
			/* A whole delimiter would end it rightly. */
			if (strstr(buf_text(&want), "\r\n--BB") != NULL)
				want.data[--want.len] = '\0';
		}
		ck_assert_int_eq(buf_printf(&form, "%s%s\r\n--BB--", head,
				     buf_text(&want) + 4),
		    0);
		ck_assert_int_eq(read_form("x;boundary=BB", form.data, form.len,
				     1 + state % 9, &out, &complete),
		    0);
		ck_assert(complete);
		ck_assert_str_eq(buf_text(&out), buf_text(&want));
		buf_release(&form);
		buf_release(&want);
		buf_release(&out);
	}
}
END_TEST

START_TEST(a_header_has_a_limit)
{
	struct buf form, out;
	bool complete = false;

	buf_init(&form, BUF_LIMIT_TEXT);
	ck_assert_int_eq(buf_puts(&form, "--B\r\n"), 0);
	for (int i = 0; i < 10000; i++)
		ck_assert_int_eq(buf_puts(&form, "x"), 0);
	ck_assert_int_eq(read_form("x;boundary=B", form.data, form.len, 100,
			     &out, &complete),
	    -EBADMSG);
	buf_release(&form);
	buf_release(&out);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(pieces_do_not_matter, rows),
	UNIT(content_like_delimiters_stays_content),
	UNIT(a_header_has_a_limit),
};

UNIT_MAIN("emu/multipart", tests)
