/* fs/left.c - what an earlier mount left unsent. */
#include "config.h"

#include "fs/left.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "cache/journal.h"
#include "fs/heal.h"
#include "fs/left_impl.h"
#include "fs/save_record.h"

#include "base/banned.h"

int
vfs_left_collect(void *ctx, uint16_t type, uint64_t subject,
    struct json_object *payload)
{
	struct vfs_left *left = ctx;

	if (left->n == left->cap) {
		size_t cap = left->cap * 2 + 16;
		struct left_record *more;

		more = realloc(left->records, cap * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		left->records = more;
		left->cap = cap;
	}
	left->records[left->n] = (struct left_record){ .type = type,
		.subject = subject };
	if (type == JOURNAL_STAGED || type == JOURNAL_ASIDE)
		(void)jval_i64(payload, "over", &left->records[left->n].over);
	if (type == JOURNAL_STAGED)
		(void)jval_i64(payload, "unaside",
		    &left->records[left->n].unaside);
	left->n++;
	return 0;
}

uint64_t
vfs_left_subject(const struct vfs_left *left, size_t i)
{
	return left->records[i].subject;
}

void
vfs_left_release(struct vfs_left *left)
{
	free(left->records);
	*left = (struct vfs_left){ 0 };
}

/* Has r ended by what another record says?  Its own end may be lost. */
static bool
is_replaced(const struct vfs_left *left, const struct left_record *r)
{
	for (size_t i = 0; i < left->n; i++)
		if (left->records[i].over == (int64_t)r->subject ||
		    left->records[i].unaside == (int64_t)r->subject)
			return true;
	return false;
}

/* --- what is only here in part --------------------------------------------------- */

/* The next dirty file of which the rest is nowhere, with a reference. */
static struct node *
next_baseless_locked(struct vfs *v, size_t *at) REQUIRES(v->lock)
{
	struct node *n;

	while ((n = node_next_locked(v, at)) != NULL)
		if (n->parent != NULL && n->file != NULL &&
		    n->file->staged != NULL && n->file->base == NULL &&
		    node_is_dirty_locked(v, n) &&
		    !staged_complete(n->file->staged))
			return node_ref_locked(v, n);
	return NULL;
}

/* Its object was deleted, by us, and then it is gone, too; or a person must see it. */
static void
settle_baseless(struct vfs *v)
{
	struct node *n;
	size_t at = 0;

	do {
		lock_take(&v->lock);
		n = next_baseless_locked(v, &at);
		lock_drop(&v->lock);
		if (n != NULL)
			(void)save_record_outcome(v, n, -ESTALE, "");
		node_unref(v, n);
	} while (n != NULL);
	save_record_reap(v);
}

/* --- all of it ------------------------------------------------------------------ */

/* How long looking at the service may keep a mount, ms. */
#define LOOK_MS 5000

static bool
is_over(void *arg)
{
	const int64_t *until = arg;

	return clock_mono_ms() >= *until;
}

/* Records of one kind, as they are by now: a moved directory changes them. */
static void
take_each(struct vfs *v, struct call *call, const struct vfs_left *left,
    uint16_t wanted, unsigned found[LEFT_FOUND])
{
	for (size_t i = 0; i < left->n; i++) {
		uint64_t subject = left->records[i].subject;
		struct json_object *p = NULL;
		uint16_t type;

		if (left->records[i].type != wanted ||
		    journal_get(v->config.journal, subject, &type, &p) < 0)
			continue;
		if (wanted == JOURNAL_MOVE)
			left_move_settle(v, call, left, p, subject);
		else if (left_move_astray(v, left, p))
			found[LEFT_NOT_HERE]++;
		else if (wanted == JOURNAL_STAGED &&
		    is_replaced(left, &left->records[i]))
			left_file_drop(v, p, subject);
		else if (wanted == JOURNAL_STAGED)
			found[left_file_take(v, p, subject)]++;
		else if (wanted == JOURNAL_ASIDE &&
		    is_replaced(left, &left->records[i]))
			journal_end(v->config.journal, subject);
		else if (wanted == JOURNAL_ASIDE)
			left_aside_take(v, call, p, subject);
		else
			heal_add(v->heal, subject);
		json_object_put(p);
	}
}

static void
report(const unsigned found[LEFT_FOUND])
{
	static const char *const words[LEFT_FOUND] = {
		[LEFT_SENT_AGAIN] = "that an earlier mount had not sent: here again",
		[LEFT_KEPT] = "that an earlier mount had not finished: kept, see"
		    " .control/pending",
		[LEFT_NOT_HERE] = "of an earlier mount cannot be taken up, and stay on"
		    " the local disk",
	};

	for (size_t i = 0; i < LEFT_FOUND; i++)
		if (found[i] > 0)
			log_info("journal", "%u file%s %s", found[i],
			    found[i] == 1 ? "" : "s", words[i]);
}

bool
left_take(struct vfs *v, const struct vfs_left *left)
{
	/* Each of a kind before the next: files need to know where their
	 * directories are, and what was moved aside which files there are. */
	static const uint16_t order[] = { JOURNAL_MOVE, JOURNAL_STAGED,
		JOURNAL_ASIDE, JOURNAL_REPLACE, JOURNAL_DELETE };
	int64_t until = clock_mono_ms() + LOOK_MS;
	struct call call = { .op = "recover", .class = CALL_BACKGROUND,
		.interrupted = is_over, .arg = &until };
	unsigned found[LEFT_FOUND] = { 0 };
	bool known = true;

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		take_each(v, &call, left, order[i], found);
	settle_baseless(v);
	/* Others, of a later version, may name files. */
	for (size_t i = 0; i < left->n; i++)
		known = known && left->records[i].type <= JOURNAL_MOVE;
	report(found);
	return known && found[LEFT_NOT_HERE] == 0 &&
	    journal_was_whole(v->config.journal);
}
