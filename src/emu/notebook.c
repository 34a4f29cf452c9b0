/* emu/notebook.c - a notebook's languages and cells, and its source. */
#include "config.h"

#include "emu/notebook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#include "emu/notebook_impl.h"

#include "base/banned.h"

#define HEADER	  "Databricks notebook source"
#define SEPARATOR "COMMAND ----------"
#define MAGIC	  "MAGIC"
#define MARKDOWN  "%md"

/* The form of a title line, but for the comment: TITLE, '0' or '1', ',', words. */
#define TITLE "DBTITLE "

static const struct {
	const char *name, *word, *extension, *comment;
} languages[] = {
	[NOTEBOOK_PYTHON] = { "PYTHON", "python", ".py", "# " },
	[NOTEBOOK_SQL] = { "SQL", "sql", ".sql", "-- " },
	[NOTEBOOK_SCALA] = { "SCALA", "scala", ".scala", "// " },
	[NOTEBOOK_R] = { "R", "r", ".r", "# " },
};

const char *
notebook_language_name(enum notebook_language language)
{
	return languages[language].name;
}

const char *
notebook_word(enum notebook_language language)
{
	return languages[language].word;
}

const char *
notebook_extension(enum notebook_language language)
{
	return languages[language].extension;
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

bool
notebook_language_of_word(const char *word, enum notebook_language *out)
{
	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		if (strcasecmp(languages[i].word, word) == 0) {
			*out = (enum notebook_language)i;
			return true;
		}
	}
	return false;
}

bool
notebook_language_of_path(const char *path, enum notebook_language *out)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	if (dot == NULL || dot == name)
		return false;
	if (strcmp(dot, ".R") == 0) {
		*out = NOTEBOOK_R;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		if (strcmp(dot, languages[i].extension) == 0) {
			*out = (enum notebook_language)i;
			return true;
		}
	}
	return false;
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
	*nb = (struct notebook){ .language = nb->language };
}

static int
make_room(struct notebook *nb)
{
	size_t cap = nb->cap == 0 ? 16 : nb->cap * 2;
	struct notebook_cell *more;

	if (nb->n < nb->cap)
		return 0;
	more = reallocarray(nb->cells, cap, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	nb->cells = more;
	nb->cap = cap;
	return 0;
}

/* Drops the CR that is before an LF or the end; the new length. */
static size_t
drop_cr(char *text, size_t len)
{
	size_t to = 0, run;

	if (memchr(text, '\r', len) == NULL)
		return len;
	for (size_t at = 0; at < len; at += run) {
		bool is_cr = text[at] == '\r';

		for (run = 1; at + run < len && is_cr; run++)
			if (text[at + run] != '\r')
				break;
		if (is_cr && (at + run == len || text[at + run] == '\n'))
			continue;
		memmove(text + to, text + at, run);
		to += run;
	}
	text[to] = '\0';
	return to;
}

int
notebook_put_lf(struct span text, struct buf *out)
{
	size_t before = out->len;
	int ret;

	if (!text_is_utf8(text.at, text.len))
		return -EBADMSG;
	ret = buf_append(out, text.at, text.len);
	if (ret == 0)
		out->len =
		    before + drop_cr(out->data + before, out->len - before);
	return ret;
}

static char *
copy_title(struct span text)
{
	char *title = strndup(text.at, text.len);

	for (char *p = title; p != NULL && *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	return title;
}

static int
add_cell(struct notebook *nb, struct notebook_cell cell,
    struct notebook_title title, struct span text)
{
	int ret = make_room(nb);

	if (ret < 0)
		return ret;
	cell.title_hidden = title.is_there && title.is_hidden;
	cell.text = strndup(text.at, text.len);
	if (title.is_there)
		cell.title = copy_title(title.text);
	if (cell.text == NULL || (title.is_there && cell.title == NULL)) {
		free(cell.text);
		free(cell.title);
		return -ENOMEM;
	}
	(void)drop_cr(cell.text, text.len);
	nb->cells[nb->n++] = cell;
	return 0;
}

int
notebook_add_markdown(
    struct notebook *nb, struct notebook_title title, struct span text)
{
	return add_cell(nb,
	    (struct notebook_cell){
		.markdown = true,
		.after = text.len > 0 ? '\n' : '\0',
	    },
	    title, text);
}

int
notebook_add_code(
    struct notebook *nb, struct notebook_title title, struct span text)
{
	return add_cell(nb, (struct notebook_cell){ 0 }, title, text);
}

int
notebook_add_command(
    struct notebook *nb, struct notebook_title title, struct span text)
{
	struct notebook_cell cell = { 0 };
	struct span rest = text;

	if (span_skip(&rest, MARKDOWN) &&
	    (rest.len == 0 || rest.at[0] == '\n' || rest.at[0] == ' ')) {
		cell.markdown = true;
		text = rest;
		if (rest.len > 0) {
			cell.after = rest.at[0];
			text = (struct span){ rest.at + 1, rest.len - 1 };
		}
	}
	return add_cell(nb, cell, title, text);
}

int
notebook_put_command(const struct notebook_cell *cell, struct buf *out)
{
	int ret = 0;

	if (cell->markdown)
		ret = buf_puts(out, MARKDOWN);
	if (ret == 0 && cell->after != '\0')
		ret = buf_append(out, &cell->after, 1);
	return ret == 0 ? buf_puts(out, cell->text) : ret;
}

/* --- keeping ------------------------------------------------------------------------ */

/* Takes the language's comment and word off. */
static bool
skip_mark(struct span *line, enum notebook_language language, const char *word)
{
	struct span rest = *line;

	if (!span_skip(&rest, languages[language].comment) ||
	    !span_skip(&rest, word))
		return false;
	*line = rest;
	return true;
}

/* Does the line consist of them? */
static bool
is_mark(struct span line, enum notebook_language language, const char *word)
{
	return skip_mark(&line, language, word) && line.len == 0;
}

bool
notebook_has_header(
    const char *text, size_t len, enum notebook_language language)
{
	struct span all = { text, len }, line;

	return span_line(&all, &line) && is_mark(line, language, HEADER);
}

int
notebook_keep_source(const char *text, size_t len,
    enum notebook_language language, struct buf *out)
{
	struct buf lines;
	int ret;

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	buf_init(&lines, len);
	ret = notebook_put_lf((struct span){ text, len }, &lines);
	if (ret == 0 &&
	    !notebook_has_header(buf_text(&lines), lines.len, language))
		ret = buf_printf(out, "%s" HEADER "%s",
		    languages[language].comment, len > 0 ? "\n" : "");
	if (ret == 0)
		ret = buf_append(out, buf_text(&lines), lines.len);
	buf_release(&lines);
	return ret;
}

/* --- reading source ----------------------------------------------------------------- */

/* A line of magic is the comment, MAGIC, and a blank with text or nothing. */
static bool
skip_magic(struct span *line, enum notebook_language language)
{
	struct span rest = *line;

	if (!skip_mark(&rest, language, MAGIC) ||
	    !(rest.len == 0 || span_skip(&rest, " ")))
		return false;
	*line = rest;
	return true;
}

/* Does the first thing in a command make it magic? */
static bool
begins_magic(struct span text)
{
	while (text.len > 0 && strchr(" \t\n", text.at[0]) != NULL) {
		text.at++;
		text.len--;
	}
	return text.len > 0 && text.at[0] == '%';
}

/* Are all lines magic, or blank, and is it what makes a command magic? */
static bool
is_magic(struct span text, enum notebook_language language)
{
	struct span line;
	bool begun = false;

	while (span_line(&text, &line)) {
		if (span_is_blank(line))
			continue;
		if (!skip_magic(&line, language))
			return false;
		if (begun || span_is_blank(line))
			continue;
		if (!begins_magic(line))
			return false;
		begun = true;
	}
	return begun;
}

/* The lines of a magic cell, out of their comments. */
static int
put_unmarked(struct span text, enum notebook_language language, struct buf *out)
{
	const char *end = "";
	struct span line;
	int ret = 0;

	while (ret == 0 && span_line(&text, &line)) {
		(void)skip_magic(&line, language);
		ret = buf_puts(out, end);
		if (ret == 0)
			ret = buf_append(out, line.at, line.len);
		end = "\n";
	}
	return ret;
}

/* Takes a title line off. */
static struct notebook_title
take_title(struct span *text, enum notebook_language language)
{
	struct notebook_title title = { 0 };
	struct span rest = *text, line = { 0 };

	while (span_line(&rest, &line) && span_is_blank(line))
		;
	if (!skip_mark(&line, language, TITLE))
		return title;
	/* A hidden one without words is none. */
	title.is_hidden = span_skip(&line, "0,") && line.len > 0;
	title.is_there = title.is_hidden || span_skip(&line, "1,");
	title.text = line;
	if (title.is_there)
		*text = rest;
	return title;
}

static int
read_cell(struct notebook *nb, struct span text)
{
	struct notebook_title title = take_title(&text, nb->language);
	struct span trimmed = span_trim(text);
	struct buf command;
	int ret;

	if (!is_magic(trimmed, nb->language))
		return notebook_add_command(nb, title, text);
	buf_init(&command, trimmed.len);
	ret = put_unmarked(trimmed, nb->language, &command);
	if (ret == 0)
		ret = notebook_add_command(nb, title,
		    (struct span){ buf_text(&command), command.len });
	buf_release(&command);
	return ret;
}

/* What is between two separators, without the blank lines that belong to these. */
static struct span
between(const char *from, const char *to, bool first)
{
	struct span text = { from, (size_t)(to - from) };

	if (!first)
		(void)span_skip(&text, "\n");
	for (int i = 0; i < 2; i++)
		if (text.len > 0 && text.at[text.len - 1] == '\n')
			text.len--;
	return text;
}

static int
read_kept(struct span rest, struct notebook *nb)
{
	struct span line;
	const char *from;
	bool first = true;
	int ret = 0;

	(void)span_line(&rest, &line); /* the header */
	from = rest.at;
	while (ret == 0 && span_line(&rest, &line)) {
		if (!is_mark(line, nb->language, SEPARATOR))
			continue;
		ret = read_cell(nb, between(from, line.at, first));
		from = rest.at;
		first = false;
	}
	return ret == 0 ? read_cell(nb, between(from, rest.at, first)) : ret;
}

int
notebook_read_source(const char *text, size_t len,
    enum notebook_language language, struct notebook *out)
{
	struct buf kept;
	int ret;

	*out = (struct notebook){ .language = language };
	buf_init(&kept, len + sizeof("// " HEADER "\n"));
	ret = notebook_keep_source(text, len, language, &kept);
	if (ret == 0)
		ret = read_kept((struct span){ kept.data, kept.len }, out);
	if (ret < 0)
		notebook_release(out);
	buf_release(&kept);
	return ret;
}

/* --- printing source ---------------------------------------------------------------- */

/* Each line of the text in a magic comment; also what follows a last newline. */
static int
put_marked(struct span text, const char *comment, struct buf *out)
{
	for (;;) {
		struct span line = { text.at, 0 };
		int ret;

		(void)span_line(&text, &line);
		ret = buf_printf(
		    out, "%s" MAGIC "%s", comment, line.len > 0 ? " " : "");
		if (ret == 0)
			ret = buf_append(out, line.at, line.len);
		if (ret < 0 || line.at + line.len == text.at)
			return ret;
		ret = buf_puts(out, "\n");
		if (ret < 0)
			return ret;
	}
}

static int
put_source_cell(
    const struct notebook_cell *cell, const char *comment, struct buf *out)
{
	struct buf command;
	struct span text;
	int ret;

	buf_init(&command, out->limit);
	ret = notebook_put_command(cell, &command);
	text = (struct span){ buf_text(&command), command.len };
	if (ret == 0 && cell->title != NULL)
		ret = buf_printf(out, "%s" TITLE "%d,%s%s", comment,
		    !cell->title_hidden, cell->title, text.len > 0 ? "\n" : "");
	if (ret == 0 && begins_magic(text))
		ret = put_marked(text, comment, out);
	else if (ret == 0)
		ret = buf_append(out, text.at, text.len);
	buf_release(&command);
	return ret;
}

int
notebook_print_source(const struct notebook *nb, struct buf *out)
{
	const char *comment = languages[nb->language].comment;
	int ret;

	ret = buf_printf(out, "%s" HEADER "\n", comment);
	for (size_t i = 0; ret == 0 && i < nb->n; i++) {
		if (i > 0)
			ret = buf_printf(
			    out, "\n\n%s" SEPARATOR "\n\n", comment);
		if (ret == 0)
			ret = put_source_cell(&nb->cells[i], comment, out);
	}
	while (ret == 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return ret;
}
