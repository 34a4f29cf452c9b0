/* fs/ops.c - the kernel's requests: the table, and what all of them share. */
#include "config.h"

#include "fs/ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/counters.h"
#include "fs/notifier.h"
#include "fs/ops_impl.h"

#include "base/banned.h"

int
ops_new(struct vfs *v, unsigned max_blocked, struct ops **out)
{
	struct ops *o = calloc(1, sizeof(*o));
	int ret;

	if (o == NULL)
		return -ENOMEM;
	o->v = v;
	lock_init(&o->lock, "open files");
	ret = gate_new(o, max_blocked, &o->gate);
	if (ret == 0)
		ret = notifier_new(ops_expire_dirs, o, &o->notifier);
	if (ret < 0) {
		ops_free(o);
		return ret;
	}
	v->notifier = o->notifier;
	*out = o;
	return 0;
}

void
ops_free(struct ops *o)
{
	if (o == NULL)
		return;
	/* Of programs that still have them when the mount is taken away. */
	while (o->files != NULL)
		ops_close_file(o, o->files);
	lock_release(&o->lock);
	if (o->notifier != NULL)
		o->v->notifier = NULL;
	notifier_free(o->notifier);
	gate_free(o->gate);
	free(o);
}

int
ops_start(struct ops *o, struct fuse_session *session)
{
	return notifier_start(o->notifier, session);
}

void
ops_stop(struct ops *o)
{
	notifier_stop(o->notifier);
}

struct ops *
ops_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

struct open_file *
ops_file(const struct fuse_file_info *fi)
{
	return (struct open_file *)(uintptr_t)fi->fh;
}

/* --- answers ------------------------------------------------------------------ */

void
ops_reply(struct job *j, int ret)
{
	if (ret == -EINTR)
		counter_add(CTR_fuse_interrupts_total, 1);
	(void)fuse_reply_err(j->req, -ret);
}

double
ops_seconds(int64_t ms)
{
	return (double)ms / 1000;
}

void
ops_fill_entry_locked(struct vfs *v, struct node *n, struct fuse_entry_param *e)
    REQUIRES(v->lock)
{
	memset(e, 0, sizeof(*e));
	e->ino = n->id;
	e->generation = 1;
	node_stat_locked(v, n, &e->attr);
	e->attr_timeout = ops_seconds(node_ttl_left_locked(v, n));
	e->entry_timeout = e->attr_timeout;
}

/* Answers with n, which the kernel refers to from now on. */
void
ops_reply_entry(struct vfs *v, struct job *j, struct node *n)
{
	struct fuse_entry_param e;

	lock_take(&v->lock);
	ops_fill_entry_locked(v, n, &e);
	node_remember_locked(v, n);
	lock_drop(&v->lock);
	if (fuse_reply_entry(j->req, &e) == -ENOENT)
		node_forget(v, n->id, 1); /* the caller was interrupted */
}

/* Only the mounting user may look into sessions, whoever else may enter. */
int
ops_check_user(struct job *j, const struct node *n)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(j->req);

	if (n->backend->ops->open == NULL)
		return 0;
	return ctx->uid == geteuid() || ctx->uid == 0 ? 0 : -EACCES;
}

/* The node of a request, with a reference; answers ESTALE when there is none. */
struct node *
ops_node(struct ops *o, struct job *j, fuse_ino_t ino)
{
	struct node *n = node_get(o->v, ino);

	if (n == NULL)
		ops_reply(j, -ESTALE);
	return n;
}

bool
ops_name_too_long(struct job *j, const char *name)
{
	if (strlen(name) <= NAME_BYTES_MAX)
		return false;
	ops_reply(j, -ENAMETOOLONG);
	return true;
}

/* --- the mount ---------------------------------------------------------------- */

/* The service has no figures; tools that check for free space must go on. */
static void
op_statfs(fuse_req_t req, fuse_ino_t ino UNUSED)
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
op_init(void *userdata UNUSED, struct fuse_conn_info *conn)
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
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.create = op_create,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
};
