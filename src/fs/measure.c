/* fs/measure.c - sizes that the service does not tell.
 *
 * As in fs/walk.c there is no queue: a thread that is free looks for the row that a
 * program comes to next, in the listing as it is then. */
#include "config.h"

#include "fs/measure.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/text.h"
#include "fs/base_source.h"
#include "fs/dir.h"
#include "fs/lists.h"

#include "base/banned.h"

#define MEASURE_THREADS 8
#define PLACES		4
#define PAUSE_MS	5000

/* A directory that a program goes through. */
struct place {
	struct node *dir; /* a reference; NULL: none */
	char *at;	  /* the name that it asked for last */
	char *next;	  /* the last one that was measured ahead; NULL: at */
	bool goes_on;	  /* it has asked for a second one */
	int64_t visited_ms;
};

struct run {
	struct measurer *measurer;
	struct call call;
	pthread_t thread;
};

struct measurer {
	struct place places[PLACES]; /* with vfs->lock */
	struct run runs[MEASURE_THREADS];
	unsigned n_threads;
	struct cond work; /* with vfs->lock */
	struct vfs *vfs;  /* set before the threads start */
	bool stopping;	  /* atomic */
	int64_t visited_ms; /* atomic: when any program last asked */
};

int
measure_new(struct measurer **out)
{
	struct measurer *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	cond_init(&m->work);
	*out = m;
	return 0;
}

void
measure_free(struct measurer *m)
{
	if (m == NULL)
		return;
	assert(m->n_threads == 0);
	cond_release(&m->work);
	free(m);
}

/* --- one ---------------------------------------------------------------------------- */

static bool
lacks_size(const struct entry *e)
{
	return e != NULL && e->kind == ENTRY_FILE &&
	    e->version.size == VERSION_NO_SIZE && e->backend->ops->measure != NULL;
}

bool
measure_lacks_locked(struct vfs *v, const struct node *n)
{
	return n->kind == ENTRY_FILE && !node_is_local_locked(v, n) &&
	    lacks_size(n->remote);
}

int
measure_entry(struct call *call, struct entry **e)
{
	struct entry *now = NULL;
	int ret;

	if (!lacks_size(*e))
		return 0;
	ret = (*e)->backend->ops->measure((*e)->backend, call, *e, &now);
	if (ret < 0)
		return ret;
	entry_unref(*e);
	*e = now;
	return 0;
}

/* Takes what was found, unless more is known by now. */
static void
take_locked(struct vfs *v, struct node *n, const struct entry *was,
    struct entry *now) REQUIRES(v->lock)
{
	struct node *dir = n->parent;

	if (n->remote != was || n->gone || dir == NULL)
		return;
	node_set_remote_locked(v, n, now, n->seen_ms);
	if (dir->dir != NULL && dir->dir->listed_ms != 0 &&
	    listing_find(&dir->dir->list, now->name) != NULL &&
	    listing_set(&dir->dir->list, now) < 0)
		lists_forget_locked(v, dir);
}

/* The content that was fetched for the size is for who reads it.  Errors are for that
 * one. */
static void
keep_content(struct vfs *v, struct call *call, struct node *n)
{
	char *block = malloc(BLOCK_BYTES);
	struct base_source base;
	ssize_t got = (ssize_t)BLOCK_BYTES;
	bool ready;

	lock_take(&v->lock);
	ready = node_file_locked(v, n) != NULL && n->file->staged == NULL &&
	    !measure_lacks_locked(v, n);
	lock_drop(&v->lock);
	base_source_init(v, n, &base);
	for (uint64_t off = 0; block != NULL && ready &&
	    got == (ssize_t)BLOCK_BYTES; off += BLOCK_BYTES)
		got = base_source_read(&base, call, off, block, BLOCK_BYTES);
	base_source_release(&base);
	free(block);
}

/* 0 also when something else is known of n by now. */
static int
measure_one(struct vfs *v, struct call *call, struct node *n)
{
	struct entry *was, *now;
	int ret;

	lock_take(&v->lock);
	was = measure_lacks_locked(v, n) ? entry_ref(n->remote) : NULL;
	lock_drop(&v->lock);
	if (was == NULL)
		return 0;
	now = entry_ref(was);
	ret = measure_entry(call, &now);
	lock_take(&v->lock);
	if (ret == 0)
		take_locked(v, n, was, now);
	else if (ret == -ENOENT && n->remote != was && !n->gone)
		ret = 0; /* it has another name */
	lock_drop(&v->lock);
	if (ret == 0)
		keep_content(v, call, n);
	entry_unref(now);
	entry_unref(was);
	return ret;
}

/* --- where programs are ---------------------------------------------------------------- */

static void
leave_locked(struct vfs *v, struct place *p) REQUIRES(v->lock)
{
	if (p->dir != NULL)
		node_unref_locked(v, p->dir);
	free(p->at);
	free(p->next);
	*p = (struct place){ 0 };
}

static struct place *
place_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock)
{
	struct place *oldest = &v->measurer->places[0];

	for (unsigned i = 0; i < PLACES; i++) {
		struct place *p = &v->measurer->places[i];

		if (p->dir == dir)
			return p;
		if (p->visited_ms < oldest->visited_ms)
			oldest = p;
	}
	leave_locked(v, oldest);
	oldest->dir = node_ref_locked(v, dir);
	return oldest;
}

static bool
is_any_place(const struct measurer *m, const struct node *dir)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (m->places[i].dir == dir)
			return true;
	return false;
}

/* A program asks for n's size.  begins: which is not known. */
static void
visit_locked(struct vfs *v, struct node *n, bool begins) REQUIRES(v->lock)
{
	struct measurer *m = v->measurer;
	struct node *dir = n->parent;
	int64_t now = clock_mono_ms();
	struct place *p;
	bool again; /* a lookup, then an open */

	if (m == NULL || dir == NULL || dir->dir == NULL ||
	    (!begins && !is_any_place(m, dir)))
		return;
	p = place_locked(v, dir);
	again = p->at != NULL && strcmp(p->at, n->name) == 0;
	p->goes_on = p->at != NULL && now - p->visited_ms < PAUSE_MS &&
	    (again ? p->goes_on : strcmp(p->at, n->name) < 0);
	if (!p->goes_on || (p->next != NULL && strcmp(p->next, n->name) < 0)) {
		free(p->next);
		p->next = NULL;
	}
	if (!again) {
		free(p->at);
		p->at = text_dup(n->name);
	}
	p->visited_ms = now;
	__atomic_store_n(&m->visited_ms, now, __ATOMIC_RELAXED);
	if (p->goes_on)
		cond_broadcast(&m->work);
}

int
measure_node(struct vfs *v, struct call *call, struct node *n)
{
	bool lacks;
	int ret = 0;

	lock_take(&v->lock);
	lacks = measure_lacks_locked(v, n);
	if (n->kind == ENTRY_FILE && n->backend->ops->measure != NULL)
		visit_locked(v, n, lacks);
	lock_drop(&v->lock);
	/* What was measured may be another version by now, which has no size yet. */
	while (lacks && ret == 0) {
		ret = measure_one(v, call, n);
		lock_take(&v->lock);
		lacks = measure_lacks_locked(v, n);
		if (ret == 0 && lacks && n->gone)
			ret = -ESTALE;
		lock_drop(&v->lock);
	}
	return ret;
}

int
measure_shown(struct vfs *v, struct call *call, struct node *n)
{
	int ret = measure_node(v, call, n);

	switch (ret) {
	case -EACCES:
	case -EPERM:
	case -EFBIG:
	case -EINVAL:
	case -EOPNOTSUPP:
	case -ENOSYS:
		return 0;
	default:
		return ret;
	}
}

/* --- threads ------------------------------------------------------------------------------ */

/* The next row of p that lacks a size, with a reference to its node. */
static struct node *
next_of_place_locked(struct vfs *v, struct place *p) REQUIRES(v->lock)
{
	const struct listing *list;
	size_t i, end;

	if (p->dir == NULL || !p->goes_on || p->at == NULL ||
	    clock_mono_ms() - p->visited_ms >= PAUSE_MS ||
	    p->dir->dir == NULL || !lists_is_fresh_locked(v, p->dir))
		return NULL;
	list = &p->dir->dir->list;
	end = listing_after(list, p->at) + MEASURE_AHEAD;
	for (i = listing_after(list, p->next != NULL ? p->next : p->at);
	     i < end && i < list->n; i++) {
		struct entry *e = list->rows[i];
		struct node *n;

		if (!lacks_size(e))
			continue;
		free(p->next);
		p->next = text_dup(e->name);
		n = dir_take_locked(v, p->dir, e->name, e,
		    p->dir->dir->listed_ms);
		return n != NULL ? node_ref_locked(v, n) : NULL;
	}
	return NULL;
}

static struct node *
next_locked(struct vfs *v) REQUIRES(v->lock)
{
	struct node *n = NULL;

	for (unsigned i = 0; i < PLACES && n == NULL; i++)
		n = next_of_place_locked(v, &v->measurer->places[i]);
	return n;
}

static bool
is_given_up(void *arg)
{
	struct run *r = arg;
	struct measurer *m = r->measurer;

	if (__atomic_load_n(&m->stopping, __ATOMIC_RELAXED))
		return true;
	return call_class(&r->call) == CALL_AHEAD &&
	    clock_mono_ms() -
		__atomic_load_n(&m->visited_ms, __ATOMIC_RELAXED) >=
	    PAUSE_MS;
}

static void *
run(void *arg)
{
	struct run *r = arg;
	struct measurer *m = r->measurer;
	struct vfs *v = m->vfs;

	lock_take(&v->lock);
	while (!m->stopping) {
		struct node *n = next_locked(v);

		if (n == NULL) {
			cond_wait(&m->work, &v->lock);
			continue;
		}
		lock_drop(&v->lock);
		r->call = (struct call){ .op = "measure", .class = CALL_AHEAD,
			.interrupted = is_given_up, .arg = r };
		/* Errors are for the program that comes to it, which asks again. */
		(void)measure_one(v, &r->call, n);
		node_unref(v, n);
		lock_take(&v->lock);
	}
	lock_drop(&v->lock);
	return NULL;
}

void
measure_start(struct vfs *v)
{
	struct measurer *m = v->measurer;

	m->vfs = v;
	while (m->n_threads < MEASURE_THREADS) {
		struct run *r = &m->runs[m->n_threads];

		r->measurer = m;
		if (pthread_create(&r->thread, NULL, run, r) != 0)
			break;
		m->n_threads++;
	}
}

void
measure_stop(struct vfs *v)
{
	struct measurer *m = v->measurer;

	lock_take(&v->lock);
	__atomic_store_n(&m->stopping, true, __ATOMIC_RELAXED);
	cond_broadcast(&m->work);
	lock_drop(&v->lock);
	while (m->n_threads > 0)
		(void)pthread_join(m->runs[--m->n_threads].thread, NULL);
	lock_take(&v->lock);
	for (unsigned i = 0; i < PLACES; i++)
		leave_locked(v, &m->places[i]);
	lock_drop(&v->lock);
}
