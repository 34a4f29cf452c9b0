/* base/line.h: a line of calls that wait for something of which there is not enough.
 *
 * Whose turn it is: a program's call (CALL_DEMAND), then work that nobody waits for
 * (CALL_BACKGROUND), then what is read ahead (CALL_AHEAD); in a class who came first.
 * One turn in LINE_SHARE is the background's although programs wait, so that uploads
 * end some day.  A call may become more urgent while it waits (call_promote); its
 * place in its new class is by when it came.
 *
 * The owner of a line has a lock over it, and holds it in all of these. */
#ifndef BASE_LINE_H
#define BASE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/call.h"
#include "base/lock.h"

#define LINE_SHARE 8

/* In the frame of who waits. */
struct line_place {
	const struct call *call;
	struct cond turn; /* it may be the first now, or what it waits for is there */
	struct line_place *prev, *next;
};

/* Zeroed: empty. */
struct line {
	struct line_place *places; /* by when they came */
	unsigned passed; /* turns that the background has let others take */
};

/* Joins at the end.  What was joined must be left. */
void line_join(struct line *l, struct line_place *p, const struct call *call);

/* Served or not; wakes who is first then. */
void line_leave(struct line *l, struct line_place *p, bool served);

/* Whose turn it is; NULL: nobody waits. */
struct line_place *line_first(const struct line *l);

/* Something has changed for the first. */
void line_wake(const struct line *l);

/* Returns when woken, or after wait_ms, or a tick (base/call.h): whichever is first. */
void line_wait(struct line_place *p, struct lock *lock, int64_t wait_ms)
    REQUIRES(*lock);

/* How many wait, by class. */
void line_count(const struct line *l, unsigned out[CALL_CLASSES]);

#endif
