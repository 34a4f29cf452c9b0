/* emu/streams: write handles. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "emu/streams.h"
#include "tests/support/emu_root.h"
#include "tests/support/unit.h"

static struct emu_root root;
static struct streams *streams;

static void
begin(void)
{
	emu_root_make(&root);
	ck_assert_int_eq(
	    streams_open(root.place, &root.settings, &root.timeline, &streams),
	    0);
}

static void
restart(void)
{
	streams_close(streams);
	emu_root_restart(&root);
	ck_assert_int_eq(
	    streams_open(root.place, &root.settings, &root.timeline, &streams),
	    0);
}

static void
end(void)
{
	streams_close(streams);
	emu_root_remove(&root);
}

static int
commit(void *ctx, const char *path, bool overwrite, struct spool *spool)
{
	(void)ctx;
	return store_commit(
	    root.store, path, spool, overwrite, HISTORY_CLOSE, NULL);
}

static void
expect_content(const char *path, const char *want)
{
	struct store_node node;
	char got[64];
	ssize_t n;
	int fd;

	ck_assert_int_eq(store_read(root.store, path, &fd, &node), 0);
	n = read(fd, got, sizeof(got) - 1);
	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	(void)close(fd);
	ck_assert_str_eq(got, want);
}

START_TEST(blocks_become_the_file_at_close)
{
	struct store_node node;
	int64_t handle;

	begin();
	ck_assert_int_eq(streams_create(streams, "/s", false, &handle), 0);
	ck_assert_int_ge(handle, INT64_C(1000000000000000));
	ck_assert_int_lt(handle, INT64_C(9007199254740992));
	ck_assert_int_eq(streams_append(streams, handle, "ab", 2), 0);
	ck_assert_int_eq(streams_append(streams, handle, "", 0), 0);
	ck_assert_int_eq(streams_append(streams, handle, "cd", 2), 0);
	ck_assert_int_eq(store_stat(root.store, "/s", &node), -ENOENT);
	ck_assert_int_eq(streams_finish(streams, handle, commit, NULL), 0);
	expect_content("/s", "abcd");
	ck_assert_int_eq(
	    streams_finish(streams, handle, commit, NULL), -ENOENT);
	ck_assert_int_eq(streams_append(streams, handle, "x", 1), -ENOENT);
	end();
}
END_TEST

START_TEST(handles_outlive_a_restart)
{
	int64_t handle;

	begin();
	ck_assert_int_eq(streams_create(streams, "/d/s x", true, &handle), 0);
	ck_assert_int_eq(streams_append(streams, handle, "ab", 2), 0);
	restart();
	ck_assert_int_eq(streams_append(streams, handle, "cd", 2), 0);
	ck_assert_int_eq(streams_finish(streams, handle, commit, NULL), 0);
	expect_content("/d/s x", "abcd");
	restart();
	ck_assert_int_eq(streams_append(streams, handle, "x", 1), -ENOENT);
	end();
}
END_TEST

START_TEST(half_a_block_does_not_count)
{
	char name[32];
	int64_t handle;
	int fd;

	begin();
	ck_assert_int_eq(streams_create(streams, "/s", true, &handle), 0);
	ck_assert_int_eq(streams_append(streams, handle, "ab", 2), 0);
	(void)snprintf(name, sizeof(name), "%lld", (long long)handle);
	fd = openat(root.place->streams_fd, name, O_WRONLY | O_APPEND);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "HALF", 4), 4);
	(void)close(fd);
	restart();
	ck_assert_int_eq(streams_append(streams, handle, "c", 1), 0);
	ck_assert_int_eq(streams_finish(streams, handle, commit, NULL), 0);
	expect_content("/s", "abc");
	end();
}
END_TEST

START_TEST(a_restart_may_lose_them)
{
	int64_t handle;

	begin();
	ck_assert_int_eq(streams_create(streams, "/s", true, &handle), 0);
	ck_assert_int_eq(settings_set(&root.settings, "handles", "lose"), 0);
	restart();
	ck_assert_int_eq(streams_append(streams, handle, "x", 1), -ENOENT);
	end();
}
END_TEST

START_TEST(idle_ones_expire_by_the_emulators_clock)
{
	int64_t handle;

	begin();
	ck_assert_int_eq(streams_create(streams, "/s", true, &handle), 0);
	ck_assert_int_eq(timeline_set_offset(&root.timeline, 590000), 0);
	ck_assert_int_eq(streams_append(streams, handle, "x", 1), 0);
	ck_assert_int_eq(timeline_set_offset(&root.timeline, 1180000), 0);
	ck_assert_int_eq(streams_append(streams, handle, "x", 1), 0);
	ck_assert_int_eq(timeline_set_offset(&root.timeline, 1790000), 0);
	ck_assert_int_eq(streams_append(streams, handle, "x", 1), -ENOENT);
	end();
}
END_TEST

START_TEST(they_can_be_expired)
{
	int64_t one, two;
	char *path;

	begin();
	ck_assert_int_eq(streams_create(streams, "/1", true, &one), 0);
	ck_assert_int_eq(streams_create(streams, "/2", true, &two), 0);
	path = streams_path(streams, two);
	ck_assert_str_eq(path, "/2");
	free(path);
	streams_expire(streams, one);
	ck_assert_int_eq(streams_append(streams, one, "x", 1), -ENOENT);
	ck_assert_int_eq(streams_append(streams, two, "x", 1), 0);
	streams_expire(streams, 0);
	ck_assert_int_eq(streams_append(streams, two, "x", 1), -ENOENT);
	end();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(blocks_become_the_file_at_close),
	UNIT(handles_outlive_a_restart),
	UNIT(half_a_block_does_not_count),
	UNIT(a_restart_may_lose_them),
	UNIT(idle_ones_expire_by_the_emulators_clock),
	UNIT(they_can_be_expired),
};

UNIT_MAIN("emu/streams", tests)
