/* base/call.h: what travels with a call from its caller to wherever it waits.
 *
 * Every function that may block for long takes a struct call.  It must look at
 * call_interrupted() at least ten times a second while it waits, and return
 * -EINTR when that is true: so Ctrl-C ends a stuck program at once.
 *
 * What must not be left in the middle (a replace in steps) waits with a call from
 * call_steady() instead: an interrupt lets the program go, and the work goes on. */
#ifndef BASE_CALL_H
#define BASE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How often a wait looks up. */
#define CALL_TICK_MS 100

enum call_class {
	CALL_DEMAND,	 /* a program waits for it */
	CALL_BACKGROUND, /* nobody waits: uploads after release, retries */
	CALL_AHEAD,	 /* read-ahead: given up first */
	CALL_CLASSES
};

#define CALL_WORDS 256

struct call {
	const char *op; /* the operation, for .control/errors; static */
	enum call_class class; /* by call_class() once it is under way */
	bool (*interrupted)(void *arg); /* NULL: never */
	/* Tells the program -EINTR now, before the work ends; by the thread that
	 * does the work, any number of times.  NULL: it has to wait. */
	void (*let_go)(void *arg);
	void *arg; /* of both */
	bool probe; /* goes though the service cannot be reached (base/reach.h) */

	/* Grows by what it spends in queues of ours: for a place in the rate limit, for
	 * a connection. */
	int64_t queued_ms;

	/* What went wrong, in the service's own words; "" when nothing did.
	 * Filled where the failure is first known. */
	char words[CALL_WORDS];
};

/* Whoever queues calls looks at this whenever it chooses, not once: a program may
 * begin to wait for what was read ahead. */
static inline enum call_class
call_class(const struct call *call)
{
	return __atomic_load_n(&call->class, __ATOMIC_RELAXED);
}

static inline void
call_promote(struct call *call)
{
	__atomic_store_n(&call->class, CALL_DEMAND, __ATOMIC_RELAXED);
}

/* For a step of it that says its own words.  Plain assignment would race with a
 * promotion, which the copy does not get. */
static inline struct call
call_copy(const struct call *call)
{
	struct call copy = {
		.op = call->op,
		.class = call_class(call),
		.interrupted = call->interrupted,
		.let_go = call->let_go,
		.arg = call->arg,
		.queued_ms = call->queued_ms,
	};

	memcpy(copy.words, call->words, sizeof(copy.words));
	return copy;
}

static inline bool
call_interrupted(const struct call *call)
{
	return call->interrupted != NULL && call->interrupted(call->arg);
}

static inline bool
call_steady_interrupted(void *arg)
{
	const struct call *outer = arg;

	if (call_interrupted(outer) && outer->let_go != NULL)
		outer->let_go(outer->arg);
	return false;
}

/* As outer, which must outlive it, but never interrupted itself. */
static inline struct call
call_steady(struct call *outer)
{
	struct call call = call_copy(outer);

	call.interrupted = call_steady_interrupted;
	call.let_go = NULL;
	call.arg = outer;
	return call;
}

#endif
