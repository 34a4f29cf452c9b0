/* fs/heal.h: brings to an end what the journal says was left half done on the server.
 *
 * A replace in steps, or a hidden object that must go: left by a mount that died in the
 * middle, or by a call of this mount whose outcome nobody could tell.  The backend
 * knows what to do (backend_ops.heal); here is when.  What an earlier mount left is
 * looked after before the first answer, for a short time; what that does not settle,
 * and what is left later, by a thread, at once and then after growing pauses, until it
 * is settled or the mount ends.  What is not stays in the journal for the next mount. */
#ifndef FS_HEAL_H
#define FS_HEAL_H

#include <stdint.h>

#include "base/attr.h"
#include "base/call.h"

struct heal;
struct vfs;

/* Takes what is left in v's journal from now on. */
int heal_new(struct vfs *v, struct heal **out) WARN_UNUSED;
void heal_free(struct heal *h);

/* The record is left; any thread, no lock needed. */
void heal_add(struct heal *h, uint64_t subject);

/* The same for what this mount alone can settle: task() is called until it gives 0,
 * then, or when the mount is over, free_ctx(). */
typedef int heal_fn(void *ctx, struct call *call);
int heal_task(struct heal *h, heal_fn *task, void (*free_ctx)(void *ctx),
    void *ctx) WARN_UNUSED;

/* Before the first answer: tries each once, for at most timeout_ms in all. */
void heal_first(struct heal *h, int64_t timeout_ms);

int heal_start(struct heal *h) WARN_UNUSED;
void heal_stop(struct heal *h);

/* While a directory is moved, nothing is healed: the records name paths in it.
 * -EINTR: not paused. */
int heal_pause(struct heal *h, struct call *call) WARN_UNUSED;
void heal_resume(struct heal *h);

#endif
