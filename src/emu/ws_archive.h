/* emu/ws_archive.h: directories of the workspace as archives.
 *
 * Names in them begin below the directory.  A DBC archive is a zip of models; one
 * that has a single notebook at its top is that notebook.  [unsure] */
#ifndef EMU_WS_ARCHIVE_H
#define EMU_WS_ARCHIVE_H

#include "base/attr.h"

#include "emu/object.h"
#include "emu/request.h"
#include "emu/ws_import.h"

enum ws_archive {
	WS_ARCHIVE_SOURCE, /* notebooks, as source */
	WS_ARCHIVE_AUTO,   /* notebooks as they are kept, and files */
	WS_ARCHIVE_DBC,
};

/* Appends what is below a directory, or a notebook.  -EFBIG beyond limit bytes. */
int ws_archive_export(struct request *req, const char *path,
    enum ws_archive kind, size_t limit, struct buf *out) WARN_UNUSED;

/* Makes a directory of the request's file.  As ws_import. */
int ws_archive_import(struct request *req, struct ws_import *in) WARN_UNUSED;

#endif
