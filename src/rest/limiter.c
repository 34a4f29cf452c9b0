/* rest/limiter.c - how many requests of a family may leave, and when. */
#include "config.h"

#include "rest/limiter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"

#include "base/banned.h"

#define FAMILIES (REST_OTHER + 1)

/* Times are monotonic. */
struct gate {
	int64_t held_until_ms;
	int64_t paced_until_ms;
	int64_t next_ms; /* when the next request may leave while paced */
};

struct limiter {
	struct lock lock;
	struct cond held;	     /* with lock: a gate closed */
	struct gate gates[FAMILIES]; /* with lock */
};

int
limiter_new(struct limiter **out)
{
	struct limiter *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	lock_init(&l->lock, "limiter");
	cond_init(&l->held);
	*out = l;
	return 0;
}

void
limiter_free(struct limiter *l)
{
	if (l == NULL)
		return;
	cond_release(&l->held);
	lock_release(&l->lock);
	free(l);
}

/* When the caller may leave, which takes that moment from others; *final is false
 * when it must ask again then. */
static int64_t
turn_locked(struct gate *g, int64_t now, bool *final)
{
	int64_t turn;

	*final = false;
	if (now < g->held_until_ms)
		return g->held_until_ms;
	*final = true;
	if (now >= g->paced_until_ms)
		return now;
	turn = g->next_ms > now ? g->next_ms : now;
	g->next_ms = turn + LIMITER_PACE_MS;
	return turn;
}

int
limiter_wait(struct limiter *l, struct call *call, enum rest_family family)
{
	struct gate *g = &l->gates[family];
	bool final;
	int64_t turn;
	int ret = 0;

	lock_take(&l->lock);
	turn = turn_locked(g, clock_mono_ms(), &final);
	for (;;) {
		int64_t now = clock_mono_ms();

		/* Closed again while we waited for our turn. */
		if (final && now < g->held_until_ms)
			turn = turn_locked(g, now, &final);
		else if (now >= turn && !final)
			turn = turn_locked(g, now, &final);
		if (now >= turn && final)
			break;
		if (call_interrupted(call)) {
			ret = -EINTR;
			break;
		}
		(void)cond_wait_ms(&l->held, &l->lock,
		    turn - now < CALL_TICK_MS ? turn - now : CALL_TICK_MS);
	}
	lock_drop(&l->lock);
	return ret;
}

void
limiter_hold(struct limiter *l, enum rest_family family, int64_t wait_ms)
{
	struct gate *g = &l->gates[family];
	int64_t until = clock_mono_ms() + wait_ms;

	lock_take(&l->lock);
	if (until > g->held_until_ms) {
		g->held_until_ms = until;
		g->next_ms = until;
		g->paced_until_ms = until + LIMITER_PACED_MS;
		cond_broadcast(&l->held);
	}
	lock_drop(&l->lock);
}
