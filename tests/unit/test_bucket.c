/* rest/bucket: what it allows, alone and against models of what a service may do. */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>

#include "rest/bucket.h"
#include "tests/support/unit.h"

/* --- a service, a link, and workers ------------------------------------------------ */

#define WORKERS 16
#define RTT_MS	40
#define JITTER_MS 5

enum stage { WANTS, GOING, COMING, REFUSED, BROKEN };

struct worker {
	enum stage stage;
	int64_t at_ms; /* when the stage ends */
	struct bucket_pass pass;
};

struct world {
	/* The service: 0 has no limit. */
	double rate, bound;
	double others;	/* calls a second of somebody else */
	int64_t after_ms; /* of Retry-After less 1; 0: not sent */
	int64_t storm_from_ms, storm_until_ms; /* 429 to all */
	bool storm_503;	/* ... or 503, which says nothing about rates */
	double unlucky; /* share of calls that get a 429 whatever we do, */
	double broken;	/* or a 503 */
	bool alone;	/* one worker, next door */
	/* Between. */
	double link; /* answers a second */
	/* Us. */
	bool ahead;

	struct bucket bucket;
	struct worker workers[WORKERS];
	double tokens, others_due, link_free_ms;
	int64_t now_ms;
	uint64_t random;
	unsigned done, refused, sent;
};

static uint64_t
next_random(struct world *w)
{
	w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return w->random >> 33;
}

static int64_t
half_way(struct world *w)
{
	if (w->alone)
		return 1;
	return RTT_MS / 2 - JITTER_MS / 2 + (int64_t)(next_random(w) % (JITTER_MS + 1));
}

static bool
is_storm(const struct world *w)
{
	return w->now_ms >= w->storm_from_ms && w->now_ms < w->storm_until_ms;
}

static bool
happens(struct world *w, double share)
{
	return (double)(next_random(w) % 1000000) < share * 1000000;
}

static bool
serve(struct world *w)
{
	if (is_storm(w))
		return false;
	if (happens(w, w->unlucky))
		return false;
	if (w->rate == 0)
		return true;
	if (w->tokens < 1)
		return false;
	w->tokens -= 1;
	return true;
}

static void
arrive(struct world *w, struct worker *k)
{
	double end;

	w->sent++;
	if (happens(w, w->broken)) {
		k->stage = BROKEN;
		k->at_ms = w->now_ms + half_way(w);
		return;
	}
	if (!serve(w)) {
		k->stage = REFUSED;
		k->at_ms = w->now_ms + half_way(w);
		return;
	}
	end = w->link_free_ms > (double)w->now_ms ? w->link_free_ms
						  : (double)w->now_ms;
	if (w->link > 0)
		end += 1000 / w->link;
	w->link_free_ms = end;
	k->stage = COMING;
	k->at_ms = (int64_t)end + half_way(w) + (w->alone ? 0 : RTT_MS / 2);
}

static void
work(struct world *w, struct worker *k)
{
	int64_t now = w->now_ms;

	if (k->stage != WANTS && now < k->at_ms)
		return;
	switch (k->stage) {
	case GOING:
		arrive(w, k);
		return;
	case COMING:
		bucket_answered(&w->bucket, &k->pass, now);
		w->done++;
		k->stage = WANTS;
		break;
	case REFUSED:
		w->refused++;
		if (w->storm_503)
			bucket_failed(&w->bucket, &k->pass, now, next_random(w));
		else
			bucket_throttled(&w->bucket, &k->pass, w->after_ms - 1, now,
			    next_random(w));
		k->stage = WANTS;
		k->at_ms = 0;
		break;
	case BROKEN:
		bucket_failed(&w->bucket, &k->pass, now, next_random(w));
		k->stage = WANTS;
		break;
	case WANTS:
		break;
	}
	if (bucket_take(&w->bucket, w->ahead, now, &k->pass) == 0) {
		k->stage = GOING;
		k->at_ms = now + half_way(w);
	}
}

/* Somebody else takes what he can get of his share. */
static void
compete(struct world *w)
{
	w->others_due += w->others / 1000;
	for (; w->others_due >= 1; w->others_due--)
		(void)serve(w);
}

static void
begin(struct world *w)
{
	w->now_ms = 1000;
	w->random = 42;
	w->tokens = w->bound;
	bucket_init(&w->bucket, 30, w->now_ms);
}

static void
tick(struct world *w)
{
	w->now_ms++;
	w->tokens += w->rate / 1000;
	if (w->tokens > w->bound)
		w->tokens = w->bound;
	compete(w);
	for (int i = 0; i < (w->alone ? 1 : WORKERS); i++)
		work(w, &w->workers[(i + w->now_ms) % WORKERS]);
}

/* Answers in so many ms. */
static unsigned
run(struct world *w, int64_t ms)
{
	unsigned before = w->done;

	for (int64_t i = 0; i < ms; i++)
		tick(w);
	return w->done - before;
}

/* The time that n answers take. */
static double
time_for(struct world *w, unsigned n)
{
	int64_t from = w->now_ms;

	begin(w);
	from = w->now_ms;
	while (w->done < n)
		tick(w);
	return (double)(w->now_ms - from);
}

#define BLOCKS	 1024
#define BLOCK_MS (RTT_MS * 1.5)

/* With both kinds of callers: what is read ahead leaves the reserve alone. */
static const bool kinds[] = { false, true };

/* --- against a service ----------------------------------------------------------- */

START_TEST(the_documented_limit_met_exactly_costs_nothing)
{
	struct world w = { .rate = 30, .bound = 30, .link = 87,
		.ahead = kinds[_i] };
	double floor_ms = (BLOCKS - 30) / 30.0 * 1000 + BLOCK_MS;

	ck_assert_double_ge(floor_ms / time_for(&w, BLOCKS), 0.98);
	ck_assert_uint_lt(w.refused, 10);
	ck_assert_double_ge(w.bucket.rate, 30);
}
END_TEST

START_TEST(nor_in_the_long_run)
{
	struct world w = { .rate = 30, .bound = 30, .link = 87,
		.ahead = kinds[_i] };

	begin(&w);
	(void)run(&w, 1000);
	/* An hour: it is looked for more now and then, and seldom. */
	ck_assert_double_ge(run(&w, 3600 * 1000), 0.995 * 3600 * 30);
	ck_assert_uint_lt(w.refused, 36 * 10);
}
END_TEST

START_TEST(a_service_without_a_limit_does_not_wait_for_us)
{
	struct world w = { .link = 87, .ahead = kinds[_i] };
	double floor_ms = BLOCKS / 87.0 * 1000 + BLOCK_MS;

	ck_assert_double_ge(floor_ms / time_for(&w, BLOCKS), 0.97);
	ck_assert_uint_eq(w.refused, 0);
}
END_TEST

START_TEST(nobody_asks_for_more_than_is_used)
{
	struct world w = { .link = 20 };

	begin(&w);
	(void)run(&w, 60000);
	ck_assert_double_eq(w.bucket.rate, 30);
}
END_TEST

/* What is enforced; the least that is used of it in the first ten seconds, and later. */
static const struct {
	double rate, bound, first, later;
} limits[] = {
	{ 3, 3, 0.7, 0.9 },
	{ 10, 10, 0.9, 0.97 },
	{ 20, 20, 0.9, 0.975 },
	{ 30, 2, 0.65, 0.96 },
	{ 30, 10, 0.75, 0.97 },
	{ 50, 50, 0.5, 0.9 }, /* found out after two minutes */
	{ 150, 150, 0.8, 0.9 },
};

START_TEST(any_other_limit_is_found_out)
{
	struct world w = { .rate = limits[_i].rate, .bound = limits[_i].bound,
		.link = 300, .ahead = true };
	unsigned sent;

	begin(&w);
	ck_assert_double_ge(run(&w, 10000), limits[_i].first * 10 * w.rate);
	(void)run(&w, 110 * 1000);
	sent = w.sent;
	ck_assert_double_ge(run(&w, 600 * 1000),
	    limits[_i].later * 600 * w.rate);
	/* And it does not get there by asking all the time. */
	ck_assert_double_le(w.sent - sent, 1.03 * 600 * w.rate);
}
END_TEST

START_TEST(others_take_half_and_go)
{
	struct world w = { .rate = 30, .bound = 30, .others = 15, .link = 300,
		.ahead = true };

	begin(&w);
	(void)run(&w, 60 * 1000);
	ck_assert_double_ge(run(&w, 300 * 1000), 0.97 * 300 * 15);
	ck_assert_double_le(w.bucket.rate, 18);
	w.others = 0;
	(void)run(&w, 60 * 1000);
	ck_assert_double_ge(run(&w, 60 * 1000), 0.98 * 60 * 30);
}
END_TEST

/* With the Retry-After that it sends, and 1; 0: none. */
static const int64_t afters[] = { 0, 1001, 3001 };

START_TEST(a_storm_costs_few_requests_and_is_soon_over)
{
	struct world w = { .rate = 30, .bound = 30, .link = 87,
		.after_ms = afters[_i],
		.storm_from_ms = 20000, .storm_until_ms = 80000 };
	unsigned sent;

	begin(&w);
	(void)run(&w, w.storm_from_ms - w.now_ms);
	sent = w.sent;
	(void)run(&w, 60000);
	/* Each worker alone would have asked 60 s / RTT_MS times. */
	ck_assert_uint_le(w.sent - sent, 60 * 1000 / RTT_MS * WORKERS / 100);
	ck_assert_uint_ge(w.sent - sent, 60 / 5); /* and it is noticed when it ends */
	(void)run(&w, 5000);
	ck_assert_double_ge(run(&w, 5000), 0.95 * 5 * 30);
}
END_TEST

/* With many workers far away, or one next door, and with other failures. */
static const struct {
	double broken;
	bool alone;
} unlucky[] = { { 0, false }, { 0, true }, { 0.05, false }, { 0.05, true } };

START_TEST(refusals_that_no_rate_helps_against_do_not_end_in_a_crawl)
{
	struct world w = { .unlucky = 0.05, .broken = unlucky[_i].broken,
		.alone = unlucky[_i].alone, .link = 300 };

	begin(&w);
	(void)run(&w, 60000);
	ck_assert_double_ge(run(&w, 600000) / 600.0, 3);
}
END_TEST

START_TEST(a_storm_of_503_is_no_reason_to_ask_for_more)
{
	struct world w = { .rate = 30, .bound = 30, .link = 87,
		.storm_from_ms = 1000, .storm_until_ms = 61000,
		.storm_503 = true };

	begin(&w);
	(void)run(&w, 59000);
	ck_assert_double_le(w.bucket.rate, 30);
}
END_TEST

/* --- alone ------------------------------------------------------------------------- */

#define T0 1000000

static struct bucket b;
static struct bucket_pass pass;

/* How many may leave at once. */
static unsigned
take_all(bool ahead, int64_t now)
{
	unsigned n = 0;

	while (bucket_take(&b, ahead, now, &pass) == 0)
		n++;
	return n;
}

START_TEST(reading_ahead_leaves_a_reserve)
{
	bucket_init(&b, 30, T0);
	ck_assert_uint_eq(take_all(true, T0), 28 - BUCKET_RESERVE);
	ck_assert_uint_eq(take_all(false, T0), BUCKET_RESERVE);
	ck_assert_int_gt(bucket_take(&b, true, T0 + 100, &pass), 0);
	ck_assert_uint_eq(take_all(false, T0 + 100), 3);
}
END_TEST

START_TEST(the_wait_that_is_told_is_the_wait)
{
	int64_t ms;

	bucket_init(&b, 10, T0);
	(void)take_all(false, T0);
	ms = bucket_take(&b, false, T0, &pass);
	ck_assert_int_ge(ms, 1);
	ck_assert_int_le(ms, 101);
	ck_assert_int_eq(bucket_take(&b, false, T0 + ms, &pass), 0);
}
END_TEST

static void
throttle(int64_t after_ms, int64_t now)
{
	ck_assert_int_eq(bucket_take(&b, false, now, &pass), 0);
	bucket_throttled(&b, &pass, after_ms, now, 0);
}

START_TEST(after_a_hold_one_looks_and_then_all_that_was_saved_up_leaves)
{
	bucket_init(&b, 30, T0);
	throttle(-1, T0);
	ck_assert_int_eq(bucket_held_ms(&b, T0), 1000);
	ck_assert_int_eq(bucket_take(&b, false, T0 + 999, &pass), 1);
	ck_assert_uint_eq(take_all(false, T0 + 1000), 1);
	ck_assert(pass.probe);
	bucket_answered(&b, &pass, T0 + 1060);
	ck_assert_uint_eq(take_all(false, T0 + 1060), 28);
}
END_TEST

START_TEST(probes_that_fail_are_further_and_further_apart)
{
	static const int64_t holds[] = { 1000, 2000, 4000, 4000 };
	int64_t now = T0;

	bucket_init(&b, 30, now);
	for (int i = 0; i < 4; i++) {
		throttle(-1, now);
		ck_assert_int_eq(bucket_held_ms(&b, now), holds[i]);
		now += holds[i];
	}
	/* Nor does it help when the service gives no answer at all. */
	ck_assert_int_eq(bucket_take(&b, false, now, &pass), 0);
	bucket_failed(&b, &pass, now, 0);
	ck_assert_int_eq(bucket_held_ms(&b, now), 4000);
}
END_TEST

START_TEST(the_time_that_the_service_names_counts_up_to_a_bound)
{
	bucket_init(&b, 30, T0);
	throttle(7000, T0);
	ck_assert_int_eq(bucket_held_ms(&b, T0), 7000);
	bucket_init(&b, 30, T0);
	throttle((int64_t)3600 * 1000, T0);
	ck_assert_int_eq(bucket_held_ms(&b, T0), BUCKET_AFTER_MAX_MS);
}
END_TEST

START_TEST(refusals_of_one_crowd_count_once)
{
	struct bucket_pass crowd[10];

	bucket_init(&b, 30, T0);
	(void)take_all(false, T0);
	(void)bucket_take(&b, false, T0, &pass);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(bucket_take(&b, false, T0 + (i + 1) * 34,
				     &crowd[i]), 0);
	for (int i = 0; i < 10; i++)
		bucket_throttled(&b, &crowd[i], -1, T0 + 340 + i, 0);
	ck_assert_double_eq_tol(b.rate, 21, 0.01);
	ck_assert_int_eq(bucket_held_ms(&b, T0 + 340), 1000);
	/* But a time that one of them names counts. */
	bucket_throttled(&b, &crowd[9], 3000, T0 + 350, 0);
	ck_assert_int_eq(bucket_held_ms(&b, T0 + 350), 3000);
	ck_assert_double_eq_tol(b.rate, 21, 0.01);
}
END_TEST

START_TEST(a_probe_that_is_given_up_makes_room_for_another)
{
	bucket_init(&b, 30, T0);
	throttle(-1, T0);
	ck_assert_uint_eq(take_all(false, T0 + 1000), 1);
	ck_assert_uint_eq(take_all(false, T0 + 1500), 0);
	bucket_dropped(&b, &pass);
	ck_assert_uint_eq(take_all(false, T0 + 1500), 1);
	/* And one whose answer does not come. */
	ck_assert_uint_eq(take_all(false, T0 + 2499), 0);
	ck_assert_uint_eq(take_all(false, T0 + 2500), 1);
}
END_TEST

START_TEST(a_slow_family_has_room_for_reading_ahead)
{
	bucket_init(&b, 1, T0);
	ck_assert_int_eq(bucket_take(&b, true, T0, &pass), 0);
	ck_assert_int_gt(bucket_take(&b, true, T0, &pass), 0);
	ck_assert_int_eq(bucket_take(&b, true, T0 + 1000, &pass), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(the_documented_limit_met_exactly_costs_nothing, kinds),
	UNIT_ROWS(nor_in_the_long_run, kinds),
	UNIT_ROWS(a_service_without_a_limit_does_not_wait_for_us, kinds),
	UNIT(nobody_asks_for_more_than_is_used),
	UNIT_ROWS(any_other_limit_is_found_out, limits),
	UNIT(others_take_half_and_go),
	UNIT_ROWS(a_storm_costs_few_requests_and_is_soon_over, afters),
	UNIT_ROWS(refusals_that_no_rate_helps_against_do_not_end_in_a_crawl,
	    unlucky),
	UNIT(a_storm_of_503_is_no_reason_to_ask_for_more),
	UNIT(reading_ahead_leaves_a_reserve),
	UNIT(the_wait_that_is_told_is_the_wait),
	UNIT(after_a_hold_one_looks_and_then_all_that_was_saved_up_leaves),
	UNIT(probes_that_fail_are_further_and_further_apart),
	UNIT(the_time_that_the_service_names_counts_up_to_a_bound),
	UNIT(refusals_of_one_crowd_count_once),
	UNIT(a_probe_that_is_given_up_makes_room_for_another),
	UNIT(a_slow_family_has_room_for_reading_ahead),
};

UNIT_MAIN("bucket", tests)
