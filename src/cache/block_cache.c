/* cache/block_cache.c - keeps blocks of remote files: reading, fetching, forgetting. */
#include "config.h"

#include "cache/block_cache.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/digest.h"
#include "cache/block_table.h"
#include "cache/disk_tier.h"

#include "base/banned.h"

#define AHEAD_MAX (BLOCK_CACHE_WANTED_ALL * BLOCK_BYTES)

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

/* Writes b, which is pinned, to disk, with the lock dropped. */
static void
write_locked(struct block_cache *c, struct block *b) REQUIRES(c->lock)
{
	block_leave(c);
	(void)disk_tier_write(
	    c->disk, &b->id.file, b->id.index, b->data, b->len);
	lock_take(&c->lock);
	if (b->state != DEAD)
		return;
	/* Dropped meanwhile: who did that may have looked before it was there. */
	block_leave(c);
	disk_tier_drop(c->disk, &b->id.file);
	lock_take(&c->lock);
}

/* b is READY and came from the source.  A thread writes it; when that cannot follow,
 * a thread that reads ahead does it itself, and a block that a reader fetched is not
 * kept. */
static void
keep_on_disk_locked(struct block_cache *c, struct block *b, bool by_reader)
    REQUIRES(c->lock)
{
	if (!c->keeper_runs) {
		write_locked(c, b);
	} else if (c->n_keep < KEEP_BLOCKS) {
		b->pins++;
		c->keep[(c->keep_at + c->n_keep++) % KEEP_BLOCKS] = b;
		cond_signal(&c->kept);
	} else if (!by_reader) {
		write_locked(c, b);
	}
}

static void *
run_keeper(void *arg)
{
	struct block_cache *c = arg;

	lock_take(&c->lock);
	while (c->n_keep > 0 || !c->stopping) {
		struct block *b = c->keep[c->keep_at];

		if (c->n_keep == 0) {
			cond_wait(&c->kept, &c->lock);
			continue;
		}
		c->keep_at = (c->keep_at + 1) % KEEP_BLOCKS;
		c->n_keep--;
		if (b->state == READY)
			write_locked(c, b);
		block_unpin_locked(c, b);
		block_leave(c);
		lock_take(&c->lock);
	}
	lock_drop(&c->lock);
	return NULL;
}

/* Fills b from the disk or src.  The lock is dropped while the bytes travel; FETCHING
 * keeps other threads off the bytes meanwhile. */
static int
fetch_locked(struct block_cache *c, struct call *call, struct block *b,
    const struct source *src) REQUIRES(c->lock)
{
	uint64_t off = b->id.index * BLOCK_BYTES;
	struct pace_mark mark = pace_begin(&c->pace, clock_mono_ms());
	int64_t queued = call->queued_ms;
	/* What is being dropped may still be there. */
	bool ask_disk = c->disk != NULL && c->dropping == 0 && !src->passing;
	bool had = false, by_reader = b->call == NULL;
	ssize_t n;

	block_leave(c);
	counter_add(CTR_cache_misses_total, 1);
	if (ask_disk)
		had = disk_tier_read(c->disk, &b->id.file, b->id.index, b->data,
		    b->len) >= 0;
	n = had ? (ssize_t)b->len :
		  src->read(src->ctx, call, off, b->data, b->len);
	if (n >= 0 && (size_t)n < b->len)
		n = -EIO; /* shorter than the size that was announced */
	lock_take(&c->lock);

	if (n == (ssize_t)BLOCK_BYTES && !had)
		pace_end(&c->pace, &mark, clock_mono_ms(),
		    call->queued_ms - queued);
	b->call = NULL;
	if (b->state == DEAD) { /* dropped: the bytes may be of another version */
		b->err = n < 0 ? (int)n : -ESTALE;
	} else if (n < 0 || b->forgotten) {
		b->err = n < 0 ? (int)n : 0;
		block_remove_locked(c, b);
	} else {
		b->state = READY;
		block_list_locked(c, b, false);
	}
	cond_broadcast(&c->settled);
	if (b->state == READY && ask_disk && !had)
		keep_on_disk_locked(c, b, by_reader);
	return b->err;
}

/* --- reading ------------------------------------------------------------------ */

/* Waits until the block that another thread fetches has settled.  -EAGAIN: its failure
 * says nothing about the file, since that thread was interrupted, or has less patience
 * because it reads ahead. */
static int
await_locked(struct block_cache *c, struct call *call, struct block *b)
    REQUIRES(c->lock)
{
	bool ahead = b->state == FETCHING && b->call != NULL;

	if (ahead && call_class(call) == CALL_DEMAND)
		call_promote(b->call);
	while (b->state == FETCHING) {
		if (call_interrupted(call))
			return -EINTR;
		(void)cond_wait_ms(&c->settled, &c->lock, CALL_TICK_MS);
	}
	if (b->err == -EINTR || (ahead && b->err < 0 && b->err != -ESTALE))
		return -EAGAIN;
	return b->err;
}

/* Finds or fetches a block, which is pinned then. */
static int
get_locked(struct block_cache *c, struct call *call, const struct block_id *id,
    size_t len, const struct source *src, struct block **out, bool *waited)
    REQUIRES(c->lock)
{
	struct block *b = block_find_locked(c, id);
	int ret;

	*waited = *waited || b == NULL || b->state != READY;
	if (b == NULL || b->state == WANTED) {
		if (b == NULL)
			b = block_add_locked(c, id, len);
		if (b == NULL)
			return -ENOMEM;
		ret = block_begin_locked(c, b);
		if (ret < 0)
			return ret;
		block_used_locked(c, b);
		ret = fetch_locked(c, call, b, src);
	} else {
		b->pins++;
		block_used_locked(c, b);
		counter_add(CTR_cache_hits_total, 1);
		ret = await_locked(c, call, b);
	}
	if (ret < 0)
		block_unpin_locked(c, b);
	else
		*out = b;
	return ret;
}

/* Copies what the request wants of one block. */
static int
read_block(struct block_cache *c, struct call *call, const struct block_id *id,
    size_t block_len, const struct source *src, size_t from, void *dst,
    size_t len, bool *waited)
{
	struct block *b = NULL;
	int ret;

	lock_take(&c->lock);
	do
		ret = get_locked(c, call, id, block_len, src, &b, waited);
	while (ret == -EAGAIN);
	block_leave(c);
	if (ret < 0)
		return ret;

	memcpy(dst, b->data + from, len);
	lock_take(&c->lock);
	if (b->state == READY) {
		block_unlist_locked(c, b);
		block_list_locked(c, b, from + len == b->len);
	}
	block_unpin_locked(c, b);
	block_make_room_locked(c, 0);
	block_leave(c);
	return 0;
}

static struct block_id
block_id(const struct block_file *f, uint64_t index)
{
	struct block_id id;

	memset(&id, 0, sizeof(id));
	id.file = f->key;
	id.index = index;
	return id;
}

static size_t
block_len(const struct block_file *f, uint64_t index)
{
	uint64_t left = f->size - index * BLOCK_BYTES;

	return left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
}

ssize_t
block_cache_read(struct block_cache *c, struct call *call,
    const struct block_file *f, uint64_t off, void *dst, size_t len,
    bool *waited)
{
	bool had_to_wait = false;
	size_t done = 0;
	int ret = 0;

	if (off >= f->size)
		len = 0;
	else if (len > f->size - off)
		len = (size_t)(f->size - off);
	while (done < len && ret == 0) {
		struct block_id id = block_id(f, (off + done) / BLOCK_BYTES);
		size_t whole = block_len(f, id.index);
		size_t from = (size_t)((off + done) % BLOCK_BYTES);
		size_t n = whole - from < len - done ? whole - from :
						       len - done;

		ret = read_block(c, call, &id, whole, f->src, from,
		    (char *)dst + done, n, &had_to_wait);
		done += n;
	}
	if (waited != NULL)
		*waited = had_to_wait;
	return ret < 0 ? ret : (ssize_t)done;
}

/* --- reading ahead ------------------------------------------------------------- */

/* Is there room for another one that nobody waits for? */
static bool
has_room_locked(const struct block_cache *c, size_t len) REQUIRES(c->lock)
{
	return c->n_threads > 0 && !c->stopping && c->ahead + len <= AHEAD_MAX &&
	    c->ahead + len <= c->budget / 2;
}

/* Puts a block in the queue, with w, which is taken over; false: it is here. */
static bool
enqueue_locked(struct block_cache *c, const struct block_id *id, size_t len,
    struct wish *w) REQUIRES(c->lock)
{
	struct block *b;

	b = block_find_locked(c, id) == NULL ? block_add_locked(c, id, len) : NULL;
	if (b == NULL)
		return false;
	b->wish = w;
	b->unused = true;
	c->ahead += len;
	DL_APPEND(c->queue, b);
	cond_signal(&c->work);
	return true;
}

/* False when there is no room for it. */
static bool
want_one(struct block_cache *c, const struct block_file *f, uint64_t index,
    const void *owner)
{
	struct block_id id = block_id(f, index);
	size_t len = block_len(f, index);
	struct wish *w;
	bool here, room;

	lock_take(&c->lock);
	here = block_find_locked(c, &id) != NULL;
	room = has_room_locked(c, len);
	lock_drop(&c->lock);
	if (here || !room)
		return here;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return false;
	w->source = *f->src;
	w->owner = owner;
	w->source.ctx = f->src->keep(f->src->ctx);
	if (w->source.ctx == NULL) {
		free(w);
		return false;
	}
	lock_take(&c->lock);
	if (!enqueue_locked(c, &id, len, w))
		block_bury_locked(c, w);
	block_leave(c);
	return true;
}

unsigned
block_cache_want(struct block_cache *c, const struct block_file *f,
    uint64_t first, unsigned n, const void *owner)
{
	unsigned done = 0;

	if (f->src->keep == NULL)
		return 0;
	while (done < n && (first + done) * BLOCK_BYTES < f->size &&
	    want_one(c, f, first + done, owner))
		done++;
	return done;
}

void
block_cache_cancel(struct block_cache *c, const void *owner)
{
	struct block *b, *next;

	lock_take(&c->lock);
	DL_FOREACH_SAFE(c->queue, b, next)
		if (b->wish->owner == owner)
			block_remove_locked(c, b);
	block_leave(c);
}

static bool
is_stopping(void *arg)
{
	struct block_cache *c = arg;

	return __atomic_load_n(&c->stopping, __ATOMIC_RELAXED);
}

static void
fetch_ahead_locked(struct block_cache *c, struct block *b) REQUIRES(c->lock)
{
	struct call call = { .op = "read ahead", .class = CALL_AHEAD,
		.interrupted = is_stopping, .arg = c };
	struct wish *w = b->wish;

	b->wish = NULL;
	DL_DELETE(c->queue, b);
	if (block_begin_locked(c, b) == 0) {
		b->call = &call;
		counter_add(CTR_cache_ahead_total, 1);
		c->fetching++;
		(void)fetch_locked(c, &call, b, &w->source);
		c->fetching--;
		block_unpin_locked(c, b);
	}
	block_bury_locked(c, w);
}

/* What waits in the queue while the link is full is neither late nor in the way of
 * others, and may be taken back. */
static bool
may_fetch_locked(const struct block_cache *c) REQUIRES(c->lock)
{
	return c->queue != NULL &&
	    c->fetching < pace_window(&c->pace, BLOCK_CACHE_AHEAD);
}

static void *
run_ahead(void *arg)
{
	struct block_cache *c = arg;

	lock_take(&c->lock);
	while (!c->stopping) {
		if (!may_fetch_locked(c)) {
			cond_wait(&c->work, &c->lock);
			continue;
		}
		cond_signal(&c->work); /* maybe for one more */
		fetch_ahead_locked(c, c->queue);
		block_leave(c);
		lock_take(&c->lock);
	}
	lock_drop(&c->lock);
	return NULL;
}

/* --- life --------------------------------------------------------------------- */

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
	cond_init(&c->work);
	cond_init(&c->kept);
	*out = c;
	return 0;
}

void
block_cache_use_disk(struct block_cache *c, struct disk_tier *t)
{
	c->disk = t;
}

bool
block_cache_give_disk(struct block_cache *c, dev_t device, uint64_t bytes)
{
	return c->disk != NULL && disk_tier_give(c->disk, device, bytes);
}

int
block_cache_start(struct block_cache *c)
{
	unsigned n = 0;
	int err = 0;

	__atomic_store_n(&c->stopping, false, __ATOMIC_RELAXED);
	while (n < BLOCK_CACHE_AHEAD && err == 0) {
		err = pthread_create(&c->threads[n], NULL, run_ahead, c);
		n += err == 0;
	}
	lock_take(&c->lock);
	c->n_threads = n; /* fewer do as well */
	c->keeper_runs = c->disk != NULL &&
	    pthread_create(&c->keeper, NULL, run_keeper, c) == 0;
	lock_drop(&c->lock);
	return n > 0 ? 0 : -err;
}

void
block_cache_stop(struct block_cache *c)
{
	struct block *b, *next;
	bool keeper;
	unsigned n;

	lock_take(&c->lock);
	n = c->n_threads;
	keeper = c->keeper_runs;
	c->n_threads = 0;
	c->keeper_runs = false;
	__atomic_store_n(&c->stopping, true, __ATOMIC_RELAXED);
	cond_broadcast(&c->work);
	cond_broadcast(&c->kept);
	DL_FOREACH_SAFE(c->queue, b, next)
		block_remove_locked(c, b);
	block_leave(c);
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(c->threads[i], NULL);
	if (keeper) /* after it has written what came in */
		(void)pthread_join(c->keeper, NULL);
}

void
block_cache_free(struct block_cache *c)
{
	struct block *b, *next;

	if (c == NULL)
		return;
	block_cache_stop(c);
	lock_take(&c->lock);
	HASH_ITER(hh, c->table, b, next) {
		assert(b->state == READY && b->pins == 0);
		block_remove_locked(c, b);
	}
	block_free_spare_locked(c);
	block_leave(c);
	cond_release(&c->work);
	cond_release(&c->kept);
	cond_release(&c->settled);
	lock_release(&c->lock);
	free(c);
}

/* --- forgetting ----------------------------------------------------------------- */

static bool
is_of(const struct block *b, const struct file_key *key)
{
	return key == NULL || memcmp(&b->id.file, key, sizeof(*key)) == 0;
}

/* Nobody asks the disk meanwhile: it may still have what is being dropped.  Drops the
 * lock. */
static void
leave_dropping(struct block_cache *c, const struct file_key *key)
    RELEASES(c->lock)
{
	c->dropping++;
	block_leave(c);
	if (c->disk != NULL && key != NULL)
		disk_tier_drop(c->disk, key);
	else if (c->disk != NULL)
		disk_tier_drop_all(c->disk);
	lock_take(&c->lock);
	c->dropping--;
	lock_drop(&c->lock);
}

void
block_cache_drop(struct block_cache *c, struct file_key key)
{
	struct block *b, *next;

	lock_take(&c->lock);
	HASH_ITER(hh, c->table, b, next) {
		if (!is_of(b, &key))
			continue;
		if (b->state == FETCHING)
			b->err = -ESTALE; /* for those who wait */
		block_remove_locked(c, b);
	}
	cond_broadcast(&c->settled);
	leave_dropping(c, &key);
}

/* What is WANTED is asked for later anyway. */
static void
forget_locked(struct block_cache *c, const struct file_key *key)
    REQUIRES(c->lock)
{
	struct block *b, *next;

	HASH_ITER(hh, c->table, b, next) {
		if (!is_of(b, key))
			continue;
		if (b->state == READY)
			block_remove_locked(c, b);
		else if (b->state == FETCHING)
			b->forgotten = true;
	}
}

void
block_cache_forget(struct block_cache *c, struct file_key key)
{
	lock_take(&c->lock);
	forget_locked(c, &key);
	leave_dropping(c, &key);
}

void
block_cache_drop_all(struct block_cache *c)
{
	lock_take(&c->lock);
	forget_locked(c, NULL);
	block_free_spare_locked(c);
	leave_dropping(c, NULL);
}

void
block_cache_stats(struct block_cache *c, struct block_stats *out)
{
	lock_take(&c->lock);
	*out = (struct block_stats){
		.budget = c->budget,
		.bytes = c->used,
		.blocks = HASH_COUNT(c->table),
	};
	lock_drop(&c->lock);
}

void
block_cache_check(struct block_cache *c)
{
	struct block *b, *next;
	size_t used = 0, ahead = 0, ready = 0, wanted = 0, listed = 0;

	lock_take(&c->lock);
	HASH_ITER(hh, c->table, b, next) {
		assert(b->state != DEAD);
		assert(b->state != FETCHING || b->pins > 0);
		assert((b->state == WANTED) == (b->wish != NULL));
		assert((b->state == WANTED) == (b->data == NULL));
		used += b->data != NULL ? b->len : 0;
		ahead += b->unused ? b->len : 0;
		ready += b->state == READY;
		wanted += b->state == WANTED;
	}
	DL_FOREACH(c->lru, b) {
		assert(b->state == READY && !b->done);
		listed++;
	}
	DL_FOREACH(c->done, b) {
		assert(b->state == READY && b->done);
		listed++;
	}
	assert(ready == listed);
	listed = 0;
	DL_FOREACH(c->queue, b) {
		assert(b->state == WANTED);
		listed++;
	}
	assert(wanted == listed);
	assert(used == c->used);
	assert(ahead == c->ahead);
	assert(c->buried == NULL);
	lock_drop(&c->lock);
}
