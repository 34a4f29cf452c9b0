/* backend/dbfs_move.c - renames in DBFS. */
#include "config.h"

#include "backend/dbfs_move.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hidden.h"
#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/journal.h"
#include "rest/api_dbfs.h"

#include "base/banned.h"

/* A move that was certainly not done is asked for again, so often in all. */
#define MOVE_TRIES 4

/* Is something at path?  1, 0, or the error that leaves it open. */
static int
exists(struct rest *rest, struct call *call, const char *path)
{
	struct api_dbfs_info info;
	int ret;

	ret = api_dbfs_get_status(rest, call, path, &info);
	return ret == 0 ? 1 : ret == -ENOENT ? 0 : ret;
}

/* Tells what became of a move whose answer was lost: 0, it was done; 1, it was not,
 * and may be asked for again; or its error. */
static int
look_at_both(struct rest *rest, const struct call *call, const char *from,
    const char *to, int ret)
{
	struct call look = call_copy(call);
	int from_there, to_there;

	from_there = exists(rest, &look, from);
	to_there = exists(rest, &look, to);
	if (from_there == 0 && to_there == 1)
		return 0;
	/* One that ran into a time-out may still be under way. */
	if (from_there == 1 && to_there == 0 && ret != -ETIMEDOUT)
		return 1;
	if (from_there == 1 && to_there == 1)
		log_warn("dbfs", "the move of %s to %s was cut off and may be"
		    " half done: look at both", from, to);
	return ret;
}

int
dbfs_move(struct rest *rest, struct call *call, const char *from,
    const char *to)
{
	int ret, done = 1;

	for (int i = 0; i < MOVE_TRIES && done == 1; i++) {
		bool unknown = false;

		ret = api_dbfs_move(rest, call, from, to, &unknown);
		if (ret == 0 || !unknown || ret == -EINTR)
			return ret;
		done = look_at_both(rest, call, from, to, ret);
	}
	return done == 1 ? ret : done;
}

/* Did the service say that it would not? */
static bool
is_refusal(int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
	case -EEXIST:
	case -EINVAL:
	case -ENOENT:
	case -ENAMETOOLONG:
		return true;
	default:
		return false;
	}
}

/* --- replace ---------------------------------------------------------------- */

struct replace {
	struct journal *journal;
	uint64_t subject;
	const char *from, *to;
	uint64_t size; /* of from */
	char *aside;
};

static int
note_step(const struct replace *r, const char *step)
{
	struct json_object *p = json_object_new_object();
	int ret;

	ret = jval_add_str(p, "tree", "dbfs");
	if (ret == 0)
		ret = jval_add_str(p, "source", r->from);
	if (ret == 0)
		ret = jval_add_str(p, "target", r->to);
	if (ret == 0)
		ret = jval_add_str(p, "aside", r->aside);
	if (ret == 0)
		ret = jval_add_i64(p, "size", (int64_t)r->size);
	if (ret == 0)
		ret = jval_add_str(p, "step", step);
	if (ret == 0)
		ret = jval_add_i64(p, "ms", clock_real_ms());
	if (ret == 0)
		ret = journal_write(r->journal, JOURNAL_REPLACE, r->subject, p,
		    true);
	json_object_put(p);
	return ret;
}

/* The source could not take the target's place: the target goes back. */
static void
put_back(struct rest *rest, struct call *call, const struct replace *r)
{
	struct call again = call_copy(call);
	int ret;

	again.words[0] = '\0'; /* the first failure's words are the caller's */
	ret = dbfs_move(rest, &again, r->aside, r->to);
	if (ret == 0) {
		journal_end(r->journal, r->subject);
		return;
	}
	log_error("dbfs", "%s is at %s now and could not be moved back yet: %s",
	    r->to, r->aside, again.words[0] != '\0' ? again.words :
						       strerror(-ret));
	journal_leave(r->journal, r->subject);
}

int
dbfs_replace(struct rest *rest, struct journal *journal, struct call *call,
    const char *from, const char *to, uint64_t size)
{
	struct replace r = { .journal = journal, .from = from, .to = to,
		.size = size };
	struct call steady = call_steady(call);
	int ret;

	r.subject = journal_subject(journal);
	r.aside = hidden_sibling(to);
	if (r.aside == NULL)
		return -ENOMEM;
	ret = note_step(&r, "begin");
	if (ret < 0) {
		journal_end(journal, r.subject);
		goto out;
	}
	ret = dbfs_move(rest, &steady, to, r.aside);
	if (ret == -ENOENT) { /* somebody has deleted the target */
		ret = dbfs_move(rest, &steady, from, to);
		journal_end(journal, r.subject);
		goto out;
	}
	if (ret < 0) {
		/* Unless it was refused, it may be done all the same, or later. */
		if (is_refusal(ret))
			journal_end(journal, r.subject);
		else
			journal_leave(journal, r.subject);
		goto out;
	}
	ret = note_step(&r, "aside");
	if (ret == 0)
		ret = dbfs_move(rest, &steady, from, to);
	if (ret < 0) {
		put_back(rest, &steady, &r);
		goto out;
	}
	(void)note_step(&r, "moved"); /* logged; the healer looks anyway */
	if (api_dbfs_delete(rest, &steady, r.aside, false) < 0) {
		log_warn("dbfs", "%s, replaced by %s, could not be deleted",
		    r.aside, to);
		journal_leave(journal, r.subject);
		goto out;
	}
	journal_end(journal, r.subject);
out:
	memcpy(call->words, steady.words, sizeof(call->words));
	free(r.aside);
	return ret;
}
