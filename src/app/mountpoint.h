/* app/mountpoint.h: may a directory be mounted on, and is it? */
#ifndef APP_MOUNTPOINT_H
#define APP_MOUNTPOINT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/* What is mounted on a directory. */
struct mountpoint_info {
	char device[32]; /* "0:57": tells one mount from a later one */
	char type[64];   /* "fuse.brickfs" */
};

/* The topmost mount on path, which is absolute and without symbolic links.
 * -ENOENT: nothing is mounted there. */
int mountpoint_info(const char *path, struct mountpoint_info *out) WARN_UNUSED;

/* Its absolute path without symbolic links, in new memory, when it can be mounted
 * on: an empty directory (unless nonempty) on which nothing is mounted (likewise).
 * Else negative errno, and a line in words. */
int mountpoint_check(
    const char *path, bool nonempty, struct buf *words, char **out) WARN_UNUSED;

/* Can we mount at all: the device, the helper, and allow_other's permission?  Else
 * negative errno, and a line in words. */
int mountpoint_check_fuse(bool allow_other, struct buf *words) WARN_UNUSED;

#endif
