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

/* A free slot, its easy handle without options; -EINTR. */
int slots_get(struct http_pool *p, struct call *call, bool metadata,
    struct slot **out) WARN_UNUSED;
void slots_put(struct http_pool *p, struct slot *s);

/* The options that all requests share. */
void slots_configure(struct http_pool *p, CURL *easy);

#endif
