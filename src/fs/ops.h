/* fs/ops.h: the kernel's requests, answered from a struct vfs. */
#ifndef FS_OPS_H
#define FS_OPS_H

#include <fuse_lowlevel.h>

#include "base/attr.h"

struct ops;
struct vfs;

/* At most max_blocked requests are worked on at once that may wait for the network;
 * the rest are queued, so that with a few threads more in the loop there is always
 * one to read an interrupt. */
int ops_new(struct vfs *v, unsigned max_blocked, struct ops **out) WARN_UNUSED;
void ops_free(struct ops *o);

/* Between mounting and the end of the session: lets the kernel be told that names
 * have changed. */
int ops_start(struct ops *o, struct fuse_session *session) WARN_UNUSED;
void ops_stop(struct ops *o);

/* For fuse_session_new, with the struct ops as userdata. */
extern const struct fuse_lowlevel_ops ops_table;

#endif
