/* emu/notebook.h: the text of a notebook, and its other forms.  Pure.
 *
 * A notebook in source form is a text that begins with the header line of its
 * language.  Its cells are separated by a line of their own, with a blank line before
 * and after; a cell that begins with '%' is in comments, behind the magic prefix; a
 * title stands above its cell (reference, 3.5; what it leaves open is as public
 * notebooks have it):
 *
 *   # Databricks notebook source
 *   print(1)
 *
 *   # COMMAND ----------
 *
 *   # DBTITLE 1,A title; with 0 for 1 it is not shown
 *   # MAGIC %md
 *   # MAGIC ## Words
 *
 * All forms are read into the same cells, from which any is printed.  Reading a
 * source and printing it gives the same bytes, but for newlines at its end, if it is
 * written like this.  Otherwise it becomes so: blank lines around separators and magic
 * are set right, CR LF becomes LF.  No form has an escape: a cell of another one that
 * contains a separator becomes two, one that is all in magic comments becomes magic.
 *
 * Texts are UTF-8 without NUL.  Functions return 0; -EBADMSG for what is no notebook
 * of that form; -EFBIG for what does not fit into out; or -ENOMEM. */
#ifndef EMU_NOTEBOOK_H
#define EMU_NOTEBOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"

enum notebook_language {
	NOTEBOOK_PYTHON,
	NOTEBOOK_SQL,
	NOTEBOOK_SCALA,
	NOTEBOOK_R,
};

/* "PYTHON", as the API spells it. */
const char *notebook_language_name(enum notebook_language language);
bool notebook_language_of_name(
    const char *name, enum notebook_language *out) WARN_UNUSED;

/* ".py"; and the language of a path that ends so (".R" is R, too), with a name
 * before. */
const char *notebook_extension(enum notebook_language language);
bool notebook_language_of_path(
    const char *path, enum notebook_language *out) WARN_UNUSED;

/* Is the first line the header of that language, to the byte?  CR LF or a byte order
 * mark make it another one (reference, 6, trap 40).  The first 32 bytes of a text
 * suffice. */
bool notebook_has_header(
    const char *text, size_t len, enum notebook_language language);

/* The source as the service keeps it: with its header, with LF where CR LF was, and
 * without newlines at its end.  A header behind a byte order mark is none: one more is
 * put above it.  Appended to out. */
int notebook_keep_source(const char *text, size_t len,
    enum notebook_language language, struct buf *out) WARN_UNUSED;

struct notebook_cell {
	bool markdown, title_hidden;
	char after;  /* between %md and its text: a newline, a blank, NUL for none */
	char *title; /* NULL: none */
	char *text;  /* of a cell in another language with its magic line, "%sql" */
};

struct notebook {
	enum notebook_language language;
	struct notebook_cell *cells;
	size_t n, cap;
};

void notebook_release(struct notebook *nb);

/* The readers release what they have read when they fail.  The printers append to
 * out; name: the notebook's, without an extension. */

/* A text without a header is one, too. */
int notebook_read_source(const char *text, size_t len,
    enum notebook_language language, struct notebook *out) WARN_UNUSED;
int notebook_print_source(
    const struct notebook *nb, struct buf *out) WARN_UNUSED;

/* nbformat 4.  The language is that of the Databricks metadata, else of language_info,
 * else Python.  Outputs and attachments have no place in cells. */
int notebook_read_jupyter(
    const char *text, size_t len, struct notebook *out) WARN_UNUSED;
int notebook_print_jupyter(const struct notebook *nb, const char *name,
    struct buf *out) WARN_UNUSED;

/* A Jupyter document as the service keeps it: as it came, with the metadata that the
 * service adds.  *language as for notebook_read_jupyter, which reads what is kept. */
int notebook_keep_jupyter(const char *text, size_t len, const char *name,
    enum notebook_language *language, struct buf *out) WARN_UNUSED;

/* The JSON that a notebook is in an archive (.dbc). */
int notebook_read_archived(
    const char *text, size_t len, struct notebook *out) WARN_UNUSED;
int notebook_print_archived(const struct notebook *nb, const char *name,
    struct buf *out) WARN_UNUSED;

/* A page for people, which has the same JSON in it. */
int notebook_read_html(
    const char *text, size_t len, struct notebook *out) WARN_UNUSED;
int notebook_print_html(const struct notebook *nb, const char *name,
    struct buf *out) WARN_UNUSED;

/* R Markdown, as knitr reads it; nothing is known of what the service writes.  Titles
 * and the options of chunks are lost, neighbouring texts become one. */
int notebook_read_rmarkdown(
    const char *text, size_t len, struct notebook *out) WARN_UNUSED;
int notebook_print_rmarkdown(const struct notebook *nb, const char *name,
    struct buf *out) WARN_UNUSED;

#endif
