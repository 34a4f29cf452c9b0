/* base/text: numbers and small questions about strings. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/unit.h"

static const struct {
	const char *text;
	uint64_t max;
	int err;
	uint64_t want;
} u64_rows[] = {
	{ "0", 10, 0, 0 },
	{ "10", 10, 0, 10 },
	{ "11", 10, -EINVAL, 7 },
	{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, -EINVAL, 7 },
	{ "99999999999999999999999", UINT64_MAX, -EINVAL, 7 },
	{ "", UINT64_MAX, -EINVAL, 7 },
	{ "-1", UINT64_MAX, -EINVAL, 7 },
	{ "+1", UINT64_MAX, -EINVAL, 7 },
	{ " 1", UINT64_MAX, -EINVAL, 7 },
	{ "1 ", UINT64_MAX, -EINVAL, 7 },
	{ "0x10", UINT64_MAX, -EINVAL, 7 },
};

START_TEST(u64_takes_digits_and_nothing_else)
{
	uint64_t got = 7;

	ck_assert_int_eq(
	    text_u64(u64_rows[_i].text, u64_rows[_i].max, &got),
	    u64_rows[_i].err);
	ck_assert_uint_eq(got, u64_rows[_i].want);
}
END_TEST

static const struct {
	const char *text;
	int err;
	int64_t want;
} i64_rows[] = {
	{ "-1", 0, -1 },
	{ "9223372036854775807", 0, INT64_MAX },
	{ "-9223372036854775808", 0, INT64_MIN },
	{ "9223372036854775808", -EINVAL, 7 },
	{ "-9223372036854775809", -EINVAL, 7 },
	{ "-", -EINVAL, 7 },
	{ "--1", -EINVAL, 7 },
	{ "", -EINVAL, 7 },
};

START_TEST(i64_reaches_both_ends)
{
	int64_t got = 7;

	ck_assert_int_eq(text_i64(i64_rows[_i].text, &got), i64_rows[_i].err);
	ck_assert_int_eq(got, i64_rows[_i].want);
}
END_TEST

static const struct {
	const char *text;
	int err;
	unsigned want;
} octal_rows[] = {
	{ "022", 0, 022 },
	{ "777", 0, 0777 },
	{ "0", 0, 0 },
	{ "1000", -EINVAL, 7 },
	{ "8", -EINVAL, 7 },
	{ "", -EINVAL, 7 },
	{ "-1", -EINVAL, 7 },
};

START_TEST(octal_is_bounded)
{
	unsigned got = 7;

	ck_assert_int_eq(text_octal(octal_rows[_i].text, 0777, &got),
	    octal_rows[_i].err);
	ck_assert_uint_eq(got, octal_rows[_i].want);
}
END_TEST

static const struct {
	const char *text;
	int err;
	uint64_t want;
} bytes_rows[] = {
	{ "0", 0, 0 },
	{ "4096", 0, 4096 },
	{ "64K", 0, 65536 },
	{ "64k", 0, 65536 },
	{ "32M", 0, UINT64_C(32) << 20 },
	{ "10G", 0, UINT64_C(10) << 30 },
	{ "10GiB", 0, UINT64_C(10) << 30 },
	{ "10GB", 0, UINT64_C(10) << 30 },
	{ "99999999999999G", -EINVAL, 7 },
	{ "10X", -EINVAL, 7 },
	{ "K", -EINVAL, 7 },
	{ "", -EINVAL, 7 },
	{ "-1", -EINVAL, 7 },
	{ "1.5G", -EINVAL, 7 },
	{ "1 G", -EINVAL, 7 },
	{ "1Gx", -EINVAL, 7 },
};

START_TEST(bytes_know_their_units)
{
	uint64_t got = 7;

	ck_assert_int_eq(text_bytes(bytes_rows[_i].text, &got),
	    bytes_rows[_i].err);
	ck_assert_uint_eq(got, bytes_rows[_i].want);
}
END_TEST

START_TEST(copy_cuts_and_ends)
{
	char small[4];

	text_copy(small, sizeof small, "abcdef");
	ck_assert_str_eq(small, "abc");
	text_copy(small, sizeof small, "");
	ck_assert_str_eq(small, "");
}
END_TEST

START_TEST(starts_and_ends)
{
	ck_assert(text_starts("dbfs:/x", "dbfs:"));
	ck_assert(!text_starts("db", "dbfs:"));
	ck_assert(text_ends("a.py", ".py"));
	ck_assert(!text_ends("py", ".py"));
	ck_assert(text_ends("", ""));
	ck_assert_ptr_null(text_dup(NULL));
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	bool want;
} utf8_rows[] = {
	{ "", 0, true },
	{ "plain", 5, true },
	{ "\xc3\xa4", 2, true },		 /* two bytes */
	{ "\xe6\x97\xa5", 3, true },		 /* three */
	{ "\xf0\x9f\x98\x80", 4, true },	 /* four */
	{ "\xc3", 1, false },			 /* cut */
	{ "\xe6\x97", 2, false },		 /* cut */
	{ "\x80", 1, false },			 /* no beginning */
	{ "\xc0\xaf", 2, false },		 /* too long for '/' */
	{ "\xe0\x80\xaf", 3, false },		 /* too long for '/' */
	{ "\xf0\x80\x80\xaf", 4, false },	 /* too long for '/' */
	{ "\xed\xa0\x80", 3, false },		 /* half a surrogate */
	{ "\xf4\x90\x80\x80", 4, false },	 /* beyond U+10FFFF */
	{ "\xff", 1, false },
	{ "a\0b", 3, false },			 /* NUL */
};

START_TEST(utf8_is_checked_as_the_standard_says)
{
	ck_assert_int_eq(text_is_utf8(utf8_rows[_i].text, utf8_rows[_i].len),
	    utf8_rows[_i].want);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(u64_takes_digits_and_nothing_else, u64_rows),
	UNIT_ROWS(i64_reaches_both_ends, i64_rows),
	UNIT_ROWS(octal_is_bounded, octal_rows),
	UNIT_ROWS(bytes_know_their_units, bytes_rows),
	UNIT(copy_cuts_and_ends),
	UNIT(starts_and_ends),
	UNIT_ROWS(utf8_is_checked_as_the_standard_says, utf8_rows),
};

UNIT_MAIN("text", tests)
