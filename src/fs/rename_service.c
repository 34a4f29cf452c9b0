/* fs/rename_service.c - renames that the service does. */
#include "config.h"

#include "fs/rename_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/journal.h"
#include "fs/aside.h"
#include "fs/dir.h"
#include "fs/heal.h"
#include "fs/forget.h"
#include "fs/hold.h"
#include "fs/lists.h"
#include "fs/notifier.h"
#include "fs/save_record.h"

#include "base/banned.h"

/* --- what follows a directory --------------------------------------------------- */

/* The entries of all known below dir follow its new path. */
static void
rekey_below_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock)
{
	struct backend *b = dir->backend;
	struct node *c, *next;

	(void)node_ref_locked(v, dir);
	dir_drop_locked(v, dir);
	lists_forget_locked(v, dir); /* the paths in it are wrong in any case */
	DL_FOREACH_SAFE(dir->children, c, next) {
		struct entry *e;

		if (c->remote != NULL && b->ops->rekey(b, dir->remote,
		    c->remote->name, c->remote, &e) == 0) {
			bool loaded = c->attr_loaded;

			node_set_remote_locked(v, c, e, 0);
			c->attr_loaded = loaded;
			entry_unref(e);
		}
		if (c->file != NULL && c->file->base != NULL &&
		    b->ops->rekey(b, dir->remote, c->file->base->name,
			c->file->base, &e) == 0) {
			entry_unref(c->file->base);
			c->file->base = e;
		}
		if (c->kind == ENTRY_DIR && c->remote != NULL)
			rekey_below_locked(v, c);
	}
	node_unref_locked(v, dir);
}

/* So do those of hidden objects in directories at or below top. */
static void
rekey_hidden_locked(struct vfs *v, struct node *top) REQUIRES(v->lock)
{
	struct node *n;
	struct entry *e;
	size_t at = 0;

	while ((n = node_next_locked(v, &at)) != NULL) {
		struct node *dir = n->file != NULL ? n->file->hidden_in : NULL;

		if (dir == NULL || !node_is_below_locked(v, dir, top) ||
		    dir->backend->ops->rekey(dir->backend, dir->remote,
			n->remote->name, n->remote, &e) < 0)
			continue;
		node_set_remote_locked(v, n, e, clock_mono_ms());
		entry_unref(e);
	}
}

/* The journal must name the new paths, and so must the pending list. */
static void
renamed_below(struct vfs *v, struct node *top, const struct entry *was,
    const struct entry *moved)
{
	struct node *n, *found;
	uint64_t after = 0;

	if (journal_move(v->config.journal, was->tree, was->path,
	    moved->path) < 0)
		log_warn("rename", "after a crash now, what is unsent in %s would"
		    " be looked for in %s", moved->path, was->path);
	do {
		size_t at = 0;

		found = NULL;
		lock_take(&v->lock);
		/* In the order of their numbers. */
		while ((n = node_next_locked(v, &at)) != NULL)
			if (n->id > after &&
			    (found == NULL || n->id < found->id) &&
			    n->parent != NULL && node_is_dirty_locked(v, n) &&
			    node_is_below_locked(v, n, top))
				found = n;
		if (found != NULL)
			(void)node_ref_locked(v, found);
		lock_drop(&v->lock);
		if (found != NULL) {
			after = found->id;
			(void)save_record_renamed(v, found, true);
			node_unref(v, found);
		}
	} while (found != NULL);
}

/* --- by the service ------------------------------------------------------------------ */

/* The backend has renamed; so do we. */
static int
renamed_locked(struct vfs *v, const struct move *m, struct entry *was,
    struct entry *moved) REQUIRES(v->lock)
{
	struct node *n = m->n;
	bool loaded = n->attr_loaded;
	int ret;

	dir_remove_locked(v, m->from_dir, was->name);
	if (v->config.overlay != NULL)
		overlay_move(v->config.overlay, was, moved);
	aside_end_locked(v, n);
	ret = rename_take_name_locked(v, m);
	node_set_remote_locked(v, n, moved, clock_mono_ms());
	n->attr_loaded = loaded;
	/* A name may change the content; the kernel has the size of the old one. */
	if (n->kind == ENTRY_FILE &&
	    !version_matches(&was->version, &moved->version))
		notifier_inode(v->notifier, n->id);
	if (n->file != NULL && n->file->staged != NULL &&
	    n->file->base != NULL) {
		entry_unref(n->file->base);
		n->file->base = entry_ref(moved);
	}
	if (n->kind == ENTRY_FILE)
		n->scratch = SCRATCH_NO;
	dir_put_locked(v, m->to_dir, moved);
	if (n->kind == ENTRY_DIR) {
		rekey_below_locked(v, n);
		rekey_hidden_locked(v, n);
	}
	return ret;
}

/* The entry that m's n has now, and the one that it would get. */
static int
both_entries(const struct move *m, struct entry **was, struct entry **goal)
{
	struct vfs *v = m->v;
	struct entry *dir;
	int ret;

	lock_take(&v->lock);
	*was = entry_ref(m->n->remote);
	dir = entry_ref(m->to_dir->remote);
	lock_drop(&v->lock);
	ret = dir->backend->ops->rekey(dir->backend, dir, m->to, *was, goal);
	entry_unref(dir);
	if (ret < 0) {
		entry_unref(*was);
		*was = NULL;
	}
	return ret;
}

/* What is about to happen: by it the next mount knows where the names below are, and
 * that the file with the record over has lost its name; 0: none has. */
static int
note_move(const struct move *m, uint64_t over, uint64_t *subject)
{
	struct journal *journal = m->v->config.journal;
	struct json_object *p = json_object_new_object();
	struct entry *was = NULL, *goal = NULL;
	int ret;

	*subject = journal_subject(journal);
	ret = both_entries(m, &was, &goal);
	if (ret == 0)
		ret = jval_add_str(p, "tree", was->tree);
	if (ret == 0)
		ret = jval_add_str(p, "from", was->path);
	if (ret == 0)
		ret = jval_add_str(p, "to", goal->path);
	if (ret == 0 && over != 0)
		ret = jval_add_i64(p, "over", (int64_t)over);
	if (ret == 0)
		ret = journal_write(journal, JOURNAL_MOVE, *subject, p, true);
	entry_unref(was);
	entry_unref(goal);
	json_object_put(p);
	return ret;
}

int
rename_by_service(const struct move *m)
{
	struct vfs *v = m->v;
	struct entry *e, *dir, *target = NULL, *moved = NULL;
	const struct backend_ops *ops = m->n->backend->ops;
	uint64_t over = 0, subject = 0;
	int ret = 0;

	if (ops->rename == NULL)
		return -EPERM;
	lock_take(&v->lock);
	e = entry_ref(m->n->remote);
	dir = entry_ref(m->to_dir->remote);
	if (m->target != NULL)
		target = m->target->remote;
	/* An unsent one stands for what it was to replace. */
	if (target == NULL && m->target != NULL && m->target->file != NULL)
		target = m->target->file->base;
	if (target != NULL)
		(void)entry_ref(target);
	/* What is unsent of it ends when the service has renamed. */
	if (m->target != NULL && m->target->file != NULL)
		over = m->target->file->subject;
	lock_drop(&v->lock);
	if (over != 0)
		ret = note_move(m, over, &subject);
	/* Before: the next mount would not know. */
	if (ret == 0 && m->n->kind == ENTRY_FILE)
		forget_namesake(v, e, dir, m->to);
	if (ret == 0)
		ret = ops->rename(e->backend, m->call, e, dir, m->to, target,
		    &moved);
	lock_take(&v->lock);
	if (ret == 0) {
		ret = renamed_locked(v, m, e, moved);
	} else {
		dir_drop_locked(v, m->from_dir); /* unknown what happened */
		dir_drop_locked(v, m->to_dir);
		m->n->seen_ms = 0;
		notifier_name(v->notifier, m->from_dir->id, m->from);
	}
	lock_drop(&v->lock);
	if (ret == 0 && m->n->kind == ENTRY_DIR) {
		renamed_below(v, m->n, e, moved);
		forget_namesakes_below(v, m->n);
	} else if (ret == 0) {
		forget_namesake(v, e, dir, m->to);
	}
	if (subject != 0) {
		save_record_reap(v);
		journal_end(v->config.journal, subject);
	}
	entry_unref(moved);
	entry_unref(target);
	entry_unref(dir);
	entry_unref(e);
	return ret;
}

/* --- directories ------------------------------------------------------------------ */

/* How long a move that was not answered may still be carried out, ms. */
#define LATE_MS ((int64_t)60 * 1000)

/* A directory whose move had an unknown outcome; frozen until it is known. */
struct unsure {
	struct move m; /* with references */
	char *to;      /* the name in it */
	uint64_t subject;
	int64_t begun_ms; /* monotonic */
	bool late;	  /* it may still be under way */
	bool held;	  /* by the rename itself, which has not ended */
	bool done;
};

/* Did the service say what became of it? */
static bool
is_answer(int err)
{
	switch (err) {
	case 0:
	case -EACCES:
	case -EPERM:
	case -EEXIST:
	case -ENOENT:
	case -EINVAL:
	case -ENAMETOOLONG:
	case -ENOTEMPTY:
	case -ENOTDIR:
	case -EBUSY:
	case -ENOMEM:
	case -EROFS:
		return true;
	default:
		return false;
	}
}

static void
unsure_free(void *ctx)
{
	struct unsure *u = ctx;
	struct vfs *v = u->m.v;

	lock_take(&v->lock);
	u->m.n->unsure--;
	lock_drop(&v->lock);
	hold_thaw(v, u->m.n);
	node_unref(v, u->m.n);
	node_unref(v, u->m.from_dir);
	node_unref(v, u->m.to_dir);
	free(u->to);
	free(u);
}

/* It was done: so do we. */
static int
follow(struct unsure *u, struct call *call, struct entry *was,
    struct entry *goal)
{
	struct move *m = &u->m;
	struct vfs *v = m->v;
	int ret;

	ret = u->held ? 0 : hold_begin(v, call, m->from_dir, m->to_dir);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	lock_take(&v->lock);
	if (ret == 0)
		(void)renamed_locked(v, m, was, goal);
	else
		node_part_locked(v, m->n); /* where it went is gone, too */
	lock_drop(&v->lock);
	if (ret == 0)
		renamed_below(v, m->n, was, goal);
	if (ret == 0 && !u->held)
		hold_end(v, m->from_dir, m->to_dir);
	log_info("rename", "%s has become %s after all", was->path, goal->path);
	u->done = true;
	return 0;
}

/* 0: it is known. */
static int
settle_unsure(void *ctx, struct call *call)
{
	struct unsure *u = ctx;
	struct entry *was, *goal, *now = NULL;
	const struct backend_ops *ops;
	int ret, from, to;

	ret = both_entries(&u->m, &was, &goal);
	if (ret < 0)
		return ret;
	ops = was->backend->ops;
	from = ops->refresh(was->backend, call, was, &now);
	entry_unref(now);
	now = NULL;
	to = ops->refresh(goal->backend, call, goal, &now);
	entry_unref(now);
	if ((from < 0 && from != -ENOENT) || (to < 0 && to != -ENOENT))
		ret = from < 0 && from != -ENOENT ? from : to;
	else if (from == -ENOENT && to == 0)
		ret = follow(u, call, was, goal);
	else if (from == 0 && to == -ENOENT && u->late &&
	    clock_mono_ms() - u->begun_ms < LATE_MS)
		ret = -EAGAIN;
	if (ret == 0)
		journal_end(u->m.v->config.journal, u->subject);
	entry_unref(was);
	entry_unref(goal);
	return ret;
}

/* The outcome of m is unknown: looks, and if that does not help leaves it frozen until
 * it does.  0: it was done. */
static int
find_out(const struct move *m, uint64_t subject, int err)
{
	struct unsure *u = calloc(1, sizeof(*u));
	struct vfs *v = m->v;
	bool settled, done;

	if (u == NULL)
		return err; /* the next mount finds the record */
	u->m = *m;
	u->m.call = NULL;
	u->m.from = NULL;
	u->m.to = u->to = text_dup(m->to);
	u->subject = subject;
	u->begun_ms = clock_mono_ms();
	u->late = err == -ETIMEDOUT || err == -EINTR;
	lock_take(&v->lock);
	(void)node_ref_locked(v, m->n);
	(void)node_ref_locked(v, m->from_dir);
	(void)node_ref_locked(v, m->to_dir);
	m->n->frozen++;
	m->n->closing++;
	m->n->unsure++;
	lock_drop(&v->lock);
	u->held = true;
	settled = u->to == NULL ||
	    (err != -EINTR && settle_unsure(u, m->call) == 0);
	u->held = false;
	done = u->done;
	if (settled ||
	    heal_task(v->heal, settle_unsure, unsure_free, u) < 0)
		unsure_free(u);
	return done ? 0 : err;
}

static int
move_dir(const struct move *m)
{
	struct vfs *v = m->v;
	uint64_t subject;
	int ret;

	ret = heal_pause(v->heal, m->call);
	if (ret < 0)
		return ret;
	ret = note_move(m, 0, &subject);
	if (ret == 0)
		ret = rename_by_service(m);
	if (is_answer(ret))
		journal_end(v->config.journal, subject);
	else
		ret = find_out(m, subject, ret);
	heal_resume(v->heal);
	return ret;
}

/* t, empty, makes room. */
static int
remove_target(const struct move *m)
{
	struct vfs *v = m->v;
	struct node *t = m->target, *c;
	struct entry *e;
	int ret = 0;

	lock_take(&v->lock);
	DL_FOREACH(t->children, c)
		if (node_is_local_locked(v, c))
			ret = -ENOTEMPTY;
	e = entry_ref(t->remote);
	lock_drop(&v->lock);
	if (ret == 0)
		ret = e->backend->ops->rmdir(e->backend, m->call, e);
	if (ret == 0) {
		lock_take(&v->lock);
		dir_remove_locked(v, m->to_dir, m->to);
		rename_drop_target_locked(v, m);
		lock_drop(&v->lock);
	}
	entry_unref(e);
	return ret;
}

int
rename_dir(const struct move *m)
{
	struct move bare = *m;
	int ret;

	if (m->target != NULL && m->target->kind != ENTRY_DIR)
		return -ENOTDIR;
	if (m->target != NULL)
		ret = remove_target(m);
	else
		ret = aside_clear(m->v, m->call, m->to_dir, m->to);
	bare.target = NULL;
	return ret == 0 ? move_dir(&bare) : ret;
}
