/* net/http.c - one HTTP exchange.
 *
 * Bodies are always given by a read function.  When a reused connection dies before
 * the first byte of an answer, libcurl sends the request again by itself, provided
 * that it can rewind the body: a request that must not be sent twice gets no seek
 * function, and libcurl then fails with CURLE_SEND_FAIL_REWIND. */
#include "config.h"

#include "net/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/text.h"
#include "net/slots.h"

#include "base/banned.h"

#define HEADER_BYTES_MAX ((size_t)256 << 10)
#define CONNECT_MS	 20000L
#define CONNECTION_AGE_S 50L /* below the idle time-outs of usual front ends */
#define EXPECT_FROM	 ((uint64_t)1 << 20)

/* One body being read by libcurl. */
struct reading {
	const struct http_body *body;
	uint64_t at;
	int err;
};

struct exchange {
	const struct http_request *req;
	struct http_reply *reply;
	struct call *call;
	CURL *easy;
	struct curl_slist *headers;
	curl_mime *mime;
	struct reading body;
	struct reading parts[4];
	size_t header_bytes;
	int err; /* what a callback gave up for */
	char error[CURL_ERROR_SIZE];
	/* Progress: when a byte last moved. */
	curl_off_t moved;
	int64_t moved_ms;
};

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

static int
seek_body(void *ctx, curl_off_t off, int origin)
{
	struct reading *r = ctx;

	if (origin != SEEK_SET || off < 0 || (uint64_t)off > r->body->len)
		return CURL_SEEKFUNC_FAIL;
	r->at = (uint64_t)off;
	return CURL_SEEKFUNC_OK;
}

static size_t
take_body(char *bytes, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	size_t len = size * n;
	int ret;

	ret = buf_append(&x->reply->body, bytes, len);
	if (ret < 0) {
		x->err = ret;
		return 0;
	}
	counter_add(CTR_http_received_bytes_total, (int64_t)len);
	return len;
}

/* --- headers --------------------------------------------------------------------- */

#define RETRY_AFTER_MAX_MS ((int64_t)3600 * 1000)

static int64_t
parse_retry_after(const char *value)
{
	uint64_t seconds;
	time_t when;
	int64_t ms;

	if (text_u64(value, UINT32_MAX, &seconds) == 0) {
		ms = (int64_t)seconds * 1000;
	} else {
		when = curl_getdate(value, NULL);
		if (when < 0)
			return -1;
		ms = (int64_t)when * 1000 - clock_real_ms();
	}
	if (ms < 0)
		ms = 0;
	return ms < RETRY_AFTER_MAX_MS ? ms : RETRY_AFTER_MAX_MS;
}

static void
take_header(struct http_reply *r, const char *name, const char *value)
{
	static const struct {
		const char *name;
		size_t offset, bytes;
	} texts[] = {
#define TEXT(header, field) \
	{ header, offsetof(struct http_reply, field), \
		sizeof(((struct http_reply *)0)->field) }
		TEXT("content-type", content_type),
		TEXT("x-databricks-org-id", org_id),
		TEXT("x-request-id", request_id),
		TEXT("x-databricks-reason-phrase", reason),
		TEXT("location", location),
#undef TEXT
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcasecmp(name, texts[i].name) == 0)
			text_copy((char *)r + texts[i].offset, texts[i].bytes,
			    value);
	if (strcasecmp(name, "date") == 0) {
		time_t when = curl_getdate(value, NULL);

		r->date_ms = when > 0 ? (int64_t)when * 1000 : 0;
	} else if (strcasecmp(name, "retry-after") == 0) {
		r->retry_after_ms = parse_retry_after(value);
	} else if (strcasecmp(name, "x-envoy-ratelimited") == 0) {
		r->rate_limited = strcasecmp(value, "true") == 0;
	}
}

static size_t
take_header_line(char *bytes, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	char line[1024], *value, *end;
	size_t len = size * n;

	x->header_bytes += len;
	if (x->header_bytes > HEADER_BYTES_MAX) {
		x->err = -EFBIG;
		return 0;
	}
	if (len >= sizeof(line))
		return len; /* none of ours is that long */
	memcpy(line, bytes, len);
	line[len] = '\0';
	end = line + strcspn(line, "\r\n");
	*end = '\0';
	value = strchr(line, ':');
	if (value == NULL)
		return len; /* the status line, the empty line */
	*value++ = '\0';
	value += strspn(value, " \t");
	take_header(x->reply, line, value);
	return len;
}

/* --- setting up ------------------------------------------------------------------- */

static int
add_header(struct exchange *x, const char *line)
{
	struct curl_slist *more = curl_slist_append(x->headers, line);

	if (more == NULL)
		return -ENOMEM;
	x->headers = more;
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
	    x->req->repeatable ? seek_body : NULL, NULL, &x->parts[i]);
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
set_body(struct exchange *x)
{
	const struct http_request *req = x->req;
	int ret = 0;

	if (req->n_parts > 0) {
		x->mime = curl_mime_init(x->easy);
		if (x->mime == NULL || req->n_parts > ARRAY_LEN(x->parts))
			return -ENOMEM;
		for (size_t i = 0; i < req->n_parts && ret == 0; i++)
			ret = add_part(x, i);
		(void)curl_easy_setopt(x->easy, CURLOPT_MIMEPOST, x->mime);
		return ret;
	}
	if (req->body == NULL) {
		if (strcmp(req->method, "GET") != 0)
			(void)curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST,
			    req->method);
		return 0;
	}
	x->body = (struct reading){ .body = req->body };
	if (strcmp(req->method, "PUT") == 0) {
		(void)curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
		(void)curl_easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE,
		    (curl_off_t)req->body->len);
	} else {
		(void)curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)req->body->len);
		(void)curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST,
		    req->method);
	}
	(void)curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, read_body);
	(void)curl_easy_setopt(x->easy, CURLOPT_READDATA, &x->body);
	if (req->repeatable) {
		(void)curl_easy_setopt(x->easy, CURLOPT_SEEKFUNCTION, seek_body);
		(void)curl_easy_setopt(x->easy, CURLOPT_SEEKDATA, &x->body);
	}
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
	(void)curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_S);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header_line);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	for (size_t i = 0; i < x->req->n_headers && ret == 0; i++)
		ret = add_header(x, x->req->headers[i]);
	/* A refusal before a large body is worth a round trip. */
	if (ret == 0 && request_bytes(x->req) <= EXPECT_FROM)
		ret = add_header(x, "Expect:");
	if (ret == 0)
		ret = set_body(x);
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->headers);
	return ret;
}

/* --- running ------------------------------------------------------------------------ */

/* Has nothing moved for too long? */
static bool
is_stalled(struct exchange *x)
{
	curl_off_t up = 0, down = 0;
	int64_t now = clock_mono_ms(), limit = x->req->idle_ms;
	uint64_t bytes = request_bytes(x->req);

	(void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	(void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	if (up + down != x->moved) {
		x->moved = up + down;
		x->moved_ms = now;
		if (x->req->sent != NULL)
			x->req->sent(x->req->sent_ctx, (uint64_t)up);
	}
	if (bytes == 0 || (uint64_t)up >= bytes)
		limit = x->req->answer_ms;
	return now - x->moved_ms > limit;
}

static int
run(struct exchange *x, CURLM *multi, CURLcode *code)
{
	int running = 1, left;
	CURLMsg *msg;

	x->moved_ms = clock_mono_ms();
	while (running > 0) {
		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return -EIO;
		if (running == 0)
			break;
		if (call_interrupted(x->call))
			return -EINTR;
		if (is_stalled(x))
			return -ETIMEDOUT;
		(void)curl_multi_poll(multi, NULL, 0, CALL_TICK_MS, NULL);
	}
	while ((msg = curl_multi_info_read(multi, &left)) != NULL)
		if (msg->msg == CURLMSG_DONE) {
			*code = msg->data.result;
			return 0;
		}
	return -EIO;
}

static int
errno_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_SSL_CONNECT_ERROR:
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

/* The first error that one of our callbacks stopped for. */
static int
own_error(const struct exchange *x)
{
	if (x->err < 0)
		return x->err;
	if (x->body.err < 0)
		return x->body.err;
	for (size_t i = 0; i < ARRAY_LEN(x->parts); i++)
		if (x->parts[i].err < 0)
			return x->parts[i].err;
	return 0;
}

/* Could the service have acted on the request, though no answer came? */
static bool
may_have_acted(struct exchange *x)
{
	curl_off_t up = 0;
	long request = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &request);
	(void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	return request > 0 && (uint64_t)up >= request_bytes(x->req);
}

static int
outcome(struct exchange *x, int ret, CURLcode code)
{
	struct http_reply *r = x->reply;
	long status = 0, connections = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connections);
	counter_add(CTR_http_connections_total, connections);
	if (ret == 0 && code != CURLE_OK) {
		ret = own_error(x);
		if (ret == 0)
			ret = errno_of(code);
		text_copy(r->words, sizeof(r->words), x->error[0] != '\0' ?
		    x->error : curl_easy_strerror(code));
	}
	if (ret == -ETIMEDOUT && r->words[0] == '\0')
		text_copy(r->words, sizeof(r->words),
		    "the server does not answer");
	if (ret == 0) {
		r->status = (int)status;
		r->acted = true;
	} else {
		r->acted = may_have_acted(x);
	}
	return ret;
}

int
http_exchange(struct http_pool *p, struct call *call,
    const struct http_request *req, struct http_reply *out)
{
	struct exchange x = { .req = req, .reply = out, .call = call };
	struct slot *slot;
	CURLcode code = CURLE_OK;
	int ret;

	*out = (struct http_reply){ .retry_after_ms = -1 };
	buf_init(&out->body, req->body_max);
	ret = slots_get(p, call, req->metadata, &slot);
	if (ret < 0)
		return ret;
	x.easy = slot_easy(slot);
	ret = set_up(&x, p);
	if (ret == 0) {
		counter_add(CTR_http_requests_total, 1);
		counter_add(CTR_http_sent_bytes_total,
		    (int64_t)request_bytes(req));
		(void)curl_multi_add_handle(slot_multi(slot), x.easy);
		ret = run(&x, slot_multi(slot), &code);
		ret = outcome(&x, ret, code);
		(void)curl_multi_remove_handle(slot_multi(slot), x.easy);
	}
	slots_put(p, slot);
	curl_mime_free(x.mime);
	curl_slist_free_all(x.headers);
	return ret;
}

void
http_reply_release(struct http_reply *r)
{
	buf_release(&r->body);
}
