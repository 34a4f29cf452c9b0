/* fs/loose.h: content that lost its place: the server has another version under its
 * name, or an earlier mount ended before it was whole.  It is kept and listed as
 * pending until a person says "retry" (it then replaces what is there) or
 * "discard". */
#ifndef FS_LOOSE_H
#define FS_LOOSE_H

#include "cache/pending.h"
#include "fs/node.h"

struct loose_info {
	struct node *dir; /* gets a reference */
	const char *name;
	struct staged *staged; /* gets a reference */
	/* What staged lacks is of that version, gets a reference; NULL: of none.
	 * unknown: nobody knows what it lacks. */
	struct entry *old;
	bool unknown;
	uint64_t subject;      /* in the journal; 0: none */
	enum pending_state state;
	const char *reason;
	char *path; /* as shown; may be NULL */
};

int loose_add(struct vfs *v, const struct loose_info *info);

#endif
