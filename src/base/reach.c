/* base/reach.c - is the service there? */
#include "config.h"

#include "base/reach.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"

#include "base/banned.h"

struct reach {
	struct lock lock;
	struct cond changed;
	int lost;     /* the error, 0: it is there; written with lock, atomic */
	bool stopped; /* likewise, as those below */
	bool doubted;
	int64_t answered_ms; /* monotonic */
};

int
reach_new(struct reach **out)
{
	struct reach *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	lock_init(&r->lock, "reach");
	cond_init(&r->changed);
	*out = r;
	return 0;
}

void
reach_free(struct reach *r)
{
	if (r == NULL)
		return;
	cond_release(&r->changed);
	lock_release(&r->lock);
	free(r);
}

int
reach_error(const struct reach *r)
{
	return r != NULL ? __atomic_load_n(&r->lost, __ATOMIC_RELAXED) : 0;
}

bool
reach_is_lost(const struct reach *r)
{
	return reach_error(r) != 0;
}

bool
reach_is_stopped(const struct reach *r)
{
	return __atomic_load_n(&r->stopped, __ATOMIC_RELAXED);
}

/* Was it otherwise before? */
static bool
set(struct reach *r, int lost)
{
	bool changed;

	lock_take(&r->lock);
	changed = (r->lost != 0) != (lost != 0);
	if (changed)
		__atomic_store_n(&r->lost, lost, __ATOMIC_RELAXED);
	cond_broadcast(&r->changed);
	lock_drop(&r->lock);
	return changed;
}

void
reach_doubt(struct reach *r, int64_t quiet_ms)
{
	if (clock_mono_ms() - __atomic_load_n(&r->answered_ms,
	    __ATOMIC_RELAXED) < quiet_ms || reach_is_doubted(r))
		return;
	lock_take(&r->lock);
	__atomic_store_n(&r->doubted, true, __ATOMIC_RELAXED);
	cond_broadcast(&r->changed);
	lock_drop(&r->lock);
}

bool
reach_is_doubted(const struct reach *r)
{
	return __atomic_load_n(&r->doubted, __ATOMIC_RELAXED);
}

void
reach_answered(struct reach *r)
{
	if (r == NULL)
		return;
	__atomic_store_n(&r->answered_ms, clock_mono_ms(), __ATOMIC_RELAXED);
	if (reach_is_doubted(r))
		__atomic_store_n(&r->doubted, false, __ATOMIC_RELAXED);
	if (reach_is_lost(r) && set(r, 0))
		log_warn("offline", "the service answers again");
}

void
reach_failed(struct reach *r, int err, const char *words)
{
	if (r != NULL && !reach_is_lost(r) && set(r, err))
		log_warn("offline", "the service cannot be reached: %s; what is"
		    " known is shown as it was", words);
}

bool
reach_await_lost(struct reach *r, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms, left;
	bool stopped;

	lock_take(&r->lock);
	for (;;) {
		left = until - clock_mono_ms();
		if (r->stopped ||
		    (left <= 0 && (r->lost != 0 || reach_is_doubted(r))))
			break;
		if (left > 0)
			(void)cond_wait_ms(&r->changed, &r->lock, left);
		else
			cond_wait(&r->changed, &r->lock);
	}
	stopped = r->stopped;
	lock_drop(&r->lock);
	return !stopped;
}

void
reach_stop(struct reach *r)
{
	lock_take(&r->lock);
	__atomic_store_n(&r->stopped, true, __ATOMIC_RELAXED);
	cond_broadcast(&r->changed);
	lock_drop(&r->lock);
}
