/* emu/walk.h: from a canonical path to a directory on disk.
 *
 * A path is walked one component at a time from the tree's own descriptor,
 * following no symbolic link, so that nothing that a client or a person puts
 * into the tree leads out of it, and the length of a path has no limit.
 *
 * A component that the disk cannot hold is stored as "%long-" and its SHA-256;
 * its true name is a file of that hash in .state/names. */
#ifndef EMU_WALK_H
#define EMU_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define WALK_NAME_BYTES 256 /* with the NUL */

struct tree {
	int fd;       /* the tree's directory */
	int names_fd; /* .state/names */
};

/* Opens the directory path.  A descriptor, -ENOENT, or -ENOTDIR when a
 * component is no directory. */
int walk_dir(const struct tree *t, const char *path) WARN_UNUSED;

/* Opens the directory that holds path, which is not the root, and gives the
 * name of its last component on disk. */
int walk_parent(const struct tree *t, const char *path,
    char name[WALK_NAME_BYTES]) WARN_UNUSED;

/* Name on disk of the first len bytes of a component. */
void walk_encode(const char *component, size_t len, char name[WALK_NAME_BYTES]);

/* Keeps the true name if encoding changed it.  Before the name is used on disk.
 * 0 or -errno. */
int walk_remember(
    const struct tree *t, const char *component, size_t len) WARN_UNUSED;

/* True name of what is called name on disk, in new memory.  NULL for what must
 * not be shown: no UTF-8, or a hash without a record. */
char *walk_decode(const struct tree *t, const char *name);

#endif
