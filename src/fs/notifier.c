/* fs/notifier.c - tells the kernel to forget names. */
#include "config.h"

#include "fs/notifier.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"

#include "base/banned.h"

struct item {
	uint64_t parent;
	char *name;
	struct item *prev, *next;
};

struct notifier {
	struct lock lock;
	struct cond work;
	bool running; /* with lock, as queue */
	struct item *queue;
	struct fuse_session *session; /* set before the thread starts */
	pthread_t thread;
};

int
notifier_new(struct notifier **out)
{
	struct notifier *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return -ENOMEM;
	lock_init(&n->lock, "notifier");
	cond_init(&n->work);
	*out = n;
	return 0;
}

static void
item_free(struct item *i)
{
	free(i->name);
	free(i);
}

static void *
run(void *arg)
{
	struct notifier *n = arg;

	lock_take(&n->lock);
	while (n->running) {
		struct item *i = n->queue;
		int ret;

		if (i == NULL) {
			cond_wait(&n->work, &n->lock);
			continue;
		}
		DL_DELETE(n->queue, i);
		lock_drop(&n->lock);
		ret = fuse_lowlevel_notify_inval_entry(n->session, i->parent,
		    i->name, strlen(i->name));
		if (ret < 0 && ret != -ENOENT)
			log_debug("notifier", "%s: %s", i->name,
			    strerror(-ret));
		item_free(i);
		lock_take(&n->lock);
	}
	lock_drop(&n->lock);
	return NULL;
}

int
notifier_start(struct notifier *n, struct fuse_session *session)
{
	int err;

	n->session = session;
	n->running = true;
	err = pthread_create(&n->thread, NULL, run, n);
	if (err != 0)
		n->running = false;
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
	lock_release(&n->lock);
	free(n);
}

void
notifier_name(struct notifier *n, uint64_t parent, const char *name)
{
	struct item *i;

	if (n == NULL)
		return;
	i = calloc(1, sizeof(*i));
	if (i == NULL)
		return; /* the kernel finds out when its knowledge is old */
	i->parent = parent;
	i->name = text_dup(name);
	lock_take(&n->lock);
	if (n->running && i->name != NULL) {
		DL_APPEND(n->queue, i);
		cond_signal(&n->work);
		i = NULL;
	}
	lock_drop(&n->lock);
	if (i != NULL)
		item_free(i);
}
