/* emu/ep_dbfs.c - DBFS calls on names, and read.  Reference, 2.3 and 2.5. */
#include "config.h"

#include "emu/ep_dbfs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/io.h"
#include "base/jval.h"

#include "emu/dbfs_call.h"
#include "emu/dbpath.h"
#include "emu/emu.h"
#include "emu/field.h"

#include "base/banned.h"

#define READ_DEFAULT INT64_C(524288)
#define READ_PIECE   49152 /* a multiple of 3 */
#define READ_FRAME   64    /* what is around the base64 */

/* Appends s quoted; most names need no escaping and skip json-c. */
static int
put_quoted(struct buf *out, const char *s)
{
	int ret;

	for (const char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == '"' || *p == '\\' ||
		    *p == 0x7f)
			return jval_quote(out, s);
	ret = buf_puts(out, "\"");
	if (ret == 0)
		ret = buf_puts(out, s);
	return ret < 0 ? ret : buf_puts(out, "\"");
}

/* Appends name and number, as a printf would that has a hundred thousand to do. */
static int
put_number(struct buf *out, const char *name, int64_t n)
{
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
	char digits[24], *p = digits + sizeof(digits);
	int ret;

	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (n < 0)
		*--p = '-';
	ret = buf_puts(out, name);
	return ret < 0 ? ret
		       : buf_append(
			     out, p, (size_t)(digits + sizeof(digits) - p));
}

static int
put_info(struct request *req, const char *path, const struct store_node *node)
{
	struct buf *out = &req->reply.body;
	int64_t mtime_ms = node->mtime_ms;
	int ret;

	if (settings_on(&req->emu->settings, SET_MTIME_SECONDS))
		mtime_ms -= mtime_ms % 1000;
	ret = buf_puts(out, "{\"path\":");
	if (ret == 0)
		ret = put_quoted(out, path);
	if (ret == 0)
		ret = buf_puts(out, node->is_dir ? ",\"is_dir\":true"
						 : ",\"is_dir\":false");
	if (ret == 0)
		ret = put_number(
		    out, ",\"file_size\":", (int64_t)node->size);
	if (ret == 0)
		ret = put_number(out, ",\"modification_time\":", mtime_ms);
	return ret < 0 ? ret : buf_puts(out, "}");
}

int
ep_dbfs_get_status(struct request *req)
{
	char *path = dbfs_call_path(req, "path", DBFS_READ);
	struct store_node node;
	int ret;

	if (path == NULL)
		return 0;
	ret = store_stat(req->emu->dbfs, path, &node);
	if (ret < 0)
		ret = dbfs_call_fail(req, ret, path);
	else {
		ret = reply_json(req, "");
		if (ret == 0)
			ret = put_info(req, path, &node);
	}
	free(path);
	return ret;
}

static int
list_one(void *ctx, const char *path, const struct store_node *node)
{
	struct request *req = ctx;
	int ret;

	/* An empty directory is {}: the member comes with the first entry. */
	ret = buf_puts(
	    &req->reply.body, req->reply.body.len > 0 ? "," : "{\"files\":[");
	return ret < 0 ? ret : put_info(req, path, node);
}

int
ep_dbfs_list(struct request *req)
{
	char *path = dbfs_call_path(req, "path", DBFS_READ);
	int ret;

	if (path == NULL)
		return 0;
	ret = reply_json(req, "");
	if (ret == 0)
		ret = store_list(req->emu->dbfs, path, list_one, req);
	if (ret == 0)
		ret = buf_puts(
		    &req->reply.body, req->reply.body.len > 0 ? "]}" : "{}");
	else
		ret = dbfs_call_fail(req, ret, path);
	free(path);
	return ret;
}

/* Appends len bytes of the file as base64.  They are read a piece at a time into
 * what the processor's cache holds, and encoded where they leave from. */
static int
put_base64(struct buf *out, int fd, uint64_t offset, size_t len)
{
	char piece[READ_PIECE];

	for (size_t at = 0; at < len; at += sizeof(piece)) {
		size_t want = len - at < sizeof(piece) ? len - at : sizeof(piece);
		ssize_t n = io_pread(fd, piece, want, offset + at);

		if (n != (ssize_t)want)
			return n < 0 ? (int)n : -EIO; /* a person cut it */
		base64_encode(out->data + out->len, piece, want);
		out->len += BASE64_TEXT_LEN(want);
	}
	return 0;
}

/* {"bytes_read":N,"data":"..."}, without an escaper: base64 needs none. */
static int
read_range(struct request *req, int fd, const struct store_node *node,
    int64_t offset, int64_t length)
{
	struct buf *out = &req->reply.body;
	uint64_t left;
	size_t len;
	int ret;

	if ((uint64_t)offset > node->size)
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Cannot read when offset is greater than file size. Found "
		    "offset = %" PRId64,
		    offset);
	left = node->size - (uint64_t)offset;
	len = (uint64_t)length < left ? (size_t)length : (size_t)left;
	ret = reply_json(req, "");
	if (ret == 0)
		ret = buf_reserve(out, BASE64_TEXT_LEN(len) + READ_FRAME);
	if (ret == 0)
		ret = buf_printf(
		    out, "{\"bytes_read\":%zu,\"data\":\"", len);
	if (ret == 0)
		ret = put_base64(out, fd, (uint64_t)offset, len);
	return ret < 0 ? ret : buf_puts(out, "\"}");
}

/* Checks of the numbers; true when one failed and was answered. */
static bool
range_refused(struct request *req, int64_t offset, int64_t length)
{
	if (offset < 0)
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Offset cannot be negative. Found offset = %" PRId64,
		    offset);
	else if (length < 0)
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Length cannot be negative. Found length = %" PRId64,
		    length);
	else if (length > DBFS_BLOCK_BYTES)
		(void)reply_error(req, 400, "MAX_READ_SIZE_EXCEEDED",
		    "Cannot read more than 1048576 bytes in one read, please "
		    "paginate your request. Request: %" PRId64 " bytes.",
		    length);
	else
		return false;
	return true;
}

int
ep_dbfs_read(struct request *req)
{
	char *path = dbfs_call_path(req, "path", DBFS_READ);
	int64_t offset = 0, length = READ_DEFAULT;
	struct store_node node;
	int fd, ret = 0;

	if (path == NULL)
		return 0;
	if (!field_i64(req, "offset", &offset) ||
	    !field_i64(req, "length", &length) ||
	    range_refused(req, offset, length))
		goto out;
	ret = store_read(req->emu->dbfs, path, &fd, &node);
	if (ret == -EISDIR) {
		ret = reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Cannot read a directory: dbfs:%s", path);
	} else if (ret < 0) {
		ret = dbfs_call_fail(req, ret, path);
	} else {
		ret = read_range(req, fd, &node, offset, length);
		(void)close(fd);
	}
out:
	free(path);
	return ret;
}

static int
refuse_not_empty(struct request *req, const char *path)
{
	if (settings_get(&req->emu->settings, SET_NOT_EMPTY) ==
	    NOT_EMPTY_BAD_REQUEST)
		return reply_error(req, 400, "BAD_REQUEST",
		    "Directory is not empty. Use recursive delete or remove "
		    "contents first.");
	return reply_error(req, 400, "IO_ERROR",
	    "Operation failed: \"The recursive query parameter value must be "
	    "true to delete a non-empty directory.\", 409, DELETE, "
	    "https://dbstorageemulator.dfs.core.windows.net/root%s"
	    "?recursive=false, DirectoryNotEmpty, \"The recursive query "
	    "parameter value must be true to delete a non-empty directory. "
	    "RequestId:%s\"",
	    path, req->id);
}

int
ep_dbfs_delete(struct request *req)
{
	char *path = dbfs_call_path(req, "path", DBFS_WRITE);
	uint64_t limit = req->plan.partial_delete, removed;
	const struct plan *plan = &req->plan;
	bool recursive;
	int ret = 0;

	if (path == NULL)
		return 0;
	if (!field_bool(req, "recursive", &recursive))
		goto out;
	if (limit == 0)
		limit = (uint64_t)settings_get(
		    &req->emu->settings, SET_PARTIAL_DELETE);
	if (plan->half && plan->half_n == 0) {
		ret = reply_half(req);
		goto out;
	}
	if (plan->half)
		limit = plan->half_n;
	ret = store_remove(
	    req->emu->dbfs, path, recursive, limit, req->id, &removed);
	if (plan->half && (ret == 0 || ret == -EAGAIN))
		ret = reply_half(req);
	else if (ret == 0 || ret == -ENOENT)
		ret = reply_json(req, "{}");
	else if (ret == -ENOTEMPTY)
		ret = refuse_not_empty(req, path);
	else if (ret == -EAGAIN)
		ret = reply_error(req, 503, "PARTIAL_DELETE",
		    "The requested operation has deleted %" PRIu64
		    " files. There "
		    "are more files remaining. You must make another request "
		    "to delete more.",
		    removed);
	else
		ret = dbfs_call_fail(req, ret, path);
out:
	free(path);
	return ret;
}

int
ep_dbfs_mkdirs(struct request *req)
{
	char *path = dbfs_call_path(req, "path", DBFS_WRITE);
	int ret;

	if (path == NULL)
		return 0;
	if (req->plan.half)
		dbpath_shorten(path, req->plan.half_n);
	ret = store_mkdirs(req->emu->dbfs, path, req->id);
	if (ret < 0)
		ret = dbfs_call_fail(req, ret, path);
	else
		ret = req->plan.half ? reply_half(req)
				     : reply_json(req, "{}");
	free(path);
	return ret;
}

/* With --move-onto-dir=into, a directory as destination means a name in it. */
static char *
into_directory(struct request *req, char *to, const char *from)
{
	struct store_node node;
	char *inside;

	if (settings_get(&req->emu->settings, SET_MOVE_ONTO_DIR) !=
		MOVE_ONTO_DIR_INTO ||
	    store_stat(req->emu->dbfs, to, &node) < 0 || !node.is_dir)
		return to;
	inside = dbpath_join(to, dbpath_last(from));
	free(to);
	return inside;
}

struct half_move {
	struct request *req;
	const char *from, *to;
	uint64_t left;
};

static int
move_one(void *ctx, const char *path, const struct store_node *node)
{
	struct half_move *h = ctx;
	char *to;
	int ret;

	(void)node;
	if (h->left == 0 || strcmp(path, h->from) == 0)
		return 1; /* a file moves whole or not at all */
	h->left--;
	to = dbpath_join(h->to, dbpath_last(path));
	ret = to != NULL ? store_move(h->req->emu->dbfs, path, to, true,
			       h->req->id)
			 : -ENOMEM;
	free(to);
	return ret;
}

/* Moves n of what is in a directory, and fails. */
static int
move_half(struct request *req, const char *from, const char *to)
{
	struct half_move h = { req, from, to, req->plan.half_n };
	int ret;

	ret = store_list(req->emu->dbfs, from, move_one, &h);
	return ret < 0 ? dbfs_call_fail(req, ret, from) : reply_half(req);
}

static int
move(struct request *req, const char *from, const char *to)
{
	bool parents = settings_get(&req->emu->settings, SET_MOVE_PARENT) ==
		       MOVE_PARENT_CREATE;
	int ret;

	if (req->plan.half)
		return move_half(req, from, to);
	ret = store_move(req->emu->dbfs, from, to, parents, req->id);
	switch (-ret) {
	case 0: return reply_json(req, "{}");
	case EEXIST: return dbfs_call_fail(req, ret, to);
	case EINVAL:
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Cannot move dbfs:%s to a path below itself: dbfs:%s", from,
		    to);
	case ENOTDIR:
		if (parents)
			return dbfs_call_fail(req, ret, to);
		return reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
		    "The parent directory of dbfs:%s does not exist.", to);
	default: return dbfs_call_fail(req, ret, from);
	}
}

int
ep_dbfs_move(struct request *req)
{
	char *from = dbfs_call_path(req, "source_path", DBFS_WRITE);
	char *to = NULL;
	int ret = 0;

	if (from == NULL)
		return 0;
	to = dbfs_call_path(req, "destination_path", DBFS_WRITE);
	if (to == NULL)
		goto out;
	to = into_directory(req, to, from);
	ret = to != NULL ? move(req, from, to) : -ENOMEM;
out:
	free(from);
	free(to);
	return ret;
}
