/* emu/dbpath, emu/walk: paths of clients, and their names on disk. */
#include <stdlib.h>
#include <string.h>

#include "emu/dbpath.h"
#include "emu/walk.h"
#include "tests/support/emu_root.h"
#include "tests/support/unit.h"

static const struct {
	const char *text;
	bool hadoop;
	enum dbpath_fault fault;
	const char *want;
} rows[] = {
	{ "/", false, DBPATH_GOOD, "/" },
	{ "///", false, DBPATH_GOOD, "/" },
	{ "/a", false, DBPATH_GOOD, "/a" },
	{ "/a//b/", false, DBPATH_GOOD, "/a/b" },
	{ "dbfs:/a", false, DBPATH_GOOD, "/a" },
	{ "dbfs:/", false, DBPATH_GOOD, "/" },
	{ "/...", false, DBPATH_GOOD, "/..." },
	{ "/.a/..b", false, DBPATH_GOOD, "/.a/..b" },
	{ "/a:b", false, DBPATH_GOOD, "/a:b" },
	{ "/a:b", true, DBPATH_NAME, NULL },
	{ "/a\nb", true, DBPATH_NAME, NULL },
	{ "/a\nb", false, DBPATH_GOOD, "/a\nb" },
	{ "", false, DBPATH_RELATIVE, NULL },
	{ "a/b", false, DBPATH_RELATIVE, NULL },
	{ "dbfs:a", false, DBPATH_RELATIVE, NULL },
	{ "/.", false, DBPATH_DOTS, NULL },
	{ "/a/../b", false, DBPATH_DOTS, NULL },
	{ "/a/..", false, DBPATH_DOTS, NULL },
	{ "/\xff", false, DBPATH_BYTES, NULL },
	{ "/\xc3\xbc", false, DBPATH_GOOD, "/\xc3\xbc" },
};

START_TEST(paths_become_canonical_or_are_faults)
{
	char *path;

	ck_assert_int_eq(dbpath_parse(rows[_i].text, rows[_i].hadoop, &path),
	    rows[_i].fault);
	if (rows[_i].want == NULL)
		ck_assert_ptr_null(path);
	else
		ck_assert_str_eq(path, rows[_i].want);
	free(path);
}
END_TEST

/* The path of count components of len bytes each. */
static enum dbpath_fault
fault_of(size_t count, size_t len)
{
	char text[16384], *path;
	enum dbpath_fault fault;
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		text[at] = '/';
		memset(text + at + 1, 'x', len);
		at += len + 1;
	}
	text[at] = '\0';
	fault = dbpath_parse(text, false, &path);
	ck_assert_int_eq(path != NULL, fault == DBPATH_GOOD);
	free(path);
	return fault;
}

START_TEST(paths_have_a_length)
{
	ck_assert_int_eq(fault_of(DBPATH_DEPTH_MAX, 1), DBPATH_GOOD);
	ck_assert_int_eq(fault_of(DBPATH_DEPTH_MAX + 1, 1), DBPATH_LONG);
	ck_assert_int_eq(fault_of(1, DBPATH_BYTES_MAX - 2), DBPATH_GOOD);
	ck_assert_int_eq(fault_of(1, DBPATH_BYTES_MAX - 1), DBPATH_LONG);
	ck_assert_int_eq(fault_of(4000, 1), DBPATH_LONG);
}
END_TEST

START_TEST(within_is_by_component)
{
	ck_assert(dbpath_within("/a/b", "/a"));
	ck_assert(dbpath_within("/a", "/a"));
	ck_assert(!dbpath_within("/ab", "/a"));
	ck_assert(dbpath_within("/ab", "/"));
	ck_assert_str_eq(dbpath_last("/a/b"), "b");
	ck_assert_str_eq(dbpath_last("/"), "");
}
END_TEST

START_TEST(every_name_has_its_own_name_on_disk)
{
	struct emu_root root;
	struct tree tree;
	char name[WALK_NAME_BYTES], other[WALK_NAME_BYTES], text[301], *back;

	emu_root_make(&root);
	tree = (struct tree){ .fd = -1, .names_fd = root.place->names_fd };
	walk_encode("plain", 5, name);
	ck_assert_str_eq(name, "plain");
	memset(text, 'x', 300);
	text[300] = '\0';
	walk_encode(text, 300, name);
	walk_encode(text, 299, other);
	ck_assert_str_ne(name, other);
	ck_assert_ptr_null(walk_decode(&tree, name));
	ck_assert_int_eq(walk_remember(&tree, text, 300), 0);
	back = walk_decode(&tree, name);
	ck_assert_str_eq(back, text);
	free(back);
	walk_encode(name, strlen(name), other); /* nobody can pose as it */
	ck_assert_str_ne(name, other);
	ck_assert_ptr_null(walk_decode(&tree, "no\xffutf8"));
	emu_root_remove(&root);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(paths_become_canonical_or_are_faults, rows),
	UNIT(paths_have_a_length),
	UNIT(within_is_by_component),
	UNIT(every_name_has_its_own_name_on_disk),
};

UNIT_MAIN("emu/dbpath", tests)
