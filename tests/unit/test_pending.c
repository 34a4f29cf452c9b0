/* cache/pending: what the server does not have yet. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/counters.h"
#include "base/lock.h"
#include "cache/pending.h"
#include "cache/staging.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

struct bench {
	struct temp_dir temp;
	struct staging *staging;
	struct pending *pending;
	struct call call;
};

/* What an item's action does. */
struct owner {
	struct bench *bench;
	struct pending_item *item;
	struct lock lock;
	struct cond changed;
	bool blocked, inside;
	unsigned acts, frees;
	enum pending_action last;
	bool remove; /* the action removes the item */
	int answer;
};

static int
act(void *ctx, struct call *call, enum pending_action action)
{
	struct owner *o = ctx;

	(void)call;
	lock_take(&o->lock);
	o->acts++;
	o->last = action;
	o->inside = true;
	cond_broadcast(&o->changed);
	while (o->blocked)
		cond_wait(&o->changed, &o->lock);
	lock_drop(&o->lock);
	if (o->remove)
		pending_remove(o->bench->pending, o->item);
	return o->answer;
}

static void
free_owner(void *ctx)
{
	struct owner *o = ctx;

	o->frees++;
}

static void
bench_make(struct bench *b)
{
	*b = (struct bench){ .call = { .op = "test" } };
	temp_dir_make(&b->temp);
	ck_assert_int_eq(staging_new(b->temp.path, &b->staging), 0);
	ck_assert_int_eq(pending_new(&b->pending), 0);
}

static void
bench_drop(struct bench *b)
{
	pending_free(b->pending);
	staging_free(b->staging);
	ck_assert_int_eq(counter_get(CTR_pending), 0);
	temp_dir_remove(&b->temp);
}

static void
add(struct bench *b, struct owner *o, const char *path)
{
	struct staged *data;

	*o = (struct owner){ .bench = b };
	lock_init(&o->lock, "owner");
	cond_init(&o->changed);
	ck_assert_int_eq(staged_new(b->staging, 0, &data), 0);
	ck_assert_int_eq(pending_add(b->pending, path, data, act, o, free_owner,
	    &o->item), 0);
	staged_unref(data);
}

START_TEST(items_are_listed_in_order_with_what_was_said_of_them)
{
	struct pending_info info;
	struct owner o[3];
	unsigned numbers[2];
	struct bench b;

	bench_make(&b);
	add(&b, &o[0], "a");
	add(&b, &o[1], "b");
	add(&b, &o[2], "c");
	ck_assert_uint_eq(pending_list(b.pending, numbers, 2), 3);
	ck_assert_uint_eq(numbers[0], 1);
	ck_assert_uint_eq(numbers[1], 2);
	pending_set(b.pending, o[1].item, PENDING_FAILED, "no luck");
	pending_move(b.pending, o[1].item, "d/e");
	ck_assert_int_eq(pending_get(b.pending, 2, &info), 0);
	ck_assert_uint_eq(info.number, 2);
	ck_assert_int_eq(info.state, PENDING_FAILED);
	ck_assert_str_eq(info.reason, "no luck");
	ck_assert_str_eq(info.path, "d/e");
	ck_assert_int_gt(info.since_ms, INT64_C(1600000000000));
	ck_assert_int_eq(counter_get(CTR_pending), 3);

	/* A copy outlives its item. */
	pending_remove(b.pending, o[1].item);
	ck_assert_uint_eq(o[1].frees, 1);
	ck_assert_uint_eq(staged_size(info.data), 0);
	pending_info_release(&info);
	pending_info_release(&info);
	ck_assert_int_eq(pending_get(b.pending, 2, &info), -ENOENT);
	ck_assert_int_eq(pending_act(b.pending, &b.call, 2, PENDING_RETRY),
	    -ENOENT);
	pending_clear(b.pending);
	ck_assert_uint_eq(o[0].frees, 1);
	ck_assert_uint_eq(o[2].frees, 1);
	bench_drop(&b);
}
END_TEST

START_TEST(a_long_reason_is_cut)
{
	struct pending_info info;
	struct owner o;
	struct bench b;
	char text[2 * PENDING_REASON_BYTES];

	bench_make(&b);
	add(&b, &o, "a");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pending_set(b.pending, o.item, PENDING_FAILED, text);
	ck_assert_int_eq(pending_get(b.pending, 1, &info), 0);
	ck_assert_uint_eq(strlen(info.reason), PENDING_REASON_BYTES - 1);
	pending_info_release(&info);
	pending_clear(b.pending);
	bench_drop(&b);
}
END_TEST

START_TEST(an_action_reaches_its_owner_and_may_remove_the_item)
{
	struct owner o;
	struct bench b;

	bench_make(&b);
	add(&b, &o, "a");
	o.answer = -EIO;
	ck_assert_int_eq(pending_act(b.pending, &b.call, 1, PENDING_RETRY),
	    -EIO);
	ck_assert_int_eq(o.last, PENDING_RETRY);
	ck_assert_uint_eq(o.frees, 0);
	o.answer = 0;
	o.remove = true;
	ck_assert_int_eq(pending_act(b.pending, &b.call, 1, PENDING_DISCARD),
	    0);
	ck_assert_int_eq(o.last, PENDING_DISCARD);
	ck_assert_uint_eq(o.frees, 1);
	ck_assert_uint_eq(pending_list(b.pending, NULL, 0), 0);
	bench_drop(&b);
}
END_TEST

static void *
retry(void *arg)
{
	struct owner *o = arg;
	struct call call = { .op = "test" };

	ck_assert_int_eq(pending_act(o->bench->pending, &call, 1,
	    PENDING_RETRY), 0);
	return NULL;
}

/* Both would settle the same content. */
START_TEST(a_second_action_on_an_item_is_refused_while_one_runs)
{
	struct owner o;
	struct bench b;
	pthread_t thread;

	bench_make(&b);
	add(&b, &o, "a");
	o.blocked = true;
	o.remove = true;
	ck_assert_int_eq(pthread_create(&thread, NULL, retry, &o), 0);
	lock_take(&o.lock);
	while (!o.inside)
		cond_wait(&o.changed, &o.lock);
	lock_drop(&o.lock);
	ck_assert_int_eq(pending_act(b.pending, &b.call, 1, PENDING_DISCARD),
	    -EBUSY);
	ck_assert_uint_eq(o.frees, 0);
	lock_take(&o.lock);
	o.blocked = false;
	cond_broadcast(&o.changed);
	lock_drop(&o.lock);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(o.acts, 1);
	ck_assert_uint_eq(o.frees, 1);
	bench_drop(&b);
}
END_TEST

START_TEST(an_item_removed_by_others_lives_while_its_action_runs)
{
	struct owner o;
	struct bench b;
	pthread_t thread;

	bench_make(&b);
	add(&b, &o, "a");
	o.blocked = true;
	ck_assert_int_eq(pthread_create(&thread, NULL, retry, &o), 0);
	lock_take(&o.lock);
	while (!o.inside)
		cond_wait(&o.changed, &o.lock);
	lock_drop(&o.lock);
	pending_remove(b.pending, o.item);
	ck_assert_uint_eq(o.frees, 0);
	lock_take(&o.lock);
	o.blocked = false;
	cond_broadcast(&o.changed);
	lock_drop(&o.lock);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(o.frees, 1);
	bench_drop(&b);
}
END_TEST

START_TEST(every_state_has_a_name)
{
	for (int s = PENDING_UPLOADING; s <= PENDING_KEPT; s++)
		ck_assert_ptr_nonnull(pending_state_name((enum pending_state)s));
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(items_are_listed_in_order_with_what_was_said_of_them),
	UNIT(a_long_reason_is_cut),
	UNIT(an_action_reaches_its_owner_and_may_remove_the_item),
	UNIT(a_second_action_on_an_item_is_refused_while_one_runs),
	UNIT(an_item_removed_by_others_lives_while_its_action_runs),
	UNIT(every_state_has_a_name),
};

UNIT_MAIN("pending", tests)
