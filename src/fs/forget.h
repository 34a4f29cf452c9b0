/* fs/forget.h: forgetting what is known, so that the next look asks the service.
 *
 * Names, listings and attributes are forgotten at once.  Content is forgotten when it
 * is looked at: the name is marked, and the first read of each version below it drops
 * its blocks before it looks for them, in memory and on disk; so what earlier mounts
 * left on disk counts, too, though nobody knows here of what names it is.  What was
 * not sent yet stays. */
#ifndef FS_FORGET_H
#define FS_FORGET_H

#include "fs/node.h"

/**
 * forget_path - forgets a name and everything below it
 *
 * @path: below the mount point, with or without a slash at its ends; "/" is all.  What
 *        is not known is looked for, so that a wrong path is told
 *
 * The kernel has forgotten its attributes and pages when this returns, except when it
 * waits itself for something in the mount: then soon after.  It believes for
 * negative_timeout that a name is absent which it asked for below path.
 *
 * Returns 0; -ENOENT or the error of the look, with words in call; -EINTR. */
int forget_path(struct vfs *v, struct call *call, const char *path);

/* Before e, content of n, is read from the block cache. */
void forget_content(struct vfs *v, struct node *n, const struct entry *e);

/* Before e, a file, gets the name in dir, and when it has: blocks of that name that look
 * like it, by time and size, are of a file that had the name before. */
void forget_namesake(struct vfs *v, const struct entry *e,
    const struct entry *dir, const char *name);

/* The same for the files below top, a directory that was moved, as far as they are
 * known. */
void forget_namesakes_below(struct vfs *v, struct node *top);

/* The mount is over. */
void forget_release_locked(struct vfs *v) REQUIRES(v->lock);

#endif
