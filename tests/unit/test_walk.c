/* fs/walk: listings are read ahead of a program that walks a tree. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/counters.h"
#include "fs/lists.h"
#include "fs/walk.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* Long enough for threads that should do nothing to show that they do something. */
static void
give_them_time(void)
{
	usleep(50000);
}

static void
expect_lists(struct rig *r, unsigned n)
{
	give_them_time();
	ck_assert_uint_eq(fake_calls(&r->fake, FAKE_LIST), n);
}

/* Directories a, b, ... in each directory, so many levels of them. */
static void
make_tree(struct rig *r, const char *path, unsigned width, unsigned depth)
{
	char below[256];

	for (unsigned i = 0; i < width; i++) {
		(void)snprintf(below, sizeof(below), "%s/%c", path, 'a' + i);
		fake_mkdir(&r->fake, below);
		if (depth > 1)
			make_tree(r, below, width, depth - 1);
	}
}

static int
list(struct rig *r, const char *path)
{
	struct dir_rows rows = { 0 };
	struct node *dir;
	int ret;

	ret = rig_walk(r, path, &dir);
	if (ret < 0)
		return ret;
	ret = rows_load(r->v, &r->call, dir, &rows);
	rows_release(r->v, &rows);
	node_unref(r->v, dir);
	return ret;
}

/* As find does; how many directories. */
static unsigned
find(struct rig *r, const char *path, unsigned depth)
{
	struct dir_rows rows = { 0 };
	struct node *dir;
	unsigned found = 1;

	ck_assert_int_eq(rig_walk(r, path, &dir), 0);
	ck_assert_int_eq(rows_load(r->v, &r->call, dir, &rows), 0);
	node_unref(r->v, dir);
	for (size_t i = 0; i < rows.n && depth > 0; i++) {
		char below[256];

		lock_take(&r->v->lock);
		(void)snprintf(below, sizeof(below), "%s/%s", path,
		    rows_name_locked(r->v, &rows.rows[i]));
		lock_drop(&r->v->lock);
		found += find(r, below, depth - 1);
	}
	rows_release(r->v, &rows);
	return found;
}

static void
begin(struct rig *r, unsigned width, unsigned depth)
{
	rig_make(r);
	fake_mkdir(&r->fake, "/t");
	make_tree(r, "/t", width, depth);
}

struct lister {
	struct rig rig;
	const char *path;
	int ret;
	pthread_t thread;
};

static void *
run_lister(void *arg)
{
	struct lister *l = arg;

	l->ret = list(&l->rig, l->path);
	return NULL;
}

static void
lister_start(struct lister *l, struct rig *r, const char *path)
{
	rig_view(r, &l->rig);
	l->path = path;
	ck_assert_int_eq(pthread_create(&l->thread, NULL, run_lister, l), 0);
}

static int
lister_join(struct lister *l)
{
	ck_assert_int_eq(pthread_join(l->thread, NULL), 0);
	return l->ret;
}

/* --- what it costs ---------------------------------------------------------------- */

START_TEST(a_directory_that_is_listed_alone_costs_one_listing)
{
	struct rig r;

	begin(&r, 9, 1);
	ck_assert_int_eq(list(&r, "/t"), 0);
	expect_lists(&r, 1);
	rig_release(&r);
}
END_TEST

START_TEST(a_walk_costs_one_listing_a_directory)
{
	struct rig r;

	begin(&r, 5, 3);
	fake_delay(&r.fake, FAKE_LIST, 2);
	ck_assert_uint_eq(find(&r, "/t", 9), 156);
	expect_lists(&r, 156);
	ck_assert_int_gt(counter_get(CTR_list_ahead_total), 0);
	ck_assert_uint_eq(find(&r, "/t", 9), 156);
	expect_lists(&r, 156);
	rig_release(&r);
}
END_TEST

START_TEST(a_walk_that_does_not_descend_is_not_read_ahead_below)
{
	struct rig r;

	begin(&r, 5, 3);
	ck_assert_uint_eq(find(&r, "/t", 1), 6);
	expect_lists(&r, 6);
	rig_release(&r);
}
END_TEST

/* Two directories, however many there are. */
START_TEST(a_walk_begins_with_a_small_window)
{
	struct rig r;

	begin(&r, 20, 1);
	ck_assert_int_eq(list(&r, "/t"), 0);
	ck_assert_int_eq(list(&r, "/t/a"), 0);
	expect_lists(&r, 4);
	rig_release(&r);
}
END_TEST

START_TEST(what_is_not_used_is_bounded)
{
	char path[8];
	struct rig r;

	begin(&r, 20, 2);
	ck_assert_int_eq(list(&r, "/t"), 0);
	ck_assert_int_eq(list(&r, "/t/a"), 0);
	ck_assert_int_eq(list(&r, "/t/a/a"), 0);
	/* From here on nothing of what comes next in the order of names. */
	for (char c = 't'; c > 'b'; c--) {
		(void)snprintf(path, sizeof(path), "/t/%c/t", c);
		ck_assert_int_eq(list(&r, path), 0);
	}
	give_them_time();
	/* 21 of the program, and half as many again as it may have come to. */
	ck_assert_uint_le(fake_calls(&r.fake, FAKE_LIST),
	    21 + 10 + 2 * WALK_AHEAD);
	rig_release(&r);
}
END_TEST

START_TEST(without_a_time_to_live_nothing_is_read_ahead)
{
	struct rig r;

	rig_init(&r);
	r.config.attr_ttl_ms = 0;
	rig_mount(&r);
	fake_mkdir(&r.fake, "/t");
	make_tree(&r, "/t", 5, 2);
	ck_assert_uint_eq(find(&r, "/t", 9), 31);
	expect_lists(&r, 31);
	ck_assert_int_eq(counter_get(CTR_list_ahead_total), 0);
	rig_release(&r);
}
END_TEST

/* --- who waits for what --------------------------------------------------------------- */

/* Lists /t, then /t/a, with its listing and those of /t/b and /t/c held back. */
static void
hold_three(struct rig *r, struct lister *first)
{
	begin(r, 9, 2);
	ck_assert_int_eq(list(r, "/t"), 0);
	fake_block(&r->fake, FAKE_LIST);
	lister_start(first, r, "/t/a");
	fake_await(&r->fake, FAKE_LIST, 3);
}

START_TEST(a_program_waits_for_a_listing_that_is_under_way)
{
	struct lister a, b;
	struct node *n;
	struct rig r;

	hold_three(&r, &a);
	ck_assert_int_eq(rig_walk(&r, "/t/b", &n), 0);
	lock_take(&r.v->lock);
	ck_assert_int_eq(call_class(n->dir->listing), CALL_AHEAD);
	lock_drop(&r.v->lock);
	lister_start(&b, &r, "/t/b");
	for (bool urgent = false; !urgent;) {
		lock_take(&r.v->lock);
		ck_assert_ptr_nonnull(n->dir->listing);
		urgent = call_class(n->dir->listing) == CALL_DEMAND;
		lock_drop(&r.v->lock);
	}
	rig_put(&r, n);
	fake_unblock(&r.fake, FAKE_LIST);
	ck_assert_int_eq(lister_join(&a), 0);
	ck_assert_int_eq(lister_join(&b), 0);
	ck_assert_uint_eq(find(&r, "/t", 1), 10);
	expect_lists(&r, 10);
	rig_release(&r);
}
END_TEST

START_TEST(a_program_does_not_wait_for_what_is_not_under_way)
{
	struct lister a, i;
	struct rig r;

	hold_three(&r, &a);
	lister_start(&i, &r, "/t/i");
	fake_await(&r.fake, FAKE_LIST, 4);
	fake_unblock(&r.fake, FAKE_LIST);
	ck_assert_int_eq(lister_join(&a), 0);
	ck_assert_int_eq(lister_join(&i), 0);
	rig_release(&r);
}
END_TEST

START_TEST(an_interrupt_ends_what_is_under_way)
{
	bool under_way;
	struct lister a;
	struct rig r;

	hold_three(&r, &a);
	__atomic_store_n(&a.rig.interrupt, true, __ATOMIC_RELAXED);
	ck_assert_int_eq(lister_join(&a), -EINTR);
	do {
		lock_take(&r.fake.lock);
		under_way = r.fake.waiting[FAKE_LIST] > 0;
		lock_drop(&r.fake.lock);
	} while (under_way);
	fake_unblock(&r.fake, FAKE_LIST);
	expect_lists(&r, 4);
	rig_release(&r);
}
END_TEST

START_TEST(an_unmount_ends_what_is_under_way)
{
	struct lister a;
	struct rig r;

	hold_three(&r, &a);
	__atomic_store_n(&a.rig.interrupt, true, __ATOMIC_RELAXED);
	(void)lister_join(&a);
	(void)rig_unmount(&r, 0);
	fake_unblock(&r.fake, FAKE_LIST);
	rig_release(&r);
}
END_TEST

START_TEST(an_error_is_for_the_program_that_comes_to_it)
{
	struct rig r;

	begin(&r, 3, 1);
	ck_assert_int_eq(list(&r, "/t"), 0);
	/* Of /t/a, /t/b and /t/c, whoever asks. */
	fake_fail(&r.fake, FAKE_LIST, 1, 3, -EACCES);
	ck_assert_int_eq(list(&r, "/t/a"), -EACCES);
	expect_lists(&r, 4);
	ck_assert_int_eq(list(&r, "/t/b"), 0);
	ck_assert_int_eq(list(&r, "/t/c"), 0);
	ck_assert_int_eq(list(&r, "/t/a"), 0);
	rig_release(&r);
}
END_TEST

/* --- names change meanwhile ------------------------------------------------------------ */

START_TEST(what_was_read_ahead_is_not_shown_after_own_changes)
{
	struct rig r;

	begin(&r, 4, 2);
	fake_set_text(&r.fake, "/t/b/file", "text");
	ck_assert_int_eq(list(&r, "/t"), 0);
	ck_assert_int_eq(list(&r, "/t/a"), 0);
	expect_lists(&r, 4);
	ck_assert_int_eq(rig_unlink(&r, "/t/b/file"), 0);
	ck_assert_int_eq(rig_rmdir(&r, "/t/b/a"), 0);
	ck_assert_int_eq(rig_mkdir(&r, "/t/b/new"), 0);
	ck_assert_int_eq(rig_rename(&r, "/t/c", "/t/b/c2"), 0);
	rig_expect_list(&r, "/t/b", "b c c2 d new");
	rig_expect_list(&r, "/t/b/c2", "a b c d");
	rig_expect_list(&r, "/t", "a b d");
	rig_release(&r);
}
END_TEST

START_TEST(a_tree_may_be_removed_while_it_is_walked)
{
	struct lister a;
	struct rig r;

	hold_three(&r, &a);
	/* Another client takes away what is being listed. */
	for (char c = 'a'; c <= 'i'; c++) {
		char path[16];

		(void)snprintf(path, sizeof(path), "/t/b/%c", c);
		fake_remove(&r.fake, path);
	}
	fake_remove(&r.fake, "/t/b");
	fake_unblock(&r.fake, FAKE_LIST);
	ck_assert_int_eq(lister_join(&a), 0);
	give_them_time();
	ck_assert_int_eq(list(&r, "/t/b"), -ESTALE);
	ck_assert_int_eq(list(&r, "/t/c"), 0);
	rig_release(&r);
}
END_TEST

/* --- what is kept ----------------------------------------------------------------------- */

START_TEST(a_listing_that_has_to_go_takes_no_attribute_with_it)
{
	struct node *dir, *file;
	struct stat st;
	struct rig r;

	begin(&r, 2, 1);
	fake_set_text(&r.fake, "/t/a/file", "text");
	ck_assert_int_eq(list(&r, "/t/a"), 0);
	ck_assert_int_eq(rig_walk(&r, "/t/a/file", &file), 0);
	ck_assert_int_eq(rig_walk(&r, "/t/a", &dir), 0);
	ck_assert_int_ne(dir->dir->listed_ms, 0);
	lock_take(&r.v->lock);
	r.v->lists_rows += LISTS_ROWS; /* as if there were that many */
	lock_drop(&r.v->lock);
	ck_assert_int_eq(list(&r, "/t/b"), 0);
	lock_take(&r.v->lock);
	r.v->lists_rows -= LISTS_ROWS;
	lock_drop(&r.v->lock);
	ck_assert_int_eq(dir->dir->listed_ms, 0);
	ck_assert_int_eq(counter_get(CTR_listed_names), 0);
	fake_forget_calls(&r.fake);
	lock_take(&r.v->lock);
	node_stat_locked(r.v, file, &st);
	ck_assert_int_eq(st.st_size, 4);
	ck_assert_int_gt(node_ttl_left_locked(r.v, file), 0);
	lock_drop(&r.v->lock);
	ck_assert_uint_eq(fake_all_calls(&r.fake), 0);
	rig_expect_list(&r, "/t/a", "file");
	rig_put(&r, file);
	rig_put(&r, dir);
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_directory_that_is_listed_alone_costs_one_listing),
	UNIT(a_walk_costs_one_listing_a_directory),
	UNIT(a_walk_that_does_not_descend_is_not_read_ahead_below),
	UNIT(a_walk_begins_with_a_small_window),
	UNIT(what_is_not_used_is_bounded),
	UNIT(without_a_time_to_live_nothing_is_read_ahead),
	UNIT(a_program_waits_for_a_listing_that_is_under_way),
	UNIT(a_program_does_not_wait_for_what_is_not_under_way),
	UNIT(an_interrupt_ends_what_is_under_way),
	UNIT(an_unmount_ends_what_is_under_way),
	UNIT(an_error_is_for_the_program_that_comes_to_it),
	UNIT(what_was_read_ahead_is_not_shown_after_own_changes),
	UNIT(a_tree_may_be_removed_while_it_is_walked),
	UNIT(a_listing_that_has_to_go_takes_no_attribute_with_it),
};

UNIT_MAIN("walk", tests)
