/* emu/params: parameters, wherever the client put them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/params.h"
#include "tests/support/unit.h"

static struct params p;

static void
form(const char *text)
{
	p = (struct params){ 0 };
	ck_assert_int_eq(params_add_form(&p, text, strlen(text)), 0);
}

static void
json(const char *text)
{
	ck_assert_int_eq(params_add_json(&p, text, strlen(text)), 0);
}

START_TEST(forms_are_percent_decoded)
{
	const char *s = NULL;

	form("path=%2Fa%20b+c%25&&x=&flag&path2=/q%3D%26");
	ck_assert_int_eq(params_str(&p, "path", &s), 0);
	ck_assert_str_eq(s, "/a b c%");
	ck_assert_int_eq(params_str(&p, "x", &s), 0);
	ck_assert_str_eq(s, "");
	ck_assert_int_eq(params_str(&p, "flag", &s), 0);
	ck_assert_int_eq(params_str(&p, "path2", &s), 0);
	ck_assert_str_eq(s, "/q=&");
	ck_assert_int_eq(params_str(&p, "none", &s), -ENOENT);
	params_release(&p);
}
END_TEST

static const char *const broken_forms[] = { "a=%", "a=%1", "a=%zz", "a=%00",
	"%00=b", "a=x%0" };

START_TEST(broken_escapes_are_refused)
{
	const char *text = broken_forms[_i];

	p = (struct params){ 0 };
	ck_assert_int_eq(params_add_form(&p, text, strlen(text)), -EBADMSG);
	params_release(&p);
}
END_TEST

START_TEST(json_wins_over_texts)
{
	const char *s = NULL;

	form("path=/query&only=q");
	json("{\"path\":\"/json\",\"nothing\":null}");
	ck_assert_int_eq(params_str(&p, "path", &s), 0);
	ck_assert_str_eq(s, "/json");
	ck_assert_int_eq(params_str(&p, "only", &s), 0);
	ck_assert_str_eq(s, "q");
	ck_assert_int_eq(params_str(&p, "nothing", &s), -ENOENT);
	params_release(&p);
}
END_TEST

static const struct {
	const char *json;
	int ret;
	int64_t want;
} numbers[] = {
	{ "{\"n\":5}", 0, 5 },
	{ "{\"n\":\"1048576\"}", 0, 1048576 },
	{ "{\"n\":\"-7\"}", 0, -7 },
	{ "{\"n\":9007199254740993}", 0, INT64_C(9007199254740993) },
	{ "{\"n\":\"x\"}", -EBADMSG, 99 },
	{ "{\"n\":1.5}", -EBADMSG, 99 },
	{ "{\"n\":true}", -EBADMSG, 99 },
	{ "{\"n\":99999999999999999999}", -EBADMSG, 99 },
	{ "{}", -ENOENT, 99 },
};

START_TEST(numbers_may_be_texts)
{
	int64_t n = 99;

	p = (struct params){ 0 };
	json(numbers[_i].json);
	ck_assert_int_eq(params_i64(&p, "n", &n), numbers[_i].ret);
	ck_assert_int_eq(n, numbers[_i].want);
	params_release(&p);
}
END_TEST

static const struct {
	const char *json;
	int ret;
	bool want;
} bools[] = {
	{ "{\"b\":true}", 0, true },
	{ "{\"b\":\"True\"}", 0, true },
	{ "{\"b\":\"true\"}", 0, true },
	{ "{\"b\":\"False\"}", 0, false },
	{ "{\"b\":\"0\"}", 0, false },
	{ "{\"b\":\"maybe\"}", -EBADMSG, false },
	{ "{\"b\":[]}", -EBADMSG, false },
	{ "{}", -ENOENT, false },
};

START_TEST(booleans_may_be_pythons)
{
	bool b = false;

	p = (struct params){ 0 };
	json(bools[_i].json);
	ck_assert_int_eq(params_bool(&p, "b", &b), bools[_i].ret);
	ck_assert_int_eq(b, bools[_i].want);
	params_release(&p);
}
END_TEST

static const char *const no_objects[] = { "{", "[]", "1", "null", "\"x\"",
	"{} x", "{\"a\":1,}", "{'a':1}x" };

START_TEST(a_body_is_one_object)
{
	const char *text = no_objects[_i];

	p = (struct params){ 0 };
	ck_assert_int_eq(params_add_json(&p, text, strlen(text)), -EBADMSG);
	params_release(&p);
}
END_TEST

START_TEST(an_embedded_nul_is_no_string)
{
	const char *s = NULL;

	p = (struct params){ 0 };
	json("{\"path\":\"/a\\u0000b\"}");
	ck_assert_int_eq(params_str(&p, "path", &s), -EBADMSG);
	params_release(&p);
}
END_TEST

START_TEST(too_many_are_refused)
{
	p = (struct params){ 0 };
	for (int i = 0; i < PARAMS_MAX; i++)
		ck_assert_int_eq(params_add(&p, "a", "b", 1), 0);
	ck_assert_int_eq(params_add(&p, "a", "b", 1), -E2BIG);
	params_release(&p);
}
END_TEST

START_TEST(base64_may_have_newlines)
{
	char *bytes;
	size_t len;

	ck_assert_int_eq(params_base64("aGVs\nbG8=\r\n", 100, &bytes, &len), 0);
	ck_assert_uint_eq(len, 5);
	ck_assert_mem_eq(bytes, "hello", 5);
	free(bytes);
	ck_assert_int_eq(params_base64("", 100, &bytes, &len), 0);
	ck_assert_uint_eq(len, 0);
	free(bytes);
	ck_assert_int_eq(params_base64("a", 100, &bytes, &len), -EBADMSG);
	ck_assert_int_eq(params_base64("aGV!", 100, &bytes, &len), -EBADMSG);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(forms_are_percent_decoded),
	UNIT_ROWS(broken_escapes_are_refused, broken_forms),
	UNIT(json_wins_over_texts),
	UNIT_ROWS(numbers_may_be_texts, numbers),
	UNIT_ROWS(booleans_may_be_pythons, bools),
	UNIT_ROWS(a_body_is_one_object, no_objects),
	UNIT(an_embedded_nul_is_no_string),
	UNIT(too_many_are_refused),
	UNIT(base64_may_have_newlines),
};

UNIT_MAIN("emu/params", tests)
