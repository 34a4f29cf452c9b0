/* cache/entry: what a name resolved to. */
#include <string.h>

#include "cache/entry.h"
#include "tests/support/unit.h"

static const struct {
	struct version known, seen;
	bool want;
} version_rows[] = {
	/* Seen twice. */
	{ { 1000, 5, 0 }, { 1000, 5, 0 }, true },
	{ { 1000, 5, 0 }, { 1001, 5, 0 }, false },
	{ { 1000, 5, 0 }, { 1000, 6, 0 }, false },
	/* An upload of ours, not shown yet, and the same again. */
	{ { 100000, 5, 7 }, { 100000, 5, 7 }, true },
	{ { 100000, 5, 7 }, { 100000, 5, 8 }, false },
	/* What the service shows of it: its own clock, whole seconds. */
	{ { 100000, 5, 7 }, { 100000, 5, 0 }, true },
	{ { 100000, 5, 7 }, { 99000, 5, 0 }, true },
	{ { 100000, 5, 7 }, { 95000, 5, 0 }, true },
	{ { 100000, 5, 7 }, { 94999, 5, 0 }, false },
	{ { 100000, 5, 7 }, { 102000, 5, 0 }, true },
	{ { 100000, 5, 7 }, { 102001, 5, 0 }, false },
	{ { 100000, 5, 7 }, { 100000, 4, 0 }, false },
	/* An upload of ours is never what was known before it. */
	{ { 100000, 5, 0 }, { 100000, 5, 7 }, false },
};

START_TEST(versions_match)
{
	ck_assert_int_eq(version_matches(&version_rows[_i].known,
	    &version_rows[_i].seen), version_rows[_i].want);
}
END_TEST

static const struct {
	const char *name;
	bool ok;
} name_rows[] = {
	{ "a", true },
	{ ".a", true },
	{ "...", true },
	{ "a b", true },
	{ "\xc3\xa4\xff", true },
	{ "", false },
	{ ".", false },
	{ "..", false },
	{ "a/b", false },
	{ "/", false },
	{ "a\nb", false },
	{ "\x7f", false },
	{ "\x1b[2J", false },
};

START_TEST(only_file_names_are_shown)
{
	ck_assert_int_eq(entry_name_ok(name_rows[_i].name), name_rows[_i].ok);
}
END_TEST

START_TEST(a_name_has_at_most_255_bytes)
{
	char name[257];

	memset(name, 'x', sizeof(name));
	name[255] = '\0';
	ck_assert(entry_name_ok(name));
	name[255] = 'x';
	name[256] = '\0';
	ck_assert(!entry_name_ok(name));
}
END_TEST

START_TEST(a_moved_entry_keeps_all_but_its_place)
{
	struct version version = { 1, 2, 3 };
	struct entry *e, *m;

	e = entry_new(NULL, "dbfs", ENTRY_FILE, "/a", "a", &version);
	e->object_id = 9;
	e->mode = 0440;
	m = entry_moved(e, "/x/b", "b");
	entry_unref(e);
	ck_assert_str_eq(m->path, "/x/b");
	ck_assert_str_eq(m->name, "b");
	ck_assert_uint_eq(m->object_id, 9);
	ck_assert_uint_eq(m->mode, 0440);
	ck_assert_mem_eq(&m->version, &version, sizeof(version));
	entry_unref(entry_ref(m));
	entry_unref(m);
	entry_unref(NULL);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(versions_match, version_rows),
	UNIT_ROWS(only_file_names_are_shown, name_rows),
	UNIT(a_name_has_at_most_255_bytes),
	UNIT(a_moved_entry_keeps_all_but_its_place),
};

UNIT_MAIN("entry", tests)
