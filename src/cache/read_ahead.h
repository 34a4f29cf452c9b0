/* cache/read_ahead.h: which blocks a reader will want next.
 *
 * Sees every read of one open file and recognises streams in them: reads that follow
 * each other, give or take the order in which the kernel's own read-ahead delivers
 * them.  Two interleaved readers are two streams.
 *
 *   window  what it means                          changes
 *   ------  -------------                          -------
 *   0       not (yet) taken for sequential         2 at the second read in a row, or at
 *                                                  a large first one at offset 0
 *   2..     blocks asked for beyond the reader     doubles when the reader had to wait
 *                                                  for a block, once a block
 *
 * A reader that jumps gets none; after three jumps in a row without a long run it has
 * to read RANDOM_BYTES in a row before it is believed again.
 *
 * Pure, with a lock of its own: reads of one file come from several threads. */
#ifndef CACHE_READ_AHEAD_H
#define CACHE_READ_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

#define READ_AHEAD_STREAMS 2
#define READ_AHEAD_FIRST   2U /* blocks */

struct read_stream {
	bool live;
	uint64_t start, at;  /* bytes: of its first read, after its last */
	uint64_t wanted;     /* blocks before this one have been asked for */
	uint64_t waited;     /* 1 + the block that it last had to wait for */
	unsigned window;     /* blocks */
	uint64_t used;	     /* of the file's reads, the last that was its */
};

struct read_ahead {
	struct lock lock;
	struct read_stream streams[READ_AHEAD_STREAMS]; /* with lock, as all */
	uint64_t reads;
	unsigned jumps; /* in a row */
};

void read_ahead_init(struct read_ahead *a);
void read_ahead_release(struct read_ahead *a);

/* A read of len bytes at off of a file of size bytes is about to be served, and max
 * blocks are worth having under way: *first and the result say which blocks to ask
 * for now, beyond those of the read; 0: none. */
unsigned read_ahead_plan(struct read_ahead *a, uint64_t off, size_t len,
    uint64_t size, unsigned max, uint64_t *first);

/* Of what was planned for the read at off, blocks from next on were not asked for. */
void read_ahead_cut(struct read_ahead *a, uint64_t off, uint64_t next);

/* The read at off had to wait. */
void read_ahead_waited(struct read_ahead *a, uint64_t off);

#endif
