/* backend/dbfs.h: DBFS as a tree of files.
 *
 * An entry's path is the absolute path in DBFS.  Source: API reference, section 2
 * and appendix I. */
#ifndef BACKEND_DBFS_H
#define BACKEND_DBFS_H

#include "backend/backend.h"
#include "base/attr.h"

struct journal;
struct rest;

struct dbfs_config {
	struct rest *rest;	 /* borrowed; outlives the backend, as all here */
	struct journal *journal; /* for steps of a replace; NULL: read-only */
	const char *base_url;	 /* for xattr url */
	bool verify_read;	 /* uploads are read back and compared */
};

int dbfs_new(const struct dbfs_config *config, struct backend **out) WARN_UNUSED;
void dbfs_free(struct backend *b);

/* The entry of a path given by the user ("/FileStore", "/" for all), which must be
 * a directory: -ENOENT, -ENOTDIR, or the service's error with call->words. */
int dbfs_root(struct backend *b, struct call *call, const char *path,
    struct entry **out) WARN_UNUSED;

#endif
