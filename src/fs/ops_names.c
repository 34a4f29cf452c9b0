/* fs/ops_names.c - the kernel's requests about names. */
#include "config.h"

#include "fs/ops_impl.h"

#include <errno.h>
#include <string.h>

#include "base/counters.h"
#include "base/log.h"
#include "fs/measure.h"
#include "fs/names.h"
#include "fs/notifier.h"
#include "fs/rename.h"

#include "base/banned.h"

static void
run_lookup(struct ops *o, struct job *j)
{
	struct node *parent, *n = NULL;
	struct fuse_entry_param none = { 0 };
	int ret;

	if (ops_name_too_long(j, j->name))
		return;
	parent = ops_node(o, j, j->ino);
	if (parent == NULL)
		return;
	ret = ops_check_user(j, parent);
	if (ret == 0)
		ret = dir_lookup(o->v, &j->call, parent, j->name, &n);
	if (ret == 0)
		ret = measure_shown(o->v, &j->call, n);
	if (ret == 0) {
		ops_reply_entry(o->v, j, n);
	} else if (ret == -ENOENT && parent->backend->ttl_ms != 0) {
		none.entry_timeout = ops_seconds(dir_absent_ms(o->v, parent));
		(void)fuse_reply_entry(j->req, &none);
	} else {
		ops_reply(j, ret);
	}
	node_unref(o->v, n);
	node_unref(o->v, parent);
}

void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct job j = { .run = run_lookup, .req = req, .op = "lookup",
		.ino = parent, .name = name };

	gate_pass(ops_of(req)->gate, &j);
}

void
op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	node_forget(ops_of(req)->v, ino, nlookup);
	fuse_reply_none(req);
}

void
op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
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

	if (ops_name_too_long(j, j->name))
		return;
	parent = ops_node(o, j, j->ino);
	if (parent == NULL)
		return;
	ret = names_mkdir(o->v, &j->call, parent, j->name, &n);
	if (ret == 0)
		ops_reply_entry(o->v, j, n);
	else
		ops_reply(j, ret);
	node_unref(o->v, n);
	node_unref(o->v, parent);
}

void
op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct job j = { .run = run_mkdir, .req = req, .op = "mkdir",
		.ino = parent, .name = name, .mode = mode };

	gate_pass(ops_of(req)->gate, &j);
}

typedef int remove_fn(struct vfs *, struct call *, struct node *, const char *);

static void
run_remove(struct ops *o, struct job *j, remove_fn *remove_name)
{
	struct node *parent = ops_node(o, j, j->ino);

	if (parent == NULL)
		return;
	ops_reply(j, remove_name(o->v, &j->call, parent, j->name));
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

void
op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct job j = { .run = run_unlink, .req = req, .op = "unlink",
		.ino = parent, .name = name };

	gate_pass(ops_of(req)->gate, &j);
}

void
op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct job j = { .run = run_rmdir, .req = req, .op = "rmdir",
		.ino = parent, .name = name };

	gate_pass(ops_of(req)->gate, &j);
}

/* The program was let go, and the kernel believes that nothing happened. */
static void
tell_renamed(struct ops *o, const struct job *j, int ret)
{
	log_info("rename", "%s to %s, interrupted, has ended: %s", j->name,
	    j->name2, ret == 0 ? "done" : strerror(-ret));
	notifier_name(o->notifier, j->ino, j->name);
	notifier_name(o->notifier, j->ino2, j->name2);
}

static void
run_rename(struct ops *o, struct job *j)
{
	struct node *from, *to;
	int ret;

	if (ops_name_too_long(j, j->name2))
		return;
	from = ops_node(o, j, j->ino);
	if (from == NULL)
		return;
	to = ops_node(o, j, j->ino2);
	if (to != NULL) {
		j->call.let_go = gate_let_go;
		ret = rename_node(o->v, &j->call, from, j->name, to, j->name2,
		    (unsigned)j->flags);
		if (j->let_go)
			tell_renamed(o, j, ret);
		else
			ops_reply(j, ret);
	}
	node_unref(o->v, to);
	node_unref(o->v, from);
}

void
op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
    fuse_ino_t newparent, const char *newname, unsigned int flags)
{
	struct job j = { .run = run_rename, .req = req, .op = "rename",
		.ino = parent, .name = name, .ino2 = newparent,
		.name2 = newname, .flags = (int)flags };

	gate_pass(ops_of(req)->gate, &j);
}

/* Links, devices and fifos are refused as other network filesystems refuse them. */
void
op_link(fuse_req_t req, fuse_ino_t ino UNUSED, fuse_ino_t newparent UNUSED,
    const char *newname UNUSED)
{
	(void)fuse_reply_err(req, EPERM);
}

void
op_symlink(fuse_req_t req, const char *link UNUSED, fuse_ino_t parent UNUSED,
    const char *name UNUSED)
{
	(void)fuse_reply_err(req, EPERM);
}

static void
run_readlink(struct ops *o, struct job *j)
{
	struct node *n = ops_node(o, j, j->ino);
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
		ops_reply(j, ret);
	buf_release(&target);
	entry_unref(e);
	node_unref(o->v, n);
}

void
op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct job j = { .run = run_readlink, .req = req, .op = "readlink",
		.ino = ino };

	gate_pass(ops_of(req)->gate, &j);
}
