/* base/io: whole reads and writes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "tests/support/unit.h"

static char dir[] = "/tmp/brickfs-test-io.XXXXXX";

static void
make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
remove_dir(void)
{
	ck_assert_int_eq(io_remove_tree(dir), 0);
	ck_assert_int_eq(access(dir, F_OK), -1);
}

static char *
below(const char *name)
{
	return text_printf("%s/%s", dir, name);
}

START_TEST(a_file_is_replaced_whole)
{
	make_dir();

	char *path = below("file");
	struct stat st;
	struct buf b;

	buf_init(&b, 100);
	ck_assert_int_eq(io_read_file(path, &b), -ENOENT);
	ck_assert_int_eq(io_write_file(path, "old", 3, 0600), 0);
	ck_assert_int_eq(io_write_file(path, "newer", 5, 0600), 0);
	ck_assert_int_eq(io_read_file(path, &b), 0);
	ck_assert_str_eq(buf_text(&b), "newer");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	buf_release(&b);

	buf_init(&b, 4);
	ck_assert_int_eq(io_read_file(path, &b), -EFBIG);
	buf_release(&b);
	free(path);
	remove_dir();
}
END_TEST

START_TEST(pieces_go_where_they_belong)
{
	make_dir();

	char *path = below("file");
	char got[16];
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_write(fd, "0123456789", 10), 0);
	ck_assert_int_eq(io_pwrite(fd, "ab", 2, 9), 0);
	ck_assert_int_eq(io_pread(fd, got, sizeof got, 8), 3);
	ck_assert_mem_eq(got, "8ab", 3);
	ck_assert_int_eq(io_pread(fd, got, sizeof got, 11), 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(io_pwrite(fd, "x", 1, 0), -EBADF);
	free(path);
	remove_dir();
}
END_TEST

START_TEST(directories_are_made_and_removed_with_all_in_them)
{
	make_dir();

	char *path = below("a/b/c");
	char *file = below("a/b/c/file");
	char *through = below("a/b/c/file/d");
	char *link = below("a/link");

	ck_assert_int_eq(io_mkdirs(path, 0700), 0);
	ck_assert_int_eq(io_mkdirs(path, 0700), 0);
	ck_assert_int_eq(io_write_file(file, "x", 1, 0600), 0);
	ck_assert_int_eq(io_mkdirs(through, 0700), -ENOTDIR);
	ck_assert_int_eq(io_sync_dir(path), 0);
	/* A link out of the tree is removed, and not what it leads to. */
	ck_assert_int_eq(symlink("/", link), 0);
	free(path);
	free(file);
	free(through);
	free(link);
	remove_dir();
	ck_assert_int_eq(io_remove_tree(dir), 0);
	ck_assert_int_eq(access("/", F_OK), 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_file_is_replaced_whole),
	UNIT(pieces_go_where_they_belong),
	UNIT(directories_are_made_and_removed_with_all_in_them),
};

UNIT_MAIN("io", tests)
