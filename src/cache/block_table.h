/* cache/block_table.h: the blocks in memory, for block_cache.c alone.
 *
 *  state     data valid  in list  may be evicted   left by
 *  -----     ----------  -------  --------------   -------
 *  WANTED    no          queue    is dropped       a thread of ours or a reader:
 *                                                  FETCHING; or gone: cancelled
 *  FETCHING  no          -        no               its fetcher: READY, or
 *                                                  gone: error, forgotten
 *  READY     yes         lru or   if pins == 0     eviction, drop
 *                        done
 *  DEAD      as it was   -        freed when       (not in the table any
 *                                 pins == 0        more: dropped while used)
 *
 * A block that was read to its end is done: a reader who reads on does not come back,
 * and the kernel has its pages.  Such blocks are evicted first; otherwise a hundred
 * readers would evict what they are about to read.
 *
 * The lock guards the table, the lists, states and pins; the bytes of a block are
 * written only by its fetcher while it is FETCHING, and read only while pinned.
 * Every waiter and reader holds a pin, and so does who writes it to disk.
 *
 * What a wish keeps of its source is released without the lock, since that may take
 * others: it is buried under the lock, and block_leave() does the rest. */
#ifndef CACHE_BLOCK_TABLE_H
#define CACHE_BLOCK_TABLE_H

#include <pthread.h>

#include "base/lock.h"
#include "base/table.h"
#include "cache/block_cache.h"
#include "cache/pace.h"

#define SPARE_BLOCKS 16 /* buffers kept for the next blocks */

#define KEEP_BLOCKS 16 /* wait to be written to disk */

enum state { WANTED, FETCHING, READY, DEAD };

struct block_id {
	struct file_key file;
	uint64_t index;
};

/* Who wants a block that nobody waits for. */
struct wish {
	struct source source; /* its ctx is kept */
	const void *owner;
	struct wish *next_buried;
};

struct block {
	struct block_id id;
	enum state state;
	unsigned pins;
	int err;     /* of the fetch, for those who waited */
	size_t len;  /* bytes in data */
	char *data;  /* len bytes; NULL while WANTED */
	bool unused; /* read ahead, and nobody has asked for it yet */
	bool done;   /* READY: in the list of that name */
	bool forgotten; /* while FETCHING: for those who wait, and nobody else */
	struct call *call; /* FETCHING by a thread of ours: its call */
	struct wish *wish; /* WANTED */
	UT_hash_handle hh;
	struct block *prev, *next; /* in lru, done or queue: oldest first */
};

struct block_cache {
	size_t budget; /* bytes; set once, as disk */
	struct disk_tier *disk; /* borrowed; NULL: none */
	struct lock lock;
	struct cond settled; /* with lock: some block left FETCHING */
	struct cond work;    /* with lock: queue, or stopping */
	/* All below with lock. */
	size_t used;	     /* bytes of all data in the table */
	size_t ahead;	     /* bytes of blocks that are WANTED or unused */
	struct block *table;
	struct block *lru;
	struct block *done;
	struct block *queue;
	unsigned fetching; /* by threads of ours */
	struct wish *buried;
	unsigned dropping; /* drops of blocks on disk under way */
	/* On their way to the disk, each pinned: n_keep from keep_at on. */
	struct block *keep[KEEP_BLOCKS];
	unsigned keep_at, n_keep;
	struct cond kept; /* n_keep grew, or stopping */
	bool keeper_runs;
	pthread_t keeper;
	char *spare[SPARE_BLOCKS]; /* of BLOCK_BYTES each */
	unsigned n_spare;
	struct pace pace;
	bool stopping;
	pthread_t threads[BLOCK_CACHE_AHEAD];
	unsigned n_threads;
};

/* NULL: not there. */
struct block *block_find_locked(struct block_cache *c,
    const struct block_id *id)
    REQUIRES(c->lock);

/* A new block in the table, WANTED, without data; NULL when out of memory. */
struct block *block_add_locked(struct block_cache *c,
    const struct block_id *id, size_t len)
    REQUIRES(c->lock);

/* b is FETCHING from now on, pinned by the caller.  On failure it is gone. */
int block_begin_locked(struct block_cache *c, struct block *b)
    REQUIRES(c->lock);

void block_unpin_locked(struct block_cache *c, struct block *b)
    REQUIRES(c->lock);

/* Takes b out of the table; it lives on while somebody has it pinned. */
void block_remove_locked(struct block_cache *c, struct block *b)
    REQUIRES(c->lock);

void block_list_locked(struct block_cache *c, struct block *b, bool done)
    REQUIRES(c->lock);

/* b, READY, leaves the list that it is in, for another or the same. */
void block_unlist_locked(struct block_cache *c, struct block *b)
    REQUIRES(c->lock);

/* Somebody has asked for b. */
void block_used_locked(struct block_cache *c, struct block *b)
    REQUIRES(c->lock);

/* Evicts until there is room for len bytes, as far as it goes. */
void block_make_room_locked(struct block_cache *c, size_t len)
    REQUIRES(c->lock);

/* Buffers that wait for the next blocks. */
void block_free_spare_locked(struct block_cache *c)
    REQUIRES(c->lock);

/* w is released by the next block_leave. */
void block_bury_locked(struct block_cache *c, struct wish *w)
    REQUIRES(c->lock);

/* Drops the lock. */
void block_leave(struct block_cache *c)
    RELEASES(c->lock);

#endif
