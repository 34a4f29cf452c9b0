/* Names and texts of workspace objects. */
#include <check.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/ws_view.h"
#include "tests/support/unit.h"

/* --- forms ------------------------------------------------------------------------ */

static const struct form_row {
	enum api_workspace_type type;
	enum api_workspace_language language;
	bool has_format, jupyter;
	enum ws_mode mode;
	enum ws_form form;
	bool wants;
} form_rows[] = {
	{ API_WORKSPACE_DIRECTORY, 0, false, false, WS_SOURCE, WS_DIRECTORY, false },
	{ API_WORKSPACE_FILE, 0, false, false, WS_SOURCE, WS_FILE, false },
	{ API_WORKSPACE_FILE, 0, false, false, WS_IPYNB, WS_FILE, false },
	{ API_WORKSPACE_OTHER, 0, false, false, WS_SOURCE, WS_OBJECT, false },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_PYTHON, false, false, WS_SOURCE, WS_PYTHON, true },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_PYTHON, true, false, WS_SOURCE, WS_PYTHON, false },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_PYTHON, true, true, WS_SOURCE, WS_JUPYTER, false },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_PYTHON, true, true, WS_FILES, WS_JUPYTER, false },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_PYTHON, false, false, WS_IPYNB, WS_JUPYTER, false },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_SQL, false, false, WS_SOURCE, WS_SQL, false },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_SQL, false, false, WS_IPYNB, WS_JUPYTER, false },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_SCALA, false, false, WS_FILES, WS_SCALA, false },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_R, false, false, WS_SOURCE, WS_R, false },
	{ API_WORKSPACE_NOTEBOOK, API_WORKSPACE_NO_LANGUAGE, false, false, WS_SOURCE, WS_PYTHON, false },
};

START_TEST(an_object_has_one_form)
{
	const struct form_row *r = &form_rows[_i];
	struct api_workspace_info info = {
		.type = r->type,
		.language = r->language,
		.has_format = r->has_format,
		.jupyter = r->jupyter,
	};

	ck_assert_int_eq(ws_form_of(&info, r->mode), r->form);
	ck_assert_int_eq(ws_wants_format(&info, r->mode), r->wants);
}
END_TEST

/* --- names ------------------------------------------------------------------------ */

static const struct name_row {
	const char *stored;
	unsigned form;
	const char *shown;
} name_rows[] = {
	{ "x", WS_FILE, "x" },
	{ "x.py", WS_FILE, "x.py" },
	{ "d.py", WS_DIRECTORY, "d.py" },
	{ "dash", WS_OBJECT, "dash" },
	{ "x", WS_PYTHON, "x.py" },
	{ "x", WS_SQL, "x.sql" },
	{ "x", WS_SCALA, "x.scala" },
	{ "x", WS_R, "x.r" },
	{ "x", WS_UPPER_R, "x.R" },
	{ "x", WS_JUPYTER, "x.ipynb" },
	{ "x.py", WS_PYTHON, "x.py.py" },
	{ "a b%c#d?e", WS_PYTHON, "a b%c#d?e.py" },
	{ "\xf0\x9f\x93\x88 \xc3\xa9", WS_SQL, "\xf0\x9f\x93\x88 \xc3\xa9.sql" },
	{ "x", WS_PYTHON + WS_BESIDE, "x.notebook.py" },
	{ "x", WS_JUPYTER + 2 * WS_BESIDE, "x.notebook.notebook.ipynb" },
	{ "/Users/me@example.com/x", WS_PYTHON, "/Users/me@example.com/x.py" },
};

START_TEST(name_and_form_tell_the_stored_name)
{
	const struct name_row *r = &name_rows[_i];
	char *shown = ws_shown(r->stored, r->form);
	char *stored = ws_stored(r->shown, r->form);

	ck_assert_str_eq(shown, r->shown);
	ck_assert_str_eq(stored, r->stored);
	free(shown);
	free(stored);
}
END_TEST

static const struct name_row odd_rows[] = {
	{ "x.sql", WS_PYTHON, NULL },
	{ "x", WS_PYTHON, NULL },
	{ ".py", WS_PYTHON, NULL },
	{ "/d/.py", WS_PYTHON, NULL },
	{ "x.py", WS_PYTHON + WS_BESIDE, NULL },
	{ ".notebook.py", WS_PYTHON + WS_BESIDE, NULL },
	{ "/d/.notebook.py", WS_PYTHON + WS_BESIDE, NULL },
};

START_TEST(a_name_that_does_not_fit_its_form_is_none)
{
	ck_assert_ptr_null(ws_stored(odd_rows[_i].stored, odd_rows[_i].form));
}
END_TEST

#define NAMES_MAX 8

static const struct folder {
	struct {
		const char *stored;
		unsigned form;
		const char *shown;
	} rows[NAMES_MAX];
} folders[] = {
	{ { { "x", WS_PYTHON, "x.py" }, { "y", WS_SQL, "y.sql" } } },
	{ { { "x", WS_PYTHON, "x.notebook.py" }, { "x.py", WS_FILE, "x.py" } } },
	{ { { "x.py", WS_FILE, "x.py" }, { "x", WS_PYTHON, "x.notebook.py" } } },
	{ { { "x", WS_PYTHON, "x.notebook.py" }, { "x.py", WS_DIRECTORY, "x.py" } } },
	{ { { "x", WS_PYTHON, "x.py" }, { "x.py", WS_PYTHON, "x.py.py" } } },
	{ { { "x", WS_PYTHON, "x.notebook.notebook.py" },
	    { "x.py", WS_FILE, "x.py" },
	    { "x.notebook.py", WS_FILE, "x.notebook.py" } } },
	{ { { "x", WS_PYTHON, "x.notebook.notebook.py" },
	    { "x.notebook", WS_PYTHON, "x.notebook.py" },
	    { "x.py", WS_FILE, "x.py" } } },
	{ { { "x", WS_JUPYTER, "x.notebook.ipynb" },
	    { "x.ipynb", WS_FILE, "x.ipynb" },
	    { "x.py", WS_FILE, "x.py" } } },
};

START_TEST(every_object_of_a_folder_has_a_name_of_its_own)
{
	const struct folder *f = &folders[_i];
	struct ws_row rows[NAMES_MAX];
	size_t n = 0;

	for (; n < NAMES_MAX && f->rows[n].stored != NULL; n++)
		rows[n] = (struct ws_row){ .stored = f->rows[n].stored,
			.form = f->rows[n].form };
	ck_assert_int_eq(ws_name_rows(rows, n), 0);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		char *stored;

		while (strcmp(f->rows[k].stored, rows[i].stored) != 0)
			k++;
		ck_assert_str_eq(rows[i].shown, f->rows[k].shown);
		stored = ws_stored(rows[i].shown, rows[i].form);
		ck_assert_str_eq(stored, rows[i].stored);
		free(stored);
		free(rows[i].shown);
	}
}
END_TEST

/* However many files stand in the way, it ends. */
START_TEST(a_folder_full_of_taken_names_is_named)
{
	struct ws_row rows[41] = { { .stored = "x", .form = WS_PYTHON } };
	char *names[40];

	for (size_t i = 0; i < 40; i++) {
		char *stem = ws_shown("x", WS_PYTHON +
			WS_BESIDE * (unsigned)(i % 16));

		names[i] = i < 16 ? stem : ws_shown(stem, WS_SQL);
		if (i >= 16)
			free(stem);
		rows[i + 1] = (struct ws_row){ .stored = names[i],
			.form = WS_FILE };
	}
	ck_assert_int_eq(ws_name_rows(rows, 41), 0);
	for (size_t i = 0; i < 41; i++) {
		ck_assert_ptr_nonnull(rows[i].shown);
		free(rows[i].shown);
	}
	for (size_t i = 0; i < 40; i++)
		free(names[i]);
}
END_TEST

START_TEST(an_empty_folder_has_no_names)
{
	ck_assert_int_eq(ws_name_rows(NULL, 0), 0);
}
END_TEST

static const struct guess_row {
	const char *shown;
	enum ws_mode mode;
	enum ws_form form;
	bool beside;
} guess_rows[] = {
	{ "x.py", WS_SOURCE, WS_PYTHON, false },
	{ "x.sql", WS_FILES, WS_SQL, false },
	{ "x.r", WS_SOURCE, WS_R, false },
	{ "x.R", WS_SOURCE, WS_UPPER_R, false },
	{ "x.ipynb", WS_SOURCE, WS_JUPYTER, false },
	{ "x.ipynb", WS_IPYNB, WS_JUPYTER, false },
	{ "x.py", WS_IPYNB, WS_UNKNOWN, false },
	{ "x", WS_SOURCE, WS_UNKNOWN, false },
	{ ".py", WS_SOURCE, WS_UNKNOWN, false },
	{ "x.pyc", WS_SOURCE, WS_UNKNOWN, false },
	{ "x.PY", WS_SOURCE, WS_UNKNOWN, false },
	{ "x.notebook.py", WS_SOURCE, WS_PYTHON, true },
	{ "x.notebook", WS_SOURCE, WS_UNKNOWN, false },
	{ "x.notebooks.py", WS_SOURCE, WS_PYTHON, false },
};

START_TEST(a_name_may_stand_for_a_notebook)
{
	const struct guess_row *r = &guess_rows[_i];

	ck_assert_int_eq(ws_guess(r->shown, r->mode), r->form);
	ck_assert_int_eq(ws_may_be_beside(r->shown), r->beside);
}
END_TEST

/* --- texts ------------------------------------------------------------------------- */

#define PY "# Databricks notebook source\n"
#define NB "{\"cells\": [], \"metadata\": {}, \"nbformat\": 4, \"nbformat_minor\": 5}"

static const struct new_row {
	const char *name, *text;
	enum ws_mode mode;
	enum ws_form form;
	const char *format; /* of a file with that text */
} new_rows[] = {
	{ "a.py", PY, WS_SOURCE, WS_PYTHON, "RAW" },
	{ "a.py", PY "print(1)\n", WS_SOURCE, WS_PYTHON, "RAW" },
	{ "a.py", "# Databricks notebook source", WS_SOURCE, WS_PYTHON, "RAW" },
	{ "a.py", "# Databricks notebook source\r\nx\r\n", WS_SOURCE, WS_PYTHON, "RAW" },
	{ "a.py", "\xef\xbb\xbf" PY "x\n", WS_SOURCE, WS_PYTHON, "RAW" },
	{ "a.py", PY, WS_FILES, WS_FILE, "RAW" },
	{ "a.py", PY, WS_IPYNB, WS_FILE, "RAW" },
	{ "a.py", "# Databricks notebook source x\n", WS_SOURCE, WS_FILE, "RAW" },
	{ "a.py", " " PY, WS_SOURCE, WS_FILE, "RAW" },
	{ "a.py", "\n" PY, WS_SOURCE, WS_FILE, "RAW" },
	{ "a.py", "print(1)\n", WS_SOURCE, WS_FILE, "AUTO" },
	{ "a.py", "", WS_SOURCE, WS_FILE, "AUTO" },
	{ "a.txt", PY, WS_SOURCE, WS_FILE, "AUTO" },
	{ "a", PY, WS_SOURCE, WS_FILE, "AUTO" },
	{ "a.sql", "-- Databricks notebook source\n", WS_SOURCE, WS_SQL, "RAW" },
	{ "a.sql", PY, WS_SOURCE, WS_FILE, "RAW" },
	{ "a.scala", "// Databricks notebook source\n", WS_SOURCE, WS_SCALA, "RAW" },
	{ "a.r", PY, WS_SOURCE, WS_R, "RAW" },
	{ "a.R", PY, WS_SOURCE, WS_UPPER_R, "RAW" },
	{ "a.ipynb", NB, WS_SOURCE, WS_JUPYTER, "RAW" },
	{ "a.ipynb", NB, WS_IPYNB, WS_JUPYTER, "RAW" },
	{ "a.ipynb", NB, WS_FILES, WS_FILE, "RAW" },
	{ "a.ipynb", "", WS_SOURCE, WS_FILE, "RAW" },
	{ "a.ipynb", "{}", WS_SOURCE, WS_FILE, "RAW" },
	{ "a.ipynb", "{\"cells\": [], \"metadata\": {}, \"nbformat\": 3}", WS_SOURCE, WS_FILE, "RAW" },
	{ "a.ipynb", PY, WS_SOURCE, WS_FILE, "RAW" },
	{ "a.py", PY "\xe4\n", WS_SOURCE, WS_FILE, "RAW" },
	{ ".py", PY, WS_SOURCE, WS_FILE, "RAW" },
	{ ".ipynb", NB, WS_SOURCE, WS_FILE, "RAW" },
	{ ".py", "", WS_SOURCE, WS_FILE, "AUTO" },
	{ "a.lvdash.json", "{}", WS_SOURCE, WS_FILE, "RAW" },
	{ "a.dbalert.json", "{}", WS_SOURCE, WS_FILE, "RAW" },
	{ "a.json", "{}", WS_SOURCE, WS_FILE, "AUTO" },
};

START_TEST(its_first_line_makes_a_new_file_a_notebook)
{
	const struct new_row *r = &new_rows[_i];
	size_t len = strlen(r->text);

	ck_assert_int_eq(ws_new_form(r->name, r->text, len, r->mode), r->form);
	ck_assert_str_eq(ws_file_format(r->name, r->text, len), r->format);
}
END_TEST

static const struct text_row {
	unsigned form;
	const char *text, *sent;
	bool back; /* what was sent, and lost its last newlines, is shown as text */
} text_rows[] = {
	{ WS_PYTHON, PY "x\n", PY "x\n", true },
	{ WS_PYTHON + WS_BESIDE, PY "x\n", PY "x\n", true },
	{ WS_PYTHON, PY, PY, true },
	{ WS_PYTHON, PY "x", PY "x", false },
	{ WS_PYTHON, PY "x\n\n", PY "x\n\n", false },
	{ WS_PYTHON, "x\n", "x\n", false },
	{ WS_PYTHON, "", "", false },
	{ WS_PYTHON, "\n", "\n", false },
	{ WS_PYTHON, "# Databricks notebook source\r\nx\r\n", PY "x\n", false },
	{ WS_PYTHON, PY "x\r\ny\n", PY "x\ny\n", false },
	{ WS_PYTHON, PY "x\ry\n", PY "x\ry\n", false },
	{ WS_PYTHON, PY "x\r", PY "x\r", false },
	{ WS_PYTHON, "\xef\xbb\xbf" PY "x\n", PY "x\n", false },
	{ WS_PYTHON, PY "\xff\n", PY "\xff\n", false },
	{ WS_SQL, "-- Databricks notebook source\nSELECT 1\n", "-- Databricks notebook source\nSELECT 1\n", true },
	{ WS_SQL, PY "x\n", PY "x\n", false },
	{ WS_JUPYTER, "{}\n", "{}\n", false },
	{ WS_JUPYTER, "\xef\xbb\xbf{\r\n}\n", "{\r\n}\n", false },
};

START_TEST(what_comes_back_is_known)
{
	const struct text_row *r = &text_rows[_i];
	size_t len = strlen(r->text);
	struct buf sent, view;

	buf_init(&sent, BUF_LIMIT_TEXT);
	buf_init(&view, BUF_LIMIT_TEXT);
	ck_assert_int_eq(ws_to_service(r->text, len, r->form, &sent), 0);
	ck_assert_str_eq(buf_text(&sent), r->sent);
	ck_assert_int_eq(ws_comes_back(r->text, len, r->form), r->back);
	/* As the service does it (3.5). */
	while (sent.len > 0 && sent.data[sent.len - 1] == '\n')
		sent.data[--sent.len] = '\0';
	ck_assert_int_eq(ws_to_view(buf_text(&sent), sent.len, &view), 0);
	if (r->back)
		ck_assert_str_eq(buf_text(&view), r->text);
	ck_assert_int_eq(view.data[view.len - 1], '\n');
	buf_release(&sent);
	buf_release(&view);
}
END_TEST

#define CELL(source, outputs, more) \
	"{\"cells\": [{\"cell_type\": \"code\", \"source\": " source ", \"outputs\": " \
	outputs more "}], \"metadata\": {}, \"nbformat\": 4}"

static const struct same_row {
	unsigned form;
	const char *ours, *theirs;
	bool same;
} same_rows[] = {
	{ WS_PYTHON, PY "x\n\n", PY "x", true },
	{ WS_PYTHON, "x\r\n", PY "x", true },
	{ WS_PYTHON, "", PY, true },
	{ WS_PYTHON, PY "x\n", PY "y\n", false },
	{ WS_FILE, "x\n", "x", false },
	{ WS_JUPYTER, CELL("[\"a\\n\", \"b\"]", "[]", ""),
	    CELL("\"a\\nb\"", "[]", ", \"metadata\": {\"x\": 1}"), true },
	{ WS_JUPYTER, CELL("\"a\"", "[]", ""), CELL("\"b\"", "[]", ""), false },
	/* Others have run it. */
	{ WS_JUPYTER, CELL("\"a\"", "[]", ""),
	    CELL("\"a\"", "[{\"text\": \"1\"}]", ""), false },
	{ WS_JUPYTER, "no JSON", "no JSON", true },
};

START_TEST(what_is_the_same_to_the_service_is_known)
{
	const struct same_row *r = &same_rows[_i];
	struct buf ours, theirs;

	buf_init(&ours, BUF_LIMIT_TEXT);
	buf_init(&theirs, BUF_LIMIT_TEXT);
	ck_assert_int_eq(ws_canonical(r->ours, strlen(r->ours), r->form, &ours),
	    0);
	ck_assert_int_eq(ws_canonical(r->theirs, strlen(r->theirs), r->form,
	    &theirs), 0);
	ck_assert_int_eq(strcmp(buf_text(&ours), buf_text(&theirs)) == 0,
	    r->same);
	buf_release(&ours);
	buf_release(&theirs);
}
END_TEST

static const struct language_row {
	enum api_workspace_language from, to;
	const char *text, *translated;
} language_rows[] = {
	{ API_WORKSPACE_PYTHON, API_WORKSPACE_SQL,
	    PY "# a comment\nx = 1\n\n# COMMAND ----------\n\n# MAGIC %md\n# MAGIC # Words\n"
	       "# MAGIC\n# MAGICAL\n# DBTITLE 1,Title\n  # MAGIC x\n# COMMAND ---------- x",
	    "-- Databricks notebook source\n# a comment\nx = 1\n\n-- COMMAND ----------\n\n"
	    "-- MAGIC %md\n-- MAGIC # Words\n-- MAGIC\n# MAGICAL\n-- DBTITLE 1,Title\n"
	    "  # MAGIC x\n# COMMAND ---------- x" },
	{ API_WORKSPACE_SCALA, API_WORKSPACE_PYTHON,
	    "// Databricks notebook source\r\n// COMMAND ----------\r\n// x\r\n",
	    "# Databricks notebook source\r\n# COMMAND ----------\r\n// x\r\n" },
	{ API_WORKSPACE_PYTHON, API_WORKSPACE_R, PY "x", PY "x" },
	{ API_WORKSPACE_SQL, API_WORKSPACE_SCALA, "", "" },
	{ API_WORKSPACE_SQL, API_WORKSPACE_PYTHON, "--", "--" },
};

START_TEST(a_language_changes_the_lines_of_the_notebook_alone)
{
	const struct language_row *r = &language_rows[_i];
	struct buf out;

	buf_init(&out, BUF_LIMIT_TEXT);
	ck_assert_int_eq(ws_translate(r->text, strlen(r->text), r->from, r->to,
	    &out), 0);
	ck_assert_str_eq(buf_text(&out), r->translated);
	buf_release(&out);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(an_object_has_one_form, form_rows),
	UNIT_ROWS(name_and_form_tell_the_stored_name, name_rows),
	UNIT_ROWS(a_name_that_does_not_fit_its_form_is_none, odd_rows),
	UNIT_ROWS(every_object_of_a_folder_has_a_name_of_its_own, folders),
	UNIT(a_folder_full_of_taken_names_is_named),
	UNIT(an_empty_folder_has_no_names),
	UNIT_ROWS(a_name_may_stand_for_a_notebook, guess_rows),
	UNIT_ROWS(its_first_line_makes_a_new_file_a_notebook, new_rows),
	UNIT_ROWS(what_comes_back_is_known, text_rows),
	UNIT_ROWS(what_is_the_same_to_the_service_is_known, same_rows),
	UNIT_ROWS(a_language_changes_the_lines_of_the_notebook_alone, language_rows),
};

UNIT_MAIN("ws_view", tests)
