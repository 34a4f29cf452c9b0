/* backend/crew.c - the same call for many things. */
#include "config.h"

#include "backend/crew.h"

#include <errno.h>
#include <string.h>

#include "base/lock.h"

#include "base/banned.h"

#define WIDTH_MAX 16

struct crew {
	size_t n;
	struct call *call; /* of who waits */
	crew_fn *work;
	void *ctx;
	struct lock lock;
	/* With lock: */
	size_t next;
	int result;
	char words[CALL_WORDS]; /* of the result */
};

struct worker {
	struct crew *crew;
	struct call call;
};

/* Whatever waits looks here, and somebody may have begun to wait for the whole. */
static bool
is_interrupted(void *arg)
{
	struct worker *w = arg;

	if (call_class(w->crew->call) == CALL_DEMAND)
		call_promote(&w->call);
	return call_interrupted(w->crew->call);
}

static void
let_go(void *arg)
{
	struct worker *w = arg;
	struct call *call = w->crew->call;

	if (call->let_go != NULL)
		call->let_go(call->arg);
}

/* The next thing to do; false when there is none. */
static bool
take(struct crew *c, size_t *i)
{
	bool some;

	lock_take(&c->lock);
	some = c->result == 0 && c->next < c->n;
	if (some)
		*i = c->next++;
	lock_drop(&c->lock);
	return some;
}

static void *
run(void *arg)
{
	struct crew *c = arg;
	struct worker w = { c, call_copy(c->call) };
	size_t i;

	w.call.interrupted = is_interrupted;
	w.call.let_go = let_go;
	w.call.arg = &w;
	while (take(c, &i)) {
		int ret = call_interrupted(&w.call) ? -EINTR :
						      c->work(c->ctx, &w.call, i);

		if (ret == 0)
			continue;
		lock_take(&c->lock);
		if (c->result == 0) {
			c->result = ret;
			memcpy(c->words, w.call.words, sizeof(c->words));
		}
		lock_drop(&c->lock);
	}
	return NULL;
}

int
crew_run(size_t n, unsigned width, struct call *call, crew_fn *work, void *ctx)
{
	struct crew c = { .n = n, .call = call, .work = work, .ctx = ctx };
	pthread_t threads[WIDTH_MAX];
	unsigned started = 0;

	lock_init(&c.lock, "crew");
	while (started + 1 < width && started + 1 < n && started < WIDTH_MAX &&
	    pthread_create(&threads[started], NULL, run, &c) == 0)
		started++;
	(void)run(&c);
	while (started > 0)
		(void)pthread_join(threads[--started], NULL);
	lock_release(&c.lock);
	if (c.result != 0)
		memcpy(call->words, c.words, sizeof(c.words));
	return c.result;
}
