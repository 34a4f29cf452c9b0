/* fs/loose.c - content that lost its place. */
#include "config.h"

#include "fs/loose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/journal.h"
#include "fs/base_source.h"
#include "fs/dir.h"
#include "fs/hold.h"
#include "fs/upload.h"
#include "ns/ns.h"

#include "base/banned.h"

struct loose {
	struct vfs *v;
	struct node *dir;
	char *name;
	struct staged *staged;
	struct entry *old; /* as in loose_info, as unknown */
	bool unknown;
	enum pending_state state;
	uint64_t subject;
	struct pending_item *item; /* set once, before the first action */
};

static void
loose_free(void *ctx)
{
	struct loose *l = ctx;

	if (l == NULL)
		return;
	node_unref(l->v, l->dir);
	staged_unref(l->staged);
	entry_unref(l->old);
	free(l->name);
	free(l);
}

/* The content is on the server, or nobody wants it. */
static void
settle(struct loose *l)
{
	if (l->subject != 0)
		journal_end(l->v->config.journal, l->subject);
	staged_keep(l->staged, false);
	lock_take(&l->v->lock);
	l->v->loose--;
	lock_drop(&l->v->lock);
	pending_remove(l->v->config.pending, l->item);
}

static ssize_t
read_old(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	const struct entry *e = ctx;

	return e->backend->ops->read(e->backend, call, e, off, dst, len);
}

/* What is missing comes from the server, if that has still the version that it is of:
 * never zeros, and never another version's bytes. */
static int
find_rest(struct loose *l, struct call *call, struct upload *up,
    struct base_source *base)
{
	const char *why = NULL;

	if (l->unknown)
		why = "parts of this file were never fetched, and nobody knows"
		    " which; it cannot be sent";
	else if (staged_complete(l->staged))
		return 0;
	else if (l->old == NULL || up->old == NULL ||
	    up->old->kind != ENTRY_FILE ||
	    !version_matches(&l->old->version, &up->old->version))
		why = "parts of this file were never fetched, and the version"
		    " that they are of is gone from the server; it cannot be"
		    " sent";
	if (why != NULL) {
		text_copy(call->words, sizeof(call->words), why);
		return l->unknown ? -ENODATA : -ESTALE;
	}
	*base = (struct base_source){
		.source = { .read = read_old, .ctx = up->old },
		.v = l->v,
		.entry = up->old,
	};
	up->base = base;
	return 0;
}

/* What is under the name now is replaced: the person has seen that it differs. */
static int
replace(struct loose *l, struct call *call)
{
	struct vfs *v = l->v;
	struct upload up = { .name = l->name, .staged = l->staged };
	struct base_source base;
	struct entry *out = NULL;
	struct node *n;
	int ret;

	ret = hold_begin(v, call, l->dir, NULL);
	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	up.dir = entry_ref(l->dir->remote);
	lock_drop(&v->lock);
	ret = ns_lookup(v->config.ns, call, up.dir, l->name, &up.old);
	if (ret == -ENOENT)
		ret = 0;
	if (ret == 0)
		ret = find_rest(l, call, &up, &base);
	if (ret == 0)
		ret = upload_content(v, call, &up, &out);
	if (ret == 0) {
		lock_take(&v->lock);
		n = node_find_locked(v, l->dir, l->name);
		if (n != NULL && !node_is_local_locked(v, n)) {
			node_part_locked(v, n);
		}
		dir_put_locked(v, l->dir, out);
		lock_drop(&v->lock);
	}
	entry_unref(out);
	hold_end(v, l->dir, NULL);
	entry_unref(up.old);
	entry_unref(up.dir);
	return ret;
}

static int
loose_act(void *ctx, struct call *call, enum pending_action action)
{
	struct loose *l = ctx;
	int ret = 0;

	if (action == PENDING_RETRY) {
		pending_set(l->v->config.pending, l->item, PENDING_UPLOADING,
		    "");
		ret = replace(l, call);
		if (ret < 0)
			pending_set(l->v->config.pending, l->item, l->state,
			    call->words[0] != '\0' ? call->words :
						     strerror(-ret));
	} else {
		log_warn("save", "the unsent content of %s was discarded",
		    l->name);
	}
	if (ret == 0)
		settle(l);
	return ret;
}

int
loose_add(struct vfs *v, const struct loose_info *info)
{
	struct loose *l = calloc(1, sizeof(*l));
	int ret;

	if (l == NULL)
		return -ENOMEM;
	l->v = v;
	l->name = text_dup(info->name);
	l->staged = staged_ref(info->staged);
	l->old = info->old != NULL ? entry_ref(info->old) : NULL;
	l->unknown = info->unknown;
	l->state = info->state;
	l->subject = info->subject;
	lock_take(&v->lock);
	l->dir = node_ref_locked(v, info->dir);
	lock_drop(&v->lock);
	ret = l->name == NULL ? -ENOMEM :
	    pending_add(v->config.pending,
		info->path != NULL ? info->path : info->name, l->staged,
		loose_act, l, loose_free, &l->item);
	if (ret < 0) {
		loose_free(l);
		return ret;
	}
	staged_keep(l->staged, true);
	lock_take(&v->lock);
	v->loose++;
	lock_drop(&v->lock);
	pending_set(v->config.pending, l->item, info->state, info->reason);
	log_warn("save", "%s: %s; our content is kept in %s, see"
	    " .control/pending", info->path != NULL ? info->path : info->name,
	    info->reason, staged_path(l->staged));
	return 0;
}
