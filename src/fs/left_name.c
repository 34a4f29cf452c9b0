/* fs/left_name.c - renames that an earlier mount was in the middle of: objects that it
 * showed under another name, and what it was moving on the server. */
#include "config.h"

#include "fs/left_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/journal.h"
#include "fs/aside.h"
#include "fs/save.h"
#include "fs/save_record.h"
#include "fs/scratch.h"
#include "ns/ns.h"

#include "base/banned.h"

/* --- objects moved aside -------------------------------------------------------- */

/* The node that shows the object under its other name again; it is there already when
 * its content is here, changed since or about to be all that is left of it. */
static int
revive_aside(struct vfs *v, struct node *dir, const char *shown,
    struct entry *object, uint64_t subject, int64_t seen_ms)
{
	struct node *n;
	int ret = -ENOMEM;

	lock_take(&v->lock);
	n = node_find_locked(v, dir, shown);
	if (n != NULL) {
		(void)node_ref_locked(v, n);
		node_set_remote_locked(v, n, object, seen_ms);
		n->attr_loaded = true;
		entry_unref(n->file->base);
		n->file->base = entry_ref(object);
	} else {
		n = node_new_locked(v, dir, shown, ENTRY_FILE, object->backend,
		    object);
	}
	if (n != NULL) {
		n->seen_ms = seen_ms;
		n->scratch = scratch_of_name(shown);
		ret = aside_begin_locked(v, n, subject);
		node_unref_locked(v, n);
	}
	lock_drop(&v->lock);
	return ret;
}

/* Is it still there, as it was?  1, 0, -ESTALE when it is another version, or why nobody
 * can tell.  What is there tells how the service stores it, which the record did not. */
static int
is_there(struct call *call, struct entry **object)
{
	struct backend *b = (*object)->backend;
	struct entry *now = NULL;
	int ret;

	ret = b->ops->refresh(b, call, *object, &now);
	if (ret == 0)
		ret = now->kind == ENTRY_FILE &&
			version_matches(&(*object)->version, &now->version) ?
		    1 : -ESTALE;
	else if (ret == -ENOENT)
		ret = 0;
	if (ret == 1) {
		entry_unref(*object);
		*object = now;
	} else {
		entry_unref(now);
	}
	return ret;
}

/* The file that shows an object is not gone with that: others have changed it. */
static void
stays(struct vfs *v, struct node *dir, const char *shown)
{
	struct node *n;

	lock_take(&v->lock);
	n = node_find_locked(v, dir, shown);
	if (n != NULL)
		(void)node_ref_locked(v, n);
	lock_drop(&v->lock);
	if (n != NULL)
		save_record_stays(v, n);
	node_unref(v, n);
}

/* The object is not aside any more.  Has it got the name that it showed?  Then what was
 * changed of it here is to replace it, and lacks what is there: its record says so before
 * the other one ends. */
static int
settle_aside(struct vfs *v, struct call *call, struct node *dir,
    const char *shown, struct entry *object)
{
	struct entry *moved = NULL;
	struct node *n;
	int ret = 0;

	if (dir->backend->ops->rekey(dir->backend, dir->remote, shown, object,
	    &moved) < 0 || is_there(call, &moved) != 1)
		goto out;
	lock_take(&v->lock);
	n = node_find_locked(v, dir, shown);
	if (n != NULL && (n->file == NULL || !node_is_dirty_locked(v, n)))
		n = NULL;
	if (n != NULL) {
		(void)node_ref_locked(v, n);
		entry_unref(n->file->base);
		n->file->base = entry_ref(moved);
		node_set_remote_locked(v, n, moved, 0);
		n->attr_loaded = true;
		n->scratch = SCRATCH_NO;
		save_later_locked(v, n, 0);
	}
	lock_drop(&v->lock);
	if (n != NULL)
		ret = save_record_harden(v, n);
	node_unref(v, n);
out:
	entry_unref(moved);
	return ret;
}

/* Does it go with a file that was renamed since? */
static bool
is_dropped(struct vfs *v, const struct entry *object)
{
	bool dropped = false;
	struct node *n;
	size_t at = 0;

	lock_take(&v->lock);
	while ((n = node_next_locked(v, &at)) != NULL)
		dropped = dropped || (n->file != NULL &&
		    n->file->drop != NULL &&
		    strcmp(n->file->drop->path, object->path) == 0);
	lock_drop(&v->lock);
	return dropped;
}

void
left_aside_take(struct vfs *v, struct call *call, struct json_object *p,
    uint64_t subject)
{
	const char *tree, *path, *shown;
	struct entry *object = NULL;
	struct node *dir = NULL;
	struct version old;
	char *parent = NULL;
	int ret = 0;

	if (jval_str(p, "tree", &tree) < 0 || jval_str(p, "path", &path) < 0 ||
	    jval_str(p, "shown", &shown) < 0 || journal_old(p, &old) < 0 ||
	    strrchr(path, '/') == NULL)
		goto out;
	parent = left_parent(path);
	dir = parent != NULL ? left_dir(v, tree, parent) : NULL;
	if (dir == NULL) {
		free(parent);
		return; /* a mount that shows it takes it */
	}
	object = left_object(dir, path, &old);
	if (object != NULL && !is_dropped(v, object) &&
	    strcmp(object->name, shown) != 0)
		ret = is_there(call, &object);
	else
		goto out;
	if (ret == -ESTALE) {
		stays(v, dir, shown);
		ret = 0;
	}
	if (ret == 0 && settle_aside(v, call, dir, shown, object) < 0)
		goto left;
	if (ret != 0)
		ret = revive_aside(v, dir, shown, object, subject,
		    ret == 1 ? clock_mono_ms() : 0) == 0;
out:
	if (ret == 0)
		journal_end(v->config.journal, subject);
left:
	entry_unref(object);
	node_unref(v, dir);
	free(parent);
}

/* --- what was being moved -------------------------------------------- */

/* Is something at path?  1, 0, or why nobody can tell. */
static int
exists(struct call *call, const struct entry *root, const char *path)
{
	struct entry *asked, *now = NULL;
	int ret;

	asked = entry_new(root->backend, root->tree, ENTRY_DIR, path, "", NULL);
	if (asked == NULL)
		return -ENOMEM;
	ret = root->backend->ops->refresh(root->backend, call, asked, &now);
	ret = ret == 0 ? 1 : ret == -ENOENT ? 0 : ret;
	entry_unref(now);
	entry_unref(asked);
	return ret;
}

/* The file at path was moved, so it is not shown under another name any more. */
static void
end_aside(struct vfs *v, const struct vfs_left *left, const char *tree,
    const char *path)
{
	for (size_t i = 0; i < left->n; i++) {
		uint64_t subject = left->records[i].subject;
		struct json_object *p = NULL;
		const char *its_tree, *its_path;
		uint16_t type;

		if (left->records[i].type != JOURNAL_ASIDE ||
		    journal_get(v->config.journal, subject, &type, &p) < 0)
			continue;
		if (jval_str(p, "tree", &its_tree) == 0 &&
		    jval_str(p, "path", &its_path) == 0 &&
		    strcmp(its_tree, tree) == 0 && strcmp(its_path, path) == 0)
			journal_end(v->config.journal, subject);
		json_object_put(p);
	}
}

void
left_move_settle(struct vfs *v, struct call *call, const struct vfs_left *left,
    struct json_object *p, uint64_t subject)
{
	const char *tree, *from, *to;
	struct json_object *replaced = NULL;
	const struct entry *root;
	uint16_t type;
	int64_t over;
	int there, moved;

	if (jval_str(p, "tree", &tree) < 0 || jval_str(p, "from", &from) < 0 ||
	    jval_str(p, "to", &to) < 0) {
		journal_end(v->config.journal, subject);
		return;
	}
	root = ns_tree_root(v->config.ns, tree);
	if (root == NULL)
		return;
	there = exists(call, root, from);
	moved = there == 0 ? exists(call, root, to) : 0;
	if (there < 0 || moved < 0)
		return;
	if (moved == 1) {
		log_info("journal", "%s was moved to %s before brickfs was cut"
		    " off", from, to);
		end_aside(v, left, tree, from);
		if (jval_i64(p, "over", &over) < 0)
			over = 0; /* a directory */
		/* Of a file they say themselves where it was, and is. */
		if (over == 0 &&
		    journal_move(v->config.journal, tree, from, to) < 0)
			return;
		if (over != 0 &&
		    journal_get(v->config.journal, (uint64_t)over, &type,
			&replaced) == 0)
			left_file_drop(v, replaced, (uint64_t)over);
		json_object_put(replaced);
	}
	journal_end(v->config.journal, subject);
}

bool
left_move_astray(const struct vfs *v, const struct vfs_left *left,
    struct json_object *p)
{
	static const char *const keys[] = { "dir", "path", "target" };
	bool astray = false;

	for (size_t i = 0; i < left->n; i++) {
		struct json_object *move = NULL;
		const char *from, *path;
		uint16_t type;

		if (left->records[i].type != JOURNAL_MOVE ||
		    journal_get(v->config.journal, left->records[i].subject,
			&type, &move) < 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			if (jval_str(move, "from", &from) == 0 &&
			    jval_str(p, keys[k], &path) == 0 &&
			    text_starts(path, from) &&
			    (path[strlen(from)] == '/' ||
				path[strlen(from)] == '\0'))
				astray = true;
		json_object_put(move);
	}
	return astray;
}
