/* backend/ws_memory.c - what is known of workspace objects.
 *
 *   DIR/objects    a journal; the subject of a record is the object's id
 *   DIR/texts/ID   a text that is kept
 *
 * Several threads may save one object: the text and its record are changed under one
 * lock, so that they always belong together. */
#include "config.h"

#include "backend/ws_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jval.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "cache/journal.h"

#include "base/banned.h"

struct row {
	uint64_t object_id;
	int64_t mtime_ms;
	struct ws_known known;
	UT_hash_handle hh;
};

struct ws_memory {
	char *texts;		 /* set once, as journal; NULL: in memory alone */
	struct journal *journal;
	struct lock lock;
	struct row *rows; /* by object_id; with lock */
};

/* --- records ----------------------------------------------------------------------- */

static struct row *
find_locked(struct ws_memory *m, uint64_t object_id) REQUIRES(m->lock)
{
	struct row *r;

	HASH_FIND(hh, m->rows, &object_id, sizeof(object_id), r);
	return r;
}

static struct row *
make_locked(struct ws_memory *m, uint64_t object_id) REQUIRES(m->lock)
{
	struct row *r = find_locked(m, object_id);

	if (r == NULL)
		r = calloc(1, sizeof(*r));
	else
		return r;
	if (r != NULL) {
		r->object_id = object_id;
		HASH_ADD(hh, m->rows, object_id, sizeof(r->object_id), r);
	}
	return r;
}

static int
read_row(void *ctx, uint16_t type, uint64_t subject, struct json_object *p)
{
	struct ws_memory *m = ctx;
	int64_t form = 0, size = 0;
	struct row *r;

	if (type != JOURNAL_OBJECT)
		return 0;
	lock_take(&m->lock);
	r = make_locked(m, subject);
	if (r != NULL) {
		(void)jval_i64(p, "mtime_ms", &r->mtime_ms);
		(void)jval_i64(p, "form", &form);
		r->known.form = (unsigned)form;
		r->known.has_size = jval_i64(p, "size", &size) == 0;
		r->known.size = (uint64_t)size;
		r->known.kept = false;
		(void)jval_bool(p, "kept", &r->known.kept);
	}
	lock_drop(&m->lock);
	return r != NULL ? 0 : -ENOMEM;
}

static void
write_row_locked(struct ws_memory *m, const struct row *r) REQUIRES(m->lock)
{
	struct json_object *p;
	int ret;

	if (m->journal == NULL)
		return;
	p = json_object_new_object();
	ret = jval_add_i64(p, "mtime_ms", r->mtime_ms);
	if (ret == 0)
		ret = jval_add_i64(p, "form", r->known.form);
	if (ret == 0 && r->known.has_size)
		ret = jval_add_i64(p, "size", (int64_t)r->known.size);
	if (ret == 0 && r->known.kept)
		ret = jval_add_bool(p, "kept", true);
	if (ret == 0)
		ret = journal_write(m->journal, JOURNAL_OBJECT, r->object_id, p,
		    false);
	if (ret < 0)
		log_warn("workspace", "what is known of object %" PRIu64
		    " cannot be written down: %s", r->object_id, strerror(-ret));
	json_object_put(p);
}

/* --- making it ----------------------------------------------------------------------- */

static int
open_files(struct ws_memory *m, const char *dir)
{
	char *objects = text_printf("%s/objects", dir);
	int ret = objects != NULL ? 0 : -ENOMEM;

	m->texts = text_printf("%s/texts", dir);
	if (m->texts == NULL)
		ret = -ENOMEM;
	if (ret == 0)
		ret = io_mkdir(dir, 0700);
	if (ret == 0)
		ret = io_mkdir(m->texts, 0700);
	if (ret == 0)
		ret = journal_open(objects, read_row, m, &m->journal);
	free(objects);
	return ret;
}

int
ws_memory_new(const char *dir, struct ws_memory **out)
{
	struct ws_memory *m = calloc(1, sizeof(*m));
	int ret = 0;

	if (m == NULL)
		return -ENOMEM;
	lock_init(&m->lock, "workspace objects");
	if (dir != NULL)
		ret = open_files(m, dir);
	if (ret < 0) {
		ws_memory_free(m);
		return ret;
	}
	*out = m;
	return 0;
}

void
ws_memory_free(struct ws_memory *m)
{
	struct row *r, *next;

	if (m == NULL)
		return;
	journal_close(m->journal);
	HASH_ITER(hh, m->rows, r, next) {
		HASH_DEL(m->rows, r);
		free(r);
	}
	lock_release(&m->lock);
	free(m->texts);
	free(m);
}

/* --- texts ------------------------------------------------------------------------- */

static char *
text_path(const struct ws_memory *m, uint64_t object_id)
{
	return text_printf("%s/%" PRIu64, m->texts, object_id);
}

static void
drop_text_locked(struct ws_memory *m, struct row *r) REQUIRES(m->lock)
{
	char *path;

	if (!r->known.kept)
		return;
	r->known.kept = false;
	path = text_path(m, r->object_id);
	if (path != NULL)
		(void)unlink(path);
	free(path);
}

/* --- what is known ----------------------------------------------------------------- */

struct ws_known
ws_memory_get(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms)
{
	struct ws_known known = { 0 };
	struct row *r;

	lock_take(&m->lock);
	r = find_locked(m, object_id);
	if (r != NULL && r->mtime_ms == mtime_ms)
		known = r->known;
	lock_drop(&m->lock);
	return known;
}

void
ws_memory_set(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms,
    const struct ws_known *known)
{
	struct row *r;

	lock_take(&m->lock);
	r = make_locked(m, object_id);
	if (r != NULL) {
		bool kept = r->known.kept && known->kept &&
		    r->mtime_ms == mtime_ms;

		if (!kept)
			drop_text_locked(m, r);
		r->mtime_ms = mtime_ms;
		r->known = *known;
		r->known.kept = kept;
		write_row_locked(m, r);
	}
	lock_drop(&m->lock);
}

void
ws_memory_keep(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms,
    const struct ws_known *known, const void *text, size_t len)
{
	char *path = m->texts != NULL ? text_path(m, object_id) : NULL;
	int ret = path != NULL ? 0 : -EROFS;
	struct row *r;

	lock_take(&m->lock);
	r = make_locked(m, object_id);
	if (ret == 0 && r != NULL)
		ret = io_write_file(path, text, len, 0600);
	if (r != NULL) {
		r->mtime_ms = mtime_ms;
		r->known = *known;
		r->known.kept = ret == 0;
		r->known.has_size = ret == 0;
		r->known.size = len;
		write_row_locked(m, r);
	}
	lock_drop(&m->lock);
	if (ret < 0)
		log_warn("workspace", "the text of object %" PRIu64 " cannot be"
		    " kept (%s): it is shown as the service gives it back",
		    object_id, strerror(-ret));
	free(path);
}

int
ws_memory_text(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms,
    struct buf *out)
{
	char *path = m->texts != NULL ? text_path(m, object_id) : NULL;
	int ret = -ENOENT;
	struct row *r;

	lock_take(&m->lock);
	r = find_locked(m, object_id);
	if (path != NULL && r != NULL && r->mtime_ms == mtime_ms &&
	    r->known.kept)
		ret = io_read_file(path, out);
	lock_drop(&m->lock);
	free(path);
	return ret;
}

void
ws_memory_forget(struct ws_memory *m, uint64_t object_id)
{
	struct row *r;

	lock_take(&m->lock);
	r = find_locked(m, object_id);
	if (r != NULL) {
		drop_text_locked(m, r);
		HASH_DEL(m->rows, r);
		if (m->journal != NULL)
			journal_end(m->journal, object_id);
		free(r);
	}
	lock_drop(&m->lock);
}
