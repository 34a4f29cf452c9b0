/* fs/notifier.h: tells the kernel to forget names, and what is in files.
 *
 * When a name shows something else without the kernel's doing (an upload that met
 * another version, content that was given up), the kernel must look it up again.
 * The call takes locks that the caller of an operation may hold, so it is made by
 * a thread of its own, with no lock of ours held, and nobody waits for it (but see
 * notifier_settle). */
#ifndef FS_NOTIFIER_H
#define FS_NOTIFIER_H

#include <stdint.h>

#include <fuse_lowlevel.h>

#include "base/attr.h"
#include "base/call.h"

struct notifier;

/* Does what is due by the clock (monotonic, ms); returns when there will be more,
 * INT64_MAX: nothing as yet.  Called by the notifier's thread, without a lock. */
typedef int64_t notifier_due_fn(void *ctx);

int notifier_new(notifier_due_fn *due, void *ctx,
    struct notifier **out) WARN_UNUSED;

/* The session must live until notifier_stop, which drops what is still queued. */
int notifier_start(struct notifier *n, struct fuse_session *session) WARN_UNUSED;
void notifier_stop(struct notifier *n);
void notifier_free(struct notifier *n); /* stopped, or never started */

/* Name in the directory of that number.  Any thread, any lock held; NULL and a
 * notifier that does not run do nothing. */
void notifier_name(struct notifier *n, uint64_t parent, const char *name);

/* The attributes and pages of the inode of that number; likewise. */
void notifier_inode(struct notifier *n, uint64_t id);

/* Waits until the kernel was told what is queued now, for at most wait_ms: it may be
 * waiting for an operation that waits for the caller's.  Not for operations on files
 * and directories, whose callers hold locks.  0 or -EINTR. */
int notifier_settle(struct notifier *n, struct call *call, int64_t wait_ms);

/* Something will be due at that time; any thread. */
void notifier_due(struct notifier *n, int64_t at_ms);

#endif
