/* emu/sender.c - answers: their headers, and bodies that are shaped or cut. */
#include "config.h"

#include "emu/sender.h"

#include <inttypes.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/io.h"

#include "emu/emu.h"

#include "base/banned.h"

#define PIECE          65536
#define RESET_TRIES    100
#define RESET_PAUSE_NS INT64_C(2000000)

/* A TCP reset, now.  (SO_LINGER and close would do it, but libmicrohttpd shuts the
 * socket down first, and the client sees an orderly end.)  What was sent before
 * gets a moment to arrive: a reset drops what is still queued. */
static void
reset_connection(struct request *req)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	int queued;

	for (int i = 0; i < RESET_TRIES; i++) {
		if (ioctl(req->client, SIOCOUTQ, &queued) < 0 || queued == 0)
			break;
		if (halt_wait(req->emu->halt, -1, RESET_PAUSE_NS) != HALT_TIME)
			break;
	}
	(void)connect(req->client, &nowhere, sizeof(nowhere));
}

static void
end_early(struct request *req)
{
	if (req->plan.ending == PLAN_STALL)
		(void)halt_wait(req->emu->halt, req->client, HALT_FOREVER);
	else if (req->plan.ending == PLAN_RESET)
		reset_connection(req);
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
	if (req->reply.fd >= 0)
		return io_pread(req->reply.fd, dst, max, pos);
	memcpy(dst, req->reply.body.data + pos, max);
	return (ssize_t)max;
}

/* Waits until len bytes may leave; false when the program ends.  A client that
 * has shut its side may still read, so its hanging up ends the wait alone. */
static bool
pass(struct request *req, size_t len)
{
	uint64_t bps = req->plan.pace_bps;

	if (bps > 0 &&
	    halt_wait(req->emu->halt, req->client,
		(int64_t)((uint64_t)len * 1000000000 / bps)) == HALT_STOP)
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

	if (plan->ending != PLAN_WHOLE && pos >= plan->after_bytes) {
		end_early(req);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	if (plan->ending != PLAN_WHOLE && max > plan->after_bytes - pos)
		max = (size_t)(plan->after_bytes - pos);
	if (max > PIECE)
		max = PIECE;
	if (plan->pace_bps > 0 && max > plan->pace_bps / 10 + 1)
		max = (size_t)(plan->pace_bps / 10 + 1);
	n = bytes_at(req, pos, dst, max);
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
	if (r->fd < 0 && plan->ending == PLAN_WHOLE &&
	    plan->filler_bytes == 0 && plan->pace_bps == 0 &&
	    !shaper_on(req->emu->shaper))
		return MHD_create_response_from_buffer(
		    r->body.len, r->body.data, MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_callback(
	    size, PIECE, read_answer, req, NULL);
}

static void
add_headers(struct request *req, struct MHD_Response *response)
{
	char timing[64];
	const struct {
		const char *name, *value;
	} always[] = {
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
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (always[i].value[0] != '\0')
			(void)MHD_add_response_header(
			    response, always[i].name, always[i].value);
	for (size_t i = 0; i < req->reply.header_count; i++)
		(void)MHD_add_response_header(response,
		    req->reply.headers[i].name, req->reply.headers[i].value);
}

bool
sender_send(struct request *req)
{
	struct MHD_Response *response;
	enum MHD_Result queued;

	if (req->plan.silent) {
		end_early(req);
		return false;
	}
	response = make_response(req);
	if (response == NULL)
		return false;
	add_headers(req, response);
	queued = MHD_queue_response(
	    req->conn, (unsigned)req->reply.status, response);
	MHD_destroy_response(response);
	return queued == MHD_YES;
}
