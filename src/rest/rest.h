/* rest/rest.h: one REST call: credentials, retries, JSON, errors.
 *
 * A call is sent, repeated while that is safe and useful, and its answer decoded.
 * What goes wrong becomes an errno by the one table in rest/errmap.c, is logged
 * once, remembered in the error ring (rest/errors.h), and told in call->words. */
#ifndef REST_REST_H
#define REST_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/call.h"

struct auth;
struct errors;
struct http_pool;
struct transfers;

/* Which limiter a call belongs to (design section 4). */
enum rest_family {
	REST_DBFS,
	REST_WORKSPACE,
	REST_FILES,
	REST_JOBS,
	REST_STORAGE, /* not of the workspace itself */
	REST_OTHER,
};

struct reach;
struct rest;

struct rest_config {
	const char *base_url;	  /* "https://host[:port]", no path; copied */
	struct http_pool *http;	  /* borrowed; outlives the client */
	struct auth *auth;	  /* likewise */
	struct errors *errors;	  /* likewise */
	struct transfers *transfers; /* likewise */
	struct reach *reach;	  /* likewise; NULL: every call goes */
	int64_t timeout_ms;	  /* without a byte moved (design section 3) */
	int64_t answer_timeout_ms; /* list, move, delete, finished uploads: 300 s */
	int64_t retry_timeout_ms; /* 429 and 503: how long to be patient */
};

int rest_new(const struct rest_config *config, struct rest **out) WARN_UNUSED;
void rest_free(struct rest *r);

/* Appends how fast each family may be asked, and what waits, in Prometheus' text
 * format (rest/limiter.h). */
int rest_print_limits(struct rest *r, struct buf *out) WARN_UNUSED;

/* A request body that can be read at any offset, so that it can be sent again. */
struct rest_body {
	uint64_t len; /* bytes */
	/* Exactly len bytes at off, or -errno. */
	int (*read)(void *ctx, uint64_t off, void *dst, size_t len);
	void *ctx;
};

struct rest_param {
	const char *name; /* NULL ends a list */
	const char *value;
};

/* One part of a multipart/form-data body. */
struct rest_part {
	const char *name;
	const char *text;	/* a text field, or NULL */
	const char *filename;	/* with body: the file's name */
	const struct rest_body *body;
};

/* Where the body of a success goes while it arrives: then the answer has no json.
 * begin comes before each attempt's first byte, or before the end when there is none. */
struct rest_sink {
	void (*begin)(void *ctx);
	void (*take)(void *ctx, const char *bytes, size_t len);
	void *ctx;
};

struct rest_request {
	const char *method;
	const char *path;	  /* "/api/2.0/dbfs/list", already escaped */
	/* A whole URL in place of path and query, of a storage that the service has
	 * signed it for: it is sent no credential, and path only names it in messages,
	 * since the URL is one. */
	const char *url;
	const char *const *headers; /* n_headers more lines, "Name: value" */
	size_t n_headers;	    /* REST_HEADERS_MAX at most */
	const char *subject;	  /* what it is about, for errors: a path */
	enum rest_family family;
	const struct rest_param *query; /* values raw; escaped here */
	/* At most one of the next three. */
	struct json_object *json;	/* borrowed */
	const struct rest_body *body;	/* sent as content_type */
	const struct rest_part *parts;	/* n_parts of them */
	const char *content_type; /* a whole line: "Content-Type: ..." */
	size_t n_parts;
	bool repeatable; /* sending it twice does no harm */
	bool slow;	 /* the answer may take answer_timeout_ms */
	bool metadata;	 /* small: uses the lane kept free of bulk transfers */
	size_t answer_max; /* bytes of the answer that are accepted; 0: 1 MiB */
	const struct rest_sink *sink; /* NULL: JSON, in the answer */
	bool raw; /* with sink: the answer is what a user has stored, a web page perhaps */
	int64_t connect_ms; /* how long to try to reach the service; 0: the
			     * client's timeout_ms */
};

#define REST_HEADERS_MAX 6

struct rest_answer {
	int status; /* of the last answer; 0: none came */
	struct json_object *json; /* NULL for an empty body */
	struct buf text;	  /* the body as received */
	int64_t server_ms;	  /* Date header, Unix time; 0: none */
	char org_id[32];	  /* X-Databricks-Org-Id, "" when absent */
	bool unknown;	/* some attempt may have been carried out without our
			 * seeing its answer (also set on failure) */
};

/* 0, or negative errno: the mapped error of the service, or -EINTR, -ETIMEDOUT,
 * -EHOSTUNREACH, -ECONNREFUSED, -EPROTO (TLS) ... from the network, -EBADMSG never
 * (an answer that is not what was promised is -EIO).  -EAGAIN is PARTIAL_DELETE
 * alone.  out needs rest_answer_release in every case. */
int rest_send(struct rest *r, struct call *call, const struct rest_request *req,
    struct rest_answer *out);
void rest_answer_release(struct rest_answer *a);

#endif
