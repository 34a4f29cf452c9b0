/* backend/ws_large.h: files that the service does not export, because they have more than
 * 10 MiB.
 *
 * Two ways, both undocumented (reference, 3.4): in pieces from the storage behind the
 * service, by a URL that it signs; else as a whole from the service itself, into a file
 * without a name on the local disk, from which the pieces are read.  Which of them there
 * is, is found out once.
 *
 * Threads: every function may be called from any thread. */
#ifndef BACKEND_WS_LARGE_H
#define BACKEND_WS_LARGE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/call.h"
#include "cache/entry.h"

struct rest;
struct ws_large;

/* dir: where the whole files are put; NULL: nowhere, so that only the first way is left. */
int ws_large_new(struct rest *rest, const char *dir, struct ws_large **out)
    WARN_UNUSED;
void ws_large_free(struct ws_large *l);

/* Bytes of e, stored at that path, at off; fewer than len only at its end.  -EFBIG with
 * the figure when there is no way. */
ssize_t ws_large_read(struct ws_large *l, struct call *call,
    const struct entry *e, const char *stored, uint64_t off, void *dst,
    size_t len);

#endif
