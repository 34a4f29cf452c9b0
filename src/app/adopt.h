/* app/adopt.h: takes over what other mounts of the same identity left.
 *
 * A mount that ended with files that it could not send, and is not mounted again at the
 * same place, would keep them for ever.  So each new mount looks at the directories of
 * the ended ones (app/state.h), and takes what belongs to the part of the tree that it
 * shows: a record is written into its own journal, with its staging file under a second
 * name, before it ends in the other; so a crash in between loses nothing, and a record
 * that is in both is found by its origin and taken once. */
#ifndef APP_ADOPT_H
#define APP_ADOPT_H

#include "cache/entry.h"

struct journal;
struct overlay;
struct staging;
struct state;
struct vfs_left;

struct adopt_config {
	/* Borrowed. */
	struct state *state;
	struct journal *journal;
	struct staging *staging;
	struct overlay *overlay;
	const struct entry *const *roots; /* what is shown of each tree */
	size_t n_roots;
	struct vfs_left *left;	  /* gets what is taken, for fs/vfs.h */
};

/* Before the first file is made.  What goes wrong is logged, and stays where it is. */
void adopt_left(const struct adopt_config *config);

#endif
