/* emu/ep_dbfs_write.c - DBFS calls that carry content.  Reference, 2.3. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"

#include "emu/dbfs_call.h"
#include "emu/dbpath.h"
#include "emu/emu.h"
#include "emu/ep_dbfs.h"
#include "emu/field.h"
#include "emu/routes.h"

#include "base/banned.h"

#define COPY_BYTES   ((size_t)1 << 20)
#define PART_STEP_NS INT64_C(50000000)

/* Shows the first len bytes of the spool at path for a while. */
static int
show_part(
    struct request *req, const char *path, struct spool *from, uint64_t len)
{
	struct spool *part;
	char *piece;
	uint64_t off = 0;
	int ret;

	ret = spool_new(store_spools(req->emu->dbfs), &part);
	if (ret < 0)
		return ret;
	piece = malloc(COPY_BYTES);
	if (piece == NULL)
		ret = -ENOMEM;
	while (ret == 0 && off < len) {
		size_t want =
		    len - off < COPY_BYTES ? (size_t)(len - off) : COPY_BYTES;
		ssize_t n = io_pread(spool_fd(from), piece, want, off);

		ret = n <= 0 ? -EIO : spool_write(part, piece, (size_t)n);
		off += want;
	}
	if (ret == 0)
		ret = store_commit(
		    req->emu->dbfs, path, part, true, HISTORY_PART, req->id);
	free(piece);
	spool_free(part);
	if (ret == 0)
		(void)halt_wait(req->emu->halt, -1, PART_STEP_NS);
	return ret;
}

/* Leaves the beginning of it at path, as a service does that loses its storage.
 * 1 when that was answered. */
static int
commit_half(struct request *req, const char *path, struct spool *spool,
    bool overwrite)
{
	uint64_t len = spool_size(spool);
	struct store_node node;
	int ret;

	if (len > req->plan.half_n)
		len = req->plan.half_n;
	if (store_stat(req->emu->dbfs, path, &node) == 0 && !overwrite)
		return -EEXIST;
	ret = show_part(req, path, spool, len);
	if (ret == 0)
		ret = reply_half(req);
	return ret < 0 ? ret : 1;
}

/* Puts a complete spool at path: in one step, unless the setting says that this
 * service does not.  1 when it was answered. */
static int
commit(struct request *req, const char *path, struct spool *spool,
    bool overwrite, enum history_op op)
{
	struct store *dbfs = req->emu->dbfs;
	struct store_node node;
	int ret;

	ret = dbfs_call_quota(req, path, spool_size(spool));
	if (ret < 0)
		return ret;
	if (req->plan.half)
		return commit_half(req, path, spool, overwrite);
	if (!settings_on(&req->emu->settings, SET_PUT_NOT_ATOMIC))
		return store_commit(dbfs, path, spool, overwrite, op, req->id);
	if (store_stat(dbfs, path, &node) == 0 && !overwrite)
		return -EEXIST;
	ret = show_part(req, path, spool, 0);
	if (ret == 0)
		ret = show_part(req, path, spool, spool_size(spool) / 2);
	if (ret == 0)
		ret = store_commit(dbfs, path, spool, true, op, req->id);
	return ret;
}

/* The answer to what commit returned. */
static int
committed(struct request *req, int ret, const char *path)
{
	if (ret < 0)
		return dbfs_call_fail(req, ret, path);
	return ret > 0 ? 0 : reply_json(req, "{}");
}

/* Base64 text of at most one block.  0 with new memory; 1 when answered. */
static int
decode_block(struct request *req, const char *text, bool is_put, char **data,
    size_t *len)
{
	int ret;

	ret = params_base64(text, (size_t)req->route->max_body, data, len);
	if (ret == -EBADMSG) {
		ret = reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "The %s is not valid base64.",
		    is_put ? "'contents'" : "data");
		return ret < 0 ? ret : 1;
	}
	if (ret < 0)
		return ret;
	if (*len <= (size_t)DBFS_BLOCK_BYTES)
		return 0;
	if (is_put)
		ret = reply_error(req, 400, "MAX_BLOCK_SIZE_EXCEEDED",
		    "The 'contents' data cannot exceed 1048576 bytes. Found: "
		    "%zu bytes. You might want to use streaming upload instead.",
		    *len);
	else
		ret = reply_error(req, 400, "MAX_BLOCK_SIZE_EXCEEDED",
		    "The data cannot exceed 1048576 bytes. Found: %zu bytes.",
		    *len);
	free(*data);
	*data = NULL;
	return ret < 0 ? ret : 1;
}

/* The spool to put: the file part, or the contents as text; none is an empty
 * file.  0; 1 when answered. */
static int
find_content(struct request *req, struct spool **out)
{
	const char *text = "";
	char *data = NULL;
	size_t len = 0;
	int ret;

	if (req->body.has_file) {
		*out = req->body.file;
		return 0;
	}
	if (params_str(&req->params, "contents", &text) == -EBADMSG) {
		ret = reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "The 'contents' is not valid base64.");
		return ret < 0 ? ret : 1;
	}
	ret = decode_block(req, text, true, &data, &len);
	if (ret != 0)
		return ret;
	ret = spool_new(store_spools(req->emu->dbfs), &req->body.file);
	if (ret == 0)
		ret = spool_write(req->body.file, data, len);
	*out = req->body.file;
	free(data);
	return ret;
}

int
ep_dbfs_put(struct request *req)
{
	char *path = dbfs_call_path(req, "path", DBFS_WRITE);
	struct spool *spool = NULL;
	bool overwrite;
	int ret = 0;

	if (path == NULL)
		return 0;
	if (!field_bool(req, "overwrite", &overwrite))
		goto out;
	ret = find_content(req, &spool);
	if (ret != 0) {
		ret = ret < 0 ? ret : 0;
		goto out;
	}
	ret = commit(req, path, spool, overwrite, HISTORY_PUT);
	ret = committed(req, ret, path);
out:
	free(path);
	return ret;
}

/* Makes the parents, as the service does, and looks at what is there. */
static int
prepare_create(struct request *req, const char *path, bool overwrite)
{
	struct store *dbfs = req->emu->dbfs;
	struct store_node node;
	uint64_t removed;
	char *parent;
	int ret;

	if (strcmp(path, "/") == 0)
		return -EISDIR;
	ret = store_stat(dbfs, path, &node);
	if (ret == 0 && (node.is_dir || !overwrite))
		return -EEXIST;
	if (ret == 0 && settings_on(&req->emu->settings, SET_CREATE_TRUNCATES))
		return store_remove(dbfs, path, false, 0, req->id, &removed);
	if (ret == 0 || dbpath_last(path) == path + 1)
		return 0;
	parent = strndup(path, (size_t)(dbpath_last(path) - path - 1));
	if (parent == NULL)
		return -ENOMEM;
	ret = store_mkdirs(dbfs, parent, req->id);
	free(parent);
	return ret == -EEXIST ? -ENOTDIR : ret;
}

int
ep_dbfs_create(struct request *req)
{
	char *path = dbfs_call_path(req, "path", DBFS_WRITE);
	int64_t handle = 0;
	bool overwrite;
	int ret = 0;

	if (path == NULL)
		return 0;
	if (!field_bool(req, "overwrite", &overwrite))
		goto out;
	ret = prepare_create(req, path, overwrite);
	if (ret < 0) {
		ret = dbfs_call_fail(req, ret, path);
		goto out;
	}
	ret = streams_create(req->emu->streams, path, overwrite, &handle);
	if (ret == 0)
		ret = reply_json(req, "");
	if (ret == 0)
		ret = buf_printf(
		    &req->reply.body, "{\"handle\":%" PRId64 "}", handle);
out:
	free(path);
	return ret;
}

static int
no_stream(struct request *req, int64_t handle)
{
	return reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
	    "No such stream with handle: %" PRId64 ".", handle);
}

/* The handle of add-block and close; false when answered. */
static bool
find_handle(struct request *req, int64_t *handle)
{
	if (dbfs_call_refused(req, "/"))
		return false;
	if (!field_i64(req, "handle", handle))
		return false;
	if (*handle != 0)
		return true;
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    "Missing required field: handle");
	return false;
}

int
ep_dbfs_add_block(struct request *req)
{
	const char *text = "";
	int64_t handle = 0;
	char *data;
	size_t len;
	int ret;

	if (!find_handle(req, &handle))
		return 0;
	if (params_str(&req->params, "data", &text) == -EBADMSG)
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "The data is not valid base64.");
	ret = decode_block(req, text, false, &data, &len);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	if (req->plan.half && len > req->plan.half_n)
		len = (size_t)req->plan.half_n;
	ret = dbfs_call_quota(req, "/", len);
	if (ret == 0)
		ret = streams_append(req->emu->streams, handle, data, len);
	free(data);
	if (ret == -ENOENT)
		return no_stream(req, handle);
	if (ret == 0 && req->plan.half)
		return reply_half(req);
	return ret < 0 ? dbfs_call_fail(req, ret, "/") : reply_json(req, "{}");
}

struct closing {
	struct request *req;
	bool found;
	int ret; /* of the commit, or of its answer */
};

static int
commit_stream(void *ctx, const char *path, bool overwrite, struct spool *spool)
{
	struct closing *c = ctx;
	int ret;

	c->found = true;
	ret = commit(c->req, path, spool, overwrite, HISTORY_CLOSE);
	c->ret = committed(c->req, ret, path);
	return 0;
}

int
ep_dbfs_close(struct request *req)
{
	struct closing c = { .req = req };
	int64_t handle = 0;
	int ret;

	if (!find_handle(req, &handle))
		return 0;
	ret = streams_finish(req->emu->streams, handle, commit_stream, &c);
	if (c.found)
		return c.ret;
	return ret == -ENOENT ? no_stream(req, handle) : ret;
}
