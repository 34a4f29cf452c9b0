/* emu/notebook_rmarkdown.c - a notebook as R Markdown.
 *
 * Code is a chunk, "```{r}" to "```", markdown is what is between.  The engine of a
 * chunk is the language of its cell; a cell in another language whose magic line says
 * nothing else loses that line and has the engine. */
#include "config.h"

#include "emu/notebook.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/jval.h"

#include "emu/notebook_impl.h"

#include "base/banned.h"

#define FENCE_MIN ((size_t)3)

static const struct {
	const char *magic, *engine;
} engines[] = {
	{ "%python\n", "python" },
	{ "%sql\n", "sql" },
	{ "%scala\n", "scala" },
	{ "%r\n", "r" },
	{ "%sh\n", "bash" },
};

/* --- reading ------------------------------------------------------------------------ */

/* Takes the backticks off that a line begins with. */
static size_t
take_fence(struct span *line)
{
	size_t n = 0;

	while (span_skip(line, "`"))
		n++;
	return n;
}

/* Does the line begin a chunk?  Then *fence is the length of its fence. */
static bool
begins_chunk(struct span line, size_t *fence, struct span *engine)
{
	size_t len = 0;

	*fence = take_fence(&line);
	while (line.len > 0 && span_is_blank((struct span){ line.at, 1 }))
		(void)span_skip(&line, line.at[0] == ' ' ? " " : "\t");
	if (*fence < FENCE_MIN || !span_skip(&line, "{"))
		return false;
	while (len < line.len &&
	    (isalnum((unsigned char)line.at[len]) || line.at[len] == '_'))
		len++;
	*engine = (struct span){ line.at, len };
	return len > 0 && memchr(line.at, '}', line.len) != NULL;
}

static int
add_chunk(struct notebook *nb, struct span engine, struct span text)
{
	struct buf command;
	bool known = false;
	int ret = 0;

	if (span_equals(engine, notebook_word(nb->language)))
		return notebook_add_command(
		    nb, (struct notebook_title){ 0 }, text);
	buf_init(&command, engine.len + text.len + sizeof("%python\n"));
	for (size_t i = 0; i < ARRAY_LEN(engines) && !known; i++) {
		known = span_equals(engine, engines[i].engine);
		if (known)
			ret = buf_puts(&command, engines[i].magic);
	}
	if (!known)
		ret = buf_printf(
		    &command, "%%%.*s\n", (int)engine.len, engine.at);
	if (ret == 0)
		ret = buf_append(&command, text.at, text.len);
	if (ret == 0)
		ret = notebook_add_command(nb, (struct notebook_title){ 0 },
		    (struct span){ buf_text(&command), command.len });
	buf_release(&command);
	return ret;
}

/* Takes a chunk's lines, and the one that ends it, off the text. */
static struct span
take_chunk(struct span *text, size_t fence)
{
	struct span chunk = { text->at, 0 }, line;

	while (span_line(text, &line)) {
		struct span rest = line;

		if (take_fence(&rest) >= fence && span_is_blank(rest))
			break;
		chunk.len = (size_t)(line.at + line.len - chunk.at);
	}
	return chunk;
}

static int
add_words(struct notebook *nb, const char *from, const char *to)
{
	struct span text =
	    span_trim((struct span){ from, (size_t)(to - from) });

	return text.len > 0 ? notebook_add_markdown(
				  nb, (struct notebook_title){ 0 }, text) :
			      0;
}

/* The text behind the YAML that a document may begin with. */
static struct span
skip_front_matter(struct span text)
{
	struct span rest = text, line;

	if (!span_line(&rest, &line) || !span_equals(line, "---"))
		return text;
	while (span_line(&rest, &line))
		if (span_equals(line, "---") || span_equals(line, "..."))
			return rest;
	return text;
}

static int
read_text(struct span text, struct notebook *nb)
{
	const char *words = text.at;
	struct span line, engine;
	size_t fence;
	int ret = 0;

	while (ret == 0 && span_line(&text, &line)) {
		if (!begins_chunk(line, &fence, &engine))
			continue;
		ret = add_words(nb, words, line.at);
		if (ret == 0)
			ret = add_chunk(nb, engine, take_chunk(&text, fence));
		words = text.at;
	}
	return ret == 0 ? add_words(nb, words, text.at) : ret;
}

int
notebook_read_rmarkdown(const char *text, size_t len, struct notebook *out)
{
	struct buf lines;
	int ret;

	*out = (struct notebook){ .language = NOTEBOOK_R };
	buf_init(&lines, len);
	ret = notebook_put_lf((struct span){ text, len }, &lines);
	if (ret == 0)
		ret = read_text(skip_front_matter((struct span){
				    buf_text(&lines), lines.len }),
		    out);
	buf_release(&lines);
	if (ret < 0)
		notebook_release(out);
	return ret;
}

/* --- printing ----------------------------------------------------------------------- */

/* A fence that is longer than any in the text. */
static size_t
fence_for(const char *text)
{
	size_t longest = FENCE_MIN - 1;

	for (; *text != '\0'; text++) {
		size_t n = strspn(text, "`");

		if (n > longest)
			longest = n;
		if (n > 0)
			text += n - 1;
	}
	return longest + 1;
}

static int
put_fence(size_t n, struct buf *out)
{
	int ret = 0;

	while (ret == 0 && n-- > 0)
		ret = buf_puts(out, "`");
	return ret;
}

static int
put_chunk(const char *engine, const char *text, struct buf *out)
{
	size_t fence = fence_for(text);
	int ret = put_fence(fence, out);

	if (ret == 0)
		ret = buf_printf(out, "{%s}\n", engine);
	if (ret == 0)
		ret = buf_puts(out, text);
	if (ret == 0 && text[0] != '\0')
		ret = buf_puts(out, "\n");
	return ret == 0 ? put_fence(fence, out) : ret;
}

static int
put_cell(const struct notebook_cell *cell, enum notebook_language language,
    struct buf *out)
{
	struct span text = span_of(cell->text);
	const char *engine = notebook_word(language);

	if (cell->markdown)
		return buf_puts(out, cell->text);
	for (size_t i = 0; i < ARRAY_LEN(engines); i++)
		if (strcmp(engines[i].engine, engine) != 0 &&
		    span_skip(&text, engines[i].magic))
			return put_chunk(engines[i].engine, text.at, out);
	return put_chunk(engine, cell->text, out);
}

int
notebook_print_rmarkdown(
    const struct notebook *nb, const char *name, struct buf *out)
{
	int ret = buf_puts(out, "---\ntitle: ");

	/* A string of JSON is one of YAML. */
	if (ret == 0)
		ret = jval_quote(out, name);
	if (ret == 0)
		ret = buf_puts(out, "\n---\n");
	for (size_t i = 0; ret == 0 && i < nb->n; i++) {
		ret = buf_puts(out, "\n");
		if (ret == 0)
			ret = put_cell(&nb->cells[i], nb->language, out);
		if (ret == 0)
			ret = buf_puts(out, "\n");
	}
	return ret;
}
