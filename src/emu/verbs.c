/* emu/verbs.c - the table of fault verbs, and those about status, time, the
 * connection, effects and rights. */
#include "config.h"

#include "emu/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"

#include "emu/dbpath.h"
#include "emu/emu.h"
#include "emu/ep_wellknown.h"
#include "emu/params.h"
#include "emu/request.h"
#include "emu/routes.h"
#include "emu/verbs_body.h"
#include "emu/verbs_server.h"

#include "base/banned.h"

#define CONTENT_BYTES ((size_t)16 << 20)
#define WAIT_MAX      (INT64_C(1) << 32) /* of delays and Retry-After */

static verb_fn act_status, act_retry_after, act_rate_limit, act_delay,
    act_stall, act_dribble, act_cut, act_cut_request, act_lost, act_html_login,
    act_redirect, act_token, act_partial_delete, act_handle_expire,
    act_remote_edit, act_remote_delete, act_remote_rename, act_remote_mkdir,
    act_deny;

/* Every verb, by what it is about. */
static const struct verb verbs[] = {
	/* clang-format off */
	/* name              phase         rated  arguments                                      act                   help */
	{ "status",          FAULT_BEFORE, false, "code error_code message body type headers",   act_status,           "answer with an error, carry nothing out" },
	{ "retry_after",     FAULT_BEFORE, false, "value code in",                               act_retry_after,      "429 (or code) with Retry-After: value, or the HTTP date in that many seconds" },
	{ "rate_limit",      FAULT_BEFORE, true,  "rps retry_after",                             act_rate_limit,       "429 beyond rps calls a second" },
	{ "html_login",      FAULT_BEFORE, false, "redirect",                                    act_html_login,       "the login page: 200 text/html, or with redirect 302 to /login" },
	{ "redirect",        FAULT_BEFORE, false, "code to",                                     act_redirect,         "code (302) with Location: to" },
	{ "deny",            FAULT_BEFORE, false, "what",                                        act_deny,             "403 for calls that read, write or list" },
	{ "token",           FAULT_BEFORE, false, "",                                            act_token,            "revoke the token that the request carries" },
	{ "delay",           FAULT_BEFORE, false, "ms",                                          act_delay,            "answer ms milliseconds later" },
	{ "dribble",         FAULT_BEFORE, false, "bps",                                         act_dribble,          "send the answer at bps bytes a second" },
	{ "stall",           FAULT_AFTER,  false, "after",                                       act_stall,            "no answer ever comes; with after, not beyond that many bytes of the body" },
	{ "cut",             FAULT_AFTER,  false, "after how",                                   act_cut,              "end the connection after that many bytes of the body, or without any answer; how: close, reset" },
	{ "cut_request",     FAULT_INTAKE, false, "after how",                                   act_cut_request,      "end the connection after that many bytes of the request's body; how: close, reset, stall" },
	{ "apply_then_fail", FAULT_AFTER,  false, "how code error_code message",                 act_lost,             "carry out, lose the answer; how: close, reset, stall, status" },
	{ "crash_after",     FAULT_BEFORE, false, "when",                                        verbs_server_crash,   "the emulator is killed, before or after the request is carried out; no answer" },
	{ "partial_delete",  FAULT_BEFORE, false, "n",                                           act_partial_delete,   "a recursive delete stops after n files" },
	{ "handle_expire",   FAULT_BEFORE, false, "handle",                                      act_handle_expire,    "the request's write handle, that one, or with \"all\" every one is gone" },
	{ "remote_edit",     FAULT_BEFORE, false, "path content content_base64 when",            act_remote_edit,      "another client writes path, before or after the request is carried out" },
	{ "remote_delete",   FAULT_BEFORE, false, "path when",                                   act_remote_delete,    "another client deletes path" },
	{ "remote_rename",   FAULT_BEFORE, false, "path to when",                                act_remote_rename,    "another client moves path" },
	{ "remote_mkdir",    FAULT_BEFORE, false, "path when",                                   act_remote_mkdir,     "another client makes the directory path" },
	{ "truncate",        FAULT_AFTER,  false, "n length",                                    verbs_body_truncate,  "send n bytes of the body; length: kept (as announced before), fixed" },
	{ "extend",          FAULT_AFTER,  false, "n",                                           verbs_body_extend,    "n bytes of garbage after the body" },
	{ "corrupt",         FAULT_AFTER,  false, "at",                                          verbs_body_corrupt,   "change the byte at that place of the body" },
	{ "content_type",    FAULT_AFTER,  false, "type",                                        verbs_body_type,      "another Content-Type" },
	{ "json",            FAULT_AFTER,  false, "mode bytes",                                  verbs_body_json,      "mode: short, garbage, deep, huge, types, missing, text, empty, null, array" },
	{ "base64",          FAULT_AFTER,  false, "mode",                                        verbs_body_base64,    "data of read; mode: letters, short, padding, newlines, url, longer, empty, missing" },
	{ "size_lie",        FAULT_AFTER,  false, "d",                                           verbs_body_size_lie,  "add d to each file_size and bytes_read" },
	{ "mtime_lie",       FAULT_AFTER,  false, "d",                                           verbs_body_mtime_lie, "add d milliseconds to each modification_time" },
	{ "names",           FAULT_AFTER,  false, "list",                                        verbs_body_names,     "hostile names in listings; list: texts, default a collection" },
	/* clang-format on */
};

const struct verb *
verbs_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static bool
has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, word, n) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

bool
verbs_knows(const struct verb *verb, const char *arg)
{
	return has_word(verb->args, arg);
}

/* Arguments that are numbers or one of a few words; first fit. */
static const struct {
	const char *verb;  /* NULL: any */
	const char *args;
	const char *words; /* NULL: a number */
} kinds[] = {
	/* clang-format off */
	{ NULL,              "after at bps bytes code d in ms n rps retry_after", NULL },
	{ NULL,              "length", "kept fixed" },
	{ NULL,              "what",   "read write list" },
	{ NULL,              "when",   "before after" },
	{ "apply_then_fail", "how",    "close reset stall status" },
	{ NULL,              "how",    "close reset stall" },
	{ "base64",          "mode",   "letters short padding newlines url longer empty missing" },
	{ NULL,              "mode",   "short garbage deep huge types missing text empty null array" },
	/* clang-format on */
};

bool
verbs_takes(const struct verb *verb, struct json_object *args, const char *name)
{
	const char *text;
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if ((kinds[i].verb != NULL &&
			strcmp(kinds[i].verb, verb->name) != 0) ||
		    !has_word(kinds[i].args, name))
			continue;
		if (kinds[i].words == NULL)
			return params_json_i64(args, name, &n) == 0;
		return jval_str(args, name, &text) == 0 &&
		       has_word(kinds[i].words, text);
	}
	return true;
}

int
verbs_print(struct buf *out)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(verbs); i++)
		ret = buf_printf(out, "%-16s %-44s %s\n", verbs[i].name,
		    verbs[i].args, verbs[i].help);
	return ret;
}

int64_t
verb_number(struct json_object *args, const char *name, int64_t def)
{
	(void)params_json_i64(args, name, &def);
	return def;
}

const char *
verb_text(struct json_object *args, const char *name, const char *def)
{
	const char *text;

	return jval_str(args, name, &text) == 0 ? text : def;
}

static enum plan_ending
ending_of(struct json_object *args, enum plan_ending def)
{
	static const struct {
		const char *word;
		enum plan_ending ending;
	} words[] = {
		{ "close", PLAN_CLOSE },
		{ "reset", PLAN_RESET },
		{ "stall", PLAN_STALL },
	};
	const char *word = verb_text(args, "how", "");

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].ending;
	return def;
}

/* An error answer instead of the handler's; the first verb that decides wins. */
static void
fail(struct request *req, int64_t code, const char *error_code,
    const char *message)
{
	if (code < 200 || code > 599)
		code = 500;
	(void)reply_error(req, (int)code, error_code, "%s", message);
	req->plan.answered = true;
}

static const char *
code_for(int64_t status)
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

static void
act_status(struct request *req, struct json_object *args)
{
	int64_t code = verb_number(args, "code", 503);
	const char *body = verb_text(args, "body", NULL);
	struct json_object *headers = NULL;

	if (req->plan.answered)
		return;
	fail(req, code, verb_text(args, "error_code", code_for(code)),
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

/* RFC 9110's date of a moment. */
static void
http_date(int64_t ms, char out[40])
{
	time_t sec = (time_t)(ms / 1000);
	struct tm tm;

	if (gmtime_r(&sec, &tm) == NULL ||
	    strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
		out[0] = '\0';
}

static void
act_retry_after(struct request *req, struct json_object *args)
{
	int64_t in_s = verb_number(args, "in", -1);
	int64_t code = verb_number(args, "code", 429);
	struct json_object *value = NULL;
	char date[40];

	if (req->plan.answered)
		return;
	fail(req, code, code_for(code),
	    "Too many requests. Please wait a moment and try again.");
	if (in_s > WAIT_MAX)
		in_s = WAIT_MAX;
	if (in_s >= 0) {
		http_date(
		    timeline_now_ms(&req->emu->timeline) + in_s * 1000, date);
		reply_add_header(req, "Retry-After", date);
	} else if (json_object_object_get_ex(args, "value", &value)) {
		reply_add_header(
		    req, "Retry-After", json_object_get_string(value));
	} else {
		reply_add_header(req, "Retry-After", "1");
	}
}

static void
act_rate_limit(struct request *req, struct json_object *args)
{
	int64_t after = verb_number(args, "retry_after", 0);
	char text[24];

	if (req->plan.answered)
		return;
	fail(req, 429, "RESOURCE_EXHAUSTED",
	    "Too many requests. Please wait a moment and try again.");
	(void)snprintf(text, sizeof(text), "%" PRId64, after);
	if (after > 0)
		reply_add_header(req, "Retry-After", text);
}

static void
act_html_login(struct request *req, struct json_object *args)
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

static void
act_redirect(struct request *req, struct json_object *args)
{
	int64_t code = verb_number(args, "code", 302);

	if (req->plan.answered)
		return;
	req->plan.answered = true;
	(void)reply_text(
	    req, code >= 300 && code < 400 ? (int)code : 302, "text/html", "");
	reply_add_header(req, "Location", verb_text(args, "to", "/login"));
}

static void
act_deny(struct request *req, struct json_object *args)
{
	static const char *const words[] = {
		[ROUTE_READS] = "read",
		[ROUTE_LISTS] = "list",
		[ROUTE_WRITES] = "write",
	};
	const char *what = verb_text(args, "what", NULL);

	if (req->plan.answered ||
	    (what != NULL && strcmp(what, words[req->route->kind]) != 0))
		return;
	fail(req, 403, "PERMISSION_DENIED", "User does not have permission.");
}

static void
act_token(struct request *req, struct json_object *args)
{
	(void)args;
	if (req->token_hash[0] == '\0' || req->plan.answered)
		return;
	tokens_revoke(req->emu->tokens, req->token_hash);
	(void)reply_denied(req, 403, "Invalid access token.");
	req->plan.answered = true;
}

static void
act_delay(struct request *req, struct json_object *args)
{
	int64_t ms = verb_number(args, "ms", 1000);

	if (ms > 0)
		req->plan.delay_ms += ms < WAIT_MAX ? ms : WAIT_MAX;
}

static void
act_dribble(struct request *req, struct json_object *args)
{
	int64_t bps = verb_number(args, "bps", 1000);

	req->plan.pace_bps = bps > 0 ? (uint64_t)bps : 1;
}

static void
end_after(struct request *req, int64_t after, enum plan_ending ending)
{
	req->plan.ending = ending;
	req->plan.silent = after < 0;
	req->plan.after_bytes = after < 0 ? 0 : (uint64_t)after;
}

static void
act_stall(struct request *req, struct json_object *args)
{
	end_after(req, verb_number(args, "after", -1), PLAN_STALL);
}

static void
act_cut(struct request *req, struct json_object *args)
{
	end_after(
	    req, verb_number(args, "after", -1), ending_of(args, PLAN_CLOSE));
}

static void
act_cut_request(struct request *req, struct json_object *args)
{
	int64_t after = verb_number(args, "after", 1);

	req->plan.intake_ending = ending_of(args, PLAN_CLOSE);
	req->plan.intake_after = after > 0 ? (uint64_t)after : 1;
}

static void
act_lost(struct request *req, struct json_object *args)
{
	int64_t code = verb_number(args, "code", 503);

	if (strcmp(verb_text(args, "how", "close"), "status") != 0) {
		end_after(req, -1, ending_of(args, PLAN_CLOSE));
		return;
	}
	fail(req, code, verb_text(args, "error_code", code_for(code)),
	    verb_text(args, "message",
		"The service at this URL is taking too long to process your "
		"request. Please try again later or try a faster operation."));
}

static void
act_partial_delete(struct request *req, struct json_object *args)
{
	int64_t n = verb_number(args, "n", 1);

	req->plan.partial_delete = n > 0 ? (uint64_t)n : 1;
}

static void
act_handle_expire(struct request *req, struct json_object *args)
{
	int64_t handle = verb_number(args, "handle", 0);

	if (strcmp(verb_text(args, "handle", ""), "all") == 0)
		streams_expire(req->emu->streams, 0);
	else if (handle != 0 ||
		 params_i64(&req->params, "handle", &handle) == 0)
		streams_expire(req->emu->streams, handle);
}

/* What another client could not do is said, a test would wonder. */
static void
remote_done(int ret, const char *path)
{
	if (ret < 0)
		log_warn(
		    "fault", "remote change of %s: %s", path, strerror(-ret));
}

/* Path argument of a remote hand; the request's own path when missing. */
static char *
remote_path(struct request *req, struct json_object *args, const char *name)
{
	const char *text = verb_text(args, name, req->subject);
	char *path = NULL;

	if (text != NULL && dbpath_parse(text, false, &path) != DBPATH_GOOD)
		return NULL;
	return path;
}

static void
act_remote_edit(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");
	const char *text = verb_text(args, "content", "");
	const char *packed = verb_text(args, "content_base64", NULL);
	char *bytes = NULL;
	size_t len = strlen(text);

	if (packed != NULL &&
	    params_base64(packed, CONTENT_BYTES, &bytes, &len) < 0)
		len = 0;
	if (path != NULL)
		remote_done(
		    store_put(req->emu->dbfs, path,
			bytes != NULL ? bytes : text, len, HISTORY_ADMIN, NULL),
		    path);
	free(bytes);
	free(path);
}

static void
act_remote_delete(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");
	uint64_t removed;

	if (path != NULL)
		remote_done(
		    store_remove(req->emu->dbfs, path, true, 0, NULL, &removed),
		    path);
	free(path);
}

static void
act_remote_rename(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");
	char *to = remote_path(req, args, "to");

	if (path != NULL && to != NULL)
		remote_done(
		    store_move(req->emu->dbfs, path, to, true, NULL), path);
	free(path);
	free(to);
}

static void
act_remote_mkdir(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");

	if (path != NULL)
		remote_done(store_mkdirs(req->emu->dbfs, path, NULL), path);
	free(path);
}
