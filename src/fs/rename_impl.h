/* fs/rename_impl.h: between the two halves of fs/rename.h: what is decided and done
 * here (rename.c), and what the service does (rename_service.c). */
#ifndef FS_RENAME_IMPL_H
#define FS_RENAME_IMPL_H

#include "fs/node.h"

/* One rename. */
struct move {
	struct vfs *v;
	struct call *call;
	struct node *from_dir, *to_dir;
	const char *from, *to;
	struct node *n;	     /* what is renamed; a reference */
	struct node *target; /* what has the new name now; likewise, or NULL */
};

/* n takes the new name here, whoever had it. */
int rename_take_name_locked(struct vfs *v, const struct move *m)
    REQUIRES(v->lock);

/* The target has lost its name; what it held is gone with it. */
void rename_drop_target_locked(struct vfs *v, const struct move *m)
    REQUIRES(v->lock);

/* The service renames, then we do. */
int rename_by_service(const struct move *m);

/* The same for a directory; it takes the place of an empty one.  When nobody can tell
 * what became of it, it stays frozen until that is known: a name below it that is sent
 * would make the directory again where it was. */
int rename_dir(const struct move *m);

#endif
