/* rest/limiter: a 429 stops its family for all threads, and no other. */
#include "config.h"

#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "rest/limiter.h"
#include "tests/support/unit.h"

static struct limiter *limiter;
static int64_t began;

static bool
is_over(void *arg)
{
	(void)arg;
	return clock_mono_ms() - began > 200;
}

static int64_t
passed_ms(enum rest_family family)
{
	struct call call = { .op = "test" };

	ck_assert_int_eq(limiter_wait(limiter, &call, family), 0);
	return clock_mono_ms() - began;
}

static void
begin(void)
{
	ck_assert_int_eq(limiter_new(&limiter), 0);
	began = clock_mono_ms();
}

START_TEST(an_open_gate_lets_everybody_pass)
{
	begin();
	for (int i = 0; i < 1000; i++)
		(void)passed_ms(REST_DBFS);
	ck_assert_int_lt(passed_ms(REST_DBFS), 1000);
	limiter_free(limiter);
}
END_TEST

START_TEST(a_hold_stops_its_family_alone)
{
	begin();
	limiter_hold(limiter, REST_DBFS, 400);
	ck_assert_int_lt(passed_ms(REST_OTHER), 300);
	ck_assert_int_ge(passed_ms(REST_DBFS), 400);
	limiter_free(limiter);
}
END_TEST

START_TEST(a_shorter_hold_does_not_open_early)
{
	begin();
	limiter_hold(limiter, REST_DBFS, 400);
	limiter_hold(limiter, REST_DBFS, 10);
	ck_assert_int_ge(passed_ms(REST_DBFS), 400);
	limiter_free(limiter);
}
END_TEST

START_TEST(a_wait_can_be_interrupted)
{
	struct call call = { .op = "test", .interrupted = is_over };

	begin();
	limiter_hold(limiter, REST_DBFS, 60000);
	ck_assert_int_eq(limiter_wait(limiter, &call, REST_DBFS), -EINTR);
	ck_assert_int_lt(clock_mono_ms() - began, 2000);
	limiter_free(limiter);
}
END_TEST

static void *
pass(void *arg)
{
	*(int64_t *)arg = passed_ms(REST_DBFS);
	return NULL;
}

#define WAITING 10

START_TEST(those_who_waited_come_back_one_by_one)
{
	pthread_t threads[WAITING];
	int64_t at[WAITING], last = 0;

	begin();
	limiter_hold(limiter, REST_DBFS, 300);
	for (int i = 0; i < WAITING; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, pass,
				     &at[i]),
		    0);
	for (int i = 0; i < WAITING; i++) {
		(void)pthread_join(threads[i], NULL);
		ck_assert_int_ge(at[i], 300);
		last = at[i] > last ? at[i] : last;
	}
	ck_assert_int_ge(last, 300 + (WAITING - 1) * LIMITER_PACE_MS);
	limiter_free(limiter);
}
END_TEST

START_TEST(a_hold_while_waiting_counts)
{
	pthread_t thread;
	int64_t at = 0;

	begin();
	limiter_hold(limiter, REST_DBFS, 300);
	ck_assert_int_eq(pthread_create(&thread, NULL, pass, &at), 0);
	limiter_hold(limiter, REST_DBFS, 700);
	(void)pthread_join(thread, NULL);
	ck_assert_int_ge(at, 700);
	limiter_free(limiter);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(an_open_gate_lets_everybody_pass),
	UNIT(a_hold_stops_its_family_alone),
	UNIT(a_shorter_hold_does_not_open_early),
	UNIT(a_wait_can_be_interrupted),
	UNIT(those_who_waited_come_back_one_by_one),
	UNIT(a_hold_while_waiting_counts),
};

UNIT_MAIN("limiter", tests)
