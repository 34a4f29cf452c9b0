/* fs/notifier.c - tells the kernel to forget names, and what is in files. */
#include "config.h"

#include "fs/notifier.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"

#include "base/banned.h"

struct item {
	uint64_t id; /* of the directory of name, or else of the inode */
	char *name;  /* NULL: an inode */
	struct item *prev, *next;
};

struct notifier {
	struct lock lock;
	struct cond work;
	bool running; /* with lock, as queue */
	struct item *queue;
	uint64_t queued; /* so far */
	uint64_t told;	 /* of these */
	struct cond settled; /* told has grown, or not running any more */
	int64_t wake_ms; /* with lock: when due is asked again */
	notifier_due_fn *due; /* set once, as ctx */
	void *ctx;
	struct fuse_session *session; /* set before the thread starts */
	pthread_t thread;
};

int
notifier_new(notifier_due_fn *due, void *ctx, struct notifier **out)
{
	struct notifier *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return -ENOMEM;
	lock_init(&n->lock, "notifier");
	cond_init(&n->work);
	cond_init(&n->settled);
	n->due = due;
	n->ctx = ctx;
	*out = n;
	return 0;
}

static void
item_free(struct item *i)
{
	free(i->name);
	free(i);
}

static void
tell(const struct notifier *n, const struct item *i)
{
	int ret;

	if (i->name != NULL)
		ret = fuse_lowlevel_notify_inval_entry(n->session, i->id,
		    i->name, strlen(i->name));
	else
		ret = fuse_lowlevel_notify_inval_inode(n->session, i->id, 0, 0);
	if (ret < 0 && ret != -ENOENT)
		log_debug("notifier", "%s: %s",
		    i->name != NULL ? i->name : "an inode", strerror(-ret));
}

/* Nothing is in the queue. */
static void
wait_locked(struct notifier *n) REQUIRES(n->lock)
{
	int64_t next_ms, left;

	n->wake_ms = INT64_MAX;
	lock_drop(&n->lock);
	next_ms = n->due(n->ctx);
	lock_take(&n->lock);
	if (next_ms < n->wake_ms)
		n->wake_ms = next_ms;
	while (n->running && n->queue == NULL) {
		left = n->wake_ms - clock_mono_ms();
		if (n->wake_ms == INT64_MAX)
			cond_wait(&n->work, &n->lock);
		else if (left > 0)
			(void)cond_wait_ms(&n->work, &n->lock, left);
		else
			break;
	}
}

static void *
run(void *arg)
{
	struct notifier *n = arg;

	lock_take(&n->lock);
	while (n->running) {
		struct item *i = n->queue;

		if (i == NULL) {
			wait_locked(n);
			continue;
		}
		DL_DELETE(n->queue, i);
		lock_drop(&n->lock);
		tell(n, i);
		item_free(i);
		lock_take(&n->lock);
		n->told++;
		cond_broadcast(&n->settled);
	}
	lock_drop(&n->lock);
	return NULL;
}

void
notifier_due(struct notifier *n, int64_t at_ms)
{
	lock_take(&n->lock);
	if (at_ms < n->wake_ms) {
		n->wake_ms = at_ms;
		cond_signal(&n->work);
	}
	lock_drop(&n->lock);
}

int
notifier_start(struct notifier *n, struct fuse_session *session)
{
	int err;

	/* Uploads of what an earlier mount left run already. */
	lock_take(&n->lock);
	n->session = session;
	n->running = true;
	err = pthread_create(&n->thread, NULL, run, n);
	if (err != 0)
		n->running = false;
	lock_drop(&n->lock);
	return -err;
}

void
notifier_stop(struct notifier *n)
{
	bool was_running;

	lock_take(&n->lock);
	was_running = n->running;
	n->running = false;
	cond_broadcast(&n->work);
	cond_broadcast(&n->settled);
	lock_drop(&n->lock);
	if (was_running)
		(void)pthread_join(n->thread, NULL);
}

void
notifier_free(struct notifier *n)
{
	struct item *i, *next;

	if (n == NULL)
		return;
	DL_FOREACH_SAFE(n->queue, i, next) {
		DL_DELETE(n->queue, i);
		item_free(i);
	}
	cond_release(&n->work);
	cond_release(&n->settled);
	lock_release(&n->lock);
	free(n);
}

/* Takes name over. */
static void
add(struct notifier *n, uint64_t id, char *name)
{
	struct item *i = calloc(1, sizeof(*i));

	if (i == NULL) {
		free(name);
		return; /* the kernel finds out when its knowledge is old */
	}
	i->id = id;
	i->name = name;
	lock_take(&n->lock);
	if (n->running) {
		DL_APPEND(n->queue, i);
		n->queued++;
		cond_signal(&n->work);
		i = NULL;
	}
	lock_drop(&n->lock);
	if (i != NULL)
		item_free(i);
}

void
notifier_name(struct notifier *n, uint64_t parent, const char *name)
{
	char *copy;

	if (n == NULL)
		return;
	copy = text_dup(name);
	if (copy != NULL)
		add(n, parent, copy);
}

void
notifier_inode(struct notifier *n, uint64_t id)
{
	if (n != NULL)
		add(n, id, NULL);
}

int
notifier_settle(struct notifier *n, struct call *call, int64_t wait_ms)
{
	int64_t until = clock_mono_ms() + wait_ms;
	uint64_t goal;
	int ret = 0;

	if (n == NULL)
		return 0;
	lock_take(&n->lock);
	goal = n->queued;
	while (ret == 0 && n->running && n->told < goal &&
	    clock_mono_ms() < until) {
		if (call_interrupted(call))
			ret = -EINTR;
		else
			(void)cond_wait_ms(&n->settled, &n->lock, CALL_TICK_MS);
	}
	lock_drop(&n->lock);
	return ret;
}
