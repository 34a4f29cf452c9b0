/* fs/gate.c - lets so many requests wait for the network at once. */
#include "config.h"

#include "fs/gate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/lock.h"
#include "base/table.h"
#include "base/text.h"

#include "base/banned.h"

struct gate {
	struct ops *ops; /* set once */
	unsigned max;
	struct lock lock;
	unsigned running;  /* with lock */
	struct job *queue; /* with lock */
};

int
gate_new(struct ops *o, unsigned max, struct gate **out)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return -ENOMEM;
	g->ops = o;
	g->max = max;
	lock_init(&g->lock, "gate");
	*out = g;
	return 0;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	assert(g->running == 0 && g->queue == NULL);
	lock_release(&g->lock);
	free(g);
}

/* --- waiting in line ----------------------------------------------------------- */

static struct job *
copy_job(const struct job *j)
{
	struct job *copy = malloc(sizeof(*copy));
	char *data = NULL;

	if (copy == NULL)
		return NULL;
	*copy = *j;
	copy->copied = true;
	copy->name = text_dup(j->name);
	copy->name2 = text_dup(j->name2);
	if (j->has_data) {
		data = malloc(j->size + 1);
		if (data != NULL && j->size > 0)
			memcpy(data, j->data, j->size);
	}
	copy->data = data;
	if ((j->name != NULL && copy->name == NULL) ||
	    (j->name2 != NULL && copy->name2 == NULL) ||
	    (j->has_data && data == NULL)) {
		free((void *)(uintptr_t)copy->name);
		free((void *)(uintptr_t)copy->name2);
		free(data);
		free(copy);
		return NULL;
	}
	return copy;
}

static void
free_job(struct job *j)
{
	if (!j->copied)
		return;
	free((void *)(uintptr_t)j->name);
	free((void *)(uintptr_t)j->name2);
	free((void *)(uintptr_t)j->data);
	free(j);
}

/* libfuse calls this with the request's own lock held: when an interrupt comes, or
 * from fuse_req_interrupt_func when it has come already; then the job is not in the
 * queue yet, and the one who puts it there answers. */
static void
on_interrupt(fuse_req_t req, void *data)
{
	struct job *j = data;
	struct gate *g = j->gate;
	bool ours;

	lock_take(&g->lock);
	j->interrupted = true;
	ours = j->queued;
	if (ours) {
		j->queued = false;
		DL_DELETE(g->queue, j);
		counter_add(CTR_fuse_queued, -1);
	}
	lock_drop(&g->lock);
	if (!ours)
		return;
	counter_add(CTR_fuse_interrupts_total, 1);
	(void)fuse_reply_err(req, EINTR);
	free_job(j);
}

/* Puts a copy of j in line.  False when it has to run after all. */
static bool
queue_job(struct gate *g, const struct job *original)
{
	struct job *j = copy_job(original);
	bool interrupted, queued = false;

	if (j == NULL) {
		(void)fuse_reply_err(original->req, ENOMEM);
		return true;
	}
	fuse_req_interrupt_func(j->req, on_interrupt, j);
	lock_take(&g->lock);
	interrupted = j->interrupted;
	/* Somebody may have finished meanwhile: then nobody would take it. */
	if (!interrupted && g->running >= g->max) {
		queued = true;
		j->queued = true;
		DL_APPEND(g->queue, j);
		counter_add(CTR_fuse_queued, 1);
	}
	lock_drop(&g->lock);
	if (queued)
		return true;
	fuse_req_interrupt_func(j->req, NULL, NULL);
	if (interrupted)
		(void)fuse_reply_err(j->req, EINTR);
	free_job(j);
	return interrupted;
}

/* --- running ---------------------------------------------------------------------- */

static bool
is_interrupted(void *arg)
{
	struct job *j = arg;

	return j->let_go || fuse_req_interrupted(j->req) != 0;
}

void
gate_let_go(void *arg)
{
	struct job *j = arg;

	if (j->let_go)
		return;
	j->let_go = true;
	counter_add(CTR_fuse_interrupts_total, 1);
	(void)fuse_reply_err(j->req, EINTR);
}

static void
run_job(struct gate *g, struct job *j)
{
	j->call = (struct call){
		.op = j->op,
		.class = CALL_DEMAND,
		.interrupted = is_interrupted,
		.arg = j,
	};
	j->run(g->ops, j);
	free_job(j);
}

static bool
enter(struct gate *g)
{
	bool entered;

	lock_take(&g->lock);
	entered = g->running < g->max;
	if (entered) {
		g->running++;
		counter_add(CTR_fuse_blocked, 1);
	}
	lock_drop(&g->lock);
	return entered;
}

/* The next in line, or NULL: then the caller has left. */
static struct job *
next_or_leave(struct gate *g)
{
	struct job *j;

	lock_take(&g->lock);
	j = g->queue;
	if (j != NULL) {
		j->queued = false;
		DL_DELETE(g->queue, j);
		counter_add(CTR_fuse_queued, -1);
	} else {
		g->running--;
		counter_add(CTR_fuse_blocked, -1);
	}
	lock_drop(&g->lock);
	/* Waits for an on_interrupt under way, which no longer finds it queued. */
	if (j != NULL)
		fuse_req_interrupt_func(j->req, NULL, NULL);
	return j;
}

void
gate_pass(struct gate *g, struct job *j)
{
	counter_add(CTR_fuse_requests_total, 1);
	j->gate = g;
	while (!enter(g))
		if (queue_job(g, j))
			return;
	for (; j != NULL; j = next_or_leave(g))
		run_job(g, j);
}
