/* net/http.c - one HTTP exchange.
 *
 * When a reused connection dies before the first byte of an answer, libcurl sends the
 * request again by itself and reports success, provided that it can rewind the body.
 * The service has then got it twice, and nobody knows: a block is appended twice, a
 * file that is not to be overwritten "exists already".  So bodies are always given by
 * a read function and never with a seek function.  libcurl then fails with
 * CURLE_SEND_FAIL_REWIND, and whether to send again is decided in one place, above.
 * Without a body there is nothing to rewind: what must not be sent twice gets a
 * connection of its own. */
#include "config.h"

#include "net/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/text.h"
#include "net/headers.h"
#include "net/slots.h"

#include "base/banned.h"

#define HEADER_BYTES_MAX ((size_t)256 << 10)
#define HEADERS_MAX	 8 /* lines of a request */
#define PARTS_MAX	 5
#define CONNECT_MS	 20000L

/* How much of a large body is worth waking for, and how long to wait for as much. */
#define GATHER_BYTES ((uint64_t)64 << 10)
#define GATHER_NS    3000000L

/* What must move within the idle time for it to count: a server that sends a byte a
 * minute is one that does not answer. */
#define MOVE_BYTES ((curl_off_t)1024)

/* A refusal before a large body is worth the round trip of "Expect: 100-continue"; a
 * block of DBFS in base64 is not large. */
#define EXPECT_FROM ((uint64_t)2 << 20)

/* One body being read by libcurl. */
struct reading {
	const struct http_body *body; /* NULL: none */
	uint64_t at;
	int err;
};

/* What is waited for. */
enum phase { CONNECTING, SENDING, WAITING, RECEIVING };

struct exchange {
	const struct http_request *req;
	struct http_reply *reply;
	struct call *call;
	CURL *easy;
	struct curl_slist lines[HEADERS_MAX]; /* ours, so that nobody copies them */
	size_t n_lines;
	curl_mime *mime;
	struct reading body;
	struct reading parts[PARTS_MAX];
	struct headers headers;
	size_t header_bytes;
	curl_off_t announced; /* bytes of the body; 0 or less: not said */
	bool cut; /* the rest of a refusal is of no interest */
	int err;  /* what a callback gave up for */
	char error[CURL_ERROR_SIZE];

	/* Progress. */
	enum phase phase;
	curl_off_t moved;    /* bytes at mark_ms */
	int64_t mark_ms;     /* when enough had moved, or the phase changed */
	curl_off_t seen;     /* bytes at seen_ms */
	int64_t seen_ms;     /* when a byte last moved */
	int64_t looked_ms;   /* when the caller was last asked */
};

static const char too_long[] = "the answer is longer than any should be";

/* --- bodies ---------------------------------------------------------------------- */

static size_t
read_body(char *dst, size_t size, size_t n, void *ctx)
{
	struct reading *r = ctx;
	uint64_t left = r->body->len - r->at;
	size_t len = size * n;

	if (len > left)
		len = (size_t)left;
	if (len == 0)
		return 0;
	r->err = r->body->read(r->body->ctx, r->at, dst, len);
	if (r->err < 0)
		return CURL_READFUNC_ABORT;
	r->at += len;
	return len;
}

/* Ends the transfer: libcurl takes any other count than len for an error. */
static size_t
give_up(struct exchange *x, int err, const char *words)
{
	x->err = err;
	text_copy(x->reply->words, sizeof(x->reply->words), words);
	return 0;
}

/* The body is kept. */
static size_t
keep_body(struct exchange *x, const char *bytes, size_t len)
{
	struct buf *body = &x->reply->body;
	int ret;

	if (x->headers.status >= 400 && len > HTTP_REFUSAL_MAX - body->len) {
		x->cut = true;
		return 0;
	}
	if (body->len == 0 && x->announced > 0 &&
	    (uint64_t)x->announced <= body->limit &&
	    buf_reserve(body, (size_t)x->announced) < 0)
		return give_up(x, -ENOMEM, "out of memory");
	ret = buf_append(body, bytes, len);
	if (ret == -EFBIG)
		return give_up(x, ret, too_long);
	if (ret < 0)
		return give_up(x, ret, "out of memory");
	return len;
}

static size_t
take_body(char *bytes, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	const struct http_sink *sink = x->req->sink;
	uint64_t *received = &x->reply->received;
	size_t len = size * n;

	if (*received == 0)
		(void)curl_easy_getinfo(x->easy,
		    CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &x->announced);
	if (sink == NULL || x->headers.status >= 300) {
		if (keep_body(x, bytes, len) != len)
			return 0;
	} else {
		if (len > x->req->body_max - *received)
			return give_up(x, -EFBIG, too_long);
		if (*received == 0)
			sink->begin(sink->ctx);
		sink->take(sink->ctx, bytes, len);
	}
	*received += len;
	counter_add(CTR_http_received_bytes_total, (int64_t)len);
	return len;
}

static size_t
take_header_line(char *bytes, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	size_t len = size * n;

	x->header_bytes += len;
	if (x->header_bytes > HEADER_BYTES_MAX)
		return give_up(x, -EFBIG,
		    "the answer has more headers than any should");
	headers_take(&x->headers, bytes, len);
	return len;
}

/* --- setting up ------------------------------------------------------------------- */

static int
add_line(struct exchange *x, const char *line)
{
	struct curl_slist *node = &x->lines[x->n_lines];

	if (x->n_lines == HEADERS_MAX)
		return -EINVAL;
	/* libcurl only reads it. */
	node->data = (char *)(uintptr_t)line;
	node->next = NULL;
	if (x->n_lines > 0)
		x->lines[x->n_lines - 1].next = node;
	x->n_lines++;
	return 0;
}

static int
add_part(struct exchange *x, size_t i)
{
	const struct http_part *part = &x->req->parts[i];
	curl_mimepart *m = curl_mime_addpart(x->mime);
	CURLcode code;

	if (m == NULL || curl_mime_name(m, part->name) != CURLE_OK)
		return -ENOMEM;
	if (part->text != NULL)
		return curl_mime_data(m, part->text, CURL_ZERO_TERMINATED) ==
		    CURLE_OK ? 0 : -ENOMEM;
	x->parts[i] = (struct reading){ .body = part->body };
	code = curl_mime_data_cb(m, (curl_off_t)part->body->len, read_body,
	    NULL, NULL, &x->parts[i]);
	if (code == CURLE_OK)
		code = curl_mime_filename(m, part->filename);
	if (code == CURLE_OK)
		code = curl_mime_type(m, "application/octet-stream");
	return code == CURLE_OK ? 0 : -ENOMEM;
}

static uint64_t
request_bytes(const struct http_request *req)
{
	uint64_t len = req->body != NULL ? req->body->len : 0;

	for (size_t i = 0; i < req->n_parts; i++)
		if (req->parts[i].body != NULL)
			len += req->parts[i].body->len;
	return len;
}

static int
set_parts(struct exchange *x)
{
	int ret = 0;

	x->mime = curl_mime_init(x->easy);
	if (x->mime == NULL || x->req->n_parts > PARTS_MAX)
		return -ENOMEM;
	for (size_t i = 0; i < x->req->n_parts && ret == 0; i++)
		ret = add_part(x, i);
	(void)curl_easy_setopt(x->easy, CURLOPT_MIMEPOST, x->mime);
	return ret;
}

/* A method and, unless it goes without, a body of known length. */
static int
set_body(struct exchange *x)
{
	static const struct http_body none = { 0 };
	const struct http_request *req = x->req;
	const struct http_body *body = req->body;
	CURL *e = x->easy;

	if (req->n_parts > 0)
		return set_parts(x);
	if (strcmp(req->method, "HEAD") == 0) {
		(void)curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
		return 0;
	}
	if (body == NULL && strcmp(req->method, "POST") == 0)
		body = &none;
	if (body == NULL || body->len == 0)
		(void)curl_easy_setopt(e, CURLOPT_FRESH_CONNECT,
		    req->repeatable ? 0L : 1L);
	if (strcmp(req->method, "GET") != 0)
		(void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method);
	if (body == NULL)
		return 0;
	x->body = (struct reading){ .body = body };
	(void)curl_easy_setopt(e, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)body->len);
	(void)curl_easy_setopt(e, CURLOPT_READFUNCTION, read_body);
	(void)curl_easy_setopt(e, CURLOPT_READDATA, &x->body);
	return 0;
}

static int
set_up(struct exchange *x, struct http_pool *p)
{
	CURL *e = x->easy;
	int ret = 0;

	slots_configure(p, e);
	(void)curl_easy_setopt(e, CURLOPT_URL, x->req->url);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
	    x->req->idle_ms < CONNECT_MS ? (long)x->req->idle_ms : CONNECT_MS);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header_line);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	if (x->req->compressed)
		(void)curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
	for (size_t i = 0; i < x->req->n_headers && ret == 0; i++)
		ret = add_line(x, x->req->headers[i]);
	if (ret == 0 && request_bytes(x->req) < EXPECT_FROM)
		ret = add_line(x, "Expect:");
	if (ret == 0)
		ret = set_body(x);
	if (x->n_lines > 0)
		(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->lines);
	return ret;
}

/* --- progress ----------------------------------------------------------------------- */

static bool
all_is_sent(const struct exchange *x)
{
	if (x->body.body != NULL && x->body.at < x->body.body->len)
		return false;
	for (size_t i = 0; i < PARTS_MAX; i++)
		if (x->parts[i].body != NULL &&
		    x->parts[i].at < x->parts[i].body->len)
			return false;
	return true;
}

static enum phase
phase_of(const struct exchange *x, curl_off_t sent)
{
	if (x->headers.status >= 200)
		return RECEIVING;
	if (sent == 0)
		return CONNECTING;
	return all_is_sent(x) ? WAITING : SENDING;
}

/* Bytes of the request that have left, headers included. */
static curl_off_t
bytes_sent(struct exchange *x)
{
	curl_off_t up = 0;
	long request = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	(void)curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &request);
	return up + request;
}

static void
note_progress(struct exchange *x, int64_t now)
{
	curl_off_t down = 0, sent = bytes_sent(x), moved;
	enum phase phase = phase_of(x, sent);

	(void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	moved = sent + down + (curl_off_t)x->header_bytes;
	if (moved != x->seen) {
		x->seen = moved;
		x->seen_ms = now;
		if (x->req->sent != NULL)
			x->req->sent(x->req->sent_ctx, (uint64_t)sent);
	}
	/* libcurl starts counting again when it repeats a request. */
	if (phase != x->phase || moved < x->moved ||
	    moved - x->moved >= MOVE_BYTES) {
		x->phase = phase;
		x->moved = moved;
		x->mark_ms = now;
	}
}

/* Time to look up: is the caller still there, and the server? */
static int
look_up(struct exchange *x)
{
	int64_t now = clock_mono_ms(), limit;

	if (now - x->looked_ms < CALL_TICK_MS / 2)
		return 0;
	x->looked_ms = now;
	if (call_interrupted(x->call))
		return -EINTR;
	note_progress(x, now);
	if (x->req->is_gone != NULL &&
	    x->req->is_gone(x->req->gone_ctx, now - x->seen_ms)) {
		text_copy(x->reply->words, sizeof(x->reply->words),
		    "the server does not answer");
		return -ETIMEDOUT;
	}
	limit = x->phase == WAITING ? x->req->answer_ms : x->req->idle_ms;
	if (now - x->mark_ms <= limit)
		return 0;
	(void)snprintf(x->reply->words, sizeof(x->reply->words),
	    "%s for %lld seconds", x->phase == CONNECTING ?
	    "no connection to the server" : x->phase == SENDING ?
	    "the server takes nothing" : x->phase == WAITING ?
	    "the server does not answer" : "the server stopped in its answer",
	    (long long)(limit / 1000));
	return -ETIMEDOUT;
}

/* --- running ------------------------------------------------------------------------ */

/* A long link hands a large body over a few KB at a time, and to wake for each costs
 * more than everything else together: what comes within a moment is taken at once.  Not
 * at the end, which somebody may be waiting for. */
static void
gather(const struct exchange *x, uint64_t before)
{
	static const struct timespec moment = { 0, GATHER_NS };
	uint64_t received = x->reply->received;

	if (received > before && received - before < GATHER_BYTES &&
	    x->announced > 0 &&
	    (uint64_t)x->announced >= received + GATHER_BYTES)
		(void)nanosleep(&moment, NULL);
}

static int
run(struct exchange *x, CURLM *multi, CURLcode *code)
{
	int running = 1, left, ret;
	CURLMsg *msg;

	x->mark_ms = x->seen_ms = clock_mono_ms();
	for (;;) {
		uint64_t before = x->reply->received;

		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return -EIO;
		if (running == 0)
			break;
		ret = look_up(x);
		if (ret < 0)
			return ret;
		(void)curl_multi_poll(multi, NULL, 0, CALL_TICK_MS, NULL);
		gather(x, before);
	}
	while ((msg = curl_multi_info_read(multi, &left)) != NULL)
		if (msg->msg == CURLMSG_DONE) {
			*code = msg->data.result;
			return 0;
		}
	return -EIO;
}

/* Why there is no connection, as far as the system knows. */
static int
connect_error(struct exchange *x)
{
	long err = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &err);
	switch (err) {
	case ETIMEDOUT:
		return -ETIMEDOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
		return -EHOSTUNREACH;
	default:
		return -ECONNREFUSED;
	}
}

static int
errno_of(struct exchange *x, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_URL_MALFORMAT:
		return -EINVAL;
	case CURLE_UNSUPPORTED_PROTOCOL: /* ours, or an answer that is no HTTP */
		return x->seen == 0 ? -EINVAL : -EIO;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return connect_error(x);
	case CURLE_OPERATION_TIMEDOUT: /* of connecting: we set no other */
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_SSL_CONNECT_ERROR:
		/* A connection that breaks is no verdict on the server. */
		return strstr(x->error, "SSL_ERROR_SYSCALL") != NULL ||
		    strcasestr(x->error, "reset by peer") != NULL ||
		    strcasestr(x->error, "unexpected eof") != NULL ?
		    -EIO : -EPROTO;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return -EPROTO;
	default:
		return -EIO;
	}
}

/* What reading a body failed with. */
static int
body_error(const struct exchange *x)
{
	if (x->body.err < 0)
		return x->body.err;
	for (size_t i = 0; i < PARTS_MAX; i++)
		if (x->parts[i].err < 0)
			return x->parts[i].err;
	return 0;
}

/* Turns libcurl's result into ours. */
static int
explain(struct exchange *x, CURLcode code)
{
	struct http_reply *r = x->reply;
	int ret;

	/* libcurl does not mind headers that break off. */
	if (code == CURLE_OK && !x->headers.complete) {
		text_copy(r->words, sizeof(r->words),
		    "the answer breaks off in its headers");
		return -EIO;
	}
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && x->cut))
		return 0;
	/* So libcurl calls a header of more than 100 KB. */
	if (code == CURLE_OUT_OF_MEMORY && x->phase >= WAITING &&
	    !x->headers.complete)
		(void)give_up(x, -EFBIG,
		    "the answer has a header that is longer than any should be");
	if (x->err < 0) { /* give_up() has said why */
		r->ours = x->err == -ENOMEM;
		return x->err;
	}
	ret = body_error(x);
	if (ret < 0) {
		r->ours = true;
		text_copy(r->words, sizeof(r->words),
		    "the content cannot be read");
		return ret;
	}
	text_copy(r->words, sizeof(r->words), code == CURLE_SEND_FAIL_REWIND ?
	    "the connection was closed before an answer came" :
	    x->error[0] != '\0' ? x->error : curl_easy_strerror(code));
	ret = errno_of(x, code);
	r->ours = ret == -ENOMEM;
	return ret;
}

static int
conclude(struct exchange *x, int ret, CURLcode code)
{
	struct http_reply *r = x->reply;
	curl_off_t up = 0;
	long status = 0, connections = 0;
	int64_t now = clock_mono_ms();

	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connections);
	(void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	counter_add(CTR_http_connections_total, connections);
	counter_add(CTR_http_sent_bytes_total, up);
	note_progress(x, now);
	if (ret == 0)
		ret = explain(x, code);
	if (ret == 0)
		r->status = (int)status;
	r->retry_after_ms = headers_retry_after_ms(x->headers.retry_after,
	    r->date_ms != 0 ? r->date_ms : clock_real_ms());
	/* What is counted is gone when libcurl wanted to repeat and could not. */
	r->acted = x->seen > 0 || code == CURLE_SEND_FAIL_REWIND;
	r->quiet_ms = r->acted ? now - x->seen_ms : -1;
	return ret;
}

static void
start_reply(const struct http_request *req, struct http_reply *out)
{
	*out = (struct http_reply){ .retry_after_ms = -1, .quiet_ms = -1 };
	buf_init(&out->body, req->body_max);
}

int
slot_exchange(struct http_pool *p, struct slot *slot, struct call *call,
    const struct http_request *req, struct http_reply *out)
{
	struct exchange x = { .req = req, .reply = out, .call = call,
		.easy = slot_easy(slot) };
	CURLcode code = CURLE_OK;
	int ret;

	start_reply(req, out);
	x.headers.reply = out;
	ret = set_up(&x, p);
	if (ret == 0 && curl_multi_add_handle(slot_multi(slot), x.easy) !=
	    CURLM_OK)
		ret = -ENOMEM;
	if (ret == 0) {
		counter_add(CTR_http_requests_total, 1);
		ret = run(&x, slot_multi(slot), &code);
		ret = conclude(&x, ret, code);
		(void)curl_multi_remove_handle(slot_multi(slot), x.easy);
	} else {
		out->ours = true;
	}
	curl_easy_reset(x.easy); /* it points to what the exchange had */
	curl_mime_free(x.mime);
	return ret;
}

int
http_exchange(struct http_pool *p, struct call *call,
    const struct http_request *req, struct http_reply *out)
{
	struct slot *slot;
	int64_t began = clock_mono_ms();
	int ret;

	start_reply(req, out);
	ret = slots_get(p, call, req->metadata, &slot);
	call->queued_ms += clock_mono_ms() - began;
	if (ret < 0)
		return ret;
	ret = slot_exchange(p, slot, call, req, out);
	slots_put(p, slot);
	return ret;
}

void
http_reply_release(struct http_reply *r)
{
	buf_release(&r->body);
}
