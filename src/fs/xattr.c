/* fs/xattr.c - user.brickfs.*. */
#include "config.h"

#include "fs/xattr.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "backend/backend.h"
#include "base/text.h"

#include "base/banned.h"

static const char prefix[] = "user.brickfs.";

static int
show_state_locked(struct vfs *v, struct node *n, struct buf *out)
    REQUIRES(v->lock)
{
	const struct node_file *f = n->file;
	const char *state = "clean";

	if (f != NULL && f->saving)
		state = "uploading";
	else if (f != NULL && f->error != 0 && node_is_dirty_locked(v, n))
		state = "failed";
	else if (node_is_dirty_locked(v, n))
		state = "dirty";
	return buf_puts(out, state);
}

static int
show_error_locked(struct vfs *v, struct node *n, struct buf *out)
    REQUIRES(v->lock)
{
	const struct node_file *f = n->file;

	(void)v;
	if (f == NULL || f->error == 0)
		return -ENODATA;
	return buf_puts(out,
	    f->words != NULL ? f->words : strerror(-f->error));
}

static int
show_version_locked(struct vfs *v, struct node *n, struct buf *out)
    REQUIRES(v->lock)
{
	(void)v;
	if (n->kind != ENTRY_FILE || n->remote == NULL)
		return -ENODATA;
	return buf_printf(out, "%" PRId64 "-%" PRIu64 "%s",
	    n->remote->version.mtime_ms, n->remote->version.size,
	    n->remote->version.gen != 0 ? "-own" : "");
}

int
xattr_get(struct vfs *v, struct call *call, struct node *n, const char *name,
    struct buf *out)
{
	struct entry *e;
	int ret;

	if (!text_starts(name, prefix))
		return -ENODATA;
	name += strlen(prefix);
	lock_take(&v->lock);
	if (strcmp(name, "state") == 0)
		ret = show_state_locked(v, n, out);
	else if (strcmp(name, "error") == 0)
		ret = show_error_locked(v, n, out);
	else if (strcmp(name, "version") == 0)
		ret = show_version_locked(v, n, out);
	else
		ret = 1;
	e = n->remote != NULL ? entry_ref(n->remote) : NULL;
	lock_drop(&v->lock);
	if (ret == 1)
		ret = e != NULL && e->backend->ops->xattr != NULL ?
		    e->backend->ops->xattr(e->backend, call, e, name, out) :
		    -ENODATA;
	entry_unref(e);
	return ret;
}
