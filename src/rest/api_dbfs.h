/* rest/api_dbfs.h: the DBFS API, typed.
 *
 * Paths are absolute paths inside DBFS ("/FileStore/x").  Results are 0 (or a
 * count) or negative errno from the table in rest/errmap.c; the service's words
 * are in call->words.  Any thread.
 * Source: API reference, section 2 (DBFS) and appendices A, B, C. */
#ifndef REST_API_DBFS_H
#define REST_API_DBFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/call.h"

struct rest;
struct rest_body;

#define API_DBFS_READ_MAX  1048576 /* bytes of one read */
#define API_DBFS_BLOCK_MAX 1048576 /* decoded bytes of add-block and JSON put */
#ifndef API_DBFS_PUT_MAX /* a test has it smaller */
#define API_DBFS_PUT_MAX 2147483647 /* bytes of a multipart put: below 2 GiB */
#endif

struct api_dbfs_info {
	const char *path; /* borrowed for the length of the call back, or from the
			   * argument */
	bool is_dir;
	uint64_t size;	  /* bytes; 0 for directories */
	int64_t mtime_ms; /* 0 when the service does not say */
};

typedef int api_dbfs_info_fn(void *ctx, const struct api_dbfs_info *info);

/* -ENOENT when nothing is there. */
int api_dbfs_get_status(struct rest *r, struct call *call, const char *path,
    struct api_dbfs_info *out);

/* Direct children of a directory, by the service's own names, which may be no names
 * at all; -ENOTDIR when path is a file.  A non-zero result of each() ends the call
 * with that result.  -EIO before the first each() when a row is broken. */
int api_dbfs_list(struct rest *r, struct call *call, const char *path,
    api_dbfs_info_fn *each, void *ctx);

/* Bytes at off, at most API_DBFS_READ_MAX; fewer only at the end of the file (0 at
 * it).  -EINVAL when off is beyond the end; -EIO when the answer contradicts
 * itself.  dst may be written to also when it fails. */
ssize_t api_dbfs_read(struct rest *r, struct call *call, const char *path,
    uint64_t off, void *dst, size_t len);

/* One file in one request: JSON up to API_DBFS_BLOCK_MAX, multipart/form-data of
 * known length above, streamed from body.  *server_ms is the service's clock in
 * the answer (0 when it does not say).  Repeated when an answer is lost; with
 * overwrite false that may give -EEXIST for a file that is ours. */
int api_dbfs_put(struct rest *r, struct call *call, const char *path,
    const struct rest_body *body, bool overwrite, int64_t *server_ms);

/* Upload in blocks.  add_block is never sent twice: after an unknown outcome the
 * whole upload must start again.  A handle that is gone is -EIO.  close is sent
 * once: after any failure of it but -EINTR, the size of the file tells. */
struct api_dbfs_stream {
	int64_t handle;
	const char *subject; /* borrowed: what errors and transfers call it; the
			      * path, unless the caller sets another */
};

int api_dbfs_create(struct rest *r, struct call *call, const char *path,
    bool overwrite, struct api_dbfs_stream *out);
int api_dbfs_add_block(struct rest *r, struct call *call,
    const struct api_dbfs_stream *s, const void *data, size_t len);
int api_dbfs_close(struct rest *r, struct call *call,
    const struct api_dbfs_stream *s);

/* Creates missing parents; an existing directory is success; -EEXIST when a file
 * is in the way. */
int api_dbfs_mkdirs(struct rest *r, struct call *call, const char *path);

/* Success when nothing is there.  -ENOTEMPTY for a directory with content unless
 * recursive; a partial delete is repeated until done. */
int api_dbfs_delete(struct rest *r, struct call *call, const char *path,
    bool recursive);

/* -EEXIST when the destination exists, -ENOENT when the source does not.  Never
 * repeated; -ETIMEDOUT or -EIO after sending leaves the outcome unknown, which
 * *unknown tells. */
int api_dbfs_move(struct rest *r, struct call *call, const char *from,
    const char *to, bool *unknown);

#endif
