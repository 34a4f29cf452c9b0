/* cache/block_cache.h: keeps blocks of remote files.
 *
 * A file is cut into blocks of BLOCK_BYTES.  A block is fetched once however many
 * readers want it (single flight), kept while there is room, and forgotten least
 * recently used first.  The key holds the version of the file: a changed file is
 * another file, and blocks of the old one age out.
 *
 * Memory in blocks never exceeds the budget given to block_cache_new, except that
 * every reader may hold the one block it waits for.  A disk tier and read-ahead have
 * their place behind the same calls.
 *
 * Threads: every function may be called from any thread. */
#ifndef CACHE_BLOCK_CACHE_H
#define CACHE_BLOCK_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/call.h"
#include "cache/entry.h"
#include "cache/source.h"

#define BLOCK_BYTES ((size_t)1 << 20) /* DBFS's largest read */

struct block_cache;

/* One version of one file. */
struct file_key {
	uint64_t hash[2]; /* of tree, object id or path, and version */
};

/* scope tells hosts, workspaces and users apart; it must not change. */
struct file_key file_key_make(const char *scope, const struct entry *e);

int block_cache_new(size_t budget_bytes, struct block_cache **out) WARN_UNUSED;
void block_cache_free(struct block_cache *c);

/**
 * block_cache_read - bytes of a file, from the cache where possible
 *
 * @size: of the file, bytes; nothing is asked for beyond it
 * @src:  asked for what is missing, in whole blocks; borrowed for the call
 * @off:  need not be aligned
 *
 * Returns bytes copied, fewer than @len only at @size; or the error of the source;
 * -EIO when the source gave fewer bytes than @size promises (never zeros in their
 * place); -EINTR.
 */
ssize_t block_cache_read(struct block_cache *c, struct call *call,
    struct file_key key, uint64_t size, const struct source *src, uint64_t off,
    void *dst, size_t len);

/* Forgets what is held of that version, which is no more: those who fetch or wait
 * for a block of it get -ESTALE, since its bytes may be of the next one. */
void block_cache_drop(struct block_cache *c, struct file_key key);

/* Forgets everything that nobody waits for. */
void block_cache_drop_all(struct block_cache *c);

/* For tests and debug builds: asserts what the table of states promises. */
void block_cache_check(struct block_cache *c);

#endif
