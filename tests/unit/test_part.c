/* app/part: the SOURCE of the command line. */
#include <errno.h>
#include <string.h>

#include "app/part.h"
#include "tests/support/unit.h"

static const struct {
	const char *source;
	bool all;
	const char *path;
} good_rows[] = {
	{ NULL, true, NULL },
	{ "", true, NULL },
	{ "/", true, NULL },
	{ "none", true, NULL },
	{ "brickfs", true, NULL },
	{ "dbfs:/", false, "/" },
	{ "dbfs:", false, "/" },
	{ "/dbfs", false, "/" },
	{ "/dbfs/", false, "/" },
	{ "dbfs:/FileStore", false, "/FileStore" },
	{ "dbfs:/FileStore/", false, "/FileStore" },
	{ "/dbfs/FileStore", false, "/FileStore" },
	{ "dbfs://a///b//", false, "/a/b" },
	{ "dbfs:/a b,c", false, "/a b,c" },
	{ "dbfs:/..a/b..", false, "/..a/b.." },
	{ "/dbfs/dbfs", false, "/dbfs" },
};

START_TEST(a_source_names_everything_or_a_path_in_dbfs)
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
	{ "/Workspace", "DBFS only" },
	{ "/Workspace/Users/me@x.com", "Workspace" },
	{ "/Volumes/main/raw", "DBFS only" },
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
	UNIT_ROWS(a_source_names_everything_or_a_path_in_dbfs, good_rows),
	UNIT_ROWS(anything_else_is_refused_in_words, bad_rows),
};

UNIT_MAIN("part", tests)
