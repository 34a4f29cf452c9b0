/* backend/dbfs_put.h: uploads to DBFS, by the path that the size asks for.
 *
 *  up to 1 MiB    one JSON put: a cut body does not parse, so no check follows
 *  below 2 GiB    one multipart put of known length, then the size is checked
 *  above          create, add-block, close, then the size is checked; under a
 *                 hidden name that is swapped in when a file is replaced
 *
 * With verify_read the size is always checked, and then all bytes are. */
#ifndef BACKEND_DBFS_PUT_H
#define BACKEND_DBFS_PUT_H

#include "backend/backend.h"
#include "base/attr.h"

struct journal;
struct rest;

struct dbfs_upload {
	struct rest *rest;
	struct journal *journal;
	bool verify_read; /* read all of it back, and compare the SHA-256 */
};

/**
 * dbfs_upload - makes path hold p's content
 *
 * @path: absolute path in DBFS
 * @out:  zeros before; the version that the service now has, as far as it told
 *
 * Returns 0, or
 *   -EEXIST  p->old is NULL and the name is taken; perhaps by these very bytes,
 *            when an answer was lost
 *   -EIO     the service has another size, or other bytes, than were sent; of
 *            other bytes of that size out is the version: they can only be ours,
 *            damaged
 *   the service's error
 * After a failure the service has the old file or the new one: blocks are shown when
 * their stream is closed (API reference, section 2).
 */
int dbfs_upload(const struct dbfs_upload *up, struct call *call,
    const char *path, const struct put *p, struct version *out) WARN_UNUSED;

#endif
