/* net/slots.h: the pool of curl handles; private to net. */
#ifndef NET_SLOTS_H
#define NET_SLOTS_H

#include <stdbool.h>

#include <curl/curl.h>

#include "base/attr.h"
#include "base/call.h"
#include "net/http.h"

struct slot;

CURL *slot_easy(struct slot *s);
CURLM *slot_multi(struct slot *s);

/* A free slot, its easy handle without options; -EINTR.  First come, first served, by
 * class (base/line.h).  Slots for metadata are for metadata alone, which takes one for
 * data when there is none; calls that read ahead leave the last two of each kind. */
int slots_get(struct http_pool *p, struct call *call, bool metadata,
    struct slot **out) WARN_UNUSED;
void slots_put(struct http_pool *p, struct slot *s);

/* http_exchange on a slot that the caller has (net/http.c). */
int slot_exchange(struct http_pool *p, struct slot *s, struct call *call,
    const struct http_request *req, struct http_reply *out);

/* The options that all requests share. */
void slots_configure(struct http_pool *p, CURL *easy);

#endif
