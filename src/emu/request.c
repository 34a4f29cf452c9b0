/* emu/request.c - a request's memory, and its answers. */
#include "config.h"

#include "emu/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/jval.h"
#include "base/text.h"

#include "emu/emu.h"
#include "emu/multipart.h"
#include "emu/shared.h"

#include "base/banned.h"

/* Listings are the longest answers that are built in memory. */
#define REPLY_BYTES_MAX ((size_t)256 << 20)

/* A random UUID. */
static void
make_id(char id[REQUEST_ID_BYTES])
{
	char hex[33];

	digest_random_hex(hex, 16);
	(void)snprintf(id, REQUEST_ID_BYTES, "%.8s-%.4s-4%.3s-8%.3s-%.12s", hex,
	    hex + 8, hex + 13, hex + 17, hex + 20);
}

struct request *
request_new(struct emu *emu, const char *target)
{
	struct request *req = calloc(1, sizeof(*req));

	if (req == NULL)
		return NULL;
	req->emu = emu;
	req->client = -1;
	req->reply.fd = -1;
	req->start_ns = clock_mono_ns();
	buf_init(&req->reply.body, REPLY_BYTES_MAX);
	make_id(req->id);
	req->target = text_dup(target);
	return req;
}

void
reply_reset(struct request *req)
{
	struct reply *r = &req->reply;

	for (size_t i = 0; i < r->header_count; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	r->header_count = 0;
	buf_release(&r->body);
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
	r->fd_start = 0;
	r->status = 0;
}

void
request_free(struct request *req)
{
	if (req == NULL)
		return;
	reply_reset(req);
	params_release(&req->params);
	multipart_free(req->body.form);
	spool_free(req->body.file);
	buf_release(&req->body.raw);
	buf_release(&req->body.text);
	free(req->body.part);
	free(req->target);
	free(req->path);
	free(req->endpoint);
	free(req->subject);
	free(req->goal);
	shared_unref(req->plan.line);
	shared_unref(req->plan.order);
	shared_unref(req->plan.memory);
	free(req);
}

int
reply_text(struct request *req, int status, const char *type, const char *text)
{
	reply_reset(req);
	req->reply.status = status;
	text_copy(req->reply.type, sizeof(req->reply.type), type);
	return buf_puts(&req->reply.body, text);
}

int
reply_json(struct request *req, const char *text)
{
	return reply_text(req, 200, "application/json", text);
}

void
reply_add_header(struct request *req, const char *name, const char *value)
{
	struct reply *r = &req->reply;
	struct reply_header h = { text_dup(name), text_dup(value) };

	if (r->header_count < REPLY_HEADERS && h.name != NULL &&
	    h.value != NULL) {
		r->headers[r->header_count++] = h;
		return;
	}
	free(h.name);
	free(h.value);
}

/* A message may quote what a client sent, cut anywhere; JSON is UTF-8. */
static void
clean(char *text)
{
	if (text_is_utf8(text, strlen(text)))
		return;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			*text = '?';
}

static int
put_error(struct request *req, int status, const char *code,
    const char *reason, char *message)
{
	struct buf *out = &req->reply.body;
	int ret;

	clean(message);
	ret = reply_text(req, status, "application/json", "{\"error_code\":");
	if (ret == 0)
		ret = jval_quote(out, code);
	if (ret == 0)
		ret = buf_puts(out, ",\"message\":");
	if (ret == 0)
		ret = jval_quote(out, message);
	if (ret == 0)
		ret = buf_puts(out, ",\"details\":[");
	if (ret == 0 && reason != NULL)
		ret = buf_printf(out,
		    "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\","
		    "\"reason\":\"%s\",\"domain\":\"workspace.databricks.com\","
		    "\"metadata\":{}},",
		    reason);
	return ret < 0 ? ret
		       : buf_printf(out,
			     "{\"@type\":\"type.googleapis.com/"
			     "google.rpc.RequestInfo\",\"request_id\":\"%s\","
			     "\"serving_data\":\"\"}]}",
			     req->id);
}

static int PRINTF_LIKE(5, 0)
put_error_text(struct request *req, int status, const char *code,
    const char *reason, const char *fmt, va_list ap)
{
	char *message = NULL;
	int ret;

	if (vasprintf(&message, fmt, ap) < 0)
		return -ENOMEM;
	ret = put_error(req, status, code, reason, message);
	free(message);
	return ret;
}

int
reply_error(
    struct request *req, int status, const char *code, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = put_error_text(req, status, code, NULL, fmt, ap);
	va_end(ap);
	return ret;
}

int
reply_error_reason(struct request *req, int status, const char *code,
    const char *reason, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = put_error_text(req, status, code, reason, fmt, ap);
	va_end(ap);
	return ret;
}

int
reply_half(struct request *req)
{
	return reply_error(req, 500, "INTERNAL_ERROR",
	    "The operation was carried out in part.");
}

int
reply_denied(struct request *req, int status, const char *message)
{
	int ret;

	ret = reply_text(req, status, "application/json", "");
	if (ret == 0)
		ret = buf_printf(&req->reply.body,
		    "{\"error_code\":%d,\"message\":\"%s [ReqId: %s]\"}",
		    status, message, req->id);
	reply_add_header(req, "X-Databricks-Reason-Phrase", message);
	if (status == 401)
		reply_add_header(req, "WWW-Authenticate",
		    "Bearer realm=\"DatabricksRealm\"");
	return ret;
}
