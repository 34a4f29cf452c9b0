/* rest/limiter.c - how many requests of a family may leave, and when. */
#include "config.h"

#include "rest/limiter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"

#include "base/banned.h"

struct limiter {
	struct lock lock;
	struct cond opened; /* never signalled: waits are ticks */
	int64_t held_until_ms[REST_OTHER + 1]; /* monotonic; with lock */
};

int
limiter_new(struct limiter **out)
{
	struct limiter *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	lock_init(&l->lock, "limiter");
	cond_init(&l->opened);
	*out = l;
	return 0;
}

void
limiter_free(struct limiter *l)
{
	if (l == NULL)
		return;
	cond_release(&l->opened);
	lock_release(&l->lock);
	free(l);
}

int
limiter_wait(struct limiter *l, struct call *call, enum rest_family family)
{
	int ret = 0;

	lock_take(&l->lock);
	for (;;) {
		int64_t left = l->held_until_ms[family] - clock_mono_ms();

		if (left <= 0)
			break;
		if (call_interrupted(call)) {
			ret = -EINTR;
			break;
		}
		(void)cond_wait_ms(&l->opened, &l->lock,
		    left < CALL_TICK_MS ? left : CALL_TICK_MS);
	}
	lock_drop(&l->lock);
	return ret;
}

void
limiter_hold(struct limiter *l, enum rest_family family, int64_t wait_ms)
{
	int64_t until = clock_mono_ms() + wait_ms;

	lock_take(&l->lock);
	if (until > l->held_until_ms[family])
		l->held_until_ms[family] = until;
	lock_drop(&l->lock);
}
