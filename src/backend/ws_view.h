/* backend/ws_view.h: how the objects of a workspace look as files.  Pure.
 *
 * An object is stored under a name; that of a notebook has no extension.  What the mount
 * shows follows from its form alone (design section 6):
 *
 *   form        stored   shown
 *   WS_PYTHON   x        x.py; with WS_BESIDE x.notebook.py
 *   WS_JUPYTER  x        x.ipynb, likewise
 *   others      x        x
 *
 * so that the path that is shown and the form together name an object, and renames of
 * directories concern the path alone.
 *
 * Texts: a notebook's source is shown with a newline at its end, and sent with LF line
 * ends and without a byte order mark.  Functions that give memory give NULL, or -ENOMEM,
 * when there is none. */
#ifndef BACKEND_WS_VIEW_H
#define BACKEND_WS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "rest/api_workspace.h"

enum ws_form {
	WS_UNKNOWN, /* nobody has looked: which it is must be asked */
	WS_DIRECTORY,
	WS_FILE,
	WS_OBJECT, /* neither file nor notebook: it reads as its JSON */
	WS_PYTHON, /* the first of the notebooks */
	WS_SQL,
	WS_SCALA,
	WS_R,
	WS_UPPER_R, /* the same, and its user calls it .R */
	WS_JUPYTER,
	WS_HIDDEN, /* one with a name of ours (backend/hidden.h), shown nowhere */
	WS_FORMS,

	/* With a notebook, and so often as its name is taken. */
	WS_BESIDE = 0x10,
	WS_BESIDE_MAX = 0xf0,
};

/* -o notebooks= */
enum ws_mode {
	WS_SOURCE, /* as source, but Jupyter where the service prefers that */
	WS_IPYNB,  /* all as Jupyter */
	WS_FILES,  /* as WS_SOURCE; what is new is a file, whatever is in it */
};

bool ws_is_notebook(unsigned form);

/* Must the service be asked for the format before the form is known? */
bool ws_wants_format(const struct api_workspace_info *info, enum ws_mode mode);
enum ws_form ws_form_of(const struct api_workspace_info *info, enum ws_mode mode);

/* Of a notebook's form: its extension, its language, the format of export and import. */
const char *ws_extension(unsigned form);
enum api_workspace_language ws_language(unsigned form);
const char *ws_format(unsigned form);

/* --- names ----------------------------------------------------------------------- */

/* Also of whole paths; ws_stored: NULL, too, when shown does not end as form wants. */
char *ws_shown(const char *stored, unsigned form);
char *ws_stored(const char *shown, unsigned form);

/* One object of a folder. */
struct ws_row {
	const char *stored;
	unsigned form; /* ws_name_rows may add WS_BESIDE */
	char *shown;   /* the caller's to free */
	void *item;    /* the caller's */
};

/* Gives every row its own name; rows are sorted on the way.  0 or -ENOMEM. */
int ws_name_rows(struct ws_row *rows, size_t n) WARN_UNUSED;

/* The notebook that a name may stand for, if no file has the name: WS_UNKNOWN when its
 * extension is none of a notebook's.  Only a listing tells about one beside a file, as
 * ws_may_be_beside says of a name. */
enum ws_form ws_guess(const char *shown, enum ws_mode mode);
bool ws_may_be_beside(const char *shown);

/* --- texts ------------------------------------------------------------------------- */

/* The form that a new name with that content gets. */
enum ws_form ws_new_form(const char *name, const char *text, size_t len,
    enum ws_mode mode);

/* The import format that leaves a file a file, whatever its name and first line. */
const char *ws_file_format(const char *name, const char *text, size_t len);

/* Appends what is sent of a notebook's text, or shown of its export. */
int ws_to_service(const char *text, size_t len, unsigned form, struct buf *out)
    WARN_UNUSED;
int ws_to_view(const char *text, size_t len, struct buf *out) WARN_UNUSED;

/* Appends what is the same for all texts that are the same notebook to the service. */
int ws_canonical(const char *text, size_t len, unsigned form, struct buf *out)
    WARN_UNUSED;

/* Will the service give the text back as it is? */
bool ws_comes_back(const char *text, size_t len, unsigned form);

/* Appends the source of a notebook in another language: header, separators and prefixes
 * of the lines are those of the language; the code stays as it is. */
int ws_translate(const char *text, size_t len, enum api_workspace_language from,
    enum api_workspace_language to, struct buf *out) WARN_UNUSED;

#endif
