/* emu/ws_notebook.h: a notebook of the workspace in any of its forms. */
#ifndef EMU_WS_NOTEBOOK_H
#define EMU_WS_NOTEBOOK_H

#include "base/attr.h"
#include "base/buf.h"

#include "emu/notebook.h"
#include "emu/object.h"

enum ws_form {
	WS_FORM_SOURCE,
	WS_FORM_JUPYTER,
	WS_FORM_HTML,
	WS_FORM_RMD,
	WS_FORM_MODEL, /* of a DBC archive */
};

/* The one that is kept. */
enum ws_form ws_notebook_kept(const struct object *o);

/* "py", "ipynb": the extension of the form. */
const char *ws_notebook_type(const struct object *o, enum ws_form form);

/* Is it the extension of a model? */
bool ws_notebook_is_model(const char *extension);

/* Appends the form of what is kept.  -EBADMSG when that was spoilt by a person. */
int ws_notebook_print(const struct object *o, const char *name,
    const struct buf *kept, enum ws_form form, struct buf *out) WARN_UNUSED;

/* The notebook that is written in that form, which is none of those that are kept, as
 * source. */
int ws_notebook_read(const struct buf *text, enum ws_form form,
    enum notebook_language *language, struct buf *source) WARN_UNUSED;

#endif
