/* emu/sender.c - answers: their headers, and bodies that are shaped or cut. */
#include "config.h"

#include "emu/sender.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/io.h"

#include "emu/door.h"
#include "emu/emu.h"
#include "emu/listen.h"
#include "emu/shared.h"

#include "base/banned.h"

#define PIECE          65536
#define RESET_TRIES    100
#define RESET_PAUSE_NS INT64_C(2000000)

/* What was sent before gets a moment to arrive: a reset drops what is queued. */
static void
reset_connection(struct request *req)
{
	int queued;

	for (int i = 0; i < RESET_TRIES; i++) {
		if (ioctl(req->client, SIOCOUTQ, &queued) < 0 || queued == 0)
			break;
		if (halt_wait(req->emu->halt, -1, RESET_PAUSE_NS) != HALT_TIME)
			break;
	}
	listen_reset(req->client);
}

bool
sender_end(struct request *req)
{
	struct plan *plan = &req->plan;

	switch (plan->ending) {
	case PLAN_WHOLE: return true;
	case PLAN_CLOSE: (void)shutdown(req->client, SHUT_RDWR); break;
	case PLAN_RESET: reset_connection(req); break;
	case PLAN_STALL:
		if (halt_wait(req->emu->halt, req->client,
			plan->stall_ns > 0 ? plan->stall_ns : HALT_FOREVER) !=
		    HALT_TIME)
			break;
		plan->ending = PLAN_WHOLE;
		return true;
	}
	return false;
}

/* Bytes of the answer at pos, of which those of the filler are nowhere. */
static ssize_t
bytes_at(struct request *req, uint64_t pos, char *dst, size_t max)
{
	const struct plan *plan = &req->plan;
	uint64_t filler_end = plan->filler_at + plan->filler_bytes;
	uint64_t size =
	    req->reply.fd >= 0 ? req->reply.fd_bytes : req->reply.body.len;

	if (plan->filler_bytes > 0 && pos >= plan->filler_at &&
	    pos < filler_end) {
		if (max > filler_end - pos)
			max = (size_t)(filler_end - pos);
		memset(dst, 'x', max);
		return (ssize_t)max;
	}
	if (plan->filler_bytes > 0 && pos < plan->filler_at) {
		if (max > plan->filler_at - pos)
			max = (size_t)(plan->filler_at - pos);
	} else if (plan->filler_bytes > 0) {
		pos -= plan->filler_bytes;
	}
	if (max > size - pos)
		max = (size_t)(size - pos);
	if (max == 0)
		return 0;
	if (req->reply.fd >= 0)
		return io_pread(
		    req->reply.fd, dst, max, req->reply.fd_start + pos);
	memcpy(dst, req->reply.body.data + pos, max);
	return (ssize_t)max;
}

/* Waits until len bytes may leave; false when the program ends.  A client that
 * has shut its side may still read, so its hanging up ends the wait alone. */
static bool
pass(struct request *req, size_t len)
{
	const struct plan *plan = &req->plan;
	struct halt *halt = req->emu->halt;
	int64_t wait_ns = 0;

	if (!door_pass(req->emu->door, req->guest))
		return false;
	if (plan->pace_bps > 0)
		wait_ns = (int64_t)((uint64_t)len * 1000000000 /
				    plan->pace_bps);
	if (plan->line != NULL)
		wait_ns += shared_line(plan->line, SHAPER_DOWN, plan->line_bps,
			       len) -
			   clock_mono_ns();
	if (wait_ns > 0 && halt_wait(halt, req->client, wait_ns) == HALT_STOP)
		return false;
	return shaper_pass(req->emu->shaper, SHAPER_DOWN, req->client, len) !=
	       HALT_STOP;
}

static ssize_t
read_answer(void *cls, uint64_t pos, char *dst, size_t max)
{
	struct request *req = cls;
	struct plan *plan = &req->plan;
	ssize_t n;

	if (plan->ending != PLAN_WHOLE && pos >= plan->after_bytes &&
	    !sender_end(req))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (plan->ending != PLAN_WHOLE && max > plan->after_bytes - pos)
		max = (size_t)(plan->after_bytes - pos);
	if (max > PIECE)
		max = PIECE;
	if (plan->pace_bps > 0 && max > plan->pace_bps / 10 + 1)
		max = (size_t)(plan->pace_bps / 10 + 1);
	n = bytes_at(req, pos, dst, max);
	if (n == 0 && plan->length_lie != 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n <= 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return pass(req, (size_t)n) ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* An answer in memory that leaves as fast as it can needs no callback. */
static struct MHD_Response *
make_response(struct request *req)
{
	struct reply *r = &req->reply;
	const struct plan *plan = &req->plan;
	uint64_t size = r->fd >= 0 ? r->fd_bytes : r->body.len;

	size += plan->filler_bytes;
	if (plan->length_lie != 0)
		size = MHD_SIZE_UNKNOWN;
	else if (r->fd < 0 && plan->ending == PLAN_WHOLE &&
	    plan->filler_bytes == 0 && plan->pace_bps == 0 &&
	    plan->line == NULL && !shaper_on(req->emu->shaper))
		return MHD_create_response_from_buffer(
		    r->body.len, r->body.data, MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_callback(
	    size, PIECE, read_answer, req, NULL);
}

static void
add_headers(struct request *req, struct MHD_Response *response)
{
	char timing[64], date[TIMELINE_HTTP_BYTES];
	const struct {
		const char *name, *value;
	} always[] = {
		{ "date", date },
		{ "server", "databricks" },
		{ "content-type", req->reply.type },
		{ "x-request-id", req->id },
		{ "x-databricks-org-id", EMU_WORKSPACE_ID },
		{ "cache-control", "no-cache, no-store, must-revalidate" },
		{ "pragma", "no-cache" },
		{ "expires", "0" },
		{ "strict-transport-security",
		    "max-age=31536000; includeSubDomains; preload" },
		{ "x-content-type-options", "nosniff" },
		{ "server-timing", timing },
	};

	(void)snprintf(timing, sizeof(timing), "request_ttfb_msec;dur=%" PRId64,
	    (clock_mono_ns() - req->start_ns) / 1000000);
	timeline_http(timeline_now_ms(&req->emu->timeline), date);
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (always[i].value[0] != '\0')
			(void)MHD_add_response_header(
			    response, always[i].name, always[i].value);
	for (size_t i = 0; i < req->reply.header_count; i++)
		(void)MHD_add_response_header(response,
		    req->reply.headers[i].name, req->reply.headers[i].value);
}

/* Another length than that of the body is announced.  libmicrohttpd adds the true
 * one unless it does not know it, and may not send chunks. */
static void
lie_about_length(struct request *req, struct MHD_Response *response)
{
	const struct reply *r = &req->reply;
	int64_t length = (int64_t)(r->fd >= 0 ? r->fd_bytes : r->body.len);
	char text[24];

	if (req->plan.length_lie == 0)
		return;
	length += (int64_t)req->plan.filler_bytes;
	if (__builtin_add_overflow(length, req->plan.length_lie, &length) ||
	    length < 0)
		length = 0;
	(void)snprintf(text, sizeof(text), "%" PRId64, length);
	(void)MHD_set_response_options(response,
	    MHD_RF_INSANITY_HEADER_CONTENT_LENGTH |
		MHD_RF_HTTP_VERSION_1_0_ONLY,
	    MHD_RO_END);
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_LENGTH, text);
}

/* A chunked answer with something wrong in it is written past libmicrohttpd, which
 * would not do that; so not over TLS, where the connection just ends. */
static void
send_bad_chunks(struct request *req)
{
	static const struct {
		const char *before, *after;
	} frames[] = {
		[PLAN_CHUNK_GOOD] = { "", "" },
		[PLAN_CHUNK_SIZE] = { "length\r\n", "\r\n0\r\n\r\n" },
		[PLAN_CHUNK_LONG] = { "7fffffff\r\n", "\r\n0\r\n\r\n" },
		[PLAN_CHUNK_HUGE] = { "fffffffffffffffff\r\n",
		    "\r\n0\r\n\r\n" },
		[PLAN_CHUNK_END] = { NULL, "0\r\n\r\n" },
		[PLAN_CHUNK_LAST] = { NULL, "\r\n" },
	};
	const char *before = frames[req->plan.chunk].before;
	const struct buf *body = &req->reply.body;
	struct buf out;
	int ret;

	buf_init(&out, SIZE_MAX / 4);
	ret = buf_printf(&out,
	    "HTTP/1.1 %d Answer\r\nContent-Type: %s\r\n"
	    "X-Request-Id: %s\r\nTransfer-Encoding: chunked\r\n\r\n",
	    req->reply.status, req->reply.type, req->id);
	if (ret == 0 && before != NULL)
		ret = buf_puts(&out, before);
	else if (ret == 0)
		ret = buf_printf(&out, "%zx\r\n", body->len);
	if (ret == 0)
		ret = buf_append(&out, buf_text(body), body->len);
	if (ret == 0)
		ret = buf_puts(&out, frames[req->plan.chunk].after);
	for (size_t at = 0; ret == 0 && at < out.len;) {
		ssize_t n = send(req->client, out.data + at, out.len - at,
		    MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else if (errno != EAGAIN ||
			 halt_wait(req->emu->halt, req->client,
			     RESET_PAUSE_NS) != HALT_TIME)
			break;
	}
	buf_release(&out);
}

bool
sender_send(struct request *req)
{
	struct MHD_Response *response;
	enum MHD_Result queued;

	if (!door_pass(req->emu->door, req->guest))
		return false;
	if (req->plan.silent && !sender_end(req))
		return false;
	if (req->plan.chunk != PLAN_CHUNK_GOOD) {
		if (strcmp(req->emu->scheme, "http") == 0)
			send_bad_chunks(req);
		return false;
	}
	response = make_response(req);
	if (response == NULL)
		return false;
	lie_about_length(req, response);
	add_headers(req, response);
	queued = MHD_queue_response(
	    req->conn, (unsigned)req->reply.status, response);
	MHD_destroy_response(response);
	return queued == MHD_YES;
}
