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
	bool taken; /* from an earlier mount, which may have sent it */
	bool seen;  /* old was just looked at, and nothing is to be fetched first */
};

/* Sends staged's content, all of it, to dir under name.  *out is the new entry.
 * -ESTALE: the service has another version than old; -EEXIST: old is NULL and the
 * name is taken.  Writers of staged wait meanwhile. */
int upload_content(struct vfs *v, struct call *call, const struct upload *up,
    struct entry **out);

/* Its last step: content that is complete and frozen is put over old, which is known to
 * be what the service has; NULL: the name is free. */
int upload_put(struct call *call, const struct upload *up,
    const struct entry *old, struct entry **out);

/* Is what the service has under the name, though it is not what we replace, just
 * what we would put there?  An upload whose answer was lost in a crash, or another
 * client that did the same.  Then *out is its entry. */
bool upload_is_there(struct call *call, const struct upload *up,
    struct entry **out);

/* upload_content of a dirty node, whose content is frozen; it has its new version and is
 * clean after it.
 * What another version on the server means is said by -o conflict (fs/conflict.h). */
int upload_node(struct vfs *v, struct call *call, struct node *n);

#endif
