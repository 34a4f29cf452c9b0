/* cache/block_cache.h: keeps blocks of remote files.
 *
 * A file is cut into blocks of BLOCK_BYTES.  A block is fetched once however many
 * readers want it (single flight), kept while there is room, and forgotten least
 * recently used first, those that were read to their end before the others.  The key
 * holds the version of the file: a changed file is another file, and blocks of the old
 * one age out.
 *
 * Below memory there may be a tier on disk: asked before the source, and given what
 * the source gave, by a thread of its own, so that no reader waits for the disk.
 *
 * Blocks that nobody waits for yet can be asked for (block_cache_want); threads of the
 * cache fetch them.  A reader that needs one before its turn takes it over, or makes
 * its fetch as urgent as his own.
 *
 * Memory in blocks never exceeds the budget, except that every reader may hold the one
 * block that he waits for.  Blocks that were read ahead and not used yet are at most
 * half of it, and never more than BLOCK_CACHE_WANTED_ALL.
 *
 * Threads: every function may be called from any thread. */
#ifndef CACHE_BLOCK_CACHE_H
#define CACHE_BLOCK_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/call.h"
#include "cache/entry.h"
#include "cache/source.h"

#define BLOCK_BYTES ((size_t)1 << 20) /* DBFS's largest read */

/* Blocks that are fetched ahead at once, at most: as many as the link carries
 * (cache/pace.h). */
#define BLOCK_CACHE_AHEAD 16U

/* Blocks that are asked for and not used yet, at most: by one reader, who must find
 * others behind one that is late, or the link would be idle meanwhile; and by all. */
#define BLOCK_CACHE_WANTED     (2 * BLOCK_CACHE_AHEAD)
#define BLOCK_CACHE_WANTED_ALL (2 * BLOCK_CACHE_WANTED)

struct block_cache;
struct disk_tier;

/* One version of one file. */
struct file_key {
	uint64_t hash[2]; /* of tree, object id or path, and version */
};

/* scope tells hosts, workspaces and users apart; it must not change. */
struct file_key file_key_make(const char *scope, const struct entry *e);

struct block_file {
	struct file_key key;
	uint64_t size; /* bytes; nothing is asked for beyond it */
	/* Asked for what is missing, in whole blocks; borrowed for the call. */
	const struct source *src;
};

int block_cache_new(size_t budget_bytes, struct block_cache **out) WARN_UNUSED;

/* Before the first read; t, which may be NULL, outlives c. */
void block_cache_use_disk(struct block_cache *c, struct disk_tier *t);

/* Makes room on that filesystem (cache/disk_tier.h). */
bool block_cache_give_disk(struct block_cache *c, dev_t device, uint64_t bytes);

/* Starts the threads that fetch ahead and that write to disk; after the last fork.
 * Without them nothing is fetched ahead. */
int block_cache_start(struct block_cache *c) WARN_UNUSED;

/* Ends the threads: what they were about is given up, what came in is written to disk.
 * May be called twice. */
void block_cache_stop(struct block_cache *c);
void block_cache_free(struct block_cache *c); /* stops, too */

/**
 * block_cache_read - bytes of a file, from the cache where possible
 *
 * @off:    need not be aligned
 * @waited: set to whether any of it was not here yet; may be NULL
 *
 * Returns bytes copied, fewer than @len only at the file's size; or the error of the
 * source; -EIO when the source gave fewer bytes than the size promises (never zeros in
 * their place); -EINTR.
 */
ssize_t block_cache_read(struct block_cache *c, struct call *call,
    const struct block_file *f, uint64_t off, void *dst, size_t len,
    bool *waited);

/* Asks for blocks from first on, as far as they are in the file.  Returns how many of
 * the n are here or on their way, fewer when there is no room for more.  owner is who
 * may want to cancel them. */
unsigned block_cache_want(struct block_cache *c, const struct block_file *f,
    uint64_t first, unsigned n, const void *owner);

/* What owner asked for and nobody fetches yet is not fetched. */
void block_cache_cancel(struct block_cache *c, const void *owner);

/* Forgets what is held of that version, which is no more: those who fetch or wait
 * for a block of it get -ESTALE, since its bytes may be of the next one. */
void block_cache_drop(struct block_cache *c, struct file_key key);

/* Forgets what is held of that version, in memory and on disk: the next reader asks.
 * A fetch under way goes on for those who wait, and what it gives is not kept. */
void block_cache_forget(struct block_cache *c, struct file_key key);

/* Forgets everything in the same way; on disk what is of the tier's scope. */
void block_cache_drop_all(struct block_cache *c);

struct block_stats {
	uint64_t budget; /* bytes */
	uint64_t bytes;
	uint64_t blocks; /* here or on their way */
};

void block_cache_stats(struct block_cache *c, struct block_stats *out);

/* For tests and debug builds: asserts what the table of states promises. */
void block_cache_check(struct block_cache *c);

#endif
