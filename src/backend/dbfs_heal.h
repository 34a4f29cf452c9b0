/* backend/dbfs_heal.h: brings to an end what a crash, or an answer that never came,
 * left half done in DBFS.
 *
 * A replace in steps (backend/dbfs_move.h) moves the target aside, under a hidden name
 * that nobody else has, moves the source to the target's place, and deletes what is
 * aside.  Its record names the three and the step that was begun.  What is there now
 * says what to do; S, T, A: there is something at source, target, aside.
 *
 *   step    S T A
 *   any     . . 0  nothing: it was not begun, is taken back, or is done.  While a
 *                  request may still be on its way: look again (-EAGAIN)
 *   moved   . . 1  delete A: the source has certainly got the target's place
 *   begin,  . 0 1  move A to T: the old content has its name again.  (S 0: somebody
 *   aside          took the source away, or the target after it was replaced; what
 *                  is aside may be all that is left of the content)
 *   aside   0 1 1  T is the source when it has the source's size: delete A.
 *                  Otherwise keep A
 *   aside   1 1 1  keep A: others made a target, or another source
 *   begin   . 1 1  keep A: others made a target
 *
 * "Keep" gives A a name that is shown, beside the target's: NAME.replaced-DIGITS,
 * where the digits are those of the hidden name, so that doing it twice is doing it
 * once.  So the target always has its old or its new content, whole; what is hidden
 * goes; and nothing is deleted but what has certainly been replaced.  Each step is
 * looked for again after a crash in the healing itself: it leaves the states above. */
#ifndef BACKEND_DBFS_HEAL_H
#define BACKEND_DBFS_HEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/call.h"

struct json_object;
struct rest;

/* How long a request that was under way when its program died, or gave up, may still
 * arrive, ms. */
#define DBFS_HEAL_LATE_MS ((int64_t)60 * 1000)

/* What healing asks the service for; 0 or -errno. */
struct dbfs_heal_calls {
	/* The size of what is at path, -1 for a directory; -ENOENT. */
	int (*look)(void *ctx, struct call *call, const char *path,
	    int64_t *size);
	/* To a free name; -EEXIST, -ENOENT. */
	int (*move)(void *ctx, struct call *call, const char *from,
	    const char *to);
	int (*remove)(void *ctx, struct call *call, const char *path);
	void *ctx;
};

/* As the backend's operation heal; now_ms by the wall clock. */
int dbfs_heal(const struct dbfs_heal_calls *calls, struct call *call,
    uint16_t type, struct json_object *record, int64_t now_ms, bool *changed)
    WARN_UNUSED;

/* On the service itself. */
int dbfs_heal_remote(struct rest *rest, struct call *call, uint16_t type,
    struct json_object *record, bool *changed) WARN_UNUSED;

#endif
