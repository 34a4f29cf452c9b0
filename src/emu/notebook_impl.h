/* emu/notebook_impl.h: what the forms of a notebook share. */
#ifndef EMU_NOTEBOOK_IMPL_H
#define EMU_NOTEBOOK_IMPL_H

#include "emu/notebook.h"
#include "emu/span.h"

/* "python", as all JSON forms spell it; and back, in whatever case. */
const char *notebook_word(enum notebook_language language);
bool notebook_language_of_word(
    const char *word, enum notebook_language *out) WARN_UNUSED;

/* A title as it is found; of its cell it becomes one line. */
struct notebook_title {
	bool is_there, is_hidden;
	struct span text;
};

/* Adds a cell. */
int notebook_add_markdown(struct notebook *nb, struct notebook_title title,
    struct span text) WARN_UNUSED;
int notebook_add_code(struct notebook *nb, struct notebook_title title,
    struct span text) WARN_UNUSED;

/* The text of a command is all that a user types into a cell: one that begins with
 * %md becomes markdown. */
int notebook_add_command(struct notebook *nb, struct notebook_title title,
    struct span text) WARN_UNUSED;

/* The text of the command that a cell is. */
int notebook_put_command(
    const struct notebook_cell *cell, struct buf *out) WARN_UNUSED;

/* The text with LF where CR LF was; -EBADMSG for what is no text. */
int notebook_put_lf(struct span text, struct buf *out) WARN_UNUSED;

#endif
