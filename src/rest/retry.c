/* rest/retry.c - which failures to try again, and when.
 *
 * Source: API reference, section 1.7: the intersection of what real clients do. */
#include "config.h"

#include "rest/retry.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"

#include "base/banned.h"

#define WAIT_FIRST_MS 500
#define WAIT_MAX_MS   ((int64_t)20 * 1000)
#define AFTER_MAX_MS  ((int64_t)60 * 1000) /* longer Retry-After is cut */
#define ATTEMPTS_IO   4 /* for connections that break */

/* Parts of messages for which the SDKs try again whatever the status. */
static const char *const transient[] = {
	"does not have any associated worker environments",
	"There is no worker environment with id",
	"Unknown worker environment",
	"UnknownWorkerEnvironmentException",
	"ClusterNotReadyException",
	"Please try again later or try a faster operation.",
	"RPC token bucket limit has been exceeded",
	"Current request has to be retried",
	"Timed out after ",
	"deadline exceeded",
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
	return o->err == 0 && (o->status == 429 ||
	    strcmp(o->code, "RESOURCE_EXHAUSTED") == 0 ||
	    strcmp(o->code, "REQUEST_LIMIT_EXCEEDED") == 0);
}

/* Doubling, with full jitter between half and all of it. */
static int64_t
back_off_ms(const struct retry_state *s)
{
	int64_t ms = WAIT_FIRST_MS;

	for (unsigned i = 1; i < s->attempts && ms < WAIT_MAX_MS; i++)
		ms *= 2;
	if (ms > WAIT_MAX_MS)
		ms = WAIT_MAX_MS;
	return ms / 2 + (int64_t)(s->random % (uint64_t)(ms / 2 + 1));
}

static int64_t
asked_wait_ms(const struct retry_state *s, const struct retry_outcome *o)
{
	if (o->retry_after_ms < 0)
		return back_off_ms(s);
	if (o->retry_after_ms > AFTER_MAX_MS)
		return AFTER_MAX_MS;
	/* Not all at the same instant. */
	return o->retry_after_ms + (int64_t)(s->random % 250);
}

static int64_t
within(int64_t wait_ms, int64_t spent_ms, int64_t limit_ms)
{
	return spent_ms + wait_ms <= limit_ms ? wait_ms : -1;
}

int64_t
retry_wait_ms(const struct retry_state *s, const struct retry_outcome *o)
{
	switch (o->err) {
	case 0:
		break;
	case -EINTR:
	case -ENOMEM:
	case -EFBIG:
	case -EPROTO: /* a certificate does not get better */
	case -ETIMEDOUT: /* patience has been spent already */
		return -1;
	default:
		/* The connection failed or broke. */
		if (o->acted && !o->repeatable)
			return -1;
		if (s->attempts >= ATTEMPTS_IO)
			return -1;
		return within(back_off_ms(s), s->spent_ms, s->timeout_ms);
	}
	if (retry_is_throttle(o))
		return within(asked_wait_ms(s, o), s->spent_ms,
		    s->patience_ms);
	if (o->status < 400 || strcmp(o->code, "PARTIAL_DELETE") == 0)
		return -1;
	/* 503 and the like: it may have been done. */
	if (!o->repeatable && o->retry_after_ms < 0)
		return -1;
	if (o->status == 503 || o->status == 502 || o->status == 504 ||
	    is_transient(o->message))
		return within(asked_wait_ms(s, o), s->spent_ms,
		    s->patience_ms);
	/* A lone 500 on something that does no harm twice is worth a few tries. */
	if (o->status == 500 && o->repeatable && s->attempts < ATTEMPTS_IO)
		return within(back_off_ms(s), s->spent_ms, s->timeout_ms);
	return -1;
}
