/* fs/base_source.c - bytes of the remote version. */
#include "config.h"

#include "fs/base_source.h"

#include <errno.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "fs/dir.h"
#include "fs/hold.h"

#include "base/banned.h"

/* Was it not looked at for a time-to-live? */
static bool
is_old(const struct base_source *s)
{
	struct vfs *v = s->v;
	const struct node *n = s->node;
	bool old;

	lock_take(&v->lock);
	old = n->seen_ms == 0 ||
	    clock_mono_ms() - n->seen_ms > node_ttl_ms(v, n) + 100;
	lock_drop(&v->lock);
	return old;
}

/* Is what is read the end of what a handle has read for longer than it is trusted?
 * It may have changed since the last look, and nobody will look again. */
static bool
is_end(const struct base_source *s, uint64_t off, size_t len)
{
	return s->opened_ms != 0 && off > 0 &&
	    off + len >= s->entry->version.size &&
	    clock_mono_ms() - s->opened_ms > node_ttl_ms(s->v, s->node);
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
		if (!gone && n->remote == s->entry)
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

/* The block cache lacks a block. */
static ssize_t
fetch(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	struct base_source *s = ctx;
	ssize_t got;

	got = check_version(s, call, is_old(s) || is_end(s, off, len));
	if (got == 0)
		got = s->entry->backend->ops->read(s->entry->backend, call,
		    s->entry, off, dst, len);
	if (got >= 0) {
		int ret = check_version(s, call, is_moving(s));

		if (ret < 0)
			return ret;
	}
	return got == -ENOENT ? -ESTALE : got;
}

ssize_t
base_source_read(struct base_source *s, struct call *call, uint64_t off,
    void *dst, size_t len)
{
	struct source lacking = { fetch, s };

	if (s->entry == NULL)
		return 0;
	return block_cache_read(s->v->config.blocks, call,
	    file_key_make(s->v->config.scope, s->entry),
	    s->entry->version.size, &lacking, off, dst, len);
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
		.source = { read_base, s },
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
