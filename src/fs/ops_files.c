/* fs/ops_files.c - the kernel's requests about open files. */
#include "config.h"

#include "fs/ops_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/counters.h"
#include "fs/names.h"

#include "base/banned.h"

struct open_file *
ops_file_new(struct ops *o)
{
	struct open_file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	lock_take(&o->lock);
	DL_APPEND(o->files, f);
	lock_drop(&o->lock);
	return f;
}

void
ops_file_free(struct ops *o, struct open_file *f)
{
	if (f == NULL)
		return;
	lock_take(&o->lock);
	DL_DELETE(o->files, f);
	lock_drop(&o->lock);
	free(f);
}

static int
open_session(struct job *j, struct node *n, struct vfs *v,
    struct open_file *f)
{
	struct entry *e;
	int ret;

	ret = ops_check_user(j, n);
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

void
ops_close_file(struct ops *o, struct open_file *f)
{
	/* Who looks through the open ones must not come to what is released here. */
	lock_take(&o->lock);
	f->cached_until_ms = 0;
	lock_drop(&o->lock);
	if (f->handle != NULL)
		content_close(o->v, f->handle);
	if (f->session != NULL && f->backend->ops->session_close != NULL)
		f->backend->ops->session_close(f->session);
	if (f->dir != NULL) {
		rows_release(o->v, &f->rows);
		node_unref(o->v, f->dir);
	}
	ops_file_free(o, f);
}

static void
run_open(struct ops *o, struct job *j)
{
	struct node *n = ops_node(o, j, j->ino);
	struct open_file *f;
	bool keep = false;
	int ret;

	if (n == NULL)
		return;
	f = ops_file_new(o);
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
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 11)
		/* Nothing to say at the close of what was only read. */
		j->fi.noflush = f->handle != NULL &&
		    (j->fi.flags & O_ACCMODE) == O_RDONLY;
#endif
		if (fuse_reply_open(j->req, &j->fi) == -ENOENT)
			ops_close_file(o, f);
	} else {
		ops_file_free(o, f);
		ops_reply(j, ret);
	}
	node_unref(o->v, n);
}

void
op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
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

	if (ops_name_too_long(j, j->name))
		return;
	parent = ops_node(o, j, j->ino);
	if (parent == NULL)
		return;
	f = ops_file_new(o);
	ret = f != NULL ? names_create(o->v, &j->call, parent, j->name,
	    j->fi.flags, j->mode, &n, &f->handle, &keep) : -ENOMEM;
	if (ret == 0) {
		j->fi.fh = (uint64_t)(uintptr_t)f;
		j->fi.keep_cache = keep;
		lock_take(&o->v->lock);
		ops_fill_entry_locked(o->v, n, &e);
		node_remember_locked(o->v, n);
		lock_drop(&o->v->lock);
		if (fuse_reply_create(j->req, &e, &j->fi) == -ENOENT) {
			node_forget(o->v, n->id, 1);
			ops_close_file(o, f);
		}
	} else {
		ops_file_free(o, f);
		ops_reply(j, ret);
	}
	node_unref(o->v, n);
	node_unref(o->v, parent);
}

void
op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
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

	if (ops_name_too_long(j, j->name))
		return;
	parent = ops_node(o, j, j->ino);
	if (parent == NULL)
		return;
	ret = names_create(o->v, &j->call, parent, j->name,
	    O_CREAT | O_EXCL | O_WRONLY, j->mode, &n, &h, &keep);
	if (ret == 0) {
		ops_reply_entry(o->v, j, n);
		content_close(o->v, h);
	} else {
		ops_reply(j, ret);
	}
	node_unref(o->v, n);
	node_unref(o->v, parent);
}

void
op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
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
	struct open_file *f = ops_file(&j->fi);
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
		ops_reply(j, (int)n);
	free(bytes);
}

void
op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	struct job j = { .run = run_read, .req = req, .op = "read", .ino = ino,
		.size = size, .off = off, .fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

static void
run_write(struct ops *o, struct job *j)
{
	struct open_file *f = ops_file(&j->fi);
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
		ops_reply(j, (int)n);
}

void
op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
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
	struct open_file *f = ops_file(&j->fi);
	int ret = 0;

	if (f->handle != NULL)
		ret = content_flush(o->v, &j->call, f->handle);
	else if (f->backend->ops->session_flush != NULL)
		ret = f->backend->ops->session_flush(f->session, &j->call);
	ops_reply(j, ret);
}

void
op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct job j = { .run = run_flush, .req = req, .op = "close",
		.ino = ino, .fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

static void
run_fsync(struct ops *o, struct job *j)
{
	struct open_file *f = ops_file(&j->fi);

	ops_reply(j, f->handle != NULL ?
	    content_sync(o->v, &j->call, f->handle) : 0);
}

void
op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync UNUSED,
    struct fuse_file_info *fi)
{
	struct job j = { .run = run_fsync, .req = req, .op = "fsync",
		.ino = ino, .fi = *fi, .has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

/* Never waits: what is unsent is queued. */
void
op_release(fuse_req_t req, fuse_ino_t ino UNUSED, struct fuse_file_info *fi)
{
	ops_close_file(ops_of(req), ops_file(fi));
	(void)fuse_reply_err(req, 0);
}

static void
run_fallocate(struct ops *o, struct job *j)
{
	struct open_file *f = ops_file(&j->fi);

	ops_reply(j, f->handle != NULL ? content_allocate(o->v, &j->call,
	    f->handle, j->flags, (uint64_t)j->off, (uint64_t)j->len) :
	    -EOPNOTSUPP);
}

void
op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
    struct fuse_file_info *fi)
{
	struct job j = { .run = run_fallocate, .req = req, .op = "fallocate",
		.ino = ino, .flags = mode, .off = off, .len = len, .fi = *fi,
		.has_fi = true };

	gate_pass(ops_of(req)->gate, &j);
}

void
op_lseek(fuse_req_t req, fuse_ino_t ino UNUSED, off_t off, int whence,
    struct fuse_file_info *fi)
{
	struct call call = { .op = "lseek" };
	struct open_file *f = ops_file(fi);
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
