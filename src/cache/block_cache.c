/* cache/block_cache.c - keeps blocks of remote files in memory.
 *
 *  state     data valid  in LRU list  may be evicted   left by
 *  -----     ----------  -----------  --------------   -------
 *  FETCHING  no          no           no               its fetcher: READY, or
 *                                                      gone on error
 *  READY     yes         yes          if pins == 0     eviction, drop
 *  DEAD      as it was   no           freed when       (not in the table any
 *                                     pins == 0         more: dropped while used)
 *
 * The lock guards the table, the list, states and pins; the bytes of a block are
 * written only by its fetcher while it is FETCHING, and read only while pinned.
 * Every waiter and reader holds a pin. */
#include "config.h"

#include "cache/block_cache.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/digest.h"
#include "base/lock.h"
#include "base/table.h"

#include "base/banned.h"

enum state { FETCHING, READY, DEAD };

struct block_id {
	struct file_key file;
	uint64_t index;
};

struct block {
	struct block_id id;
	enum state state;
	unsigned pins;
	int err;     /* of the fetch, for those who waited */
	size_t len;  /* bytes in data */
	char *data;  /* len bytes */
	UT_hash_handle hh;
	struct block *prev, *next; /* LRU list: oldest first */
};

struct block_cache {
	size_t budget; /* bytes; set once */
	struct lock lock;
	struct cond settled; /* with lock: some block left FETCHING */
	size_t used;	     /* bytes of all blocks in the table; with lock */
	struct block *table; /* with lock */
	struct block *lru;   /* with lock */
};

struct file_key
file_key_make(const char *scope, const struct entry *e)
{
	struct file_key key;
	struct {
		uint64_t id;
		int64_t mtime_ms;
		uint64_t size;
		uint64_t gen;
	} what = { e->object_id, e->version.mtime_ms, e->version.size,
		e->version.gen };

	for (unsigned i = 0; i < 2; i++) {
		uint64_t h = digest_xxh64(scope, strlen(scope), i + 1);

		h = digest_xxh64(e->tree, strlen(e->tree), h);
		h = digest_xxh64(e->path, e->object_id == 0 ? strlen(e->path) : 0,
		    h);
		key.hash[i] = digest_xxh64(&what, sizeof(what), h);
	}
	return key;
}

int
block_cache_new(size_t budget_bytes, struct block_cache **out)
{
	struct block_cache *c;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->budget = budget_bytes;
	lock_init(&c->lock, "block cache");
	cond_init(&c->settled);
	*out = c;
	return 0;
}

static void
block_free(struct block *b)
{
	free(b->data);
	free(b);
}

/* Takes b out of the table; it lives on while somebody has it pinned. */
static void
remove_locked(struct block_cache *c, struct block *b) REQUIRES(c->lock)
{
	if (b->state == READY)
		DL_DELETE(c->lru, b);
	HASH_DEL(c->table, b);
	c->used -= b->len;
	counter_add(CTR_cache_bytes, -(int64_t)b->len);
	b->state = DEAD;
	if (b->pins == 0)
		block_free(b);
}

static void
unpin_locked(struct block_cache *c UNUSED, struct block *b) REQUIRES(c->lock)
{
	assert(b->pins > 0);
	if (--b->pins == 0 && b->state == DEAD)
		block_free(b);
}

static void
make_room_locked(struct block_cache *c, size_t len) REQUIRES(c->lock)
{
	struct block *b, *next;

	DL_FOREACH_SAFE(c->lru, b, next) {
		if (c->used + len <= c->budget)
			return;
		if (b->pins == 0)
			remove_locked(c, b);
	}
}

void
block_cache_free(struct block_cache *c)
{
	struct block *b, *next;

	if (c == NULL)
		return;
	lock_take(&c->lock);
	HASH_ITER(hh, c->table, b, next) {
		assert(b->state == READY && b->pins == 0);
		remove_locked(c, b);
	}
	lock_drop(&c->lock);
	cond_release(&c->settled);
	lock_release(&c->lock);
	free(c);
}

/* A new block in the table, FETCHING, pinned by the caller. */
static struct block *
add_locked(struct block_cache *c, const struct block_id *id, size_t len)
    REQUIRES(c->lock)
{
	struct block *b;

	make_room_locked(c, len);
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->data = malloc(len);
	if (b->data == NULL) {
		free(b);
		return NULL;
	}
	b->id = *id;
	b->state = FETCHING;
	b->pins = 1;
	b->len = len;
	HASH_ADD(hh, c->table, id, sizeof(b->id), b);
	c->used += len;
	counter_add(CTR_cache_bytes, (int64_t)len);
	return b;
}

/* Fills b from src.  The lock is dropped while the bytes travel; FETCHING keeps
 * other threads off the bytes meanwhile. */
static int
fetch_locked(struct block_cache *c, struct call *call, struct block *b,
    const struct source *src) REQUIRES(c->lock)
{
	uint64_t off = b->id.index * BLOCK_BYTES;
	ssize_t n;

	lock_drop(&c->lock);
	counter_add(CTR_cache_misses_total, 1);
	n = src->read(src->ctx, call, off, b->data, b->len);
	if (n >= 0 && (size_t)n < b->len)
		n = -EIO; /* shorter than the size that was announced */
	lock_take(&c->lock);

	if (b->state == DEAD) { /* dropped: the bytes may be of another version */
		b->err = n < 0 ? (int)n : -ESTALE;
	} else if (n < 0) {
		b->err = (int)n;
		remove_locked(c, b);
	} else {
		b->state = READY;
		DL_APPEND(c->lru, b);
	}
	cond_broadcast(&c->settled);
	return b->err;
}

/* Waits until the block that another thread fetches has settled.  -EAGAIN: that
 * thread was interrupted, so its failure says nothing about the file. */
static int
await_locked(struct block_cache *c, struct call *call, struct block *b)
    REQUIRES(c->lock)
{
	while (b->state == FETCHING) {
		if (call_interrupted(call))
			return -EINTR;
		(void)cond_wait_ms(&c->settled, &c->lock, CALL_TICK_MS);
	}
	return b->err == -EINTR ? -EAGAIN : b->err;
}

/* Copies what the request wants of one block. */
static int
read_block(struct block_cache *c, struct call *call, const struct block_id *id,
    size_t block_len, const struct source *src, size_t from, void *dst,
    size_t len)
{
	struct block *b;
	int ret;

	lock_take(&c->lock);
	do {
		HASH_FIND(hh, c->table, id, sizeof(*id), b);
		if (b == NULL) {
			b = add_locked(c, id, block_len);
			ret = b != NULL ? fetch_locked(c, call, b, src) :
					  -ENOMEM;
		} else {
			b->pins++;
			counter_add(CTR_cache_hits_total, 1);
			ret = await_locked(c, call, b);
			if (ret == 0 && b->state == READY) {
				DL_DELETE(c->lru, b);
				DL_APPEND(c->lru, b);
			}
		}
		if (ret < 0 && b != NULL)
			unpin_locked(c, b);
	} while (ret == -EAGAIN);
	lock_drop(&c->lock);
	if (ret < 0)
		return ret;

	memcpy(dst, b->data + from, len);
	lock_take(&c->lock);
	unpin_locked(c, b);
	make_room_locked(c, 0);
	lock_drop(&c->lock);
	return 0;
}

ssize_t
block_cache_read(struct block_cache *c, struct call *call, struct file_key key,
    uint64_t size, const struct source *src, uint64_t off, void *dst, size_t len)
{
	size_t done = 0;

	if (off >= size)
		return 0;
	if (len > size - off)
		len = (size_t)(size - off);
	while (done < len) {
		struct block_id id;
		uint64_t start;
		size_t block_len = BLOCK_BYTES, from, n;
		int ret;

		memset(&id, 0, sizeof(id));
		id.file = key;
		id.index = (off + done) / BLOCK_BYTES;
		start = id.index * BLOCK_BYTES;
		if (size - start < block_len)
			block_len = (size_t)(size - start);
		from = (size_t)(off + done - start);
		n = block_len - from < len - done ? block_len - from :
						    len - done;
		ret = read_block(c, call, &id, block_len, src, from,
		    (char *)dst + done, n);
		if (ret < 0)
			return ret;
		done += n;
	}
	return (ssize_t)done;
}

void
block_cache_drop(struct block_cache *c, struct file_key key)
{
	struct block *b, *next;

	lock_take(&c->lock);
	HASH_ITER(hh, c->table, b, next) {
		if (memcmp(&b->id.file, &key, sizeof(key)) != 0)
			continue;
		if (b->state == FETCHING)
			b->err = -ESTALE; /* for those who wait */
		remove_locked(c, b);
	}
	cond_broadcast(&c->settled);
	lock_drop(&c->lock);
}

void
block_cache_drop_all(struct block_cache *c)
{
	struct block *b, *next;

	lock_take(&c->lock);
	DL_FOREACH_SAFE(c->lru, b, next) {
		remove_locked(c, b);
	}
	lock_drop(&c->lock);
}

void
block_cache_check(struct block_cache *c)
{
	struct block *b, *next;
	size_t used = 0, ready = 0, listed = 0;

	lock_take(&c->lock);
	HASH_ITER(hh, c->table, b, next) {
		assert(b->state != DEAD);
		assert(b->state != FETCHING || b->pins > 0);
		used += b->len;
		ready += b->state == READY;
	}
	DL_FOREACH(c->lru, b) {
		assert(b->state == READY);
		listed++;
	}
	assert(used == c->used);
	assert(ready == listed);
	lock_drop(&c->lock);
}
