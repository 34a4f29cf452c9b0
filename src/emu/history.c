/* emu/history.c - the log of versions, its index in memory, its replay. */
#include "config.h"

#include "emu/history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"

#include "emu/dbpath.h"
#include "emu/history_impl.h"

#include "base/banned.h"

struct path {
	struct version *first, *last;
	UT_hash_handle hh;
	char name[];
};

struct known {
	uint64_t ino;
	uint64_t size;
	int64_t mtime_ns;
	char sha256[DIGEST_SHA256_HEX];
	const char *note; /* of the version that had it last; NULL: none */
	UT_hash_handle hh;
};

struct pending {
	struct version *version;
	char *path;
};

struct history {
	int fd;
	uint64_t seq; /* of the newest version */
	uint64_t end; /* bytes of the log that count */
	struct path *paths;
	struct known *known;
	struct pending *batch;
	size_t batch_len, batch_cap;
	struct buf lines; /* of the batch */
};

void
history_learn(
    struct history *h, const struct history_stamp *stamp, const char *sha256)
{
	struct known *k;

	HASH_FIND(hh, h->known, &stamp->ino, sizeof(stamp->ino), k);
	if (k == NULL) {
		k = calloc(1, sizeof(*k));
		if (k == NULL)
			return; /* it is computed again when wanted */
		k->ino = stamp->ino;
		HASH_ADD(hh, h->known, ino, sizeof(k->ino), k);
	}
	k->size = stamp->size;
	k->mtime_ns = stamp->mtime_ns;
	k->note = NULL;
	text_copy(k->sha256, sizeof(k->sha256), sha256);
}

/* The file with this stamp, wherever it lies; NULL. */
static struct known *
find_known(struct history *h, const struct history_stamp *stamp)
{
	struct known *k;

	HASH_FIND(hh, h->known, &stamp->ino, sizeof(stamp->ino), k);
	return k != NULL && k->size == stamp->size &&
		       k->mtime_ns == stamp->mtime_ns
		   ? k
		   : NULL;
}

static void
forget_hash(struct history *h, uint64_t ino)
{
	struct known *k;

	HASH_FIND(hh, h->known, &ino, sizeof(ino), k);
	if (k == NULL)
		return;
	HASH_DEL(h->known, k);
	free(k);
}

bool
history_hash(struct history *h, const struct history_stamp *stamp,
    char sha256[DIGEST_SHA256_HEX])
{
	struct known *k = find_known(h, stamp);

	if (k == NULL)
		return false;
	text_copy(sha256, DIGEST_SHA256_HEX, k->sha256);
	return true;
}

static void
version_free(struct version *v)
{
	if (v == NULL)
		return;
	free(v->note);
	free(v);
}

static void
learn_version(struct history *h, const struct version *v)
{
	struct known *k;

	history_learn(h, &v->stamp, v->sha256);
	k = find_known(h, &v->stamp);
	if (k != NULL)
		k->note = v->note;
}

/* Takes over v; false when out of memory. */
static bool
index_version(struct history *h, const char *name, struct version *v)
{
	size_t len = strlen(name);
	struct path *p;

	HASH_FIND(hh, h->paths, name, len, p);
	if (p == NULL) {
		p = calloc(1, sizeof(*p) + len + 1);
		if (p == NULL) {
			version_free(v);
			return false;
		}
		memcpy(p->name, name, len + 1);
		HASH_ADD_KEYPTR(hh, h->paths, p->name, len, p);
	}
	if (p->last != NULL)
		p->last->next = v;
	else
		p->first = v;
	p->last = v;
	if (v->seq > h->seq)
		h->seq = v->seq;
	if (v->op == HISTORY_DELETE || v->op == HISTORY_LOST)
		forget_hash(h, v->stamp.ino);
	else if (v->sha256[0] != '\0')
		learn_version(h, v);
	return true;
}

/* 1 to go on, 0 at the end of what counts, or -errno. */
static int
replay_line(struct history *h, char *line, ssize_t len)
{
	struct version *v;
	char *path;

	if (line[len - 1] != '\n')
		return 0; /* cut short by a kill; never became visible */
	line[len - 1] = '\0';
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	if (!history_parse_line(line, v, &path)) {
		log_warn("history", "a broken line is skipped");
		version_free(v);
	} else if (!index_version(h, path, v)) {
		return -ENOMEM;
	}
	h->end += (uint64_t)len;
	return 1;
}

static int
replay(struct history *h)
{
	size_t cap = 0;
	char *line = NULL;
	FILE *file;
	ssize_t len;
	int fd, ret = 1;

	fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
	file = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (file == NULL)
		return -errno;
	while (ret == 1 && (len = getline(&line, &cap, file)) > 0)
		ret = replay_line(h, line, len);
	free(line);
	(void)fclose(file);
	if (ret < 0)
		return ret;
	return ftruncate(h->fd, (off_t)h->end) < 0 ? -errno : 0;
}

int
history_open(int state_fd, const char *tree, struct history **out)
{
	struct history *h;
	char name[64];
	int ret;

	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return -ENOMEM;
	buf_init(&h->lines, SIZE_MAX / 4);
	(void)snprintf(name, sizeof(name), "history-%s", tree);
	h->fd = openat(state_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ret = h->fd < 0 ? -errno : replay(h);
	if (ret < 0) {
		history_close(h);
		return ret;
	}
	*out = h;
	return 0;
}

void
history_close(struct history *h)
{
	struct path *p, *next_path;
	struct known *k, *next_known;

	if (h == NULL)
		return;
	history_abandon(h);
	HASH_ITER(hh, h->paths, p, next_path)
	{
		HASH_DEL(h->paths, p);
		while (p->first != NULL) {
			struct version *v = p->first;

			p->first = v->next;
			version_free(v);
		}
		free(p);
	}
	HASH_ITER(hh, h->known, k, next_known)
	{
		HASH_DEL(h->known, k);
		free(k);
	}
	buf_release(&h->lines);
	free(h->batch);
	if (h->fd >= 0)
		(void)close(h->fd);
	free(h);
}

static int
batch_add(struct history *h, struct version *v, const char *path)
{
	char *copy;

	if (h->batch_len == h->batch_cap) {
		size_t cap = h->batch_cap > 0 ? 2 * h->batch_cap : 16;
		struct pending *more;

		more = realloc(h->batch, cap * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		h->batch = more;
		h->batch_cap = cap;
	}
	copy = text_dup(path);
	if (copy == NULL)
		return -ENOMEM;
	h->batch[h->batch_len++] = (struct pending){ v, copy };
	return 0;
}

int
history_note(struct history *h, const struct history_change *c)
{
	struct version *v;
	int ret;

	v = calloc(1, sizeof(*v));
	if (v == NULL) {
		history_abandon(h);
		return -ENOMEM;
	}
	v->seq = h->seq + h->batch_len + 1;
	v->time_ms = c->time_ms;
	v->op = c->op;
	v->is_dir = c->is_dir;
	v->stamp = c->stamp;
	if (c->sha256 != NULL)
		text_copy(v->sha256, sizeof(v->sha256), c->sha256);
	if (c->request != NULL)
		text_copy(v->request, sizeof(v->request), c->request);
	v->note = text_dup(c->note);
	ret = c->note != NULL && v->note == NULL
		  ? -ENOMEM
		  : history_put_line(&h->lines, v, c->path);
	if (ret == 0)
		ret = batch_add(h, v, c->path);
	if (ret < 0) {
		version_free(v);
		history_abandon(h);
	}
	return ret;
}

static void
batch_clear(struct history *h)
{
	for (size_t i = 0; i < h->batch_len; i++)
		free(h->batch[i].path);
	h->batch_len = 0;
	buf_clear(&h->lines);
	if (h->lines.cap > (size_t)1 << 20)
		buf_release(&h->lines);
}

void
history_abandon(struct history *h)
{
	for (size_t i = 0; i < h->batch_len; i++)
		version_free(h->batch[i].version);
	batch_clear(h);
}

int
history_commit(struct history *h)
{
	bool whole = true;
	int ret;

	ret = io_pwrite(h->fd, h->lines.data, h->lines.len, h->end);
	if (ret < 0) {
		if (ftruncate(h->fd, (off_t)h->end) < 0)
			log_warn("history", "a broken line stays");
		history_abandon(h);
		return ret;
	}
	h->end += h->lines.len;
	for (size_t i = 0; i < h->batch_len; i++)
		if (!index_version(h, h->batch[i].path, h->batch[i].version))
			whole = false;
	batch_clear(h);
	return whole ? 0 : -ENOMEM;
}

static bool
is_same(const struct history_stamp *a, const struct history_stamp *b)
{
	return a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns;
}

bool
history_current(struct history *h, const char *path, bool is_dir,
    const struct history_stamp *stamp)
{
	struct path *p;

	HASH_FIND(hh, h->paths, path, strlen(path), p);
	if (stamp == NULL)
		return p == NULL || history_op_gone(p->last->op);
	if (p == NULL || history_op_gone(p->last->op) || p->last->is_dir != is_dir)
		return false;
	return is_dir || is_same(&p->last->stamp, stamp);
}

/* The newest version of p that was on disk as this.  A directory's time changes
 * with its content, and it has no size. */
static const struct version *
find_stamp(const struct path *p, bool is_dir, const struct history_stamp *stamp)
{
	const struct version *found = NULL;

	for (const struct version *v = p->first; v != NULL; v = v->next)
		if (v->is_dir == is_dir && v->stamp.ino == stamp->ino &&
		    (is_dir || is_same(&v->stamp, stamp)))
			found = v;
	return found;
}

/* Of a file that a person moved. */
static const char *
note_elsewhere(struct history *h, bool is_dir, const struct history_stamp *stamp)
{
	struct known *k = is_dir ? NULL : find_known(h, stamp);

	return k != NULL ? k->note : NULL;
}

const char *
history_note_of(struct history *h, const char *path, bool is_dir,
    const struct history_stamp *stamp)
{
	const struct version *found;
	struct path *p;

	/* What was noted of it just now, and not written yet. */
	if (h->batch_len > 0 &&
	    strcmp(h->batch[h->batch_len - 1].path, path) == 0)
		return h->batch[h->batch_len - 1].version->note;
	HASH_FIND(hh, h->paths, path, strlen(path), p);
	if (p == NULL)
		return note_elsewhere(h, is_dir, stamp);
	if (history_current(h, path, is_dir, stamp))
		return p->last->note;
	found = find_stamp(p, is_dir, stamp);
	if (found == NULL && !history_op_gone(p->last->op) &&
	    p->last->is_dir == is_dir)
		found = p->last;
	return found != NULL ? found->note : note_elsewhere(h, is_dir, stamp);
}

static bool
is_child(const char *path, const char *dir)
{
	size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/' &&
	       path[len + 1] != '\0' && strchr(path + len + 1, '/') == NULL;
}

int
history_past(struct history *h, const char *dir, int64_t time_ms,
    history_past_fn *each, void *ctx)
{
	int ret = 0;

	for (struct path *p = h->paths; ret == 0 && p != NULL; p = p->hh.next) {
		const struct version *then = NULL;

		if (!is_child(p->name, dir))
			continue;
		for (const struct version *v = p->first;
		     v != NULL && v->time_ms <= time_ms; v = v->next)
			then = v;
		if (then == NULL || history_op_gone(then->op))
			continue;
		ret = each(ctx, p->name,
		    &(const struct history_past){ then->is_dir, then == p->last,
			then->stamp, then->time_ms, then->note });
	}
	return ret;
}

static int
print_version(struct buf *out, const struct version *v)
{
	int ret;

	ret = buf_printf(out,
	    "{\"seq\":%" PRIu64 ",\"op\":\"%s\",\"is_dir\":%s,\"size\":%" PRIu64
	    ",\"sha256\":",
	    v->seq, history_op_name(v->op), v->is_dir ? "true" : "false",
	    v->stamp.size);
	if (ret == 0)
		ret = v->sha256[0] != '\0'
			  ? buf_printf(out, "\"%s\"", v->sha256)
			  : buf_puts(out, "null");
	if (ret == 0)
		ret = buf_puts(out, ",\"request_id\":");
	if (ret == 0)
		ret = v->request[0] != '\0' ? jval_quote(out, v->request)
					    : buf_puts(out, "null");
	if (ret == 0)
		ret = buf_printf(out, ",\"time\":%" PRId64, v->time_ms);
	if (ret == 0 && v->note != NULL)
		ret = buf_printf(out, ",\"note\":%s", v->note);
	return ret < 0 ? ret : buf_puts(out, "}");
}

int
history_print(struct history *h, const char *path, struct buf *out)
{
	struct path *p;
	int ret;

	HASH_FIND(hh, h->paths, path, strlen(path), p);
	ret = buf_puts(out, "[");
	for (struct version *v = p != NULL ? p->first : NULL;
	     ret == 0 && v != NULL; v = v->next) {
		if (v != p->first)
			ret = buf_puts(out, ",");
		if (ret == 0)
			ret = print_version(out, v);
	}
	return ret < 0 ? ret : buf_puts(out, "]");
}

int
history_print_paths(struct history *h, const char *path, struct buf *out)
{
	bool any = false;
	int ret;

	ret = buf_puts(out, "[");
	for (struct path *p = h->paths; ret == 0 && p != NULL; p = p->hh.next) {
		if (!dbpath_within(p->name, path))
			continue;
		if (any)
			ret = buf_puts(out, ",");
		any = true;
		if (ret == 0)
			ret = jval_quote(out, p->name);
	}
	return ret < 0 ? ret : buf_puts(out, "]");
}

static int
print_unknown(struct buf *out, const char *path, const struct version *v)
{
	int ret;

	ret = buf_puts(out, "{\"path\":");
	if (ret == 0)
		ret = jval_quote(out, path);
	if (ret == 0)
		ret = buf_puts(out, ",\"version\":");
	if (ret == 0)
		ret = print_version(out, v);
	return ret < 0 ? ret : buf_puts(out, "}");
}

int
history_print_unknown(struct history *h, history_known_fn *known, void *ctx,
    size_t max, struct buf *out)
{
	size_t count = 0;
	int ret;

	ret = buf_puts(out, "[");
	for (struct path *p = h->paths; ret == 0 && p != NULL; p = p->hh.next) {
		for (struct version *v = p->first; ret == 0 && v != NULL;
		     v = v->next) {
			if ((v->op != HISTORY_PUT && v->op != HISTORY_CLOSE &&
				v->op != HISTORY_IMPORT &&
				v->op != HISTORY_PART) ||
			    known(ctx, v->sha256) || count == max)
				continue;
			if (count++ > 0)
				ret = buf_puts(out, ",");
			if (ret == 0)
				ret = print_unknown(out, p->name, v);
		}
	}
	return ret < 0 ? ret : buf_puts(out, "]");
}
