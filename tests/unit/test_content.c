/* fs/content: the content of files. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/jval.h"
#include "cache/journal.h"
#include "fs/dir.h"
#include "fs/hold.h"
#include "base/clock.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

#define MB ((size_t)1 << 20)
#define JOURNAL_TEXT ((size_t)100000)

/* --- saving ---------------------------------------------------------------------- */

START_TEST(what_is_closed_is_on_the_server)
{
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "hello"), 0);
	fake_expect_text(&r.fake, "/a", "hello");
	rig_expect(&r, "/a", "hello");
	ck_assert_int_eq(rig_save(&r, "/a", "world!"), 0);
	fake_expect_text(&r.fake, "/a", "world!");
	ck_assert_uint_eq(fake_versions(&r.fake, "/a"), 2);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 0);
	rig_release(&r);
}
END_TEST

START_TEST(a_failed_upload_is_told_and_the_content_is_kept)
{
	struct pending_info info;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	fake_fail(&r.fake, FAKE_PUT, 1, 1, -EACCES);
	ck_assert_int_eq(rig_save(&r, "/a", "new"), -EACCES);
	ck_assert_str_eq(r.call.words, "a rule of the test");
	fake_expect_text(&r.fake, "/a", "old");
	rig_expect(&r, "/a", "new");
	info = rig_pending_first(&r);
	ck_assert_str_eq(info.path, "a");
	ck_assert_str_eq(info.reason, "a rule of the test");
	ck_assert_int_eq(info.state, PENDING_FAILED);
	ck_assert_int_eq(pending_act(r.config.pending, &r.call, info.number,
	    PENDING_RETRY), 0);
	pending_info_release(&info);
	fake_expect_text(&r.fake, "/a", "new");
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

START_TEST(unsent_content_can_be_discarded)
{
	struct pending_info info;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	fake_fail(&r.fake, FAKE_PUT, 1, 9, -EIO);
	ck_assert_int_eq(rig_save(&r, "/a", "new"), -EIO);
	info = rig_pending_first(&r);
	ck_assert_int_eq(pending_act(r.config.pending, &r.call, info.number,
	    PENDING_DISCARD), 0);
	pending_info_release(&info);
	ck_assert_uint_eq(rig_pending(&r), 0);
	ck_assert_uint_eq(vfs_dirty(r.v), 0);
	rig_expect(&r, "/a", "old");
	rig_crash(&r);
	rig_expect(&r, "/a", "old");
	rig_release(&r);
}
END_TEST

/* What shells do: open with O_TRUNC, close a copy, write, close. */
START_TEST(emptying_a_file_is_not_sent_before_it_is_written)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_TRUNC, &f), 0);
	ck_assert_int_eq(rig_flush(&f), 0);
	fake_expect_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/a", "new");
	ck_assert_uint_eq(fake_versions(&r.fake, "/a"), 2);
	rig_release(&r);
}
END_TEST

START_TEST(an_empty_file_arrives_after_its_last_close)
{
	struct rig_file f, g;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/old", "text");
	ck_assert_int_eq(rig_open(&r, "/new", O_WRONLY | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_open(&r, "/old", O_WRONLY | O_TRUNC, &g), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	ck_assert_int_eq(rig_close(&g), 0);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/new", "");
	fake_expect_text(&r.fake, "/old", "");
	rig_release(&r);
}
END_TEST

START_TEST(fsync_sends_and_clean_closes_cost_nothing)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "one", 0), 0);
	ck_assert_int_eq(rig_fsync(&f), 0);
	fake_expect_text(&r.fake, "/a", "one");
	fake_forget_calls(&r.fake);
	ck_assert_int_eq(rig_fsync(&f), 0);
	ck_assert_int_eq(rig_flush(&f), 0);
	ck_assert_int_eq(rig_flush(&f), 0);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_PUT), 0);
	/* Written after a flush, as with dup and fork. */
	ck_assert_int_eq(rig_write_text(&f, "two", 3), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/a", "onetwo");
	rig_release(&r);
}
END_TEST

START_TEST(two_handles_write_one_file)
{
	struct rig_file f, g;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "0123456789");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &g), 0);
	ck_assert_int_eq(rig_write_text(&f, "ab", 0), 0);
	ck_assert_int_eq(rig_write_text(&g, "yz", 8), 0);
	rig_expect_file(&f, "ab234567yz");
	rig_expect_file(&g, "ab234567yz");
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/a", "ab234567yz");
	ck_assert_int_eq(rig_close(&g), 0);
	ck_assert_uint_eq(fake_versions(&r.fake, "/a"), 2);
	rig_release(&r);
}
END_TEST

/* --- parts of large files ------------------------------------------------------------ */

static char *
pattern(size_t len)
{
	char *data = malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7 + i / 1000);
	return data;
}

START_TEST(a_write_into_the_middle_keeps_the_rest)
{
	size_t len = 3 * MB + 77;
	char *data = pattern(len);
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "MIDDLE", MB + 5), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	memcpy(data + MB + 5, "MIDDLE", 6);
	fake_expect(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_truncate(&r, "/a", 2 * MB), 0);
	fake_expect(&r.fake, "/a", data, 2 * MB);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(a_fetch_that_fails_makes_no_half_file)
{
	size_t len = 3 * MB;
	char *data = pattern(len);
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "x", 0), 0);
	fake_fail(&r.fake, FAKE_READ, 2, 100, -EIO);
	ck_assert_int_eq(rig_flush(&f), -EIO);
	fake_fail(&r.fake, FAKE_READ, 1, 0, 0);
	fake_expect(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_close(&f), 0);
	data[0] = 'x';
	fake_expect(&r.fake, "/a", data, len);
	ck_assert_uint_eq(fake_versions(&r.fake, "/a"), 2);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(holes_are_zeros)
{
	struct rig_file f;
	struct rig r;
	uint64_t at;

	rig_make(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "x", 5), 0);
	ck_assert_int_eq(rig_ftruncate(&f, 8), 0);
	ck_assert_int_eq(content_allocate(r.v, &r.call, f.handle, 0, 0, 10), 0);
	ck_assert_int_eq(content_allocate(r.v, &r.call, f.handle,
	    FALLOC_FL_COLLAPSE_RANGE, 0, 10), -EOPNOTSUPP);
	ck_assert_int_eq(content_seek(r.v, &r.call, f.handle, 99, SEEK_DATA,
	    &at), -ENXIO);
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect(&r.fake, "/a", "\0\0\0\0\0x\0\0\0\0", 10);
	rig_release(&r);
}
END_TEST

START_TEST(a_size_beyond_what_the_backend_takes_is_refused)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	r.fake.backend.size_max = 100;
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "xy", 99), -EFBIG);
	ck_assert_int_eq(rig_write_text(&f, "x", UINT64_MAX - 1), -EFBIG);
	ck_assert_int_eq(rig_ftruncate(&f, 101), -EFBIG);
	ck_assert_int_eq(rig_ftruncate(&f, INT64_MAX), -EFBIG);
	ck_assert_int_eq(rig_write_text(&f, "xy", 98), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_release(&r);
}
END_TEST

/* --- other clients -------------------------------------------------------------------- */

START_TEST(an_open_file_never_mixes_two_versions)
{
	size_t len = 3 * MB;
	char *data = pattern(len), c;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_pread(&f, &c, 1, 0), 1);
	memset(data, 'n', len);
	fake_set(&r.fake, "/a", data, len);
	rig_expire(&r);
	ck_assert_int_eq(rig_pread(&f, &c, 1, 2 * MB), -ESTALE);
	/* Opened anew it is the new one. */
	rig_release_file(&f);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_pread(&f, &c, 1, 2 * MB), 1);
	ck_assert_int_eq(c, 'n');
	rig_release_file(&f);
	rig_release(&r);
	free(data);
}
END_TEST

/* Changed within the time-to-live, in the midst of a read that takes longer. */
START_TEST(the_end_for_an_old_handle_is_of_its_version)
{
	size_t len = 3 * MB;
	char *data = pattern(len), c;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	f.handle->opened_ms -= 2 * r.config.attr_ttl_ms;
	ck_assert_int_eq(rig_pread(&f, &c, 1, 0), 1);
	fake_forget_calls(&r.fake);
	ck_assert_int_eq(rig_pread(&f, &c, 1, len - 1), 1);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_REFRESH), 1);
	memset(data, 'n', len);
	fake_set(&r.fake, "/a", data, len);
	block_cache_drop_all(r.config.blocks);
	/* Known to be fresh, and may be wrong; the end tells. */
	ck_assert_int_eq(rig_pread(&f, &c, 1, MB), 1);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_REFRESH), 1);
	ck_assert_int_eq(rig_pread(&f, &c, 1, len - 1), -ESTALE);
	rig_release_file(&f);
	/* A young handle's is not looked at. */
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	fake_forget_calls(&r.fake);
	ck_assert_int_eq(rig_pread(&f, &c, 1, len - 1), 1);
	ck_assert_int_eq(c, 'n');
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_REFRESH), 0);
	rig_release_file(&f);
	rig_release(&r);
	free(data);
}
END_TEST

/* Another client's change; the service's clock shows whole seconds, and this one. */
static void
set_this_second(struct rig *r, const char *text)
{
	r->fake.step_ms = 0;
	fake_set_text(&r->fake, "/a", text);
}

START_TEST(what_is_read_just_after_a_change_is_read_again_at_the_next_open)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	r.fake.now_ms = clock_real_ms() / 1000 * 1000;
	set_this_second(&r, "one");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	rig_expect_file(&f, "one");
	rig_release_file(&f);
	/* In the same second, with the same size: the same version. */
	set_this_second(&r, "two");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert(!f.keep_pages);
	rig_expect_file(&f, "two");
	rig_release_file(&f);
	rig_release(&r);
}
END_TEST

/* The kernel has no memory of it between the two. */
START_TEST(what_was_read_just_after_a_change_does_not_outlive_its_node)
{
	struct rig r;

	rig_make(&r);
	r.forgetful = true;
	r.fake.now_ms = clock_real_ms() / 1000 * 1000;
	set_this_second(&r, "one");
	rig_expect(&r, "/a", "one");
	set_this_second(&r, "two");
	rig_expect(&r, "/a", "two");
	rig_release(&r);
}
END_TEST

/* Within the time-to-live: that it is another version shows when there is less. */
START_TEST(a_file_that_has_shrunk_is_stale)
{
	size_t len = 3 * MB;
	char *data = pattern(len), c;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_pread(&f, &c, 1, 0), 1);
	fake_set(&r.fake, "/a", data, len / 2);
	ck_assert_int_eq(rig_pread(&f, &c, 1, MB), -ESTALE);
	ck_assert_int_eq(rig_pread(&f, &c, 1, 2 * MB), -ESTALE);
	rig_release_file(&f);
	rig_release(&r);
	free(data);
}
END_TEST

/* One of two readers has found out, within the time-to-live. */
START_TEST(a_version_that_is_known_to_be_gone_is_not_fetched_again)
{
	size_t len = 3 * MB;
	char *data = pattern(len), c;
	struct rig_file f, g;
	struct rig r;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &g), 0);
	ck_assert_int_eq(rig_pread(&f, &c, 1, 0), 1);
	ck_assert_int_eq(rig_pread(&g, &c, 1, 0), 1);
	memset(data, 'n', len);
	fake_set(&r.fake, "/a", data, len);
	f.handle->opened_ms -= 2 * r.config.attr_ttl_ms;
	ck_assert_int_eq(rig_pread(&f, &c, 1, len - 1), -ESTALE);
	ck_assert_int_eq(rig_pread(&g, &c, 1, MB), -ESTALE);
	ck_assert_int_eq(rig_pread(&g, &c, 1, 0), -ESTALE);
	rig_release_file(&f);
	rig_release_file(&g);
	rig_expect_list(&r, "/", "a");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_pread(&f, &c, 1, MB), 1);
	ck_assert_int_eq(c, 'n');
	rig_release_file(&f);
	rig_release(&r);
	free(data);
}
END_TEST

/* A file being written whose missing parts are not there any more. */
START_TEST(a_written_file_is_not_completed_from_another_version)
{
	size_t len = 3 * MB;
	char *data = pattern(len), c;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "x", 0), 0);
	memset(data, 'n', len);
	fake_set(&r.fake, "/a", data, len);
	rig_expire(&r);
	rig_expect_list(&r, "/", "a"); /* the mount has seen the new one */
	ck_assert_int_eq(rig_pread(&f, &c, 1, 2 * MB), -ESTALE);
	ck_assert_int_eq(rig_close(&f), -ESTALE);
	fake_expect(&r.fake, "/a", data, len);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(a_file_deleted_by_others_is_stale)
{
	size_t len = 2 * MB;
	char *data = pattern(len), c;
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set(&r.fake, "/a", data, len);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDONLY, &f), 0);
	ck_assert_int_eq(rig_pread(&f, &c, 1, 0), 1);
	fake_remove(&r.fake, "/a");
	ck_assert_int_eq(rig_pread(&f, &c, 1, MB), -ESTALE);
	rig_expire(&r);
	ck_assert_int_eq(rig_pread(&f, &c, 1, MB), -ESTALE);
	rig_release_file(&f);
	rig_release(&r);
	free(data);
}
END_TEST

START_TEST(what_others_changed_is_not_overwritten)
{
	struct pending_info info;
	struct rig_file f, g;
	char text[8];
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &g), 0);
	ck_assert_int_eq(rig_write_text(&f, "our", 0), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	ck_assert_int_eq(rig_close(&f), -ESTALE);
	fake_expect_text(&r.fake, "/a", "theirs");
	/* The other handle, whose data that was as well, is told too. */
	ck_assert_int_eq(rig_write_text(&g, "x", 0), -ESTALE);
	ck_assert_int_eq(rig_close(&g), -ESTALE);
	rig_expect(&r, "/a", "theirs");

	info = rig_pending_first(&r);
	ck_assert_int_eq(info.state, PENDING_CONFLICT);
	ck_assert_int_eq(staged_read(info.data, &r.call, NULL, 0, text, 8), 3);
	ck_assert_mem_eq(text, "our", 3);
	/* A person decides that ours is the right one. */
	ck_assert_int_eq(pending_act(r.config.pending, &r.call, info.number,
	    PENDING_RETRY), 0);
	pending_info_release(&info);
	fake_expect_text(&r.fake, "/a", "our");
	rig_expect(&r, "/a", "our");
	rig_release(&r);
}
END_TEST

START_TEST(a_file_emptied_after_the_change_was_seen_may_overwrite_it)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	rig_expect(&r, "/a", "old");
	fake_set_text(&r.fake, "/a", "theirs");
	rig_expire(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_TRUNC, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "our", 0), 0);
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/a", "our");
	rig_release(&r);
}
END_TEST

START_TEST(a_new_file_does_not_replace_one_that_others_made)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT | O_EXCL, &f),
	    0);
	ck_assert_int_eq(rig_write_text(&f, "our", 0), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	ck_assert_int_eq(rig_close(&f), -EEXIST);
	fake_expect_text(&r.fake, "/a", "theirs");
	ck_assert_uint_eq(rig_pending(&r), 1);
	rig_release(&r);
}
END_TEST

START_TEST(a_file_deleted_by_others_while_written_is_made_anew)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_TRUNC, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "our", 0), 0);
	fake_remove(&r.fake, "/a");
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/a", "our");
	rig_release(&r);
}
END_TEST

/* A write that the local disk did not take, while what was written before is sent. */
START_TEST(a_torn_file_is_dropped_after_its_upload)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "sent", 0), 0);
	fake_block(&r.fake, FAKE_PUT);
	r.interrupt = true;
	ck_assert_int_eq(rig_flush(&f), -EINTR);
	r.interrupt = false;
	fake_await(&r.fake, FAKE_PUT, 1);
	lock_take(&r.v->lock);
	node_changed_locked(r.v, f.node);
	f.node->file->torn = -ENOSPC;
	lock_drop(&r.v->lock);
	ck_assert_int_eq(rig_close(&f), -ENOSPC);
	fake_unblock(&r.fake, FAKE_PUT);
	lock_take(&r.v->lock);
	while (r.v->dirty > 0 || r.v->saving > 0)
		(void)cond_wait_ms(&r.v->changed, &r.v->lock, 20);
	lock_drop(&r.v->lock);
	fake_expect_text(&r.fake, "/a", "sent");
	rig_expect(&r, "/a", "sent");
	rig_release(&r);
}
END_TEST

struct flusher {
	struct rig rig;
	struct rig_file file;
	int ret;
	pthread_t thread;
};

static void *
flush(void *arg)
{
	struct flusher *f = arg;

	f->ret = rig_flush(&f->file);
	return NULL;
}

/* One who needs all of a file, and is let go while he waits for another who does. */
struct fetcher {
	struct rig *rig;
	struct node *node;
	bool waits, let_go; /* atomic */
	int ret;
};

static bool
is_let_go(void *arg)
{
	struct fetcher *f = arg;

	__atomic_store_n(&f->waits, true, __ATOMIC_RELAXED);
	return __atomic_load_n(&f->let_go, __ATOMIC_RELAXED);
}

static void *
fetch(void *arg)
{
	struct fetcher *f = arg;
	struct call call = { .op = "test", .interrupted = is_let_go, .arg = f };

	f->ret = content_fetch(f->rig->v, &call, f->node);
	return NULL;
}

START_TEST(a_fetch_that_is_interrupted_takes_nothing_from_another)
{
	struct flusher other = { .ret = 1 };
	struct fetcher one = { .ret = 1 };
	struct rig_file f;
	pthread_t thread;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "the old text");
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 4), 0);
	fake_block(&r.fake, FAKE_READ);
	rig_view(&r, &other.rig);
	other.file = f;
	other.file.rig = &other.rig;
	ck_assert_int_eq(pthread_create(&other.thread, NULL, flush, &other), 0);
	fake_await(&r.fake, FAKE_READ, 1);
	one.rig = &r;
	one.node = f.node;
	ck_assert_int_eq(pthread_create(&thread, NULL, fetch, &one), 0);
	while (!__atomic_load_n(&one.waits, __ATOMIC_RELAXED))
		(void)sched_yield();
	/* All is here by then, and is compared with what the server has. */
	fake_block(&r.fake, FAKE_REFRESH);
	fake_unblock(&r.fake, FAKE_READ);
	fake_await(&r.fake, FAKE_REFRESH, 1);
	__atomic_store_n(&one.let_go, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ck_assert_int_eq(one.ret, -EINTR);
	fake_unblock(&r.fake, FAKE_REFRESH);
	pthread_join(other.thread, NULL);
	ck_assert_int_eq(other.ret, 0);
	fake_expect_text(&r.fake, "/a", "the new text");
	ck_assert_int_eq(rig_close(&f), 0);
	rig_release(&r);
}
END_TEST

/* Another program's write does not fit while one waits at its close. */
START_TEST(a_file_that_is_torn_before_its_upload_is_not_said_to_be_saved)
{
	struct flusher other = { .ret = 1 };
	struct rig_file f;
	bool asked = false;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	ck_assert_int_eq(hold_freeze(r.v, &r.call, f.node), 0);
	rig_view(&r, &other.rig);
	other.file = f;
	other.file.rig = &other.rig;
	ck_assert_int_eq(pthread_create(&other.thread, NULL, flush, &other), 0);
	while (!asked) {
		lock_take(&r.v->lock);
		asked = f.node->file->asked;
		if (asked)
			f.node->file->torn = -ENOSPC;
		lock_drop(&r.v->lock);
	}
	hold_thaw(r.v, f.node);
	pthread_join(other.thread, NULL);
	ck_assert_int_eq(other.ret, -ENOSPC);
	ck_assert_int_eq(rig_close(&f), -ENOSPC);
	fake_expect_text(&r.fake, "/a", NULL);
	rig_release(&r);
}
END_TEST

/* The journal is as long as files may be from now on: it cannot be written. */
static void
fill_journal(struct rig *r)
{
	struct rlimit limit;
	char *text = malloc(JOURNAL_TEXT + 1);
	struct json_object *p = json_object_new_object();

	memset(text, 'x', JOURNAL_TEXT);
	text[JOURNAL_TEXT] = '\0';
	ck_assert_int_eq(jval_add_str(p, "text", text), 0);
	ck_assert_int_eq(journal_write(r->config.journal, 99,
	    journal_subject(r->config.journal), p, false), 0);
	json_object_put(p);
	free(text);
	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = JOURNAL_TEXT;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
make_room(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_file_that_could_not_be_emptied_is_what_it_was)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	rig_expect(&r, "/a", "one");
	fill_journal(&r);
	ck_assert_int_lt(rig_open(&r, "/a", O_WRONLY | O_TRUNC, &f), 0);
	make_room();
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "one");
	rig_expect(&r, "/a", "one");
	ck_assert_int_eq(rig_save(&r, "/a", "two"), 0);
	fake_expect_text(&r.fake, "/a", "two");
	rig_release(&r);
}
END_TEST

START_TEST(a_file_that_could_not_be_cut_is_what_it_was)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	fill_journal(&r);
	ck_assert_int_lt(rig_truncate(&r, "/a", 0), 0);
	ck_assert_int_lt(rig_truncate(&r, "/a", 1), 0);
	make_room();
	rig_expect(&r, "/a", "one");
	(void)rig_unmount(&r, 1000);
	fake_expect_text(&r.fake, "/a", "one");
	rig_release(&r);
}
END_TEST

START_TEST(a_file_that_could_not_be_moved_aside_has_its_name)
{
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "one");
	rig_expect(&r, "/a", "one");
	fill_journal(&r);
	ck_assert_int_lt(rig_rename(&r, "/a", "/a~"), 0);
	make_room();
	rig_expect_list(&r, "/", "a");
	/* What is written to the journal next writes it anew. */
	ck_assert_int_eq(rig_save(&r, "/b", "two"), 0);
	rig_crash(&r);
	rig_expect_list(&r, "/", "a b");
	rig_expect(&r, "/a", "one");
	rig_release(&r);
}
END_TEST

START_TEST(a_backup_that_could_not_come_back_leaves_what_it_would_replace)
{
	struct rig r;

	rig_init(&r);
	r.config.writeback_ms = 3600 * 1000;
	rig_mount(&r);
	fake_set_text(&r.fake, "/a", "one");
	ck_assert_int_eq(rig_rename(&r, "/a", "/a~"), 0);
	ck_assert_int_eq(rig_save(&r, "/a", "two"), 0);
	fill_journal(&r);
	ck_assert_int_lt(rig_rename(&r, "/a~", "/a"), 0);
	make_room();
	ck_assert_int_eq(rig_save(&r, "/b", "other"), 0);
	rig_crash(&r);
	rig_expect_list(&r, "/", "a a~ b");
	rig_expect(&r, "/a", "two");
	rig_expect(&r, "/a~", "one");
	rig_release(&r);
}
END_TEST

/* --- times ------------------------------------------------------------------------------ */

START_TEST(the_time_shown_after_a_save_stays)
{
	struct stat before, after;
	struct rig r;

	rig_make(&r);
	ck_assert_int_eq(rig_save(&r, "/a", "text"), 0);
	ck_assert_int_eq(rig_stat(&r, "/a", &before), 0);
	for (int i = 0; i < 2; i++) {
		rig_expire(&r);
		rig_expect_list(&r, "/", "a");
		ck_assert_int_eq(rig_stat(&r, "/a", &after), 0);
		ck_assert_int_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
		ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
		(void)rig_unmount(&r, 0);
		rig_mount(&r);
	}
	rig_release(&r);
}
END_TEST

/* --- resources --------------------------------------------------------------------------- */

static const struct {
	const char *temp; /* NULL: created under its name */
	const char *text;
} many_rows[] = {
	{ NULL, "text" },
	{ NULL, "" },
	{ "/sedAbCdEf", "text" },
};

/* A staging file is an open file: those of clean files are bounded. */
START_TEST(many_saved_files_do_not_hold_many_open)
{
	struct rig r;
	char path[32];

	rig_make(&r);
	for (int i = 0; i < 3 * KEPT_FILES; i++) {
		const char *temp = many_rows[_i].temp;

		snprintf(path, sizeof path, "/f%d", i);
		ck_assert_int_eq(rig_save(&r, temp != NULL ? temp : path,
		    many_rows[_i].text), 0);
		if (temp != NULL)
			ck_assert_int_eq(rig_rename(&r, temp, path), 0);
	}
	rig_settle(&r);
	ck_assert_uint_eq(fake_count(&r.fake), 3 * KEPT_FILES);
	ck_assert_int_le(counter_get(CTR_staging_files), KEPT_FILES);
	for (int i = 0; i < 3 * KEPT_FILES; i++) {
		snprintf(path, sizeof path, "/f%d", i);
		rig_expect(&r, path, many_rows[_i].text);
		ck_assert_int_eq(rig_truncate(&r, path, 2), 0);
	}
	rig_settle(&r);
	ck_assert_int_le(counter_get(CTR_staging_files), KEPT_FILES);
	rig_release(&r);
}
END_TEST

/* --- several threads ----------------------------------------------------------------------- */

struct worker {
	struct rig *rig;
	int number;
	int ret;
	pthread_t thread;
};

static void *
close_one(void *arg)
{
	struct worker *w = arg;
	struct rig_file f;
	struct rig r;

	rig_view(w->rig, &r);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	w->ret = rig_close(&f);
	return NULL;
}

START_TEST(a_close_can_be_interrupted_and_its_upload_goes_on)
{
	struct rig_file f;
	struct rig r;
	pthread_t thread;
	struct worker w = { .rig = &r };

	rig_make(&r);
	fake_block(&r.fake, FAKE_PUT);
	ck_assert_int_eq(rig_open(&r, "/a", O_WRONLY | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
	r.interrupt = true;
	ck_assert_int_eq(rig_close(&f), -EINTR);
	r.interrupt = false;
	fake_await(&r.fake, FAKE_PUT, 1);
	/* Another closer waits for it, and a reader does not. */
	w.rig = &r;
	ck_assert_int_eq(pthread_create(&thread, NULL, close_one, &w), 0);
	rig_expect(&r, "/a", "text");
	fake_unblock(&r.fake, FAKE_PUT);
	pthread_join(thread, NULL);
	ck_assert_int_eq(w.ret, 0);
	rig_settle(&r);
	fake_expect_text(&r.fake, "/a", "text");
	rig_release(&r);
}
END_TEST

/* The close is interrupted at about the time when its upload ends, the one way or
 * the other. */
START_TEST(what_ends_while_its_close_is_interrupted_is_not_listed)
{
	struct rig_file f;
	struct rig r;

	rig_make(&r);
	for (int i = 0; i < 500; i++) {
		if (i % 2 == 0)
			fake_fail(&r.fake, FAKE_PUT, 1, 1, -EACCES);
		ck_assert_int_eq(rig_open(&r, "/a", O_RDWR | O_CREAT, &f), 0);
		ck_assert_int_eq(rig_write_text(&f, "text", 0), 0);
		r.interrupt = true;
		(void)rig_flush(&f);
		r.interrupt = false;
		(void)rig_fsync(&f);
		rig_release_file(&f);
		if (i % 2 == 0)
			rig_settle(&r);
		ck_assert_uint_eq(rig_pending(&r), 0);
	}
	rig_release(&r);
}
END_TEST

#define ROUNDS 40

static void *
write_some(void *arg)
{
	struct worker *w = arg;
	unsigned seed = (unsigned)w->number;
	struct rig_file f;
	struct rig r;
	char text[8];

	rig_view(w->rig, &r);
	for (int i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(rig_open(&r, "/a", O_RDWR, &f), 0);
		snprintf(text, sizeof text, "%d", i % 10);
		ck_assert_int_eq(rig_write_text(&f, text,
		    (uint64_t)w->number), 0);
		if (rand_r(&seed) % 2 == 0)
			ck_assert_int_eq(rig_fsync(&f), 0);
		ck_assert_int_eq(rig_pread(&f, text, 1, (uint64_t)w->number),
		    1);
		ck_assert_int_eq(text[0], '0' + i % 10);
		ck_assert_int_eq(rig_close(&f), 0);
	}
	return NULL;
}

static void *
look_around(void *arg)
{
	struct worker *w = arg;
	struct stat st;
	struct rig r;

	rig_view(w->rig, &r);
	for (int i = 0; i < ROUNDS; i++) {
		rig_expect_list(&r, "/", "a");
		ck_assert_int_eq(rig_stat(&r, "/a", &st), 0);
		ck_assert_int_eq(st.st_size, 4);
		rig_expire(&r);
	}
	return NULL;
}

START_TEST(writers_of_disjoint_bytes_do_not_lose_each_others)
{
	struct worker all[5];
	struct rig r;

	rig_make(&r);
	fake_set_text(&r.fake, "/a", "____");
	for (int i = 0; i < 5; i++) {
		all[i] = (struct worker){ .rig = &r, .number = i };
		ck_assert_int_eq(pthread_create(&all[i].thread, NULL,
		    i < 4 ? write_some : look_around, &all[i]), 0);
	}
	for (int i = 0; i < 5; i++)
		pthread_join(all[i].thread, NULL);
	fake_expect_text(&r.fake, "/a", "9999");
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_is_closed_is_on_the_server),
	UNIT(a_failed_upload_is_told_and_the_content_is_kept),
	UNIT(unsent_content_can_be_discarded),
	UNIT(emptying_a_file_is_not_sent_before_it_is_written),
	UNIT(an_empty_file_arrives_after_its_last_close),
	UNIT(fsync_sends_and_clean_closes_cost_nothing),
	UNIT(two_handles_write_one_file),
	UNIT(a_write_into_the_middle_keeps_the_rest),
	UNIT(a_fetch_that_fails_makes_no_half_file),
	UNIT(holes_are_zeros),
	UNIT(a_size_beyond_what_the_backend_takes_is_refused),
	UNIT(an_open_file_never_mixes_two_versions),
	UNIT(the_end_for_an_old_handle_is_of_its_version),
	UNIT(what_is_read_just_after_a_change_is_read_again_at_the_next_open),
	UNIT(what_was_read_just_after_a_change_does_not_outlive_its_node),
	UNIT(a_file_that_has_shrunk_is_stale),
	UNIT(a_version_that_is_known_to_be_gone_is_not_fetched_again),
	UNIT(a_written_file_is_not_completed_from_another_version),
	UNIT(a_file_deleted_by_others_is_stale),
	UNIT(what_others_changed_is_not_overwritten),
	UNIT(a_file_emptied_after_the_change_was_seen_may_overwrite_it),
	UNIT(a_new_file_does_not_replace_one_that_others_made),
	UNIT(a_file_deleted_by_others_while_written_is_made_anew),
	UNIT(a_torn_file_is_dropped_after_its_upload),
	UNIT(a_fetch_that_is_interrupted_takes_nothing_from_another),
	UNIT(a_file_that_is_torn_before_its_upload_is_not_said_to_be_saved),
	UNIT(a_file_that_could_not_be_emptied_is_what_it_was),
	UNIT(a_file_that_could_not_be_cut_is_what_it_was),
	UNIT(a_file_that_could_not_be_moved_aside_has_its_name),
	UNIT(a_backup_that_could_not_come_back_leaves_what_it_would_replace),
	UNIT(the_time_shown_after_a_save_stays),
	UNIT_ROWS(many_saved_files_do_not_hold_many_open, many_rows),
	UNIT(a_close_can_be_interrupted_and_its_upload_goes_on),
	UNIT(what_ends_while_its_close_is_interrupted_is_not_listed),
	UNIT(writers_of_disjoint_bytes_do_not_lose_each_others),
};

UNIT_MAIN("content", tests)
