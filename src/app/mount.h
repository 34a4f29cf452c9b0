/* app/mount.h: the mount itself: a libfuse session on a directory. */
#ifndef APP_MOUNT_H
#define APP_MOUNT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

struct mount;
struct ops;

struct mount_options {
	const char *mountpoint; /* absolute, without symbolic links; copied */
	const char *source;     /* as mount(8) shows it */
	bool read_only;
	bool allow_other;
	bool noexec;
	bool noatime;
};

/* Mounts; requests wait until mount_serve.  ops is borrowed.  On failure negative
 * errno, and a line in words. */
int mount_open(const struct mount_options *options, struct ops *ops,
    struct buf *words, struct mount **out) WARN_UNUSED;

/* Answers requests until the directory is unmounted or mount_leave is called; from
 * the main thread.  0 or -errno. */
int mount_serve(struct mount *m) WARN_UNUSED;

/* Unmounts (open files stay usable until mount_end) and makes mount_serve return.
 * Any thread, at any time until mount_free. */
void mount_leave(struct mount *m);

/* Ends the session, and unmounts if nobody has.  No operation runs afterwards. */
void mount_end(struct mount *m);
void mount_free(struct mount *m);

#endif
