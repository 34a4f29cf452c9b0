/* emu/wspath.h: paths of the workspace as clients write them, and which of them
 * are not theirs to change.  Reference, 3.1. */
#ifndef EMU_WSPATH_H
#define EMU_WSPATH_H

#include <stdbool.h>

#include "base/attr.h"

#include "emu/dbpath.h"

/* As dbpath_parse, for a path that may begin with /Workspace, which is not part of
 * its canonical form.  *alias: it did, behind one slash; answers then repeat it. */
enum dbpath_fault wspath_parse(
    const char *text, char **out, bool *alias) WARN_UNUSED;

/* Directories of the workspace itself: they can be neither deleted nor moved. */
bool wspath_is_protected(const char *path);

/* Is it directly in somebody's folder of /Repos, where only repos can be? */
bool wspath_is_repo(const char *path);

/* Has it a component ".git"? */
bool wspath_has_git(const char *path);

#endif
