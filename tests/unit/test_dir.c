/* fs/dir: finding names and listing directories. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/counters.h"
#include "fs/dir.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

START_TEST(a_listing_answers_for_every_name_in_it_and_not_in_it)
{
	struct stat st;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "1");
	fake_set_text(&r.fake, "/b", "22");
	rig_expect_list(&r, "/", "a b");
	fake_forget_calls(&r.fake);
	ck_assert_int_eq(rig_stat(&r, "/a", &st), 0);
	ck_assert_int_eq(st.st_size, 1);
	ck_assert_int_eq(rig_stat(&r, "/b", &st), 0);
	ck_assert_int_eq(st.st_size, 2);
	ck_assert_int_eq(rig_stat(&r, "/c", &st), -ENOENT);
	rig_expect_list(&r, "/", "a b");
	ck_assert_uint_eq(fake_all_calls(&r.fake), 0);
	rig_release(&r);
}
END_TEST

START_TEST(the_second_single_name_lists_the_directory)
{
	struct stat st;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "1");
	ck_assert_int_eq(rig_stat(&r, "/a", &st), 0);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_LIST), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(rig_stat(&r, i % 2 == 0 ? "/b" : "/c", &st),
		    -ENOENT);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_LIST), 1);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_LOOKUP), 1);
	rig_release(&r);
}
END_TEST

START_TEST(what_is_old_is_asked_for_again)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	rig_expect(&r, "/a", "one");
	rig_expect_list(&r, "/", "a");
	fake_set_text(&r.fake, "/a", "other");
	fake_set_text(&r.fake, "/b", "two");
	rig_expect_list(&r, "/", "a");
	rig_expire(&r);
	rig_expect_list(&r, "/", "a b");
	rig_expect(&r, "/a", "other");
	fake_remove(&r.fake, "/a");
	rig_expire(&r);
	rig_expect(&r, "/a", NULL);
	rig_expect_list(&r, "/", "b");
	rig_release(&r);
}
END_TEST

START_TEST(without_a_time_to_live_everything_is_asked_for)
{
	struct rig r;

	rig_init(&r);
	r.config.attr_ttl_ms = 0;
	r.config.negative_ttl_ms = 0;
	rig_mount(&r);
	fake_set_text(&r.fake, "/a", "one");
	rig_expect(&r, "/a", "one");
	rig_expect_list(&r, "/", "a");
	fake_set_text(&r.fake, "/a", "other");
	rig_expect(&r, "/a", "other");
	fake_remove(&r.fake, "/a");
	rig_expect(&r, "/a", NULL);
	rig_expect_list(&r, "/", "");
	rig_release(&r);
}
END_TEST

/* A directory that takes longer to list than its names stay fresh. */
START_TEST(a_listing_slower_than_the_time_to_live_ends)
{
	struct stat st;
	struct rig r;

	rig_init(&r);
	r.config.attr_ttl_ms = 30;
	rig_mount(&r);
	fake_set_text(&r.fake, "/a", "one");
	fake_set_text(&r.fake, "/b", "two");
	fake_delay(&r.fake, FAKE_LIST, 60);
	ck_assert_int_eq(rig_stat(&r, "/a", &st), 0);
	ck_assert_int_eq(rig_stat(&r, "/b", &st), 0);
	ck_assert_int_eq(rig_stat(&r, "/c", &st), -ENOENT);
	rig_expect_list(&r, "/", "a b");
	ck_assert_uint_le(fake_calls(&r.fake, FAKE_LIST), 4);
	rig_release(&r);
}
END_TEST

START_TEST(an_error_is_never_taken_for_absence)
{
	struct stat st;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	fake_fail(&r.fake, FAKE_LOOKUP, 1, 1, -ETIMEDOUT);
	ck_assert_int_eq(rig_stat(&r, "/a", &st), -ETIMEDOUT);
	ck_assert_str_eq(r.call.words, "a rule of the test");
	fake_fail(&r.fake, FAKE_LIST, 1, 1, -EACCES);
	ck_assert_int_eq(rig_stat(&r, "/a", &st), -EACCES);
	rig_expect(&r, "/a", "one");
	rig_expire(&r);
	fake_fail(&r.fake, FAKE_REFRESH, 1, 9, -EIO);
	fake_fail(&r.fake, FAKE_LOOKUP, 1, 9, -EIO);
	fake_fail(&r.fake, FAKE_LIST, 1, 9, -EIO);
	ck_assert_int_eq(rig_stat(&r, "/a", &st), -EIO);
	fake_fail(&r.fake, FAKE_REFRESH, 0, 0, 0);
	fake_fail(&r.fake, FAKE_LOOKUP, 0, 0, 0);
	fake_fail(&r.fake, FAKE_LIST, 0, 0, 0);
	rig_expect(&r, "/a", "one");
	rig_release(&r);
}
END_TEST

/* The directory that is mounted, deleted and made again. */
START_TEST(a_mount_lives_on_when_its_directory_was_away)
{
	struct node *root;
	struct stat st;
	struct rig r;

	rig_init(&r);
	fake_mkdir(&r.fake, "/top");
	entry_unref(r.root);
	r.root = entry_new(&r.fake.backend, "dbfs", ENTRY_DIR, "/top", "",
	    NULL);
	rig_mount(&r);
	fake_set_text(&r.fake, "/top/a", "one");
	rig_expect(&r, "/a", "one");
	fake_remove(&r.fake, "/top/a");
	fake_remove(&r.fake, "/top");
	rig_expire(&r);
	root = node_get(r.v, 1);
	ck_assert_int_eq(dir_refresh(r.v, &r.call, root, true), -ENOENT);
	ck_assert_int_eq(rig_stat(&r, "/a", &st), -ENOENT);
	fake_mkdir(&r.fake, "/top");
	fake_set_text(&r.fake, "/top/a", "two");
	rig_expire(&r);
	ck_assert_int_eq(dir_refresh(r.v, &r.call, root, true), 0);
	rig_expect(&r, "/a", "two");
	rig_expect_list(&r, "/", "a");
	node_unref(r.v, root);
	rig_release(&r);
}
END_TEST

START_TEST(a_file_that_became_a_directory_is_one)
{
	struct stat st;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	rig_expect(&r, "/a", "one");
	fake_remove(&r.fake, "/a");
	fake_mkdir(&r.fake, "/a");
	fake_set_text(&r.fake, "/a/b", "two");
	rig_expire(&r);
	ck_assert_int_eq(rig_stat(&r, "/a", &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	rig_expect(&r, "/a/b", "two");
	fake_remove(&r.fake, "/a/b");
	fake_remove(&r.fake, "/a");
	fake_set_text(&r.fake, "/a", "three");
	rig_expire(&r);
	rig_expect(&r, "/a", "three");
	rig_release(&r);
}
END_TEST

/* Its listing is all that knows the directory. */
START_TEST(a_directory_that_nobody_uses_became_a_file)
{
	struct dir_rows rows = { 0 };
	struct node *root;
	struct rig r;

	rig_make(&r);
	r.forgetful = true;
	fake_mkdir(&r.fake, "/d");
	fake_set_text(&r.fake, "/d/f", "one");
	rig_expect_list(&r, "/d", "f");
	fake_remove(&r.fake, "/d/f");
	fake_remove(&r.fake, "/d");
	fake_set_text(&r.fake, "/d", "two");
	root = node_get(r.v, 1);
	ck_assert_int_eq(rows_load(r.v, &r.call, root, &rows), 0);
	ck_assert_uint_eq(rows.n, 1);
	ck_assert_int_eq(counter_get(CTR_names), 1); /* the root */
	rows_release(r.v, &rows);
	node_unref(r.v, root);
	rig_expect(&r, "/d", "two");
	rig_release(&r);
}
END_TEST

START_TEST(own_changes_show_at_once_in_a_known_listing)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/b", "b");
	rig_expect_list(&r, "/", "b");
	ck_assert_int_eq(rig_save(&r, "/a", "text"), 0);
	ck_assert_int_eq(rig_mkdir(&r, "/d"), 0);
	rig_expect_list(&r, "/", "a b d");
	ck_assert_int_eq(rig_open(&r, "/new", O_WRONLY | O_CREAT, &f), 0);
	rig_expect_list(&r, "/", "a b d new");
	fake_expect_text(&r.fake, "/new", NULL);
	ck_assert_int_eq(rig_unlink(&r, "/b"), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", "/z"), 0);
	ck_assert_int_eq(rig_rmdir(&r, "/d"), 0);
	rig_expect_list(&r, "/", "new z");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_LIST), 1);
	rig_expire(&r);
	rig_expect_list(&r, "/", "new z");
	ck_assert_int_eq(rig_close(&f), 0);
	rig_settle(&r);
	rig_expire(&r);
	rig_expect_list(&r, "/", "new z");
	rig_release(&r);
}
END_TEST

/* --- a listing on its way ---------------------------------------------------------- */

struct lister {
	struct rig *rig;
	const char *names;
	pthread_t thread;
};

static void *
list_root(void *arg)
{
	struct lister *l = arg;

	rig_expect_list(l->rig, "/", l->names);
	return NULL;
}

static void
lister_start(struct lister *l, struct rig *r, const char *names)
{
	*l = (struct lister){ .rig = r, .names = names };
	ck_assert_int_eq(pthread_create(&l->thread, NULL, list_root, l), 0);
}

START_TEST(several_readers_of_a_directory_cost_one_listing)
{
	struct lister all[4];
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	fake_block(&r.fake, FAKE_LIST);
	lister_start(&all[0], &r, "a");
	fake_await(&r.fake, FAKE_LIST, 1);
	for (int i = 1; i < 4; i++)
		lister_start(&all[i], &r, "a");
	fake_unblock(&r.fake, FAKE_LIST);
	for (int i = 0; i < 4; i++)
		pthread_join(all[i].thread, NULL);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_LIST), 1);
	rig_release(&r);
}
END_TEST

/* The server's answer was made before the changes, and arrives after them. */
START_TEST(own_changes_survive_a_listing_that_was_on_its_way)
{
	struct lister l;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	fake_set_text(&r.fake, "/b", "two");
	rig_expect_list(&r, "/", "a b");
	rig_expect(&r, "/a", "one");
	rig_expect(&r, "/b", "two");
	lock_take(&r.v->lock);
	dir_drop_locked(r.v, r.v->root);
	lock_drop(&r.v->lock);
	fake_stale_list(&r.fake);
	lister_start(&l, &r, "a d");
	fake_await(&r.fake, FAKE_LIST, 1);
	ck_assert_int_eq(rig_unlink(&r, "/b"), 0);
	ck_assert_int_eq(rig_mkdir(&r, "/d"), 0);
	ck_assert_int_eq(rig_save(&r, "/a", "other"), 0);
	fake_unblock(&r.fake, FAKE_LIST);
	pthread_join(l.thread, NULL);
	rig_expect(&r, "/b", NULL);
	rig_expect(&r, "/a", "other");
	rig_expect_list(&r, "/", "a d");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_LIST), 2);
	rig_release(&r);
}
END_TEST

START_TEST(what_was_put_there_and_forgotten_is_in_a_listing_that_was_on_its_way)
{
	struct lister l;
	struct entry *e;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	fake_stale_list(&r.fake);
	lister_start(&l, &r, "a c");
	fake_await(&r.fake, FAKE_LIST, 1);
	/* As an upload ends whose node nobody else refers to. */
	lock_take(&r.v->lock);
	e = entry_new(r.v->root->backend, r.v->root->remote->tree, ENTRY_FILE,
	    "/c", "c", NULL);
	dir_put_locked(r.v, r.v->root, e);
	dir_put_locked(r.v, r.v->root, e);
	lock_drop(&r.v->lock);
	entry_unref(e);
	fake_unblock(&r.fake, FAKE_LIST);
	pthread_join(l.thread, NULL);
	rig_expect_list(&r, "/", "a c");
	rig_release(&r);
}
END_TEST

struct changer {
	struct rig *rig;
	bool stop; /* atomic */
	pthread_t thread;
};

static void *
change_names(void *arg)
{
	struct changer *c = arg;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		lock_take(&c->rig->v->lock);
		dir_drop_locked(c->rig->v, c->rig->v->root);
		lock_drop(&c->rig->v->lock);
		usleep(1000);
	}
	return NULL;
}

START_TEST(a_directory_that_changes_all_the_time_can_be_listed)
{
	struct changer c;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	fake_delay(&r.fake, FAKE_LIST, 30);
	c = (struct changer){ .rig = &r };
	ck_assert_int_eq(pthread_create(&c.thread, NULL, change_names, &c), 0);
	for (int i = 0; i < 3; i++)
		rig_expect_list(&r, "/", "a");
	__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
	pthread_join(c.thread, NULL);
	rig_release(&r);
}
END_TEST

/* A slow listing does not undo what was learnt while it was on its way. */
START_TEST(an_older_answer_does_not_replace_a_newer_one)
{
	struct lister l;
	struct rig_file f;
	struct rig r;
	struct node *n;

	rig_make(&r);
	r.forgetful = true; /* or the newer one is another file */
	fake_set_text(&r.fake, "/a", "one");
	ck_assert_int_eq(rig_walk(&r, "/a", &n), 0);
	fake_stale_list(&r.fake);
	lister_start(&l, &r, "a");
	fake_await(&r.fake, FAKE_LIST, 1);
	usleep(5000); /* clocks of milliseconds */
	fake_set_text(&r.fake, "/a", "other");
	ck_assert_int_eq(dir_refresh(r.v, &r.call, n, true), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	fake_unblock(&r.fake, FAKE_LIST);
	pthread_join(l.thread, NULL);
	rig_expect_file(&f, "other");
	rig_expect(&r, "/a", "other");
	rig_release_file(&f);
	rig_put(&r, n);
	rig_release(&r);
}
END_TEST

START_TEST(one_who_waits_for_a_listing_can_be_interrupted)
{
	struct dir_rows rows = { 0 };
	struct node *root;
	struct lister l;
	struct call call;
	bool yes = true;
	struct rig r;

	rig_make(&r);
	call = r.call;
	call.arg = &yes;
	root = node_get(r.v, 1);
	fake_block(&r.fake, FAKE_LIST);
	lister_start(&l, &r, "");
	fake_await(&r.fake, FAKE_LIST, 1);
	ck_assert_int_eq(rows_load(r.v, &call, root, &rows), -EINTR);
	fake_unblock(&r.fake, FAKE_LIST);
	pthread_join(l.thread, NULL);
	rows_release(r.v, &rows);
	node_unref(r.v, root);
	rig_release(&r);
}
END_TEST

START_TEST(a_name_shown_by_a_listing_is_the_same_file_as_before)
{
	struct stat before, after;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	ck_assert_int_eq(rig_stat(&r, "/a", &before), 0);
	rig_expire(&r);
	rig_expect_list(&r, "/", "a");
	ck_assert_int_eq(rig_stat(&r, "/a", &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	(void)rig_unmount(&r, 0);
	rig_mount(&r);
	ck_assert_int_eq(rig_stat(&r, "/a", &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_listing_answers_for_every_name_in_it_and_not_in_it),
	UNIT(the_second_single_name_lists_the_directory),
	UNIT(what_is_old_is_asked_for_again),
	UNIT(without_a_time_to_live_everything_is_asked_for),
	UNIT(a_listing_slower_than_the_time_to_live_ends),
	UNIT(an_error_is_never_taken_for_absence),
	UNIT(a_mount_lives_on_when_its_directory_was_away),
	UNIT(a_file_that_became_a_directory_is_one),
	UNIT(a_directory_that_nobody_uses_became_a_file),
	UNIT(own_changes_show_at_once_in_a_known_listing),
	UNIT(several_readers_of_a_directory_cost_one_listing),
	UNIT(own_changes_survive_a_listing_that_was_on_its_way),
	UNIT(what_was_put_there_and_forgotten_is_in_a_listing_that_was_on_its_way),
	UNIT(a_directory_that_changes_all_the_time_can_be_listed),
	UNIT(an_older_answer_does_not_replace_a_newer_one),
	UNIT(one_who_waits_for_a_listing_can_be_interrupted),
	UNIT(a_name_shown_by_a_listing_is_the_same_file_as_before),
};

UNIT_MAIN("dir", tests)
