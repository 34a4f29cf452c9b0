/* backend/ws_memory.h: what is known of workspace objects beyond what the service says.
 *
 * A listing gives a notebook neither a size nor, always, a form, and what was saved here
 * does not come back byte by byte: the service drops last newlines, and rewrites Jupyter
 * documents.  So, by object id and modification time, on disk:
 *
 *   the form that the object was shown in, and its size in that;
 *   where the service would give back something else, the text as it was saved here.
 *
 * What is not remembered is asked for again, so a record that is lost costs a request.  A
 * text is on disk before the record that says so; without it the object shows what the
 * service makes of it.
 *
 * So it is bounded: of more objects than WS_MEMORY_ROWS, and of more text than
 * WS_MEMORY_TEXT_BYTES, what was used least recently is forgotten.  Of an object without
 * an id, or in a version without a time, nothing is remembered: another one could be
 * meant.
 *
 * Threads: every function may be called from any thread. */
#ifndef BACKEND_WS_MEMORY_H
#define BACKEND_WS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#define WS_MEMORY_ROWS	     50000	      /* objects */
#define WS_MEMORY_TEXT_BYTES ((size_t)64 << 20) /* of texts that are kept */

struct ws_memory;

struct ws_known {
	unsigned form; /* without WS_BESIDE; WS_UNKNOWN: not remembered */
	bool has_size; /* in that form */
	uint64_t size; /* bytes */
	bool kept;     /* the text is here */
};

/* In a directory of its own, which is made; dir NULL: in memory alone.  -EPROTONOSUPPORT:
 * written by a newer brickfs. */
int ws_memory_new(const char *dir, struct ws_memory **out) WARN_UNUSED;
void ws_memory_free(struct ws_memory *m);

/* What is known of that version of the object; zeros when nothing is. */
struct ws_known ws_memory_get(
    struct ws_memory *m, uint64_t object_id, int64_t mtime_ms);

/* In place of what was known of any version.  A text that is kept of this one stays if
 * known says so. */
void ws_memory_set(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms,
    const struct ws_known *known);

/* The same, with the text of that version, len bytes; known->kept and size are set here.
 * What cannot be kept is logged, and shown as the service has it. */
void ws_memory_keep(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms,
    const struct ws_known *known, const void *text, size_t len);

/* Appends the text that is kept; -ENOENT when none is, or not any more: then out is as it
 * was, and the size is forgotten, too. */
int ws_memory_text(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms,
    struct buf *out) WARN_UNUSED;

/* The object is gone. */
void ws_memory_forget(struct ws_memory *m, uint64_t object_id);

#endif
