/* cache/block_cache with cache/disk_tier below it. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/lock.h"
#include "cache/block_cache.h"
#include "cache/disk_tier.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

#define MB   ((size_t)1 << 20)
#define SIZE (4 * MB + 100) /* of the file */

/* A source that counts and can be held back. */
struct origin {
	struct lock lock;
	struct cond changed;
	unsigned reads;
	unsigned inside;
	bool blocked;
};

struct bench {
	struct temp_dir temp;
	struct disk_tier *disk;
	struct origin origin;
	struct source source;
	struct block_cache *cache;
	struct block_file file;
	struct call call;
};

static unsigned char
byte_at(uint64_t off)
{
	return (unsigned char)(off * 31 + off / 4096);
}

static ssize_t
origin_read(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	struct origin *o = ctx;

	(void)call;
	for (size_t i = 0; i < len; i++)
		((unsigned char *)dst)[i] = byte_at(off + i);
	lock_take(&o->lock);
	o->reads++;
	o->inside++;
	cond_broadcast(&o->changed);
	while (o->blocked)
		(void)cond_wait_ms(&o->changed, &o->lock, 10);
	o->inside--;
	lock_drop(&o->lock);
	return (ssize_t)len;
}

static void
make_cache(struct bench *b)
{
	ck_assert_int_eq(block_cache_new(8 * MB, &b->cache), 0);
	block_cache_use_disk(b->cache, b->disk);
	ck_assert_int_eq(block_cache_start(b->cache), 0);
}

/* As the next mount: nothing is in memory. */
static void
renew_cache(struct bench *b)
{
	block_cache_check(b->cache);
	block_cache_free(b->cache);
	make_cache(b);
	b->origin.reads = 0;
}

static void
make_bench(struct bench *b)
{
	struct disk_config config = { .budget = 64 * MB, .scope = "x" };

	*b = (struct bench){ .call = { .op = "test" } };
	temp_dir_make(&b->temp);
	config.dir = b->temp.path;
	ck_assert_int_eq(disk_tier_new(&config, &b->disk), 0);
	lock_init(&b->origin.lock, "origin");
	cond_init(&b->origin.changed);
	b->source = (struct source){ .read = origin_read, .ctx = &b->origin };
	b->file = (struct block_file){ .key = { { 1, 2 } }, .size = SIZE,
		.src = &b->source };
	make_cache(b);
}

static void
drop_bench(struct bench *b)
{
	block_cache_check(b->cache);
	block_cache_free(b->cache);
	disk_tier_free(b->disk);
	cond_release(&b->origin.changed);
	lock_release(&b->origin.lock);
	temp_dir_remove(&b->temp);
}

static ssize_t
read_at(struct bench *b, uint64_t off, size_t len)
{
	unsigned char *got = malloc(len);
	ssize_t n;

	n = block_cache_read(b->cache, &b->call, &b->file, off, got, len, NULL);
	for (ssize_t i = 0; i < n; i++)
		ck_assert_uint_eq(got[i], byte_at(off + (uint64_t)i));
	free(got);
	return n;
}

static void
await_blocks(struct bench *b, uint64_t n)
{
	int64_t until = clock_mono_ms() + 60000;
	struct disk_usage u;

	do {
		disk_tier_usage(b->disk, &u);
		ck_assert_int_lt(clock_mono_ms(), until);
	} while (u.blocks != n);
}

START_TEST(what_was_fetched_is_found_on_disk)
{
	struct bench b;

	make_bench(&b);
	ck_assert_int_eq(read_at(&b, 0, SIZE), (ssize_t)SIZE);
	ck_assert_uint_eq(b.origin.reads, 5);
	await_blocks(&b, 5);
	for (int again = 0; again < 2; again++) {
		renew_cache(&b);
		ck_assert_int_eq(read_at(&b, 0, SIZE), (ssize_t)SIZE);
		ck_assert_uint_eq(b.origin.reads, 0);
	}
	ck_assert_int_eq(counter_get(CTR_disk_cache_hits_total), 10);
	ck_assert_int_eq(counter_get(CTR_disk_cache_misses_total), 5);
	drop_bench(&b);
}
END_TEST

START_TEST(what_is_passing_is_not_kept)
{
	struct bench b;

	make_bench(&b);
	b.source.passing = true;
	ck_assert_int_eq(read_at(&b, 0, SIZE), (ssize_t)SIZE);
	renew_cache(&b);
	ck_assert_int_eq(read_at(&b, 0, SIZE), (ssize_t)SIZE);
	ck_assert_uint_eq(b.origin.reads, 5);
	await_blocks(&b, 0);
	drop_bench(&b);
}
END_TEST

START_TEST(dropping_and_forgetting_reach_the_disk)
{
	struct block_file other;
	struct bench b;

	make_bench(&b);
	other = b.file;
	other.key.hash[1] = 3;
	for (int i = 0; i < 3; i++) {
		char byte;

		b.origin.reads = 0;
		ck_assert_int_eq(read_at(&b, 0, SIZE), (ssize_t)SIZE);
		ck_assert_uint_eq(b.origin.reads, 5);
		ck_assert_int_eq(block_cache_read(b.cache, &b.call, &other, 0,
		    &byte, 1, NULL), 1);
		await_blocks(&b, 6);
		if (i == 0)
			block_cache_drop(b.cache, b.file.key);
		else if (i == 1)
			block_cache_forget(b.cache, b.file.key);
		else
			block_cache_drop_all(b.cache);
		await_blocks(&b, i < 2);
	}
	drop_bench(&b);
}
END_TEST

struct reader {
	struct bench *bench;
	pthread_t thread;
	ssize_t got;
};

static void *
read_first(void *arg)
{
	struct reader *r = arg;

	r->got = read_at(r->bench, 0, 10);
	return NULL;
}

/* One reader is waiting for the first block. */
static void
begin_read(struct reader *r, struct bench *b)
{
	*r = (struct reader){ .bench = b };
	b->origin.blocked = true;
	ck_assert_int_eq(pthread_create(&r->thread, NULL, read_first, r), 0);
	lock_take(&b->origin.lock);
	while (b->origin.inside == 0)
		(void)cond_wait_ms(&b->origin.changed, &b->origin.lock, 100);
	lock_drop(&b->origin.lock);
}

static ssize_t
end_read(struct reader *r)
{
	struct origin *o = &r->bench->origin;

	lock_take(&o->lock);
	o->blocked = false;
	cond_broadcast(&o->changed);
	lock_drop(&o->lock);
	ck_assert_int_eq(pthread_join(r->thread, NULL), 0);
	return r->got;
}

START_TEST(what_is_forgotten_on_its_way_reaches_its_reader_only)
{
	struct reader r;
	struct bench b;

	make_bench(&b);
	for (int i = 0; i < 2; i++) {
		begin_read(&r, &b);
		if (i == 0)
			block_cache_forget(b.cache, b.file.key);
		else
			block_cache_drop_all(b.cache);
		ck_assert_int_eq(end_read(&r), 10);
		block_cache_check(b.cache);
		await_blocks(&b, 0);
	}
	ck_assert_uint_eq(b.origin.reads, 2);
	ck_assert_int_eq(read_at(&b, 0, 10), 10);
	ck_assert_uint_eq(b.origin.reads, 3);
	drop_bench(&b);
}
END_TEST

START_TEST(what_is_dropped_on_its_way_reaches_nobody)
{
	struct reader r;
	struct bench b;

	make_bench(&b);
	begin_read(&r, &b);
	block_cache_drop(b.cache, b.file.key);
	ck_assert_int_eq(end_read(&r), -ESTALE);
	renew_cache(&b);
	ck_assert_int_eq(read_at(&b, 0, 10), 10);
	ck_assert_uint_eq(b.origin.reads, 1);
	drop_bench(&b);
}
END_TEST

static void *
read_at_random(void *arg)
{
	struct reader *r = arg;
	unsigned seed = (unsigned)(uintptr_t)r;

	for (unsigned i = 0; i < 300; i++) {
		struct block_cache *c = r->bench->cache;
		uint64_t off = (uint64_t)rand_r(&seed) % SIZE;
		ssize_t n = read_at(r->bench, off, 1000);

		ck_assert(n > 0 || n == -ESTALE);
		if (i % 17 == 0)
			block_cache_forget(c, r->bench->file.key);
		if (i % 41 == 0)
			block_cache_drop(c, r->bench->file.key);
		if (i % 97 == 0)
			block_cache_drop_all(c);
		block_cache_check(c);
	}
	return NULL;
}

START_TEST(many_threads_get_right_bytes_and_leave_nothing_that_was_dropped)
{
	struct reader readers[5];
	struct bench b;

	make_bench(&b);
	for (unsigned i = 0; i < 5; i++) {
		readers[i] = (struct reader){ .bench = &b };
		ck_assert_int_eq(pthread_create(&readers[i].thread, NULL,
		    read_at_random, &readers[i]), 0);
	}
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_eq(pthread_join(readers[i].thread, NULL), 0);
	block_cache_drop(b.cache, b.file.key);
	await_blocks(&b, 0);
	ck_assert_int_eq(counter_get(CTR_disk_cache_damaged_total), 0);
	drop_bench(&b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_was_fetched_is_found_on_disk),
	UNIT(what_is_passing_is_not_kept),
	UNIT(dropping_and_forgetting_reach_the_disk),
	UNIT(what_is_forgotten_on_its_way_reaches_its_reader_only),
	UNIT(what_is_dropped_on_its_way_reaches_nobody),
	UNIT(many_threads_get_right_bytes_and_leave_nothing_that_was_dropped),
};

UNIT_MAIN("block_disk", tests)
