/* rest/limiter.h: how many requests of a family may leave, and when.
 *
 * One for a host.  A 429 stops its family for all threads until the service wants
 * to see it again. */
#ifndef REST_LIMITER_H
#define REST_LIMITER_H

#include <stdint.h>

#include "base/attr.h"
#include "base/call.h"
#include "rest/rest.h"

struct limiter;

int limiter_new(struct limiter **out) WARN_UNUSED;
void limiter_free(struct limiter *l);

/* Returns when a request of that family may leave; -EINTR. */
int limiter_wait(struct limiter *l, struct call *call, enum rest_family family);

/* The service said 429: nobody of that family for wait_ms. */
void limiter_hold(struct limiter *l, enum rest_family family, int64_t wait_ms);

#endif
