/* emu/store_change.c - names that leave the store or move in it, and its
 * reports. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jval.h"
#include "base/text.h"

#include "emu/dbpath.h"
#include "emu/store_impl.h"

#include "base/banned.h"

#define TRASH_NAME_BYTES 24

struct removal {
	struct store *store;
	const char *request;
	uint64_t limit; /* files; 0: all */
	uint64_t files;
};

static int
note_delete_locked(struct store *s, const char *path, const struct stat *st,
    const char *request) REQUIRES(s->lock)
{
	struct buf note;
	int ret;

	buf_init(&note, BUF_LIMIT_TEXT);
	ret = store_annotation_locked(s, path, st, &note);
	if (ret == 0)
		ret = store_note_locked(s, HISTORY_DELETE, path, st, NULL,
		    request, buf_text(&note));
	buf_release(&note);
	return ret;
}

/* Notes the removal of one thing; at the limit 1, which ends the walk. */
static int
note_removal(void *ctx, const char *path, const struct stat *st) NO_THREAD_CHECK
{
	struct removal *r = ctx;
	bool is_file = !S_ISDIR(st->st_mode);
	int ret;

	if (is_file && r->limit > 0 && r->files == r->limit)
		return 1;
	ret = store_found_locked(r->store, path, st);
	if (ret == 0)
		ret = note_delete_locked(r->store, path, st, r->request);
	if (ret == 0 && is_file)
		r->files++;
	return ret;
}

static int
unlink_locked(struct store *s, const char *path) REQUIRES(s->lock)
{
	char name[WALK_NAME_BYTES];
	int dir, ret = 0;

	dir = walk_parent(&s->tree, path, name);
	if (dir < 0)
		return dir;
	if (unlinkat(dir, name, 0) < 0)
		ret = -errno;
	else
		store_touch(s, dir);
	(void)close(dir);
	return ret;
}

static int
remove_file_locked(struct store *s, const char *path, const struct stat *st,
    const char *request) REQUIRES(s->lock)
{
	int ret;

	ret = store_observe_locked(s, path);
	if (ret == 0)
		ret = note_delete_locked(s, path, st, request);
	if (ret == 0)
		ret = history_commit(s->history);
	if (ret == 0) {
		ret = unlink_locked(s, path);
		if (ret < 0)
			(void)store_observe_locked(s, path);
	}
	return ret;
}

/* Out of the tree by one rename; the caller empties the trash unlocked. */
static int
trash_locked(struct store *s, const char *path, char trash[TRASH_NAME_BYTES])
    REQUIRES(s->lock)
{
	char name[WALK_NAME_BYTES];
	int dir, ret = 0;

	(void)snprintf(trash, TRASH_NAME_BYTES, "%" PRIu64, ++s->trash);
	dir = walk_parent(&s->tree, path, name);
	if (dir < 0)
		return dir;
	if (renameat(dir, name, s->place->trash_fd, trash) < 0)
		ret = -errno;
	else
		store_touch(s, dir);
	(void)close(dir);
	return ret;
}

/* Removes file after file, as the service does when it runs out of time. */
static int
remove_one(void *ctx, const char *path, const struct stat *st) NO_THREAD_CHECK
{
	struct removal *r = ctx;
	int ret;

	if (S_ISDIR(st->st_mode))
		return 0;
	if (r->files == r->limit)
		return 1;
	ret = remove_file_locked(r->store, path, st, r->request);
	if (ret == 0)
		r->files++;
	return ret;
}

/* The directory whole, or with a limit and more files than that, a part. */
static int
remove_dir_locked(struct store *s, const char *path, const struct stat *st,
    struct removal *r, char trash[TRASH_NAME_BYTES]) REQUIRES(s->lock)
{
	int ret;

	ret = store_below_locked(s, path, note_removal, r);
	if (ret == 1) {
		history_abandon(s->history);
		r->files = 0;
		ret = store_below_locked(s, path, remove_one, r);
		return ret == 1 ? -EAGAIN : ret;
	}
	if (ret == 0)
		ret = note_removal(r, path, st);
	if (ret < 0) {
		history_abandon(s->history);
		return ret;
	}
	ret = history_commit(s->history);
	return ret < 0 ? ret : trash_locked(s, path, trash);
}

int
store_remove(struct store *s, const char *path, bool recursive, uint64_t limit,
    const char *request, uint64_t *removed)
{
	struct removal r = { s, request, limit, 0 };
	char trash[TRASH_NAME_BYTES] = "";
	struct stat st;
	int ret;

	*removed = 0;
	if (strcmp(path, "/") == 0)
		return -EBUSY;
	lock_take(&s->lock);
	ret = store_lstat_locked(s, path, &st);
	if (ret == 0 && !S_ISDIR(st.st_mode)) {
		ret = remove_file_locked(s, path, &st, request);
		r.files = ret == 0;
	} else if (ret == 0 && !recursive && !store_empty_locked(s, path)) {
		ret = -ENOTEMPTY;
	} else if (ret == 0) {
		ret = remove_dir_locked(s, path, &st, &r, trash);
	}
	lock_drop(&s->lock);
	if (trash[0] != '\0')
		place_discard(s->place, trash);
	*removed = r.files;
	return ret == -ENOTDIR ? -ENOENT : ret;
}

struct journey {
	struct store *store;
	const char *from, *to, *request;
};

/* Notes that one thing leaves its old path and arrives at its new one. */
static int
note_move(void *ctx, const char *path, const struct stat *st) NO_THREAD_CHECK
{
	struct journey *j = ctx;
	char sha256[DIGEST_SHA256_HEX];
	bool is_dir = S_ISDIR(st->st_mode);
	struct buf note;
	char *to;
	int ret;

	buf_init(&note, BUF_LIMIT_TEXT);
	to = text_printf("%s%s", j->to, path + strlen(j->from));
	ret = to != NULL ? store_found_locked(j->store, path, st) : -ENOMEM;
	if (ret == 0)
		ret = store_annotation_locked(j->store, path, st, &note);
	if (ret == 0 && !is_dir)
		ret = store_hash_locked(j->store, path, st, sha256);
	if (ret == 0)
		ret = store_note_locked(j->store, HISTORY_MOVE_FROM, path, st,
		    NULL, j->request, buf_text(&note));
	if (ret == 0)
		ret = store_note_locked(j->store, HISTORY_MOVE_TO, to, st,
		    is_dir ? NULL : sha256, j->request, buf_text(&note));
	free(to);
	buf_release(&note);
	return ret;
}

static int
check_move_locked(struct store *s, const char *from, const char *to,
    bool parents, struct stat *st) REQUIRES(s->lock)
{
	struct stat there;
	char name[WALK_NAME_BYTES];
	int dir, ret;

	if (strcmp(from, "/") == 0)
		return -EBUSY;
	ret = store_lstat_locked(s, from, st);
	if (ret < 0)
		return ret == -ENOTDIR ? -ENOENT : ret;
	if (strcmp(to, "/") == 0 || store_lstat_locked(s, to, &there) == 0)
		return -EEXIST;
	if (dbpath_within(to, from))
		return -EINVAL;
	if (parents)
		return 0;
	dir = walk_parent(&s->tree, to, name);
	if (dir < 0)
		return -ENOTDIR;
	(void)close(dir);
	return 0;
}

static bool
is_sibling(const char *a, const char *b)
{
	size_t len = (size_t)(dbpath_last(a) - a);

	return len == (size_t)(dbpath_last(b) - b) && memcmp(a, b, len) == 0;
}

static int
move_locked(struct store *s, const struct journey *j, const struct stat *st)
    REQUIRES(s->lock)
{
	char from_name[WALK_NAME_BYTES], to_name[WALK_NAME_BYTES];
	struct journey copy = *j;
	int from, to, ret;

	to = store_parent_locked(s, j->to, true, j->request, to_name);
	if (to < 0)
		return to;
	from = walk_parent(&s->tree, j->from, from_name);
	ret = from < 0 ? from : 0;
	if (ret == 0 && !is_sibling(j->from, j->to))
		ret = store_room_locked(s, to);
	if (ret == 0)
		ret = note_move(&copy, j->from, st);
	if (ret == 0 && S_ISDIR(st->st_mode))
		ret = store_below_locked(s, j->from, note_move, &copy);
	if (ret < 0)
		history_abandon(s->history);
	else
		ret = history_commit(s->history);
	if (ret == 0 && renameat(from, from_name, to, to_name) < 0)
		ret = -errno;
	if (ret == 0) {
		store_touch(s, from);
		store_touch(s, to);
	}
	if (from >= 0)
		(void)close(from);
	(void)close(to);
	return ret;
}

int
store_move(struct store *s, const char *from, const char *to, bool parents,
    const char *request)
{
	struct journey j = { s, from, to, request };
	struct stat st;
	int ret;

	lock_take(&s->lock);
	ret = check_move_locked(s, from, to, parents, &st);
	if (ret == 0)
		ret = move_locked(s, &j, &st);
	lock_drop(&s->lock);
	return ret;
}

static int
add_size(void *ctx, const char *path, const struct stat *st)
{
	uint64_t *total = ctx;

	(void)path;
	*total += S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	return 0;
}

int
store_total(struct store *s, uint64_t *out)
{
	int ret;

	*out = 0;
	lock_take(&s->lock);
	ret = store_below_locked(s, "/", add_size, out);
	lock_drop(&s->lock);
	return ret;
}

int
store_history(struct store *s, const char *path, struct buf *out)
{
	int ret;

	lock_take(&s->lock);
	ret = store_observe_locked(s, path);
	if (ret == 0)
		ret = history_print(s->history, path, out);
	lock_drop(&s->lock);
	return ret;
}

int
store_paths(struct store *s, const char *path, struct buf *out)
{
	int ret;

	lock_take(&s->lock);
	ret = history_print_paths(s->history, path, out);
	lock_drop(&s->lock);
	return ret;
}

int
store_unknown(struct store *s, history_known_fn *known, void *ctx, size_t max,
    struct buf *out)
{
	int ret;

	lock_take(&s->lock);
	ret = history_print_unknown(s->history, known, ctx, max, out);
	lock_drop(&s->lock);
	return ret;
}

struct report {
	struct store *store;
	struct buf *out;
	bool any;
};

static int
report_one(void *ctx, const char *path, const struct stat *st) NO_THREAD_CHECK
{
	struct report *r = ctx;
	char sha256[DIGEST_SHA256_HEX];
	bool is_dir = S_ISDIR(st->st_mode);
	const char *note = NULL;
	int ret = 0;

	if (r->store->owner != NULL) {
		ret = store_observe_locked(r->store, path);
		note = store_node_locked(r->store, path, st).note;
	}
	if (ret == 0 && !is_dir)
		ret = store_hash_locked(r->store, path, st, sha256);
	if (ret == 0)
		ret = buf_puts(r->out, r->any ? ",{\"path\":" : "{\"path\":");
	r->any = true;
	if (ret == 0)
		ret = jval_quote(r->out, path);
	if (ret == 0 && is_dir)
		ret = buf_puts(
		    r->out, ",\"is_dir\":true,\"size\":0,\"sha256\":null");
	else if (ret == 0)
		ret = buf_printf(r->out,
		    ",\"is_dir\":false,\"size\":%lld,\"sha256\":\"%s\"",
		    (long long)st->st_size, sha256);
	if (ret == 0)
		ret = buf_printf(r->out, ",\"modification_time\":%" PRId64,
		    (int64_t)st->st_mtim.tv_sec * 1000 +
			st->st_mtim.tv_nsec / 1000000);
	if (ret == 0 && note != NULL)
		ret = buf_printf(r->out, ",\"note\":%s", note);
	return ret < 0 ? ret : buf_puts(r->out, "}");
}

int
store_tree(struct store *s, const char *path, struct buf *out)
{
	struct report r = { s, out, false };
	struct stat st;
	int ret;

	lock_take(&s->lock);
	ret = store_lstat_locked(s, path, &st);
	if (ret == 0)
		ret = buf_puts(out, "[");
	if (ret == 0 && S_ISDIR(st.st_mode))
		ret = store_below_locked(s, path, report_one, &r);
	else if (ret == 0)
		ret = report_one(&r, path, &st);
	if (ret == 0)
		ret = buf_puts(out, "]");
	lock_drop(&s->lock);
	return ret == -ENOTDIR ? -ENOENT : ret;
}
