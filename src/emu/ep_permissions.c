/* emu/ep_permissions.c - who may do what with an object of the workspace.  Reference,
 * 3.7 and 5.12.
 *
 * They are kept and told, and change nothing: the one user there is may do all.  What
 * others may not do here is a matter of deny rules. */
#include "config.h"

#include "emu/ep_permissions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"
#include "base/text.h"

#include "emu/emu.h"
#include "emu/object.h"
#include "emu/routes.h"

#include "base/banned.h"

#define FAMILY "/permissions/"

static const struct kind {
	const char *plural, *name; /* in paths, in answers */
	const char *type;          /* of the object */
} kinds[] = {
	{ "notebooks", "notebook", "NOTEBOOK" },
	{ "directories", "directory", "DIRECTORY" },
	{ "files", "file", "FILE" },
	{ "repos", "repo", "REPO" },
	{ "dashboards", "dashboard", "DASHBOARD" },
};

static const char *const levels[] = { "CAN_READ", "CAN_RUN", "CAN_EDIT",
	"CAN_MANAGE" };

static const char *const principals[] = { "user_name", "group_name",
	"service_principal_name" };

/* The object that a request is about. */
struct target {
	const struct kind *kind;
	int64_t id;
	bool levels; /* it asks for what levels there are */
	char *path;
	struct json_object *acl; /* direct entries */
};

static int
find_one(void *ctx, const char *path, const struct store_node *node)
{
	struct target *t = ctx;
	struct object o;
	int ret;

	ret = object_read(node->note, &o);
	if (ret < 0)
		return ret;
	if (o.id == t->id && object_is(&o, t->kind->type)) {
		t->path = text_dup(path);
		ret = t->path != NULL ? 1 : -ENOMEM;
		if (o.acl != NULL &&
		    jval_parse(o.acl, strlen(o.acl), &t->acl) < 0)
			t->acl = NULL;
	}
	object_release(&o);
	return ret;
}

/* Reads "/permissions/notebooks/42/permissionLevels". */
static bool
parse_path(const char *path, struct target *t)
{
	const char *at = routes_short(path);
	char number[24];
	size_t len;

	if (!text_starts(at, FAMILY))
		return false;
	at += strlen(FAMILY);
	len = strcspn(at, "/");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i].plural) == len &&
		    memcmp(kinds[i].plural, at, len) == 0)
			t->kind = &kinds[i];
	if (t->kind == NULL || at[len] == '\0')
		return false;
	at += len + 1;
	len = strcspn(at, "/");
	if (len >= sizeof(number))
		return false;
	memcpy(number, at, len);
	number[len] = '\0';
	t->levels = strcmp(at + len, "/permissionLevels") == 0;
	return text_i64(number, &t->id) == 0 && (at[len] == '\0' || t->levels);
}

/* False when the request has been answered. */
static bool
find(struct request *req, struct target *t)
{
	if (!parse_path(req->path, t)) {
		(void)reply_error(req, 404, "ENDPOINT_NOT_FOUND",
		    "No API found for '%s %s'", req->method,
		    routes_short(req->path));
		return false;
	}
	if (store_each(req->emu->workspace, "/", find_one, t) >= 0 &&
	    t->path != NULL)
		return true;
	(void)reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
	    "%s with id %" PRId64 " does not exist.", t->kind->name, t->id);
	return false;
}

static void
target_release(struct target *t)
{
	free(t->path);
	json_object_put(t->acl);
}

/* The principal of an entry, and the member that names it; NULL for none. */
static const char *
principal_of(struct json_object *entry, const char **member)
{
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_LEN(principals); i++) {
		*member = principals[i];
		if (jval_str(entry, principals[i], &name) == 0)
			return name;
	}
	return NULL;
}

static int
put_entry(struct buf *out, struct json_object *entry)
{
	const char *member = "", *level = "";
	const char *name = principal_of(entry, &member);
	int ret;

	(void)jval_str(entry, "permission_level", &level);
	ret = buf_printf(out, "{\"%s\":", member);
	if (ret == 0)
		ret = jval_quote(out, name != NULL ? name : "");
	return ret < 0 ? ret
		       : buf_printf(out,
			     ",\"all_permissions\":[{\"permission_level\":\"%s\","
			     "\"inherited\":false}]},",
			     level);
}

static int
answer(struct request *req, const struct target *t)
{
	struct buf *out = &req->reply.body;
	size_t n = t->acl != NULL ? json_object_array_length(t->acl) : 0;
	int ret;

	ret = reply_json(req, "");
	if (ret == 0)
		ret = buf_printf(out,
		    "{\"object_id\":\"/%s/%" PRId64
		    "\",\"object_type\":\"%s\",\"access_control_list\":[",
		    t->kind->plural, t->id, t->kind->name);
	for (size_t i = 0; ret == 0 && i < n; i++)
		ret = put_entry(out, json_object_array_get_idx(t->acl, i));
	return ret < 0 ? ret
		       : buf_puts(out,
			     "{\"group_name\":\"admins\",\"all_permissions\":[{"
			     "\"permission_level\":\"CAN_MANAGE\","
			     "\"inherited\":true,\"inherited_from_object\":["
			     "\"/directories/\"]}]}]}");
}

static int
answer_levels(struct request *req)
{
	struct buf *out = &req->reply.body;
	int ret;

	ret = reply_json(req, "{\"permission_levels\":[");
	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(levels); i++)
		ret = buf_printf(out,
		    "%s{\"permission_level\":\"%s\",\"description\":\"%s\"}",
		    i > 0 ? "," : "", levels[i], levels[i]);
	return ret < 0 ? ret : buf_puts(out, "]}");
}

int
ep_permissions_get(struct request *req)
{
	struct target t = { 0 };
	int ret = 0;

	if (find(req, &t))
		ret = t.levels ? answer_levels(req) : answer(req, &t);
	target_release(&t);
	return ret;
}

static bool
is_good(struct json_object *entry)
{
	const char *member, *level = "";

	(void)jval_str(entry, "permission_level", &level);
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (strcmp(levels[i], level) == 0)
			return principal_of(entry, &member) != NULL;
	return false;
}

/* The entries of the request; NULL when it was answered. */
static struct json_object *
wanted(struct request *req)
{
	struct json_object *list = NULL;
	bool good;

	good = jval_array(req->params.json, "access_control_list", &list) == 0;
	for (size_t i = 0; good && i < json_object_array_length(list); i++)
		good = is_good(json_object_array_get_idx(list, i));
	if (good)
		return list;
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    "Wanted: access_control_list, each with a principal and one of "
	    "CAN_READ, CAN_RUN, CAN_EDIT, CAN_MANAGE.");
	return NULL;
}

static bool
is_named_in(struct json_object *list, struct json_object *entry)
{
	const char *member, *other;
	const char *name = principal_of(entry, &member);

	for (size_t i = 0; name != NULL && i < json_object_array_length(list);
	     i++) {
		const char *there = principal_of(
		    json_object_array_get_idx(list, i), &other);

		if (there != NULL && strcmp(there, name) == 0 &&
		    strcmp(member, other) == 0)
			return true;
	}
	return false;
}

/* Adds to the list those entries of old whose principals it does not name. */
static int
merge(struct json_object *list, struct json_object *old)
{
	for (size_t i = 0; i < json_object_array_length(old); i++) {
		struct json_object *entry = json_object_array_get_idx(old, i);

		if (!is_named_in(list, entry) &&
		    json_object_array_add(list, json_object_get(entry)) < 0) {
			json_object_put(entry);
			return -ENOMEM;
		}
	}
	return 0;
}

/* With the tree's lock held. */
static int
decide(void *ctx, const struct store_node *old, struct buf *note)
{
	struct object o;
	int ret;

	ret = old != NULL ? object_read(old->note, &o) : -ENOENT;
	if (ret < 0)
		return ret;
	o.acl = ctx;
	ret = object_write(&o, note);
	object_release(&o);
	return ret;
}

static int
change(struct request *req, bool keep)
{
	struct target t = { 0 };
	struct json_object *list = NULL;
	char *text;
	int ret = 0;

	if (find(req, &t))
		list = wanted(req);
	if (list == NULL)
		goto out;
	if (keep && t.acl != NULL)
		ret = merge(list, t.acl);
	text = text_dup(jval_text(list, NULL));
	if (text == NULL)
		ret = -ENOMEM;
	if (ret == 0)
		ret = store_annotate(
		    req->emu->workspace, t.path, decide, text, req->id);
	free(text);
	json_object_put(t.acl);
	t.acl = json_object_get(list);
	if (ret == 0)
		ret = answer(req, &t);
out:
	target_release(&t);
	return ret;
}

int
ep_permissions_set(struct request *req)
{
	return change(req, false);
}

int
ep_permissions_update(struct request *req)
{
	return change(req, true);
}
