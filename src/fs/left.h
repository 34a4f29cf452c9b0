/* fs/left.h: what an earlier mount left unsent, taken up again.
 *
 * The records of the journal name files by their path; they become nodes when
 * their directory is first looked at, or at once when they have to be sent. */
#ifndef FS_LEFT_H
#define FS_LEFT_H

#include "fs/node.h"

/* Makes nodes of the records in dir.  Cheap when there are none. */
void left_take_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock);

/* Takes up every record: files that a close had promised are queued to be sent,
 * unfinished ones are listed as pending.  Logs what it found. */
void left_take_all(struct vfs *v) EXCLUDES(v->lock);

#endif
