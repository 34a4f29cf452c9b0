/* backend/ws_memory.c - what is known of workspace objects.
 *
 *   DIR/objects    a journal; the subject of a record is the object's id
 *   DIR/texts/ID   a text that is kept; others are what a crash left, and are removed
 *
 * Several threads may save one object: the text and its record are changed under one
 * lock, so that they always belong together. */
#include "config.h"

#include "backend/ws_memory.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/ws_view.h"
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
	/* With lock: */
	struct row *rows; /* by object_id; what was used last comes last */
	size_t kept_bytes; /* of the texts */
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
find_version_locked(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms)
    REQUIRES(m->lock)
{
	struct row *r = find_locked(m, object_id);

	return r != NULL && r->mtime_ms == mtime_ms ? r : NULL;
}

static void
use_locked(struct ws_memory *m, struct row *r) REQUIRES(m->lock)
{
	HASH_DEL(m->rows, r);
	HASH_ADD(hh, m->rows, object_id, sizeof(r->object_id), r);
}

static struct row *
make_locked(struct ws_memory *m, uint64_t object_id) REQUIRES(m->lock)
{
	struct row *r = find_locked(m, object_id);

	if (r != NULL) {
		use_locked(m, r);
		return r;
	}
	r = calloc(1, sizeof(*r));
	if (r != NULL) {
		r->object_id = object_id;
		HASH_ADD(hh, m->rows, object_id, sizeof(r->object_id), r);
	}
	return r;
}

/* Can anything be remembered of it? */
static bool
is_known(uint64_t object_id, int64_t mtime_ms)
{
	return object_id != 0 && mtime_ms != 0;
}

static void
set_row_locked(struct ws_memory *m, struct row *r, int64_t mtime_ms,
    const struct ws_known *known) REQUIRES(m->lock)
{
	if (r->known.kept)
		m->kept_bytes -= (size_t)r->known.size;
	r->mtime_ms = mtime_ms;
	r->known = *known;
	if (r->known.kept)
		m->kept_bytes += (size_t)r->known.size;
}

/* A newer brickfs may know more forms. */
static int
read_known(struct json_object *p, int64_t *mtime_ms, struct ws_known *out)
{
	struct ws_known known = { 0 };
	int64_t form = 0, size = 0;

	(void)jval_i64(p, "mtime_ms", mtime_ms);
	(void)jval_i64(p, "form", &form);
	(void)jval_bool(p, "kept", &known.kept);
	known.has_size = jval_i64(p, "size", &size) == 0;
	if (form < 0 || form >= WS_FORMS || size < 0 ||
	    (known.kept && !known.has_size))
		return -EBADMSG;
	known.form = (unsigned)form;
	known.size = (uint64_t)size;
	*out = known;
	return 0;
}

static int
read_row(void *ctx, uint16_t type, uint64_t subject, struct json_object *p)
{
	struct ws_memory *m = ctx;
	struct ws_known known;
	int64_t mtime_ms = 0;
	struct row *r;

	if (type != JOURNAL_OBJECT || read_known(p, &mtime_ms, &known) < 0 ||
	    !is_known(subject, mtime_ms))
		return 0;
	lock_take(&m->lock);
	r = make_locked(m, subject);
	if (r != NULL)
		set_row_locked(m, r, mtime_ms, &known);
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

/* --- texts ------------------------------------------------------------------------- */

static char *
text_path(const struct ws_memory *m, uint64_t object_id)
{
	return text_printf("%s/%" PRIu64, m->texts, object_id);
}

static void
remove_text(const struct ws_memory *m, uint64_t object_id)
{
	char *path = text_path(m, object_id);

	if (path != NULL)
		(void)unlink(path);
	free(path);
}

/* The text is none of the object's any more, nor is its size. */
static void
drop_text_locked(struct ws_memory *m, struct row *r) REQUIRES(m->lock)
{
	struct ws_known known = { .form = r->known.form };

	if (!r->known.kept)
		return;
	set_row_locked(m, r, r->mtime_ms, &known);
	remove_text(m, r->object_id);
}

static void
forget_locked(struct ws_memory *m, struct row *r) REQUIRES(m->lock)
{
	drop_text_locked(m, r);
	HASH_DEL(m->rows, r);
	if (m->journal != NULL)
		journal_end(m->journal, r->object_id);
	free(r);
}

/* Forgets what was used least recently, but for the last one, until the rest fits. */
static void
trim_locked(struct ws_memory *m) REQUIRES(m->lock)
{
	struct row *r, *next;

	while (HASH_COUNT(m->rows) > WS_MEMORY_ROWS)
		forget_locked(m, m->rows);
	if (m->kept_bytes <= WS_MEMORY_TEXT_BYTES)
		return;
	HASH_ITER(hh, m->rows, r, next) {
		if (next == NULL || m->kept_bytes <= WS_MEMORY_TEXT_BYTES)
			break;
		if (!r->known.kept)
			continue;
		drop_text_locked(m, r);
		write_row_locked(m, r);
	}
}

/* What a crash left between a text and its record. */
static void
sweep(struct ws_memory *m)
{
	DIR *dir = opendir(m->texts);
	struct dirent *d;

	if (dir == NULL)
		return;
	lock_take(&m->lock);
	while ((d = readdir(dir)) != NULL) {
		char *end, *path = text_printf("%s/%s", m->texts, d->d_name);
		uint64_t id = strtoull(d->d_name, &end, 10);
		struct row *r = *end == '\0' ? find_locked(m, id) : NULL;

		if (path != NULL && (r == NULL || !r->known.kept))
			(void)unlink(path); /* "." and "..": it refuses */
		free(path);
	}
	lock_drop(&m->lock);
	(void)closedir(dir);
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
	if (ret < 0)
		return ret;
	sweep(m);
	lock_take(&m->lock);
	trim_locked(m);
	lock_drop(&m->lock);
	return 0;
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

/* --- what is known ----------------------------------------------------------------- */

struct ws_known
ws_memory_get(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms)
{
	struct ws_known known = { 0 };
	struct row *r;

	lock_take(&m->lock);
	r = find_version_locked(m, object_id, mtime_ms);
	if (r != NULL) {
		use_locked(m, r);
		known = r->known;
	}
	lock_drop(&m->lock);
	return known;
}

void
ws_memory_set(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms,
    const struct ws_known *known)
{
	struct ws_known now = *known;
	struct row *r;

	if (!is_known(object_id, mtime_ms)) {
		ws_memory_forget(m, object_id);
		return;
	}
	lock_take(&m->lock);
	r = make_locked(m, object_id);
	if (r != NULL) {
		now.kept = r->known.kept && known->kept &&
		    r->mtime_ms == mtime_ms;
		if (now.kept)
			now = (struct ws_known){ .form = known->form,
				.has_size = true, .size = r->known.size,
				.kept = true }; /* of the text */
		else
			drop_text_locked(m, r);
		set_row_locked(m, r, mtime_ms, &now);
		write_row_locked(m, r);
		trim_locked(m);
	}
	lock_drop(&m->lock);
}

/* Its text on disk, or a reason why not. */
static int
write_text(const struct ws_memory *m, uint64_t object_id, const void *text,
    size_t len)
{
	char *path;
	int ret;

	if (m->texts == NULL)
		return -EROFS;
	path = text_path(m, object_id);
	if (path == NULL)
		return -ENOMEM;
	ret = io_write_file(path, text, len, 0600);
	if (ret < 0)
		(void)unlink(path); /* or it is an older one */
	free(path);
	return ret;
}

void
ws_memory_keep(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms,
    const struct ws_known *known, const void *text, size_t len)
{
	struct ws_known now = { .form = known->form };
	struct row *r;
	int ret = -ENOMEM;

	if (!is_known(object_id, mtime_ms)) {
		ws_memory_forget(m, object_id);
		return;
	}
	lock_take(&m->lock);
	r = make_locked(m, object_id);
	if (r != NULL) {
		ret = write_text(m, object_id, text, len);
		if (ret == 0)
			now = (struct ws_known){ .form = known->form,
				.has_size = true, .size = len, .kept = true };
		set_row_locked(m, r, mtime_ms, &now);
		write_row_locked(m, r);
		trim_locked(m);
	}
	lock_drop(&m->lock);
	if (ret < 0)
		log_warn("workspace", "the text of object %" PRIu64 " cannot be"
		    " kept (%s): it is shown as the service gives it back",
		    object_id, strerror(-ret));
}

/* All of it, or nothing. */
static int
read_text(const struct ws_memory *m, const struct row *r, struct buf *out)
{
	char *path = text_path(m, r->object_id);
	struct buf text;
	int ret;

	if (path == NULL)
		return -ENOMEM;
	buf_init(&text, (size_t)r->known.size);
	ret = io_read_file(path, &text);
	if (ret == 0 && text.len != r->known.size)
		ret = -EBADMSG;
	if (ret == 0)
		ret = buf_append(out, buf_text(&text), text.len);
	buf_release(&text);
	free(path);
	return ret;
}

int
ws_memory_text(struct ws_memory *m, uint64_t object_id, int64_t mtime_ms,
    struct buf *out)
{
	int ret = -ENOENT;
	struct row *r;

	lock_take(&m->lock);
	r = find_version_locked(m, object_id, mtime_ms);
	if (r != NULL && r->known.kept) {
		use_locked(m, r);
		ret = read_text(m, r, out);
		if (ret < 0 && ret != -ENOMEM) {
			log_warn("workspace", "the text that was kept of object"
			    " %" PRIu64 " cannot be read: %s", object_id,
			    strerror(-ret));
			drop_text_locked(m, r);
			write_row_locked(m, r);
			ret = -ENOENT;
		}
	}
	lock_drop(&m->lock);
	return ret;
}

void
ws_memory_forget(struct ws_memory *m, uint64_t object_id)
{
	struct row *r;

	lock_take(&m->lock);
	r = find_locked(m, object_id);
	if (r != NULL)
		forget_locked(m, r);
	lock_drop(&m->lock);
}
