/* emu/streams.c - write handles and their files. */
#include "config.h"

#include "emu/streams.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/table.h"
#include "base/text.h"

#include "emu/dbpath.h"

#include "base/banned.h"

#define HANDLE_MIN   INT64_C(1000000000000000) /* 16 digits */
#define HANDLE_MAX   INT64_C(9007199254740992) /* 2^53 */
#define NAME_BYTES   40
#define COUNT_DIGITS 20
#define META_BYTES   (DBPATH_BYTES_MAX * 2)

struct stream {
	int64_t handle;
	char *path;
	bool overwrite;
	bool doomed;     /* guarded by streams.lock; nobody finds it any more */
	unsigned users;  /* guarded by streams.lock */
	int64_t used_ms; /* guarded by streams.lock; time of the last call */
	UT_hash_handle hh;

	struct lock lock;    /* one block at a time */
	struct spool *spool; /* guarded by lock */
	int meta_fd;         /* guarded by lock */
};

struct streams {
	struct place *place;             /* set once */
	const struct settings *settings; /* set once */
	struct timeline *timeline;       /* set once */
	struct lock lock;
	struct stream *all; /* guarded by lock */
};

static void
meta_name(int64_t handle, char name[NAME_BYTES])
{
	(void)snprintf(name, NAME_BYTES, "%" PRId64 ".meta", handle);
}

static void
stream_free(struct streams *s, struct stream *st, bool keep)
{
	char name[NAME_BYTES];

	if (keep && st->spool != NULL) {
		spool_keep(st->spool);
	} else if (!keep) {
		meta_name(st->handle, name);
		(void)unlinkat(s->place->streams_fd, name, 0);
	}
	spool_free(st->spool);
	if (st->meta_fd >= 0)
		(void)close(st->meta_fd);
	lock_release(&st->lock);
	free(st->path);
	free(st);
}

static struct stream *
stream_new(int64_t handle, const char *path, bool overwrite)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->handle = handle;
	st->overwrite = overwrite;
	st->meta_fd = -1;
	st->path = text_dup(path);
	lock_init(&st->lock, "stream");
	return st;
}

static int
open_files(struct streams *s, struct stream *st, uint64_t size)
{
	char name[NAME_BYTES];

	meta_name(st->handle, name);
	st->meta_fd = openat(s->place->streams_fd, name,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (st->meta_fd < 0)
		return -errno;
	(void)snprintf(name, sizeof(name), "%" PRId64, st->handle);
	return spool_resume(s->place->streams_fd, name, size, &st->spool);
}

/* The count is written over itself in one piece: a kill leaves the old or the
 * new one. */
static int
write_count(struct stream *st, uint64_t size)
{
	char text[COUNT_DIGITS + 1];

	(void)snprintf(text, sizeof(text), "%0*" PRIu64, COUNT_DIGITS, size);
	return io_pwrite(st->meta_fd, text, COUNT_DIGITS, 0);
}

/* "COUNT o|n PATH" */
static int
write_meta(struct stream *st)
{
	char *text;
	int ret;

	text = text_printf(
	    "%0*d %c %s", COUNT_DIGITS, 0, st->overwrite ? 'o' : 'n', st->path);
	if (text == NULL)
		return -ENOMEM;
	ret = io_pwrite(st->meta_fd, text, strlen(text), 0);
	free(text);
	return ret;
}

/* Are the bytes that count there?  They are not when a close got as far as the
 * rename. */
static bool
has_bytes(struct streams *s, int64_t handle, uint64_t size)
{
	char name[NAME_BYTES];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%" PRId64, handle);
	return fstatat(s->place->streams_fd, name, &st, AT_SYMLINK_NOFOLLOW) ==
		   0 &&
	       (uint64_t)st.st_size >= size;
}

static void
remove_files(struct streams *s, int64_t handle)
{
	char name[NAME_BYTES];

	meta_name(handle, name);
	(void)unlinkat(s->place->streams_fd, name, 0);
	(void)snprintf(name, sizeof(name), "%" PRId64, handle);
	(void)unlinkat(s->place->streams_fd, name, 0);
}

static int
load_stream(struct streams *s, int64_t handle)
{
	char name[NAME_BYTES], text[META_BYTES];
	struct stream *st;
	uint64_t size;
	ssize_t n;
	int fd, ret;

	meta_name(handle, name);
	fd = openat(s->place->streams_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = io_pread(fd, text, sizeof(text) - 1, 0);
	(void)close(fd);
	if (n <= COUNT_DIGITS + 3)
		return -EBADMSG; /* killed while it was made */
	text[n] = '\0';
	text[COUNT_DIGITS] = '\0';
	if (text_u64(text, INT64_MAX, &size) < 0)
		return -EBADMSG;
	if (!has_bytes(s, handle, size))
		return -ENOENT; /* killed between the rename and the clean-up */
	st = stream_new(
	    handle, text + COUNT_DIGITS + 3, text[COUNT_DIGITS + 1] == 'o');
	if (st == NULL)
		return -ENOMEM;
	st->used_ms = timeline_now_ms(s->timeline);
	ret = open_files(s, st, size);
	if (ret < 0) {
		stream_free(s, st, true);
		return ret;
	}
	HASH_ADD(hh, s->all, handle, sizeof(st->handle), st);
	return 0;
}

/* Takes up what the last run left, or removes it. */
static int
load_all(struct streams *s, bool keep)
{
	DIR *dir;
	struct dirent *de;
	int fd;

	fd = openat(
	    s->place->streams_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL)
		return -errno;
	while ((de = readdir(dir)) != NULL) {
		char *dot = strchr(de->d_name, '.');
		int64_t handle;

		if (dot == de->d_name)
			continue;
		if (!keep) {
			(void)unlinkat(s->place->streams_fd, de->d_name, 0);
			continue;
		}
		if (dot == NULL)
			continue;
		*dot = '\0';
		if (text_i64(de->d_name, &handle) == 0 &&
		    load_stream(s, handle) < 0)
			remove_files(s, handle);
	}
	(void)closedir(dir);
	return 0;
}

int
streams_open(struct place *place, const struct settings *settings,
    struct timeline *timeline, struct streams **out)
{
	struct streams *s;
	int ret;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->place = place;
	s->settings = settings;
	s->timeline = timeline;
	lock_init(&s->lock, "streams");
	ret = load_all(s, settings_get(settings, SET_HANDLES) == HANDLES_KEEP);
	if (ret < 0) {
		streams_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
streams_close(struct streams *s)
{
	struct stream *st, *next;

	if (s == NULL)
		return;
	HASH_ITER(hh, s->all, st, next)
	{
		HASH_DEL(s->all, st);
		stream_free(s, st, true);
	}
	lock_release(&s->lock);
	free(s);
}

/* Takes a stream out of sight; who uses it last frees it. */
static void
doom_locked(struct streams *s, struct stream *st) REQUIRES(s->lock)
{
	HASH_DEL(s->all, st);
	st->doomed = true;
	if (st->users == 0)
		stream_free(s, st, false);
}

static void
drop_idle_locked(struct streams *s) REQUIRES(s->lock)
{
	int64_t idle_ms = settings_get(s->settings, SET_HANDLE_IDLE) * 1000;
	int64_t now_ms = timeline_now_ms(s->timeline);
	struct stream *st, *next;

	HASH_ITER(hh, s->all, st, next)
	{
		if (st->users == 0 && now_ms - st->used_ms >= idle_ms)
			doom_locked(s, st);
	}
}

/* Borrows a stream; its own lock is held until stream_put. */
static struct stream *
stream_get(struct streams *s, int64_t handle) NO_THREAD_CHECK
{
	struct stream *st;
	bool doomed;

	lock_take(&s->lock);
	drop_idle_locked(s);
	HASH_FIND(hh, s->all, &handle, sizeof(handle), st);
	if (st != NULL)
		st->users++;
	lock_drop(&s->lock);
	if (st == NULL)
		return NULL;
	lock_take(&st->lock);
	lock_take(&s->lock);
	doomed = st->doomed;
	lock_drop(&s->lock);
	if (!doomed)
		return st;
	lock_drop(&st->lock);
	lock_take(&s->lock);
	if (--st->users == 0)
		stream_free(s, st, false);
	lock_drop(&s->lock);
	return NULL;
}

static void
stream_put(struct streams *s, struct stream *st, bool finished) NO_THREAD_CHECK
{
	lock_drop(&st->lock);
	lock_take(&s->lock);
	st->used_ms = timeline_now_ms(s->timeline);
	if (finished && !st->doomed) {
		HASH_DEL(s->all, st);
		st->doomed = true;
	}
	if (--st->users == 0 && st->doomed)
		stream_free(s, st, false);
	lock_drop(&s->lock);
}

static int64_t
random_handle(void)
{
	uint64_t n;

	digest_random(&n, sizeof(n));
	return HANDLE_MIN + (int64_t)(n % (uint64_t)(HANDLE_MAX - HANDLE_MIN));
}

int
streams_create(
    struct streams *s, const char *path, bool overwrite, int64_t *handle)
{
	struct stream *st, *other;
	int ret;

	st = stream_new(random_handle(), path, overwrite);
	if (st == NULL || st->path == NULL) {
		if (st != NULL)
			stream_free(s, st, true);
		return -ENOMEM;
	}
	ret = open_files(s, st, 0);
	if (ret == 0)
		ret = write_meta(st);
	if (ret < 0) {
		stream_free(s, st, false);
		return ret;
	}
	*handle = st->handle;
	lock_take(&s->lock);
	drop_idle_locked(s);
	st->used_ms = timeline_now_ms(s->timeline);
	HASH_FIND(hh, s->all, &st->handle, sizeof(st->handle), other);
	if (other == NULL)
		HASH_ADD(hh, s->all, handle, sizeof(st->handle), st);
	lock_drop(&s->lock);
	if (other != NULL) { /* one in 2^53 */
		stream_free(s, st, true);
		return -EAGAIN;
	}
	return 0;
}

int
streams_append(struct streams *s, int64_t handle, const void *data, size_t len)
{
	struct stream *st = stream_get(s, handle);
	int ret;

	if (st == NULL)
		return -ENOENT;
	ret = spool_write(st->spool, data, len);
	if (ret == 0)
		ret = write_count(st, spool_size(st->spool));
	stream_put(s, st, false);
	return ret;
}

int
streams_finish(
    struct streams *s, int64_t handle, streams_commit_fn *commit, void *ctx)
{
	struct stream *st = stream_get(s, handle);
	int ret;

	if (st == NULL)
		return -ENOENT;
	ret = commit(ctx, st->path, st->overwrite, st->spool);
	stream_put(s, st, true);
	return ret;
}

char *
streams_path(struct streams *s, int64_t handle)
{
	struct stream *st;
	char *path = NULL;

	lock_take(&s->lock);
	HASH_FIND(hh, s->all, &handle, sizeof(handle), st);
	if (st != NULL)
		path = text_dup(st->path);
	lock_drop(&s->lock);
	return path;
}

void
streams_expire(struct streams *s, int64_t handle)
{
	struct stream *st, *next;

	lock_take(&s->lock);
	HASH_ITER(hh, s->all, st, next)
	{
		if (handle == 0 || st->handle == handle)
			doom_locked(s, st);
	}
	lock_drop(&s->lock);
}
