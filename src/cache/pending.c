/* cache/pending.c - what the server does not have yet. */
#include "config.h"

#include "cache/pending.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/lock.h"
#include "base/table.h"
#include "base/text.h"
#include "cache/staging.h"

#include "base/banned.h"

struct pending_item {
	unsigned number;
	enum pending_state state;
	char reason[PENDING_REASON_BYTES];
	int64_t since_ms;
	char *path;
	struct staged *data;
	pending_fn *act;
	void *ctx;
	void (*free_ctx)(void *ctx);
	bool acting; /* an action runs, and frees the item if it was removed */
	bool removed;
	struct pending_item *prev, *next;
};

struct pending {
	struct lock lock;
	unsigned last;		    /* with lock, as all below */
	struct pending_item *items; /* in the order of their numbers */
};

int
pending_new(struct pending **out)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	lock_init(&p->lock, "pending");
	*out = p;
	return 0;
}

void
pending_free(struct pending *p)
{
	if (p == NULL)
		return;
	assert(p->items == NULL);
	lock_release(&p->lock);
	free(p);
}

int
pending_add(struct pending *p, const char *path, struct staged *data,
    pending_fn *act, void *ctx, void (*free_ctx)(void *ctx),
    struct pending_item **out)
{
	struct pending_item *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return -ENOMEM;
	i->path = text_dup(path);
	if (i->path == NULL) {
		free(i);
		return -ENOMEM;
	}
	i->data = staged_ref(data);
	i->since_ms = clock_real_ms();
	i->act = act;
	i->ctx = ctx;
	i->free_ctx = free_ctx;
	lock_take(&p->lock);
	i->number = ++p->last;
	DL_APPEND(p->items, i);
	lock_drop(&p->lock);
	counter_add(CTR_pending, 1);
	*out = i;
	return 0;
}

void
pending_set(struct pending *p, struct pending_item *i, enum pending_state state,
    const char *reason)
{
	lock_take(&p->lock);
	i->state = state;
	if (reason != NULL)
		text_copy(i->reason, sizeof(i->reason), reason);
	lock_drop(&p->lock);
}

void
pending_move(struct pending *p, struct pending_item *i, const char *path)
{
	char *copy = text_dup(path);

	if (copy == NULL)
		return; /* it goes on under its old name */
	lock_take(&p->lock);
	free(i->path);
	i->path = copy;
	lock_drop(&p->lock);
}

static void
item_free(struct pending_item *i)
{
	staged_unref(i->data);
	if (i->free_ctx != NULL)
		i->free_ctx(i->ctx);
	free(i->path);
	free(i);
}

void
pending_remove(struct pending *p, struct pending_item *i)
{
	bool idle;

	lock_take(&p->lock);
	DL_DELETE(p->items, i);
	i->removed = true;
	idle = !i->acting;
	lock_drop(&p->lock);
	counter_add(CTR_pending, -1);
	if (idle)
		item_free(i);
}

void
pending_clear(struct pending *p)
{
	struct pending_item *i;

	do {
		lock_take(&p->lock);
		i = p->items;
		lock_drop(&p->lock);
		if (i != NULL)
			pending_remove(p, i);
	} while (i != NULL);
}

size_t
pending_list(struct pending *p, unsigned *out, size_t max)
{
	struct pending_item *i;
	size_t n = 0;

	lock_take(&p->lock);
	DL_FOREACH(p->items, i) {
		if (n < max)
			out[n] = i->number;
		n++;
	}
	lock_drop(&p->lock);
	return n;
}

static struct pending_item *
find_locked(struct pending *p, unsigned number) REQUIRES(p->lock)
{
	struct pending_item *i;

	DL_FOREACH(p->items, i)
		if (i->number == number)
			return i;
	return NULL;
}

int
pending_get(struct pending *p, unsigned number, struct pending_info *out)
{
	struct pending_item *i;
	int ret = -ENOENT;

	lock_take(&p->lock);
	i = find_locked(p, number);
	if (i != NULL) {
		*out = (struct pending_info){
			.number = number,
			.state = i->state,
			.since_ms = i->since_ms,
			.path = text_dup(i->path),
			.data = staged_ref(i->data),
		};
		text_copy(out->reason, sizeof(out->reason), i->reason);
		ret = out->path != NULL ? 0 : -ENOMEM;
	}
	lock_drop(&p->lock);
	if (ret == -ENOMEM)
		pending_info_release(out);
	return ret;
}

void
pending_info_release(struct pending_info *info)
{
	free(info->path);
	staged_unref(info->data);
	info->path = NULL;
	info->data = NULL;
}

int
pending_act(struct pending *p, struct call *call, unsigned number,
    enum pending_action action)
{
	struct pending_item *i;
	bool last, busy;
	int ret;

	lock_take(&p->lock);
	i = find_locked(p, number);
	busy = i != NULL && i->acting;
	if (i != NULL)
		i->acting = true;
	lock_drop(&p->lock);
	if (i == NULL)
		return -ENOENT;
	if (busy)
		return -EBUSY;
	ret = i->act(i->ctx, call, action);
	lock_take(&p->lock);
	i->acting = false;
	last = i->removed;
	lock_drop(&p->lock);
	if (last)
		item_free(i);
	return ret;
}

const char *
pending_state_name(enum pending_state state)
{
	static const char *const names[] = {
		[PENDING_WAITING] = "waiting",
		[PENDING_UPLOADING] = "uploading",
		[PENDING_FAILED] = "failed",
		[PENDING_CONFLICT] = "conflict",
		[PENDING_KEPT] = "kept",
	};

	return names[state];
}
