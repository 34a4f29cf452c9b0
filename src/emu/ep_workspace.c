/* emu/ep_workspace.c - Workspace calls on names.  Reference, 3.3. */
#include "config.h"

#include "emu/ep_workspace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"

#include "emu/emu.h"
#include "emu/field.h"
#include "emu/routes.h"
#include "emu/ws_call.h"
#include "emu/wspath.h"

#include "base/banned.h"

/* The flags that no document names.  3.2. */
struct extras {
	bool export_info, git_info;
};

static int
put_text(struct buf *out, const char *name, const char *text)
{
	int ret;

	ret = buf_printf(out, ",\"%s\":", name);
	return ret < 0 ? ret : jval_quote(out, text != NULL ? text : "");
}

static int
put_git_info(struct buf *out, const char *path, const struct object *repo)
{
	int ret;

	ret = buf_printf(out, ",\"git_info\":{\"id\":%" PRId64, repo->id);
	if (ret == 0)
		ret = put_text(out, "path", path);
	if (ret == 0)
		ret = put_text(out, "branch", repo->branch);
	if (ret == 0)
		ret = put_text(out, "head_commit_id", repo->head);
	if (ret == 0)
		ret = put_text(out, "url", repo->url);
	if (ret == 0)
		ret = put_text(out, "provider", repo->provider);
	return ret < 0 ? ret : buf_puts(out, "}");
}

/* Of the repo that path is, or lies in; nothing outside of repos. */
static int
put_git(struct request *req, const char *path)
{
	struct store_node node;
	struct object o;
	char *up = strdup(path);
	bool found = false;
	int ret = 0;

	if (up == NULL)
		return -ENOMEM;
	while (!found && up[0] != '\0') {
		if (ws_call_stat(req, up, &node, &o) == 0) {
			found = o.url != NULL;
			if (found)
				ret = put_git_info(
				    &req->reply.body, up, &o);
			object_release(&o);
		}
		*strrchr(up, '/') = '\0';
	}
	free(up);
	return ret;
}

int
ep_workspace_get_status(struct request *req)
{
	struct buf *out = &req->reply.body;
	struct extras wanted;
	struct store_node node;
	struct ws_path p;
	struct object o;
	int ret;

	if (!field_bool(req, "return_export_info", &wanted.export_info) ||
	    !field_bool(req, "return_git_info", &wanted.git_info) ||
	    !ws_call_path(req, "path", &p))
		return 0;
	ret = ws_call_stat(req, p.path, &node, &o);
	if (ret < 0) {
		ret = ws_call_fail(req, ret, p.path);
		free(p.path);
		return ret;
	}
	ret = reply_json(req, "");
	if (ret == 0)
		ret = ws_call_put_info(req, p.path, p.alias, &node, &o);
	if (ret == 0 && wanted.export_info && o.format != NULL)
		ret = put_text(out, "repos_export_format", o.format);
	if (ret == 0 && wanted.git_info)
		ret = put_git(req, p.path);
	if (ret == 0)
		ret = buf_puts(out, "}");
	object_release(&o);
	free(p.path);
	return ret;
}

struct listing {
	struct request *req;
	bool alias;
	int64_t after_ms; /* notebooks not changed since are left out; 0: none */
};

/* Other things than notebooks are listed whenever they changed.  [unsure] 3.3 */
static int
list_one(void *ctx, const char *path, const struct store_node *node)
{
	const struct listing *l = ctx;
	struct buf *out = &l->req->reply.body;
	struct object o;
	int ret;

	ret = object_read(node->note, &o);
	if (ret < 0)
		return ret;
	if (o.language == NULL || node->mtime_ms > l->after_ms) {
		/* An empty directory is {}: the member comes with the first. */
		ret = buf_puts(out, out->len > 0 ? "," : "{\"objects\":[");
		if (ret == 0)
			ret = ws_call_put_info(l->req, path, l->alias, node, &o);
		if (ret == 0)
			ret = buf_puts(out, "}");
	}
	object_release(&o);
	return ret;
}

int
ep_workspace_list(struct request *req)
{
	struct listing l = { .req = req };
	struct ws_path p;
	int ret;

	if (!field_i64(req, "notebooks_modified_after", &l.after_ms) ||
	    !ws_call_path(req, "path", &p))
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

int
ep_workspace_mkdirs(struct request *req)
{
	struct ws_path p;
	int ret = 0;

	if (!ws_call_path(req, "path", &p))
		return 0;
	if (req->plan.half)
		dbpath_shorten(p.path, req->plan.half_n);
	if (!ws_call_dir_refused(req, p.path)) {
		ret = store_mkdirs(req->emu->workspace, p.path, req->id);
		if (ret < 0)
			ret = ws_call_fail(req, ret, p.path);
		else
			ret = req->plan.half ? reply_half(req)
					     : reply_json(req, "{}");
	}
	free(p.path);
	return ret;
}

static int
delete(struct request *req, const char *path, bool recursive)
{
	const struct plan *plan = &req->plan;
	uint64_t limit = plan->half ? plan->half_n : plan->partial_delete;
	uint64_t removed;
	int ret;

	if (plan->half && limit == 0)
		return reply_half(req);
	ret = store_remove(
	    req->emu->workspace, path, recursive, limit, req->id, &removed);
	if (plan->half && (ret == 0 || ret == -EAGAIN))
		return reply_half(req);
	if (ret == -EAGAIN)
		return reply_error(req, 503, "PARTIAL_DELETE",
		    "The requested operation has deleted %" PRIu64
		    " files. There are more files remaining. You must make "
		    "another request to delete more.",
		    removed);
	return ret < 0 ? ws_call_fail(req, ret, path) : reply_json(req, "{}");
}

int
ep_workspace_delete(struct request *req)
{
	struct ws_path p;
	bool recursive;
	int ret = 0;

	if (!field_bool(req, "recursive", &recursive) ||
	    !ws_call_path(req, "path", &p))
		return 0;
	if (!ws_call_protected(req, p.path))
		ret = delete(req, p.path, recursive);
	free(p.path);
	return ret;
}

/* Across the border of a repo's or /Repos' content nobody knows (appendix F): there
 * a setting chooses. */
static bool
crossing_refused(struct request *req, const char *from, const char *to)
{
	if (settings_get(&req->emu->settings, SET_RENAME_REPOS) ==
		RENAME_REPOS_ALLOW ||
	    dbpath_within(from, "/Repos") == dbpath_within(to, "/Repos"))
		return false;
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    "Cannot move %s to %s: one of them is in a Git folder", from, to);
	return true;
}

static bool
rename_refused(struct request *req, const char *from, const char *to)
{
	struct store_node node;
	struct object o;
	bool is_repo;

	if (ws_call_protected(req, from) || crossing_refused(req, from, to))
		return true;
	if (ws_call_stat(req, from, &node, &o) < 0)
		return false; /* nothing there, which is said later */
	is_repo = o.url != NULL;
	object_release(&o);
	if (is_repo)
		return false;
	return node.is_dir ? ws_call_dir_refused(req, to)
			   : ws_call_place_refused(req, to);
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
	ret = to != NULL ? store_move(h->req->emu->workspace, path, to, true,
			       h->req->id)
			 : -ENOMEM;
	free(to);
	return ret;
}

static int
rename_object(struct request *req, const char *from, const char *to)
{
	struct half_move h = { req, from, to, req->plan.half_n };
	int ret;

	if (req->plan.half) {
		ret = store_list(req->emu->workspace, from, move_one, &h);
		return ret < 0 ? ws_call_fail(req, ret, from)
			       : reply_half(req);
	}
	ret = store_move(req->emu->workspace, from, to, false, req->id);
	switch (-ret) {
	case 0: return reply_json(req, "{}");
	case EEXIST:
	case EMLINK: return ws_call_fail(req, ret, to);
	case EINVAL:
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Cannot move %s to a path below itself: %s", from, to);
	case ENOTDIR:
		return reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
		    "The parent folder (%.*s) does not exist.",
		    (int)(dbpath_last(to) - to > 1 ? dbpath_last(to) - to - 1
						   : 1),
		    to);
	default: return ws_call_fail(req, ret, from);
	}
}

int
ep_workspace_rename(struct request *req)
{
	struct ws_path from, to;
	int ret = 0;

	if (settings_on(&req->emu->settings, SET_RENAME_DISABLED))
		return reply_error(req, 404, "ENDPOINT_NOT_FOUND",
		    "No API found for '%s %s'", req->method,
		    routes_short(req->path));
	if (!ws_call_path(req, "source_path", &from))
		return 0;
	if (ws_call_path(req, "destination_path", &to)) {
		if (!rename_refused(req, from.path, to.path))
			ret = rename_object(req, from.path, to.path);
		free(to.path);
	}
	free(from.path);
	return ret;
}
