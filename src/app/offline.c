/* app/offline.c - looks for a service that cannot be reached, until it is back. */
#include "config.h"

#include "app/offline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/reach.h"
#include "rest/api_scim.h"

#include "base/banned.h"

/* Between two looks, and how long one may take. */
#define LOOK_EVERY_MS ((int64_t)2000)
#define LOOK_MS	      ((int64_t)5000)

struct offline {
	struct reach *reach; /* set once, as all */
	struct rest *rest;
	pthread_t thread;
};

struct look {
	const struct reach *reach;
	int64_t until_ms;
};

static bool
is_over(void *arg)
{
	const struct look *l = arg;

	return reach_is_stopped(l->reach) || clock_mono_ms() >= l->until_ms;
}

static void *
run(void *arg)
{
	struct offline *o = arg;
	int64_t pause_ms = 0;

	while (reach_await_lost(o->reach, pause_ms)) {
		struct look look = { o->reach, clock_mono_ms() + LOOK_MS };
		struct call call = { .op = "offline", .class = CALL_DEMAND,
			.interrupted = is_over, .arg = &look, .probe = true };
		struct api_scim_me me;

		/* Any other answer counts as well: the client says so. */
		if (api_scim_me(o->rest, &call, &me) == 0)
			reach_answered(o->reach);
		else if (reach_is_doubted(o->reach) &&
		    !reach_is_stopped(o->reach))
			reach_failed(o->reach, -ETIMEDOUT,
			    "it does not answer");
		pause_ms = LOOK_EVERY_MS;
	}
	return NULL;
}

int
offline_start(struct reach *reach, struct rest *rest, struct offline **out)
{
	struct offline *o = calloc(1, sizeof(*o));
	int err;

	if (o == NULL)
		return -ENOMEM;
	o->reach = reach;
	o->rest = rest;
	err = pthread_create(&o->thread, NULL, run, o);
	if (err != 0) {
		free(o);
		return -err;
	}
	*out = o;
	return 0;
}

void
offline_stop(struct offline *o)
{
	if (o == NULL)
		return;
	reach_stop(o->reach);
	(void)pthread_join(o->thread, NULL);
	free(o);
}
