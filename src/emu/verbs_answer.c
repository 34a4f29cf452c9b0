/* emu/verbs_answer.c - verbs about status and rights: answers instead of the
 * handler's. */
#include "config.h"

#include "emu/verbs_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/jval.h"

#include "emu/emu.h"
#include "emu/ep_wellknown.h"
#include "emu/request.h"
#include "emu/routes.h"

#include "base/banned.h"

/* An error answer instead of the handler's; the first verb that decides wins. */
void
verb_fail(struct request *req, int64_t code, const char *error_code,
    const char *message)
{
	if (code < 200 || code > 599)
		code = 500;
	(void)reply_error(req, (int)code, error_code, "%s", message);
	req->plan.answered = true;
}

const char *
verb_code(int64_t status)
{
	static const struct {
		int64_t status;
		const char *code;
	} codes[] = {
		{ 400, "BAD_REQUEST" },
		{ 403, "PERMISSION_DENIED" },
		{ 404, "RESOURCE_DOES_NOT_EXIST" },
		{ 409, "RESOURCE_CONFLICT" },
		{ 429, "RESOURCE_EXHAUSTED" },
		{ 500, "INTERNAL_ERROR" },
		{ 501, "NOT_IMPLEMENTED" },
		{ 503, "TEMPORARILY_UNAVAILABLE" },
		{ 504, "TEMPORARILY_UNAVAILABLE" },
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return "UNKNOWN";
}

void
verb_status(struct request *req, struct json_object *args)
{
	int64_t code = verb_number(args, "code", 503);
	const char *body = verb_text(args, "body", NULL);
	struct json_object *headers = NULL;

	if (req->plan.answered)
		return;
	verb_fail(req, code, verb_text(args, "error_code", verb_code(code)),
	    verb_text(args, "message", "Injected failure"));
	if (body != NULL)
		(void)reply_text(req, req->reply.status,
		    verb_text(args, "type",
			body[0] == '{' ? "application/json" : "text/plain"),
		    body);
	if (jval_object(args, "headers", &headers) < 0)
		return;
	json_object_object_foreach(headers, name, value)
	    reply_add_header(req, name, json_object_get_string(value));
}

void
verb_retry_after(struct request *req, struct json_object *args)
{
	int64_t in_s = verb_number(args, "in", -1);
	int64_t code = verb_number(args, "code", 429);
	struct json_object *value = NULL;
	char date[TIMELINE_HTTP_BYTES];

	if (req->plan.answered)
		return;
	verb_fail(req, code, verb_code(code),
	    "Too many requests. Please wait a moment and try again.");
	if (in_s > VERB_WAIT_MAX)
		in_s = VERB_WAIT_MAX;
	if (in_s >= 0) {
		timeline_http(
		    timeline_now_ms(&req->emu->timeline) + in_s * 1000, date);
		reply_add_header(req, "Retry-After", date);
	} else if (json_object_object_get_ex(args, "value", &value)) {
		reply_add_header(
		    req, "Retry-After", json_object_get_string(value));
	} else {
		reply_add_header(req, "Retry-After", "1");
	}
}

void
verb_rate_limit(struct request *req, struct json_object *args)
{
	int64_t after = verb_number(args, "retry_after", 0);
	char text[24];

	if (req->plan.answered)
		return;
	verb_fail(req, 429, "RESOURCE_EXHAUSTED",
	    "Too many requests. Please wait a moment and try again.");
	(void)snprintf(text, sizeof(text), "%" PRId64, after);
	if (after > 0)
		reply_add_header(req, "Retry-After", text);
}

void
verb_html_login(struct request *req, struct json_object *args)
{
	bool redirect;

	/* The page itself is never sent to itself. */
	if (req->plan.answered || req->route->handle == ep_wellknown_login)
		return;
	req->plan.answered = true;
	if (jval_bool(args, "redirect", &redirect) < 0)
		redirect = false;
	if (!redirect) {
		(void)ep_wellknown_login(req);
		return;
	}
	(void)reply_text(req, 302, "text/html; charset=utf-8", "");
	reply_add_header(req, "Location", "/login?next_url=%2Fapi");
}

void
verb_redirect(struct request *req, struct json_object *args)
{
	int64_t code = verb_number(args, "code", 302);

	if (req->plan.answered)
		return;
	req->plan.answered = true;
	(void)reply_text(
	    req, code >= 300 && code < 400 ? (int)code : 302, "text/html", "");
	reply_add_header(req, "Location", verb_text(args, "to", "/login"));
}

void
verb_proxy_407(struct request *req, struct json_object *args)
{
	(void)args;
	if (req->plan.answered)
		return;
	req->plan.answered = true;
	(void)reply_text(req, 407, "text/html",
	    "<html><head><title>407 Proxy Authentication Required</title>"
	    "</head><body>Ask your administrator.</body></html>");
	reply_add_header(req, "Proxy-Authenticate", "Basic realm=\"proxy\"");
}

/* What one may not see in the workspace is not there.  Reference, 3.3. */
static bool
is_hidden(struct request *req)
{
	return routes_tree(req->path) == ROUTES_WORKSPACE &&
	       req->route->kind != ROUTE_WRITES &&
	       settings_get(&req->emu->settings, SET_HIDDEN) == HIDDEN_404;
}

void
verb_deny(struct request *req, struct json_object *args)
{
	static const char *const words[] = {
		[ROUTE_READS] = "read",
		[ROUTE_LISTS] = "list",
		[ROUTE_WRITES] = "write",
	};
	const char *what = verb_text(args, "what", NULL);
	char message[1024];

	if (req->plan.answered ||
	    (what != NULL && strcmp(what, words[req->route->kind]) != 0))
		return;
	if (is_hidden(req)) {
		(void)snprintf(message, sizeof(message),
		    "Path (%s) doesn't exist.",
		    req->subject != NULL ? req->subject : "");
		verb_fail(req, 404, "RESOURCE_DOES_NOT_EXIST", message);
		return;
	}
	verb_fail(req, 403, "PERMISSION_DENIED", "User does not have permission.");
}

/* The token may call the families that are named, and no other. */
void
verb_scope(struct request *req, struct json_object *args)
{
	const char *has = verb_text(args, "has", "");
	const char *family;
	char message[128];
	size_t len;

	family = routes_family(req->path, &len);
	if (req->plan.answered || verb_has_word(has, family, len))
		return;
	(void)snprintf(message, sizeof(message),
	    "Provided OAuth token does not have required scopes: %.*s",
	    (int)(len < 40 ? len : 40), family);
	verb_fail(req, 403, "PERMISSION_DENIED", message);
}

/* The token of the request is no longer good, for it and for all later ones. */
void
verb_token(struct request *req, struct json_object *args)
{
	struct tokens *tokens = req->emu->tokens;
	const char *to = verb_text(args, "to", "");

	if (req->token_hash[0] == '\0' || req->plan.answered)
		return;
	if (to[0] != '\0' && tokens_add(tokens, to) < 0)
		return;
	req->plan.answered = true;
	if (strcmp(verb_text(args, "how", "revoke"), "expire") == 0) {
		tokens_expire(tokens, req->token_hash);
		(void)reply_denied(req, 401, TOKENS_EXPIRED_TEXT);
	} else {
		tokens_revoke(tokens, req->token_hash);
		(void)reply_denied(req, 403, TOKENS_BAD_TEXT);
	}
}

void
verb_limit(struct request *req, struct json_object *args)
{
	int64_t bytes = verb_number(args, "bytes", 1);

	req->plan.max_body = bytes > 0 ? (uint64_t)bytes : 1;
}
