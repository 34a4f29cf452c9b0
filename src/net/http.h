/* net/http.h: one HTTP exchange, on a connection of a pool.
 *
 * A slot is a private curl multi handle with one easy handle, so that a stalled
 * transfer can be dropped at once; the one used last is lent first, so that
 * connections stay warm.  HTTP/1.1: one connection carries one exchange, and many
 * carry more than one ever could.
 *
 * Redirects are not followed: an API does not redirect, except to a login page.
 * Threads: any. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/call.h"

struct http_pool;

struct http_config {
	const char *user_agent; /* copied, as cacert */
	const char *cacert;	/* file with CA certificates; NULL: the system's */
	unsigned data_slots;	/* exchanges at once with large bodies */
	unsigned meta_slots;	/* others */
	int64_t dead_ms; /* a peer that acknowledges nothing for so long is gone; 0:
			  * as the system has it */
	bool no_proxy; /* the service is on this machine: never by a proxy */
};

int http_pool_new(const struct http_config *config, struct http_pool **out)
    WARN_UNUSED;
void http_pool_free(struct http_pool *p); /* with no exchange under way */

/* Bytes that can be read at any offset, so that another exchange can send them. */
struct http_body {
	uint64_t len;
	int (*read)(void *ctx, uint64_t off, void *dst, size_t len);
	void *ctx;
};

struct http_part {
	const char *name;
	const char *text;     /* a text field, or NULL and: */
	const char *filename;
	const struct http_body *body;
};

/* Where the body of an answer goes while it arrives, if that is a success (status below
 * 300); other bodies are kept as usual. */
struct http_sink {
	void (*begin)(void *ctx); /* before the first byte of an answer */
	void (*take)(void *ctx, const char *bytes, size_t len);
	void *ctx;
};

struct http_request {
	const char *method;
	const char *url;
	const char *const *headers; /* n_headers lines "Name: value" */
	size_t n_headers;
	const struct http_body *body; /* or */
	const struct http_part *parts; /* multipart/form-data */
	size_t n_parts;
	bool repeatable; /* without a body: it may be sent again when a connection
			  * that was reused turns out dead; with one it never is */
	bool metadata;	 /* may use the slots that large bodies never get */
	bool compressed; /* the answer may come in gzip; body_max counts what it
			  * becomes */
	int64_t idle_ms; /* next to nothing moved for so long: -ETIMEDOUT */
	int64_t answer_ms; /* from the end of the request to the answer's start */
	size_t body_max;   /* bytes of an answer's body; more is -EFBIG */
	const struct http_sink *sink; /* NULL: the body is kept in the reply */
	/* May be NULL.  Asked now and then when nothing has moved for quiet_ms: true gives
	 * the server up, as answer_ms does. */
	bool (*is_gone)(void *ctx, int64_t quiet_ms);
	void *gone_ctx;
	/* May be NULL.  Bytes of the request that have left. */
	void (*sent)(void *ctx, uint64_t bytes);
	void *sent_ctx;
};

struct http_reply {
	int status; /* 0: none came */
	struct buf body;
	uint64_t received;	/* bytes of the body, wherever they went */
	int64_t date_ms;	/* Unix time; 0: none */
	int64_t retry_after_ms; /* -1: none */
	char content_type[64];
	char org_id[32];
	char request_id[64];
	char reason[256];   /* X-Databricks-Reason-Phrase */
	char location[256]; /* of a redirect */
	/* Of a failure. */
	bool acted; /* some of the request has left, so it may have been done */
	bool ours;  /* nothing wrong outside: the body could not be read, or no
		     * memory */
	int64_t quiet_ms; /* since a byte last moved; -1: none ever did */
	char words[CALL_WORDS];
};

/* 0 when an answer came, whatever its status; else -EINTR, -ETIMEDOUT, -EFBIG,
 * -EHOSTUNREACH (also: no such host), -ECONNREFUSED, -EPROTO (TLS), -EIO, or what
 * reading the request's body gave.  The body of a refusal (status 400 and above) is
 * cut at HTTP_REFUSAL_MAX and no error.  out needs http_reply_release in every
 * case. */
#define HTTP_REFUSAL_MAX ((size_t)64 << 10)
int http_exchange(struct http_pool *p, struct call *call,
    const struct http_request *req, struct http_reply *out);
void http_reply_release(struct http_reply *r);

#endif
