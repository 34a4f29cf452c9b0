/* cache/journal.c - a file of records that outlives the program.
 *
 * The open records are kept in memory too, so that the file can be rewritten
 * without the closed ones when it has grown to twice what it needs. */
#include "config.h"

#include "cache/journal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/jval.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "cache/entry.h"

#include "base/banned.h"

#define FORMAT	      1
#define FILE_BYTES    16
#define HEAD_BYTES    24
#define PAYLOAD_MAX   ((size_t)1 << 20)
#define FILE_MAX      ((size_t)256 << 20)
#define REWRITE_BYTES ((uint64_t)256 << 10) /* smaller files are left alone */

static const char magic[8] = "brickfsJ";

struct record {
	uint64_t subject;
	uint16_t type;
	bool durable; /* on disk, in this version or an older one */
	char *text;   /* the payload, NUL-terminated */
	size_t len;
	UT_hash_handle hh; /* by subject; in the order they were opened */
};

struct journal {
	char *path;    /* set once */
	bool damaged;  /* likewise */
	journal_left_fn *on_left; /* likewise; may be NULL */
	void *left_ctx;
	struct lock lock;
	int fd;	       /* guarded by lock, as all below; -1 after a failure */
	uint64_t size; /* bytes in the file */
	uint64_t live; /* bytes that the open records need */
	uint64_t last; /* subject handed out last */
	struct record *open;
	bool unsettled; /* content that was promised has ended, not yet on disk */
};

/* --- bytes ------------------------------------------------------------ */

static void
put_head(unsigned char head[HEAD_BYTES], uint16_t type, uint64_t subject,
    const char *text, size_t len)
{
	uint32_t len_le = htole32((uint32_t)len);
	uint16_t type_le = htole16(type);
	uint64_t subject_le = htole64(subject), sum;

	memset(head, 0, HEAD_BYTES);
	memcpy(head, &len_le, 4);
	memcpy(head + 4, &type_le, 2);
	memcpy(head + 8, &subject_le, 8);
	sum = htole64(digest_xxh64(text, len, digest_xxh64(head, 16, 0)));
	memcpy(head + 16, &sum, 8);
}

/* Length of the record at p, or 0 when there is no whole one. */
static size_t
get_record(const char *p, size_t left, uint16_t *type, uint64_t *subject,
    size_t *len)
{
	uint32_t len_le;
	uint16_t type_le;
	uint64_t subject_le, sum_le;

	if (left < HEAD_BYTES)
		return 0;
	memcpy(&len_le, p, 4);
	memcpy(&type_le, p + 4, 2);
	memcpy(&subject_le, p + 8, 8);
	memcpy(&sum_le, p + 16, 8);
	*len = le32toh(len_le);
	*type = le16toh(type_le);
	*subject = le64toh(subject_le);
	if (*len > PAYLOAD_MAX || *len > left - HEAD_BYTES)
		return 0;
	if (le64toh(sum_le) !=
	    digest_xxh64(p + HEAD_BYTES, *len, digest_xxh64(p, 16, 0)))
		return 0;
	return HEAD_BYTES + *len;
}

/* --- open records ------------------------------------------------------ */

static void
record_free(struct record *r)
{
	if (r != NULL)
		free(r->text);
	free(r);
}

static void
forget(struct journal *j, uint64_t subject)
{
	struct record *r;

	HASH_FIND(hh, j->open, &subject, sizeof(subject), r);
	if (r == NULL)
		return;
	HASH_DEL(j->open, r);
	j->live -= HEAD_BYTES + r->len;
	if (r->type == JOURNAL_STAGED && r->durable)
		j->unsettled = true;
	record_free(r);
}

/* The newest record of a subject takes the place of the one before. */
static int
remember(struct journal *j, uint16_t type, uint64_t subject, const char *text,
    size_t len, bool durable)
{
	struct record *r;
	char *copy;

	if (subject > j->last)
		j->last = subject;
	if (type == JOURNAL_END) {
		forget(j, subject);
		return 0;
	}
	copy = malloc(len + 1);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	HASH_FIND(hh, j->open, &subject, sizeof(subject), r);
	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r == NULL) {
			free(copy);
			return -ENOMEM;
		}
		r->subject = subject;
		HASH_ADD(hh, j->open, subject, sizeof(r->subject), r);
		j->live += HEAD_BYTES;
	}
	free(r->text);
	j->live = j->live - r->len + len;
	r->type = type;
	r->durable = r->durable || durable;
	r->text = copy;
	r->len = len;
	return 0;
}

/* --- the file ---------------------------------------------------------- */

static int
build_file(struct journal *j, struct buf *out)
{
	unsigned char head[HEAD_BYTES];
	uint32_t format = htole32(FORMAT), zero = 0;
	int ret;

	ret = buf_append(out, magic, sizeof(magic));
	if (ret == 0)
		ret = buf_append(out, &format, sizeof(format));
	if (ret == 0)
		ret = buf_append(out, &zero, sizeof(zero));
	/* A record may name a subject that has ended: no other must get its number.
	 * First, since the last one may be open. */
	if (ret == 0 && j->last != 0) {
		put_head(head, JOURNAL_END, j->last, "", 0);
		ret = buf_append(out, head, sizeof(head));
	}
	for (struct record *r = j->open; ret == 0 && r != NULL;
	     r = r->hh.next) {
		put_head(head, r->type, r->subject, r->text, r->len);
		ret = buf_append(out, head, sizeof(head));
		if (ret == 0)
			ret = buf_append(out, r->text, r->len);
	}
	return ret;
}

/* When it fails, nothing is appended until it succeeds: the old file may end in
 * half a record, behind which nothing would be found, or have lost its name. */
static int
rewrite_locked(struct journal *j) REQUIRES(j->lock)
{
	struct buf all;
	int ret;

	buf_init(&all, FILE_MAX);
	if (j->fd >= 0)
		(void)close(j->fd);
	j->fd = -1;
	ret = build_file(j, &all);
	if (ret == 0)
		ret = io_write_file(j->path, buf_text(&all), all.len, 0600);
	if (ret < 0)
		goto out;
	j->fd = open(j->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (j->fd < 0)
		ret = -errno;
	j->size = all.len;
	j->unsettled = false;
out:
	buf_release(&all);
	return ret;
}

static int
load(struct journal *j)
{
	struct buf all;
	size_t at = FILE_BYTES;
	uint32_t format;
	int ret;

	buf_init(&all, FILE_MAX);
	ret = io_read_file(j->path, &all);
	if (ret == -ENOENT)
		ret = 0;
	if (ret < 0 || all.len < FILE_BYTES)
		goto out; /* a file cut in its first bytes never held a record */
	if (memcmp(all.data, magic, sizeof(magic)) != 0) {
		log_error("journal", "%s is not a journal of brickfs", j->path);
		ret = -EPROTONOSUPPORT;
		goto out;
	}
	memcpy(&format, all.data + sizeof(magic), sizeof(format));
	if (le32toh(format) != FORMAT) {
		log_error("journal", "%s was written by a newer brickfs",
		    j->path);
		ret = -EPROTONOSUPPORT;
		goto out;
	}
	while (ret == 0) {
		uint16_t type = 0;
		uint64_t subject = 0;
		size_t len = 0, whole;

		whole = get_record(all.data + at, all.len - at, &type,
		    &subject, &len);
		if (whole == 0)
			break;
		ret = remember(j, type, subject, all.data + at + HEAD_BYTES,
		    len, true);
		at += whole;
	}
	j->damaged = at < all.len;
	if (ret == 0 && at < all.len)
		log_warn("journal", "%s: the last %zu bytes were being written"
		    " when brickfs ended; they are dropped", j->path,
		    all.len - at);
out:
	buf_release(&all);
	return ret;
}

static int
tell(struct journal *j, journal_fn *each, void *ctx)
{
	int ret = 0;

	for (struct record *r = j->open; ret == 0 && r != NULL;
	     r = r->hh.next) {
		struct json_object *payload = NULL;

		if (jval_parse(r->text, r->len, &payload) < 0) {
			j->damaged = true;
			log_error("journal", "%s: record %llu cannot be read",
			    j->path, (unsigned long long)r->subject);
		} else {
			ret = each(ctx, r->type, r->subject, payload);
		}
		json_object_put(payload);
	}
	return ret;
}

bool
journal_was_whole(const struct journal *j)
{
	return !j->damaged;
}

int
journal_open(const char *path, journal_fn *each, void *ctx,
    struct journal **out)
{
	struct journal *j;
	int ret;

	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return -ENOMEM;
	j->fd = -1;
	lock_init(&j->lock, "journal");
	j->path = text_dup(path);
	ret = j->path != NULL ? load(j) : -ENOMEM;
	if (ret == 0 && each != NULL)
		ret = tell(j, each, ctx);
	if (ret == 0) {
		lock_take(&j->lock);
		ret = rewrite_locked(j);
		lock_drop(&j->lock);
	}
	if (ret < 0) {
		journal_close(j);
		return ret;
	}
	*out = j;
	return 0;
}

void
journal_close(struct journal *j)
{
	struct record *r, *next;

	if (j == NULL)
		return;
	if (j->fd >= 0)
		(void)close(j->fd);
	HASH_ITER(hh, j->open, r, next) {
		HASH_DEL(j->open, r);
		record_free(r);
	}
	lock_release(&j->lock);
	free(j->path);
	free(j);
}

uint64_t
journal_subject(struct journal *j)
{
	uint64_t subject;

	lock_take(&j->lock);
	subject = ++j->last;
	lock_drop(&j->lock);
	return subject;
}

/* After a failed write the file may end in half a record, and after a failed
 * fsync nobody knows what is on disk: only a new file helps. */
static int
append_locked(struct journal *j, uint16_t type, uint64_t subject,
    const char *text, size_t len, bool durable) REQUIRES(j->lock)
{
	struct buf whole;
	unsigned char head[HEAD_BYTES];
	int ret;

	buf_init(&whole, PAYLOAD_MAX + HEAD_BYTES);
	put_head(head, type, subject, text, len);
	ret = buf_append(&whole, head, sizeof(head));
	if (ret == 0)
		ret = buf_append(&whole, text, len);
	if (ret == 0 && j->fd < 0)
		ret = -EIO;
	if (ret == 0)
		ret = io_write(j->fd, whole.data, whole.len);
	if (ret == 0 && durable && fdatasync(j->fd) < 0)
		ret = -errno;
	if (ret == 0) {
		j->size += whole.len;
		j->unsettled = j->unsettled && !durable;
		if (j->size > REWRITE_BYTES &&
		    j->size > 2 * (j->live + FILE_BYTES))
			ret = rewrite_locked(j);
	} else {
		ret = rewrite_locked(j);
	}
	buf_release(&whole);
	return ret;
}

int
journal_write(struct journal *j, uint16_t type, uint64_t subject,
    struct json_object *payload, bool durable)
{
	const char *text;
	size_t len;
	int ret;

	text = jval_text(payload, &len);
	if (text == NULL)
		return -ENOMEM;
	if (len > PAYLOAD_MAX)
		return -EFBIG;
	lock_take(&j->lock);
	ret = remember(j, type, subject, text, len, durable);
	if (ret == 0)
		ret = append_locked(j, type, subject, text, len, durable);
	lock_drop(&j->lock);
	if (ret < 0)
		log_error("journal", "%s: %s", j->path, strerror(-ret));
	return ret;
}

static int
sync_locked(struct journal *j) REQUIRES(j->lock)
{
	if (j->fd < 0 || fdatasync(j->fd) < 0)
		return rewrite_locked(j);
	j->unsettled = false;
	return 0;
}

static int
sync_file(struct journal *j, bool always)
{
	int ret = 0;

	lock_take(&j->lock);
	if (always || j->unsettled)
		ret = sync_locked(j);
	lock_drop(&j->lock);
	if (ret < 0)
		log_error("journal", "%s: %s", j->path, strerror(-ret));
	return ret;
}

int
journal_sync(struct journal *j)
{
	return sync_file(j, true);
}

int
journal_settle(struct journal *j)
{
	return sync_file(j, false);
}

int
journal_note_delete(struct journal *j, uint64_t subject, const char *tree,
    const char *path)
{
	struct json_object *p = json_object_new_object();
	int ret;

	ret = jval_add_str(p, "tree", tree);
	if (ret == 0)
		ret = jval_add_str(p, "path", path);
	if (ret == 0)
		ret = jval_add_i64(p, "ms", clock_real_ms());
	if (ret == 0)
		ret = journal_write(j, JOURNAL_DELETE, subject, p, true);
	json_object_put(p);
	return ret;
}

int
journal_add_old(struct json_object *payload, const struct version *old)
{
	struct json_object *o = json_object_new_object();
	int ret;

	ret = jval_add_i64(o, "mtime_ms", old->mtime_ms);
	if (ret == 0)
		ret = jval_add_i64(o, "size", (int64_t)old->size);
	if (ret == 0 && old->gen != 0)
		ret = jval_add_bool(o, "own", true);
	if (ret < 0) {
		json_object_put(o);
		return ret;
	}
	return jval_add(payload, "old", o);
}

int
journal_old(struct json_object *payload, struct version *out)
{
	struct json_object *old;
	int64_t size = 0;
	bool own = false;
	int ret;

	ret = jval_object(payload, "old", &old);
	if (ret < 0)
		return ret;
	*out = (struct version){ 0 };
	(void)jval_i64(old, "mtime_ms", &out->mtime_ms);
	(void)jval_i64(old, "size", &size);
	(void)jval_bool(old, "own", &own);
	out->size = (uint64_t)size;
	out->gen = own ? UINT64_MAX : 0;
	return 0;
}

int
journal_get(struct journal *j, uint64_t subject, uint16_t *type,
    struct json_object **payload)
{
	struct record *r;
	int ret = -ENOENT;

	lock_take(&j->lock);
	HASH_FIND(hh, j->open, &subject, sizeof(subject), r);
	if (r != NULL) {
		*type = r->type;
		ret = jval_parse(r->text, r->len, payload);
	}
	lock_drop(&j->lock);
	return ret;
}

/* --- moved directories ---------------------------------------------------- */

/* Gives the member that is the path from, or below it, its new path.  1: did. */
static int
move_member(struct json_object *p, const char *key, const char *from,
    const char *to)
{
	size_t len = strlen(from);
	const char *was;
	char *now;
	int ret;

	if (jval_str(p, key, &was) < 0 || !text_starts(was, from) ||
	    (was[len] != '/' && was[len] != '\0'))
		return 0;
	now = text_printf("%s%s", to, was + len);
	ret = now != NULL ? jval_add_str(p, key, now) : -ENOMEM;
	free(now);
	return ret < 0 ? ret : 1;
}

/* The members that are paths. */
static int
move_payload(struct json_object *p, const char *from, const char *to)
{
	struct json_object *drop;
	static const char *const keys[] = { "dir", "path", "source", "target",
		"aside", "from", "to" };
	int moved = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		int ret = move_member(p, keys[i], from, to);

		if (ret < 0)
			return ret;
		moved |= ret;
	}
	if (jval_object(p, "drop", &drop) == 0) {
		int ret = move_member(drop, "path", from, to);

		if (ret < 0)
			return ret;
		moved |= ret;
	}
	return moved;
}

static int
move_record_locked(struct journal *j, struct record *r, const char *tree,
    const char *from, const char *to) REQUIRES(j->lock)
{
	struct json_object *p = NULL;
	const char *text, *of;
	size_t len;
	int ret = 0;

	if (jval_parse(r->text, r->len, &p) == 0 &&
	    jval_str(p, "tree", &of) == 0 && strcmp(of, tree) == 0)
		ret = move_payload(p, from, to);
	if (ret > 0) {
		text = jval_text(p, &len);
		ret = text != NULL ? remember(j, r->type, r->subject, text,
		    len, false) : -ENOMEM;
		if (ret == 0)
			ret = append_locked(j, r->type, r->subject, text, len,
			    false);
		if (ret == 0)
			ret = 1;
	}
	json_object_put(p);
	return ret;
}

int
journal_move(struct journal *j, const char *tree, const char *from,
    const char *to)
{
	bool moved = false;
	int ret = 0;

	lock_take(&j->lock);
	for (struct record *r = j->open; r != NULL && ret >= 0; r = r->hh.next) {
		ret = move_record_locked(j, r, tree, from, to);
		moved = moved || ret > 0;
	}
	if (ret >= 0 && moved)
		ret = sync_locked(j);
	lock_drop(&j->lock);
	if (ret < 0)
		log_error("journal", "%s: %s", j->path, strerror(-ret));
	return ret < 0 ? ret : 0;
}

/* --- records that are left ------------------------------------------------- */

void
journal_on_left(struct journal *j, journal_left_fn *fn, void *ctx)
{
	j->on_left = fn;
	j->left_ctx = ctx;
}

void
journal_leave(struct journal *j, uint64_t subject)
{
	if (j->on_left != NULL)
		j->on_left(j->left_ctx, subject);
}

void
journal_end(struct journal *j, uint64_t subject)
{
	int ret;

	lock_take(&j->lock);
	forget(j, subject);
	ret = append_locked(j, JOURNAL_END, subject, "", 0, false);
	lock_drop(&j->lock);
	if (ret < 0)
		log_warn("journal", "%s: %s", j->path, strerror(-ret));
}
