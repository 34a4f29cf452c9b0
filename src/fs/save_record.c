/* fs/save_record.c - what is written down about content that is not sent yet. */
#include "config.h"

#include "fs/save_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "cache/journal.h"
#include "cache/pending.h"
#include "fs/dir.h"
#include "fs/loose.h"
#include "fs/save.h"

#include "base/banned.h"

/* --- the journal ------------------------------------------------------------ */

static const char *
intent_of(const struct node *n)
{
	if (n->scratch != SCRATCH_NO)
		return "scratch";
	return n->file->flushed ? "put" : "open";
}

/* The record of n as it is now; NULL when out of memory. */
static struct json_object *
payload_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	const struct entry *dir = n->parent->remote, *base = n->file->base;
	struct json_object *p = json_object_new_object(), *old = NULL;
	int ret;

	(void)v;
	ret = jval_add_i64(p, "file",
	    (int64_t)staged_number(n->file->staged));
	if (ret == 0)
		ret = jval_add_str(p, "tree", dir->tree);
	if (ret == 0)
		ret = jval_add_str(p, "dir", dir->path);
	if (ret == 0)
		ret = jval_add_str(p, "name", n->name);
	if (ret == 0)
		ret = jval_add_str(p, "intent", intent_of(n));
	if (ret == 0 && n->attr.executable)
		ret = jval_add_bool(p, "exec", true);
	if (ret == 0)
		ret = jval_add_i64(p, "sec", n->file->mtime.tv_sec);
	if (ret == 0)
		ret = jval_add_i64(p, "nsec", n->file->mtime.tv_nsec);
	if (ret == 0 && !staged_complete(n->file->staged))
		ret = jval_add_bool(p, "partial", true);
	if (ret == 0 && base != NULL) {
		old = json_object_new_object();
		ret = jval_add_i64(old, "mtime_ms", base->version.mtime_ms);
		if (ret == 0)
			ret = jval_add_i64(old, "size",
			    (int64_t)base->version.size);
		if (ret == 0 && base->version.gen != 0)
			ret = jval_add_bool(old, "own", true);
		if (ret == 0)
			ret = jval_add(p, "old", old);
	}
	if (ret == 0)
		return p;
	json_object_put(p);
	return NULL;
}

static int
write_record(struct vfs *v, struct node *n, bool durable)
{
	struct json_object *p = NULL;
	uint64_t subject = 0;
	bool ended;
	int ret;

	lock_take(&v->lock);
	if (n->parent != NULL && n->file->staged != NULL &&
	    node_is_dirty_locked(v, n)) {
		if (n->file->subject == 0)
			n->file->subject = journal_subject(v->config.journal);
		subject = n->file->subject;
		p = payload_locked(v, n);
	}
	lock_drop(&v->lock);
	if (subject == 0)
		return 0;
	if (p == NULL)
		return -ENOMEM;
	ret = journal_write(v->config.journal, JOURNAL_STAGED, subject, p,
	    durable);
	json_object_put(p);
	/* It was sent meanwhile: the record may have come after its end. */
	lock_take(&v->lock);
	ended = n->file->ended >= subject;
	lock_drop(&v->lock);
	if (ended)
		journal_end(v->config.journal, subject);
	return ret;
}

int
save_record_change(struct vfs *v, struct node *n, bool written)
{
	struct node_file *f = n->file;
	bool was_dirty;

	lock_take(&v->lock);
	if (n->parent == NULL) { /* deleted: nobody will send it */
		bool gone = n->gone;

		f->mtime = clock_real();
		lock_drop(&v->lock);
		return gone ? -ESTALE : 0;
	}
	was_dirty = node_is_dirty_locked(v, n);
	f->deferred = !written;
	node_changed_locked(v, n);
	f->mtime = clock_real();
	n->attr.has_mtime = false;
	f->error = 0; /* what is new has not failed */
	if (!was_dirty)
		f->flushed = false;
	lock_drop(&v->lock);
	return was_dirty ? 0 : write_record(v, n, false);
}

int
save_record_promise(struct vfs *v, struct node *n, bool durable)
{
	struct staged *staged = NULL;
	bool told;
	int ret = 0;

	lock_take(&v->lock);
	told = n->file->flushed;
	n->file->flushed = true;
	if (durable && n->file->staged != NULL)
		staged = staged_ref(n->file->staged);
	lock_drop(&v->lock);
	if (staged != NULL)
		ret = staged_sync(staged);
	staged_unref(staged);
	if (ret == 0 && (!told || durable))
		ret = write_record(v, n, durable);
	return ret;
}

void
save_record_renamed(struct vfs *v, struct node *n)
{
	struct pending_item *item;
	char *path;

	if (n->kind != ENTRY_FILE || n->file == NULL)
		return;
	(void)write_record(v, n, false); /* logged; the old one still names it */
	lock_take(&v->lock);
	item = n->file->pending;
	path = node_path_locked(v, n);
	if (item != NULL && path != NULL)
		pending_move(v->config.pending, item, path);
	lock_drop(&v->lock);
	free(path);
}

/* Something to end: a record, an item of the pending list. */
struct doomed {
	uint64_t subject;
	struct pending_item *item;
	struct doomed *next;
};

void
save_record_drop_locked(struct vfs *v, struct node *n)
{
	struct node_file *f = n->file;
	struct doomed *d;

	if (f->subject == 0 && f->pending == NULL)
		return;
	d = malloc(sizeof(*d));
	if (d == NULL)
		return; /* they end when the node is dropped next time */
	*d = (struct doomed){ f->subject, f->pending, v->doomed };
	v->doomed = d;
	if (f->subject != 0)
		f->ended = f->subject;
	f->subject = 0;
	f->pending = NULL;
}

void
save_record_reap(struct vfs *v)
{
	struct doomed *d, *next;

	lock_take(&v->lock);
	d = v->doomed;
	v->doomed = NULL;
	lock_drop(&v->lock);
	for (; d != NULL; d = next) {
		next = d->next;
		if (d->subject != 0)
			journal_end(v->config.journal, d->subject);
		if (d->item != NULL)
			pending_remove(v->config.pending, d->item);
		free(d);
	}
}

/* --- the pending list ----------------------------------------------------------- */

struct waiting {
	struct vfs *v;
	struct node *node; /* a reference */
};

static void
waiting_free(void *ctx)
{
	struct waiting *w = ctx;

	node_unref(w->v, w->node);
	free(w);
}

/* A person asked for another try, or for the content to be dropped. */
static int
waiting_act(void *ctx, struct call *call, enum pending_action action)
{
	struct waiting *w = ctx;
	struct vfs *v = w->v;
	struct node *n = w->node;

	if (action == PENDING_RETRY)
		return save_now(v, call, n);
	lock_take(&v->lock);
	if (n->file->saving || n->file->moving) {
		lock_drop(&v->lock);
		return -EBUSY;
	}
	if (n->parent != NULL && node_is_dirty_locked(v, n)) {
		log_warn("save", "the unsent content of %s was discarded",
		    n->name);
		node_part_locked(v, n);
		save_forget_locked(v, n);
	}
	lock_drop(&v->lock);
	save_record_reap(v);
	return 0;
}

/* Others list it, and end the item, at the same time. */
static void
list_pending(struct vfs *v, struct node *n, enum pending_state state,
    const char *reason)
{
	struct pending_item *item = NULL;
	struct waiting *w = NULL;
	struct staged *data;
	char *path;

	lock_take(&v->lock);
	data = staged_ref(n->file->staged);
	path = node_path_locked(v, n);
	if (n->file->pending == NULL)
		w = calloc(1, sizeof(*w));
	if (w != NULL)
		*w = (struct waiting){ v, node_ref_locked(v, n) };
	lock_drop(&v->lock);
	if (w != NULL && (path == NULL || pending_add(v->config.pending, path,
	    data, waiting_act, w, waiting_free, &item) < 0))
		waiting_free(w);
	lock_take(&v->lock);
	if (n->file->pending == NULL) {
		n->file->pending = item;
		item = NULL;
	}
	if (n->file->pending != NULL)
		pending_set(v->config.pending, n->file->pending, state, reason);
	/* It may have been sent while we were about it. */
	if (!node_is_dirty_locked(v, n))
		save_record_drop_locked(v, n);
	lock_drop(&v->lock);
	if (item != NULL) /* somebody else was faster */
		pending_remove(v->config.pending, item);
	save_record_reap(v);
	log_warn("save", "%s is not on the server (%s); it is kept in %s",
	    path != NULL ? path : "a file", reason, staged_path(data));
	staged_unref(data);
	free(path);
}

void
save_record_abandoned(struct vfs *v, struct node *n)
{
	bool dirty;

	lock_take(&v->lock);
	dirty = n->parent != NULL && n->file->staged != NULL &&
	    node_is_dirty_locked(v, n);
	lock_drop(&v->lock);
	if (dirty)
		list_pending(v, n, PENDING_UPLOADING,
		    "the program was interrupted while it waited; the upload"
		    " goes on");
}

/* --- outcomes ------------------------------------------------------------------- */

/* Another version is on the server: ours must not replace it and must not hide it
 * either. */
static void
part_ways(struct vfs *v, struct node *n, int err, const char *words)
{
	struct loose_info info = { 0 };

	lock_take(&v->lock);
	info.dir = node_ref_locked(v, n->parent);
	info.name = n->name;
	info.staged = staged_ref(n->file->staged);
	info.subject = n->file->subject;
	info.state = PENDING_CONFLICT;
	info.reason = words[0] != '\0' ? words :
	    err == -EEXIST ? "a file of that name was made on the server" :
			     "the file was changed on the server";
	info.path = node_path_locked(v, n);
	lock_drop(&v->lock);
	if (loose_add(v, &info) == 0) {
		lock_take(&v->lock);
		n->file->subject = 0; /* the loose content has it now */
		dir_drop_locked(v, info.dir); /* it lists what was there */
		node_part_locked(v, n);
		save_forget_locked(v, n);
		n->file->error = err;
		lock_drop(&v->lock);
	}
	free(info.path);
	staged_unref(info.staged);
	node_unref(v, info.dir);
}

int
save_record_outcome(struct vfs *v, struct node *n, int ret, const char *words)
{
	bool named;

	lock_take(&v->lock);
	named = n->parent != NULL && !n->file->moving;
	if (ret == 0 && !node_is_dirty_locked(v, n))
		save_record_drop_locked(v, n);
	lock_drop(&v->lock);
	if (ret == 0 || !named)
		return ret;
	(void)save_record_promise(v, n, true); /* logged */
	if (ret == -ESTALE || ret == -EEXIST)
		part_ways(v, n, ret, words);
	else if (ret != -EINTR)
		list_pending(v, n, PENDING_FAILED,
		    words[0] != '\0' ? words : strerror(-ret));
	return ret;
}
