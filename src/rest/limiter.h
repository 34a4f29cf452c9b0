/* rest/limiter.h: how many requests of a family may leave, whose turn it is, and when.
 *
 * One for a host, shared by all threads.  Each family has a bucket of tokens, which
 * learns from 429s how fast the service wants to be asked (rest/bucket.h), and a line
 * of those who wait (base/line.h): programs, then uploads that nobody waits for, then
 * what is read ahead, which besides leaves some tokens for programs that come, and gets
 * none while anybody else waits.
 *
 *  family      begins at   source (API reference, 1.6; performance reference, D2)
 *  ------      ---------   ------
 *  dbfs        30/s        limits page
 *  workspace   30/s        limits page: import 30, export 60
 *  files       80/s        100/s quoted in Feb 2024; the CLI stays well below
 *  jobs        20/s        limits page: create and run-now 20
 *  other       30/s        "default text" of the documentation
 *
 * Each may come at once, as one second's worth. */
#ifndef REST_LIMITER_H
#define REST_LIMITER_H

#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/call.h"
#include "rest/bucket.h"
#include "rest/rest.h"

struct limiter;

int limiter_new(struct limiter **out) WARN_UNUSED;
void limiter_free(struct limiter *l);

/* Returns 0 when a request of that family may leave; limiter_done takes the pass back.
 * -EINTR.  -EBUSY when the service does not want to see the family before until_ms
 * (monotonic), or still does not then; a long line is no reason. */
int limiter_wait(struct limiter *l, struct call *call, enum rest_family family,
    int64_t until_ms, struct bucket_pass *out) WARN_UNUSED;

enum limiter_outcome {
	LIMITER_ANSWERED, /* carried out, or refused for what it is */
	LIMITER_FAILED,	  /* no answer, or 5xx */
	LIMITER_DROPPED,  /* given up by us */
	LIMITER_THROTTLED, /* 429, 503 with Retry-After */
};

/* after_ms: Retry-After of a throttled one, below 0 when it had none. */
void limiter_done(struct limiter *l, enum rest_family family,
    const struct bucket_pass *pass, enum limiter_outcome outcome,
    int64_t after_ms);

/* What it does now. */
struct limiter_view {
	double rate; /* requests a second */
	double tokens;
	int64_t held_ms; /* until it may be asked again; 0: now */
	unsigned waiting[CALL_CLASSES];
	uint64_t throttled; /* so far */
};
void limiter_look(struct limiter *l, enum rest_family family,
    struct limiter_view *out);

/* Appends that of all families in Prometheus' text format. */
int limiter_print(struct limiter *l, struct buf *out) WARN_UNUSED;

#endif
