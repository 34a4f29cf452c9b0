/* emu/ws_call.c - what all calls on the workspace have in common.  Reference, 3.1 to
 * 3.3. */
#include "config.h"

#include "emu/ws_call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"

#include "emu/emu.h"
#include "emu/field.h"
#include "emu/wspath.h"

#include "base/banned.h"

bool
ws_call_parse(struct request *req, const char *text, struct ws_path *out)
{
	const char *wrong = NULL;

	switch (wspath_parse(text, &out->path, &out->alias)) {
	case DBPATH_GOOD: break;
	case DBPATH_RELATIVE:
		wrong = "Path must be absolute and start with '/'";
		break;
	case DBPATH_DOTS:
		wrong = "Path must not have . or .. components";
		break;
	case DBPATH_BYTES: wrong = "Path must be valid UTF-8"; break;
	case DBPATH_NAME: wrong = "Path is invalid"; break;
	case DBPATH_LONG: wrong = "Path is too long"; break;
	}
	if (wrong != NULL)
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "%s: %.512s", wrong, text);
	else if (out->path == NULL)
		(void)reply_error(req, 500, "INTERNAL_ERROR", "Out of memory");
	return out->path != NULL;
}

bool
ws_call_path(struct request *req, const char *name, struct ws_path *out)
{
	const char *text = field_str(req, name);

	return text != NULL && ws_call_parse(req, text, out);
}

int
ws_call_stat(struct request *req, const char *path, struct store_node *node,
    struct object *out)
{
	int ret;

	ret = store_stat(req->emu->workspace, path, node);
	return ret < 0 ? ret : object_read(node->note, out);
}

struct listing {
	struct request *req;
	store_list_fn *each;
	void *ctx;
};

static int
list_one(void *ctx, const char *path, const struct store_node *node)
{
	const struct listing *l = ctx;

	return faults_hides(l->req, path) ? 0 : l->each(l->ctx, path, node);
}

int
ws_call_list(
    struct request *req, const char *path, store_list_fn *each, void *ctx)
{
	int64_t lag_ms = settings_get(&req->emu->settings, SET_LIST_LAG);
	struct listing l = { req, each, ctx };
	int ret = -ENOTDIR;

	if (lag_ms > 0)
		ret = store_list_at(req->emu->workspace, path,
		    timeline_now_ms(&req->emu->timeline) - lag_ms, list_one, &l);
	if (ret == -ENOTDIR)
		ret = store_list(req->emu->workspace, path, list_one, &l);
	return ret;
}

int
ws_call_exists(struct request *req, const char *path)
{
	int status = settings_get(&req->emu->settings, SET_EXISTS_STATUS) ==
			     EXISTS_STATUS_409
			 ? 409
			 : 400;

	return reply_error(req, status, "RESOURCE_ALREADY_EXISTS",
	    "Path (%s) already exists.", path);
}

static int
fail_full(struct request *req, const char *path)
{
	int64_t max = settings_get(&req->emu->settings, SET_CHILDREN_LIMIT);
	size_t len = (size_t)(dbpath_last(path) - path);

	return reply_error(req, 400, "MAX_CHILD_NODE_SIZE_EXCEEDED",
	    "Size limit exceeded for folder '%.*s' Current size: %" PRId64
	    " Limit: %" PRId64,
	    len > 1 ? (int)(len - 1) : 1, path, max, max);
}

int
ws_call_fail(struct request *req, int err, const char *path)
{
	switch (-err) {
	case ENOENT:
		return reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
		    "Path (%s) doesn't exist.", path);
	case EEXIST:
	case EISDIR:
	case ENOTDIR: return ws_call_exists(req, path);
	case EMLINK: return fail_full(req, path);
	case ENOTEMPTY:
		return reply_error(req, 400, "DIRECTORY_NOT_EMPTY",
		    "Folder (%s) is not empty", path);
	case ENOSPC:
	case EDQUOT:
		return reply_error(req, 400, "QUOTA_EXCEEDED",
		    "No space left for %s.", path);
	default: return err;
	}
}

/* The reference has the code and no words.  3.1. */
static bool
refuse(struct request *req, const char *path)
{
	(void)reply_error(req, 400, "DIRECTORY_PROTECTED",
	    "Folder (%s) is protected", path);
	return true;
}

bool
ws_call_place_refused(struct request *req, const char *path)
{
	return wspath_is_repo(path) && refuse(req, path);
}

bool
ws_call_dir_refused(struct request *req, const char *path)
{
	struct store_node node;

	if (settings_get(&req->emu->settings, SET_GIT_DIRS) ==
		GIT_DIRS_REFUSE &&
	    wspath_has_git(path))
		return refuse(req, path);
	/* A repo that is there already is no reason to refuse mkdirs. */
	return store_stat(req->emu->workspace, path, &node) < 0 &&
	       ws_call_place_refused(req, path);
}

bool
ws_call_protected(struct request *req, const char *path)
{
	return wspath_is_protected(path) && refuse(req, path);
}

/* What servers gave at all times is told already: by --objects, others know more. */
static int
put_details(struct request *req, const struct store_node *node,
    const struct object *o)
{
	const struct settings *set = &req->emu->settings;
	bool modern = settings_get(set, SET_OBJECTS) == OBJECTS_MODERN;
	bool is_file = !node->is_dir && o->language == NULL;
	struct buf *out = &req->reply.body;
	int ret;

	ret = buf_printf(out, ",\"resource_id\":\"%" PRId64 "\"", o->id);
	if (ret == 0 && (modern || is_file))
		ret = buf_printf(out,
		    ",\"created_at\":%" PRId64 ",\"modified_at\":%" PRId64,
		    o->created_ms, node->mtime_ms);
	if (ret == 0 && is_file)
		ret = buf_printf(out, ",\"size\":%" PRIu64, node->size);
	if (ret == 0 && o->language != NULL &&
	    settings_get(set, SET_NOTEBOOK_SIZE) == NOTEBOOK_SIZE_ZERO)
		ret = buf_puts(out, ",\"size\":0");
	if (ret == 0 && node->is_dir)
		ret = buf_printf(out, ",\"directory_info\":{\"is_git_folder\":%s}",
		    o->url != NULL ? "true" : "false");
	return ret;
}

int
ws_call_put_info(struct request *req, const char *path, bool alias,
    const struct store_node *node, const struct object *o)
{
	struct buf *out = &req->reply.body;
	char *shown = NULL;
	int ret;

	if (alias) {
		shown = dbpath_join("/Workspace", path + 1);
		if (shown == NULL)
			return -ENOMEM;
		/* The root's own name has no slash behind it. */
		if (path[1] == '\0')
			shown[strlen(shown) - 1] = '\0';
	}
	ret = buf_puts(out, "{\"path\":");
	if (ret == 0)
		ret = jval_quote(out, alias ? shown : path);
	free(shown);
	if (ret == 0)
		ret = buf_printf(out,
		    ",\"object_type\":\"%s\",\"object_id\":%" PRId64, o->type,
		    o->id);
	if (ret == 0 && o->language != NULL)
		ret = buf_printf(out, ",\"language\":\"%s\"",
		    /* 3.2: notebooks that are Jupyter's always say so. */
		    strcmp(o->format, "JUPYTER") == 0 ? "PYTHON"
						      : o->language);
	if (ret == 0 && settings_get(&req->emu->settings, SET_OBJECTS) !=
			    OBJECTS_OLDEST)
		ret = put_details(req, node, o);
	return ret;
}
