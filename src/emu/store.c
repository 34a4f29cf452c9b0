/* emu/store.c - one file tree on disk: opening it, and new names in it. */
#include "config.h"

#include "emu/store.h"

#include <dirent.h>
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
    const struct store_owner *owner, struct store **out)
{
	struct store *s;
	int ret;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->place = place;
	s->timeline = timeline;
	s->owner = owner;
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
    const struct stat *st, const char *sha256, const char *request,
    const char *note)
{
	struct history_change change = {
		.op = op,
		.path = path,
		.sha256 = sha256,
		.request = request,
		.note = s->owner != NULL ? note : NULL,
		.time_ms = timeline_now_ms(s->timeline),
	};

	if (st != NULL) {
		change.is_dir = S_ISDIR(st->st_mode);
		change.stamp = store_stamp(st);
	}
	return history_note(s->history, &change);
}

int
store_annotation_locked(struct store *s, const char *path,
    const struct stat *st, struct buf *out)
{
	struct history_stamp stamp = store_stamp(st);
	bool is_dir = S_ISDIR(st->st_mode);
	const char *old;

	buf_clear(out);
	if (s->owner == NULL)
		return 0;
	old = history_note_of(s->history, path, is_dir, &stamp);
	return old != NULL ? buf_puts(out, old)
			   : s->owner->fresh(s->owner->ctx, path, is_dir, out);
}

int
store_found_locked(struct store *s, const char *path, const struct stat *st)
{
	struct history_stamp stamp = store_stamp(st);
	bool is_dir = S_ISDIR(st->st_mode);
	char sha256[DIGEST_SHA256_HEX];
	struct buf note;
	int ret = 0;

	if (history_current(s->history, path, is_dir, &stamp))
		return 0;
	buf_init(&note, BUF_LIMIT_TEXT);
	if (!is_dir)
		ret = store_hash_locked(s, path, st, sha256);
	if (ret == 0)
		ret = store_annotation_locked(s, path, st, &note);
	if (ret == 0)
		ret = store_note_locked(s, HISTORY_FOUND, path, st,
		    is_dir ? NULL : sha256, NULL, buf_text(&note));
	buf_release(&note);
	return ret;
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
		ret = store_note_locked(
		    s, HISTORY_LOST, path, NULL, NULL, NULL, NULL);
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

static int
count_names(int dir_fd, uint64_t *names)
{
	struct dirent *de;
	DIR *dir;
	int fd;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return -errno;
	}
	*names = 0;
	while ((de = readdir(dir)) != NULL)
		*names += strcmp(de->d_name, ".") != 0 &&
			  strcmp(de->d_name, "..") != 0;
	(void)closedir(dir);
	return 0;
}

int
store_room_locked(struct store *s, int dir_fd)
{
	uint64_t max = s->owner != NULL ? s->owner->names_max(s->owner->ctx) : 0;
	struct stat st;
	int ret;

	if (max == 0)
		return 0;
	if (fstat(dir_fd, &st) < 0)
		return -errno;
	if (st.st_ino != s->counted.ino ||
	    st.st_mtim.tv_sec != s->counted.mtime.tv_sec ||
	    st.st_mtim.tv_nsec != s->counted.mtime.tv_nsec) {
		ret = count_names(dir_fd, &s->counted.names);
		if (ret < 0)
			return ret;
		s->counted.ino = st.st_ino;
		s->counted.mtime = st.st_mtim;
	}
	return s->counted.names < max ? 0 : -EMLINK;
}

void
store_added_locked(struct store *s, int dir_fd)
{
	struct stat st;

	if (fstat(dir_fd, &st) < 0 || st.st_ino != s->counted.ino)
		return;
	s->counted.mtime = st.st_mtim;
	s->counted.names++;
}

/* Records that the directory path is about to be made. */
static int
note_dir_locked(struct store *s, const char *path, const char *request)
    REQUIRES(s->lock)
{
	struct stat st = { .st_mode = S_IFDIR };
	struct buf note;
	int ret = 0;

	buf_init(&note, BUF_LIMIT_TEXT);
	if (s->owner != NULL)
		ret = s->owner->fresh(s->owner->ctx, path, true, &note);
	if (ret == 0)
		ret = store_note_locked(s, HISTORY_MKDIR, path, &st, NULL,
		    request, buf_text(&note));
	buf_release(&note);
	return ret == 0 ? history_commit(s->history) : ret;
}

/* Makes one directory in dir_fd; path is its full name, for the history. */
static int
make_dir_locked(struct store *s, int dir_fd, const char *path,
    const char *request) REQUIRES(s->lock)
{
	const char *last = dbpath_last(path);
	char name[WALK_NAME_BYTES];
	int ret, fd;

	ret = walk_remember(&s->tree, last, strlen(last));
	if (ret == 0)
		ret = store_room_locked(s, dir_fd);
	if (ret == 0)
		ret = note_dir_locked(s, path, request);
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
	store_added_locked(s, dir_fd);
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
store_parent_locked(struct store *s, const char *path, bool make,
    const char *request, char name[WALK_NAME_BYTES])
{
	const char *last = dbpath_last(path);
	char *dir;
	int fd, ret;

	dir = strndup(path, (size_t)(last - path > 1 ? last - path - 1 : 1));
	if (dir == NULL)
		return -ENOMEM;
	fd = make ? make_dirs_locked(s, dir, request)
		  : walk_dir(&s->tree, dir);
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

/* Who puts a file, and how. */
struct arrival {
	struct store_placing by; /* decide NULL: makes parents */
	bool overwrite;          /* without decide */
};

/* May a file be put at path, and with which note?  1 when it is a new name. */
static int
check_target_locked(struct store *s, const char *path, const struct arrival *a,
    struct buf *note) REQUIRES(s->lock)
{
	struct store_node old;
	struct stat st;
	int ret, seen;

	seen = store_lstat_locked(s, path, &st);
	if (seen < 0 && seen != -ENOENT)
		return seen;
	if (seen == 0 && a->by.decide == NULL && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (seen == 0 && a->by.decide == NULL && !a->overwrite)
		return -EEXIST;
	ret = seen == 0 ? store_observe_locked(s, path) : 0;
	if (ret == 0 && seen == 0)
		old = store_node_locked(s, path, &st);
	if (ret == 0 && a->by.decide != NULL)
		ret = a->by.decide(a->by.ctx, seen == 0 ? &old : NULL, note);
	else if (ret == 0 && seen == 0)
		ret = store_annotation_locked(s, path, &st, note);
	else if (ret == 0 && s->owner != NULL)
		ret = s->owner->fresh(s->owner->ctx, path, false, note);
	return ret < 0 ? ret : seen < 0;
}

/* The step that makes a file visible: history, then rename. */
static int
place_file_locked(struct store *s, const char *path, struct spool *spool,
    const char *sha256, const struct arrival *a, bool is_new, const char *note)
    REQUIRES(s->lock)
{
	struct timespec times[2] = { timeline_now(s->timeline),
		timeline_now(s->timeline) };
	char name[WALK_NAME_BYTES];
	struct stat st;
	int dir, ret = 0;

	if (a->by.mtime_ms >= 0)
		times[1] = (struct timespec){
			.tv_sec = (time_t)(a->by.mtime_ms / 1000),
			.tv_nsec = (long)(a->by.mtime_ms % 1000) * 1000000,
		};
	dir = store_parent_locked(s, path, a->by.decide == NULL, a->by.request, name);
	if (dir < 0)
		return dir;
	if (is_new)
		ret = store_room_locked(s, dir);
	if (ret == 0 && (futimens(spool_fd(spool), times) < 0 ||
			    fstat(spool_fd(spool), &st) < 0))
		ret = -errno;
	if (ret == 0)
		ret = store_note_locked(
		    s, a->by.op, path, &st, sha256, a->by.request, note);
	if (ret == 0)
		ret = history_commit(s->history);
	if (ret == 0) {
		ret = spool_move(spool, dir, name);
		if (ret < 0)
			(void)store_observe_locked(s, path);
		else
			store_touch(s, dir);
		if (ret == 0 && is_new)
			store_added_locked(s, dir);
	}
	(void)close(dir);
	return ret;
}

static int
commit(struct store *s, const char *path, struct spool *spool,
    const struct arrival *a)
{
	char sha256[DIGEST_SHA256_HEX];
	struct buf note;
	int ret;

	if (strcmp(path, "/") == 0)
		return -EISDIR;
	ret = spool_seal(spool, sha256);
	if (ret < 0)
		return ret;
	buf_init(&note, BUF_LIMIT_TEXT);
	lock_take(&s->lock);
	ret = check_target_locked(s, path, a, &note);
	if (ret >= 0)
		ret = place_file_locked(
		    s, path, spool, sha256, a, ret > 0, buf_text(&note));
	lock_drop(&s->lock);
	buf_release(&note);
	return ret;
}

int
store_place(struct store *s, const char *path, struct spool *spool,
    const struct store_placing *how)
{
	const struct arrival a = { *how, true };

	return commit(s, path, spool, &a);
}

int
store_annotate(struct store *s, const char *path, store_decide_fn *decide,
    void *ctx, const char *request)
{
	char sha256[DIGEST_SHA256_HEX];
	struct store_node old;
	struct stat st;
	struct buf note;
	int ret;

	buf_init(&note, BUF_LIMIT_TEXT);
	lock_take(&s->lock);
	ret = store_lstat_locked(s, path, &st);
	if (ret == 0)
		ret = store_observe_locked(s, path);
	if (ret == 0 && !S_ISDIR(st.st_mode))
		ret = store_hash_locked(s, path, &st, sha256);
	if (ret == 0) {
		old = store_node_locked(s, path, &st);
		ret = decide(ctx, &old, &note);
	}
	if (ret == 0)
		ret = store_note_locked(s, HISTORY_NOTE, path, &st,
		    S_ISDIR(st.st_mode) ? NULL : sha256, request,
		    buf_text(&note));
	if (ret == 0)
		ret = history_commit(s->history);
	lock_drop(&s->lock);
	buf_release(&note);
	return ret == -ENOTDIR ? -ENOENT : ret;
}

int
store_commit(struct store *s, const char *path, struct spool *spool,
    bool overwrite, enum history_op op, const char *request)
{
	const struct arrival a = { { op, request, -1, NULL, NULL }, overwrite };

	return commit(s, path, spool, &a);
}

int
store_put_at(struct store *s, const char *path, const void *data, size_t len,
    enum history_op op, const char *request, int64_t mtime_ms)
{
	const struct arrival a = { { op, request, mtime_ms, NULL, NULL }, true };
	struct spool *spool;
	int ret;

	ret = spool_new(s->place->tmp_fd, &spool);
	if (ret < 0)
		return ret;
	ret = spool_write(spool, data, len);
	if (ret == 0)
		ret = commit(s, path, spool, &a);
	spool_free(spool);
	return ret;
}

int
store_put(struct store *s, const char *path, const void *data, size_t len,
    enum history_op op, const char *request)
{
	return store_put_at(s, path, data, len, op, request, -1);
}
