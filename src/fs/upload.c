/* fs/upload.c - one upload. */
#include "config.h"

#include "fs/upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/text.h"
#include "fs/aside.h"
#include "fs/base_source.h"
#include "fs/conflict.h"
#include "fs/content.h"
#include "fs/dir.h"
#include "fs/measure.h"
#include "fs/save_record.h"

#include "base/banned.h"

/* A file that somebody deleted meanwhile is made anew; one that somebody changed is
 * left alone.  Asked one round trip before the upload, which is as late as the
 * service allows. */
static int
check_old(struct call *call, const struct entry *old, const struct entry **out)
{
	struct entry *now = NULL;
	int ret;

	*out = old;
	if (old == NULL)
		return 0;
	ret = old->backend->ops->refresh(old->backend, call, old, &now);
	if (ret == -ENOENT) {
		*out = NULL;
		return 0;
	}
	if (ret < 0)
		return ret;
	if (now->kind != old->kind ||
	    !version_matches(&old->version, &now->version)) {
		text_copy(call->words, sizeof(call->words),
		    "the file was changed on the server since it was read");
		ret = -ESTALE;
	}
	entry_unref(now);
	return ret;
}

static ssize_t
read_staged(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	return staged_read(ctx, call, NULL, off, dst, len);
}

int
upload_put(struct call *call, const struct upload *up, const struct entry *old,
    struct entry **out)
{
	struct backend *b = up->dir->backend;
	struct put put = {
		.dir = up->dir,
		.name = up->name,
		.old = old,
		.size = staged_size(up->staged),
		.content = { .read = read_staged, .ctx = up->staged },
	};

	if (put.size > b->size_max)
		return -EFBIG;
	return b->ops->put != NULL ? b->ops->put(b, call, &put, out) : -EROFS;
}

/* With staged frozen.  *begun: the server may have it, whatever it answered. */
static int
send_frozen(struct vfs *v, struct call *call, const struct upload *up,
    bool *begun, struct entry **out)
{
	const struct entry *old = NULL;
	int ret;

	if (staged_size(up->staged) > up->dir->backend->size_max)
		return -EFBIG;
	ret = staged_mark(up->staged, call);
	if (ret < 0)
		return ret;
	ret = content_fetch_all(v, call, up->staged, up->base);
	if (ret == 0 && up->seen)
		old = up->old;
	else if (ret == 0)
		ret = check_old(call, up->old, &old);
	staged_unmark(up->staged, ret < 0);
	*begun = ret == 0;
	return ret == 0 ? upload_put(call, up, old, out) : ret;
}

int
upload_content(struct vfs *v, struct call *call, const struct upload *up,
    struct entry **out)
{
	bool begun = false;
	int ret;

	staged_freeze(up->staged);
	ret = send_frozen(v, call, up, &begun, out);
	staged_thaw(up->staged);
	return ret;
}

/* --- conflicts that are none --------------------------------------------------- */

/* Does len bytes at off of ours, as far as they are here, equal theirs? */
static bool
same_piece(struct staged *staged, const struct staged_map *map, uint64_t off,
    const char *theirs, size_t len)
{
	char *ours = malloc(len);
	bool same = ours != NULL;

	for (size_t i = 0; same && i <= map->n; i++) {
		/* The last one: from base_end on. */
		uint64_t from = i < map->n ? map->ranges[i].start :
					     map->base_end;
		uint64_t to = i < map->n ? map->ranges[i].end : UINT64_MAX;

		from = from > off ? from : off;
		to = to < off + len ? to : off + len;
		if (from < to)
			same = staged_read(staged, NULL, NULL, from, ours,
				   (size_t)(to - from)) ==
				(ssize_t)(to - from) &&
			    memcmp(theirs + (from - off), ours,
				(size_t)(to - from)) == 0;
	}
	free(ours);
	return same;
}

/* What an earlier mount was sending may not be here as a whole: then what is here
 * decides, since nothing else is ours to send. */
static bool
same_bytes(struct call *call, const struct entry *e, const struct upload *up)
{
	char *theirs = malloc(BLOCK_BYTES);
	struct staged_map map;
	bool same;

	same = theirs != NULL && staged_map_get(up->staged, &map) == 0 &&
	    (map.base_end == 0 || up->taken);
	for (uint64_t off = 0; same && off < e->version.size;
	     off += BLOCK_BYTES) {
		ssize_t n = e->backend->ops->read(e->backend, call, e, off,
		    theirs, BLOCK_BYTES);

		/* A short one is of a file that has just become shorter. */
		same = n > 0 && (n == (ssize_t)BLOCK_BYTES ||
			off + (uint64_t)n == e->version.size) &&
		    same_piece(up->staged, &map, off, theirs, (size_t)n);
	}
	free(theirs);
	return same;
}

bool
upload_is_there(struct call *call, const struct upload *up,
    struct entry **out)
{
	struct call look = call_copy(call);
	struct entry *e = NULL;

	if (up->dir->backend->ops->lookup(up->dir->backend, &look, up->dir,
	    up->name, &e) < 0)
		return false;
	if (measure_entry(&look, &e) == 0 && e->kind == ENTRY_FILE &&
	    e->version.size == staged_size(up->staged) &&
	    same_bytes(&look, e, up)) {
		*out = e;
		return true;
	}
	entry_unref(e);
	return false;
}

/* --- answers that were lost --------------------------------------------------- */

/* What the service keeps of them is what counts, where that is something else. */
static bool
sum_of_canonical(struct call *call, const struct source *src, size_t size,
    const struct entry *old, const char *name, struct backend *b,
    char hex[DIGEST_SHA256_HEX])
{
	struct digest_sum *sum = digest_sum_new();
	char *bytes = malloc(size + 1);
	struct buf canon;
	bool good = sum != NULL && bytes != NULL;

	buf_init(&canon, 2 * size + 4096);
	if (good)
		good = size == 0 || src->read(src->ctx, call, 0, bytes, size) ==
		    (ssize_t)size;
	if (good)
		good = b->ops->canonical(b, old, name, bytes, size, &canon) == 0;
	if (good)
		digest_sum_add(sum, buf_text(&canon), canon.len);
	if (sum != NULL)
		digest_sum_end(sum, hex);
	buf_release(&canon);
	free(bytes);
	return good;
}

/* size bytes of a source: of a content under name over old, or, without a name, of old. */
static bool
sum_of(struct call *call, const struct source *src, uint64_t size,
    const struct entry *old, const char *name, struct backend *b,
    char hex[DIGEST_SHA256_HEX])
{
	struct digest_sum *sum = digest_sum_new();
	char *piece = malloc(BLOCK_BYTES);
	bool good = sum != NULL && piece != NULL;

	if (good && b->ops->canonical != NULL && size <= b->whole_max) {
		digest_sum_end(sum, hex);
		free(piece);
		return sum_of_canonical(call, src, (size_t)size, old, name, b,
		    hex);
	}
	for (uint64_t off = 0; good && off < size; off += BLOCK_BYTES) {
		size_t want = size - off < BLOCK_BYTES ? (size_t)(size - off) :
							 BLOCK_BYTES;
		ssize_t n = src->read(src->ctx, call, off, piece, want);

		good = n == (ssize_t)want;
		if (good)
			digest_sum_add(sum, piece, want);
	}
	if (sum != NULL)
		digest_sum_end(sum, hex);
	free(piece);
	return good;
}

/* Does that error leave it open whether the server has what was sent? */
static bool
is_unclear(int err)
{
	switch (err) {
	case -ESTALE:
	case -EEXIST:
	case -EFBIG:
	case -EINVAL:
	case -EISDIR:
	case -ENOTDIR:
	case -ENAMETOOLONG:
	case -EROFS:
	case -EPERM:
	case -EACCES:
		return false;
	default:
		return true;
	}
}

/* What is frozen was sent.  The next version of n may meet this one. */
static void
note_maybe_sent(struct vfs *v, struct node *n, const struct upload *up, int err)
{
	const struct source src = { .read = read_staged, .ctx = up->staged };
	uint64_t size = staged_size(up->staged);
	char sum[DIGEST_SHA256_HEX];
	struct maybe_sent *m;
	bool known = false;

	if (!is_unclear(err) || !sum_of(NULL, &src, size, up->old, up->name,
	    up->dir->backend, sum))
		return;
	lock_take(&v->lock);
	if (n->file->maybe == NULL)
		n->file->maybe = calloc(1, sizeof(*n->file->maybe));
	m = n->file->maybe;
	for (unsigned i = 0; m != NULL && i < m->n && i < MAYBE_SENT; i++)
		known = known || (m->size[i] == size &&
		    strcmp(m->sum[i], sum) == 0);
	if (m != NULL && !known) {
		m->size[m->n % MAYBE_SENT] = size;
		memcpy(m->sum[m->n++ % MAYBE_SENT], sum, sizeof(sum));
	}
	lock_drop(&v->lock);
}

static ssize_t
read_entry(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	const struct entry *e = ctx;

	return e->backend->ops->read(e->backend, call, e, off, dst, len);
}

/* Ours, too, as if it had been sent: it may have, in an earlier mount. */
static void
add_ours(struct maybe_sent *m, const struct upload *up, const struct entry *theirs)
{
	const struct source src = { .read = read_staged, .ctx = up->staged };
	uint64_t size = staged_size(up->staged);
	char sum[DIGEST_SHA256_HEX];

	if (theirs->backend->ops->canonical == NULL ||
	    !sum_of(NULL, &src, size, theirs, NULL, theirs->backend, sum))
		return;
	m->size[m->n % MAYBE_SENT] = size;
	memcpy(m->sum[m->n++ % MAYBE_SENT], sum, sizeof(sum));
}

/* Is what the service has under the name a version of n that was sent before, though
 * the answer said otherwise?  Then it is *out. */
static bool
is_maybe_sent(struct vfs *v, struct call *call, struct node *n,
    const struct upload *up, struct entry **out)
{
	struct call look = call_copy(call);
	struct maybe_sent m = { 0 };
	char sum[DIGEST_SHA256_HEX];
	struct entry *e = NULL;
	struct source src;
	bool fits = false, same = false, canonical;

	lock_take(&v->lock);
	if (n->file->maybe != NULL)
		m = *n->file->maybe;
	lock_drop(&v->lock);
	if ((m.n == 0 && up->dir->backend->ops->canonical == NULL) ||
	    up->dir->backend->ops->lookup(up->dir->backend, &look, up->dir,
		up->name, &e) < 0)
		return false;
	(void)measure_entry(&look, &e); /* or its size is none of ours */
	src = (struct source){ .read = read_entry, .ctx = e };
	add_ours(&m, up, e);
	canonical = e->backend->ops->canonical != NULL;
	for (unsigned i = 0; i < m.n && i < MAYBE_SENT; i++)
		fits = fits || canonical || m.size[i] == e->version.size;
	if (fits && e->kind == ENTRY_FILE &&
	    e->version.size != VERSION_NO_SIZE &&
	    sum_of(&look, &src, e->version.size, e, NULL, e->backend, sum))
		for (unsigned i = 0; i < m.n && i < MAYBE_SENT; i++)
			same = same || ((canonical ||
				m.size[i] == e->version.size) &&
			    strcmp(m.sum[i], sum) == 0);
	if (same)
		*out = e;
	else
		entry_unref(e);
	return same;
}

/* --- a node ------------------------------------------------------------------- */

/* The server has what n's content was when changes was goal. */
static void
node_sent_locked(struct vfs *v, struct node *n, struct entry *e, uint64_t goal)
    REQUIRES(v->lock)
{
	struct node_file *f = n->file;

	node_set_remote_locked(v, n, e, clock_mono_ms());
	entry_unref(f->base);
	f->base = entry_ref(e);
	node_saved_locked(v, n, goal);
	free(f->maybe);
	f->maybe = NULL;
	n->attr.has_mtime = true;
	n->attr.mtime = f->mtime;
	n->attr_loaded = true;
	overlay_set(v->config.overlay, e, &n->attr);
	n->file->kernel_pages = base_source_version(v, e);
	if (n->parent != NULL)
		dir_put_locked(v, n->parent, e);
}

/* An unlink of n was cut off, and the answer was not what up->old is.  Is that gone?  When
 * nobody can tell, what is here is kept. */
static void
check_going(struct vfs *v, struct call *call, struct node *n,
    const struct upload *up)
{
	struct call look = call_copy(call);
	struct entry *now = NULL;
	bool going;

	lock_take(&v->lock);
	going = n->file->going && up->old != NULL;
	lock_drop(&v->lock);
	if (going && up->old->backend->ops->refresh(up->old->backend, &look,
	    up->old, &now) != -ENOENT)
		save_record_stays(v, n);
	entry_unref(now);
}

/* Frozen, and its answer was another version than up->old. */
static int
settle_conflict(struct vfs *v, struct call *call, struct node *n,
    const struct upload *up, int err, struct entry **out)
{
	struct entry *ours = NULL;
	struct timespec mtime;
	bool beside;
	int ret;

	check_going(v, call, n, up);
	if (upload_is_there(call, up, out)) {
		call->words[0] = '\0';
		return 0;
	}
	if (staged_complete(up->staged) && is_maybe_sent(v, call, n, up, &ours)) {
		call->words[0] = '\0';
		ret = upload_put(call, up, ours, out);
		entry_unref(ours);
		return ret;
	}
	lock_take(&v->lock);
	mtime = n->file->mtime;
	beside = !n->file->moving; /* the rename fails, and leaves it where it was */
	lock_drop(&v->lock);
	ret = conflict_decide(v, call, up, err, &mtime, beside, out);
	if (ret == err && *out != NULL) {
		lock_take(&v->lock);
		n->file->beside = true;
		if (n->parent != NULL)
			dir_put_locked(v, n->parent, *out);
		lock_drop(&v->lock);
	}
	return ret;
}

/* Longer ago than this it was not just now, ms. */
#define JUST_NOW_MS 1000

/* The backup of what up replaces gets all of its content, and keeps it.  For that its
 * object may be looked at, which tells what is to be known of up->old, too. */
static int
keep_aside(struct vfs *v, struct call *call, struct node *aside,
    struct upload *up)
{
	int64_t before_ms = clock_mono_ms();
	int ret = aside_keep(v, call, aside);
	const struct entry *e;

	if (ret < 0 || up->old == NULL || !staged_complete(up->staged))
		return ret;
	lock_take(&v->lock);
	e = aside->remote;
	up->seen = aside->seen_ms >= before_ms &&
	    clock_mono_ms() - before_ms < JUST_NOW_MS && e != NULL &&
	    strcmp(e->path, up->old->path) == 0 &&
	    version_matches(&up->old->version, &e->version);
	lock_drop(&v->lock);
	return 0;
}

int
upload_node(struct vfs *v, struct call *call, struct node *n)
{
	struct upload up = { 0 };
	struct base_source base;
	struct node *aside;
	struct entry *e = NULL;
	char *name;
	bool begun = false;
	uint64_t goal;
	int ret;

	lock_take(&v->lock);
	up.dir = entry_ref(n->parent->remote);
	up.old = n->file->base != NULL ? entry_ref(n->file->base) : NULL;
	up.staged = staged_ref(n->file->staged);
	up.taken = n->file->taken;
	up.name = name = text_dup(n->name);
	aside = dir_aside_locked(v, n->parent, n->name);
	if (aside != NULL)
		(void)node_ref_locked(v, aside);
	lock_drop(&v->lock);
	base_source_init(v, n, &base);
	up.base = &base;

	lock_take(&v->lock);
	goal = n->file->changes;
	lock_drop(&v->lock);
	/* What a crash finds is what the server may have by then. */
	(void)save_record_promise(v, n, false); /* logged */
	ret = name != NULL ? 0 : -ENOMEM;
	if (ret == 0 && aside != NULL)
		ret = keep_aside(v, call, aside, &up);
	if (ret == 0)
		ret = send_frozen(v, call, &up, &begun, &e);
	if (ret == -ESTALE || ret == -EEXIST) {
		ret = settle_conflict(v, call, n, &up, ret, &e);
		begun = true;
	}
	if (ret < 0 && begun)
		note_maybe_sent(v, n, &up, ret);
	lock_take(&v->lock);
	if (ret == 0) {
		node_sent_locked(v, n, e, goal);
	} else if (e != NULL && !n->file->beside) {
		/* The next try replaces what has become of this one. */
		entry_unref(n->file->base);
		n->file->base = entry_ref(e);
	}
	lock_drop(&v->lock);
	if (ret == 0 && aside != NULL)
		aside_replaced(v, aside);

	base_source_release(&base);
	entry_unref(e);
	node_unref(v, aside);
	free(name);
	staged_unref(up.staged);
	entry_unref(up.old);
	entry_unref(up.dir);
	return ret;
}
