/* emu/walk.c - from a canonical path to a directory on disk. */
#include "config.h"

#include "emu/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/io.h"
#include "base/text.h"

#include "base/banned.h"

#define LONG_PREFIX     "%long-"
#define TRUE_NAME_BYTES ((size_t)1 << 16)

void
walk_encode(const char *component, size_t len, char name[WALK_NAME_BYTES])
{
	char hex[DIGEST_SHA256_HEX];

	/* A short name of that form is hashed, too, so that it cannot be taken
	 * for another's. */
	if (len < WALK_NAME_BYTES && strncmp(component, LONG_PREFIX, 6) != 0) {
		memcpy(name, component, len);
		name[len] = '\0';
		return;
	}
	digest_sha256(component, len, hex);
	(void)snprintf(name, WALK_NAME_BYTES, "%s%s", LONG_PREFIX, hex);
}

int
walk_remember(const struct tree *t, const char *component, size_t len)
{
	char name[WALK_NAME_BYTES], temp[WALK_NAME_BYTES + 40], random[17];
	int fd, ret;

	walk_encode(component, len, name);
	if (!text_starts(name, LONG_PREFIX) ||
	    faccessat(t->names_fd, name, F_OK, 0) == 0)
		return 0;
	digest_random_hex(random, 8);
	(void)snprintf(temp, sizeof(temp), "%s.%s", name, random);
	fd = openat(
	    t->names_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = io_write(fd, component, len);
	(void)close(fd);
	if (ret == 0 && renameat(t->names_fd, temp, t->names_fd, name) < 0)
		ret = -errno;
	return ret;
}

char *
walk_decode(const struct tree *t, const char *name)
{
	ssize_t n = -1;
	char *text;
	int fd;

	if (!text_starts(name, LONG_PREFIX))
		return text_is_utf8(name, strlen(name)) ? text_dup(name) : NULL;
	fd = openat(t->names_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text = malloc(TRUE_NAME_BYTES + 1);
	if (text != NULL)
		n = io_pread(fd, text, TRUE_NAME_BYTES, 0);
	(void)close(fd);
	if (n <= 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

static int
step(int at, const char *component, size_t len)
{
	char name[WALK_NAME_BYTES];
	int fd;

	walk_encode(component, len, name);
	fd = openat(at, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == ELOOP ? -ENOTDIR : -errno;
}

/* Opens the directory named by the first len bytes of path. */
static int
walk_part(const struct tree *t, const char *path, size_t len)
{
	const char *p = path, *end = path + len;
	int fd, next;

	/* A duplicate would share the position of readdir. */
	fd = openat(t->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (p < end) {
		size_t n;

		p++; /* the slash */
		n = strcspn(p, "/");
		if (n == 0)
			break; /* the root itself */
		next = step(fd, p, n);
		(void)close(fd);
		if (next < 0)
			return next;
		fd = next;
		p += n;
	}
	return fd;
}

int
walk_dir(const struct tree *t, const char *path)
{
	return walk_part(t, path, strlen(path));
}

int
walk_parent(const struct tree *t, const char *path, char name[WALK_NAME_BYTES])
{
	const char *last = strrchr(path, '/');
	int fd;

	fd = walk_part(t, path, (size_t)(last - path));
	if (fd >= 0)
		walk_encode(last + 1, strlen(last + 1), name);
	return fd;
}
