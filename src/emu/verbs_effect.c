/* emu/verbs_effect.c - verbs about what is carried out, when, and what is told
 * of it. */
#include "config.h"

#include "emu/verbs_impl.h"

#include <string.h>

#include "emu/dispatch.h"
#include "emu/emu.h"
#include "emu/request.h"
#include "emu/routes.h"
#include "emu/sender.h"
#include "emu/shared.h"

#include "base/banned.h"

void
verb_apply_then_fail(struct request *req, struct json_object *args)
{
	int64_t code = verb_number(args, "code", 503);

	if (strcmp(verb_text(args, "how", "close"), "status") != 0) {
		verb_end_after(req, -1, verb_ending(args, PLAN_CLOSE));
		return;
	}
	verb_fail(req, code, verb_text(args, "error_code", verb_code(code)),
	    verb_text(args, "message",
		"The service at this URL is taking too long to process your "
		"request. Please try again later or try a faster operation."));
}

/* The client is told that it failed, or nothing; the effect comes later, whatever
 * was done meanwhile. */
void
verb_apply_late(struct request *req, struct json_object *args)
{
	struct plan *plan = &req->plan;
	int64_t ms = verb_number(args, "ms", 1000);

	if (plan->answered)
		return;
	plan->answered = true;
	plan->silent = true;
	plan->ending = verb_ending(args, PLAN_CLOSE);
	if (plan->ending != PLAN_STALL)
		sender_end(req);
	if (ms > VERB_WAIT_MAX)
		ms = VERB_WAIT_MAX;
	if (halt_wait(req->emu->halt, -1, ms * 1000000) == HALT_TIME)
		dispatch_handle(req);
}

void
verb_half_apply(struct request *req, struct json_object *args)
{
	int64_t n = verb_number(args, "n", 1);

	req->plan.half = true;
	req->plan.half_n = n > 0 ? (uint64_t)n : 0;
}

/* Of each two requests the first waits until the second is carried out. */
void
verb_reorder(struct request *req, struct json_object *args)
{
	int64_t ms = verb_number(args, "ms", 10000);
	struct plan *plan = &req->plan;
	uint64_t pair;

	if (plan->answered || plan->order != NULL)
		return;
	pair = shared_hold(plan->shared, req->emu->halt, req->client,
	    ms < VERB_WAIT_MAX ? ms : VERB_WAIT_MAX);
	if (pair == 0)
		return;
	plan->order = shared_ref(plan->shared);
	plan->order_pair = pair;
}

/* Calls that change nothing get the answer of a moment ago. */
void
verb_stale(struct request *req, struct json_object *args)
{
	int64_t s = verb_number(args, "s", 10);
	int64_t now_ms = timeline_now_ms(&req->emu->timeline);
	struct plan *plan = &req->plan;

	if (s > VERB_WAIT_MAX)
		s = VERB_WAIT_MAX;
	if (plan->answered || req->route->kind == ROUTE_WRITES)
		return;
	if (shared_recall(plan->shared, req, now_ms - s * 1000, now_ms)) {
		plan->answered = true;
		return;
	}
	shared_unref(plan->memory);
	plan->memory = shared_ref(plan->shared);
}

void
verb_partial_delete(struct request *req, struct json_object *args)
{
	int64_t n = verb_number(args, "n", 1);

	req->plan.partial_delete = n > 0 ? (uint64_t)n : 1;
}

void
verb_handle_expire(struct request *req, struct json_object *args)
{
	int64_t handle = verb_number(args, "handle", 0);

	if (strcmp(verb_text(args, "handle", ""), "all") == 0)
		streams_expire(req->emu->streams, 0);
	else if (handle != 0 ||
		 params_i64(&req->params, "handle", &handle) == 0)
		streams_expire(req->emu->streams, handle);
}
