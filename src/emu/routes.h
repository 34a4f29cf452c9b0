/* emu/routes.h: the table of endpoints. */
#ifndef EMU_ROUTES_H
#define EMU_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#include "emu/request.h"

enum route_fit {
	ROUTE_EXACT,  /* a trailing slash is tolerated */
	ROUTE_PREFIX, /* the path goes on after it */
};

enum route_auth {
	ROUTE_OPEN,  /* no token */
	ROUTE_TOKEN, /* the access token */
	ROUTE_ADMIN, /* the admin token; neither counted nor delayed */
};

/* What a call does to the service, for deny rules and the count of mutations. */
enum route_kind { ROUTE_READS, ROUTE_LISTS, ROUTE_WRITES };

enum route_body {
	ROUTE_PARAMS, /* parameters: JSON, form or multipart */
	ROUTE_FORM,   /* the same, and one file in a multipart body */
	ROUTE_RAW,    /* bytes of a file */
};

struct route {
	const char *method;
	const char
	    *versions; /* "2.0 2.1": below /api/VERSION; NULL: as it is */
	const char *path;
	enum route_fit fit;
	enum route_auth auth;
	enum route_kind kind;
	enum route_body body;
	uint64_t max_body; /* bytes of parameters, or of a raw body */
	handler_fn *handle;
	const char *source; /* section of the API reference */
};

/* The row that serves it, or NULL. */
const struct route *routes_find(const char *method, const char *path);

/* "GET /api/2.0/dbfs/list" in new memory: how counts and rules name what row
 * (NULL: none) serves path.  NULL when out of memory. */
char *routes_endpoint(
    const struct route *row, const char *method, const char *path);

/* The part of an API path after /api/VERSION, for messages; else path. */
const char *routes_short(const char *path);

/* First component after /api/VERSION/: the family that shares a rate limit. */
const char *routes_family(const char *path, size_t *len);

/* Whose paths the call is about. */
enum routes_tree { ROUTES_DBFS, ROUTES_WORKSPACE };
enum routes_tree routes_tree(const char *path);

/* Appends the table for --endpoints. */
int routes_print(struct buf *out) WARN_UNUSED;

#endif
