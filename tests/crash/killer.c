/* tests/crash/killer.c: a library for LD_PRELOAD that kills its program at a chosen
 * call on a chosen file.
 *
 *   CRASH_PATH  calls count whose file's path contains this text
 *   CRASH_AT    the number of the call that is the last, from 1
 *   CRASH_WHEN  before: it is not done; after: it is; torn: half of a write is
 *
 * Those calls are write, pwrite, fdatasync, fsync, ftruncate, and rename and unlink of
 * such a path.  Nothing is flushed, nobody is told: SIGKILL. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum when { BEFORE, AFTER, TORN };

static _Atomic long seen;

static long
number_of_the_last(void)
{
	const char *text = getenv("CRASH_AT");

	return text != NULL ? atol(text) : 0;
}

static enum when
when(void)
{
	const char *text = getenv("CRASH_WHEN");

	if (text != NULL && strcmp(text, "after") == 0)
		return AFTER;
	return text != NULL && strcmp(text, "torn") == 0 ? TORN : BEFORE;
}

static void
die(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

/* Is this the call? */
static int
is_last(const char *path)
{
	const char *part = getenv("CRASH_PATH");
	long last = number_of_the_last();

	return part != NULL && last > 0 && strstr(path, part) != NULL &&
	    atomic_fetch_add(&seen, 1) + 1 == last;
}

static int
is_last_of_file(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	return is_last(path);
}

/* The function that this one stands before. */
#define NEXT(name) ((__typeof__(&(name)))next(#name))

static void *
next(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (f == NULL)
		abort();
	return f;
}

ssize_t
write(int fd, const void *src, size_t len)
{
	int last = is_last_of_file(fd);
	ssize_t n;

	if (last && when() == BEFORE)
		die();
	n = NEXT(write)(fd, src, last && when() == TORN ? len / 2 : len);
	if (last)
		die();
	return n;
}

ssize_t
pwrite(int fd, const void *src, size_t len, off_t off)
{
	int last = is_last_of_file(fd);
	ssize_t n;

	if (last && when() == BEFORE)
		die();
	n = NEXT(pwrite)(fd, src, last && when() == TORN ? len / 2 : len, off);
	if (last)
		die();
	return n;
}

ssize_t pwrite64(int fd, const void *src, size_t len, off_t off);

ssize_t
pwrite64(int fd, const void *src, size_t len, off_t off)
{
	return pwrite(fd, src, len, off);
}

#define AROUND(last, ret, call) \
	do { \
		if ((last) && when() != AFTER) \
			die(); \
		(ret) = (call); \
		if (last) \
			die(); \
	} while (0)

int
fdatasync(int fd)
{
	int last = is_last_of_file(fd), ret;

	AROUND(last, ret, NEXT(fdatasync)(fd));
	return ret;
}

int
fsync(int fd)
{
	int last = is_last_of_file(fd), ret;

	AROUND(last, ret, NEXT(fsync)(fd));
	return ret;
}

int
ftruncate(int fd, off_t size)
{
	int last = is_last_of_file(fd), ret;

	AROUND(last, ret, NEXT(ftruncate)(fd, size));
	return ret;
}

int ftruncate64(int fd, off_t size);

int
ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

int
rename(const char *from, const char *to)
{
	int last = is_last(to), ret;

	AROUND(last, ret, NEXT(rename)(from, to));
	return ret;
}

int
unlink(const char *path)
{
	int last = is_last(path), ret;

	AROUND(last, ret, NEXT(unlink)(path));
	return ret;
}
