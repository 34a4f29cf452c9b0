/* emu/notebook.h: the text of a notebook, and its other forms.  Pure.
 *
 * A notebook in source form is a text that begins with the header line of its
 * language.  Its cells are separated by a line of their own; a cell in another
 * language is in comments, behind the magic prefix (reference, 3.5):
 *
 *   # Databricks notebook source
 *   print(1)
 *
 *   # COMMAND ----------
 *
 *   # MAGIC %md
 *   # MAGIC ## Words
 *
 * In Jupyter form it is a JSON document of nbformat 4.  Both are read into the same
 * cells, from which any form is printed; what the reference does not settle is said
 * at the function.
 *
 * Functions return 0, -EBADMSG for what is no notebook of that form, or -ENOMEM. */
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

/* ".py"; and the language of a path that ends so (".R" is R, too). */
const char *notebook_extension(enum notebook_language language);
bool notebook_language_of_path(
    const char *path, enum notebook_language *out) WARN_UNUSED;

/* Is the first line the header of that language, and nothing else? */
bool notebook_has_header(
    const char *text, size_t len, enum notebook_language language);

/* The source as the service keeps it: with its header, and without newlines at its
 * end.  Appended to out. */
int notebook_keep_source(const char *text, size_t len,
    enum notebook_language language, struct buf *out) WARN_UNUSED;

struct notebook_cell {
	bool markdown;
	char *title; /* NULL: none */
	char *text;  /* of a cell in another language with its magic line, "%sql" */
};

struct notebook {
	enum notebook_language language;
	struct notebook_cell *cells;
	size_t n;
};

int notebook_read_source(const char *text, size_t len,
    enum notebook_language language, struct notebook *out) WARN_UNUSED;
/* The language is that of the Databricks metadata, else of language_info, else
 * Python. */
int notebook_read_jupyter(
    const char *text, size_t len, struct notebook *out) WARN_UNUSED;
void notebook_release(struct notebook *nb);

/* Appended to out.  name: the notebook's, without an extension. */
int notebook_print_source(
    const struct notebook *nb, struct buf *out) WARN_UNUSED;
int notebook_print_jupyter(const struct notebook *nb, const char *name,
    struct buf *out) WARN_UNUSED;
int notebook_print_html(const struct notebook *nb, const char *name,
    struct buf *out) WARN_UNUSED;

/* A Jupyter document as the service keeps it: as it came, with the metadata that the
 * service adds.  *language as for notebook_read_jupyter. */
int notebook_keep_jupyter(const char *text, size_t len, const char *name,
    enum notebook_language *language, struct buf *out) WARN_UNUSED;

#endif
