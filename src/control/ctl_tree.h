/* control/ctl_tree.h: the table of control files; lookup and listing in it.
 *
 * A path has no slash at its ends; "" is the top.  Any thread; what a set of names
 * or a function of a row waits for, it waits for here. */
#ifndef CONTROL_CTL_TREE_H
#define CONTROL_CTL_TREE_H

#include "control/ctl_row.h"

/* What a path is. */
struct ctl_place {
	struct ctl_at at;
	const struct ctl_row *row; /* NULL: a directory */
};

/* -ENOENT: there is nothing; else 0 or the error of a set of names. */
int ctl_tree_find(const struct ctl *ctl, struct call *call, const char *path,
    struct ctl_place *out) WARN_UNUSED;

/* Called once for each name in the directory path.  Non-zero stops. */
typedef int ctl_tree_fn(void *ctx, const char *name);
int ctl_tree_list(const struct ctl *ctl, struct call *call, const char *path,
    ctl_tree_fn *each, void *ctx) WARN_UNUSED;

/* The value that row's store takes; NULL: any. */
const char *ctl_tree_value(const struct ctl_place *place);

/* The text of README, made from the table. */
ctl_show_fn ctl_tree_readme_show;

/* For tests and the manual: the rows in order; NULL beyond the last. */
const struct ctl_row *ctl_tree_row(size_t i);
const struct ctl_set *ctl_tree_set(size_t i);

#endif
