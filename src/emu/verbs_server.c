/* emu/verbs_server.c - verbs that hit more than the request that meets them. */
#include "config.h"

#include "emu/verbs_impl.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#include "emu/door.h"
#include "emu/emu.h"
#include "emu/request.h"

#include "base/banned.h"

/* As a power cut: nothing is written out, closed or said any more. */
void
verb_crash_after(struct request *req, struct json_object *args)
{
	(void)req;
	(void)args;
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause(); /* until it arrives */
}

/* What a restart looks like from outside: no answer, every connection reset. */
void
verb_restart(struct request *req, struct json_object *args)
{
	if (strcmp(verb_text(args, "handles", "keep"), "lose") == 0)
		streams_expire(req->emu->streams, 0);
	door_drop(req->emu->door, DOOR_ALL, DOOR_RESET);
	req->plan.answered = true;
	verb_end_after(req, -1, PLAN_RESET);
}

void
verb_drop_idle(struct request *req, struct json_object *args)
{
	door_drop(req->emu->door, DOOR_IDLE,
	    door_how(verb_text(args, "how", "close")));
}

void
verb_set(struct request *req, struct json_object *args)
{
	const char *name = verb_text(args, "name", "");

	if (settings_set(&req->emu->settings, name,
		verb_text(args, "value", "")) < 0)
		log_warn("fault", "setting %s cannot be that", name);
	door_wake(req->emu->door);
}

/* The emulator's clock jumps. */
void
verb_clock(struct request *req, struct json_object *args)
{
	struct timeline *t = &req->emu->timeline;
	int64_t ms = verb_number(args, "ms", 0);

	if (ms > TIMELINE_MAX_MS || ms < -TIMELINE_MAX_MS ||
	    timeline_set_offset(t, timeline_offset(t) + ms) < 0 ||
	    timeline_save(t, req->emu->place->state) < 0)
		log_warn("fault", "the clock cannot be moved so far");
}
