/* fs/names.c - making and removing names. */
#include "config.h"

#include "fs/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "cache/journal.h"
#include "fs/aside.h"
#include "fs/dir.h"
#include "fs/hold.h"
#include "fs/save.h"
#include "fs/save_record.h"

#include "base/banned.h"

/* A deleted file that is open is fetched up to this size, above it renamed. */
#define FETCH_AT_UNLINK ((uint64_t)8 << 20)

/* May names in dir be changed, and can it hold name? */
static int
check(struct vfs *v, struct node *dir, const char *name)
{
	const struct backend_ops *ops = dir->backend->ops;

	if (ops->put == NULL && ops->mkdir == NULL)
		return -EPERM; /* .control, the root */
	if (v->config.read_only)
		return -EROFS;
	return name != NULL && ops->check_name != NULL ?
	    ops->check_name(dir->backend, name) : 0;
}

/* --- making ---------------------------------------------------------------------- */

static int
create_new(struct vfs *v, struct node *parent, const char *name, int flags,
    mode_t mode, struct node **out)
{
	struct entry *base = NULL;
	struct node *n, *aside;
	int ret;

	if (parent->backend->ops->put == NULL)
		return -EROFS;
	lock_take(&v->lock);
	if (parent->gone || node_find_locked(v, parent, name) != NULL) {
		ret = parent->gone ? -ENOENT : -EEXIST;
		lock_drop(&v->lock);
		return ret;
	}
	aside = dir_aside_locked(v, parent, name);
	if (aside != NULL)
		base = entry_ref(aside->remote);
	n = node_new_locked(v, parent, name, ENTRY_FILE, parent->backend, NULL);
	if (n != NULL) {
		n->scratch = scratch_of_created(name, flags, mode);
		n->attr.executable = (mode & 0111) != 0;
		n->attr_loaded = true;
	}
	lock_drop(&v->lock);
	ret = n != NULL ? content_create(v, n, base) : -ENOMEM;
	entry_unref(base);
	if (ret == 0) {
		*out = n;
		return 0;
	}
	if (n != NULL) {
		lock_take(&v->lock);
		node_unname_locked(v, n);
		if (n->file != NULL)
			save_forget_locked(v, n);
		node_unref_locked(v, n);
		lock_drop(&v->lock);
		save_record_reap(v);
	}
	return ret;
}

int
names_create(struct vfs *v, struct call *call, struct node *parent,
    const char *name, int flags, mode_t mode, struct node **out,
    struct handle **handle, bool *keep_pages)
{
	struct node *n = NULL;
	int ret;

	ret = check(v, parent, name);
	if (ret < 0)
		return ret;
	ret = dir_lookup_new(v, call, parent, name, &n);
	if (ret == 0) {
		if ((flags & O_EXCL) != 0)
			ret = -EEXIST;
		else if (n->kind == ENTRY_DIR)
			ret = -EISDIR;
		else
			ret = content_open(v, call, n, flags, handle,
			    keep_pages);
	} else if (ret == -ENOENT) {
		ret = create_new(v, parent, name, flags, mode, &n);
		if (ret == 0)
			ret = content_open_new(v, n, flags, handle);
		*keep_pages = false;
	}
	if (ret == 0)
		*out = n;
	else
		node_unref(v, n);
	return ret;
}

static int
mkdir_held(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node **out)
{
	struct entry *dir, *e = NULL;
	struct node *n = NULL;
	int ret;

	ret = dir_lookup_new(v, call, parent, name, &n);
	if (ret == 0) {
		node_unref(v, n);
		return -EEXIST;
	}
	if (ret == -ENOENT)
		ret = aside_clear(v, call, parent, name);
	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	dir = entry_ref(parent->remote);
	lock_drop(&v->lock);
	ret = dir->backend->ops->mkdir(dir->backend, call, dir, name, &e);
	entry_unref(dir);
	lock_take(&v->lock);
	if (ret < 0) {
		dir_drop_locked(v, parent); /* it may have been made */
		lock_drop(&v->lock);
		return ret;
	}
	n = node_find_locked(v, parent, name) == NULL ?
	    node_new_locked(v, parent, name, ENTRY_DIR, e->backend, e) : NULL;
	if (n != NULL) {
		n->seen_ms = clock_mono_ms();
		n->attr.has_mtime = true;
		n->attr.mtime = clock_real();
		n->attr_loaded = true;
		/* The time that is shown now must be shown after a remount. */
		node_save_attr_locked(v, n);
		dir_is_new_locked(v, n);
	}
	dir_put_locked(v, parent, e);
	lock_drop(&v->lock);
	entry_unref(e);
	if (n == NULL)
		return dir_lookup(v, call, parent, name, out);
	*out = n;
	return 0;
}

int
names_mkdir(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node **out)
{
	int ret;

	ret = check(v, parent, name);
	if (ret == 0 && parent->backend->ops->mkdir == NULL)
		ret = -EPERM;
	if (ret == 0)
		ret = hold_begin(v, call, parent, NULL);
	if (ret < 0)
		return ret;
	ret = mkdir_held(v, call, parent, name, out);
	hold_end(v, parent, NULL);
	return ret;
}

/* --- removing ---------------------------------------------------------------------- */

/* n is gone from the server and from its name, which it may have lost already. */
static void
removed_locked(struct vfs *v, struct node *parent, const char *name,
    struct node *n, const struct entry *was) REQUIRES(v->lock)
{
	if (was != NULL && dir_aside_locked(v, parent, was->name) == n)
		name = was->name;
	dir_remove_locked(v, parent, name);
	aside_end_locked(v, n);
	if (was != NULL && v->config.overlay != NULL)
		overlay_drop(v->config.overlay, was);
	node_unname_locked(v, n);
	if (n->file != NULL)
		save_forget_locked(v, n);
}

/* Before the object of an open file goes: its content must stay readable.  *hidden
 * and *subject: see aside_hide; NULL when its content was fetched instead. */
static int
preserve(struct vfs *v, struct call *call, struct node *n,
    struct entry **hidden, uint64_t *subject)
{
	struct entry *e, *dir;
	bool needed;
	int ret;

	lock_take(&v->lock);
	needed = n->file != NULL && n->file->opens > 0 && n->remote != NULL &&
	    !n->gone &&
	    (n->file->staged == NULL || !staged_complete(n->file->staged));
	e = needed ? entry_ref(n->remote) : NULL;
	dir = needed ? entry_ref(n->parent->remote) : NULL;
	lock_drop(&v->lock);
	if (!needed)
		return 0;
	if (e->version.size <= FETCH_AT_UNLINK ||
	    e->backend->ops->rename == NULL)
		ret = content_fetch(v, call, n);
	else
		ret = aside_hide(v, call, e, dir, hidden, subject);
	entry_unref(e);
	entry_unref(dir);
	return ret;
}

/* -EAGAIN: name shows something else by now. */
static int
unlink_frozen(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node *n)
{
	struct entry *e = NULL, *hidden = NULL;
	uint64_t subject = 0;
	int ret = 0;

	lock_take(&v->lock);
	if (node_find_locked(v, parent, name) != n)
		ret = -EAGAIN;
	else
		e = aside_object_locked(v, n);
	lock_drop(&v->lock);
	if (ret < 0)
		return ret;
	if (e != NULL && e->backend->ops->unlink == NULL) {
		entry_unref(e);
		return -EPERM;
	}
	ret = journal_settle(v->config.journal);
	/* What is only here in part goes with its object, also when that is another
	 * file's by now. */
	if (ret == 0)
		save_record_going(v, n);
	if (ret == 0 && e != NULL)
		ret = preserve(v, call, n, &hidden, &subject);
	if (ret == 0 && e != NULL && hidden == NULL)
		ret = e->backend->ops->unlink(e->backend, call, e);
	if (ret == -ENOENT)
		ret = 0; /* somebody was faster */
	lock_take(&v->lock);
	if (ret == 0) {
		removed_locked(v, parent, name, n, e);
		if (hidden != NULL)
			aside_hidden_locked(v, n, parent, hidden, subject);
	} else {
		dir_drop_locked(v, parent); /* unknown what happened */
		n->seen_ms = 0;
	}
	lock_drop(&v->lock);
	if (ret < 0)
		save_record_stays(v, n);
	entry_unref(hidden);
	entry_unref(e);
	return ret;
}

static int
unlink_held(struct vfs *v, struct call *call, struct node *parent,
    const char *name)
{
	bool promised = false;
	struct node *n;
	int ret;

	do {
		ret = dir_lookup(v, call, parent, name, &n);
		if (ret < 0)
			return ret;
		if (n->kind == ENTRY_DIR)
			ret = -EISDIR;
		if (ret == 0)
			ret = hold_freeze(v, call, n);
		if (ret == 0) {
			lock_take(&v->lock);
			promised = n->file != NULL && n->file->promised &&
			    node_is_dirty_locked(v, n);
			lock_drop(&v->lock);
			ret = unlink_frozen(v, call, parent, name, n);
			hold_thaw(v, n);
		}
		node_unref(v, n);
	} while (ret == -EAGAIN);
	save_record_reap(v);
	/* Or the next mount would send it after all. */
	if (ret == 0 && promised)
		ret = journal_sync(v->config.journal);
	return ret;
}

static bool
has_local_names(struct vfs *v, struct node *dir)
{
	struct node *c;
	bool found = false;

	lock_take(&v->lock);
	DL_FOREACH(dir->children, c)
		found = found || node_is_local_locked(v, c);
	lock_drop(&v->lock);
	return found;
}

static int
rmdir_held(struct vfs *v, struct call *call, struct node *parent,
    const char *name)
{
	struct entry *e;
	struct node *n;
	int ret;

	ret = dir_lookup(v, call, parent, name, &n);
	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	e = entry_ref(n->remote != NULL ? n->remote : parent->remote);
	lock_drop(&v->lock);
	if (n->kind != ENTRY_DIR)
		ret = -ENOTDIR;
	else if (e->backend->ops->rmdir == NULL ||
	    e->backend != parent->remote->backend)
		ret = -EPERM;
	else if (has_local_names(v, n))
		ret = -ENOTEMPTY;
	if (ret == 0)
		ret = hold_freeze(v, call, n);
	if (ret == 0) {
		ret = e->backend->ops->rmdir(e->backend, call, e);
		lock_take(&v->lock);
		if (ret == 0) {
			removed_locked(v, parent, name, n, e);
		} else {
			dir_drop_locked(v, n);
			if (ret != -ENOTEMPTY) { /* unknown what happened */
				dir_drop_locked(v, parent);
				n->seen_ms = 0;
			}
		}
		lock_drop(&v->lock);
		hold_thaw(v, n);
	}
	entry_unref(e);
	node_unref(v, n);
	return ret;
}

typedef int remove_fn(struct vfs *v, struct call *call, struct node *parent,
    const char *name);

static int
hold_and_remove(struct vfs *v, struct call *call, struct node *parent,
    const char *name, remove_fn *remove_held)
{
	int ret;

	ret = check(v, parent, NULL);
	if (ret == 0)
		ret = hold_begin(v, call, parent, NULL);
	if (ret < 0)
		return ret;
	ret = remove_held(v, call, parent, name);
	hold_end(v, parent, NULL);
	return ret;
}

int
names_unlink(struct vfs *v, struct call *call, struct node *parent,
    const char *name)
{
	return hold_and_remove(v, call, parent, name, unlink_held);
}

int
names_rmdir(struct vfs *v, struct call *call, struct node *parent,
    const char *name)
{
	return hold_and_remove(v, call, parent, name, rmdir_held);
}
