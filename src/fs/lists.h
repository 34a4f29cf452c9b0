/* fs/lists.h: which listings are kept, and for how long.
 *
 * A listing lives in the node of its directory, which has a reference for as long:
 * what was read ahead is known to nobody else yet.  All of them together have at
 * most LISTS_ROWS rows and LISTS_BYTES bytes; the ones that were used least lately
 * go first, and those that are out of date for a while go in any case, unless they may
 * be shown while the service cannot be reached (-o offline).  Nodes have
 * attributes of their own, which outlive the listing that they came from. */
#ifndef FS_LISTS_H
#define FS_LISTS_H

#include "fs/node.h"

#define LISTS_ROWS  ((size_t)100000)
#define LISTS_BYTES ((size_t)64 << 20)

/* What readers of dir saw until now is not what they will see. */
void lists_differ_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock);

/* dir->dir->list is complete, as of asked_ms.  Others may have to go. */
void lists_keep_locked(struct vfs *v, struct node *dir, int64_t asked_ms)
    REQUIRES(v->lock);

/* It has changed, or is used: in the latter case readers see the same. */
void lists_touch_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock);

/* Nothing is known about dir's names any more.  dir may go with it, if the listing had
 * the last reference. */
void lists_forget_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock);

/* Something may have happened that dir's listing does not show: it is forgotten, but if
 * the service cannot be asked for another one, when it can. */
void lists_doubt_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock);

/* May dir's listing still answer? */
bool lists_is_fresh_locked(struct vfs *v, const struct node *dir)
    REQUIRES(v->lock);

#endif
