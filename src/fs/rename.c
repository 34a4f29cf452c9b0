/* fs/rename.c - giving a file or a directory another name. */
#include "config.h"

#include "fs/rename.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/log.h"
#include "cache/journal.h"
#include "fs/aside.h"
#include "fs/content.h"
#include "fs/dir.h"
#include "fs/hold.h"
#include "fs/measure.h"
#include "fs/rename_impl.h"
#include "fs/save.h"
#include "fs/save_record.h"

#include "base/banned.h"

#define FETCH_FOR_READERS ((uint64_t)8 << 20)

/* --- what changes here --------------------------------------------------------- */

/* The name of t shows another file: old handles must not read that. */
static void
forget_target_locked(struct vfs *v, struct node *t) REQUIRES(v->lock)
{
	if (t->file == NULL || t->file->staged == NULL ||
	    !staged_complete(t->file->staged))
		t->gone = true;
	if (t->file != NULL)
		save_forget_locked(v, t);
}

void
rename_drop_target_locked(struct vfs *v, const struct move *m)
{
	struct node *t = m->target;

	if (t == NULL || t->parent == NULL)
		return;
	aside_end_locked(v, t);
	node_unname_locked(v, t);
	forget_target_locked(v, t);
}

int
rename_take_name_locked(struct vfs *v, const struct move *m)
{
	struct node *other;

	rename_drop_target_locked(v, m);
	/* Somebody may have found at the service what it is about to show. */
	other = node_find_locked(v, m->to_dir, m->to);
	if (other != NULL)
		node_part_locked(v, other);
	return node_rename_locked(v, m->n, m->to_dir, m->to);
}

/* --- only here ------------------------------------------------------------------- */

/* The record of t's content; 0: none. */
static uint64_t
subject_of_locked(struct vfs *v UNUSED, const struct node *t) REQUIRES(v->lock)
{
	return t != NULL && t->file != NULL ? t->file->subject : 0;
}

/* The object's own name again.  What is unsent under that, if anything, goes with the
 * record that says so. */
static int
come_back(const struct move *m)
{
	struct vfs *v = m->v;
	struct doomed *replaced = NULL;
	uint64_t subject, over;
	int ret = 0;

	lock_take(&v->lock);
	over = subject_of_locked(v, m->target);
	subject = m->n->file->aside_subject;
	lock_drop(&v->lock);
	if (over != 0)
		ret = aside_note(v, m->n, m->to, over, &subject);
	if (ret < 0) { /* what the journal says when it can be written again */
		(void)aside_note(v, m->n, m->from, 0, &subject);
		return ret;
	}
	lock_take(&v->lock);
	if (over != 0)
		replaced = save_record_detach_locked(v, m->target);
	subject = aside_leave_locked(v, m->n);
	ret = rename_take_name_locked(v, m);
	m->n->scratch = SCRATCH_NO;
	lock_drop(&v->lock);
	save_record_end(v, replaced);
	journal_end(v->config.journal, subject);
	/* Or the next mount would show the other name again. */
	return ret == 0 ? journal_sync(v->config.journal) : ret;
}

static int
move_aside(const struct move *m)
{
	struct vfs *v = m->v;
	uint64_t subject = 0, over;
	int ret;

	lock_take(&v->lock);
	over = subject_of_locked(v, m->target);
	lock_drop(&v->lock);
	ret = aside_note(v, m->n, m->to, over, &subject);
	if (ret < 0)
		return ret;
	/* At once, or a look at the old name would find the object. */
	lock_take(&v->lock);
	ret = node_file_locked(v, m->n) != NULL ? rename_take_name_locked(v, m) :
						  -ENOMEM;
	if (ret == 0)
		ret = aside_begin_locked(v, m->n, subject);
	if (ret == 0)
		m->n->scratch = scratch_of_name(m->to);
	lock_drop(&v->lock);
	if (ret < 0)
		journal_end(v->config.journal, subject);
	return ret;
}

/* What was written and not closed yet is promised as by a close, before the record
 * says what it has replaced. */
static int
promise_first(struct vfs *v, struct node *n)
{
	bool promised;

	lock_take(&v->lock);
	promised = n->file->promised;
	lock_drop(&v->lock);
	return promised ? 0 : save_record_promise(v, n, true);
}

static int
move_here(const struct move *m)
{
	struct vfs *v = m->v;
	struct doomed *replaced = NULL;
	uint64_t over;
	int ret = promise_first(v, m->n);

	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	over = subject_of_locked(v, m->target);
	if (over != 0)
		replaced = save_record_detach_locked(v, m->target);
	ret = rename_take_name_locked(v, m);
	if (ret == 0) {
		/* What it was to replace belongs to a file moved aside. */
		entry_unref(m->n->file->base);
		m->n->file->base = NULL;
		m->n->file->over = over;
		m->n->scratch = scratch_of_name(m->to);
		if (m->n->scratch == SCRATCH_LATER && m->n->file->opens == 0)
			save_later_locked(v, m->n, v->config.scratch_keep_ms);
	}
	lock_drop(&v->lock);
	(void)save_record_renamed(v, m->n, false);
	save_record_end(v, replaced);
	return ret;
}

/* --- by content -------------------------------------------------------------------- */

/* What must be remembered to take a failed rename back. */
struct undo {
	enum scratch scratch;
	struct entry *remote;
	struct entry *base;
	bool was_dirty;
	bool aside;
	uint64_t aside_subject;
};

/* Somebody may have looked for the old name, which the server still had. */
static void
drop_old_name_locked(struct vfs *v, const struct move *m) REQUIRES(v->lock)
{
	struct node *other = node_find_locked(v, m->from_dir, m->from);

	if (other != NULL && other != m->n)
		node_part_locked(v, other);
}

static void
undo_locked(struct vfs *v, const struct move *m, struct undo *u)
    REQUIRES(v->lock)
{
	struct node *n = m->n, *t = m->target;

	drop_old_name_locked(v, m);
	if (node_rename_locked(v, n, m->from_dir, m->from) < 0)
		return;
	node_set_drop_locked(v, n, NULL, NULL);
	n->scratch = u->scratch;
	node_set_remote_locked(v, n, u->remote, clock_mono_ms());
	entry_unref(n->file->base);
	n->file->base = u->base;
	u->base = NULL;
	n->file->over = n->file->unaside = 0;
	dir_drop_locked(v, m->to_dir); /* unknown what happened */
	if (t != NULL && t->parent == NULL &&
	    node_name_locked(v, t, m->to_dir, m->to) == 0)
		t->seen_ms = 0;
}

/* What n has on the server under the old name goes when it is there under the new one:
 * in the version that the file had or was made from, or it is by others. */
static void
set_drop_locked(struct vfs *v, const struct move *m, const struct entry *base)
    REQUIRES(v->lock)
{
	struct entry *object = aside_object_locked(v, m->n), *seen;

	seen = object != NULL && base != NULL &&
		strcmp(base->path, object->path) == 0 ?
	    entry_new(object->backend, object->tree, object->kind, object->path,
		object->name, &base->version) : NULL;
	node_set_drop_locked(v, m->n, m->from_dir, seen != NULL ? seen : object);
	m->n->file->drop_error = 0;
	entry_unref(seen);
	entry_unref(object);
}

/* n shows the new name and builds on what that had; the upload decides. */
static int
begin_put(const struct move *m, struct undo *u)
{
	struct vfs *v = m->v;
	struct node *n = m->n, *aside;
	struct entry *base = NULL;
	int ret;

	lock_take(&v->lock);
	u->scratch = n->scratch;
	u->remote = n->remote != NULL ? entry_ref(n->remote) : NULL;
	u->base = n->file->base;
	u->was_dirty = node_is_dirty_locked(v, n);
	set_drop_locked(v, m, u->base);
	u->aside = n->aside;
	u->aside_subject = aside_leave_locked(v, n);
	aside = dir_aside_locked(v, m->to_dir, m->to);
	if (m->target != NULL && m->target->remote != NULL &&
	    !m->target->aside)
		base = entry_ref(m->target->remote);
	else if (aside != NULL)
		base = entry_ref(aside->remote);
	else if (m->target != NULL && !m->target->aside &&
	    m->target->file->base != NULL)
		base = entry_ref(m->target->file->base); /* as it would have */
	else if (u->aside && m->from_dir == m->to_dir &&
	    strcmp(u->remote->name, m->to) == 0)
		base = entry_ref(u->remote); /* its own object */
	/* The target keeps its content and comes back if the upload fails. */
	if (m->target != NULL)
		node_unname_locked(v, m->target);
	ret = node_rename_locked(v, n, m->to_dir, m->to);
	if (ret == 0) {
		n->scratch = SCRATCH_NO;
		node_set_remote_locked(v, n, NULL, 0);
		n->file->base = base;
		base = NULL;
		n->file->over = subject_of_locked(v, m->target);
		n->file->unaside = u->aside_subject;
		node_changed_locked(v, n);
		n->file->deferred = false;
		n->file->moving = true;
		n->attr.has_mtime = false;
	} else {
		u->base = NULL;
	}
	lock_drop(&v->lock);
	entry_unref(base);
	return ret;
}

/* Sends n, which is frozen and is so again afterwards.  The call is steady. */
static int
send_frozen(const struct move *m)
{
	struct vfs *v = m->v;
	struct node *n = m->n;
	int ret;

	hold_thaw(v, n);
	ret = save_now(v, m->call, n);
	if (ret == -EINTR) { /* the mount ends */
		lock_take(&v->lock);
		n->frozen++;
		n->closing++;
		lock_drop(&v->lock);
		return ret;
	}
	(void)hold_freeze(v, m->call, n); /* is not interrupted */
	lock_take(&v->lock);
	if (ret < 0 && n->remote != NULL)
		ret = 0; /* a close by somebody else has sent it */
	lock_drop(&v->lock);
	return ret;
}

/* n, unsent, waits again for what it waited for before the rename. */
static void
wait_again_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	n->file->error = 0; /* the rename's, whose caller is told */
	if (n->file->opens > 0 || n->scratch == SCRATCH_NEVER)
		return;
	save_later_locked(v, n, n->scratch == SCRATCH_LATER ?
	    v->config.scratch_keep_ms : 0);
}

static int
move_pinned(const struct move *m)
{
	struct vfs *v = m->v;
	struct node *n = m->n, *t = m->target;
	struct undo u = { 0 };
	struct stat st;
	bool told;
	int ret;

	lock_take(&v->lock);
	node_stat_locked(v, n, &st); /* its time moves with the file */
	lock_drop(&v->lock);
	ret = begin_put(m, &u);
	if (ret < 0)
		goto out;
	lock_take(&v->lock);
	n->file->mtime = st.st_mtim;
	lock_drop(&v->lock);
	told = save_record_promise(v, n, u.aside_subject != 0) == 0; /* logged */
	(void)save_record_renamed(v, n, false);
	/* That record says it all, as durably, and that this one has ended. */
	if (u.aside_subject != 0 && told)
		journal_end(v->config.journal, u.aside_subject);
	ret = send_frozen(m);
	/* The kernel would repeat a rename that is stale, and the second one replaces what
	 * the first one has found. */
	if (ret == -ESTALE)
		ret = -EBUSY;
	lock_take(&v->lock);
	n->file->moving = false;
	if (ret == 0 || ret == -EINTR) { /* the next mount sends it */
		if (t != NULL)
			forget_target_locked(v, t);
	} else {
		undo_locked(v, m, &u);
		if (!u.was_dirty && n->parent == m->from_dir)
			save_forget_locked(v, n);
		else
			wait_again_locked(v, n);
	}
	lock_drop(&v->lock);
	if (ret < 0 && ret != -EINTR) {
		(void)save_record_renamed(v, n, false);
		if (u.aside && n->parent == m->from_dir)
			(void)aside_begin(v, n); /* logged; its object shows */
	} else if (ret == 0) {
		ret = n->file->drop_error;
	}
	if (u.aside_subject != 0 && !told && ret != -EINTR)
		journal_end(v->config.journal, u.aside_subject);
out:
	entry_unref(u.remote);
	entry_unref(u.base);
	return ret;
}

/* Until n has its new name nothing of it or of the target may be on its way, or the
 * old names would be written after the new one. */
static int
move_by_content(const struct move *m)
{
	struct call steady = call_steady(m->call);
	struct move whole = *m;
	int ret;

	ret = measure_node(m->v, m->call, m->n);
	if (ret == 0)
		ret = content_pin(m->v, m->n);
	if (ret < 0)
		return ret;
	ret = content_fetch(m->v, m->call, m->n);
	/* From here on it is done or taken back, whoever is let go. */
	whole.call = &steady;
	if (ret == 0)
		ret = move_pinned(&whole);
	content_unpin(m->v, m->n);
	return ret;
}

/* -o writeback: n, which the server does not know, has its new name when the journal
 * says so, and is sent in its time as what replaces the target. */
static int
move_and_wait(const struct move *m)
{
	struct vfs *v = m->v;
	struct node *n = m->n;
	struct undo u = { 0 };
	struct timespec mtime;
	int ret;

	ret = promise_first(v, n);
	if (ret == 0)
		ret = content_pin(v, n);
	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	mtime = n->file->mtime;
	lock_drop(&v->lock);
	ret = begin_put(m, &u);
	if (ret < 0)
		goto out;
	lock_take(&v->lock);
	n->file->mtime = mtime;
	n->file->moving = false;
	lock_drop(&v->lock);
	(void)save_record_renamed(v, n, true);
	ret = save_record_harden(v, n);
	lock_take(&v->lock);
	if (ret == 0) {
		if (m->target != NULL)
			forget_target_locked(v, m->target);
		if (n->file->opens == 0)
			save_put_off_locked(v, n);
	} else {
		undo_locked(v, m, &u);
		wait_again_locked(v, n);
	}
	lock_drop(&v->lock);
	if (ret == 0)
		save_record_waiting(v, n);
	else
		(void)save_record_renamed(v, n, false);
out:
	content_unpin(v, n);
	entry_unref(u.remote);
	entry_unref(u.base);
	return ret;
}

/* Programs that have the target open go on reading what they opened, if fetching it
 * is quick; otherwise they get -ESTALE. */
static void
keep_for_readers(const struct move *m)
{
	struct vfs *v = m->v;
	struct node *t = m->target;
	bool wanted;

	lock_take(&v->lock);
	wanted = t != NULL && t->file != NULL && t->file->opens > 0 &&
	    t->remote != NULL && t->remote->version.size <= FETCH_FOR_READERS;
	lock_drop(&v->lock);
	if (wanted)
		(void)content_fetch(v, m->call, t);
}

/* --- which way ------------------------------------------------------------------------ */

/* The table of fs/rename.h. */
enum way {
	COME_BACK,
	ASIDE,
	ONLY_HERE,
	AND_WAIT,
	BY_CONTENT,
	BY_SERVICE
};

/* Does n, moved aside, go back to where its object is? */
static bool
is_own_name_locked(struct vfs *v UNUSED, const struct move *m) REQUIRES(v->lock)
{
	return m->n->aside && m->from_dir == m->to_dir &&
	    strcmp(m->n->remote->name, m->to) == 0;
}

/* Is something on the server that goes with n?  An unsent file stands for what it
 * is to replace. */
static bool
has_object_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	struct entry *object = aside_object_locked(v, n);

	entry_unref(object);
	return object != NULL;
}

/* Is all of n's content here, or will be sent anyway? */
static bool
is_here_locked(struct vfs *v, const struct node *n) REQUIRES(v->lock)
{
	struct staged *staged = n->file != NULL ? n->file->staged : NULL;

	if (staged == NULL)
		return false;
	return n->remote == NULL || node_is_dirty_locked(v, n) ||
	    (staged_complete(staged) && staged_size(staged) <= KEPT_BYTES);
}

/* Does the service give n's content as a whole?  It has no rename onto another object
 * then, and to fetch that and to send it is what it would take. */
static bool
is_whole_locked(struct vfs *v UNUSED, const struct node *n) REQUIRES(v->lock)
{
	uint64_t max = n->backend->whole_max;

	return max > 0 && n->remote != NULL &&
	    (n->remote->version.size <= max ||
		n->remote->version.size == VERSION_NO_SIZE);
}

/* Does the new name make something else of n's object? */
static bool
changes_form_locked(struct vfs *v UNUSED, const struct move *m) REQUIRES(v->lock)
{
	const struct entry *e = m->n->remote;

	return e != NULL && e->backend->ops->keeps_form != NULL &&
	    !e->backend->ops->keeps_form(e->backend, e, m->to);
}

static enum way
which_way_locked(struct vfs *v, const struct move *m) REQUIRES(v->lock)
{
	struct node *n = m->n, *t = m->target;
	bool to_scratch = scratch_of_name(m->to) != SCRATCH_NO;
	bool sent = n->remote != NULL && !node_is_dirty_locked(v, n);
	bool onto_object = t != NULL && !t->aside && has_object_locked(v, t);
	bool onto_hidden = dir_aside_locked(v, m->to_dir, m->to) != NULL;

	if (is_own_name_locked(v, m) && (t == NULL || t->remote == NULL) &&
	    !node_is_dirty_locked(v, n))
		return COME_BACK;
	if (to_scratch && sent && !onto_object && !onto_hidden && !n->aside &&
	    m->from_dir == m->to_dir)
		return ASIDE;
	if (to_scratch && !onto_object && !onto_hidden && n->remote == NULL &&
	    !has_object_locked(v, n))
		return ONLY_HERE;
	if (v->config.writeback_ms >= 0 && n->remote == NULL && !n->aside &&
	    node_is_dirty_locked(v, n) && !has_object_locked(v, n))
		return AND_WAIT;
	if ((is_here_locked(v, n) || is_whole_locked(v, n)) &&
	    (!sent || onto_object || onto_hidden || n->aside ||
		changes_form_locked(v, m)))
		return BY_CONTENT;
	return BY_SERVICE;
}

static int
move_file(const struct move *m)
{
	struct vfs *v = m->v;
	struct node *t = m->target;
	bool settle;
	enum way way;
	int ret = 0;

	if (t != NULL && t->kind == ENTRY_DIR)
		return -EISDIR;
	/* What the target shows must be the target's object. */
	lock_take(&v->lock);
	settle = t != NULL && t != m->n && t->aside && !is_own_name_locked(v, m);
	lock_drop(&v->lock);
	if (settle)
		ret = aside_rename(v, m->call, t);
	if (ret < 0)
		return ret;
	keep_for_readers(m);
	lock_take(&v->lock);
	way = which_way_locked(v, m);
	lock_drop(&v->lock);
	switch (way) {
	case COME_BACK:
		return come_back(m);
	case ASIDE:
		return move_aside(m);
	case ONLY_HERE:
		return move_here(m);
	case AND_WAIT:
		return move_and_wait(m);
	case BY_CONTENT:
		return move_by_content(m);
	case BY_SERVICE:
		ret = aside_clear(v, m->call, m->to_dir, m->to);
		return ret == 0 ? rename_by_service(m) : ret;
	}
	return -EINVAL;
}

static int
find_target(struct move *m, unsigned flags)
{
	int ret;

	ret = dir_lookup_new(m->v, m->call, m->to_dir, m->to, &m->target);
	if (ret == -ENOENT)
		return 0;
	if (ret == 0 && (flags & RENAME_NOREPLACE) != 0)
		ret = -EEXIST;
	return ret;
}

static int
check_names(const struct move *m)
{
	const struct backend_ops *ops = m->from_dir->backend->ops;

	if (ops->rename == NULL)
		return -EPERM;
	if (m->from_dir->backend != m->to_dir->backend)
		return -EXDEV;
	if (m->v->config.read_only)
		return -EROFS;
	return ops->check_name != NULL ?
	    ops->check_name(m->to_dir->backend, m->to) : 0;
}

/* Do both names still show what was found under them? */
static bool
is_still_so(const struct move *m)
{
	struct vfs *v = m->v;
	struct node *to;
	bool so;

	lock_take(&v->lock);
	to = node_find_locked(v, m->to_dir, m->to);
	so = node_find_locked(v, m->from_dir, m->from) == m->n &&
	    to == m->target;
	lock_drop(&v->lock);
	return so;
}

/* The new file that is about to replace n's object, when n, in dir, is moved aside;
 * a reference, or NULL. */
static struct node *
successor(const struct move *m, struct node *dir, const struct node *n)
{
	struct vfs *v = m->v;
	struct node *next = NULL;

	lock_take(&v->lock);
	if (n != NULL && n->aside)
		next = node_find_locked(v, dir, n->remote->name);
	if (next == m->n)
		next = NULL; /* it is sent in between, and is frozen anyway */
	if (next != NULL)
		(void)node_ref_locked(v, next);
	lock_drop(&v->lock);
	return next;
}

/* Nothing at or below what moves is being sent meanwhile.  -EAGAIN: a name shows
 * something else by now. */
static int
move_frozen(struct move *m)
{
	struct node *frozen[] = { m->n, m->target,
		successor(m, m->from_dir, m->n),
		successor(m, m->to_dir, m->target) };
	size_t held;
	int ret = 0;

	for (size_t i = 0; i < ARRAY_LEN(frozen) && ret == 0; i++)
		if (frozen[i] != NULL)
			ret = save_taken(m->v, m->call, frozen[i]);
	for (held = 0; ret == 0 && held < ARRAY_LEN(frozen); held++) {
		if (frozen[held] != NULL)
			ret = hold_freeze(m->v, m->call, frozen[held]);
		if (ret < 0)
			break;
	}
	if (ret == 0 && !is_still_so(m))
		ret = -EAGAIN;
	if (ret == 0)
		ret = journal_settle(m->v->config.journal);
	if (ret == 0)
		ret = m->n->kind == ENTRY_DIR ? rename_dir(m) : move_file(m);
	while (held-- > 0)
		if (frozen[held] != NULL)
			hold_thaw(m->v, frozen[held]);
	node_unref(m->v, frozen[2]);
	node_unref(m->v, frozen[3]);
	return ret;
}

/* What is about to become a backup is on the server first: then its object is moved
 * aside, and its next content replaces it there. */
static bool
is_unsent_backup(const struct move *m)
{
	struct vfs *v = m->v;
	struct node *n = m->n;
	bool is;

	lock_take(&v->lock);
	is = v->config.writeback_ms >= 0 && n->kind == ENTRY_FILE &&
	    scratch_of_name(m->to) != SCRATCH_NO &&
	    n->scratch == SCRATCH_NO && node_is_dirty_locked(v, n) &&
	    has_object_locked(v, n);
	lock_drop(&v->lock);
	return is;
}

static int
rename_held(struct move *m, unsigned flags)
{
	int ret;

	do {
		ret = dir_lookup(m->v, m->call, m->from_dir, m->from, &m->n);
		if (ret == 0)
			ret = find_target(m, flags);
		if (ret == 0 && m->n->backend != m->to_dir->backend)
			ret = -EXDEV;
		if (ret == 0 && m->n != m->target && is_unsent_backup(m))
			ret = save_now(m->v, m->call, m->n);
		if (ret == 0 && m->n != m->target)
			ret = move_frozen(m);
		node_unref(m->v, m->target);
		node_unref(m->v, m->n);
		m->target = m->n = NULL;
	} while (ret == -EAGAIN);
	return ret;
}

int
rename_node(struct vfs *v, struct call *call, struct node *from_dir,
    const char *from, struct node *to_dir, const char *to, unsigned flags)
{
	struct move m = { v, call, from_dir, to_dir, from, to, NULL, NULL };
	int ret;

	if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0)
		return -EINVAL;
	ret = check_names(&m);
	if (ret == 0)
		ret = hold_begin(v, call, from_dir, to_dir);
	if (ret < 0)
		return ret;
	ret = rename_held(&m, flags);
	hold_end(v, from_dir, to_dir);
	save_record_reap(v);
	return ret;
}
