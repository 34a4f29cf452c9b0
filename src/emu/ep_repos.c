/* emu/ep_repos.c - Git folders.  Reference, 3.6.
 *
 * Nothing is cloned: a repo is a directory of type REPO that says what it would be a
 * clone of.  sparse_checkout is not looked at. */
#include "config.h"

#include "emu/ep_repos.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/jval.h"
#include "base/text.h"

#include "emu/dbpath.h"
#include "emu/emu.h"
#include "emu/field.h"
#include "emu/ws_call.h"

#include "base/banned.h"

#define PAGE      20
#define HEAD_HEX  41 /* of a commit, with the NUL */
#define BRANCH    "main"

static const char *const providers[] = { "gitHub", "gitHubEnterprise",
	"bitbucketCloud", "bitbucketServer", "gitLab",
	"gitLabEnterpriseEdition", "azureDevOpsServices", "awsCodeCommit" };

static int
put_member(struct buf *out, const char *name, const char *text)
{
	int ret;

	ret = buf_printf(out, ",\"%s\":", name);
	return ret < 0 ? ret : jval_quote(out, text != NULL ? text : "");
}

static int
put_repo(struct buf *out, const char *path, const struct object *o)
{
	int ret;

	ret = buf_printf(out, "{\"id\":%" PRId64, o->id);
	if (ret == 0)
		ret = put_member(out, "path", path);
	if (ret == 0)
		ret = put_member(out, "url", o->url);
	if (ret == 0)
		ret = put_member(out, "provider", o->provider);
	if (ret == 0 && o->branch != NULL)
		ret = put_member(out, "branch", o->branch);
	if (ret == 0)
		ret = put_member(out, "head_commit_id", o->head);
	return ret < 0 ? ret : buf_puts(out, "}");
}

struct listing {
	struct buf *out;
	const char *prefix;
	int64_t skip, left;
	bool more;
};

/* With the tree's lock held. */
static int
list_one(void *ctx, const char *path, const struct store_node *node)
{
	struct listing *l = ctx;
	struct object o;
	int ret;

	ret = node->is_dir ? object_read(node->note, &o) : -ENOENT;
	if (ret < 0)
		return ret == -ENOENT ? 0 : ret;
	if (o.url == NULL || !text_starts(path, l->prefix) || l->skip-- > 0) {
		/* another thing, or of another page */
	} else if (l->left-- == 0) {
		l->more = true;
		ret = 1;
	} else {
		ret = buf_puts(l->out, l->out->len > 0 ? "," : "{\"repos\":[");
		if (ret == 0)
			ret = put_repo(l->out, path, &o);
	}
	object_release(&o);
	return ret;
}

/* A page's token is how many come before it. */
int
ep_repos_list(struct request *req)
{
	struct listing l = { .out = &req->reply.body,
		.prefix = "/",
		.left = PAGE };
	int64_t skip = 0;
	int ret;

	if (!field_i64(req, "next_page_token", &skip))
		return 0;
	(void)params_str(&req->params, "path_prefix", &l.prefix);
	if (text_starts(l.prefix, "/Workspace/"))
		l.prefix += 10;
	l.skip = skip;
	ret = reply_json(req, "");
	if (ret == 0)
		ret = store_each(req->emu->workspace, "/", list_one, &l);
	if (ret >= 0)
		ret = buf_puts(l.out, l.out->len > 0 ? "]" : "{");
	if (ret == 0 && l.more)
		ret = buf_printf(l.out, ",\"next_page_token\":\"%" PRId64 "\"",
		    skip + PAGE);
	return ret < 0 ? ret : buf_puts(l.out, "}");
}

/* The folder of the user, and the last part of the URL without ".git". */
static char *
default_path(const char *url)
{
	const char *slash = strrchr(url, '/');
	const char *name = slash != NULL ? slash + 1 : url;
	size_t len = strlen(name);

	if (text_ends(name, ".git"))
		len -= 4;
	return text_printf("/Repos/" EMU_USER "/%.*s", (int)len, name);
}

static const char *
provider_of(struct request *req)
{
	const char *text = field_str(req, "provider");

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		if (strcasecmp(providers[i], text) == 0)
			return providers[i];
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    "Unknown Git provider: %s", text);
	return NULL;
}

/* What becomes of a directory; with the tree's lock held. */
struct change {
	const char *url, *provider; /* NULL: as before */
	const char *branch;         /* NULL: none, at a tag */
	char head[HEAD_HEX];
};

static int
decide(void *ctx, const struct store_node *old, struct buf *note)
{
	const struct change *c = ctx;
	struct object o;
	int ret;

	ret = old != NULL ? object_read(old->note, &o) : -ENOENT;
	if (ret < 0)
		return ret;
	o.type = "REPO";
	if (c->url != NULL) {
		o.url = c->url;
		o.provider = c->provider;
	}
	o.branch = c->branch;
	o.head = c->head;
	ret = object_write(&o, note);
	object_release(&o);
	return ret;
}

static int
answer_repo(struct request *req, const char *path)
{
	struct store_node node;
	struct object o;
	int ret;

	ret = ws_call_stat(req, path, &node, &o);
	if (ret < 0)
		return ws_call_fail(req, ret, path);
	ret = reply_json(req, "");
	if (ret == 0)
		ret = put_repo(&req->reply.body, path, &o);
	object_release(&o);
	return ret;
}

static int
create(struct request *req, const char *path, struct change *c)
{
	struct store *tree = req->emu->workspace;
	size_t up = (size_t)(dbpath_last(path) - path);
	char *parent = strndup(path, up > 1 ? up - 1 : 1);
	struct store_node node;
	int ret;

	if (parent == NULL)
		return -ENOMEM;
	if (store_stat(tree, parent, &node) < 0 || !node.is_dir)
		ret = reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
		    "RESOURCE_DOES_NOT_EXIST: Parent directory %s does not "
		    "exist.",
		    parent);
	else if (store_stat(tree, path, &node) == 0)
		ret = ws_call_exists(req, path);
	else {
		ret = store_mkdirs(tree, path, req->id);
		if (ret == 0)
			ret = store_annotate(tree, path, decide, c, req->id);
		ret = ret < 0 ? ws_call_fail(req, ret, path)
			      : answer_repo(req, path);
	}
	free(parent);
	return ret;
}

int
ep_repos_create(struct request *req)
{
	struct change c = { .branch = BRANCH };
	const char *text = NULL;
	char *made = NULL;
	struct ws_path p;
	int ret = 0;

	c.url = field_str(req, "url");
	c.provider = c.url != NULL ? provider_of(req) : NULL;
	if (c.provider == NULL)
		return 0;
	digest_random_hex(c.head, 20);
	if (params_str(&req->params, "path", &text) < 0) {
		made = default_path(c.url);
		if (made == NULL)
			return -ENOMEM;
	}
	if (ws_call_parse(req, made != NULL ? made : text, &p)) {
		ret = create(req, p.path, &c);
		free(p.path);
	}
	free(made);
	return ret;
}

struct search {
	int64_t id;
	char *path;
};

static int
find_one(void *ctx, const char *path, const struct store_node *node)
{
	struct search *s = ctx;
	struct object o;
	bool found;

	if (!node->is_dir || object_read(node->note, &o) < 0)
		return 0;
	found = o.id == s->id && o.url != NULL;
	object_release(&o);
	if (!found)
		return 0;
	s->path = text_dup(path);
	return s->path != NULL ? 1 : -ENOMEM;
}

/* The path of the repo whose id the URL ends in, in new memory; NULL when it was
 * answered. */
static char *
find(struct request *req)
{
	const char *text = strrchr(req->path, '/') + 1;
	struct search s = { 0 };

	if (text_i64(text, &s.id) < 0 ||
	    store_each(req->emu->workspace, "/", find_one, &s) < 0 ||
	    s.path == NULL)
		(void)reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
		    "Git folder (Repo) could not be found: %.40s", text);
	return s.path;
}

int
ep_repos_get(struct request *req)
{
	char *path = find(req);
	int ret = path != NULL ? answer_repo(req, path) : 0;

	free(path);
	return ret;
}

/* Another branch, or a tag, has another head. */
int
ep_repos_update(struct request *req)
{
	struct change c = { 0 };
	const char *tag = NULL;
	char *path = find(req);
	int ret;

	if (path == NULL)
		return 0;
	(void)params_str(&req->params, "branch", &c.branch);
	(void)params_str(&req->params, "tag", &tag);
	digest_random_hex(c.head, 20);
	if ((c.branch == NULL) == (tag == NULL)) {
		ret = reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Exactly one of branch and tag is needed.");
	} else {
		ret = store_annotate(
		    req->emu->workspace, path, decide, &c, req->id);
		ret = ret < 0 ? ws_call_fail(req, ret, path)
			      : reply_json(req, "{}");
	}
	free(path);
	return ret;
}

int
ep_repos_delete(struct request *req)
{
	char *path = find(req);
	uint64_t removed;
	int ret;

	if (path == NULL)
		return 0;
	ret = store_remove(
	    req->emu->workspace, path, true, 0, req->id, &removed);
	ret = ret < 0 ? ws_call_fail(req, ret, path) : reply_json(req, "{}");
	free(path);
	return ret;
}
