/* cache/read_ahead, cache/pace: which blocks are asked for, and how many. */
#include "config.h"

#include <string.h>

#include "cache/block_cache.h"
#include "cache/pace.h"
#include "cache/read_ahead.h"
#include "tests/support/unit.h"

#define KB ((uint64_t)1 << 10)
#define MB ((uint64_t)1 << 20)
#define GB ((uint64_t)1 << 30)

/* Reads len bytes in pieces of 128 KiB, as the kernel does; returns how many blocks
 * were asked for, each once, in order and beyond what is read. */
static unsigned
read_through(struct read_ahead *a, uint64_t off, uint64_t len, uint64_t size,
    unsigned max, bool waits)
{
	uint64_t asked_to = 0;
	unsigned asked = 0;

	for (uint64_t at = off; at < off + len; at += 128 * KB) {
		uint64_t first = 0;
		unsigned n = read_ahead_plan(a, at, 128 * KB, size, max,
		    &first);

		if (n > 0) {
			ck_assert_uint_gt(first, at / MB);
			ck_assert_uint_ge(first, asked_to);
			ck_assert_uint_le(first + n, at / MB + 1 + max);
			ck_assert_uint_le(first + n, (size + MB - 1) / MB);
			asked_to = first + n;
			asked += n;
		}
		if (waits)
			read_ahead_waited(a, at);
	}
	return asked;
}

START_TEST(a_sequential_reader_gets_every_block_once)
{
	struct read_ahead a;

	read_ahead_init(&a);
	ck_assert_uint_eq(read_through(&a, 0, 100 * MB, 100 * MB, 16, true),
	    99);
	read_ahead_release(&a);
}
END_TEST

START_TEST(the_window_doubles_when_the_reader_waits_and_only_then)
{
	struct read_ahead a;
	uint64_t first;

	read_ahead_init(&a);
	/* A large read at the beginning is taken for the first of many. */
	ck_assert_uint_eq(read_ahead_plan(&a, 0, 128 * KB, GB, 16, &first), 2);
	ck_assert_uint_eq(first, 1);
	for (unsigned i = 0; i < 3; i++) { /* once a block, however often */
		read_ahead_waited(&a, 0);
		ck_assert_uint_eq(read_ahead_plan(&a, 128 * KB, 128 * KB, GB,
		    16, &first), i == 0 ? 2 : 0);
	}
	ck_assert_uint_eq(first, 3);
	/* Without having waited it moves on with the reader. */
	ck_assert_uint_eq(read_ahead_plan(&a, MB, 128 * KB, GB, 16, &first), 1);
	ck_assert_uint_eq(first, 5);
	read_ahead_waited(&a, MB);
	ck_assert_uint_eq(read_ahead_plan(&a, MB + 128 * KB, 128 * KB, GB, 16,
	    &first), 4);
	read_ahead_waited(&a, 2 * MB);
	/* Never beyond what the link carries. */
	ck_assert_uint_eq(read_ahead_plan(&a, 2 * MB, 128 * KB, GB, 10, &first),
	    3);
	ck_assert_uint_eq(first, 10);
	read_ahead_release(&a);
}
END_TEST

START_TEST(a_small_first_read_asks_for_nothing)
{
	struct read_ahead a;
	uint64_t first;

	read_ahead_init(&a);
	ck_assert_uint_eq(read_ahead_plan(&a, 0, 16 * KB, GB, 16, &first), 0);
	/* The second one in a row does. */
	ck_assert_uint_eq(read_ahead_plan(&a, 16 * KB, 32 * KB, GB, 16, &first),
	    2);
	read_ahead_release(&a);
}
END_TEST

START_TEST(nothing_is_asked_for_beyond_the_end)
{
	struct read_ahead a;
	uint64_t first;

	read_ahead_init(&a);
	ck_assert_uint_eq(read_ahead_plan(&a, 0, 128 * KB, MB, 16, &first), 0);
	ck_assert_uint_eq(read_ahead_plan(&a, 0, 128 * KB, MB + 1, 16, &first),
	    1);
	ck_assert_uint_eq(read_ahead_plan(&a, 2 * MB, 1, MB, 16, &first), 0);
	ck_assert_uint_eq(read_ahead_plan(&a, 0, 0, GB, 16, &first), 0);
	read_ahead_release(&a);
}
END_TEST

START_TEST(pieces_may_come_in_any_order)
{
	static const unsigned order[] = { 0, 2, 1, 4, 3, 6, 7, 5, 9, 8, 11, 10 };
	struct read_ahead a;
	uint64_t first, next = 1;

	read_ahead_init(&a);
	for (unsigned i = 0; i < 12; i++) {
		unsigned n = read_ahead_plan(&a, order[i] * 128 * KB, 128 * KB,
		    GB, 2, &first);

		if (n > 0)
			ck_assert_uint_eq(first, next);
		next += n;
	}
	ck_assert_uint_eq(next, 4); /* the reader is in block 1, two beyond it */
	ck_assert_uint_eq(a.jumps, 0);
	read_ahead_release(&a);
}
END_TEST

/* Two programs, or two threads, read two parts of one open file. */
START_TEST(two_interleaved_readers_are_two_streams)
{
	struct read_ahead a;
	uint64_t first, asked[2] = { 0, 0 };

	read_ahead_init(&a);
	for (uint64_t at = 0; at < 64 * MB; at += 128 * KB)
		for (unsigned i = 0; i < 2; i++)
			asked[i] += read_ahead_plan(&a, i * 512 * MB + at,
			    128 * KB, GB, 4, &first);
	ck_assert_uint_eq(asked[0], 63 + 2);
	ck_assert_uint_eq(asked[1], 63 + 2);
	ck_assert_uint_eq(a.jumps, 0);
	read_ahead_release(&a);
}
END_TEST

START_TEST(a_random_reader_gets_none)
{
	struct read_ahead a;
	uint64_t first, seed = 7;
	unsigned asked = 0;

	read_ahead_init(&a);
	for (unsigned i = 0; i < 1000; i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		asked += read_ahead_plan(&a, seed % (GB - MB), 4 * KB, GB, 16,
		    &first);
	}
	ck_assert_uint_le(asked, 10); /* where two happen to be neighbours */
	read_ahead_release(&a);
}
END_TEST

/* One read of 1 MiB reaches us as eight in a row. */
START_TEST(large_random_reads_are_not_taken_for_a_stream)
{
	struct read_ahead a;
	uint64_t seed = 7;
	unsigned asked = 0;

	read_ahead_init(&a);
	for (unsigned i = 0; i < 100; i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		asked += read_through(&a, seed % 1000 * 8 * MB, MB, 8 * GB, 16,
		    false);
	}
	ck_assert_uint_le(asked, 3 * READ_AHEAD_FIRST + 2);
	/* Who then reads on is believed again. */
	ck_assert_uint_ge(read_through(&a, 0, 64 * MB, 8 * GB, 16, true), 60);
	ck_assert_uint_eq(a.jumps, 0);
	read_ahead_release(&a);
}
END_TEST

START_TEST(what_was_not_asked_for_is_planned_again)
{
	struct read_ahead a;
	uint64_t first;

	read_ahead_init(&a);
	ck_assert_uint_eq(read_ahead_plan(&a, 0, 128 * KB, GB, 16, &first), 2);
	read_ahead_cut(&a, 0, 2);
	ck_assert_uint_eq(read_ahead_plan(&a, 128 * KB, 128 * KB, GB, 16,
	    &first), 1);
	ck_assert_uint_eq(first, 2);
	read_ahead_release(&a);
}
END_TEST

/* --- pace --------------------------------------------------------------------- */

/* A link that gives `rate` blocks a second, each at the earliest after delay_ms; its
 * reader keeps as many under way as the window says.  Returns the window at the end;
 * queued: whether the time in line is known to be that (a rate limit of ours). */
static unsigned
settle(double rate, int64_t delay_ms, bool queued, unsigned max,
    double seconds)
{
	struct pace p = { 0 };
	struct { struct pace_mark mark; int64_t due, wait; } flight[64];
	unsigned n = 0;
	double free_at = 0;

	for (int64_t now = 1000; now < 1000 + (int64_t)(seconds * 1000); now++) {
		for (unsigned i = 0; i < n; i++)
			if (flight[i].due <= now) {
				pace_end(&p, &flight[i].mark, now,
				    queued ? flight[i].wait : 0);
				flight[i--] = flight[--n];
			}
		while (n < pace_window(&p, max)) {
			double start = free_at > (double)now ? free_at :
							       (double)now;

			free_at = start + 1000 / rate;
			flight[n].mark = pace_begin(&p, now);
			flight[n].wait = (int64_t)start - now;
			flight[n++].due = (int64_t)start + delay_ms;
		}
	}
	return pace_window(&p, max);
}

START_TEST(the_window_is_what_the_link_carries)
{
	ck_assert_uint_eq(pace_window(&(struct pace){ 0 }, 16), PACE_FIRST);
	/* 30 requests a second, 61 ms: 1.83 blocks, half as much again, and two. */
	ck_assert_uint_eq(settle(30, 61, true, 16, 60), 4);
	ck_assert_uint_eq(settle(30, 122, true, 16, 60), 7);
	/* A link that gives more than 16 at once would. */
	ck_assert_uint_eq(settle(1000, 61, false, 16, 1), 16);
	/* Next door little is enough. */
	ck_assert_uint_le(settle(1000, 2, false, 16, 10), 8);
}
END_TEST

START_TEST(the_window_grows_within_a_few_delays)
{
	ck_assert_uint_eq(settle(1000, 61, false, 16, 0.3), 16);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_sequential_reader_gets_every_block_once),
	UNIT(the_window_doubles_when_the_reader_waits_and_only_then),
	UNIT(a_small_first_read_asks_for_nothing),
	UNIT(nothing_is_asked_for_beyond_the_end),
	UNIT(pieces_may_come_in_any_order),
	UNIT(two_interleaved_readers_are_two_streams),
	UNIT(a_random_reader_gets_none),
	UNIT(large_random_reads_are_not_taken_for_a_stream),
	UNIT(what_was_not_asked_for_is_planned_again),
	UNIT(the_window_is_what_the_link_carries),
	UNIT(the_window_grows_within_a_few_delays),
};

UNIT_MAIN("read_ahead", tests)
