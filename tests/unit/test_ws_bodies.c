/* backend/ws_bodies: whole contents that were just fetched. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "backend/ws_bodies.h"
#include "base/clock.h"
#include "base/text.h"
#include "tests/support/unit.h"

#define LIMIT ((size_t)20 << 20)

static struct ws_bodies *bodies;

/* What the service does. */
static atomic_uint fetches;
static atomic_bool blocked;
static int fetch_err;
static size_t fetch_len;
static struct call *_Atomic fetcher;

static int
fetch(void *ctx, struct call *call, struct buf *out)
{
	const char *text = ctx;

	atomic_store(&fetcher, call);
	atomic_fetch_add(&fetches, 1);
	while (atomic_load(&blocked)) {
		if (call_interrupted(call))
			return -EINTR;
		(void)usleep(1000);
	}
	if (fetch_err < 0) {
		text_copy(call->words, sizeof(call->words), "the service says");
		return fetch_err;
	}
	while (out->len < fetch_len) {
		int ret = buf_append(out, text, strlen(text));

		if (ret < 0)
			return ret;
	}
	return buf_puts(out, text);
}

static void
begin(void)
{
	ck_assert_int_eq(ws_bodies_new(&bodies), 0);
}

static void
finish(void)
{
	ws_bodies_free(bodies);
}

static void
await_fetches(unsigned n)
{
	int64_t until = clock_mono_ms() + 60000;

	while (atomic_load(&fetches) < n) {
		ck_assert_int_lt(clock_mono_ms(), until);
		(void)usleep(1000);
	}
}

/* --- one who wants it -------------------------------------------------------------- */

struct reader {
	struct ws_body_key key;
	const char *text; /* that the service has for him */
	struct call call;
	atomic_bool interrupt;
	atomic_bool waits; /* looks whether it was interrupted */
	pthread_t thread;
	const struct ws_body *body;
	int ret;
};

static bool
is_interrupted(void *arg)
{
	struct reader *r = arg;

	atomic_store(&r->waits, true);
	return atomic_load(&r->interrupt);
}

static void
reader_init(struct reader *r, uint64_t id, int64_t mtime_ms, const char *text)
{
	*r = (struct reader){ .key = { id, mtime_ms, 1 }, .text = text };
	r->call = (struct call){ .op = "test", .interrupted = is_interrupted,
		.arg = r };
}

static int
reader_get(struct reader *r)
{
	r->ret = ws_bodies_get(bodies, &r->call, &r->key, LIMIT, fetch,
	    (void *)(uintptr_t)r->text, &r->body);
	return r->ret;
}

static void *
run(void *arg)
{
	(void)reader_get(arg);
	return NULL;
}

static void
reader_start(struct reader *r)
{
	ck_assert_int_eq(pthread_create(&r->thread, NULL, run, r), 0);
}

/* ... and waits in it. */
static void
reader_start_waiting(struct reader *r)
{
	int64_t until = clock_mono_ms() + 60000;

	reader_start(r);
	while (!atomic_load(&r->waits)) {
		ck_assert_int_lt(clock_mono_ms(), until);
		(void)usleep(1000);
	}
}

static int
reader_join(struct reader *r)
{
	(void)pthread_join(r->thread, NULL);
	return r->ret;
}

/* Gets it, expects that text, and gives it back. */
static void
expect(uint64_t id, int64_t mtime_ms, const char *has, const char *wants)
{
	struct reader r;

	reader_init(&r, id, mtime_ms, has);
	ck_assert_int_eq(reader_get(&r), 0);
	ck_assert_str_eq(r.body->text, wants);
	ck_assert_uint_eq(r.body->len, strlen(wants));
	ws_bodies_release(bodies, r.body);
}

/* --- what is kept ------------------------------------------------------------------ */

START_TEST(a_content_is_fetched_once)
{
	begin();
	expect(1, 1000, "one", "one");
	expect(1, 1000, "two", "one");
	ck_assert_uint_eq(fetches, 1);
	/* Another version, object, form. */
	expect(1, 2000, "two", "two");
	expect(2, 1000, "three", "three");
	ck_assert_uint_eq(fetches, 3);
	ws_bodies_drop(bodies, 1);
	expect(1, 1000, "four", "four");
	expect(2, 1000, "", "three");
	ck_assert_uint_eq(fetches, 4);
	finish();
}
END_TEST

START_TEST(an_empty_content_is_one)
{
	begin();
	expect(1, 1000, "", "");
	expect(1, 1000, "x", "");
	finish();
}
END_TEST

/* One without an id could be any, and one without a time any version. */
START_TEST(what_cannot_be_told_apart_is_not_kept)
{
	begin();
	expect(1, 0, "one", "one");
	expect(1, 0, "two", "two");
	expect(0, 1000, "three", "three");
	expect(0, 1000, "four", "four");
	finish();
}
END_TEST

START_TEST(without_an_id_nothing_is_shared)
{
	struct reader a, b;

	begin();
	atomic_store(&blocked, true);
	reader_init(&a, 0, 1000, "one");
	reader_init(&b, 0, 1000, "two");
	reader_start(&a);
	await_fetches(1);
	reader_start(&b);
	await_fetches(2);
	atomic_store(&blocked, false);
	ck_assert_int_eq(reader_join(&a), 0);
	ck_assert_int_eq(reader_join(&b), 0);
	ck_assert_str_eq(a.body->text, "one");
	ck_assert_str_eq(b.body->text, "two");
	ws_bodies_release(bodies, a.body);
	ws_bodies_release(bodies, b.body);
	finish();
}
END_TEST

START_TEST(what_nobody_reads_is_bounded)
{
	begin();
	fetch_len = WS_BODIES_KEPT / 4 - 8;
	for (uint64_t id = 1; id <= 5; id++) {
		struct reader r;

		reader_init(&r, id, 1000, "12345678");
		ck_assert_int_eq(reader_get(&r), 0);
		ws_bodies_release(bodies, r.body);
	}
	fetch_len = 0;
	for (uint64_t id = 5; id >= 2; id--) {
		struct reader r;

		reader_init(&r, id, 1000, "");
		ck_assert_int_eq(reader_get(&r), 0);
		ws_bodies_release(bodies, r.body);
	}
	ck_assert_uint_eq(fetches, 5);
	expect(1, 1000, "again", "again"); /* the oldest has gone */
	finish();
}
END_TEST

/* It is read block by block. */
START_TEST(the_last_one_stays_however_large_it_is)
{
	struct reader r;

	begin();
	fetch_len = WS_BODIES_KEPT + 1;
	for (int i = 0; i < 10; i++) {
		reader_init(&r, 1, 1000, "x");
		ck_assert_int_eq(reader_get(&r), 0);
		ck_assert_uint_gt(r.body->len, WS_BODIES_KEPT);
		ws_bodies_release(bodies, r.body);
	}
	ck_assert_uint_eq(fetches, 1);
	/* It goes when another one was read. */
	fetch_len = 0;
	expect(2, 1000, "other", "other");
	expect(1, 1000, "again", "again");
	finish();
}
END_TEST

START_TEST(what_is_dropped_takes_no_room)
{
	struct reader r;

	begin();
	expect(1, 1000, "one", "one");
	fetch_len = WS_BODIES_KEPT - 2;
	reader_init(&r, 2, 1000, "x");
	ck_assert_int_eq(reader_get(&r), 0);
	ws_bodies_drop(bodies, 2);
	ws_bodies_release(bodies, r.body);
	fetch_len = 0;
	expect(1, 1000, "", "one");
	finish();
}
END_TEST

START_TEST(too_large_a_content_is_an_error)
{
	struct reader r;

	begin();
	fetch_len = LIMIT + 1;
	reader_init(&r, 1, 1000, "12345678");
	ck_assert_int_eq(reader_get(&r), -EFBIG);
	fetch_len = 0;
	expect(1, 1000, "less", "less");
	finish();
}
END_TEST

/* --- several who want it ----------------------------------------------------------- */

#define READERS 8

static void
start_all(struct reader *r, enum call_class class)
{
	atomic_store(&blocked, true);
	for (int i = 0; i < READERS; i++) {
		reader_init(&r[i], 1, 1000, "text");
		r[i].call.class = class;
	}
	reader_start(&r[0]);
	await_fetches(1);
	for (int i = 1; i < READERS; i++)
		reader_start_waiting(&r[i]);
}

START_TEST(all_get_what_one_fetches)
{
	struct reader r[READERS];

	begin();
	start_all(r, CALL_DEMAND);
	atomic_store(&blocked, false);
	for (int i = 0; i < READERS; i++) {
		ck_assert_int_eq(reader_join(&r[i]), 0);
		ck_assert_str_eq(r[i].body->text, "text");
		ck_assert_ptr_eq(r[i].body, r[0].body);
	}
	for (int i = 0; i < READERS; i++)
		ws_bodies_release(bodies, r[i].body);
	ck_assert_uint_eq(fetches, 1);
	finish();
}
END_TEST

START_TEST(an_error_is_for_all_who_wait)
{
	struct reader r[READERS];

	begin();
	fetch_err = -EACCES;
	start_all(r, CALL_DEMAND);
	atomic_store(&blocked, false);
	for (int i = 0; i < READERS; i++) {
		ck_assert_int_eq(reader_join(&r[i]), -EACCES);
		ck_assert_str_eq(r[i].call.words, "the service says");
	}
	ck_assert_uint_eq(fetches, 1);
	/* And for nobody else. */
	fetch_err = 0;
	expect(1, 1000, "text", "text");
	finish();
}
END_TEST

START_TEST(one_who_is_interrupted_leaves_the_work_to_the_others)
{
	struct reader r[READERS];

	begin();
	start_all(r, CALL_DEMAND);
	atomic_store(&r[0].interrupt, true);
	ck_assert_int_eq(reader_join(&r[0]), -EINTR);
	await_fetches(2);
	atomic_store(&blocked, false);
	for (int i = 1; i < READERS; i++) {
		ck_assert_int_eq(reader_join(&r[i]), 0);
		ck_assert_str_eq(r[i].body->text, "text");
		ws_bodies_release(bodies, r[i].body);
	}
	ck_assert_uint_eq(fetches, 2);
	finish();
}
END_TEST

START_TEST(one_who_waits_may_be_interrupted)
{
	struct reader r[READERS];

	begin();
	start_all(r, CALL_DEMAND);
	atomic_store(&r[1].interrupt, true);
	ck_assert_int_eq(reader_join(&r[1]), -EINTR);
	atomic_store(&blocked, false);
	for (int i = 0; i < READERS; i++) {
		if (i == 1)
			continue;
		ck_assert_int_eq(reader_join(&r[i]), 0);
		ws_bodies_release(bodies, r[i].body);
	}
	ck_assert_uint_eq(fetches, 1);
	finish();
}
END_TEST

START_TEST(who_waits_makes_it_urgent)
{
	struct reader a, b;
	int64_t until = clock_mono_ms() + 60000;

	begin();
	atomic_store(&blocked, true);
	reader_init(&a, 1, 1000, "text");
	a.call.class = CALL_AHEAD;
	reader_start(&a);
	await_fetches(1);
	reader_init(&b, 1, 1000, "text");
	reader_start_waiting(&b);
	while (call_class(atomic_load(&fetcher)) != CALL_DEMAND) {
		ck_assert_int_lt(clock_mono_ms(), until);
		(void)usleep(1000);
	}
	atomic_store(&blocked, false);
	ck_assert_int_eq(reader_join(&a), 0);
	ck_assert_int_eq(reader_join(&b), 0);
	ws_bodies_release(bodies, a.body);
	ws_bodies_release(bodies, b.body);
	finish();
}
END_TEST

/* The service says what it may say, and the error means "again" among ours. */
START_TEST(no_error_is_asked_for_without_end)
{
	struct reader r;

	begin();
	fetch_err = -EAGAIN;
	reader_init(&r, 1, 1000, "text");
	ck_assert_int_lt(reader_get(&r), 0);
	ck_assert_uint_eq(fetches, 1);
	finish();
}
END_TEST

/* --- changes ------------------------------------------------------------------------ */

START_TEST(what_is_dropped_while_it_is_fetched_is_for_who_waits_alone)
{
	struct reader a, b;

	begin();
	atomic_store(&blocked, true);
	reader_init(&a, 1, 1000, "old");
	reader_start(&a);
	await_fetches(1);
	reader_init(&b, 1, 1000, "old");
	reader_start_waiting(&b);
	ws_bodies_drop(bodies, 1);
	atomic_store(&blocked, false);
	ck_assert_int_eq(reader_join(&a), 0);
	ck_assert_int_eq(reader_join(&b), 0);
	ck_assert_str_eq(b.body->text, "old");
	expect(1, 1000, "new", "new");
	ws_bodies_release(bodies, a.body);
	ws_bodies_release(bodies, b.body);
	expect(1, 1000, "", "new");
	finish();
}
END_TEST

START_TEST(what_is_dropped_stays_for_its_reader)
{
	struct reader r;

	begin();
	reader_init(&r, 1, 1000, "old");
	ck_assert_int_eq(reader_get(&r), 0);
	ws_bodies_drop(bodies, 1);
	expect(1, 1000, "new", "new");
	ck_assert_str_eq(r.body->text, "old");
	ws_bodies_release(bodies, r.body);
	finish();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_content_is_fetched_once),
	UNIT(an_empty_content_is_one),
	UNIT(what_cannot_be_told_apart_is_not_kept),
	UNIT(without_an_id_nothing_is_shared),
	UNIT(what_nobody_reads_is_bounded),
	UNIT(the_last_one_stays_however_large_it_is),
	UNIT(what_is_dropped_takes_no_room),
	UNIT(too_large_a_content_is_an_error),
	UNIT(all_get_what_one_fetches),
	UNIT(an_error_is_for_all_who_wait),
	UNIT(one_who_is_interrupted_leaves_the_work_to_the_others),
	UNIT(one_who_waits_may_be_interrupted),
	UNIT(who_waits_makes_it_urgent),
	UNIT(no_error_is_asked_for_without_end),
	UNIT(what_is_dropped_while_it_is_fetched_is_for_who_waits_alone),
	UNIT(what_is_dropped_stays_for_its_reader),
};

UNIT_MAIN("ws_bodies", tests)
