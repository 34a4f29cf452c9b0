/* fs/measure.h: sizes that the service does not tell.
 *
 * A backend may list files without their sizes (VERSION_NO_SIZE): then the content is
 * fetched before the size is shown, and is in the block cache from then on, so that each
 * is fetched once.  Names and kinds are shown without it: "ls" asks for no size.
 *
 * A program that asks for the sizes of two files of a directory within some seconds goes
 * through it: what comes next in the order of its listing is measured by a few threads
 * before it asks, at CALL_AHEAD, not further than MEASURE_AHEAD names from where it is. */
#ifndef FS_MEASURE_H
#define FS_MEASURE_H

#include "fs/node.h"

#define MEASURE_AHEAD 64

struct measurer;

int measure_new(struct measurer **out) WARN_UNUSED;
void measure_free(struct measurer *m); /* after measure_stop, or never started */

/* The threads; without them programs wait for each.  measure_stop gives up what is under
 * way. */
void measure_start(struct vfs *v);
void measure_stop(struct vfs *v);

/* What is known of n has a size when this returns 0.  -ENOENT as dir_refresh, -ESTALE when
 * another node has its name by now, or the service's error. */
int measure_node(struct vfs *v, struct call *call, struct node *n);

/* For showing n: a file whose content the service refuses is shown without a size, and
 * who opens it is told why. */
int measure_shown(struct vfs *v, struct call *call, struct node *n);

/* The same of an entry, which is replaced. */
int measure_entry(struct call *call, struct entry **e);

/* Would n be shown with a size that nobody knows? */
bool measure_lacks_locked(struct vfs *v, const struct node *n)
    REQUIRES(v->lock);

#endif
