/* fs: two operations at the same time, in the order that hurts. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "fs/dir.h"
#include "fs/names.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

#define MB ((size_t)1 << 20)

/* One operation in a thread of its own. */
struct act {
	struct rig *rig;
	enum { STAT, LIST, UNLINK, RMDIR, MKDIR, RENAME, SAVE, FLUSH, READ } what;
	const char *path, *to;
	struct rig_file *file;
	int ret;
	size_t len;
	char got;
	pthread_t thread;
	struct rig view;
};

static int
list_once(struct rig *r, const char *path)
{
	struct dir_rows rows = { 0 };
	struct node *dir;
	int ret;

	ret = rig_walk(r, path, &dir);
	if (ret < 0)
		return ret;
	ret = rows_load(r->v, &r->call, dir, &rows);
	if (ret == 0)
		ret = (int)rows.n;
	rows_release(r->v, &rows);
	rig_put(r, dir);
	return ret;
}

static void *
act_run(void *arg)
{
	struct act *a = arg;
	struct rig_file view;
	struct rig *r = &a->view;
	struct stat st;

	if (a->file != NULL) {
		view = *a->file;
		view.rig = r;
	}
	switch (a->what) {
	case STAT:
		a->ret = rig_stat(r, a->path, &st);
		break;
	case LIST:
		a->ret = list_once(r, a->path);
		break;
	case UNLINK:
		a->ret = rig_unlink(r, a->path);
		break;
	case RMDIR:
		a->ret = rig_rmdir(r, a->path);
		break;
	case MKDIR:
		a->ret = rig_mkdir(r, a->path);
		break;
	case RENAME:
		a->ret = rig_rename(r, a->path, a->to);
		break;
	case SAVE:
		a->ret = rig_save(r, a->path, a->to);
		break;
	case FLUSH:
		a->ret = rig_flush(&view);
		break;
	case READ:
		a->ret = (int)rig_pread(&view, &a->got, 1, a->len);
		break;
	}
	return NULL;
}

static void
act_start(struct act *a, struct rig *r)
{
	a->rig = r;
	rig_view(r, &a->view);
	ck_assert_int_eq(pthread_create(&a->thread, NULL, act_run, a), 0);
}

static int
act_end(struct act *a)
{
	pthread_join(a->thread, NULL);
	return a->ret;
}

/* Returns when somebody waits for rest at or below n. */
static void
await_closing(struct rig *r, struct node *n)
{
	struct vfs *v = r->v;
	int64_t until = clock_mono_ms() + 60000;

	lock_take(&v->lock);
	while (n->closing == 0) {
		ck_assert_int_lt(clock_mono_ms(), until);
		(void)cond_wait_ms(&v->changed, &v->lock, 5);
	}
	lock_drop(&v->lock);
}

/* Returns when the service was asked for something. */
static void
await_call(struct rig *r)
{
	int64_t until = clock_mono_ms() + 60000;

	while (fake_all_calls(&r->fake) == 0) {
		ck_assert_int_lt(clock_mono_ms(), until);
		usleep(1000);
	}
}

/* Returns when n saves of that file were asked for. */
static void
await_tickets(struct rig *r, struct node *of, uint64_t n)
{
	struct vfs *v = r->v;
	int64_t until = clock_mono_ms() + 60000;

	lock_take(&v->lock);
	while (of->file->tickets < n) {
		ck_assert_int_lt(clock_mono_ms(), until);
		(void)cond_wait_ms(&v->changed, &v->lock, 5);
	}
	lock_drop(&v->lock);
}

START_TEST(both_closes_of_a_conflict_return)
{
	struct rig_file f, g;
	struct act a = { .what = FLUSH, .file = &f };
	struct act b = { .what = FLUSH, .file = &g };
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &g), 0);
	ck_assert_int_eq(rig_write_text(&f, "our", 0), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	fake_block(&r.fake, FAKE_REFRESH);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_REFRESH, 1);
	act_start(&b, &r);
	await_tickets(&r, f.node, 2);
	fake_unblock(&r.fake, FAKE_REFRESH);
	ck_assert_int_eq(act_end(&a), -ESTALE);
	ck_assert_int_eq(act_end(&b), -ESTALE);
	rig_release_file(&f);
	rig_release_file(&g);
	rig_expect(&r, "/a", "theirs");
	rig_release(&r);
}
END_TEST

/* Though the directory was listed before. */
START_TEST(a_conflict_shows_the_servers_file_at_once)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	rig_expect_list(&r, "/", "a");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "our", 0), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	ck_assert_int_eq(rig_close(&f), -ESTALE);
	rig_expect(&r, "/a", "theirs");
	rig_expect_list(&r, "/", "a");
	ck_assert_int_eq(rig_open(&r, "/n", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "our", 0), 0);
	fake_set_text(&r.fake, "/n", "theirs");
	ck_assert_int_eq(rig_close(&f), -EEXIST);
	rig_expect(&r, "/n", "theirs");
	rig_expect_list(&r, "/", "a n");
	rig_release(&r);
}
END_TEST

START_TEST(a_rename_does_not_delete_what_others_wrote)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/b", "old");
	ck_assert_int_eq(rig_save(&r, "/a", "ours"), 0);
	rig_expect_list(&r, "/", "a b");
	fake_set_text(&r.fake, "/a", "theirs");
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), 0);
	fake_expect_text(&r.fake, "/b", "ours");
	fake_expect_text(&r.fake, "/a", "theirs");
	rig_expect(&r, "/a", "theirs");
	rig_expect(&r, "/b", "ours");
	rig_release(&r);
}
END_TEST

START_TEST(a_rename_of_a_changed_file_does_not_either)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "ours", 0), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), 0);
	fake_expect_text(&r.fake, "/a", "theirs");
	fake_expect_text(&r.fake, "/b", "ours");
	ck_assert_int_eq(rig_close(&f), 0);
	rig_release(&r);
}
END_TEST

START_TEST(a_listing_outlives_the_rename_of_its_directory)
{
	struct act a = { .what = LIST, .path = "/d" };
	struct stat st;
	struct node *n;
	struct rig r;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_set_text(&r.fake, "/d/f", "text");
	rig_expect_list(&r, "/", "d");
	ck_assert_int_eq(rig_walk(&r, "/d", &n), 0);
	fake_block(&r.fake, FAKE_LIST);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_LIST, 1);
	ck_assert_int_eq(rig_rename(&r, "/d", "/x"), 0);
	fake_unblock(&r.fake, FAKE_LIST);
	ck_assert_int_eq(act_end(&a), 1);
	ck_assert(!n->gone);
	ck_assert_int_eq(rig_stat(&r, "/x/f", &st), 0);
	rig_put(&r, n);
	rig_release(&r);
}
END_TEST

static const struct {
	const char *path, *text;
	bool fails; /* an upload has failed before */
} again_rows[] = {
	{ "/a", "", false },
	{ "/a", "text", true },
	{ "/a~", "text", false },
};

START_TEST(what_a_rename_could_not_send_is_still_sent)
{
	struct act a = { .what = RENAME, .path = again_rows[_i].path,
		.to = "/b" };
	struct node *n;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/b", "old");
	rig_expect_list(&r, "/", "b");
	if (again_rows[_i].fails)
		fake_fail(&r.fake, FAKE_PUT, 1, 1, -EIO);
	/* Its own upload must not be faster than the rename. */
	lock_take(&r.v->lock);
	r.v->root->frozen += !again_rows[_i].fails;
	lock_drop(&r.v->lock);
	ck_assert_int_eq(rig_save(&r, a.path, again_rows[_i].text),
	    again_rows[_i].fails ? -EIO : 0);
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EACCES);
	ck_assert_int_eq(rig_walk(&r, a.path, &n), 0);
	act_start(&a, &r);
	await_tickets(&r, n, again_rows[_i].fails ? 2 : 1);
	lock_take(&r.v->lock);
	r.v->root->frozen = 0;
	cond_broadcast(&r.v->work);
	lock_drop(&r.v->lock);
	ck_assert_int_eq(act_end(&a), -EACCES);
	lock_take(&r.v->lock);
	if (n->file->changes != n->file->saved)
		ck_assert(n->file->queued || n->file->due_ms != 0 ||
		    n->file->saving);
	lock_drop(&r.v->lock);
	rig_put(&r, n);
	rig_expect(&r, a.path, again_rows[_i].text);
	fake_expect_text(&r.fake, "/b", "old");
	rig_release(&r);
}
END_TEST

START_TEST(emptied_after_a_failed_upload_is_not_sent_empty)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EIO);
	ck_assert_int_eq(rig_save(&r, "/a", "lost"), -EIO);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_TRUNC, &f), 0);
	ck_assert_int_eq(rig_flush(&f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/a", "new");
	ck_assert(!fake_ever(&r.fake, "/a", ""));
	rig_release(&r);
}
END_TEST

START_TEST(a_retry_does_not_send_what_was_just_emptied)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EIO);
	ck_assert_int_eq(rig_save(&r, "/a", "lost"), -EIO);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_TRUNC, &f), 0);
	lock_take(&r.v->lock);
	ck_assert_uint_ne(f.node->file->due_ms, 0);
	f.node->file->due_ms = 1;
	cond_broadcast(&r.v->work);
	while (f.node->file->due_ms != 0 || f.node->file->queued ||
	    f.node->file->saving)
		(void)cond_wait_ms(&r.v->changed, &r.v->lock, 5);
	lock_drop(&r.v->lock);
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/a", "new");
	ck_assert(!fake_ever(&r.fake, "/a", ""));
	rig_release(&r);
}
END_TEST

/* Added to, or emptied and written. */
START_TEST(a_backup_that_was_written_is_sent_after_its_rename)
{
	struct rig_file f;
	struct rig r;

	rig_init(&r);
	r.config.scratch_keep_ms = 30;
	rig_mount(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_open(&r, "/a~", O_RDWR | (_i ? O_TRUNC : 0), &f),
	    0);
	ck_assert_int_eq(rig_write_text(&f, "new", _i ? 0 : 3), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	for (int i = 0; i < 400 &&
	    !fake_ever(&r.fake, "/a~", _i ? "new" : "oldnew"); i++)
		usleep(5000);
	fake_expect_text(&r.fake, "/a~", _i ? "new" : "oldnew");
	fake_expect_text(&r.fake, "/a", NULL);
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

/* The rename waits for an upload, which finds another version. */
START_TEST(a_rename_after_a_conflict_is_of_what_is_there)
{
	struct rig_file f;
	struct act a = { .what = FLUSH, .file = &f };
	struct act b = { .what = RENAME, .path = "/a", .to = "/b" };
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	if (_i)
		fake_set_text(&r.fake, "/b", "b");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "our", 0), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	fake_block(&r.fake, FAKE_REFRESH);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_REFRESH, 1);
	act_start(&b, &r);
	await_closing(&r, f.node);
	fake_unblock(&r.fake, FAKE_REFRESH);
	ck_assert_int_eq(act_end(&a), -ESTALE);
	ck_assert_int_eq(act_end(&b), 0);
	rig_release_file(&f);
	fake_expect_text(&r.fake, "/b", "theirs");
	rig_expect(&r, "/b", "theirs");
	rig_expect(&r, "/a", NULL);
	rig_release(&r);
}
END_TEST

/* Somebody looks at the old name while the content goes to the new one. */
START_TEST(the_old_name_during_a_rename_by_content)
{
	struct act a = { .what = RENAME, .path = "/a", .to = "/b" };
	struct stat st;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/b", "old");
	ck_assert_int_eq(rig_save(&r, "/a", "ours"), 0);
	if (_i < 2)
		rig_expect_list(&r, "/", "a b");
	else
		rig_expect(&r, "/b", "old");
	fake_block(&r.fake, FAKE_PUT);
	if (_i % 2 != 0)
		fake_fail(&r.fake, FAKE_PUT, 1, 1, -EACCES);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_PUT, 1);
	(void)rig_stat(&r, "/a", &st);
	fake_unblock(&r.fake, FAKE_PUT);
	ck_assert_int_eq(act_end(&a), _i % 2 != 0 ? -EACCES : 0);
	rig_expect(&r, "/b", _i % 2 != 0 ? "old" : "ours");
	rig_expect(&r, "/a", _i % 2 != 0 ? "ours" : NULL);
	rig_release(&r);
}
END_TEST

/* The backup has its real name just now, and the new file must not have it. */
START_TEST(a_new_file_is_sent_after_the_backup_has_its_name)
{
	struct act a = { .what = SAVE, .path = "/a", .to = "new" };
	struct node *n, *dir;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_walk(&r, "/a~", &n), 0);
	fake_block(&r.fake, FAKE_RENAME);
	lock_take(&r.v->lock);
	n->file->due_ms = 1;
	cond_broadcast(&r.v->work);
	lock_drop(&r.v->lock);
	fake_await(&r.fake, FAKE_RENAME, 1);
	rig_put(&r, n);
	ck_assert_int_eq(rig_walk(&r, "/", &dir), 0);
	act_start(&a, &r);
	do {
		lock_take(&r.v->lock);
		n = node_find_locked(r.v, dir, "a");
		if (n != NULL && n->file == NULL)
			n = NULL;
		if (n != NULL)
			(void)node_ref_locked(r.v, n);
		lock_drop(&r.v->lock);
	} while (n == NULL);
	await_tickets(&r, n, 1);
	for (int i = 0; i < 50 && fake_calls(&r.fake, FAKE_PUT) == 0; i++)
		usleep(1000);
	fake_unblock(&r.fake, FAKE_RENAME);
	ck_assert_int_eq(act_end(&a), 0);
	fake_expect_text(&r.fake, "/a", "new");
	fake_expect_text(&r.fake, "/a~", "old");
	rig_put(&r, n);
	rig_put(&r, dir);
	rig_release(&r);
}
END_TEST

/* The new file has just got the place of the backup's object. */
START_TEST(a_backup_is_replaced_while_the_new_file_is_sent)
{
	struct act a = { .what = SAVE, .path = "/a", .to = "new" },
		   b = { .what = RENAME, .path = "/b", .to = "/a~" };
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	fake_set_text(&r.fake, "/b", "other");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	fake_hold(&r.fake, FAKE_PUT, true);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_PUT, 1);
	act_start(&b, &r);
	for (int i = 0; i < 50 && fake_calls(&r.fake, FAKE_RENAME) == 0; i++)
		usleep(1000);
	fake_hold(&r.fake, FAKE_PUT, false);
	ck_assert_int_eq(act_end(&a), 0);
	ck_assert_int_eq(act_end(&b), 0);
	fake_expect_text(&r.fake, "/a", "new");
	rig_expect(&r, "/a", "new");
	rig_expect(&r, "/a~", "other");
	rig_expect(&r, "/b", NULL);
	rig_release(&r);
}
END_TEST

/* Each backup finds its name free in the end. */
START_TEST(a_backup_of_a_backup)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a~", "older");
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a~", "/sedAbC123"), 0);
	if (_i % 2 != 0)
		ck_assert_int_eq(rig_save(&r, "/a~", "lost"), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	if (_i / 2 != 0)
		ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	rig_mount(&r);
	rig_expect(&r, "/sedAbC123", "older");
	rig_expect(&r, "/a~", "old");
	rig_expect(&r, "/a", _i / 2 != 0 ? "new" : NULL);
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

/* Its own name has an object still, which the file that took it was to replace. */
START_TEST(a_backup_of_a_name_whose_backup_is_gone)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a~", "old");
	fake_set_text(&r.fake, "/b", "new");
	ck_assert_int_eq(rig_rename(&r, "/a~", "/sedAbC123"), 0);
	ck_assert_int_eq(rig_save(&r, "/a~", "lost"), 0);
	ck_assert_int_eq(rig_unlink(&r, "/sedAbC123"), 0);
	if (_i == 0)
		ck_assert_int_eq(rig_save(&r, "/b~", "new"), 0);
	ck_assert_int_eq(rig_rename(&r, _i == 0 ? "/b~" : "/b", "/a~"), 0);
	rig_expect(&r, "/a~", "new");
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	r.config.scratch_keep_ms = 20;
	rig_mount(&r);
	rig_settle(&r);
	rig_expect(&r, "/a~", "new");
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

/* A backup is as old as what it is a copy of. */
START_TEST(a_backup_keeps_its_time)
{
	struct stat before, st;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_stat(&r, "/a", &before), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	ck_assert_int_eq(rig_stat(&r, "/a~", &st), 0);
	ck_assert_int_eq(st.st_mtime, before.st_mtime);
	ck_assert_int_eq(st.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	rig_expect(&r, "/a~", "old");
	rig_release(&r);
}
END_TEST

/* touch -d of what was moved aside. */
START_TEST(a_backup_is_given_a_time)
{
	struct node *n;
	struct stat st;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_walk(&r, "/a~", &n), 0);
	lock_take(&r.v->lock);
	n->attr.has_mtime = true;
	n->attr.mtime = (struct timespec){ 1000, 5 };
	node_save_attr_locked(r.v, n);
	lock_drop(&r.v->lock);
	rig_put(&r, n);
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	fake_expect_text(&r.fake, "/a~", "old");
	rig_mount(&r);
	ck_assert_int_eq(rig_stat(&r, "/a~", &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1000);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 5);
	rig_release(&r);
}
END_TEST

/* It is looked for, and was done. */
START_TEST(both_names_after_a_rename_whose_answer_is_lost)
{
	struct stat st;
	struct rig r;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_set_text(&r.fake, "/d/a", "old");
	rig_expect(&r, "/d/a", "old");
	fake_lose_answer(&r.fake, FAKE_RENAME, -ETIMEDOUT);
	ck_assert_int_eq(rig_rename(&r, "/d", "/e"), 0);
	ck_assert_int_eq(rig_stat(&r, "/d", &st), -ENOENT);
	rig_expect(&r, "/e/a", "old");
	rig_release(&r);
}
END_TEST

START_TEST(the_target_of_a_put_whose_answer_is_lost)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/b", "old");
	ck_assert_int_eq(rig_save(&r, "/a", "ours"), 0);
	rig_expect(&r, "/b", "old");
	fake_lose_answer(&r.fake, FAKE_PUT, -EBUSY);
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), -EBUSY);
	rig_expect(&r, "/b", "ours");
	rig_expect(&r, "/a", "ours");
	rig_release(&r);
}
END_TEST

/* A program stands in it. */
START_TEST(nothing_is_made_in_a_directory_that_is_gone)
{
	struct node *dir, *n = NULL;
	struct handle *h;
	struct stat st;
	struct rig r;
	bool keep;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	ck_assert_int_eq(rig_walk(&r, "/d", &dir), 0);
	fake_remove(&r.fake, "/d");
	rig_expire(&r);
	ck_assert_int_eq(rig_stat(&r, "/d", &st), -ENOENT);
	ck_assert_int_eq(names_create(r.v, &r.call, dir, "f",
	    O_WRONLY | O_CREAT, 0644, &n, &h, &keep), -ENOENT);
	ck_assert_int_eq(names_mkdir(r.v, &r.call, dir, "e", &n), -ENOENT);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_MKDIR), 0);
	rig_put(&r, dir);
	rig_release(&r);
}
END_TEST

/* A person gives the content up that a rename is about to send. */
START_TEST(a_discard_does_not_come_into_a_rename)
{
	struct act a = { .what = RENAME, .path = "/a", .to = "/b" };
	struct pending_info info;
	struct node *n;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	rig_expect_list(&r, "/", "a");
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EIO);
	ck_assert_int_eq(rig_save(&r, "/a", "ours"), -EIO);
	ck_assert_int_eq(rig_walk(&r, "/a", &n), 0);
	/* No upload begins. */
	lock_take(&r.v->lock);
	r.v->root->frozen++;
	lock_drop(&r.v->lock);
	act_start(&a, &r);
	await_tickets(&r, n, 2);
	info = rig_pending_first(&r);
	ck_assert_int_eq(pending_act(r.config.pending, &r.call, info.number,
	    PENDING_DISCARD), -EBUSY);
	pending_info_release(&info);
	lock_take(&r.v->lock);
	r.v->root->frozen--;
	cond_broadcast(&r.v->work);
	lock_drop(&r.v->lock);
	ck_assert_int_eq(act_end(&a), 0);
	fake_expect_text(&r.fake, "/b", "ours");
	rig_expect_list(&r, "/", "b");
	rig_put(&r, n);
	rig_release(&r);
}
END_TEST

/* Again and again, with the time-to-live over. */
static void *
look_for_a(void *arg)
{
	struct act *a = arg;
	struct stat st;

	while (!__atomic_load_n(&a->len, __ATOMIC_RELAXED))
		(void)rig_stat(&a->view, "/a", &st);
	return NULL;
}

START_TEST(the_real_name_while_a_file_is_moved_aside)
{
	struct act a = { .rig = NULL };
	struct rig_file f;
	struct rig r;

	rig_init(&r);
	r.config.attr_ttl_ms = 0;
	rig_mount(&r);
	fake_set_text(&r.fake, "/a", "old");
	rig_view(&r, &a.view);
	ck_assert_int_eq(pthread_create(&a.thread, NULL, look_for_a, &a), 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
		ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT | O_EXCL,
		    &f), 0);
		ck_assert_int_eq(rig_unlink(&r, "/a"), 0);
		rig_release_file(&f);
		ck_assert_int_eq(rig_rename(&r, "/a~", "/a"), 0);
	}
	__atomic_store_n(&a.len, 1, __ATOMIC_RELAXED);
	pthread_join(a.thread, NULL);
	rig_release(&r);
}
END_TEST

/* They are looked at after the server has renamed, and before we know. */
START_TEST(both_names_during_a_rename_by_the_service)
{
	struct act a = { .what = RENAME, .path = "/a", .to = "/b" };
	struct act b = { .what = STAT, .path = _i < 2 ? "/a" : "/b" };
	struct rig_file f, g;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "new");
	fake_set_text(&r.fake, "/b", "older");
	rig_expect(&r, "/a", "new");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_open(&r, "/b", O_RDONLY, &g), 0);
	fake_hold(&r.fake, FAKE_RENAME, true);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_RENAME, 1);
	if (_i % 2 == 0)
		rig_expire(&r);
	else
		r.v->config.attr_ttl_ms = 0;
	fake_forget_calls(&r.fake);
	act_start(&b, &r);
	await_call(&r);
	fake_hold(&r.fake, FAKE_RENAME, false);
	ck_assert_int_eq(act_end(&a), 0);
	ck_assert_int_eq(act_end(&b) == -ENOENT ? 0 : b.ret, 0);
	if (_i >= 2)
		ck_assert_int_eq(b.ret, 0);
	rig_expect_file(&f, "new");
	rig_expect_file(&g, "older");
	rig_release_file(&f);
	rig_release_file(&g);
	r.v->config.attr_ttl_ms = 10000;
	rig_expect(&r, "/b", "new");
	rig_expect(&r, "/a", NULL);
	rig_release(&r);
}
END_TEST

START_TEST(an_fstat_during_a_rename)
{
	struct act a = { .what = RENAME, .path = "/a", .to = "/b" };
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "new");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	fake_hold(&r.fake, FAKE_RENAME, true);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_RENAME, 1);
	/* As an fstat does that finds the attributes old. */
	r.interrupt = true;
	(void)dir_refresh(r.v, &r.call, f.node, true);
	r.interrupt = false;
	fake_hold(&r.fake, FAKE_RENAME, false);
	ck_assert_int_eq(act_end(&a), 0);
	rig_expect(&r, "/b", "new");
	rig_expect_file(&f, "new");
	rig_release_file(&f);
	rig_release(&r);
}
END_TEST

START_TEST(a_read_during_a_rename)
{
	char *data = calloc(1, 3 * MB);
	struct act a = { .what = RENAME, .path = _i ? "/d" : "/d/a",
		.to = _i ? "/e" : "/d/b" };
	struct rig_file f;
	struct act b = { .what = READ, .file = &f, .len = 2 * MB };
	struct rig r;

	data[2 * MB] = 'x';
	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_set(&r.fake, "/d/a", data, 3 * MB);
	ck_assert_int_eq(rig_open(&r, "/d/a", O_RDWR, &f), 0);
	fake_hold(&r.fake, FAKE_RENAME, true);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_RENAME, 1);
	fake_forget_calls(&r.fake);
	act_start(&b, &r);
	await_call(&r);
	fake_hold(&r.fake, FAKE_RENAME, false);
	ck_assert_int_eq(act_end(&a), 0);
	ck_assert_int_eq(act_end(&b), 1);
	ck_assert_int_eq(b.got, 'x');
	rig_release_file(&f);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(a_read_of_a_written_file_while_its_directory_moves)
{
	char *data = calloc(1, 3 * MB);
	struct act a = { .what = RENAME, .path = "/d", .to = "/e" };
	struct rig_file f;
	struct act b = { .what = READ, .file = &f, .len = 2 * MB };
	struct rig r;

	data[2 * MB] = 'x';
	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_set(&r.fake, "/d/a", data, 3 * MB);
	ck_assert_int_eq(rig_open(&r, "/d/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "w", 0), 0);
	fake_block(&r.fake, FAKE_READ);
	act_start(&b, &r);
	fake_await(&r.fake, FAKE_READ, 1);
	act_start(&a, &r);
	ck_assert_int_eq(act_end(&a), 0);
	fake_unblock(&r.fake, FAKE_READ);
	ck_assert_int_eq(act_end(&b), 1);
	ck_assert_int_eq(b.got, 'x');
	ck_assert_int_eq(rig_close(&f), 0);
	data[0] = 'w';
	fake_expect(&r.fake, "/e/a", data, 3 * MB);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(a_read_does_not_get_the_next_file_of_the_name)
{
	char *data = calloc(1, 3 * MB);
	struct rig_file f;
	struct act b = { .what = READ, .file = &f, .len = 2 * MB };
	struct rig r;

	rig_make(&r);
	data[2 * MB] = 'x';
	fake_set(&r.fake, "/a", data, 3 * MB);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	fake_block(&r.fake, FAKE_READ);
	act_start(&b, &r);
	fake_await(&r.fake, FAKE_READ, 1);
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), 0);
	data[2 * MB] = 'n';
	fake_set(&r.fake, "/a", data, 3 * MB);
	fake_unblock(&r.fake, FAKE_READ);
	ck_assert_int_eq(act_end(&b), 1);
	ck_assert_int_eq(b.got, 'x');
	rig_release_file(&f);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(names_below_a_directory_that_moves)
{
	struct act a = { .what = RENAME, .path = "/d", .to = "/x" };
	struct act b = { .what = _i == 0 ? MKDIR : _i == 1 ? UNLINK : RMDIR,
		.path = _i == 0 ? "/d/e/n" : _i == 1 ? "/d/e/f" : "/d/e/g" };
	enum fake_op op = _i == 0 ? FAKE_MKDIR : _i == 1 ? FAKE_UNLINK :
							   FAKE_RMDIR;
	struct node *d;
	struct rig r;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_mkdir(&r.fake, "/d/e");
	fake_mkdir(&r.fake, "/d/e/g");
	fake_set_text(&r.fake, "/d/e/f", "f");
	ck_assert_int_eq(rig_walk(&r, "/d", &d), 0);
	fake_block(&r.fake, op);
	act_start(&b, &r);
	fake_await(&r.fake, op, 1);
	act_start(&a, &r);
	await_closing(&r, d);
	fake_unblock(&r.fake, op);
	ck_assert_int_eq(act_end(&b), 0);
	ck_assert_int_eq(act_end(&a), 0);
	ck_assert(!fake_has(&r.fake, "/d"));
	rig_expire(&r);
	rig_expect_list(&r, "/x/e", _i == 0 ? "f g n" : _i == 1 ? "g" : "f");
	rig_put(&r, d);
	rig_release(&r);
}
END_TEST

/* Its record is there first, and the last close may come before the name. */
START_TEST(a_file_closed_while_it_gets_a_hidden_name_is_deleted)
{
	struct act a = { .what = UNLINK, .path = "/a" };
	struct rig_file f;
	struct rig r;
	char *data = calloc(1, 9 * MB);

	rig_make(&r);
	fake_set(&r.fake, "/a", data, 9 * MB);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	fake_block(&r.fake, FAKE_RENAME);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_RENAME, 1);
	ck_assert_uint_eq(rig_records(&r, JOURNAL_DELETE), 1);
	rig_release_file(&f);
	fake_unblock(&r.fake, FAKE_RENAME);
	ck_assert_int_eq(act_end(&a), 0);
	(void)rig_unmount(&r, 10000);
	ck_assert_uint_eq(fake_count(&r.fake), 0);
	ck_assert_uint_eq(rig_records(&r, JOURNAL_DELETE), 0);
	rig_release(&r);
	free(data);
}
END_TEST

static const struct {
	int err;
	bool done; /* and the answer was lost */
	unsigned records;
} hide_rows[] = {
	{ -EACCES, false, 0 },
	{ -ETIMEDOUT, true, 1 },
};

START_TEST(a_hidden_name_that_nobody_may_have_is_not_on_record)
{
	struct rig_file f;
	struct rig r;
	char *data = calloc(1, 9 * MB);

	rig_make(&r);
	fake_set(&r.fake, "/a", data, 9 * MB);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	fake_fail(&r.fake, FAKE_HEAL, 1, 999, -EIO);
	if (hide_rows[_i].done)
		fake_lose_answer(&r.fake, FAKE_RENAME, hide_rows[_i].err);
	else
		fake_fail(&r.fake, FAKE_RENAME, 1, 1, hide_rows[_i].err);
	ck_assert_int_eq(rig_unlink(&r, "/a"), hide_rows[_i].err);
	ck_assert_uint_eq(rig_records(&r, JOURNAL_DELETE),
	    hide_rows[_i].records);
	rig_release_file(&f);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(a_hidden_file_moves_with_its_directory)
{
	size_t len = 9 * MB;
	char *data = calloc(1, len), c;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	data[len - 1] = 'x';
	fake_set(&r.fake, "/d/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/d/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_unlink(&r, "/d/a"), 0);
	ck_assert_int_eq(rig_rename(&r, "/d", "/x"), 0);
	ck_assert_int_eq(rig_pread(&f, &c, 1, len - 1), 1);
	ck_assert_int_eq(c, 'x');
	rig_release_file(&f);
	for (int i = 0; i < 400 && fake_hidden_count(&r.fake) > 0; i++)
		usleep(5000);
	ck_assert_uint_eq(fake_hidden_count(&r.fake), 0);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(a_backup_is_renamed_while_the_new_file_is_sent)
{
	struct rig_file f;
	struct act a = { .what = FLUSH, .file = &f };
	struct act b = { .what = _i % 2 == 0 ? RENAME : UNLINK, .path = "/a~",
		.to = "/b" };
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "newer", 0), 0);
	if (_i < 2)
		fake_block(&r.fake, FAKE_PUT);
	else
		fake_hold(&r.fake, FAKE_PUT, true);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_PUT, 1);
	act_start(&b, &r);
	if (b.what == RENAME)
		await_closing(&r, f.node);
	else
		ck_assert_int_eq(act_end(&b), 0);
	fake_unblock(&r.fake, FAKE_PUT);
	fake_hold(&r.fake, FAKE_PUT, false);
	ck_assert_int_eq(act_end(&a), 0);
	if (b.what == RENAME)
		ck_assert_int_eq(act_end(&b), 0);
	rig_release_file(&f);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "newer");
	if (_i % 2 == 0) {
		fake_expect_text(&r.fake, "/b", "old");
		ck_assert_int_eq(rig_unlink(&r, "/b"), 0);
	}
	ck_assert_uint_eq(fake_count(&r.fake), 1);
	rig_expect_list(&r, "/", "a");
	rig_release(&r);
}
END_TEST

START_TEST(an_old_row_does_not_show_an_old_version)
{
	struct dir_rows rows = { 0 };
	struct node *dir, *n;
	struct stat st;
	struct rig r;

	rig_make(&r);
	r.forgetful = true;
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_walk(&r, "/", &dir), 0);
	ck_assert_int_eq(rows_load(r.v, &r.call, dir, &rows), 0);
	fake_set_text(&r.fake, "/a", "newer");
	rig_expire(&r);
	rig_expect_list(&r, "/", "a");
	lock_take(&r.v->lock);
	n = rows_node_locked(r.v, dir, &rows.rows[0]);
	node_stat_locked(r.v, n, &st);
	lock_drop(&r.v->lock);
	ck_assert_int_eq(st.st_size, 5);
	node_unref(r.v, n);
	rows_release(r.v, &rows);
	rig_put(&r, dir);
	rig_release(&r);
}
END_TEST

/* Somebody finds it gone before the one who removes it knows. */
START_TEST(a_listing_on_its_way_does_not_show_a_removed_file)
{
	struct act a = { .what = LIST, .path = "/" };
	struct act b = { .what = UNLINK, .path = "/a" };
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "text");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	rig_expect_file(&f, "text");
	fake_stale_list(&r.fake);
	act_start(&a, &r);
	fake_await(&r.fake, FAKE_LIST, 1);
	fake_hold(&r.fake, FAKE_UNLINK, true);
	act_start(&b, &r);
	fake_await(&r.fake, FAKE_UNLINK, 1);
	r.interrupt = true;
	(void)dir_refresh(r.v, &r.call, f.node, true);
	r.interrupt = false;
	fake_hold(&r.fake, FAKE_UNLINK, false);
	ck_assert_int_eq(act_end(&b), 0);
	fake_unblock(&r.fake, FAKE_LIST);
	ck_assert_int_eq(act_end(&a), 0);
	rig_expect_list(&r, "/", "");
	rig_release_file(&f);
	rig_release(&r);
}
END_TEST

/* --- everything at once -------------------------------------------------------------- */

#define CROWD 5
#define CROWD_STEPS 400
#define TEXT_BYTES 8

static const char *const crowd_names[] = { "a", "b", "a~", "sedAbC123" };
static const char *const crowd_dirs[] = { "", "/d", "/x", "/e" };

struct crowd {
	struct rig *rig;
	/* As the kernel's, of directories: of the root, of /d and /x, of /e.  A
	 * file that is known may be looked at without. */
	pthread_rwlock_t locks[3];
};

struct member {
	struct crowd *crowd;
	unsigned seed;
	struct rig view;
	pthread_t thread;
};

/* Nobody else writes there: nothing of that may come. */
static void
expect_harmless(int ret)
{
	ck_assert_msg(ret >= 0 || ret == -ENOENT || ret == -ENOTDIR ||
	    ret == -EISDIR || ret == -ENOTEMPTY || ret == -EEXIST,
	    "%s", strerror(-ret));
}

static unsigned
pick(struct member *m, unsigned n)
{
	return (unsigned)rand_r(&m->seed) % n;
}

/* A random path; the number of its directory's lock. */
static unsigned
some_path(struct member *m, char path[32])
{
	static const unsigned locks[] = { 0, 1, 1, 2 };
	unsigned dir = pick(m, 4);

	snprintf(path, 32, "%s/%s", crowd_dirs[dir],
	    crowd_names[pick(m, 4)]);
	return locks[dir];
}

/* For changes in the directories of locks a and b. */
static void
crowd_lock(struct member *m, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < 3; i++)
		if (i == a || i == b)
			pthread_rwlock_wrlock(&m->crowd->locks[i]);
		else if (i == 0)
			pthread_rwlock_rdlock(&m->crowd->locks[i]);
}

static void
crowd_unlock(struct member *m, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < 3; i++)
		if (i == a || i == b || i == 0)
			pthread_rwlock_unlock(&m->crowd->locks[i]);
}

/* For walking to a directory. */
#define CROWD_WALK 3

static void
crowd_write(struct member *m)
{
	struct rig_file f;
	char path[32], text[16];
	unsigned lock = some_path(m, path);
	int ret;

	crowd_lock(m, lock, lock);
	ret = rig_open(&m->view, path, O_RDWR | O_CREAT |
	    (pick(m, 2) ? O_TRUNC : 0), &f);
	crowd_unlock(m, lock, lock);
	expect_harmless(ret == -ESTALE ? -ENOENT : ret);
	if (ret < 0)
		return;
	snprintf(text, sizeof text, "%08u", pick(m, 100000000));
	if (pick(m, 5) != 0)
		ck_assert_int_eq(rig_write_text(&f, text, 0), 0);
	if (pick(m, 5) == 0)
		ck_assert_int_eq(rig_fsync(&f), 0);
	ck_assert_int_eq(rig_close(&f), 0);
}

/* What some program left there, and nothing else. */
static void
crowd_read(struct member *m)
{
	struct rig_file f;
	char path[32], got[16];
	ssize_t n;
	int ret;

	(void)some_path(m, path);
	crowd_lock(m, CROWD_WALK, CROWD_WALK);
	ret = rig_open(&m->view, path, O_RDONLY, &f);
	crowd_unlock(m, CROWD_WALK, CROWD_WALK);
	expect_harmless(ret == -ESTALE ? -ENOENT : ret);
	if (ret < 0)
		return;
	n = rig_pread(&f, got, sizeof got, 0);
	if (n != -ESTALE) /* replaced or removed as it was opened */
		ck_assert(n == 0 || n == TEXT_BYTES);
	rig_release_file(&f);
}

static void
crowd_unlink(struct member *m)
{
	char path[32];
	unsigned lock = some_path(m, path);

	crowd_lock(m, lock, lock);
	expect_harmless(rig_unlink(&m->view, path));
	crowd_unlock(m, lock, lock);
}

static void
crowd_rename(struct member *m)
{
	char from[32], to[32];
	unsigned a = some_path(m, from), b = some_path(m, to);

	crowd_lock(m, a, b);
	expect_harmless(rig_rename(&m->view, from, to));
	crowd_unlock(m, a, b);
}

static void
crowd_move_dir(struct member *m)
{
	unsigned way = pick(m, 2);

	crowd_lock(m, 0, 0);
	expect_harmless(rig_rename(&m->view, crowd_dirs[1 + way],
	    crowd_dirs[2 - way]));
	crowd_unlock(m, 0, 0);
}

static void
crowd_look(struct member *m)
{
	struct stat st;
	char path[32];
	int ret;

	(void)some_path(m, path);
	crowd_lock(m, CROWD_WALK, CROWD_WALK);
	ret = rig_stat(&m->view, path, &st);
	expect_harmless(ret == -ESTALE ? -ENOENT : ret);
	expect_harmless(list_once(&m->view, crowd_dirs[pick(m, 4)]));
	crowd_unlock(m, CROWD_WALK, CROWD_WALK);
}

static void *
crowd_run(void *arg)
{
	static void (*const acts[])(struct member *) = { crowd_write,
		crowd_write, crowd_read, crowd_unlink, crowd_rename,
		crowd_rename, crowd_look, crowd_look, crowd_move_dir };
	struct member *m = arg;

	for (int i = 0; i < CROWD_STEPS; i++)
		acts[pick(m, ARRAY_LEN(acts))](m);
	return NULL;
}

/* What the server has is what is shown, byte for byte. */
static void
expect_server(struct rig *r)
{
	struct fake *f = &r->fake;
	struct stat st;
	char path[32];

	for (size_t d = 0; d < ARRAY_LEN(crowd_dirs); d++)
		for (size_t n = 0; n < ARRAY_LEN(crowd_names); n++) {
			struct rig_file file;
			char got[16];
			ssize_t len;
			int ret;

			snprintf(path, sizeof path, "%s/%s", crowd_dirs[d],
			    crowd_names[n]);
			ret = rig_stat(r, path, &st);
			ck_assert_msg((ret == 0) == fake_has(f, path),
			    "%s: %s", path, strerror(-ret));
			if (ret < 0)
				continue;
			ck_assert_int_eq(rig_open(r, path, O_RDONLY, &file), 0);
			len = rig_pread(&file, got, sizeof got, 0);
			ck_assert_int_ge(len, 0);
			fake_expect(f, path, got, (size_t)len);
			rig_release_file(&file);
		}
}

START_TEST(a_crowd)
{
	struct member all[CROWD];
	struct crowd crowd;
	struct rig r;

	rig_init(&r);
	r.config.scratch_keep_ms = 20;
	r.config.attr_ttl_ms = _i % 2 == 0 ? 0 : 10;
	rig_mount(&r);
	fake_mkdir(&r.fake, "/d");
	fake_mkdir(&r.fake, "/e");
	for (int i = 0; i < 3; i++)
		pthread_rwlock_init(&crowd.locks[i], NULL);
	for (int i = 0; i < CROWD; i++) {
		all[i] = (struct member){ .crowd = &crowd,
			.seed = (unsigned)(_i * CROWD + i) };
		rig_view(&r, &all[i].view);
		ck_assert_int_eq(pthread_create(&all[i].thread, NULL, crowd_run,
		    &all[i]), 0);
	}
	for (int i = 0; i < CROWD; i++)
		pthread_join(all[i].thread, NULL);
	for (int i = 0; i < 3; i++)
		pthread_rwlock_destroy(&crowd.locks[i]);
	rig_settle(&r);
	lock_take(&r.v->lock);
	while (r.v->waiting != NULL || r.v->queue != NULL || r.v->saving > 0)
		(void)cond_wait_ms(&r.v->changed, &r.v->lock, 20);
	lock_drop(&r.v->lock);
	expect_server(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	ck_assert_uint_eq(fake_hidden_count(&r.fake), 0);
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	rig_mount(&r);
	ck_assert_uint_eq(r.records, 0);
	expect_server(&r);
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(both_closes_of_a_conflict_return),
	UNIT(a_conflict_shows_the_servers_file_at_once),
	UNIT(a_rename_does_not_delete_what_others_wrote),
	UNIT(a_rename_of_a_changed_file_does_not_either),
	UNIT(a_listing_outlives_the_rename_of_its_directory),
	UNIT_ROWS(what_a_rename_could_not_send_is_still_sent, again_rows),
	UNIT(emptied_after_a_failed_upload_is_not_sent_empty),
	UNIT(a_retry_does_not_send_what_was_just_emptied),
	UNIT_TIMES(a_backup_that_was_written_is_sent_after_its_rename, 2),
	UNIT_TIMES(a_rename_after_a_conflict_is_of_what_is_there, 2),
	UNIT_TIMES(the_old_name_during_a_rename_by_content, 4),
	UNIT(a_new_file_is_sent_after_the_backup_has_its_name),
	UNIT(a_backup_is_replaced_while_the_new_file_is_sent),
	UNIT_TIMES(a_backup_of_a_backup, 4),
	UNIT_TIMES(a_backup_of_a_name_whose_backup_is_gone, 2),
	UNIT(a_backup_keeps_its_time),
	UNIT(a_backup_is_given_a_time),
	UNIT(both_names_after_a_rename_whose_answer_is_lost),
	UNIT(the_target_of_a_put_whose_answer_is_lost),
	UNIT(nothing_is_made_in_a_directory_that_is_gone),
	UNIT(a_discard_does_not_come_into_a_rename),
	UNIT(the_real_name_while_a_file_is_moved_aside),
	UNIT_TIMES(both_names_during_a_rename_by_the_service, 4),
	UNIT(an_fstat_during_a_rename),
	UNIT_TIMES(a_read_during_a_rename, 2),
	UNIT(a_read_of_a_written_file_while_its_directory_moves),
	UNIT(a_read_does_not_get_the_next_file_of_the_name),
	UNIT_TIMES(names_below_a_directory_that_moves, 3),
	UNIT(a_file_closed_while_it_gets_a_hidden_name_is_deleted),
	UNIT_ROWS(a_hidden_name_that_nobody_may_have_is_not_on_record,
	    hide_rows),
	UNIT(a_hidden_file_moves_with_its_directory),
	UNIT_TIMES(a_backup_is_renamed_while_the_new_file_is_sent, 4),
	UNIT(an_old_row_does_not_show_an_old_version),
	UNIT(a_listing_on_its_way_does_not_show_a_removed_file),
	UNIT_TIMES(a_crowd, 6),
};

UNIT_MAIN("pairs", tests)
