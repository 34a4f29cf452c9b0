/* fs/measure: sizes that the service does not tell. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/listing.h"
#include "fs/dir.h"
#include "fs/measure.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* Long enough for threads that should do nothing to show that they do something. */
static void
give_them_time(void)
{
	usleep(50000);
}

static void
begin(struct rig *r)
{
	rig_init(r);
	r->fake.no_sizes = true;
	rig_mount(r);
	fake_mkdir(&r->fake, "/d");
}

static const char *
name_of(unsigned i)
{
	static char path[32];

	(void)snprintf(path, sizeof(path), "/d/f%03u", i);
	return path;
}

/* /d/f000 and so on; each as long as its number. */
static void
begin_with(struct rig *r, unsigned n)
{
	char text[1000];

	memset(text, 'x', sizeof(text));
	begin(r);
	for (unsigned i = 0; i < n; i++)
		fake_set(&r->fake, name_of(i), text, i);
	rig_expect_list(r, "/", "d");
}

static void
list(struct rig *r)
{
	struct dir_rows rows = { 0 };
	struct node *dir;

	ck_assert_int_eq(rig_walk(r, "/d", &dir), 0);
	ck_assert_int_eq(rows_load(r->v, &r->call, dir, &rows), 0);
	rows_release(r->v, &rows);
	node_unref(r->v, dir);
}

static void
expect_size(struct rig *r, const char *path, off_t size)
{
	struct stat st;

	ck_assert_int_eq(rig_stat(r, path, &st), 0);
	ck_assert_int_eq(st.st_size, size);
}

static unsigned
measures(struct rig *r)
{
	return fake_calls(&r->fake, FAKE_MEASURE);
}

static void
expect_measures(struct rig *r, unsigned n)
{
	give_them_time();
	ck_assert_uint_eq(measures(r), n);
}

static void
await_measures(struct rig *r, unsigned n)
{
	int64_t until = clock_mono_ms() + 60000;

	while (measures(r) < n) {
		ck_assert_int_lt(clock_mono_ms(), until);
		usleep(1000);
	}
}

static unsigned
under_way(struct rig *r)
{
	unsigned n;

	lock_take(&r->fake.lock);
	n = r->fake.waiting[FAKE_MEASURE];
	lock_drop(&r->fake.lock);
	return n;
}

/* --- a program in a thread --------------------------------------------------------- */

struct looker {
	struct rig rig;
	const char *path;
	struct stat st;
	int ret;
	pthread_t thread;
};

static void *
run_looker(void *arg)
{
	struct looker *l = arg;

	l->ret = rig_stat(&l->rig, l->path, &l->st);
	return NULL;
}

static void
looker_start(struct looker *l, struct rig *r, const char *path)
{
	rig_view(r, &l->rig);
	l->path = path;
	ck_assert_int_eq(pthread_create(&l->thread, NULL, run_looker, l), 0);
}

static int
looker_join(struct looker *l)
{
	ck_assert_int_eq(pthread_join(l->thread, NULL), 0);
	return l->ret;
}

static void
looker_interrupt(struct looker *l)
{
	__atomic_store_n(&l->rig.interrupt, true, __ATOMIC_RELAXED);
	ck_assert_int_eq(looker_join(l), -EINTR);
}

/* --- what it costs ------------------------------------------------------------------ */

START_TEST(names_cost_no_size)
{
	struct rig r;

	begin_with(&r, 3);
	rig_expect_list(&r, "/d", "f000 f001 f002");
	expect_measures(&r, 0);
	rig_release(&r);
}
END_TEST

START_TEST(one_fetch_gives_size_and_content)
{
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "text");
	expect_size(&r, "/d/f", 4);
	expect_size(&r, "/d/f", 4);
	ck_assert_uint_eq(measures(&r), 1);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 1);
	rig_expect(&r, "/d/f", "text");
	rig_expire(&r);
	rig_expect(&r, "/d/f", "text");
	ck_assert_uint_eq(measures(&r), 1);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 1);
	rig_release(&r);
}
END_TEST

START_TEST(an_open_alone_measures)
{
	struct rig_file f;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "text");
	ck_assert_int_eq(rig_open(&r, "/d/f", O_RDONLY, &f), 0);
	rig_expect_file(&f, "text");
	ck_assert_int_eq(rig_close(&f), 0);
	ck_assert_uint_eq(measures(&r), 1);
	rig_release(&r);
}
END_TEST

START_TEST(the_listing_knows_the_size_too)
{
	struct node *dir;
	struct entry *e;
	struct rig r;

	begin_with(&r, 3);
	list(&r);
	expect_size(&r, "/d/f002", 2);
	ck_assert_int_eq(rig_walk(&r, "/d", &dir), 0);
	lock_take(&r.v->lock);
	e = listing_find(&dir->dir->list, "f002");
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->version.size, 2);
	lock_drop(&r.v->lock);
	rig_put(&r, dir);
	fake_forget_calls(&r.fake);
	list(&r);
	expect_size(&r, "/d/f002", 2);
	ck_assert_uint_eq(fake_all_calls(&r.fake), 0);
	rig_release(&r);
}
END_TEST

START_TEST(what_is_written_here_is_not_measured)
{
	struct rig r;

	begin(&r);
	ck_assert_int_eq(rig_save(&r, "/d/f", "text"), 0);
	rig_expect(&r, "/d/f", "text");
	rig_settle(&r);
	rig_expect(&r, "/d/f", "text");
	ck_assert_uint_eq(measures(&r), 0);
	rig_release(&r);
}
END_TEST

/* Nor what is thrown away. */
START_TEST(what_is_overwritten_is_not_measured)
{
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "old");
	ck_assert_int_eq(rig_save(&r, "/d/f", "text"), 0);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/d/f", "text");
	ck_assert_uint_eq(measures(&r), 0);
	/* Not even when the service would refuse it. */
	fake_set_text(&r.fake, "/d/g", "old");
	fake_fail(&r.fake, FAKE_MEASURE, 1, 99, -EFBIG);
	ck_assert_int_eq(rig_save(&r, "/d/g", "text"), 0);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/d/g", "text");
	rig_release(&r);
}
END_TEST

START_TEST(what_others_saved_meanwhile_is_not_overwritten)
{
	struct rig_file f;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "old");
	ck_assert_int_eq(rig_open(&r, "/d/f", O_WRONLY | O_TRUNC, &f), 0);
	fake_set_text(&r.fake, "/d/f", "others");
	ck_assert_int_eq(rig_write_text(&f, "ours", 0), 0);
	ck_assert_int_eq(rig_close(&f), -ESTALE);
	fake_expect_text(&r.fake, "/d/f", "others");
	rig_release(&r);
}
END_TEST

START_TEST(what_is_appended_to_is_measured_first)
{
	struct rig_file f;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "text");
	ck_assert_int_eq(rig_open(&r, "/d/f", O_WRONLY, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, " and more", 4), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_expect(&r, "/d/f", "text and more");
	fake_expect_text(&r.fake, "/d/f", "text and more");
	ck_assert_uint_eq(measures(&r), 1);
	rig_release(&r);
}
END_TEST

START_TEST(a_file_may_be_cut_unmeasured)
{
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "text");
	ck_assert_int_eq(rig_truncate(&r, "/d/f", 2), 0);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/d/f", "te");
	rig_release(&r);
}
END_TEST

START_TEST(a_file_may_be_emptied_unmeasured)
{
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "text");
	ck_assert_int_eq(rig_truncate(&r, "/d/f", 0), 0);
	expect_size(&r, "/d/f", 0);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/d/f", "");
	rig_expect(&r, "/d/f", "");
	ck_assert_uint_eq(measures(&r), 0);
	rig_release(&r);
}
END_TEST

/* --- ahead of a program ------------------------------------------------------------- */

START_TEST(one_size_is_one_fetch)
{
	struct rig r;

	begin_with(&r, 20);
	list(&r);
	expect_size(&r, "/d/f003", 3);
	expect_size(&r, "/d/f003", 3);
	expect_measures(&r, 1);
	rig_release(&r);
}
END_TEST

START_TEST(a_program_that_goes_through_a_folder_finds_sizes)
{
	struct rig r;

	begin_with(&r, 40);
	list(&r);
	fake_delay(&r.fake, FAKE_MEASURE, 2);
	for (unsigned i = 0; i < 40; i++)
		expect_size(&r, name_of(i), i);
	/* A file may be asked for by the program while a thread comes to it. */
	give_them_time();
	ck_assert_uint_ge(measures(&r), 40);
	ck_assert_uint_le(measures(&r), 48);
	fake_forget_calls(&r.fake);
	for (unsigned i = 0; i < 40; i++)
		expect_size(&r, name_of(i), i);
	expect_measures(&r, 0);
	rig_release(&r);
}
END_TEST

START_TEST(not_more_than_so_much_is_measured_ahead)
{
	struct rig r;

	begin_with(&r, 200);
	list(&r);
	expect_size(&r, name_of(0), 0);
	expect_size(&r, name_of(1), 1);
	await_measures(&r, 2 + MEASURE_AHEAD);
	expect_measures(&r, 2 + MEASURE_AHEAD);
	/* One further, one more. */
	expect_size(&r, name_of(2), 2);
	await_measures(&r, 3 + MEASURE_AHEAD);
	expect_measures(&r, 3 + MEASURE_AHEAD);
	rig_release(&r);
}
END_TEST

START_TEST(a_program_that_goes_backwards_is_not_helped)
{
	struct rig r;

	begin_with(&r, 20);
	list(&r);
	for (unsigned i = 20; i > 10; i--)
		expect_size(&r, name_of(i - 1), i - 1);
	expect_measures(&r, 10);
	rig_release(&r);
}
END_TEST

START_TEST(an_error_is_for_the_program_that_comes_to_it)
{
	struct stat st;
	struct rig r;

	begin_with(&r, 10);
	list(&r);
	expect_size(&r, name_of(0), 0);
	/* All that are left, whoever asks. */
	fake_fail(&r.fake, FAKE_MEASURE, 1, 9, -EIO);
	ck_assert_int_eq(rig_stat(&r, name_of(1), &st), -EIO);
	await_measures(&r, 10);
	expect_measures(&r, 10);
	fake_fail(&r.fake, FAKE_MEASURE, 1, 1, -EIO);
	ck_assert_int_eq(rig_stat(&r, name_of(5), &st), -EIO);
	for (unsigned i = 0; i < 10; i++)
		expect_size(&r, name_of(i), i);
	rig_release(&r);
}
END_TEST

/* Takes more than five seconds, as the pause does. */
START_TEST(what_is_under_way_is_given_up_after_a_pause)
{
	int64_t until;
	struct looker a;
	unsigned calls;
	struct rig r;

	begin_with(&r, 40);
	list(&r);
	expect_size(&r, name_of(0), 0);
	fake_block(&r.fake, FAKE_MEASURE);
	looker_start(&a, &r, "/d/f001");
	fake_await(&r.fake, FAKE_MEASURE, 9);
	until = clock_mono_ms() + 60000;
	looker_interrupt(&a);
	while (under_way(&r) > 0) {
		ck_assert_int_lt(clock_mono_ms(), until);
		usleep(10000);
	}
	calls = measures(&r);
	fake_unblock(&r.fake, FAKE_MEASURE);
	expect_measures(&r, calls);
	/* Who comes back finds them. */
	for (unsigned i = 1; i < 40; i++)
		expect_size(&r, name_of(i), i);
	rig_release(&r);
}
END_TEST

START_TEST(a_folder_that_is_too_old_is_not_gone_through)
{
	struct rig r;

	begin_with(&r, 20);
	list(&r);
	expect_size(&r, name_of(0), 0);
	rig_expire(&r);
	expect_size(&r, name_of(1), 1);
	give_them_time();
	/* By lookups alone; a second one may list it anew. */
	ck_assert_uint_le(measures(&r), 20);
	rig_release(&r);
}
END_TEST

START_TEST(an_unmount_ends_what_is_under_way)
{
	struct looker a;
	struct rig r;

	begin_with(&r, 40);
	list(&r);
	expect_size(&r, name_of(0), 0);
	fake_block(&r.fake, FAKE_MEASURE);
	looker_start(&a, &r, "/d/f001");
	fake_await(&r.fake, FAKE_MEASURE, 9);
	looker_interrupt(&a);
	(void)rig_unmount(&r, 0);
	fake_unblock(&r.fake, FAKE_MEASURE);
	rig_release(&r);
}
END_TEST

/* --- content that is refused --------------------------------------------------------- */

static const int refusals[] = { -EACCES, -EPERM, -EFBIG, -EINVAL, -EOPNOTSUPP,
	-ENOSYS };

START_TEST(what_is_refused_is_shown_and_cannot_be_opened)
{
	struct rig_file f;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "text");
	fake_fail(&r.fake, FAKE_MEASURE, 1, 2, refusals[_i]);
	expect_size(&r, "/d/f", 0);
	ck_assert_int_eq(rig_open(&r, "/d/f", O_RDONLY, &f), refusals[_i]);
	ck_assert_str_eq(r.call.words, "a rule of the test");
	/* Once it is allowed, it is as others. */
	expect_size(&r, "/d/f", 4);
	rig_expect(&r, "/d/f", "text");
	rig_release(&r);
}
END_TEST

static const int failures[] = { -EIO, -ETIMEDOUT, -EINTR, -EBUSY };

START_TEST(what_fails_is_an_error)
{
	struct rig_file f;
	struct stat st;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "text");
	fake_fail(&r.fake, FAKE_MEASURE, 1, 2, failures[_i]);
	ck_assert_int_eq(rig_stat(&r, "/d/f", &st), failures[_i]);
	ck_assert_int_eq(rig_open(&r, "/d/f", O_RDONLY, &f), failures[_i]);
	expect_size(&r, "/d/f", 4);
	rig_release(&r);
}
END_TEST

/* --- what changes meanwhile ----------------------------------------------------------- */

/* Another program has seen a new version, which is another node, while the old one was
 * measured. */
START_TEST(a_version_that_is_gone_meanwhile_is_not_shown)
{
	struct node *n;
	struct looker a;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "old");
	fake_block(&r.fake, FAKE_MEASURE);
	looker_start(&a, &r, "/d/f");
	fake_await(&r.fake, FAKE_MEASURE, 1);
	fake_set_text(&r.fake, "/d/f", "longer");
	rig_expire(&r);
	ck_assert_int_eq(rig_walk(&r, "/d/f", &n), 0);
	ck_assert_int_eq(dir_refresh(r.v, &r.call, n, false), 0);
	fake_unblock(&r.fake, FAKE_MEASURE);
	ck_assert_int_eq(looker_join(&a), -ESTALE);
	rig_put(&r, n);
	rig_expect(&r, "/d/f", "longer");
	rig_release(&r);
}
END_TEST

START_TEST(a_file_may_go_while_it_is_measured)
{
	struct looker a, b;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "old");
	fake_set_text(&r.fake, "/d/g", "old");
	fake_block(&r.fake, FAKE_MEASURE);
	looker_start(&a, &r, "/d/f");
	looker_start(&b, &r, "/d/g");
	fake_await(&r.fake, FAKE_MEASURE, 2);
	ck_assert_int_eq(rig_unlink(&r, "/d/f"), 0);
	ck_assert_int_eq(rig_rename(&r, "/d/g", "/d/h"), 0);
	fake_unblock(&r.fake, FAKE_MEASURE);
	ck_assert_int_eq(looker_join(&a), -ENOENT);
	ck_assert_int_eq(looker_join(&b), 0);
	ck_assert_int_eq(b.st.st_size, 3);
	rig_expect(&r, "/d/f", NULL);
	rig_expect(&r, "/d/g", NULL);
	rig_expect(&r, "/d/h", "old");
	rig_release(&r);
}
END_TEST

START_TEST(a_file_may_be_written_while_it_is_measured)
{
	struct looker a;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "old");
	fake_block(&r.fake, FAKE_MEASURE);
	looker_start(&a, &r, "/d/f");
	fake_await(&r.fake, FAKE_MEASURE, 1);
	ck_assert_int_eq(rig_save(&r, "/d/f", "longer"), 0);
	fake_unblock(&r.fake, FAKE_MEASURE);
	ck_assert_int_eq(looker_join(&a), 0);
	ck_assert_int_eq(a.st.st_size, 6);
	rig_expect(&r, "/d/f", "longer");
	rig_release(&r);
}
END_TEST

/* What measured it has forgotten it; the version is the same. */
START_TEST(a_size_that_is_known_stays_known)
{
	struct rig_file f;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "text");
	ck_assert_int_eq(rig_open(&r, "/d/f", O_RDWR, &f), 0);
	fake_forget_sizes(&r.fake);
	rig_expire(&r);
	list(&r);
	rig_expect_file(&f, "text");
	expect_size(&r, "/d/f", 4);
	rig_expire(&r);
	expect_size(&r, "/d/f", 4);
	rig_expect_file(&f, "text");
	ck_assert_int_eq(rig_write_text(&f, "T", 0), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/d/f", "Text");
	ck_assert_uint_eq(measures(&r), 1);
	rig_release(&r);
}
END_TEST

/* A new version has no size yet; who has the old one open writes. */
START_TEST(a_write_to_what_was_replaced_meanwhile)
{
	struct rig_file f;
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/f", "text");
	ck_assert_int_eq(rig_open(&r, "/d/f", O_RDWR, &f), 0);
	fake_set_text(&r.fake, "/d/f", "others");
	rig_expire(&r);
	list(&r);
	if (rig_write_text(&f, "T", 0) == 0)
		ck_assert_int_eq(rig_close(&f), -ESTALE);
	else
		(void)rig_close(&f);
	fake_expect_text(&r.fake, "/d/f", "others");
	rig_expect(&r, "/d/f", "others");
	rig_release(&r);
}
END_TEST

/* --- uploads -------------------------------------------------------------------------- */

START_TEST(an_upload_whose_answer_was_lost_is_recognised)
{
	struct rig r;

	begin(&r);
	fake_lose_answer(&r.fake, FAKE_PUT, -EEXIST);
	ck_assert_int_eq(rig_save(&r, "/d/f", "text"), 0);
	ck_assert_uint_eq(measures(&r), 1);
	ck_assert_uint_eq(rig_pending(&r), 0);
	ck_assert_uint_eq(fake_versions(&r.fake, "/d/f"), 1);
	rig_release(&r);
}
END_TEST

START_TEST(an_upload_that_is_another_content_is_not)
{
	static const char *const theirs[] = { "test", "texts" };
	struct rig r;

	begin(&r);
	fake_set_text(&r.fake, "/d/g", "x");
	for (size_t i = 0; i < 2; i++) {
		struct rig_file f;
		const char *path = name_of((unsigned)i);

		ck_assert_int_eq(rig_open(&r, path, O_WRONLY | O_CREAT, &f), 0);
		fake_set_text(&r.fake, path, theirs[i]);
		ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
		ck_assert_int_eq(rig_close(&f), -EEXIST);
		fake_expect_text(&r.fake, path, theirs[i]);
	}
	rig_release(&r);
}
END_TEST

/* The answer said that nothing is known; then the file is changed again. */
START_TEST(an_older_upload_of_ours_is_recognised)
{
	struct rig r;

	begin(&r);
	fake_lose_answer(&r.fake, FAKE_PUT, -EIO);
	ck_assert_int_eq(rig_save(&r, "/d/f", "first"), -EIO);
	ck_assert_int_eq(rig_save(&r, "/d/f", "second one"), 0);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/d/f", "second one");
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(names_cost_no_size),
	UNIT(one_fetch_gives_size_and_content),
	UNIT(an_open_alone_measures),
	UNIT(the_listing_knows_the_size_too),
	UNIT(what_is_written_here_is_not_measured),
	UNIT(what_is_overwritten_is_not_measured),
	UNIT(what_others_saved_meanwhile_is_not_overwritten),
	UNIT(what_is_appended_to_is_measured_first),
	UNIT(a_file_may_be_cut_unmeasured),
	UNIT(a_file_may_be_emptied_unmeasured),
	UNIT(one_size_is_one_fetch),
	UNIT(a_program_that_goes_through_a_folder_finds_sizes),
	UNIT(not_more_than_so_much_is_measured_ahead),
	UNIT(a_program_that_goes_backwards_is_not_helped),
	UNIT(an_error_is_for_the_program_that_comes_to_it),
	UNIT(what_is_under_way_is_given_up_after_a_pause),
	UNIT(a_folder_that_is_too_old_is_not_gone_through),
	UNIT(an_unmount_ends_what_is_under_way),
	UNIT_ROWS(what_is_refused_is_shown_and_cannot_be_opened, refusals),
	UNIT_ROWS(what_fails_is_an_error, failures),
	UNIT(a_version_that_is_gone_meanwhile_is_not_shown),
	UNIT(a_size_that_is_known_stays_known),
	UNIT(a_write_to_what_was_replaced_meanwhile),
	UNIT(a_file_may_go_while_it_is_measured),
	UNIT(a_file_may_be_written_while_it_is_measured),
	UNIT(an_upload_whose_answer_was_lost_is_recognised),
	UNIT(an_upload_that_is_another_content_is_not),
	UNIT(an_older_upload_of_ours_is_recognised),
};

UNIT_MAIN("measure", tests)
