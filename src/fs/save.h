/* fs/save.h: sends local content to the service.
 *
 * A few threads upload, so that a program that waits for its close can be
 * interrupted while the upload goes on.  A file has at most one upload at a time;
 * writers of it wait meanwhile (cache/staging.h).  What fails stays in staging, is
 * listed as pending and tried again; what the service refuses for good stays until
 * a person decides.
 *
 * What somebody waits for goes first, in the order in which it was asked for, and its
 * requests have the class of a program's (CALL_DEMAND), also when the waiting begins in
 * the middle; what nobody waits for follows, in the order in which it is due, as
 * CALL_BACKGROUND. */
#ifndef FS_SAVE_H
#define FS_SAVE_H

#include "fs/node.h"

/* Asks for an upload and waits for it: 0, the upload's error, or -EINTR (it goes
 * on).  Nothing to send is success.  call->words has the service's words. */
int save_now(struct vfs *v, struct call *call, struct node *n);

/* Before n's content or name is changed: if an earlier mount left it, which may or may
 * not have sent it, it is sent first, so that what the server has is known to be ours.
 * A failure of that is none of this; -EINTR.  n is not frozen. */
int save_taken(struct vfs *v, struct call *call, struct node *n);

/* The files that were being renamed when an earlier mount ended: until each is sent, its
 * old name shows what the service had before. */
void save_cut_off(struct vfs *v, struct call *call);

/* Asks for an upload that nobody waits for; delay_ms 0: at once. */
void save_later_locked(struct vfs *v, struct node *n, int64_t delay_ms)
    REQUIRES(v->lock);

/* The same when nobody has n open any more: at once, or as long after as -o writeback
 * says, from the last such call on. */
void save_put_off_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

/* n's changes will not be sent: it was deleted, or its content dropped. */
void save_forget_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

/* Content that nobody has open any more and that a failed write has torn is dropped,
 * unless it is being saved: then that calls this again.  When it was promised before it
 * was torn, it stays, for the next mount. */
void save_drop_torn_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

/* Sends everything dirty that may be sent, and waits. -EINTR, or the first error. */
int save_all(struct vfs *v, struct call *call);

/* The local disk is full: what -o writeback has put off is sent now.  Waits until one file
 * has been, or has failed; false when it is no use to call again: nothing is on its way,
 * it is until_ms (monotonic), or the call is interrupted. */
bool save_drain_some(struct vfs *v, struct call *call, int64_t until_ms);

/* The threads: save_stop sends what some close has promised, for at most timeout_ms,
 * and ends them; returns how many files the server still lacks. */
int save_start(struct vfs *v) WARN_UNUSED;
unsigned save_stop(struct vfs *v, int64_t timeout_ms);

#endif
