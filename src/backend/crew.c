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
};

/* The next thing to do; false when there is none. */
static bool
take(struct crew *c, struct call *mine, size_t *i)
{
	bool some;

	lock_take(&c->lock);
	some = c->result == 0 && c->next < c->n;
	if (some)
		*i = c->next++;
	lock_drop(&c->lock);
	if (some && call_class(c->call) == CALL_DEMAND)
		call_promote(mine);
	return some;
}

static void *
run(void *arg)
{
	struct crew *c = arg;
	struct call mine = call_copy(c->call);
	size_t i;

	while (take(c, &mine, &i)) {
		int ret = call_interrupted(&mine) ? -EINTR :
						    c->work(c->ctx, &mine, i);

		if (ret == 0)
			continue;
		lock_take(&c->lock);
		if (c->result == 0) {
			c->result = ret;
			memcpy(c->call->words, mine.words,
			    sizeof(mine.words));
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
	return c.result;
}
