/* fs/hold.c - keeps names as they are while one of them is changed. */
#include "config.h"

#include "fs/hold.h"

#include <assert.h>
#include <errno.h>

#include "base/call.h"
#include "base/clock.h"

#include "base/banned.h"

/* How long a change of names waits for the service to say what became of an earlier
 * one, ms. */
#define UNSURE_MS ((int64_t)60 * 1000)

bool
hold_is_frozen_locked(struct vfs *v UNUSED, const struct node *n)
{
	for (; n != NULL; n = node_home(n))
		if (n->frozen > 0)
			return true;
	return false;
}

int
hold_await_thaw_locked(struct vfs *v, struct call *call, struct node *n)
{
	while (hold_is_frozen_locked(v, n)) {
		if (call_interrupted(call))
			return -EINTR;
		(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
	}
	return 0;
}

/* --- directories ------------------------------------------------------------- */

static bool
is_closing_locked(struct vfs *v UNUSED, const struct node *n) REQUIRES(v->lock)
{
	for (; n != NULL; n = n->parent)
		if (n->closing > 0)
			return true;
	return false;
}

/* May no change of names begin in dir now? */
static bool
is_held_locked(struct vfs *v, const struct node *dir) REQUIRES(v->lock)
{
	return dir != NULL && (dir->renaming || is_closing_locked(v, dir));
}

/* Is that so only because nobody can tell what became of a move? */
static bool
is_unsure_locked(struct vfs *v UNUSED, const struct node *n) REQUIRES(v->lock)
{
	for (; n != NULL; n = n->parent)
		if (n->unsure > 0)
			return true;
	return false;
}

int
hold_begin(struct vfs *v, struct call *call, struct node *dir,
    struct node *other)
{
	int64_t begun = clock_mono_ms();
	int ret = 0;

	lock_take(&v->lock);
	/* Both at once: who held one and waited for the other could wait for
	 * somebody who waits for the one. */
	while (is_held_locked(v, dir) || is_held_locked(v, other)) {
		if (call_interrupted(call))
			ret = -EINTR;
		else if (clock_mono_ms() - begun > UNSURE_MS &&
		    (is_unsure_locked(v, dir) || is_unsure_locked(v, other)))
			ret = -ETIMEDOUT;
		if (ret < 0)
			break;
		(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
	}
	/* Nothing is made in it: that would make it again. */
	if (ret == 0 && (dir->gone || (other != NULL && other->gone)))
		ret = -ENOENT;
	if (ret == 0) {
		dir->changing++;
		if (other != NULL) {
			other->changing++;
			dir->renaming = other->renaming = true;
		}
	}
	lock_drop(&v->lock);
	return ret;
}

void
hold_end(struct vfs *v, struct node *dir, struct node *other)
{
	lock_take(&v->lock);
	dir->changing--;
	if (other != NULL) {
		other->changing--;
		dir->renaming = other->renaming = false;
	}
	cond_broadcast(&v->changed);
	lock_drop(&v->lock);
}

/* --- what is renamed or removed -------------------------------------------------- */

static bool
is_saving(const struct node *n)
{
	return n->file != NULL && n->file->saving;
}

static bool
is_changing(const struct node *n)
{
	return n->changing > 0;
}

/* Waits until no node at or below n is busy. */
static int
await_rest_locked(struct vfs *v, struct call *call, struct node *n,
    bool (*is_busy)(const struct node *)) REQUIRES(v->lock)
{
	struct node *other;
	size_t at;

	for (;;) {
		bool busy = false;

		at = 0;
		while ((other = node_next_locked(v, &at)) != NULL)
			if (is_busy(other) && node_is_below_locked(v, other, n)) {
				busy = true;
				break;
			}
		if (!busy)
			return 0;
		if (call_interrupted(call))
			return -EINTR;
		(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
	}
}

int
hold_freeze(struct vfs *v, struct call *call, struct node *n)
{
	int ret = 0;

	lock_take(&v->lock);
	n->closing++;
	/* Those who change names below may need the saver, so it goes on. */
	if (n->kind == ENTRY_DIR)
		ret = await_rest_locked(v, call, n, is_changing);
	n->frozen++;
	if (ret == 0 && v->saving > 0)
		ret = await_rest_locked(v, call, n, is_saving);
	if (ret < 0) {
		n->frozen--;
		n->closing--;
	}
	cond_broadcast(&v->work);
	cond_broadcast(&v->changed);
	lock_drop(&v->lock);
	return ret;
}

void
hold_thaw(struct vfs *v, struct node *n)
{
	lock_take(&v->lock);
	assert(n->frozen > 0);
	n->frozen--;
	n->closing--;
	cond_broadcast(&v->work);
	cond_broadcast(&v->changed);
	lock_drop(&v->lock);
}
