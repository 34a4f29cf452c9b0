/* emu/notebook.c - the text of a notebook, and its other forms. */
#include "config.h"

#include "emu/notebook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/jval.h"
#include "base/text.h"

#include "base/banned.h"

#define NBFORMAT	4
#define OF_NOTEBOOK	"application/vnd.databricks.v1+notebook"
#define OF_CELL		"application/vnd.databricks.v1+cell"
#define TITLE		"DBTITLE 1,"

static const struct {
	const char *name, *extension, *comment;
	const char *jupyter; /* its language_info.name */
} languages[] = {
	[NOTEBOOK_PYTHON] = { "PYTHON", ".py", "# ", "python" },
	[NOTEBOOK_SQL] = { "SQL", ".sql", "-- ", "sql" },
	[NOTEBOOK_SCALA] = { "SCALA", ".scala", "// ", "scala" },
	[NOTEBOOK_R] = { "R", ".r", "# ", "r" },
};

const char *
notebook_language_name(enum notebook_language language)
{
	return languages[language].name;
}

bool
notebook_language_of_name(const char *name, enum notebook_language *out)
{
	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		if (strcmp(languages[i].name, name) == 0) {
			*out = (enum notebook_language)i;
			return true;
		}
	}
	return false;
}

const char *
notebook_extension(enum notebook_language language)
{
	return languages[language].extension;
}

bool
notebook_language_of_path(const char *path, enum notebook_language *out)
{
	if (text_ends(path, ".R")) {
		*out = NOTEBOOK_R;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		if (text_ends(path, languages[i].extension)) {
			*out = (enum notebook_language)i;
			return true;
		}
	}
	return false;
}

/* --- lines ------------------------------------------------------------------------ */

/* A piece of a text. */
struct span {
	const char *at;
	size_t len;
};

/* Takes the next line, without its end, off the text; false at its end. */
static bool
next_line(struct span *text, struct span *out)
{
	const char *end;

	if (text->len == 0)
		return false;
	end = memchr(text->at, '\n', text->len);
	out->at = text->at;
	out->len = end != NULL ? (size_t)(end - text->at) : text->len;
	text->len -= out->len + (end != NULL);
	text->at += out->len + (end != NULL);
	if (out->len > 0 && out->at[out->len - 1] == '\r')
		out->len--;
	return true;
}

/* Does the line consist of the language's comment and word? */
static bool
is_line(struct span line, enum notebook_language language, const char *word)
{
	size_t mark = strlen(languages[language].comment);

	return line.len == mark + strlen(word) &&
	       memcmp(line.at, languages[language].comment, mark) == 0 &&
	       memcmp(line.at + mark, word, strlen(word)) == 0;
}

/* Does it begin so?  Then *rest is what follows. */
static bool
begins(struct span line, enum notebook_language language, const char *word,
    struct span *rest)
{
	size_t mark = strlen(languages[language].comment);
	size_t len = mark + strlen(word);

	if (line.len < len ||
	    !is_line((struct span){ line.at, len }, language, word))
		return false;
	*rest = (struct span){ line.at + len, line.len - len };
	return true;
}

#define HEADER	  "Databricks notebook source"
#define SEPARATOR "COMMAND ----------"

bool
notebook_has_header(
    const char *text, size_t len, enum notebook_language language)
{
	struct span all = { text, len }, line;

	return next_line(&all, &line) && is_line(line, language, HEADER);
}

int
notebook_keep_source(const char *text, size_t len,
    enum notebook_language language, struct buf *out)
{
	int ret = 0;

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (!notebook_has_header(text, len, language))
		ret = buf_printf(out, "%s" HEADER "\n",
		    languages[language].comment);
	return ret == 0 ? buf_append(out, text, len) : ret;
}

/* --- cells -------------------------------------------------------------------------- */

void
notebook_release(struct notebook *nb)
{
	for (size_t i = 0; i < nb->n; i++) {
		free(nb->cells[i].title);
		free(nb->cells[i].text);
	}
	free(nb->cells);
	*nb = (struct notebook){ 0 };
}

/* Takes text and title over; NULL text is a lack of memory. */
static int
add_cell(struct notebook *nb, bool markdown, char *title, char *text)
{
	struct notebook_cell *more = NULL;

	if (text != NULL)
		more = reallocarray(nb->cells, nb->n + 1, sizeof(*more));
	if (more == NULL) {
		free(title);
		free(text);
		return -ENOMEM;
	}
	nb->cells = more;
	nb->cells[nb->n++] = (struct notebook_cell){
		.markdown = markdown,
		.title = title,
		.text = text,
	};
	return 0;
}

static bool
is_blank(struct span line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.at[i] != ' ' && line.at[i] != '\t')
			return false;
	return true;
}

/* What a cell's text becomes on its way through the comments: is each of its lines
 * magic? */
static bool
is_magic(struct span text, enum notebook_language language)
{
	struct span line, rest;
	bool any = false;

	while (next_line(&text, &line)) {
		if (is_blank(line))
			continue;
		if (!begins(line, language, "MAGIC", &rest))
			return false;
		any = true;
	}
	return any;
}

/* The lines of a cell, from which the magic prefix is taken. */
static int
put_lines(struct span text, enum notebook_language language, bool magic,
    struct buf *out)
{
	struct span line;
	int ret = 0;

	for (bool first = true; ret == 0 && next_line(&text, &line);
	     first = false) {
		if (!first)
			ret = buf_puts(out, "\n");
		if (magic && begins(line, language, "MAGIC", &line) &&
		    line.len > 0 && line.at[0] == ' ')
			line = (struct span){ line.at + 1, line.len - 1 };
		if (ret == 0)
			ret = buf_append(out, line.at, line.len);
	}
	return ret;
}

/* Without blank lines before and after. */
static struct span
trim(struct span text)
{
	struct span rest = text, line;

	while (next_line(&rest, &line) && is_blank(line))
		text = rest;
	while (text.len > 0 && strchr(" \t\r\n", text.at[text.len - 1]) != NULL)
		text.len--;
	return text;
}

static int
read_cell(struct notebook *nb, struct span text)
{
	struct span rest = trim(text), line, words;
	char *title = NULL;
	struct buf out;
	bool magic, markdown = false;
	int ret;

	text = rest;
	if (next_line(&rest, &line) &&
	    begins(line, nb->language, TITLE, &words)) {
		title = strndup(words.at, words.len);
		if (title == NULL)
			return -ENOMEM;
		text = trim(rest);
	}
	magic = is_magic(text, nb->language);
	buf_init(&out, text.len + 1);
	ret = put_lines(text, nb->language, magic, &out);
	if (ret == 0 && magic && text_starts(buf_text(&out), "%md") &&
	    strchr("\n ", buf_text(&out)[3]) != NULL) {
		size_t skip = buf_text(&out)[3] != '\0' ? 4 : 3;

		memmove(out.data, out.data + skip, out.len - skip + 1);
		out.len -= skip;
		markdown = true;
	}
	if (ret == 0)
		ret = add_cell(nb, markdown, title, text_dup(buf_text(&out)));
	else
		free(title);
	buf_release(&out);
	return ret;
}

int
notebook_read_source(const char *text, size_t len,
    enum notebook_language language, struct notebook *out)
{
	struct span rest = { text, len }, line, cell;
	int ret = 0;

	*out = (struct notebook){ .language = language };
	if (memchr(text, '\0', len) != NULL)
		return -EBADMSG;
	if (notebook_has_header(text, len, language))
		(void)next_line(&rest, &line);
	cell = (struct span){ rest.at, 0 };
	while (ret == 0 && next_line(&rest, &line)) {
		if (!is_line(line, language, SEPARATOR))
			continue;
		cell.len = (size_t)(line.at - cell.at);
		ret = read_cell(out, cell);
		cell.at = rest.at;
	}
	cell.len = (size_t)(text + len - cell.at);
	if (ret == 0)
		ret = read_cell(out, cell);
	if (ret < 0)
		notebook_release(out);
	return ret;
}

/* --- source ------------------------------------------------------------------------- */

/* A line of comment before each line of the text. */
static int
put_magic(const char *comment, const char *text, struct buf *out)
{
	struct span rest = { text, strlen(text) }, line;
	int ret = 0;

	for (bool first = true; ret == 0 && next_line(&rest, &line);
	     first = false)
		ret = buf_printf(out, "%s%sMAGIC%s%.*s", first ? "" : "\n",
		    comment, line.len > 0 ? " " : "", (int)line.len, line.at);
	return ret;
}

static int
put_source_cell(const struct notebook_cell *cell, const char *comment,
    struct buf *out)
{
	int ret = 0;

	if (cell->title != NULL)
		ret = buf_printf(out, "%s" TITLE "%s\n", comment, cell->title);
	if (ret == 0 && cell->markdown)
		ret = buf_printf(out, "%sMAGIC %%md%s", comment,
		    cell->text[0] != '\0' ? "\n" : "");
	if (ret < 0)
		return ret;
	return cell->markdown || cell->text[0] == '%' ?
		   put_magic(comment, cell->text, out) :
		   buf_puts(out, cell->text);
}

int
notebook_print_source(const struct notebook *nb, struct buf *out)
{
	const char *comment = languages[nb->language].comment;
	int ret;

	ret = buf_printf(out, "%s" HEADER "\n", comment);
	for (size_t i = 0; ret == 0 && i < nb->n; i++) {
		if (i > 0)
			ret = buf_printf(out, "\n\n%s" SEPARATOR "\n\n", comment);
		if (ret == 0)
			ret = put_source_cell(&nb->cells[i], comment, out);
	}
	return ret;
}

/* --- Jupyter ------------------------------------------------------------------------ */

/* The text of a cell: one string, or an array of lines. */
static int
put_multiline(struct json_object *cell, struct buf *out)
{
	struct json_object *lines;
	const char *text;
	int ret = 0;

	if (jval_str(cell, "source", &text) == 0)
		return buf_puts(out, text);
	if (jval_array(cell, "source", &lines) < 0)
		return -EBADMSG;
	for (size_t i = 0; ret == 0 && i < json_object_array_length(lines); i++) {
		struct json_object *line = json_object_array_get_idx(lines, i);

		ret = json_object_is_type(line, json_type_string) ?
			  buf_puts(out, json_object_get_string(line)) :
			  -EBADMSG;
	}
	return ret;
}

static int
read_jupyter_cell(struct notebook *nb, struct json_object *cell)
{
	struct json_object *metadata = NULL, *ours = NULL;
	const char *type, *title = "";
	struct buf text;
	int ret;

	if (jval_str(cell, "cell_type", &type) < 0)
		return -EBADMSG;
	(void)jval_object(cell, "metadata", &metadata);
	(void)jval_object(metadata, OF_CELL, &ours);
	(void)jval_str(ours, "title", &title);
	buf_init(&text, BUF_LIMIT_TEXT);
	ret = put_multiline(cell, &text);
	if (ret == 0)
		ret = add_cell(nb, strcmp(type, "markdown") == 0,
		    title[0] != '\0' ? text_dup(title) : NULL,
		    text_dup(buf_text(&text)));
	buf_release(&text);
	return ret == -EFBIG ? -EBADMSG : ret;
}

/* nbformat 4 or newer, with cells and metadata. */
static int
parse_jupyter(const char *text, size_t len, struct json_object **out,
    struct json_object **cells, enum notebook_language *language)
{
	struct json_object *metadata, *ours = NULL, *info = NULL;
	const char *name = "python";
	int64_t nbformat;
	int ret;

	ret = jval_parse(text, len, out);
	if (ret < 0)
		return ret == -ENOMEM ? ret : -EBADMSG;
	if (jval_array(*out, "cells", cells) < 0 ||
	    jval_object(*out, "metadata", &metadata) < 0 ||
	    jval_i64(*out, "nbformat", &nbformat) < 0 || nbformat < NBFORMAT) {
		json_object_put(*out);
		*out = NULL;
		return -EBADMSG;
	}
	(void)jval_object(metadata, OF_NOTEBOOK, &ours);
	(void)jval_object(metadata, "language_info", &info);
	if (jval_str(ours, "language", &name) < 0)
		(void)jval_str(info, "name", &name);
	*language = NOTEBOOK_PYTHON;
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (strcasecmp(languages[i].jupyter, name) == 0)
			*language = (enum notebook_language)i;
	return 0;
}

int
notebook_read_jupyter(const char *text, size_t len, struct notebook *out)
{
	struct json_object *doc = NULL, *cells;
	int ret;

	*out = (struct notebook){ 0 };
	ret = parse_jupyter(text, len, &doc, &cells, &out->language);
	if (ret < 0)
		return ret;
	for (size_t i = 0; ret == 0 && i < json_object_array_length(cells); i++)
		ret = read_jupyter_cell(out, json_object_array_get_idx(cells, i));
	json_object_put(doc);
	if (ret < 0)
		notebook_release(out);
	return ret;
}

/* A text as nbformat has it: an array of lines, each with its end. */
static int
add_lines(struct json_object *cell, const char *text)
{
	struct json_object *lines = json_object_new_array();
	int ret = lines != NULL ? 0 : -ENOMEM;

	while (ret == 0 && *text != '\0') {
		size_t len = strcspn(text, "\n");
		struct json_object *line;

		len += text[len] == '\n';
		line = json_object_new_string_len(text, (int)len);
		if (line == NULL || json_object_array_add(lines, line) < 0) {
			json_object_put(line);
			ret = -ENOMEM;
		}
		text += len;
	}
	if (ret == 0)
		return jval_add(cell, "source", lines);
	json_object_put(lines);
	return ret;
}

/* Adds the object that the service keeps for a cell; what is there stays. */
static int
add_cell_metadata(struct json_object *cell, const char *title)
{
	struct json_object *metadata = NULL, *ours;
	int ret = 0;

	if (jval_object(cell, "metadata", &metadata) < 0) {
		metadata = json_object_new_object();
		ret = jval_add(cell, "metadata", metadata);
	}
	if (ret < 0 || jval_object(metadata, OF_CELL, &ours) == 0)
		return ret;
	ours = json_object_new_object();
	ret = jval_add(metadata, OF_CELL, ours);
	if (ret == 0)
		ret = jval_add_bool(ours, "showTitle", title != NULL);
	return ret == 0 ? jval_add_str(ours, "title",
			      title != NULL ? title : "") : ret;
}

static int
add_jupyter_cell(struct json_object *cells, const struct notebook_cell *c)
{
	struct json_object *cell = json_object_new_object();
	int ret = cell != NULL ? 0 : -ENOMEM;

	if (ret == 0)
		ret = jval_add_str(
		    cell, "cell_type", c->markdown ? "markdown" : "code");
	if (ret == 0 && !c->markdown)
		ret = json_object_object_add(cell, "execution_count", NULL) < 0 ?
			  -ENOMEM : 0;
	if (ret == 0)
		ret = add_cell_metadata(cell, c->title);
	if (ret == 0 && !c->markdown)
		ret = jval_add(cell, "outputs", json_object_new_array());
	if (ret == 0)
		ret = add_lines(cell, c->text);
	if (ret == 0 && json_object_array_add(cells, cell) < 0)
		ret = -ENOMEM;
	if (ret < 0)
		json_object_put(cell);
	return ret;
}

/* The member of that name, made when it is missing; borrowed. */
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
add_notebook_metadata(struct json_object *doc, const char *name,
    enum notebook_language language)
{
	struct json_object *metadata = member(doc, "metadata"), *ours = NULL;
	struct json_object *info = NULL;
	const char *spelled = languages[language].jupyter;
	int ret = 0;

	if (metadata != NULL)
		ours = member(metadata, OF_NOTEBOOK);
	if (ours != NULL)
		info = member(metadata, "language_info");
	if (info == NULL)
		return -ENOMEM;
	ret = jval_add_str(ours, "language", spelled);
	if (ret == 0)
		ret = jval_add_str(ours, "notebookName", name);
	return ret == 0 ? jval_add_str(info, "name", spelled) : ret;
}

static int
put_document(struct json_object *doc, struct buf *out)
{
	const char *text = json_object_to_json_string_ext(doc,
	    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);

	return text != NULL ? buf_puts(out, text) : -ENOMEM;
}

int
notebook_print_jupyter(
    const struct notebook *nb, const char *name, struct buf *out)
{
	struct json_object *doc = json_object_new_object();
	struct json_object *cells = json_object_new_array();
	int ret = jval_add(doc, "cells", cells);

	for (size_t i = 0; ret == 0 && i < nb->n; i++)
		ret = add_jupyter_cell(cells, &nb->cells[i]);
	if (ret == 0)
		ret = add_notebook_metadata(doc, name, nb->language);
	if (ret == 0)
		ret = jval_add_i64(doc, "nbformat", NBFORMAT);
	if (ret == 0)
		ret = jval_add_i64(doc, "nbformat_minor", 0);
	if (ret == 0)
		ret = put_document(doc, out);
	json_object_put(doc);
	return ret;
}

int
notebook_keep_jupyter(const char *text, size_t len, const char *name,
    enum notebook_language *language, struct buf *out)
{
	struct json_object *doc = NULL, *cells;
	int ret;

	ret = parse_jupyter(text, len, &doc, &cells, language);
	if (ret < 0)
		return ret;
	for (size_t i = 0; ret == 0 && i < json_object_array_length(cells); i++) {
		struct json_object *cell = json_object_array_get_idx(cells, i);

		ret = json_object_is_type(cell, json_type_object) ?
			  add_cell_metadata(cell, NULL) : -EBADMSG;
	}
	if (ret == 0)
		ret = add_notebook_metadata(doc, name, *language);
	if (ret == 0)
		ret = put_document(doc, out);
	json_object_put(doc);
	return ret;
}

/* --- HTML --------------------------------------------------------------------------- */

static int
put_html(const char *text, struct buf *out)
{
	int ret = 0;

	for (; ret == 0 && *text != '\0'; text++)
		switch (*text) {
		case '<': ret = buf_puts(out, "&lt;"); break;
		case '>': ret = buf_puts(out, "&gt;"); break;
		case '&': ret = buf_puts(out, "&amp;"); break;
		case '"': ret = buf_puts(out, "&quot;"); break;
		default: ret = buf_append(out, text, 1);
		}
	return ret;
}

int
notebook_print_html(const struct notebook *nb, const char *name, struct buf *out)
{
	int ret;

	ret = buf_puts(out, "<!DOCTYPE html>\n<html>\n<head>\n"
			    "<meta charset=\"utf-8\">\n<title>");
	if (ret == 0)
		ret = put_html(name, out);
	if (ret == 0)
		ret = buf_puts(out, " - Databricks</title>\n</head>\n<body>\n");
	for (size_t i = 0; ret == 0 && i < nb->n; i++) {
		ret = buf_printf(out, "<pre class=\"%s\">",
		    nb->cells[i].markdown ? "markdown" :
					    languages[nb->language].jupyter);
		if (ret == 0)
			ret = put_html(nb->cells[i].text, out);
		if (ret == 0)
			ret = buf_puts(out, "</pre>\n");
	}
	return ret == 0 ? buf_puts(out, "</body>\n</html>\n") : ret;
}
