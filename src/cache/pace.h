/* cache/pace.h: how many blocks are worth asking for at once.
 *
 * A link carries bandwidth x delay; what is asked for beyond that only waits.  Both
 * are measured: the rate is the highest of the last seconds at which blocks came in,
 * the delay the shortest time that one took, without the time it waited in our own
 * queues (a rate limit would otherwise make the delay grow with the window, and the
 * window with the delay).  Half as much again as their product keeps the link full when
 * answers do not come at equal intervals, and grows for as long as more in flight brings
 * more in; more would wait in the queues of the link, in the way of everybody's calls.
 *
 * Pure: the clock is an argument (monotonic ms).  Not locked. */
#ifndef CACHE_PACE_H
#define CACHE_PACE_H

#include <stdint.h>

#define PACE_MIN   2U /* blocks */
#define PACE_FIRST 4U /* while nothing is known */

struct pace {
	uint64_t done; /* blocks that came in */
	/* The best of this period and of the one before. */
	int64_t rate_from_ms, delay_from_ms;
	double rate[2];	   /* blocks a second */
	int64_t delay[2];  /* ms; 0: none was measured */
};

/* Where one fetch began. */
struct pace_mark {
	uint64_t done;
	int64_t at_ms;
};

struct pace_mark pace_begin(const struct pace *p, int64_t now_ms);

/* It came in; queued_ms of its time it had not left yet. */
void pace_end(struct pace *p, const struct pace_mark *mark, int64_t now_ms,
    int64_t queued_ms);

/* Blocks to have under way, PACE_MIN to max. */
unsigned pace_window(const struct pace *p, unsigned max);

#endif
