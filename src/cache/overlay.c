/* cache/overlay.c - times and bits that the service does not keep.
 *
 * A hash of rows in memory, each with its record in a journal of its own.  Moving
 * or dropping a directory walks all rows: there are as many as files that somebody
 * saved or touched, and it happens once a rename. */
#include "config.h"

#include "cache/overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jval.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "cache/journal.h"

#include "base/banned.h"

struct row {
	char *key; /* tree, ':', path */
	struct version version;
	struct overlay_attr attr;
	int64_t set_ms; /* when, by the wall clock; 0: nobody knows */
	bool copied; /* from another mount, and not set here since */
	uint64_t subject; /* in the journal */
	UT_hash_handle hh;
};

struct overlay {
	struct journal *journal; /* set once */
	struct lock lock;
	struct row *rows; /* by key; with lock */
};

static char *
key_of(const struct entry *e)
{
	return text_printf("%s:%s", e->tree, e->path);
}

static struct row *
find_locked(struct overlay *o, const char *key) REQUIRES(o->lock)
{
	struct row *r;

	HASH_FIND_STR(o->rows, key, r);
	return r;
}

static void
row_free(struct row *r)
{
	if (r != NULL)
		free(r->key);
	free(r);
}

static void
forget_locked(struct overlay *o, struct row *r) REQUIRES(o->lock)
{
	HASH_DEL(o->rows, r);
	journal_end(o->journal, r->subject);
	row_free(r);
}

/* --- records -------------------------------------------------------------- */

static int
write_row(struct overlay *o, const struct row *r)
{
	struct json_object *p = json_object_new_object();
	int ret;

	ret = jval_add_str(p, "key", r->key);
	if (ret == 0)
		ret = jval_add_i64(p, "mtime_ms", r->version.mtime_ms);
	if (ret == 0)
		ret = jval_add_i64(p, "size", (int64_t)r->version.size);
	if (ret == 0 && r->version.gen != 0)
		ret = jval_add_bool(p, "own", true);
	if (ret == 0 && r->attr.has_mtime)
		ret = jval_add_i64(p, "sec", r->attr.mtime.tv_sec);
	if (ret == 0 && r->attr.has_mtime)
		ret = jval_add_i64(p, "nsec", r->attr.mtime.tv_nsec);
	if (ret == 0 && r->attr.executable)
		ret = jval_add_bool(p, "exec", true);
	if (ret == 0 && r->set_ms != 0)
		ret = jval_add_i64(p, "ms", r->set_ms);
	if (ret == 0 && r->copied)
		ret = jval_add_bool(p, "copied", true);
	if (ret == 0)
		ret = journal_write(o->journal, JOURNAL_ATTR, r->subject, p,
		    false);
	json_object_put(p);
	return ret;
}

static int
read_row(void *ctx, uint16_t type, uint64_t subject, struct json_object *p)
{
	struct overlay *o = ctx;
	struct row *r, *old;
	const char *key;
	int64_t sec, nsec, size = 0;
	bool own = false;

	if (type != JOURNAL_ATTR || jval_str(p, "key", &key) < 0)
		return 0;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	r->key = text_dup(key);
	if (r->key == NULL) {
		free(r);
		return -ENOMEM;
	}
	r->subject = subject;
	(void)jval_i64(p, "mtime_ms", &r->version.mtime_ms);
	(void)jval_i64(p, "size", &size);
	(void)jval_bool(p, "own", &own);
	(void)jval_bool(p, "exec", &r->attr.executable);
	(void)jval_i64(p, "ms", &r->set_ms);
	(void)jval_bool(p, "copied", &r->copied);
	r->version.size = (uint64_t)size;
	r->version.gen = own ? UINT64_MAX : 0;
	if (jval_i64(p, "sec", &sec) == 0 && jval_i64(p, "nsec", &nsec) == 0) {
		r->attr.has_mtime = true;
		r->attr.mtime.tv_sec = sec;
		r->attr.mtime.tv_nsec = nsec;
	}
	HASH_FIND_STR(o->rows, r->key, old);
	if (old != NULL) {
		HASH_DEL(o->rows, old);
		row_free(old);
	}
	HASH_ADD_KEYPTR(hh, o->rows, r->key, strlen(r->key), r);
	return 0;
}

int
overlay_new(const char *path, struct overlay **out)
{
	struct overlay *o;
	int ret;

	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return -ENOMEM;
	lock_init(&o->lock, "overlay");
	ret = journal_open(path, read_row, o, &o->journal);
	if (ret < 0) {
		overlay_free(o);
		return ret;
	}
	*out = o;
	return 0;
}

void
overlay_free(struct overlay *o)
{
	struct row *r, *next;

	if (o == NULL)
		return;
	journal_close(o->journal);
	HASH_ITER(hh, o->rows, r, next) {
		HASH_DEL(o->rows, r);
		row_free(r);
	}
	lock_release(&o->lock);
	free(o);
}

/* --- rows ------------------------------------------------------------------ */

bool
overlay_get(struct overlay *o, const struct entry *e, struct overlay_attr *out)
{
	char *key = key_of(e);
	struct row *r;
	bool found = false;

	if (key == NULL)
		return false;
	lock_take(&o->lock);
	r = find_locked(o, key);
	/* Directories have no version that would say anything. */
	if (r != NULL && (e->kind == ENTRY_DIR ||
	    version_matches(&r->version, &e->version))) {
		*out = r->attr;
		found = true;
	}
	lock_drop(&o->lock);
	free(key);
	return found;
}

void
overlay_set(struct overlay *o, const struct entry *e,
    const struct overlay_attr *attr)
{
	char *key = key_of(e);
	struct row *r;

	if (key == NULL)
		return;
	lock_take(&o->lock);
	r = find_locked(o, key);
	if (!attr->has_mtime && !attr->executable) {
		if (r != NULL)
			forget_locked(o, r);
		goto out;
	}
	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r == NULL)
			goto out;
		r->key = key;
		key = NULL;
		r->subject = journal_subject(o->journal);
		HASH_ADD_KEYPTR(hh, o->rows, r->key, strlen(r->key), r);
	}
	r->version = e->version;
	r->attr = *attr;
	r->set_ms = clock_real_ms();
	r->copied = false;
	(void)write_row(o, r); /* logged; it goes on in memory */
out:
	lock_drop(&o->lock);
	free(key);
}

/* What follows the directory's key in key, or NULL when key is neither it nor
 * below it. */
static const char *
below(const char *key, const char *dir)
{
	size_t len = strlen(dir);

	if (strncmp(key, dir, len) != 0)
		return NULL;
	if (len > 0 && dir[len - 1] == '/')
		return key + len - 1;
	return key[len] == '\0' || key[len] == '/' ? key + len : NULL;
}

static void
drop_below_locked(struct overlay *o, const char *dir) REQUIRES(o->lock)
{
	struct row *r, *next;

	HASH_ITER(hh, o->rows, r, next)
		if (below(r->key, dir) != NULL)
			forget_locked(o, r);
}

void
overlay_drop(struct overlay *o, const struct entry *e)
{
	char *key = key_of(e);
	struct row *r;

	if (key == NULL)
		return;
	lock_take(&o->lock);
	if (e->kind == ENTRY_DIR)
		drop_below_locked(o, key);
	else if ((r = find_locked(o, key)) != NULL)
		forget_locked(o, r);
	lock_drop(&o->lock);
	free(key);
}

static void
rename_row_locked(struct overlay *o, struct row *r, const char *to,
    const char *rest) REQUIRES(o->lock)
{
	char *key = text_printf("%s%s", to, rest);

	if (key == NULL) {
		forget_locked(o, r);
		return;
	}
	HASH_DEL(o->rows, r);
	free(r->key);
	r->key = key;
	HASH_ADD_KEYPTR(hh, o->rows, r->key, strlen(r->key), r);
	(void)write_row(o, r);
}

void
overlay_move(struct overlay *o, const struct entry *from,
    const struct entry *to)
{
	char *key = key_of(from), *to_key = key_of(to);
	struct row *r, *next;

	if (key == NULL || to_key == NULL)
		goto out;
	lock_take(&o->lock);
	drop_below_locked(o, to_key);
	if (from->kind != ENTRY_DIR) {
		r = find_locked(o, key);
		if (r != NULL)
			rename_row_locked(o, r, to_key, "");
	} else {
		HASH_ITER(hh, o->rows, r, next) {
			const char *rest = below(r->key, key);

			if (rest != NULL)
				rename_row_locked(o, r, to_key, rest);
		}
	}
	lock_drop(&o->lock);
out:
	free(key);
	free(to_key);
}

/* --- of other mounts ------------------------------------------------------------- */

/* A row of theirs, as ours; consumes it. */
static int
adopt_row(struct overlay *o, struct row *r)
{
	struct row *ours;
	int ret = 0;

	lock_take(&o->lock);
	ours = find_locked(o, r->key);
	if (ours == NULL) {
		r->subject = journal_subject(o->journal);
		r->copied = true;
		HASH_ADD_KEYPTR(hh, o->rows, r->key, strlen(r->key), r);
		ret = write_row(o, r);
		r = NULL;
	} else if (ours->set_ms < r->set_ms) {
		ours->version = r->version;
		ours->attr = r->attr;
		ours->set_ms = r->set_ms;
		ours->copied = true;
		ret = write_row(o, ours);
	}
	lock_drop(&o->lock);
	row_free(r);
	return ret;
}

int
overlay_adopt(struct overlay *o, const char *path, const char *tree,
    const char *top)
{
	char *key = text_printf("%s:%s", tree, top);
	struct overlay *theirs = NULL;
	struct row *r, *next;
	int own = 0, ret;

	ret = key != NULL ? overlay_new(path, &theirs) : -ENOMEM;

	if (ret == 0) {
		HASH_ITER(hh, theirs->rows, r, next) {
			own += !r->copied;
			if (ret < 0 || below(r->key, key) == NULL)
				continue;
			HASH_DEL(theirs->rows, r);
			ret = adopt_row(o, r);
		}
	}
	overlay_free(theirs);
	free(key);
	return ret < 0 ? ret : own;
}
