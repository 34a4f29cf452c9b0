/* fs/ops_attrs.c - the kernel's requests about attributes. */
#include "config.h"

#include "fs/ops_impl.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/counters.h"
#include "base/buf.h"
#include "fs/measure.h"
#include "fs/xattr.h"

#include "base/banned.h"

/* --- attributes ------------------------------------------------------------ */

static void
reply_attr(struct vfs *v, struct job *j, struct node *n)
{
	struct stat st;
	int64_t ttl_ms;

	lock_take(&v->lock);
	node_stat_locked(v, n, &st);
	ttl_ms = node_ttl_left_locked(v, n);
	lock_drop(&v->lock);
	(void)fuse_reply_attr(j->req, &st, ops_seconds(ttl_ms));
}

static void
run_getattr(struct ops *o, struct job *j)
{
	struct node *n = ops_node(o, j, j->ino);
	int ret;

	if (n == NULL)
		return;
	ret = dir_refresh(o->v, &j->call, n, false);
	if (ret == 0)
		ret = measure_shown(o->v, &j->call, n);
	if (ret == 0)
		reply_attr(o->v, j, n);
	else
		ops_reply(j, ret == -ENOENT ? -ESTALE : ret);
	node_unref(o->v, n);
}

void
op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi UNUSED)
{
	struct job j = { .run = run_getattr, .req = req, .op = "getattr",
		.ino = ino };

	gate_pass(ops_of(req)->gate, &j);
}

/* The execute bit is remembered, other modes are ignored; a change of owner must
 * change nothing. */
static int
set_owner_and_mode(struct vfs *v, struct job *j, struct node *n)
{
	const struct stat *a = &j->attr;

	if ((j->flags & FUSE_SET_ATTR_UID) != 0 &&
	    a->st_uid != v->config.uid)
		return -EPERM;
	if ((j->flags & FUSE_SET_ATTR_GID) != 0 &&
	    a->st_gid != v->config.gid)
		return -EPERM;
	if ((j->flags & FUSE_SET_ATTR_MODE) == 0 || n->kind != ENTRY_FILE)
		return 0;
	lock_take(&v->lock);
	n->attr.executable = (a->st_mode & 0111) != 0;
	node_save_attr_locked(v, n);
	lock_drop(&v->lock);
	return 0;
}

static void
set_times(struct vfs *v, struct job *j, struct node *n)
{
	struct timespec now, mtime = j->attr.st_mtim;

	if ((j->flags & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)) == 0)
		return; /* atime alone is not kept */
	if ((j->flags & FUSE_SET_ATTR_MTIME_NOW) != 0 &&
	    clock_gettime(CLOCK_REALTIME, &now) == 0)
		mtime = now;
	lock_take(&v->lock);
	n->attr.has_mtime = true;
	n->attr.mtime = mtime;
	n->attr_loaded = true;
	if (n->file != NULL)
		n->file->mtime = mtime;
	node_save_attr_locked(v, n);
	lock_drop(&v->lock);
}

static void
run_setattr(struct ops *o, struct job *j)
{
	struct vfs *v = o->v;
	struct node *n = ops_node(o, j, j->ino);
	struct stat loaded;
	bool gone;
	int ret;

	if (n == NULL)
		return;
	if (n->kind == ENTRY_SESSION) {
		/* O_TRUNC of a shell redirection, and touch: nothing to do. */
		reply_attr(v, j, n);
		node_unref(v, n);
		return;
	}
	lock_take(&v->lock);
	node_stat_locked(v, n, &loaded); /* reads the overlay */
	/* The kernel looks again for what the name shows by now. */
	gone = n->gone && (n->file == NULL || n->file->opens == 0);
	lock_drop(&v->lock);
	ret = gone ? -ESTALE : v->config.read_only ? -EROFS :
	    set_owner_and_mode(v, j, n);
	if (ret == 0 && (j->flags & FUSE_SET_ATTR_SIZE) != 0 &&
	    j->attr.st_size != 0) /* then nothing is kept */
		ret = measure_node(v, &j->call, n);
	if (ret == 0 && (j->flags & FUSE_SET_ATTR_SIZE) != 0)
		ret = content_truncate(v, &j->call, n,
		    j->has_fi ? ops_file(&j->fi)->handle : NULL,
		    (uint64_t)j->attr.st_size);
	if (ret == 0) {
		set_times(v, j, n);
		reply_attr(v, j, n);
	} else {
		ops_reply(j, ret);
	}
	node_unref(v, n);
}

void
op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
    struct fuse_file_info *fi)
{
	struct job j = { .run = run_setattr, .req = req, .op = "setattr",
		.ino = ino, .attr = *attr, .flags = to_set };

	if (fi != NULL) {
		j.fi = *fi;
		j.has_fi = true;
	}
	gate_pass(ops_of(req)->gate, &j);
}

/* --- extended attributes --------------------------------------------------- */

static void
run_getxattr(struct ops *o, struct job *j)
{
	struct node *n = ops_node(o, j, j->ino);
	struct buf value;
	int ret;

	if (n == NULL)
		return;
	buf_init(&value, 65536);
	ret = xattr_get(o->v, &j->call, n, j->name, &value);
	if (ret < 0)
		ops_reply(j, ret);
	else if (j->size == 0)
		(void)fuse_reply_xattr(j->req, value.len);
	else if (value.len > j->size)
		ops_reply(j, -ERANGE);
	else
		(void)fuse_reply_buf(j->req, value.data, value.len);
	buf_release(&value);
	node_unref(o->v, n);
}

void
op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct job j = { .run = run_getxattr, .req = req, .op = "getxattr",
		.ino = ino, .name = name, .size = size };

	if (strncmp(name, "user.brickfs.", 13) != 0)
		(void)fuse_reply_err(req, ENODATA);
	else
		gate_pass(ops_of(req)->gate, &j);
}

void
op_listxattr(fuse_req_t req, fuse_ino_t ino UNUSED, size_t size)
{
	if (size == 0)
		(void)fuse_reply_xattr(req, 0);
	else
		(void)fuse_reply_buf(req, NULL, 0);
}

void
op_setxattr(fuse_req_t req, fuse_ino_t ino UNUSED, const char *name,
    const char *value UNUSED, size_t size UNUSED, int flags UNUSED)
{
	(void)fuse_reply_err(req, strncmp(name, "user.brickfs.", 13) == 0 ?
	    EPERM : EOPNOTSUPP);
}

void
op_removexattr(fuse_req_t req, fuse_ino_t ino UNUSED, const char *name)
{
	(void)fuse_reply_err(req, strncmp(name, "user.brickfs.", 13) == 0 ?
	    EPERM : ENODATA);
}
