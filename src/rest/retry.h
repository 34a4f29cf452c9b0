/* rest/retry.h: which failures to try again, and when.  Pure: no clock, no state.
 *
 * What happened falls into one of these:
 *
 *  class      means                                 tried again
 *  -----      -----                                 -----------
 *  FINAL      an answer, or our own failure         never
 *  UNREACHED  nothing left this machine             while nothing moves for less
 *                                                   than timeout_ms
 *  THROTTLED  the service asks to come back         for patience_ms in all
 *  BROKEN     the connection broke, or something    RETRY_BREAKS times, if that
 *             in between answered: it may be done   does no harm
 *
 * Source: API reference, section 1.7: the intersection of what real clients do. */
#ifndef REST_RETRY_H
#define REST_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_BREAKS 5

enum retry_class {
	RETRY_FINAL,
	RETRY_UNREACHED,
	RETRY_THROTTLED,
	RETRY_BROKEN,
};

struct retry_state {
	unsigned attempts;   /* made so far, at least 1 */
	unsigned breaks;     /* of them BROKEN, in a row, with this one */
	int64_t spent_ms;    /* since the first one began */
	int64_t quiet_ms;    /* since a byte last moved, or the first one began */
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
	bool acted;		/* without an answer: some of it was sent */
	bool ours;		/* without an answer: nothing wrong outside */
};

enum retry_class retry_class(const struct retry_outcome *o);

/* Milliseconds to wait before the next attempt, or -1: do not try again. */
int64_t retry_wait_ms(const struct retry_state *s,
    const struct retry_outcome *o);

/* Did the service refuse for being asked too often, so that everybody should wait? */
bool retry_is_throttle(const struct retry_outcome *o);

/* Is the service not to be reached, as far as this outcome tells?  Whatever it answers,
 * it is there. */
bool retry_is_lost(const struct retry_outcome *o);

/* May the request have been carried out, as far as this outcome tells? */
bool retry_is_unknown(const struct retry_outcome *o);

#endif
