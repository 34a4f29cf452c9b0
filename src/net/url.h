/* net/url.h: where the service is, and how its paths are written. */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/* The setting of a host ("dbc-1.cloud.databricks.com", "https://h/?o=1",
 * "http://127.0.0.1:8080/") as "scheme://host[:port]" in *out, in lower case and
 * without a port that goes without saying; it belongs to the caller.  Without a
 * scheme it is https; path and query are dropped.  -EINVAL: no host, a user part,
 * another scheme, bytes that no host has.  -EPERM: plain http to another machine. */
int url_base(const char *setting, char **out) WARN_UNUSED;

/* The host of a base URL, without port, an IPv6 address without its brackets;
 * belongs to the caller. */
int url_host(const char *base, char **out) WARN_UNUSED;

/* Is it this machine?  127.0.0.0/8, ::1, localhost. */
bool url_is_loopback(const char *base);

/* Appends s with everything but unreserved characters as %XX (a blank is %20): one
 * segment of a path, or a value of a query. */
int url_escape(struct buf *out, const char *s) WARN_UNUSED;

/* The same for a path: each segment for itself, the slashes stay. */
int url_escape_path(struct buf *out, const char *path) WARN_UNUSED;

/* Appends "?name=value", or "&name=value" when url has a query already.  name is
 * written as it is. */
int url_add_param(struct buf *url, const char *name, const char *value)
    WARN_UNUSED;

#endif
