/* fs/node.c - the names and files that the mount knows. */
#include "config.h"

#include "fs/node.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/digest.h"
#include "base/reach.h"
#include "base/text.h"
#include "fs/lists.h"
#include "fs/notifier.h"

#include "base/banned.h"

/* While the service cannot be reached, what is known is believed for so long at a
 * time. */
#define LOST_TTL_MS 1000

/* An inode number whose file was renamed, or lost its name while it is open: it no
 * longer is the hash of its path, and the next file of that path must get another
 * one. */
struct moved_ino {
	uint64_t ino;
	unsigned users;
	UT_hash_handle hh;
};

/* --- inode numbers -------------------------------------------------------- */

static uint64_t
hash_ino(const struct entry *e, const char *name, uint64_t salt)
{
	uint64_t h = digest_xxh64(e->tree, strlen(e->tree), salt);

	if (e->object_id != 0)
		h = digest_xxh64(&e->object_id, sizeof(e->object_id), h);
	else
		h = digest_xxh64(e->path, strlen(e->path), h);
	/* A file that is not on the server: its directory's path and its name. */
	if (name != NULL)
		h = digest_xxh64(name, strlen(name),
		    digest_xxh64("/", strcmp(e->path, "/") != 0, h));
	h &= INT64_MAX;
	return h > 1 ? h : 2;
}

/* By the name's path, whether the object is on the server already or not, so that
 * a remount shows the same number. */
static uint64_t
choose_ino_locked(struct vfs *v, const struct node *parent, const char *name,
    const struct entry *remote) REQUIRES(v->lock)
{
	for (uint64_t salt = 0;; salt++) {
		struct moved_ino *m;
		uint64_t ino;

		if (parent == NULL || (remote != NULL && remote->object_id != 0))
			ino = hash_ino(remote, NULL, salt);
		else
			ino = hash_ino(parent->remote, name, salt);
		HASH_FIND(hh, v->moved, &ino, sizeof(ino), m);
		if (m == NULL)
			return ino;
	}
}

static void
ino_moved_locked(struct vfs *v, uint64_t ino, int n) REQUIRES(v->lock)
{
	struct moved_ino *m;

	HASH_FIND(hh, v->moved, &ino, sizeof(ino), m);
	if (m == NULL && n > 0) {
		m = calloc(1, sizeof(*m));
		if (m == NULL)
			return; /* two files may then show one number */
		m->ino = ino;
		HASH_ADD(hh, v->moved, ino, sizeof(m->ino), m);
	}
	if (m == NULL)
		return;
	m->users += (unsigned)n;
	if (m->users == 0) {
		HASH_DEL(v->moved, m);
		free(m);
	}
}

static void
keep_ino_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	if (n->ino_moved)
		return;
	n->ino_moved = true;
	ino_moved_locked(v, n->ino, 1);
}

/* --- names ------------------------------------------------------------------ */

static uint32_t
hash_name(const struct node *parent, const char *name)
{
	return (uint32_t)digest_xxh64(name, strlen(name),
	    digest_seed() ^ parent->id);
}

static uint32_t
hash_id(uint64_t id)
{
	return (uint32_t)(id * 0x9e3779b97f4a7c15 >> 32);
}

static uint32_t
name_hash(const struct node *n)
{
	return n->name_hash;
}

static uint32_t
id_hash(const struct node *n)
{
	return hash_id(n->id);
}

void
node_tables_init_locked(struct vfs *v)
{
	v->by_id.hash = id_hash;
	v->by_name.hash = name_hash;
}

static struct node *
find_id_locked(struct vfs *v, uint64_t id) REQUIRES(v->lock)
{
	struct node *n;
	size_t at = 0;

	do {
		n = node_table_find(&v->by_id, hash_id(id), &at);
	} while (n != NULL && n->id != id);
	return n;
}

struct node *
node_find_locked(struct vfs *v, struct node *parent, const char *name)
{
	uint32_t hash = hash_name(parent, name);
	struct node *n;
	size_t at = 0;

	do {
		n = node_table_find(&v->by_name, hash, &at);
	} while (n != NULL && (n->name_hash != hash || n->parent != parent ||
	    strcmp(n->name, name) != 0));
	return n;
}

/* n's name is this one: most are part of their entry.  -ENOMEM: it stays what it was. */
static int
set_name(struct node *n, const char *name)
{
	const char *was = n->own_name ? n->name : NULL;
	bool shared = n->remote != NULL && strcmp(n->remote->name, name) == 0;
	const char *now = shared ? n->remote->name : text_dup(name);

	if (now == NULL)
		return -ENOMEM;
	n->name = now;
	n->own_name = !shared;
	free((void *)(uintptr_t)was);
	return 0;
}

int
node_name_locked(struct vfs *v, struct node *n, struct node *parent,
    const char *name)
{
	int ret;

	assert(n->parent == NULL);
	assert(node_find_locked(v, parent, name) == NULL);
	ret = set_name(n, name);
	if (ret < 0)
		return ret;
	n->name_hash = hash_name(parent, n->name);
	ret = node_table_add(&v->by_name, n);
	if (ret < 0)
		return ret;
	n->parent = node_ref_locked(v, parent);
	DL_APPEND(parent->children, n);
	return 0;
}

int
node_rename_locked(struct vfs *v, struct node *n, struct node *parent,
    const char *name)
{
	int ret;

	(void)node_ref_locked(v, n);
	node_unname_locked(v, n);
	ret = node_name_locked(v, n, parent, name);
	keep_ino_locked(v, n);
	node_unref_locked(v, n);
	return ret;
}

static void
unname_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	struct node *parent = n->parent;

	if (parent == NULL)
		return;
	node_table_remove(&v->by_name, n);
	DL_DELETE(parent->children, n);
	n->parent = NULL;
	node_unref_locked(v, parent);
	if (n->file != NULL && n->file->opens > 0)
		keep_ino_locked(v, n);
}

void
node_unname_locked(struct vfs *v, struct node *n)
{
	if (n->parent == NULL)
		return;
	lists_differ_locked(v, n->parent);
	unname_locked(v, n);
	lists_forget_locked(v, n);
}

void
node_hide_locked(struct vfs *v, struct node *n, struct node *dir)
{
	node_unhide_locked(v, n);
	n->file->hidden_in = node_ref_locked(v, dir);
}

void
node_unhide_locked(struct vfs *v, struct node *n)
{
	struct node *dir = n->file != NULL ? n->file->hidden_in : NULL;

	if (dir == NULL)
		return;
	n->file->hidden_in = NULL;
	node_unref_locked(v, dir);
}

void
node_part_locked(struct vfs *v, struct node *n)
{
	if (n->parent != NULL)
		notifier_name(v->notifier, n->parent->id, n->name);
	n->gone = true;
	node_unname_locked(v, n);
}

bool
node_is_below_locked(struct vfs *v UNUSED, const struct node *n,
    const struct node *top)
{
	for (; n != NULL; n = node_home(n))
		if (n == top)
			return true;
	return false;
}

char *
node_path_locked(struct vfs *v, const struct node *n)
{
	struct buf out;
	const struct node *chain[512];
	size_t depth = 0;
	int ret = 0;

	buf_init(&out, 1 << 16);
	for (; n != v->root && n != NULL && depth < ARRAY_LEN(chain);
	     n = n->parent)
		chain[depth++] = n;
	while (depth > 0 && ret == 0) {
		depth--;
		ret = buf_printf(&out, "%s%s", out.len > 0 ? "/" : "",
		    chain[depth]->name != NULL ? chain[depth]->name : "?");
	}
	if (ret < 0) {
		buf_release(&out);
		return NULL;
	}
	return buf_take(&out);
}

char *
node_path(struct vfs *v, const struct node *n)
{
	char *path;

	lock_take(&v->lock);
	path = node_path_locked(v, n);
	lock_drop(&v->lock);
	return path;
}

/* --- life ------------------------------------------------------------------- */

static void
free_name(struct node *n)
{
	if (n->own_name)
		free((void *)(uintptr_t)n->name);
}

struct node *
node_new_locked(struct vfs *v, struct node *parent, const char *name,
    enum entry_kind kind, struct backend *backend, struct entry *remote)
{
	struct node *n;

	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->id = ++v->last_id;
	n->refs = 1;
	n->kind = kind;
	n->backend = backend;
	n->ino = choose_ino_locked(v, parent, name, remote);
	if (remote != NULL)
		n->remote = entry_ref(remote);
	if (node_table_add(&v->by_id, n) < 0)
		goto err;
	if (parent != NULL && node_name_locked(v, n, parent, name) < 0)
		goto err_table;
	counter_add(CTR_names, 1);
	return n;
err_table:
	node_table_remove(&v->by_id, n);
err:
	free_name(n);
	entry_unref(n->remote);
	free(n);
	return NULL;
}

static void
free_dir(struct node_dir *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < RECENT_NAMES && d->recent != NULL; i++) {
		free(d->recent[i].name);
		entry_unref(d->recent[i].e);
	}
	free(d->recent);
	listing_release(&d->list);
	free(d->absent);
	free(d);
}

static void
free_file(struct node_file *f)
{
	if (f == NULL)
		return;
	staged_unref(f->staged);
	entry_unref(f->base);
	free(f->words);
	free(f->maybe);
	free(f);
}

/* n, without a name and in no table any more. */
static void
destroy_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	if (n->ino_moved)
		ino_moved_locked(v, n->ino, -1);
	free_name(n);
	entry_unref(n->remote);
	free_dir(n->dir);
	free_file(n->file);
	free(n);
	counter_add(CTR_names, -1);
}

/* The last reference is gone.  Its parent may go with it. */
static void
free_node_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	unname_locked(v, n);
	node_unhide_locked(v, n);
	if (n->file != NULL)
		node_set_drop_locked(v, n, NULL, NULL);
	node_table_remove(&v->by_id, n);
	destroy_locked(v, n);
}

void
node_free_all_locked(struct vfs *v)
{
	struct moved_ino *m, *after;
	struct node *n;
	size_t at;

	while (v->lists != NULL)
		lists_forget_locked(v, v->lists->node);
	for (at = 0; (n = node_next_locked(v, &at)) != NULL;)
		n->refs++; /* none of them goes before its turn */
	for (at = 0; (n = node_next_locked(v, &at)) != NULL;) {
		node_unname_locked(v, n);
		node_unhide_locked(v, n);
		if (n->file != NULL)
			node_set_drop_locked(v, n, NULL, NULL);
	}
	for (at = 0; (n = node_next_locked(v, &at)) != NULL;)
		destroy_locked(v, n);
	node_table_release(&v->by_id);
	node_table_release(&v->by_name);
	HASH_ITER(hh, v->moved, m, after) {
		HASH_DEL(v->moved, m);
		free(m);
	}
}

struct node *
node_ref_locked(struct vfs *v UNUSED, struct node *n)
{
	n->refs++;
	return n;
}

void
node_unref_locked(struct vfs *v, struct node *n)
{
	assert(n->refs > 0);
	if (--n->refs == 0 && n->nlookup == 0)
		free_node_locked(v, n);
}

void
node_unref(struct vfs *v, struct node *n)
{
	if (n == NULL)
		return;
	lock_take(&v->lock);
	node_unref_locked(v, n);
	lock_drop(&v->lock);
}

void
node_remember_locked(struct vfs *v UNUSED, struct node *n)
{
	n->nlookup++;
}

void
node_forget(struct vfs *v, uint64_t id, uint64_t count)
{
	struct node *n;

	lock_take(&v->lock);
	n = find_id_locked(v, id);
	if (n != NULL) {
		n->nlookup = n->nlookup > count ? n->nlookup - count : 0;
		if (n->nlookup == 0 && n->refs == 0)
			free_node_locked(v, n);
	}
	lock_drop(&v->lock);
}

struct node *
node_get(struct vfs *v, uint64_t id)
{
	struct node *n;

	lock_take(&v->lock);
	n = find_id_locked(v, id);
	if (n != NULL)
		n->refs++;
	lock_drop(&v->lock);
	return n;
}

/* --- content ------------------------------------------------------------------ */

struct node_dir *
node_dir_locked(struct vfs *v UNUSED, struct node *n)
{
	if (n->dir == NULL)
		n->dir = calloc(1, sizeof(*n->dir));
	return n->dir;
}

struct node_file *
node_file_locked(struct vfs *v UNUSED, struct node *n)
{
	if (n->file == NULL)
		n->file = calloc(1, sizeof(*n->file));
	return n->file;
}

bool
node_is_dirty_locked(struct vfs *v UNUSED, const struct node *n)
{
	return n->file != NULL && n->file->changes != n->file->saved;
}

void
node_changed_locked(struct vfs *v, struct node *n)
{
	if (!node_is_dirty_locked(v, n)) {
		v->dirty++;
		n->refs++;
	}
	n->file->changes++;
}

void
node_saved_locked(struct vfs *v, struct node *n, uint64_t goal)
{
	bool was_dirty = node_is_dirty_locked(v, n);

	n->file->saved = goal;
	if (was_dirty && !node_is_dirty_locked(v, n)) {
		v->dirty--;
		node_unref_locked(v, n);
	}
}

bool
node_is_local_locked(struct vfs *v, const struct node *n)
{
	return n->kind == ENTRY_FILE &&
	    (n->remote == NULL || n->aside || node_is_dirty_locked(v, n));
}

/* Is e the version that is known, and was it measured since? */
static bool
is_unmeasured(const struct entry *known, const struct entry *e)
{
	return e->version.size == VERSION_NO_SIZE &&
	    known->version.size != VERSION_NO_SIZE &&
	    known->version.gen == e->version.gen &&
	    known->object_id == e->object_id && known->form == e->form &&
	    known->mode == e->mode && known->kind == e->kind;
}

void
node_set_remote_locked(struct vfs *v UNUSED, struct node *n, struct entry *e,
    int64_t seen_ms)
{
	bool same = n->remote != NULL && e != NULL &&
	    strcmp(n->remote->path, e->path) == 0 &&
	    version_matches(&n->remote->version, &e->version);
	struct entry *was;

	if (!same)
		n->attr_loaded = false;
	if (same && is_unmeasured(n->remote, e))
		e = n->remote;
	if (e != NULL)
		(void)entry_ref(e);
	was = n->remote;
	n->remote = e;
	n->seen_ms = seen_ms;
	/* Without memory the old entry stays where it is, for its name. */
	if (n->name == NULL || n->own_name || set_name(n, n->name) == 0)
		entry_unref(was);
}

void
node_set_drop_locked(struct vfs *v, struct node *n, struct node *dir,
    struct entry *drop)
{
	struct node_file *f = n->file;
	struct node *was = f->drop_dir;

	entry_unref(f->drop);
	f->drop = drop != NULL ? entry_ref(drop) : NULL;
	f->drop_dir = drop != NULL ? node_ref_locked(v, dir) : NULL;
	if (was != NULL)
		node_unref_locked(v, was);
}

void
node_drop_content_locked(struct vfs *v, struct node *n)
{
	struct node_file *f = n->file;

	/* What was moved aside becomes this content when it is replaced. */
	if (f == NULL || node_is_dirty_locked(v, n) || f->saving ||
	    f->pins > 0 || n->aside)
		return;
	staged_unref(f->staged);
	f->staged = NULL;
	entry_unref(f->base);
	f->base = NULL;
}

void
node_keep_content_locked(struct vfs *v, struct node *n)
{
	struct node_file *f = n->file;
	struct node *old;

	if (f == NULL || f->staged == NULL || f->opens > 0 || f->pins > 0 ||
	    f->saving || n->aside || n->parent == NULL ||
	    node_is_dirty_locked(v, n))
		return;
	if (staged_size(f->staged) > KEPT_BYTES) {
		node_drop_content_locked(v, n);
		return;
	}
	for (unsigned i = 0; i < KEPT_FILES; i++)
		if (v->kept[i] == n)
			return;
	old = v->kept[v->next_kept];
	v->kept[v->next_kept] = node_ref_locked(v, n);
	v->next_kept = (v->next_kept + 1) % KEPT_FILES;
	if (old == NULL)
		return;
	if (old->file->opens == 0)
		node_drop_content_locked(v, old);
	node_unref_locked(v, old);
}

/* --- attributes ------------------------------------------------------------------ */

int64_t
node_ttl_ms(const struct vfs *v, const struct node *n)
{
	return n->backend->ttl_ms >= 0 ? n->backend->ttl_ms :
					 v->config.attr_ttl_ms;
}

bool
node_is_lost(const struct vfs *v, const struct node *n)
{
	/* What is never believed for a moment does not come from the service. */
	return n->backend->ttl_ms != 0 && reach_is_lost(v->config.reach);
}

bool
node_went_offline(const struct vfs *v, int ret)
{
	return ret < 0 && ret != -EINTR && ret != -ENOENT && ret != -ESTALE &&
	    reach_is_lost(v->config.reach);
}

int64_t
node_ttl_left_locked(struct vfs *v, const struct node *n)
{
	int64_t left;

	/* The root is there as long as the mount: the kernel asks for it on the way to
	 * everything, also to what tells why the service is silent. */
	if (node_is_local_locked(v, n) || n == v->root)
		return node_ttl_ms(v, n);
	if (n->seen_ms == 0)
		return 0;
	left = n->seen_ms + node_ttl_ms(v, n) - clock_mono_ms();
	if (left < LOST_TTL_MS && node_is_lost(v, n))
		left = LOST_TTL_MS;
	return left > 0 ? left : 0;
}

static void
load_attr_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	if (n->attr_loaded || n->remote == NULL)
		return;
	n->attr_loaded = true;
	n->attr = (struct overlay_attr){ 0 };
	if (v->config.overlay != NULL && n->kind != ENTRY_SESSION)
		(void)overlay_get(v->config.overlay, n->remote, &n->attr);
}

void
node_save_attr_locked(struct vfs *v, struct node *n)
{
	/* Without a remote version there is nothing to tie it to yet; the save
	 * writes it. */
	if (v->config.overlay != NULL && n->remote != NULL &&
	    !node_is_dirty_locked(v, n))
		overlay_set(v->config.overlay, n->remote, &n->attr);
}

bool
node_is_fixed_locked(struct vfs *v UNUSED, const struct node *n)
{
	mode_t mode = n->remote != NULL ? n->remote->mode : 0;

	return n->kind == ENTRY_FILE && mode != 0 && (mode & 0222) == 0;
}

static mode_t
shown_mode_locked(struct vfs *v, const struct node *n) REQUIRES(v->lock)
{
	mode_t mode = n->remote != NULL ? n->remote->mode : 0;

	switch (n->kind) {
	case ENTRY_DIR:
		return S_IFDIR | (mode != 0 ? mode : 0777 & ~v->config.dmask);
	case ENTRY_LINK:
		return S_IFLNK | 0777;
	case ENTRY_SESSION:
		return S_IFREG | mode;
	case ENTRY_FILE:
		break;
	}
	mode = n->attr.executable ? 0777 : 0666;
	if (v->config.read_only || node_is_fixed_locked(v, n))
		mode &= (mode_t)~0222;
	return S_IFREG | (mode & ~v->config.fmask);
}

static struct timespec
from_ms(int64_t ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	if (ts.tv_nsec < 0) {
		ts.tv_nsec += 1000000000;
		ts.tv_sec--;
	}
	return ts;
}

void
node_stat_locked(struct vfs *v, struct node *n, struct stat *st)
{
	struct node_file *f = n->file;

	load_attr_locked(v, n);
	memset(st, 0, sizeof(*st));
	st->st_ino = n->ino;
	st->st_mode = shown_mode_locked(v, n);
	st->st_nlink = n->parent != NULL || n == v->root ? 1 : 0;
	st->st_uid = v->config.uid;
	st->st_gid = v->config.gid;
	/* Only who mounts may look into sessions, whoever owns the files. */
	if (n->backend->ops->open != NULL) {
		st->st_uid = geteuid();
		st->st_gid = getegid();
	}
	st->st_blksize = (blksize_t)BLOCK_BYTES;
	if (n->remote != NULL) {
		if (n->remote->version.size != VERSION_NO_SIZE)
			st->st_size = (off_t)n->remote->version.size;
		st->st_mtim = from_ms(n->remote->version.mtime_ms);
	}
	if (n->attr.has_mtime)
		st->st_mtim = n->attr.mtime;
	if (f != NULL && f->staged != NULL) {
		st->st_size = (off_t)staged_size(f->staged);
		if (node_is_dirty_locked(v, n) || n->remote == NULL)
			st->st_mtim = f->mtime;
	}
	if (n->kind == ENTRY_DIR)
		st->st_size = 0;
	st->st_atim = st->st_ctim = st->st_mtim;
	st->st_blocks = (st->st_size + 511) / 512;
}
