/* fs/names, fs/aside, fs/rename: making, removing and changing names. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/hidden.h"
#include "fs/dir.h"
#include "fs/rename.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

/* --- making and removing ------------------------------------------------------------ */

START_TEST(exclusive_creation_asks_the_server)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "text");
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT | O_EXCL, &f),
	    -EEXIST);
	ck_assert_int_eq(rig_open(&r, "/d/a", O_WRONLY | O_CREAT, &f), -ENOENT);
	rig_expire(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT | O_EXCL, &f),
	    -EEXIST);
	fake_fail(&r.fake, FAKE_LIST, 1, 1, -EIO);
	ck_assert_int_eq(rig_open(&r, "/b", O_WRONLY | O_CREAT, &f), -EIO);
	rig_expire(&r);
	fake_fail(&r.fake, FAKE_LOOKUP, 1, 1, -EIO);
	ck_assert_int_eq(rig_open(&r, "/b", O_WRONLY | O_CREAT, &f), -EIO);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_PUT), 0);
	rig_release(&r);
}
END_TEST

static const struct {
	const char *name;
	int want;
} name_rows[] = {
	{ "/.brickfs-0123456789abcdef", -EPERM },
	{ "/a\nb", -EINVAL },
};

START_TEST(a_name_that_cannot_be_is_refused)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_open(&r, name_rows[_i].name, O_CREAT | O_WRONLY,
	    &f), name_rows[_i].want);
	ck_assert_int_eq(rig_mkdir(&r, name_rows[_i].name), name_rows[_i].want);
	ck_assert_int_eq(rig_save(&r, "/a", "text"), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", name_rows[_i].name),
	    name_rows[_i].want);
	fake_expect_text(&r.fake, "/a", "text");
	rig_release(&r);
}
END_TEST

START_TEST(a_created_file_that_is_removed_was_never_on_the_server)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	ck_assert_int_eq(rig_unlink(&r, "/a"), 0);
	rig_expect(&r, "/a", NULL);
	rig_expect_file(&f, "text");
	ck_assert_int_eq(rig_write_text(&f, "more", 4), 0);
	rig_expect_file(&f, "textmore");
	ck_assert_int_eq(rig_close(&f), 0);
	rig_settle(&r);
	ck_assert_uint_eq(fake_versions(&r.fake, "/a"), 0);
	ck_assert_uint_eq(rig_staging_files(&r), 0);
	rig_release(&r);
}
END_TEST

START_TEST(a_removed_file_is_gone_and_may_be_made_anew)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_unlink(&r, "/a"), 0);
	fake_expect_text(&r.fake, "/a", NULL);
	ck_assert_int_eq(rig_unlink(&r, "/a"), -ENOENT);
	ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	fake_expect_text(&r.fake, "/a", "new");
	ck_assert_int_eq(rig_rmdir(&r, "/a"), -ENOTDIR);
	ck_assert_int_eq(rig_mkdir(&r, "/a"), -EEXIST);
	ck_assert_int_eq(rig_mkdir(&r, "/d"), 0);
	ck_assert_int_eq(rig_unlink(&r, "/d"), -EISDIR);
	ck_assert_int_eq(rig_save(&r, "/d/x", "x"), 0);
	ck_assert_int_eq(rig_rmdir(&r, "/d"), -ENOTEMPTY);
	ck_assert_int_eq(rig_unlink(&r, "/d/x"), 0);
	ck_assert_int_eq(rig_rmdir(&r, "/d"), 0);
	ck_assert_uint_eq(fake_count(&r.fake), 1);
	rig_release(&r);
}
END_TEST

START_TEST(a_directory_with_unsent_files_is_not_empty)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_mkdir(&r, "/d"), 0);
	ck_assert_int_eq(rig_open(&r, "/d/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_rmdir(&r, "/d"), -ENOTEMPTY);
	ck_assert_int_eq(rig_unlink(&r, "/d/a"), 0);
	ck_assert_int_eq(rig_rmdir(&r, "/d"), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_release(&r);
}
END_TEST

static const size_t open_sizes[] = { 5, (8 << 20) + 5 };

START_TEST(a_removed_file_that_is_open_goes_on)
{
	size_t len = open_sizes[_i];
	char *data = calloc(1, len), got[5];
	struct rig_file f;
	struct rig r;

	memcpy(data + len - 5, "tail!", 5);
	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_unlink(&r, "/a"), 0);
	rig_expect_list(&r, "/", "");
	fake_expect_text(&r.fake, "/a", NULL);
	/* Another one of that name is another one. */
	ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	ck_assert_int_eq(rig_pread(&f, got, 5, len - 5), 5);
	ck_assert_mem_eq(got, "tail!", 5);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_settle(&r);
	while (fake_hidden_count(&r.fake) > 0)
		usleep(1000);
	ck_assert_uint_eq(fake_count(&r.fake), 1);
	rig_expect(&r, "/a", "new");
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(a_large_file_removed_while_open_is_gone_after_the_mount)
{
	size_t len = open_sizes[1];
	char *data = calloc(1, len);
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_unlink(&r, "/a"), 0);
	ck_assert_uint_eq(fake_hidden_count(&r.fake), 1);
	rig_release_file(&f);
	(void)rig_unmount(&r, 10000);
	ck_assert_uint_eq(fake_count(&r.fake), 0);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(a_removal_that_fails_leaves_the_file)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "text");
	fake_fail(&r.fake, FAKE_UNLINK, 1, 1, -EACCES);
	ck_assert_int_eq(rig_unlink(&r, "/a"), -EACCES);
	rig_expect(&r, "/a", "text");
	/* Its answer was lost, and somebody looks meanwhile. */
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	fake_lose_answer(&r.fake, FAKE_UNLINK, -ETIMEDOUT);
	ck_assert_int_eq(rig_unlink(&r, "/a"), -ETIMEDOUT);
	rig_expect(&r, "/a", NULL);
	rig_release_file(&f);
	ck_assert_int_eq(rig_mkdir(&r, "/d"), 0);
	rig_expect_list(&r, "/", "d");
	fake_lose_answer(&r.fake, FAKE_RMDIR, -ETIMEDOUT);
	ck_assert_int_eq(rig_rmdir(&r, "/d"), -ETIMEDOUT);
	rig_expect_list(&r, "/", "");
	rig_release(&r);
}
END_TEST

struct remover {
	struct rig *rig;
	const char *path, *to;
	int ret;
	pthread_t thread;
};

static void *
remove_it(void *arg)
{
	struct remover *x = arg;
	struct rig r;

	rig_view(x->rig, &r);
	x->ret = x->to != NULL ? rig_rename(&r, x->path, x->to) :
	    rig_unlink(&r, x->path);
	return NULL;
}

static void
remover_start(struct remover *x, struct rig *r, const char *path,
    const char *to)
{
	*x = (struct remover){ .rig = r, .path = path, .to = to };
	ck_assert_int_eq(pthread_create(&x->thread, NULL, remove_it, x), 0);
}

/* An fstat of somebody finds the file gone while its removal is under way, which then
 * fails. */
START_TEST(a_removal_may_fail_after_the_file_lost_its_name)
{
	struct remover x;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "text");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	fake_fail(&r.fake, FAKE_UNLINK, 1, 1, -ETIMEDOUT);
	fake_block(&r.fake, FAKE_UNLINK);
	remover_start(&x, &r, "/a", NULL);
	fake_await(&r.fake, FAKE_UNLINK, 1);
	fake_remove(&r.fake, "/a");
	/* It waits for what the removal says. */
	r.interrupt = true;
	ck_assert_int_eq(dir_refresh(r.v, &r.call, f.node, true), -EINTR);
	r.interrupt = false;
	fake_unblock(&r.fake, FAKE_UNLINK);
	pthread_join(x.thread, NULL);
	ck_assert_int_eq(x.ret, -ETIMEDOUT);
	rig_expect(&r, "/a", NULL);
	rig_release_file(&f);
	rig_release(&r);
}
END_TEST

/* --- renaming ------------------------------------------------------------------------ */

START_TEST(a_rename_takes_content_and_time_along)
{
	struct stat before, after;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/remote", "remote");
	ck_assert_int_eq(rig_save(&r, "/own", "own"), 0);
	ck_assert_int_eq(rig_mkdir(&r, "/d"), 0);
	ck_assert_int_eq(rig_stat(&r, "/own", &before), 0);
	ck_assert_int_eq(rig_rename(&r, "/remote", "/d/r"), 0);
	ck_assert_int_eq(rig_rename(&r, "/own", "/d/o"), 0);
	ck_assert_int_eq(rig_rename(&r, "/d", "/e"), 0);
	rig_expect_list(&r, "/", "e");
	rig_expect_list(&r, "/e", "o r");
	rig_expect(&r, "/e/r", "remote");
	rig_expect(&r, "/e/o", "own");
	ck_assert_int_eq(rig_stat(&r, "/e/o", &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	rig_expire(&r);
	rig_expect_list(&r, "/e", "o r");
	ck_assert_uint_eq(fake_count(&r.fake), 3);
	rig_release(&r);
}
END_TEST

START_TEST(a_rename_onto_a_file_replaces_it)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "a");
	fake_set_text(&r.fake, "/b", "b");
	ck_assert_int_eq(rig_open(&r, "/b", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), 0);
	rig_expect(&r, "/b", "a");
	rig_expect_file(&f, "b"); /* who has it open keeps it */
	rig_release_file(&f);
	ck_assert_int_eq(rig_save(&r, "/c", "c"), 0);
	ck_assert_int_eq(rig_rename(&r, "/c", "/b"), 0);
	fake_expect_text(&r.fake, "/b", "c");
	rig_expect_list(&r, "/", "b");
	rig_expire(&r);
	rig_expect_list(&r, "/", "b");
	rig_expect(&r, "/b", "c");
	rig_release(&r);
}
END_TEST

START_TEST(kinds_that_do_not_fit_are_refused)
{
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "a"), 0);
	ck_assert_int_eq(rig_save(&r, "/b", "b"), 0);
	ck_assert_int_eq(rig_mkdir(&r, "/d"), 0);
	ck_assert_int_eq(rig_mkdir(&r, "/e"), 0);
	ck_assert_int_eq(rig_mkdir(&r, "/full"), 0);
	ck_assert_int_eq(rig_save(&r, "/full/x", "x"), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", "/d"), -EISDIR);
	ck_assert_int_eq(rig_rename(&r, "/d", "/a"), -ENOTDIR);
	ck_assert_int_eq(rig_rename(&r, "/d", "/full"), -ENOTEMPTY);
	ck_assert_int_eq(rig_rename(&r, "/none", "/b"), -ENOENT);
	ck_assert_int_eq(rig_rename2(&r, "/a", "/b", RENAME_NOREPLACE),
	    -EEXIST);
	ck_assert_int_eq(rig_rename2(&r, "/a", "/b", RENAME_EXCHANGE),
	    -EINVAL);
	ck_assert_int_eq(rig_rename2(&r, "/a", "/c", RENAME_NOREPLACE), 0);
	ck_assert_int_eq(rig_rename(&r, "/full", "/e"), 0);
	rig_expect(&r, "/e/x", "x");
	rig_expect_list(&r, "/", "b c d e");
	rig_release(&r);
}
END_TEST

START_TEST(a_file_being_written_keeps_being_written_under_its_new_name)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/b", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), 0);
	fake_expect_text(&r.fake, "/b", "text");
	ck_assert_int_eq(rig_write_text(&f, "more", 4), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/b", "textmore");
	fake_expect_text(&r.fake, "/a", NULL);
	ck_assert_uint_eq(fake_versions(&r.fake, "/a"), 0);
	rig_expect_list(&r, "/", "b");
	rig_release(&r);
}
END_TEST

START_TEST(a_failed_rename_leaves_both_names_as_they_were)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/b", "old");
	ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EACCES);
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), -EACCES);
	rig_expect(&r, "/a", "new");
	rig_expect(&r, "/b", "old");
	rig_expect_list(&r, "/", "a b");
	ck_assert_uint_eq(rig_pending(&r), 0);
	fake_fail(&r.fake, FAKE_RENAME, 1, 1, -EIO);
	ck_assert_int_eq(rig_rename(&r, "/a", "/c"), -EIO);
	rig_expect(&r, "/a", "new");
	rig_expect(&r, "/c", NULL);
	rig_expire(&r);
	rig_expect(&r, "/a", "new");
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), 0);
	fake_expect_text(&r.fake, "/b", "new");
	fake_expect_text(&r.fake, "/a", NULL);
	ck_assert_uint_eq(vfs_dirty(r.v), 0);
	rig_release(&r);
}
END_TEST

START_TEST(what_others_made_meanwhile_is_not_replaced)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/b", "old");
	rig_expect(&r, "/b", "old");
	ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	fake_set_text(&r.fake, "/b", "theirs");
	ck_assert_int_eq(rig_rename(&r, "/a", "/b"), -EBUSY);
	fake_expect_text(&r.fake, "/b", "theirs");
	fake_expect_text(&r.fake, "/a", "new");
	rig_expect(&r, "/a", "new");
	rig_release(&r);
}
END_TEST

/* The target is written and closed by others of this mount while it is replaced:
 * its upload must not come after ours. */
START_TEST(an_upload_of_the_target_does_not_overtake_the_rename)
{
	char *data = calloc(1, 3 << 20);
	struct rig_file f, t;
	struct remover x;
	struct rig r, view;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, 3 << 20);
	fake_set_text(&r.fake, "/t", "old");
	/* The rest of /a has to be fetched first, which takes a while. */
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	ck_assert_int_eq(rig_open(&r, "/t", O_WRONLY | O_TRUNC, &t), 0);
	ck_assert_int_eq(rig_write_text(&t, "target", 0), 0);
	fake_block(&r.fake, FAKE_READ);
	remover_start(&x, &r, "/a", "/t");
	fake_await(&r.fake, FAKE_READ, 1);
	/* The closer is interrupted, what it asked for goes on. */
	rig_view(&r, &view);
	view.interrupt = true;
	t.rig = &view;
	ck_assert_int_eq(rig_flush(&t), -EINTR);
	usleep(20000);
	fake_unblock(&r.fake, FAKE_READ);
	pthread_join(x.thread, NULL);
	ck_assert_int_eq(x.ret, 0);
	t.rig = &r;
	rig_release_file(&t);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_settle(&r);
	memcpy(data, "new", 3);
	fake_expect(&r.fake, "/t", data, 3 << 20);
	fake_expect_text(&r.fake, "/a", NULL);
	ck_assert(!fake_ever(&r.fake, "/t", "target"));
	rig_release(&r);
	free(data);
}
END_TEST

/* The file is written and closed by others while it is renamed: nothing of it may
 * appear under the old name again. */
START_TEST(a_close_during_the_rename_does_not_bring_the_old_name_back)
{
	char *data = calloc(1, 3 << 20);
	struct rig_file f;
	struct remover x;
	struct rig r, view;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, 3 << 20);
	fake_set_text(&r.fake, "/t", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	fake_block(&r.fake, FAKE_READ);
	remover_start(&x, &r, "/a", "/t");
	fake_await(&r.fake, FAKE_READ, 1);
	rig_view(&r, &view);
	view.interrupt = true;
	f.rig = &view;
	ck_assert_int_eq(rig_flush(&f), -EINTR);
	usleep(20000);
	fake_unblock(&r.fake, FAKE_READ);
	pthread_join(x.thread, NULL);
	ck_assert_int_eq(x.ret, 0);
	f.rig = &r;
	ck_assert_int_eq(rig_close(&f), 0);
	rig_settle(&r);
	memcpy(data, "new", 3);
	fake_expect(&r.fake, "/t", data, 3 << 20);
	fake_expect_text(&r.fake, "/a", NULL);
	ck_assert_uint_eq(fake_versions(&r.fake, "/a"), 1);
	rig_expect_list(&r, "/", "t");
	rig_expire(&r);
	rig_expect_list(&r, "/", "t");
	rig_release(&r);
	free(data);
}
END_TEST

/* --- scratch names and files moved aside ------------------------------------------------ */

START_TEST(scratch_files_cost_no_request)
{
	struct rig r;

	rig_make(&r);
	rig_expect_list(&r, "/", "");
	fake_forget_calls(&r.fake);
	ck_assert_int_eq(rig_save(&r, "/.a.swp", "swap"), 0);
	ck_assert_int_eq(rig_save(&r, "/4913", ""), 0);
	ck_assert_int_eq(rig_save(&r, "/a~", "backup"), 0);
	rig_expect_list(&r, "/", ".a.swp 4913 a~");
	rig_expect(&r, "/a~", "backup");
	ck_assert_int_eq(rig_unlink(&r, "/4913"), 0);
	ck_assert_int_eq(rig_rename(&r, "/a~", "/b~"), 0);
	ck_assert_int_eq(rig_unlink(&r, "/b~"), 0);
	ck_assert_int_eq(rig_unlink(&r, "/.a.swp"), 0);
	ck_assert_uint_eq(fake_all_calls(&r.fake), 0);
	rig_expect_list(&r, "/", "");
	rig_release(&r);
}
END_TEST

START_TEST(a_scratch_file_renamed_to_a_real_name_is_one_upload)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	rig_expect(&r, "/a", "old");
	ck_assert_int_eq(rig_save(&r, "/sedAbC123", "new"), 0);
	fake_forget_calls(&r.fake);
	ck_assert_int_eq(rig_rename(&r, "/sedAbC123", "/a"), 0);
	fake_expect_text(&r.fake, "/a", "new");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_PUT), 1);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_RENAME), 0);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_UNLINK), 0);
	rig_release(&r);
}
END_TEST

START_TEST(a_scratch_file_that_stays_is_sent)
{
	struct rig r;

	rig_init(&r);
	r.config.scratch_keep_ms = 30;
	rig_mount(&r);
	ck_assert_int_eq(rig_save(&r, "/a~", "text"), 0);
	ck_assert_int_eq(rig_save(&r, "/.a.swp", "swap"), 0);
	while (!fake_has(&r.fake, "/a~"))
		usleep(5000);
	fake_expect_text(&r.fake, "/a~", "text");
	usleep(100000);
	fake_expect_text(&r.fake, "/.a.swp", NULL);
	rig_release(&r);
}
END_TEST

/* vim and emacs: the file becomes the backup, a new one is written, the backup is
 * deleted. */
START_TEST(a_file_moved_aside_is_replaced_in_one_step)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	rig_expect(&r, "/a", "old");
	rig_expect_list(&r, "/", "a");
	fake_forget_calls(&r.fake);
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_uint_eq(fake_all_calls(&r.fake), 0);
	fake_expect_text(&r.fake, "/a", "old");
	rig_expect(&r, "/a", NULL);
	rig_expect(&r, "/a~", "old");
	rig_expect_list(&r, "/", "a~");
	ck_assert_int_eq(rig_save(&r, "/a", "new"), 0);
	fake_expect_text(&r.fake, "/a", "new");
	rig_expect_list(&r, "/", "a a~");
	rig_expect(&r, "/a~", "old");
	ck_assert_int_eq(rig_unlink(&r, "/a~"), 0);
	rig_expire(&r);
	rig_expect_list(&r, "/", "a");
	rig_expect(&r, "/a", "new");
	ck_assert_uint_eq(fake_count(&r.fake), 1);
	rig_release(&r);
}
END_TEST

START_TEST(a_file_moved_aside_comes_back)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_rename(&r, "/a~", "/a"), 0);
	rig_expect(&r, "/a", "old");
	rig_expect_list(&r, "/", "a");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_RENAME), 0);
	/* Onto a new one that was never sent. */
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	ck_assert_int_eq(rig_rename(&r, "/a~", "/a"), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_expect(&r, "/a", "old");
	fake_expect_text(&r.fake, "/a", "old");
	rig_expire(&r);
	rig_expect_list(&r, "/", "a");
	rig_release(&r);
}
END_TEST

/* What happens after "mv a a~", by one or two renames or removals; then the server
 * must have exactly these names. */
static const struct {
	bool own; /* its content is here */
	const char *steps[4]; /* "FROM TO", "+NAME": create and leave open,
			       * "=NAME": save, "-NAME", "/NAME": mkdir */
	const char *shown;
	const char *names; /* shown and on the server, after all is sent */
} aside_rows[] = {
	{ false, { "a~ b" }, "b", "b" },
	{ true, { "a~ b" }, "b", "b" },
	{ false, { "a~ other" }, "other", "other" },
	{ true, { "a~ other" }, "other", "other" },
	{ false, { "a~ d/a~" }, "d", "d" },
	{ true, { "a~ d/x" }, "d", "d" },
	{ true, { "-a~" }, "", "" },
	{ false, { "-a~" }, "", "" },
	{ false, { "/a" }, "a a~", "a a~" },
	{ true, { "/a" }, "a a~", "a a~" },
	{ false, { "d a" }, "a a~", "a a~" },
	{ false, { "+a", "-a~", "-a" }, "", "" },
	{ true, { "+a", "-a~", "-a" }, "", "" },
	{ false, { "+a", "-a~", "a b" }, "b", "b" },
	{ false, { "+a", "a b" }, "a~ b", "a~ b" },
	{ false, { "+a", "a b~" }, "a~ b~", "a~ b~" },
	{ false, { "+a", "-a~", "a b~" }, "b~", "b~" },
	{ false, { "+a", "a~ b", "-a" }, "b", "b" },
	{ true, { "+a", "a~ b", "-a" }, "b", "b" },
	{ true, { "+a", "a~ b" }, "a b", "a b" },
	{ false, { "+a", "a~ b" }, "a b", "a b" },
	{ true, { "=a", "a~ b" }, "a b", "a b" },
	{ true, { "=a", "a a~" }, "a~", "a~" },
	{ true, { "=a", "a~ a" }, "a", "a" },
	{ false, { "=a", "-a", "a~ a" }, "a", "a" },
	{ false, { "a~ b~", "=a" }, "a b~", "a b~" },
	{ false, { "=x~", "-x~" }, "a~", "a~" },
	{ false, { "other a" }, "a a~", "a a~" },
	{ true, { "other a" }, "a a~", "a a~" },
	{ false, { "other a~" }, "a~", "a~" },
	{ true, { "other a~" }, "a~", "a~" },
	{ false, { "+n", "n a~" }, "a~", "a~" },
	{ true, { "+n", "n a~" }, "a~", "a~" },
	{ false, { "=sedAbC123", "sedAbC123 a" }, "a a~", "a a~" },
	{ false, { "+a", "-a~", "=sedAbC123", "sedAbC123 a" }, "a", "a" },
	{ false, { "+a", "-a~", "other a" }, "a", "a" },
	{ true, { "+a", "-a~", "other a" }, "a", "a" },
	{ false, { "+a", "=sedAbC123", "sedAbC123 a" }, "a a~", "a a~" },
	{ false, { "+a", "other a" }, "a a~", "a a~" },
	{ true, { "+a", "other a" }, "a a~", "a a~" },
};

static void
add_name(char *names, size_t bytes, const char *name)
{
	size_t len = strlen(names);

	snprintf(names + len, bytes - len, "%s%s", len > 0 ? " " : "", name);
}

/* The names right below the root of the server, in order. */
static void
server_names(struct rig *r, char *names, size_t bytes)
{
	static const char *const all[] = { "a", "a~", "b", "b~", "d", "n",
		"other", "sedAbC123", "x~" };
	char path[32];

	names[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		snprintf(path, sizeof path, "/%s", all[i]);
		if (fake_has(&r->fake, path))
			add_name(names, bytes, all[i]);
	}
}

static void
do_step(struct rig *r, const char *step, struct rig_file *open)
{
	char path[32], to[32] = "/";
	const char *blank = strchr(step, ' ');

	if (blank == NULL) {
		snprintf(path, sizeof path, "/%s", step + 1);
	} else {
		snprintf(path, sizeof path, "/%.*s", (int)(blank - step), step);
		snprintf(to, sizeof to, "/%s", blank + 1);
	}
	if (blank != NULL) {
		ck_assert_int_eq(rig_rename(r, path, to), 0);
	} else if (step[0] == '+') {
		ck_assert_int_eq(rig_open(r, path, O_RDWR | O_CREAT, open), 0);
		ck_assert_int_eq(rig_write_text(open, "new", 0), 0);
	} else if (step[0] == '=') {
		ck_assert_int_eq(rig_save(r, path, "saved"), 0);
	} else if (step[0] == '-') {
		ck_assert_int_eq(rig_unlink(r, path), 0);
	} else {
		ck_assert_int_eq(rig_mkdir(r, path), 0);
	}
}

START_TEST(names_after_a_file_was_moved_aside)
{
	struct rig_file open = { 0 };
	char names[64], want[64];
	bool has_d = false;
	struct node *n;
	size_t at = 0;
	struct rig r;

	rig_make(&r);
	if (aside_rows[_i].own)
		ck_assert_int_eq(rig_save(&r, "/a", "old"), 0);
	else
		fake_set_text(&r.fake, "/a", "old");
	for (size_t i = 0; i < 4 && aside_rows[_i].steps[i] != NULL; i++) {
		const char *step = aside_rows[_i].steps[i];

		if (strstr(step, "other") != NULL)
			fake_set_text(&r.fake, "/other", "other");
		if (strstr(step, "d/") != NULL || step[0] == 'd') {
			fake_mkdir(&r.fake, "/d");
			has_d = true;
		}
	}
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	for (size_t i = 0; i < 4 && aside_rows[_i].steps[i] != NULL; i++)
		do_step(&r, aside_rows[_i].steps[i], &open);
	rig_expect_list(&r, "/", aside_rows[_i].shown);
	rig_expire(&r);
	rig_expect_list(&r, "/", aside_rows[_i].shown);
	if (open.handle != NULL)
		ck_assert_int_eq(rig_close(&open), 0);

	/* What waits for its time has it now. */
	lock_take(&r.v->lock);
	while ((n = node_next_locked(r.v, &at)) != NULL)
		if (n->file != NULL && n->file->due_ms != 0)
			n->file->due_ms = 1;
	cond_broadcast(&r.v->work);
	lock_drop(&r.v->lock);
	for (int i = 0; i < 1000; i++) {
		server_names(&r, names, sizeof names);
		if (strcmp(names, aside_rows[_i].names) == 0)
			break;
		usleep(2000);
	}
	ck_assert_str_eq(names, aside_rows[_i].names);
	rig_settle(&r);
	rig_expire(&r);
	snprintf(want, sizeof want, "%s", aside_rows[_i].shown);
	rig_expect_list(&r, "/", want);
	if (has_d && fake_has(&r.fake, "/d"))
		rig_expect_list(&r, "/d",
		    strstr(aside_rows[_i].steps[0], "d/a~") ? "a~" : "x");
	ck_assert_uint_eq(rig_pending(&r), 0);
	ck_assert_uint_eq(rig_unmount(&r, 10000), 0);
	rig_mount(&r);
	ck_assert_uint_eq(r.records, 0);
	rig_release(&r);
}
END_TEST

START_TEST(a_move_aside_into_another_directory_moves)
{
	struct rig r;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_rename(&r, "/a", "/d/a~"), 0);
	rig_expect(&r, "/a", NULL);
	rig_expect_list(&r, "/", "d");
	rig_expect(&r, "/d/a~", "old");
	rig_release(&r);
}
END_TEST

START_TEST(a_backup_over_a_backup_on_the_server_replaces_it)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a~", "older");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_expect(&r, "/a~", "new");
	ck_assert_int_eq(rig_unlink(&r, "/a~"), 0);
	rig_expire(&r);
	rig_expect_list(&r, "/", "");
	ck_assert_uint_eq(fake_count(&r.fake), 0);
	rig_release(&r);
}
END_TEST

/* --- a moved directory ---------------------------------------------------------------------- */

START_TEST(open_files_survive_the_move_of_their_directory)
{
	struct rig_file f, g;
	char *data = calloc(1, 3 << 20), c;
	struct rig r;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_mkdir(&r.fake, "/d/e");
	fake_set(&r.fake, "/d/e/big", data, 3 << 20);
	ck_assert_int_eq(rig_open(&r, "/d/e/big", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_pread(&f, &c, 1, 0), 1);
	ck_assert_int_eq(rig_open(&r, "/d/e/new", O_RDWR | O_CREAT, &g), 0);
	ck_assert_int_eq(rig_write_text(&g, "text", 0), 0);
	ck_assert_int_eq(rig_rename(&r, "/d", "/x"), 0);
	ck_assert_int_eq(rig_pread(&f, &c, 1, 2 << 20), 1);
	ck_assert_int_eq(rig_close(&g), 0);
	fake_expect_text(&r.fake, "/x/e/new", "text");
	rig_expect_list(&r, "/x/e", "big new");
	rig_expect(&r, "/d", NULL);
	rig_release_file(&f);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(a_move_waits_for_the_uploads_below)
{
	struct remover x;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_mkdir(&r, "/d"), 0);
	ck_assert_int_eq(rig_open(&r, "/d/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	fake_block(&r.fake, FAKE_PUT);
	r.interrupt = true;
	ck_assert_int_eq(rig_close(&f), -EINTR);
	r.interrupt = false;
	fake_await(&r.fake, FAKE_PUT, 1);
	remover_start(&x, &r, "/d", "/e");
	usleep(50000);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_RENAME), 0);
	fake_unblock(&r.fake, FAKE_PUT);
	pthread_join(x.thread, NULL);
	ck_assert_int_eq(x.ret, 0);
	fake_expect_text(&r.fake, "/e/a", "text");
	ck_assert_uint_eq(fake_count(&r.fake), 2);
	rig_expect(&r, "/e/a", "text");
	rig_release(&r);
}
END_TEST

START_TEST(a_removed_file_does_not_come_back_from_its_upload)
{
	struct remover x;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	fake_block(&r.fake, FAKE_PUT);
	r.interrupt = true;
	ck_assert_int_eq(rig_close(&f), -EINTR);
	r.interrupt = false;
	fake_await(&r.fake, FAKE_PUT, 1);
	remover_start(&x, &r, "/a", NULL);
	usleep(20000);
	fake_unblock(&r.fake, FAKE_PUT);
	pthread_join(x.thread, NULL);
	ck_assert_int_eq(x.ret, 0);
	rig_settle(&r);
	ck_assert_uint_eq(fake_count(&r.fake), 0);
	rig_expect_list(&r, "/", "");
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(exclusive_creation_asks_the_server),
	UNIT_ROWS(a_name_that_cannot_be_is_refused, name_rows),
	UNIT(a_created_file_that_is_removed_was_never_on_the_server),
	UNIT(a_removed_file_is_gone_and_may_be_made_anew),
	UNIT(a_directory_with_unsent_files_is_not_empty),
	UNIT_ROWS(a_removed_file_that_is_open_goes_on, open_sizes),
	UNIT(a_large_file_removed_while_open_is_gone_after_the_mount),
	UNIT(a_removal_that_fails_leaves_the_file),
	UNIT(a_removal_may_fail_after_the_file_lost_its_name),
	UNIT(a_rename_takes_content_and_time_along),
	UNIT(a_rename_onto_a_file_replaces_it),
	UNIT(kinds_that_do_not_fit_are_refused),
	UNIT(a_file_being_written_keeps_being_written_under_its_new_name),
	UNIT(a_failed_rename_leaves_both_names_as_they_were),
	UNIT(what_others_made_meanwhile_is_not_replaced),
	UNIT(an_upload_of_the_target_does_not_overtake_the_rename),
	UNIT(a_close_during_the_rename_does_not_bring_the_old_name_back),
	UNIT(scratch_files_cost_no_request),
	UNIT(a_scratch_file_renamed_to_a_real_name_is_one_upload),
	UNIT(a_scratch_file_that_stays_is_sent),
	UNIT(a_file_moved_aside_is_replaced_in_one_step),
	UNIT(a_file_moved_aside_comes_back),
	UNIT_ROWS(names_after_a_file_was_moved_aside, aside_rows),
	UNIT(a_move_aside_into_another_directory_moves),
	UNIT(a_backup_over_a_backup_on_the_server_replaces_it),
	UNIT(open_files_survive_the_move_of_their_directory),
	UNIT(a_move_waits_for_the_uploads_below),
	UNIT(a_removed_file_does_not_come_back_from_its_upload),
};

UNIT_MAIN("names", tests)
