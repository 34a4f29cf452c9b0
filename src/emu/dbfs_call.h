/* emu/dbfs_call.h: what all DBFS calls have in common: the switch that turns DBFS
 * off, paths as parameters, and the words of errors. */
#ifndef EMU_DBFS_CALL_H
#define EMU_DBFS_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/request.h"

/* The most bytes that read, add-block and JSON put take. */
#define DBFS_BLOCK_BYTES INT64_C(1048576)

enum dbfs_access { DBFS_READ, DBFS_WRITE };

/* Parameter name as a canonical path in new memory; NULL when the request has
 * been answered instead: it is missing, malformed, or not to be accessed. */
char *dbfs_call_path(
    struct request *req, const char *name, enum dbfs_access access);

/* For calls without a path: has the request been answered because DBFS is off? */
bool dbfs_call_refused(struct request *req, const char *path);

/* Answers err, a negative errno of the store about path. */
int dbfs_call_fail(struct request *req, int err, const char *path);

/* Would size bytes more, instead of those at path, exceed --quota? -EDQUOT. */
int dbfs_call_quota(
    struct request *req, const char *path, uint64_t size) WARN_UNUSED;

#endif
