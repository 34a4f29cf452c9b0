/* fs/conflict: content that met another version. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "fs/conflict.h"
#include "fs/save.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

#define HOUR_MS ((int64_t)3600 * 1000)

/* --- names ----------------------------------------------------------------------- */

static const struct {
	const char *name, *host;
	time_t time;
	unsigned nth;
	const char *want;
} name_rows[] = {
	{ "a.txt", "vm", 0, 1, "a.txt.conflict-vm-19700101T000000Z" },
	{ "a", "vm.example.com", 1764288000, 2,
	    "a.conflict-vm-20251128T000000Z-2" },
	{ "a", "../b c%", 0, 1, "a.conflict-host-19700101T000000Z" },
	{ "a", "b/c d:e", 0, 1, "a.conflict-bcde-19700101T000000Z" },
	{ "a", "", 0, 1, "a.conflict-host-19700101T000000Z" },
};

START_TEST(a_sibling_has_a_name_that_says_what_it_is)
{
	char got[CONFLICT_NAME_BYTES];

	conflict_name(got, name_rows[_i].name, name_rows[_i].host,
	    name_rows[_i].time, name_rows[_i].nth);
	ck_assert_str_eq(got, name_rows[_i].want);
}
END_TEST

START_TEST(a_long_name_is_cut_between_characters)
{
	char name[CONFLICT_NAME_BYTES], host[200], got[CONFLICT_NAME_BYTES];

	for (size_t shift = 0; shift < 3; shift++) {
		memset(name, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(name); i += 3)
			memcpy(name + i, "\xe2\x82\xac", 4);
		memset(host, 'h', sizeof(host) - 1);
		host[sizeof(host) - 1] = '\0';
		conflict_name(got, name, host, 0, 9);
		ck_assert_uint_le(strlen(got), 255);
		ck_assert(text_is_utf8(got, strlen(got)));
		ck_assert(text_ends(got, "h-19700101T000000Z-9"));
	}
}
END_TEST

/* --- after a crash ------------------------------------------------------------------ */

static void
make(struct rig *r, enum vfs_conflict conflict)
{
	rig_init(r);
	r->config.writeback_ms = HOUR_MS;
	r->config.conflict = conflict;
	rig_mount(r);
}

static void
settle(struct rig *r)
{
	(void)save_all(r->v, &r->call);
	while (r->v->dirty > 0)
		usleep(1000);
}

START_TEST(what_is_undecided_is_not_sent_by_the_next_mount)
{
	struct pending_info info;
	struct rig r;

	make(&r, VFS_CONFLICT_KEEP);
	fake_set_text(&r.fake, "/a", "old");
	ck_assert_int_eq(rig_save(&r, "/a", "ours"), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	settle(&r);
	r.config.conflict = VFS_CONFLICT_OVERWRITE;
	for (int i = 0; i < 2; i++) {
		rig_crash(&r);
		fake_forget_calls(&r.fake);
		ck_assert_uint_eq(rig_pending(&r), 1);
		info = rig_pending_first(&r);
		ck_assert_int_eq(info.state, PENDING_CONFLICT);
		pending_info_release(&info);
		ck_assert_uint_eq(fake_calls(&r.fake, FAKE_PUT), 0);
	}
	fake_expect_text(&r.fake, "/a", "theirs");
	ck_assert_int_eq(pending_act(r.config.pending, &r.call, 1,
	    PENDING_RETRY), 0);
	fake_expect_text(&r.fake, "/a", "ours");
	rig_crash(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_release(&r);
}
END_TEST

START_TEST(a_rename_onto_what_has_changed_leaves_no_sibling)
{
	struct rig r;

	make(&r, VFS_CONFLICT_SIBLING);
	r.v->config.writeback_ms = -1;
	fake_set_text(&r.fake, "/a", "old");
	rig_expect(&r, "/a", "old");
	ck_assert_int_eq(rig_save(&r, "/a~", "new"), 0);
	fake_set_text(&r.fake, "/a", "theirs");
	ck_assert_int_eq(rig_rename(&r, "/a~", "/a"), -EBUSY);
	rig_expect(&r, "/a~", "new");
	ck_assert_uint_eq(fake_count(&r.fake), 1);
	fake_expect_text(&r.fake, "/a", "theirs");
	rig_release(&r);
}
END_TEST

/* --- records ----------------------------------------------------------------------- */

/* As if the last record, an end, had not come to the disk. */
static void
lose_last_end(struct rig *r)
{
	char path[256];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/journal", r->state);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(truncate(path, st.st_size - 24), 0);
}

START_TEST(of_two_records_of_a_name_the_later_counts)
{
	struct rig r;

	make(&r, VFS_CONFLICT_KEEP);
	ck_assert_int_eq(rig_save(&r, "/tmp", "new"), 0);
	ck_assert_int_eq(rig_save(&r, "/a", "old"), 0);
	ck_assert_int_eq(rig_rename(&r, "/tmp", "/a"), 0);
	ck_assert_uint_eq(rig_records(&r, JOURNAL_STAGED), 1);
	lose_last_end(&r);
	ck_assert_uint_eq(rig_records(&r, JOURNAL_STAGED), 2);
	rig_crash(&r);
	rig_expect_list(&r, "/", "a");
	rig_expect(&r, "/a", "new");
	settle(&r);
	fake_expect_text(&r.fake, "/a", "new");
	ck_assert_uint_eq(fake_versions(&r.fake, "/a"), 1);
	ck_assert_uint_eq(rig_records(&r, JOURNAL_STAGED), 0);
	(void)rig_unmount(&r, 1000);
	ck_assert_uint_eq(rig_staging_files(&r), 0);
	rig_mount(&r);
	rig_release(&r);
}
END_TEST

static void
change_middle(struct rig *r)
{
	struct rig_file f;

	ck_assert_int_eq(rig_open(r, "/a", O_WRONLY, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "x", 4), 0);
	ck_assert_int_eq(rig_close(&f), 0);
}

START_TEST(a_file_that_is_partly_here_is_completed_by_the_next_mount)
{
	struct rig r;

	make(&r, VFS_CONFLICT_KEEP);
	fake_set_text(&r.fake, "/a", "0123456789");
	change_middle(&r);
	rig_crash(&r);
	ck_assert_uint_eq(rig_pending(&r), 0);
	rig_expect(&r, "/a", "0123x56789");
	settle(&r);
	fake_expect_text(&r.fake, "/a", "0123x56789");
	rig_release(&r);
}
END_TEST

static const enum vfs_conflict modes[] = { VFS_CONFLICT_KEEP,
	VFS_CONFLICT_SIBLING, VFS_CONFLICT_OVERWRITE };

START_TEST(a_file_that_is_partly_here_is_never_made_from_two_versions)
{
	struct pending_info info;
	struct rig r;

	make(&r, modes[_i]);
	fake_set_text(&r.fake, "/a", "0123456789");
	change_middle(&r);
	fake_set_text(&r.fake, "/a", "abcdefghij");
	rig_crash(&r);
	settle(&r);
	ck_assert_uint_eq(fake_count(&r.fake), 1);
	fake_expect_text(&r.fake, "/a", "abcdefghij");
	ck_assert_uint_eq(rig_pending(&r), 1);
	info = rig_pending_first(&r);
	ck_assert_int_eq(info.state, PENDING_CONFLICT);
	ck_assert_ptr_nonnull(strstr(info.reason, "only the parts"));
	pending_info_release(&info);
	rig_release(&r);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_sibling_has_a_name_that_says_what_it_is, name_rows),
	UNIT(a_long_name_is_cut_between_characters),
	UNIT(what_is_undecided_is_not_sent_by_the_next_mount),
	UNIT(a_rename_onto_what_has_changed_leaves_no_sibling),
	UNIT(of_two_records_of_a_name_the_later_counts),
	UNIT(a_file_that_is_partly_here_is_completed_by_the_next_mount),
	UNIT_ROWS(a_file_that_is_partly_here_is_never_made_from_two_versions,
	    modes),
};

UNIT_MAIN("conflict", tests)
