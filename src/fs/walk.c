/* fs/walk.c - reads listings ahead of a program that walks a tree.
 *
 * There is no queue: a thread that is free looks for the directory that the walk comes
 * to next, in the listings that are known by then.  So nothing is ever queued that a
 * program could come to, and a walk that has ended costs nothing more.
 *
 * What was read ahead and not come to yet is in struct walk, each with a reference.
 * Where a walk is, and what lies before it, follows from the names: listings are
 * sorted. */
#include "config.h"

#include "fs/walk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/counters.h"
#include "fs/dir.h"
#include "fs/hold.h"
#include "fs/lists.h"

#include "base/banned.h"

#define WALK_THREADS 12
#define WALKS	     4
#define WINDOW_FIRST 2

/* Passed by in all, beyond half of what was of use. */
#define WASTE_MAX WALK_AHEAD

/* Rows that are looked at for one directory: known ones are passed in no time, but not
 * any number of them. */
#define ROWS_MAX 20000

struct walk {
	struct node *top; /* where it began; NULL: no walk.  A reference, as all */
	struct node *at;  /* the last directory that was listed */
	unsigned depth;	  /* below top, of the deepest one */
	/* The number of the directory in top that it is in or below; and has it been
	 * to another one?  If not it may have begun there. */
	uint64_t branch;
	bool goes_on;
	unsigned window;
	unsigned used, wasted; /* of those that were read ahead */
	int64_t visited_ms;
	struct node *ahead[WALK_AHEAD];
	unsigned n_ahead;
};

/* A listing on its way, in its thread. */
struct run {
	struct walker *walker;
	struct node *node; /* NULL: none; with vfs->lock, as call */
	struct call call;
	bool given_up; /* atomic */
	pthread_t thread;
};

struct walker {
	struct walk walks[WALKS]; /* with vfs->lock */
	struct run runs[WALK_THREADS];
	unsigned n_threads;
	struct cond work; /* with vfs->lock: there may be something to list */
	struct vfs *vfs;  /* set before the threads start */
	bool stopping;	  /* atomic */
	int64_t visited_ms; /* atomic: when any program last went on */
};

int
walk_new(struct walker **out)
{
	struct walker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	cond_init(&w->work);
	*out = w;
	return 0;
}

void
walk_free(struct walker *w)
{
	if (w == NULL)
		return;
	assert(w->n_threads == 0);
	cond_release(&w->work);
	free(w);
}

/* --- places ------------------------------------------------------------------ */

static unsigned
depth_of(const struct node *n, const struct node *top)
{
	unsigned depth = 0;

	for (; n != top && n != NULL; n = n->parent)
		depth++;
	return depth;
}

/* Does a walk come to a after b?  Both are at or below top. */
static bool
is_after(const struct node *a, const struct node *b, const struct node *top)
{
	unsigned da = depth_of(a, top), db = depth_of(b, top);
	bool deeper = da > db;

	for (; da > db; da--)
		a = a->parent;
	for (; db > da; db--)
		b = b->parent;
	if (a == b)
		return deeper;
	while (a->parent != b->parent) {
		a = a->parent;
		b = b->parent;
	}
	return strcmp(a->name, b->name) > 0;
}

static bool
is_in_walk(struct vfs *v, const struct walk *w, const struct node *n)
    REQUIRES(v->lock)
{
	return w->top != NULL && node_is_below_locked(v, n, w->top);
}

/* --- what was read ahead -------------------------------------------------------- */

static void
drop_ahead_locked(struct vfs *v, struct walk *w, unsigned i) REQUIRES(v->lock)
{
	struct node *n = w->ahead[i];

	w->ahead[i] = w->ahead[--w->n_ahead];
	n->dir->ahead = false;
	node_unref_locked(v, n);
}

static bool
is_ahead(const struct walk *w, const struct node *n)
{
	for (unsigned i = 0; i < w->n_ahead; i++)
		if (w->ahead[i] == n)
			return true;
	return false;
}

static void
end_locked(struct vfs *v, struct walk *w) REQUIRES(v->lock)
{
	while (w->n_ahead > 0)
		drop_ahead_locked(v, w, w->n_ahead - 1);
	if (w->at != NULL)
		node_unref_locked(v, w->at);
	if (w->top != NULL)
		node_unref_locked(v, w->top);
	*w = (struct walk){ 0 };
}

/* n was come to; what lies before it was passed by. */
static void
settle_ahead_locked(struct vfs *v, struct walk *w, const struct node *n)
    REQUIRES(v->lock)
{
	for (unsigned i = w->n_ahead; i-- > 0;) {
		const struct node *other = w->ahead[i];

		if (other == n)
			w->used++;
		else if (!is_in_walk(v, w, other) ||
		    !is_after(other, n, w->top))
			w->wasted++;
		else
			continue;
		drop_ahead_locked(v, w, i);
	}
}

/* --- where programs are ----------------------------------------------------------- */

/* Is a listing of b's believed, and of names that wait for nothing? */
static bool
is_worth_it(const struct vfs *v, const struct backend *b)
{
	return b->ttl_ms != 0 && (b->ttl_ms > 0 || v->config.attr_ttl_ms > 0) &&
	    b->ops->open == NULL;
}

/* The walk that n is part of; NULL: none. */
static struct walk *
find_walk_locked(struct vfs *v, const struct node *n, int64_t now)
    REQUIRES(v->lock)
{
	for (unsigned i = 0; i < WALKS; i++) {
		struct walk *w = &v->walker->walks[i];

		if (is_in_walk(v, w, n) && now - w->visited_ms < WALK_PAUSE_MS)
			return w;
	}
	return NULL;
}

static struct walk *
begin_walk_locked(struct vfs *v, struct node *top) REQUIRES(v->lock)
{
	struct walk *oldest = &v->walker->walks[0];

	for (unsigned i = 1; i < WALKS; i++) {
		struct walk *w = &v->walker->walks[i];

		if (w->visited_ms < oldest->visited_ms)
			oldest = w;
	}
	end_locked(v, oldest);
	oldest->top = node_ref_locked(v, top);
	oldest->window = WINDOW_FIRST;
	return oldest;
}

/* Was this directory, or one in it, listed a moment ago? */
static bool
was_walked(const struct node *n, int64_t now)
{
	return n != NULL && n->dir != NULL && n->dir->walked_ms != 0 &&
	    now - n->dir->walked_ms < WALK_PAUSE_MS;
}

/* The directory in top that n is or is below. */
static uint64_t
branch_of(const struct walk *w, const struct node *n)
{
	while (n->parent != w->top)
		n = n->parent;
	return n->id;
}

/* n is listed now: the window follows how it went. */
static void
go_on_locked(struct vfs *v, struct walk *w, struct node *n, int64_t now)
    REQUIRES(v->lock)
{
	bool fresh = lists_is_fresh_locked(v, n);
	bool late = is_ahead(w, n) && !fresh && n->dir->listed_ms != 0 &&
	    n->dir->listing == NULL;
	unsigned depth = depth_of(n, w->top);

	settle_ahead_locked(v, w, n);
	if (late && w->window > WINDOW_FIRST)
		w->window /= 2; /* it is too old by now */
	else if (!late && !fresh && w->at != NULL && w->window < WALK_AHEAD)
		w->window *= 2; /* the program has to wait */
	if (w->at != NULL && branch_of(w, n) != w->branch)
		w->goes_on = true;
	w->branch = branch_of(w, n);
	if (w->at != NULL)
		node_unref_locked(v, w->at);
	w->at = node_ref_locked(v, n);
	w->depth = depth > w->depth ? depth : w->depth;
	w->visited_ms = now;
	if (!fresh || w->n_ahead > 0)
		cond_broadcast(&v->walker->work);
}

void
walk_visit_locked(struct vfs *v, struct node *dir, bool whole)
{
	int64_t now = clock_mono_ms();
	struct walk *w;

	if (!is_worth_it(v, dir->backend))
		return;
	__atomic_store_n(&v->walker->visited_ms, now, __ATOMIC_RELAXED);
	w = find_walk_locked(v, dir, now);
	if (w != NULL && w->top == dir) {
		if (whole)
			end_locked(v, w); /* from the beginning */
		w = NULL;
	} else if (w == NULL && was_walked(dir->parent, now) &&
	    is_worth_it(v, dir->parent->backend)) {
		w = begin_walk_locked(v, dir->parent);
	}
	dir->dir->walked_ms = now;
	dir->dir->ahead = false;
	if (dir->parent != NULL && dir->parent->dir != NULL)
		dir->parent->dir->walked_ms = now;
	if (w != NULL)
		go_on_locked(v, w, dir, now);
}

bool
walk_expects_locked(struct vfs *v, const struct node *dir)
{
	return is_worth_it(v, dir->backend) &&
	    was_walked(dir->parent, clock_mono_ms());
}

void
walk_listed_locked(struct vfs *v, struct node *dir)
{
	if (dir->dir->list.dirs > 0)
		cond_broadcast(&v->walker->work);
}

void
walk_end_locked(struct vfs *v, struct node *dir)
{
	struct walk *w = find_walk_locked(v, dir, clock_mono_ms());

	if (w == NULL)
		return;
	for (unsigned i = 0; i < WALK_THREADS; i++) {
		struct run *r = &v->walker->runs[i];

		if (r->node != NULL && is_ahead(w, r->node))
			__atomic_store_n(&r->given_up, true, __ATOMIC_RELAXED);
	}
	end_locked(v, w);
}

/* --- what comes next ---------------------------------------------------------------- */

struct search {
	const struct walk *walk;
	unsigned rows; /* still to be looked at */
};

/* Is it for the walk to list n? */
static bool
is_wanted_locked(struct vfs *v, const struct search *s, struct node *n)
    REQUIRES(v->lock)
{
	return !is_ahead(s->walk, n) && n->remote != NULL && n->frozen == 0 &&
	    (n->dir == NULL || n->dir->listing == NULL) &&
	    !lists_is_fresh_locked(v, n);
}

/* The node of a row, if it is a directory worth a look; borrowed. */
static struct node *
subdir_locked(struct vfs *v, struct node *dir, struct entry *e)
    REQUIRES(v->lock)
{
	struct node *n;

	if (e->kind != ENTRY_DIR || !is_worth_it(v, e->backend))
		return NULL;
	n = node_find_locked(v, dir, e->name);
	if (n == NULL)
		n = dir_take_locked(v, dir, e->name, e,
		    dir->dir->listed_ms);
	return n != NULL && n->kind == ENTRY_DIR ? n : NULL;
}

/* The first directory to list in dir, after that name, which is as deep as that; in
 * what is listed already the first one below it.  Borrowed. */
static struct node *
search_below_locked(struct vfs *v, struct search *s, struct node *dir,
    const char *after, unsigned depth) REQUIRES(v->lock)
{
	const struct listing *list = &dir->dir->list;

	if (depth > s->walk->depth || list->dirs == 0 ||
	    !lists_is_fresh_locked(v, dir))
		return NULL;
	for (size_t i = listing_after(list, after); i < list->n; i++) {
		struct node *n, *found;

		if (s->rows-- == 0) {
			s->rows = 0;
			return NULL;
		}
		n = subdir_locked(v, dir, list->rows[i]);
		if (n == NULL)
			continue;
		if (is_wanted_locked(v, s, n))
			return n;
		found = n->dir != NULL && n->dir->listed_ms != 0 ?
		    search_below_locked(v, s, n, NULL, depth + 1) : NULL;
		if (found != NULL)
			return found;
	}
	return NULL;
}

/* The next directory that w should list; borrowed, NULL: none for now. */
static struct node *
search_locked(struct vfs *v, const struct walk *w) REQUIRES(v->lock)
{
	struct search s = { w, ROWS_MAX };
	struct node *dir = w->at, *found;
	const char *after = NULL;
	unsigned depth;

	if (w->top == NULL || w->n_ahead >= w->window ||
	    w->wasted > w->used / 2 + WASTE_MAX ||
	    clock_mono_ms() - w->visited_ms >= WALK_PAUSE_MS ||
	    !is_in_walk(v, w, w->at))
		return NULL;
	depth = depth_of(dir, w->top);
	for (;;) {
		if (dir == w->top && !w->goes_on && w->n_ahead >= WINDOW_FIRST)
			return NULL;
		if (dir->dir != NULL) {
			found = search_below_locked(v, &s, dir, after,
			    depth + 1);
			if (found != NULL || s.rows == 0)
				return found;
		}
		if (dir == w->top)
			return NULL;
		after = dir->name;
		dir = dir->parent;
		depth--;
	}
}

/* --- threads --------------------------------------------------------------------------- */

static bool
is_given_up(void *arg)
{
	struct run *r = arg;
	struct walker *w = r->walker;

	if (__atomic_load_n(&w->stopping, __ATOMIC_RELAXED))
		return true;
	if (call_class(&r->call) != CALL_AHEAD)
		return false; /* a program waits for it by now */
	return __atomic_load_n(&r->given_up, __ATOMIC_RELAXED) ||
	    clock_mono_ms() -
		__atomic_load_n(&w->visited_ms, __ATOMIC_RELAXED) >=
	    WALK_PAUSE_MS;
}

/* The next directory of any walk, with a reference, and noted as read ahead. */
static struct node *
next_locked(struct vfs *v) REQUIRES(v->lock)
{
	for (unsigned i = 0; i < WALKS; i++) {
		struct walk *w = &v->walker->walks[i];
		struct node *n = search_locked(v, w);

		if (n == NULL || node_dir_locked(v, n) == NULL)
			continue;
		w->ahead[w->n_ahead++] = node_ref_locked(v, n);
		n->dir->ahead = true;
		return node_ref_locked(v, n);
	}
	return NULL;
}

/* Errors are for the program that comes to it, which asks again. */
static void
list_locked(struct vfs *v, struct run *r, struct node *n) REQUIRES(v->lock)
{
	r->given_up = false;
	r->call = (struct call){ .op = "readdir", .class = CALL_AHEAD,
		.interrupted = is_given_up, .arg = r };
	r->node = n;
	counter_add(CTR_list_ahead_total, 1);
	counter_add(CTR_list_ahead_active, 1);
	(void)dir_list_locked(v, &r->call, n, false);
	counter_add(CTR_list_ahead_active, -1);
	r->node = NULL;
	node_unref_locked(v, n);
}

static void *
run(void *arg)
{
	struct run *r = arg;
	struct walker *w = r->walker;
	struct vfs *v = w->vfs;

	lock_take(&v->lock);
	while (!w->stopping) {
		struct node *n = next_locked(v);

		if (n != NULL)
			list_locked(v, r, n);
		else
			cond_wait(&w->work, &v->lock);
	}
	lock_drop(&v->lock);
	return NULL;
}

void
walk_start(struct vfs *v)
{
	struct walker *w = v->walker;

	w->vfs = v;
	while (w->n_threads < WALK_THREADS) {
		struct run *r = &w->runs[w->n_threads];

		r->walker = w;
		if (pthread_create(&r->thread, NULL, run, r) != 0)
			break;
		w->n_threads++;
	}
}

void
walk_stop(struct vfs *v)
{
	struct walker *w = v->walker;

	lock_take(&v->lock);
	__atomic_store_n(&w->stopping, true, __ATOMIC_RELAXED);
	cond_broadcast(&w->work);
	lock_drop(&v->lock);
	while (w->n_threads > 0)
		(void)pthread_join(w->runs[--w->n_threads].thread, NULL);
	lock_take(&v->lock);
	for (unsigned i = 0; i < WALKS; i++)
		end_locked(v, &w->walks[i]);
	lock_drop(&v->lock);
}
