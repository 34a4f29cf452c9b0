/* base/call.h: what travels with a call from its caller to wherever it waits.
 *
 * Every function that may block for long takes a struct call.  It must look at
 * call_interrupted() at least ten times a second while it waits, and return
 * -EINTR when that is true: so Ctrl-C ends a stuck program at once. */
#ifndef BASE_CALL_H
#define BASE_CALL_H

#include <stdbool.h>
#include <stddef.h>

/* How often a wait looks up. */
#define CALL_TICK_MS 100

enum call_class {
	CALL_DEMAND,	 /* a program waits for it */
	CALL_BACKGROUND, /* nobody waits: uploads after release, retries */
	CALL_AHEAD,	 /* read-ahead: given up first */
};

#define CALL_WORDS 256

struct call {
	const char *op; /* the operation, for .control/errors; static */
	enum call_class class;
	bool (*interrupted)(void *arg); /* NULL: never */
	void *arg;

	/* What went wrong, in the service's own words; "" when nothing did.
	 * Filled where the failure is first known. */
	char words[CALL_WORDS];
};

static inline bool
call_interrupted(const struct call *call)
{
	return call->interrupted != NULL && call->interrupted(call->arg);
}

#endif
