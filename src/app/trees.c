/* app/trees.c - the trees of a workspace. */
#include "config.h"

#include "app/trees.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/part.h"
#include "app/words.h"
#include "backend/dbfs.h"
#include "backend/workspace.h"
#include "base/log.h"
#include "base/text.h"

#include "base/banned.h"

/* --- kinds of trees ---------------------------------------------------------------- */

typedef int make_fn(const struct trees_config *config, struct backend **out);
typedef int root_fn(struct backend *b, struct call *call, const char *path,
    struct entry **out);

static int
make_dbfs(const struct trees_config *config, struct backend **out)
{
	const struct dbfs_config dbfs = {
		.rest = config->rest,
		.journal = config->journal,
		.base_url = config->base_url,
		.verify_read = config->verify_read,
	};

	return dbfs_new(&dbfs, out);
}

static int
make_workspace(const struct trees_config *config, struct backend **out)
{
	struct workspace_config workspace = {
		.rest = config->rest,
		.base_url = config->base_url,
		.org_id = config->org_id,
		.mode = config->notebooks,
	};
	char *dir = NULL;
	int ret;

	/* What is remembered of a notebook depends on the form that it is shown in. */
	if (config->state_dir != NULL) {
		dir = text_printf("%s/%s", config->state_dir,
		    config->notebooks == WS_IPYNB ? "workspace-ipynb" :
						    "workspace");
		if (dir == NULL)
			return -ENOMEM;
	}
	workspace.dir = dir;
	ret = workspace_new(&workspace, out);
	free(dir);
	return ret;
}

/* In the order in which they are shown. */
static const struct tree_kind {
	const char *name;
	const char *prefix; /* of its paths, in messages */
	make_fn *make; /* NULL: none of this version's */
	root_fn *find;
	void (*free)(struct backend *b);
} kinds[TREES_MAX] = {
	{ "dbfs", "dbfs:", make_dbfs, dbfs_root, dbfs_free },
	{ "Workspace", "/Workspace", make_workspace, workspace_root,
	    workspace_free },
	{ "Volumes", "/Volumes", NULL, NULL, NULL },
};

/* --- finding -------------------------------------------------------------------------- */

/* Does the workspace have no such tree, as opposed to: it cannot be asked now? */
static bool
is_missing(int err)
{
	return err == -EACCES || err == -EPERM || err == -ENOSYS ||
	    err == -EOPNOTSUPP || err == -ENOENT;
}

static int
explain(const struct tree_kind *kind, const struct trees_config *config, int err,
    const char *said, struct buf *words)
{
	const char *path = config->part->all ? "/" : config->part->path;

	if (*said == '\0')
		said = strerror(-err);
	switch (err) {
	case -EINTR:
		return words_say(words, err, "interrupted");
	case -ENOENT:
		return words_say(words, err, "%s%s does not exist in %s",
		    kind->prefix, path, config->base_url);
	case -ENOTDIR:
		return words_say(words, err, "%s%s is a file, and only a"
		    " directory can be mounted", kind->prefix, path);
	default:
		return words_say(words, err, "%s%s cannot be %s: %s",
		    kind->prefix, path, config->part->all ? "looked at" :
		    "mounted", said);
	}
}

/* No change is made before the journal is open, so that a look needs none. */
static int
look(const struct trees_config *config, const struct tree_kind *kind,
    struct call *call, struct entry **out)
{
	struct backend *probe;
	int ret = kind->make(config, &probe);

	if (ret < 0)
		return ret;
	call->words[0] = '\0';
	words_keep_quiet(true);
	ret = kind->find(probe, call,
	    config->part->all ? "/" : config->part->path, out);
	words_keep_quiet(false);
	kind->free(probe);
	return ret;
}

static int
find_tree(const struct trees_config *config, const struct tree_kind *kind,
    struct call *call, struct buf *words, struct tree *tree)
{
	const char *why = "this version of brickfs does not show it";
	int ret = 0;

	tree->kind = kind;
	tree->name = kind->name;
	if (kind->make != NULL) {
		ret = look(config, kind, call, &tree->found);
		if (ret == 0)
			return 0;
		if (!config->part->all || !is_missing(ret))
			return explain(kind, config, ret, call->words, words);
		why = call->words[0] != '\0' ? call->words :
					       "the workspace does not offer it";
		log_warn("mount", "%s/ is empty: %s", kind->name, why);
	}
	tree->why = text_dup(why);
	return tree->why != NULL ? 0 : -ENOMEM;
}

int
trees_find(const struct trees_config *config, struct call *call,
    struct buf *words, struct trees *t)
{
	int ret = 0;

	*t = (struct trees){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(kinds) && ret == 0; i++)
		if (config->part->all ||
		    strcmp(config->part->tree, kinds[i].name) == 0)
			ret = find_tree(config, &kinds[i], call, words,
			    &t->all[t->n++]);
	return ret;
}

/* --- opening -------------------------------------------------------------------------- */

static int
open_tree(const struct trees_config *config, struct tree *tree)
{
	const struct tree_kind *kind = tree->kind;
	const struct entry *e = tree->found;
	int ret;

	if (kind->make == NULL || e == NULL)
		return 0;
	ret = kind->make(config, &tree->backend);
	if (ret < 0)
		return ret;
	tree->root = entry_new(tree->backend, e->tree, e->kind, e->path,
	    e->name, &e->version);
	if (tree->root == NULL)
		return -ENOMEM;
	tree->root->object_id = e->object_id;
	tree->root->form = e->form;
	return 0;
}

int
trees_open(const struct trees_config *config, struct trees *t)
{
	int ret = 0;

	for (size_t i = 0; i < t->n && ret == 0; i++)
		ret = open_tree(config, &t->all[i]);
	return ret;
}

void
trees_release(struct trees *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct tree *tree = &t->all[i];

		entry_unref(tree->root);
		entry_unref(tree->found);
		if (tree->backend != NULL)
			tree->kind->free(tree->backend);
		free(tree->why);
	}
	*t = (struct trees){ 0 };
}
