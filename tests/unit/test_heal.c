/* fs/heal, and directories whose move has an unknown outcome. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/save.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

#define HIDDEN "/d/.brickfs-0123456789abcdef"

/* A record of HIDDEN, which is there, as a crash leaves it. */
static void
make_left(struct rig *r)
{
	struct journal *j = r->config.journal;

	fake_mkdir(&r->fake, "/d");
	fake_set_text(&r->fake, HIDDEN, "hidden");
	ck_assert_int_eq(journal_note_delete(j, journal_subject(j), "dbfs",
	    HIDDEN), 0);
}

static void
await_none_hidden(struct rig *r)
{
	while (fake_hidden_count(&r->fake) > 0)
		usleep(1000);
	while (rig_records(r, JOURNAL_DELETE) > 0)
		usleep(1000);
}

START_TEST(what_a_crash_left_is_healed_before_the_first_answer)
{
	struct rig r;

	rig_make(&r);
	make_left(&r);
	rig_crash(&r);
	ck_assert_uint_eq(fake_hidden_count(&r.fake), 0);
	ck_assert_uint_eq(rig_records(&r, JOURNAL_DELETE), 0);
	rig_release(&r);
}
END_TEST

START_TEST(a_failure_is_no_obstacle_and_is_tried_again)
{
	struct rig r;

	rig_make(&r);
	make_left(&r);
	fake_fail(&r.fake, FAKE_HEAL, 1, 2, -EACCES);
	rig_crash(&r);
	ck_assert_uint_eq(fake_hidden_count(&r.fake), 1);
	await_none_hidden(&r);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_HEAL), 3);
	rig_release(&r);
}
END_TEST

START_TEST(what_is_not_settled_stays_for_the_next_mount)
{
	struct rig r;

	rig_make(&r);
	make_left(&r);
	fake_fail(&r.fake, FAKE_HEAL, 1, 999, -EAGAIN);
	rig_crash(&r);
	(void)rig_unmount(&r, 0);
	fake_fail(&r.fake, FAKE_HEAL, 0, 0, 0);
	rig_mount(&r);
	await_none_hidden(&r);
	rig_release(&r);
}
END_TEST

START_TEST(what_a_call_leaves_is_healed_by_the_same_mount)
{
	struct rig r;

	rig_make(&r);
	make_left(&r);
	journal_leave(r.config.journal, 1);
	await_none_hidden(&r);
	rig_release(&r);
}
END_TEST

/* It is deleted where it is by then. */
START_TEST(a_record_follows_its_directory)
{
	struct rig r;

	rig_make(&r);
	make_left(&r);
	fake_fail(&r.fake, FAKE_HEAL, 1, 1, -EIO);
	rig_crash(&r);
	ck_assert_int_eq(rig_rename(&r, "/d", "/e"), 0);
	await_none_hidden(&r);
	rig_release(&r);
}
END_TEST

START_TEST(a_record_without_sense_is_left_alone)
{
	struct rig r;

	rig_make(&r);
	make_left(&r);
	fake_fail(&r.fake, FAKE_HEAL, 1, 1, -EBADMSG);
	rig_crash(&r);
	ck_assert_int_eq(rig_rename(&r, "/d", "/e"), 0);
	ck_assert_uint_eq(rig_records(&r, JOURNAL_DELETE), 1);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_HEAL), 1);
	rig_release(&r);
}
END_TEST

/* --- directories ------------------------------------------------------------------ */

/* /d with an unsent file; its move to /e is carried out, and nobody can tell. */
static void
move_unseen(struct rig *r)
{
	rig_make(r);
	fake_mkdir(&r->fake, "/d");
	fake_fail(&r->fake, FAKE_PUT, 1, 1, -EIO);
	ck_assert_int_eq(rig_save(r, "/d/a", "unsent"), -EIO);
	fake_lose_answer(&r->fake, FAKE_RENAME, -EIO);
	fake_fail(&r->fake, FAKE_REFRESH, 1, 999, -EIO);
	ck_assert_int_eq(rig_rename(r, "/d", "/e"), -EIO);
}

static void
expect_moved(struct rig *r)
{
	while (!fake_has(&r->fake, "/e/a"))
		usleep(1000);
	rig_settle(r);
	fake_expect_text(&r->fake, "/e/a", "unsent");
	rig_expect_list(r, "/", "e");
	rig_expect(r, "/e/a", "unsent");
	ck_assert(!fake_has(&r->fake, "/d"));
	ck_assert_uint_eq(rig_records(r, JOURNAL_MOVE), 0);
	ck_assert_uint_eq(rig_pending(r), 0);
}

/* An upload to the old path would make the old directory again. */
START_TEST(nothing_is_sent_below_a_directory_that_may_have_moved)
{
	unsigned puts;
	struct rig r;

	move_unseen(&r);
	puts = fake_calls(&r.fake, FAKE_PUT);
	r.interrupt = true;
	ck_assert_int_eq(save_all(r.v, &r.call), -EINTR);
	ck_assert_int_eq(rig_mkdir(&r, "/d/sub"), -EINTR);
	r.interrupt = false;
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_PUT), puts);
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_MKDIR), 0);
	fake_fail(&r.fake, FAKE_REFRESH, 0, 0, 0);
	expect_moved(&r);
	rig_release(&r);
}
END_TEST

START_TEST(the_next_mount_finds_out_where_a_directory_is)
{
	struct rig r;

	move_unseen(&r);
	fake_fail(&r.fake, FAKE_REFRESH, 0, 0, 0);
	rig_crash(&r);
	expect_moved(&r);
	rig_release(&r);
}
END_TEST

/* And does not send what would make it again. */
START_TEST(a_mount_that_cannot_find_out_leaves_it_to_the_next)
{
	struct rig r;

	move_unseen(&r);
	fake_fail(&r.fake, FAKE_REFRESH, 1, 999, -EIO);
	rig_crash(&r);
	ck_assert_uint_eq(vfs_dirty(r.v), 0);
	(void)rig_unmount(&r, 0);
	fake_fail(&r.fake, FAKE_REFRESH, 0, 0, 0);
	rig_mount(&r);
	expect_moved(&r);
	rig_release(&r);
}
END_TEST

START_TEST(a_directory_that_was_not_moved_is_where_it_was)
{
	struct rig r;

	rig_make(&r);
	fake_mkdir(&r.fake, "/d");
	fake_fail(&r.fake, FAKE_RENAME, 1, 1, -EIO);
	fake_fail(&r.fake, FAKE_REFRESH, 1, 1, -EIO);
	ck_assert_int_eq(rig_rename(&r, "/d", "/e"), -EIO);
	ck_assert_int_eq(rig_save(&r, "/d/a", "text"), 0);
	fake_expect_text(&r.fake, "/d/a", "text");
	rig_expire(&r);
	rig_expect_list(&r, "/", "d");
	while (rig_records(&r, JOURNAL_MOVE) > 0)
		usleep(1000);
	ck_assert_int_eq(rig_rename(&r, "/d", "/e"), 0);
	fake_expect_text(&r.fake, "/e/a", "text");
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_a_crash_left_is_healed_before_the_first_answer),
	UNIT(a_failure_is_no_obstacle_and_is_tried_again),
	UNIT(what_is_not_settled_stays_for_the_next_mount),
	UNIT(what_a_call_leaves_is_healed_by_the_same_mount),
	UNIT(a_record_follows_its_directory),
	UNIT(a_record_without_sense_is_left_alone),
	UNIT(nothing_is_sent_below_a_directory_that_may_have_moved),
	UNIT(the_next_mount_finds_out_where_a_directory_is),
	UNIT(a_mount_that_cannot_find_out_leaves_it_to_the_next),
	UNIT(a_directory_that_was_not_moved_is_where_it_was),
};

UNIT_MAIN("heal", tests)
