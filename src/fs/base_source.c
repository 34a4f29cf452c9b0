/* fs/base_source.c - bytes of the remote version. */
#include "config.h"

#include "fs/base_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/reach.h"
#include "fs/dir.h"
#include "fs/forget.h"
#include "fs/hold.h"

#include "base/banned.h"

/* How long after its time a version may still change without a new one. */
#define YOUNG_MS ((int64_t)2000)

/* Was it not looked at for a time-to-live?  Then the caller looks; others go on: what
 * they get is dropped with the rest if it turns out to be of another version. */
static bool
takes_look(const struct base_source *s)
{
	struct vfs *v = s->v;
	struct node *n = s->node;
	bool old;

	lock_take(&v->lock);
	old = !n->looking && !reach_is_lost(v->config.reach) &&
	    (n->seen_ms == 0 ||
		clock_mono_ms() - n->seen_ms > node_ttl_ms(v, n) + 100);
	n->looking = n->looking || old;
	lock_drop(&v->lock);
	return old;
}

/* Is this the end of what a handle has read for longer than it is trusted, and was
 * some of it fetched since the last look?  Nobody will look again. */
static bool
is_end(const struct base_source *s, uint64_t end)
{
	struct vfs *v = s->v;
	const struct node *n = s->node;
	bool look;

	if (s->opened_ms == 0 || end < s->entry->version.size ||
	    reach_is_lost(v->config.reach) ||
	    clock_mono_ms() - s->opened_ms <= node_ttl_ms(v, n))
		return false;
	lock_take(&v->lock);
	look = n->seen_ms <= n->file->fetched_ms;
	lock_drop(&v->lock);
	return look;
}

/* While its name is being changed, that shows another file at some moment. */
static bool
is_moving(const struct base_source *s)
{
	bool moving;

	lock_take(&s->v->lock);
	moving = hold_is_frozen_locked(s->v, s->node);
	lock_drop(&s->v->lock);
	return moving;
}

/* Is the version of s still what is known, or, when look, what the service has? */
static int
check_version(struct base_source *s, struct call *call, bool look)
{
	struct vfs *v = s->v;
	struct node *n = s->node;
	bool gone;
	int ret = 0;

	lock_take(&v->lock);
	/* What is known to be fresh may be a later version than that of s. */
	gone = n->gone || (n->remote != NULL && n->remote != s->entry &&
	    (strcmp(s->entry->path, n->remote->path) != 0 ||
		!version_matches(&s->entry->version, &n->remote->version)));
	lock_drop(&v->lock);
	if (look && !gone) {
		struct entry *now = NULL;
		int64_t asked_ms = clock_mono_ms();

		ret = s->entry->backend->ops->refresh(s->entry->backend, call,
		    s->entry, &now);
		if (ret < 0 && ret != -ENOENT)
			return ret;
		gone = ret == -ENOENT || now->kind != s->entry->kind ||
		    !version_matches(&s->entry->version, &now->version);
		lock_take(&v->lock);
		if (gone && !hold_is_frozen_locked(v, n))
			(void)dir_answer_locked(v, n, s->entry, now, ret,
			    asked_ms);
		else if (!gone && n->remote == s->entry)
			n->seen_ms = asked_ms;
		lock_drop(&v->lock);
		entry_unref(now);
	}
	if (!gone)
		return 0;
	/* What was fetched since the last look may be of the new version. */
	block_cache_drop(v->config.blocks,
	    file_key_make(v->config.scope, s->entry));
	return -ESTALE;
}

int
base_source_check(struct base_source *s, struct call *call)
{
	return s->entry != NULL ? check_version(s, call, true) : 0;
}

/* Is that an answer about another version, or none? */
static bool
is_odd(ssize_t got, size_t len)
{
	return got >= 0 ? (size_t)got < len : got == -ENOENT || got == -ESTALE;
}

/* The block cache lacks a block. */
static ssize_t
fetch(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	struct base_source *s = ctx;
	struct vfs *v = s->v;
	bool look = takes_look(s);
	ssize_t got;

	got = check_version(s, call, look);
	if (look) {
		lock_take(&v->lock);
		s->node->looking = false;
		lock_drop(&v->lock);
	}
	if (got < 0)
		return got;
	got = s->entry->backend->ops->read(s->entry->backend, call, s->entry,
	    off, dst, len);
	if (got >= 0) {
		lock_take(&v->lock);
		s->node->file->fetched_ms = clock_mono_ms();
		lock_drop(&v->lock);
	}
	if (got >= 0 || is_odd(got, len)) {
		int ret = check_version(s, call,
		    is_odd(got, len) || is_moving(s));

		if (ret < 0)
			return ret;
	}
	return got == -ENOENT ? -ESTALE : got;
}

/* --- for bytes that nobody waits for ---------------------------------------------- */

static void *
keep(void *ctx)
{
	const struct base_source *s = ctx;
	struct base_source *kept = malloc(sizeof(*kept));

	if (kept == NULL)
		return NULL;
	lock_take(&s->v->lock);
	*kept = (struct base_source){
		.v = s->v,
		.node = node_ref_locked(s->v, s->node),
		.entry = entry_ref(s->entry),
	};
	lock_drop(&s->v->lock);
	return kept;
}

static void
release(void *ctx)
{
	struct base_source *kept = ctx;

	node_unref(kept->v, kept->node);
	entry_unref(kept->entry);
	free(kept);
}

/* Times of one second hide a change within it. */
static bool
is_young(const struct entry *e)
{
	int64_t age_ms = clock_real_ms() - e->version.mtime_ms;

	return e->version.mtime_ms % 1000 == 0 && age_ms > -YOUNG_MS &&
	    age_ms < YOUNG_MS;
}

static void
note_young(struct base_source *s)
{
	lock_take(&s->v->lock);
	s->node->file->young = base_source_version(s->v, s->entry);
	lock_drop(&s->v->lock);
}

void
base_source_renew(struct vfs *v, struct node *n)
{
	struct entry *e = NULL;

	lock_take(&v->lock);
	if (n->file->young != 0 && n->remote != NULL &&
	    !reach_is_lost(v->config.reach)) {
		e = entry_ref(n->remote);
		n->file->young = 0;
		n->file->kernel_pages = 0;
	}
	lock_drop(&v->lock);
	if (e != NULL)
		block_cache_forget(v->config.blocks,
		    file_key_make(v->config.scope, e));
	entry_unref(e);
}

/* --- reading ------------------------------------------------------------------------ */

static void
read_on(struct base_source *s, const struct block_file *f, uint64_t off,
    size_t len)
{
	struct block_cache *blocks = s->v->config.blocks;
	uint64_t first;
	unsigned n, got;

	n = read_ahead_plan(s->ahead, off, len, f->size, BLOCK_CACHE_WANTED,
	    &first);
	if (n == 0)
		return;
	got = block_cache_want(blocks, f, first, n, s->ahead);
	if (got < n)
		read_ahead_cut(s->ahead, off, first + got);
}

ssize_t
base_source_read(struct base_source *s, struct call *call, uint64_t off,
    void *dst, size_t len)
{
	struct vfs *v = s->v;
	struct source lacking = { .read = fetch, .ctx = s, .keep = keep,
		.release = release };
	struct block_file f = { .src = &lacking };
	bool waited = false;
	ssize_t got;
	int ret = 0;

	if (s->entry == NULL)
		return 0;
	forget_content(v, s->node, s->entry);
	f.key = file_key_make(v->config.scope, s->entry);
	f.size = s->entry->version.size;
	lacking.passing = s->entry->version.gen != 0;
	if (is_young(s->entry)) {
		lacking.passing = true;
		note_young(s);
	}
	if (s->ahead != NULL)
		read_on(s, &f, off, len);
	got = block_cache_read(v->config.blocks, call, &f, off, dst, len,
	    &waited);
	if (waited && s->ahead != NULL)
		read_ahead_waited(s->ahead, off);
	if (got > 0 && is_end(s, off + (uint64_t)got))
		ret = check_version(s, call, true);
	if (node_went_offline(v, ret))
		ret = 0;
	return ret < 0 ? ret : got;
}

void
base_source_cancel(struct vfs *v, const struct read_ahead *ahead)
{
	block_cache_cancel(v->config.blocks, ahead);
}

static ssize_t
read_base(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	return base_source_read(ctx, call, off, dst, len);
}

void
base_source_init(struct vfs *v, struct node *n, struct base_source *s)
{
	struct entry *e;

	lock_take(&v->lock);
	e = n->file != NULL && n->file->staged != NULL ? n->file->base :
							 n->remote;
	*s = (struct base_source){
		.source = { .read = read_base, .ctx = s },
		.v = v,
		.node = n,
		.entry = e != NULL ? entry_ref(e) : NULL,
	};
	lock_drop(&v->lock);
}

void
base_source_release(struct base_source *s)
{
	entry_unref(s->entry);
	s->entry = NULL;
}

uint64_t
base_source_version(const struct vfs *v, const struct entry *e)
{
	struct file_key key = file_key_make(v->config.scope, e);

	return key.hash[0] | 1;
}
