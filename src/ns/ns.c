/* ns/ns.c - which backend a name belongs to.
 *
 * The root of a mount of everything is a backend of its own, with a fixed list of
 * names and no way to change it. */
#include "config.h"

#include "ns/ns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "base/banned.h"

#define ROOT_TTL_MS ((int64_t)3600 * 1000)

struct ns {
	struct backend backend; /* of the root directory of ours */
	struct entry *root;	/* all set once */
	struct entry *trees[NS_TREES_MAX];
	size_t n_trees;
	struct entry *control;
	bool control_listed;
};

/* --- the root directory of ours ----------------------------------------------- */

static struct ns *
ns_of(struct backend *b)
{
	return container_of(b, struct ns, backend);
}

static int
root_lookup(struct backend *b, struct call *call UNUSED,
    const struct entry *dir, const char *name, struct entry **out)
{
	struct ns *ns = ns_of(b);

	if (dir->path[0] != '\0')
		return -ENOENT; /* a tree that the workspace does not offer */
	for (size_t i = 0; i < ns->n_trees; i++)
		if (strcmp(ns->trees[i]->name, name) == 0) {
			*out = entry_ref(ns->trees[i]);
			return 0;
		}
	return -ENOENT;
}

static int
root_refresh(struct backend *b UNUSED, struct call *call UNUSED,
    const struct entry *e, struct entry **out)
{
	struct entry *same = entry_moved(e, e->path, e->name);

	if (same == NULL)
		return -ENOMEM;
	*out = same;
	return 0;
}

static int
root_list(struct backend *b, struct call *call UNUSED, const struct entry *dir,
    entry_fn *each, void *ctx)
{
	struct ns *ns = ns_of(b);
	int ret = 0;

	if (dir->path[0] != '\0')
		return 0;
	for (size_t i = 0; i < ns->n_trees && ret == 0; i++)
		ret = each(ctx, ns->trees[i]);
	return ret;
}

static const struct backend_ops root_ops = {
	.lookup = root_lookup,
	.refresh = root_refresh,
	.list = root_list,
};

/* --- the namespace ---------------------------------------------------------------- */

/* A directory of ours, as old as the mount. */
static struct entry *
own_dir(struct ns *ns, const char *name)
{
	struct version version = { .mtime_ms = clock_real_ms() };

	return entry_new(&ns->backend, "", ENTRY_DIR, name, name, &version);
}

static struct entry *
tree_entry(struct ns *ns, const struct ns_tree *t)
{
	if (t->root != NULL)
		return entry_moved(t->root, t->root->path, t->name);
	return own_dir(ns, t->name);
}

int
ns_new(const struct ns_config *config, struct ns **out)
{
	struct ns *ns;

	ns = calloc(1, sizeof(*ns));
	if (ns == NULL)
		return -ENOMEM;
	ns->backend = (struct backend){
		.ops = &root_ops,
		.tree = "",
		.ttl_ms = ROOT_TTL_MS,
	};
	if (config->source != NULL)
		ns->root = entry_ref(config->source);
	else
		ns->root = own_dir(ns, "");
	if (ns->root == NULL)
		goto err;
	for (size_t i = 0; i < config->n_trees; i++) {
		ns->trees[i] = tree_entry(ns, &config->trees[i]);
		if (ns->trees[i] == NULL)
			goto err;
		ns->n_trees++;
	}
	if (config->control != NULL) {
		ns->control = entry_ref(config->control);
		ns->control_listed = config->control_listed;
	}
	*out = ns;
	return 0;
err:
	ns_free(ns);
	return -ENOMEM;
}

void
ns_free(struct ns *ns)
{
	if (ns == NULL)
		return;
	for (size_t i = 0; i < ns->n_trees; i++)
		entry_unref(ns->trees[i]);
	entry_unref(ns->control);
	entry_unref(ns->root);
	free(ns);
}

struct entry *
ns_root(struct ns *ns)
{
	return ns->root;
}

struct entry *
ns_tree_root(struct ns *ns, const char *tree)
{
	if (strcmp(ns->root->tree, tree) == 0)
		return ns->root;
	for (size_t i = 0; i < ns->n_trees; i++)
		if (strcmp(ns->trees[i]->tree, tree) == 0)
			return ns->trees[i];
	return NULL;
}

static bool
is_root(const struct ns *ns, const struct entry *dir)
{
	return dir->backend == ns->root->backend &&
	    strcmp(dir->path, ns->root->path) == 0;
}

int
ns_lookup(struct ns *ns, struct call *call, const struct entry *dir,
    const char *name, struct entry **out)
{
	if (ns->control != NULL && strcmp(name, NS_CONTROL) == 0 &&
	    is_root(ns, dir)) {
		*out = entry_ref(ns->control);
		return 0;
	}
	return dir->backend->ops->lookup(dir->backend, call, dir, name, out);
}

int
ns_list(struct ns *ns, struct call *call, const struct entry *dir,
    entry_fn *each, void *ctx)
{
	int ret;

	ret = dir->backend->ops->list(dir->backend, call, dir, each, ctx);
	if (ret == 0 && ns->control != NULL && ns->control_listed &&
	    is_root(ns, dir))
		ret = each(ctx, ns->control);
	return ret;
}

int
ns_refresh(struct ns *ns UNUSED, struct call *call, const struct entry *e,
    struct entry **out)
{
	return e->backend->ops->refresh(e->backend, call, e, out);
}
