/* base/io.c - whole reads and writes. */
#include "config.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#include "base/banned.h"

/* The page cache takes what one call writes into pages as large as that, and memory that
 * was never used costs most when it comes in large pages: 1 MiB at once takes three
 * times as long as in pieces (measured in a virtual machine). */
#define IO_PIECE ((size_t)128 << 10)

int
io_write(int fd, const void *src, size_t len)
{
	const char *p = src;

	while (len > 0) {
		ssize_t n = write(fd, p, len < IO_PIECE ? len : IO_PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
io_pwrite(int fd, const void *src, size_t len, uint64_t off)
{
	const char *p = src;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len < IO_PIECE ? len : IO_PIECE,
		    (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

ssize_t
io_pread(int fd, void *dst, size_t len, uint64_t off)
{
	char *p = dst;
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, p + done, len - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int
io_read_file(const char *path, struct buf *out)
{
	int fd, ret = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		char piece[4096];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ret = -errno;
		if (n <= 0)
			break;
		ret = buf_append(out, piece, (size_t)n);
		if (ret < 0)
			break;
	}
	(void)close(fd);
	return ret;
}

static char *
parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	if (slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}

int
io_sync_dir(const char *path)
{
	int fd, ret = 0;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		ret = -errno;
	(void)close(fd);
	return ret;
}

int
io_write_file(const char *path, const void *src, size_t len, mode_t mode)
{
	char *temp = NULL, *dir = NULL;
	int fd = -1, ret;

	temp = text_printf("%s.XXXXXX", path);
	dir = parent_of(path);
	if (temp == NULL || dir == NULL) {
		ret = -ENOMEM;
		goto out;
	}
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		goto out;
	}
	ret = io_write(fd, src, len);
	if (ret == 0 && fchmod(fd, mode) < 0)
		ret = -errno;
	if (ret == 0 && fsync(fd) < 0)
		ret = -errno;
	if (ret == 0 && rename(temp, path) < 0)
		ret = -errno;
	if (ret < 0)
		(void)unlink(temp);
	else
		ret = io_sync_dir(dir);
out:
	if (fd >= 0)
		(void)close(fd);
	free(temp);
	free(dir);
	return ret;
}

int
io_mkdir(const char *path, mode_t mode)
{
	char *parent;
	int ret;

	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	parent = parent_of(path);
	ret = parent != NULL ? io_sync_dir(parent) : -ENOMEM;
	free(parent);
	return ret == -EACCES ? 0 : ret; /* -wx: nobody may look into it */
}

int
io_mkdirs(const char *path, mode_t mode)
{
	char *copy;
	int ret = 0;

	copy = strdup(path);
	if (copy == NULL)
		return -ENOMEM;
	for (char *p = copy + 1; ret == 0; p++) {
		char was = *p;
		struct stat st;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		ret = io_mkdir(copy, mode);
		if (ret == 0 && stat(copy, &st) < 0)
			ret = -errno;
		else if (ret == 0 && !S_ISDIR(st.st_mode))
			ret = -ENOTDIR;
		*p = was;
		if (was == '\0')
			break;
	}
	free(copy);
	return ret;
}

static int
remove_one(const char *path, const struct stat *st UNUSED, int kind UNUSED,
    struct FTW *ftw UNUSED)
{
	return remove(path) < 0 ? errno : 0;
}

int
io_remove_tree(const char *path)
{
	int err;

	err = nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (err < 0)
		err = errno;
	return err == ENOENT ? 0 : -err;
}
