/* fs/rename.h: giving a file or a directory another name.
 *
 * Which way a rename takes, the first row that fits:
 *
 *   the name is the file's object's own, moved aside before: only noted
 *   to a scratch name, of a file on the server: moved aside, only noted
 *   to a scratch name, of a file that is only here: only here
 *   with -o writeback, of a file that is only here: noted, and sent in its time in
 *     one call that overwrites the target
 *   of a file whose content is here and which is not on the server as it is, or
 *     takes another's place: its content is put under the new name in one
 *     overwriting call, then its old object is deleted
 *   anything else: the backend's rename, which replaces in steps where the service
 *     has none */
#ifndef FS_RENAME_H
#define FS_RENAME_H

#include "fs/node.h"

/* flags: of renameat2(2).  -EXDEV between backends. */
int rename_node(struct vfs *v, struct call *call, struct node *from_dir,
    const char *from, struct node *to_dir, const char *to, unsigned flags);

#endif
