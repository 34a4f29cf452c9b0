/* fs/left.c - what an earlier mount left unsent. */
#include "config.h"

#include "fs/left.h"

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
#include "fs/heal.h"
#include "fs/loose.h"
#include "fs/save.h"
#include "fs/save_record.h"
#include "ns/ns.h"

#include "base/banned.h"

struct left_record {
	uint16_t type;
	uint64_t subject;
	/* Of others, which end with it: whose name it has taken, and by which it was
	 * aside; 0 */
	int64_t over, unaside;
};

int
vfs_left_collect(void *ctx, uint16_t type, uint64_t subject,
    struct json_object *payload)
{
	struct vfs_left *left = ctx;

	if (left->n == left->cap) {
		size_t cap = left->cap * 2 + 16;
		struct left_record *more;

		more = realloc(left->records, cap * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		left->records = more;
		left->cap = cap;
	}
	left->records[left->n] = (struct left_record){ .type = type,
		.subject = subject };
	if (type == JOURNAL_STAGED || type == JOURNAL_ASIDE)
		(void)jval_i64(payload, "over", &left->records[left->n].over);
	if (type == JOURNAL_STAGED)
		(void)jval_i64(payload, "unaside",
		    &left->records[left->n].unaside);
	left->n++;
	return 0;
}

uint64_t
vfs_left_subject(const struct vfs_left *left, size_t i)
{
	return left->records[i].subject;
}

void
vfs_left_release(struct vfs_left *left)
{
	free(left->records);
	*left = (struct vfs_left){ 0 };
}

/* One record of a staging file, read. */
struct leftover {
	uint64_t subject;
	const char *tree, *dir, *name, *intent; /* borrowed from the payload */
	struct staged *staged;
	struct staged *later; /* what nobody has promised; NULL: nothing */
	struct version old;
	struct json_object *drop; /* borrowed; NULL: none */
	bool has_old, executable, going;
	bool partial; /* and nobody knows where the rest is */
	bool unsynced; /* since this run of the machine */
	bool damaged; /* what was promised may not be all on the disk */
	struct timespec mtime;
};

/* What of it is here; *partial: it is not said, and not all is. */
static int
read_map(struct json_object *payload, struct staged_map *out, bool *partial)
{
	struct json_object *here;
	int64_t at = 0;
	size_t n;

	out->base_end = 0;
	out->n = 0;
	(void)jval_bool(payload, "partial", partial);
	if (!*partial || jval_array(payload, "here", &here) < 0)
		return 0;
	n = json_object_array_length(here);
	if (n % 2 == 0 || n / 2 > STAGED_MAP_MAX)
		return -EBADMSG;
	for (size_t i = 1; i < n; i++) {
		int64_t next = json_object_get_int64(
		    json_object_array_get_idx(here, i));
		struct range *r = &out->ranges[(i - 1) / 2];

		if (next < at)
			return -EBADMSG;
		*(i % 2 == 1 ? &r->start : &r->end) = (uint64_t)next;
		at = next;
	}
	out->n = n / 2;
	out->base_end = (uint64_t)json_object_get_int64(
	    json_object_array_get_idx(here, 0));
	*partial = false;
	return 0;
}

static int
read_leftover(struct vfs *v, struct json_object *p, uint64_t subject,
    struct leftover *out)
{
	int64_t number, seal, size, sec = 0, nsec = 0;
	struct staged_seal was = { .mapped = true };
	const char *boot;
	int ret;

	*out = (struct leftover){ .subject = subject };
	if (jval_str(p, "tree", &out->tree) < 0 ||
	    jval_str(p, "dir", &out->dir) < 0 ||
	    jval_str(p, "name", &out->name) < 0 ||
	    jval_str(p, "intent", &out->intent) < 0 ||
	    jval_i64(p, "file", &number) < 0 ||
	    read_map(p, &was.map, &out->partial) < 0)
		return -EBADMSG;
	(void)jval_bool(p, "exec", &out->executable);
	(void)jval_bool(p, "going", &out->going);
	(void)jval_i64(p, "sec", &sec);
	(void)jval_i64(p, "nsec", &nsec);
	out->mtime = (struct timespec){ sec, nsec };
	out->has_old = journal_old(p, &out->old) == 0;
	(void)jval_object(p, "drop", &out->drop);
	/* The record may have come to the disk without the bytes. */
	out->unsynced = jval_str(p, "boot", &boot) == 0;
	if (out->unsynced)
		out->damaged = v->config.boot == NULL ||
		    strcmp(boot, v->config.boot) != 0;
	if (jval_i64(p, "seal", &seal) < 0 || jval_i64(p, "size", &size) < 0) {
		/* The map is that of the first change. */
		if (strcmp(out->intent, "open") == 0 && was.map.base_end != 0)
			out->partial = true;
		if (out->partial)
			was.map = (struct staged_map){ .base_end = UINT64_MAX };
		return staged_reopen(v->config.staging, (uint64_t)number,
		    &was.map, &out->staged);
	}
	was.seal = (struct seal){ (uint64_t)seal, (uint64_t)size };
	ret = staged_reopen_promised(v->config.staging, (uint64_t)number, &was,
	    &out->staged, &out->later);
	if (ret != -ENODATA)
		return ret;
	out->damaged = true;
	return staged_reopen(v->config.staging, (uint64_t)number, &was.map,
	    &out->staged);
}

static void
release_leftover(struct leftover *l)
{
	staged_unref(l->later);
	staged_unref(l->staged);
}

/* --- directories ------------------------------------------------------------ */

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

/* The node of a directory by its path in the tree; NULL when this mount does not
 * show it. */
static struct node *
dir_of(struct vfs *v, const char *tree, const char *path)
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

/* --- files -------------------------------------------------------------------- */

static struct entry *
old_entry(struct node *dir, const struct leftover *l)
{
	struct entry *plain, *e = NULL;

	if (!l->has_old)
		return NULL;
	plain = entry_new(dir->backend, dir->remote->tree, ENTRY_FILE, "",
	    l->name, &l->old);
	if (plain != NULL && dir->backend->ops->rekey(dir->backend, dir->remote,
	    l->name, plain, &e) < 0)
		e = NULL;
	entry_unref(plain);
	return e;
}

/* The path of the directory that path is in; new memory. */
static char *
parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return text_dup("/");
	return strndup(path, (size_t)(slash - path));
}

/* The name that an object of dir has by its path. */
static struct entry *
object_of(struct node *dir, const char *path, const struct version *version)
{
	const char *name = strrchr(path, '/');

	return name == NULL ? NULL : entry_new(dir->backend, dir->remote->tree,
	    ENTRY_FILE, path, name + 1, version);
}

/* What n had before a rename goes when n is sent. */
static void
take_drop(struct vfs *v, struct node *n, const struct leftover *l)
{
	struct entry *object = NULL;
	struct version seen;
	struct node *dir = NULL;
	const char *path;
	char *parent;

	if (jval_str(l->drop, "path", &path) < 0 ||
	    journal_old(l->drop, &seen) < 0)
		return;
	parent = parent_of(path);
	if (parent != NULL)
		dir = dir_of(v, l->tree, parent);
	if (dir != NULL)
		object = object_of(dir, path, &seen);
	lock_take(&v->lock);
	if (object != NULL)
		node_set_drop_locked(v, n, dir, object);
	lock_drop(&v->lock);
	entry_unref(object);
	node_unref(v, dir);
	free(parent);
}

/* The file is there again, as it was. */
static int
revive(struct vfs *v, struct node *dir, const struct leftover *l)
{
	struct staged_seal seal;
	struct node *n;

	lock_take(&v->lock);
	n = node_find_locked(v, dir, l->name) == NULL ? node_new_locked(v, dir,
	    l->name, ENTRY_FILE, dir->backend, NULL) : NULL;
	if (n == NULL || node_file_locked(v, n) == NULL) {
		lock_drop(&v->lock);
		return -ENOMEM;
	}
	n->attr.executable = l->executable;
	n->attr_loaded = true;
	n->file->staged = staged_ref(l->staged);
	staged_keep(l->staged, false); /* as any file's, from now on */
	n->file->base = old_entry(dir, l);
	n->file->subject = l->subject;
	n->file->mtime = l->mtime;
	n->file->flushed = true;
	n->file->taken = true;
	n->file->going = l->going;
	node_changed_locked(v, n);
	n->file->told = n->file->changes;
	n->file->told_mtime = l->mtime;
	n->file->promised = !l->unsynced;
	n->file->sealed = staged_promised(l->staged, &seal);
	if (!l->unsynced && n->file->sealed)
		n->file->synced = seal.seal.number;
	if (strcmp(l->intent, "scratch") == 0) {
		n->scratch = scratch_of_name(l->name);
		if (n->scratch == SCRATCH_NO)
			n->scratch = SCRATCH_LATER;
		if (n->scratch == SCRATCH_LATER)
			save_later_locked(v, n, v->config.scratch_keep_ms);
	} else {
		save_later_locked(v, n, 0);
	}
	lock_drop(&v->lock);
	take_drop(v, n, l);
	node_unref(v, n);
	return 0;
}

/* A close had promised it: it is sent, or is a scratch file. */
static bool
is_promised(const struct leftover *l)
{
	return strcmp(l->intent, "open") != 0 &&
	    strcmp(l->intent, "conflict") != 0 && !l->partial && !l->damaged;
}

static int
keep_loose(struct vfs *v, struct node *dir, const struct leftover *l)
{
	bool conflict = strcmp(l->intent, "conflict") == 0;
	struct loose_info info = {
		.dir = dir,
		.name = l->name,
		.staged = l->staged,
		.old = old_entry(dir, l),
		.unknown = l->partial || l->damaged,
		.subject = l->subject,
		.state = conflict ? PENDING_CONFLICT : PENDING_KEPT,
		.reason = conflict ?
		    "the file was changed on the server, as an earlier mount"
		    " has found" : l->damaged ?
		    "the machine stopped before all that was written was on the"
		    " local disk" : l->partial ?
		    "brickfs ended while it was written; only the parts that"
		    " were written or read are in it" :
		    "brickfs ended before the file was closed",
	};
	char *path = node_path(v, dir);
	int ret;

	if (path != NULL)
		info.path = text_printf("%s%s%s", path,
		    path[0] != '\0' ? "/" : "", l->name);
	ret = loose_add(v, &info);
	entry_unref(info.old);
	free(info.path);
	free(path);
	return ret;
}

/* The record names the content as it was promised, which is another file now. */
static int
name_restored(struct vfs *v, struct json_object *p, struct leftover *l)
{
	struct staged_seal seal;
	int ret;

	/* It was made just now, and is on the disk. */
	if (!l->damaged) {
		l->unsynced = false;
		json_object_object_del(p, "boot");
	}
	ret = staged_promise(l->staged, &seal);
	if (ret == 0)
		ret = jval_add_i64(p, "file", (int64_t)staged_number(l->staged));
	if (ret == 0)
		ret = jval_add_i64(p, "seal", (int64_t)seal.seal.number);
	return ret == 0 ? journal_write(v->config.journal, JOURNAL_STAGED,
	    l->subject, p, true) : ret;
}

/* What the content was changed to, and no close has promised, is kept beside it. */
static int
keep_later(struct vfs *v, struct node *dir, struct json_object *promised,
    const struct leftover *l)
{
	struct json_object *p = NULL; /* l borrows from that one */
	struct loose_info info = {
		.dir = dir,
		.name = l->name,
		.staged = l->later,
		.subject = journal_subject(v->config.journal),
		.state = PENDING_KEPT,
		.reason = "brickfs ended while the file was being changed; what"
		    " was closed before is sent, and this is what it was changed"
		    " to",
	};
	struct staged_map map;
	char *path;
	int ret = 0;

	if (json_object_deep_copy(promised, &p, NULL) < 0)
		return -ENOMEM;
	json_object_object_del(p, "seal");
	json_object_object_del(p, "size");
	json_object_object_del(p, "here");
	json_object_object_del(p, "over");
	json_object_object_del(p, "unaside");
	json_object_object_del(p, "drop");
	if (staged_map_get(l->staged, &map) < 0 || map.base_end != 0) {
		ret = jval_add_bool(p, "partial", true);
		info.unknown = true;
		info.reason = "brickfs ended while the file was being changed;"
		    " only the parts that were written or read are in this";
	}
	if (ret == 0)
		ret = jval_add_i64(p, "file", (int64_t)staged_number(l->later));
	if (ret == 0)
		ret = jval_add_str(p, "intent", "open");
	if (ret == 0)
		ret = journal_write(v->config.journal, JOURNAL_STAGED,
		    info.subject, p, true);
	path = node_path(v, dir);
	if (path != NULL)
		info.path = text_printf("%s%s%s", path,
		    path[0] != '\0' ? "/" : "", l->name);
	if (ret == 0)
		ret = loose_add(v, &info);
	json_object_put(p);
	free(info.path);
	free(path);
	return ret;
}

enum found { SENT_AGAIN, KEPT, NOT_HERE, FOUND };

static enum found
take_file(struct vfs *v, struct json_object *p, uint64_t subject)
{
	struct leftover l;
	struct node *dir = NULL;
	int ret;

	ret = read_leftover(v, p, subject, &l);
	if (ret < 0) {
		log_error("journal", "record %llu: its staging file cannot be"
		    " used: %s", (unsigned long long)subject, strerror(-ret));
		if (ret == -ENOENT)
			journal_end(v->config.journal, subject);
		return NOT_HERE;
	}
	dir = dir_of(v, l.tree, l.dir);
	ret = dir == NULL ? -ENOENT : l.later != NULL ? name_restored(v, p, &l) : 0;
	if (ret == 0)
		ret = is_promised(&l) ? revive(v, dir, &l) :
					keep_loose(v, dir, &l);
	if (ret == 0 && l.later != NULL && keep_later(v, dir, p, &l) < 0)
		log_warn("journal", "%s:%s/%s: what it was changed to stays in"
		    " %s", l.tree, l.dir, l.name, staged_path(l.later));
	if (ret < 0)
		log_warn("journal", "%s:%s/%s, unsent, stays in %s", l.tree,
		    l.dir, l.name, staged_path(l.staged));
	node_unref(v, dir);
	release_leftover(&l);
	return ret < 0 ? NOT_HERE :
	    is_promised(&l) ? SENT_AGAIN : KEPT;
}

/* Has r ended by what another record says?  Its own end may be lost. */
static bool
is_replaced(const struct vfs_left *left, const struct left_record *r)
{
	for (size_t i = 0; i < left->n; i++)
		if (left->records[i].over == (int64_t)r->subject ||
		    left->records[i].unaside == (int64_t)r->subject)
			return true;
	return false;
}

static void
drop_file(struct vfs *v, struct json_object *p, uint64_t subject)
{
	struct leftover l;

	if (read_leftover(v, p, subject, &l) == 0) {
		staged_keep(l.staged, false);
		if (l.later != NULL)
			staged_keep(l.later, false);
		release_leftover(&l);
	}
	journal_end(v->config.journal, subject);
}

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

/* Is it still there, as it was?  1, 0, or why nobody can tell. */
static int
is_there(struct call *call, const struct entry *object)
{
	struct entry *now = NULL;
	int ret;

	ret = object->backend->ops->refresh(object->backend, call, object,
	    &now);
	if (ret == 0)
		ret = now->kind == ENTRY_FILE &&
		    version_matches(&object->version, &now->version);
	else if (ret == -ENOENT)
		ret = 0;
	entry_unref(now);
	return ret;
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
	    &moved) < 0 || is_there(call, moved) != 1)
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

/* An object was shown under another name.  It is so again, unless it was replaced. */
static void
take_aside(struct vfs *v, struct call *call, struct json_object *p,
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
	parent = parent_of(path);
	dir = parent != NULL ? dir_of(v, tree, parent) : NULL;
	if (dir == NULL) {
		free(parent);
		return; /* a mount that shows it takes it */
	}
	object = object_of(dir, path, &old);
	if (object != NULL && !is_dropped(v, object) &&
	    strcmp(object->name, shown) != 0)
		ret = is_there(call, object);
	else
		goto out;
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

/* Was it moved?  Then the other records have the paths of before. */
static void
settle_move(struct vfs *v, struct call *call, const struct vfs_left *left,
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
			drop_file(v, replaced, (uint64_t)over);
		json_object_put(replaced);
	}
	journal_end(v->config.journal, subject);
}

/* Is a path of p at or below a directory of which nobody can tell where it is? */
static bool
is_astray(const struct vfs *v, const struct vfs_left *left,
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

/* --- what is only here in part --------------------------------------------------- */

/* The next dirty file of which the rest is nowhere, with a reference. */
static struct node *
next_baseless_locked(struct vfs *v, size_t *at) REQUIRES(v->lock)
{
	struct node *n;

	while ((n = node_next_locked(v, at)) != NULL)
		if (n->parent != NULL && n->file != NULL &&
		    n->file->staged != NULL && n->file->base == NULL &&
		    node_is_dirty_locked(v, n) &&
		    !staged_complete(n->file->staged))
			return node_ref_locked(v, n);
	return NULL;
}

/* Its object was deleted, by us, and then it is gone, too; or a person must see it. */
static void
settle_baseless(struct vfs *v)
{
	struct node *n;
	size_t at = 0;

	do {
		lock_take(&v->lock);
		n = next_baseless_locked(v, &at);
		lock_drop(&v->lock);
		if (n != NULL)
			(void)save_record_outcome(v, n, -ESTALE, "");
		node_unref(v, n);
	} while (n != NULL);
	save_record_reap(v);
}

/* --- all of it ------------------------------------------------------------------ */

/* How long looking at the service may keep a mount, ms. */
#define LOOK_MS 5000

static bool
is_over(void *arg)
{
	const int64_t *until = arg;

	return clock_mono_ms() >= *until;
}

/* Records of one kind, as they are by now: a moved directory changes them. */
static void
take_each(struct vfs *v, struct call *call, const struct vfs_left *left,
    uint16_t wanted, unsigned found[FOUND])
{
	for (size_t i = 0; i < left->n; i++) {
		uint64_t subject = left->records[i].subject;
		struct json_object *p = NULL;
		uint16_t type;

		if (left->records[i].type != wanted ||
		    journal_get(v->config.journal, subject, &type, &p) < 0)
			continue;
		if (wanted == JOURNAL_MOVE)
			settle_move(v, call, left, p, subject);
		else if (is_astray(v, left, p))
			found[NOT_HERE]++;
		else if (wanted == JOURNAL_STAGED &&
		    is_replaced(left, &left->records[i]))
			drop_file(v, p, subject);
		else if (wanted == JOURNAL_STAGED)
			found[take_file(v, p, subject)]++;
		else if (wanted == JOURNAL_ASIDE &&
		    is_replaced(left, &left->records[i]))
			journal_end(v->config.journal, subject);
		else if (wanted == JOURNAL_ASIDE)
			take_aside(v, call, p, subject);
		else
			heal_add(v->heal, subject);
		json_object_put(p);
	}
}

static void
report(const unsigned found[FOUND])
{
	static const char *const words[FOUND] = {
		[SENT_AGAIN] = "that an earlier mount had not sent: here again",
		[KEPT] = "that an earlier mount had not finished: kept, see"
		    " .control/pending",
		[NOT_HERE] = "of an earlier mount cannot be taken up, and stay on"
		    " the local disk",
	};

	for (size_t i = 0; i < FOUND; i++)
		if (found[i] > 0)
			log_info("journal", "%u file%s %s", found[i],
			    found[i] == 1 ? "" : "s", words[i]);
}

bool
left_take(struct vfs *v, const struct vfs_left *left)
{
	/* Each of a kind before the next: files need to know where their
	 * directories are, and what was moved aside which files there are. */
	static const uint16_t order[] = { JOURNAL_MOVE, JOURNAL_STAGED,
		JOURNAL_ASIDE, JOURNAL_REPLACE, JOURNAL_DELETE };
	int64_t until = clock_mono_ms() + LOOK_MS;
	struct call call = { .op = "recover", .class = CALL_BACKGROUND,
		.interrupted = is_over, .arg = &until };
	unsigned found[FOUND] = { 0 };
	bool known = true;

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		take_each(v, &call, left, order[i], found);
	settle_baseless(v);
	/* Others, of a later version, may name files. */
	for (size_t i = 0; i < left->n; i++)
		known = known && left->records[i].type <= JOURNAL_MOVE;
	report(found);
	return known && found[NOT_HERE] == 0 &&
	    journal_was_whole(v->config.journal);
}
