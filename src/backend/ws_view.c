/* backend/ws_view.c - how the objects of a workspace look as files. */
#include "config.h"

#include "backend/ws_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"
#include "base/text.h"

#include "base/banned.h"

#define INFIX ".notebook"
#define BOM   "\xef\xbb\xbf"

static const struct {
	const char *extension; /* NULL: no notebook */
	const char *format;
	enum api_workspace_language language;
} forms[WS_FORMS] = {
	[WS_PYTHON] = { ".py", "SOURCE", API_WORKSPACE_PYTHON },
	[WS_SQL] = { ".sql", "SOURCE", API_WORKSPACE_SQL },
	[WS_SCALA] = { ".scala", "SOURCE", API_WORKSPACE_SCALA },
	[WS_R] = { ".r", "SOURCE", API_WORKSPACE_R },
	[WS_UPPER_R] = { ".R", "SOURCE", API_WORKSPACE_R },
	[WS_JUPYTER] = { ".ipynb", "JUPYTER", API_WORKSPACE_NO_LANGUAGE },
	[WS_HIDDEN] = { "", "SOURCE", API_WORKSPACE_NO_LANGUAGE },
};

/* Names that the service may make other things of than files: reference, section 3.5. */
static const char *const assets[] = { ".lvdash.json", ".dbalert.json" };

/* What lines of notebooks begin with, behind the comment of the language: reference,
 * section 3.5. */
static const char header[] = " Databricks notebook source";
static const char separator[] = " COMMAND ----------";
static const char *const prefixes[] = { " MAGIC", " DBTITLE" };

static const char *const comments[API_WORKSPACE_LANGUAGES] = {
	[API_WORKSPACE_PYTHON] = "#",
	[API_WORKSPACE_SQL] = "--",
	[API_WORKSPACE_SCALA] = "//",
	[API_WORKSPACE_R] = "#",
};

/* --- forms ------------------------------------------------------------------------ */

static unsigned
kind(unsigned form)
{
	return form % WS_BESIDE;
}

bool
ws_is_notebook(unsigned form)
{
	return forms[kind(form)].extension != NULL;
}

const char *
ws_extension(unsigned form)
{
	return forms[kind(form)].extension;
}

enum api_workspace_language
ws_language(unsigned form)
{
	return forms[kind(form)].language;
}

const char *
ws_format(unsigned form)
{
	return forms[kind(form)].format;
}

/* A notebook that was made as Jupyter says that it is Python (3.2). */
bool
ws_wants_format(const struct api_workspace_info *info, enum ws_mode mode)
{
	return info->type == API_WORKSPACE_NOTEBOOK && mode != WS_IPYNB &&
	    info->language == API_WORKSPACE_PYTHON && !info->has_format;
}

static enum ws_form
notebook_form(const struct api_workspace_info *info, enum ws_mode mode)
{
	if (mode == WS_IPYNB)
		return WS_JUPYTER;
	switch (info->language) {
	case API_WORKSPACE_SQL:
		return WS_SQL;
	case API_WORKSPACE_SCALA:
		return WS_SCALA;
	case API_WORKSPACE_R:
		return WS_R;
	default:
		return info->jupyter ? WS_JUPYTER : WS_PYTHON;
	}
}

enum ws_form
ws_form_of(const struct api_workspace_info *info, enum ws_mode mode)
{
	switch (info->type) {
	case API_WORKSPACE_DIRECTORY:
		return WS_DIRECTORY;
	case API_WORKSPACE_FILE:
		return WS_FILE;
	case API_WORKSPACE_NOTEBOOK:
		return notebook_form(info, mode);
	default:
		return WS_OBJECT;
	}
}

/* --- names ------------------------------------------------------------------------- */

/* The form that is shown so. */
static enum ws_form
form_that_ends(const char *extension)
{
	for (unsigned f = 0; extension != NULL && f < WS_FORMS; f++)
		if (forms[f].extension != NULL &&
		    strcmp(forms[f].extension, extension) == 0)
			return (enum ws_form)f;
	return WS_UNKNOWN;
}

/* The form whose extension name has, with something before it. */
static enum ws_form
form_of_extension(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != name ? form_that_ends(dot) : WS_UNKNOWN;
}

char *
ws_shown(const char *stored, unsigned form)
{
	char *name = text_dup(stored);

	if (!ws_is_notebook(form))
		return name;
	for (unsigned i = 0; name != NULL && i < form / WS_BESIDE; i++) {
		char *longer = text_printf("%s" INFIX, name);

		free(name);
		name = longer;
	}
	if (name != NULL) {
		char *whole = text_printf("%s%s", name, ws_extension(form));

		free(name);
		name = whole;
	}
	return name;
}

/* Takes ending off name; false when it does not end so, or is nothing else. */
static bool
cut(char *name, const char *ending)
{
	size_t len = strlen(name), cut = strlen(ending);

	if (len <= cut || !text_ends(name, ending) || name[len - cut - 1] == '/')
		return false;
	name[len - cut] = '\0';
	return true;
}

char *
ws_stored(const char *shown, unsigned form)
{
	char *name = text_dup(shown);
	bool fits;

	if (name == NULL || !ws_is_notebook(form))
		return name;
	fits = cut(name, ws_extension(form));
	for (unsigned i = 0; fits && i < form / WS_BESIDE; i++)
		fits = cut(name, INFIX);
	if (fits)
		return name;
	free(name);
	return NULL;
}

/* Who keeps the name: what is no notebook, then who has the shorter one of its own. */
static int
by_right(const void *a, const void *b)
{
	const struct ws_row *x = a, *y = b;
	bool nx = ws_is_notebook(x->form), ny = ws_is_notebook(y->form);

	return nx != ny ? nx - ny : strcmp(x->stored, y->stored);
}

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* The names that are shown so far, sorted. */
struct taken {
	const char **names;
	size_t n;
};

static bool
is_taken(const struct taken *t, const char *name)
{
	return bsearch(&name, t->names, t->n, sizeof(*t->names), by_name) != NULL;
}

/* All rows with the same number of WS_BESIDE, or none, whose names are not taken get
 * them; the others get one more. */
static int
name_round(struct ws_row *rows, size_t n, struct taken *t, size_t *left)
{
	size_t had = t->n;

	*left = 0;
	for (size_t i = 0; i < n; i++) {
		struct ws_row *r = &rows[i];
		struct taken before = { t->names, had };

		if (r->shown != NULL)
			continue;
		r->shown = ws_shown(r->stored, r->form);
		if (r->shown == NULL)
			return -ENOMEM;
		if (ws_is_notebook(r->form) && is_taken(&before, r->shown) &&
		    r->form < WS_BESIDE_MAX) {
			free(r->shown);
			r->shown = NULL;
			r->form += WS_BESIDE;
			++*left;
		} else {
			t->names[t->n++] = r->shown;
		}
	}
	qsort(t->names, t->n, sizeof(*t->names), by_name);
	return 0;
}

int
ws_name_rows(struct ws_row *rows, size_t n)
{
	struct taken t = { 0 };
	size_t files = 0, left;
	int ret;

	if (n == 0)
		return 0;
	t.names = calloc(n, sizeof(*t.names));
	if (t.names == NULL)
		return -ENOMEM;
	qsort(rows, n, sizeof(*rows), by_right);
	while (files < n && !ws_is_notebook(rows[files].form))
		files++;
	ret = name_round(rows, files, &t, &left);
	left = n - files;
	while (ret == 0 && left > 0)
		ret = name_round(rows + files, n - files, &t, &left);
	free(t.names);
	return ret;
}

enum ws_form
ws_guess(const char *shown, enum ws_mode mode)
{
	enum ws_form form = form_of_extension(shown);

	return mode == WS_IPYNB && form != WS_JUPYTER ? WS_UNKNOWN : form;
}

bool
ws_may_be_beside(const char *shown)
{
	return form_of_extension(shown) != WS_UNKNOWN &&
	    strstr(shown, INFIX ".") != NULL;
}

/* --- texts ---------------------------------------------------------------------------- */

static bool
has_bom(const char *text, size_t len)
{
	return len >= strlen(BOM) && memcmp(text, BOM, strlen(BOM)) == 0;
}

/* Does text begin with that header, at once, and is it the whole line?  cr: a carriage
 * return may be at its end. */
static bool
has_header(const char *text, size_t len, enum api_workspace_language language,
    bool cr)
{
	const char *comment = comments[language];
	size_t n, all;

	if (comment == NULL)
		return false;
	n = strlen(comment);
	all = n + strlen(header);
	if (len < all || memcmp(text, comment, n) != 0 ||
	    memcmp(text + n, header, strlen(header)) != 0)
		return false;
	if (cr && len > all && text[all] == '\r')
		all++;
	return len == all || text[all] == '\n';
}

/* As the service tells a Jupyter document (3.5). */
static bool
is_jupyter(const char *text, size_t len)
{
	struct json_object *doc = NULL, *part;
	int64_t nbformat = 0;
	bool is;

	if (jval_parse(text, len, &doc) < 0)
		return false;
	is = jval_array(doc, "cells", &part) == 0 &&
	    jval_object(doc, "metadata", &part) == 0 &&
	    jval_i64(doc, "nbformat", &nbformat) == 0 && nbformat >= 4;
	json_object_put(doc);
	return is;
}

enum ws_form
ws_new_form(const char *name, const char *text, size_t len, enum ws_mode mode)
{
	enum ws_form form = form_of_extension(name);
	size_t skip = has_bom(text, len) ? strlen(BOM) : 0;

	if (mode == WS_FILES || form == WS_UNKNOWN ||
	    len > API_WORKSPACE_NOTEBOOK_MAX || !text_is_utf8(text, len))
		return WS_FILE;
	if (form == WS_JUPYTER)
		return is_jupyter(text + skip, len - skip) ? form : WS_FILE;
	return mode != WS_IPYNB &&
		has_header(text + skip, len - skip, ws_language(form), true) ?
	    form : WS_FILE;
}

const char *
ws_file_format(const char *name, const char *text, size_t len)
{
	enum ws_form form = form_that_ends(strrchr(name, '.'));

	for (size_t i = 0; i < ARRAY_LEN(assets); i++)
		if (text_ends(name, assets[i]))
			return "RAW";
	if (form == WS_UNKNOWN)
		return "AUTO";
	/* What looks like one to somebody may look like one to the service. */
	return form == WS_JUPYTER ||
		memmem(text, len < 256 ? len : 256, header, strlen(header)) != NULL ?
	    "RAW" : "AUTO";
}

int
ws_to_service(const char *text, size_t len, unsigned form, struct buf *out)
{
	size_t from = has_bom(text, len) ? strlen(BOM) : 0;
	int ret = 0;

	if (kind(form) == WS_JUPYTER)
		return buf_append(out, text + from, len - from);
	while (from < len && ret == 0) {
		const char *cr = memmem(text + from, len - from, "\r\n", 2);
		size_t to = cr != NULL ? (size_t)(cr - text) : len;

		ret = buf_append(out, text + from, to - from);
		from = cr != NULL ? to + 1 : len;
	}
	return ret;
}

int
ws_to_view(const char *text, size_t len, struct buf *out)
{
	int ret = buf_append(out, text, len);

	if (ret == 0 && (len == 0 || text[len - 1] != '\n'))
		ret = buf_puts(out, "\n");
	return ret;
}

/* With its outputs: others may have run it. */
static int
add_cell(struct json_object *cell, struct buf *out)
{
	struct json_object *lines, *outputs;
	const char *type = "", *text = "";
	size_t len;
	int ret;

	(void)jval_str(cell, "cell_type", &type);
	ret = buf_printf(out, "%s:", type);
	if (ret == 0 && jval_array(cell, "outputs", &outputs) == 0)
		ret = buf_printf(out, "%s:", jval_text(outputs, &len));
	if (jval_str(cell, "source", &text) == 0)
		return ret == 0 ? buf_printf(out, "%s\n", text) : ret;
	if (jval_array(cell, "source", &lines) < 0)
		return ret;
	for (size_t i = 0; i < json_object_array_length(lines) && ret == 0; i++) {
		text = json_object_get_string(
		    json_object_array_get_idx(lines, i));
		ret = text != NULL ? buf_puts(out, text) : 0;
	}
	return ret == 0 ? buf_puts(out, "\n") : ret;
}

/* The service adds metadata to a Jupyter document: what counts is what its cells hold. */
static int
canonical_jupyter(const char *text, size_t len, struct buf *out)
{
	struct json_object *doc = NULL, *cells;
	int ret = jval_parse(text, len, &doc);

	if (ret < 0 || jval_array(doc, "cells", &cells) < 0) {
		json_object_put(doc);
		return ret == -ENOMEM ? ret : buf_append(out, text, len);
	}
	for (size_t i = 0; i < json_object_array_length(cells) && ret == 0; i++)
		ret = add_cell(json_object_array_get_idx(cells, i), out);
	json_object_put(doc);
	return ret;
}

int
ws_canonical(const char *text, size_t len, unsigned form, struct buf *out)
{
	struct buf sent;
	int ret;

	if (!ws_is_notebook(form))
		return buf_append(out, text, len);
	buf_init(&sent, BUF_LIMIT_TEXT);
	ret = ws_to_service(text, len, form, &sent);
	if (ret == 0 && kind(form) == WS_JUPYTER) {
		ret = canonical_jupyter(buf_text(&sent), sent.len, out);
		buf_release(&sent);
		return ret;
	}
	if (ret == 0 && comments[ws_language(form)] != NULL &&
	    !has_header(buf_text(&sent), sent.len, ws_language(form), false))
		ret = buf_printf(out, "%s%s\n", comments[ws_language(form)],
		    header);
	while (ret == 0 && sent.len > 0 && sent.data[sent.len - 1] == '\n')
		sent.data[--sent.len] = '\0';
	if (ret == 0)
		ret = buf_append(out, buf_text(&sent), sent.len);
	while (ret == 0 && out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	buf_release(&sent);
	return ret;
}

bool
ws_comes_back(const char *text, size_t len, unsigned form)
{
	return kind(form) != WS_JUPYTER && ws_is_notebook(form) && len >= 2 &&
	    text[len - 1] == '\n' && text[len - 2] != '\n' &&
	    has_header(text, len, ws_language(form), false) &&
	    memchr(text, '\r', len) == NULL && text_is_utf8(text, len);
}

/* --- languages ------------------------------------------------------------------------- */

static bool
begins(const char *line, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

/* Is it a line of the notebook's, after its comment: all of it, or up to a blank? */
static bool
is_marker(const char *line, size_t len)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (begins(line, len, separator))
		return len == strlen(separator);
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (begins(line, len, prefixes[i]))
			return len == strlen(prefixes[i]) ||
			    line[strlen(prefixes[i])] == ' ';
	return begins(line, len, header) && len == strlen(header);
}

int
ws_translate(const char *text, size_t len, enum api_workspace_language from,
    enum api_workspace_language to, struct buf *out)
{
	const char *was = comments[from], *is = comments[to];
	int ret = 0;

	for (size_t at = 0, next; at < len && ret == 0; at = next) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n, skip = 0;

		next = end != NULL ? (size_t)(end - text) + 1 : len;
		n = (end != NULL ? next - 1 : next) - at;
		if (begins(text + at, n, was) &&
		    is_marker(text + at + strlen(was), n - strlen(was))) {
			skip = strlen(was);
			ret = buf_puts(out, is);
		}
		if (ret == 0)
			ret = buf_append(out, text + at + skip,
			    next - at - skip);
	}
	return ret;
}
