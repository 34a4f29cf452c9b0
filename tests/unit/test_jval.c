/* base/jval: what is taken from a document, and what is refused. */
#include <errno.h>
#include <string.h>

#include "base/jval.h"
#include "tests/support/unit.h"

static const char *const bad[] = {
	"",
	" ",
	"{",
	"{}}",
	"{} x",
	"{\"a\":1,}",
	"[1,]",
	"{\"a\":01}",
	"nul",
	"<html></html>",
	"\"\xff\"",
	"{'a':1}",
	"['\"',{},'\"']",
	"{\"a\":1/*\"*/}",
	"{\"a\":1,\"a\":1}",
	"[{\"x\":\":\",\"b\":{\"a\":1,\"\\u0061\":2}}]",
};

START_TEST(not_json_is_refused)
{
	struct json_object *obj = NULL;

	ck_assert_int_eq(jval_parse(bad[_i], strlen(bad[_i]), &obj), -EBADMSG);
}
END_TEST

START_TEST(of_a_name_twice_the_last_may_count)
{
	static const char text[] = "{\"a\":1,\"b\":[{\"c\":1,\"c\":2}],\"a\":3}";
	struct json_object *val;

	ck_assert_int_eq(jval_parse(text, strlen(text), &val), -EBADMSG);
	ck_assert_int_eq(jval_parse_lax(text, strlen(text), &val), 0);
	ck_assert_str_eq(jval_text(val, NULL), "{\"a\":3,\"b\":[{\"c\":2}]}");
	json_object_put(val);
	ck_assert_int_eq(jval_parse_lax("{\"a\":1}x", 8, &val), -EBADMSG);
}
END_TEST

START_TEST(depth_is_bounded)
{
	char text[512];
	struct json_object *obj = NULL;

	memset(text, '[', 200);
	memset(text + 200, ']', 200);
	ck_assert_int_eq(jval_parse(text, 400, &obj), -EBADMSG);
	memset(text, '[', 20);
	memset(text + 20, ']', 20);
	ck_assert_int_eq(jval_parse(text, 40, &obj), 0);
	json_object_put(obj);
}
END_TEST

/* n of each, in an array. */
static struct buf
many(const char *each, unsigned n)
{
	struct buf text;

	buf_init(&text, (size_t)64 << 20);
	ck_assert_int_eq(buf_puts(&text, "["), 0);
	while (n-- > 0)
		ck_assert_int_eq(buf_puts(&text, each), 0);
	ck_assert_int_eq(buf_puts(&text, "0]"), 0);
	return text;
}

/* A MB or two of them. */
static const char *const blown[] = { "{},", "[],", "{\"\":0},", "0,0,0,0,0,0,0,0," };

START_TEST(a_document_cannot_take_any_amount_of_memory)
{
	struct buf text = many(blown[_i], 300000);
	struct json_object *obj = NULL;

	ck_assert_int_eq(jval_parse(text.data, text.len, &obj), -EFBIG);
	ck_assert_ptr_null(obj);
	buf_release(&text);
}
END_TEST

/* A listing of many files; and a string, whatever is in it. */
static const struct {
	const char *each;
	unsigned n;
} large[] = {
	{ "{\"path\":\"/a/b\",\"is_dir\":false,\"file_size\":1,"
	  "\"modification_time\":1700000000000},", 100000 },
	{ "\"\\\\\\\"{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}'//\\\\\",", 100000 },
};

START_TEST(a_large_document_is_taken)
{
	struct buf text = many(large[_i].each, large[_i].n);
	struct json_object *obj = NULL;

	ck_assert_int_eq(jval_parse(text.data, text.len, &obj), 0);
	ck_assert_uint_eq(json_object_array_length(obj), large[_i].n + 1);
	json_object_put(obj);
	buf_release(&text);
}
END_TEST

START_TEST(members_keep_their_type)
{
	static const char text[] = " {\"s\":\"x\",\"n\":9223372036854775806,"
				   "\"b\":true,\"a\":[1],\"o\":{},\"z\":null,"
				   "\"f\":1.5,"
				   "\"digits\":\"12\",\"nul\":\"a\\u0000b\"} ";
	struct json_object *obj;
	struct json_object *sub = NULL;
	const char *s = "before";
	int64_t n = 7;
	bool b = false;

	ck_assert_int_eq(jval_parse(text, sizeof text - 1, &obj), 0);
	ck_assert_int_eq(jval_str(obj, "n", &s), -EBADMSG);
	ck_assert_int_eq(jval_str(obj, "z", &s), -ENOENT);
	ck_assert_int_eq(jval_str(obj, "none", &s), -ENOENT);
	ck_assert_int_eq(jval_str(obj, "nul", &s), -EBADMSG);
	ck_assert_str_eq(s, "before");
	ck_assert_int_eq(jval_str(obj, "s", &s), 0);
	ck_assert_str_eq(s, "x");

	ck_assert_int_eq(jval_i64(obj, "f", &n), -EBADMSG);
	ck_assert_int_eq(jval_i64(obj, "digits", &n), -EBADMSG);
	ck_assert_int_eq(jval_i64(obj, "b", &n), -EBADMSG);
	ck_assert_int_eq(jval_i64(NULL, "n", &n), -ENOENT);
	ck_assert_int_eq(n, 7);
	ck_assert_int_eq(jval_i64(obj, "n", &n), 0);
	ck_assert_int_eq(n, INT64_MAX - 1);

	ck_assert_int_eq(jval_bool(obj, "n", &b), -EBADMSG);
	ck_assert_int_eq(jval_bool(obj, "b", &b), 0);
	ck_assert(b);

	ck_assert_int_eq(jval_array(obj, "o", &sub), -EBADMSG);
	ck_assert_int_eq(jval_array(obj, "a", &sub), 0);
	ck_assert_int_eq(jval_object(obj, "a", &sub), -EBADMSG);
	ck_assert_int_eq(jval_object(obj, "o", &sub), 0);
	ck_assert_int_eq(jval_str(sub, "s", &s), -ENOENT);
	json_object_put(obj);
}
END_TEST

/* json-c gives the largest number that it has, or, newer, refuses the text. */
START_TEST(a_number_too_large_is_no_number)
{
	static const char text[] = "{\"big\":99999999999999999999}";
	struct json_object *obj = NULL;
	int64_t n = 7;

	if (jval_parse(text, sizeof text - 1, &obj) == 0)
		ck_assert_int_eq(jval_i64(obj, "big", &n), -EBADMSG);
	ck_assert_int_eq(n, 7);
	json_object_put(obj);
}
END_TEST

START_TEST(text_may_be_of_any_language)
{
	static const char text[] = "{\"n\":\"\xc3\xa4 \xe6\x97\xa5 "
				   "\xf0\x9f\x98\x80\",\"\xc3\xa4\":\"x\"}";
	struct json_object *obj = NULL;
	const char *s = "before";

	ck_assert_int_eq(jval_parse(text, sizeof text - 1, &obj), 0);
	ck_assert_int_eq(jval_str(obj, "n", &s), 0);
	ck_assert_str_eq(s, "\xc3\xa4 \xe6\x97\xa5 \xf0\x9f\x98\x80");
	ck_assert_int_eq(jval_str(obj, "\xc3\xa4", &s), 0);
	json_object_put(obj);
}
END_TEST

START_TEST(what_is_added_is_read_back)
{
	struct json_object *obj = json_object_new_object();
	const char *s = NULL;
	int64_t n = 0;
	size_t len = 0;

	ck_assert_int_eq(jval_add_str(obj, "path", "/a \"b\"\n"), 0);
	ck_assert_int_eq(jval_add_i64(obj, "id", INT64_MIN + 1), 0);
	ck_assert_int_eq(jval_add_bool(obj, "yes", true), 0);

	const char *text = jval_text(obj, &len);

	ck_assert_str_eq(text, "{\"path\":\"/a \\\"b\\\"\\n\","
			       "\"id\":-9223372036854775807,\"yes\":true}");
	ck_assert_uint_eq(len, strlen(text));

	struct json_object *back;

	ck_assert_int_eq(jval_parse(text, len, &back), 0);
	ck_assert_int_eq(jval_str(back, "path", &s), 0);
	ck_assert_str_eq(s, "/a \"b\"\n");
	ck_assert_int_eq(jval_i64(back, "id", &n), 0);
	ck_assert_int_eq(n, INT64_MIN + 1);
	json_object_put(back);
	json_object_put(obj);
}
END_TEST

START_TEST(quoted_text_parses)
{
	struct buf b;
	struct json_object *obj;

	buf_init(&b, 1000);
	ck_assert_int_eq(jval_quote(&b, "a/\"\\\t\x01\x7f ä"), 0);
	ck_assert_int_eq(jval_parse(buf_text(&b), b.len, &obj), 0);
	ck_assert_str_eq(json_object_get_string(obj), "a/\"\\\t\x01\x7f ä");
	json_object_put(obj);
	buf_release(&b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(not_json_is_refused, bad),
	UNIT(of_a_name_twice_the_last_may_count),
	UNIT(depth_is_bounded),
	UNIT_ROWS(a_document_cannot_take_any_amount_of_memory, blown),
	UNIT_ROWS(a_large_document_is_taken, large),
	UNIT(members_keep_their_type),
	UNIT(a_number_too_large_is_no_number),
	UNIT(text_may_be_of_any_language),
	UNIT(what_is_added_is_read_back),
	UNIT(quoted_text_parses),
};

UNIT_MAIN("jval", tests)
