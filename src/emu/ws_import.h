/* emu/ws_import.h: what an import makes of bytes: which kind of object, under which
 * name, with which content.  Reference, 3.3 import and 3.5. */
#ifndef EMU_WS_IMPORT_H
#define EMU_WS_IMPORT_H

#include <stdbool.h>

#include "emu/notebook.h"
#include "emu/request.h"

enum ws_format {
	WS_SOURCE,
	WS_JUPYTER,
	WS_HTML,
	WS_RMD,
	WS_DBC,   /* by ws_archive_import alone */
	WS_MODEL, /* of an entry of a DBC archive */
	WS_AUTO,
	WS_RAW,
};

/* False for what is no format.  They are case-sensitive. */
bool ws_import_format(const char *name, enum ws_format *out);

struct ws_import {
	/* of the caller */
	const char *path; /* canonical */
	enum ws_format format;
	bool has_language; /* WS_SOURCE without one is an archive */
	enum notebook_language language;
	bool overwrite;

	/* what came of it; texts are static */
	char *stored;       /* path of the object, in memory of its own */
	const char *type;   /* "NOTEBOOK" */
	const char *kept;   /* "SOURCE" or "JUPYTER"; NULL for a file */
	const char *found;  /* kind of what is in the way; "" when nothing is */
	bool found_dir;
	uint64_t size;      /* as it came */
};

/* The whole content, of at most as many bytes as a notebook may have, and another
 * content in its place. */
int ws_import_content(struct request *req, struct buf *out) WARN_UNUSED;
int ws_import_set_content(
    struct request *req, const void *data, size_t len) WARN_UNUSED;

/* Carries it out with the content of the request's file.  0, or
 *   -EBADMSG     content that is not of that format
 *   -EFBIG       longer than that kind of object may be
 *   -ENOENT, -ENOTDIR  no parent
 *   -EEXIST      something is there, and nothing was said of overwriting
 *   -EMEDIUMTYPE something of another kind is there
 *   -EPERM       nothing may be made there; answered
 * or what the store returns. */
int ws_import(struct request *req, struct ws_import *in) WARN_UNUSED;
void ws_import_release(struct ws_import *in);

/* The answer to all that it returns. */
int ws_import_answer(struct request *req, const struct ws_import *in, int ret);

#endif
