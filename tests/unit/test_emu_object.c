/* emu/object, emu/wspath: what a note says, and paths of the workspace. */
#include <errno.h>
#include <string.h>

#include "emu/object.h"
#include "emu/wspath.h"
#include "tests/support/unit.h"

START_TEST(what_is_written_is_read)
{
	struct object o, back;
	struct buf note;

	object_init(&o, "NOTEBOOK", 1751000000000);
	ck_assert_int_gt(o.id, INT64_C(9007199254740992));
	o.language = "SQL";
	o.format = "SOURCE";
	o.url = "https://example.com/a b%";
	buf_init(&note, BUF_LIMIT_TEXT);
	ck_assert_int_eq(object_write(&o, &note), 0);
	ck_assert_int_eq(object_read(buf_text(&note), &back), 0);
	ck_assert_int_eq(back.id, o.id);
	ck_assert_int_eq(back.created_ms, o.created_ms);
	ck_assert(object_is(&back, "NOTEBOOK"));
	ck_assert(!object_is(&back, "FILE"));
	ck_assert_str_eq(back.language, "SQL");
	ck_assert_str_eq(back.format, "SOURCE");
	ck_assert_str_eq(back.url, o.url);
	ck_assert_ptr_null(back.branch);
	object_release(&back);
	object_release(&o);
	buf_release(&note);
}
END_TEST

START_TEST(ids_differ)
{
	struct object a, b;

	object_init(&a, "FILE", 0);
	object_init(&b, "FILE", 0);
	ck_assert_int_ne(a.id, b.id);
}
END_TEST

static const char *const bad_notes[] = { "", "x", "{}", "{\"object_id\":5}",
	"{\"object_type\":\"FILE\"}",
	"{\"object_type\":\"FILE\",\"object_id\":\"5\"}" };

START_TEST(what_is_no_note_is_refused)
{
	struct object o;

	ck_assert_int_eq(object_read(NULL, &o), -EBADMSG);
	ck_assert_int_eq(object_read(bad_notes[_i], &o), -EBADMSG);
}
END_TEST

static const struct {
	const char *text, *path;
	bool alias;
} paths[] = {
	{ "/", "/", false },
	{ "/Workspace", "/", true },
	{ "/Workspace/", "/", true },
	{ "/Workspace/Users//x/", "/Users/x", true },
	{ "//Workspace/Users/x", "/Users/x", false },
	{ "/Workspaces/x", "/Workspaces/x", false },
	{ "/workspace/x", "/workspace/x", false },
	{ "/Users/Workspace", "/Users/Workspace", false },
};

START_TEST(the_alias_is_no_part_of_a_path)
{
	bool alias;
	char *path;

	ck_assert_int_eq(
	    wspath_parse(paths[_i].text, &path, &alias), DBPATH_GOOD);
	ck_assert_str_eq(path, paths[_i].path);
	ck_assert_int_eq(alias, paths[_i].alias);
	free(path);
}
END_TEST

START_TEST(what_is_no_path_is_refused)
{
	static const struct {
		const char *text;
		enum dbpath_fault fault;
	} bad[] = { { "x", DBPATH_RELATIVE }, { "", DBPATH_RELATIVE },
		{ "dbfs:/x", DBPATH_RELATIVE }, { "/a/../b", DBPATH_DOTS },
		{ "/\xff", DBPATH_BYTES } };
	bool alias;
	char *path;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_int_eq(
		    wspath_parse(bad[i].text, &path, &alias), bad[i].fault);
		ck_assert_ptr_null(path);
	}
}
END_TEST

START_TEST(some_places_are_not_ones_own)
{
	ck_assert(wspath_is_protected("/"));
	ck_assert(wspath_is_protected("/Users"));
	ck_assert(wspath_is_protected("/Users/me"));
	ck_assert(!wspath_is_protected("/Users/me/x"));
	ck_assert(wspath_is_protected("/Shared"));
	ck_assert(!wspath_is_protected("/Shared/x"));
	ck_assert(!wspath_is_repo("/Repos/me"));
	ck_assert(wspath_is_repo("/Repos/me/x"));
	ck_assert(!wspath_is_repo("/Repos/me/x/y"));
	ck_assert(!wspath_is_repo("/Users/me/x"));
	ck_assert(wspath_has_git("/a/.git"));
	ck_assert(wspath_has_git("/a/.git/b"));
	ck_assert(!wspath_has_git("/a/.github/.gitx"));
	ck_assert(wspath_has_git("/.gitx/.git"));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_is_written_is_read),
	UNIT(ids_differ),
	UNIT_ROWS(what_is_no_note_is_refused, bad_notes),
	UNIT_ROWS(the_alias_is_no_part_of_a_path, paths),
	UNIT(what_is_no_path_is_refused),
	UNIT(some_places_are_not_ones_own),
};

UNIT_MAIN("emu/object", tests)
