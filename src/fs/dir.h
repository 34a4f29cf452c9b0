/* fs/dir.h: finding names and listing directories.
 *
 * A complete listing answers for every name in it, and for every name that is not,
 * until it is older than the time-to-live; what this mount changes itself is
 * patched in at once.  A directory of which nothing is known is asked for one
 * name; the second name within some seconds lists it whole, which costs the same
 * and answers the rest. */
#ifndef FS_DIR_H
#define FS_DIR_H

#include "fs/node.h"

/* The node that parent shows as name; the caller gets a reference.  -ENOENT, or the
 * service's error. */
int dir_lookup(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node **out);

/* Like dir_lookup, but an absence that the service confirmed a moment ago is
 * believed: for making a new name right after the kernel looked it up. */
int dir_lookup_new(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node **out);

/* Makes what is known about n no older than its time-to-live; now: asks in any
 * case.  -ENOENT when the service has it no more.  When the service has
 * another version and n is open, n loses its name and keeps its old version. */
int dir_refresh(struct vfs *v, struct call *call, struct node *n, bool now);

/* The same with an answer that the caller has asked for at asked_ms: ret, and e when
 * that is 0, about was, which was n's remote. */
int dir_answer_locked(struct vfs *v, struct node *n, const struct entry *was,
    struct entry *e, int ret, int64_t asked_ms) REQUIRES(v->lock);

/* For how long the kernel may believe that dir lacks a name, as was just found. */
int64_t dir_absent_ms(struct vfs *v, struct node *dir);

/* --- listings -------------------------------------------------------------- */

/* Makes the listing of dir, which has a struct node_dir, fresh; must: asks for one that
 * began after now if the one that is known has become too old. */
int dir_list_locked(struct vfs *v, struct call *call, struct node *dir,
    bool must) REQUIRES(v->lock);

/* The node for what the service shows as name in dir, asked for at asked_ms; NULL when
 * out of memory.  Borrowed.  What was asked for later is newer. */
struct node *dir_take_locked(struct vfs *v, struct node *dir, const char *name,
    struct entry *e, int64_t asked_ms) REQUIRES(v->lock);

/* n no longer is what its name shows. */
void dir_detach_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

/* --- our own changes --------------------------------------------------------- */

/* dir has e under its name now; dir has nothing under name now. */
void dir_put_locked(struct vfs *v, struct node *dir, struct entry *e)
    REQUIRES(v->lock);
void dir_remove_locked(struct vfs *v, struct node *dir, const char *name)
    REQUIRES(v->lock);

/* Nothing is known about dir's names any more. */
void dir_drop_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock);

/* dir was just made: it is known to be empty. */
void dir_is_new_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock);

/* The node whose object dir has under name but does not show, because it was moved
 * aside; NULL: none.  Borrowed. */
struct node *dir_aside_locked(struct vfs *v, struct node *dir,
    const char *name) REQUIRES(v->lock);

#endif
