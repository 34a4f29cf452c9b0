/* fs/names.h: making and removing names. */
#ifndef FS_NAMES_H
#define FS_NAMES_H

#include "fs/content.h"
#include "fs/node.h"

/* open(O_CREAT): a new file, here at once and on the server when it has content or
 * after its last close; or the one that is there.  Each output is a reference. */
int names_create(struct vfs *v, struct call *call, struct node *parent,
    const char *name, int flags, mode_t mode, struct node **out,
    struct handle **handle, bool *keep_pages);

int names_mkdir(struct vfs *v, struct call *call, struct node *parent,
    const char *name, struct node **out);
int names_rmdir(struct vfs *v, struct call *call, struct node *parent,
    const char *name);

/* Open handles go on with the content, which is fetched first or, when that would
 * take long, kept under a hidden name until the last close. */
int names_unlink(struct vfs *v, struct call *call, struct node *parent,
    const char *name);

#endif
