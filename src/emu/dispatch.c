/* emu/dispatch.c - carries a complete request out: rules, handler, delay. */
#include "config.h"

#include "emu/dispatch.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "emu/emu.h"
#include "emu/intake.h"
#include "emu/routes.h"
#include "emu/shared.h"

#include "base/banned.h"

static bool
is_admin(const struct request *req)
{
	return req->route != NULL && req->route->auth == ROUTE_ADMIN;
}

void
dispatch_handle(struct request *req)
{
	int ret;

	ret = req->route->handle(req);
	if (ret < 0)
		ret = reply_error(
		    req, 500, "INTERNAL_ERROR", "%s", strerror(-ret));
	if (ret < 0)
		req->reply.status = 500;
	req->carried_out = req->reply.status < 300;
}

static void
carry_out(struct request *req)
{
	struct plan *plan = &req->plan;

	if (!is_admin(req))
		faults_run(req, FAULT_BEFORE);
	if (!plan->answered && !plan->silent)
		dispatch_handle(req);
	if (plan->order != NULL)
		shared_release(plan->order, plan->order_pair);
	if (plan->memory != NULL)
		shared_remember(plan->memory, req,
		    timeline_now_ms(&req->emu->timeline));
	if (!is_admin(req))
		faults_run(req, FAULT_AFTER);
}

void
dispatch(struct request *req)
{
	int64_t delay_ms;

	intake_end(req);
	if (req->reply.status == 0)
		carry_out(req);
	if (is_admin(req))
		return;
	delay_ms =
	    settings_get(&req->emu->settings, SET_LATENCY) + req->plan.delay_ms;
	if (delay_ms > 0)
		(void)halt_wait(
		    req->emu->halt, req->client, delay_ms * 1000000);
}

static uint64_t
answer_bytes(const struct request *req)
{
	const struct reply *r = &req->reply;
	uint64_t bytes = r->fd >= 0 ? r->fd_bytes : r->body.len;

	if (req->plan.silent)
		return 0;
	bytes += req->plan.filler_bytes;
	if (req->plan.ending != PLAN_WHOLE && req->plan.after_bytes < bytes)
		bytes = req->plan.after_bytes;
	return bytes;
}

void
dispatch_record(struct request *req)
{
	int64_t took_us = (clock_mono_ns() - req->start_ns) / 1000;
	int status = req->plan.silent ? 0 : req->reply.status;
	struct tally_entry e = {
		.endpoint = req->endpoint != NULL ? req->endpoint : "(refused)",
		.method = req->method,
		.target = req->target,
		.subject = req->subject,
		.request_id = req->id,
		.token_hash = req->token_hash,
		.headers = req->headers,
		.foreign = req->foreign,
		.status = status,
		.mutates = req->carried_out && req->route->kind == ROUTE_WRITES,
		.bytes_in = req->body.bytes,
		.bytes_out = answer_bytes(req),
		.time_ms = clock_real_ms() - took_us / 1000,
		.took_us = took_us,
	};

	req->recorded = true;
	if (!is_admin(req))
		tally_add(req->emu->tally, &e);
	log_info("http",
	    "%s %s%s%s %d in=%" PRIu64 " out=%" PRIu64 " %" PRId64 ".%03dms %s",
	    req->method, req->target,
	    req->subject != NULL && strchr(req->target, '?') == NULL ? " " : "",
	    req->subject != NULL && strchr(req->target, '?') == NULL
		? req->subject
		: "",
	    status, e.bytes_in, e.bytes_out, took_us / 1000,
	    (int)(took_us % 1000), req->id);
}
