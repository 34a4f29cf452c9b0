/* fs/xattr.h: user.brickfs.*: what brickfs knows about a file, by name.
 *
 * Read only and not listed, so that rsync -X and cp -a do not copy them. */
#ifndef FS_XATTR_H
#define FS_XATTR_H

#include "base/buf.h"
#include "fs/node.h"

/* -ENODATA for names that are not there; never asks the service for names of other
 * namespaces (security.*, ACLs), which the kernel asks for around every write. */
int xattr_get(struct vfs *v, struct call *call, struct node *n,
    const char *name, struct buf *out);

#endif
