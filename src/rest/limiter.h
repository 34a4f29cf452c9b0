/* rest/limiter.h: how many requests of a family may leave, and when.
 *
 * One for a host, shared by all threads.  A 429 stops its family until the service
 * wants to see it again; then requests leave one after the other for a while, so that
 * the threads that waited do not all come back at once.
 *
 * family       requests leave          left by
 * ------       --------------          -------
 * open         at once                 limiter_hold: held
 * held         not at all              time: paced
 * paced        LIMITER_PACE_MS apart   time: open; limiter_hold: held */
#ifndef REST_LIMITER_H
#define REST_LIMITER_H

#include <stdint.h>

#include "base/attr.h"
#include "base/call.h"
#include "rest/rest.h"

#define LIMITER_PACE_MS	 40   /* between two requests after a hold */
#define LIMITER_PACED_MS 5000 /* for so long */

struct limiter;

int limiter_new(struct limiter **out) WARN_UNUSED;
void limiter_free(struct limiter *l);

/* Returns when a request of that family may leave; -EINTR. */
int limiter_wait(struct limiter *l, struct call *call, enum rest_family family);

/* The service said 429: nobody of that family for wait_ms. */
void limiter_hold(struct limiter *l, enum rest_family family, int64_t wait_ms);

#endif
