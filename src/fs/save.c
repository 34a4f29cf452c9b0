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
#include "base/reach.h"
#include "base/text.h"
#include "cache/journal.h"
#include "cache/pending.h"
#include "fs/aside.h"
#include "fs/dir.h"
#include "fs/hold.h"
#include "fs/save_record.h"
#include "fs/upload.h"

#include "base/banned.h"

/* Uploads at once.  Some threads are left for files whose program waits, and for
 * those that have not failed yet: a few that nobody can send delay nobody else. */
#define SAVE_THREADS 16
#define UNASKED_MAX  8
#define AGAIN_MAX    4

/* A file that is saved again and again is put off for at most so many times -o
 * writeback. */
#define PUT_OFF_TIMES 10

/* How long a file that is being written is left alone. */
#define BUSY_MS 1000

/* How long after the n-th failure in a row the next try follows. */
#define RETRY_FIRST_MS 5000
#define RETRY_MAX_MS   ((int64_t)300 * 1000)

/* How often it is looked whether a service that was lost is back. */
#define BACK_MS 1000

/* --- the queue ------------------------------------------------------------ */

/* Takes n out of the lists that it is in. */
static void
dequeue_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	struct node_file *f = n->file;
	struct node **list = f->due_ms != 0 ? &v->waiting :
	    f->asked ? &v->asked : &v->queue;

	if (!f->queued && f->due_ms == 0)
		return;
	f->queued = f->asked = false;
	f->due_ms = 0;
	DL_DELETE2(*list, n, file->save_prev, file->save_next);
	node_unref_locked(v, n);
}

/* asked: somebody waits for it. */
static void
enqueue_locked(struct vfs *v, struct node *n, bool asked) REQUIRES(v->lock)
{
	struct node_file *f = n->file;

	if (f->queued && f->asked >= asked)
		return;
	(void)node_ref_locked(v, n); /* that of its list may be the last */
	dequeue_locked(v, n);
	f->queued = true;
	f->asked = asked;
	if (asked)
		DL_APPEND2(v->asked, n, file->save_prev, file->save_next);
	else
		DL_APPEND2(v->queue, n, file->save_prev, file->save_next);
	cond_signal(&v->work);
}

void
save_later_locked(struct vfs *v, struct node *n, int64_t delay_ms)
{
	struct node_file *f = node_file_locked(v, n);
	struct node *before;

	if (f == NULL || f->queued)
		return;
	if (delay_ms <= 0) {
		enqueue_locked(v, n, false);
		return;
	}
	if (f->due_ms == 0)
		(void)node_ref_locked(v, n);
	else
		DL_DELETE2(v->waiting, n, file->save_prev, file->save_next);
	f->due_ms = (uint64_t)(clock_mono_ms() + delay_ms);
	/* Most are due after all others. */
	before = v->waiting != NULL ? v->waiting->file->save_prev : NULL;
	while (before != NULL && before->file->due_ms > f->due_ms)
		before = before != v->waiting ? before->file->save_prev : NULL;
	if (before != NULL)
		DL_APPEND_ELEM2(v->waiting, before, n, file->save_prev, file->save_next);
	else
		DL_PREPEND2(v->waiting, n, file->save_prev, file->save_next);
	cond_signal(&v->work);
}

void
save_put_off_locked(struct vfs *v, struct node *n)
{
	int64_t delay_ms = v->config.writeback_ms, now = clock_mono_ms();
	struct node_file *f = node_file_locked(v, n);

	if (f == NULL)
		return;
	if (delay_ms > 0 && f->latest_ms == 0)
		f->latest_ms = (uint64_t)(now + PUT_OFF_TIMES * delay_ms);
	if (delay_ms > 0 && now + delay_ms > (int64_t)f->latest_ms)
		delay_ms = (int64_t)f->latest_ms - now;
	save_later_locked(v, n, delay_ms);
}

/* What has failed is due when a service that was lost is back. */
static void
queue_failed_locked(struct vfs *v) REQUIRES(v->lock)
{
	struct node *n, *next;

	DL_FOREACH_SAFE2(v->waiting, n, next, file->save_next)
		if (n->file->failures > 0)
			enqueue_locked(v, n, false);
}

/* Moves what is due into the queue.  Returns ms until the next is due. */
static int64_t
queue_due_locked(struct vfs *v) REQUIRES(v->lock)
{
	uint64_t now = (uint64_t)clock_mono_ms();
	bool lost = reach_is_lost(v->config.reach);
	int64_t next_ms = lost && v->waiting != NULL ? BACK_MS : 60000;

	if (v->was_lost && !lost)
		queue_failed_locked(v);
	v->was_lost = lost;
	while (v->waiting != NULL && v->waiting->file->due_ms <= now)
		enqueue_locked(v, v->waiting, false);
	if (v->waiting != NULL &&
	    (int64_t)(v->waiting->file->due_ms - now) < next_ms)
		next_ms = (int64_t)(v->waiting->file->due_ms - now);
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

/* The first node of a list that may be worked on; NULL: there is none. */
static struct node *
first_ready_locked(struct vfs *v, struct node *list, bool asked)
    REQUIRES(v->lock)
{
	struct node *n;

	DL_FOREACH2(list, n, file->save_next) {
		if (n->file->saving || hold_is_frozen_locked(v, n) ||
		    is_in_the_way_locked(v, n))
			continue;
		if (asked || n->file->failures == 0 || v->again < AGAIN_MAX)
			return n;
	}
	return NULL;
}

/* A save under way. */
struct save {
	struct node *n; /* a reference */
	bool asked, again; /* when it began */
};

/* Takes the node whose turn it is, which is saving from now on. */
static bool
pick_locked(struct vfs *v, struct save *out) REQUIRES(v->lock)
{
	struct node *n = first_ready_locked(v, v->asked, true);

	if (n == NULL && v->unasked < UNASKED_MAX)
		n = first_ready_locked(v, v->queue, false);
	if (n == NULL)
		return false;
	*out = (struct save){ node_ref_locked(v, n), n->file->asked,
		n->file->failures > 0 };
	dequeue_locked(v, n);
	/* At once: who freezes it must see that. */
	n->file->saving = true;
	v->saving++;
	v->unasked += !out->asked;
	v->again += out->again;
	return true;
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
		free(f->words);
		f->words = NULL;
	} else if (n->parent != NULL && !f->moving) {
		f->failures++;
		if (!is_final(ret))
			save_later_locked(v, n, retry_delay_ms(f->failures));
	}
	cond_broadcast(&v->changed);
}

/* Is a program in the middle of writing it?  Nobody asked for what is there now.  One
 * that does not end is put off only for so long. */
static bool
is_being_written_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	int64_t step_ms = v->config.writeback_ms > BUSY_MS ?
	    v->config.writeback_ms : BUSY_MS;
	uint64_t now = (uint64_t)clock_mono_ms();
	struct node_file *f = n->file;

	if (f->writers == 0 || f->told == f->changes)
		return false;
	if (f->latest_ms == 0)
		f->latest_ms = now + (uint64_t)(PUT_OFF_TIMES * step_ms);
	return now < f->latest_ms;
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
	if (is_being_written_locked(v, n)) {
		save_later_locked(v, n, BUSY_MS);
		return false;
	}
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

/* Whether it is to be sent, as it is now, when it is frozen, and the ticket that this
 * answers. */
static bool
begin_locked(struct vfs *v, const struct save *s, struct call *call,
    uint64_t *ticket) REQUIRES(v->lock)
{
	struct node_file *f = s->n->file;
	bool asked = f->tickets > f->settled, wanted;

	*ticket = f->tickets;
	f->sending = call;
	if (asked) /* a program waits, as it does for a read */
		call_promote(call);
	wanted = !s->n->aside && !s->n->delete_at_release &&
	    wants_upload_locked(v, s->n, asked);
	if (wanted && f->pending != NULL)
		pending_set(v->config.pending, f->pending, PENDING_UPLOADING,
		    NULL);
	return wanted;
}

static void
end_locked(struct vfs *v, const struct save *s, const struct call *call,
    uint64_t ticket, int ret) REQUIRES(v->lock)
{
	struct node *n = s->n;
	struct node_file *f = n->file;

	f->saving = false;
	f->sending = NULL;
	v->saves++;
	v->saving--;
	v->unasked -= !s->asked;
	v->again -= s->again;
	if (ret < 0 && call->words[0] != '\0') {
		free(f->words);
		f->words = text_dup(call->words);
	}
	settle_locked(v, n, ticket, ret);
	save_drop_torn_locked(v, n);
	/* Changed again while it was sent, and nobody is left to close it. */
	if (ret == 0 && node_is_dirty_locked(v, n) && f->opens == 0 &&
	    n->scratch == SCRATCH_NO && n->parent != NULL)
		save_put_off_locked(v, n);
	node_keep_content_locked(v, n);
	node_unref_locked(v, n);
	cond_broadcast(&v->work);
}

static void
save_one(struct vfs *v, const struct save *s)
{
	struct call call = { .op = "upload", .class = CALL_BACKGROUND,
		.interrupted = is_stopping, .arg = v };
	struct node *n = s->n;
	struct staged *staged = NULL;
	uint64_t ticket;
	bool wanted, renames, was_scratch;
	int ret = 0;

	/* Who saves it keeps it; it may get it as we look. */
	lock_take(&v->lock);
	while (staged == NULL && n->file->staged != NULL) {
		staged = staged_ref(n->file->staged);
		lock_drop(&v->lock);
		staged_freeze(staged);
		lock_take(&v->lock);
	}
	renames = n->aside || n->delete_at_release;
	was_scratch = n->scratch != SCRATCH_NO;
	wanted = begin_locked(v, s, &call, &ticket);
	/* Torn since somebody has asked: that is the answer. */
	if (!wanted && ticket > n->file->settled && n->parent != NULL &&
	    node_is_dirty_locked(v, n))
		ret = n->file->torn;
	was_scratch = was_scratch && n->scratch == SCRATCH_NO;
	lock_drop(&v->lock);

	/* The next mount must know that the server may have it. */
	if (wanted && was_scratch)
		(void)save_record_promise(v, n, true); /* logged */

	if (wanted) {
		counter_add(CTR_uploads_active, 1);
		ret = upload_node(v, &call, n);
	}
	if (staged != NULL)
		staged_thaw(staged);
	staged_unref(staged);
	if (renames) {
		ret = aside_settle(v, &call, n);
	} else if (wanted) {
		if (ret == 0)
			aside_drop_old(v, &call, n);
		counter_add(CTR_uploads_active, -1);
		counter_add(ret == 0 ? CTR_uploads_total :
				       CTR_uploads_failed_total, 1);
	}
	if (wanted)
		ret = save_record_outcome(v, n, ret, call.words);
	save_record_reap(v); /* before those who wait go on */

	lock_take(&v->lock);
	n->file->taken = n->file->taken && !wanted;
	if (wanted && ret == 0)
		n->file->latest_ms = 0;
	end_locked(v, s, &call, ticket, ret);
	lock_drop(&v->lock);
}

static void *
run(void *arg)
{
	struct vfs *v = arg;
	struct save s;

	lock_take(&v->lock);
	while (!v->stopping) {
		int64_t next_ms = queue_due_locked(v);

		if (!pick_locked(v, &s)) {
			(void)cond_wait_ms(&v->work, &v->lock, next_ms + 1);
			continue;
		}
		lock_drop(&v->lock);
		save_one(v, &s);
		lock_take(&v->lock);
	}
	lock_drop(&v->lock);
	return NULL;
}

/* --- for operations ----------------------------------------------------------- */

/* A file whose upload somebody has asked for. */
struct asked {
	struct node *n; /* a reference, borrowed by save_now */
	uint64_t ticket; /* 0: nothing is to be sent */
	int ret; /* why it never is; 0 */
};

static void
ask_locked(struct vfs *v, const struct call *call, struct asked *a)
    REQUIRES(v->lock)
{
	struct node_file *f = a->n->file;

	a->ticket = 0;
	a->ret = 0;
	if (f == NULL || (!node_is_dirty_locked(v, a->n) && !f->saving))
		return;
	a->ret = f->torn; /* it is never sent */
	if (a->ret < 0)
		return;
	a->ticket = ++f->tickets;
	enqueue_locked(v, a->n, true);
	if (f->sending != NULL && call_class(call) == CALL_DEMAND)
		call_promote(f->sending);
}

static int
await_locked(struct vfs *v, struct call *call, const struct asked *a)
    REQUIRES(v->lock)
{
	struct node_file *f = a->n->file;

	if (a->ticket == 0)
		return a->ret;
	while (f->settled < a->ticket) {
		if (call_interrupted(call) || v->stopping)
			return -EINTR;
		(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
	}
	text_copy(call->words, sizeof(call->words),
	    f->words != NULL ? f->words : "");
	return f->result;
}

int
save_now(struct vfs *v, struct call *call, struct node *n)
{
	struct asked a = { .n = n };
	int ret;

	lock_take(&v->lock);
	ask_locked(v, call, &a);
	ret = await_locked(v, call, &a);
	lock_drop(&v->lock);
	return ret;
}

int
save_taken(struct vfs *v, struct call *call, struct node *n)
{
	bool wanted;

	lock_take(&v->lock);
	wanted = n->file != NULL && n->file->taken && n->parent != NULL &&
	    n->scratch == SCRATCH_NO;
	lock_drop(&v->lock);
	return wanted && save_now(v, call, n) == -EINTR ? -EINTR : 0;
}

/* The first file that was being renamed when an earlier mount ended, with a reference. */
static struct node *
cut_off_locked(struct vfs *v, size_t *at) REQUIRES(v->lock)
{
	struct node *n;

	while ((n = node_next_locked(v, at)) != NULL)
		if (n->file != NULL && n->file->taken &&
		    n->file->drop != NULL && n->parent != NULL)
			return node_ref_locked(v, n);
	return NULL;
}

void
save_cut_off(struct vfs *v, struct call *call)
{
	struct node *n;
	size_t at = 0;
	int ret = 0;

	while (ret != -EINTR) {
		lock_take(&v->lock);
		n = cut_off_locked(v, &at);
		lock_drop(&v->lock);
		if (n == NULL)
			break;
		ret = save_taken(v, call, n);
		node_unref(v, n);
	}
}

static int
by_age(const void *a, const void *b)
{
	const struct asked *x = a, *y = b;

	return x->n->id < y->n->id ? -1 : 1;
}

/* References to all that could be sent, in out (room for max), the first made first;
 * how many.  promised: only what some close has promised to keep; the rest is not what
 * a program meant to leave behind. */
static size_t
unsent_locked(struct vfs *v, struct asked *out, size_t max, bool promised)
    REQUIRES(v->lock)
{
	struct node *n;
	size_t count = 0, at = 0;

	while ((n = node_next_locked(v, &at)) != NULL) {
		if (count == max)
			break;
		/* What was sent may still have to go under an old name. */
		if (n->parent != NULL && (node_is_dirty_locked(v, n) ||
			(n->file != NULL && n->file->saving)) &&
		    n->scratch == SCRATCH_NO && !is_final(n->file->error) &&
		    (!promised || n->file->flushed || n->file->opens == 0))
			out[count++].n = node_ref_locked(v, n);
	}
	qsort(out, count, sizeof(*out), by_age);
	return count;
}

/* The error of a file that the service refuses for good; 0 when there is none. */
static int
refused_locked(struct vfs *v) REQUIRES(v->lock)
{
	struct node *n;
	size_t at = 0;

	while ((n = node_next_locked(v, &at)) != NULL)
		if (n->parent != NULL && node_is_dirty_locked(v, n) &&
		    is_final(n->file->error))
			return n->file->error;
	return v->loose > 0 ? -ESTALE : 0;
}

/* All are asked for before the first is waited for. */
static int
send_all(struct vfs *v, struct call *call, bool promised)
{
	struct asked *all;
	size_t n, max;
	int ret = 0, refused;

	lock_take(&v->lock);
	max = v->dirty + v->saving;
	all = calloc(max + 1, sizeof(*all));
	n = all != NULL ? unsent_locked(v, all, max, promised) : 0;
	for (size_t i = 0; i < n; i++)
		ask_locked(v, call, &all[i]);
	refused = refused_locked(v);
	for (size_t i = 0; i < n && ret != -EINTR; i++) {
		char words[CALL_WORDS];
		int one;

		memcpy(words, call->words, sizeof(words));
		one = await_locked(v, call, &all[i]);
		if (ret == 0 || one == -EINTR)
			ret = one;
		else
			memcpy(call->words, words, sizeof(call->words));
	}
	for (size_t i = 0; i < n; i++)
		node_unref_locked(v, all[i].n);
	lock_drop(&v->lock);
	free(all);
	if (ret != 0 || refused == 0)
		return ret;
	text_copy(call->words, sizeof(call->words),
	    "something waits for a person to decide, see .control/pending");
	return refused;
}

int
save_all(struct vfs *v, struct call *call)
{
	return send_all(v, call, false);
}

/* What is put off is due now, unless it has failed before, or would make no room: what
 * is open stays here. */
static void
hurry_put_off_locked(struct vfs *v) REQUIRES(v->lock)
{
	struct node *n, *next;

	DL_FOREACH_SAFE2(v->waiting, n, next, file->save_next)
		if (n->file->failures == 0 && n->scratch == SCRATCH_NO &&
		    n->file->opens == 0)
			enqueue_locked(v, n, false);
}

/* Is anything being sent that has not failed before, or about to be? */
static bool
is_draining_locked(struct vfs *v) REQUIRES(v->lock)
{
	struct node *n;

	if (v->saving > v->again || v->asked != NULL)
		return true;
	DL_FOREACH2(v->queue, n, file->save_next)
		if (n->file->failures == 0)
			return true;
	return false;
}

bool
save_drain_some(struct vfs *v, struct call *call, int64_t until_ms)
{
	uint64_t before;
	bool goes_on;

	lock_take(&v->lock);
	hurry_put_off_locked(v);
	before = v->saves;
	while ((goes_on = is_draining_locked(v) && !v->stopping &&
	    clock_mono_ms() < until_ms && !call_interrupted(call)) &&
	    v->saves == before)
		(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
	goes_on = goes_on || v->saves != before;
	lock_drop(&v->lock);
	return goes_on;
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
	f->latest_ms = 0;
	save_record_drop_locked(v, n);
	(void)node_ref_locked(v, n);
	dequeue_locked(v, n);
	node_saved_locked(v, n, f->changes);
	node_unref_locked(v, n);
	cond_broadcast(&v->changed);
}

/* Was any of n's content promised before it was torn?  The next mount finds that. */
static bool
is_owed_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	struct staged_seal promised;

	return n->parent != NULL && n->file->staged != NULL &&
	    node_is_dirty_locked(v, n) && n->file->told > n->file->saved &&
	    staged_promised(n->file->staged, &promised) &&
	    promised.seal.size > 0;
}

/* The program was told at its write; what the server has shows again. */
void
save_drop_torn_locked(struct vfs *v, struct node *n)
{
	struct node_file *f = n->file;

	if (f->torn == 0 || f->opens > 0 || f->saving)
		return;
	if (is_owed_locked(v, n)) {
		log_warn("save", "%s is not sent by this mount: the local disk was"
		    " full or broken while it was changed; the next one sends"
		    " what was closed before", n->name);
		return;
	}
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
	struct node *n;
	size_t at = 0;

	lock_take(&v->lock);
	while ((n = node_next_locked(v, &at)) != NULL) {
		if (n->aside || n->delete_at_release)
			save_later_locked(v, n, 0);
	}
	lock_drop(&v->lock);
}

static void
await_idle_locked(struct vfs *v, struct deadline *end) REQUIRES(v->lock)
{
	while ((v->queue != NULL || v->asked != NULL || v->saving > 0) &&
	    !is_over(end))
		(void)cond_wait_ms(&v->changed, &v->lock, CALL_TICK_MS);
}

unsigned
save_stop(struct vfs *v, int64_t timeout_ms)
{
	struct deadline end = { clock_mono_ms() + timeout_ms };
	struct call call = { .op = "unmount", .class = CALL_BACKGROUND,
		.interrupted = is_over, .arg = &end };
	struct node *n;
	unsigned left = 0;
	size_t at = 0;

	hurry(v);
	(void)send_all(v, &call, true); /* what fails is counted below */
	lock_take(&v->lock);
	await_idle_locked(v, &end);
	lock_drop(&v->lock);
	/* What was aside, and changed here, has its name on the server by now. */
	(void)send_all(v, &call, true);
	lock_take(&v->lock);
	await_idle_locked(v, &end);
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
	while ((n = node_next_locked(v, &at)) != NULL)
		left += n->parent != NULL && n->scratch == SCRATCH_NO &&
		    node_is_dirty_locked(v, n);
	left += v->loose;
	lock_drop(&v->lock);
	return left;
}
