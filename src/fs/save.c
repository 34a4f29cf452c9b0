/* fs/save.c - sends local content to the service: the threads and their queue. */
#include "config.h"

#include "fs/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "cache/journal.h"
#include "cache/pending.h"
#include "fs/aside.h"
#include "fs/dir.h"
#include "fs/hold.h"
#include "fs/save_record.h"
#include "fs/upload.h"

#include "base/banned.h"

#define SAVE_THREADS 8

/* How long after the n-th failure in a row the next try follows. */
#define RETRY_FIRST_MS 5000
#define RETRY_MAX_MS   ((int64_t)300 * 1000)

/* --- the queue ------------------------------------------------------------ */

static void
enqueue_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	struct node_file *f = n->file;

	(void)node_ref_locked(v, n); /* that of the waiting list may be the last */
	if (f->due_ms != 0) {
		f->due_ms = 0;
		DL_DELETE2(v->waiting, n, save_prev, save_next);
		node_unref_locked(v, n);
	}
	if (f->queued) {
		node_unref_locked(v, n);
		return;
	}
	f->queued = true;
	DL_APPEND2(v->queue, n, save_prev, save_next);
	cond_signal(&v->work);
}

/* Takes n out of the queue and of the waiting list. */
static void
dequeue_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	struct node_file *f = n->file;

	if (f->queued) {
		f->queued = false;
		DL_DELETE2(v->queue, n, save_prev, save_next);
		node_unref_locked(v, n);
	}
	if (f->due_ms != 0) {
		f->due_ms = 0;
		DL_DELETE2(v->waiting, n, save_prev, save_next);
		node_unref_locked(v, n);
	}
}

void
save_later_locked(struct vfs *v, struct node *n, int64_t delay_ms)
{
	struct node_file *f = node_file_locked(v, n);

	if (f == NULL || f->queued)
		return;
	if (delay_ms <= 0) {
		enqueue_locked(v, n);
		return;
	}
	if (f->due_ms == 0) {
		(void)node_ref_locked(v, n);
		DL_APPEND2(v->waiting, n, save_prev, save_next);
	}
	f->due_ms = (uint64_t)(clock_mono_ms() + delay_ms);
	cond_signal(&v->work);
}

/* Moves what is due into the queue.  Returns ms until the next is due. */
static int64_t
queue_due_locked(struct vfs *v) REQUIRES(v->lock)
{
	uint64_t now = (uint64_t)clock_mono_ms();
	int64_t next_ms = 60000;
	struct node *n, *next;

	DL_FOREACH_SAFE2(v->waiting, n, next, save_next) {
		if (n->file->due_ms <= now)
			enqueue_locked(v, n);
		else if ((int64_t)(n->file->due_ms - now) < next_ms)
			next_ms = (int64_t)(n->file->due_ms - now);
	}
	return next_ms;
}

/* Is the object that n replaces just being renamed?  n would be renamed instead. */
static bool
is_in_the_way_locked(struct vfs *v, const struct node *n) REQUIRES(v->lock)
{
	struct node *aside = n->parent != NULL ?
	    dir_aside_locked(v, n->parent, n->name) : NULL;

	return aside != NULL && aside->file->saving;
}

/* The first node that may be worked on, which is saving from now on; its queue
 * reference is the caller's. */
static struct node *
pick_locked(struct vfs *v) REQUIRES(v->lock)
{
	struct node *n;

	DL_FOREACH2(v->queue, n, save_next) {
		if (n->file->saving || hold_is_frozen_locked(v, n) ||
		    is_in_the_way_locked(v, n))
			continue;
		n->file->queued = false;
		DL_DELETE2(v->queue, n, save_prev, save_next);
		/* At once: who freezes it must see that. */
		n->file->saving = true;
		v->saving++;
		return n;
	}
	return NULL;
}

/* --- one save ----------------------------------------------------------------- */

static int64_t
retry_delay_ms(unsigned failures)
{
	int64_t ms = RETRY_FIRST_MS;

	while (failures-- > 1 && ms < RETRY_MAX_MS)
		ms *= 2;
	return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

/* Would the same upload fail again until somebody does something? */
static bool
is_final(int err)
{
	switch (err) {
	case -ESTALE:
	case -EEXIST:
	case -EFBIG:
	case -EINVAL:
	case -EISDIR:
	case -ENOTDIR:
	case -ENAMETOOLONG:
		return true;
	default:
		return false;
	}
}

static void
settle_locked(struct vfs *v, struct node *n, uint64_t ticket, int ret)
    REQUIRES(v->lock)
{
	struct node_file *f = n->file;

	/* Without a name it is not tried again: that is the answer for those who
	 * asked meanwhile, too. */
	f->settled = n->parent != NULL ? ticket : f->tickets;
	f->result = ret;
	f->error = ret;
	if (ret == 0) {
		f->failures = 0;
		f->words[0] = '\0';
	} else if (n->parent != NULL && !f->moving) {
		f->failures++;
		if (!is_final(ret))
			save_later_locked(v, n, retry_delay_ms(f->failures));
	}
	cond_broadcast(&v->changed);
}

/* A scratch file that has outlived its delay becomes an ordinary one. */
static bool
wants_upload_locked(struct vfs *v, struct node *n, bool asked)
    REQUIRES(v->lock)
{
	if (n->parent == NULL || !node_is_dirty_locked(v, n) ||
	    n->file->torn != 0)
		return false;
	if (asked)
		return true;
	if (n->file->deferred && n->file->opens > 0)
		return false; /* after the last close */
	if (n->scratch == SCRATCH_NO)
		return true;
	if (n->scratch == SCRATCH_NEVER || n->file->opens > 0)
		return false;
	n->scratch = SCRATCH_NO;
	return true;
}

static bool
is_stopping(void *arg)
{
	struct vfs *v = arg;

	return v->stopping;
}

static void
save_one(struct vfs *v, struct node *n)
{
	struct call call = { .op = "upload", .class = CALL_BACKGROUND,
		.interrupted = is_stopping, .arg = v };
	struct node_file *f = n->file;
	uint64_t ticket;
	bool wanted, renames;
	int ret = 0;

	lock_take(&v->lock);
	ticket = f->tickets;
	renames = n->aside || n->delete_at_release;
	wanted = !renames && wants_upload_locked(v, n, ticket > f->settled);
	lock_drop(&v->lock);

	if (renames) {
		ret = aside_settle(v, &call, n);
	} else if (wanted) {
		counter_add(CTR_uploads_active, 1);
		ret = upload_node(v, &call, n);
		counter_add(CTR_uploads_active, -1);
		counter_add(ret == 0 ? CTR_uploads_total :
				       CTR_uploads_failed_total, 1);
	}
	if (wanted)
		ret = save_record_outcome(v, n, ret, call.words);
	save_record_reap(v); /* before those who wait go on */

	lock_take(&v->lock);
	f->saving = false;
	v->saving--;
	if (ret < 0 && call.words[0] != '\0')
		memcpy(f->words, call.words, sizeof(f->words));
	settle_locked(v, n, ticket, ret);
	save_drop_torn_locked(v, n);
	/* Changed again while it was sent, and nobody is left to close it. */
	if (ret == 0 && node_is_dirty_locked(v, n) && f->opens == 0 &&
	    n->scratch == SCRATCH_NO && n->parent != NULL)
		save_later_locked(v, n, 0);
	node_keep_content_locked(v, n);
	node_unref_locked(v, n);
	cond_broadcast(&v->work);
	lock_drop(&v->lock);
}

static void *
run(void *arg)
{
	struct vfs *v = arg;

	lock_take(&v->lock);
	while (!v->stopping) {
		int64_t next_ms = queue_due_locked(v);
		struct node *n = pick_locked(v);

		if (n == NULL) {
			(void)cond_wait_ms(&v->work, &v->lock, next_ms + 1);
			continue;
		}
		lock_drop(&v->lock);
		save_one(v, n);
		lock_take(&v->lock);
	}
	lock_drop(&v->lock);
	return NULL;
}

/* --- for operations ----------------------------------------------------------- */

int
save_now(struct vfs *v, struct call *call, struct node *n)
{
	struct node_file *f;
	uint64_t ticket;
	int ret;

	lock_take(&v->lock);
	f = n->file;
	if (f == NULL || (!node_is_dirty_locked(v, n) && !f->saving)) {
		lock_drop(&v->lock);
		return 0;
	}
	if (f->torn != 0) { /* it is never sent */
		ret = f->torn;
		lock_drop(&v->lock);
		return ret;
	}
	ticket = ++f->tickets;
	enqueue_locked(v, n);
	while (f->settled < ticket) {
		if (call_interrupted(call) || v->stopping) {
			lock_drop(&v->lock);
			return -EINTR;
		}
		(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
	}
	ret = f->result;
	memcpy(call->words, f->words, sizeof(call->words));
	lock_drop(&v->lock);
	return ret;
}

/* References to all that could be sent, in out (room for max); how many.  promised:
 * only what some close has promised to keep; the rest is not what a program meant
 * to leave behind. */
static size_t
unsent_locked(struct vfs *v, struct node **out, size_t max, bool promised)
    REQUIRES(v->lock)
{
	struct node *n, *next;
	size_t count = 0;

	HASH_ITER(hh_id, v->by_id, n, next) {
		if (count == max)
			break;
		if (n->parent != NULL && node_is_dirty_locked(v, n) &&
		    n->scratch == SCRATCH_NO && !is_final(n->file->error) &&
		    (!promised || n->file->flushed || n->file->opens == 0))
			out[count++] = node_ref_locked(v, n);
	}
	return count;
}

/* The error of a file that the service refuses for good; 0 when there is none. */
static int
refused_locked(struct vfs *v) REQUIRES(v->lock)
{
	struct node *n, *next;

	HASH_ITER(hh_id, v->by_id, n, next)
		if (n->parent != NULL && node_is_dirty_locked(v, n) &&
		    is_final(n->file->error))
			return n->file->error;
	return v->loose > 0 ? -ESTALE : 0;
}

static int
send_all(struct vfs *v, struct call *call, bool promised)
{
	struct node **all;
	size_t n;
	int ret = 0, refused;

	lock_take(&v->lock);
	all = calloc(v->dirty + 1, sizeof(struct node *));
	n = all != NULL ? unsent_locked(v, all, v->dirty + 1, promised) : 0;
	for (size_t i = 0; i < n; i++)
		enqueue_locked(v, all[i]);
	refused = refused_locked(v);
	lock_drop(&v->lock);
	for (size_t i = 0; i < n; i++) {
		int one = ret == -EINTR ? -EINTR : save_now(v, call, all[i]);

		if (ret == 0 || one == -EINTR)
			ret = one;
		node_unref(v, all[i]);
	}
	free(all);
	return ret == 0 ? refused : ret;
}

int
save_all(struct vfs *v, struct call *call)
{
	return send_all(v, call, false);
}

void
save_forget_locked(struct vfs *v, struct node *n)
{
	struct node_file *f = n->file;

	if (f == NULL)
		return;
	if (!f->saving) { /* else its thread says how it ended */
		f->settled = f->tickets;
		f->result = 0;
	}
	f->error = 0;
	save_record_drop_locked(v, n);
	(void)node_ref_locked(v, n);
	dequeue_locked(v, n);
	node_saved_locked(v, n, f->changes);
	node_unref_locked(v, n);
	cond_broadcast(&v->changed);
}

/* The program was told at its write; what the server has shows again. */
void
save_drop_torn_locked(struct vfs *v, struct node *n)
{
	struct node_file *f = n->file;

	if (f->torn == 0 || f->opens > 0 || f->saving)
		return;
	if (n->parent != NULL && node_is_dirty_locked(v, n)) {
		log_warn("save", "%s was not sent: the local disk was full or"
		    " broken while it was written", n->name);
		node_part_locked(v, n);
		save_forget_locked(v, n);
	} else {
		node_drop_content_locked(v, n);
		if (f->staged == NULL)
			f->torn = 0;
	}
}

/* --- threads -------------------------------------------------------------------- */

int
save_start(struct vfs *v)
{
	v->threads = calloc(SAVE_THREADS, sizeof(*v->threads));
	if (v->threads == NULL)
		return -ENOMEM;
	while (v->n_threads < SAVE_THREADS) {
		int err = pthread_create(&v->threads[v->n_threads], NULL, run,
		    v);

		if (err != 0 && v->n_threads == 0)
			return -err;
		if (err != 0)
			break; /* fewer do as well */
		v->n_threads++;
	}
	return 0;
}

struct deadline {
	int64_t at_ms;
};

static bool
is_over(void *arg)
{
	const struct deadline *d = arg;

	return clock_mono_ms() >= d->at_ms;
}

/* Names that are shown and are not the server's are due now. */
static void
hurry(struct vfs *v)
{
	struct node *n, *next;

	lock_take(&v->lock);
	HASH_ITER(hh_id, v->by_id, n, next) {
		if (n->aside || n->delete_at_release)
			save_later_locked(v, n, 0);
	}
	lock_drop(&v->lock);
}

unsigned
save_stop(struct vfs *v, int64_t timeout_ms)
{
	struct deadline end = { clock_mono_ms() + timeout_ms };
	struct call call = { .op = "unmount", .class = CALL_BACKGROUND,
		.interrupted = is_over, .arg = &end };
	struct node *n, *next;
	unsigned left = 0;

	hurry(v);
	(void)send_all(v, &call, true); /* what fails is counted below */
	lock_take(&v->lock);
	while ((v->queue != NULL || v->saving > 0) && !is_over(&end))
		(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
	v->stopping = true;
	cond_broadcast(&v->work);
	cond_broadcast(&v->changed);
	lock_drop(&v->lock);
	for (unsigned i = 0; i < v->n_threads; i++)
		(void)pthread_join(v->threads[i], NULL);
	free(v->threads);
	v->threads = NULL;
	v->n_threads = 0;

	lock_take(&v->lock);
	HASH_ITER(hh_id, v->by_id, n, next)
		left += n->parent != NULL && n->scratch == SCRATCH_NO &&
		    node_is_dirty_locked(v, n);
	left += v->loose;
	lock_drop(&v->lock);
	return left;
}
