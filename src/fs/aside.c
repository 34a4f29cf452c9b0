/* fs/aside.c - objects that are shown under another name than they have. */
#include "config.h"

#include "fs/aside.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "backend/hidden.h"
#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/journal.h"
#include "fs/base_source.h"
#include "fs/content.h"
#include "fs/dir.h"
#include "fs/forget.h"
#include "fs/hold.h"
#include "fs/measure.h"
#include "fs/save.h"
#include "fs/save_record.h"

#include "base/banned.h"

/* How long a file that is about to take the place of one moved aside is waited for at
 * least. */
#define AGAIN_MS 100

int
aside_note(struct vfs *v, struct node *n, const char *shown, uint64_t over,
    uint64_t *subject)
{
	struct json_object *p = json_object_new_object();
	bool fresh = *subject == 0;
	struct entry *e;
	int ret;

	if (fresh)
		*subject = journal_subject(v->config.journal);
	lock_take(&v->lock);
	e = entry_ref(n->remote);
	lock_drop(&v->lock);
	ret = jval_add_str(p, "tree", e->tree);
	if (ret == 0)
		ret = jval_add_str(p, "path", e->path);
	if (ret == 0)
		ret = jval_add_str(p, "shown", shown);
	if (ret == 0)
		ret = journal_add_old(p, &e->version);
	if (ret == 0 && over != 0)
		ret = jval_add_i64(p, "over", (int64_t)over);
	if (ret == 0)
		ret = journal_write(v->config.journal, JOURNAL_ASIDE, *subject,
		    p, true);
	if (ret < 0 && fresh) /* or it would come to the disk when there is room again */
		journal_end(v->config.journal, *subject);
	entry_unref(e);
	json_object_put(p);
	return ret;
}

int
aside_begin_locked(struct vfs *v, struct node *n, uint64_t subject)
{
	if (node_file_locked(v, n) == NULL ||
	    node_dir_locked(v, n->parent) == NULL)
		return -ENOMEM;
	n->aside = true;
	n->file->aside_subject = subject;
	n->parent->dir->asides++;
	save_later_locked(v, n, v->config.scratch_keep_ms);
	return 0;
}

int
aside_begin(struct vfs *v, struct node *n)
{
	uint64_t subject = 0;
	char *shown;
	int ret;

	lock_take(&v->lock);
	shown = text_dup(n->name);
	lock_drop(&v->lock);
	ret = shown != NULL ? aside_note(v, n, shown, 0, &subject) : -ENOMEM;
	free(shown);
	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	ret = aside_begin_locked(v, n, subject);
	lock_drop(&v->lock);
	return ret;
}

uint64_t
aside_leave_locked(struct vfs *v, struct node *n)
{
	if (!n->aside)
		return 0;
	n->aside = false;
	if (!node_is_dirty_locked(v, n)) /* the content is the object's again */
		save_record_drop_locked(v, n);
	if (n->parent != NULL && n->parent->dir != NULL)
		n->parent->dir->asides--;
	return n->file->aside_subject;
}

void
aside_end_locked(struct vfs *v, struct node *n)
{
	uint64_t subject = aside_leave_locked(v, n);

	if (subject != 0)
		journal_end(v->config.journal, subject);
}

struct entry *
aside_object_locked(struct vfs *v, struct node *n)
{
	struct entry *e = n->remote;
	bool kept;

	/* A new file stands for what it will replace. */
	if (e == NULL && n->file != NULL)
		e = n->file->base;
	if (e == NULL || n->parent == NULL)
		return e != NULL ? entry_ref(e) : NULL;
	if (n->aside)
		kept = node_find_locked(v, n->parent, e->name) != NULL;
	else
		kept = n->remote == NULL &&
		    dir_aside_locked(v, n->parent, e->name) != NULL;
	return kept ? NULL : entry_ref(e);
}

int
aside_keep(struct vfs *v, struct call *call, struct node *n)
{
	int ret = content_fetch(v, call, n);

	/* On disk, with its name, before the object is gone. */
	return ret == 0 ? save_record_keep(v, n) : ret;
}

void
aside_replaced(struct vfs *v, struct node *n)
{
	struct stat st;

	lock_take(&v->lock);
	node_stat_locked(v, n, &st);
	if (n->parent != NULL)
		node_changed_locked(v, n);
	aside_end_locked(v, n);
	node_set_remote_locked(v, n, NULL, n->seen_ms);
	n->attr_loaded = true;
	entry_unref(n->file->base);
	n->file->base = NULL;
	if (!n->attr.has_mtime)
		n->attr_loaded = false;
	n->attr.has_mtime = false;
	n->file->deferred = false;
	n->file->error = 0;
	n->file->mtime = st.st_mtim; /* nobody has written it */
	if (n->parent != NULL && n->scratch == SCRATCH_LATER)
		save_later_locked(v, n, v->config.scratch_keep_ms);
	lock_drop(&v->lock);
}

int
aside_hide(struct vfs *v, struct call *call, const struct entry *e,
    const struct entry *dir, struct entry **hidden, uint64_t *subject)
{
	const struct backend_ops *ops = e->backend->ops;
	struct entry *goal = NULL, *now = NULL;
	char name[HIDDEN_NAME_BYTES];
	struct call look = call_copy(call);
	int ret;

	hidden_name(name);
	*subject = journal_subject(v->config.journal);
	ret = ops->rekey(e->backend, dir, name, e, &goal);
	if (ret == 0)
		ret = journal_note_delete(v->config.journal, *subject,
		    goal->tree, goal->path);
	if (ret == 0)
		ret = ops->rename(e->backend, call, e, dir, name, NULL, hidden);
	/* Nobody may know whether it has that name, or is about to have it. */
	if (ret < 0 && (goal == NULL ||
	    ops->refresh(e->backend, &look, goal, &now) == -ENOENT))
		journal_end(v->config.journal, *subject);
	else if (ret < 0)
		journal_leave(v->config.journal, *subject);
	entry_unref(now);
	entry_unref(goal);
	return ret;
}

void
aside_hidden_locked(struct vfs *v, struct node *n, struct node *dir,
    struct entry *hidden, uint64_t subject)
{
	node_set_remote_locked(v, n, hidden, clock_mono_ms());
	node_hide_locked(v, n, dir);
	n->delete_at_release = true;
	n->file->delete_subject = subject;
	if (n->file->opens == 0) /* it was closed meanwhile */
		save_later_locked(v, n, 0);
}

/* --- doing it ------------------------------------------------------------------- */

static int
delete_hidden(struct vfs *v, struct call *call, struct node *n)
{
	struct entry *e;
	int ret;

	lock_take(&v->lock);
	if (n->file->opens > 0 && !v->stopping) {
		lock_drop(&v->lock);
		return 0; /* at the last release */
	}
	e = entry_ref(n->remote);
	lock_drop(&v->lock);
	ret = e->backend->ops->unlink(e->backend, call, e);
	if (ret == -ENOENT)
		ret = 0;
	if (ret == 0) {
		journal_end(v->config.journal, n->file->delete_subject);
		lock_take(&v->lock);
		n->delete_at_release = false;
		node_unhide_locked(v, n);
		lock_drop(&v->lock);
	} else {
		log_warn("aside", "%s could not be deleted", e->path);
		lock_take(&v->lock);
		save_later_locked(v, n, 30000);
		lock_drop(&v->lock);
	}
	entry_unref(e);
	return ret;
}

/* The object of n was changed by others, or is gone.  What n shows of it is kept, when it
 * is here; what was changed of it here, and is not all here, is for a person to decide. */
static void
lose_object(struct vfs *v, struct node *n, bool gone)
{
	bool complete, dirty;

	if (!gone)
		save_record_stays(v, n);
	lock_take(&v->lock);
	log_warn("aside", "%s was changed on the server meanwhile",
	    n->remote->path);
	complete = n->file->staged != NULL && staged_complete(n->file->staged);
	dirty = node_is_dirty_locked(v, n);
	if (!complete) {
		aside_end_locked(v, n);
		if (!dirty)
			node_part_locked(v, n);
	}
	lock_drop(&v->lock);
	if (complete) {
		(void)save_record_keep(v, n); /* logged */
		aside_replaced(v, n);
	} else if (dirty) {
		(void)save_record_outcome(v, n, -ESTALE, "");
	}
}

/* One that an earlier mount left, and that could not be looked at then: is it still
 * what it was?  1: not so. */
static int
check_seen(struct vfs *v, struct call *call, struct node *n)
{
	struct entry *e = NULL, *now = NULL;
	bool same;
	int ret;

	lock_take(&v->lock);
	if (n->seen_ms == 0 && n->remote != NULL)
		e = entry_ref(n->remote);
	lock_drop(&v->lock);
	if (e == NULL)
		return 0;
	ret = e->backend->ops->refresh(e->backend, call, e, &now);
	same = ret == 0 && now->kind == ENTRY_FILE &&
	    version_matches(&e->version, &now->version);
	if (same) {
		lock_take(&v->lock);
		if (n->remote == e)
			node_set_remote_locked(v, n, now, clock_mono_ms());
		n->seen_ms = clock_mono_ms();
		lock_drop(&v->lock);
	} else if (ret == 0 || ret == -ENOENT) {
		lose_object(v, n, ret == -ENOENT);
		ret = 1;
	}
	entry_unref(now);
	entry_unref(e);
	return ret;
}

/* The new file of the name that n's object has; NULL: there is none. */
static struct node *
successor_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	return n->parent != NULL && n->aside ?
	    node_find_locked(v, n->parent, n->remote->name) : NULL;
}

/* The object cannot have the name as what it is: its content is a file of its own from now
 * on, which is sent in its time.  That is on disk before the object goes; one that others
 * have changed meanwhile stays, under its own name. */
static int
keep_instead(struct vfs *v, struct call *call, struct node *n,
    const struct entry *e)
{
	struct entry *now = NULL;
	int ret = measure_node(v, call, n);

	if (ret == 0)
		ret = aside_keep(v, call, n);
	if (ret == 0)
		ret = e->backend->ops->refresh(e->backend, call, e, &now);
	if (ret == 0 && version_matches(&e->version, &now->version))
		ret = e->backend->ops->unlink(e->backend, call, e);
	else if (ret == 0)
		log_warn("aside", "%s was changed on the server meanwhile", e->path);
	entry_unref(now);
	return ret == -ENOENT ? 0 : ret;
}

/* n, if there is one, is to replace nothing any more. */
static void
forget_base_locked(struct vfs *v UNUSED, struct node *n) REQUIRES(v->lock)
{
	if (n == NULL || n->file == NULL)
		return;
	entry_unref(n->file->base);
	n->file->base = NULL;
}

/* now: also when a new file of the object's name is there, which does not replace the
 * object then. */
static int
rename_for_real(struct vfs *v, struct call *call, struct node *n, bool now)
{
	struct entry *e, *dir, *moved = NULL;
	uint64_t subject = 0;
	struct node *fresh;
	bool kept;
	char *name;
	int ret = 0;

	/* What is about to replace the object may have done it already. */
	lock_take(&v->lock);
	fresh = successor_locked(v, n);
	lock_drop(&v->lock);
	if (fresh == NULL || now)
		ret = check_seen(v, call, n);
	lock_take(&v->lock);
	if (ret != 0) {
		if (ret < 0)
			save_later_locked(v, n, v->config.scratch_keep_ms);
		lock_drop(&v->lock);
		return ret < 0 ? ret : 0;
	}
	/* A new file may just have replaced the object. */
	fresh = successor_locked(v, n);
	if (n->parent == NULL || !n->aside || (fresh != NULL && !now)) {
		/* A new file is about to replace it: later, if it does not. */
		if (fresh != NULL)
			save_later_locked(v, n,
			    v->config.scratch_keep_ms > AGAIN_MS ?
			    v->config.scratch_keep_ms : AGAIN_MS);
		lock_drop(&v->lock);
		return 0;
	}
	e = entry_ref(n->remote);
	dir = entry_ref(n->parent->remote);
	name = text_dup(n->name);
	n->frozen++; /* who reads it waits until it is known where it is */
	lock_drop(&v->lock);
	if (name != NULL)
		forget_namesake(v, e, dir, name);
	kept = name == NULL || e->backend->ops->keeps_form == NULL ||
	    e->backend->ops->keeps_form(e->backend, e, name);
	ret = name == NULL ? -ENOMEM : !kept ? keep_instead(v, call, n, e) :
	    e->backend->ops->rename(e->backend, call, e, dir, name, NULL,
		&moved);
	lock_take(&v->lock);
	if (ret == 0 && !kept) {
		dir_drop_locked(v, n->parent); /* others may have something there */
		fresh = node_find_locked(v, n->parent, e->name);
		forget_base_locked(v, fresh);
	} else if (ret == 0) {
		dir_remove_locked(v, n->parent, e->name);
		subject = aside_leave_locked(v, n);
		overlay_move(v->config.overlay, e, moved);
		node_set_remote_locked(v, n, moved, clock_mono_ms());
		/* It is a file like any other now; what it builds on moved too. */
		n->scratch = SCRATCH_NO;
		if (n->file->base != NULL) {
			entry_unref(n->file->base);
			n->file->base = entry_ref(moved);
		}
		dir_put_locked(v, n->parent, moved);
		fresh = node_find_locked(v, n->parent, e->name);
		forget_base_locked(v, fresh);
	} else {
		log_warn("aside", "%s could not be renamed to %s", e->path,
		    name != NULL ? name : "its new name");
		save_later_locked(v, n, v->config.scratch_keep_ms);
	}
	n->frozen--;
	cond_broadcast(&v->work);
	cond_broadcast(&v->changed);
	lock_drop(&v->lock);
	if (ret == 0 && !kept)
		aside_replaced(v, n);
	/* What was changed of it here replaces it under the new name. */
	if (subject != 0) {
		(void)save_record_renamed(v, n, false);
		journal_end(v->config.journal, subject);
	}
	free(name);
	entry_unref(moved);
	entry_unref(dir);
	entry_unref(e);
	return ret;
}

int
aside_rename(struct vfs *v, struct call *call, struct node *n)
{
	return n->aside ? rename_for_real(v, call, n, true) : 0;
}

int
aside_clear(struct vfs *v, struct call *call, struct node *dir,
    const char *name)
{
	struct node *n;
	int ret;

	lock_take(&v->lock);
	n = dir_aside_locked(v, dir, name);
	if (n != NULL)
		(void)node_ref_locked(v, n);
	lock_drop(&v->lock);
	if (n == NULL)
		return 0;
	/* The saver may be at it. */
	ret = hold_freeze(v, call, n);
	if (ret == 0) {
		ret = aside_rename(v, call, n);
		hold_thaw(v, n);
	}
	node_unref(v, n);
	return ret;
}

/* -ESTALE: it is another version by now, which stays. */
static int
delete_seen(struct call *call, struct entry *old)
{
	struct entry *now = NULL;
	int ret;

	ret = old->backend->ops->refresh(old->backend, call, old, &now);
	if (ret == 0 && (now->kind != old->kind ||
		!version_matches(&old->version, &now->version)))
		ret = -ESTALE;
	entry_unref(now);
	if (ret == 0)
		ret = old->backend->ops->unlink(old->backend, call, old);
	return ret == -ENOENT ? 0 : ret;
}

void
aside_drop_old(struct vfs *v, struct call *call, struct node *n)
{
	struct entry *old = NULL;
	struct node *dir, *other;
	int ret;

	lock_take(&v->lock);
	if (n->file->drop != NULL && (n->remote == NULL ||
		strcmp(n->remote->path, n->file->drop->path) != 0))
		old = entry_ref(n->file->drop);
	dir = old != NULL ? node_ref_locked(v, n->file->drop_dir) : NULL;
	/* Somebody builds on it: it is his. */
	other = old != NULL ? node_find_locked(v, dir, old->name) : NULL;
	if (other != NULL && other != n && node_is_local_locked(v, other)) {
		entry_unref(old);
		old = NULL;
	}
	if (old == NULL)
		node_set_drop_locked(v, n, NULL, NULL);
	lock_drop(&v->lock);
	/* It is known as what goes until it is gone, to records and to the start of a
	 * mount.  Nobody renames what is being saved. */
	if (old != NULL) {
		ret = delete_seen(call, old);
		lock_take(&v->lock);
		n->file->drop_error = ret == -ESTALE ? 0 : ret;
		node_set_drop_locked(v, n, NULL, NULL);
		other = node_find_locked(v, dir, old->name);
		if (ret == 0) {
			dir_remove_locked(v, dir, old->name);
			if (other != NULL && other != n &&
			    !node_is_local_locked(v, other))
				node_part_locked(v, other);
		} else {
			log_warn("rename", "%s %s, and stays", old->path,
			    ret == -ESTALE ?
				"was changed on the server meanwhile" :
				"has a new name, and could not be deleted"
				" under the old one");
			dir_drop_locked(v, dir);
		}
		lock_drop(&v->lock);
	}
	entry_unref(old);
	node_unref(v, dir);
}

int
aside_settle(struct vfs *v, struct call *call, struct node *n)
{
	if (n->delete_at_release)
		return delete_hidden(v, call, n);
	return n->aside ? rename_for_real(v, call, n, false) : 0;
}
