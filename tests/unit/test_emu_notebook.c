/* emu/notebook: notebooks as source, Jupyter document, page, archive and R Markdown. */
#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/jval.h"
#include "base/text.h"
#include "emu/notebook.h"
#include "tests/support/unit.h"

#define MIB ((size_t)1 << 20)

static const char *const comments[] = { "# ", "-- ", "// ", "# " };

#define LANGUAGES ((int)ARRAY_LEN(comments))

static struct buf
new_buf(void)
{
	struct buf b;

	buf_init(&b, 64 * MIB);
	return b;
}

/* The text with a language's comment for each '@'. */
static char *
in_language(const char *text, int language)
{
	struct buf b = new_buf();

	for (; *text != '\0'; text++)
		if (*text == '@')
			ck_assert_int_eq(buf_puts(&b, comments[language]), 0);
		else
			ck_assert_int_eq(buf_append(&b, text, 1), 0);
	return buf_take(&b);
}

/* Cells as "c:code|m:words|i:words beside %md|c<title>:x|c<-hidden>:x", with '/' for a
 * newline. */
static char *
dump(const struct notebook *nb)
{
	struct buf b = new_buf();
	char *text;

	for (size_t i = 0; i < nb->n; i++) {
		const struct notebook_cell *c = &nb->cells[i];

		ck_assert_int_eq(buf_printf(&b, "%s%s", i > 0 ? "|" : "",
				     !c->markdown ? "c" :
					 c->after == ' ' ? "i" : "m"),
		    0);
		if (c->title != NULL)
			ck_assert_int_eq(buf_printf(&b, "<%s%s>",
					     c->title_hidden ? "-" : "", c->title),
			    0);
		ck_assert_int_eq(buf_printf(&b, ":%s", c->text), 0);
	}
	text = buf_take(&b);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = '/';
	return text;
}

static char *
source_of(const struct notebook *nb)
{
	struct buf b = new_buf();

	ck_assert_int_eq(notebook_print_source(nb, &b), 0);
	return buf_take(&b);
}

static struct notebook
from_source(const char *text, int language)
{
	struct notebook nb;

	ck_assert_int_eq(notebook_read_source(text, strlen(text),
			     (enum notebook_language)language, &nb),
	    0);
	return nb;
}

typedef int read_fn(const char *text, size_t len, struct notebook *out);
typedef int print_fn(
    const struct notebook *nb, const char *name, struct buf *out);

/* Source, to another form, and back. */
static char *
through(const char *source, int language, print_fn *print, read_fn *read)
{
	struct notebook nb = from_source(source, language), back;
	struct buf b = new_buf();
	char *text;

	ck_assert_int_eq(print(&nb, "name", &b), 0);
	ck_assert_int_eq(read(buf_text(&b), b.len, &back), 0);
	text = source_of(&back);
	buf_release(&b);
	notebook_release(&nb);
	notebook_release(&back);
	return text;
}

/* --- languages, headers ------------------------------------------------------------- */

static const struct {
	const char *name, *extension;
} languages[] = {
	{ "PYTHON", ".py" },
	{ "SQL", ".sql" },
	{ "SCALA", ".scala" },
	{ "R", ".r" },
};

START_TEST(languages_have_names_and_extensions)
{
	enum notebook_language language = (enum notebook_language)_i, found;

	ck_assert_str_eq(notebook_language_name(language), languages[_i].name);
	ck_assert_str_eq(notebook_extension(language), languages[_i].extension);
	ck_assert(notebook_language_of_name(languages[_i].name, &found));
	ck_assert_int_eq(found, language);
	ck_assert(!notebook_language_of_name("python", &found));
	ck_assert(!notebook_language_of_name("", &found));
}
END_TEST

static const struct {
	const char *path;
	int want; /* -1: of none */
} paths[] = {
	{ "/Users/me@x.com/a.py", NOTEBOOK_PYTHON },
	{ "a.sql", NOTEBOOK_SQL },
	{ "/a.b/c.d.scala", NOTEBOOK_SCALA },
	{ "/a.r", NOTEBOOK_R },
	{ "/a.R", NOTEBOOK_R },
	{ "/a.PY", -1 },
	{ "/a.ipynb", -1 },
	{ "/a.py/b", -1 },
	{ "/.py", -1 },
	{ ".py", -1 },
	{ "/apy", -1 },
	{ "/a.py ", -1 },
	{ "", -1 },
};

START_TEST(extensions_say_the_language)
{
	enum notebook_language found = NOTEBOOK_PYTHON;

	ck_assert_int_eq(notebook_language_of_path(paths[_i].path, &found),
	    paths[_i].want >= 0);
	if (paths[_i].want >= 0)
		ck_assert_int_eq(found, paths[_i].want);
}
END_TEST

static const struct {
	const char *text;
	bool want;
} headers[] = {
	{ "@Databricks notebook source", true },
	{ "@Databricks notebook source\n", true },
	{ "@Databricks notebook source\nx", true },
	{ "@Databricks notebook source\n\r\n", true },
	{ "@Databricks notebook source\r\n", false },
	{ "\xef\xbb\xbf@Databricks notebook source\n", false },
	{ "\n@Databricks notebook source\n", false },
	{ " @Databricks notebook source\n", false },
	{ "@Databricks notebook source \n", false },
	{ "@Databricks notebook sources", false },
	{ "@Databricks notebook sourc", false },
	{ "@databricks notebook source", false },
	{ "@ Databricks notebook source", false },
	{ "Databricks notebook source", false },
	{ "; Databricks notebook source", false },
	{ "", false },
};

START_TEST(header_is_the_first_line_to_the_byte)
{
	for (int i = 0; i < LANGUAGES; i++) {
		char *text = in_language(headers[_i].text, i);
		size_t len = strlen(text);

		for (int j = 0; j < LANGUAGES; j++) {
			bool same = strcmp(comments[i], comments[j]) == 0;
			bool want = headers[_i].want && same;

			ck_assert_int_eq(notebook_has_header(text, len,
					     (enum notebook_language)j),
			    want);
			/* 32 bytes are enough. */
			ck_assert_int_eq(
			    notebook_has_header(text, len < 32 ? len : 32,
				(enum notebook_language)j),
			    want);
		}
		free(text);
	}
}
END_TEST

#define H "@Databricks notebook source"
#define S "\n\n@COMMAND ----------\n\n"

static const struct {
	const char *text, *want;
} kept[] = {
	{ H, H },
	{ H "\n\n\n", H },
	{ "", H },
	{ "\n\n", H },
	{ "1+1", H "\n1+1" },
	{ H "\n1+1", H "\n1+1" },
	{ H "\n1+1\n", H "\n1+1" },
	{ H "\n1+1\r\n\r\n", H "\n1+1" },
	{ H "\n1+1  \n", H "\n1+1  " },
	{ H "\n\n\nx\n \n", H "\n\n\nx\n " },
	{ H "\r\na\r\n\r\nb\rc\r\n", H "\na\n\nb\rc" },
	{ "\r\nx", H "\n\nx" },
	{ H "\r\r\na\r\r", H "\na" },
	{ "\xef\xbb\xbf" H "\nx", H "\n\xef\xbb\xbf" H "\nx" },
	{ H " \nx", H "\n" H " \nx" },
	{ H "\n\xc3\xa4\xf0\x9f\x98\x80", H "\n\xc3\xa4\xf0\x9f\x98\x80" },
	{ H S, H "\n\n@COMMAND ----------" },
};

START_TEST(source_is_kept_with_header_and_without_newlines_at_the_end)
{
	for (int i = 0; i < LANGUAGES; i++) {
		char *text = in_language(kept[_i].text, i);
		char *want = in_language(kept[_i].want, i);
		struct buf b = new_buf();

		ck_assert_int_eq(notebook_keep_source(text, strlen(text),
				     (enum notebook_language)i, &b),
		    0);
		ck_assert_str_eq(buf_text(&b), want);
		/* Once more changes nothing. */
		buf_clear(&b);
		ck_assert_int_eq(notebook_keep_source(want, strlen(want),
				     (enum notebook_language)i, &b),
		    0);
		ck_assert_str_eq(buf_text(&b), want);
		buf_release(&b);
		free(text);
		free(want);
	}
}
END_TEST

static const struct {
	const char *text;
	size_t len;
} no_texts[] = {
	{ "a\0b", 3 },
	{ "\0", 1 },
	{ "\xff", 1 },
	{ "\xc3", 1 },
	{ "x\n\xed\xa0\x80", 5 }, /* half of a surrogate pair */
	{ "\xc0\x80", 2 },
};

START_TEST(what_is_no_text_is_no_notebook)
{
	struct buf b = new_buf();
	struct notebook nb;

	ck_assert_int_eq(notebook_keep_source(no_texts[_i].text,
			     no_texts[_i].len, NOTEBOOK_SQL, &b),
	    -EBADMSG);
	ck_assert_int_eq(notebook_read_source(no_texts[_i].text,
			     no_texts[_i].len, NOTEBOOK_SQL, &nb),
	    -EBADMSG);
	ck_assert_int_eq(nb.n, 0);
	ck_assert_int_eq(notebook_read_rmarkdown(
			     no_texts[_i].text, no_texts[_i].len, &nb),
	    -EBADMSG);
	ck_assert_int_eq(nb.n, 0);
	buf_release(&b);
}
END_TEST

/* --- source ------------------------------------------------------------------------- */

/* Written as the service does it: comes back to the byte. */
static const struct {
	const char *source, *cells;
} stable[] = {
	{ H, "c:" },
	{ H "\n1+1", "c:1+1" },
	{ H "\n\n1+1", "c:/1+1" },
	{ H "\n\n\n\n1+1", "c:///1+1" },
	{ H "\na\n\n\nb  ", "c:a///b  " },
	{ H "\n  a\n\tb", "c:  a/\tb" },
	{ H "\na" S "b" S "c", "c:a|c:b|c:c" },
	{ H "\na\n\n" S "\n\nb\n" S " ", "c:a//|c://b/|c: " },
	/* empty cells */
	{ H "\n" S "a", "c:|c:a" },
	{ H "\n" S S S "a", "c:|c:|c:|c:a" },
	{ H "\na" S S "b", "c:a|c:|c:b" },
	{ H "\na\n\n@COMMAND ----------", "c:a|c:" },
	{ H "\n" S "\n\n@COMMAND ----------", "c:|c:|c:" },
	/* nearly separators */
	{ H "\na\n\n@COMMAND ---------- \n\nb", "c:a//@COMMAND ---------- //b" },
	{ H "\na\n\n@COMMAND ---------\n\nb", "c:a//@COMMAND ---------//b" },
	{ H "\na\n @COMMAND ----------\nb", "c:a/ @COMMAND ----------/b" },
	{ H "\nx = '@COMMAND ----------'", "c:x = '@COMMAND ----------'" },
	{ H "\nCOMMAND ----------\na", "c:COMMAND ----------/a" },
	{ H "\n" H "\na", "c:" H "/a" },
	/* magic */
	{ H "\n@MAGIC %md\n@MAGIC # A\n@MAGIC\n@MAGIC b", "m:# A//b" },
	{ H "\n@MAGIC %md", "m:" },
	{ H "\n@MAGIC %md\n@MAGIC   a  \n@MAGIC", "m:  a  /" },
	{ H "\n@MAGIC %md-sandbox\n@MAGIC <b>", "c:%md-sandbox/<b>" },
	{ H "\n@MAGIC %sql\n@MAGIC SELECT 1", "c:%sql/SELECT 1" },
	{ H "\n@MAGIC %sql select 1", "c:%sql select 1" },
	{ H "\n@MAGIC %sh ls\n@MAGIC\n@MAGIC -l", "c:%sh ls//-l" },
	{ H "\n@MAGIC  %run ./a", "c: %run ./a" },
	{ H "\n@MAGIC\n@MAGIC %run ./a", "c:/%run ./a" },
	{ H "\n@MAGIC %%capture\n@MAGIC !pip install x\n@MAGIC import x",
	    "c:%%capture/!pip install x/import x" },
	{ H "\n@MAGIC %pip install a" S "@MAGIC %md\n@MAGIC b" S "c",
	    "c:%pip install a|m:b|c:c" },
	{ H "\n@MAGIC %md\n@MAGIC @MAGIC %md\n@MAGIC @COMMAND ----------",
	    "m:@MAGIC %md/@COMMAND ----------" },
	/* nearly magic */
	{ H "\n@MAGIC %md\na", "c:@MAGIC %md/a" },
	{ H "\na\n@MAGIC %time", "c:a/@MAGIC %time" },
	{ H "\n@MAGICAL %md", "c:@MAGICAL %md" },
	{ H "\n@MAGIC a\n@MAGIC b", "c:@MAGIC a/@MAGIC b" },
	{ H "\n@MAGIC", "c:@MAGIC" },
	{ H "\nMAGIC %md", "c:MAGIC %md" },
	{ H "\na %in% b", "c:a %in% b" },
	/* titles */
	{ H "\n@DBTITLE 1,A title\na", "c<A title>:a" },
	{ H "\n@DBTITLE 0,--i18n\n@MAGIC %md\n@MAGIC a", "m<---i18n>:a" },
	{ H "\n@DBTITLE 1,T\n@MAGIC %sql\n@MAGIC a", "c<T>:%sql/a" },
	{ H "\n@DBTITLE 1,T" S "@DBTITLE 1,U\n\n\nx", "c<T>:|c<U>://x" },
	{ H "\n@DBTITLE 1,\na", "c<>:a" },
	{ H "\n@DBTITLE 1,a,b <&> \"c\" ", "c<a,b <&> \"c\" >:" },
	{ H "\n@DBTITLE 1,T\n@DBTITLE 1,U\na", "c<T>:@DBTITLE 1,U/a" },
	{ H "\n@DBTITLE 0,\na", "c:@DBTITLE 0,/a" },
	{ H "\n@DBTITLE 2,T\na", "c:@DBTITLE 2,T/a" },
	{ H "\n@DBTITLE 1\na", "c:@DBTITLE 1/a" },
	{ H "\na\n@DBTITLE 1,T", "c:a/@DBTITLE 1,T" },
	{ H "\n@DBTITLE 1,T\na\n\n" S "b", "c<T>:a//|c:b" },
	/* any text */
	{ H "\n\xc3\xa4 \xf0\x9f\x98\x80 \"\\\b\x01\x1f\x7f\t</script>'",
	    "c:\xc3\xa4 \xf0\x9f\x98\x80 \"\\\b\x01\x1f\x7f\t</script>'" },
	{ H "\na\rb\r c", "c:a\rb\r c" },
	{ H "\n\xe2\x80\xa8\xc2\x85\x0b\x0c", "c:\xe2\x80\xa8\xc2\x85\x0b\x0c" },
};

/* So does what is between %md and its text, but Jupyter has no place for that. */
static const struct {
	const char *source, *cells, *in_jupyter;
} after_md[] = {
	{ H "\n@MAGIC %md # A", "i:# A", H "\n@MAGIC %md\n@MAGIC # A" },
	{ H "\n@MAGIC %md ## A\n@MAGIC b", "i:## A/b",
	    H "\n@MAGIC %md\n@MAGIC ## A\n@MAGIC b" },
	{ H "\n@MAGIC %md \n@MAGIC b", "i:/b",
	    H "\n@MAGIC %md\n@MAGIC\n@MAGIC b" },
	{ H "\n@MAGIC %md ", "i:", H "\n@MAGIC %md" },
	{ H "\n@MAGIC %md\n@MAGIC", "m:", H "\n@MAGIC %md" },
};

static void
check_stable(const char *source, const char *cells, int language)
{
	struct notebook nb = from_source(source, language);
	char *found = dump(&nb), *back = source_of(&nb);

	ck_assert_str_eq(found, cells);
	ck_assert_str_eq(back, source);
	notebook_release(&nb);
	free(found);
	free(back);
	/* Newlines at the end make no difference. */
	back = text_printf("%s\n\n", source);
	nb = from_source(back, language);
	found = dump(&nb);
	ck_assert_str_eq(found, cells);
	notebook_release(&nb);
	free(found);
	free(back);
	back = through(source, language, notebook_print_archived,
	    notebook_read_archived);
	ck_assert_str_eq(back, source);
	free(back);
	back = through(
	    source, language, notebook_print_html, notebook_read_html);
	ck_assert_str_eq(back, source);
	free(back);
}

static void
check_in_jupyter(const char *source, const char *want, int language)
{
	char *back = through(source, language, notebook_print_jupyter,
	    notebook_read_jupyter);

	ck_assert_str_eq(back, want);
	free(back);
}

START_TEST(source_comes_back_to_the_byte)
{
	for (int i = 0; i < LANGUAGES; i++) {
		char *source = in_language(stable[_i].source, i);
		char *cells = in_language(stable[_i].cells, i);

		check_stable(source, cells, i);
		check_in_jupyter(source, source, i);
		free(source);
		free(cells);
	}
}
END_TEST

START_TEST(what_is_after_md_stays_there)
{
	for (int i = 0; i < LANGUAGES; i++) {
		char *source = in_language(after_md[_i].source, i);
		char *want = in_language(after_md[_i].in_jupyter, i);

		check_stable(source, after_md[_i].cells, i);
		check_in_jupyter(source, want, i);
		free(source);
		free(want);
	}
}
END_TEST

/* Written otherwise: comes back as the service writes it. */
static const struct {
	const char *source, *want;
} odd[] = {
	{ "", H },
	{ "a", H "\na" },
	{ "@COMMAND ----------", H "\n\n\n@COMMAND ----------" },
	{ H "\n@COMMAND ----------\na", H "\n" S "a" },
	{ H "\n\n@COMMAND ----------\n\na", H "\n" S "a" },
	{ H "\na\n@COMMAND ----------\nb", H "\na" S "b" },
	{ H "\na\n@COMMAND ----------\n@COMMAND ----------\nb",
	    H "\na" S S "b" },
	{ H "\na\n\n@COMMAND ----------\n@MAGIC %sql\n@MAGIC b",
	    H "\na" S "@MAGIC %sql\n@MAGIC b" },
	{ H "\r\na\r\n\r\n@COMMAND ----------\r\n\r\n@MAGIC %md\r\n@MAGIC b\r\n",
	    H "\na" S "@MAGIC %md\n@MAGIC b" },
	{ H "\n@MAGIC %md\n@MAGIC \n@MAGIC a",
	    H "\n@MAGIC %md\n@MAGIC\n@MAGIC a" },
	{ H "\n@MAGIC %md\n\n@MAGIC a\n \n@MAGIC b",
	    H "\n@MAGIC %md\n@MAGIC\n@MAGIC a\n@MAGIC  \n@MAGIC b" },
	{ H "\n\n\n@MAGIC %md\n@MAGIC a\n\n\n" S "b",
	    H "\n@MAGIC %md\n@MAGIC a" S "b" },
	{ H "\n%pip install a\nb", H "\n@MAGIC %pip install a\n@MAGIC b" },
	{ H "\n%md a", H "\n@MAGIC %md a" },
	{ H "\n\n  %sh ls", H "\n@MAGIC\n@MAGIC   %sh ls" },
	{ H "\n\n@DBTITLE 1,T\n\n@MAGIC %sql\n@MAGIC a\n",
	    H "\n@DBTITLE 1,T\n@MAGIC %sql\n@MAGIC a" },
	{ H "\n\n \t\n@DBTITLE 0,T\na", H "\n@DBTITLE 0,T\na" },
	{ "\xef\xbb\xbf" H "\na", H "\n\xef\xbb\xbf" H "\na" },
};

START_TEST(odd_source_becomes_what_the_service_writes)
{
	for (int i = 0; i < LANGUAGES; i++) {
		char *source = in_language(odd[_i].source, i);
		char *want = in_language(odd[_i].want, i);
		struct notebook nb = from_source(source, i);
		char *back = source_of(&nb);

		ck_assert_str_eq(back, want);
		notebook_release(&nb);
		free(back);
		nb = from_source(want, i);
		back = source_of(&nb);
		ck_assert_str_eq(back, want);
		notebook_release(&nb);
		free(back);
		free(source);
		free(want);
	}
}
END_TEST

static const char *const pieces[] = { "\n", "\n\n", "a", " ", "\t", "%", "%md",
	"%md ", "%sql\n", "MAGIC", "@", "@MAGIC ", "@MAGIC\n", "@MAGIC %md\n",
	"@MAGIC %sh x\n", "@COMMAND ----------\n", "\n\n@COMMAND ----------\n\n",
	"@DBTITLE 1,t\n", "@DBTITLE 0,\n", "\r\n", "\r", H "\n", "```{r}\n", "```\n",
	"---\n" };

/* The same sequence in every run. */
static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

static char *
random_source(uint32_t *state, int language)
{
	struct buf b = new_buf();
	char *text, *out;

	for (uint32_t n = next_random(state) % 24; n > 0; n--)
		ck_assert_int_eq(buf_puts(&b, pieces[next_random(state) %
					  ARRAY_LEN(pieces)]),
		    0);
	text = buf_take(&b);
	out = in_language(text, language);
	free(text);
	return out;
}

/* Whatever the source: what it becomes is stable, in all forms that lose nothing. */
START_TEST(once_written_it_stays)
{
	uint32_t state = (uint32_t)_i;

	for (int round = 0; round < 2000; round++) {
		int language = round % LANGUAGES;
		char *source = random_source(&state, language);
		struct notebook nb = from_source(source, language);
		char *first = source_of(&nb), *again;

		again = through(first, language, notebook_print_archived,
		    notebook_read_archived);
		ck_assert_str_eq(again, first);
		free(again);
		again = through(
		    first, language, notebook_print_html, notebook_read_html);
		ck_assert_str_eq(again, first);
		free(again);
		free(first);
		first = through(source, language, notebook_print_jupyter,
		    notebook_read_jupyter);
		again = through(first, language, notebook_print_jupyter,
		    notebook_read_jupyter);
		ck_assert_str_eq(again, first);
		free(again);
		free(first);
		notebook_release(&nb);
		free(source);
	}
}
END_TEST

/* --- Jupyter ------------------------------------------------------------------------ */

START_TEST(jupyter_is_printed_as_the_service_does)
{
	static const char source[] = "-- Databricks notebook source\n"
				     "-- MAGIC %md\n-- MAGIC # A \"b\"\n-- MAGIC\n"
				     "-- MAGIC c\n\n-- COMMAND ----------\n\n"
				     "-- DBTITLE 1,T\n-- MAGIC %python\n-- MAGIC d"
				     "\n\n-- COMMAND ----------";
	static const char want[] =
	    "{\n"
	    " \"cells\": [\n"
	    "  {\n"
	    "   \"cell_type\": \"markdown\",\n"
	    "   \"metadata\": {\n"
	    "    \"application/vnd.databricks.v1+cell\": {\n"
	    "     \"showTitle\": false,\n"
	    "     \"title\": \"\"\n"
	    "    }\n"
	    "   },\n"
	    "   \"source\": [\n"
	    "    \"# A \\\"b\\\"\\n\",\n"
	    "    \"\\n\",\n"
	    "    \"c\"\n"
	    "   ]\n"
	    "  },\n"
	    "  {\n"
	    "   \"cell_type\": \"code\",\n"
	    "   \"execution_count\": 0,\n"
	    "   \"metadata\": {\n"
	    "    \"application/vnd.databricks.v1+cell\": {\n"
	    "     \"showTitle\": true,\n"
	    "     \"title\": \"T\"\n"
	    "    }\n"
	    "   },\n"
	    "   \"outputs\": [],\n"
	    "   \"source\": [\n"
	    "    \"%python\\n\",\n"
	    "    \"d\"\n"
	    "   ]\n"
	    "  },\n"
	    "  {\n"
	    "   \"cell_type\": \"code\",\n"
	    "   \"execution_count\": 0,\n"
	    "   \"metadata\": {\n"
	    "    \"application/vnd.databricks.v1+cell\": {\n"
	    "     \"showTitle\": false,\n"
	    "     \"title\": \"\"\n"
	    "    }\n"
	    "   },\n"
	    "   \"outputs\": [],\n"
	    "   \"source\": []\n"
	    "  }\n"
	    " ],\n"
	    " \"metadata\": {\n"
	    "  \"application/vnd.databricks.v1+notebook\": {\n"
	    "   \"language\": \"sql\",\n"
	    "   \"notebookName\": \"a\\\\b\"\n"
	    "  },\n"
	    "  \"language_info\": {\n"
	    "   \"name\": \"sql\"\n"
	    "  }\n"
	    " },\n"
	    " \"nbformat\": 4,\n"
	    " \"nbformat_minor\": 0\n"
	    "}\n";
	struct notebook nb = from_source(source, NOTEBOOK_SQL);
	struct buf b = new_buf();

	ck_assert_int_eq(notebook_print_jupyter(&nb, "a\\b", &b), 0);
	ck_assert_str_eq(buf_text(&b), want);
	buf_release(&b);
	notebook_release(&nb);
}
END_TEST

#define DOC(cells, metadata) \
	"{\"cells\":[" cells "],\"metadata\":{" metadata \
	"},\"nbformat\":4,\"nbformat_minor\":5}"
#define CELL(type, source) \
	"{\"cell_type\":\"" type "\",\"metadata\":{},\"source\":" source "}"
#define TITLED(metadata) \
	"{\"cell_type\":\"code\",\"source\":\"x\",\"metadata\":{" \
	"\"application/vnd.databricks.v1+cell\":" metadata "}}"
#define OURS(language) \
	"\"application/vnd.databricks.v1+notebook\":{\"language\":" language "}"
#define INFO(name) "\"language_info\":{\"name\":" name "}"
#define EIGHT(x) x x x x x x x x
#define DEEP(open, close) \
	EIGHT(EIGHT(EIGHT(open))) EIGHT(EIGHT(EIGHT(close)))

static const struct {
	const char *json;
	int language;
	const char *cells;
} documents[] = {
	{ DOC("", ""), NOTEBOOK_PYTHON, "" },
	{ " \n" DOC("", "") "\n\n", NOTEBOOK_PYTHON, "" },
	{ DOC(CELL("code", "\"a\\nb\""), ""), NOTEBOOK_PYTHON, "c:a/b" },
	{ DOC(CELL("code", "[\"a\\n\",\"b\"]"), ""), NOTEBOOK_PYTHON,
	    "c:a/b" },
	{ DOC(CELL("code", "[]") "," CELL("code", "\"\""), ""),
	    NOTEBOOK_PYTHON, "c:|c:" },
	{ DOC(CELL("code", "[\"a\",\"b\",\"\"]"), ""), NOTEBOOK_PYTHON,
	    "c:ab" },
	{ DOC(CELL("markdown", "\"# A\"") "," CELL("raw", "\"<b>\""), ""),
	    NOTEBOOK_PYTHON, "m:# A|c:<b>" },
	{ DOC(CELL("code", "\"%md\\na\"") "," CELL("code", "\"%sql\\na\""), ""),
	    NOTEBOOK_PYTHON, "c:%md/a|c:%sql/a" },
	{ DOC(CELL("code", "\"\\u00e4\\ud83d\\ude00\\/\""), ""),
	    NOTEBOOK_PYTHON, "c:\xc3\xa4\xf0\x9f\x98\x80/" },
	{ DOC(CELL("code", "[\"a\\r\\n\",\"b\\rc\\r\"]"), ""), NOTEBOOK_PYTHON,
	    "c:a/b\rc" },
	/* titles */
	{ DOC(TITLED("{\"title\":\"T\",\"showTitle\":true}"), ""),
	    NOTEBOOK_PYTHON, "c<T>:x" },
	{ DOC(TITLED("{\"title\":\"T\",\"showTitle\":false}"), ""),
	    NOTEBOOK_PYTHON, "c<-T>:x" },
	{ DOC(TITLED("{\"title\":\"\",\"showTitle\":true}"), ""),
	    NOTEBOOK_PYTHON, "c<>:x" },
	{ DOC(TITLED("{\"title\":\"\",\"showTitle\":false}"), ""),
	    NOTEBOOK_PYTHON, "c:x" },
	{ DOC(TITLED("{\"title\":\"a\\nb\\r\\n# COMMAND ----------\","
		     "\"showTitle\":true}"),
	      ""),
	    NOTEBOOK_PYTHON, "c<a b  # COMMAND ---------->:x" },
	{ DOC(TITLED("{\"title\":5,\"showTitle\":\"yes\"}"), ""),
	    NOTEBOOK_PYTHON, "c:x" },
	{ DOC(TITLED("7"), ""), NOTEBOOK_PYTHON, "c:x" },
	/* languages */
	{ DOC("", OURS("\"scala\"")), NOTEBOOK_SCALA, "" },
	{ DOC("", OURS("\"sql\"") "," INFO("\"R\"")), NOTEBOOK_SQL, "" },
	{ DOC("", INFO("\"R\"")), NOTEBOOK_R, "" },
	{ DOC("", INFO("\"julia\"")), NOTEBOOK_PYTHON, "" },
	{ DOC("", OURS("\"julia\"") "," INFO("\"R\"")), NOTEBOOK_PYTHON,
	    "" },
	{ DOC("", OURS("3") "," INFO("\"r\"")), NOTEBOOK_R, "" },
	/* what the service itself writes: a name twice in an output */
	{ DOC("{\"cell_type\":\"code\",\"source\":\"x\",\"outputs\":[{"
	      "\"output_type\":\"stream\",\"output_type\":\"stream\"}]}",
	      ""),
	    NOTEBOOK_PYTHON, "c:x" },
};

static const char *const no_documents[] = {
	"",
	"null",
	"[]",
	"{}",
	"\xef\xbb\xbf" DOC("", ""),
	DOC("", "") "x",
	"{\"cells\":[],\"metadata\":{},\"nbformat\":3}",
	"{\"cells\":[],\"metadata\":{},\"nbformat\":\"4\"}",
	"{\"cells\":[],\"metadata\":{}}",
	"{\"cells\":{},\"metadata\":{},\"nbformat\":4}",
	"{\"cells\":[],\"metadata\":[],\"nbformat\":4}",
	"{\"cells\":[],\"nbformat\":4}",
	"{\"metadata\":{},\"nbformat\":4}",
	"{\"worksheets\":[],\"metadata\":{},\"nbformat\":3}",
	DOC("null", ""),
	DOC("5", ""),
	DOC("{}", ""),
	DOC("{\"cell_type\":\"code\"}", ""),
	DOC("{\"source\":\"x\"}", ""),
	DOC(CELL("code", "5"), ""),
	DOC(CELL("code", "null"), ""),
	DOC(CELL("code", "[\"a\",5]"), ""),
	DOC(CELL("code", "[[\"a\"]]"), ""),
	DOC(CELL("code", "\"a\\u0000b\""), ""),
	DOC(CELL("code", "[\"a\\u0000b\"]"), ""),
	DOC(CELL("code", "\"ok\"") "," CELL("code", "5"), ""),
	DOC(CELL("code", "\"\xff\""), ""),
	DOC(DEEP("[", "]"), ""),
	DOC("", "\"x\":" DEEP("[", "]")),
	EIGHT(EIGHT(EIGHT("{\"cells\":"))),
};

START_TEST(jupyter_documents_are_read)
{
	const char *json = documents[_i].json;
	struct notebook nb;
	struct buf b = new_buf();
	enum notebook_language language = NOTEBOOK_R;
	char *cells;

	ck_assert_int_eq(notebook_read_jupyter(json, strlen(json), &nb), 0);
	cells = dump(&nb);
	ck_assert_str_eq(cells, documents[_i].cells);
	ck_assert_int_eq(nb.language, documents[_i].language);
	notebook_release(&nb);
	free(cells);
	/* What is kept reads the same. */
	ck_assert_int_eq(notebook_keep_jupyter(
			     json, strlen(json), "name", &language, &b),
	    0);
	ck_assert_int_eq(language, documents[_i].language);
	ck_assert_int_eq(notebook_read_jupyter(buf_text(&b), b.len, &nb), 0);
	cells = dump(&nb);
	ck_assert_str_eq(cells, documents[_i].cells);
	ck_assert_int_eq(nb.language, documents[_i].language);
	notebook_release(&nb);
	free(cells);
	buf_release(&b);
}
END_TEST

START_TEST(other_documents_are_refused)
{
	const char *json = no_documents[_i];
	struct notebook nb;
	struct buf b = new_buf();
	enum notebook_language language = NOTEBOOK_R;

	ck_assert_int_eq(
	    notebook_read_jupyter(json, strlen(json), &nb), -EBADMSG);
	ck_assert_int_eq(nb.n, 0);
	ck_assert_int_eq(notebook_keep_jupyter(
			     json, strlen(json), "name", &language, &b),
	    -EBADMSG);
	ck_assert_int_eq(b.len, 0);
	ck_assert_int_eq(language, NOTEBOOK_R);
	buf_release(&b);
}
END_TEST

static const struct {
	const char *json, *want;
} kept_documents[] = {
	/* Outputs, attachments, ids, unknown members stay; metadata is added. */
	{ DOC("{\"attachments\":{\"a.png\":{\"image/png\":\"AA==\"}},"
	      "\"cell_type\":\"markdown\",\"id\":\"i\",\"metadata\":{\"x\":1},"
	      "\"source\":[\"a\"]},{\"cell_type\":\"code\",\"execution_count\":3,"
	      "\"outputs\":[{\"data\":{\"text/plain\":\"\\u0000\"},"
	      "\"metadata\":{},\"output_type\":\"display_data\"},1.50,1e400,"
	      "12345678901234567],\"source\":\"b\"}",
	      INFO("\"R\"") ",\"kernelspec\":{\"name\":\"ir\"}"),
	    "{\"cells\":[{\"attachments\":{\"a.png\":{\"image/png\":\"AA==\"}},"
	    "\"cell_type\":\"markdown\",\"id\":\"i\",\"metadata\":{\"x\":1,"
	    "\"application/vnd.databricks.v1+cell\":{\"showTitle\":false,"
	    "\"title\":\"\"}},\"source\":[\"a\"]},{\"cell_type\":\"code\","
	    "\"execution_count\":3,\"outputs\":[{\"data\":{\"text/plain\":"
	    "\"\\u0000\"},\"metadata\":{},\"output_type\":\"display_data\"},1.50,"
	    "1e400,12345678901234567],\"source\":\"b\",\"metadata\":{"
	    "\"application/vnd.databricks.v1+cell\":{\"showTitle\":false,"
	    "\"title\":\"\"}}}],\"metadata\":{\"language_info\":{\"name\":\"R\"},"
	    "\"kernelspec\":{\"name\":\"ir\"},"
	    "\"application/vnd.databricks.v1+notebook\":{\"language\":\"r\","
	    "\"notebookName\":\"name\"}},\"nbformat\":4,\"nbformat_minor\":5}" },
	/* What is there of ours stays, but for the name. */
	{ DOC(TITLED("{\"title\":\"T\",\"nuid\":\"u\"}"),
	      "\"application/vnd.databricks.v1+notebook\":{\"language\":\"sql\","
	      "\"notebookName\":\"old\",\"widgets\":{}}"),
	    DOC(TITLED("{\"title\":\"T\",\"nuid\":\"u\"}"),
		"\"application/vnd.databricks.v1+notebook\":{\"language\":\"sql\","
		"\"notebookName\":\"name\",\"widgets\":{}}," INFO("\"sql\"")) },
	{ DOC("", ""),
	    DOC("",
		"\"application/vnd.databricks.v1+notebook\":{"
		"\"language\":\"python\",\"notebookName\":\"name\"}," INFO(
		    "\"python\"")) },
	/* Metadata that is none is replaced. */
	{ DOC("{\"cell_type\":\"code\",\"metadata\":5,\"source\":\"\"}",
	      "\"language_info\":[]"),
	    DOC("{\"cell_type\":\"code\",\"metadata\":{"
		"\"application/vnd.databricks.v1+cell\":{\"showTitle\":false,"
		"\"title\":\"\"}},\"source\":\"\"}",
		INFO("\"python\"") ",\"application/vnd.databricks.v1+notebook\":{"
				   "\"language\":\"python\","
				   "\"notebookName\":\"name\"}") },
};

START_TEST(jupyter_is_kept_as_it_came)
{
	const char *json = kept_documents[_i].json;
	struct buf b = new_buf(), again = new_buf();
	enum notebook_language language;
	struct json_object *doc;

	ck_assert_int_eq(notebook_keep_jupyter(
			     json, strlen(json), "name", &language, &b),
	    0);
	ck_assert_int_eq(jval_parse(buf_text(&b), b.len, &doc), 0);
	ck_assert_str_eq(jval_text(doc, NULL), kept_documents[_i].want);
	json_object_put(doc);
	ck_assert_int_eq(notebook_keep_jupyter(
			     buf_text(&b), b.len, "name", &language, &again),
	    0);
	ck_assert_str_eq(buf_text(&again), buf_text(&b));
	buf_release(&b);
	buf_release(&again);
}
END_TEST

/* A cell of Jupyter may have what separates cells in source. */
START_TEST(code_that_looks_like_source_becomes_it)
{
	static const char json[] = DOC(
	    CELL("code", "\"a\\n\\n# COMMAND ----------\\n\\nb\"") "," CELL("code",
		"\"# MAGIC %sql\\n# MAGIC c\"") "," CELL("code",
		"\"# DBTITLE 1,T\\nd\""),
	    "");
	struct notebook nb, back;
	char *source, *cells;

	ck_assert_int_eq(notebook_read_jupyter(json, strlen(json), &nb), 0);
	source = source_of(&nb);
	back = from_source(source, NOTEBOOK_PYTHON);
	cells = dump(&back);
	ck_assert_str_eq(cells, "c:a|c:b|c:%sql/c|c<T>:d");
	notebook_release(&nb);
	notebook_release(&back);
	free(source);
	free(cells);
}
END_TEST

/* --- archives and pages ------------------------------------------------------------- */

#define ARCHIVED(language, commands) \
	"{\"version\":\"NotebookV1\",\"language\":" language \
	",\"commands\":" commands "}"

static const struct {
	const char *json;
	int ret;
	const char *cells;
} archived[] = {
	{ ARCHIVED("\"python\"", "[]"), 0, "" },
	{ ARCHIVED("\"r\"", "[{\"command\":\"%md a\"},{\"command\":\"%md\\nb\"}]"),
	    0, "i:a|m:b" },
	{ ARCHIVED("\"sql\"",
	      "[{\"command\":\"b\",\"position\":2.5},{\"command\":\"a\","
	      "\"position\":1,\"commandTitle\":\"T\",\"showCommandTitle\":true}]"),
	    0, "c<T>:a|c:b" },
	{ ARCHIVED("\"cobol\"", "[]"), -EBADMSG, NULL },
	{ ARCHIVED("5", "[]"), -EBADMSG, NULL },
	{ ARCHIVED("\"python\"", "{}"), -EBADMSG, NULL },
	{ ARCHIVED("\"python\"", "[5]"), -EBADMSG, NULL },
	{ ARCHIVED("\"python\"", "[null,{\"command\":\"a\"}]"), -EBADMSG, NULL },
	{ ARCHIVED("\"python\"", "[{\"command\":5}]"), -EBADMSG, NULL },
	{ ARCHIVED("\"python\"", "[{\"command\":\"a\"},{}]"), -EBADMSG, NULL },
	{ ARCHIVED("\"python\"", "[{\"command\":\"\\u0000\"}]"), -EBADMSG, NULL },
	{ "{}", -EBADMSG, NULL },
	{ "[]", -EBADMSG, NULL },
	{ "null", -EBADMSG, NULL },
	{ "", -EBADMSG, NULL },
};

START_TEST(archived_notebooks_are_read)
{
	const char *json = archived[_i].json;
	struct notebook nb;

	ck_assert_int_eq(notebook_read_archived(json, strlen(json), &nb),
	    archived[_i].ret);
	if (archived[_i].ret == 0) {
		char *cells = dump(&nb);

		ck_assert_str_eq(cells, archived[_i].cells);
		free(cells);
	}
	notebook_release(&nb);
}
END_TEST

START_TEST(page_shows_text_as_text)
{
	struct notebook nb = from_source("# Databricks notebook source\n"
					 "# DBTITLE 1,<T>\n\"a\" < b & c > d",
	    NOTEBOOK_R);
	struct buf b = new_buf();

	ck_assert_int_eq(
	    notebook_print_html(&nb, "</title><script>", &b), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&b),
	    "<title>&lt;/title&gt;&lt;script&gt; - Databricks</title>\n"));
	ck_assert_ptr_nonnull(strstr(buf_text(&b),
	    "<h4>&lt;T&gt;</h4>\n<pre class=\"r\">&quot;a&quot; &lt; b &amp; c "
	    "&gt; d</pre>\n"));
	buf_release(&b);
	notebook_release(&nb);
}
END_TEST

#define PAGE(model) "<script>var __DATABRICKS_NOTEBOOK_MODEL = '" model "';"

static const char *const broken_pages[] = { "", "<html></html>", PAGE(""),
	PAGE("%"), PAGE("e30="), PAGE("e30"), PAGE("JQ=="), PAGE("JTc="),
	PAGE("JXp6"), PAGE("JTdCJTdE"),
	"<script>var __DATABRICKS_NOTEBOOK_MODEL = 'e30=",
	"__DATABRICKS_NOTEBOOK_MODEL = '", "__DATABRICKS_NOTEBOOK_MODEL = " };

START_TEST(broken_pages_are_refused)
{
	struct notebook nb;

	ck_assert_int_eq(notebook_read_html(broken_pages[_i],
			     strlen(broken_pages[_i]), &nb),
	    -EBADMSG);
	notebook_release(&nb);
}
END_TEST

/* --- R Markdown --------------------------------------------------------------------- */

static const struct {
	const char *text, *cells;
	bool prints; /* as it was read */
} chunks[] = {
	{ "---\ntitle: \"name\"\n---\n", "", true },
	{ "---\ntitle: \"name\"\n---\n\n```{r}\na\n\nb\n```\n", "c:a//b", true },
	{ "---\ntitle: \"name\"\n---\n\n# A\n\nb\n\n```{r}\n```\n", "m:# A//b|c:",
	    true },
	{ "---\ntitle: \"name\"\n---\n\n```{sql}\na\n```\n\n```{bash}\nb\n```\n"
	  "\n```{python}\n```\n",
	    "c:%sql/a|c:%sh/b|c:%python/", true },
	{ "---\ntitle: \"name\"\n---\n\n```{r}\n%run ./a\n```\n", "c:%run ./a",
	    true },
	{ "---\ntitle: \"name\"\n---\n\n````{r}\na = '```'\n````\n",
	    "c:a = '```'", true },
	{ "---\ntitle: \"name\"\n---\n\n```r\na\n```\n", "m:```r/a/```", true },
	{ "", "", false },
	{ "\n \n", "", false },
	{ "a\n", "m:a", false },
	{ "a\r\n\r\n```{r}\r\nb\r\n```\r\n", "m:a|c:b", false },
	{ "```{r setup, include=FALSE}\na\n```", "c:a", false },
	{ "``` {r}\na\n```  \nb", "c:a|m:b", false },
	{ "```{r}\na", "c:a", false },
	{ "```{r}", "c:", false },
	{ "```{stan x}\na\n```", "c:%stan/a", false },
	{ "```{md}\na\n```\n```{r}\n%md b\n```", "m:a|i:b", false },
	{ "```{r\na", "m:```{r/a", false },
	{ "```{}\na", "m:```{}/a", false },
	{ "``{r}\na", "m:``{r}/a", false },
	{ "---\na", "m:---/a", false },
	{ "---\na: b\n...\nc", "m:c", false },
	{ "x\n---\na\n---\nb", "m:x/---/a/---/b", false },
};

START_TEST(rmarkdown_is_read)
{
	struct notebook nb;
	char *cells;

	ck_assert_int_eq(notebook_read_rmarkdown(
			     chunks[_i].text, strlen(chunks[_i].text), &nb),
	    0);
	ck_assert_int_eq(nb.language, NOTEBOOK_R);
	cells = dump(&nb);
	ck_assert_str_eq(cells, chunks[_i].cells);
	free(cells);
	if (chunks[_i].prints) {
		struct buf b = new_buf();

		ck_assert_int_eq(notebook_print_rmarkdown(&nb, "name", &b), 0);
		ck_assert_str_eq(buf_text(&b), chunks[_i].text);
		buf_release(&b);
	}
	notebook_release(&nb);
}
END_TEST

START_TEST(source_comes_back_from_rmarkdown)
{
	static const char source[] =
	    "# Databricks notebook source\nx <- 1" S "@MAGIC %md\n@MAGIC # A" S
	    "@MAGIC %sql\n@MAGIC SELECT 1" S "@MAGIC %run ./a" S S "y";
	char *want = in_language(source, NOTEBOOK_R);
	char *back = through(want, NOTEBOOK_R, notebook_print_rmarkdown,
	    notebook_read_rmarkdown);

	ck_assert_str_eq(back, want);
	free(want);
	free(back);
}
END_TEST

/* --- hostile input ------------------------------------------------------------------ */

/* A fifth of what the service takes. */
#define HUGE (2 * MIB)

static const char *const huge[] = {
	"\n",
	"a",
	"\x01",
	"# COMMAND ----------\n",
	"# MAGIC\n",
	"# MAGIC %md\n",
	"# DBTITLE 1,\n",
	"%",
	"`",
	"```{r}\n",
	" ",
	" \n",
	"\r\n",
};

static char *
repeat(const char *piece, size_t bytes, size_t *len)
{
	struct buf b;

	buf_init(&b, bytes);
	while (buf_puts(&b, piece) == 0)
		;
	*len = b.len;
	return buf_take(&b);
}

static print_fn *const printers[] = { notebook_print_jupyter,
	notebook_print_archived, notebook_print_html, notebook_print_rmarkdown };

/* In time, and within the limit of out. */
START_TEST(huge_notebooks_are_read_and_printed)
{
	size_t len;
	char *text = repeat(huge[_i], HUGE, &len);
	struct notebook nb;
	struct buf b = new_buf();
	int ret;

	ck_assert_int_eq(
	    notebook_read_source(text, len, NOTEBOOK_PYTHON, &nb), 0);
	ck_assert_int_eq(notebook_print_source(&nb, &b), 0);
	for (size_t i = 0; i < ARRAY_LEN(printers); i++) {
		buf_clear(&b);
		ret = printers[i](&nb, "name", &b);
		ck_assert(ret == 0 || ret == -EFBIG);
	}
	notebook_release(&nb);
	ck_assert_int_eq(notebook_read_rmarkdown(text, len, &nb), 0);
	notebook_release(&nb);
	ck_assert_int_eq(notebook_read_jupyter(text, len, &nb), -EBADMSG);
	ck_assert_int_eq(notebook_read_html(text, len, &nb), -EBADMSG);
	buf_release(&b);
	free(text);
}
END_TEST

static const char *const nests[] = { "[", "{\"cells\":", "{\"a\":[", "[[],",
	"{\"cells\":[{\"source\":[" };

START_TEST(deep_documents_are_refused)
{
	size_t len;
	char *text = repeat(nests[_i], MIB, &len);
	struct notebook nb;

	ck_assert_int_eq(notebook_read_jupyter(text, len, &nb), -EBADMSG);
	ck_assert_int_eq(notebook_read_archived(text, len, &nb), -EBADMSG);
	free(text);
}
END_TEST

static const char example[] =
    "# Databricks notebook source\n# MAGIC %md\n# MAGIC # \xc3\xa4 <b>\n\n"
    "# COMMAND ----------\n\n# DBTITLE 1,T\nx = \"1\"\n\n# COMMAND ----------\n\n"
    "# MAGIC %sql\n# MAGIC SELECT 1";

START_TEST(what_does_not_fit_is_too_big)
{
	struct notebook nb = from_source(example, NOTEBOOK_PYTHON);
	enum notebook_language language;
	struct buf whole = new_buf(), b;

	ck_assert_int_eq(printers[_i](&nb, "name", &whole), 0);
	for (size_t limit = 0; limit < whole.len; limit++) {
		buf_init(&b, limit);
		ck_assert_int_eq(printers[_i](&nb, "name", &b), -EFBIG);
		buf_release(&b);
		if (limit < strlen(example)) {
			buf_init(&b, limit);
			ck_assert_int_eq(notebook_print_source(&nb, &b), -EFBIG);
			ck_assert_int_eq(notebook_keep_source(example,
					     strlen(example), NOTEBOOK_PYTHON, &b),
			    -EFBIG);
			buf_release(&b);
		}
		if (printers[_i] == notebook_print_jupyter) {
			buf_init(&b, limit);
			ck_assert_int_eq(notebook_keep_jupyter(whole.data,
					     whole.len, "name", &language, &b),
			    -EFBIG);
			buf_release(&b);
		}
	}
	buf_release(&whole);
	notebook_release(&nb);
}
END_TEST

static const struct {
	print_fn *print;
	read_fn *read;
} forms[] = {
	{ notebook_print_jupyter, notebook_read_jupyter },
	{ notebook_print_archived, notebook_read_archived },
	{ notebook_print_html, notebook_read_html },
	{ notebook_print_rmarkdown, notebook_read_rmarkdown },
};

/* For the sanitizers: it is one or it is none, and nothing breaks. */
static void
try_to_read(read_fn *read, const char *text, size_t len)
{
	char *copy = malloc(len + 1); /* so that its end is known */
	struct notebook nb;
	int ret;

	memcpy(copy, text, len);
	ret = read(copy, len, &nb);
	ck_assert(ret == 0 || ret == -EBADMSG);
	notebook_release(&nb);
	free(copy);
}

START_TEST(broken_documents_break_nothing)
{
	struct notebook nb = from_source(example, NOTEBOOK_PYTHON);
	struct buf whole = new_buf();
	uint32_t state = 1;

	ck_assert_int_eq(forms[_i].print(&nb, "name", &whole), 0);
	for (size_t len = 0; len < whole.len; len++)
		try_to_read(forms[_i].read, whole.data, len);
	for (int round = 0; round < 20000; round++) {
		size_t at = next_random(&state) % whole.len;
		char was = whole.data[at];

		whole.data[at] = (char)next_random(&state);
		try_to_read(forms[_i].read, whole.data, whole.len);
		whole.data[at] = was;
	}
	buf_release(&whole);
	notebook_release(&nb);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(languages_have_names_and_extensions, languages),
	UNIT_ROWS(extensions_say_the_language, paths),
	UNIT_ROWS(header_is_the_first_line_to_the_byte, headers),
	UNIT_ROWS(source_is_kept_with_header_and_without_newlines_at_the_end,
	    kept),
	UNIT_ROWS(what_is_no_text_is_no_notebook, no_texts),
	UNIT_ROWS(source_comes_back_to_the_byte, stable),
	UNIT_ROWS(what_is_after_md_stays_there, after_md),
	UNIT_ROWS(odd_source_becomes_what_the_service_writes, odd),
	UNIT_TIMES(once_written_it_stays, 4),
	UNIT(jupyter_is_printed_as_the_service_does),
	UNIT_ROWS(jupyter_documents_are_read, documents),
	UNIT_ROWS(other_documents_are_refused, no_documents),
	UNIT_ROWS(jupyter_is_kept_as_it_came, kept_documents),
	UNIT(code_that_looks_like_source_becomes_it),
	UNIT_ROWS(archived_notebooks_are_read, archived),
	UNIT(page_shows_text_as_text),
	UNIT_ROWS(broken_pages_are_refused, broken_pages),
	UNIT_ROWS(rmarkdown_is_read, chunks),
	UNIT(source_comes_back_from_rmarkdown),
	UNIT_ROWS(huge_notebooks_are_read_and_printed, huge),
	UNIT_ROWS(deep_documents_are_refused, nests),
	UNIT_ROWS(what_does_not_fit_is_too_big, printers),
	UNIT_ROWS(broken_documents_break_nothing, forms),
};

UNIT_MAIN("emu/notebook", tests)
