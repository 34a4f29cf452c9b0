/* emu/store_walk.c - directories of the store: their entries and what is below. */
#include "config.h"

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

struct child {
	char *path;
	struct stat st;
	const char *note;
};

struct children {
	struct child *list;
	size_t len, cap;
};

static void
children_release(struct children *c)
{
	for (size_t i = 0; i < c->len; i++)
		free(c->list[i].path);
	free(c->list);
	*c = (struct children){ 0 };
}

static int
children_add(struct children *c, char *path, const struct stat *st)
{
	if (path == NULL)
		return -ENOMEM;
	if (c->len == c->cap) {
		size_t cap = c->cap > 0 ? 2 * c->cap : 64;
		struct child *more = realloc(c->list, cap * sizeof(*more));

		if (more == NULL) {
			free(path);
			return -ENOMEM;
		}
		c->list = more;
		c->cap = cap;
	}
	c->list[c->len++] = (struct child){ path, *st, NULL };
	return 0;
}

static int
by_path(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* Adds one entry of the directory unless it is nothing that is shown. */
static int
add_entry(struct store *s, const char *dir, int fd, const char *name,
    struct children *out)
{
	struct stat st;
	char *plain, *path;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno; /* a person removed it */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	plain = walk_decode(&s->tree, name);
	if (plain == NULL)
		return 0;
	path = dbpath_join(dir, plain);
	free(plain);
	return children_add(out, path, &st);
}

static int
read_children(struct store *s, const char *dir, struct children *out)
{
	struct dirent *de;
	DIR *stream;
	int fd, ret = 0;

	fd = walk_dir(&s->tree, dir);
	if (fd < 0)
		return fd;
	stream = fdopendir(fd);
	if (stream == NULL) {
		ret = -errno;
		(void)close(fd);
		return ret;
	}
	while (ret == 0 && (de = readdir(stream)) != NULL)
		ret = add_entry(s, dir, fd, de->d_name, out);
	(void)closedir(stream);
	if (ret == 0 && out->len > 0)
		qsort(out->list, out->len, sizeof(*out->list), by_path);
	return ret;
}

/* A directory that is being walked through. */
struct level {
	struct children children;
	size_t at;
	struct level *up;
};

/* Goes down into a directory. */
static int
enter(struct store *s, const char *path, struct level **levels)
{
	struct level *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	l->up = *levels;
	*levels = l;
	return read_children(s, path, &l->children);
}

/* Without recursion: moves and a person can make a tree deeper than a path that a
 * client may name. */
int
store_below_locked(
    struct store *s, const char *path, store_below_fn *each, void *ctx)
{
	struct level *levels = NULL;
	int ret;

	ret = enter(s, path, &levels);
	while (levels != NULL) {
		struct level *l = levels;
		struct child *c;

		if (ret != 0 || l->at == l->children.len) {
			levels = l->up;
			children_release(&l->children);
			free(l);
			continue;
		}
		c = &l->children.list[l->at++];
		ret = each(ctx, c->path, &c->st);
		if (ret == 0 && S_ISDIR(c->st.st_mode))
			ret = enter(s, c->path, &levels);
	}
	return ret;
}

bool
store_empty_locked(struct store *s, const char *path)
{
	struct children c = { 0 };
	bool empty;

	empty = read_children(s, path, &c) == 0 && c.len == 0;
	children_release(&c);
	return empty;
}

static struct store_node
node_of(const struct stat *st, const char *note)
{
	return (struct store_node){
		.is_dir = S_ISDIR(st->st_mode),
		.size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
		.mtime_ms = (int64_t)st->st_mtim.tv_sec * 1000 +
			    st->st_mtim.tv_nsec / 1000000,
		.note = note,
	};
}

struct store_node
store_node_locked(struct store *s, const char *path, const struct stat *st)
{
	struct history_stamp stamp = store_stamp(st);

	return node_of(st, s->owner == NULL ? NULL
				: history_note_of(s->history, path,
				      S_ISDIR(st->st_mode), &stamp));
}

/* What is not there because a component on the way is a file is just not there
 * to those who only look. */
static int
absent(int ret)
{
	return ret == -ENOTDIR ? -ENOENT : ret;
}

int
store_stat(struct store *s, const char *path, struct store_node *out)
{
	struct stat st;
	int ret;

	lock_take(&s->lock);
	ret = absent(store_lstat_locked(s, path, &st));
	if (ret == 0 && s->owner != NULL)
		ret = store_observe_locked(s, path);
	if (ret == 0)
		*out = store_node_locked(s, path, &st);
	lock_drop(&s->lock);
	return ret;
}

/* Gives each of the children its note; what a person put there gets one. */
static int
annotate_locked(struct store *s, struct children *c) REQUIRES(s->lock)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < c->len; i++)
		ret = store_found_locked(s, c->list[i].path, &c->list[i].st);
	if (ret == 0)
		ret = history_commit(s->history);
	for (size_t i = 0; ret == 0 && i < c->len; i++)
		c->list[i].note =
		    store_node_locked(s, c->list[i].path, &c->list[i].st).note;
	return ret;
}

/* Calls each() for them, and forgets them. */
static int
give_children(struct children *c, store_list_fn *each, void *ctx)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < c->len; i++) {
		struct store_node node =
		    node_of(&c->list[i].st, c->list[i].note);

		ret = each(ctx, c->list[i].path, &node);
	}
	children_release(c);
	return ret;
}

int
store_list(struct store *s, const char *path, store_list_fn *each, void *ctx)
{
	struct children c = { 0 };
	struct stat st;
	int ret;

	lock_take(&s->lock);
	ret = absent(store_lstat_locked(s, path, &st));
	if (ret == 0 && S_ISDIR(st.st_mode))
		ret = read_children(s, path, &c);
	else if (ret == 0)
		ret = children_add(&c, text_dup(path), &st);
	if (ret == 0 && s->owner != NULL)
		ret = annotate_locked(s, &c);
	lock_drop(&s->lock);
	if (ret < 0) {
		children_release(&c);
		return ret;
	}
	return give_children(&c, each, ctx);
}

struct past {
	struct store *store;
	struct children children;
};

/* What is still there is shown as it is, other things as they were noted. */
static int
add_past(void *ctx, const char *path, const struct history_past *past)
    NO_THREAD_CHECK
{
	int64_t ns = past->stamp.mtime_ns;
	struct past *p = ctx;
	struct stat st;
	int ret;

	if (ns == 0)
		ns = past->time_ms * 1000000;
	if (!past->newest || store_lstat_locked(p->store, path, &st) < 0)
		st = (struct stat){
			.st_mode = past->is_dir ? S_IFDIR : S_IFREG,
			.st_size = (off_t)past->stamp.size,
			.st_mtim = { ns / 1000000000, ns % 1000000000 },
		};
	ret = children_add(&p->children, text_dup(path), &st);
	if (ret == 0)
		p->children.list[p->children.len - 1].note = past->note;
	return ret;
}

int
store_list_at(struct store *s, const char *path, int64_t time_ms,
    store_list_fn *each, void *ctx)
{
	struct past p = { .store = s };
	struct children now = { 0 };
	struct stat st;
	int ret;

	lock_take(&s->lock);
	ret = absent(store_lstat_locked(s, path, &st));
	if (ret == 0)
		ret = S_ISDIR(st.st_mode) ? read_children(s, path, &now)
					  : -ENOTDIR;
	if (ret == 0)
		ret = annotate_locked(s, &now);
	if (ret == 0)
		ret = history_past(s->history, path, time_ms, add_past, &p);
	lock_drop(&s->lock);
	children_release(&now);
	if (ret == 0 && p.children.len > 0)
		qsort(p.children.list, p.children.len,
		    sizeof(*p.children.list), by_path);
	if (ret == 0)
		return give_children(&p.children, each, ctx);
	children_release(&p.children);
	return ret;
}

struct visit {
	struct store *store;
	store_list_fn *each;
	void *ctx;
};

static int
visit_one(void *ctx, const char *path, const struct stat *st) NO_THREAD_CHECK
{
	const struct visit *v = ctx;
	struct store_node node;
	int ret = 0;

	if (v->store->owner != NULL)
		ret = store_observe_locked(v->store, path);
	if (ret < 0)
		return ret;
	node = store_node_locked(v->store, path, st);
	return v->each(v->ctx, path, &node);
}

int
store_each(struct store *s, const char *path, store_list_fn *each, void *ctx)
{
	struct visit v = { s, each, ctx };
	int ret;

	lock_take(&s->lock);
	ret = absent(store_below_locked(s, path, visit_one, &v));
	lock_drop(&s->lock);
	return ret;
}

int
store_read(struct store *s, const char *path, int *fd, struct store_node *out)
{
	char name[WALK_NAME_BYTES];
	struct stat st;
	const char *note = NULL;
	int dir, file = -1, ret;

	if (strcmp(path, "/") == 0)
		return -EISDIR;
	lock_take(&s->lock);
	dir = walk_parent(&s->tree, path, name);
	if (dir >= 0)
		file = openat(
		    dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ret = dir < 0 ? absent(dir) : file < 0 ? -errno : 0;
	if (ret == 0 && s->owner != NULL)
		ret = store_observe_locked(s, path);
	if (ret == 0 && fstat(file, &st) == 0)
		note = store_node_locked(s, path, &st).note;
	lock_drop(&s->lock);
	if (dir >= 0)
		(void)close(dir);
	if (ret < 0 && file >= 0)
		(void)close(file);
	if (ret < 0)
		return ret == -ELOOP || ret == -ENXIO ? -ENOENT : ret;
	if (fstat(file, &st) < 0)
		ret = -errno;
	else if (S_ISDIR(st.st_mode))
		ret = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		ret = -ENOENT;
	if (ret < 0) {
		(void)close(file);
		return ret;
	}
	*out = node_of(&st, note);
	*fd = file;
	return 0;
}
