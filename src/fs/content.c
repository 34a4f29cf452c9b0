/* fs/content.c - the content of files. */
#include "config.h"

#include "fs/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <linux/falloc.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "cache/block_cache.h"
#include "cache/journal.h"
#include "fs/base_source.h"
#include "fs/dir.h"
#include "fs/hold.h"
#include "fs/measure.h"
#include "fs/notifier.h"
#include "fs/save.h"
#include "fs/save_record.h"

#include "base/banned.h"

/* A change that finds the local disk full waits for so long at most until there is room. */
#define ROOM_MS ((int64_t)30 * 1000)

/* What the disk cache gives up at a time. */
#define GIVE_BYTES ((uint64_t)64 << 20)

/* --- staging ----------------------------------------------------------------- */

/* The local disk is full, or the table of open files: what is kept for later only
 * makes room. */
static bool
drop_kept(struct vfs *v)
{
	bool dropped = false;

	lock_take(&v->lock);
	for (unsigned i = 0; i < KEPT_FILES; i++) {
		struct node *n = v->kept[i];

		v->kept[i] = NULL;
		if (n == NULL)
			continue;
		if (n->file->opens == 0 && n->file->staged != NULL) {
			node_drop_content_locked(v, n);
			dropped = dropped || n->file->staged == NULL;
		}
		node_unref_locked(v, n);
	}
	lock_drop(&v->lock);
	return dropped;
}

/* The local disk is full: content that the server has, too, makes room. */
static bool
drop_cached(struct vfs *v)
{
	dev_t device;

	return drop_kept(v) ||
	    (staging_device(v->config.staging, &device) == 0 &&
		block_cache_give_disk(v->config.blocks, device, GIVE_BYTES));
}

/* How a change goes on that found no room on the local disk. */
struct room {
	int64_t until_ms; /* 0: it has not waited */
	bool last;	  /* no more will come */
};

/* With -o writeback what is not sent yet makes room, too, when it is.  True: another try
 * may go better. */
static bool
make_room(struct vfs *v, struct call *call, struct room *r)
{
	if (drop_cached(v))
		return true;
	if (v->config.writeback_ms < 0 || r->last)
		return false;
	if (r->until_ms == 0)
		r->until_ms = clock_mono_ms() + ROOM_MS;
	r->last = !save_drain_some(v, call, r->until_ms);
	(void)drop_kept(v);
	return true;
}

/* A change that failed: one that was not let wait to the end was not refused. */
static int
no_room(struct call *call, const struct room *r, int ret)
{
	return ret == -ENOSPC && r->until_ms != 0 && call_interrupted(call) ?
	    -EINTR : ret;
}

static int
make_staged(struct vfs *v, uint64_t base_bytes, struct staged **out)
{
	int ret = staged_new(v->config.staging, base_bytes, out);

	if (ret == -ENOSPC ? drop_cached(v) : ret == -ENFILE && drop_kept(v))
		ret = staged_new(v->config.staging, base_bytes, out);
	return ret;
}

/* A change of n's staging file failed for want of space, or of a disk.  That is said
 * where errors are looked for: the program has a number, and df shows the mount. */
static void
note_torn(struct vfs *v, struct node *n, int err)
{
	bool first;
	char *path;

	if (err != -ENOSPC && err != -EDQUOT && err != -EIO)
		return;
	lock_take(&v->lock);
	first = n->file->torn == 0;
	n->file->torn = err;
	path = first ? node_path_locked(v, n) : NULL;
	lock_drop(&v->lock);
	if (path != NULL && v->config.on_conflict != NULL)
		v->config.on_conflict(v->config.conflict_ctx, path, err,
		    "the local disk of the state directory (see status.json) is"
		    " full or broken; this content is not sent");
	free(path);
}

/* A change of a staging file. */
struct change {
	enum { WRITE, CUT, ALLOCATE, GROW, PUNCH } how;
	uint64_t off, len; /* CUT: at off */
	const void *src;   /* WRITE */
	bool written;	   /* as save_record_count has it */
};

static int
change_staged(struct staged *staged, const struct change *c)
{
	switch (c->how) {
	case WRITE:
		return staged_write(staged, c->off, c->src, (size_t)c->len);
	case CUT:
		return staged_truncate(staged, c->off);
	case PUNCH:
		return staged_punch(staged, c->off, c->len);
	case ALLOCATE:
	case GROW:
		return staged_allocate(staged, c->off, c->len, c->how == GROW);
	}
	return -EINVAL;
}

/* n, which was clean, has been changed.  When that cannot be written down, the program is
 * told that nothing has happened: it must not be sent either. */
static int
record_change(struct vfs *v, struct node *n)
{
	int ret = save_record_change(v, n);

	if (ret == 0)
		return ret;
	lock_take(&v->lock);
	n->file->torn = ret;
	save_drop_torn_locked(v, n);
	lock_drop(&v->lock);
	save_record_reap(v);
	return ret;
}

/* The save of n, which has sent it, ends with its record. */
static int
await_saved(struct vfs *v, struct call *call, struct node *n)
{
	int ret = 0;

	lock_take(&v->lock);
	while (n->file->saving && !n->aside && !node_is_dirty_locked(v, n)) {
		if (call_interrupted(call)) {
			ret = -EINTR;
			break;
		}
		(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
	}
	lock_drop(&v->lock);
	return ret;
}

/* As staged_begin.  If n is clean, nobody can take what it becomes for what was sent. */
static int
begin_change(struct vfs *v, struct call *call, struct node *n,
    struct staged *staged)
{
	bool clean, ends;
	int ret;

	for (;;) {
		ret = staged_begin(staged, call);
		if (ret < 0)
			return ret;
		lock_take(&v->lock);
		clean = !node_is_dirty_locked(v, n);
		/* Of one that is aside it is a rename, which may take its time. */
		ends = clean && n->file->saving && !n->aside;
		lock_drop(&v->lock);
		if (!ends)
			break;
		staged_end(staged);
		ret = await_saved(v, call, n);
		if (ret < 0)
			return ret;
	}
	if (clean)
		ret = journal_settle(v->config.journal);
	if (ret < 0)
		staged_end(staged);
	return ret;
}

/* Changes n's content: what is sent of it has the change and counts it, or neither. */
static int
change(struct vfs *v, struct call *call, struct node *n, struct staged *staged,
    const struct change *c)
{
	struct room room = { 0 };
	int ret, counted = 0;

	do {
		ret = begin_change(v, call, n, staged);
		if (ret < 0)
			break;
		ret = change_staged(staged, c);
		if (ret == 0)
			counted = save_record_count(v, n, c->written);
		staged_end(staged);
	} while (ret == -ENOSPC && make_room(v, call, &room));
	ret = no_room(call, &room, ret);
	if (ret == 0 && counted != 0)
		ret = counted < 0 ? counted : record_change(v, n);
	return ret;
}

/* n's staging file, with a reference; made when there is none.  empty: without the
 * remote version's content. */
static int
get_staged(struct vfs *v, struct node *n, bool empty, struct staged **out)
{
	struct staged *made = NULL;
	struct entry *base;
	int ret;

	lock_take(&v->lock);
	if (n->file->staged != NULL) {
		*out = staged_ref(n->file->staged);
		lock_drop(&v->lock);
		return 0;
	}
	base = n->remote != NULL ? entry_ref(n->remote) : NULL;
	lock_drop(&v->lock);

	ret = make_staged(v, empty || base == NULL ? 0 : base->version.size,
	    &made);
	if (ret < 0) {
		entry_unref(base);
		return ret;
	}
	lock_take(&v->lock);
	if (n->file->staged == NULL) {
		n->file->staged = made;
		n->file->synced = 0;
		n->file->base = base;
		made = NULL;
		base = NULL;
	}
	*out = staged_ref(n->file->staged);
	lock_drop(&v->lock);
	staged_unref(made);
	entry_unref(base);
	return 0;
}

int
content_pin(struct vfs *v, struct node *n)
{
	int ret = -ENOMEM;

	lock_take(&v->lock);
	if (node_file_locked(v, n) != NULL) {
		n->file->pins++;
		ret = 0;
	}
	lock_drop(&v->lock);
	return ret;
}

void
content_unpin(struct vfs *v, struct node *n)
{
	lock_take(&v->lock);
	n->file->pins--;
	node_keep_content_locked(v, n);
	lock_drop(&v->lock);
}

/* May n be written?  Its old version cannot be saved once there is a new one. */
static int
check_writable(struct vfs *v, struct node *n)
{
	int ret = 0;

	if (v->config.read_only)
		return -EROFS;
	lock_take(&v->lock);
	if (n->gone)
		ret = -ESTALE;
	else if (node_is_fixed_locked(v, n))
		ret = -EACCES; /* root, too, may not */
	lock_drop(&v->lock);
	return ret;
}

int
content_fetch_all(struct vfs *v, struct call *call, struct staged *staged,
    struct base_source *base)
{
	struct read_ahead ahead;
	int ret;

	if (base == NULL || staged_complete(staged))
		return 0;
	read_ahead_init(&ahead);
	base->ahead = &ahead;
	ret = staged_fetch_all(staged, call, &base->source);
	while (ret == -ENOSPC && drop_cached(v))
		ret = staged_fetch_all(staged, call, &base->source);
	base->ahead = NULL;
	base_source_cancel(v, &ahead);
	read_ahead_release(&ahead);
	return ret;
}

/* Fetches what staged, n's, lacks.  check: and looks whether all of it was of one version,
 * since reads carry none. */
static int
complete(struct vfs *v, struct call *call, struct node *n, struct staged *staged,
    bool check)
{
	struct base_source base;
	int ret;

	if (staged_complete(staged))
		return 0;
	base_source_init(v, n, &base);
	staged_freeze(staged);
	ret = staged_mark(staged, call);
	if (ret == 0) {
		ret = content_fetch_all(v, call, staged, &base);
		if (ret == 0 && check)
			ret = base_source_check(&base, call);
		staged_unmark(staged, ret < 0);
	}
	staged_thaw(staged);
	base_source_release(&base);
	return ret;
}

int
content_fetch(struct vfs *v, struct call *call, struct node *n)
{
	struct staged *staged;
	int ret;

	lock_take(&v->lock);
	ret = node_file_locked(v, n) != NULL ? 0 : -ENOMEM;
	lock_drop(&v->lock);
	if (ret == 0)
		ret = get_staged(v, n, false, &staged);
	if (ret < 0)
		return ret;
	ret = complete(v, call, n, staged, true);
	staged_unref(staged);
	return ret;
}

/* The staging file of n for a change of a part of it: with all of the content, where the
 * service has given that as a whole. */
static int
get_staged_to_change(struct vfs *v, struct call *call, struct node *n,
    struct staged **out)
{
	int ret = get_staged(v, n, false, out);

	if (ret < 0 || staged_size(*out) > n->backend->whole_max)
		return ret;
	ret = complete(v, call, n, *out, false);
	if (ret < 0)
		staged_unref(*out);
	return ret;
}

/* --- open ----------------------------------------------------------------------- */

static bool
wants_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

static int
handle_new(struct vfs *v, struct node *n, int flags, struct handle **out)
{
	struct handle *h = malloc(sizeof(*h));

	if (h == NULL)
		return -ENOMEM;
	lock_take(&v->lock);
	if (node_file_locked(v, n) == NULL) {
		lock_drop(&v->lock);
		free(h);
		return -ENOMEM;
	}
	*h = (struct handle){ .node = node_ref_locked(v, n), .flags = flags,
		.opened_ms = clock_mono_ms() };
	read_ahead_init(&h->ahead);
	n->file->opens++;
	n->file->writers += wants_write(flags);
	lock_drop(&v->lock);
	counter_add(CTR_handles, 1);
	*out = h;
	return 0;
}

int
content_create(struct vfs *v, struct node *n, struct entry *base)
{
	struct staged *staged;
	int ret;

	ret = make_staged(v, 0, &staged);
	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	if (node_file_locked(v, n) == NULL) {
		lock_drop(&v->lock);
		staged_unref(staged);
		return -ENOMEM;
	}
	n->file->synced = 0;
	n->file->staged = staged;
	n->file->base = base != NULL ? entry_ref(base) : NULL;
	lock_drop(&v->lock);
	ret = save_record_count(v, n, false);
	return ret == 1 ? save_record_change(v, n) : ret;
}

/* The record of what is written in place may say that most of it is in the old version:
 * not so of what it becomes when it is cut, and that is not to be mixed. */
static int
cut(struct vfs *v, struct call *call, struct node *n, struct staged *staged,
    uint64_t size, bool written)
{
	struct change c = { .how = CUT, .off = size, .written = written };
	bool again, partial = !staged_complete(staged);
	int ret = change(v, call, n, staged, &c);

	lock_take(&v->lock);
	again = partial && n->file->promised && n->scratch == SCRATCH_NEVER &&
	    node_is_dirty_locked(v, n);
	lock_drop(&v->lock);
	return ret == 0 && again ? save_record_promise(v, n, true) : ret;
}

/* O_TRUNC: the content builds on what was last seen, none of which is kept. */
static int
empty(struct vfs *v, struct call *call, struct node *n)
{
	struct staged *staged;
	int ret;

	ret = get_staged(v, n, true, &staged);
	if (ret < 0)
		return ret;
	ret = cut(v, call, n, staged, 0, false);
	staged_unref(staged);
	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	n->file->torn = 0;
	if (n->remote != NULL && n->remote != n->file->base) {
		entry_unref(n->file->base);
		n->file->base = entry_ref(n->remote);
	}
	lock_drop(&v->lock);
	return 0;
}

int
content_open_new(struct vfs *v, struct node *n, int flags, struct handle **out)
{
	return handle_new(v, n, flags, out);
}

int
content_open(struct vfs *v, struct call *call, struct node *n, int flags,
    struct handle **out, bool *keep_pages)
{
	struct handle *h;
	uint64_t version = 0;
	int ret;

	if (wants_write(flags) && v->config.read_only)
		return -EROFS;
	ret = wants_write(flags) ? save_taken(v, call, n) : 0;
	if (ret == 0)
		ret = dir_refresh(v, call, n, false);
	if (ret == 0 && wants_write(flags))
		ret = check_writable(v, n);
	if (ret == 0 && !(wants_write(flags) && (flags & O_TRUNC) != 0))
		ret = measure_node(v, call, n); /* none of it is wanted else */
	if (ret < 0)
		return ret == -ENOENT ? -ESTALE : ret;
	ret = handle_new(v, n, flags, &h);
	if (ret < 0)
		return ret;
	base_source_renew(v, n);
	lock_take(&v->lock);
	if (n->gone)
		ret = -ESTALE;
	if (n->remote != NULL)
		version = base_source_version(v, n->remote);
	/* Unsent pages are the kernel's own. */
	*keep_pages = node_is_local_locked(v, n) || n->file->kernel_pages == version;
	n->file->kernel_pages = version;
	lock_drop(&v->lock);
	if (ret == 0 && wants_write(flags) && (flags & O_TRUNC) != 0)
		ret = empty(v, call, n);
	if (ret < 0) {
		content_close(v, h);
		return ret;
	}
	*out = h;
	return 0;
}

static void
last_close_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	struct node_file *f = n->file;

	save_drop_torn_locked(v, n);
	if (n->delete_at_release) {
		save_later_locked(v, n, 0);
	} else if (n->parent == NULL) {
		node_drop_content_locked(v, n);
	} else if (node_is_dirty_locked(v, n)) {
		/* What has just failed is tried again in its time. */
		if (n->scratch == SCRATCH_NO && f->error == 0)
			save_put_off_locked(v, n);
		else if (n->scratch == SCRATCH_LATER)
			save_later_locked(v, n, v->config.scratch_keep_ms);
	} else {
		node_keep_content_locked(v, n);
	}
}

void
content_close(struct vfs *v, struct handle *h)
{
	struct node *n = h->node;

	base_source_cancel(v, &h->ahead);
	read_ahead_release(&h->ahead);
	base_source_renew(v, n); /* n may end, and with it what is known of that */
	lock_take(&v->lock);
	n->file->writers -= wants_write(h->flags);
	if (--n->file->opens == 0)
		last_close_locked(v, n);
	node_unref_locked(v, n);
	lock_drop(&v->lock);
	save_record_reap(v);
	free(h);
	counter_add(CTR_handles, -1);
}

/* --- reading and writing ------------------------------------------------------------ */

/* Do n's bytes come from elsewhere than they did? */
static bool
has_moved_locked(struct vfs *v UNUSED, const struct node *n,
    const struct staged *staged, const struct entry *from) REQUIRES(v->lock)
{
	if (n->gone)
		return false;
	if (staged == NULL && n->file->staged != NULL)
		return true;
	return (n->file->staged != NULL ? n->file->base : n->remote) != from;
}

/* again: n has another content of ours, or name, since the read began. */
static ssize_t
read_once(struct vfs *v, struct call *call, struct handle *h, uint64_t off,
    void *dst, size_t len, bool *again)
{
	struct node *n = h->node;
	struct staged *staged = NULL;
	struct base_source base;
	ssize_t got;

	lock_take(&v->lock);
	if (n->file->staged != NULL)
		staged = staged_ref(n->file->staged);
	lock_drop(&v->lock);
	base_source_init(v, n, &base);
	base.opened_ms = h->opened_ms;
	base.ahead = &h->ahead;
	if (staged != NULL)
		got = staged_read(staged, call, &base.source, off, dst, len);
	else
		got = base_source_read(&base, call, off, dst, len);
	lock_take(&v->lock);
	*again = false;
	if (got == -ESTALE) {
		/* It may be gone from its old name, and not ours by the new. */
		if (hold_await_thaw_locked(v, call, n) < 0)
			got = -EINTR;
		else
			*again = has_moved_locked(v, n, staged, base.entry);
	}
	lock_drop(&v->lock);
	base_source_release(&base);
	staged_unref(staged);
	return got;
}

ssize_t
content_read(struct vfs *v, struct call *call, struct handle *h, uint64_t off,
    void *dst, size_t len)
{
	bool again;
	ssize_t got;

	do
		got = read_once(v, call, h, off, dst, len, &again);
	while (again);
	return got;
}

int
content_write(struct vfs *v, struct call *call, struct handle *h, uint64_t off,
    const void *src, size_t len)
{
	struct change c = { .how = WRITE, .off = off, .len = len, .src = src,
		.written = true };
	struct node *n = h->node;
	struct staged *staged;
	int ret;

	ret = check_writable(v, n);
	if (ret < 0)
		return ret;
	if (off > n->backend->size_max || len > n->backend->size_max - off)
		return -EFBIG;
	ret = get_staged_to_change(v, call, n, &staged);
	if (ret < 0)
		return ret;
	ret = change(v, call, n, staged, &c);
	note_torn(v, n, ret);
	staged_unref(staged);
	return ret;
}

/* --- promises ---------------------------------------------------------------------- */

static int
save_and_wait(struct vfs *v, struct call *call, struct node *n)
{
	int ret = save_now(v, call, n);

	if (ret == -EINTR)
		save_record_abandoned(v, n);
	return ret;
}

/* -o writeback: n is on the local disk, and will be sent.  The journal can tell the
 * next mount what of it is still only on the server; when there are too many pieces,
 * all is fetched first. */
static int
promise(struct vfs *v, struct call *call, struct node *n)
{
	struct staged *staged = NULL;
	struct staged_map map;
	bool scattered;
	int ret = 0;

	lock_take(&v->lock);
	if (n->file->staged != NULL)
		staged = staged_ref(n->file->staged);
	lock_drop(&v->lock);
	scattered = staged != NULL && staged_map_get(staged, &map) < 0;
	staged_unref(staged);
	if (scattered)
		ret = content_fetch(v, call, n);
	if (ret == 0)
		ret = save_record_promise(v, n, true);
	if (ret == 0)
		save_record_waiting(v, n);
	return ret;
}

/* A close, an fsync or a truncate of n, which is dirty, returns.  arm: it may be the
 * last that is heard of it for long. */
static int
acknowledge(struct vfs *v, struct call *call, struct node *n, bool arm)
{
	int ret;

	if (v->config.writeback_ms >= 0 &&
	    !staging_is_crowded(v->config.staging)) {
		ret = promise(v, call, n);
		lock_take(&v->lock);
		if (ret == 0 && arm && n->parent != NULL &&
		    node_is_dirty_locked(v, n))
			save_put_off_locked(v, n);
		lock_drop(&v->lock);
		/* What cannot be promised here can perhaps be sent. */
		if (ret == 0 || ret == -EINTR)
			return ret;
	} else {
		(void)save_record_promise(v, n, false); /* the server has it soon */
	}
	return save_and_wait(v, call, n);
}

static int
truncate_pinned(struct vfs *v, struct call *call, struct node *n,
    struct handle *h, uint64_t size)
{
	struct staged *staged;
	bool alone, scratch;
	int ret;

	/* No close follows, unless somebody is in the middle of writing; one who has just
	 * closed may still count as a writer. */
	lock_take(&v->lock);
	alone = h == NULL && (n->file->writers == 0 ||
	    !node_is_dirty_locked(v, n) || n->file->told == n->file->changes);
	lock_drop(&v->lock);
	ret = size == 0 ? get_staged(v, n, true, &staged) :
			 get_staged_to_change(v, call, n, &staged);
	if (ret < 0)
		return ret;
	ret = cut(v, call, n, staged, size, true);
	staged_unref(staged);
	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	if (size == 0)
		n->file->torn = 0;
	scratch = n->scratch != SCRATCH_NO;
	lock_drop(&v->lock);
	if (alone)
		ret = scratch ? save_record_promise(v, n, true) :
				acknowledge(v, call, n, true);
	if (ret < 0) {
		/* The kernel takes it that the file is as it was. */
		lock_take(&v->lock);
		if (n->parent != NULL)
			notifier_name(v->notifier, n->parent->id, n->name);
		lock_drop(&v->lock);
	}
	return ret;
}

int
content_truncate(struct vfs *v, struct call *call, struct node *n,
    struct handle *h, uint64_t size)
{
	int ret;

	ret = check_writable(v, n);
	if (ret < 0)
		return ret;
	if (size > n->backend->size_max)
		return -EFBIG;
	ret = save_taken(v, call, n);
	if (ret == 0)
		ret = content_pin(v, n);
	if (ret < 0)
		return ret;
	ret = truncate_pinned(v, call, n, h, size);
	content_unpin(v, n);
	return ret;
}

int
content_allocate(struct vfs *v, struct call *call, struct handle *h, int mode,
    uint64_t off, uint64_t len)
{
	struct change c = { .how = mode == 0 ? GROW :
		mode == FALLOC_FL_KEEP_SIZE ? ALLOCATE : PUNCH,
		.off = off, .len = len, .written = true };
	struct node *n = h->node;
	struct staged *staged;
	int ret;

	if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE &&
	    mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	ret = check_writable(v, n);
	if (ret < 0)
		return ret;
	if (off > n->backend->size_max || len > n->backend->size_max - off)
		return -EFBIG;
	ret = get_staged_to_change(v, call, n, &staged);
	if (ret < 0)
		return ret;
	ret = change(v, call, n, staged, &c);
	staged_unref(staged);
	return ret;
}

int
content_seek(struct vfs *v, struct call *call, struct handle *h, uint64_t off,
    int whence, uint64_t *out)
{
	struct node *n = h->node;
	struct staged *staged = NULL;
	uint64_t size = 0;
	int ret;

	(void)call;
	lock_take(&v->lock);
	if (n->file->staged != NULL)
		staged = staged_ref(n->file->staged);
	else if (n->remote != NULL)
		size = n->remote->version.size;
	lock_drop(&v->lock);
	if (staged != NULL) {
		ret = staged_seek(staged, off, whence, out);
		staged_unref(staged);
		return ret;
	}
	/* What is on the server has no holes that we know of. */
	if (off >= size)
		return -ENXIO;
	*out = whence == SEEK_HOLE ? size : off;
	return 0;
}

/* --- closing ----------------------------------------------------------------------- */

/* The reason why n's content will not be sent; 0: it will. */
static int
failed_locked(struct vfs *v UNUSED, struct node *n) REQUIRES(v->lock)
{
	if (n->parent != NULL)
		return n->file->torn;
	/* Of two writers whose file met another version, both must know. */
	return n->gone ? n->file->error : 0;
}

int
content_flush(struct vfs *v, struct call *call, struct handle *h)
{
	struct node *n = h->node;
	bool dirty, deferred, scratch;
	int failed;

	if (!wants_write(h->flags))
		return 0;
	lock_take(&v->lock);
	failed = failed_locked(v, n);
	dirty = n->parent != NULL &&
	    (node_is_dirty_locked(v, n) || n->file->saving);
	deferred = n->file->deferred && !n->file->saving;
	scratch = n->scratch != SCRATCH_NO;
	lock_drop(&v->lock);
	if (failed != 0)
		return failed;
	if (!dirty)
		return 0;
	/* Shells close the file that they have just emptied before they write:
	 * sending that would empty it on the server for a moment. */
	if (deferred || scratch)
		return save_record_promise(v, n, true);
	return acknowledge(v, call, n, false);
}

int
content_sync(struct vfs *v, struct call *call, struct handle *h)
{
	struct node *n = h->node;
	bool dirty, scratch;
	int failed;

	lock_take(&v->lock);
	failed = wants_write(h->flags) ? failed_locked(v, n) : 0;
	dirty = n->parent != NULL &&
	    (node_is_dirty_locked(v, n) || n->file->saving);
	scratch = n->scratch != SCRATCH_NO;
	lock_drop(&v->lock);
	if (failed != 0)
		return failed;
	if (!dirty)
		return 0;
	if (scratch)
		return save_record_promise(v, n, true);
	return acknowledge(v, call, n, true);
}
