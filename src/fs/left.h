/* fs/left.h: what an earlier mount left unsent, taken up again. */
#ifndef FS_LEFT_H
#define FS_LEFT_H

#include <stdbool.h>

#include "fs/node.h"

/* Before the first operation: files that a close had promised become nodes and are
 * queued to be sent, scratch files are there again, unfinished ones are listed as
 * pending.  Records of another part of the workspace stay for a mount that shows
 * it.  Logs what it found.  True: no staging file but those that are taken is named by
 * any record. */
bool left_take(struct vfs *v, const struct vfs_left *left);

#endif
