/* fs/dir.c - finding names and listing directories. */
#include "config.h"

#include "fs/dir.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/text.h"
#include "fs/hold.h"
#include "fs/lists.h"
#include "fs/walk.h"
#include "ns/ns.h"

#include "base/banned.h"

/* A second single name within this time lists the directory. */
#define ASKED_AGAIN_MS 5000

/* Own changes while a listing is on its way make it start again, so often. */
#define LIST_TRIES 3

/* Not 0, and never within a time-to-live. */
#define LISTED_LONG_AGO (INT64_MIN / 2)

/* --- our own changes --------------------------------------------------------- */

/* e: what it has from now on; NULL: nothing. */
static void
note_change(struct node_dir *d, const char *name, struct entry *e)
{
	if (d->recent == NULL)
		d->recent = calloc(RECENT_NAMES, sizeof(d->recent[0]));
	if (d->recent != NULL) {
		struct recent_name *slot =
		    &d->recent[d->changes % RECENT_NAMES];

		free(slot->name);
		entry_unref(slot->e);
		slot->name = text_dup(name);
		slot->e = e != NULL ? entry_ref(e) : NULL;
	}
	d->changes++;
	if (d->absent != NULL && strcmp(d->absent, name) == 0)
		d->absent_ms = 0;
}

/* Did we change name, as far as is remembered, since the count was since? */
static bool
changed_since(const struct node_dir *d, uint64_t since, const char *name)
{
	if (d->changes - since > RECENT_NAMES ||
	    (d->changes != since && d->recent == NULL))
		return true;
	for (uint64_t i = since; i < d->changes; i++) {
		const char *recent = d->recent[i % RECENT_NAMES].name;

		if (recent == NULL || strcmp(recent, name) == 0)
			return true;
	}
	return false;
}

/* What dir's listing has under name; e NULL: nothing. */
static void
set_row_locked(struct vfs *v, struct node *dir, const char *name,
    struct entry *e) REQUIRES(v->lock)
{
	struct node_dir *d = dir->dir;
	int ret = 0;

	lists_differ_locked(v, dir);
	if (d->listed_ms == 0)
		return;
	if (e != NULL)
		ret = listing_set(&d->list, e);
	else
		listing_remove(&d->list, name);
	if (ret < 0)
		lists_forget_locked(v, dir);
	else
		lists_touch_locked(v, dir);
}

void
dir_put_locked(struct vfs *v, struct node *dir, struct entry *e)
{
	struct node_dir *d = node_dir_locked(v, dir);

	if (d == NULL)
		return;
	note_change(d, e->name, e);
	set_row_locked(v, dir, e->name, e);
}

void
dir_remove_locked(struct vfs *v, struct node *dir, const char *name)
{
	struct node_dir *d = node_dir_locked(v, dir);

	if (d == NULL)
		return;
	note_change(d, name, NULL);
	set_row_locked(v, dir, name, NULL);
}

void
dir_drop_locked(struct vfs *v, struct node *dir)
{
	if (dir->dir != NULL) {
		dir->dir->absent_ms = 0;
		dir->dir->changes += RECENT_NAMES + 1;
		lists_doubt_locked(v, dir);
	}
}

void
dir_is_new_locked(struct vfs *v, struct node *dir)
{
	struct node_dir *d = node_dir_locked(v, dir);

	if (d == NULL)
		return;
	listing_clear(&d->list);
	lists_keep_locked(v, dir, clock_mono_ms());
}

struct node *
dir_aside_locked(struct vfs *v UNUSED, struct node *dir, const char *name)
{
	struct node *c;

	if (dir->dir == NULL || dir->dir->asides == 0)
		return NULL;
	DL_FOREACH(dir->children, c)
		if (c->aside && strcmp(c->remote->name, name) == 0)
			return c;
	return NULL;
}

/* --- what the service says becomes nodes ---------------------------------------- */

void
dir_detach_locked(struct vfs *v, struct node *n)
{
	n->gone = true;
	node_unname_locked(v, n);
}

/* Does somebody read n, or know its size?  Another version is another file then: the
 * kernel cuts what it reads at the size that it believes. */
static bool
is_in_use_locked(struct vfs *v UNUSED, const struct node *n) REQUIRES(v->lock)
{
	return n->nlookup > 0 ||
	    (n->file != NULL && (n->file->opens > 0 || n->file->saving));
}

struct node *
dir_take_locked(struct vfs *v, struct node *dir, const char *name,
    struct entry *e, int64_t asked_ms)
{
	struct node *n = node_find_locked(v, dir, name);
	bool same;

	if (n != NULL && node_is_local_locked(v, n)) {
		if (n->remote != NULL && !n->aside && e->kind == ENTRY_FILE)
			node_set_remote_locked(v, n, e, asked_ms);
		return n;
	}
	/* Who renames or removes it says what it is then. */
	if (n != NULL && (n->seen_ms > asked_ms || n->frozen > 0))
		return n;
	if (n != NULL && (n->kind != e->kind || n->backend != e->backend)) {
		dir_detach_locked(v, n);
		n = NULL;
	}
	if (n != NULL) {
		same = n->kind != ENTRY_FILE ||
		    version_matches(&n->remote->version, &e->version);
		if (!same && is_in_use_locked(v, n)) {
			dir_detach_locked(v, n);
			n = NULL;
		} else if (!same) {
			node_drop_content_locked(v, n);
		}
	}
	if (n == NULL) {
		n = node_new_locked(v, dir, name, e->kind, e->backend, e);
		if (n == NULL)
			return NULL;
		n->seen_ms = asked_ms;
		/* The kernel's or the caller's reference follows. */
		n->refs--;
		return n;
	}
	node_set_remote_locked(v, n, e, asked_ms);
	return n;
}

/* The listing says for every known child what it is now. */
static void
refresh_children_locked(struct vfs *v, struct node *dir, int64_t asked_ms)
    REQUIRES(v->lock)
{
	struct node *c, *next;

	DL_FOREACH_SAFE(dir->children, c, next) {
		struct entry *e = listing_find(&dir->dir->list, c->name);

		if (node_is_local_locked(v, c) || c->kind == ENTRY_SESSION ||
		    c->frozen > 0)
			continue;
		if (e == NULL) {
			c->seen_ms = 0; /* the next look-up finds it gone */
			continue;
		}
		/* Not by its name: c may go with it.  What takes its place goes
		 * again, since nobody has asked for it. */
		c = dir_take_locked(v, dir, e->name, e, asked_ms);
		if (c != NULL) {
			(void)node_ref_locked(v, c);
			node_unref_locked(v, c);
		}
	}
}

/* --- fetching a listing ------------------------------------------------------------ */

static int
collect(void *ctx, struct entry *e)
{
	return listing_append(ctx, e);
}

/* Puts what we changed since on top of a fetched list.  -EAGAIN: too much of it to
 * remember. */
static int
patch_list_locked(struct vfs *v, struct node *dir, struct listing *fetched,
    uint64_t since) REQUIRES(v->lock)
{
	struct node_dir *d = dir->dir;

	if (d->changes - since > RECENT_NAMES ||
	    (d->changes != since && d->recent == NULL))
		return -EAGAIN;
	for (uint64_t i = since; i < d->changes; i++) {
		const char *name = d->recent[i % RECENT_NAMES].name;
		struct entry *e = d->recent[i % RECENT_NAMES].e;
		struct node *c;

		if (name == NULL)
			return -EAGAIN;
		listing_remove(fetched, name);
		/* Nobody need know it any more: it is there nevertheless. */
		c = node_find_locked(v, dir, name);
		if (c != NULL)
			e = c->aside ? NULL : c->remote;
		if (e != NULL && listing_set(fetched, e) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Puts a fetched list in place.  last: as it is, if need be, for this once: in a
 * directory where so much happens a reader may see some of it and some not. */
static int
store_list_locked(struct vfs *v, struct node *dir, struct listing *fetched,
    uint64_t since, int64_t asked_ms, bool last) REQUIRES(v->lock)
{
	struct node_dir *d = dir->dir;
	int ret;

	listing_sort(fetched);
	ret = patch_list_locked(v, dir, fetched, since);
	if (ret == -EAGAIN && last) {
		asked_ms = LISTED_LONG_AGO;
		ret = 0;
	}
	if (ret < 0)
		return ret;
	listing_release(&d->list);
	d->list = *fetched;
	*fetched = (struct listing){ 0 };
	lists_keep_locked(v, dir, asked_ms);
	refresh_children_locked(v, dir, asked_ms);
	walk_listed_locked(v, dir);
	return 0;
}

/* One fetch, with the lock dropped while it is under way. */
static int
fetch_list_locked(struct vfs *v, struct call *call, struct node *dir, bool last)
    REQUIRES(v->lock)
{
	struct listing fetched = { 0 };
	struct entry *e = entry_ref(dir->remote);
	uint64_t since = dir->dir->changes;
	int64_t asked_ms = clock_mono_ms();
	int ret;

	dir->dir->listing = call;
	lock_drop(&v->lock);
	ret = ns_list(v->config.ns, call, e, collect, &fetched);
	lock_take(&v->lock);
	dir->dir->listing = NULL;
	cond_broadcast(&v->changed);
	if (ret == 0 && !dir->gone)
		ret = store_list_locked(v, dir, &fetched, since, asked_ms,
		    last);
	else if (ret == -ENOENT &&
	    (dir->remote != e || hold_is_frozen_locked(v, dir)))
		ret = -EAGAIN; /* it is being moved, or was */
	else if (ret == -ENOTDIR)
		ret = -ENOENT; /* it was replaced by a file */
	/* How it went for whoever waits; what concerns this caller alone does not. */
	dir->dir->list_error = ret == -EINTR || ret == -EAGAIN ? 0 : ret;
	listing_release(&fetched);
	entry_unref(e);
	return ret;
}

/* A fetch under way serves all who wait for it, and is as urgent as the most urgent of
 * them. */
static void
await_list_locked(struct vfs *v, struct call *call, struct node *dir)
    REQUIRES(v->lock)
{
	if (call_class(call) == CALL_DEMAND)
		call_promote(dir->dir->listing);
	(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
}

int
dir_list_locked(struct vfs *v, struct call *call, struct node *dir, bool must)
{
	int64_t begun = clock_mono_ms();
	bool waited = false;

	if (dir->gone || dir->remote == NULL)
		return 0;
	for (int tries = 0;;) {
		int ret;

		if (dir->dir->listing != NULL) {
			if (call_interrupted(call))
				return -EINTR;
			await_list_locked(v, call, dir);
			waited = true;
			continue;
		}
		if (waited && dir->dir->list_error != 0 &&
		    !node_went_offline(v, dir->dir->list_error))
			return dir->dir->list_error;
		waited = false;
		if (tries > 0 && hold_await_thaw_locked(v, call, dir) < 0)
			return -EINTR;
		if (lists_is_fresh_locked(v, dir) ||
		    (must && dir->dir->listed_ms > begun))
			return 0;
		ret = fetch_list_locked(v, call, dir, ++tries >= LIST_TRIES);
		if (node_went_offline(v, ret) && lists_is_fresh_locked(v, dir))
			return 0;
		if (ret != -EAGAIN)
			return ret;
	}
}

/* --- looking up ------------------------------------------------------------------ */

static bool
is_control(const struct vfs *v, const struct node *parent, const char *name)
{
	return parent == v->root && strcmp(name, NS_CONTROL) == 0;
}

/* The answer from what is known; 1 when the service must be asked.  listed: the list
 * was fetched for this, so it answers however long that took. */
static int
find_known_locked(struct vfs *v, struct node *parent, const char *name,
    bool listed, struct node **out) REQUIRES(v->lock)
{
	struct node *n;
	struct entry *e;

	n = node_find_locked(v, parent, name);
	/* What is being replaced is there at every moment. */
	if (n != NULL && (node_is_local_locked(v, n) || n->frozen > 0)) {
		*out = n;
		return 0;
	}
	if (dir_aside_locked(v, parent, name) != NULL)
		return -ENOENT;
	if (((listed && parent->dir->listed_ms != 0) ||
		lists_is_fresh_locked(v, parent)) &&
	    !is_control(v, parent, name)) {
		e = listing_find(&parent->dir->list, name);
		if (e == NULL) {
			if (n != NULL)
				dir_detach_locked(v, n);
			return -ENOENT;
		}
		lists_touch_locked(v, parent);
		if (parent->dir->ahead)
			walk_visit_locked(v, parent, false);
		n = dir_take_locked(v, parent, name, e, parent->dir->listed_ms);
		if (n == NULL)
			return -ENOMEM;
		*out = n;
		return 0;
	}
	if (n != NULL && node_ttl_left_locked(v, n) > 0) {
		*out = n;
		return 0;
	}
	return 1;
}

static void
note_absent(struct node_dir *d, const char *name, int64_t asked_ms)
{
	free(d->absent);
	d->absent = text_dup(name);
	d->absent_ms = asked_ms;
}

/* Asks for the one name; 1 when the answer is out of date already. */
static int
ask_name_locked(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node **out) REQUIRES(v->lock)
{
	struct node_dir *d = parent->dir;
	struct entry *dir = entry_ref(parent->remote), *e = NULL;
	uint64_t since = d->changes;
	int64_t asked_ms = clock_mono_ms();
	struct node *n;
	int ret;

	lock_drop(&v->lock);
	ret = ns_lookup(v->config.ns, call, dir, name, &e);
	lock_take(&v->lock);
	entry_unref(dir);
	if ((ret == 0 || ret == -ENOENT) &&
	    (changed_since(d, since, name) ||
		dir_aside_locked(v, parent, name) != NULL)) {
		entry_unref(e);
		return 1;
	}
	if (ret == -ENOENT && hold_is_frozen_locked(v, parent)) {
		ret = hold_await_thaw_locked(v, call, parent);
		return ret < 0 ? ret : 1;
	}
	if (ret == 0) {
		n = dir_take_locked(v, parent, name, e, asked_ms);
		if (n != NULL)
			*out = n;
		else
			ret = -ENOMEM;
		entry_unref(e);
	} else if (ret == -ENOENT) {
		n = node_find_locked(v, parent, name);
		if (n != NULL && (node_is_local_locked(v, n) || n->frozen > 0))
			return 1;
		if (n != NULL)
			dir_detach_locked(v, n);
		note_absent(d, name, asked_ms);
	}
	return ret;
}

static int
lookup_locked(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node **out) REQUIRES(v->lock)
{
	bool listed = false;

	for (int tries = 0; tries < 8; tries++) {
		struct node_dir *d = node_dir_locked(v, parent);
		int64_t now = clock_mono_ms();
		bool again;
		int ret;

		if (d == NULL)
			return -ENOMEM;
		if (parent->gone || parent->remote == NULL)
			return -ENOENT;
		ret = find_known_locked(v, parent, name, listed, out);
		if (ret <= 0)
			return ret;
		again = node_ttl_ms(v, parent) > 0 &&
		    !is_control(v, parent, name) &&
		    ((d->asked_ms != 0 && now - d->asked_ms < ASKED_AGAIN_MS) ||
			walk_expects_locked(v, parent));
		if (!is_control(v, parent, name))
			d->asked_ms = now;
		listed = again;
		if (again)
			walk_visit_locked(v, parent, false);
		if (again)
			ret = dir_list_locked(v, call, parent, false);
		else
			ret = ask_name_locked(v, call, parent, name, out);
		if (node_went_offline(v, ret)) {
			int known =
			    find_known_locked(v, parent, name, false, out);

			return known <= 0 ? known : ret;
		}
		if (ret < 0 || (ret == 0 && !again))
			return ret;
	}
	return -EBUSY;
}

int
dir_lookup(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node **out)
{
	struct node *n = NULL;
	int ret;

	lock_take(&v->lock);
	ret = lookup_locked(v, call, parent, name, &n);
	if (ret == 0)
		*out = node_ref_locked(v, n);
	lock_drop(&v->lock);
	return ret;
}

int
dir_lookup_new(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node **out)
{
	struct node_dir *d;
	bool absent;

	lock_take(&v->lock);
	d = parent->dir;
	absent = d != NULL && d->absent != NULL && d->absent_ms != 0 &&
	    strcmp(d->absent, name) == 0 &&
	    clock_mono_ms() - d->absent_ms < v->config.negative_ttl_ms &&
	    node_find_locked(v, parent, name) == NULL;
	lock_drop(&v->lock);
	return absent ? -ENOENT : dir_lookup(v, call, parent, name, out);
}

/* The service has something else under n's name, or nothing (e NULL). */
static int
replaced_locked(struct vfs *v, struct node *n, struct entry *e,
    int64_t asked_ms) REQUIRES(v->lock)
{
	bool open = n->file != NULL && (n->file->opens > 0 || n->file->saving);
	struct node *dir = n->parent;

	/* The root has no name to lose: it is looked for again. */
	if (n == v->root)
		return -ENOENT;
	/* Or the next look-up would find the old one again. */
	if (dir->dir != NULL && dir->dir->listed_ms <= asked_ms)
		set_row_locked(v, dir, n->name, e);
	dir_detach_locked(v, n);
	return open ? 0 : -ENOENT;
}

/* What the service answered about n itself. */
static int
take_refreshed_locked(struct vfs *v, struct node *n, struct entry *e, int ret,
    int64_t asked_ms) REQUIRES(v->lock)
{
	if (ret < 0 && ret != -ENOENT)
		return ret;
	if (ret == -ENOENT || e->kind != n->kind)
		return replaced_locked(v, n, e, asked_ms);
	if (n->kind == ENTRY_FILE &&
	    !version_matches(&n->remote->version, &e->version)) {
		if (is_in_use_locked(v, n))
			return replaced_locked(v, n, e, asked_ms);
		node_drop_content_locked(v, n);
	}
	node_set_remote_locked(v, n, e, asked_ms);
	return 0;
}

/* Can an answer of the service say what n is now? */
static bool
is_askable_locked(struct vfs *v, const struct node *n) REQUIRES(v->lock)
{
	return !n->gone && !node_is_local_locked(v, n) &&
	    (n->parent != NULL || n == v->root);
}

int
dir_answer_locked(struct vfs *v, struct node *n, const struct entry *was,
    struct entry *e, int ret, int64_t asked_ms)
{
	/* What we do to it, or did meanwhile, is newer than the answer. */
	if (n->remote == was && is_askable_locked(v, n) && n->frozen == 0)
		return take_refreshed_locked(v, n, e, ret, asked_ms);
	return ret == -ENOENT ? 0 : ret;
}

int
dir_refresh(struct vfs *v, struct call *call, struct node *n, bool now)
{
	struct entry *was, *e = NULL;
	int64_t asked_ms;
	bool again;
	int ret;

	do {
		lock_take(&v->lock);
		if (!is_askable_locked(v, n) ||
		    (!now && node_ttl_left_locked(v, n) > 0)) {
			lock_drop(&v->lock);
			return 0;
		}
		was = entry_ref(n->remote);
		asked_ms = clock_mono_ms();
		lock_drop(&v->lock);
		ret = ns_refresh(v->config.ns, call, was, &e);
		lock_take(&v->lock);
		again = ret == -ENOENT && hold_is_frozen_locked(v, n);
		if (again)
			ret = hold_await_thaw_locked(v, call, n);
		else
			ret = dir_answer_locked(v, n, was, e, ret, asked_ms);
		if (!now && node_went_offline(v, ret) &&
		    node_ttl_left_locked(v, n) > 0)
			ret = 0;
		lock_drop(&v->lock);
		entry_unref(was);
		entry_unref(e);
		e = NULL;
	} while (again && ret == 0);
	return ret;
}

int64_t
dir_absent_ms(struct vfs *v, struct node *dir)
{
	int64_t ms = v->config.negative_ttl_ms, left;

	lock_take(&v->lock);
	if (lists_is_fresh_locked(v, dir)) {
		left = dir->dir->listed_ms + node_ttl_ms(v, dir) -
		    clock_mono_ms();
		ms = left < ms ? left : ms;
	}
	lock_drop(&v->lock);
	return ms > 0 ? ms : 0;
}
