/* rest/client.c - one REST call: build, send, decide, decode. */
#include "config.h"

#include "rest/rest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/digest.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/reach.h"
#include "base/text.h"
#include "net/http.h"
#include "net/url.h"
#include "rest/apierr.h"
#include "rest/auth.h"
#include "rest/errmap.h"
#include "rest/errors.h"
#include "rest/limiter.h"
#include "rest/retry.h"
#include "rest/transfers.h"

#include "base/banned.h"

#define ANSWER_MAX     ((size_t)1 << 20)
#define URL_BYTES_MAX  ((size_t)64 << 10)
#define SHOWN_TRANSFER ((uint64_t)1 << 20) /* smaller ones are over at once */
#define LOST_MS	       ((int64_t)5000) /* tried for so long, where that helps */
#define DOUBT_MS       ((int64_t)5000) /* waited for so long, it may be gone */
#define PARTS_MAX      5

struct rest {
	struct rest_config config; /* set once */
	char *base_url;
	struct limiter *limiter;
};

/* One call, with what its attempts share. */
struct sending {
	struct rest *rest;
	struct call *call;
	const struct rest_request *req;
	struct rest_answer *answer;
	struct http_request http;
	struct http_body body; /* of json and of req->body */
	struct http_sink sink;
	struct http_body part_bodies[PARTS_MAX];
	struct http_part parts[PARTS_MAX];
	/* The credential comes first; it is the one that a storage is not sent. */
	const char *headers[2 + REST_HEADERS_MAX];
	size_t n_headers;
	struct buf url;
	struct buf auth;
	struct transfer *transfer;
	bool auth_renewed;
	struct apierr problem; /* of the last answer */
	int status;
};

int
rest_new(const struct rest_config *config, struct rest **out)
{
	struct rest *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->config = *config;
	r->base_url = text_dup(config->base_url);
	if (r->base_url == NULL || limiter_new(&r->limiter) < 0) {
		rest_free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void
rest_free(struct rest *r)
{
	if (r == NULL)
		return;
	limiter_free(r->limiter);
	free(r->base_url);
	free(r);
}

int
rest_print_limits(struct rest *r, struct buf *out)
{
	return limiter_print(r->limiter, out);
}

void
rest_answer_release(struct rest_answer *a)
{
	json_object_put(a->json);
	a->json = NULL;
	buf_release(&a->text);
}

/* --- building ------------------------------------------------------------------- */

static int
build_url(struct sending *s)
{
	const struct rest_param *q = s->req->query;
	int ret;

	if (s->req->url != NULL)
		return buf_puts(&s->url, s->req->url);
	ret = buf_printf(&s->url, "%s%s", s->rest->base_url, s->req->path);
	for (; ret == 0 && q != NULL && q->name != NULL; q++)
		ret = url_add_param(&s->url, q->name, q->value);
	return ret;
}

static int
read_text(void *ctx, uint64_t off, void *dst, size_t len)
{
	memcpy(dst, (const char *)ctx + off, len);
	return 0;
}

static void
build_body(struct sending *s)
{
	const struct rest_request *req = s->req;

	if (req->json != NULL) {
		size_t len;
		const char *text = jval_text(req->json, &len);

		s->body = (struct http_body){ len, read_text,
			(void *)(uintptr_t)text };
		s->http.body = &s->body;
		s->headers[s->n_headers++] = "Content-Type: application/json";
	} else if (req->body != NULL) {
		s->body = (struct http_body){ req->body->len, req->body->read,
			req->body->ctx };
		s->http.body = &s->body;
		s->headers[s->n_headers++] = req->content_type;
	}
	for (size_t i = 0; i < req->n_parts && i < PARTS_MAX; i++) {
		const struct rest_part *p = &req->parts[i];

		s->parts[i] = (struct http_part){ .name = p->name,
			.text = p->text, .filename = p->filename };
		if (p->body == NULL)
			continue;
		s->part_bodies[i] = (struct http_body){ p->body->len,
			p->body->read, p->body->ctx };
		s->parts[i].body = &s->part_bodies[i];
	}
}

static uint64_t
bytes_to_send(const struct rest_request *req)
{
	uint64_t len = req->body != NULL ? req->body->len : 0;

	for (size_t i = 0; i < req->n_parts; i++)
		if (req->parts[i].body != NULL)
			len += req->parts[i].body->len;
	return len;
}

static void
show_sent(void *ctx, uint64_t bytes)
{
	struct sending *s = ctx;

	transfer_moved(s->transfer, bytes);
}

static int
build(struct sending *s)
{
	const struct rest_config *c = &s->rest->config;
	uint64_t bytes = bytes_to_send(s->req);

	buf_init(&s->url, URL_BYTES_MAX);
	buf_init(&s->auth, 32768);
	s->http = (struct http_request){
		.method = s->req->method,
		.parts = s->parts,
		.n_parts = s->req->n_parts,
		.repeatable = s->req->repeatable,
		.metadata = s->req->metadata,
		.compressed = s->req->metadata &&
		    strcmp(s->req->method, "GET") == 0,
		.idle_ms = c->timeout_ms,
		.answer_ms = s->req->slow || bytes > SHOWN_TRANSFER ?
		    c->answer_timeout_ms : c->timeout_ms,
		.body_max = s->req->answer_max != 0 ? s->req->answer_max :
						      ANSWER_MAX,
		.sent = show_sent,
		.sent_ctx = s,
	};
	s->n_headers = 1; /* the credential, added for each attempt */
	for (size_t i = 0; i < s->req->n_headers && i < REST_HEADERS_MAX; i++)
		s->headers[s->n_headers++] = s->req->headers[i];
	if (s->req->sink != NULL) {
		s->sink = (struct http_sink){ s->req->sink->begin,
			s->req->sink->take, s->req->sink->ctx };
		s->http.sink = &s->sink;
	}
	build_body(s);
	s->http.headers = s->headers;
	s->http.n_headers = s->n_headers;
	if (s->req->url != NULL) {
		s->http.headers++;
		s->http.n_headers--;
	}
	if (bytes > SHOWN_TRANSFER)
		s->transfer = transfer_begin(c->transfers, TRANSFER_UP,
		    s->req->subject, bytes);
	return build_url(s);
}

/* --- what came back ----------------------------------------------------------------- */

/* A page for people where JSON was asked for: a login page, a captive portal.  What a
 * user has stored may be a page, too: the service says that it is the service. */
static bool
is_foreign(const struct rest_request *req, const struct http_reply *r)
{
	if (r->status >= 300 && r->status < 400)
		return true;
	if (req->raw && (req->url != NULL || r->org_id[0] != '\0'))
		return false;
	return r->status < 300 && r->received > 0 &&
	    strncasecmp(r->content_type, "text/html", 9) == 0;
}

/* Where a redirect leads is half of the explanation; its query may be private. */
static void
explain_foreign(struct apierr *out, const struct http_reply *r)
{
	if (r->status < 300)
		text_copy(out->message, sizeof(out->message), "the server"
		    " answers with a web page: check host and credential");
	else
		(void)snprintf(out->message, sizeof(out->message), "the server"
		    " answers with a redirect to %.*s: check host and"
		    " credential", (int)strcspn(r->location, "?#"),
		    r->location[0] != '\0' ? r->location : "nowhere");
}

static int
decode(struct sending *s, struct http_reply *r)
{
	struct json_object *doc = NULL;
	size_t i = 0;
	int ret = 0;

	while (i < r->body.len && strchr(" \t\r\n", r->body.data[i]) != NULL &&
	    r->body.data[i] != '\0')
		i++;
	if (i < r->body.len)
		ret = jval_parse(r->body.data, r->body.len, &doc);
	if (ret < 0) {
		text_copy(s->problem.message, sizeof(s->problem.message),
		    ret == -EFBIG ? "the answer has more in it than any should" :
		    "the answer is not JSON");
		s->answer->unknown = true;
		return -EIO;
	}
	s->answer->json = doc;
	buf_release(&s->answer->text);
	s->answer->text = r->body;
	r->body = (struct buf){ 0 };
	return 0;
}

/* Turns an answer into a result; what is wrong is in s->problem. */
static int
judge(struct sending *s, struct http_reply *r)
{
	s->status = r->status;
	if (r->org_id[0] != '\0')
		memcpy(s->answer->org_id, r->org_id, sizeof(r->org_id));
	s->answer->server_ms = r->date_ms;
	s->answer->status = r->status;
	if (is_foreign(s->req, r)) {
		explain_foreign(&s->problem, r);
		return -EACCES;
	}
	if (r->status < 400 && s->req->sink != NULL) {
		if (r->received == 0)
			s->sink.begin(s->sink.ctx);
		return 0;
	}
	if (r->status < 400)
		return decode(s, r);
	apierr_read(r->status, buf_text(&r->body), r->body.len, r->reason,
	    &s->problem);
	if (s->problem.request_id[0] == '\0')
		text_copy(s->problem.request_id,
		    sizeof(s->problem.request_id), r->request_id);
	return errmap_errno(r->status, s->problem.code, s->problem.reason,
	    s->problem.message);
}

/* That a name is taken or is not there, and that a deletion goes on, are answers and
 * not failures. */
static bool
is_ordinary(int err)
{
	return err == -ENOENT || err == -EEXIST || err == -ENOTEMPTY ||
	    err == -EAGAIN || err == -EINTR;
}

/* Logged once, here, where it is first known; and remembered. */
static void
report(struct sending *s, int err)
{
	char request[256];
	struct error_row row = {
		.op = s->call->op != NULL ? s->call->op : "-",
		.request = request,
		.subject = s->req->subject != NULL ? s->req->subject : "-",
		.http_status = s->status,
		.code = s->problem.code,
		.message = s->problem.message,
		.request_id = s->problem.request_id,
		.err = -err,
	};

	if (err == -EINTR)
		text_copy(s->problem.message, sizeof(s->problem.message),
		    "interrupted");
	text_copy(s->call->words, sizeof(s->call->words), s->problem.message);
	if (is_ordinary(err))
		return;
	(void)snprintf(request, sizeof(request), "%s %s", s->req->method,
	    s->req->path);
	if (s->call->probe)
		return;
	errors_add(s->rest->config.errors, &row);
	if (reach_is_lost(s->rest->config.reach))
		return; /* that is said once */
	log_warn("rest", "%s %s: %s: %d %s %s %s", row.op, row.subject,
	    request, s->status, s->problem.code, s->problem.message,
	    s->problem.request_id);
}

/* --- attempts ------------------------------------------------------------------------ */

static int
wait_ms(struct call *call, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;

	for (;;) {
		int64_t left = until - clock_mono_ms();
		struct timespec ts;

		if (left <= 0)
			return 0;
		if (call_interrupted(call))
			return -EINTR;
		if (left > CALL_TICK_MS)
			left = CALL_TICK_MS;
		ts = (struct timespec){ 0, left * 1000000 };
		(void)nanosleep(&ts, NULL);
	}
}

/* No answer came: what the exchange says. */
static int
judge_failure(struct sending *s, const struct http_reply *r, int err)
{
	text_copy(s->problem.message, sizeof(s->problem.message), r->words);
	counter_add(CTR_http_errors_total, 1);
	/* Too long an answer is a wrong answer, not a file that is too large. */
	return err == -EFBIG && !r->ours ? -EIO : err;
}

static void
cover(char *bytes, size_t len, const char *secret)
{
	size_t n = strlen(secret);
	char *at;

	while (len >= n && (at = memmem(bytes, len, secret, n)) != NULL)
		memset(at, '*', n);
}

/* Some gateways repeat what they were sent, and their words are shown. */
static void
cover_credential(const struct buf *auth, struct http_reply *r)
{
	const char *kind = strchr(buf_text(auth), ' ');
	const char *secret = kind != NULL ? strchr(kind + 1, ' ') : NULL;

	if (secret == NULL)
		return;
	secret++; /* never empty */
	if (r->status >= 400)
		cover(r->body.data, r->body.len, secret);
	cover(r->reason, strlen(r->reason), secret);
	cover(r->location, strlen(r->location), secret);
}

/* Others look whether the service is there at all. */
static bool
is_gone(void *ctx, int64_t quiet_ms)
{
	if (quiet_ms >= DOUBT_MS)
		reach_doubt(ctx, DOUBT_MS);
	return quiet_ms >= DOUBT_MS && reach_is_lost(ctx);
}

/* One exchange; *o says how it went. */
static int
attempt(struct sending *s, struct retry_outcome *o, int64_t *quiet_ms)
{
	struct http_reply reply;
	int64_t began = clock_mono_ms();
	int ret;

	s->status = 0;
	s->problem = (struct apierr){ .code = "" };
	buf_clear(&s->auth);
	ret = s->req->url == NULL ? auth_header(s->rest->config.auth, s->call,
	    &s->auth) : buf_puts(&s->auth, "-");
	if (ret < 0)
		return ret;
	s->headers[0] = buf_text(&s->auth);
	s->http.url = buf_text(&s->url);
	if (s->rest->config.reach != NULL && !s->call->probe) {
		s->http.is_gone = is_gone;
		s->http.gone_ctx = s->rest->config.reach;
	}
	ret = http_exchange(s->rest->config.http, s->call, &s->http, &reply);
	cover_credential(&s->auth, &reply);
	OPENSSL_cleanse(s->auth.data, s->auth.len);
	*quiet_ms = reply.quiet_ms;
	*o = (struct retry_outcome){
		.err = ret,
		.status = reply.status,
		.retry_after_ms = reply.retry_after_ms,
		.repeatable = s->req->repeatable,
		.acted = reply.acted,
		.ours = reply.ours,
		.code = s->problem.code,
		.message = s->problem.message,
	};
	if (ret == 0 && s->req->url == NULL)
		reach_answered(s->rest->config.reach);
	ret = ret == 0 ? judge(s, &reply) : judge_failure(s, &reply, ret);
	if (retry_is_unknown(o))
		s->answer->unknown = true;
	log_debug("rest", "%s %s (%s): %d, %zu bytes, %lld ms%s%s",
	    s->req->method, s->req->path,
	    s->req->subject != NULL ? s->req->subject : "-", s->status,
	    (size_t)reply.received, (long long)(clock_mono_ms() - began), ret < 0 ? ": " : "",
	    ret < 0 ? s->problem.message : "");
	http_reply_release(&reply);
	return ret;
}

/* 401, or the 403 that an unknown token gets. */
static bool
is_refused(const struct sending *s)
{
	if (s->req->url != NULL)
		return false;
	return s->status == 401 || (s->status == 403 &&
	    strstr(s->problem.message, "Invalid access token") != NULL);
}

static enum limiter_outcome
outcome_of(const struct retry_outcome *o)
{
	if (retry_is_throttle(o))
		return LIMITER_THROTTLED;
	if (o->status == 0)
		return o->err == 0 || o->err == -EINTR || o->ours ?
		    LIMITER_DROPPED : LIMITER_FAILED;
	return o->status >= 500 ? LIMITER_FAILED : LIMITER_ANSWERED;
}

/* What the last attempt leaves to decide with. */
static void
count_attempt(struct retry_state *state, const struct retry_outcome *o,
    int64_t began, int64_t *moved, int64_t quiet_ms)
{
	int64_t now = clock_mono_ms();

	if (quiet_ms >= 0 && now - quiet_ms > *moved)
		*moved = now - quiet_ms;
	state->attempts++;
	state->breaks = retry_class(o) == RETRY_BROKEN ? state->breaks + 1 : 0;
	state->spent_ms = now - began;
	state->quiet_ms = now - *moved;
	digest_random(&state->random, sizeof(state->random));
}

/* How long the family is held back.  A service that wants more than the user has
 * patience for is asked as one that does not say how long. */
static int64_t
asked_to_wait_ms(const struct sending *s, const struct retry_outcome *o)
{
	int64_t ms = o->retry_after_ms;

	if (ms > BUCKET_AFTER_MAX_MS)
		ms = BUCKET_AFTER_MAX_MS;
	return ms <= s->rest->config.retry_timeout_ms ? ms : -1;
}

/* Until the service wants to see the next call, if it does so in time. */
static int
await_turn(struct sending *s, int64_t until_ms, struct bucket_pass *pass)
{
	int64_t began = clock_mono_ms();
	int ret = limiter_wait(s->rest->limiter, s->call, s->req->family,
	    until_ms, pass);

	s->call->queued_ms += clock_mono_ms() - began;
	if (ret == -EBUSY && s->problem.message[0] == '\0')
		text_copy(s->problem.message, sizeof(s->problem.message),
		    "the service asks to wait for longer than retry_timeout");
	return ret;
}

/* How long before the next attempt, besides the waiting for a turn; -1: no other one.
 * The first time that the service asks to wait, its family waits already. */
static int64_t
pause_ms(const struct retry_state *state, const struct retry_outcome *o,
    unsigned *throttles)
{
	int64_t ms = retry_wait_ms(state, o);

	if (!retry_is_throttle(o))
		return ms;
	counter_add(CTR_http_throttled_total, 1);
	return ++*throttles == 1 && ms > 0 ? 0 : ms;
}

/* How long a service that cannot be reached is tried. */
static int64_t
reach_patience_ms(const struct sending *s)
{
	const struct rest_config *c = &s->rest->config;

	if (s->req->connect_ms != 0)
		return s->req->connect_ms;
	return c->reach != NULL && c->timeout_ms > LOST_MS ? LOST_MS :
							     c->timeout_ms;
}

/* Attempts until one counts.  Returns its result. */
static int
try_until_done(struct sending *s)
{
	const struct rest_config *c = &s->rest->config;
	int64_t began = clock_mono_ms(), moved = began;
	struct retry_state state = { .patience_ms = c->retry_timeout_ms,
		.timeout_ms = reach_patience_ms(s) };
	bool probe = s->call->probe;
	unsigned throttles = 0;

	for (;;) {
		struct retry_outcome o = { .code = "", .message = "",
			.ours = true };
		struct bucket_pass pass;
		int64_t ms, quiet_ms = -1;
		int ret;

		ret = await_turn(s, began + c->retry_timeout_ms, &pass);
		if (ret < 0)
			return ret;
		ret = attempt(s, &o, &quiet_ms);
		limiter_done(s->rest->limiter, s->req->family, &pass,
		    outcome_of(&o), asked_to_wait_ms(s, &o));
		if (ret >= 0)
			return ret;
		if (is_refused(s) && !s->auth_renewed) {
			s->auth_renewed = true;
			if (auth_refused(c->auth, s->call) == 0)
				continue;
		}
		count_attempt(&state, &o, began, &moved, quiet_ms);
		ms = pause_ms(&state, &o, &throttles);
		if (ms < 0 && retry_is_lost(&o))
			reach_failed(c->reach, ret, s->problem.message);
		if (ms < 0 || (!probe && reach_is_lost(c->reach)))
			return ret;
		counter_add(CTR_http_retries_total, 1);
		s->call->queued_ms += ms;
		if (wait_ms(s->call, ms) < 0)
			return -EINTR;
	}
}

int
rest_send(struct rest *r, struct call *call, const struct rest_request *req,
    struct rest_answer *out)
{
	struct sending s = { .rest = r, .call = call, .req = req,
		.answer = out };
	int ret;

	*out = (struct rest_answer){ 0 };
	call->words[0] = '\0';
	if (reach_is_lost(r->config.reach) && !call->probe) {
		text_copy(call->words, sizeof(call->words),
		    "the service cannot be reached");
		return reach_error(r->config.reach);
	}
	ret = build(&s);
	if (ret == 0)
		ret = try_until_done(&s);
	if (ret < 0)
		report(&s, ret);
	transfer_end(r->config.transfers, s.transfer);
	buf_release(&s.url);
	buf_release(&s.auth);
	return ret;
}
