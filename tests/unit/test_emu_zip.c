/* emu/zip: archives in memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "emu/zip.h"
#include "tests/support/unit.h"

static locale_t utf8;

static void
make(struct buf *out, const char *const *names, size_t n, const char *content)
{
	struct zip *z;

	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	buf_init(out, BUF_LIMIT_TEXT);
	ck_assert_int_eq(zip_new(out, utf8, &z), 0);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(zip_add(z, names[i], 1751000000000, content,
				     names[i][strlen(names[i]) - 1] == '/'
					 ? 0
					 : strlen(content)),
		    0);
	ck_assert_int_eq(zip_end(z), 0);
	zip_free(z);
}

static int
collect(void *ctx, const char *name, const char *data, size_t len)
{
	return buf_printf(ctx, "%s=%.*s;", name, (int)len, data);
}

static void
finish(struct buf *zip, struct buf *text)
{
	buf_release(zip);
	buf_release(text);
	if (utf8 != (locale_t)0)
		freelocale(utf8);
}

START_TEST(what_is_packed_comes_back)
{
	static const char *const names[] = { "a", "d/", "d/\xc3\xbc \xf0\x9f\xa7\xb1",
		"../up" };
	struct buf zip, text;

	make(&zip, names, ARRAY_LEN(names), "content");
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(
	    zip_read(zip.data, zip.len, 1000, utf8, collect, &text), 0);
	ck_assert_str_eq(buf_text(&text),
	    "a=content;d/=;d/\xc3\xbc \xf0\x9f\xa7\xb1=content;../up=content;");
	finish(&zip, &text);
}
END_TEST

START_TEST(an_empty_archive_is_one)
{
	struct buf zip, text;

	make(&zip, NULL, 0, "");
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(
	    zip_read(zip.data, zip.len, 0, utf8, collect, &text), 0);
	ck_assert_str_eq(buf_text(&text), "");
	finish(&zip, &text);
}
END_TEST

START_TEST(files_have_a_limit_together)
{
	static const char *const names[] = { "a", "b" };
	struct buf zip, text;

	make(&zip, names, ARRAY_LEN(names), "1234");
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(
	    zip_read(zip.data, zip.len, 7, utf8, collect, &text), -EFBIG);
	ck_assert_int_eq(
	    zip_read(zip.data, zip.len, 8, utf8, collect, &text), 0);
	finish(&zip, &text);
}
END_TEST

static int
refuse(void *ctx, const char *name, const char *data, size_t len)
{
	(void)ctx;
	(void)name;
	(void)data;
	(void)len;
	return -EPERM;
}

START_TEST(what_is_no_archive_is_refused)
{
	static const char *const names[] = { "a" };
	struct buf zip, text;

	make(&zip, names, ARRAY_LEN(names), "content");
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(
	    zip_read("", 0, 9, utf8, collect, &text), -EBADMSG);
	ck_assert_int_eq(
	    zip_read("1+1", 3, 9, utf8, collect, &text), -EBADMSG);
	ck_assert_int_eq(
	    zip_read(zip.data, zip.len, 9, utf8, refuse, NULL), -EPERM);
	for (size_t len = 0; len < zip.len; len++)
		ck_assert_int_eq(
		    zip_read(zip.data, len, 9, utf8, collect, &text), -EBADMSG);
	finish(&zip, &text);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_is_packed_comes_back),
	UNIT(an_empty_archive_is_one),
	UNIT(files_have_a_limit_together),
	UNIT(what_is_no_archive_is_refused),
};

UNIT_MAIN("emu/zip", tests)
