/* cache/listing: what is in a directory. */
#include "config.h"

#include <string.h>

#include "cache/listing.h"
#include "tests/support/unit.h"

static struct listing l;

static struct entry *
named(const char *name, uint64_t size)
{
	struct version version = { .size = size };

	return entry_new(NULL, "dbfs", ENTRY_FILE, name, name, &version);
}

static void
append(const char *name, uint64_t size)
{
	struct entry *e = named(name, size);

	ck_assert_int_eq(listing_append(&l, e), 0);
	entry_unref(e);
}

static void
set(const char *name, uint64_t size)
{
	struct entry *e = named(name, size);

	ck_assert_int_eq(listing_set(&l, e), 0);
	entry_unref(e);
}

/* The names, in their order, each found where it is. */
static void
expect(const char *names)
{
	char got[256] = "";

	for (size_t i = 0; i < l.n; i++) {
		strcat(got, i > 0 ? " " : "");
		strcat(got, l.rows[i]->name);
		ck_assert_ptr_eq(listing_find(&l, l.rows[i]->name), l.rows[i]);
	}
	ck_assert_str_eq(got, names);
	ck_assert_ptr_null(listing_find(&l, "nobody"));
}

START_TEST(names_are_sorted_and_there_once)
{
	listing_sort(&l);
	expect("");
	append("b", 1);
	append("a", 1);
	append("b", 2);
	append("c", 1);
	append("a", 2);
	append("b", 3);
	listing_sort(&l);
	expect("a b c");
	listing_release(&l);
}
END_TEST

START_TEST(changes_keep_the_order)
{
	set("m", 1);
	set("z", 1);
	set("a", 1);
	expect("a m z");
	set("m", 2);
	expect("a m z");
	ck_assert_uint_eq(listing_find(&l, "m")->version.size, 2);
	listing_remove(&l, "b");
	listing_remove(&l, "z");
	listing_remove(&l, "a");
	expect("m");
	listing_remove(&l, "m");
	listing_remove(&l, "m");
	expect("");
	listing_release(&l);
}
END_TEST

START_TEST(an_empty_one_can_be_filled_again)
{
	char name[16];

	for (int round = 0; round < 2; round++) {
		for (int i = 99; i >= 0; i--) {
			snprintf(name, sizeof(name), "%02d", i);
			set(name, 1);
		}
		ck_assert_uint_eq(l.n, 100);
		ck_assert_str_eq(l.rows[0]->name, "00");
		ck_assert_str_eq(l.rows[99]->name, "99");
		listing_clear(&l);
		expect("");
	}
	listing_release(&l);
	ck_assert_uint_eq(l.cap, 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(names_are_sorted_and_there_once),
	UNIT(changes_keep_the_order),
	UNIT(an_empty_one_can_be_filled_again),
};

UNIT_MAIN("listing", tests)
