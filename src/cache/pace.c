/* cache/pace.c - how many blocks are worth asking for at once. */
#include "config.h"

#include "cache/pace.h"

#include "base/banned.h"

#define RATE_PERIOD_MS	1000
/* Long: what we have in the queues of the link ourselves is in the delay, too. */
#define DELAY_PERIOD_MS 30000

struct pace_mark
pace_begin(const struct pace *p, int64_t now_ms)
{
	return (struct pace_mark){ p->done, now_ms };
}

static void
forget_old(struct pace *p, int64_t now_ms)
{
	if (now_ms - p->rate_from_ms >= RATE_PERIOD_MS) {
		p->rate[1] = p->rate[0];
		p->rate[0] = 0;
		p->rate_from_ms = now_ms;
	}
	if (now_ms - p->delay_from_ms >= DELAY_PERIOD_MS) {
		p->delay[1] = p->delay[0];
		p->delay[0] = 0;
		p->delay_from_ms = now_ms;
	}
}

void
pace_end(struct pace *p, const struct pace_mark *mark, int64_t now_ms,
    int64_t queued_ms)
{
	int64_t took = now_ms - mark->at_ms, delay = took - queued_ms;
	double rate;

	if (took < 1)
		took = 1;
	if (delay < 1)
		delay = 1;
	p->done++;
	rate = (double)(p->done - mark->done) * 1000 / (double)took;
	forget_old(p, now_ms);
	if (rate > p->rate[0])
		p->rate[0] = rate;
	if (p->delay[0] == 0 || delay < p->delay[0])
		p->delay[0] = delay;
}

unsigned
pace_window(const struct pace *p, unsigned max)
{
	double rate = p->rate[0] > p->rate[1] ? p->rate[0] : p->rate[1];
	int64_t delay = p->delay[0];
	double product;
	unsigned window;

	if (delay == 0 || (p->delay[1] != 0 && p->delay[1] < delay))
		delay = p->delay[1];
	if (delay == 0)
		return PACE_FIRST < max ? PACE_FIRST : max;
	product = rate * (double)delay / 1000;
	if (product >= max)
		return max > PACE_MIN ? max : PACE_MIN;
	window = 2 + (unsigned)(product * 3 / 2);
	if (window > max)
		window = max;
	return window > PACE_MIN ? window : PACE_MIN;
}
