/* net/slots, net/warm: who gets a connection, and which; those that are opened
 * beforehand. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/slots.h"
#include "net/warm.h"
#include "tests/support/script_server.h"
#include "tests/support/unit.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static struct http_pool *pool;
static int64_t began;

static void
begin(unsigned data, unsigned meta)
{
	const struct http_config config = {
		.user_agent = "test",
		.data_slots = data,
		.meta_slots = meta,
		.no_proxy = true,
	};

	ck_assert_int_eq(http_pool_new(&config, &pool), 0);
	began = clock_mono_ms();
}

/* Asks once: a wait is over at its first look. */
static bool
always(void *arg)
{
	(void)arg;
	return true;
}

/* NULL: none is to be had. */
static struct slot *
get(enum call_class class, bool metadata)
{
	struct call call = { .op = "test", .class = class,
		.interrupted = always };
	struct slot *s;

	return slots_get(pool, &call, metadata, &s) == 0 ? s : NULL;
}

static void
put_all(struct slot **slots, int n)
{
	for (int i = 0; i < n; i++)
		slots_put(pool, slots[i]);
	http_pool_free(pool);
}

START_TEST(the_one_used_last_is_lent_first)
{
	struct slot *a, *b;

	begin(4, 2);
	a = get(CALL_DEMAND, false);
	b = get(CALL_DEMAND, false);
	slots_put(pool, a);
	slots_put(pool, b);
	ck_assert_ptr_eq(get(CALL_DEMAND, false), b);
	ck_assert_ptr_eq(get(CALL_DEMAND, false), a);
	put_all((struct slot *[]){ a, b }, 2);
}
END_TEST

START_TEST(reading_ahead_leaves_the_last_two)
{
	struct slot *s[10];

	begin(8, 8);
	for (int i = 0; i < 6; i++)
		ck_assert_ptr_nonnull(s[i] = get(CALL_AHEAD, false));
	ck_assert_ptr_null(get(CALL_AHEAD, false));
	ck_assert_ptr_nonnull(s[6] = get(CALL_BACKGROUND, false));
	ck_assert_ptr_null(get(CALL_AHEAD, false));
	ck_assert_ptr_nonnull(s[7] = get(CALL_DEMAND, false));
	ck_assert_ptr_null(get(CALL_DEMAND, false));
	put_all(s, 8);
	/* Nor does it fill the lane of metadata. */
	begin(8, 4);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(s[i] = get(CALL_AHEAD, true));
	for (int i = 3; i < 9; i++)
		ck_assert_ptr_nonnull(s[i] = get(CALL_AHEAD, true));
	ck_assert_ptr_null(get(CALL_AHEAD, true));
	ck_assert_ptr_nonnull(s[9] = get(CALL_DEMAND, true));
	put_all(s, 10);
}
END_TEST

START_TEST(metadata_borrows_from_data_and_not_the_other_way)
{
	struct slot *s[3];

	begin(1, 2);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(s[i] = get(CALL_DEMAND, true));
	ck_assert_ptr_null(get(CALL_DEMAND, true));
	put_all(s, 3);
	begin(1, 2);
	ck_assert_ptr_nonnull(s[0] = get(CALL_DEMAND, false));
	ck_assert_ptr_null(get(CALL_DEMAND, false));
	put_all(s, 1);
}
END_TEST

/* --- waiting ------------------------------------------------------------------------ */

struct waiter {
	pthread_t thread;
	struct call call;
	unsigned turn, looks;
};

static unsigned turns;

/* Tells that the wait has begun, and ends none. */
static bool
seen(void *arg)
{
	struct waiter *w = arg;

	(void)__atomic_add_fetch(&w->looks, 1, __ATOMIC_RELAXED);
	return false;
}

static void *
wait_and_put(void *arg)
{
	struct waiter *w = arg;
	struct slot *s;

	ck_assert_int_eq(slots_get(pool, &w->call, false, &s), 0);
	w->turn = ++turns; /* there is one slot */
	slots_put(pool, s);
	return NULL;
}

static void
wait_for_slot(struct waiter *w, enum call_class class)
{
	*w = (struct waiter){ .call = { .op = "test", .class = class,
		.interrupted = seen, .arg = w } };
	ck_assert_int_eq(pthread_create(&w->thread, NULL, wait_and_put, w), 0);
	while (__atomic_load_n(&w->looks, __ATOMIC_RELAXED) == 0)
		(void)usleep(1000);
}

START_TEST(the_line_is_by_class_and_then_by_time)
{
	struct slot *only;
	struct waiter w[6];

	begin(1, 1);
	only = get(CALL_DEMAND, false);
	wait_for_slot(&w[0], CALL_AHEAD);
	wait_for_slot(&w[1], CALL_BACKGROUND);
	wait_for_slot(&w[2], CALL_DEMAND);
	wait_for_slot(&w[3], CALL_DEMAND);
	wait_for_slot(&w[4], CALL_BACKGROUND);
	wait_for_slot(&w[5], CALL_AHEAD);
	call_promote(&w[0].call);
	slots_put(pool, only);
	for (int i = 0; i < 6; i++)
		(void)pthread_join(w[i].thread, NULL);
	ck_assert_uint_eq(w[0].turn, 1);
	ck_assert_uint_eq(w[2].turn, 2);
	ck_assert_uint_eq(w[3].turn, 3);
	ck_assert_uint_eq(w[1].turn, 4);
	ck_assert_uint_eq(w[4].turn, 5);
	ck_assert_uint_eq(w[5].turn, 6);
	http_pool_free(pool);
}
END_TEST

/* --- opened beforehand --------------------------------------------------------------- */

START_TEST(what_is_opened_beforehand_is_used)
{
	static const struct script_step steps[] = { { .send = OK }, { .send = OK } };
	struct script_server *server = script_start(steps, ARRAY_LEN(steps));
	struct call call = { .op = "test" };
	struct http_request req = { .method = "GET", .url = server->url,
		.repeatable = true, .idle_ms = 20000, .answer_ms = 20000,
		.body_max = 100 };
	struct http_reply reply;
	struct warm *warm;

	begin(1, 1);
	ck_assert_int_eq(warm_start(pool, server->url, 1, &warm), 0);
	while (server->n_requests == 0)
		(void)usleep(1000);
	/* Its slot is free when it has its answer. */
	ck_assert_int_eq(http_exchange(pool, &call, &req, &reply), 0);
	ck_assert_uint_eq(server->n_requests, 2);
	ck_assert_uint_eq(server->n_connections, 1);
	ck_assert_ptr_null(strstr(server->requests[0], "Authorization"));
	http_reply_release(&reply);
	warm_stop(warm);
	http_pool_free(pool);
	script_free(server);
}
END_TEST

START_TEST(nobody_waits_for_a_server_that_does_not_answer)
{
	static const struct script_step steps[] = { { .end = SCRIPT_HANG } };
	struct script_server *server = script_start(steps, ARRAY_LEN(steps));
	struct slot *s[8];
	struct warm *warm;

	begin(8, 1);
	ck_assert_int_eq(warm_start(pool, server->url, 4, &warm), 0);
	while (server->n_requests == 0)
		(void)usleep(1000);
	began = clock_mono_ms();
	warm_stop(warm);
	ck_assert_int_lt(clock_mono_ms() - began, 5000);
	ck_assert_uint_eq(server->n_requests, 1);
	for (int i = 0; i < 8; i++) /* all are back */
		ck_assert_ptr_nonnull(s[i] = get(CALL_DEMAND, false));
	put_all(s, 8);
	script_free(server);
}
END_TEST

START_TEST(a_failure_is_the_end_of_it)
{
	static const struct script_step steps[] = { { .end = SCRIPT_CLOSE } };
	struct script_server *server = script_start(steps, ARRAY_LEN(steps));
	struct slot *s[4];
	struct warm *warm;

	begin(4, 1);
	ck_assert_int_eq(warm_start(pool, server->url, 2, &warm), 0);
	/* They are all lent until it is over. */
	while (server->n_requests == 0)
		(void)usleep(1000);
	for (int i = 0; i < 4; i++) {
		while ((s[i] = get(CALL_DEMAND, false)) == NULL)
			(void)usleep(1000);
	}
	ck_assert_uint_eq(server->n_requests, 1);
	warm_stop(warm);
	put_all(s, 4);
	script_free(server);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(the_one_used_last_is_lent_first),
	UNIT(reading_ahead_leaves_the_last_two),
	UNIT(metadata_borrows_from_data_and_not_the_other_way),
	UNIT(the_line_is_by_class_and_then_by_time),
	UNIT(what_is_opened_beforehand_is_used),
	UNIT(nobody_waits_for_a_server_that_does_not_answer),
	UNIT(a_failure_is_the_end_of_it),
};

UNIT_MAIN("slots", tests)
