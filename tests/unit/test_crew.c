/* backend/crew: the same call for many things, a few at a time. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "backend/crew.h"
#include "base/clock.h"
#include "base/text.h"
#include "tests/support/unit.h"

#define THINGS 100

struct bench {
	struct call call;
	atomic_bool interrupt, open; /* open: what waits goes on */
	atomic_uint calls, now, most; /* under way */
	atomic_uint of[THINGS];
	size_t fails; /* which thing; THINGS: none */
	int err;
	bool waits; /* each, until open */
	atomic_uint let_gos;
};

static bool
is_interrupted(void *arg)
{
	struct bench *b = arg;

	return atomic_load(&b->interrupt);
}

static void
let_go(void *arg)
{
	struct bench *b = arg;

	atomic_fetch_add(&b->let_gos, 1);
}

static void
bench_make(struct bench *b)
{
	*b = (struct bench){ .fails = THINGS };
	b->call = (struct call){ .op = "test", .interrupted = is_interrupted,
		.let_go = let_go, .arg = b };
}

static int
await(struct bench *b, struct call *call)
{
	while (b->waits && !atomic_load(&b->open)) {
		if (call_interrupted(call))
			return -EINTR;
		(void)usleep(1000);
	}
	return 0;
}

static int
work(void *ctx, struct call *call, size_t i)
{
	struct bench *b = ctx;
	unsigned now = atomic_fetch_add(&b->now, 1) + 1;
	unsigned most = atomic_load(&b->most);
	int ret;

	while (now > most && !atomic_compare_exchange_weak(&b->most, &most, now))
		;
	atomic_fetch_add(&b->calls, 1);
	atomic_fetch_add(&b->of[i], 1);
	ret = await(b, call);
	if (ret == 0 && i == b->fails) {
		text_copy(call->words, sizeof(call->words), "this one");
		ret = b->err;
	}
	atomic_fetch_sub(&b->now, 1);
	return ret;
}

static void
await_calls(struct bench *b, unsigned n)
{
	int64_t until = clock_mono_ms() + 60000;

	while (atomic_load(&b->calls) < n) {
		ck_assert_int_lt(clock_mono_ms(), until);
		(void)usleep(1000);
	}
}

/* --- in a thread ------------------------------------------------------------------- */

struct runner {
	struct bench *bench;
	size_t n;
	unsigned width;
	crew_fn *work;
	pthread_t thread;
	int ret;
};

static void *
run(void *arg)
{
	struct runner *r = arg;

	r->ret = crew_run(r->n, r->width, &r->bench->call, r->work, r->bench);
	return NULL;
}

static void
runner_start(struct runner *r)
{
	ck_assert_int_eq(pthread_create(&r->thread, NULL, run, r), 0);
}

static int
runner_join(struct runner *r)
{
	(void)pthread_join(r->thread, NULL);
	return r->ret;
}

/* --- */

static const struct {
	size_t n;
	unsigned width, most;
} sizes[] = {
	{ 0, 8, 0 },
	{ 1, 8, 1 },
	{ 5, 8, 5 },
	{ THINGS, 8, 8 },
	{ THINGS, 1, 1 },
	{ THINGS, 0, 1 },
	{ THINGS, 10000, 17 },
};

START_TEST(each_is_done_once)
{
	struct bench b;

	bench_make(&b);
	ck_assert_int_eq(crew_run(sizes[_i].n, sizes[_i].width, &b.call, work,
			     &b), 0);
	for (size_t i = 0; i < THINGS; i++)
		ck_assert_uint_eq(b.of[i], i < sizes[_i].n);
	ck_assert_uint_eq(b.now, 0);
	ck_assert_uint_le(b.most, sizes[_i].most);
	ck_assert_str_eq(b.call.words, "");
}
END_TEST

START_TEST(they_run_at_the_same_time)
{
	struct bench b;
	struct runner r = { &b, THINGS, 8, work, 0, 0 };

	bench_make(&b);
	b.waits = true;
	runner_start(&r);
	await_calls(&b, 8);
	(void)usleep(20000);
	ck_assert_uint_eq(b.calls, 8);
	atomic_store(&b.open, true);
	ck_assert_int_eq(runner_join(&r), 0);
	ck_assert_uint_eq(b.calls, THINGS);
}
END_TEST

START_TEST(the_first_error_ends_it)
{
	struct bench b;

	bench_make(&b);
	b.fails = 10;
	b.err = -EACCES;
	ck_assert_int_eq(crew_run(THINGS, 1, &b.call, work, &b), -EACCES);
	ck_assert_str_eq(b.call.words, "this one");
	ck_assert_uint_eq(b.calls, 11);
	bench_make(&b);
	b.fails = 10;
	b.err = 7; /* any result but 0 */
	ck_assert_int_eq(crew_run(THINGS, 4, &b.call, work, &b), 7);
	ck_assert_uint_lt(b.calls, THINGS);
	ck_assert_uint_eq(b.now, 0);
}
END_TEST

/* One that fails while seven others wait: they are waited for. */
START_TEST(what_is_under_way_comes_to_its_end)
{
	struct bench b;
	struct runner r = { &b, THINGS, 8, work, 0, 0 };

	bench_make(&b);
	b.waits = true;
	b.fails = 3;
	b.err = -EIO;
	runner_start(&r);
	await_calls(&b, 8);
	atomic_store(&b.open, true);
	ck_assert_int_eq(runner_join(&r), -EIO);
	ck_assert_uint_eq(b.now, 0);
}
END_TEST

START_TEST(an_interrupt_ends_it)
{
	struct bench b;
	struct runner r = { &b, THINGS, 8, work, 0, 0 };

	bench_make(&b);
	b.waits = true;
	runner_start(&r);
	await_calls(&b, 8);
	atomic_store(&b.interrupt, true);
	ck_assert_int_eq(runner_join(&r), -EINTR);
	ck_assert_uint_eq(b.calls, 8);
	/* Before the first one, nothing is done. */
	ck_assert_int_eq(crew_run(THINGS, 8, &b.call, work, &b), -EINTR);
	ck_assert_uint_eq(b.calls, 8);
}
END_TEST

/* --- how urgent it is ----------------------------------------------------------------- */

static int
wait_for_urgency(void *ctx, struct call *call, size_t i)
{
	struct bench *b = ctx;

	(void)i;
	atomic_fetch_add(&b->calls, 1);
	/* As whatever waits does it. */
	while (call_class(call) != CALL_DEMAND) {
		if (call_interrupted(call))
			return -EINTR;
		(void)usleep(1000);
	}
	return 0;
}

START_TEST(what_is_under_way_becomes_as_urgent_as_who_waits)
{
	struct bench b;
	struct runner r = { &b, 4, 4, wait_for_urgency, 0, 0 };

	bench_make(&b);
	b.call.class = CALL_AHEAD;
	runner_start(&r);
	await_calls(&b, 4);
	call_promote(&b.call);
	ck_assert_int_eq(runner_join(&r), 0);
}
END_TEST

static int
be_steady(void *ctx, struct call *call, size_t i)
{
	struct bench *b = ctx;
	struct call steady = call_steady(call);

	(void)i;
	atomic_store(&b->interrupt, true);
	ck_assert(!call_interrupted(&steady));
	atomic_store(&b->interrupt, false);
	return 0;
}

START_TEST(a_program_may_be_let_go)
{
	struct bench b;

	bench_make(&b);
	ck_assert_int_eq(crew_run(1, 1, &b.call, be_steady, &b), 0);
	ck_assert_uint_eq(b.let_gos, 1);
	b.call.let_go = NULL;
	ck_assert_int_eq(crew_run(1, 1, &b.call, be_steady, &b), 0);
	ck_assert_uint_eq(b.let_gos, 1);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(each_is_done_once, sizes),
	UNIT(they_run_at_the_same_time),
	UNIT(the_first_error_ends_it),
	UNIT(what_is_under_way_comes_to_its_end),
	UNIT(an_interrupt_ends_it),
	UNIT(what_is_under_way_becomes_as_urgent_as_who_waits),
	UNIT(a_program_may_be_let_go),
};

UNIT_MAIN("crew", tests)
