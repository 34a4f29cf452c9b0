/* emu/store.c - one file tree on disk: opening it, and new names in it. */
#include "config.h"

#include "emu/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "emu/dbpath.h"
#include "emu/store_impl.h"

#include "base/banned.h"

int
store_open(struct place *place, struct timeline *timeline, const char *name,
    struct store **out)
{
	struct store *s;
	int ret;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->place = place;
	s->timeline = timeline;
	s->tree.names_fd = place->names_fd;
	lock_init(&s->lock, "store");
	s->tree.fd = place_tree(place, name);
	ret = s->tree.fd < 0 ? s->tree.fd : 0;
	if (ret == 0)
		ret = history_open(place->state_fd, name, &s->history);
	if (ret < 0) {
		store_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	history_close(s->history);
	if (s->tree.fd >= 0)
		(void)close(s->tree.fd);
	lock_release(&s->lock);
	free(s);
}

int
store_spools(struct store *s)
{
	return s->place->tmp_fd;
}

int
store_lstat_locked(struct store *s, const char *path, struct stat *out)
{
	char name[WALK_NAME_BYTES];
	struct stat st;
	int dir, ret = 0;

	if (strcmp(path, "/") == 0)
		return fstat(s->tree.fd, out) < 0 ? -errno : 0;
	dir = walk_parent(&s->tree, path, name);
	if (dir < 0)
		return dir;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		ret = -errno;
	else if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		ret = -ENOENT;
	(void)close(dir);
	if (ret == 0)
		*out = st;
	return ret;
}

struct history_stamp
store_stamp(const struct stat *st)
{
	return (struct history_stamp){
		.ino = st->st_ino,
		.size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
			    st->st_mtim.tv_nsec,
	};
}

int
store_hash_locked(struct store *s, const char *path, const struct stat *st,
    char sha256[DIGEST_SHA256_HEX])
{
	struct history_stamp stamp = store_stamp(st);
	char name[WALK_NAME_BYTES];
	int dir, fd, ret;

	if (history_hash(s->history, &stamp, sha256))
		return 0;
	dir = walk_parent(&s->tree, path, name);
	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ret = fd < 0 ? -errno : digest_sha256_file(fd, sha256);
	if (fd >= 0)
		(void)close(fd);
	(void)close(dir);
	if (ret == 0)
		history_learn(s->history, &stamp, sha256);
	return ret;
}

int
store_note_locked(struct store *s, enum history_op op, const char *path,
    const struct stat *st, const char *sha256, const char *request)
{
	struct history_change change = {
		.op = op,
		.path = path,
		.sha256 = sha256,
		.request = request,
		.time_ms = timeline_now_ms(s->timeline),
	};

	if (st != NULL) {
		change.is_dir = S_ISDIR(st->st_mode);
		change.stamp = store_stamp(st);
	}
	return history_note(s->history, &change);
}

int
store_found_locked(struct store *s, const char *path, const struct stat *st)
{
	struct history_stamp stamp = store_stamp(st);
	bool is_dir = S_ISDIR(st->st_mode);
	char sha256[DIGEST_SHA256_HEX];
	int ret = 0;

	if (history_current(s->history, path, is_dir, &stamp))
		return 0;
	if (!is_dir)
		ret = store_hash_locked(s, path, st, sha256);
	return ret < 0 ? ret
		       : store_note_locked(s, HISTORY_FOUND, path, st,
			     is_dir ? NULL : sha256, NULL);
}

int
store_observe_locked(struct store *s, const char *path)
{
	struct stat st;
	int ret;

	ret = store_lstat_locked(s, path, &st);
	if (ret == -ENOENT || ret == -ENOTDIR) {
		if (history_current(s->history, path, false, NULL))
			return 0;
		ret =
		    store_note_locked(s, HISTORY_LOST, path, NULL, NULL, NULL);
		return ret < 0 ? ret : history_commit(s->history);
	}
	if (ret == 0)
		ret = store_found_locked(s, path, &st);
	return ret < 0 ? ret : history_commit(s->history);
}

void
store_touch(struct store *s, int dir_fd)
{
	struct timespec now[2] = { timeline_now(s->timeline),
		timeline_now(s->timeline) };

	/* A time that cannot be set is only less true. */
	(void)futimens(dir_fd, now);
}

/* Makes one directory in dir_fd; path is its full name, for the history. */
static int
make_dir_locked(struct store *s, int dir_fd, const char *path,
    const char *request) REQUIRES(s->lock)
{
	const char *last = dbpath_last(path);
	struct stat st = { .st_mode = S_IFDIR };
	char name[WALK_NAME_BYTES];
	int ret, fd;

	ret = walk_remember(&s->tree, last, strlen(last));
	if (ret < 0)
		return ret;
	ret = store_note_locked(s, HISTORY_MKDIR, path, &st, NULL, request);
	if (ret == 0)
		ret = history_commit(s->history);
	if (ret < 0)
		return ret;
	walk_encode(last, strlen(last), name);
	if (mkdirat(dir_fd, name, 0700) < 0)
		ret = errno == EEXIST ? -ENOTDIR : -errno;
	if (ret < 0) {
		(void)store_observe_locked(s, path);
		return ret;
	}
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	store_touch(s, fd);
	store_touch(s, dir_fd);
	return fd;
}

/* Opens the directory path, making what is missing of it. */
static int
make_dirs_locked(struct store *s, const char *path, const char *request)
    REQUIRES(s->lock)
{
	char *part;
	int fd, up;

	fd = walk_dir(&s->tree, path);
	if (fd != -ENOENT)
		return fd;
	part = strndup(path,
	    (size_t)(dbpath_last(path) - path > 1 ? dbpath_last(path) - path - 1
						  : 1));
	if (part == NULL)
		return -ENOMEM;
	/* As deep as the path, which DBPATH_DEPTH_MAX bounds. */
	up = make_dirs_locked(s, part, request);
	free(part);
	if (up < 0)
		return up;
	fd = make_dir_locked(s, up, path, request);
	(void)close(up);
	return fd;
}

int
store_parent_locked(struct store *s, const char *path, const char *request,
    char name[WALK_NAME_BYTES])
{
	const char *last = dbpath_last(path);
	char *dir;
	int fd, ret;

	dir = strndup(path, (size_t)(last - path > 1 ? last - path - 1 : 1));
	if (dir == NULL)
		return -ENOMEM;
	fd = make_dirs_locked(s, dir, request);
	free(dir);
	if (fd < 0)
		return fd;
	ret = walk_remember(&s->tree, last, strlen(last));
	if (ret < 0) {
		(void)close(fd);
		return ret;
	}
	walk_encode(last, strlen(last), name);
	return fd;
}

int
store_mkdirs(struct store *s, const char *path, const char *request)
{
	struct stat st;
	int fd;

	lock_take(&s->lock);
	fd = make_dirs_locked(s, path, request);
	if (fd == -ENOTDIR && store_lstat_locked(s, path, &st) == 0)
		fd = -EEXIST;
	lock_drop(&s->lock);
	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

/* May a file be put at path? */
static int
check_target_locked(struct store *s, const char *path, bool overwrite)
    REQUIRES(s->lock)
{
	struct stat st;
	int ret;

	ret = store_lstat_locked(s, path, &st);
	if (ret == -ENOENT)
		return 0;
	if (ret < 0)
		return ret;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return overwrite ? store_observe_locked(s, path) : -EEXIST;
}

/* Who puts a file, and its time; < 0: now. */
struct arrival {
	enum history_op op;
	const char *request;
	int64_t mtime_ms;
};

/* The step that makes a file visible: history, then rename. */
static int
place_file_locked(struct store *s, const char *path, struct spool *spool,
    const char *sha256, const struct arrival *a) REQUIRES(s->lock)
{
	struct timespec times[2] = { timeline_now(s->timeline),
		timeline_now(s->timeline) };
	char name[WALK_NAME_BYTES];
	struct stat st;
	int dir, ret = 0;

	if (a->mtime_ms >= 0)
		times[1] = (struct timespec){
			.tv_sec = (time_t)(a->mtime_ms / 1000),
			.tv_nsec = (long)(a->mtime_ms % 1000) * 1000000,
		};
	dir = store_parent_locked(s, path, a->request, name);
	if (dir < 0)
		return dir;
	if (futimens(spool_fd(spool), times) < 0 ||
	    fstat(spool_fd(spool), &st) < 0)
		ret = -errno;
	if (ret == 0)
		ret = store_note_locked(
		    s, a->op, path, &st, sha256, a->request);
	if (ret == 0)
		ret = history_commit(s->history);
	if (ret == 0) {
		ret = spool_move(spool, dir, name);
		if (ret < 0)
			(void)store_observe_locked(s, path);
		else
			store_touch(s, dir);
	}
	(void)close(dir);
	return ret;
}

static int
commit(struct store *s, const char *path, struct spool *spool, bool overwrite,
    const struct arrival *a)
{
	char sha256[DIGEST_SHA256_HEX];
	int ret;

	if (strcmp(path, "/") == 0)
		return -EISDIR;
	ret = spool_seal(spool, sha256);
	if (ret < 0)
		return ret;
	lock_take(&s->lock);
	ret = check_target_locked(s, path, overwrite);
	if (ret == 0)
		ret = place_file_locked(s, path, spool, sha256, a);
	lock_drop(&s->lock);
	return ret;
}

int
store_commit(struct store *s, const char *path, struct spool *spool,
    bool overwrite, enum history_op op, const char *request)
{
	const struct arrival a = { op, request, -1 };

	return commit(s, path, spool, overwrite, &a);
}

int
store_put_at(struct store *s, const char *path, const void *data, size_t len,
    enum history_op op, const char *request, int64_t mtime_ms)
{
	const struct arrival a = { op, request, mtime_ms };
	struct spool *spool;
	int ret;

	ret = spool_new(s->place->tmp_fd, &spool);
	if (ret < 0)
		return ret;
	ret = spool_write(spool, data, len);
	if (ret == 0)
		ret = commit(s, path, spool, true, &a);
	spool_free(spool);
	return ret;
}

int
store_put(struct store *s, const char *path, const void *data, size_t len,
    enum history_op op, const char *request)
{
	return store_put_at(s, path, data, len, op, request, -1);
}
