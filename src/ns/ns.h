/* ns/ns.h: the namespace: which backend a name belongs to.
 *
 * A mount shows either everything (a root directory of ours with dbfs/, ...) or a
 * directory of one backend.  In both .control is answered at the root; it is
 * listed only when asked for.  Operations on names go through here; what they
 * return belongs to some backend, and everything else is asked of that one. */
#ifndef NS_NS_H
#define NS_NS_H

#include <stdbool.h>

#include "backend/backend.h"
#include "base/attr.h"

#define NS_CONTROL ".control"
#define NS_TREES_MAX 8

struct ns;

/* A tree of a mount of everything. */
struct ns_tree {
	const char *name;
	struct entry *root; /* NULL: the workspace does not offer it, and it is
			     * shown as an empty directory */
};

struct ns_config {
	struct entry *source; /* the one directory shown; NULL: everything */
	const struct ns_tree *trees;
	size_t n_trees;
	struct entry *control; /* NULL: no .control */
	bool control_listed;
};

/* Takes references on the entries. */
int ns_new(const struct ns_config *config, struct ns **out) WARN_UNUSED;
void ns_free(struct ns *ns);

/* The root directory; borrowed. */
struct entry *ns_root(struct ns *ns);

/* The directory of tree that is shown; borrowed.  NULL: no part of it is. */
struct entry *ns_tree_root(struct ns *ns, const char *tree);

/* As the operations of the same names in struct backend_ops. */
int ns_lookup(struct ns *ns, struct call *call, const struct entry *dir,
    const char *name, struct entry **out);
int ns_list(struct ns *ns, struct call *call, const struct entry *dir,
    entry_fn *each, void *ctx);
int ns_refresh(struct ns *ns, struct call *call, const struct entry *e,
    struct entry **out);

#endif
