/* emu/verbs_wire.c - verbs about time and the connection. */
#include "config.h"

#include "emu/verbs_impl.h"

#include <string.h>

#include "base/attr.h"

#include "emu/request.h"
#include "emu/shared.h"

#include "base/banned.h"

enum plan_ending
verb_ending(struct json_object *args, enum plan_ending def)
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

void
verb_delay(struct request *req, struct json_object *args)
{
	int64_t ms = verb_number(args, "ms", 1000);
	int64_t jitter = verb_number(args, "jitter", 0);

	if (ms > 0)
		req->plan.delay_ms += ms < VERB_WAIT_MAX ? ms : VERB_WAIT_MAX;
	if (jitter > VERB_WAIT_MAX)
		jitter = VERB_WAIT_MAX;
	if (jitter > 0)
		req->plan.delay_ms += (int64_t)(req->plan.luck * (double)jitter);
}

void
verb_dribble(struct request *req, struct json_object *args)
{
	int64_t bps = verb_number(args, "bps", 1000);

	req->plan.pace_bps = bps > 0 ? (uint64_t)bps : 1;
}

void
verb_end_after(struct request *req, int64_t after, enum plan_ending ending)
{
	req->plan.ending = ending;
	req->plan.silent = after < 0;
	req->plan.after_bytes = after < 0 ? 0 : (uint64_t)after;
}

void
verb_stall(struct request *req, struct json_object *args)
{
	int64_t s = verb_number(args, "s", 0);

	verb_end_after(req, verb_number(args, "after", -1), PLAN_STALL);
	req->plan.stall_ns =
	    s > 0 && s < VERB_WAIT_MAX ? s * 1000000000 : 0;
}

void
verb_cut(struct request *req, struct json_object *args)
{
	verb_end_after(
	    req, verb_number(args, "after", -1), verb_ending(args, PLAN_CLOSE));
}

void
verb_cut_request(struct request *req, struct json_object *args)
{
	int64_t after = verb_number(args, "after", 1);

	req->plan.intake_ending = verb_ending(args, PLAN_CLOSE);
	req->plan.intake_after = after > 0 ? (uint64_t)after : 1;
}

/* All that meet the rule share the line, each direction. */
void
verb_bandwidth(struct request *req, struct json_object *args)
{
	int64_t bps = verb_number(args, "bps", 1000000);

	shared_unref(req->plan.line);
	req->plan.line = shared_ref(req->plan.shared);
	req->plan.line_bps = bps > 0 ? bps : 1;
}
