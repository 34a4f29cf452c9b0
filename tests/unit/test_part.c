/* app/part: the SOURCE of the command line. */
#include <errno.h>
#include <string.h>

#include "app/part.h"
#include "tests/support/unit.h"

static const struct {
	const char *source;
	bool all;
	const char *path;
	const char *tree;
} good_rows[] = {
	{ NULL, true, NULL, NULL },
	{ "", true, NULL, NULL },
	{ "/", true, NULL, NULL },
	{ "none", true, NULL, NULL },
	{ "brickfs", true, NULL, NULL },
	{ "dbfs:/", false, "/", "dbfs" },
	{ "dbfs:", false, "/", "dbfs" },
	{ "/dbfs", false, "/", "dbfs" },
	{ "/dbfs/", false, "/", "dbfs" },
	{ "dbfs:/FileStore", false, "/FileStore", "dbfs" },
	{ "dbfs:/FileStore/", false, "/FileStore", "dbfs" },
	{ "/dbfs/FileStore", false, "/FileStore", "dbfs" },
	{ "dbfs://a///b//", false, "/a/b", "dbfs" },
	{ "dbfs:/a b,c", false, "/a b,c", "dbfs" },
	{ "dbfs:/..a/b..", false, "/..a/b..", "dbfs" },
	{ "/dbfs/dbfs", false, "/dbfs", "dbfs" },
	{ "/Workspace", false, "/", "Workspace" },
	{ "/Workspace/", false, "/", "Workspace" },
	{ "/Workspace/Users/me@x.com", false, "/Users/me@x.com", "Workspace" },
	{ "/Workspace//Workspace/a b", false, "/Workspace/a b", "Workspace" },
};

START_TEST(a_source_names_everything_or_a_path_in_a_tree)
{
	struct part part;
	struct buf words;

	buf_init(&words, BUF_LIMIT_TEXT);
	ck_assert_int_eq(part_parse(good_rows[_i].source, &part, &words), 0);
	ck_assert_int_eq(part.all, good_rows[_i].all);
	if (good_rows[_i].path == NULL)
		ck_assert_ptr_null(part.path);
	else
		ck_assert_str_eq(part.path, good_rows[_i].path);
	if (!part.all)
		ck_assert_str_eq(part.tree, good_rows[_i].tree);
	ck_assert_uint_gt(strlen(part.shown), 0);
	part_release(&part);
	buf_release(&words);
}
END_TEST

static const struct {
	const char *source;
	const char *words;
} bad_rows[] = {
	{ "nonsense:/x", "dbfs:/PATH" },
	{ "/dbfsx", "dbfs:/PATH" },
	{ "FileStore", "dbfs:/PATH" },
	{ "dbfs:FileStore", "dbfs:/FileStore" },
	{ "dbfs:/a/../b", ".." },
	{ "dbfs:/.", "'.'" },
	{ "dbfs:/\xff", "UTF-8" },
	{ "/Workspaces", "/Workspace/PATH" },
	{ "/Workspace/../x", ".." },
	{ "/Volumes/main/raw", "Volumes" },
};

START_TEST(anything_else_is_refused_in_words)
{
	struct part part;
	struct buf words;

	buf_init(&words, BUF_LIMIT_TEXT);
	ck_assert_int_eq(part_parse(bad_rows[_i].source, &part, &words),
	    -EINVAL);
	ck_assert_msg(strstr(buf_text(&words), bad_rows[_i].words) != NULL,
	    "'%s'", buf_text(&words));
	buf_release(&words);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_source_names_everything_or_a_path_in_a_tree, good_rows),
	UNIT_ROWS(anything_else_is_refused_in_words, bad_rows),
};

UNIT_MAIN("part", tests)
