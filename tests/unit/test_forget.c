/* fs/forget: forgetting what is known, so that the next look asks the service. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "cache/disk_tier.h"
#include "fs/forget.h"
#include "tests/support/rig.h"
#include "tests/support/unit.h"

static int
forget(struct rig *r, const char *path)
{
	int ret;

	r->call.words[0] = '\0';
	ret = forget_path(r->v, &r->call, path);
	ck_assert_int_eq(ret == 0, r->call.words[0] == '\0');
	fake_forget_calls(&r->fake);
	return ret;
}

static void
expect_calls(struct rig *r, unsigned refreshes, unsigned lists, unsigned reads)
{
	ck_assert_uint_eq(fake_calls(&r->fake, FAKE_REFRESH), refreshes);
	ck_assert_uint_eq(fake_calls(&r->fake, FAKE_LIST), lists);
	ck_assert_uint_eq(fake_calls(&r->fake, FAKE_READ), reads);
	fake_forget_calls(&r->fake);
}

/* Two directories with a file in each, all known. */
static void
make_known(struct rig *r)
{
	rig_init(r);
	/* Old enough to be known by their times. */
	r->config.attr_ttl_ms = 1000000;
	rig_mount(r);
	fake_mkdir(&r->fake, "/d");
	fake_mkdir(&r->fake, "/e");
	fake_set_text(&r->fake, "/d/f", "one");
	fake_set_text(&r->fake, "/e/f", "two");
	rig_expect_list(r, "/", "d e");
	rig_expect_list(r, "/d", "f");
	rig_expect_list(r, "/e", "f");
	rig_expect(r, "/d/f", "one");
	rig_expect(r, "/e/f", "two");
	fake_forget_calls(&r->fake);
}

START_TEST(a_file_is_looked_at_and_read_anew)
{
	struct stat st;
	struct rig r;

	make_known(&r);
	ck_assert_int_eq(rig_stat(&r, "/d/f", &st), 0);
	rig_expect(&r, "/d/f", "one");
	expect_calls(&r, 0, 0, 0);
	ck_assert_int_eq(forget(&r, "d/f"), 0);
	rig_expect(&r, "/d/f", "one");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 1);
	ck_assert_uint_gt(fake_all_calls(&r.fake), 1);
	fake_forget_calls(&r.fake);
	/* Once. */
	rig_expect(&r, "/d/f", "one");
	rig_expect(&r, "/e/f", "two");
	rig_expect_list(&r, "/e", "f");
	expect_calls(&r, 0, 0, 0);
	rig_release(&r);
}
END_TEST

START_TEST(a_change_by_others_is_seen_at_once)
{
	struct rig r;

	make_known(&r);
	fake_set_text(&r.fake, "/d/f", "other");
	rig_expect(&r, "/d/f", "one");
	ck_assert_int_eq(forget(&r, "/d/f"), 0);
	rig_expect(&r, "/d/f", "other");
	fake_remove(&r.fake, "/d/f");
	ck_assert_int_eq(forget(&r, "/d"), 0);
	rig_expect(&r, "/d/f", NULL);
	rig_expect_list(&r, "/d", "");
	rig_release(&r);
}
END_TEST

START_TEST(of_a_directory_all_is_forgotten_and_nothing_beside_it)
{
	struct rig r;

	make_known(&r);
	ck_assert_int_eq(forget(&r, "/d/"), 0);
	rig_expect_list(&r, "/e", "f");
	expect_calls(&r, 0, 0, 0);
	rig_expect_list(&r, "/d", "f");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_LIST), 1);
	rig_expect(&r, "/d/f", "one");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 1);
	rig_release(&r);
}
END_TEST

static const struct {
	const char *path;
	int want;
} path_rows[] = {
	{ "", 0 }, { "/", 0 }, { "///", 0 }, { "d", 0 }, { "/d//f/", 0 },
	{ "none", -ENOENT }, { "d/none", -ENOENT }, { "none/f", -ENOENT },
	{ "d/f/x", -ENOENT }, { "..", -ENOENT }, { "d/../d", -ENOENT },
	{ ".", -ENOENT }, { ".control", -ENOENT },
	{ ".control/metrics", -ENOENT },
};

START_TEST(a_path_is_below_the_mount_point)
{
	struct rig r;

	make_known(&r);
	ck_assert_int_eq(forget(&r, path_rows[_i].path), path_rows[_i].want);
	if (path_rows[_i].want < 0)
		ck_assert_ptr_nonnull(strstr(r.call.words, path_rows[_i].path));
	rig_expect(&r, "/d/f", "one");
	rig_release(&r);
}
END_TEST

START_TEST(of_the_top_everything_is_forgotten)
{
	struct rig r;

	make_known(&r);
	ck_assert_int_eq(forget(&r, "/"), 0);
	rig_expect(&r, "/d/f", "one");
	rig_expect(&r, "/e/f", "two");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 2);
	rig_expect_list(&r, "/", "d e");
	ck_assert_uint_gt(fake_calls(&r.fake, FAKE_LIST), 0);
	rig_release(&r);
}
END_TEST

START_TEST(an_absent_name_is_looked_for)
{
	struct stat st;
	struct rig r;

	make_known(&r);
	ck_assert_int_eq(rig_stat(&r, "/d/new", &st), -ENOENT);
	fake_set_text(&r.fake, "/d/new", "new");
	ck_assert_int_eq(rig_stat(&r, "/d/new", &st), -ENOENT);
	ck_assert_int_eq(forget(&r, "/d/new"), 0);
	rig_expect(&r, "/d/new", "new");
	fake_mkdir(&r.fake, "/x");
	fake_set_text(&r.fake, "/x/y", "deep");
	ck_assert_int_eq(forget(&r, "/x/y"), 0);
	rig_expect(&r, "/x/y", "deep");
	fake_fail(&r.fake, FAKE_LOOKUP, 1, 9, -ETIMEDOUT);
	fake_fail(&r.fake, FAKE_LIST, 1, 9, -ETIMEDOUT);
	ck_assert_int_eq(forget_path(r.v, &r.call, "/z"), -ETIMEDOUT);
	fake_fail(&r.fake, FAKE_LOOKUP, 0, 0, 0);
	fake_fail(&r.fake, FAKE_LIST, 0, 0, 0);
	rig_release(&r);
}
END_TEST

START_TEST(what_is_not_sent_stays)
{
	struct rig_file f;
	struct rig r;

	make_known(&r);
	ck_assert_int_eq(rig_open(&r, "/d/f", O_RDWR, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "mine", 0), 0);
	ck_assert_int_eq(forget(&r, "/"), 0);
	rig_expect_file(&f, "mine");
	rig_expect(&r, "/d/f", "mine");
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/d/f", "mine");
	/* A new file, of which the service knows nothing. */
	ck_assert_int_eq(rig_open(&r, "/d/g", O_RDWR | O_CREAT, &f), 0);
	ck_assert_int_eq(rig_write_text(&f, "new", 0), 0);
	ck_assert_int_eq(forget(&r, "/d/g"), 0);
	ck_assert_int_eq(forget(&r, "/d"), 0);
	rig_expect_list(&r, "/d", "f g");
	rig_expect(&r, "/d/g", "new");
	ck_assert_int_eq(rig_close(&f), 0);
	fake_expect_text(&r.fake, "/d/g", "new");
	rig_release(&r);
}
END_TEST

START_TEST(what_was_sent_is_read_from_the_service)
{
	struct rig r;

	make_known(&r);
	ck_assert_int_eq(rig_save(&r, "/d/f", "mine"), 0);
	fake_forget_calls(&r.fake);
	rig_expect(&r, "/d/f", "mine");
	expect_calls(&r, 0, 0, 0);
	ck_assert_int_eq(forget(&r, "/d/f"), 0);
	rig_expect(&r, "/d/f", "mine");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 1);
	rig_release(&r);
}
END_TEST

START_TEST(who_has_it_open_reads_on)
{
	struct rig_file f;
	struct rig r;

	make_known(&r);
	ck_assert_int_eq(rig_open(&r, "/d/f", O_RDONLY, &f), 0);
	rig_expect_file(&f, "one");
	ck_assert_int_eq(forget(&r, "/d"), 0);
	rig_expect_file(&f, "one");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 1);
	ck_assert_int_eq(rig_close(&f), 0);
	rig_release(&r);
}
END_TEST

START_TEST(more_marks_than_are_kept_forget_more)
{
	struct rig r;
	char path[32];

	make_known(&r);
	for (unsigned i = 0; i < FORGOTTEN_MAX + 3; i++) {
		snprintf(path, sizeof(path), "/d/%u", i);
		fake_set_text(&r.fake, path, "x");
	}
	for (unsigned i = 0; i < FORGOTTEN_MAX + 3; i++) {
		snprintf(path, sizeof(path), "/d/%u", i);
		ck_assert_int_eq(forget(&r, path), 0);
		rig_expect(&r, path, "x");
		ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 1);
		rig_expect(&r, path, "x");
		ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 1);
	}
	rig_release(&r);
}
END_TEST

/* --- on disk -------------------------------------------------------------------- */

static void
mount_with(struct rig *r, struct disk_tier *t)
{
	rig_build(r);
	block_cache_use_disk(r->config.blocks, t);
	ck_assert_int_eq(vfs_start(r->v), 0);
	fake_forget_calls(&r->fake);
}

static void
await_blocks(struct disk_tier *t, uint64_t n)
{
	int64_t until = clock_mono_ms() + 60000;
	struct disk_usage u;

	do {
		disk_tier_usage(t, &u);
		ck_assert_int_lt(clock_mono_ms(), until);
	} while (u.blocks != n);
}

START_TEST(what_an_earlier_mount_left_on_disk_is_forgotten_too)
{
	struct disk_config config = { .budget = 1 << 20, .scope = "test" };
	struct disk_tier *t;
	struct temp_dir temp;
	struct rig r;

	temp_dir_make(&temp);
	config.dir = temp.path;
	ck_assert_int_eq(disk_tier_new(&config, &t), 0);
	rig_init(&r);
	fake_mkdir(&r.fake, "/d");
	fake_mkdir(&r.fake, "/e");
	fake_set_text(&r.fake, "/d/f", "one");
	fake_set_text(&r.fake, "/e/f", "two");
	mount_with(&r, t);
	rig_expect(&r, "/d/f", "one");
	rig_expect(&r, "/e/f", "two");
	await_blocks(t, 2);
	ck_assert_uint_eq(rig_unmount(&r, 1000), 0);

	mount_with(&r, t);
	/* Of d/f nothing is known here. */
	ck_assert_int_eq(forget(&r, "/d"), 0);
	rig_expect(&r, "/e/f", "two");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 0);
	rig_expect(&r, "/d/f", "one");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 1);
	await_blocks(t, 2);
	block_cache_drop_all(r.config.blocks);
	await_blocks(t, 0);
	rig_expect(&r, "/d/f", "one");
	await_blocks(t, 1);
	ck_assert_uint_eq(rig_unmount(&r, 1000), 0);

	mount_with(&r, t);
	rig_expect(&r, "/d/f", "one");
	ck_assert_uint_eq(fake_calls(&r.fake, FAKE_READ), 0);
	rig_release(&r);
	disk_tier_free(t);
	temp_dir_remove(&temp);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_file_is_looked_at_and_read_anew),
	UNIT(a_change_by_others_is_seen_at_once),
	UNIT(of_a_directory_all_is_forgotten_and_nothing_beside_it),
	UNIT_ROWS(a_path_is_below_the_mount_point, path_rows),
	UNIT(of_the_top_everything_is_forgotten),
	UNIT(an_absent_name_is_looked_for),
	UNIT(what_is_not_sent_stays),
	UNIT(what_was_sent_is_read_from_the_service),
	UNIT(who_has_it_open_reads_on),
	UNIT(more_marks_than_are_kept_forget_more),
	UNIT(what_an_earlier_mount_left_on_disk_is_forgotten_too),
};

UNIT_MAIN("forget", tests)
