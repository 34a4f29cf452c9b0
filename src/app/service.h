/* app/service.h: the workspace: where it is, who we are there, and the way to it.
 *
 * Opening it asks the service one question (SCIM Me), which proves that host and
 * credential are right also where DBFS is off, and whose answer names caches and
 * state. */
#ifndef APP_SERVICE_H
#define APP_SERVICE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/call.h"
#include "rest/api_scim.h"

struct auth;
struct config;
struct errors;
struct http_pool;
struct reach;
struct rest;
struct transfers;
struct warm;

struct service {
	char *url;    /* "https://host[:port]" */
	char *origin; /* where the credential was found: "DATABRICKS_TOKEN" */
	struct errors *errors;
	struct transfers *transfers;
	struct auth *auth;
	struct http_pool *http;
	struct reach *reach; /* NULL: without -o offline */
	struct rest *rest;
	struct warm *warm; /* NULL: not started */
	struct api_scim_me me;
};

/* On failure negative errno, and a line in words; out needs service_close in every
 * case, and must be zeroed before. */
int service_open(const struct config *config, struct call *call,
    struct buf *words, struct service *out) WARN_UNUSED;

/* Opens some connections in the background; a failure is of no consequence. */
void service_warm(struct service *s);
void service_close(struct service *s);

#endif
