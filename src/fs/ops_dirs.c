/* fs/ops_dirs.c - the kernel's requests about directories. */
#include "config.h"

#include "fs/ops_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/table.h"
#include "fs/measure.h"
#include "fs/notifier.h"

#include "base/banned.h"

/* --- what the kernel keeps --------------------------------------------------- */

void
ops_dir_cached(struct ops *o, struct open_file *f, int64_t until_ms)
{
	lock_take(&o->lock);
	f->cached_until_ms = until_ms;
	lock_drop(&o->lock);
	notifier_due(o->notifier, until_ms);
}

/* A reader that goes back to the beginning of a directory that it has had open for long
 * gets what the kernel has: that must not be older than anything else. */
int64_t
ops_expire_dirs(void *ops)
{
	struct ops *o = ops;
	int64_t now = clock_mono_ms(), next = INT64_MAX;
	struct open_file *f;

	lock_take(&o->lock);
	DL_FOREACH(o->files, f) {
		if (f->cached_until_ms == 0)
			continue;
		if (f->cached_until_ms <= now) {
			notifier_inode(o->notifier, f->dir->id);
			f->cached_until_ms = 0;
		} else if (f->cached_until_ms < next) {
			next = f->cached_until_ms;
		}
	}
	lock_drop(&o->lock);
	return next;
}

/* The kernel may keep the names that it reads, and those that it has if nothing has
 * changed. */
static void
keep_names(struct ops *o, struct job *j, struct open_file *f)
{
	struct vfs *v = o->v;
	struct node *n = f->dir;

	if (n->backend->ops->open != NULL || node_ttl_ms(v, n) == 0)
		return;
	j->fi.cache_readdir = 1;
	f->caches = true;
	if (rows_kernel_has(v, n, &f->rows)) {
		j->fi.keep_cache = 1;
		ops_dir_cached(o, f, f->rows.until_ms);
	}
}

/* --- requests ------------------------------------------------------------------- */

static void
run_opendir(struct ops *o, struct job *j)
{
	struct node *n = ops_node(o, j, j->ino);
	struct open_file *f;
	int ret;

	if (n == NULL)
		return;
	ret = ops_check_user(j, n);
	f = ops_file_new(o);
	if (ret < 0 || f == NULL) {
		ops_reply(j, ret < 0 ? ret : -ENOMEM);
		ops_file_free(o, f);
		node_unref(o->v, n);
		return;
	}
	f->dir = n; /* our reference */
	j->fi.fh = (uint64_t)(uintptr_t)f;
	keep_names(o, j, f);
	counter_add(CTR_handles, 1);
	if (fuse_reply_open(j->req, &j->fi) == -ENOENT) {
		counter_add(CTR_handles, -1);
		ops_close_file(o, f);
	}
}

void
op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct job j = { .run = run_opendir, .req = req, .op = "opendir",
		.ino = ino, .fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

void
op_releasedir(fuse_req_t req, fuse_ino_t ino UNUSED, struct fuse_file_info *fi)
{
	ops_close_file(ops_of(req), ops_file(fi));
	counter_add(CTR_handles, -1);
	(void)fuse_reply_err(req, 0);
}

void
op_fsyncdir(fuse_req_t req, fuse_ino_t ino UNUSED, int datasync UNUSED,
    struct fuse_file_info *fi UNUSED)
{
	(void)fuse_reply_err(req, 0); /* names are on the server already */
}

/* An answer to readdir being filled. */
struct filling {
	fuse_req_t req;
	char *at;
	size_t left;
	bool plus;
};

/* Adds a row; false when there is no room for it. */
static bool
add_row(struct filling *f, const char *name, const struct fuse_entry_param *e,
    off_t next)
{
	size_t len = f->plus ?
	    fuse_add_direntry_plus(f->req, f->at, f->left, name, e, next) :
	    fuse_add_direntry(f->req, f->at, f->left, name, &e->attr, next);

	if (len > f->left)
		return false;
	f->at += len;
	f->left -= len;
	return true;
}

/* "." and "..", which readdirplus does not count as looked up. */
static bool
add_dots(struct filling *f, struct vfs *v, struct node *dir, off_t *off)
{
	static const char *const names[] = { ".", ".." };

	while (*off < 2) {
		struct fuse_entry_param e = { 0 };
		const struct node *n;

		lock_take(&v->lock);
		n = *off == 1 && dir->parent != NULL ? dir->parent : dir;
		e.attr.st_ino = n->ino;
		lock_drop(&v->lock);
		e.attr.st_mode = S_IFDIR;
		if (!add_row(f, names[*off], &e, *off + 1))
			return false;
		++*off;
	}
	return true;
}

/* False when there is no room for the row. */
static bool
add_name(struct filling *f, struct vfs *v, struct node *dir,
    const struct dir_row *row, off_t next)
{
	struct fuse_entry_param e;
	struct node *n;
	bool added = true, whole;

	lock_take(&v->lock);
	n = rows_node_locked(v, dir, row);
	if (n != NULL) {
		/* Without a node the kernel looks it up when somebody wants more
		 * than its name. */
		whole = !measure_lacks_locked(v, n);
		ops_fill_entry_locked(v, n, &e);
		if (!whole && f->plus)
			e = (struct fuse_entry_param){ .attr = {
				.st_ino = e.attr.st_ino,
				.st_mode = e.attr.st_mode } };
		added = add_row(f, n->name, &e, next);
		if (added && f->plus && whole)
			node_remember_locked(v, n);
		node_unref_locked(v, n);
	}
	lock_drop(&v->lock);
	return added;
}

static int
load_rows(struct ops *o, struct job *j, struct open_file *f)
{
	int ret = rows_load(o->v, &j->call, f->dir, &f->rows);

	if (ret == 0 && f->caches)
		ops_dir_cached(o, f, f->rows.until_ms);
	return ret;
}

static void
run_readdir(struct ops *o, struct job *j)
{
	struct open_file *f = ops_file(&j->fi);
	struct filling fill = { .req = j->req, .left = j->size,
		.plus = j->flags != 0 };
	char *bytes = malloc(j->size);
	off_t off = j->off;
	int ret = 0;

	if (bytes == NULL)
		ret = -ENOMEM;
	else if (off == 0 || !f->rows.loaded) /* what is before off another reader got */
		ret = load_rows(o, j, f);
	if (ret < 0) {
		free(bytes);
		ops_reply(j, ret);
		return;
	}
	fill.at = bytes;
	if (add_dots(&fill, o->v, f->dir, &off))
		while ((size_t)off - 2 < f->rows.n && add_name(&fill, o->v,
		    f->dir, &f->rows.rows[off - 2], off + 1))
			off++;
	lock_take(&o->v->lock);
	rows_kernel_gets_locked(o->v, f->dir, &f->rows, j->off == 0);
	lock_drop(&o->v->lock);
	(void)fuse_reply_buf(j->req, bytes, j->size - fill.left);
	free(bytes);
}

static void
pass_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi, int plus)
{
	struct job j = { .run = run_readdir, .req = req, .op = "readdir",
		.ino = ino, .size = size, .off = off, .fi = *fi,
		.has_fi = true, .flags = plus };

	gate_pass(ops_of(req)->gate, &j);
}

void
op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	pass_readdir(req, ino, size, off, fi, 0);
}

void
op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	pass_readdir(req, ino, size, off, fi, 1);
}
