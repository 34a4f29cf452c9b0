/* fs/left.c - what an earlier mount left unsent. */
#include "config.h"

#include "fs/left.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/journal.h"
#include "fs/loose.h"
#include "fs/save.h"
#include "ns/ns.h"

#include "base/banned.h"

struct left_record {
	uint16_t type;
	uint64_t subject;
	int64_t over; /* the subject whose name it has taken; 0 */
	struct json_object *payload; /* a reference */
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
	left->records[left->n] = (struct left_record){ type, subject, 0,
		json_object_get(payload) };
	if (type == JOURNAL_STAGED)
		(void)jval_i64(payload, "over", &left->records[left->n].over);
	left->n++;
	return 0;
}

void
vfs_left_release(struct vfs_left *left)
{
	for (size_t i = 0; i < left->n; i++)
		json_object_put(left->records[i].payload);
	free(left->records);
	*left = (struct vfs_left){ 0 };
}

/* One record of a staging file, read. */
struct leftover {
	uint64_t subject;
	const char *tree, *dir, *name, *intent; /* borrowed from the payload */
	struct staged *staged;
	struct version old;
	bool has_old, executable;
	bool partial; /* and nobody knows where the rest is */
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
		struct staged_range *r = &out->ranges[(i - 1) / 2];

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
read_leftover(struct vfs *v, const struct left_record *r, struct leftover *out)
{
	struct json_object *old;
	int64_t number, size = 0, sec = 0, nsec = 0;
	struct staged_map map;
	bool own = false;

	*out = (struct leftover){ .subject = r->subject };
	if (jval_str(r->payload, "tree", &out->tree) < 0 ||
	    jval_str(r->payload, "dir", &out->dir) < 0 ||
	    jval_str(r->payload, "name", &out->name) < 0 ||
	    jval_str(r->payload, "intent", &out->intent) < 0 ||
	    jval_i64(r->payload, "file", &number) < 0 ||
	    read_map(r->payload, &map, &out->partial) < 0)
		return -EBADMSG;
	(void)jval_bool(r->payload, "exec", &out->executable);
	(void)jval_i64(r->payload, "sec", &sec);
	(void)jval_i64(r->payload, "nsec", &nsec);
	out->mtime = (struct timespec){ sec, nsec };
	if (jval_object(r->payload, "old", &old) == 0) {
		out->has_old = true;
		(void)jval_i64(old, "mtime_ms", &out->old.mtime_ms);
		(void)jval_i64(old, "size", &size);
		(void)jval_bool(old, "own", &own);
		out->old.size = (uint64_t)size;
		out->old.gen = own ? UINT64_MAX : 0;
	}
	return staged_reopen(v->config.staging, (uint64_t)number, &map,
	    &out->staged);
}

/* --- directories ------------------------------------------------------------ */

/* The root of tree in this mount, with a reference. */
static struct node *
tree_root(struct vfs *v, const char *tree)
{
	struct call call = { .op = "recover", .class = CALL_BACKGROUND };
	struct node *n = NULL;
	struct entry *e;

	lock_take(&v->lock);
	if (strcmp(v->root->remote->tree, tree) == 0)
		n = node_ref_locked(v, v->root);
	lock_drop(&v->lock);
	if (n != NULL || ns_lookup(v->config.ns, &call, v->root->remote, tree,
	    &e) < 0)
		return n;
	lock_take(&v->lock);
	n = node_find_locked(v, v->root, tree);
	if (n != NULL)
		(void)node_ref_locked(v, n);
	else if (strcmp(e->tree, tree) == 0)
		n = node_new_locked(v, v->root, tree, e->kind, e->backend, e);
	lock_drop(&v->lock);
	entry_unref(e);
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

/* The file is there again, as it was. */
static int
revive(struct vfs *v, struct node *dir, const struct leftover *l)
{
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
	node_changed_locked(v, n);
	if (strcmp(l->intent, "scratch") == 0) {
		n->scratch = scratch_of_name(l->name);
		if (n->scratch == SCRATCH_NO)
			n->scratch = SCRATCH_LATER;
		if (n->scratch == SCRATCH_LATER)
			save_later_locked(v, n, v->config.scratch_keep_ms);
	} else {
		save_later_locked(v, n, 0);
	}
	node_unref_locked(v, n);
	lock_drop(&v->lock);
	return 0;
}

/* A close had promised it: it is sent, or is a scratch file. */
static bool
is_promised(const struct leftover *l)
{
	return strcmp(l->intent, "open") != 0 &&
	    strcmp(l->intent, "conflict") != 0 && !l->partial;
}

static int
keep_loose(struct vfs *v, struct node *dir, const struct leftover *l)
{
	bool conflict = strcmp(l->intent, "conflict") == 0;
	struct loose_info info = {
		.dir = dir,
		.name = l->name,
		.staged = l->staged,
		.subject = l->subject,
		.state = conflict ? PENDING_CONFLICT : PENDING_KEPT,
		.reason = conflict ?
		    "the file was changed on the server, as an earlier mount"
		    " has found" : l->partial ?
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
	free(info.path);
	free(path);
	return ret;
}

enum found { SENT_AGAIN, KEPT, NOT_HERE };

static enum found
take_file(struct vfs *v, const struct left_record *r)
{
	struct leftover l;
	struct node *dir = NULL;
	int ret;

	ret = read_leftover(v, r, &l);
	if (ret < 0) {
		log_error("journal", "record %llu: its staging file cannot be"
		    " used: %s", (unsigned long long)r->subject, strerror(-ret));
		if (ret == -ENOENT)
			journal_end(v->config.journal, r->subject);
		return NOT_HERE;
	}
	dir = dir_of(v, l.tree, l.dir);
	if (dir == NULL)
		ret = -ENOENT;
	else
		ret = is_promised(&l) ? revive(v, dir, &l) :
					keep_loose(v, dir, &l);
	if (ret < 0)
		log_warn("journal", "%s:%s/%s, unsent, stays in %s", l.tree,
		    l.dir, l.name, staged_path(l.staged));
	node_unref(v, dir);
	staged_unref(l.staged);
	return ret < 0 ? NOT_HERE :
	    is_promised(&l) ? SENT_AGAIN : KEPT;
}

/* Has the file of another record taken the name of r's?  The end of r may be lost. */
static bool
is_replaced(const struct vfs_left *left, const struct left_record *r)
{
	for (size_t i = 0; i < left->n; i++)
		if (left->records[i].over == (int64_t)r->subject)
			return true;
	return false;
}

static void
drop_file(struct vfs *v, const struct left_record *r)
{
	struct leftover l;

	if (read_leftover(v, r, &l) == 0) {
		staged_keep(l.staged, false);
		staged_unref(l.staged);
	}
	journal_end(v->config.journal, r->subject);
}

void
left_take(struct vfs *v, const struct vfs_left *left)
{
	unsigned found[3] = { 0 };

	for (size_t i = 0; i < left->n; i++) {
		const struct left_record *r = &left->records[i];

		if (r->type == JOURNAL_STAGED && is_replaced(left, r))
			drop_file(v, r);
		else if (r->type == JOURNAL_STAGED)
			found[take_file(v, r)]++;
		else if (r->type == JOURNAL_ASIDE)
			/* Nothing happened to the object: its real name shows
			 * it again. */
			journal_end(v->config.journal, r->subject);
		else
			log_warn("journal", "an earlier mount was cut off before"
			    " it %s: %s", r->type == JOURNAL_DELETE ?
				"deleted a hidden file" : "finished a rename",
			    jval_text(r->payload, NULL));
	}
	if (found[SENT_AGAIN] + found[KEPT] + found[NOT_HERE] > 0)
		log_info("journal", "from an earlier mount: %u files taken up"
		    " again, %u kept in .control/pending, %u left",
		    found[SENT_AGAIN], found[KEPT], found[NOT_HERE]);
}
