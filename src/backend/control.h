/* backend/control.h: the .control tree as a backend of session files.
 *
 * An entry's path is the path in the tree, "" for the top; see control/ctl_tree.h.
 * Nothing in it can be removed or renamed. */
#ifndef BACKEND_CONTROL_H
#define BACKEND_CONTROL_H

#include "backend/backend.h"
#include "base/attr.h"

struct ctl;

/* ctl is borrowed, and outlives the backend.  *root is the entry of the directory,
 * with the name that is given. */
int control_new(const struct ctl *ctl, const char *name, struct backend **out,
    struct entry **root) WARN_UNUSED;
void control_free(struct backend *b);

#endif
