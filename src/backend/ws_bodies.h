/* backend/ws_bodies.h: whole contents that were just fetched.
 *
 * The service gives the content of a workspace object as a whole; a file is read in
 * blocks, by several threads.  A content is fetched once for all who want it, and the
 * last ones stay for a moment, for the next block and for who has just asked for the
 * size.
 *
 * Threads: every function may be called from any thread. */
#ifndef BACKEND_WS_BODIES_H
#define BACKEND_WS_BODIES_H

#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/call.h"

/* Bytes of those that nobody reads.  The last one that was read stays in any case, so
 * that one that is larger is not fetched again for its next block. */
#define WS_BODIES_KEPT ((size_t)8 << 20)

struct ws_bodies;

struct ws_body_key {
	uint64_t object_id; /* 0: nobody knows, and it is neither kept nor shared */
	int64_t mtime_ms; /* 0: nobody knows, and it is not kept */
	uint64_t form;
};

/* A content, borrowed until it is released. */
struct ws_body {
	const char *text;
	size_t len;
};

/* Appends the whole content. */
typedef int ws_body_fn(void *ctx, struct call *call, struct buf *out);

int ws_bodies_new(struct ws_bodies **out) WARN_UNUSED;
void ws_bodies_free(struct ws_bodies *b); /* when all are released */

/* limit: bytes that a content may have. */
int ws_bodies_get(struct ws_bodies *b, struct call *call,
    const struct ws_body_key *key, size_t limit, ws_body_fn *fetch, void *ctx,
    const struct ws_body **out) WARN_UNUSED;
void ws_bodies_release(struct ws_bodies *b, const struct ws_body *body);

/* Its object has another content now. */
void ws_bodies_drop(struct ws_bodies *b, uint64_t object_id);

#endif
