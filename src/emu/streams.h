/* emu/streams.h: write handles of create, add-block and close.
 *
 * A stream is two files in .state/streams: HANDLE with the bytes, HANDLE.meta
 * with the target and the number of bytes that count, so that a block that a
 * kill cut in half does not.  Blocks of one stream are written one after the
 * other.  A stream without a call for the idle time is gone.
 *
 * Functions return 0 or -errno; -ENOENT: no such stream.  Threads: any. */
#ifndef EMU_STREAMS_H
#define EMU_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#include "emu/place.h"
#include "emu/settings.h"
#include "emu/store.h"
#include "emu/timeline.h"

struct streams;

/* Takes up the streams of the last run, or forgets them, as --handles says.
 * Arguments are borrowed. */
int streams_open(struct place *place, const struct settings *settings,
    struct timeline *timeline, struct streams **out) WARN_UNUSED;

/* The streams stay on disk. */
void streams_close(struct streams *s);

/* *handle: random, 16 digits, below 2^53. */
int streams_create(struct streams *s, const char *path, bool overwrite,
    int64_t *handle) WARN_UNUSED;

int streams_append(struct streams *s, int64_t handle, const void *data,
    size_t len) WARN_UNUSED;

/* Calls commit() with the stream's spool; the stream is gone afterwards whatever
 * commit() returns, and that is returned. */
typedef int streams_commit_fn(
    void *ctx, const char *path, bool overwrite, struct spool *spool);
int streams_finish(struct streams *s, int64_t handle, streams_commit_fn *commit,
    void *ctx) WARN_UNUSED;

/* Path of a stream in new memory, or NULL. */
char *streams_path(struct streams *s, int64_t handle);

/* Drops one stream, or with handle 0 all. */
void streams_expire(struct streams *s, int64_t handle);

#endif
