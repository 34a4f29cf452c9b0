/* cache/undo.c - what a file held at a moment at which it was promised. */
#include "config.h"

#include "cache/undo.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#include "base/digest.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/ranges.h"

#include "base/banned.h"

#define DATA  ".data"
#define UNDO  ".undo"
#define WAS   ".was"
#define FRESH ".new"

/* Pieces begin and end at multiples of PIECE_MIN, so that what has been changed is in
 * none of them, and are at most so long: one sync each. */
#define PIECE_MIN ((uint64_t)64 << 10)
#define PIECE_MAX ((uint64_t)1 << 20)

/* Before each piece, little-endian: length, seal, offset, and XXH64 of the bytes, its
 * seed that of the numbers. */
#define HEAD_BYTES 32

struct undo {
	char *stem; /* set once: the path without its end */
	struct lock lock;
	int fd; /* of N.undo; -1: not open; with lock, as all below */
	bool kept;	/* there may be an N.undo */
	uint64_t size;	/* of N.undo */
	uint64_t newest; /* seal of its last piece */
	uint64_t current; /* seal that saved and all are of */
	struct ranges saved;
	bool all;
	uint64_t was_first, was_last; /* seals of N.K.was; 0: there is none */
};

/* --- names -------------------------------------------------------------------- */

static char *
stem_of(const char *path)
{
	size_t len = strlen(path), end = strlen(DATA);

	return len > end ? strndup(path, len - end) : NULL;
}

static char *
was_path(const char *stem, uint64_t seal)
{
	return text_printf("%s.%llu" WAS, stem, (unsigned long long)seal);
}

static char *
dir_of(const char *stem)
{
	const char *slash = strrchr(stem, '/');

	return slash != NULL ? strndup(stem, (size_t)(slash - stem)) :
			       text_dup(".");
}

static int
sync_dir_of(const char *stem)
{
	char *dir = dir_of(stem);
	int ret = dir != NULL ? io_sync_dir(dir) : -ENOMEM;

	free(dir);
	return ret;
}

/* The seal in a name like "000012.3.was", for the file whose name begins with stem; 0:
 * another name. */
static uint64_t
was_seal(const char *name, const char *stem)
{
	const char *base = strrchr(stem, '/');
	char digits[24];
	uint64_t seal;
	size_t len;

	base = base != NULL ? base + 1 : stem;
	if (!text_starts(name, base) || name[strlen(base)] != '.' ||
	    !text_ends(name, WAS))
		return 0;
	name += strlen(base) + 1;
	len = strlen(name);
	if (len <= strlen(WAS) || len - strlen(WAS) >= sizeof(digits))
		return 0;
	memcpy(digits, name, len - strlen(WAS));
	digits[len - strlen(WAS)] = '\0';
	return text_u64(digits, UINT64_MAX, &seal) == 0 ? seal : 0;
}

/* Calls each() for every N.K.was. */
static int
each_was(const char *stem, int (*each)(void *, const char *, uint64_t),
    void *ctx)
{
	char *path = dir_of(stem);
	DIR *dir = path != NULL ? opendir(path) : NULL;
	struct dirent *e;
	int ret = dir != NULL ? 0 : path != NULL ? -errno : -ENOMEM;

	while (ret == 0 && (e = readdir(dir)) != NULL) {
		uint64_t seal = was_seal(e->d_name, stem);

		if (seal != 0)
			ret = each(ctx, stem, seal);
	}
	if (dir != NULL)
		(void)closedir(dir);
	free(path);
	return ret;
}

static void
remove_path(char *path)
{
	if (path != NULL && unlink(path) < 0 && errno != ENOENT)
		log_warn("staging", "%s: %s", path, strerror(errno));
	free(path);
}

static int
remove_was(void *ctx UNUSED, const char *stem, uint64_t seal)
{
	remove_path(was_path(stem, seal));
	return 0;
}

/* --- life ---------------------------------------------------------------------- */

static int
note_was(void *ctx, const char *stem UNUSED, uint64_t seal)
{
	struct undo *u = ctx;

	if (u->was_first == 0 || seal < u->was_first)
		u->was_first = seal;
	if (seal > u->was_last)
		u->was_last = seal;
	return 0;
}

int
undo_new(const char *path, bool old, struct undo **out)
{
	struct undo *u = calloc(1, sizeof(*u));
	int ret;

	if (u == NULL)
		return -ENOMEM;
	u->fd = -1;
	lock_init(&u->lock, "undo");
	u->stem = stem_of(path);
	u->kept = old;
	ret = u->stem == NULL ? -ENOMEM :
	    old ? each_was(u->stem, note_was, u) : 0;
	if (ret < 0) {
		undo_free(u, false);
		return ret;
	}
	*out = u;
	return 0;
}

/* Up to the seal limit. */
static void
drop_was_locked(struct undo *u, uint64_t limit) REQUIRES(u->lock)
{
	while (u->was_first != 0 && u->was_first < limit) {
		remove_path(was_path(u->stem, u->was_first));
		u->was_first = u->was_first < u->was_last ? u->was_first + 1 : 0;
	}
	if (u->was_first == 0)
		u->was_last = 0;
}

void
undo_free(struct undo *u, bool done)
{
	if (u == NULL)
		return;
	lock_take(&u->lock);
	if (done) {
		drop_was_locked(u, UINT64_MAX);
		if (u->kept)
			remove_path(text_printf("%s" UNDO, u->stem));
	}
	if (u->fd >= 0)
		(void)close(u->fd);
	ranges_release(&u->saved);
	lock_drop(&u->lock);
	lock_release(&u->lock);
	free(u->stem);
	free(u);
}

/* --- keeping ----------------------------------------------------------------------- */

static int
open_locked(struct undo *u) REQUIRES(u->lock)
{
	char *path;
	struct stat st;
	int ret = 0;

	if (u->fd >= 0)
		return 0;
	path = text_printf("%s" UNDO, u->stem);
	if (path == NULL)
		return -ENOMEM;
	u->kept = true;
	u->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (u->fd < 0 || fstat(u->fd, &st) < 0)
		ret = -errno;
	else
		ret = sync_dir_of(u->stem);
	if (ret == 0)
		u->size = (uint64_t)st.st_size;
	if (ret < 0 && u->fd >= 0) {
		(void)close(u->fd);
		u->fd = -1;
	}
	free(path);
	return ret;
}

static void
renew_locked(struct undo *u, uint64_t seal) REQUIRES(u->lock)
{
	if (u->current == seal)
		return;
	u->current = seal;
	u->saved.n = 0;
	u->all = false;
}

static void
put_head(unsigned char head[HEAD_BYTES], uint64_t seal, uint64_t off,
    const void *bytes, size_t len)
{
	uint64_t numbers[3] = { htole64(len), htole64(seal), htole64(off) }, sum;

	memcpy(head, numbers, sizeof(numbers));
	sum = htole64(digest_xxh64(bytes, len,
	    digest_xxh64(head, sizeof(numbers), 0)));
	memcpy(head + sizeof(numbers), &sum, sizeof(sum));
}

static int
write_piece_locked(struct undo *u, int fd, uint64_t seal, struct range r)
    REQUIRES(u->lock)
{
	size_t len = (size_t)(r.end - r.start);
	unsigned char *piece = malloc(HEAD_BYTES + len);
	ssize_t n;
	int ret;

	if (piece == NULL)
		return -ENOMEM;
	n = io_pread(fd, piece + HEAD_BYTES, len, r.start);
	/* What was cut off meanwhile is kept already. */
	ret = n < 0 ? (int)n : 0;
	if (n > 0 || len == 0) {
		put_head(piece, seal, r.start, piece + HEAD_BYTES, (size_t)n);
		ret = io_pwrite(u->fd, piece, HEAD_BYTES + (size_t)n, u->size);
	}
	if (ret == 0 && (n > 0 || len == 0)) {
		u->size += HEAD_BYTES + (uint64_t)n;
		u->newest = seal;
	}
	free(piece);
	return ret;
}

/* In pieces that are multiples of the smallest one. */
static int
keep_locked(struct undo *u, int fd, const struct seal *seal, uint64_t start,
    uint64_t end) REQUIRES(u->lock)
{
	uint64_t begin = 0;
	struct range r;
	bool wrote = false;
	int ret = 0;

	start -= start % PIECE_MIN;
	end = end + PIECE_MIN - 1 - (end + PIECE_MIN - 1) % PIECE_MIN;
	if (end > seal->size)
		end = seal->size;
	while (ret == 0 && ranges_gap(&u->saved, start, end, &r)) {
		if (r.end - r.start > PIECE_MAX)
			r.end = r.start + PIECE_MAX;
		ret = open_locked(u);
		if (!wrote)
			begin = u->size;
		if (ret == 0)
			ret = write_piece_locked(u, fd, seal->number, r);
		if (ret == 0)
			ret = ranges_add(&u->saved, r.start, r.end);
		wrote = true;
	}
	if (ret == 0 && wrote && fdatasync(u->fd) < 0) {
		ret = -errno;
		u->size = begin; /* what may be lost must not be before the next */
	}
	if (ret < 0) /* nobody knows what of it is on disk */
		u->saved.n = 0;
	return ret;
}

int
undo_keep(struct undo *u, int fd, const struct seal *seal, uint64_t start,
    uint64_t end)
{
	int ret = 0;

	lock_take(&u->lock);
	renew_locked(u, seal->number);
	if (!u->all && start < seal->size)
		ret = keep_locked(u, fd, seal, start,
		    end < seal->size ? end : seal->size);
	lock_drop(&u->lock);
	return ret;
}

int
undo_keep_cut(struct undo *u, const struct seal *seal)
{
	int ret = 0;

	lock_take(&u->lock);
	renew_locked(u, seal->number);
	if (!u->all && u->saved.n == 0) {
		ret = open_locked(u);
		if (ret == 0)
			ret = write_piece_locked(u, u->fd, seal->number,
			    (struct range){ 0, 0 });
		if (ret == 0 && fdatasync(u->fd) < 0) {
			ret = -errno;
			u->size -= HEAD_BYTES; /* as in keep_locked */
		}
	}
	lock_drop(&u->lock);
	return ret;
}

/* The file under its second name, and an empty one in its place. */
static int
swap_locked(struct undo *u, int fd, uint64_t seal) REQUIRES(u->lock)
{
	char *path = text_printf("%s" DATA, u->stem);
	char *fresh = text_printf("%s" FRESH, u->stem);
	char *was = was_path(u->stem, seal);
	int new = -1, ret = 0;

	if (path == NULL || fresh == NULL || was == NULL) {
		ret = -ENOMEM;
		goto out;
	}
	if (fdatasync(fd) < 0) {
		ret = -errno;
		goto out;
	}
	(void)unlink(was);
	if (link(path, was) < 0)
		ret = -errno;
	else
		ret = sync_dir_of(u->stem);
	if (ret < 0)
		goto out;
	new = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (new < 0 || rename(fresh, path) < 0) {
		ret = -errno;
	} else if (dup3(new, fd, O_CLOEXEC) < 0) {
		ret = -errno;
		(void)rename(was, path); /* fd is of that one still */
	} else {
		(void)note_was(u, u->stem, seal);
	}
out:
	if (ret < 0 && was != NULL)
		(void)unlink(was);
	if (new >= 0)
		(void)close(new);
	free(was);
	free(fresh);
	free(path);
	return ret;
}

int
undo_empty(struct undo *u, int fd, const struct seal *seal)
{
	int ret = 0;

	lock_take(&u->lock);
	renew_locked(u, seal->number);
	if (!u->all)
		ret = swap_locked(u, fd, seal->number);
	if (ret == 0)
		u->all = true;
	lock_drop(&u->lock);
	return ret;
}

void
undo_recorded(struct undo *u, uint64_t number)
{
	lock_take(&u->lock);
	drop_was_locked(u, number);
	if (u->fd >= 0 && u->size > 0 && u->newest < number &&
	    ftruncate(u->fd, 0) == 0)
		u->size = 0;
	lock_drop(&u->lock);
}

/* --- restoring --------------------------------------------------------------------- */

struct piece {
	uint64_t off, at; /* in the file, in N.undo */
	size_t len;
};

struct pieces {
	struct piece *at;
	size_t n, cap;
};

static int
pieces_add(struct pieces *all, const struct piece *one)
{
	if (all->n == all->cap) {
		size_t cap = all->cap * 2 + 16;
		struct piece *more = realloc(all->at, cap * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		all->at = more;
		all->cap = cap;
	}
	all->at[all->n++] = *one;
	return 0;
}

/* The piece at *at; 0: there is no whole one. */
static int
read_piece(int fd, uint64_t at, unsigned char *bytes, struct piece *out,
    uint64_t *seal)
{
	unsigned char head[HEAD_BYTES], want[HEAD_BYTES];
	uint64_t numbers[3];
	ssize_t n;

	n = io_pread(fd, head, sizeof(head), at);
	if (n < (ssize_t)sizeof(head))
		return n < 0 ? (int)n : 0;
	memcpy(numbers, head, sizeof(numbers));
	if (le64toh(numbers[0]) > PIECE_MAX)
		return 0;
	*out = (struct piece){ le64toh(numbers[2]), at + HEAD_BYTES,
		(size_t)le64toh(numbers[0]) };
	*seal = le64toh(numbers[1]);
	n = io_pread(fd, bytes, out->len, out->at);
	if (n < (ssize_t)out->len)
		return n < 0 ? (int)n : 0;
	put_head(want, *seal, out->off, bytes, out->len);
	return memcmp(head, want, sizeof(head)) == 0;
}

/* Those of the seals from first to last. */
static int
read_pieces(int fd, uint64_t first, uint64_t last, struct pieces *out)
{
	unsigned char *bytes = malloc(PIECE_MAX);
	uint64_t at = 0, seal = 0;
	struct piece one;
	int ret = bytes != NULL ? 1 : -ENOMEM;

	while (ret == 1) {
		ret = read_piece(fd, at, bytes, &one, &seal);
		if (ret != 1)
			break;
		at = one.at + one.len;
		if (seal >= first && seal <= last &&
		    pieces_add(out, &one) < 0)
			ret = -ENOMEM;
	}
	free(bytes);
	return ret;
}

/* Newest first: what was kept for an earlier seal is put back last. */
static int
put_back(int undo, int fd, const struct pieces *all)
{
	unsigned char *bytes = malloc(PIECE_MAX);
	int ret = bytes != NULL ? 0 : -ENOMEM;

	for (size_t i = all->n; ret == 0 && i-- > 0;) {
		const struct piece *one = &all->at[i];
		ssize_t n = io_pread(undo, bytes, one->len, one->at);

		ret = n < (ssize_t)one->len ? -EIO :
		    io_pwrite(fd, bytes, one->len, one->off);
	}
	free(bytes);
	return ret;
}

/* The first bytes of one file, in a new one; without cost where the disk can share
 * them. */
static int
copy_bytes(int from, int to, uint64_t size)
{
	const size_t len = (size_t)PIECE_MAX;
	unsigned char *bytes;
	int ret = 0;

	if (size == 0 || ioctl(to, FICLONE, from) == 0)
		return 0;
	bytes = malloc(len);
	if (bytes == NULL)
		return -ENOMEM;
	for (uint64_t off = 0; ret == 0 && off < size; off += len) {
		size_t want = size - off < len ? (size_t)(size - off) : len;
		off_t data = lseek(from, (off_t)off, SEEK_DATA);
		ssize_t n;

		if ((data < 0 && errno == ENXIO) ||
		    (data > 0 && (uint64_t)data >= off + want))
			continue; /* a hole */
		n = io_pread(from, bytes, want, off);
		ret = n < 0 ? (int)n : io_pwrite(to, bytes, (size_t)n, off);
	}
	free(bytes);
	return ret;
}

struct search {
	uint64_t first; /* seals before it do not count */
	uint64_t found; /* the lowest; UINT64_MAX: none */
};

static int
find_was(void *ctx, const char *stem UNUSED, uint64_t seal)
{
	struct search *s = ctx;

	if (seal >= s->first && seal < s->found)
		s->found = seal;
	return 0;
}

/* to becomes a file with the size and the pieces put back; from has the rest.  own: to
 * is another name of it. */
static int
build(int from, const char *to, bool own, int undo, const struct pieces *all,
    uint64_t size)
{
	int fd = open(to, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
	    (own ? 0 : O_CREAT | O_EXCL), 0600);
	int ret = fd < 0 ? -errno : 0;

	if (ret == 0 && !own)
		ret = copy_bytes(from, fd, size);
	if (ret == 0)
		ret = put_back(undo, fd, all);
	if (ret == 0 && (ftruncate(fd, (off_t)size) < 0 || fdatasync(fd) < 0))
		ret = -errno;
	if (fd >= 0)
		(void)close(fd);
	if (ret < 0 && fd >= 0)
		(void)unlink(to);
	return ret;
}

int
undo_restore(const char *path, const struct seal *seal, const char *to)
{
	struct search search = { seal->number, UINT64_MAX };
	struct pieces all = { 0 };
	char *stem = stem_of(path), *undo_path = NULL, *was = NULL;
	int from = -1, undo = -1, ret;
	struct stat st;

	ret = stem != NULL ? each_was(stem, find_was, &search) : -ENOMEM;
	if (ret < 0)
		goto out;
	undo_path = text_printf("%s" UNDO, stem);
	if (search.found != UINT64_MAX)
		was = was_path(stem, search.found);
	if (undo_path == NULL || (search.found != UINT64_MAX && was == NULL)) {
		ret = -ENOMEM;
		goto out;
	}
	from = open(was != NULL ? was : path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from < 0 || fstat(from, &st) < 0) {
		ret = -errno;
		goto out;
	}
	undo = open(undo_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (undo >= 0)
		ret = read_pieces(undo, seal->number, search.found, &all);
	if (ret < 0)
		goto out;
	if (was == NULL && all.n == 0 && (uint64_t)st.st_size == seal->size)
		goto out; /* nobody has changed it */
	if (all.n == 0 && (uint64_t)st.st_size < seal->size) {
		ret = -ENODATA;
		goto out;
	}
	if (was != NULL && link(was, to) < 0)
		ret = -errno;
	if (ret == 0)
		ret = build(from, to, was != NULL, undo, &all, seal->size);
	if (ret == 0)
		ret = sync_dir_of(stem);
	if (ret == 0)
		ret = 1;
out:
	if (from >= 0)
		(void)close(from);
	if (undo >= 0)
		(void)close(undo);
	free(all.at);
	free(was);
	free(undo_path);
	free(stem);
	return ret;
}

/* --- files that change their place ------------------------------------------------ */

struct linking {
	char *to; /* the stem there */
};

static int
link_was(void *ctx, const char *stem, uint64_t seal)
{
	const struct linking *l = ctx;
	char *from = was_path(stem, seal), *to = was_path(l->to, seal);
	int ret = from != NULL && to != NULL ? 0 : -ENOMEM;

	if (ret == 0 && link(from, to) < 0)
		ret = -errno;
	free(from);
	free(to);
	return ret;
}

int
undo_link(const char *from, const char *to)
{
	struct linking l = { stem_of(to) };
	char *stem = stem_of(from), *one = NULL, *two = NULL;
	int ret;

	ret = l.to != NULL && stem != NULL ? each_was(stem, link_was, &l) :
					     -ENOMEM;
	if (ret == 0) {
		one = text_printf("%s" UNDO, stem);
		two = text_printf("%s" UNDO, l.to);
		ret = one != NULL && two != NULL ? 0 : -ENOMEM;
	}
	if (ret == 0 && link(one, two) < 0 && errno != ENOENT)
		ret = -errno;
	free(one);
	free(two);
	free(stem);
	free(l.to);
	return ret;
}

void
undo_remove(const char *path)
{
	char *stem = stem_of(path);

	if (stem == NULL)
		return;
	(void)each_was(stem, remove_was, NULL);
	remove_path(text_printf("%s" UNDO, stem));
	free(stem);
}
