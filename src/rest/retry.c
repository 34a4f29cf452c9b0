/* rest/retry.c - which failures to try again, and when. */
#include "config.h"

#include "rest/retry.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"

#include "base/banned.h"

#define WAIT_FIRST_MS ((int64_t)500)
#define WAIT_MAX_MS   ((int64_t)5000) /* so that the end of a storm is noticed */
#define AFTER_MAX_MS  ((int64_t)60 * 1000) /* longer Retry-After is cut */
#define SPREAD_MS     250 /* not all at the instant that Retry-After names */

/* Parts of messages for which the SDKs try again whatever the status. */
static const char *const transient[] = {
	"does not have any associated worker environments",
	"There is no worker environment with id",
	"Unknown worker environment",
	"UnknownWorkerEnvironmentException",
	"ClusterNotReadyException",
	"RPC token bucket limit has been exceeded",
	"Current request has to be retried",
	"Timed out after ",
	"deadline exceeded",
	"try a faster operation",
};

static bool
is_transient(const char *message)
{
	for (size_t i = 0; i < ARRAY_LEN(transient); i++)
		if (strstr(message, transient[i]) != NULL)
			return true;
	return false;
}

bool
retry_is_throttle(const struct retry_outcome *o)
{
	if (o->err != 0)
		return false;
	return o->status == 429 ||
	    (o->status == 503 && o->retry_after_ms >= 0) ||
	    (o->status >= 400 &&
		(strcmp(o->code, "RESOURCE_EXHAUSTED") == 0 ||
		    strcmp(o->code, "REQUEST_LIMIT_EXCEEDED") == 0));
}

/* Is it sure that nothing was done?  A 429 says so; a 503 when it names a time, and
 * not when a gateway has lost patience with a service that may go on. */
static bool
is_surely_undone(const struct retry_outcome *o)
{
	return o->status == 429 ||
	    (retry_is_throttle(o) && !is_transient(o->message));
}

static enum retry_class
class_without_answer(const struct retry_outcome *o)
{
	if (o->ours)
		return RETRY_FINAL;
	switch (o->err) {
	case -EINTR:
	case -EFBIG:
	case -EINVAL:
	case -EPROTO: /* a certificate does not get better */
		return RETRY_FINAL;
	case -ETIMEDOUT: /* after sending, patience has been spent already */
		return o->acted ? RETRY_FINAL : RETRY_UNREACHED;
	default:
		if (!o->acted)
			return RETRY_UNREACHED;
		return o->repeatable ? RETRY_BROKEN : RETRY_FINAL;
	}
}

enum retry_class
retry_class(const struct retry_outcome *o)
{
	if (o->err != 0)
		return class_without_answer(o);
	if (o->status < 400 || strcmp(o->code, "PARTIAL_DELETE") == 0)
		return RETRY_FINAL; /* deleting goes on in another call */
	if (is_surely_undone(o))
		return RETRY_THROTTLED;
	if (!o->repeatable)
		return RETRY_FINAL;
	switch (o->status) {
	case 503:
		return RETRY_THROTTLED;
	case 408:
	case 500: /* not blindly: what does no harm twice, and a few times */
	case 502:
	case 504:
		return RETRY_BROKEN;
	default:
		return is_transient(o->message) ? RETRY_THROTTLED : RETRY_FINAL;
	}
}

bool
retry_is_lost(const struct retry_outcome *o)
{
	return o->err != 0 && !o->ours && o->err != -EINTR && o->err != -EFBIG &&
	    o->err != -EINVAL && o->err != -EPROTO;
}

bool
retry_is_unknown(const struct retry_outcome *o)
{
	if (o->err != 0)
		return o->acted;
	return (o->status >= 500 || o->status == 408) && o->status != 501 &&
	    !is_surely_undone(o);
}

/* Anywhere below twice the last bound, so that clients that failed together do not
 * come back together; but never at once. */
static int64_t
back_off_ms(const struct retry_state *s)
{
	int64_t bound = WAIT_FIRST_MS;

	for (unsigned i = 1; i < s->attempts && bound < WAIT_MAX_MS; i++)
		bound *= 2;
	if (bound > WAIT_MAX_MS)
		bound = WAIT_MAX_MS;
	return bound / 8 +
	    (int64_t)(s->random % (uint64_t)(bound - bound / 8 + 1));
}

static int64_t
asked_wait_ms(const struct retry_state *s, const struct retry_outcome *o)
{
	int64_t ms = o->retry_after_ms;

	if (ms <= 0)
		return back_off_ms(s);
	if (ms > AFTER_MAX_MS)
		ms = AFTER_MAX_MS;
	return ms + (int64_t)(s->random % SPREAD_MS);
}

static int64_t
within(int64_t wait_ms, int64_t spent_ms, int64_t limit_ms)
{
	return spent_ms + wait_ms <= limit_ms ? wait_ms : -1;
}

int64_t
retry_wait_ms(const struct retry_state *s, const struct retry_outcome *o)
{
	switch (retry_class(o)) {
	case RETRY_UNREACHED:
		return within(back_off_ms(s), s->quiet_ms, s->timeout_ms);
	case RETRY_THROTTLED:
		return within(asked_wait_ms(s, o), s->spent_ms,
		    s->patience_ms);
	case RETRY_BROKEN:
		if (s->breaks >= RETRY_BREAKS)
			return -1;
		return within(asked_wait_ms(s, o), s->quiet_ms, s->timeout_ms);
	case RETRY_FINAL:
		break;
	}
	return -1;
}
