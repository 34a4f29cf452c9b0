/* net/warm.h: connections that are there before they are needed.
 *
 * The first byte of the first file would otherwise pay for TCP, TLS and a window that
 * has yet to grow.  libcurl does not reuse connections that it has only opened, so each
 * is opened by a cheap request, which wants no credential and belongs to no family of
 * the API that is rate-limited.  One after the other, by a thread of its own; with the
 * first failure it is over, and nobody is told: who needs a connection opens one. */
#ifndef NET_WARM_H
#define NET_WARM_H

#include "base/attr.h"

struct http_pool;
struct warm;

/* Opens n connections for data by asking for url (copied).  Returns at once. */
int warm_start(struct http_pool *pool, const char *url, unsigned n,
    struct warm **out) WARN_UNUSED;

/* Gives up what is not done yet, within a tick (base/call.h).  NULL is good. */
void warm_stop(struct warm *w);

#endif
