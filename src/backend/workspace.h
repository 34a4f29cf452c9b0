/* backend/workspace.h: the Workspace as a tree of notebooks and files.
 *
 * An entry's path is the path that is shown, without "/Workspace"; its form
 * (backend/ws_view.h) tells what that is stored as.  Versions are modification time and
 * size in the form that is shown; a notebook has no size before it was fetched once, and
 * that is remembered (backend/ws_memory.h).  Source: API reference, section 3. */
#ifndef BACKEND_WORKSPACE_H
#define BACKEND_WORKSPACE_H

#include "backend/backend.h"
#include "backend/ws_view.h"
#include "base/attr.h"

struct rest;

struct workspace_config {
	struct rest *rest;    /* borrowed; outlives the backend */
	const char *base_url; /* for xattr url, as org_id */
	const char *org_id;
	const char *dir; /* for what is remembered, made if need be; NULL: none */
	enum ws_mode mode;
};

int workspace_new(const struct workspace_config *config,
    struct backend **out) WARN_UNUSED;
void workspace_free(struct backend *b);

/* The entry of a path given by the user ("/Users/me", "/" for all), which must be a
 * directory: -ENOENT, -ENOTDIR, or the service's error with call->words. */
int workspace_root(struct backend *b, struct call *call, const char *path,
    struct entry **out) WARN_UNUSED;

#endif
