/* rest/limiter: whose turn it is while the service wants to be asked more slowly.
 *
 * What a bucket does is in test_bucket.c; here are its line, its waits and its locks. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "rest/limiter.h"
#include "tests/support/unit.h"

#define FOR_EVER INT64_MAX
#define FULL	 28 /* calls that leave at once in the beginning */

static struct limiter *limiter;
static int64_t began;

static void
begin(void)
{
	ck_assert_int_eq(limiter_new(&limiter), 0);
	began = clock_mono_ms();
}

static int64_t
since(void)
{
	return clock_mono_ms() - began;
}

static struct limiter_view
look(void)
{
	struct limiter_view v;

	limiter_look(limiter, REST_DBFS, &v);
	return v;
}

static struct bucket_pass
pass(enum rest_family family)
{
	struct call call = { .op = "test" };
	struct bucket_pass out;

	ck_assert_int_eq(limiter_wait(limiter, &call, family, FOR_EVER, &out),
	    0);
	return out;
}

/* The service says 429. */
static void
throttle(int64_t after_ms)
{
	struct bucket_pass p = pass(REST_DBFS);

	limiter_done(limiter, REST_DBFS, &p, LIMITER_THROTTLED, after_ms);
}

/* --- alone ------------------------------------------------------------------------- */

START_TEST(what_was_saved_up_leaves_at_once_and_the_rest_in_time)
{
	begin();
	ck_assert_double_eq(look().tokens, FULL);
	for (int i = 0; i < FULL + 6; i++)
		(void)pass(REST_DBFS);
	ck_assert_int_ge(since(), 6 * 1000 / 30);
	limiter_free(limiter);
}
END_TEST

START_TEST(reading_ahead_leaves_a_reserve)
{
	struct call ahead = { .op = "test", .class = CALL_AHEAD };
	struct bucket_pass out;

	begin();
	for (int i = 0; i < FULL; i++)
		(void)pass(REST_DBFS);
	ck_assert_int_eq(limiter_wait(limiter, &ahead, REST_DBFS, FOR_EVER,
			     &out), 0);
	ck_assert_double_ge(look().tokens, BUCKET_RESERVE);
	limiter_free(limiter);
}
END_TEST

START_TEST(a_hold_stops_its_family_alone)
{
	begin();
	throttle(400);
	(void)pass(REST_OTHER);
	ck_assert_int_gt(look().held_ms, 0);
	ck_assert_uint_eq(look().throttled, 1);
	(void)pass(REST_DBFS);
	ck_assert_int_ge(since(), 400);
	limiter_free(limiter);
}
END_TEST

static bool
is_over(void *arg)
{
	(void)arg;
	return since() > 200;
}

START_TEST(a_wait_can_be_interrupted)
{
	struct call call = { .op = "test", .interrupted = is_over };
	struct bucket_pass out;

	begin();
	throttle(30000);
	ck_assert_int_eq(limiter_wait(limiter, &call, REST_DBFS, FOR_EVER, &out),
	    -EINTR);
	ck_assert_int_lt(since(), 2000);
	ck_assert_uint_eq(look().waiting[CALL_DEMAND], 0);
	limiter_free(limiter);
}
END_TEST

START_TEST(patience_has_an_end_while_the_service_does_not_want_us)
{
	struct call call = { .op = "test" };
	struct bucket_pass out;

	begin();
	/* It says that it will not be in time. */
	throttle(30000);
	ck_assert_int_eq(limiter_wait(limiter, &call, REST_DBFS, began + 5000,
			     &out), -EBUSY);
	ck_assert_int_lt(since(), 4000);
	limiter_free(limiter);
	/* It has not said so, but nobody who looks comes back. */
	begin();
	throttle(100);
	(void)pass(REST_DBFS);
	began = clock_mono_ms();
	ck_assert_int_eq(limiter_wait(limiter, &call, REST_DBFS, began + 100,
			     &out), -EBUSY);
	ck_assert_int_ge(since(), 100);
	limiter_free(limiter);
	/* A long line is another thing. */
	begin();
	for (int i = 0; i < FULL; i++)
		(void)pass(REST_DBFS);
	ck_assert_int_eq(limiter_wait(limiter, &call, REST_DBFS, began, &out),
	    0);
	limiter_free(limiter);
}
END_TEST

/* --- with others -------------------------------------------------------------------- */

struct waiter {
	pthread_t thread;
	struct call call;
	struct bucket_pass pass;
	bool refused; /* is what the service answers */
	unsigned turn; /* from 1 */
	int ret;
};

static unsigned turns;

static void *
wait_in_line(void *arg)
{
	struct waiter *w = arg;

	w->ret = limiter_wait(limiter, &w->call, REST_DBFS, FOR_EVER, &w->pass);
	__atomic_store_n(&w->turn, __atomic_add_fetch(&turns, 1,
	    __ATOMIC_SEQ_CST), __ATOMIC_RELAXED);
	if (w->ret == 0)
		limiter_done(limiter, REST_DBFS, &w->pass, w->refused ?
		    LIMITER_THROTTLED : LIMITER_ANSWERED, 50);
	return NULL;
}

static unsigned
waiting(void)
{
	struct limiter_view v = look();

	return v.waiting[CALL_DEMAND] + v.waiting[CALL_BACKGROUND] +
	       v.waiting[CALL_AHEAD];
}

/* Joins the line, after those who are in it. */
static void
join(struct waiter *w, enum call_class class)
{
	unsigned before = waiting();

	w->call = (struct call){ .op = "test", .class = class };
	w->turn = 0;
	ck_assert_int_eq(pthread_create(&w->thread, NULL, wait_in_line, w), 0);
	while (waiting() == before &&
	       __atomic_load_n(&w->turn, __ATOMIC_RELAXED) == 0)
		(void)usleep(1000);
}

static void
expect_turn(struct waiter *w, unsigned turn)
{
	(void)pthread_join(w->thread, NULL);
	ck_assert_int_eq(w->ret, 0);
	ck_assert_uint_eq(w->turn, turn);
}

START_TEST(after_a_hold_programs_come_first_and_ahead_last)
{
	struct waiter w[5];

	begin();
	throttle(3000);
	/* One at a time. */
	for (int i = 0; i < 5; i++)
		w[i].refused = true;
	join(&w[0], CALL_AHEAD);
	join(&w[1], CALL_BACKGROUND);
	join(&w[2], CALL_AHEAD);
	join(&w[3], CALL_DEMAND);
	join(&w[4], CALL_DEMAND);
	ck_assert_int_eq(look().waiting[CALL_AHEAD], 2);
	/* Somebody wants now what is read ahead. */
	call_promote(&w[2].call);
	ck_assert_int_eq(look().waiting[CALL_AHEAD], 1);
	ck_assert_int_gt(look().held_ms, 0);
	expect_turn(&w[2], 1);
	expect_turn(&w[3], 2);
	expect_turn(&w[4], 3);
	expect_turn(&w[1], 4);
	expect_turn(&w[0], 5);
	ck_assert_int_ge(since(), 3000);
	limiter_free(limiter);
}
END_TEST

START_TEST(while_one_looks_the_others_wait)
{
	struct waiter w = { .refused = false };
	struct bucket_pass probe;

	begin();
	throttle(100);
	probe = pass(REST_DBFS);
	join(&w, CALL_DEMAND);
	/* He is given up, and the next one looks. */
	limiter_done(limiter, REST_DBFS, &probe, LIMITER_DROPPED, -1);
	expect_turn(&w, 1);
	ck_assert(w.pass.probe);
	ck_assert(!pass(REST_DBFS).probe);
	limiter_free(limiter);
}
END_TEST

#define CROWD 40

START_TEST(a_crowd_gets_through_whatever_happens)
{
	struct waiter w[CROWD];

	begin();
	throttle(100);
	for (int i = 0; i < CROWD; i++)
		w[i].refused = false;
	for (int i = 0; i < CROWD; i++)
		join(&w[i], (enum call_class)(i % CALL_CLASSES));
	for (int i = 0; i < CROWD; i++) {
		(void)pthread_join(w[i].thread, NULL);
		ck_assert_int_eq(w[i].ret, 0);
	}
	ck_assert_uint_eq(waiting(), 0);
	limiter_free(limiter);
}
END_TEST

START_TEST(all_families_are_shown)
{
	static const char *const lines[] = {
		"# TYPE brickfs_rate_limit gauge\n",
		"\nbrickfs_rate_limit{family=\"dbfs\"} 30\n",
		"\nbrickfs_rate_limit{family=\"files\"} 80\n",
		"\nbrickfs_rate_tokens{family=\"workspace\"} 28\n",
		"\nbrickfs_rate_held_seconds{family=\"jobs\"} 0\n",
		"\nbrickfs_rate_throttled_total{family=\"dbfs\"} 1\n",
		"\nbrickfs_rate_waiting{family=\"other\",class=\"ahead\"} 0\n",
	};
	struct buf out;

	begin();
	throttle(-1);
	buf_init(&out, BUF_LIMIT_TEXT);
	ck_assert_int_eq(limiter_print(limiter, &out), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(buf_text(&out), lines[i]) != NULL,
		    "%s is not in %s", lines[i], buf_text(&out));
	buf_release(&out);
	limiter_free(limiter);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_was_saved_up_leaves_at_once_and_the_rest_in_time),
	UNIT(reading_ahead_leaves_a_reserve),
	UNIT(a_hold_stops_its_family_alone),
	UNIT(a_wait_can_be_interrupted),
	UNIT(patience_has_an_end_while_the_service_does_not_want_us),
	UNIT(after_a_hold_programs_come_first_and_ahead_last),
	UNIT(while_one_looks_the_others_wait),
	UNIT(a_crowd_gets_through_whatever_happens),
	UNIT(all_families_are_shown),
};

UNIT_MAIN("limiter", tests)
