/* cache/block_table.c - the blocks in memory: their states and lists. */
#include "config.h"

#include "cache/block_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/counters.h"

#include "base/banned.h"

/* --- buffers ------------------------------------------------------------------ */

/* Memory of this size goes back to the system each time, and costs a page fault for
 * every 4 KiB when it comes again. */
static char *
take_buffer_locked(struct block_cache *c, size_t len) REQUIRES(c->lock)
{
	if (len == BLOCK_BYTES && c->n_spare > 0)
		return c->spare[--c->n_spare];
	return malloc(len);
}

static void
give_buffer_locked(struct block_cache *c, char *data, size_t len)
    REQUIRES(c->lock)
{
	size_t spare = (c->n_spare + 1) * BLOCK_BYTES;

	if (len == BLOCK_BYTES && c->n_spare < SPARE_BLOCKS &&
	    c->used + spare <= c->budget)
		c->spare[c->n_spare++] = data;
	else
		free(data);
}

void
block_free_spare_locked(struct block_cache *c)
{
	while (c->n_spare > 0)
		free(c->spare[--c->n_spare]);
}

/* --- blocks ------------------------------------------------------------------- */

void
block_bury_locked(struct block_cache *c, struct wish *w)
{
	w->next_buried = c->buried;
	c->buried = w;
}

void
block_leave(struct block_cache *c)
{
	struct wish *w = c->buried, *next;

	c->buried = NULL;
	lock_drop(&c->lock);
	for (; w != NULL; w = next) {
		next = w->next_buried;
		w->source.release(w->source.ctx);
		free(w);
	}
}

static void
free_block_locked(struct block_cache *c, struct block *b) REQUIRES(c->lock)
{
	if (b->data != NULL)
		give_buffer_locked(c, b->data, b->len);
	free(b);
}

void
block_used_locked(struct block_cache *c, struct block *b)
{
	if (!b->unused)
		return;
	b->unused = false;
	c->ahead -= b->len;
}

/* b leaves the queue. */
static void
grant_locked(struct block_cache *c, struct block *b) REQUIRES(c->lock)
{
	DL_DELETE(c->queue, b);
	block_bury_locked(c, b->wish);
	b->wish = NULL;
}

void
block_unlist_locked(struct block_cache *c, struct block *b)
{
	if (b->done)
		DL_DELETE(c->done, b);
	else
		DL_DELETE(c->lru, b);
}

void
block_list_locked(struct block_cache *c, struct block *b, bool done)
{
	b->done = done;
	if (done)
		DL_APPEND(c->done, b);
	else
		DL_APPEND(c->lru, b);
}

void
block_remove_locked(struct block_cache *c, struct block *b)
{
	if (b->state == READY)
		block_unlist_locked(c, b);
	if (b->wish != NULL)
		grant_locked(c, b);
	HASH_DEL(c->table, b);
	if (b->data != NULL) {
		c->used -= b->len;
		counter_add(CTR_cache_bytes, -(int64_t)b->len);
	}
	if (b->unused && b->state == READY)
		counter_add(CTR_cache_ahead_unused_total, 1);
	block_used_locked(c, b);
	b->state = DEAD;
	if (b->pins == 0)
		free_block_locked(c, b);
}

void
block_unpin_locked(struct block_cache *c, struct block *b)
{
	assert(b->pins > 0);
	if (--b->pins == 0 && b->state == DEAD)
		free_block_locked(c, b);
}

/* Evicts from one list, oldest first, until there is room for len bytes. */
static void
evict_locked(struct block_cache *c, struct block *oldest, size_t len)
    REQUIRES(c->lock)
{
	struct block *b, *next;

	for (b = oldest; b != NULL && c->used + len > c->budget; b = next) {
		next = b->next;
		if (b->pins > 0)
			continue;
		block_remove_locked(c, b);
		counter_add(CTR_cache_evicted_total, 1);
	}
}

void
block_make_room_locked(struct block_cache *c, size_t len)
{
	evict_locked(c, c->done, len);
	evict_locked(c, c->lru, len);
}

struct block *
block_find_locked(struct block_cache *c, const struct block_id *id)
{
	struct block *b;

	HASH_FIND(hh, c->table, id, sizeof(*id), b);
	return b;
}

struct block *
block_add_locked(struct block_cache *c, const struct block_id *id, size_t len)
   
{
	struct block *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->id = *id;
	b->len = len;
	HASH_ADD(hh, c->table, id, sizeof(b->id), b);
	return b;
}

int
block_begin_locked(struct block_cache *c, struct block *b)
{
	block_make_room_locked(c, b->len);
	b->data = take_buffer_locked(c, b->len);
	if (b->data == NULL) {
		block_remove_locked(c, b);
		return -ENOMEM;
	}
	c->used += b->len;
	counter_add(CTR_cache_bytes, (int64_t)b->len);
	if (b->wish != NULL)
		grant_locked(c, b);
	b->state = FETCHING;
	b->pins = 1;
	return 0;
}
