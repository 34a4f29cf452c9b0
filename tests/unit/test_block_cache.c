/* cache/block_cache: keeps blocks of remote files. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/lock.h"
#include "cache/block_cache.h"
#include "cache/pace.h"
#include "tests/support/unit.h"

#define MB ((size_t)1 << 20)

/* A source whose byte at off is a function of off, which counts, fails and can be
 * held back. */
struct origin {
	struct lock lock;
	struct cond changed;
	unsigned reads;
	unsigned inside;
	bool blocked;
	int fail;
	size_t short_by;
	unsigned seed;
	unsigned kept, released;
	enum call_class class; /* of the last call that was let go */
};

static unsigned char
byte_at(const struct origin *o, uint64_t off)
{
	return (unsigned char)(off * 31 + off / 4096 + o->seed);
}

static ssize_t
origin_read(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	struct origin *o = ctx;
	ssize_t ret = (ssize_t)len;

	lock_take(&o->lock);
	o->reads++;
	o->inside++;
	cond_broadcast(&o->changed);
	while (o->blocked && !call_interrupted(call))
		(void)cond_wait_ms(&o->changed, &o->lock, 10);
	if (o->blocked)
		ret = -EINTR;
	else if (o->fail != 0)
		ret = o->fail;
	else
		ret -= (ssize_t)o->short_by;
	o->inside--;
	o->class = call_class(call);
	lock_drop(&o->lock);
	for (ssize_t i = 0; i < ret; i++)
		((unsigned char *)dst)[i] = byte_at(o, off + (uint64_t)i);
	return ret;
}

static void *
origin_keep(void *ctx)
{
	struct origin *o = ctx;

	__atomic_add_fetch(&o->kept, 1, __ATOMIC_RELAXED);
	return o;
}

static void
origin_release(void *ctx)
{
	struct origin *o = ctx;

	__atomic_add_fetch(&o->released, 1, __ATOMIC_RELAXED);
}

static bool
is_set(void *arg)
{
	return __atomic_load_n((bool *)arg, __ATOMIC_RELAXED);
}

struct bench {
	struct origin origin;
	struct source source;
	struct block_cache *cache;
	struct file_key key;
	struct call call;
	char *bytes;
};

static void
bench_make(struct bench *b, size_t budget)
{
	*b = (struct bench){ .call = { .op = "test" }, .key = { { 1, 2 } } };
	lock_init(&b->origin.lock, "origin");
	cond_init(&b->origin.changed);
	b->source = (struct source){ .read = origin_read, .ctx = &b->origin,
		.keep = origin_keep, .release = origin_release };
	b->bytes = malloc(8 * MB);
	ck_assert_int_eq(block_cache_new(budget, &b->cache), 0);
}

static void
bench_drop(struct bench *b)
{
	block_cache_check(b->cache);
	block_cache_free(b->cache);
	ck_assert_int_eq(counter_get(CTR_cache_bytes), 0);
	ck_assert_uint_eq(b->origin.kept, b->origin.released);
	cond_release(&b->origin.changed);
	lock_release(&b->origin.lock);
	free(b->bytes);
}

static ssize_t
get(struct bench *b, uint64_t size, uint64_t off, size_t len)
{
	const struct block_file f = { b->key, size, &b->source };

	return block_cache_read(b->cache, &b->call, &f, off, b->bytes, len,
	    NULL);
}

static void
check_bytes(const struct bench *b, const void *got, uint64_t off, size_t len)
{
	const unsigned char *p = got;

	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(p[i], byte_at(&b->origin, off + i));
}

static void
await_inside(struct origin *o, unsigned n)
{
	lock_take(&o->lock);
	while (o->inside < n)
		(void)cond_wait_ms(&o->changed, &o->lock, 100);
	lock_drop(&o->lock);
}

static void
let_go(struct origin *o)
{
	lock_take(&o->lock);
	o->blocked = false;
	cond_broadcast(&o->changed);
	lock_drop(&o->lock);
}

/* --- one reader --------------------------------------------------------------- */

static const struct {
	uint64_t size, off;
	size_t len;
	ssize_t want;
	unsigned reads;
} read_rows[] = {
	{ 100, 0, 100, 100, 1 },
	{ 100, 0, 4096, 100, 1 },
	{ 100, 99, 4096, 1, 1 },
	{ 100, 100, 10, 0, 0 },
	{ 100, 5000, 10, 0, 0 },
	{ 0, 0, 10, 0, 0 },
	{ MB, 0, 2 * MB, MB, 1 },
	{ MB + 1, MB, 10, 1, 1 },
	{ MB + 1, MB - 1, 10, 2, 2 },
	{ 3 * MB, 1, 3 * MB, 3 * MB - 1, 3 },
	{ 3 * MB, MB - 7, 14, 14, 2 },
	{ UINT64_C(1) << 40, (UINT64_C(1) << 40) - 5, 10, 5, 1 },
};

START_TEST(a_read_gives_the_bytes_up_to_the_size)
{
	struct bench b;

	bench_make(&b, 8 * MB);
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(get(&b, read_rows[_i].size, read_rows[_i].off,
		    read_rows[_i].len), read_rows[_i].want);
		check_bytes(&b, b.bytes, read_rows[_i].off,
		    (size_t)read_rows[_i].want);
		ck_assert_uint_eq(b.origin.reads, read_rows[_i].reads);
	}
	bench_drop(&b);
}
END_TEST

START_TEST(a_source_that_is_too_short_is_an_error)
{
	struct bench b;

	bench_make(&b, 8 * MB);
	b.origin.short_by = 1;
	ck_assert_int_eq(get(&b, 100, 0, 100), -EIO);
	b.origin.short_by = 100;
	ck_assert_int_eq(get(&b, 100, 0, 100), -EIO);
	b.origin.short_by = 0;
	ck_assert_int_eq(get(&b, 100, 0, 100), 100);
	check_bytes(&b, b.bytes, 0, 100);
	bench_drop(&b);
}
END_TEST

START_TEST(a_failure_is_reported_and_not_kept)
{
	struct bench b;

	bench_make(&b, 8 * MB);
	b.origin.fail = -ETIMEDOUT;
	ck_assert_int_eq(get(&b, 3 * MB, 0, 3 * MB), -ETIMEDOUT);
	ck_assert_uint_eq(b.origin.reads, 1);
	b.origin.fail = 0;
	ck_assert_int_eq(get(&b, 3 * MB, 0, 3 * MB), 3 * MB);
	ck_assert_uint_eq(b.origin.reads, 4);
	bench_drop(&b);
}
END_TEST

START_TEST(memory_stays_within_the_budget)
{
	struct bench b;

	bench_make(&b, 3 * MB);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(get(&b, 20 * MB, i * MB, MB), MB);
		ck_assert_int_le(counter_get(CTR_cache_bytes), 3 * (int)MB);
		block_cache_check(b.cache);
	}
	/* The last ones are there, the first ones are not. */
	ck_assert_int_eq(get(&b, 20 * MB, 17 * MB, 3 * MB), 3 * MB);
	ck_assert_uint_eq(b.origin.reads, 20);
	ck_assert_int_eq(get(&b, 20 * MB, 0, MB), MB);
	ck_assert_uint_eq(b.origin.reads, 21);
	bench_drop(&b);
}
END_TEST

START_TEST(what_was_used_last_goes_last)
{
	struct bench b;

	bench_make(&b, 3 * MB);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(get(&b, 9 * MB, i * MB, 1), 1);
	ck_assert_int_eq(get(&b, 9 * MB, 0, 1), 1);
	ck_assert_int_eq(get(&b, 9 * MB, 3 * MB, 1), 1);
	ck_assert_uint_eq(b.origin.reads, 4);
	ck_assert_int_eq(get(&b, 9 * MB, 0, 1), 1);
	ck_assert_uint_eq(b.origin.reads, 4);
	ck_assert_int_eq(get(&b, 9 * MB, MB, 1), 1);
	ck_assert_uint_eq(b.origin.reads, 5);
	bench_drop(&b);
}
END_TEST

/* Who reads on does not come back to what he has read to its end. */
START_TEST(what_was_read_to_its_end_goes_first)
{
	struct bench b;

	bench_make(&b, 3 * MB);
	ck_assert_int_eq(get(&b, 9 * MB, 0, 1), 1); /* somebody is here */
	for (unsigned i = 1; i < 9; i++)
		ck_assert_int_eq(get(&b, 9 * MB, i * MB, MB), MB);
	ck_assert_uint_eq(b.origin.reads, 9);
	ck_assert_int_eq(get(&b, 9 * MB, 100, MB - 100), MB - 100);
	ck_assert_uint_eq(b.origin.reads, 9);
	/* Read again, it is as good as any. */
	ck_assert_int_eq(get(&b, 9 * MB, 8 * MB, 1), 1);
	ck_assert_int_eq(get(&b, 9 * MB, MB, MB), MB);
	ck_assert_int_eq(get(&b, 9 * MB, 2 * MB, MB), MB);
	ck_assert_int_eq(get(&b, 9 * MB, 8 * MB, 1), 1);
	ck_assert_uint_eq(b.origin.reads, 11);
	bench_drop(&b);
}
END_TEST

START_TEST(a_budget_of_nothing_still_reads)
{
	struct bench b;

	bench_make(&b, 0);
	ck_assert_int_eq(get(&b, 2 * MB, 0, 2 * MB), 2 * MB);
	check_bytes(&b, b.bytes, 0, 2 * MB);
	ck_assert_int_eq(counter_get(CTR_cache_bytes), 0);
	bench_drop(&b);
}
END_TEST

START_TEST(dropping_forgets_one_version_or_all)
{
	struct bench b;
	struct file_key other = { { 3, 4 } };

	bench_make(&b, 8 * MB);
	ck_assert_int_eq(get(&b, MB, 0, 1), 1);
	b.key = other;
	ck_assert_int_eq(get(&b, MB, 0, 1), 1);
	block_cache_drop(b.cache, other);
	ck_assert_int_eq(get(&b, MB, 0, 1), 1);
	ck_assert_uint_eq(b.origin.reads, 3);
	b.key = (struct file_key){ { 1, 2 } };
	ck_assert_int_eq(get(&b, MB, 0, 1), 1);
	ck_assert_uint_eq(b.origin.reads, 3);
	block_cache_drop_all(b.cache);
	ck_assert_int_eq(counter_get(CTR_cache_bytes), 0);
	ck_assert_int_eq(get(&b, MB, 0, 1), 1);
	ck_assert_uint_eq(b.origin.reads, 4);
	bench_drop(&b);
}
END_TEST

/* --- keys --------------------------------------------------------------------- */

START_TEST(a_key_tells_scope_object_and_version_apart)
{
	struct version version = { 1000, 10, 0 };
	struct file_key keys[8];
	struct entry *e[8];
	size_t n = 0;

	e[n++] = entry_new(NULL, "dbfs", ENTRY_FILE, "/a", "a", &version);
	e[n++] = entry_new(NULL, "dbfs", ENTRY_FILE, "/b", "b", &version);
	e[n++] = entry_new(NULL, "Workspace", ENTRY_FILE, "/a", "a", &version);
	version.mtime_ms++;
	e[n++] = entry_new(NULL, "dbfs", ENTRY_FILE, "/a", "a", &version);
	version.size++;
	e[n++] = entry_new(NULL, "dbfs", ENTRY_FILE, "/a", "a", &version);
	version.gen++;
	e[n++] = entry_new(NULL, "dbfs", ENTRY_FILE, "/a", "a", &version);
	e[n] = entry_new(NULL, "dbfs", ENTRY_FILE, "/a", "a", &version);
	e[n++]->object_id = 7;
	for (size_t i = 0; i < n; i++)
		keys[i] = file_key_make("me@host", e[i]);
	keys[n] = file_key_make("you@host", e[0]);
	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_int_ne(memcmp(&keys[i], &keys[j],
			    sizeof(keys[i])), 0);
	for (size_t i = 0; i < n; i++)
		entry_unref(e[i]);
}
END_TEST

START_TEST(an_object_with_an_id_keeps_its_key_when_it_moves)
{
	struct version version = { 1000, 10, 0 };
	struct entry *a, *b;
	struct file_key x, y;

	a = entry_new(NULL, "Workspace", ENTRY_FILE, "/a", "a", &version);
	a->object_id = 7;
	b = entry_moved(a, "/x/b", "b");
	x = file_key_make("me", a);
	y = file_key_make("me", b);
	ck_assert_mem_eq(&x, &y, sizeof(x));
	entry_unref(a);
	entry_unref(b);
}
END_TEST

/* --- several readers ------------------------------------------------------------- */

struct reader {
	struct bench *bench;
	struct call call;
	bool interrupt;
	uint64_t off, size;
	char byte[64];
	ssize_t got;
	pthread_t thread;
};

static void *
read_some(void *arg)
{
	struct reader *r = arg;
	const struct block_file f = { r->bench->key, r->size,
		&r->bench->source };

	r->got = block_cache_read(r->bench->cache, &r->call, &f, r->off,
	    r->byte, sizeof(r->byte), NULL);
	return NULL;
}

static void
reader_start(struct reader *r, struct bench *b, uint64_t off)
{
	*r = (struct reader){ .bench = b, .off = off, .size = 64 * MB };
	r->call = (struct call){ .op = "test", .interrupted = is_set,
		.arg = &r->interrupt };
	ck_assert_int_eq(pthread_create(&r->thread, NULL, read_some, r), 0);
}

static ssize_t
reader_end(struct reader *r)
{
	ck_assert_int_eq(pthread_join(r->thread, NULL), 0);
	if (r->got > 0)
		check_bytes(r->bench, r->byte, r->off, (size_t)r->got);
	return r->got;
}

static void
await_hits(int64_t n)
{
	while (counter_get(CTR_cache_hits_total) < n)
		sched_yield();
}

START_TEST(many_readers_of_a_block_cost_one_fetch)
{
	struct reader readers[8];
	struct bench b;

	bench_make(&b, 8 * MB);
	b.origin.blocked = true;
	for (unsigned i = 0; i < 8; i++)
		reader_start(&readers[i], &b, i * 1000);
	await_hits(7); /* they wait for the first one */
	let_go(&b.origin);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(reader_end(&readers[i]), 64);
	ck_assert_uint_eq(b.origin.reads, 1);
	bench_drop(&b);
}
END_TEST

START_TEST(readers_of_different_blocks_do_not_wait_for_each_other)
{
	struct reader readers[4];
	struct bench b;

	bench_make(&b, 8 * MB);
	b.origin.blocked = true;
	for (unsigned i = 0; i < 4; i++)
		reader_start(&readers[i], &b, i * MB);
	await_inside(&b.origin, 4);
	let_go(&b.origin);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(reader_end(&readers[i]), 64);
	bench_drop(&b);
}
END_TEST

START_TEST(one_who_waits_can_be_interrupted)
{
	struct reader first, second;
	struct bench b;

	bench_make(&b, 8 * MB);
	b.origin.blocked = true;
	reader_start(&first, &b, 0);
	await_inside(&b.origin, 1);
	reader_start(&second, &b, 0);
	await_hits(1);
	__atomic_store_n(&second.interrupt, true, __ATOMIC_RELAXED);
	ck_assert_int_eq(reader_end(&second), -EINTR);
	let_go(&b.origin);
	ck_assert_int_eq(reader_end(&first), 64);
	bench_drop(&b);
}
END_TEST

START_TEST(when_the_fetcher_is_interrupted_another_fetches)
{
	struct reader first, second;
	struct bench b;

	bench_make(&b, 8 * MB);
	b.origin.blocked = true;
	reader_start(&first, &b, 0);
	await_inside(&b.origin, 1);
	reader_start(&second, &b, 0);
	await_hits(1);
	__atomic_store_n(&first.interrupt, true, __ATOMIC_RELAXED);
	ck_assert_int_eq(reader_end(&first), -EINTR);
	await_inside(&b.origin, 1);
	let_go(&b.origin);
	ck_assert_int_eq(reader_end(&second), 64);
	ck_assert_uint_eq(b.origin.reads, 2);
	bench_drop(&b);
}
END_TEST

/* Somebody found that the version is gone while its bytes were on their way: they
 * may be of the next one. */
START_TEST(a_version_dropped_in_flight_gives_nobody_its_bytes)
{
	struct reader first, second;
	struct bench b;

	bench_make(&b, 8 * MB);
	b.origin.blocked = true;
	reader_start(&first, &b, 0);
	await_inside(&b.origin, 1);
	reader_start(&second, &b, 0);
	await_hits(1);
	block_cache_drop(b.cache, b.key);
	ck_assert_int_eq(reader_end(&second), -ESTALE);
	let_go(&b.origin);
	ck_assert_int_eq(reader_end(&first), -ESTALE);
	b.origin.seed = 9;
	ck_assert_int_eq(get(&b, 4 * MB, 0, 64), 64);
	check_bytes(&b, b.bytes, 0, 64);
	ck_assert_uint_eq(b.origin.reads, 2);
	bench_drop(&b);
}
END_TEST

/* --- blocks that nobody waits for ----------------------------------------------------- */

static unsigned
want(struct bench *b, uint64_t size, uint64_t first, unsigned n,
    const void *owner)
{
	const struct block_file f = { b->key, size, &b->source };

	return block_cache_want(b->cache, &f, first, n, owner);
}

static void
await_reads(struct origin *o, unsigned n)
{
	lock_take(&o->lock);
	while (o->reads < n || o->inside > 0)
		(void)cond_wait_ms(&o->changed, &o->lock, 10);
	lock_drop(&o->lock);
}

START_TEST(what_was_wanted_is_there_when_it_is_read)
{
	struct bench b;

	bench_make(&b, 64 * MB);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	ck_assert_uint_eq(want(&b, 4 * MB + 5, 1, 9, &b), 4); /* to the end */
	await_reads(&b.origin, 4);
	ck_assert_uint_eq(want(&b, 4 * MB + 5, 1, 4, &b), 4);
	ck_assert_int_eq(get(&b, 4 * MB + 5, MB, 4 * MB), 3 * MB + 5);
	check_bytes(&b, b.bytes, MB, 3 * MB + 5);
	ck_assert_uint_eq(b.origin.reads, 4);
	ck_assert_int_eq(b.origin.class, CALL_AHEAD);
	bench_drop(&b);
}
END_TEST

START_TEST(without_threads_nothing_is_wanted)
{
	struct bench b;

	bench_make(&b, 64 * MB);
	ck_assert_uint_eq(want(&b, 4 * MB, 0, 4, &b), 0);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	b.source.keep = NULL; /* cannot be asked later */
	ck_assert_uint_eq(want(&b, 4 * MB, 0, 4, &b), 0);
	bench_drop(&b);
}
END_TEST

START_TEST(a_reader_takes_over_what_nobody_fetches_yet)
{
	struct reader r;
	struct bench b;

	bench_make(&b, 128 * MB);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	b.origin.blocked = true;
	ck_assert_uint_eq(want(&b, 64 * MB, 0, PACE_FIRST + 4, &b),
	    PACE_FIRST + 4);
	await_inside(&b.origin, PACE_FIRST);
	reader_start(&r, &b, (PACE_FIRST + 1) * MB);
	await_inside(&b.origin, PACE_FIRST + 1);
	let_go(&b.origin);
	ck_assert_int_eq(reader_end(&r), 64);
	await_reads(&b.origin, PACE_FIRST + 4);
	ck_assert_uint_eq(b.origin.reads, PACE_FIRST + 4);
	bench_drop(&b);
}
END_TEST

START_TEST(a_fetch_becomes_as_urgent_as_who_waits_for_it)
{
	struct reader r;
	struct bench b;

	bench_make(&b, 64 * MB);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	b.origin.blocked = true;
	ck_assert_uint_eq(want(&b, 4 * MB, 1, 1, &b), 1);
	await_inside(&b.origin, 1);
	reader_start(&r, &b, MB);
	await_hits(1);
	let_go(&b.origin);
	ck_assert_int_eq(reader_end(&r), 64);
	ck_assert_uint_eq(b.origin.reads, 1);
	ck_assert_int_eq(b.origin.class, CALL_DEMAND);
	bench_drop(&b);
}
END_TEST

START_TEST(who_is_gone_wants_nothing_more)
{
	struct bench b;
	int other;

	bench_make(&b, 128 * MB);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	b.origin.blocked = true;
	ck_assert_uint_eq(want(&b, 64 * MB, 0, PACE_FIRST, &other),
	    PACE_FIRST);
	await_inside(&b.origin, PACE_FIRST);
	ck_assert_uint_eq(want(&b, 64 * MB, PACE_FIRST, 5, &b), 5);
	ck_assert_uint_eq(want(&b, 64 * MB, PACE_FIRST + 5, 2, &other),
	    2);
	block_cache_cancel(b.cache, &b);
	let_go(&b.origin);
	await_reads(&b.origin, PACE_FIRST + 2);
	block_cache_check(b.cache);
	ck_assert_uint_eq(b.origin.kept, PACE_FIRST + 7);
	block_cache_stop(b.cache);
	ck_assert_uint_eq(b.origin.reads, PACE_FIRST + 2);
	bench_drop(&b);
}
END_TEST

START_TEST(what_nobody_waits_for_takes_half_of_the_memory)
{
	struct bench b;

	bench_make(&b, 8 * MB);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	ck_assert_uint_eq(want(&b, 64 * MB, 0, 16, &b), 4);
	await_reads(&b.origin, 4);
	ck_assert_uint_eq(want(&b, 64 * MB, 4, 16, &b), 0);
	/* What is used makes room for more. */
	ck_assert_int_eq(get(&b, 64 * MB, 0, 2 * MB), 2 * MB);
	ck_assert_uint_eq(want(&b, 64 * MB, 4, 16, &b), 2);
	await_reads(&b.origin, 6);
	ck_assert_int_le(counter_get(CTR_cache_bytes), 8 * (int)MB);
	bench_drop(&b);
}
END_TEST

START_TEST(a_failure_nobody_waited_for_is_forgotten)
{
	struct bench b;

	bench_make(&b, 64 * MB);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	b.origin.fail = -EIO;
	ck_assert_uint_eq(want(&b, 4 * MB, 0, 2, &b), 2);
	await_reads(&b.origin, 2);
	b.origin.fail = 0;
	ck_assert_int_eq(get(&b, 4 * MB, 0, 100), 100);
	check_bytes(&b, b.bytes, 0, 100);
	bench_drop(&b);
}
END_TEST

START_TEST(ending_gives_up_what_is_under_way)
{
	struct reader r;
	struct bench b;

	bench_make(&b, 64 * MB);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	b.origin.blocked = true;
	ck_assert_uint_eq(want(&b, 32 * MB, 0, PACE_FIRST + 4, &b),
	    PACE_FIRST + 4);
	await_inside(&b.origin, PACE_FIRST);
	reader_start(&r, &b, 0);
	await_hits(1);
	block_cache_stop(b.cache);
	/* Who waited for such a block fetches it himself. */
	await_inside(&b.origin, 1);
	let_go(&b.origin);
	ck_assert_int_eq(reader_end(&r), 64);
	bench_drop(&b);
}
END_TEST

START_TEST(a_dropped_version_is_not_wanted_any_more)
{
	struct bench b;

	bench_make(&b, 64 * MB);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	b.origin.blocked = true;
	ck_assert_uint_eq(want(&b, 32 * MB, 0, PACE_FIRST + 4, &b),
	    PACE_FIRST + 4);
	await_inside(&b.origin, PACE_FIRST);
	block_cache_drop(b.cache, b.key);
	block_cache_check(b.cache);
	let_go(&b.origin);
	block_cache_stop(b.cache);
	ck_assert_uint_eq(b.origin.reads, PACE_FIRST);
	ck_assert_int_eq(counter_get(CTR_cache_bytes), 0);
	bench_drop(&b);
}
END_TEST

#define STRESS_READS 400

static void *
read_at_random(void *arg)
{
	struct reader *r = arg;
	const struct block_file f = { r->bench->key, 8 * MB,
		&r->bench->source };
	unsigned seed = (unsigned)r->off;

	for (unsigned i = 0; i < STRESS_READS; i++) {
		uint64_t off = (uint64_t)rand_r(&seed) % (8 * MB);
		ssize_t got = block_cache_read(r->bench->cache, &r->call, &f,
		    off, r->byte, sizeof(r->byte), NULL);

		(void)block_cache_want(r->bench->cache, &f, off / MB + 1, 2, r);
		if (i % 13 == 0)
			block_cache_cancel(r->bench->cache, r);
		if (got == -ESTALE)
			continue; /* dropped in flight */
		ck_assert_int_gt(got, 0);
		check_bytes(r->bench, r->byte, off, (size_t)got);
		if (i % 50 == 0)
			block_cache_drop_all(r->bench->cache);
		if (i % 71 == 0)
			block_cache_drop(r->bench->cache, r->bench->key);
		block_cache_check(r->bench->cache);
	}
	return NULL;
}

START_TEST(few_blocks_and_many_threads_give_right_bytes)
{
	struct reader readers[6];
	struct bench b;

	bench_make(&b, 4 * MB);
	ck_assert_int_eq(block_cache_start(b.cache), 0);
	for (unsigned i = 0; i < 6; i++) {
		readers[i] = (struct reader){ .bench = &b, .off = i,
			.call = { .op = "test" } };
		ck_assert_int_eq(pthread_create(&readers[i].thread, NULL,
		    read_at_random, &readers[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++)
		ck_assert_int_eq(pthread_join(readers[i].thread, NULL), 0);
	block_cache_stop(b.cache);
	ck_assert_int_le(counter_get(CTR_cache_bytes), 4 * (int)MB);
	bench_drop(&b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_read_gives_the_bytes_up_to_the_size, read_rows),
	UNIT(a_source_that_is_too_short_is_an_error),
	UNIT(a_failure_is_reported_and_not_kept),
	UNIT(memory_stays_within_the_budget),
	UNIT(what_was_used_last_goes_last),
	UNIT(what_was_read_to_its_end_goes_first),
	UNIT(a_budget_of_nothing_still_reads),
	UNIT(dropping_forgets_one_version_or_all),
	UNIT(a_key_tells_scope_object_and_version_apart),
	UNIT(an_object_with_an_id_keeps_its_key_when_it_moves),
	UNIT(many_readers_of_a_block_cost_one_fetch),
	UNIT(readers_of_different_blocks_do_not_wait_for_each_other),
	UNIT(one_who_waits_can_be_interrupted),
	UNIT(when_the_fetcher_is_interrupted_another_fetches),
	UNIT(a_version_dropped_in_flight_gives_nobody_its_bytes),
	UNIT(what_was_wanted_is_there_when_it_is_read),
	UNIT(without_threads_nothing_is_wanted),
	UNIT(a_reader_takes_over_what_nobody_fetches_yet),
	UNIT(a_fetch_becomes_as_urgent_as_who_waits_for_it),
	UNIT(who_is_gone_wants_nothing_more),
	UNIT(what_nobody_waits_for_takes_half_of_the_memory),
	UNIT(a_failure_nobody_waited_for_is_forgotten),
	UNIT(ending_gives_up_what_is_under_way),
	UNIT(a_dropped_version_is_not_wanted_any_more),
	UNIT(few_blocks_and_many_threads_give_right_bytes),
};

UNIT_MAIN("block_cache", tests)
