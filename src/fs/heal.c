/* fs/heal.c - brings to an end what was left half done on the server. */
#include "config.h"

#include "fs/heal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "cache/journal.h"
#include "fs/dir.h"
#include "fs/node.h"
#include "ns/ns.h"

#include "base/banned.h"

/* How long after the n-th try the next one follows. */
#define AGAIN_FIRST_MS 1000
#define AGAIN_MAX_MS   ((int64_t)300 * 1000)
#define TASK_MAX_MS    ((int64_t)10 * 1000) /* names wait for it */

struct item {
	uint64_t subject; /* of a record; or */
	heal_fn *task;
	void (*free_ctx)(void *ctx);
	void *ctx;
	int64_t due_ms; /* monotonic */
	unsigned tries;
	struct item *prev, *next;
};

struct heal {
	struct vfs *v; /* set once */
	pthread_t thread;
	bool started;

	struct lock lock;
	struct cond changed;
	struct item *items;   /* with lock, as all below */
	bool busy;	      /* one of them is being tried */
	_Atomic bool stop;    /* also read without the lock, as paused */
	_Atomic unsigned paused;
	int64_t until_ms; /* of heal_first; 0: no limit */
};

/* --- one record ----------------------------------------------------------------- */

static bool
is_over(void *arg)
{
	const struct heal *h = arg;

	return h->stop || h->paused > 0 ||
	    (h->until_ms != 0 && clock_mono_ms() >= h->until_ms);
}

/* Names may show something else than is known. */
static void
forget_names(struct vfs *v, const struct backend *b)
{
	struct node **dirs, *n;
	size_t at, count = 0, got = 0;

	lock_take(&v->lock);
	for (at = 0; (n = node_next_locked(v, &at)) != NULL;) {
		count += n->kind == ENTRY_DIR && n->backend == b;
		if (n->backend == b)
			n->seen_ms = 0;
	}
	dirs = calloc(count + 1, sizeof(struct node *));
	for (at = 0; dirs != NULL && (n = node_next_locked(v, &at)) != NULL;)
		if (n->kind == ENTRY_DIR && n->backend == b)
			dirs[got++] = node_ref_locked(v, n);
	/* To forget a listing may be the end of a directory. */
	while (got > 0) {
		dir_drop_locked(v, dirs[--got]);
		node_unref_locked(v, dirs[got]);
	}
	lock_drop(&v->lock);
	free(dirs);
}

/* 0: it is settled, or nobody here can settle it. */
static int
try_record(struct heal *h, struct call *call, uint64_t subject)
{
	struct journal *journal = h->v->config.journal;
	struct json_object *record = NULL;
	struct entry *root = NULL;
	const char *tree;
	bool changed = false;
	uint16_t type;
	int ret;

	ret = journal_get(journal, subject, &type, &record);
	if (ret < 0)
		return 0; /* whoever wrote it has ended it */
	if (jval_str(record, "tree", &tree) == 0)
		root = ns_tree_root(h->v->config.ns, tree);
	if (root == NULL || root->backend->ops->heal == NULL) {
		json_object_put(record);
		return 0; /* a mount that shows the tree does it */
	}
	ret = root->backend->ops->heal(root->backend, call, type, record,
	    &changed);
	if (changed)
		forget_names(h->v, root->backend);
	if (ret == -EBADMSG) {
		log_error("heal", "the journal's record %llu makes no sense: %s",
		    (unsigned long long)subject, jval_text(record, NULL));
		ret = 0;
	} else if (ret == 0) {
		journal_end(journal, subject);
	} else if (ret != -EAGAIN && ret != -EINTR) {
		log_warn("heal", "what was cut off is not settled yet (%s): %s",
		    call->words[0] != '\0' ? call->words : strerror(-ret),
		    jval_text(record, NULL));
	}
	json_object_put(record);
	return ret;
}

/* --- when ----------------------------------------------------------------------- */

static int64_t
pause_ms(const struct item *i)
{
	int64_t max = i->task != NULL ? TASK_MAX_MS : AGAIN_MAX_MS;
	int64_t ms = AGAIN_FIRST_MS;

	for (unsigned n = i->tries; n > 1 && ms < max; n--)
		ms *= 2;
	return ms < max ? ms : max;
}

static void
item_free(struct item *i)
{
	if (i->free_ctx != NULL)
		i->free_ctx(i->ctx);
	free(i);
}

/* Tries i, which is on the list, with the lock dropped meanwhile. */
static void
try_item_locked(struct heal *h, struct item *i) REQUIRES(h->lock)
{
	struct call call = { .op = "heal", .class = CALL_BACKGROUND,
		.interrupted = is_over, .arg = h };
	int ret;

	h->busy = true;
	lock_drop(&h->lock);
	ret = i->task != NULL ? i->task(i->ctx, &call) :
				try_record(h, &call, i->subject);
	lock_take(&h->lock);
	if (ret == 0) {
		DL_DELETE(h->items, i);
		lock_drop(&h->lock);
		item_free(i);
		lock_take(&h->lock);
	} else {
		/* One that was cut off had no chance. */
		i->tries += ret != -EINTR;
		i->due_ms = clock_mono_ms() + pause_ms(i);
	}
	h->busy = false;
	cond_broadcast(&h->changed);
}

/* What is due first; NULL: nothing is left. */
static struct item *
first_locked(struct heal *h) REQUIRES(h->lock)
{
	struct item *i, *first = NULL;

	DL_FOREACH(h->items, i)
		if (first == NULL || i->due_ms < first->due_ms)
			first = i;
	return first;
}

static void *
run(void *arg)
{
	struct heal *h = arg;

	lock_take(&h->lock);
	while (!h->stop) {
		struct item *i = h->paused > 0 ? NULL : first_locked(h);
		int64_t wait_ms = i != NULL ? i->due_ms - clock_mono_ms() :
					      60000;

		if (i != NULL && wait_ms <= 0)
			try_item_locked(h, i);
		else
			(void)cond_wait_ms(&h->changed, &h->lock, wait_ms);
	}
	lock_drop(&h->lock);
	return NULL;
}

static void
on_left(void *ctx, uint64_t subject)
{
	heal_add(ctx, subject);
}

static int
add(struct heal *h, const struct item *item)
{
	struct item *i = malloc(sizeof(*i));

	if (i == NULL)
		return -ENOMEM;
	*i = *item;
	i->due_ms = clock_mono_ms();
	lock_take(&h->lock);
	DL_APPEND(h->items, i);
	cond_broadcast(&h->changed);
	lock_drop(&h->lock);
	return 0;
}

void
heal_add(struct heal *h, uint64_t subject)
{
	const struct item item = { .subject = subject };

	(void)add(h, &item); /* else the next mount finds it in the journal */
}

int
heal_task(struct heal *h, heal_fn *task, void (*free_ctx)(void *ctx), void *ctx)
{
	const struct item item = { .task = task, .free_ctx = free_ctx,
		.ctx = ctx };

	return add(h, &item);
}

void
heal_first(struct heal *h, int64_t timeout_ms)
{
	int64_t begun = clock_mono_ms();
	struct item *i;

	lock_take(&h->lock);
	h->until_ms = begun + timeout_ms;
	while ((i = first_locked(h)) != NULL && i->due_ms <= begun &&
	    !is_over(h))
		try_item_locked(h, i);
	h->until_ms = 0;
	lock_drop(&h->lock);
}

/* --- life ------------------------------------------------------------------------ */

int
heal_new(struct vfs *v, struct heal **out)
{
	struct heal *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return -ENOMEM;
	h->v = v;
	lock_init(&h->lock, "heal");
	cond_init(&h->changed);
	journal_on_left(v->config.journal, on_left, h);
	*out = h;
	return 0;
}

void
heal_free(struct heal *h)
{
	struct item *i, *next;

	if (h == NULL)
		return;
	heal_stop(h);
	journal_on_left(h->v->config.journal, NULL, NULL);
	DL_FOREACH_SAFE(h->items, i, next) {
		DL_DELETE(h->items, i);
		item_free(i);
	}
	cond_release(&h->changed);
	lock_release(&h->lock);
	free(h);
}

int
heal_start(struct heal *h)
{
	int err = pthread_create(&h->thread, NULL, run, h);

	h->started = err == 0;
	return -err;
}

void
heal_stop(struct heal *h)
{
	lock_take(&h->lock);
	h->stop = true;
	cond_broadcast(&h->changed);
	lock_drop(&h->lock);
	if (h->started)
		(void)pthread_join(h->thread, NULL);
	h->started = false;
}

int
heal_pause(struct heal *h, struct call *call)
{
	int ret = 0;

	lock_take(&h->lock);
	h->paused++;
	while (h->busy && ret == 0) {
		if (call_interrupted(call))
			ret = -EINTR;
		else
			(void)cond_wait_ms(&h->changed, &h->lock, CALL_TICK_MS);
	}
	if (ret < 0) {
		h->paused--;
		cond_broadcast(&h->changed);
	}
	lock_drop(&h->lock);
	return ret;
}

void
heal_resume(struct heal *h)
{
	lock_take(&h->lock);
	h->paused--;
	cond_broadcast(&h->changed);
	lock_drop(&h->lock);
}
