/* fs/left_dir.c - the directories and names that records name by path. */
#include "config.h"

#include "fs/left_impl.h"

#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/text.h"
#include "ns/ns.h"

#include "base/banned.h"

/* The root of tree in this mount, with a reference; NULL: no part of it is shown. */
static struct node *
tree_root(struct vfs *v, const char *tree)
{
	struct entry *e = ns_tree_root(v->config.ns, tree);
	struct node *n = NULL;

	if (e == NULL)
		return NULL;
	lock_take(&v->lock);
	if (e == ns_root(v->config.ns)) {
		n = node_ref_locked(v, v->root);
	} else {
		n = node_find_locked(v, v->root, e->name);
		n = n != NULL ? node_ref_locked(v, n) : node_new_locked(v,
		    v->root, e->name, e->kind, e->backend, e);
	}
	lock_drop(&v->lock);
	return n;
}

/* The child directory of that name, taken to be there; consumes parent's
 * reference. */
static struct node *
child_dir(struct vfs *v, struct node *parent, const char *name)
{
	struct entry *plain, *e = NULL;
	struct node *n;

	lock_take(&v->lock);
	n = node_find_locked(v, parent, name);
	plain = entry_new(parent->backend, parent->remote->tree, ENTRY_DIR, "",
	    name, NULL);
	if (n != NULL)
		(void)node_ref_locked(v, n);
	else if (plain != NULL && parent->backend->ops->rekey(parent->backend,
	    parent->remote, name, plain, &e) == 0)
		n = node_new_locked(v, parent, name, ENTRY_DIR,
		    parent->backend, e);
	node_unref_locked(v, parent);
	lock_drop(&v->lock);
	entry_unref(plain);
	entry_unref(e);
	return n;
}

struct node *
left_dir(struct vfs *v, const char *tree, const char *path)
{
	struct node *n = tree_root(v, tree);
	const char *top, *rest;
	char *copy, *name, *save = NULL;
	size_t len;

	if (n == NULL)
		return NULL;
	top = n->remote->path;
	len = strcmp(top, "/") == 0 ? 0 : strlen(top);
	if (strncmp(path, top, len) != 0 ||
	    (path[len] != '/' && path[len] != '\0')) {
		node_unref(v, n);
		return NULL;
	}
	rest = path + len;
	copy = text_dup(rest);
	for (name = copy != NULL ? strtok_r(copy, "/", &save) : NULL;
	     name != NULL && n != NULL; name = strtok_r(NULL, "/", &save))
		n = child_dir(v, n, name);
	free(copy);
	return n;
}

char *
left_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return text_dup("/");
	return strndup(path, (size_t)(slash - path));
}

struct entry *
left_object(struct node *dir, const char *path, const struct version *version)
{
	const char *name = strrchr(path, '/');

	return name == NULL ? NULL : entry_new(dir->backend, dir->remote->tree,
	    ENTRY_FILE, path, name + 1, version);
}
