/* tests/crash/killer.c: a library for LD_PRELOAD that kills its program at a chosen
 * call on a chosen file.
 *
 *   CRASH_PATH  calls count whose file's path contains this text
 *   CRASH_AT    the number of the call that is the last, from 1
 *   CRASH_WHEN  before: it is not done; after: it is; torn: half of a write is
 *   CRASH_LOSE  as at a power cut, files whose path contains this text lose then what
 *               was written since their last sync (their sizes stay, with zeros where
 *               nothing was before), and names that were made since the last sync of
 *               their directory
 *   CRASH_BOOT  a file to be read in place of the kernel's boot_id
 *
 * Those calls are write, pwrite, fdatasync, fsync, ftruncate, and rename and unlink of
 * such a path.  Nothing is flushed, nobody is told: SIGKILL. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* --- what a power cut takes ------------------------------------------------------ */

/* A range that was written, or a name that was made, newest first. */
struct loss {
	struct loss *older;
	dev_t dev; /* of the file, or of the directory of the name */
	ino_t ino;
	int fd;	    /* of the file; -1: it is a name */
	char *path; /* the name */
	char *old;
	size_t len;
	off_t off;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct loss *losses; /* with mutex */

static int
may_lose(const char *path)
{
	const char *part = getenv("CRASH_LOSE");

	return part != NULL && strstr(path, part) != NULL;
}

static void
path_of(int fd, char *out, size_t cap)
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, cap - 1);
	out[n > 0 ? n : 0] = '\0';
}

static void
add_loss(struct loss one)
{
	struct loss *l = malloc(sizeof(*l));

	if (l == NULL)
		abort();
	*l = one;
	(void)pthread_mutex_lock(&mutex);
	l->older = losses;
	losses = l;
	(void)pthread_mutex_unlock(&mutex);
}

/* Before len bytes at off are written. */
static void
note_write(int fd, size_t len, off_t off)
{
	char path[4096], link[64];
	struct loss l = { 0 };
	struct stat st;

	path_of(fd, path, sizeof(path));
	if (!may_lose(path) || fstat(fd, &st) < 0)
		return;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	l.dev = st.st_dev;
	l.ino = st.st_ino;
	l.fd = open(link, O_RDWR | O_CLOEXEC);
	l.off = off;
	l.len = len;
	l.old = calloc(1, len + 1);
	if (l.fd < 0 || l.old == NULL || pread(l.fd, l.old, len, off) < 0)
		abort();
	add_loss(l);
}

/* The same at the end of a file, as what is opened to append is written. */
static void
note_append(int fd, size_t len)
{
	struct stat st;

	if (getenv("CRASH_LOSE") != NULL && fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode))
		note_write(fd, len, st.st_size);
}

static void
note_name(const char *path)
{
	char dir[4096], *slash;
	struct loss l = { .fd = -1 };
	struct stat st;

	if (!may_lose(path))
		return;
	(void)snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	if (stat(dir, &st) < 0)
		abort();
	l.dev = st.st_dev;
	l.ino = st.st_ino;
	l.path = strdup(path);
	add_loss(l);
}

/* The newest one when a sync begins: it and those before it are safe when it ends. */
static struct loss *
newest_loss(void)
{
	struct loss *l;

	(void)pthread_mutex_lock(&mutex);
	l = losses;
	(void)pthread_mutex_unlock(&mutex);
	return l;
}

static void
note_sync(int fd, const struct loss *from)
{
	struct stat st;

	if (from == NULL || fstat(fd, &st) < 0)
		return;
	(void)pthread_mutex_lock(&mutex);
	/* They stay in the list, and are about nothing. */
	for (struct loss *l = losses, *begun = NULL; l != NULL; l = l->older) {
		if (l == from)
			begun = l;
		if (begun == NULL || l->dev != st.st_dev || l->ino != st.st_ino)
			continue;
		if (l->fd >= 0)
			(void)close(l->fd);
		free(l->path);
		free(l->old);
		l->fd = -1;
		l->path = l->old = NULL;
		l->ino = 0;
	}
	(void)pthread_mutex_unlock(&mutex);
}

/* The mutex is kept: nothing is written any more. */
static void
lose(void)
{
	(void)pthread_mutex_lock(&mutex);
	for (struct loss *l = losses; l != NULL; l = l->older) {
		struct stat st;
		off_t end = l->off + (off_t)l->len;

		if (l->path != NULL)
			(void)(NEXT(unlink)(l->path) < 0);
		if (l->fd < 0 || fstat(l->fd, &st) < 0)
			continue;
		if (end > st.st_size)
			end = st.st_size;
		if (end > l->off && NEXT(pwrite)(l->fd, l->old,
		    (size_t)(end - l->off), l->off) < 0)
			abort();
	}
}

static void
die(void)
{
	lose();
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

/* --- the calls ------------------------------------------------------------------- */

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
	char path[4096];

	path_of(fd, path, sizeof(path));
	return is_last(path);
}

ssize_t
write(int fd, const void *src, size_t len)
{
	int last = is_last_of_file(fd);
	ssize_t n;

	if (last && when() == BEFORE)
		die();
	note_append(fd, len);
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
	note_write(fd, len, off);
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

static int
sync_by(int (*call)(int), int fd, const struct loss *before)
{
	int ret = call(fd);

	if (ret == 0)
		note_sync(fd, before);
	return ret;
}

int
fdatasync(int fd)
{
	int last = is_last_of_file(fd), ret;
	struct loss *before = newest_loss();

	AROUND(last, ret, sync_by(NEXT(fdatasync), fd, before));
	return ret;
}

int
fsync(int fd)
{
	int last = is_last_of_file(fd), ret;
	struct loss *before = newest_loss();

	AROUND(last, ret, sync_by(NEXT(fsync), fd, before));
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

int
link(const char *from, const char *to)
{
	int ret = NEXT(link)(from, to);

	if (ret == 0)
		note_name(to);
	return ret;
}

static const char *
place_of(const char *path)
{
	const char *boot = getenv("CRASH_BOOT");

	return boot != NULL && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 ?
	    boot : path;
}

int
open(const char *path, int flags, ...)
{
	int is_new = (flags & O_CREAT) != 0 && access(path, F_OK) < 0, fd;
	mode_t mode = 0;
	va_list args;

	if ((flags & O_CREAT) != 0) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	fd = NEXT(open)(place_of(path), flags, mode);
	if (fd >= 0 && is_new)
		note_name(path);
	return fd;
}

int open64(const char *path, int flags, ...);

int
open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if ((flags & O_CREAT) != 0) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return open(path, flags, mode);
}
