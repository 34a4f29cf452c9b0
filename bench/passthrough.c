/* bench/passthrough.c - a mount that shows another directory, read-only, and does
 * nothing else.
 *
 * What FUSE itself costs: the yardstick for the rows in which brickfs asks no
 * server.  As in brickfs, pages stay in the kernel's cache and attributes are
 * believed for ten seconds. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"

#include "base/banned.h"

#define TIMEOUT_S 10.0

static int shown = -1; /* the directory; set once */

/* Paths begin with '/', and are looked up in the directory. */
static const char *
below(const char *path)
{
	return path[1] != '\0' ? path + 1 : ".";
}

static void *
pt_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	(void)conn;
	config->kernel_cache = 1;
	config->use_ino = 1;
	config->entry_timeout = TIMEOUT_S;
	config->attr_timeout = TIMEOUT_S;
	return NULL;
}

static int
pt_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	return fstatat(shown, below(path), st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
									: 0;
}

static int
pt_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset,
    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	int fd = openat(shown, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	(void)offset;
	(void)fi;
	(void)flags;
	if (dir == NULL)
		return -errno;
	while ((e = readdir(dir)) != NULL) {
		struct stat st;

		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    fill(buf, e->d_name, &st, 0, FUSE_FILL_DIR_PLUS) != 0)
			break;
	}
	(void)closedir(dir);
	return 0;
}

static int
pt_open(const char *path, struct fuse_file_info *fi)
{
	int fd = openat(shown, below(path), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	fi->fh = (uint64_t)fd;
	return 0;
}

static int
pt_read(const char *path, char *buf, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	ssize_t n = pread((int)fi->fh, buf, size, offset);

	(void)path;
	return n < 0 ? -errno : (int)n;
}

static int
pt_release(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	(void)close((int)fi->fh);
	return 0;
}

static const struct fuse_operations operations = {
	.init = pt_init,
	.getattr = pt_getattr,
	.readdir = pt_readdir,
	.open = pt_open,
	.read = pt_read,
	.release = pt_release,
};

int
main(int argc, char **argv)
{
	char foreground[] = "-f", option[] = "-o", read_only[] = "ro";
	char *args[] = { argv[0], foreground, option, read_only, argv[2], NULL };

	if (argc != 3) {
		(void)fputs("usage: passthrough DIRECTORY MOUNTPOINT\n", stderr);
		return 2;
	}
	shown = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (shown < 0) {
		perror(argv[1]);
		return 1;
	}
	return fuse_main((int)ARRAY_LEN(args) - 1, args, &operations, NULL);
}
