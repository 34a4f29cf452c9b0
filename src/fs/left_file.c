/* fs/left_file.c - the files that an earlier mount left unsent. */
#include "config.h"

#include "fs/left_impl.h"

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
#include "fs/scratch.h"

#include "base/banned.h"

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

/* --- taken up ------------------------------------------------------------------ */

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
	parent = left_parent(path);
	if (parent != NULL)
		dir = left_dir(v, l->tree, parent);
	if (dir != NULL)
		object = left_object(dir, path, &seen);
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

enum left_found
left_file_take(struct vfs *v, struct json_object *p, uint64_t subject)
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
		return LEFT_NOT_HERE;
	}
	dir = left_dir(v, l.tree, l.dir);
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
	return ret < 0 ? LEFT_NOT_HERE :
	    is_promised(&l) ? LEFT_SENT_AGAIN : LEFT_KEPT;
}

void
left_file_drop(struct vfs *v, struct json_object *p, uint64_t subject)
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
