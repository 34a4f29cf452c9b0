/* fs/save_record.c - what is written down about content that is not sent yet. */
#include "config.h"

#include "fs/save_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"
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
	if (n->file->conflict)
		return "conflict";
	if (!n->file->flushed)
		return "open";
	return n->scratch != SCRATCH_NO ? "scratch" : "put";
}

static int
add_drop(struct json_object *p, const struct entry *e)
{
	struct json_object *drop = json_object_new_object();
	int ret;

	ret = jval_add_str(drop, "path", e->path);
	if (ret == 0)
		ret = journal_add_old(drop, &e->version);
	if (ret < 0) {
		json_object_put(drop);
		return ret;
	}
	return jval_add(p, "drop", drop);
}

static int
add_number(struct json_object *array, uint64_t n)
{
	struct json_object *o = json_object_new_int64((int64_t)n);

	if (o != NULL && json_object_array_add(array, o) == 0)
		return 0;
	json_object_put(o);
	return -ENOMEM;
}

/* What is missing comes from the old version; without a map it is just missing. */
static int
add_map(struct json_object *p, const struct staged_map *map)
{
	struct json_object *here;
	int ret;

	if (map != NULL && map->base_end == 0)
		return 0;
	ret = jval_add_bool(p, "partial", true);
	if (ret < 0 || map == NULL)
		return ret;
	here = json_object_new_array();
	ret = here != NULL ? add_number(here, map->base_end) : -ENOMEM;
	for (size_t i = 0; ret == 0 && i < map->n; i++) {
		ret = add_number(here, map->ranges[i].start);
		if (ret == 0)
			ret = add_number(here, map->ranges[i].end);
	}
	if (ret == 0)
		return jval_add(p, "here", here);
	json_object_put(here);
	return ret;
}

/* What was promised, which may have been changed since. */
static int
add_seal(struct json_object *p, const struct seal *seal)
{
	int ret;

	if (seal->number == 0)
		return 0;
	ret = jval_add_i64(p, "seal", (int64_t)seal->number);
	return ret == 0 ? jval_add_i64(p, "size", (int64_t)seal->size) : ret;
}

/* The record of n with that content; NULL when out of memory. */
static struct json_object *
payload_locked(struct vfs *v, struct node *n, const struct staged_seal *what)
    REQUIRES(v->lock)
{
	const struct entry *dir = n->parent->remote, *base = n->file->base;
	const struct timespec *mtime = what->seal.number != 0 ?
	    &n->file->told_mtime : &n->file->mtime;
	struct json_object *p = json_object_new_object();
	int ret;

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
		ret = jval_add_i64(p, "sec", mtime->tv_sec);
	if (ret == 0)
		ret = jval_add_i64(p, "nsec", mtime->tv_nsec);
	if (ret == 0)
		ret = add_seal(p, &what->seal);
	if (ret == 0 && v->config.boot != NULL && n->file->flushed &&
	    what->seal.number != n->file->synced)
		ret = jval_add_str(p, "boot", v->config.boot);
	if (ret == 0)
		ret = add_map(p, what->mapped ? &what->map : NULL);
	if (ret == 0 && n->file->over != 0)
		ret = jval_add_i64(p, "over", (int64_t)n->file->over);
	if (ret == 0 && n->file->unaside != 0)
		ret = jval_add_i64(p, "unaside", (int64_t)n->file->unaside);
	if (ret == 0 && n->file->going)
		ret = jval_add_bool(p, "going", true);
	/* What is kept of an object moved aside replaces nothing. */
	if (ret == 0 && base != NULL && !n->aside)
		ret = journal_add_old(p, &base->version);
	if (ret == 0 && n->file->drop != NULL)
		ret = add_drop(p, n->file->drop);
	if (ret == 0)
		return p;
	json_object_put(p);
	return NULL;
}

/* The staging file of n, if that is to be sent, with a reference. */
static struct staged *
unsent_staged(struct vfs *v, struct node *n)
{
	struct staged *staged = NULL;

	lock_take(&v->lock);
	if (n->parent != NULL && n->file->staged != NULL &&
	    (node_is_dirty_locked(v, n) || n->aside))
		staged = staged_ref(n->file->staged);
	lock_drop(&v->lock);
	return staged;
}

/* The record of n has no seal. */
static void
drop_seal(struct vfs *v, struct node *n, struct staged *staged)
{
	struct staged_seal was;

	lock_take(&v->lock);
	n->file->sealed = false;
	lock_drop(&v->lock);
	if (staged_promised(staged, &was))
		staged_unpromise(staged, was.seal.number);
}

/* With what is known of staged, n's.  1: the directory got another path meanwhile, which
 * the record lacks. */
static int
write_known(struct vfs *v, struct node *n, struct staged *staged,
    const struct staged_seal *what, bool durable)
{
	struct json_object *p = NULL;
	struct entry *dir = NULL;
	uint64_t subject = 0;
	bool ended, moved;
	int ret;

	lock_take(&v->lock);
	if (n->parent != NULL && n->file->staged == staged &&
	    (node_is_dirty_locked(v, n) || n->aside)) {
		if (n->file->subject == 0)
			n->file->subject = journal_subject(v->config.journal);
		subject = n->file->subject;
		p = payload_locked(v, n, what);
		dir = entry_ref(n->parent->remote);
	}
	lock_drop(&v->lock);
	if (subject == 0)
		return 0;
	ret = p != NULL ? journal_write(v->config.journal, JOURNAL_STAGED,
	    subject, p, durable) : -ENOMEM;
	json_object_put(p);
	if (ret == 0 && what->seal.number == 0)
		drop_seal(v, n, staged);
	else if (ret == 0 && durable)
		staged_recorded(staged, what->seal.number);
	/* It was sent meanwhile: the record may have come after its end. */
	lock_take(&v->lock);
	ended = n->file->ended >= subject;
	if (ret == 0 && durable && n->file->subject == subject)
		n->file->promised = true;
	moved = n->parent != NULL && n->parent->remote != dir &&
	    strcmp(n->parent->remote->path, dir->path) != 0;
	lock_drop(&v->lock);
	entry_unref(dir);
	if (ended)
		journal_end(v->config.journal, subject);
	return ret == 0 && moved ? 1 : ret;
}

static bool
lacks_some(const struct staged_seal *seal)
{
	return !seal->mapped || seal->map.base_end != 0;
}

/* What the record is to say of staged, n's: what was promised last, or is promised now
 * (anew), or what is there when nothing is. */
static int
describe(struct vfs *v, struct node *n, struct staged *staged, bool anew,
    struct staged_seal *out)
{
	uint64_t changes;
	bool flushed, unchanged, in_place, sealed;
	struct timespec mtime;
	int ret = 0;

	/* As many at least are in what is promised; what comes between is told
	 * again. */
	lock_take(&v->lock);
	flushed = n->file->flushed;
	changes = n->file->changes;
	unchanged = n->file->told == changes;
	in_place = n->scratch == SCRATCH_NEVER;
	sealed = n->file->sealed;
	mtime = n->file->mtime;
	lock_drop(&v->lock);
	/* What it lacked then may have been fetched, because it is about to go. */
	if (flushed && !anew && sealed && staged_promised(staged, out) &&
	    !(unchanged && lacks_some(out) && staged_complete(staged)))
		return 0;
	if (flushed && !in_place) {
		ret = staged_promise(staged, out);
		lock_take(&v->lock);
		if (ret == 0) {
			n->file->sealed = true;
			n->file->told = changes;
			n->file->told_mtime = mtime;
		}
		lock_drop(&v->lock);
		return ret;
	}
	/* What is written in place is promised as it is when it gets a name that is
	 * sent, and not as it was when it had one. */
	*out = (struct staged_seal){ 0 };
	out->mapped = staged_map_get(staged, &out->map) == 0;
	return 0;
}

/* One at a time of a file: what one has described is written before another describes
 * more, or the older one would count. */
static void
recording_begin(struct vfs *v, struct node *n)
{
	lock_take(&v->lock);
	n->file->recorders++;
	while (n->file->recording)
		cond_wait(&v->changed, &v->lock);
	n->file->recording = true;
	lock_drop(&v->lock);
}

static void
recording_end(struct vfs *v, struct node *n)
{
	lock_take(&v->lock);
	n->file->recording = false;
	if (--n->file->recorders > 0)
		cond_broadcast(&v->changed);
	lock_drop(&v->lock);
}

/* As write_begun, of n's staged. */
static int
write_staged(struct vfs *v, struct node *n, struct staged *staged, bool durable,
    bool anew)
{
	struct staged_seal what;
	int ret;

	/* What it says comes before the bytes: what is added to them meanwhile need
	 * not be on disk. */
	staged_freeze(staged); /* what is counted is what is promised */
	ret = describe(v, n, staged, anew, &what);
	staged_thaw(staged);
	if (ret == 0 && durable) {
		ret = staged_sync(staged);
		if (ret < 0) { /* nobody knows what is in it now */
			log_error("save", "%s: %s", staged_path(staged),
			    strerror(-ret));
			lock_take(&v->lock);
			if (!n->file->promised)
				n->file->torn = ret;
			lock_drop(&v->lock);
		} else {
			lock_take(&v->lock);
			if (what.seal.number > n->file->synced)
				n->file->synced = what.seal.number;
			lock_drop(&v->lock);
		}
	}
	if (ret == 0) {
		do
			ret = write_known(v, n, staged, &what, durable);
		while (ret == 1);
	}
	return ret;
}

/* durable: the bytes are on disk first, and then the record.  anew: n is promised as it
 * is now, and not as it was promised before.  Between begin and end. */
static int
write_begun(struct vfs *v, struct node *n, bool durable, bool anew)
{
	struct staged *staged = unsent_staged(v, n);
	int ret = 0;

	if (staged != NULL)
		ret = write_staged(v, n, staged, durable, anew);
	staged_unref(staged);
	return ret;
}

static int
write_record(struct vfs *v, struct node *n, bool durable)
{
	int ret;

	recording_begin(v, n);
	ret = write_begun(v, n, durable, false);
	recording_end(v, n);
	return ret;
}

int
save_record_count(struct vfs *v, struct node *n, bool written)
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
	f->conflict = f->going = false;
	if (!was_dirty)
		f->flushed = f->promised = false;
	lock_drop(&v->lock);
	return was_dirty ? 0 : 1;
}

int
save_record_change(struct vfs *v, struct node *n)
{
	return write_record(v, n, false);
}

int
save_record_promise(struct vfs *v, struct node *n, bool durable)
{
	bool told;
	int ret = 0;

	recording_begin(v, n);
	lock_take(&v->lock);
	told = n->file->flushed && n->file->told == n->file->changes;
	n->file->flushed = true;
	/* A record whose bytes are not on disk must not take the place of one whose
	 * bytes are. */
	durable = durable || (n->file->promised && !told);
	lock_drop(&v->lock);
	if (!told || durable)
		ret = write_begun(v, n, durable, !told);
	recording_end(v, n);
	return ret;
}

int
save_record_harden(struct vfs *v, struct node *n)
{
	lock_take(&v->lock);
	n->file->flushed = true;
	lock_drop(&v->lock);
	return write_record(v, n, true);
}

void
save_record_going(struct vfs *v, struct node *n)
{
	struct node_file *f = n->file;
	bool going;

	lock_take(&v->lock);
	going = f != NULL && f->staged != NULL && f->subject != 0 &&
	    !staged_complete(f->staged);
	if (going)
		f->going = true;
	lock_drop(&v->lock);
	if (going)
		(void)write_record(v, n, true); /* logged */
}

void
save_record_stays(struct vfs *v, struct node *n)
{
	bool going;

	lock_take(&v->lock);
	going = n->file != NULL && n->file->going;
	if (going)
		n->file->going = false;
	lock_drop(&v->lock);
	if (going)
		(void)write_record(v, n, true); /* logged */
}

int
save_record_keep(struct vfs *v, struct node *n)
{
	struct stat st;

	lock_take(&v->lock);
	node_stat_locked(v, n, &st);
	n->file->mtime = st.st_mtim;
	lock_drop(&v->lock);
	return save_record_promise(v, n, true);
}

bool
save_record_renamed(struct vfs *v, struct node *n, bool one_of_many)
{
	struct pending_item *item;
	struct staged_seal seal;
	bool promised, later;
	char *path;

	if (n->kind != ENTRY_FILE || n->file == NULL)
		return false;
	lock_take(&v->lock);
	promised = n->file->promised && node_is_dirty_locked(v, n);
	/* If it was whole then, the bytes are on disk since the promise. */
	later = promised && one_of_many &&
	    staged_promised(n->file->staged, &seal) && !lacks_some(&seal);
	lock_drop(&v->lock);
	/* A failure is logged; the old record still names it. */
	(void)write_record(v, n, promised && !later);
	lock_take(&v->lock);
	item = n->file->pending;
	path = node_path_locked(v, n);
	if (item != NULL && path != NULL)
		pending_move(v->config.pending, item, path);
	lock_drop(&v->lock);
	free(path);
	return later;
}

/* Something to end: a record, an item of the pending list. */
struct doomed {
	uint64_t over; /* ends first, or a crash in between would bring it back */
	uint64_t subject;
	struct pending_item *item;
	struct staged *staged; /* a reference; NULL: none */
	uint64_t seal;	       /* of its that the record has */
	struct doomed *next;
};

struct doomed *
save_record_detach_locked(struct vfs *v UNUSED, struct node *n)
{
	struct node_file *f = n->file;
	struct staged_seal was;
	struct doomed *d;

	if (f->subject == 0 && f->pending == NULL)
		return NULL;
	d = malloc(sizeof(*d));
	if (d == NULL)
		return NULL; /* they end when the node is dropped next time */
	*d = (struct doomed){ .over = f->over, .subject = f->subject,
		.item = f->pending };
	if (f->staged != NULL && staged_promised(f->staged, &was)) {
		d->staged = staged_ref(f->staged);
		d->seal = was.seal.number;
	}
	f->over = f->unaside = 0;
	f->sealed = false;
	if (f->subject != 0)
		f->ended = f->subject;
	f->subject = 0;
	f->pending = NULL;
	return d;
}

void
save_record_drop_locked(struct vfs *v, struct node *n)
{
	struct doomed *d = save_record_detach_locked(v, n);

	if (d == NULL)
		return;
	d->next = v->doomed;
	v->doomed = d;
}

void
save_record_end(struct vfs *v, struct doomed *d)
{
	struct doomed *next;

	for (; d != NULL; d = next) {
		next = d->next;
		if (d->over != 0)
			journal_end(v->config.journal, d->over);
		if (d->subject != 0)
			journal_end(v->config.journal, d->subject);
		if (d->item != NULL)
			pending_remove(v->config.pending, d->item);
		/* Not before: what is written now would be what the record promised. */
		if (d->staged != NULL)
			staged_unpromise(d->staged, d->seal);
		staged_unref(d->staged);
		free(d);
	}
}

void
save_record_reap(struct vfs *v)
{
	struct doomed *d;

	lock_take(&v->lock);
	d = v->doomed;
	v->doomed = NULL;
	lock_drop(&v->lock);
	save_record_end(v, d);
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
	return journal_sync(v->config.journal);
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
	if (state != PENDING_WAITING)
		log_warn("save", "%s is not on the server (%s); it is kept in"
		    " %s", path != NULL ? path : "a file", reason,
		    staged_path(data));
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

void
save_record_waiting(struct vfs *v, struct node *n)
{
	bool listed;

	lock_take(&v->lock);
	listed = n->parent == NULL || n->file->staged == NULL ||
	    n->file->pending != NULL || !node_is_dirty_locked(v, n);
	lock_drop(&v->lock);
	if (!listed)
		list_pending(v, n, PENDING_WAITING,
		    "it is sent a while after its last close");
}

/* --- outcomes ------------------------------------------------------------------- */

static const char *
conflict_words(int err, const char *words)
{
	if (words[0] != '\0')
		return words;
	return err == -EEXIST ? "a file of that name was made on the server" :
				"the file was changed on the server";
}

/* A close may have returned long ago: others look at .control/errors. */
static void
report(struct vfs *v, const char *path, int err, const char *words)
{
	if (v->config.on_conflict != NULL)
		v->config.on_conflict(v->config.conflict_ctx,
		    path != NULL ? path : "-", err, words);
}

/* Another version is on the server: ours must not replace it and must not hide it
 * either. */
static void
part_ways(struct vfs *v, struct node *n, int err, const char *words)
{
	struct loose_info info = { 0 };
	char *name;

	lock_take(&v->lock);
	info.dir = node_ref_locked(v, n->parent);
	info.name = name = text_dup(n->name); /* its own may go with its entry */
	info.staged = staged_ref(n->file->staged);
	info.old = n->file->base != NULL ? entry_ref(n->file->base) : NULL;
	info.subject = n->file->subject;
	info.state = PENDING_CONFLICT;
	info.reason = !staged_complete(info.staged) ?
	    "the file was changed on the server; only the parts that were"
	    " written or read are in this" :
	    conflict_words(err, words);
	info.path = node_path_locked(v, n);
	lock_drop(&v->lock);
	report(v, info.path, err, info.reason);
	if (name != NULL && loose_add(v, &info) == 0) {
		lock_take(&v->lock);
		n->file->subject = 0; /* the loose content has it now */
		dir_drop_locked(v, info.dir); /* it lists what was there */
		node_part_locked(v, n);
		save_forget_locked(v, n);
		n->file->error = err;
		lock_drop(&v->lock);
	}
	free(info.path);
	free(name);
	entry_unref(info.old);
	staged_unref(info.staged);
	node_unref(v, info.dir);
}

/* The name shows what the server has, if anything, and n is not sent. */
static void
leave_name(struct vfs *v, struct node *n, int err)
{
	lock_take(&v->lock);
	dir_drop_locked(v, n->parent);
	node_part_locked(v, n);
	save_forget_locked(v, n);
	n->file->error = err;
	lock_drop(&v->lock);
}

/* The server has theirs under the name and ours beside it. */
static void
report_beside(struct vfs *v, struct node *n, int err, const char *words)
{
	char *path = node_path(v, n);

	report(v, path, err, conflict_words(err, words));
	free(path);
}

int
save_record_outcome(struct vfs *v, struct node *n, int ret, const char *words)
{
	bool named, met, beside, gone;

	lock_take(&v->lock);
	named = n->parent != NULL && !n->file->moving;
	met = named && (ret == -ESTALE || ret == -EEXIST);
	beside = met && n->file->beside;
	gone = met && n->file->going;
	n->file->beside = false;
	n->file->conflict = met && !beside && !gone;
	if (ret == 0 && !node_is_dirty_locked(v, n))
		save_record_drop_locked(v, n);
	lock_drop(&v->lock);
	if (ret == 0 || !named)
		return ret;
	if (gone) { /* by an unlink that did not live to say so */
		leave_name(v, n, 0);
		return 0;
	}
	if (beside) {
		report_beside(v, n, ret, words);
		leave_name(v, n, ret);
		return ret;
	}
	(void)save_record_harden(v, n); /* logged */
	if (met)
		part_ways(v, n, ret, words);
	else if (ret != -EINTR)
		list_pending(v, n, PENDING_FAILED,
		    words[0] != '\0' ? words : strerror(-ret));
	return ret;
}
