/* emu/ep_wsfiles.c - the calls of workspace-files.  Reference, 3.4. */
#include "config.h"

#include "emu/ep_wsfiles.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

#include "emu/emu.h"
#include "emu/field.h"
#include "emu/routes.h"
#include "emu/signed_url.h"
#include "emu/ws_archive.h"
#include "emu/ws_call.h"
#include "emu/ws_import.h"

#include "base/banned.h"

/* Is the call none of those that this workspace has? */
static bool
refused(struct request *req)
{
	int64_t which =
	    settings_get(&req->emu->settings, SET_WORKSPACE_FILES);

	if (which == WORKSPACE_FILES_ON ||
	    (which == WORKSPACE_FILES_IMPORT &&
		req->route->handle == ep_wsfiles_import))
		return false;
	(void)reply_error(req, 404, "ENDPOINT_NOT_FOUND",
	    "No API found for '%s %s'", req->method, routes_short(req->path));
	return true;
}

char *
ep_wsfiles_subject(const struct request *req)
{
	const struct route *route = req->route;
	const char *rest;

	if (route->handle != ep_wsfiles_import &&
	    route->handle != ep_wsfiles_read)
		return NULL;
	rest = routes_short(req->path) + strlen(route->path);
	/* The first slash may have been sent, too, encoded or not. */
	while (rest[0] == '/' && rest[1] == '/')
		rest++;
	return text_dup(text_starts(rest, "/Workspace/") ? rest + 10 : rest);
}

/* The path of the URL.  False when the request has been answered instead. */
static bool
url_path(struct request *req, struct ws_path *out)
{
	if (req->subject == NULL || req->subject[0] == '\0') {
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Missing required field: path");
		return false;
	}
	return ws_call_parse(req, req->subject, out);
}

/* This call words some failures in its own way. */
static int
import_answer(struct request *req, const struct ws_import *in, int ret)
{
	if (ret == -EEXIST && strcmp(in->found, "FILE") == 0)
		return reply_error(req, 409, "RESOURCE_ALREADY_EXISTS",
		    "File already exists at (%s).", in->stored);
	if (ret == -EEXIST)
		return reply_error(req, 400, "RESOURCE_ALREADY_EXISTS",
		    "Path (%s) already exists.", in->stored);
	if (ret != -EMLINK)
		return ws_import_answer(req, in, ret);
	ret = ws_import_answer(req, in, ret);
	req->reply.status = 403;
	return ret;
}

/* Some say that this call unpacks archives; then under which name, nobody.  3.4 */
static bool
is_unzipped(struct request *req)
{
	char head[4];

	return settings_on(&req->emu->settings, SET_IMPORT_FILE_UNZIPS) &&
	       io_pread(spool_fd(req->body.file), head, sizeof(head), 0) ==
		   (ssize_t)sizeof(head) &&
	       memcmp(head, "PK\3\4", sizeof(head)) == 0;
}

int
ep_wsfiles_import(struct request *req)
{
	struct ws_import in = { .format = WS_AUTO };
	struct ws_path p;
	int ret;

	if (refused(req) || !field_bool(req, "overwrite", &in.overwrite) ||
	    !url_path(req, &p))
		return 0;
	in.path = p.path;
	if (is_unzipped(req)) {
		if (text_ends(p.path, ".zip"))
			p.path[strlen(p.path) - 4] = '\0';
		ret = ws_archive_import(req, &in);
	} else {
		ret = ws_import(req, &in);
	}
	ret = import_answer(req, &in, ret);
	ws_import_release(&in);
	free(p.path);
	return ret;
}

int
ep_wsfiles_read(struct request *req)
{
	struct store_node node;
	struct ws_path p;
	int fd, ret;

	if (refused(req) || !url_path(req, &p))
		return 0;
	ret = store_read(req->emu->workspace, p.path, &fd, &node);
	if (ret == -EISDIR) {
		ret = reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "%s is no file.", p.path);
	} else if (ret < 0) {
		ret = ws_call_fail(req, ret, p.path);
	} else {
		ret = reply_text(req, 200, "application/octet-stream", "");
		req->reply.fd = fd;
		req->reply.fd_bytes = node.size;
	}
	free(p.path);
	return ret;
}

/* {"object_info": ..., "signed_url": ...}; notebooks and directories have no URL. */
static int
put_entry(struct request *req, const char *path, bool alias,
    const struct store_node *node)
{
	struct buf *out = &req->reply.body;
	struct object o;
	int ret;

	ret = object_read(node->note, &o);
	if (ret < 0)
		return ret;
	ret = buf_puts(out, "{\"object_info\":");
	if (ret == 0)
		ret = ws_call_put_info(req, path, alias, node, &o);
	if (ret == 0)
		ret = buf_puts(out, "}");
	if (ret == 0 && object_is(&o, "FILE") && signed_url_on(req)) {
		ret = buf_puts(out, ",\"signed_url\":");
		if (ret == 0)
			ret = signed_url_put(req, SIGNED_READ, o.id, path);
	}
	object_release(&o);
	return ret < 0 ? ret : buf_puts(out, "}");
}

int
ep_wsfiles_object_info(struct request *req)
{
	struct store_node node;
	struct ws_path p;
	int ret;

	if (refused(req) || !ws_call_path(req, "path", &p))
		return 0;
	ret = store_stat(req->emu->workspace, p.path, &node);
	if (ret < 0) {
		ret = ws_call_fail(req, ret, p.path);
	} else {
		ret = reply_json(req, "{\"wsfs_object_info\":");
		if (ret == 0)
			ret = put_entry(req, p.path, p.alias, &node);
		if (ret == 0)
			ret = buf_puts(&req->reply.body, "}");
	}
	free(p.path);
	return ret;
}

struct listing {
	struct request *req;
	bool alias;
};

static int
list_one(void *ctx, const char *path, const struct store_node *node)
{
	const struct listing *l = ctx;
	struct buf *out = &l->req->reply.body;
	int ret;

	ret = buf_puts(out, out->len > 0 ? "," : "{\"objects\":[");
	return ret < 0 ? ret : put_entry(l->req, path, l->alias, node);
}

int
ep_wsfiles_list(struct request *req)
{
	struct listing l = { .req = req };
	struct ws_path p;
	int ret;

	if (refused(req) || !ws_call_path(req, "path", &p))
		return 0;
	l.alias = p.alias;
	ret = reply_json(req, "");
	if (ret == 0)
		ret = ws_call_list(req, p.path, list_one, &l);
	if (ret == 0)
		ret = buf_puts(
		    &req->reply.body, req->reply.body.len > 0 ? "]}" : "{}");
	else
		ret = ws_call_fail(req, ret, p.path);
	free(p.path);
	return ret;
}

/* The file is there with the content that came; of one that is there already the
 * content stays when none came, until something is put to the URL.  [unsure] */
static int
make_file(struct request *req, struct ws_import *in)
{
	const char *text = "";
	struct store_node node;
	char *data = NULL;
	size_t len = 0;
	int ret;

	(void)params_str(&req->params, "content", &text);
	ret = params_base64(text, (size_t)req->route->max_body, &data, &len);
	if (ret == 0)
		ret = spool_new(
		    store_spools(req->emu->workspace), &req->body.file);
	if (ret == 0)
		ret = spool_write(req->body.file, data, len);
	free(data);
	if (ret == 0 && len == 0 &&
	    store_stat(req->emu->workspace, in->path, &node) == 0)
		return 0;
	return ret < 0 ? ret : ws_import(req, in);
}

static int
new_answer(struct request *req, const char *path)
{
	struct store_node node;
	struct object o;
	int ret;

	ret = ws_call_stat(req, path, &node, &o);
	if (ret < 0)
		return ws_call_fail(req, ret, path);
	if (!object_is(&o, "FILE")) {
		ret = ws_call_exists(req, path);
	} else {
		ret = reply_json(req, "{\"signed_urls\":[");
		if (ret == 0)
			ret = signed_url_put(req, SIGNED_WRITE, o.id, path);
		if (ret == 0)
			ret = buf_puts(&req->reply.body, "]}");
	}
	object_release(&o);
	return ret;
}

int
ep_wsfiles_new(struct request *req)
{
	struct ws_import in = { .format = WS_RAW, .overwrite = true };
	struct ws_path p;
	int ret;

	if (refused(req) || !ws_call_path(req, "path", &p))
		return 0;
	in.path = p.path;
	if (!signed_url_on(req)) {
		ret = reply_error(req, 403, "PERMISSION_DENIED",
		    "Direct access to the storage is disabled.");
	} else {
		ret = make_file(req, &in);
		if (ret == -EBADMSG)
			ret = reply_error(req, 400, "INVALID_PARAMETER_VALUE",
			    "The content is not valid base64.");
		else
			ret = ret < 0 ? ws_import_answer(req, &in, ret)
				      : new_answer(req, p.path);
	}
	ws_import_release(&in);
	free(p.path);
	return ret;
}
