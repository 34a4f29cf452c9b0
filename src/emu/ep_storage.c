/* emu/ep_storage.c - what lies behind signed URLs. */
#include "config.h"

#include "emu/ep_storage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/text.h"

#include "emu/emu.h"
#include "emu/object.h"
#include "emu/signed_url.h"

#include "base/banned.h"

/* "bytes=A-B", "bytes=A-" or "bytes=-N" of size bytes.  0; -ENOENT for what is no
 * such range, which is ignored; -ERANGE for one that begins behind the end. */
static int
parse_range(const char *text, uint64_t size, uint64_t *start, uint64_t *len)
{
	char first[24];
	uint64_t a = 0, b = size;
	const char *dash;

	if (text == NULL || !text_starts(text, "bytes=") ||
	    strchr(text, ',') != NULL)
		return -ENOENT;
	text += 6;
	dash = strchr(text, '-');
	if (dash == NULL || (size_t)(dash - text) >= sizeof(first))
		return -ENOENT;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	if (dash[1] != '\0' && text_u64(dash + 1, INT64_MAX, &b) < 0)
		return -ENOENT;
	if (dash == text) {
		*start = b < size ? size - b : 0;
		*len = size - *start;
		return size > 0 ? 0 : -ERANGE;
	}
	if (text_u64(first, INT64_MAX, &a) < 0 || (dash[1] != '\0' && b < a))
		return -ENOENT;
	if (a >= size)
		return -ERANGE;
	if (dash[1] == '\0' || b >= size)
		b = size - 1;
	*start = a;
	*len = b - a + 1;
	return 0;
}

static const char *
header(struct request *req, const char *name)
{
	return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

/* The part of the file that the request wants. */
static int
send_range(struct request *req, int fd, const struct store_node *node)
{
	const char *match = header(req, MHD_HTTP_HEADER_IF_MATCH);
	uint64_t start = 0, len = node->size;
	char value[80], etag[40];
	int ranged, ret;

	(void)snprintf(etag, sizeof(etag), "\"0x%" PRIX64 "\"",
	    (uint64_t)node->mtime_ms);
	ranged = parse_range(
	    header(req, MHD_HTTP_HEADER_RANGE), node->size, &start, &len);
	if (match != NULL && strcmp(match, etag) != 0)
		ret = signed_url_fail(req, 412, "ConditionNotMet");
	else
		ret = ranged == -ERANGE
			  ? signed_url_fail(req, 416, "InvalidRange")
			  : 1;
	if (ret != 1) {
		(void)close(fd);
		return ret;
	}
	ret = reply_text(
	    req, ranged == 0 ? 206 : 200, "application/octet-stream", "");
	req->reply.fd = fd;
	req->reply.fd_start = start;
	req->reply.fd_bytes = len;
	reply_add_header(req, "ETag", etag);
	reply_add_header(req, "Accept-Ranges", "bytes");
	(void)snprintf(value, sizeof(value),
	    "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, start, start + len - 1,
	    node->size);
	if (ranged == 0)
		reply_add_header(req, "Content-Range", value);
	return ret;
}

/* Is it still the object that the URL was made for? */
static bool
is_object(const struct store_node *node, int64_t id)
{
	struct object o;
	bool same;

	if (node == NULL || object_read(node->note, &o) < 0)
		return false;
	same = o.id == id;
	object_release(&o);
	return same;
}

int
ep_storage_get(struct request *req)
{
	struct store_node node;
	const char *path;
	int64_t id;
	int fd, ret;

	if (!signed_url_check(req, SIGNED_READ, &id, &path))
		return 0;
	ret = store_read(req->emu->workspace, path, &fd, &node);
	if (ret < 0)
		return signed_url_fail(req, 404, "BlobNotFound");
	if (!is_object(&node, id)) {
		(void)close(fd);
		return signed_url_fail(req, 404, "BlobNotFound");
	}
	return send_range(req, fd, &node);
}

/* The object stays what it is; with the tree's lock held. */
static int
decide(void *ctx, const struct store_node *old, struct buf *note)
{
	const int64_t *id = ctx;

	if (old == NULL || !is_object(old, *id))
		return -ENOENT;
	return buf_puts(note, old->note);
}

int
ep_storage_put(struct request *req)
{
	uint64_t max =
	    (uint64_t)settings_get(&req->emu->settings, SET_FILE_LIMIT);
	const char *path;
	int64_t id;
	int ret;

	if (!signed_url_check(req, SIGNED_WRITE, &id, &path))
		return 0;
	if (spool_size(req->body.file) > max)
		return signed_url_fail(req, 413, "RequestBodyTooLarge");
	ret = store_place(req->emu->workspace, path, req->body.file,
	    &(const struct store_placing){
		HISTORY_PUT, req->id, -1, decide, &id });
	if (ret < 0)
		return signed_url_fail(req, 404, "BlobNotFound");
	return reply_text(req,
	    settings_get(&req->emu->settings, SET_SIGNED_URLS) ==
		    SIGNED_URLS_AZURE
		? 201
		: 200,
	    "", "");
}
