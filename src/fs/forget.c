/* fs/forget.c - forgetting what is known. */
#include "config.h"

#include "fs/forget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/notifier.h"
#include "ns/ns.h"

#include "base/banned.h"

/* Versions whose blocks were dropped since a mark; when there are more, some are
 * dropped a second time. */
#define CLEARED_MAX 65536

/* How long the kernel may take to forget, ms: it may wait for us meanwhile. */
#define KERNEL_MS 5000

struct cleared {
	struct file_key key;
	uint64_t mark; /* the last one that counts */
	UT_hash_handle hh;
};

/* --- content --------------------------------------------------------------------- */

/* The last mark at or above n; 0: none. */
static uint64_t
mark_of_locked(struct vfs *v UNUSED, const struct node *n) REQUIRES(v->lock)
{
	uint64_t mark = 0;

	for (; n != NULL; n = node_home(n))
		if (n->forgotten > mark)
			mark = n->forgotten;
	return mark;
}

static void
forget_cleared_locked(struct vfs *v) REQUIRES(v->lock)
{
	struct cleared *c, *next;

	HASH_ITER(hh, v->cleared, c, next) {
		HASH_DEL(v->cleared, c);
		free(c);
	}
}

static void
note_cleared_locked(struct vfs *v, const struct file_key *key, uint64_t mark)
    REQUIRES(v->lock)
{
	struct cleared *c;

	HASH_FIND(hh, v->cleared, key, sizeof(*key), c);
	if (c == NULL) {
		if (HASH_COUNT(v->cleared) >= CLEARED_MAX)
			forget_cleared_locked(v);
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			return; /* dropped again next time */
		c->key = *key;
		HASH_ADD(hh, v->cleared, key, sizeof(c->key), c);
	}
	if (c->mark < mark)
		c->mark = mark;
}

void
forget_content(struct vfs *v, struct node *n, const struct entry *e)
{
	struct cleared *c = NULL;
	struct file_key key;
	uint64_t mark;
	bool is_due;

	/* Not for every read the lock. */
	if (v->marks == 0)
		return;
	lock_take(&v->lock);
	mark = mark_of_locked(v, n);
	if (mark > 0) {
		key = file_key_make(v->config.scope, e);
		HASH_FIND(hh, v->cleared, &key, sizeof(key), c);
	}
	is_due = mark > 0 && (c == NULL || c->mark < mark);
	lock_drop(&v->lock);
	if (!is_due)
		return;
	/* Two who read at once may both do this. */
	block_cache_forget(v->config.blocks, key);
	lock_take(&v->lock);
	note_cleared_locked(v, &key, mark);
	lock_drop(&v->lock);
}

void
forget_namesake(struct vfs *v, const struct entry *e, const struct entry *dir,
    const char *name)
{
	struct entry *goal = NULL;

	if (e->backend->ops->rekey(e->backend, dir, name, e, &goal) == 0)
		block_cache_forget(v->config.blocks,
		    file_key_make(v->config.scope, goal));
	entry_unref(goal);
}

/* The next file below top with content on the server, as that is there. */
static struct entry *
next_below_locked(struct vfs *v, struct node *top, size_t *at) REQUIRES(v->lock)
{
	struct node *n;

	while ((n = node_next_locked(v, at)) != NULL)
		if (n->kind == ENTRY_FILE && n->remote != NULL &&
		    n->parent != NULL && node_is_below_locked(v, n, top))
			return entry_ref(n->remote);
	return NULL;
}

void
forget_namesakes_below(struct vfs *v, struct node *top)
{
	struct entry *e;
	size_t at = 0;

	do {
		lock_take(&v->lock);
		e = next_below_locked(v, top, &at);
		lock_drop(&v->lock);
		if (e != NULL)
			block_cache_forget(v->config.blocks,
			    file_key_make(v->config.scope, e));
		entry_unref(e);
	} while (e != NULL);
}

/* --- names ----------------------------------------------------------------------- */

/* All content at or below n is to be dropped before it is read.  n lives as long as
 * the mark does. */
static void
mark_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	if (n->forgotten == 0 && n != v->root) {
		if (v->n_forgotten == FORGOTTEN_MAX) {
			/* All of the mount stands for those that are many. */
			forget_release_locked(v);
			n = v->root;
		} else {
			v->forgotten[v->n_forgotten++] = node_ref_locked(v, n);
		}
	}
	n->forgotten = ++v->marks;
}

void
forget_release_locked(struct vfs *v)
{
	while (v->n_forgotten > 0) {
		struct node *n = v->forgotten[--v->n_forgotten];

		n->forgotten = 0;
		node_unref_locked(v, n);
	}
	forget_cleared_locked(v);
}

/* Nothing that is known about n itself counts any more. */
static void
forget_node_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	if (n->kind == ENTRY_SESSION || node_is_local_locked(v, n))
		return;
	n->seen_ms = 0;
	dir_drop_locked(v, n);
	if (n->file != NULL && n->file->opens == 0)
		node_drop_content_locked(v, n);
	if (n->file != NULL)
		n->file->kernel_pages = 0;
	if (n->nlookup > 0)
		notifier_inode(v->notifier, n->id);
}

static void
forget_below_locked(struct vfs *v, struct node *top) REQUIRES(v->lock)
{
	struct node_dir *d, *next;
	struct node *n;
	size_t at = 0;

	/* A listing may have the last reference to its directory. */
	DL_FOREACH_SAFE(v->lists, d, next)
		if (node_is_below_locked(v, d->node, top))
			dir_drop_locked(v, d->node);
	while ((n = node_next_locked(v, &at)) != NULL)
		if (node_is_below_locked(v, n, top))
			forget_node_locked(v, n);
	/* Its directory's listing says what it is. */
	if (top->parent != NULL)
		dir_drop_locked(v, top->parent);
	mark_locked(v, top);
}

/* --- the path -------------------------------------------------------------------- */

/* The node of a name; a reference.  What is known is enough, but for an absence the
 * service must be asked now. */
static int
find_name(struct vfs *v, struct call *call, struct node *dir, const char *name,
    struct node **out)
{
	struct node *n;
	int ret;

	if (dir == v->root && strcmp(name, NS_CONTROL) == 0)
		return -ENOENT; /* nothing of it is cached */
	lock_take(&v->lock);
	n = node_find_locked(v, dir, name);
	if (n != NULL)
		(void)node_ref_locked(v, n);
	lock_drop(&v->lock);
	if (n != NULL) {
		*out = n;
		return 0;
	}
	ret = dir_lookup(v, call, dir, name, out);
	if (ret != -ENOENT)
		return ret;
	lock_take(&v->lock);
	dir_drop_locked(v, dir);
	notifier_name(v->notifier, dir->id, name);
	lock_drop(&v->lock);
	return dir_lookup(v, call, dir, name, out);
}

/* The node of a path; a reference. */
static int
find_path(struct vfs *v, struct call *call, char *path, struct node **out)
{
	struct node *n, *next;
	char *rest = path, *name;
	int ret = 0;

	lock_take(&v->lock);
	n = node_ref_locked(v, v->root);
	lock_drop(&v->lock);
	while (ret == 0 && (name = strsep(&rest, "/")) != NULL) {
		if (*name == '\0')
			continue;
		ret = n->kind == ENTRY_DIR && entry_name_ok(name) ?
		    find_name(v, call, n, name, &next) : -ENOENT;
		node_unref(v, n);
		n = ret == 0 ? next : NULL;
	}
	*out = n;
	return ret;
}

int
forget_path(struct vfs *v, struct call *call, const char *path)
{
	char *copy = text_dup(path);
	struct node *n = NULL;
	int ret;

	if (copy == NULL)
		return -ENOMEM;
	ret = find_path(v, call, copy, &n);
	free(copy);
	if (ret == -ENOENT)
		(void)snprintf(call->words, sizeof(call->words),
		    "there is no %s in this mount", path);
	if (ret < 0)
		return ret;
	lock_take(&v->lock);
	forget_below_locked(v, n);
	node_unref_locked(v, n);
	lock_drop(&v->lock);
	return notifier_settle(v->notifier, call, KERNEL_MS);
}
