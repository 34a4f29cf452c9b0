/* base/buf: growable bytes with a limit. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "tests/support/unit.h"

START_TEST(text_is_always_ended)
{
	struct buf b;

	buf_init(&b, 100);
	ck_assert_str_eq(buf_text(&b), "");
	ck_assert_int_eq(buf_puts(&b, "one "), 0);
	ck_assert_int_eq(buf_printf(&b, "%d %s", 2, "three"), 0);
	ck_assert_str_eq(buf_text(&b), "one 2 three");
	ck_assert_uint_eq(b.len, 11);
	buf_clear(&b);
	ck_assert_str_eq(buf_text(&b), "");
	buf_release(&b);
}
END_TEST

START_TEST(beyond_the_limit_nothing_changes)
{
	struct buf b;

	buf_init(&b, 5);
	ck_assert_int_eq(buf_append(&b, "12345", 5), 0);
	ck_assert_int_eq(buf_append(&b, "6", 1), -EFBIG);
	ck_assert_int_eq(buf_printf(&b, "%s", "longer than the limit"), -EFBIG);
	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX), -EFBIG);
	ck_assert_str_eq(buf_text(&b), "12345");
	buf_release(&b);
}
END_TEST

START_TEST(bytes_may_be_any)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 70000; i++) {
		unsigned char byte = (unsigned char)i;

		ck_assert_int_eq(buf_append(&b, &byte, 1), 0);
	}
	ck_assert_uint_eq(b.len, 70000);
	for (int i = 0; i < 70000; i++)
		ck_assert_uint_eq((unsigned char)b.data[i], (unsigned char)i);
	buf_release(&b);
}
END_TEST

START_TEST(take_leaves_it_empty_and_usable)
{
	struct buf b;

	buf_init(&b, 100);
	ck_assert_int_eq(buf_puts(&b, "mine"), 0);

	char *mine = buf_take(&b);

	ck_assert_str_eq(mine, "mine");
	free(mine);
	ck_assert_uint_eq(b.len, 0);
	mine = buf_take(&b);
	ck_assert_str_eq(mine, "");
	free(mine);
	ck_assert_int_eq(buf_puts(&b, "again"), 0);
	ck_assert_str_eq(buf_text(&b), "again");
	buf_release(&b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(text_is_always_ended),
	UNIT(beyond_the_limit_nothing_changes),
	UNIT(bytes_may_be_any),
	UNIT(take_leaves_it_empty_and_usable),
};

UNIT_MAIN("buf", tests)
