/* backend/hidden: names of our own on the server that no listing shows. */
#include <string.h>

#include "backend/hidden.h"
#include "tests/support/unit.h"

START_TEST(a_made_name_is_hidden_and_not_made_twice)
{
	char a[HIDDEN_NAME_BYTES], b[HIDDEN_NAME_BYTES];

	hidden_name(a);
	hidden_name(b);
	ck_assert(hidden_is(a));
	ck_assert(hidden_is(b));
	ck_assert_str_ne(a, b);
	ck_assert_uint_eq(strlen(a), 25);
}
END_TEST

static const char *const others[] = {
	"",
	".brickfs-",
	".brickfs-0123456789abcde",
	".brickfs-0123456789abcdef0",
	".brickfs-0123456789abcdeF",
	".brickfs-0123456789abcdeg",
	"brickfs-0123456789abcdef",
	"x.brickfs-0123456789abcdef",
};

START_TEST(names_of_users_are_not_hidden)
{
	ck_assert(!hidden_is(others[_i]));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_made_name_is_hidden_and_not_made_twice),
	UNIT_ROWS(names_of_users_are_not_hidden, others),
};

UNIT_MAIN("hidden", tests)
