/* fs/hold.h: keeps names as they are while one of them is changed.
 *
 * A rename, a removal or a new directory holds the directories that it is in.  What is
 * renamed or removed is frozen: nothing at or below it is sent, and no name below it
 * changes, since an upload or a mkdir that comes late would make again what is gone
 * from its place.  Meanwhile the service may show what we do not know yet; so a look
 * at a frozen name is answered from what is known. */
#ifndef FS_HOLD_H
#define FS_HOLD_H

#include "fs/node.h"

/* A change of names in dir begins and ends: no directory at or above it is renamed or
 * removed meanwhile.  other is where a rename goes to, dir itself perhaps: until it has
 * ended no other change begins in either.  The kernel sees to that, too, but not when
 * it believes that the rename was interrupted (gate_let_go).  -ETIMEDOUT: nobody can
 * tell where the directory is, and the service does not say. */
int hold_begin(struct vfs *v, struct call *call, struct node *dir,
    struct node *other);
void hold_end(struct vfs *v, struct node *dir, struct node *other);

/* Waits until nothing at or below n is being sent or changes its name, and keeps it
 * so until thaw. */
int hold_freeze(struct vfs *v, struct call *call, struct node *n);
void hold_thaw(struct vfs *v, struct node *n);

/* Is n, or a directory above it, being renamed or removed?  Then what the service
 * says about it may be what we are about to know. */
bool hold_is_frozen_locked(struct vfs *v, const struct node *n)
    REQUIRES(v->lock);
/* Waits until it is not; -EINTR. */
int hold_await_thaw_locked(struct vfs *v, struct call *call, struct node *n)
    REQUIRES(v->lock);

#endif
