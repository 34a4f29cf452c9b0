/* rest/bucket.c - a model of the service's bucket of tokens. */
#include "config.h"

#include "rest/bucket.h"

#include <string.h>

#include "base/attr.h"

#include "base/banned.h"

#define RATE_MIN 1.0
#define RATE_MAX 2000.0 /* what one client could ever use */

#define SLOWER	   0.7 /* after a 429, of the rate */
#define SURE	   0.9 /* of what was carried out, above what is documented */
#define FIRST_STEP 0.125

/* Answers that say 429 are late by so much, and calls overtake each other. */
#define LATE_S (1.0 / 15)

#define HOLD_FIRST_MS  ((int64_t)1000)
#define HOLD_AT_ONCE_MS ((int64_t)100) /* Retry-After: 0 */
#define HOLD_MAX_MS    ((int64_t)4000) /* so that the end of a storm is noticed */
#define HOLD_SPREAD_MS 250	       /* not all clients at the same instant */
#define PROBE_MS       1000
#define BURST_MS       1000 /* after a hold */

#define PAUSE_MS	  ((int64_t)5000)
#define PAUSE_MAX_MS	  ((int64_t)60 * 1000)
#define ABOVE_MS	  ((int64_t)120 * 1000)
#define PROOF_MS	  ((int64_t)15 * 1000)
#define BOUND_MS	  ((int64_t)30 * 1000)
#define BOUND_GROWS	  1.25
#define BOUND_MIN	  2.0
#define BREAK_MS	  ((int64_t)200) /* of having to wait */

static double
max(double a, double b)
{
	return a > b ? a : b;
}

static double
min(double a, double b)
{
	return a < b ? a : b;
}

/* What can be saved up: a second's worth, less what makes up for late answers. */
static double
bound(const struct bucket *b)
{
	return max(1, min(b->bound, b->rate) - b->rate * LATE_S);
}

static double
reserve(const struct bucket *b)
{
	return min(BUCKET_RESERVE, (bound(b) - 1) / 4);
}

static void
fill(struct bucket *b, int64_t now)
{
	double more = (double)(now - b->filled_ms) / 1000 * b->rate;

	b->tokens = min(b->tokens + more, bound(b));
	b->filled_ms = now;
	if (b->bound < b->rate && now - b->bound_ms >= BOUND_MS) {
		b->bound *= BOUND_GROWS;
		b->bound_ms = now;
	}
}

void
bucket_init(struct bucket *b, double documented, int64_t now_ms)
{
	*b = (struct bucket){
		.documented = documented,
		.rate = documented,
		.bound = RATE_MAX,
		.filled_ms = now_ms,
		.step = 1,
		.pause_ms = BUCKET_LIMITED_MS,
		.changed_ms = now_ms,
		.bound_ms = now_ms,
		.done_s = now_ms / 1000,
	};
	b->tokens = bound(b);
}

/* --- what the service carries out ------------------------------------------------- */

/* Forgets seconds that are over. */
static void
count_seconds(struct bucket *b, int64_t now)
{
	int64_t second = now / 1000;

	if (second - b->done_s >= BUCKET_SECONDS) {
		memset(b->done, 0, sizeof(b->done));
		b->done_s = second;
	}
	while (b->done_s < second) {
		b->done_s++;
		b->done[b->done_s % BUCKET_SECONDS] = 0;
	}
}

static double
carried_out(struct bucket *b, int64_t now)
{
	double seconds = BUCKET_SECONDS - 1 + (double)(now % 1000) / 1000;
	unsigned sum = 0;

	count_seconds(b, now);
	for (int i = 0; i < BUCKET_SECONDS; i++)
		sum += b->done[i];
	return sum / seconds;
}

/* --- changes of the rate -------------------------------------------------------------- */

static void
slow_down(struct bucket *b, int64_t now)
{
	double proved = min(max(carried_out(b, now), b->proved), b->rate);
	double rate;

	if (b->rate > b->documented)
		rate = max(b->documented, SURE * proved);
	else
		rate = max(SLOWER * b->rate, proved);
	b->rate = max(rate, RATE_MIN);
}

static void
speed_up(struct bucket *b, int64_t now)
{
	double rate = b->rate * (1 + b->step);

	if (now - b->limited_ms < BUCKET_LIMITED_MS ||
	    now - b->changed_ms < b->pause_ms)
		return;
	if (b->throttled && b->rate < b->documented)
		rate = min(rate, b->documented);
	else if (b->throttled && now - b->throttled_ms < ABOVE_MS)
		return;
	b->rate = min(rate, RATE_MAX);
	b->step = min(2 * b->step, 1);
	b->pause_ms = b->throttled ? PAUSE_MS : BUCKET_LIMITED_MS;
	b->changed_ms = now;
	b->raised = true;
}

/* Somebody has to wait for a token. */
static void
note_refusal(struct bucket *b, int64_t now)
{
	int64_t gap = BREAK_MS + (int64_t)(1000 / b->rate);

	if (b->limited_ms == 0 || now - b->refused_ms > gap)
		b->limited_ms = now;
	b->refused_ms = now;
	speed_up(b, now);
}

static bool
is_limited(const struct bucket *b, int64_t now)
{
	return b->limited_ms != 0 &&
	       now - b->refused_ms <= BREAK_MS + (int64_t)(1000 / b->rate);
}

/* --- taking ------------------------------------------------------------------------- */

/* While shut: the time that is left, or a pass for the probe. */
static int64_t
take_shut(struct bucket *b, int64_t now, struct bucket_pass *out)
{
	if (now < b->held_until_ms)
		return b->held_until_ms - now;
	if (now < b->probe_until_ms)
		return b->probe_until_ms - now;
	b->probe_until_ms = now + PROBE_MS;
	b->tokens -= 1;
	*out = (struct bucket_pass){ .epoch = b->epoch, .probe = true };
	return 0;
}

int64_t
bucket_take(struct bucket *b, bool ahead, int64_t now_ms,
    struct bucket_pass *out)
{
	double need;

	fill(b, now_ms);
	if (b->shut)
		return take_shut(b, now_ms, out);
	need = 1 + (ahead ? reserve(b) : 0) - b->tokens;
	if (need > 0) {
		note_refusal(b, now_ms);
		return 1 + (int64_t)(need * 1000 / b->rate);
	}
	b->tokens -= 1;
	*out = (struct bucket_pass){ .epoch = b->epoch,
		.waited = is_limited(b, now_ms) };
	out->burst = !out->waited && b->opened_ms != 0 &&
		     now_ms - b->opened_ms < BURST_MS;
	return 0;
}

/* --- outcomes ------------------------------------------------------------------------- */

static void
hold(struct bucket *b, int64_t after_ms, int64_t now, uint64_t random)
{
	int64_t ms = after_ms;

	if (ms <= 0) {
		int64_t first = ms < 0 ? HOLD_FIRST_MS : HOLD_AT_ONCE_MS;

		ms = first << (b->holds < 8 ? b->holds : 8);
		if (ms > HOLD_MAX_MS)
			ms = HOLD_MAX_MS;
	}
	if (ms > BUCKET_AFTER_MAX_MS)
		ms = BUCKET_AFTER_MAX_MS;
	if (b->holds > 0)
		ms += (int64_t)(random % HOLD_SPREAD_MS);
	b->shut = true;
	b->holds++;
	b->held_until_ms = now + ms;
	b->probe_until_ms = 0;
	b->limited_ms = 0;
}

/* It is of the same crowd as the last one, but it knows the time. */
static void
hold_longer(struct bucket *b, int64_t after_ms, int64_t now)
{
	int64_t until = now + (after_ms < BUCKET_AFTER_MAX_MS ?
				      after_ms : BUCKET_AFTER_MAX_MS);

	if (until <= b->held_until_ms)
		return;
	b->shut = true;
	b->held_until_ms = until;
	b->probe_until_ms = 0;
	b->limited_ms = 0;
}

/* Once may be bad luck. */
static void
doubt_bound(struct bucket *b, int64_t now)
{
	if (b->burst == 0) {
		b->burst = max(BOUND_MIN, b->done_before);
		return;
	}
	b->bound = max(b->burst, b->done_before);
	b->bound_ms = now;
	b->burst = 0;
}

static void
open_up(struct bucket *b, int64_t now)
{
	b->shut = false;
	b->holds = 0;
	b->opened_ms = now;
	if (b->bound_failed)
		doubt_bound(b, now);
	b->bound_failed = false;
}

/* Another one that it took a token for, whatever came of it. */
static void
count_period(struct bucket *b, const struct bucket_pass *pass)
{
	if (pass->epoch == b->epoch)
		b->done_now++;
	else if (pass->epoch + 1 == b->epoch)
		b->done_before++;
}

void
bucket_answered(struct bucket *b, const struct bucket_pass *pass,
    int64_t now_ms)
{
	count_seconds(b, now_ms);
	b->done[b->done_s % BUCKET_SECONDS]++;
	count_period(b, pass);
	if (b->shut && pass->probe && pass->epoch == b->epoch) {
		fill(b, now_ms);
		open_up(b, now_ms);
	}
}

void
bucket_failed(struct bucket *b, const struct bucket_pass *pass,
    int64_t now_ms, uint64_t random)
{
	b->limited_ms = 0; /* not the time to ask for more */
	count_period(b, pass);
	if (b->shut && pass->probe && pass->epoch == b->epoch)
		hold(b, -1, now_ms, random);
}

void
bucket_dropped(struct bucket *b, const struct bucket_pass *pass)
{
	if (b->shut && pass->probe && pass->epoch == b->epoch)
		b->probe_until_ms = 0;
}

/* What the period that ended with the 429 before this one shows. */
static void
prove(struct bucket *b, int64_t now)
{
	double seconds = (double)(b->throttled_ms - b->period_ms) / 1000;

	if (now - b->proved_ms > PROOF_MS)
		b->proved = 0;
	if (b->period_ms > 0 && seconds >= 0.5 && b->done_before / seconds > b->proved) {
		b->proved = b->done_before / seconds;
		b->proved_ms = now;
	}
	b->period_ms = b->throttled_ms;
}

/* A 429 of a call that left since the last one was known. */
static void
heed(struct bucket *b, const struct bucket_pass *pass, int64_t now)
{
	double saved_up = (double)(now - b->throttled_ms) / 1000 * b->rate;
	bool unlucky = !b->shut && b->throttled_ms > 0 && b->rate <= b->documented &&
	    b->done_now >= 0.93 * saved_up;

	prove(b, now);
	if (!unlucky && !b->shut && (pass->waited || b->rate > b->documented)) {
		slow_down(b, now);
		b->pause_ms = b->raised ? 2 * b->pause_ms : b->pause_ms;
	}
	b->bound_failed = !b->shut && pass->burst;
	if (!unlucky) {
		b->raised = false;
		b->step = FIRST_STEP;
		b->changed_ms = now;
	}
	if (b->pause_ms < PAUSE_MS)
		b->pause_ms = PAUSE_MS;
	if (b->pause_ms > PAUSE_MAX_MS)
		b->pause_ms = PAUSE_MAX_MS;
	b->epoch++;
	b->done_before = b->done_now;
	b->done_now = 0;
	b->throttled = true;
	b->throttled_ms = now;
	b->tokens = -b->rate * LATE_S;
}

void
bucket_throttled(struct bucket *b, const struct bucket_pass *pass,
    int64_t after_ms, int64_t now_ms, uint64_t random)
{
	fill(b, now_ms);
	if (pass->epoch == b->epoch) {
		heed(b, pass, now_ms);
		hold(b, after_ms, now_ms, random);
	} else if (after_ms > 0) {
		hold_longer(b, after_ms, now_ms);
	}
}

/* --- showing ---------------------------------------------------------------------------- */

double
bucket_tokens(struct bucket *b, int64_t now_ms)
{
	fill(b, now_ms);
	return b->tokens;
}

int64_t
bucket_held_ms(const struct bucket *b, int64_t now_ms)
{
	return b->shut && b->held_until_ms > now_ms ? b->held_until_ms - now_ms
						    : 0;
}
