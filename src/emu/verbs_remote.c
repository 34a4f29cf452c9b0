/* emu/verbs_remote.c - verbs that are another client's hand. */
#include "config.h"

#include "emu/verbs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"
#include "base/log.h"

#include "emu/dbpath.h"
#include "emu/emu.h"
#include "emu/params.h"
#include "emu/request.h"
#include "emu/routes.h"
#include "emu/workspace.h"

#include "base/banned.h"

#define CONTENT_BYTES ((size_t)16 << 20)

/* What another client could not do is said, a test would wonder. */
static void
remote_done(int ret, const char *path)
{
	if (ret < 0)
		log_warn(
		    "fault", "remote change of %s: %s", path, strerror(-ret));
}

/* The tree that the request is about. */
static bool
in_workspace(const struct request *req)
{
	return routes_tree(req->path) == ROUTES_WORKSPACE;
}

static struct store *
tree_of(const struct request *req)
{
	return in_workspace(req) ? req->emu->workspace : req->emu->dbfs;
}

/* Path argument of a remote hand; the request's own path when missing. */
static char *
remote_path(struct request *req, struct json_object *args, const char *name)
{
	const char *text = verb_text(args, name, req->subject);
	char *path = NULL;

	if (text != NULL && dbpath_parse(text, false, &path) != DBPATH_GOOD)
		return NULL;
	return path;
}

void
verb_remote_edit(struct request *req, struct json_object *args)
{
	struct workspace_thing same = { 0 };
	struct store *tree = tree_of(req);
	char *path = remote_path(req, args, "path");
	const char *text = verb_text(args, "content", "");
	const char *packed = verb_text(args, "content_base64", NULL);
	struct store_node before;
	bool keep = false; /* the time, as a clock of a second does */
	char *bytes = NULL;
	size_t len = strlen(text);

	if (path == NULL)
		return;
	(void)jval_bool(args, "keep_mtime", &keep);
	if (!keep || store_stat(tree, path, &before) < 0)
		before.mtime_ms = -1;
	if (packed != NULL &&
	    params_base64(packed, CONTENT_BYTES, &bytes, &len) < 0)
		len = 0;
	if (bytes != NULL)
		text = bytes;
	same.mtime_ms = before.mtime_ms > 0 ? before.mtime_ms : 0;
	remote_done(in_workspace(req)
			? workspace_put(req->emu, path, text, len, &same, NULL)
			: store_put_at(tree, path, text, len, HISTORY_ADMIN,
			      NULL, before.mtime_ms),
	    path);
	free(bytes);
	free(path);
}

void
verb_remote_delete(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");
	uint64_t removed;

	if (path != NULL)
		remote_done(
		    store_remove(tree_of(req), path, true, 0, NULL, &removed),
		    path);
	free(path);
}

void
verb_remote_rename(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");
	char *to = remote_path(req, args, "to");

	if (path != NULL && to != NULL)
		remote_done(
		    store_move(tree_of(req), path, to, true, NULL), path);
	free(path);
	free(to);
}

void
verb_remote_mkdir(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");

	if (path != NULL)
		remote_done(store_mkdirs(tree_of(req), path, NULL), path);
	free(path);
}
