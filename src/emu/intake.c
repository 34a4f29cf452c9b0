/* emu/intake.c - what arrives before the handler.
 *
 * A request that is refused by its headers still has its body read and dropped
 * when that is short: the connection stays usable, as behind the service's
 * gateways. */
#include "config.h"

#include "emu/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/text.h"

#include "emu/door.h"
#include "emu/emu.h"
#include "emu/ep_wsfiles.h"
#include "emu/form.h"
#include "emu/routes.h"
#include "emu/shared.h"

#include "base/banned.h"

#define DRAIN_BYTES_MAX  ((uint64_t)2 << 20)
#define TARGET_BYTES_MAX ((size_t)65536)

/* Bytes of a form around its file: boundaries and text parts. */
#define FORM_OVERHEAD ((uint64_t)64 << 10)

static const char *
header(struct request *req, const char *name)
{
	return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

static uint64_t
content_length(struct request *req)
{
	const char *text = header(req, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t n;

	return text != NULL && text_u64(text, UINT64_MAX, &n) == 0 ? n : 0;
}

/* "127.0.0.1:80", "[::1]", "localhost": a page of another site that a browser
 * was tricked into sending here says its own name. */
static bool
host_is_local(const char *host, const char *also)
{
	static const char *const names[] = { "localhost", "[::1]" };
	size_t len =
	    host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	if (also != NULL && strlen(also) == len &&
	    strncasecmp(also, host, len) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == len &&
		    strncasecmp(names[i], host, len) == 0)
			return true;
	return text_starts(host, "127.") && len <= 15 &&
	       strspn(host, "0123456789.") == len;
}

/* Splits the target into path and query parameters.  0 or -EBADMSG, -E2BIG. */
static int
parse_target(struct request *req)
{
	size_t path_len;
	ssize_t len;
	const char *query;

	if (strlen(req->target) > TARGET_BYTES_MAX)
		return -E2BIG;
	path_len = strcspn(req->target, "?#");
	req->path = strndup(req->target, path_len);
	if (req->path == NULL)
		return -ENOMEM;
	len = params_unescape(req->path, path_len, false);
	if (len < 0)
		return (int)len;
	while (len > 1 && req->path[len - 1] == '/')
		req->path[--len] = '\0';
	query = req->target + path_len;
	if (*query != '?')
		return 0;
	return params_add_form(
	    &req->params, query + 1, strcspn(query + 1, "#"));
}

static int
check_token(struct request *req)
{
	bool admin = req->route != NULL && req->route->auth == ROUTE_ADMIN;

	if (req->route != NULL && req->route->auth == ROUTE_OPEN)
		return 0;
	if (req->route == NULL && !text_starts(req->path, "/api/"))
		return 0;
	switch (tokens_check(req->emu->tokens,
	    header(req, MHD_HTTP_HEADER_AUTHORIZATION), admin,
	    req->token_hash)) {
	case TOKEN_GOOD: return 0;
	case TOKEN_MISSING:
		return reply_denied(req, 401,
		    "Credential was not sent or was of an unsupported type for "
		    "this API.");
	case TOKEN_FOREIGN:
		req->foreign = true;
		return reply_denied(req, 403, TOKENS_BAD_TEXT);
	case TOKEN_REVOKED: return reply_denied(req, 403, TOKENS_BAD_TEXT);
	case TOKEN_EXPIRED: return reply_denied(req, 401, TOKENS_EXPIRED_TEXT);
	}
	return 0;
}

static int
check_rate(struct request *req)
{
	int64_t after = settings_get(&req->emu->settings, SET_RETRY_AFTER);
	const char *family;
	size_t len;
	int ret;

	family = routes_family(req->path, &len);
	if (req->route->auth != ROUTE_TOKEN ||
	    shaper_admit(req->emu->shaper, family, len))
		return 0;
	ret = reply_error(req, 429, "RESOURCE_EXHAUSTED",
	    "Too many requests. Please wait a moment and try again.");
	if (after > 0) {
		char text[24];

		(void)snprintf(text, sizeof(text), "%" PRId64, after);
		reply_add_header(req, "Retry-After", text);
	}
	return ret;
}

static bool
is_multipart(struct request *req)
{
	const char *type = header(req, MHD_HTTP_HEADER_CONTENT_TYPE);

	return type != NULL &&
	       strncasecmp(type, "multipart/form-data", 19) == 0;
}

static int
too_long(struct request *req)
{
	return reply_error(req, 413, "REQUEST_ENTITY_TOO_LARGE",
	    "The request body is larger than what this API takes.");
}

static int
check_length(struct request *req)
{
	const struct route *route = req->route;
	uint64_t limit = route->max_body;

	if (route->body == ROUTE_FORM && is_multipart(req))
		limit =
		    (uint64_t)settings_get(&req->emu->settings, SET_PUT_LIMIT) +
		    FORM_OVERHEAD;
	return content_length(req) > limit ? too_long(req) : 0;
}

/* Makes ready for the body that the route takes. */
static int
open_body(struct request *req)
{
	struct body *body = &req->body;

	buf_init(&body->raw, (size_t)req->route->max_body);
	if (req->route->body == ROUTE_RAW)
		return spool_new(store_spools(req->emu->dbfs), &body->file);
	if (is_multipart(req))
		return form_open(
		    req, header(req, MHD_HTTP_HEADER_CONTENT_TYPE));
	return 0;
}

struct header_text {
	struct request *req;
	size_t len;
};

/* Appends a line; the credential of a known kind is its hash instead. */
static enum MHD_Result
add_header_text(
    void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct header_text *h = cls;
	size_t room = sizeof(h->req->headers) - h->len;
	int n;

	(void)kind;
	if (strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0)
		n = snprintf(h->req->headers + h->len, room,
		    "%s: %.*s sha256:%s\n", name, (int)strcspn(value, " "),
		    strchr(value, ' ') != NULL ? value : "",
		    h->req->token_hash);
	else
		n = snprintf(h->req->headers + h->len, room, "%s: %s\n", name,
		    value != NULL ? value : "");
	if (n < 0 || (size_t)n >= room) {
		h->req->headers[h->len] = '\0';
		return MHD_NO;
	}
	h->len += (size_t)n;
	return MHD_YES;
}

static void
keep_headers(struct request *req)
{
	struct header_text h = { req, 0 };

	if (req->route == NULL || req->route->auth != ROUTE_ADMIN)
		(void)MHD_get_connection_values(
		    req->conn, MHD_HEADER_KIND, add_header_text, &h);
}

/* The checks by headers, in the service's order.  Returns when one answered. */
static int
check_headers(struct request *req)
{
	const char *host = header(req, MHD_HTTP_HEADER_HOST);
	int ret;

	if (host != NULL && !host_is_local(host, req->emu->flags.allow_host))
		return reply_error(req, 403, "PERMISSION_DENIED",
		    "This server answers to loopback names only.");
	ret = parse_target(req);
	if (ret < 0)
		return reply_error(req, 400, "BAD_REQUEST",
		    "The request target is malformed or too long.");
	req->route = routes_find(req->method, req->path);
	if (req->admin_door && req->route != NULL &&
	    req->route->auth != ROUTE_ADMIN)
		req->route = NULL;
	req->endpoint = routes_endpoint(req->route, req->method, req->path);
	if (req->endpoint == NULL)
		return -ENOMEM;
	ret = check_token(req);
	if (ret < 0 || req->reply.status != 0)
		return ret;
	if (req->route == NULL)
		return reply_error(req, 404, "ENDPOINT_NOT_FOUND",
		    "No API found for '%s %s'", req->method,
		    routes_short(req->path));
	ret = check_rate(req);
	if (ret == 0 && req->reply.status == 0)
		ret = check_length(req);
	if (ret == 0 && req->reply.status == 0)
		ret = open_body(req);
	return ret;
}

/* A path parameter as rules and the log name it, in new memory, or NULL: without
 * what may stand before it. */
static char *
path_of(struct request *req, const char *name)
{
	const char *text;

	if (params_str(&req->params, name, &text) < 0)
		return NULL;
	if (text_starts(text, "dbfs:"))
		text += 5;
	else if (routes_tree(req->path) == ROUTES_WORKSPACE &&
		 text_starts(text, "/Workspace/"))
		text += 10;
	return text_dup(text);
}

static void
find_subject(struct request *req)
{
	int64_t handle;

	if (req->subject != NULL)
		return;
	req->subject = ep_wsfiles_subject(req);
	if (req->subject == NULL)
		req->subject = path_of(req, "path");
	if (req->subject == NULL)
		req->subject = path_of(req, "source_path");
	if (req->subject == NULL &&
	    params_i64(&req->params, "handle", &handle) == 0)
		req->subject = streams_path(req->emu->streams, handle);
	free(req->goal);
	req->goal = path_of(req, "destination_path");
}

bool
intake_headers(struct request *req, const char *method)
{
	int ret;

	(void)door_pass(req->emu->door, req->guest);
	text_copy(req->method, sizeof(req->method), method);
	ret = check_headers(req);
	keep_headers(req);
	if (ret == -EBADMSG)
		ret = reply_error(
		    req, 400, "MALFORMED_REQUEST", "The form has no boundary.");
	else if (ret < 0)
		ret = reply_error(
		    req, 500, "INTERNAL_ERROR", "%s", strerror(-ret));
	if (ret < 0)
		req->reply.status = 500;
	if (req->reply.status == 0 && req->route->auth != ROUTE_ADMIN) {
		find_subject(req);
		faults_run(req, FAULT_INTAKE);
		if (req->plan.max_body > 0 &&
		    content_length(req) > req->plan.max_body)
			(void)too_long(req);
	}
	return req->reply.status != 0 && content_length(req) > DRAIN_BYTES_MAX;
}

/* A rule may end the connection after so many bytes of the body. */
static bool
cut_intake(struct request *req)
{
	struct plan *plan = &req->plan;

	if (plan->intake_ending == PLAN_WHOLE ||
	    req->body.bytes < plan->intake_after)
		return false;
	plan->silent = true;
	plan->ending = plan->intake_ending;
	return true;
}

/* Waits until len bytes may come in. */
static void
pass(struct request *req, size_t len)
{
	const struct plan *plan = &req->plan;
	int64_t wait_ns = 0;

	(void)door_pass(req->emu->door, req->guest);
	if (plan->line != NULL)
		wait_ns =
		    shared_line(plan->line, SHAPER_UP, plan->line_bps, len) -
		    clock_mono_ns();
	if (wait_ns > 0)
		(void)halt_wait(req->emu->halt, req->client, wait_ns);
	(void)shaper_pass(req->emu->shaper, SHAPER_UP, req->client, len);
}

bool
intake_piece(struct request *req, const char *data, size_t len)
{
	struct body *body = &req->body;
	int ret = 0;

	pass(req, len);
	body->bytes += len;
	if (cut_intake(req))
		return false;
	if (req->plan.max_body > 0 && body->bytes > req->plan.max_body &&
	    body->err == 0)
		body->err = -EFBIG;
	if (req->reply.status != 0 || body->err < 0)
		return true;
	if (body->form != NULL)
		ret = form_piece(req, data, len);
	else if (body->file != NULL)
		ret = spool_write(body->file, data, len);
	else
		ret = buf_append(&body->raw, data, len);
	if (ret < 0)
		body->err = ret;
	return true;
}

/* The one set of parameters, from a body that may be JSON or a form whatever
 * its type says: curl -d calls JSON a form. */
static int
parse_params(struct request *req)
{
	struct buf *raw = &req->body.raw;
	const char *type = header(req, MHD_HTTP_HEADER_CONTENT_TYPE);
	size_t blanks = strspn(buf_text(raw), " \t\r\n");

	if (blanks == raw->len)
		return 0;
	if (raw->data[blanks] != '{' && type != NULL &&
	    strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0)
		return params_add_form(&req->params, raw->data, raw->len);
	return params_add_json(&req->params, raw->data, raw->len);
}

void
intake_end(struct request *req)
{
	struct body *body = &req->body;
	int ret = body->err;

	if (req->reply.status != 0)
		return;
	if (ret == 0 && body->form != NULL)
		ret = form_end(req);
	else if (ret == 0)
		ret = parse_params(req);
	if (ret == -EFBIG)
		ret = too_long(req);
	else if (ret == -ENOSPC || ret == -EDQUOT)
		ret = reply_error(
		    req, 400, "QUOTA_EXCEEDED", "No space left for the file.");
	else if (ret == -EBADMSG || ret == -E2BIG)
		ret = reply_error(req, 400, "MALFORMED_REQUEST",
		    "Invalid JSON given in the body of the request - failed to "
		    "parse given JSON");
	else if (ret < 0)
		ret = reply_error(
		    req, 500, "INTERNAL_ERROR", "%s", strerror(-ret));
	if (ret < 0)
		req->reply.status = 500;
	if (req->reply.status == 0)
		find_subject(req);
}
