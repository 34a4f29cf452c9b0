/* emu/notebook_jupyter.c - a notebook as a Jupyter document.
 *
 * The service writes nbformat 4.0, without ids of cells.  A markdown cell has the text
 * behind %md; in every other cell the magic line stays.  A raw cell becomes code. */
#include "config.h"

#include "emu/notebook.h"

#include <errno.h>
#include <string.h>

#include "base/jval.h"
#include "base/text.h"

#include "emu/notebook_impl.h"

#include "base/banned.h"

#define NBFORMAT    4
#define OF_NOTEBOOK "application/vnd.databricks.v1+notebook"
#define OF_CELL	    "application/vnd.databricks.v1+cell"

/* --- reading ------------------------------------------------------------------------ */

static int
put_string(struct json_object *val, struct buf *out)
{
	size_t len;

	if (!json_object_is_type(val, json_type_string))
		return -EBADMSG;
	len = (size_t)json_object_get_string_len(val);
	if (memchr(json_object_get_string(val), '\0', len) != NULL)
		return -EBADMSG;
	return buf_append(out, json_object_get_string(val), len);
}

/* The text of a cell: a string, or an array of strings that follow each other. */
static int
put_multiline(struct json_object *cell, struct buf *out)
{
	struct json_object *source = NULL;
	int ret = 0;

	if (jval_array(cell, "source", &source) < 0) {
		(void)json_object_object_get_ex(cell, "source", &source);
		return put_string(source, out);
	}
	for (size_t i = 0; ret == 0 && i < json_object_array_length(source); i++)
		ret = put_string(json_object_array_get_idx(source, i), out);
	return ret;
}

/* Of the Databricks metadata: shown, or at least there. */
static struct notebook_title
title_of(struct json_object *cell)
{
	struct json_object *metadata = NULL, *ours = NULL;
	const char *text = "";
	bool shown = false;

	(void)jval_object(cell, "metadata", &metadata);
	(void)jval_object(metadata, OF_CELL, &ours);
	(void)jval_str(ours, "title", &text);
	(void)jval_bool(ours, "showTitle", &shown);
	return (struct notebook_title){
		.is_there = shown || text[0] != '\0',
		.is_hidden = !shown,
		.text = span_of(text),
	};
}

static int
read_cell(struct notebook *nb, struct json_object *cell)
{
	const char *type;
	struct buf source;
	struct span text;
	int ret;

	if (jval_str(cell, "cell_type", &type) < 0)
		return -EBADMSG;
	buf_init(&source, JVAL_MEMORY_MAX);
	ret = put_multiline(cell, &source);
	text = (struct span){ buf_text(&source), source.len };
	if (ret == 0)
		ret = strcmp(type, "markdown") == 0 ?
			  notebook_add_markdown(nb, title_of(cell), text) :
			  notebook_add_code(nb, title_of(cell), text);
	buf_release(&source);
	return ret;
}

static enum notebook_language
language_of(struct json_object *metadata)
{
	enum notebook_language language = NOTEBOOK_PYTHON;
	struct json_object *ours = NULL, *info = NULL;
	const char *word = "";

	(void)jval_object(metadata, OF_NOTEBOOK, &ours);
	(void)jval_object(metadata, "language_info", &info);
	if (jval_str(ours, "language", &word) < 0)
		(void)jval_str(info, "name", &word);
	return notebook_language_of_word(word, &language) ? language :
							     NOTEBOOK_PYTHON;
}

/* Reads the cells, and hands out the document that they are in. */
static int
read_document(const char *text, size_t len, struct notebook *nb,
    struct json_object **doc)
{
	struct json_object *cells, *metadata;
	int64_t nbformat = 0;
	int ret;

	*nb = (struct notebook){ 0 };
	ret = jval_parse_lax(text, len, doc);
	if (ret < 0)
		return ret == -ENOMEM ? ret : -EBADMSG;
	(void)jval_i64(*doc, "nbformat", &nbformat);
	if (nbformat < NBFORMAT || jval_array(*doc, "cells", &cells) < 0 ||
	    jval_object(*doc, "metadata", &metadata) < 0) {
		json_object_put(*doc);
		return -EBADMSG;
	}
	nb->language = language_of(metadata);
	for (size_t i = 0; ret == 0 && i < json_object_array_length(cells); i++)
		ret = read_cell(nb, json_object_array_get_idx(cells, i));
	if (ret < 0) {
		json_object_put(*doc);
		notebook_release(nb);
	}
	return ret;
}

int
notebook_read_jupyter(const char *text, size_t len, struct notebook *out)
{
	struct json_object *doc;
	int ret = read_document(text, len, out, &doc);

	if (ret == 0)
		json_object_put(doc);
	return ret;
}

/* --- printing ----------------------------------------------------------------------- */

/* An array of the lines, each with its newline. */
static int
put_lines(struct span text, struct buf *out)
{
	struct buf quoted;
	struct span line;
	const char *before = "\n";
	int ret = buf_puts(out, "[");

	buf_init(&quoted, out->limit);
	while (ret == 0 && span_line(&text, &line)) {
		buf_clear(&quoted);
		ret = buf_append(&quoted, line.at, (size_t)(text.at - line.at));
		if (ret == 0)
			ret = buf_printf(out, "%s    ", before);
		if (ret == 0)
			ret = jval_quote(out, buf_text(&quoted));
		before = ",\n";
	}
	buf_release(&quoted);
	return ret == 0 ? buf_puts(out, before[0] == ',' ? "\n   ]" : "]") : ret;
}

static int
put_cell(const struct notebook_cell *cell, struct buf *out)
{
	int ret = buf_printf(out,
	    "  {\n"
	    "   \"cell_type\": \"%s\",\n"
	    "%s"
	    "   \"metadata\": {\n"
	    "    \"" OF_CELL "\": {\n"
	    "     \"showTitle\": %s,\n"
	    "     \"title\": ",
	    cell->markdown ? "markdown" : "code",
	    cell->markdown ? "" : "   \"execution_count\": 0,\n",
	    cell->title != NULL && !cell->title_hidden ? "true" : "false");

	if (ret == 0)
		ret = jval_quote(out, cell->title != NULL ? cell->title : "");
	if (ret == 0)
		ret = buf_printf(out,
		    "\n"
		    "    }\n"
		    "   },\n"
		    "%s"
		    "   \"source\": ",
		    cell->markdown ? "" : "   \"outputs\": [],\n");
	if (ret == 0)
		ret = put_lines(span_of(cell->text), out);
	return ret == 0 ? buf_puts(out, "\n  }") : ret;
}

static int
put_metadata(
    enum notebook_language language, const char *name, struct buf *out)
{
	const char *word = notebook_word(language);
	int ret = buf_printf(out,
	    " \"metadata\": {\n"
	    "  \"" OF_NOTEBOOK "\": {\n"
	    "   \"language\": \"%s\",\n"
	    "   \"notebookName\": ",
	    word);

	if (ret == 0)
		ret = jval_quote(out, name);
	return ret == 0 ? buf_printf(out,
			      "\n"
			      "  },\n"
			      "  \"language_info\": {\n"
			      "   \"name\": \"%s\"\n"
			      "  }\n"
			      " }",
			      word) :
			  ret;
}

/* Written piece by piece: as a tree, a line would take a hundred times its length. */
int
notebook_print_jupyter(
    const struct notebook *nb, const char *name, struct buf *out)
{
	int ret = buf_puts(out, "{\n \"cells\": [");

	for (size_t i = 0; ret == 0 && i < nb->n; i++) {
		ret = buf_puts(out, i == 0 ? "\n" : ",\n");
		if (ret == 0)
			ret = put_cell(&nb->cells[i], out);
	}
	if (ret == 0)
		ret = buf_puts(out, nb->n > 0 ? "\n ],\n" : "],\n");
	if (ret == 0)
		ret = put_metadata(nb->language, name, out);
	return ret == 0 ? buf_puts(out,
			      ",\n \"nbformat\": 4,\n \"nbformat_minor\": 0\n}\n") :
			  ret;
}

/* --- keeping ------------------------------------------------------------------------ */

/* The member of that name, made when it is missing; borrowed, NULL without memory. */
static struct json_object *
member(struct json_object *obj, const char *name)
{
	struct json_object *out;

	if (jval_object(obj, name, &out) == 0)
		return out;
	out = json_object_new_object();
	return jval_add(obj, name, out) == 0 ? out : NULL;
}

static int
add_cell_metadata(struct json_object *cell)
{
	struct json_object *metadata = member(cell, "metadata"), *ours;
	int ret;

	if (metadata == NULL)
		return -ENOMEM;
	if (jval_object(metadata, OF_CELL, &ours) == 0)
		return 0;
	ours = member(metadata, OF_CELL);
	ret = ours != NULL ? jval_add_bool(ours, "showTitle", false) : -ENOMEM;
	return ret == 0 ? jval_add_str(ours, "title", "") : ret;
}

static int
add_metadata(
    struct json_object *doc, const char *name, enum notebook_language language)
{
	struct json_object *metadata = member(doc, "metadata");
	struct json_object *ours = NULL, *info = NULL;
	const char *word = notebook_word(language);
	int ret;

	if (metadata != NULL)
		ours = member(metadata, OF_NOTEBOOK);
	if (ours != NULL)
		info = member(metadata, "language_info");
	if (info == NULL)
		return -ENOMEM;
	ret = jval_add_str(ours, "language", word);
	if (ret == 0)
		ret = jval_add_str(ours, "notebookName", name);
	return ret == 0 && jval_str(info, "name", &word) < 0 ?
		   jval_add_str(info, "name", word) :
		   ret;
}

static int
put_document(struct json_object *doc, struct buf *out)
{
	size_t len;
	const char *text = json_object_to_json_string_length(doc,
	    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
		JSON_C_TO_STRING_NOSLASHESCAPE,
	    &len);
	int ret = text != NULL ? buf_append(out, text, len) : -ENOMEM;

	return ret == 0 ? buf_puts(out, "\n") : ret;
}

int
notebook_keep_jupyter(const char *text, size_t len, const char *name,
    enum notebook_language *language, struct buf *out)
{
	struct json_object *doc, *cells = NULL;
	struct notebook nb;
	int ret = read_document(text, len, &nb, &doc);

	if (ret < 0)
		return ret;
	(void)jval_array(doc, "cells", &cells);
	for (size_t i = 0; ret == 0 && i < json_object_array_length(cells); i++)
		ret = add_cell_metadata(json_object_array_get_idx(cells, i));
	if (ret == 0)
		ret = add_metadata(doc, name, nb.language);
	if (ret == 0)
		ret = put_document(doc, out);
	if (ret == 0)
		*language = nb.language;
	json_object_put(doc);
	notebook_release(&nb);
	return ret;
}
