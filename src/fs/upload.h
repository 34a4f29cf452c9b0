/* fs/upload.h: one upload: what is sent, what it may replace, what follows. */
#ifndef FS_UPLOAD_H
#define FS_UPLOAD_H

#include "fs/node.h"

struct base_source;

struct upload {
	struct entry *dir; /* borrowed, as all here */
	const char *name;
	struct entry *old; /* the version that may be replaced; NULL: none */
	struct staged *staged;
	struct base_source *base; /* of what staged lacks; NULL: nothing */
};

/* Sends staged's content, all of it, to dir under name.  *out is the new entry.
 * -ESTALE: the service has another version than old; -EEXIST: old is NULL and the
 * name is taken.  Writers of staged wait meanwhile. */
int upload_content(struct vfs *v, struct call *call, const struct upload *up,
    struct entry **out);

/* The same for a dirty node, which has its new version and is clean after it. */
int upload_node(struct vfs *v, struct call *call, struct node *n);

#endif
