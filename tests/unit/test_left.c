/* fs/left, fs/save_record, fs/loose: what a mount leaves unsent and the next takes up. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "fs/save.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

#define END_BYTES 24 /* of a record without a payload: cache/journal.h */

static void
expect_pending(struct rig *r, const char *path, enum pending_state state,
    const char *text)
{
	struct pending_info info = rig_pending_first(r);
	char got[64];
	ssize_t n = staged_read(info.data, &r->call, NULL, 0, got, sizeof(got));

	ck_assert_str_eq(info.path, path);
	ck_assert_int_eq(info.state, state);
	ck_assert_int_eq(n, (ssize_t)strlen(text));
	ck_assert_mem_eq(got, text, (size_t)n);
	pending_info_release(&info);
}

/* A close that answered, whose upload failed. */
static void
save_and_fail(struct rig *r, const char *path, const char *text)
{
	fake_fail(&r->fake, FAKE_PUT, 1, 999, -EIO);
	ck_assert_int_eq(rig_save(r, path, text), -EIO);
	fake_fail(&r->fake, FAKE_PUT, 0, 0, 0);
}

/* All but scratch files. */
static void
await_sent(struct rig *r)
{
	while (vfs_dirty(r->v) > 0)
		usleep(1000);
}

static void
unmount_unsent(struct rig *r)
{
	fake_fail(&r->fake, FAKE_PUT, 1, 999, -EIO);
	(void)rig_unmount(r, 0);
	fake_fail(&r->fake, FAKE_PUT, 0, 0, 0);
}

START_TEST(what_could_not_be_sent_is_sent_by_the_next_mount)
{
	struct rig r;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_set_text(&r.fake, "/old", "old");
	save_and_fail(&r, "/old", "changed");
	save_and_fail(&r, "/d/new", "new");
	rig_crash(&r);
	/* Shown at once, before it is sent. */
	rig_expect(&r, "/old", "changed");
	rig_expect(&r, "/d/new", "new");
	rig_expect_list(&r, "/d", "new");
	rig_settle(&r);
	fake_expect_text(&r.fake, "/old", "changed");
	fake_expect_text(&r.fake, "/d/new", "new");
	ck_assert_uint_eq(rig_pending(&r), 0);
	/* And only once. */
	rig_crash(&r);
	rig_settle(&r);
	ck_assert_uint_eq(fake_versions(&r.fake, "/d/new"), 1);
	rig_release(&r);
}
END_TEST

START_TEST(an_upload_that_a_crash_cut_off_is_repeated)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	fake_block(&r.fake, FAKE_PUT);
	r.interrupt = true;
	ck_assert_int_eq(rig_close(&f), -EINTR);
	r.interrupt = false;
	fake_await(&r.fake, FAKE_PUT, 1);
	rig_crash(&r);
	fake_unblock(&r.fake, FAKE_PUT);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "text");
	rig_release(&r);
}
END_TEST

/* The server has it, its answer was lost, and then the program died. */
START_TEST(an_upload_that_had_arrived_is_no_conflict)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	fake_lose_answer(&r.fake, FAKE_PUT, -ETIMEDOUT);
	ck_assert_int_eq(rig_save(&r, "/a", "new"), -ETIMEDOUT);
	fake_lose_answer(&r.fake, FAKE_PUT, -ETIMEDOUT);
	ck_assert_int_eq(rig_save(&r, "/b", "new"), -ETIMEDOUT);
	rig_crash(&r);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "new");
	fake_expect_text(&r.fake, "/b", "new");
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

START_TEST(what_changed_on_the_server_meanwhile_is_a_conflict)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	save_and_fail(&r, "/a", "ours");
	fake_set_text(&r.fake, "/a", "theirs");
	rig_crash(&r);
	while (rig_pending(&r) == 0)
		usleep(1000);
	expect_pending(&r, "a", PENDING_CONFLICT, "ours");
	rig_expire(&r);
	rig_expect(&r, "/a", "theirs");
	fake_expect_text(&r.fake, "/a", "theirs");
	/* Kept over another mount, until a person decides. */
	rig_crash(&r);
	while (rig_pending(&r) == 0)
		usleep(1000);
	expect_pending(&r, "a", PENDING_CONFLICT, "ours");
	ck_assert_int_eq(pending_act(r.config.pending, &r.call, 1,
	    PENDING_DISCARD), 0);
	rig_crash(&r);
	rig_settle(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	fake_expect_text(&r.fake, "/a", "theirs");
	ck_assert_uint_eq(rig_staging_files(&r), 0);
	rig_release(&r);
}
END_TEST

START_TEST(what_no_close_had_promised_is_kept_and_not_sent)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old text");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_TRUNC, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "half", 0), 0);
	rig_crash_open(&r, &f);
	rig_expect(&r, "/a", "old text");
	ck_assert_uint_eq(rig_pending(&r), 1);
	expect_pending(&r, "a", PENDING_KEPT, "half");
	fake_expect_text(&r.fake, "/a", "old text");
	rig_release(&r);
}
END_TEST

/* Opened with O_TRUNC and closed by a shell, then the program died. */
START_TEST(an_emptied_and_closed_file_is_sent_empty)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_TRUNC, &f), 0);
	ck_assert_int_eq(rig_flush(&f), 0);
	rig_crash_open(&r, &f);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "");
	rig_release(&r);
}
END_TEST

START_TEST(scratch_files_are_there_again)
{
	struct stat before, after;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_save(&r, "/.a.swp", "swap"), 0);
	ck_assert_int_eq(rig_save(&r, "/a~", "backup"), 0);
	ck_assert_int_eq(rig_stat(&r, "/a~", &before), 0);
	rig_crash(&r);
	rig_expect(&r, "/.a.swp", "swap");
	rig_expect(&r, "/a~", "backup");
	ck_assert_int_eq(rig_stat(&r, "/a~", &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	rig_expect_list(&r, "/", ".a.swp a~");
	ck_assert_int_eq(rig_rename(&r, "/a~", "/a"), 0);
	fake_expect_text(&r.fake, "/a", "backup");
	ck_assert_int_eq(rig_unlink(&r, "/.a.swp"), 0);
	(void)rig_unmount(&r, 10000);
	ck_assert_uint_eq(rig_staging_files(&r), 0);
	rig_mount(&r);
	rig_expect_list(&r, "/", "a");
	rig_release(&r);
}
END_TEST

/* A file whose name was changed while it was unsent. */
START_TEST(unsent_files_follow_renames)
{
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_mkdir(&r, "/d"), 0);
	ck_assert_int_eq(rig_save(&r, "/d/a~", "one"), 0);
	save_and_fail(&r, "/d/b", "two");
	ck_assert_int_eq(rig_rename(&r, "/d/a~", "/d/c~"), 0);
	ck_assert_int_eq(rig_rename(&r, "/d", "/e"), 0);
	rig_crash(&r);
	rig_expect(&r, "/e/c~", "one");
	rig_expect(&r, "/e/b", "two");
	rig_expect(&r, "/d", NULL);
	while (vfs_dirty(r.v) > 0)
		usleep(1000);
	fake_expect_text(&r.fake, "/e/b", "two");
	rig_release(&r);
}
END_TEST

START_TEST(a_removed_unsent_file_does_not_come_back)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/old", "old");
	save_and_fail(&r, "/old", "changed");
	save_and_fail(&r, "/new", "new");
	rig_crash(&r);
	fake_fail(&r.fake, FAKE_PUT, 1, 999, -EIO);
	ck_assert_int_eq(rig_unlink(&r, "/old"), 0);
	ck_assert_int_eq(rig_unlink(&r, "/new"), 0);
	rig_expire(&r);
	rig_expect_list(&r, "/", "");
	ck_assert_uint_eq(fake_count(&r.fake), 0);
	rig_crash(&r);
	rig_expect_list(&r, "/", "");
	rig_settle(&r);
	ck_assert_uint_eq(fake_count(&r.fake), 0);
	rig_release(&r);
}
END_TEST

START_TEST(a_file_left_unsent_can_be_renamed)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/old", "old");
	save_and_fail(&r, "/old", "changed");
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EIO);
	rig_crash(&r);
	while (fake_calls(&r.fake, FAKE_PUT) < 2)
		usleep(1000);
	ck_assert_int_eq(rig_rename(&r, "/old", "/new"), 0);
	rig_expire(&r);
	rig_expect_list(&r, "/", "new");
	rig_expect(&r, "/new", "changed");
	fake_expect_text(&r.fake, "/old", NULL);
	fake_expect_text(&r.fake, "/new", "changed");
	rig_release(&r);
}
END_TEST

START_TEST(the_execute_bit_of_an_unsent_file_is_kept)
{
	struct rig_file f;
	struct stat st;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_open_mode(&r, "/run~", O_WRONLY | O_CREAT, 0755,
	    &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "#!", 0), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_crash(&r);
	ck_assert_int_eq(rig_stat(&r, "/run~", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0755);
	rig_release(&r);
}
END_TEST

/* The rename was acknowledged, and is still to be done. */
START_TEST(a_file_moved_aside_is_aside_again)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	rig_crash(&r);
	rig_expect_list(&r, "/", "a~");
	rig_expect(&r, "/a~", "old");
	rig_expect(&r, "/a", NULL);
	/* As vim goes on. */
	ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	rig_expect(&r, "/a~", "old");
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	fake_expect_text(&r.fake, "/a", "new");
	ck_assert(!fake_ever(&r.fake, "/a~", "new"));
	rig_mount(&r);
	rig_expect(&r, "/a~", "old");
	rig_release(&r);
}
END_TEST

/* What it shows was changed, and its object is still to get the name. */
START_TEST(a_changed_backup_takes_its_object_along)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_save(&r, "/a~", "changed"), 0);
	rig_crash(&r);
	rig_expect_list(&r, "/", "a~");
	rig_expect(&r, "/a~", "changed");
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	fake_expect_text(&r.fake, "/a", NULL);
	rig_mount(&r);
	rig_expect_list(&r, "/", "a~");
	rig_expect(&r, "/a~", "changed");
	rig_release(&r);
}
END_TEST

/* Its name on the server is done, or shows another file by now. */
START_TEST(a_file_moved_aside_that_others_changed_is_theirs)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	rig_crash(&r);
	rig_expect_list(&r, "/", "a");
	rig_expect(&r, "/a", "theirs");
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	fake_expect_text(&r.fake, "/a", "theirs");
	ck_assert_uint_eq(fake_count(&r.fake), 1);
	rig_mount(&r);
	rig_release(&r);
}
END_TEST

/* ... found out later, since nobody could ask at once: what was changed here is kept. */
START_TEST(a_changed_backup_outlives_its_object)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_save(&r, "/a~", "changed"), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	fake_fail(&r.fake, FAKE_REFRESH, 1, 1, -ETIMEDOUT);
	rig_crash(&r);
	rig_expect(&r, "/a~", "changed");
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	fake_expect_text(&r.fake, "/a", "theirs");
	rig_mount(&r);
	rig_expect(&r, "/a~", "changed");
	rig_release(&r);
}
END_TEST

START_TEST(a_backup_that_has_its_name_on_the_server_keeps_it)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	/* What the saver did, and could not write down. */
	fake_remove(&r.fake, "/a");
	fake_set_text(&r.fake, "/a~", "old");
	rig_crash(&r);
	rig_expect_list(&r, "/", "a~");
	rig_expect(&r, "/a~", "old");
	rig_release(&r);
}
END_TEST

/* ... and it was changed here, too: that replaces it. */
START_TEST(a_changed_backup_that_has_its_name_replaces_itself)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/.a.swp"), 0);
	ck_assert_int_eq(rig_save(&r, "/.a.swp", "changed"), 0);
	fake_move(&r.fake, "/a", "/.a.swp");
	rig_crash(&r);
	rig_expect(&r, "/.a.swp", "changed");
	rig_settle(&r);
	fake_expect_text(&r.fake, "/.a.swp", "changed");
	ck_assert_int_eq(rig_unlink(&r, "/.a.swp"), 0);
	ck_assert_uint_eq(fake_count(&r.fake), 0);
	rig_release(&r);
}
END_TEST

/* What is not here of it is there, and the next mount but one knows that, too. */
START_TEST(a_partly_changed_backup_that_has_its_name_is_completed_there)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "the old text");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_open(&r, "/a~", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 4), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	fake_move(&r.fake, "/a", "/a~");
	fake_stick(&r.fake, "/");
	rig_crash(&r);
	rig_crash(&r);
	fake_stick(&r.fake, NULL);
	rig_expect(&r, "/a~", "the new text");
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a~", "the new text");
	rig_release(&r);
}
END_TEST

/* The last record of the journal in the state that was kept was not written. */
static void
cut_end_record(struct rig *r)
{
	char *path = text_printf("%s/journal", r->kept_state);
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(truncate(path, st.st_size - END_BYTES), 0);
	free(path);
}

/* The program died in an unlink, when the backup was none any more, and the end of what
 * was changed of it was not written down yet. */
START_TEST(a_partly_changed_backup_goes_whole)
{
	struct rig_file f;
	struct rig r;

	rig_init(&r);
	r.config.writeback_ms = 3600 * 1000;
	rig_mount(&r);
	fake_set_text(&r.fake, "/a", "the old text");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	ck_assert_int_eq(rig_open(&r, "/a~", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 4), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	ck_assert_int_eq(rig_open(&r, "/a~", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_unlink(&r, "/a~"), 0);
	rig_keep_state(&r);
	cut_end_record(&r);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_crash_kept(&r);
	rig_expect_list(&r, "/", "a");
	await_sent(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	fake_expect_text(&r.fake, "/a", "new");
	rig_release(&r);
}
END_TEST

/* An unlink of a partly changed file, which the program did not live to end, or which the
 * service refused; then others do something to its object. */
struct undone {
	const char *name;
	bool aside;   /* the file is shown under another name than its object's */
	bool refused;
	const char *theirs; /* NULL: the unlink had been done there */
};

static const struct undone undone_rows[] = {
	{ "cut off, changed", false, false, "theirs" },
	{ "cut off, done", false, false, NULL },
	{ "refused, changed", false, true, "theirs" },
	{ "aside, cut off, changed", true, false, "theirs" },
	{ "aside, cut off, done", true, false, NULL },
	{ "aside, refused, changed", true, true, "theirs" },
};

static void *
unlink_it(void *arg)
{
	struct rig *view = arg;

	(void)rig_unlink(view, "/a~");
	return NULL;
}

/* The program dies while the service is asked to delete the object. */
static void
cut_off_in_unlink(struct rig *r, const char *object, const char *theirs)
{
	pthread_t thread;
	struct rig view;

	rig_view(r, &view);
	fake_block(&r->fake, FAKE_UNLINK);
	ck_assert_int_eq(
	    pthread_create(&thread, NULL, unlink_it, &view), 0);
	fake_await(&r->fake, FAKE_UNLINK, 1);
	rig_keep_state(r);
	fake_unblock(&r->fake, FAKE_UNLINK);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	if (theirs != NULL)
		fake_set_text(&r->fake, object, theirs);
	rig_crash_kept(r);
}

static void
refuse_unlink(struct rig *r, const char *object, const char *theirs)
{
	fake_fail(&r->fake, FAKE_UNLINK, 1, 1, -EACCES);
	ck_assert_int_eq(rig_unlink(r, "/a~"), -EACCES);
	fake_set_text(&r->fake, object, theirs);
	rig_crash(r);
}

START_TEST(an_unlink_that_was_not_done_loses_nothing)
{
	const struct undone *u = &undone_rows[_i];
	const char *object = u->aside ? "/a" : "/a~";
	struct pending_info info;
	struct rig_file f;
	struct rig r;

	rig_init(&r);
	r.config.writeback_ms = 3600 * 1000;
	rig_mount(&r);
	fake_set_text(&r.fake, object, "the old text");
	if (u->aside)
		ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_open(&r, "/a~", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 4), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	if (u->refused)
		refuse_unlink(&r, object, u->theirs);
	else
		cut_off_in_unlink(&r, object, u->theirs);
	if (u->theirs == NULL) {
		await_sent(&r);
		ck_assert_uint_eq(rig_pending(&r), 0);
		rig_expect_list(&r, "/", "");
	} else {
		while (rig_pending(&r) == 0)
			usleep(1000);
		info = rig_pending_first(&r);
		ck_assert_int_eq(info.state, PENDING_CONFLICT);
		pending_info_release(&info);
	}
	fake_expect_text(&r.fake, object, u->theirs);
	rig_release(&r);
}
END_TEST

/* The same, done by the saver. */
START_TEST(a_changed_backup_has_its_name_before_it_is_sent)
{
	struct rig r;

	rig_init(&r);
	r.config.scratch_keep_ms = 1;
	rig_mount(&r);
	fake_set_text(&r.fake, "/a", "old");
	fake_block(&r.fake, FAKE_RENAME);
	ck_assert_int_eq(rig_rename(&r, "/a", "/.a.swp"), 0);
	/* Who writes it does not wait for that. */
	fake_await(&r.fake, FAKE_RENAME, 1);
	ck_assert_int_eq(rig_save(&r, "/.a.swp", "changed"), 0);
	fake_block(&r.fake, FAKE_PUT);
	fake_unblock(&r.fake, FAKE_RENAME);
	while (!fake_has(&r.fake, "/.a.swp"))
		usleep(1000);
	while (rig_records(&r, JOURNAL_ASIDE) > 0)
		usleep(1000);
	rig_keep_state(&r);
	rig_crash_kept(&r);
	rig_settle(&r);
	rig_expect(&r, "/.a.swp", "changed");
	fake_expect_text(&r.fake, "/.a.swp", "changed");
	rig_release(&r);
}
END_TEST

START_TEST(a_changed_backup_gets_its_old_name_back)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_save(&r, "/a~", "changed"), 0);
	ck_assert_int_eq(rig_rename(&r, "/a~", "/a"), 0);
	fake_expect_text(&r.fake, "/a", "changed");
	rig_crash(&r);
	rig_expect_list(&r, "/", "a");
	rig_expect(&r, "/a", "changed");
	rig_release(&r);
}
END_TEST

/* A file takes the name of one that is only here; the program dies before the record of
 * that one ends. */
static const char *const onto_rows[] = { "/a", "/b~" };

START_TEST(what_lost_its_name_to_another_does_not_come_back)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "real");
	ck_assert_int_eq(rig_save(&r, "/b~", "scratch"), 0);
	ck_assert_int_eq(rig_save(&r, "/c~", "old"), 0);
	rig_keep_record(&r, JOURNAL_STAGED);
	ck_assert_int_eq(rig_rename(&r, onto_rows[_i], "/c~"), 0);
	rig_put_record(&r);
	rig_crash(&r);
	rig_expect(&r, "/c~", _i == 0 ? "real" : "scratch");
	rig_expect(&r, onto_rows[_i], NULL);
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	rig_mount(&r);
	rig_expect(&r, "/c~", _i == 0 ? "real" : "scratch");
	rig_release(&r);
}
END_TEST

/* The same by the service: it has renamed, and nothing here is written down yet. */
START_TEST(what_lost_its_name_on_the_server_does_not_come_back)
{
	struct rig r;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_set_text(&r.fake, "/a", "real");
	ck_assert_int_eq(rig_save(&r, "/d/c~", "old"), 0);
	fake_hold(&r.fake, FAKE_RENAME, true);
	ck_assert_int_eq(rig_rename_later(&r, "/a", "/d/c~"), 0);
	fake_await(&r.fake, FAKE_RENAME, 1);
	rig_keep_state(&r);
	fake_hold(&r.fake, FAKE_RENAME, false);
	ck_assert_int_eq(rig_await_rename(&r), 0);
	rig_crash_kept(&r);
	rig_expect(&r, "/a", NULL);
	rig_expect(&r, "/d/c~", "real");
	ck_assert_uint_eq(rig_records(&r, JOURNAL_STAGED), 0);
	rig_release(&r);
}
END_TEST

/* A backup is put under a real name; the program dies with both records there. */
START_TEST(a_backup_that_was_renamed_takes_its_object_along)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_save(&r, "/a~", "changed"), 0);
	rig_keep_record(&r, JOURNAL_ASIDE);
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EINTR);
	ck_assert_int_eq(rig_rename(&r, "/a~", "/b"), -EINTR);
	rig_put_record(&r);
	rig_crash(&r);
	rig_settle(&r);
	rig_expect_list(&r, "/", "b");
	rig_expect(&r, "/b", "changed");
	ck_assert_uint_eq(fake_count(&r.fake), 1);
	rig_release(&r);
}
END_TEST

/* Lets /b through when the old name of /d is about to go. */
static void *
let_through(void *arg)
{
	struct fake *f = arg;

	while (fake_calls(f, FAKE_UNLINK) == 0)
		usleep(1000);
	fake_stick(f, NULL);
	return NULL;
}

/* Two renames were cut off; while the mount waits for one, a thread is at the other. */
START_TEST(no_old_name_is_shown_after_the_mount)
{
	pthread_t thread;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a~", "old a");
	fake_set_text(&r.fake, "/c~", "old c");
	fake_set_text(&r.fake, "/b", "replaced");
	fake_set_text(&r.fake, "/d", "replaced");
	ck_assert_int_eq(rig_save(&r, "/a~", "changed a"), 0);
	ck_assert_int_eq(rig_save(&r, "/c~", "changed c"), 0);
	fake_fail(&r.fake, FAKE_PUT, 1, 2, -EINTR);
	ck_assert_int_eq(rig_rename(&r, "/a~", "/b"), -EINTR);
	ck_assert_int_eq(rig_rename(&r, "/c~", "/d"), -EINTR);
	fake_remove(&r.fake, "/a~");
	fake_stick(&r.fake, "/b");
	fake_delay(&r.fake, FAKE_UNLINK, 300);
	fake_forget_calls(&r.fake);
	ck_assert_int_eq(
	    pthread_create(&thread, NULL, let_through, &r.fake), 0);
	rig_crash(&r);
	ck_assert(!fake_has(&r.fake, "/c~"));
	rig_expect_list(&r, "/", "b d");
	rig_expect(&r, "/b", "changed a");
	rig_expect(&r, "/d", "changed c");
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	rig_release(&r);
}
END_TEST

/* An update of a large file had arrived; the record knows only the bytes that were
 * written. */
START_TEST(an_update_that_had_arrived_is_no_conflict)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old text");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "NEW", 0), 0);
	fake_block(&r.fake, FAKE_READ);
	r.interrupt = true;
	ck_assert_int_eq(rig_close(&f), -EINTR);
	r.interrupt = false;
	fake_await(&r.fake, FAKE_READ, 1);
	rig_keep_state(&r);
	fake_unblock(&r.fake, FAKE_READ);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "NEW text");
	rig_crash_kept(&r);
	rig_settle(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	fake_expect_text(&r.fake, "/a", "NEW text");
	rig_expect(&r, "/a", "NEW text");
	rig_release(&r);
}
END_TEST

/* Looking at it fails: it is aside until it can be looked at. */
START_TEST(a_file_moved_aside_is_so_though_nobody_answers)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	fake_fail(&r.fake, FAKE_REFRESH, 1, 1, -ETIMEDOUT);
	rig_crash(&r);
	rig_expect(&r, "/a", NULL);
	rig_expect(&r, "/a~", "old");
	ck_assert_uint_eq(rig_unmount(&r, 60000), 0);
	fake_expect_text(&r.fake, "/a~", "old");
	fake_expect_text(&r.fake, "/a", NULL);
	rig_mount(&r);
	rig_release(&r);
}
END_TEST

/* The new file could not be sent when the program died: both are there. */
START_TEST(an_unsent_file_and_its_backup_are_both_there)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	save_and_fail(&r, "/a", "new");
	rig_crash(&r);
	rig_expect(&r, "/a~", "old");
	rig_expect(&r, "/a", "new");
	await_sent(&r);
	fake_expect_text(&r.fake, "/a", "new");
	rig_expect(&r, "/a~", "old");
	ck_assert_uint_eq(rig_pending(&r), 0);
	ck_assert(!fake_ever(&r.fake, "/a~", "new"));
	rig_crash(&r);
	rig_expect(&r, "/a~", "old");
	rig_expect(&r, "/a", "new");
	rig_release(&r);
}
END_TEST

/* The program died with the new file on the server, and nothing else written down: the
 * backup was on disk before. */
START_TEST(a_backup_is_on_disk_before_its_object_goes)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	fake_hold(&r.fake, FAKE_PUT, true);
	r.interrupt = true;
	ck_assert_int_eq(rig_close(&f), -EINTR);
	r.interrupt = false;
	fake_await(&r.fake, FAKE_PUT, 1);
	rig_keep_state(&r);
	fake_hold(&r.fake, FAKE_PUT, false);
	await_sent(&r);
	rig_crash_kept(&r);
	rig_expect(&r, "/a~", "old");
	rig_expect(&r, "/a", "new");
	await_sent(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	fake_expect_text(&r.fake, "/a", "new");
	rig_release(&r);
}
END_TEST

/* The upload had arrived; who writes at once does not meet himself as another. */
START_TEST(a_file_left_unsent_is_changed_at_once)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	fake_lose_answer(&r.fake, FAKE_PUT, -ETIMEDOUT);
	ck_assert_int_eq(rig_save(&r, "/a", "new"), -ETIMEDOUT);
	rig_crash(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "newer"), 0);
	fake_expect_text(&r.fake, "/a", "newer");
	fake_lose_answer(&r.fake, FAKE_PUT, -ETIMEDOUT);
	ck_assert_int_eq(rig_save(&r, "/a", "newest"), -ETIMEDOUT);
	rig_crash(&r);
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), 0);
	fake_expect_text(&r.fake, "/a", NULL);
	fake_expect_text(&r.fake, "/b", "newest");
	fake_lose_answer(&r.fake, FAKE_PUT, -ETIMEDOUT);
	ck_assert_int_eq(rig_save(&r, "/b", "last"), -ETIMEDOUT);
	rig_crash(&r);
	ck_assert_int_eq(rig_save(&r, "/c", "put over it"), 0);
	ck_assert_int_eq(rig_rename(&r, "/c", "/b"), 0);
	fake_expect_text(&r.fake, "/b", "put over it");
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

/* vim, and the power goes: the old content was acknowledged, the new one too. */
START_TEST(a_replaced_backup_is_not_lost)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	rig_crash(&r);
	rig_expect(&r, "/a", "new");
	rig_expect(&r, "/a~", "old");
	fake_expect_text(&r.fake, "/a", "new");
	rig_release(&r);
}
END_TEST

START_TEST(draining_sends_all_and_says_what_is_left)
{
	struct rig r;

	rig_make(&r);
	save_and_fail(&r, "/a", "one");
	ck_assert_uint_eq(rig_unmount(&r, 10000), 0);
	fake_expect_text(&r.fake, "/a", "one");
	rig_mount(&r);
	fake_fail(&r.fake, FAKE_PUT, 1, 999, -EIO);
	ck_assert_int_eq(rig_save(&r, "/b", "two"), -EIO);
	ck_assert_uint_eq(vfs_dirty(r.v), 1);
	ck_assert_uint_eq(rig_unmount(&r, 100), 1);
	fake_fail(&r.fake, FAKE_PUT, 0, 0, 0);
	rig_mount(&r);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/b", "two");
	(void)rig_unmount(&r, 10000);
	ck_assert_uint_eq(rig_staging_files(&r), 0);
	rig_release(&r);
}
END_TEST

/* It took everything up, and then the kernel refused the mount. */
START_TEST(a_mount_that_is_not_started_loses_nothing)
{
	struct rig r;

	rig_make(&r);
	save_and_fail(&r, "/a", "one");
	ck_assert_int_eq(rig_save(&r, "/b~", "two"), 0);
	unmount_unsent(&r);
	rig_build(&r);
	rig_free(&r);
	rig_mount(&r);
	rig_expect(&r, "/a", "one");
	rig_expect(&r, "/b~", "two");
	while (vfs_dirty(r.v) > 0)
		usleep(1000);
	fake_expect_text(&r.fake, "/a", "one");
	rig_release(&r);
}
END_TEST

START_TEST(draining_ends_in_time_though_nothing_answers)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_block(&r.fake, FAKE_PUT);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	r.interrupt = true;
	ck_assert_int_eq(rig_close(&f), -EINTR);
	r.interrupt = false;
	ck_assert_uint_eq(rig_unmount(&r, 100), 1);
	fake_unblock(&r.fake, FAKE_PUT);
	rig_mount(&r);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "text");
	rig_release(&r);
}
END_TEST

/* A record whose staging file is gone, or that says nonsense, stops nobody. */
START_TEST(a_record_without_its_file_is_dropped)
{
	struct rig r;
	char path[256];

	rig_make(&r);
	save_and_fail(&r, "/a", "one");
	ck_assert_int_eq(rig_save(&r, "/b~", "two"), 0);
	unmount_unsent(&r);
	snprintf(path, sizeof path, "%s/staging/000001.data", r.state);
	ck_assert_int_eq(unlink(path), 0);
	rig_mount(&r);
	rig_expect_list(&r, "/", "b~");
	rig_expect(&r, "/b~", "two");
	(void)rig_unmount(&r, 0);
	rig_mount(&r);
	rig_expect_list(&r, "/", "b~");
	rig_release(&r);
}
END_TEST

/* --- retries ----------------------------------------------------------------------- */

START_TEST(a_failed_upload_is_tried_again_by_itself)
{
	struct node *n;
	struct rig r;

	rig_make(&r);
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EIO);
	ck_assert_int_eq(rig_save(&r, "/a", "text"), -EIO);
	ck_assert_int_eq(rig_walk(&r, "/a", &n), 0);
	lock_take(&r.v->lock);
	ck_assert_uint_ne(n->file->due_ms, 0);
	n->file->due_ms = 1;
	cond_broadcast(&r.v->work);
	lock_drop(&r.v->lock);
	rig_put(&r, n);
	while (!fake_has(&r.fake, "/a"))
		usleep(1000);
	rig_settle(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

static const int final_rows[] = { -EFBIG, -EINVAL, -ENAMETOOLONG, -ENOTDIR };

START_TEST(what_the_service_refuses_for_good_is_not_tried_again)
{
	struct node *n;
	struct rig r;

	rig_make(&r);
	fake_fail(&r.fake, FAKE_PUT, 1, 9, final_rows[_i]);
	ck_assert_int_eq(rig_save(&r, "/a", "text"), final_rows[_i]);
	ck_assert_int_eq(rig_walk(&r, "/a", &n), 0);
	lock_take(&r.v->lock);
	ck_assert_uint_eq(n->file->due_ms, 0);
	lock_drop(&r.v->lock);
	rig_put(&r, n);
	ck_assert_uint_eq(rig_pending(&r), 1);
	ck_assert_int_eq(save_all(r.v, &r.call), final_rows[_i]);
	/* A write and another close try it. */
	fake_fail(&r.fake, FAKE_PUT, 0, 0, 0);
	ck_assert_int_eq(rig_save(&r, "/a", "more"), 0);
	fake_expect_text(&r.fake, "/a", "more");
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

/* As a mapped write does it. */
START_TEST(what_is_written_after_a_refusal_is_sent_without_a_close)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EFBIG);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "too much", 0), 0);
	ck_assert_int_eq(rig_flush(&f), -EFBIG);
	ck_assert_int_eq(rig_ftruncate(&f, 0), 0);
	ck_assert_int_eq(rig_write_text(&f, "less", 0), 0);
	rig_release_file(&f);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "less");
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

/* --- acknowledged, and changed again ---------------------------------------------- */

/* What is in the only item that was kept, as far as it is text. */
static void
expect_kept(struct rig *r, const char *text)
{
	expect_pending(r, "a", PENDING_KEPT, text);
	ck_assert_int_eq(pending_act(r->config.pending, &r->call, 1,
	    PENDING_DISCARD), 0);
}

static void
make_writeback(struct rig *r)
{
	rig_init(r);
	r->config.writeback_ms = 3600 * 1000;
	rig_mount(r);
}

/* later: what it was changed to, which is kept; NULL: it is no text. */
static void
expect_recovered(struct rig *r, struct rig_file *f, const char *acknowledged,
    const char *later)
{
	rig_crash_open(r, f);
	rig_expect(r, "/a", acknowledged);
	if (later != NULL)
		expect_kept(r, later);
	else
		ck_assert_int_eq(pending_act(r->config.pending, &r->call, 1,
		    PENDING_DISCARD), 0);
	ck_assert_int_eq(save_all(r->v, &r->call), 0);
	fake_expect_text(&r->fake, "/a", acknowledged);
	ck_assert_uint_eq(rig_pending(r), 0);
	rig_crash(r);
	rig_expect(r, "/a", acknowledged);
	ck_assert_uint_eq(rig_unmount(r, 10000), 0);
	ck_assert_uint_eq(rig_staging_files(r), 0);
	rig_release(r);
}

START_TEST(an_acknowledged_file_survives_half_of_the_next_save)
{
	struct rig_file f;
	struct rig r;

	make_writeback(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "acknowledged"), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "HALF", 2), 0);
	expect_recovered(&r, &f, "acknowledged", "acHALFledged");
}
END_TEST

START_TEST(an_acknowledged_file_survives_being_emptied)
{
	struct rig_file f;
	struct rig r;

	make_writeback(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "acknowledged"), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_TRUNC, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	expect_recovered(&r, &f, "acknowledged", "new");
}
END_TEST

START_TEST(an_acknowledged_file_survives_an_unfinished_append)
{
	struct rig_file f;
	struct rig r;

	make_writeback(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "acknowledged"), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, " and more", 12), 0);
	expect_recovered(&r, &f, "acknowledged", "acknowledged and more");
}
END_TEST

START_TEST(the_last_acknowledged_of_several_is_found)
{
	struct rig_file f;
	struct rig r;

	make_writeback(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "first"), 0);
	ck_assert_int_eq(rig_save(&r, "/a", "the second"), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "THE", 0), 0);
	ck_assert_int_eq(rig_flush(&f), 0);
	ck_assert_int_eq(rig_ftruncate(&f, 5), 0);
	ck_assert_int_eq(rig_write_text(&f, "x", 0), 0);
	ck_assert_int_eq(rig_write_text(&f, "end", 20), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), 0);
	ck_assert_int_eq(rig_rename(&r, "/b", "/a"), 0);
	expect_recovered(&r, &f, "THE second", NULL);
}
END_TEST

/* It was changed and closed: the later one counts, and nothing is kept of before. */
START_TEST(a_later_close_is_a_later_promise)
{
	struct rig r;

	make_writeback(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "first"), 0);
	ck_assert_int_eq(rig_save(&r, "/a", "the second"), 0);
	rig_crash(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "third"), 0);
	rig_crash(&r);
	rig_expect(&r, "/a", "third");
	ck_assert_int_eq(save_all(r.v, &r.call), 0);
	fake_expect_text(&r.fake, "/a", "third");
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

/* A shell has emptied it, and its program is writing. */
START_TEST(what_a_killed_program_had_written_is_kept)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_TRUNC, &f), 0);
	ck_assert_int_eq(rig_flush(&f), 0);
	ck_assert_int_eq(rig_write_text(&f, "half of it", 0), 0);
	rig_crash_open(&r, &f);
	expect_kept(&r, "half of it");
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "");
	ck_assert(!fake_ever(&r.fake, "/a", "half of it"));
	rig_release(&r);
}
END_TEST

/* 0: theirs was there for a moment; 1: the version is another one; 2: after a crash.
 * Only parts of it are here: the others come from the version that they are of, or it is
 * refused. */
START_TEST(a_partial_file_is_completed_or_refused)
{
	unsigned number = 0;
	struct rig_file f;
	struct rig r;

	make_writeback(&r);
	fake_set_text(&r.fake, "/a", "old text");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "NEW", 0), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	if (_i == 1)
		fake_set_text(&r.fake, "/a", "theirs it");
	fake_move(&r.fake, "/a", "/b");
	fake_set_text(&r.fake, "/a", "for a moment");
	ck_assert_int_eq(save_all(r.v, &r.call), -ESTALE);
	ck_assert_uint_eq(rig_pending(&r), 1);
	fake_remove(&r.fake, "/a");
	fake_move(&r.fake, "/b", "/a");
	if (_i == 2)
		rig_crash(&r);
	while (rig_pending(&r) == 0)
		usleep(1000);
	rig_expire(&r);
	(void)pending_list(r.config.pending, &number, 1);
	if (_i == 1) {
		ck_assert_int_eq(pending_act(r.config.pending, &r.call, number,
		    PENDING_RETRY), -ESTALE);
		ck_assert_ptr_nonnull(strstr(r.call.words, "never fetched"));
		fake_expect_text(&r.fake, "/a", "theirs it");
		ck_assert_uint_eq(rig_pending(&r), 1);
	} else {
		ck_assert_int_eq(pending_act(r.config.pending, &r.call, number,
		    PENDING_RETRY), 0);
		fake_expect_text(&r.fake, "/a", "NEW text");
	}
	rig_release(&r);
}
END_TEST

/* Nobody has written down what was changed of it: it is not sent with holes. */
START_TEST(a_partial_file_of_unknown_parts_is_refused)
{
	struct pending_info info;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old text");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "NEW", 0), 0);
	ck_assert_int_eq(rig_write_text(&f, "X", 5), 0);
	rig_crash_open(&r, &f);
	ck_assert_uint_eq(rig_pending(&r), 1);
	info = rig_pending_first(&r);
	ck_assert(!staged_complete(info.data));
	pending_info_release(&info);
	ck_assert_int_eq(pending_act(r.config.pending, &r.call, 1,
	    PENDING_RETRY), -ENODATA);
	ck_assert_ptr_nonnull(strstr(r.call.words, "never fetched"));
	fake_expect_text(&r.fake, "/a", "old text");
	rig_release(&r);
}
END_TEST

/* The record of an upload that nobody had acknowledged came to the disk before the
 * bytes: after a power cut they are not to be trusted; after a crash they are. */
static const char *const boots[] = { "first", "second" };

START_TEST(what_was_never_synced_is_not_sent_after_a_power_cut)
{
	struct rig_file f;
	struct rig r;

	rig_init(&r);
	r.config.boot = boots[0];
	rig_mount(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	fake_block(&r.fake, FAKE_PUT);
	r.interrupt = true;
	ck_assert_int_eq(rig_close(&f), -EINTR);
	r.interrupt = false;
	fake_await(&r.fake, FAKE_PUT, 1);
	r.config.boot = boots[_i];
	rig_crash(&r);
	fake_unblock(&r.fake, FAKE_PUT);
	if (_i == 1)
		expect_kept(&r, "text");
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", _i == 0 ? "text" : NULL);
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

START_TEST(what_was_synced_is_sent_after_a_power_cut)
{
	struct rig r;

	rig_init(&r);
	r.config.boot = boots[0];
	r.config.writeback_ms = 3600 * 1000;
	rig_mount(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "first"), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), 0);
	r.config.boot = boots[1];
	rig_crash(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/b", "first");
	rig_release(&r);
}
END_TEST

/* What the promise lacked was fetched since, and is not on the disk for certain. */
START_TEST(what_was_completed_after_its_promise_is_sent_after_a_power_cut)
{
	struct rig_file f;
	struct node *n;
	struct rig r;

	rig_init(&r);
	r.config.boot = boots[0];
	r.config.writeback_ms = 3600 * 1000;
	rig_mount(&r);
	fake_mkdir(&r.fake, "/d");
	fake_set_text(&r.fake, "/d/a", "the old text");
	ck_assert_int_eq(rig_open(&r, "/d/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 4), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	ck_assert_int_eq(rig_walk(&r, "/d/a", &n), 0);
	ck_assert_int_eq(content_fetch(r.v, &r.call, n), 0);
	rig_put(&r, n);
	ck_assert_int_eq(rig_rename(&r, "/d", "/e"), 0);
	r.config.boot = boots[1];
	rig_crash(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/e/a", "the new text");
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_was_completed_after_its_promise_is_sent_after_a_power_cut),
	UNIT(what_could_not_be_sent_is_sent_by_the_next_mount),
	UNIT(an_upload_that_a_crash_cut_off_is_repeated),
	UNIT(an_upload_that_had_arrived_is_no_conflict),
	UNIT(what_changed_on_the_server_meanwhile_is_a_conflict),
	UNIT(what_no_close_had_promised_is_kept_and_not_sent),
	UNIT(an_emptied_and_closed_file_is_sent_empty),
	UNIT(scratch_files_are_there_again),
	UNIT(unsent_files_follow_renames),
	UNIT(a_removed_unsent_file_does_not_come_back),
	UNIT(a_file_left_unsent_can_be_renamed),
	UNIT(the_execute_bit_of_an_unsent_file_is_kept),
	UNIT(a_file_moved_aside_is_aside_again),
	UNIT(a_changed_backup_takes_its_object_along),
	UNIT(a_file_moved_aside_that_others_changed_is_theirs),
	UNIT(a_changed_backup_outlives_its_object),
	UNIT(a_backup_that_has_its_name_on_the_server_keeps_it),
	UNIT(a_changed_backup_that_has_its_name_replaces_itself),
	UNIT(a_partly_changed_backup_that_has_its_name_is_completed_there),
	UNIT(a_partly_changed_backup_goes_whole),
	UNIT_ROWS(an_unlink_that_was_not_done_loses_nothing, undone_rows),
	UNIT(a_changed_backup_has_its_name_before_it_is_sent),
	UNIT(a_changed_backup_gets_its_old_name_back),
	UNIT_ROWS(what_lost_its_name_to_another_does_not_come_back, onto_rows),
	UNIT(what_lost_its_name_on_the_server_does_not_come_back),
	UNIT(a_backup_that_was_renamed_takes_its_object_along),
	UNIT(no_old_name_is_shown_after_the_mount),
	UNIT(an_update_that_had_arrived_is_no_conflict),
	UNIT(a_file_moved_aside_is_so_though_nobody_answers),
	UNIT(an_unsent_file_and_its_backup_are_both_there),
	UNIT(a_backup_is_on_disk_before_its_object_goes),
	UNIT(a_file_left_unsent_is_changed_at_once),
	UNIT(a_replaced_backup_is_not_lost),
	UNIT(draining_sends_all_and_says_what_is_left),
	UNIT(a_mount_that_is_not_started_loses_nothing),
	UNIT(draining_ends_in_time_though_nothing_answers),
	UNIT(a_record_without_its_file_is_dropped),
	UNIT(a_failed_upload_is_tried_again_by_itself),
	UNIT(what_is_written_after_a_refusal_is_sent_without_a_close),
	UNIT_ROWS(what_the_service_refuses_for_good_is_not_tried_again,
	    final_rows),
	UNIT(an_acknowledged_file_survives_half_of_the_next_save),
	UNIT(an_acknowledged_file_survives_being_emptied),
	UNIT(an_acknowledged_file_survives_an_unfinished_append),
	UNIT(the_last_acknowledged_of_several_is_found),
	UNIT(a_later_close_is_a_later_promise),
	UNIT(what_a_killed_program_had_written_is_kept),
	{ "a_partial_file_is_completed_or_refused",
	    &a_partial_file_is_completed_or_refused, 3 },
	UNIT(a_partial_file_of_unknown_parts_is_refused),
	UNIT_ROWS(what_was_never_synced_is_not_sent_after_a_power_cut, boots),
	UNIT(what_was_synced_is_sent_after_a_power_cut),
};

UNIT_MAIN("left", tests)
