/* fs/walk.h: reads listings ahead of a program that walks a tree.
 *
 * A program that lists a directory, or looks for names in it, soon after its parent or
 * another directory in the same parent, walks.  From then on the directories that a walk in the order of
 * the listings, children before siblings, comes to next are listed by a few threads
 * before it asks: not deeper than it has been, so that "ls" in a directory of many or
 * a walk that does not descend cost nothing that nobody looks at.  Like read-ahead of
 * a file, the window begins at two directories and doubles when the program has to
 * wait, up to WALK_AHEAD; what it passes by without a look narrows it, and too much of
 * that, a pause of WALK_PAUSE_MS or an interrupt ends it.
 *
 * These listings go the way of all others (fs/dir.h) at CALL_AHEAD: a program that
 * comes to one under way waits for it, and makes it urgent. */
#ifndef FS_WALK_H
#define FS_WALK_H

#include "fs/node.h"

#define WALK_AHEAD    64   /* directories, listed or being listed, not come to yet */
#define WALK_PAUSE_MS 5000

struct walker;

int walk_new(struct walker **out) WARN_UNUSED;
void walk_free(struct walker *w); /* after walk_stop, or never started */

/* The threads; with fewer or none of them programs wait for what they list.  walk_stop
 * gives up what is under way, and forgets what was walked. */
void walk_start(struct vfs *v);
void walk_stop(struct vfs *v);

/* A program is about to read dir, the whole of it or some names; dir has a struct
 * node_dir. */
void walk_visit_locked(struct vfs *v, struct node *dir, bool whole)
    REQUIRES(v->lock);

/* Does a program that looks for one name in dir walk, so that it will want others? */
bool walk_expects_locked(struct vfs *v, const struct node *dir)
    REQUIRES(v->lock);

/* dir has a new listing. */
void walk_listed_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock);

/* It was interrupted there. */
void walk_end_locked(struct vfs *v, struct node *dir) REQUIRES(v->lock);

#endif
