/* backend/ws_bodies.c - whole contents that were just fetched.
 *
 * There are never more than a few: those that threads read now, and some MB. */
#include "config.h"

#include "backend/ws_bodies.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/table.h"

#include "base/banned.h"

struct body {
	struct ws_body shown; /* first: what callers hold is this */
	struct ws_body_key key;
	struct buf text;
	unsigned refs;
	struct call *fetching; /* by whom; NULL: it is here, or failed */
	int err;
	char words[CALL_WORDS];
	bool dropped; /* it is not found any more */
	struct body *next, *prev;
};

struct ws_bodies {
	struct lock lock;
	struct cond changed;
	struct body *bodies; /* with lock; the last used first */
};

int
ws_bodies_new(struct ws_bodies **out)
{
	struct ws_bodies *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return -ENOMEM;
	lock_init(&b->lock, "workspace bodies");
	cond_init(&b->changed);
	*out = b;
	return 0;
}

static void
free_locked(struct ws_bodies *b, struct body *body) REQUIRES(b->lock)
{
	DL_DELETE(b->bodies, body);
	buf_release(&body->text);
	free(body);
}

void
ws_bodies_free(struct ws_bodies *b)
{
	if (b == NULL)
		return;
	lock_take(&b->lock);
	while (b->bodies != NULL) {
		assert(b->bodies->refs == 0);
		free_locked(b, b->bodies);
	}
	lock_drop(&b->lock);
	cond_release(&b->changed);
	lock_release(&b->lock);
	free(b);
}

/* Could anybody find it again? */
static bool
is_findable(const struct body *body)
{
	return !body->dropped && body->err == 0 && body->key.mtime_ms != 0 &&
	    body->key.object_id != 0;
}

/* The oldest ones go, until what nobody reads is little enough. */
static void
trim_locked(struct ws_bodies *b) REQUIRES(b->lock)
{
	struct body *body, *next;
	size_t kept = 0;

	DL_FOREACH_SAFE(b->bodies, body, next) {
		if (body->refs > 0)
			continue;
		if (is_findable(body) && (body == b->bodies ||
			kept + body->text.len <= WS_BODIES_KEPT))
			kept += body->text.len;
		else
			free_locked(b, body);
	}
}

static void
unref_locked(struct ws_bodies *b, struct body *body) REQUIRES(b->lock)
{
	if (--body->refs == 0)
		trim_locked(b);
}

static struct body *
find_locked(struct ws_bodies *b, const struct ws_body_key *key)
    REQUIRES(b->lock)
{
	struct body *body;

	if (key->object_id == 0)
		return NULL;
	DL_FOREACH(b->bodies, body)
		if (!body->dropped && body->key.object_id == key->object_id &&
		    body->key.mtime_ms == key->mtime_ms &&
		    body->key.form == key->form)
			return body;
	return NULL;
}

/* Somebody else fetches it.  *again: that one gave up for a reason of its own. */
static int
await_locked(struct ws_bodies *b, struct call *call, struct body *body,
    bool *again) REQUIRES(b->lock)
{
	while (body->fetching != NULL) {
		if (call_interrupted(call))
			return -EINTR;
		if (call_class(call) == CALL_DEMAND)
			call_promote(body->fetching);
		(void)cond_wait_ms(&b->changed, &b->lock, CALL_TICK_MS);
	}
	*again = body->err == -EINTR;
	if (body->err < 0)
		memcpy(call->words, body->words, sizeof(call->words));
	return body->err;
}

static int
fetch_locked(struct ws_bodies *b, struct call *call, struct body *body,
    ws_body_fn *fetch, void *ctx) REQUIRES(b->lock)
{
	int ret;

	body->fetching = call;
	lock_drop(&b->lock);
	ret = fetch(ctx, call, &body->text);
	lock_take(&b->lock);
	body->fetching = NULL;
	body->err = ret;
	body->dropped = body->dropped || ret < 0;
	memcpy(body->words, call->words, sizeof(body->words));
	body->shown.text = buf_text(&body->text);
	body->shown.len = body->text.len;
	cond_broadcast(&b->changed);
	return ret;
}

static struct body *
add_locked(struct ws_bodies *b, const struct ws_body_key *key, size_t limit)
    REQUIRES(b->lock)
{
	struct body *body = calloc(1, sizeof(*body));

	if (body == NULL)
		return NULL;
	body->key = *key;
	buf_init(&body->text, limit);
	DL_PREPEND(b->bodies, body);
	return body;
}

int
ws_bodies_get(struct ws_bodies *b, struct call *call,
    const struct ws_body_key *key, size_t limit, ws_body_fn *fetch, void *ctx,
    const struct ws_body **out)
{
	struct body *body;
	bool again;
	int ret;

	lock_take(&b->lock);
	do {
		again = false;
		body = find_locked(b, key);
		if (body != NULL) {
			DL_DELETE(b->bodies, body);
			DL_PREPEND(b->bodies, body);
			body->refs++;
			ret = await_locked(b, call, body, &again);
		} else {
			body = add_locked(b, key, limit);
			if (body == NULL) {
				ret = -ENOMEM;
				break;
			}
			body->refs++;
			ret = fetch_locked(b, call, body, fetch, ctx);
		}
		if (ret == 0)
			*out = &body->shown;
		else
			unref_locked(b, body);
	} while (again);
	lock_drop(&b->lock);
	return ret;
}

void
ws_bodies_release(struct ws_bodies *b, const struct ws_body *shown)
{
	struct body *body = (struct body *)(uintptr_t)shown;

	lock_take(&b->lock);
	unref_locked(b, body);
	lock_drop(&b->lock);
}

void
ws_bodies_drop(struct ws_bodies *b, uint64_t object_id)
{
	struct body *body;

	lock_take(&b->lock);
	DL_FOREACH(b->bodies, body)
		if (body->key.object_id == object_id)
			body->dropped = true;
	trim_locked(b);
	lock_drop(&b->lock);
}
