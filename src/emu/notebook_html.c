/* emu/notebook_html.c - a notebook as the service archives it, and as a page.
 *
 * In an archive a notebook is the JSON of its commands (NotebookV1).  A page has that,
 * percent-encoded and then in base64, in a variable of a script. */
#include "config.h"

#include "emu/notebook.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/jval.h"

#include "emu/notebook_impl.h"

#include "base/banned.h"

#define MODEL	 "__DATABRICKS_NOTEBOOK_MODEL = '"
#define MODEL_END "'"

/* --- archived ----------------------------------------------------------------------- */

/* Commands are in the order of their positions. */
static int
compare_positions(const void *a, const void *b)
{
	struct json_object *const *left = a, *const *right = b;
	double l = json_object_get_double(
	    json_object_object_get(*left, "position"));
	double r = json_object_get_double(
	    json_object_object_get(*right, "position"));

	return (l > r) - (l < r);
}

static int
read_command(struct notebook *nb, struct json_object *command)
{
	const char *text, *title = "";
	bool shown = false;

	if (jval_str(command, "command", &text) < 0)
		return -EBADMSG;
	(void)jval_str(command, "commandTitle", &title);
	(void)jval_bool(command, "showCommandTitle", &shown);
	return notebook_add_command(nb,
	    (struct notebook_title){
		.is_there = shown || title[0] != '\0',
		.is_hidden = !shown,
		.text = span_of(title),
	    },
	    span_of(text));
}

static int
read_commands(struct notebook *nb, struct json_object *commands)
{
	size_t n = json_object_array_length(commands);
	int ret = 0;

	for (size_t i = 0; i < n; i++)
		if (!json_object_is_type(
			json_object_array_get_idx(commands, i), json_type_object))
			return -EBADMSG;
	json_object_array_sort(commands, compare_positions);
	for (size_t i = 0; ret == 0 && i < n; i++)
		ret = read_command(nb, json_object_array_get_idx(commands, i));
	return ret;
}

int
notebook_read_archived(const char *text, size_t len, struct notebook *out)
{
	struct json_object *doc, *commands;
	const char *word = "";
	int ret;

	*out = (struct notebook){ 0 };
	ret = jval_parse_lax(text, len, &doc);
	if (ret < 0)
		return ret == -ENOMEM ? ret : -EBADMSG;
	(void)jval_str(doc, "language", &word);
	if (notebook_language_of_word(word, &out->language) &&
	    jval_array(doc, "commands", &commands) == 0)
		ret = read_commands(out, commands);
	else
		ret = -EBADMSG;
	json_object_put(doc);
	if (ret < 0)
		notebook_release(out);
	return ret;
}

/* Appends a member whose value is a text. */
static int
put_member(const char *key, const char *text, struct buf *out)
{
	int ret = buf_printf(out, "\"%s\":", key);

	return ret == 0 ? jval_quote(out, text) : ret;
}

static int
put_archived_command(
    const struct notebook_cell *cell, size_t position, struct buf *out)
{
	struct buf command;
	int ret;

	buf_init(&command, out->limit);
	ret = notebook_put_command(cell, &command);
	if (ret == 0)
		ret = buf_printf(out, "{\"version\":\"CommandV1\",\"position\":%zu,",
		    position);
	if (ret == 0)
		ret = put_member("command", buf_text(&command), out);
	if (ret == 0)
		ret = buf_puts(out, ",");
	if (ret == 0)
		ret = put_member("commandTitle",
		    cell->title != NULL ? cell->title : "", out);
	if (ret == 0)
		ret = buf_printf(out, ",\"showCommandTitle\":%s}",
		    cell->title != NULL && !cell->title_hidden ? "true" :
								 "false");
	buf_release(&command);
	return ret;
}

int
notebook_print_archived(
    const struct notebook *nb, const char *name, struct buf *out)
{
	int ret = buf_puts(out, "{\"version\":\"NotebookV1\",");

	if (ret == 0)
		ret = put_member("name", name, out);
	if (ret == 0)
		ret = buf_printf(out, ",\"language\":\"%s\",\"commands\":[",
		    notebook_word(nb->language));
	for (size_t i = 0; ret == 0 && i < nb->n; i++) {
		if (i > 0)
			ret = buf_puts(out, ",");
		if (ret == 0)
			ret = put_archived_command(&nb->cells[i], i + 1, out);
	}
	return ret == 0 ? buf_puts(out, "]}") : ret;
}

/* --- a page ------------------------------------------------------------------------- */

static int
put_percent(struct span text, struct buf *out)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < text.len; i++) {
		unsigned char byte = (unsigned char)text.at[i];

		if (byte < 0x80 && (isalnum(byte) || strchr("-_.~", byte)))
			ret = buf_append(out, &byte, 1);
		else
			ret = buf_printf(out, "%%%02X", byte);
	}
	return ret;
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, tolower((unsigned char)c)) :
				     NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* In place; the new length, or -EBADMSG. */
static ssize_t
decode_percent(char *text, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] != '%') {
			text[to++] = text[i];
			continue;
		}
		high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
		low = len - i > 2 ? hex_digit(text[i + 2]) : -1;
		if (high < 0 || low < 0)
			return -EBADMSG;
		text[to++] = (char)(high * 16 + low);
		i += 2;
	}
	return (ssize_t)to;
}

int
notebook_read_html(const char *text, size_t len, struct notebook *out)
{
	const char *from = memmem(text, len, MODEL, strlen(MODEL)), *to = NULL;
	struct buf model;
	ssize_t n;
	int ret;

	*out = (struct notebook){ 0 };
	if (from != NULL) {
		from += strlen(MODEL);
		to = memchr(from, MODEL_END[0], len - (size_t)(from - text));
	}
	if (to == NULL)
		return -EBADMSG;
	buf_init(&model, len);
	ret = buf_reserve(&model, (size_t)(to - from) / 4 * 3);
	n = ret == 0 ? base64_decode(model.data, from, (size_t)(to - from)) : ret;
	if (n >= 0)
		n = decode_percent(model.data, (size_t)n);
	ret = n >= 0 ? notebook_read_archived(model.data, (size_t)n, out) : (int)n;
	buf_release(&model);
	return ret;
}

static int
put_html(struct span text, struct buf *out)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < text.len; i++)
		switch (text.at[i]) {
		case '<': ret = buf_puts(out, "&lt;"); break;
		case '>': ret = buf_puts(out, "&gt;"); break;
		case '&': ret = buf_puts(out, "&amp;"); break;
		case '"': ret = buf_puts(out, "&quot;"); break;
		default: ret = buf_append(out, text.at + i, 1);
		}
	return ret;
}

static int
put_element(const char *before, const char *text, const char *after,
    struct buf *out)
{
	int ret = buf_puts(out, before);

	if (ret == 0)
		ret = put_html(span_of(text), out);
	return ret == 0 ? buf_puts(out, after) : ret;
}

static int
put_model(const struct notebook *nb, const char *name, struct buf *out)
{
	struct buf json, text;
	int ret;

	buf_init(&json, out->limit);
	buf_init(&text, out->limit);
	ret = notebook_print_archived(nb, name, &json);
	if (ret == 0)
		ret = put_percent((struct span){ json.data, json.len }, &text);
	if (ret == 0)
		ret = buf_puts(out, "<script>var " MODEL);
	if (ret == 0)
		ret = buf_reserve(out, BASE64_TEXT_LEN(text.len));
	if (ret == 0) {
		base64_encode(out->data + out->len, text.data, text.len);
		out->len += BASE64_TEXT_LEN(text.len);
		ret = buf_puts(out, MODEL_END ";</script>\n");
	}
	buf_release(&json);
	buf_release(&text);
	return ret;
}

static int
put_html_cell(const struct notebook_cell *cell, const char *word, struct buf *out)
{
	int ret = 0;

	if (cell->title != NULL && !cell->title_hidden)
		ret = put_element("<h4>", cell->title, "</h4>\n", out);
	if (ret == 0)
		ret = buf_printf(out, "<pre class=\"%s\">",
		    cell->markdown ? "markdown" : word);
	return ret == 0 ? put_element("", cell->text, "</pre>\n", out) : ret;
}

int
notebook_print_html(const struct notebook *nb, const char *name, struct buf *out)
{
	int ret = put_element("<!DOCTYPE html>\n<html>\n<head>\n"
			      "<meta charset=\"utf-8\">\n<title>",
	    name, " - Databricks</title>\n", out);

	if (ret == 0)
		ret = put_model(nb, name, out);
	if (ret == 0)
		ret = buf_puts(out, "</head>\n<body>\n");
	for (size_t i = 0; ret == 0 && i < nb->n; i++)
		ret = put_html_cell(
		    &nb->cells[i], notebook_word(nb->language), out);
	return ret == 0 ? buf_puts(out, "</body>\n</html>\n") : ret;
}
