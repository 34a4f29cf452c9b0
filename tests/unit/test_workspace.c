/* backend/workspace on a server that follows a script: sequences whose order matters. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/workspace.h"
#include "base/text.h"
#include "tests/support/rest_on_script.h"
#include "tests/support/unit.h"

#define HEADER "# Databricks notebook source\n"
#define SOURCE HEADER "x = 1\n"

/* --- what the service says --------------------------------------------------------- */

#define OK OK_JSON("{}")
#define TAKEN ANSWER("400 No", "", "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\"," \
	"\"message\":\"Path already exists.\"}")
#define MISSING ANSWER("404 No", "", "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\"," \
	"\"message\":\"It doesn't exist.\"}")
#define NO_CALL ANSWER("404 No", "", "{\"error_code\":\"ENDPOINT_NOT_FOUND\"}")
#define BROKEN ANSWER("400 No", "", "{\"error_code\":\"IO_ERROR\",\"message\":\"No.\"}")
#define NOTEBOOK_ROW(path, language, id, ms) "{\"object_type\":\"NOTEBOOK\",\"path\":\"" \
	path "\",\"language\":\"" language "\",\"object_id\":" #id ",\"modified_at\":" #ms \
	",\"repos_export_format\":\"SOURCE\"}"
#define FILE_ROW(path, id, ms, size) "{\"object_type\":\"FILE\",\"path\":\"" path \
	"\",\"object_id\":" #id ",\"modified_at\":" #ms ",\"size\":" #size "}"
#define NOTEBOOK(path, language, id, ms) OK_JSON(NOTEBOOK_ROW(path, language, id, ms))
#define FILE_OF(path, id, ms, size) OK_JSON(FILE_ROW(path, id, ms, size))
/* SOURCE without its last newline, as the service gives it; and "text". */
#define EXPORT_SOURCE OK_JSON("{\"content\":\"IyBEYXRhYnJpY2tzIG5vdGVib29rIHNvdXJjZQp4ID0gMQ==\"}")
#define EXPORT_TEXT OK_JSON("{\"content\":\"dGV4dA==\"}")

static struct backend *backend;
static struct entry *dir, *out;

#define BEGIN(steps) begin(steps, ARRAY_LEN(steps))

static void
begin(const struct script_step *steps, size_t n)
{
	struct workspace_config config = { .base_url = "http://x",
		.org_id = "1" };

	rest_begin(steps, n);
	config.rest = rest;
	ck_assert_int_eq(workspace_new(&config, &backend), 0);
	dir = entry_new(backend, "Workspace", ENTRY_DIR, "/d", "d", NULL);
	dir->form = WS_DIRECTORY;
	out = NULL;
}

static void
finish(void)
{
	entry_unref(out);
	entry_unref(dir);
	workspace_free(backend);
	rest_end();
}

/* The value of a field of a form; "" when there is none. */
static void
field_of(const char *request, const char *name, char *value, size_t bytes)
{
	char pattern[64];
	const char *at, *end;

	value[0] = '\0';
	(void)snprintf(pattern, sizeof(pattern), "form-data; name=\"%s\"", name);
	at = strstr(request, pattern);
	at = at != NULL ? strstr(at, "\r\n\r\n") : NULL;
	end = at != NULL ? strstr(at + 4, "\r\n--") : NULL;
	if (end != NULL)
		(void)snprintf(value, bytes, "%.*s", (int)(end - at - 4), at + 4);
}

/* "import /d/x SOURCE PYTHON over", "get-status /d/x", "rename /d/x /d/y" */
static void
summary_of(const char *request, char *text, size_t bytes)
{
	const char *verb = strstr(request, "/workspace/") + 11;
	size_t len = strcspn(verb, "? ");
	char a[128] = "", b[64] = "", c[64] = "", d[64] = "";
	const char *body = strstr(request, "\r\n\r\n") + 4;

	if (strncmp(verb, "import", 6) == 0) {
		field_of(request, "path", a, sizeof(a));
		field_of(request, "format", b, sizeof(b));
		field_of(request, "language", c, sizeof(c));
		field_of(request, "overwrite", d, sizeof(d));
		(void)snprintf(text, bytes, "import %s %s %s%s%s", a, b, c,
		    c[0] != '\0' ? " " : "",
		    strcmp(d, "true") == 0 ? "over" : "new");
	} else if (verb[len] == '?') {
		size_t n = 0;

		for (const char *p = strstr(verb, "path=") + 5;
		     *p != '&' && *p != ' '; p++) {
			bool slash = strncmp(p, "%2F", 3) == 0;

			a[n++] = slash ? '/' : *p;
			p += slash ? 2 : 0;
		}
		(void)snprintf(text, bytes, "%.*s %s", (int)len, verb, a);
	} else {
		(void)sscanf(body, "{\"%*[^\"]\":\"%127[^\"]\",\"%*[^\"]\":\"%63[^\"]",
		    a, b);
		(void)snprintf(text, bytes, "%.*s %s%s%s", (int)len, verb, a,
		    b[0] != '\0' ? " " : "", b);
	}
}

/* All requests, each followed by "; ". */
static void
expect_requests(const char *want)
{
	char all[2048] = "", one[512];

	script_stop(server);
	for (unsigned i = 0; i < server->n_requests; i++) {
		size_t used = strlen(all);

		summary_of(server->requests[i], one, sizeof(one));
		(void)snprintf(all + used, sizeof(all) - used, "%s; ", one);
	}
	ck_assert_str_eq(all, want);
}

static struct entry *
entry(unsigned form, const char *path, uint64_t id, int64_t mtime_ms,
    uint64_t size)
{
	const struct version version = { mtime_ms, size, 0 };
	struct entry *e = entry_new(backend, "Workspace", ENTRY_FILE, path,
	    strrchr(path, '/') + 1, &version);

	ck_assert_ptr_nonnull(e);
	e->form = (uint8_t)form;
	e->object_id = id;
	return e;
}

static ssize_t
read_text(void *ctx, struct call *c, uint64_t off, void *dst, size_t len)
{
	const char *text = ctx;
	size_t n = strlen(text) - (size_t)off;

	(void)c;
	n = n < len ? n : len;
	memcpy(dst, text + off, n);
	return (ssize_t)n;
}

static int
put(const char *name, struct entry *old, const char *text)
{
	const struct put p = { .dir = dir, .name = name, .old = old,
		.size = strlen(text),
		.content = { .read = read_text, .ctx = (void *)(uintptr_t)text } };
	int ret = backend->ops->put(backend, &call, &p, &out);

	entry_unref(old);
	return ret;
}

static int
give_name(struct entry *e, const char *name, struct entry *target)
{
	int ret = backend->ops->rename(backend, &call, e, dir, name, target,
	    &out);

	if (ret < 0)
		ck_assert_ptr_null(out);
	entry_unref(e);
	entry_unref(target);
	return ret;
}

static void
expect_out(unsigned form, const char *path, uint64_t id, int64_t mtime_ms,
    uint64_t size)
{
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(out->form, form);
	ck_assert_str_eq(out->path, path);
	ck_assert_str_eq(out->name, strrchr(path, '/') + 1);
	ck_assert_uint_eq(out->object_id, id);
	ck_assert_int_eq(out->version.mtime_ms, mtime_ms);
	ck_assert_uint_eq(out->version.size, size);
}

/* --- put --------------------------------------------------------------------------- */

START_TEST(a_notebook_stays_one)
{
	static const struct script_step steps[] = { OK,
		NOTEBOOK("/d/x", "PYTHON", 7, 2000) };

	BEGIN(steps);
	/* Whatever it begins with. */
	ck_assert_int_eq(put("x.py", entry(WS_PYTHON, "/d/x.py", 7, 1000, 5),
			     "x = 1\n"), 0);
	expect_out(WS_PYTHON, "/d/x.py", 7, 2000, 6);
	expect_requests("import /d/x SOURCE PYTHON over; get-status /d/x; ");
	finish();
}
END_TEST

static const struct {
	const char *name, *text;
	unsigned form;
	const char *requests;
} news[] = {
	{ "x.py", SOURCE, WS_PYTHON, "import /d/x SOURCE PYTHON new;"
	  " get-status /d/x; " },
	{ "x.py", "x = 1\n", WS_FILE, "import /d/x.py AUTO new;"
	  " get-status /d/x.py; " },
	{ "x.txt", SOURCE, WS_FILE, "import /d/x.txt AUTO new;"
	  " get-status /d/x.txt; " },
	{ "x.sql", SOURCE, WS_FILE, "import /d/x.sql RAW new;"
	  " get-status /d/x.sql; " },
};

START_TEST(a_new_name_becomes_what_its_content_says)
{
	static const struct script_step notebook[] = { OK,
		NOTEBOOK("/d/x", "PYTHON", 7, 2000) };
	struct script_step file[] = { OK, FILE_OF("/d/x", 7, 2000, 35) };

	if (news[_i].form == WS_FILE && strlen(news[_i].text) == 6)
		file[1] = (struct script_step)FILE_OF("/d/x", 7, 2000, 6);
	if (news[_i].form == WS_PYTHON)
		BEGIN(notebook);
	else
		BEGIN(file);
	ck_assert_int_eq(put(news[_i].name, NULL, news[_i].text), 0);
	ck_assert_uint_eq(out->form, news[_i].form);
	ck_assert_uint_eq(out->version.size, strlen(news[_i].text));
	expect_requests(news[_i].requests);
	finish();
}
END_TEST

/* It goes first: nothing is lost with it, and no moment shows both. */
START_TEST(an_empty_file_may_become_a_notebook)
{
	static const struct script_step steps[] = { MISSING, OK, OK,
		NOTEBOOK("/d/x", "PYTHON", 8, 2000) };

	BEGIN(steps);
	ck_assert_int_eq(put("x.py", entry(WS_FILE, "/d/x.py", 7, 1000, 0),
			     SOURCE), 0);
	expect_out(WS_PYTHON, "/d/x.py", 8, 2000, strlen(SOURCE));
	expect_requests("get-status /d/x; delete /d/x.py;"
	    " import /d/x SOURCE PYTHON new; get-status /d/x; ");
	finish();
}
END_TEST

/* Whoever calls it looks whether that is ours, with the file gone. */
START_TEST(a_notebook_in_place_of_a_file_may_be_ours)
{
	static const struct script_step steps[] = { MISSING, OK, LOST, TAKEN };

	BEGIN(steps);
	ck_assert_int_eq(put("x.py", entry(WS_FILE, "/d/x.py", 7, 1000, 0),
			     SOURCE), -EEXIST);
	ck_assert_ptr_null(out);
	expect_requests("get-status /d/x; delete /d/x.py;"
	    " import /d/x SOURCE PYTHON new; import /d/x SOURCE PYTHON new; ");
	finish();
}
END_TEST

/* Then it cannot become one: it stays a file. */
START_TEST(an_empty_file_beside_a_notebook_stays_a_file)
{
	static const struct script_step steps[] = {
		NOTEBOOK("/d/x", "PYTHON", 8, 1000), OK,
		FILE_OF("/d/x.py", 7, 2000, 35) };

	BEGIN(steps);
	ck_assert_int_eq(put("x.py", entry(WS_FILE, "/d/x.py", 7, 1000, 0),
			     SOURCE), 0);
	expect_out(WS_FILE, "/d/x.py", 7, 2000, strlen(SOURCE));
	expect_requests("get-status /d/x; import /d/x.py RAW over;"
	    " get-status /d/x.py; ");
	finish();
}
END_TEST

START_TEST(a_name_that_is_taken_is_taken)
{
	static const struct script_step steps[] = { TAKEN, LOST, TAKEN };

	BEGIN(steps);
	ck_assert_int_eq(put("x.py", NULL, SOURCE), -EEXIST);
	ck_assert_ptr_null(out);
	/* Perhaps by these bytes: whoever calls it looks. */
	ck_assert_int_eq(put("x.py", NULL, SOURCE), -EEXIST);
	ck_assert_ptr_null(out);
	expect_requests("import /d/x SOURCE PYTHON new;"
	    " import /d/x SOURCE PYTHON new; import /d/x SOURCE PYTHON new; ");
	finish();
}
END_TEST

START_TEST(what_cannot_be_looked_at_was_taken)
{
	static const struct script_step steps[] = {
		ANSWER("200 OK", "Date: Wed, 01 Jul 2026 00:00:00 GMT\r\n",
		    "{}"), BROKEN };

	BEGIN(steps);
	ck_assert_int_eq(put("x.py", entry(WS_PYTHON, "/d/x.py", 7, 1000, 5),
			     SOURCE), 0);
	expect_out(WS_PYTHON, "/d/x.py", 7, INT64_C(1782864000000),
	    strlen(SOURCE));
	ck_assert_uint_ne(out->version.gen, 0);
	finish();
}
END_TEST

START_TEST(a_file_that_became_something_else_is_an_error_with_its_version)
{
	static const struct script_step steps[] = { OK,
		NOTEBOOK("/d/x.py", "PYTHON", 7, 2000), OK,
		FILE_OF("/d/x.py", 7, 3000, 9) };

	BEGIN(steps);
	ck_assert_int_eq(put("x.py", entry(WS_FILE, "/d/x.py", 7, 1000, 5),
			     "text"), -EIO);
	ck_assert_ptr_nonnull(out);
	ck_assert_str_ne(call.words, "");
	entry_unref(out);
	out = NULL;
	ck_assert_int_eq(put("x.py", entry(WS_FILE, "/d/x.py", 7, 1000, 5),
			     "text"), -EIO);
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(out->version.size, 9);
	finish();
}
END_TEST

START_TEST(other_objects_are_not_written)
{
	BEGIN(((const struct script_step[]){ OK }));
	ck_assert_int_eq(put("x", entry(WS_OBJECT, "/d/x", 7, 1000, 5), "text"),
	    -EPERM);
	expect_requests("");
	finish();
}
END_TEST

/* --- rename ------------------------------------------------------------------------ */

START_TEST(a_notebook_keeps_its_object)
{
	static const struct script_step steps[] = { OK };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 5),
			     "y.py", NULL), 0);
	expect_out(WS_PYTHON, "/d/y.py", 7, 1000, 5);
	expect_requests("rename /d/x /d/y; ");
	finish();
}
END_TEST

START_TEST(a_rename_whose_answer_was_lost_is_looked_for)
{
	static const struct script_step steps[] = {
		LOST, MISSING, NOTEBOOK("/d/y", "PYTHON", 7, 1000),
		LOST, NOTEBOOK("/d/x", "PYTHON", 7, 1000),
		LOST, MISSING, MISSING,
	};

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 5),
			     "y.py", NULL), 0);
	entry_unref(out);
	out = NULL;
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000,
			5), "y.py", NULL), -EIO);
	expect_requests("rename /d/x /d/y; get-status /d/x; get-status /d/y;"
	    " rename /d/x /d/y; get-status /d/x;"
	    " rename /d/x /d/y; get-status /d/x; get-status /d/y; ");
	finish();
}
END_TEST

START_TEST(without_a_rename_it_is_copied)
{
	static const struct script_step steps[] = { NO_CALL,
		NOTEBOOK("/d/x", "PYTHON", 7, 1000), EXPORT_SOURCE, OK,
		NOTEBOOK("/d/y", "PYTHON", 8, 2000), OK };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     "y.py", NULL), 0);
	expect_out(WS_PYTHON, "/d/y.py", 8, 2000, strlen(SOURCE));
	expect_requests("rename /d/x /d/y; get-status /d/x; export /d/x;"
	    " import /d/y SOURCE PYTHON new; get-status /d/y; delete /d/x; ");
	finish();
}
END_TEST

/* The copy was made all the same. */
START_TEST(a_copy_whose_answer_was_lost_is_recognised)
{
	static const struct script_step notebook[] = { NO_CALL,
		NOTEBOOK("/d/x", "PYTHON", 7, 1000), EXPORT_SOURCE, LOST, TAKEN,
		MISSING, NOTEBOOK("/d/y", "PYTHON", 8, 2000), EXPORT_SOURCE,
		OK, NOTEBOOK("/d/y", "PYTHON", 8, 2000), OK };
	static const struct script_step file[] = { NO_CALL,
		FILE_OF("/d/x", 7, 1000, 4), EXPORT_TEXT, LOST, TAKEN,
		FILE_OF("/d/y", 8, 2000, 4), EXPORT_TEXT, OK,
		FILE_OF("/d/y", 8, 2000, 4), OK };

	if (_i == 0)
		BEGIN(notebook);
	else
		BEGIN(file);
	if (_i == 0)
		ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000,
			35), "y.py", NULL), 0);
	else
		ck_assert_int_eq(give_name(entry(WS_FILE, "/d/x", 7, 1000, 4),
			"y", NULL), 0);
	ck_assert_uint_eq(out->object_id, 8);
	ck_assert_uint_eq(server->n_requests,
	    _i == 0 ? ARRAY_LEN(notebook) : ARRAY_LEN(file));
	finish();
}
END_TEST

/* Others saved it since it was seen: their version would go with the old name. */
START_TEST(what_others_saved_is_not_lost_with_a_copy)
{
	static const struct script_step steps[] = { NO_CALL,
		NOTEBOOK("/d/x", "PYTHON", 7, 1001) };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     "y.py", NULL), -ESTALE);
	expect_requests("rename /d/x /d/y; get-status /d/x; ");
	finish();
}
END_TEST

START_TEST(a_copy_that_fails_leaves_the_old_one)
{
	static const struct script_step steps[] = { NO_CALL,
		NOTEBOOK("/d/x", "PYTHON", 7, 1000), EXPORT_SOURCE, BROKEN,
		NO_CALL, NOTEBOOK("/d/x", "PYTHON", 7, 1000), TAKEN, MISSING,
		NOTEBOOK("/d/y", "PYTHON", 8, 1000), EXPORT_TEXT };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     "y.py", NULL), -EIO);
	/* The content is still at hand. */
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     "y.py", NULL), -EEXIST);
	finish();
}
END_TEST

START_TEST(a_directory_is_not_copied)
{
	static const struct script_step steps[] = { NO_CALL };
	struct entry *e;

	BEGIN(steps);
	e = entry_new(backend, "Workspace", ENTRY_DIR, "/d/a", "a", NULL);
	e->form = WS_DIRECTORY;
	ck_assert_int_eq(give_name(e, "b", NULL), -EXDEV);
	expect_requests("rename /d/a /d/b; ");
	finish();
}
END_TEST

START_TEST(another_extension_is_another_language)
{
	static const struct script_step steps[] = { EXPORT_SOURCE, OK, OK,
		NOTEBOOK("/d/y", "SQL", 7, 2000) };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     "y.sql", NULL), 0);
	ck_assert_uint_eq(out->form, WS_SQL);
	ck_assert_uint_eq(out->object_id, 7);
	expect_requests("export /d/x; rename /d/x /d/y;"
	    " import /d/y SOURCE SQL over; get-status /d/y; ");
	finish();
}
END_TEST

START_TEST(the_same_stored_name_needs_no_rename)
{
	static const struct script_step steps[] = { EXPORT_SOURCE, OK,
		NOTEBOOK("/d/x", "SQL", 7, 2000) };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     "x.sql", NULL), 0);
	expect_requests("export /d/x; import /d/x SOURCE SQL over;"
	    " get-status /d/x; ");
	finish();
}
END_TEST

/* It was renamed, and cannot be written. */
START_TEST(a_change_of_language_that_fails_is_undone)
{
	static const struct script_step steps[] = { EXPORT_SOURCE, OK, BROKEN,
		OK };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     "y.sql", NULL), -EIO);
	expect_requests("export /d/x; rename /d/x /d/y;"
	    " import /d/y SOURCE SQL over; rename /d/y /d/x; ");
	finish();
}
END_TEST

/* The service says that it has made something else of it. */
START_TEST(a_change_of_language_that_went_wrong_gives_no_entry)
{
	static const struct script_step steps[] = { EXPORT_SOURCE, OK,
		FILE_OF("/d/x", 7, 2000, 5) };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     "x.sql", NULL), -EIO);
	finish();
}
END_TEST

/* There must be a text before anything is changed. */
START_TEST(what_cannot_be_read_is_not_moved)
{
	static const struct script_step steps[] = {
		ANSWER("403 No", "", "{\"error_code\":\"PERMISSION_DENIED\"}") };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     "y.sql", NULL), -EACCES);
	expect_requests("export /d/x; ");
	finish();
}
END_TEST

START_TEST(a_target_is_overwritten)
{
	static const struct script_step steps[] = {
		FILE_OF("/d/tmp", 7, 1000, 4), EXPORT_TEXT, OK,
		NOTEBOOK("/d/x", "PYTHON", 8, 2000), OK };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_FILE, "/d/tmp", 7, 1000, 4),
			     "x.py", entry(WS_PYTHON, "/d/x.py", 8, 1000, 9)), 0);
	expect_out(WS_PYTHON, "/d/x.py", 8, 2000, 4);
	expect_requests("get-status /d/tmp; export /d/tmp;"
	    " import /d/x SOURCE PYTHON over; get-status /d/x;"
	    " delete /d/tmp; ");
	finish();
}
END_TEST

/* A dashboard is more than what can be read of it. */
START_TEST(other_objects_replace_nothing)
{
	static const struct script_step steps[] = { OK };

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_OBJECT, "/d/board", 7, 1000, 4),
			     "f", entry(WS_FILE, "/d/f", 8, 1000, 9)), -EPERM);
	ck_assert_uint_eq(server->n_requests, 0);
	ck_assert_int_eq(give_name(entry(WS_OBJECT, "/d/board", 7, 1000, 4),
			     "other", NULL), 0);
	expect_requests("rename /d/board /d/other; ");
	finish();
}
END_TEST

START_TEST(a_hidden_notebook_goes_and_comes_back_as_it_is)
{
	static const struct script_step steps[] = { OK, OK };
	struct entry *hidden;

	BEGIN(steps);
	ck_assert_int_eq(give_name(entry(WS_PYTHON, "/d/x.py", 7, 1000, 35),
			     ".brickfs-0123456789abcdef", NULL), 0);
	ck_assert_uint_eq(out->form, WS_HIDDEN);
	hidden = out;
	out = NULL;
	ck_assert_int_eq(give_name(hidden, "x.py", NULL), 0);
	expect_out(WS_PYTHON, "/d/x.py", 7, 1000, 35);
	expect_requests("rename /d/x /d/.brickfs-0123456789abcdef;"
	    " rename /d/.brickfs-0123456789abcdef /d/x; ");
	finish();
}
END_TEST

/* --- reading ----------------------------------------------------------------------- */

START_TEST(a_content_is_of_its_version)
{
	static const struct script_step steps[] = { EXPORT_TEXT };
	struct entry *e, *longer;
	char bytes[8];

	BEGIN(steps);
	e = entry(WS_FILE, "/d/f", 7, 1000, 4);
	longer = entry(WS_FILE, "/d/f", 7, 1000, 5);
	ck_assert_int_eq(backend->ops->read(backend, &call, e, 1, bytes, 8), 3);
	ck_assert_mem_eq(bytes, "ext", 3);
	ck_assert_int_eq(backend->ops->read(backend, &call, e, 4, bytes, 8), 0);
	ck_assert_int_eq(backend->ops->read(backend, &call, longer, 0, bytes, 8),
	    -ESTALE);
	entry_unref(longer);
	entry_unref(e);
	expect_requests("export /d/f; ");
	finish();
}
END_TEST

/* --- files that are not exported ---------------------------------------------------- */

#define LARGE ((uint64_t)11 << 20)

static int
read_large(const char *path, uint64_t id)
{
	struct entry *e = entry(WS_FILE, path, id, 1000, LARGE);
	char bytes[4];
	int ret = (int)backend->ops->read(backend, &call, e, 0, bytes, 4);

	if (ret == 4)
		ck_assert_mem_eq(bytes, "text", 4);
	entry_unref(e);
	return ret;
}

START_TEST(one_file_that_is_forbidden_says_nothing_of_others)
{
	static const struct script_step steps[] = {
		ANSWER("403 No", "", "{\"error_code\":\"PERMISSION_DENIED\"}"),
		NO_CALL };

	BEGIN(steps);
	ck_assert_int_eq(read_large("/d/f", 7), -EACCES);
	ck_assert_int_eq(read_large("/d/g", 8), -EFBIG);
	/* There is no such call: it is not asked again. */
	ck_assert_int_eq(read_large("/d/h", 9), -EFBIG);
	ck_assert_uint_eq(server->n_requests, 2);
	finish();
}
END_TEST

#define PIECE { .send = "HTTP/1.1 206 Some\r\nContent-Length: 4\r\n" \
	"Connection: close\r\n\r\ntext", .end = SCRIPT_CLOSE }

static char signed_answer[512];

static void
begin_signed(const struct script_step *steps, size_t n)
{
	begin(steps, n);
	(void)snprintf(signed_answer, sizeof(signed_answer), "HTTP/1.1 200 OK\r\n"
	    "Content-Type: application/json\r\nConnection: close\r\n\r\n"
	    "{\"wsfs_object_info\":{\"signed_url\":{\"url\":\"%s/store\","
	    "\"headers\":{\"x-a\":\"b\"}}}}", server->url);
}

START_TEST(a_signed_url_is_of_one_object)
{
	static const struct script_step shared[] = {
		{ .send = signed_answer, .end = SCRIPT_CLOSE }, PIECE, PIECE };
	static const struct script_step unknown[] = {
		{ .send = signed_answer, .end = SCRIPT_CLOSE }, PIECE,
		{ .send = signed_answer, .end = SCRIPT_CLOSE }, PIECE };

	begin_signed(shared, ARRAY_LEN(shared));
	ck_assert_int_eq(read_large("/d/f", 7), 4);
	ck_assert_int_eq(read_large("/d/f", 7), 4);
	ck_assert_uint_eq(server->n_requests, 3);
	script_stop(server);
	ck_assert_ptr_nonnull(strstr(server->requests[1], "GET /store "));
	ck_assert_ptr_nonnull(strstr(server->requests[1],
	    "\r\nRange: bytes=0-3\r\n"));
	ck_assert_ptr_nonnull(strstr(server->requests[1], "\r\nx-a: b\r\n"));
	ck_assert_ptr_null(strcasestr(server->requests[1], "Authorization"));
	finish();
	begin_signed(unknown, ARRAY_LEN(unknown));
	/* Without an id nobody knows whether it is the same. */
	ck_assert_int_eq(read_large("/d/f", 0), 4);
	ck_assert_int_eq(read_large("/d/g", 0), 4);
	ck_assert_uint_eq(server->n_requests, 4);
	finish();
}
END_TEST

START_TEST(a_notebook_is_measured_once)
{
	static const struct script_step steps[] = { EXPORT_SOURCE,
		NOTEBOOK("/d/x", "PYTHON", 7, 1000) };
	struct entry *e;

	BEGIN(steps);
	e = entry(WS_PYTHON, "/d/x.py", 7, 1000, VERSION_NO_SIZE);
	ck_assert_int_eq(backend->ops->measure(backend, &call, e, &out), 0);
	expect_out(WS_PYTHON, "/d/x.py", 7, 1000, strlen(SOURCE));
	entry_unref(out);
	out = NULL;
	ck_assert_int_eq(backend->ops->refresh(backend, &call, e, &out), 0);
	expect_out(WS_PYTHON, "/d/x.py", 7, 1000, strlen(SOURCE));
	entry_unref(e);
	expect_requests("export /d/x; get-status /d/x; ");
	finish();
}
END_TEST

/* --- names ------------------------------------------------------------------------- */

START_TEST(a_name_may_be_a_notebook)
{
	static const struct script_step steps[] = {
		MISSING, NOTEBOOK("/d/x", "PYTHON", 7, 1000),
		MISSING, NOTEBOOK("/d/x", "PYTHON", 7, 1000),
		MISSING,
		FILE_OF("/d/x.py", 8, 1000, 4),
	};

	BEGIN(steps);
	ck_assert_int_eq(backend->ops->lookup(backend, &call, dir, "x.py", &out),
	    0);
	expect_out(WS_PYTHON, "/d/x.py", 7, 1000, VERSION_NO_SIZE);
	entry_unref(out);
	out = NULL;
	ck_assert_int_eq(backend->ops->lookup(backend, &call, dir, "x.sql",
			     &out), -ENOENT);
	ck_assert_int_eq(backend->ops->lookup(backend, &call, dir, "x", &out),
	    -ENOENT);
	ck_assert_int_eq(backend->ops->lookup(backend, &call, dir, "x.py", &out),
	    0);
	expect_out(WS_FILE, "/d/x.py", 8, 1000, 4);
	expect_requests("get-status /d/x.py; get-status /d/x; get-status"
	    " /d/x.sql; get-status /d/x; get-status /d/x; get-status /d/x.py; ");
	finish();
}
END_TEST

static int
note(void *ctx, struct entry *e)
{
	char *names = ctx;
	size_t used = strlen(names);

	(void)snprintf(names + used, 256 - used, "%s ", e->name);
	return 0;
}

START_TEST(a_folder_shows_each_object_once)
{
	static const struct script_step steps[] = {
		OK_JSON("{\"objects\":["
		    NOTEBOOK_ROW("/Workspace/d/a", "SQL", 1, 1000) ","
		    NOTEBOOK_ROW("/d/b", "R", 2, 1000) ","
		    FILE_ROW("/d/a.sql", 3, 1000, 4) ","
		    FILE_ROW("/d/..", 4, 1000, 4) ","
		    FILE_ROW("/d/.brickfs-0123456789abcdef", 5, 1000, 4) ","
		    "{\"object_type\":\"DASHBOARD\",\"path\":\"/d/c\"},"
		    "{\"object_type\":\"DIRECTORY\",\"path\":\"/d/e\"}]}"),
	};
	char names[256] = "";

	BEGIN(steps);
	ck_assert_int_eq(backend->ops->list(backend, &call, dir, note, names),
	    0);
	ck_assert_ptr_nonnull(strstr(names, "a.notebook.sql "));
	ck_assert_ptr_nonnull(strstr(names, "a.sql "));
	ck_assert_ptr_nonnull(strstr(names, "b.r "));
	ck_assert_ptr_nonnull(strstr(names, "c "));
	ck_assert_ptr_nonnull(strstr(names, "e "));
	ck_assert_uint_eq(strlen(names), strlen("a.notebook.sql a.sql b.r c e "));
	finish();
}
END_TEST

#define PLAIN_ROW(path, id) "{\"object_type\":\"NOTEBOOK\",\"path\":\"" path \
	"\",\"language\":\"PYTHON\",\"object_id\":" #id ",\"modified_at\":1000}"
#define THREE_ROWS OK_JSON("{\"objects\":[" PLAIN_ROW("/d/a", 1) "," \
	PLAIN_ROW("/d/b", 2) "," PLAIN_ROW("/d/c", 3) "]}")

/* One that cannot be asked about stops no walk. */
START_TEST(a_form_that_nobody_tells_is_the_usual_one)
{
	static const struct script_step steps[] = { THREE_ROWS, BROKEN, MISSING,
		ANSWER("403 No", "", "{\"error_code\":\"PERMISSION_DENIED\"}") };
	char names[256] = "";

	BEGIN(steps);
	ck_assert_int_eq(backend->ops->list(backend, &call, dir, note, names),
	    0);
	ck_assert_uint_eq(strlen(names), strlen("a.py b.py c.py "));
	ck_assert_uint_eq(server->n_requests, 4);
	finish();
}
END_TEST

/* A service that does not answer is not waited for once for each. */
START_TEST(a_service_that_does_not_answer_ends_a_listing)
{
	static const struct script_step steps[] = { THREE_ROWS,
		ANSWER("504 Late", "", ""), ANSWER("504 Late", "", ""),
		ANSWER("504 Late", "", ""), ANSWER("504 Late", "", ""),
		ANSWER("504 Late", "", ""), ANSWER("504 Late", "", ""),
		ANSWER("504 Late", "", ""), ANSWER("504 Late", "", ""),
		ANSWER("504 Late", "", ""), ANSWER("504 Late", "", ""),
		ANSWER("504 Late", "", ""), ANSWER("504 Late", "", ""),
		ANSWER("504 Late", "", ""), ANSWER("504 Late", "", ""),
		ANSWER("504 Late", "", ""), ANSWER("504 Late", "", "") };
	char names[256] = "";

	BEGIN(steps);
	ck_assert_int_eq(backend->ops->list(backend, &call, dir, note, names),
	    -ETIMEDOUT);
	ck_assert_str_eq(names, "");
	finish();
}
END_TEST

START_TEST(a_notebook_is_deleted_by_its_stored_name)
{
	static const struct script_step steps[] = { OK };
	struct entry *e;

	BEGIN(steps);
	e = entry(WS_PYTHON | WS_BESIDE, "/d/x.notebook.py", 7, 1000, 4);
	ck_assert_int_eq(backend->ops->unlink(backend, &call, e), 0);
	entry_unref(e);
	expect_requests("delete /d/x; ");
	finish();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_notebook_stays_one),
	UNIT_ROWS(a_new_name_becomes_what_its_content_says, news),
	UNIT(an_empty_file_may_become_a_notebook),
	UNIT(a_notebook_in_place_of_a_file_may_be_ours),
	UNIT(an_empty_file_beside_a_notebook_stays_a_file),
	UNIT(a_name_that_is_taken_is_taken),
	UNIT(what_cannot_be_looked_at_was_taken),
	UNIT(a_file_that_became_something_else_is_an_error_with_its_version),
	UNIT(other_objects_are_not_written),
	UNIT(a_notebook_keeps_its_object),
	UNIT(a_rename_whose_answer_was_lost_is_looked_for),
	UNIT(without_a_rename_it_is_copied),
	UNIT_TIMES(a_copy_whose_answer_was_lost_is_recognised, 2),
	UNIT(what_others_saved_is_not_lost_with_a_copy),
	UNIT(a_copy_that_fails_leaves_the_old_one),
	UNIT(a_directory_is_not_copied),
	UNIT(another_extension_is_another_language),
	UNIT(the_same_stored_name_needs_no_rename),
	UNIT(a_change_of_language_that_fails_is_undone),
	UNIT(a_change_of_language_that_went_wrong_gives_no_entry),
	UNIT(what_cannot_be_read_is_not_moved),
	UNIT(a_target_is_overwritten),
	UNIT(other_objects_replace_nothing),
	UNIT(a_hidden_notebook_goes_and_comes_back_as_it_is),
	UNIT(a_content_is_of_its_version),
	UNIT(one_file_that_is_forbidden_says_nothing_of_others),
	UNIT(a_signed_url_is_of_one_object),
	UNIT(a_notebook_is_measured_once),
	UNIT(a_name_may_be_a_notebook),
	UNIT(a_folder_shows_each_object_once),
	UNIT(a_form_that_nobody_tells_is_the_usual_one),
	UNIT(a_service_that_does_not_answer_ends_a_listing),
	UNIT(a_notebook_is_deleted_by_its_stored_name),
};

UNIT_MAIN("workspace", tests)
