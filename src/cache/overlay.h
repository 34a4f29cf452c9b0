/* cache/overlay.h: times and bits that the service does not keep.
 *
 * The mtime shown after an own save or set by the user, with nanoseconds, and the
 * execute bit, remembered for as long as the remote version does not change.  On
 * disk, so that a second rsync after a remount still finds nothing to do; losing
 * the last seconds of it in a power cut costs a transfer, no data.
 *
 * Threads: every function may be called from any thread. */
#ifndef CACHE_OVERLAY_H
#define CACHE_OVERLAY_H

#include <stdbool.h>
#include <time.h>

#include "base/attr.h"
#include "cache/entry.h"

struct overlay;

struct overlay_attr {
	struct timespec mtime;
	bool has_mtime;
	bool executable;
};

/* The file is made when it is not there. */
int overlay_new(const char *path, struct overlay **out) WARN_UNUSED;
void overlay_free(struct overlay *o);

/* False when nothing is remembered for e's tree, path and version.  An own upload
 * whose time the service now shows is the same version. */
bool overlay_get(struct overlay *o, const struct entry *e,
    struct overlay_attr *out);

/* Remembers attr for e's version, in place of what was there; nothing to show
 * forgets. */
void overlay_set(struct overlay *o, const struct entry *e,
    const struct overlay_attr *attr);

/* from, or the directory from with all below it, became to.  What was remembered
 * for to is forgotten. */
void overlay_move(struct overlay *o, const struct entry *from,
    const struct entry *to);

/* Takes what the overlay in the file path, which nobody uses, remembers of tree at and below
 * top, unless what is here was set later.  The file stays as it is.  Returns how many of its
 * rows are no copies of others', or -errno. */
int overlay_adopt(struct overlay *o, const char *path, const char *tree,
    const char *top) WARN_UNUSED;

/* Forgets e and, for a directory, everything below. */
void overlay_drop(struct overlay *o, const struct entry *e);

#endif
