/* emu/place.h: the directory that holds all state.
 *
 *   DIR/dbfs/            the tree of DBFS, plain files
 *   DIR/workspace/       the tree of the workspace, plain files
 *   DIR/.state/lock      held by the running emulator
 *   DIR/.state/fresh     DIR was empty, and the sample content is not complete
 *   DIR/.state/tmp/      files on their way into a tree; emptied at start
 *   DIR/.state/trash/    directories on their way out; emptied at start
 *   DIR/.state/names/    true names of components that the disk cannot hold
 *   DIR/.state/streams/  open write handles
 *   DIR/.state/history-TREE
 *   DIR/.state/key       signs OAuth tokens
 *   DIR/.state/clock     how far the clock was moved
 */
#ifndef EMU_PLACE_H
#define EMU_PLACE_H

#include <stdbool.h>

#include "base/attr.h"

#include "emu/why.h"

/* All set by place_open, then constant. */
struct place {
	char *root;
	char *state; /* DIR/.state */
	int root_fd;
	int state_fd;
	int tmp_fd;
	int trash_fd;
	int names_fd;
	int streams_fd;
	int lock_fd;
	bool temporary; /* removed by place_close */
	bool fresh;     /* was empty: wants the sample content */
};

/* dir NULL makes a temporary directory.  0, or -errno and why. */
int place_open(
    const char *dir, struct place **out, struct why *why) WARN_UNUSED;
void place_close(struct place *p);

/* Directory of a tree, made if missing; a descriptor or -errno. */
int place_tree(struct place *p, const char *name) WARN_UNUSED;

/* The sample content is complete. */
void place_seeded(struct place *p);

/* Removes DIR/.state/trash/name with what is below. */
void place_discard(struct place *p, const char *name);

#endif
