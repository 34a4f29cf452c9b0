/* rest/retry.h: which failures to try again, and when.  Pure: no clock, no state. */
#ifndef REST_RETRY_H
#define REST_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct retry_state {
	unsigned attempts;   /* made so far, at least 1 */
	int64_t spent_ms;    /* since the first one began */
	int64_t patience_ms; /* for answers that ask to come back */
	int64_t timeout_ms;  /* for connections that fail */
	uint64_t random;     /* for the jitter */
};

struct retry_outcome {
	int err;		/* of the exchange; 0: an answer came */
	int status;
	const char *code;
	const char *message;
	int64_t retry_after_ms; /* -1: not said */
	bool repeatable;	/* of the request */
	bool acted;		/* the service may have got it whole */
};

/* Milliseconds to wait before the next attempt, or -1: do not try again. */
int64_t retry_wait_ms(const struct retry_state *s,
    const struct retry_outcome *o);

/* Did the service ask to come back later: was nothing done? */
bool retry_is_throttle(const struct retry_outcome *o);

#endif
