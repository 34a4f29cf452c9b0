/* fs/save: which uploads run, in which order, and for whom. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/save.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

#define HOUR_MS ((int64_t)3600 * 1000)

/* A mount whose closes do not wait. */
static void
make_writeback(struct rig *r, int64_t writeback_ms)
{
	rig_init(r);
	r->config.writeback_ms = writeback_ms;
	rig_mount(r);
}

static unsigned
stuck(struct rig *r)
{
	unsigned n;

	lock_take(&r->fake.lock);
	n = r->fake.n_stuck;
	lock_drop(&r->fake.lock);
	return n;
}

static void
await_stuck(struct rig *r, unsigned n)
{
	while (stuck(r) < n)
		usleep(1000);
}

static void
save_many(struct rig *r, const char *stem, unsigned n)
{
	char path[64];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s%u", stem, i);
		ck_assert_int_eq(rig_save(r, path, "text"), 0);
	}
}

/* save_now of a path, as a close in a mount without writeback. */
static int
ask(struct rig *r, const char *path)
{
	struct node *n;
	int ret;

	ck_assert_int_eq(rig_walk(r, path, &n), 0);
	ret = save_now(r->v, &r->call, n);
	rig_put(r, n);
	return ret;
}

struct closer {
	pthread_t thread;
	struct rig view;
	char path[64];
	int ret;
};

static void *
run_closer(void *arg)
{
	struct closer *c = arg;

	c->ret = rig_save(&c->view, c->path, "text");
	return NULL;
}

START_TEST(uploads_of_several_programs_run_at_the_same_time)
{
	struct closer c[16];
	struct rig r;

	rig_make(&r);
	fake_block(&r.fake, FAKE_PUT);
	for (unsigned i = 0; i < 16; i++) {
		rig_view(&r, &c[i].view);
		(void)snprintf(c[i].path, sizeof(c[i].path), "/f%u", i);
		ck_assert_int_eq(pthread_create(&c[i].thread, NULL, run_closer,
		    &c[i]), 0);
	}
	fake_await(&r.fake, FAKE_PUT, 16);
	fake_unblock(&r.fake, FAKE_PUT);
	for (unsigned i = 0; i < 16; i++) {
		ck_assert_int_eq(pthread_join(c[i].thread, NULL), 0);
		ck_assert_int_eq(c[i].ret, 0);
	}
	rig_release(&r);
}
END_TEST

START_TEST(uploads_that_nobody_waits_for_leave_room_for_others)
{
	struct rig r;

	make_writeback(&r, 0);
	fake_stick(&r.fake, "/stuck");
	save_many(&r, "/stuck", 12);
	await_stuck(&r, 8);
	ck_assert_int_eq(rig_save(&r, "/free", "text"), 0);
	ck_assert_int_eq(ask(&r, "/free"), 0);
	fake_expect_text(&r.fake, "/free", "text");
	ck_assert_uint_eq(stuck(&r), 8);
	fake_stick(&r.fake, NULL);
	rig_settle(&r);
	rig_release(&r);
}
END_TEST

/* Brings forward what waits. */
static void
hurry(struct rig *r)
{
	struct node *n;

	lock_take(&r->v->lock);
	DL_FOREACH2(r->v->waiting, n, file->save_next)
		n->file->due_ms = 1;
	cond_broadcast(&r->v->work);
	lock_drop(&r->v->lock);
}

START_TEST(uploads_that_have_failed_leave_room_for_new_files)
{
	struct rig r;
	unsigned waiting = 0;

	make_writeback(&r, 0);
	fake_fail(&r.fake, FAKE_PUT, 1, 12, -EIO);
	save_many(&r, "/bad", 12);
	while (waiting < 12) {
		struct node *n;

		usleep(1000);
		lock_take(&r.v->lock);
		DL_COUNT2(r.v->waiting, n, waiting, file->save_next);
		lock_drop(&r.v->lock);
	}
	fake_stick(&r.fake, "/bad");
	hurry(&r);
	await_stuck(&r, 4);
	ck_assert_int_eq(rig_save(&r, "/new", "text"), 0);
	while (!fake_has(&r.fake, "/new"))
		usleep(1000);
	ck_assert_uint_eq(stuck(&r), 4);
	fake_stick(&r.fake, NULL);
	rig_settle(&r);
	rig_release(&r);
}
END_TEST

static enum call_class
put_class(struct rig *r)
{
	enum call_class class;

	lock_take(&r->fake.lock);
	class = r->fake.put_class;
	lock_drop(&r->fake.lock);
	return class;
}

static void *
run_ask(void *arg)
{
	struct closer *c = arg;

	c->ret = ask(&c->view, c->path);
	return NULL;
}

START_TEST(an_upload_becomes_urgent_when_somebody_waits_for_it)
{
	struct closer c = { .path = "/f" };
	struct rig r;

	make_writeback(&r, 0);
	fake_block(&r.fake, FAKE_PUT);
	ck_assert_int_eq(rig_save(&r, "/f", "text"), 0);
	fake_await(&r.fake, FAKE_PUT, 1);
	ck_assert_int_eq(put_class(&r), CALL_BACKGROUND);
	rig_view(&r, &c.view);
	ck_assert_int_eq(pthread_create(&c.thread, NULL, run_ask, &c), 0);
	while (put_class(&r) != CALL_DEMAND)
		usleep(1000);
	fake_unblock(&r.fake, FAKE_PUT);
	ck_assert_int_eq(pthread_join(c.thread, NULL), 0);
	ck_assert_int_eq(c.ret, 0);
	rig_release(&r);
}
END_TEST

static void
later(struct rig *r, const char *path, int64_t delay_ms)
{
	struct node *n;

	ck_assert_int_eq(rig_walk(r, path, &n), 0);
	lock_take(&r->v->lock);
	save_later_locked(r->v, n, delay_ms);
	lock_drop(&r->v->lock);
	rig_put(r, n);
}

static void
expect_waiting(struct rig *r, const char *names)
{
	char got[64] = "";
	struct node *n;

	lock_take(&r->v->lock);
	DL_FOREACH2(r->v->waiting, n, file->save_next)
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got),
		    "%s", n->name);
	lock_drop(&r->v->lock);
	ck_assert_str_eq(got, names);
}

START_TEST(files_wait_in_the_order_in_which_they_are_due)
{
	struct rig r;

	make_writeback(&r, HOUR_MS);
	ck_assert_int_eq(rig_save(&r, "/a", "text"), 0);
	ck_assert_int_eq(rig_save(&r, "/b", "text"), 0);
	ck_assert_int_eq(rig_save(&r, "/c", "text"), 0);
	expect_waiting(&r, "abc");
	later(&r, "/c", HOUR_MS / 2);
	expect_waiting(&r, "cab");
	later(&r, "/c", HOUR_MS * 2);
	expect_waiting(&r, "abc");
	later(&r, "/b", HOUR_MS / 2);
	expect_waiting(&r, "bac");
	/* Saved again, it waits anew. */
	ck_assert_int_eq(rig_save(&r, "/b", "more"), 0);
	expect_waiting(&r, "abc");
	rig_settle(&r);
	expect_waiting(&r, "");
	ck_assert_uint_eq(fake_versions(&r.fake, "/b"), 1);
	rig_release(&r);
}
END_TEST

START_TEST(a_file_is_not_put_off_for_ever)
{
	struct node *n;
	uint64_t first, due;
	struct rig r;

	make_writeback(&r, HOUR_MS);
	ck_assert_int_eq(rig_save(&r, "/a", "text"), 0);
	ck_assert_int_eq(rig_walk(&r, "/a", &n), 0);
	lock_take(&r.v->lock);
	first = n->file->due_ms;
	n->file->latest_ms = first; /* so often has it been saved */
	lock_drop(&r.v->lock);
	ck_assert_int_eq(rig_save(&r, "/a", "more"), 0);
	lock_take(&r.v->lock);
	due = n->file->due_ms;
	lock_drop(&r.v->lock);
	ck_assert_uint_eq(due, first);
	rig_put(&r, n);
	rig_settle(&r);
	rig_release(&r);
}
END_TEST

/* The server has it, its answer was lost, and the file goes on being changed. */
START_TEST(an_upload_that_landed_unseen_is_no_conflict_later)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(rig_write_text(&f, i == 0 ? "one" :
		    i == 1 ? "second" : "the third", 0), 0);
		if (i < 2)
			fake_lose_answer(&r.fake, FAKE_PUT, -ETIMEDOUT);
		ck_assert_int_eq(rig_flush(&f), i < 2 ? -ETIMEDOUT : 0);
	}
	rig_release_file(&f);
	fake_expect_text(&r.fake, "/a", "the third");
	fake_lose_answer(&r.fake, FAKE_PUT, -ETIMEDOUT);
	ck_assert_int_eq(rig_save(&r, "/new", "first"), -ETIMEDOUT);
	ck_assert_int_eq(rig_save(&r, "/new", "second"), 0);
	fake_expect_text(&r.fake, "/new", "second");
	ck_assert_uint_eq(rig_pending(&r), 0);
	/* Somebody else's is one. */
	fake_lose_answer(&r.fake, FAKE_PUT, -ETIMEDOUT);
	ck_assert_int_eq(rig_save(&r, "/new", "third"), -ETIMEDOUT);
	fake_set_text(&r.fake, "/new", "their");
	ck_assert_int_eq(rig_save(&r, "/new", "fourth"), -ESTALE);
	fake_expect_text(&r.fake, "/new", "their");
	rig_release(&r);
}
END_TEST

/* A file that was sent under a new name is not there as a whole until the old one is gone. */
START_TEST(a_sync_waits_until_the_old_name_is_gone)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/b", "old");
	ck_assert_int_eq(rig_save(&r, "/a", "text"), 0);
	fake_block(&r.fake, FAKE_UNLINK);
	ck_assert_int_eq(rig_rename_later(&r, "/a", "/b"), 0);
	fake_await(&r.fake, FAKE_UNLINK, 1);
	r.interrupt = true;
	ck_assert_int_eq(save_all(r.v, &r.call), -EINTR);
	r.interrupt = false;
	fake_unblock(&r.fake, FAKE_UNLINK);
	ck_assert_int_eq(rig_await_rename(&r), 0);
	ck_assert_int_eq(save_all(r.v, &r.call), 0);
	fake_expect_text(&r.fake, "/a", NULL);
	fake_expect_text(&r.fake, "/b", "text");
	rig_release(&r);
}
END_TEST

struct cutter {
	pthread_t thread;
	struct rig view;
	bool done; /* atomic */
};

static void *
cut(void *arg)
{
	struct cutter *c = arg;

	for (unsigned i = 0; i < 300; i++)
		ck_assert_int_eq(rig_truncate(&c->view, "/a", i % 2), 0);
	__atomic_store_n(&c->done, true, __ATOMIC_RELAXED);
	return NULL;
}

/* The saver has begun with a file that has nothing to send, when it gets something. */
START_TEST(what_is_changed_as_its_save_begins_is_sent)
{
	struct cutter c = { .done = false };
	struct node *n;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	rig_expect(&r, "/a", "old");
	ck_assert_int_eq(rig_walk(&r, "/a", &n), 0);
	rig_view(&r, &c.view);
	ck_assert_int_eq(pthread_create(&c.thread, NULL, cut, &c), 0);
	while (!__atomic_load_n(&c.done, __ATOMIC_RELAXED)) {
		lock_take(&r.v->lock);
		if (n->file != NULL) {
			node_drop_content_locked(r.v, n);
			save_later_locked(r.v, n, 0);
		}
		lock_drop(&r.v->lock);
	}
	ck_assert_int_eq(pthread_join(c.thread, NULL), 0);
	rig_put(&r, n);
	rig_settle(&r);
	fake_expect(&r.fake, "/a", "", 1);
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_sync_waits_until_the_old_name_is_gone),
	UNIT(what_is_changed_as_its_save_begins_is_sent),
	UNIT(an_upload_that_landed_unseen_is_no_conflict_later),
	UNIT(uploads_of_several_programs_run_at_the_same_time),
	UNIT(uploads_that_nobody_waits_for_leave_room_for_others),
	UNIT(uploads_that_have_failed_leave_room_for_new_files),
	UNIT(an_upload_becomes_urgent_when_somebody_waits_for_it),
	UNIT(files_wait_in_the_order_in_which_they_are_due),
	UNIT(a_file_is_not_put_off_for_ever),
};

UNIT_MAIN("save", tests)
