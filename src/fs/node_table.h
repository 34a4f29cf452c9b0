/* fs/node_table.h: nodes by their number, or by their name in a directory.
 *
 * An array of references that belong to nobody, with open addressing: some 14 bytes a
 * node, where a general table takes 60.  The caller compares; this only finds who may
 * be meant.  With vfs->lock. */
#ifndef FS_NODE_TABLE_H
#define FS_NODE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct node;

struct node_table { /* zeros: an empty one */
	struct node **slots;
	size_t cap; /* a power of two, or 0 */
	size_t n;
	uint32_t (*hash)(const struct node *n);
};

/* -ENOMEM. */
int node_table_add(struct node_table *t, struct node *n) WARN_UNUSED;
void node_table_remove(struct node_table *t, const struct node *n);
void node_table_release(struct node_table *t); /* whoever is in it */

/* Goes through those whose hash may be that one: *at begins at 0; NULL after the
 * last. */
struct node *node_table_find(const struct node_table *t, uint32_t hash,
    size_t *at);

/* Goes through all, in no order: *at begins at 0; NULL after the last.  None may be added
 * or removed meanwhile. */
struct node *node_table_next(const struct node_table *t, size_t *at);

#endif
