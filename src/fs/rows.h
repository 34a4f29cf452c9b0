/* fs/rows.h: what one reader of a directory walks over: a snapshot of its names. */
#ifndef FS_ROWS_H
#define FS_ROWS_H

#include "fs/node.h"

struct dir_row {
	struct entry *entry; /* of the service, or */
	struct node *node;   /* of a name that exists only here */
};

struct dir_rows {
	struct dir_row *rows;
	size_t n, cap;
	uint64_t serial;  /* of what was listed */
	int64_t until_ms; /* monotonic: when it is too old */
	bool loaded;
};

/* A new snapshot of n, asking the service when what is known is too old.  -ESTALE when
 * another client has removed n, which is not the same as being empty.  Releases
 * what rows held. */
int rows_load(struct vfs *v, struct call *call, struct node *n,
    struct dir_rows *rows);
void rows_release(struct vfs *v, struct dir_rows *rows);

/* Is what the kernel has cached of n's names what a reader would get from here?  Then
 * these are in rows, which has none yet: the kernel may lose its own in the middle of a
 * reader, and asks for the rest of them. */
bool rows_kernel_has(struct vfs *v, struct node *n, struct dir_rows *rows);

/* The kernel is given some of rows to cache; begin: the first of them. */
void rows_kernel_gets_locked(struct vfs *v, struct node *n,
    const struct dir_rows *rows, bool begin) REQUIRES(v->lock);

/* The node of a row; a reference for the caller.  NULL: it is gone meanwhile, or
 * out of memory. */
struct node *rows_node_locked(struct vfs *v, struct node *dir,
    const struct dir_row *row) REQUIRES(v->lock);

/* Borrowed, until the lock is dropped. */
const char *rows_name_locked(struct vfs *v, const struct dir_row *row)
    REQUIRES(v->lock);

#endif
