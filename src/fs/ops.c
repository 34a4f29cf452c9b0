/* fs/ops.c - the kernel's requests, answered from a struct vfs.
 *
 * Each operation is a pair: ll_x packs what libfuse gave into a job, run_x does it
 * and answers.  Those that never wait for the network answer at once. */
#include "config.h"

#include "fs/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/counters.h"
#include "base/log.h"
#include "fs/content.h"
#include "fs/dir.h"
#include "fs/gate.h"
#include "fs/names.h"
#include "fs/rename.h"
#include "fs/save.h"
#include "fs/xattr.h"

#include "base/banned.h"

#define NAME_BYTES_MAX 255

struct ops {
	struct vfs *v;
	struct gate *gate;
};

/* What fi->fh points to: one of three. */
struct open_file {
	struct handle *handle;	 /* a file with content, or */
	struct session *session; /* a session, or */
	struct node *dir;	 /* a directory, and its snapshot */
	struct dir_rows rows;
	struct backend *backend; /* of the session */
};

int
ops_new(struct vfs *v, unsigned max_blocked, struct ops **out)
{
	struct ops *o = calloc(1, sizeof(*o));
	int ret;

	if (o == NULL)
		return -ENOMEM;
	o->v = v;
	ret = gate_new(o, max_blocked, &o->gate);
	if (ret < 0) {
		free(o);
		return ret;
	}
	*out = o;
	return 0;
}

void
ops_free(struct ops *o)
{
	if (o == NULL)
		return;
	gate_free(o->gate);
	free(o);
}

static struct ops *
ops_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct open_file *
file_of(const struct fuse_file_info *fi)
{
	return (struct open_file *)(uintptr_t)fi->fh;
}

/* --- answers --------------------------------------------------------------------- */

static void
reply(struct job *j, int ret)
{
	if (ret == -EINTR)
		counter_add(CTR_fuse_interrupts_total, 1);
	(void)fuse_reply_err(j->req, -ret);
}

static double
seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static void
fill_entry_locked(struct vfs *v, struct node *n, struct fuse_entry_param *e)
    REQUIRES(v->lock)
{
	memset(e, 0, sizeof(*e));
	e->ino = n->id;
	e->generation = 1;
	node_stat_locked(v, n, &e->attr);
	e->attr_timeout = seconds(node_ttl_left_locked(v, n));
	e->entry_timeout = e->attr_timeout;
}

/* Answers with n, which the kernel refers to from now on. */
static void
reply_entry(struct vfs *v, struct job *j, struct node *n)
{
	struct fuse_entry_param e;

	lock_take(&v->lock);
	fill_entry_locked(v, n, &e);
	node_remember_locked(v, n);
	lock_drop(&v->lock);
	if (fuse_reply_entry(j->req, &e) == -ENOENT)
		node_forget(v, n->id, 1); /* the caller was interrupted */
}

/* Only the mounting user may look into sessions, whoever else may enter. */
static int
check_user(struct job *j, const struct node *n)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(j->req);

	if (n->backend->ops->open == NULL)
		return 0;
	return ctx->uid == geteuid() || ctx->uid == 0 ? 0 : -EACCES;
}

/* The node of a request, with a reference; answers ESTALE when there is none. */
static struct node *
node_of(struct ops *o, struct job *j, fuse_ino_t ino)
{
	struct node *n = node_get(o->v, ino);

	if (n == NULL)
		reply(j, -ESTALE);
	return n;
}

static bool
name_too_long(struct job *j, const char *name)
{
	if (strlen(name) <= NAME_BYTES_MAX)
		return false;
	reply(j, -ENAMETOOLONG);
	return true;
}

/* --- names ------------------------------------------------------------------------ */

static void
run_lookup(struct ops *o, struct job *j)
{
	struct node *parent, *n = NULL;
	struct fuse_entry_param none = { 0 };
	int ret;

	if (name_too_long(j, j->name))
		return;
	parent = node_of(o, j, j->ino);
	if (parent == NULL)
		return;
	ret = check_user(j, parent);
	if (ret == 0)
		ret = dir_lookup(o->v, &j->call, parent, j->name, &n);
	if (ret == 0) {
		reply_entry(o->v, j, n);
	} else if (ret == -ENOENT && parent->backend->ttl_ms != 0) {
		none.entry_timeout = seconds(o->v->config.negative_ttl_ms);
		(void)fuse_reply_entry(j->req, &none);
	} else {
		reply(j, ret);
	}
	node_unref(o->v, n);
	node_unref(o->v, parent);
}

static void
ll_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct job j = { .run = run_lookup, .req = req, .op = "lookup",
		.ino = parent, .name = name };

	gate_pass(ops_of(req)->gate, &j);
}

static void
ll_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	node_forget(ops_of(req)->v, ino, nlookup);
	fuse_reply_none(req);
}

static void
ll_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		node_forget(ops_of(req)->v, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void
run_mkdir(struct ops *o, struct job *j)
{
	struct node *parent, *n = NULL;
	int ret;

	if (name_too_long(j, j->name))
		return;
	parent = node_of(o, j, j->ino);
	if (parent == NULL)
		return;
	ret = names_mkdir(o->v, &j->call, parent, j->name, &n);
	if (ret == 0)
		reply_entry(o->v, j, n);
	else
		reply(j, ret);
	node_unref(o->v, n);
	node_unref(o->v, parent);
}

static void
ll_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct job j = { .run = run_mkdir, .req = req, .op = "mkdir",
		.ino = parent, .name = name, .mode = mode };

	gate_pass(ops_of(req)->gate, &j);
}

typedef int remove_fn(struct vfs *, struct call *, struct node *, const char *);

static void
run_remove(struct ops *o, struct job *j, remove_fn *remove_name)
{
	struct node *parent = node_of(o, j, j->ino);

	if (parent == NULL)
		return;
	reply(j, remove_name(o->v, &j->call, parent, j->name));
	node_unref(o->v, parent);
}

static void
run_unlink(struct ops *o, struct job *j)
{
	run_remove(o, j, names_unlink);
}

static void
run_rmdir(struct ops *o, struct job *j)
{
	run_remove(o, j, names_rmdir);
}

static void
ll_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct job j = { .run = run_unlink, .req = req, .op = "unlink",
		.ino = parent, .name = name };

	gate_pass(ops_of(req)->gate, &j);
}

static void
ll_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct job j = { .run = run_rmdir, .req = req, .op = "rmdir",
		.ino = parent, .name = name };

	gate_pass(ops_of(req)->gate, &j);
}

static void
run_rename(struct ops *o, struct job *j)
{
	struct node *from, *to;

	if (name_too_long(j, j->name2))
		return;
	from = node_of(o, j, j->ino);
	if (from == NULL)
		return;
	to = node_of(o, j, j->ino2);
	if (to != NULL)
		reply(j, rename_node(o->v, &j->call, from, j->name, to, j->name2,
		    (unsigned)j->flags));
	node_unref(o->v, to);
	node_unref(o->v, from);
}

static void
ll_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
    fuse_ino_t newparent, const char *newname, unsigned int flags)
{
	struct job j = { .run = run_rename, .req = req, .op = "rename",
		.ino = parent, .name = name, .ino2 = newparent,
		.name2 = newname, .flags = (int)flags };

	gate_pass(ops_of(req)->gate, &j);
}

/* Links, devices and fifos are refused as other network filesystems refuse them. */
static void
ll_link(fuse_req_t req, fuse_ino_t ino UNUSED, fuse_ino_t newparent UNUSED,
    const char *newname UNUSED)
{
	(void)fuse_reply_err(req, EPERM);
}

static void
ll_symlink(fuse_req_t req, const char *link UNUSED, fuse_ino_t parent UNUSED,
    const char *name UNUSED)
{
	(void)fuse_reply_err(req, EPERM);
}

static void
run_readlink(struct ops *o, struct job *j)
{
	struct node *n = node_of(o, j, j->ino);
	struct entry *e = NULL;
	struct buf target;
	int ret = -EINVAL;

	if (n == NULL)
		return;
	buf_init(&target, 4096);
	lock_take(&o->v->lock);
	if (n->kind == ENTRY_LINK && n->remote != NULL)
		e = entry_ref(n->remote);
	lock_drop(&o->v->lock);
	if (e != NULL && e->backend->ops->readlink != NULL)
		ret = e->backend->ops->readlink(e->backend, &j->call, e,
		    &target);
	if (ret == 0)
		(void)fuse_reply_readlink(j->req, buf_text(&target));
	else
		reply(j, ret);
	buf_release(&target);
	entry_unref(e);
	node_unref(o->v, n);
}

static void
ll_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct job j = { .run = run_readlink, .req = req, .op = "readlink",
		.ino = ino };

	gate_pass(ops_of(req)->gate, &j);
}

/* --- attributes ------------------------------------------------------------------- */

static void
reply_attr(struct vfs *v, struct job *j, struct node *n)
{
	struct stat st;
	int64_t ttl_ms;

	lock_take(&v->lock);
	node_stat_locked(v, n, &st);
	ttl_ms = node_ttl_left_locked(v, n);
	lock_drop(&v->lock);
	(void)fuse_reply_attr(j->req, &st, seconds(ttl_ms));
}

static void
run_getattr(struct ops *o, struct job *j)
{
	struct node *n = node_of(o, j, j->ino);
	int ret;

	if (n == NULL)
		return;
	ret = dir_refresh(o->v, &j->call, n, false);
	if (ret == 0)
		reply_attr(o->v, j, n);
	else
		reply(j, ret == -ENOENT ? -ESTALE : ret);
	node_unref(o->v, n);
}

static void
ll_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi UNUSED)
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
	struct node *n = node_of(o, j, j->ino);
	struct stat loaded;
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
	lock_drop(&v->lock);
	ret = v->config.read_only ? -EROFS : set_owner_and_mode(v, j, n);
	if (ret == 0 && (j->flags & FUSE_SET_ATTR_SIZE) != 0)
		ret = content_truncate(v, &j->call, n,
		    j->has_fi ? file_of(&j->fi)->handle : NULL,
		    (uint64_t)j->attr.st_size);
	if (ret == 0) {
		set_times(v, j, n);
		reply_attr(v, j, n);
	} else {
		reply(j, ret);
	}
	node_unref(v, n);
}

static void
ll_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
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

/* --- extended attributes ------------------------------------------------------------ */

static void
run_getxattr(struct ops *o, struct job *j)
{
	struct node *n = node_of(o, j, j->ino);
	struct buf value;
	int ret;

	if (n == NULL)
		return;
	buf_init(&value, 65536);
	ret = xattr_get(o->v, &j->call, n, j->name, &value);
	if (ret < 0)
		reply(j, ret);
	else if (j->size == 0)
		(void)fuse_reply_xattr(j->req, value.len);
	else if (value.len > j->size)
		reply(j, -ERANGE);
	else
		(void)fuse_reply_buf(j->req, value.data, value.len);
	buf_release(&value);
	node_unref(o->v, n);
}

static void
ll_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct job j = { .run = run_getxattr, .req = req, .op = "getxattr",
		.ino = ino, .name = name, .size = size };

	if (strncmp(name, "user.brickfs.", 13) != 0)
		(void)fuse_reply_err(req, ENODATA);
	else
		gate_pass(ops_of(req)->gate, &j);
}

static void
ll_listxattr(fuse_req_t req, fuse_ino_t ino UNUSED, size_t size)
{
	if (size == 0)
		(void)fuse_reply_xattr(req, 0);
	else
		(void)fuse_reply_buf(req, NULL, 0);
}

static void
ll_setxattr(fuse_req_t req, fuse_ino_t ino UNUSED, const char *name,
    const char *value UNUSED, size_t size UNUSED, int flags UNUSED)
{
	(void)fuse_reply_err(req, strncmp(name, "user.brickfs.", 13) == 0 ?
	    EPERM : EOPNOTSUPP);
}

static void
ll_removexattr(fuse_req_t req, fuse_ino_t ino UNUSED, const char *name)
{
	(void)fuse_reply_err(req, strncmp(name, "user.brickfs.", 13) == 0 ?
	    EPERM : ENODATA);
}

/* --- files ------------------------------------------------------------------------- */

static struct open_file *
open_file_new(void)
{
	return calloc(1, sizeof(struct open_file));
}

static int
open_session(struct job *j, struct node *n, struct vfs *v,
    struct open_file *f)
{
	struct entry *e;
	int ret;

	ret = check_user(j, n);
	if (ret < 0)
		return ret;
	if (n->backend->ops->open == NULL)
		return -ENOSYS;
	lock_take(&v->lock);
	e = entry_ref(n->remote);
	lock_drop(&v->lock);
	f->backend = n->backend;
	ret = n->backend->ops->open(n->backend, &j->call, e, j->fi.flags,
	    &f->session);
	entry_unref(e);
	return ret;
}

static void
close_file(struct vfs *v, struct open_file *f)
{
	if (f->handle != NULL)
		content_close(v, f->handle);
	if (f->session != NULL && f->backend->ops->session_close != NULL)
		f->backend->ops->session_close(f->session);
	if (f->dir != NULL) {
		dir_rows_release(v, &f->rows);
		node_unref(v, f->dir);
	}
	free(f);
}

static void
run_open(struct ops *o, struct job *j)
{
	struct node *n = node_of(o, j, j->ino);
	struct open_file *f;
	bool keep = false;
	int ret;

	if (n == NULL)
		return;
	f = open_file_new();
	if (f == NULL)
		ret = -ENOMEM;
	else if (n->kind == ENTRY_SESSION)
		ret = open_session(j, n, o->v, f);
	else
		ret = content_open(o->v, &j->call, n, j->fi.flags, &f->handle,
		    &keep);
	if (ret == 0) {
		j->fi.fh = (uint64_t)(uintptr_t)f;
		j->fi.keep_cache = keep;
		j->fi.direct_io = f->session != NULL;
		j->fi.nonseekable = 0;
		if (fuse_reply_open(j->req, &j->fi) == -ENOENT)
			close_file(o->v, f);
	} else {
		free(f);
		reply(j, ret);
	}
	node_unref(o->v, n);
}

static void
ll_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct job j = { .run = run_open, .req = req, .op = "open", .ino = ino,
		.fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

static void
run_create(struct ops *o, struct job *j)
{
	struct fuse_entry_param e;
	struct node *parent, *n = NULL;
	struct open_file *f;
	bool keep = false;
	int ret;

	if (name_too_long(j, j->name))
		return;
	parent = node_of(o, j, j->ino);
	if (parent == NULL)
		return;
	f = open_file_new();
	ret = f != NULL ? names_create(o->v, &j->call, parent, j->name,
	    j->fi.flags, j->mode, &n, &f->handle, &keep) : -ENOMEM;
	if (ret == 0) {
		j->fi.fh = (uint64_t)(uintptr_t)f;
		j->fi.keep_cache = keep;
		lock_take(&o->v->lock);
		fill_entry_locked(o->v, n, &e);
		node_remember_locked(o->v, n);
		lock_drop(&o->v->lock);
		if (fuse_reply_create(j->req, &e, &j->fi) == -ENOENT) {
			node_forget(o->v, n->id, 1);
			close_file(o->v, f);
		}
	} else {
		free(f);
		reply(j, ret);
	}
	node_unref(o->v, n);
	node_unref(o->v, parent);
}

static void
ll_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
    struct fuse_file_info *fi)
{
	struct job j = { .run = run_create, .req = req, .op = "create",
		.ino = parent, .name = name, .mode = mode, .fi = *fi,
		.has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

/* mknod of a regular file is a create that opens nothing. */
static void
run_mknod(struct ops *o, struct job *j)
{
	struct node *parent, *n = NULL;
	struct handle *h = NULL;
	bool keep;
	int ret;

	if (name_too_long(j, j->name))
		return;
	parent = node_of(o, j, j->ino);
	if (parent == NULL)
		return;
	ret = names_create(o->v, &j->call, parent, j->name,
	    O_CREAT | O_EXCL | O_WRONLY, j->mode, &n, &h, &keep);
	if (ret == 0) {
		reply_entry(o->v, j, n);
		content_close(o->v, h);
	} else {
		reply(j, ret);
	}
	node_unref(o->v, n);
	node_unref(o->v, parent);
}

static void
ll_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
    dev_t rdev UNUSED)
{
	struct job j = { .run = run_mknod, .req = req, .op = "mknod",
		.ino = parent, .name = name, .mode = mode };

	if (!S_ISREG(mode))
		(void)fuse_reply_err(req, EPERM);
	else
		gate_pass(ops_of(req)->gate, &j);
}

static void
run_read(struct ops *o, struct job *j)
{
	struct open_file *f = file_of(&j->fi);
	char *bytes = malloc(j->size > 0 ? j->size : 1);
	ssize_t n;

	if (bytes == NULL)
		n = -ENOMEM;
	else if (f->handle != NULL)
		n = content_read(o->v, &j->call, f->handle, (uint64_t)j->off,
		    bytes, j->size);
	else if (f->backend->ops->session_read != NULL)
		n = f->backend->ops->session_read(f->session, &j->call,
		    (uint64_t)j->off, bytes, j->size);
	else
		n = -EBADF;
	if (n >= 0)
		(void)fuse_reply_buf(j->req, bytes, (size_t)n);
	else
		reply(j, (int)n);
	free(bytes);
}

static void
ll_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	struct job j = { .run = run_read, .req = req, .op = "read", .ino = ino,
		.size = size, .off = off, .fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

static void
run_write(struct ops *o, struct job *j)
{
	struct open_file *f = file_of(&j->fi);
	ssize_t n;

	if (f->handle != NULL) {
		n = content_write(o->v, &j->call, f->handle, (uint64_t)j->off,
		    j->data, j->size);
		if (n == 0)
			n = (ssize_t)j->size;
	} else if (f->backend->ops->session_write != NULL) {
		n = f->backend->ops->session_write(f->session, &j->call,
		    (uint64_t)j->off, j->data, j->size);
	} else {
		n = -EBADF;
	}
	if (n >= 0)
		(void)fuse_reply_write(j->req, (size_t)n);
	else
		reply(j, (int)n);
}

static void
ll_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
    off_t off, struct fuse_file_info *fi)
{
	struct job j = { .run = run_write, .req = req, .op = "write",
		.ino = ino, .data = data, .has_data = true, .size = size,
		.off = off, .fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

static void
run_flush(struct ops *o, struct job *j)
{
	struct open_file *f = file_of(&j->fi);
	int ret = 0;

	if (f->handle != NULL)
		ret = content_flush(o->v, &j->call, f->handle);
	else if (f->backend->ops->session_flush != NULL)
		ret = f->backend->ops->session_flush(f->session, &j->call);
	reply(j, ret);
}

static void
ll_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct job j = { .run = run_flush, .req = req, .op = "close",
		.ino = ino, .fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

static void
run_fsync(struct ops *o, struct job *j)
{
	struct open_file *f = file_of(&j->fi);

	reply(j, f->handle != NULL ?
	    content_sync(o->v, &j->call, f->handle) : 0);
}

static void
ll_fsync(fuse_req_t req, fuse_ino_t ino, int datasync UNUSED,
    struct fuse_file_info *fi)
{
	struct job j = { .run = run_fsync, .req = req, .op = "fsync",
		.ino = ino, .fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

/* Never waits: what is unsent is queued. */
static void
ll_release(fuse_req_t req, fuse_ino_t ino UNUSED, struct fuse_file_info *fi)
{
	close_file(ops_of(req)->v, file_of(fi));
	(void)fuse_reply_err(req, 0);
}

static void
run_fallocate(struct ops *o, struct job *j)
{
	struct open_file *f = file_of(&j->fi);

	reply(j, f->handle != NULL ? content_allocate(o->v, &j->call,
	    f->handle, j->flags, (uint64_t)j->off, (uint64_t)j->len) :
	    -EOPNOTSUPP);
}

static void
ll_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
    struct fuse_file_info *fi)
{
	struct job j = { .run = run_fallocate, .req = req, .op = "fallocate",
		.ino = ino, .flags = mode, .off = off, .len = len, .fi = *fi,
		.has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

static void
ll_lseek(fuse_req_t req, fuse_ino_t ino UNUSED, off_t off, int whence,
    struct fuse_file_info *fi)
{
	struct call call = { .op = "lseek" };
	struct open_file *f = file_of(fi);
	uint64_t at = 0;
	int ret = -EINVAL;

	if (f->handle != NULL)
		ret = content_seek(ops_of(req)->v, &call, f->handle,
		    (uint64_t)off, whence, &at);
	if (ret == 0)
		(void)fuse_reply_lseek(req, (off_t)at);
	else
		(void)fuse_reply_err(req, -ret);
}

/* --- directories ------------------------------------------------------------------- */

static void
run_opendir(struct ops *o, struct job *j)
{
	struct node *n = node_of(o, j, j->ino);
	struct open_file *f;
	int ret;

	if (n == NULL)
		return;
	ret = check_user(j, n);
	f = ret == 0 ? open_file_new() : NULL;
	if (ret == 0 && f == NULL)
		ret = -ENOMEM;
	if (ret < 0) {
		reply(j, ret);
		node_unref(o->v, n);
		return;
	}
	f->dir = n; /* our reference */
	j->fi.fh = (uint64_t)(uintptr_t)f;
	counter_add(CTR_handles, 1);
	if (fuse_reply_open(j->req, &j->fi) == -ENOENT) {
		counter_add(CTR_handles, -1);
		close_file(o->v, f);
	}
}

static void
ll_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct job j = { .run = run_opendir, .req = req, .op = "opendir",
		.ino = ino, .fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

static void
ll_releasedir(fuse_req_t req, fuse_ino_t ino UNUSED, struct fuse_file_info *fi)
{
	close_file(ops_of(req)->v, file_of(fi));
	counter_add(CTR_handles, -1);
	(void)fuse_reply_err(req, 0);
}

static void
ll_fsyncdir(fuse_req_t req, fuse_ino_t ino UNUSED, int datasync UNUSED,
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
	bool added = true;

	lock_take(&v->lock);
	n = dir_row_node_locked(v, dir, row);
	if (n != NULL) {
		fill_entry_locked(v, n, &e);
		added = add_row(f, n->name, &e, next);
		if (added && f->plus)
			node_remember_locked(v, n);
		node_unref_locked(v, n);
	}
	lock_drop(&v->lock);
	return added;
}

static void
run_readdir(struct ops *o, struct job *j)
{
	struct open_file *f = file_of(&j->fi);
	struct filling fill = { .req = j->req, .left = j->size,
		.plus = j->flags != 0 };
	char *bytes = malloc(j->size);
	off_t off = j->off;
	int ret = 0;

	if (bytes == NULL)
		ret = -ENOMEM;
	else if (off == 0)
		ret = dir_rows_load(o->v, &j->call, f->dir, &f->rows);
	if (ret < 0) {
		free(bytes);
		reply(j, ret);
		return;
	}
	fill.at = bytes;
	if (add_dots(&fill, o->v, f->dir, &off))
		while ((size_t)off - 2 < f->rows.n && add_name(&fill, o->v,
		    f->dir, &f->rows.rows[off - 2], off + 1))
			off++;
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

static void
ll_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	pass_readdir(req, ino, size, off, fi, 0);
}

static void
ll_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	pass_readdir(req, ino, size, off, fi, 1);
}

/* --- the mount --------------------------------------------------------------------- */

/* The service has no figures; tools that check for free space must go on. */
static void
ll_statfs(fuse_req_t req, fuse_ino_t ino UNUSED)
{
	struct statvfs st = {
		.f_bsize = 1 << 20,
		.f_frsize = 4096,
		.f_blocks = (fsblkcnt_t)1 << 38, /* 1 PiB */
		.f_bfree = (fsblkcnt_t)1 << 38,
		.f_bavail = (fsblkcnt_t)1 << 38,
		.f_files = (fsfilcnt_t)1 << 32,
		.f_ffree = (fsfilcnt_t)1 << 32,
		.f_favail = (fsfilcnt_t)1 << 32,
		.f_namemax = NAME_BYTES_MAX,
	};

	(void)fuse_reply_statfs(req, &st);
}

static void
ll_init(void *userdata UNUSED, struct fuse_conn_info *conn)
{
	/* We tell the kernel which pages to keep, by node and by open. */
	conn->want &= ~(unsigned)FUSE_CAP_AUTO_INVAL_DATA;
	conn->want |= conn->capable & (FUSE_CAP_ATOMIC_O_TRUNC |
	    FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
	    FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_READ);
	conn->want &= ~(unsigned)(FUSE_CAP_WRITEBACK_CACHE |
	    FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
	    FUSE_CAP_SPLICE_MOVE);
	conn->max_background = 64;
	conn->congestion_threshold = 48;
	conn->time_gran = 1;
}

const struct fuse_lowlevel_ops ops_table = {
	.init = ll_init,
	.lookup = ll_lookup,
	.forget = ll_forget,
	.forget_multi = ll_forget_multi,
	.getattr = ll_getattr,
	.setattr = ll_setattr,
	.readlink = ll_readlink,
	.mknod = ll_mknod,
	.mkdir = ll_mkdir,
	.unlink = ll_unlink,
	.rmdir = ll_rmdir,
	.symlink = ll_symlink,
	.rename = ll_rename,
	.link = ll_link,
	.open = ll_open,
	.create = ll_create,
	.read = ll_read,
	.write = ll_write,
	.flush = ll_flush,
	.release = ll_release,
	.fsync = ll_fsync,
	.fallocate = ll_fallocate,
	.lseek = ll_lseek,
	.opendir = ll_opendir,
	.readdir = ll_readdir,
	.readdirplus = ll_readdirplus,
	.releasedir = ll_releasedir,
	.fsyncdir = ll_fsyncdir,
	.statfs = ll_statfs,
	.setxattr = ll_setxattr,
	.getxattr = ll_getxattr,
	.listxattr = ll_listxattr,
	.removexattr = ll_removexattr,
};
