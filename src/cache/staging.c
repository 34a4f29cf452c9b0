/* cache/staging.c - content that was written here.
 *
 * The map is a sorted list of ranges that are here.  Everything at or above
 * base_end is here too (as a hole it reads as zeros, which is right: the source
 * never had it).  base_end only sinks, by truncation. */
#include "config.h"

#include "cache/staging_impl.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "cache/undo.h"

#include "base/banned.h"

#define FETCH_BYTES ((size_t)1 << 20) /* fetched at a time, aligned */
#define SUFFIX	    ".data"

/* Descriptors that staging leaves to connections: without them, what is staged could
 * not be sent, and would keep its own for ever. */
#define OTHER_DESCRIPTORS 128

/* --- the map ------------------------------------------------------------ */

/* Makes [start, end) present. */
static int
map_add(struct staged *f, uint64_t start, uint64_t end)
{
	return ranges_add(&f->here, start, end < f->base_end ? end : f->base_end);
}

static void
map_cut(struct staged *f, uint64_t size)
{
	if (size >= f->base_end)
		return;
	f->base_end = size;
	ranges_cut(&f->here, size);
}

/* The first missing range in [start, end), false when there is none. */
static bool
map_missing(const struct staged *f, uint64_t start, uint64_t end,
    struct range *out)
{
	return ranges_gap(&f->here, start, end < f->base_end ? end : f->base_end,
	    out);
}

/* --- the directory ------------------------------------------------------- */

char *
staging_path(const struct staging *s, uint64_t number)
{
	return text_printf("%s/%06llu" SUFFIX, s->dir,
	    (unsigned long long)number);
}

/* The number in a name like "000012.data"; 0 for other names. */
static uint64_t
file_number(const char *name)
{
	char digits[24];
	size_t len = strlen(name);
	uint64_t n;

	if (!text_ends(name, SUFFIX) || len - strlen(SUFFIX) >= sizeof(digits))
		return 0;
	memcpy(digits, name, len - strlen(SUFFIX));
	digits[len - strlen(SUFFIX)] = '\0';
	return text_u64(digits, UINT64_MAX, &n) == 0 ? n : 0;
}

/* The number of the file that a name belongs to, as "000012.3.was" does; 0: of none. */
static uint64_t
owner_number(const char *name)
{
	char *end;
	uint64_t n = strtoull(name, &end, 10);

	return end != name && *end == '.' ? n : 0;
}

/* Calls each() with the number of every name, as number_of() says. */
static int
scan(struct staging *s, uint64_t (*number_of)(const char *),
    void (*each)(struct staging *, uint64_t))
{
	struct dirent *d;
	DIR *dir;

	dir = opendir(s->dir);
	if (dir == NULL)
		return -errno;
	while ((d = readdir(dir)) != NULL) {
		uint64_t number = number_of(d->d_name);

		if (number > 0)
			each(s, number);
	}
	(void)closedir(dir);
	return 0;
}

static void
note_number(struct staging *s, uint64_t number)
{
	if (number > s->last)
		s->last = number;
}

int
staging_new(const char *dir, struct staging **out)
{
	struct rlimit limit;
	struct staging *s;
	struct stat st;
	int ret;

	if (lstat(dir, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0)
		return -EPERM;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->max = RLIM_INFINITY;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		s->max = limit.rlim_cur > 2 * OTHER_DESCRIPTORS ?
		    limit.rlim_cur - OTHER_DESCRIPTORS : limit.rlim_cur / 2;
	lock_init(&s->lock, "staging");
	s->dir = text_dup(dir);
	ret = s->dir != NULL ? scan(s, owner_number, note_number) : -ENOMEM;
	if (ret < 0) {
		staging_free(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
staging_free(struct staging *s)
{
	if (s == NULL)
		return;
	assert(s->files == NULL);
	lock_release(&s->lock);
	free(s->dir);
	free(s);
}

int
staging_new_path(struct staging *s, uint64_t *number, char **path)
{
	lock_take(&s->lock);
	*number = ++s->last;
	lock_drop(&s->lock);
	*path = staging_path(s, *number);
	return *path != NULL ? 0 : -ENOMEM;
}

int
staging_link(struct staging *s, const char *path, uint64_t *number)
{
	char *to;
	int ret;

	ret = staging_new_path(s, number, &to);
	if (ret < 0)
		return ret;
	ret = undo_link(path, to);
	if (ret == 0 && link(path, to) < 0)
		ret = -errno;
	free(to);
	return ret == 0 ? io_sync_dir(s->dir) : ret;
}

int
staging_unlink(const char *path)
{
	int ret = unlink(path) < 0 ? -errno : 0;

	undo_remove(path);
	return ret;
}

static void
sweep_one(struct staging *s, uint64_t number)
{
	struct staged *f;
	char *path;

	DL_FOREACH(s->files, f)
		if (f->number == number)
			return;
	path = staging_path(s, number);
	if (path != NULL && staging_unlink(path) < 0)
		log_warn("staging", "%s: %s", path, strerror(errno));
	free(path);
}

/* What was kept of files that are not there any more. */
static void
sweep_kept_locked(struct staging *s) REQUIRES(s->lock)
{
	DIR *dir = opendir(s->dir);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		uint64_t number = owner_number(e->d_name);
		struct staged *f;

		if (number == 0 || text_ends(e->d_name, SUFFIX))
			continue;
		DL_FOREACH(s->files, f)
			if (f->number == number)
				break;
		if (f == NULL)
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

void
staging_sweep(struct staging *s)
{
	lock_take(&s->lock);
	(void)scan(s, file_number, sweep_one);
	sweep_kept_locked(s);
	lock_drop(&s->lock);
}

int
staging_device(const struct staging *s, dev_t *out)
{
	struct stat st;

	if (stat(s->dir, &st) < 0)
		return -errno;
	*out = st.st_dev;
	return 0;
}

bool
staging_is_crowded(struct staging *s)
{
	bool crowded;

	lock_take(&s->lock);
	crowded = s->n_files > s->max / 2;
	lock_drop(&s->lock);
	return crowded;
}

/* --- files ---------------------------------------------------------------- */

static int
open_file(struct staging *s, uint64_t number, int flags, struct staged **out)
{
	struct staged *f;
	int ret;

	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return -ENOMEM;
	f->fd = -1;
	f->area = s;
	f->number = number;
	f->refs = 1;
	f->names = 1;
	f->path = staging_path(s, number);
	if (f->path == NULL) {
		ret = -ENOMEM;
		goto err;
	}
	f->fd = open(f->path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0) {
		ret = -errno;
		goto err;
	}
	lock_init(&f->lock, "staging file");
	cond_init(&f->thawed);
	cond_init(&f->written);
	lock_take(&s->lock);
	DL_APPEND(s->files, f);
	s->n_files++;
	lock_drop(&s->lock);
	counter_add(CTR_staging_files, 1);
	*out = f;
	return 0;
err:
	free(f->path);
	free(f);
	return ret;
}

int
staged_new(struct staging *s, uint64_t base_bytes, struct staged **out)
{
	struct staged *f;
	uint64_t number;
	bool full;
	int ret;

	lock_take(&s->lock);
	number = ++s->last;
	full = s->n_files >= s->max;
	lock_drop(&s->lock);
	if (full)
		return -ENFILE;
	ret = open_file(s, number, O_CREAT | O_EXCL, &f);
	if (ret < 0)
		return ret;
	if (base_bytes > 0 && ftruncate(f->fd, (off_t)base_bytes) < 0) {
		ret = -errno;
		staged_unref(f);
		return ret;
	}
	f->size = f->base_end = base_bytes;
	*out = f;
	return 0;
}

int
staged_open_old(struct staging *s, uint64_t number, const struct staged_map *map,
    struct staged **out)
{
	struct staged *f;
	struct stat st;
	int ret;

	ret = open_file(s, number, 0, &f);
	if (ret < 0)
		return ret;
	f->keep = true;
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		staged_unref(f);
		return -EIO;
	}
	f->size = (uint64_t)st.st_size;
	if (map != NULL) /* it may have become shorter since */
		f->base_end = map->base_end < f->size ? map->base_end : f->size;
	for (size_t i = 0; map != NULL && i < map->n && ret == 0; i++)
		ret = map_add(f, map->ranges[i].start, map->ranges[i].end);
	if (ret < 0) {
		staged_unref(f);
		return ret;
	}
	*out = f;
	return 0;
}

int
staged_reopen(struct staging *s, uint64_t number, const struct staged_map *map,
    struct staged **out)
{
	int ret = staged_open_old(s, number, map, out);

	/* Seals begin anew: nothing of before must be taken for theirs. */
	if (ret == 0)
		undo_remove((*out)->path);
	return ret;
}

int
staged_map_locked(struct staged *f, struct staged_map *out)
{
	struct range missing;
	int ret = 0;

	out->base_end = 0;
	out->n = 0;
	if (!map_missing(f, 0, f->size, &missing)) {
		/* Complete. */
	} else if (f->here.n > STAGED_MAP_MAX) {
		ret = -E2BIG;
	} else {
		out->base_end = f->base_end;
		out->n = f->here.n;
		for (size_t i = 0; i < f->here.n; i++)
			out->ranges[i] = f->here.at[i];
	}
	return ret;
}

int
staged_map_get(struct staged *f, struct staged_map *out)
{
	int ret;

	lock_take(&f->lock);
	ret = staged_map_locked(f, out);
	lock_drop(&f->lock);
	return ret;
}

struct staged *
staged_ref(struct staged *f)
{
	(void)__atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
	return f;
}

void
staged_unref(struct staged *f)
{
	if (f == NULL ||
	    __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (!f->keep && unlink(f->path) < 0)
		log_warn("staging", "%s: %s", f->path, strerror(errno));
	undo_free(f->undo, !f->keep);
	free(f->sealed);
	(void)close(f->fd);
	lock_take(&f->area->lock);
	DL_DELETE(f->area->files, f);
	f->area->n_files--;
	lock_drop(&f->area->lock);
	cond_release(&f->thawed);
	cond_release(&f->written);
	lock_release(&f->lock);
	free(f->marked);
	ranges_release(&f->here);
	free(f->path);
	free(f);
	counter_add(CTR_staging_files, -1);
}

void
staged_keep(struct staged *f, bool keep)
{
	lock_take(&f->lock);
	f->keep = keep;
	lock_drop(&f->lock);
}

uint64_t
staged_number(const struct staged *f)
{
	return f->number;
}

const char *
staged_path(const struct staged *f)
{
	return f->path;
}

uint64_t
staged_size(struct staged *f)
{
	uint64_t size;

	lock_take(&f->lock);
	size = f->size;
	lock_drop(&f->lock);
	return size;
}

bool
staged_complete(struct staged *f)
{
	struct range missing;
	bool complete;

	lock_take(&f->lock);
	complete = !map_missing(f, 0, f->size, &missing);
	lock_drop(&f->lock);
	return complete;
}

/* --- fetching -------------------------------------------------------------- */

/* Puts len fetched bytes into the holes that are still there at off.  The lock is
 * held across the local write: a program's write to the same place must come
 * either before (then it is no hole any more) or after. */
static int
fill(struct staged *f, uint64_t off, const char *bytes, size_t len)
{
	struct range hole;
	int ret = 0;

	lock_take(&f->lock);
	while (ret == 0 && map_missing(f, off, off + len, &hole)) {
		ret = io_pwrite(f->fd, bytes + (hole.start - off),
		    (size_t)(hole.end - hole.start), hole.start);
		if (ret == 0)
			ret = map_add(f, hole.start, hole.end);
	}
	lock_drop(&f->lock);
	return ret;
}

/* Fetches the aligned piece that holds the first byte of hole. */
static int
fetch(struct staged *f, struct call *call, const struct source *src,
    struct range hole)
{
	uint64_t start = hole.start - hole.start % FETCH_BYTES;
	uint64_t end = start + FETCH_BYTES;
	uint64_t base_end;
	char *bytes;
	ssize_t n;
	int ret;

	if (src == NULL)
		return -EIO;
	lock_take(&f->lock);
	base_end = f->base_end;
	lock_drop(&f->lock);
	if (end > base_end)
		end = base_end;
	if (end <= hole.start)
		return 0; /* truncated meanwhile */
	bytes = malloc(FETCH_BYTES);
	if (bytes == NULL)
		return -ENOMEM;
	n = src->read(src->ctx, call, start, bytes, (size_t)(end - start));
	if (n >= 0 && (uint64_t)n < end - start)
		n = -EIO; /* shorter than it was: never zeros in its place */
	ret = n < 0 ? (int)n : fill(f, start, bytes, (size_t)n);
	free(bytes);
	return ret;
}

/* Room for all that is missing, or none: half of it helps nobody, and leaves no
 * room for what others write. */
static int
reserve(struct staged *f)
{
	struct range hole;
	uint64_t at = 0;
	int ret = 0;

	lock_take(&f->lock);
	while (ret == 0 && map_missing(f, at, f->size, &hole)) {
		if (fallocate(f->fd, FALLOC_FL_KEEP_SIZE, (off_t)hole.start,
		    (off_t)(hole.end - hole.start)) < 0 &&
		    (errno == ENOSPC || errno == EDQUOT))
			ret = -errno;
		at = hole.end;
	}
	for (at = 0; ret < 0 && map_missing(f, at, f->size, &hole);
	     at = hole.end)
		(void)fallocate(f->fd,
		    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)hole.start, (off_t)(hole.end - hole.start));
	lock_drop(&f->lock);
	return ret;
}

int
staged_fetch_all(struct staged *f, struct call *call, const struct source *src)
{
	int ret = reserve(f);

	while (ret == 0) {
		struct range hole;
		bool missing;

		lock_take(&f->lock);
		missing = map_missing(f, 0, f->size, &hole);
		lock_drop(&f->lock);
		if (!missing)
			break;
		ret = fetch(f, call, src, hole);
	}
	return ret;
}

/* Bytes from off on that come from one place; 0 at the end. */
static ssize_t
read_piece(struct staged *f, struct call *call, const struct source *src,
    uint64_t off, void *dst, size_t len)
{
	struct range hole;
	bool missing;
	ssize_t n;

	lock_take(&f->lock);
	missing = map_missing(f, off, off + len, &hole);
	lock_drop(&f->lock);
	if (!missing || hole.start > off)
		return io_pread(f->fd, dst,
		    missing ? (size_t)(hole.start - off) : len, off);
	if (src == NULL)
		return -EIO;
	len = (size_t)(hole.end - off);
	n = src->read(src->ctx, call, off, dst, len);
	return n >= 0 && (size_t)n < len ? -EIO : n; /* never zeros instead */
}

ssize_t
staged_read(struct staged *f, struct call *call, const struct source *src,
    uint64_t off, void *dst, size_t len)
{
	uint64_t size = staged_size(f);
	size_t done = 0;

	if (off >= size)
		return 0;
	if (len > size - off)
		len = (size_t)(size - off);
	while (done < len) {
		ssize_t n = read_piece(f, call, src, off + done,
		    (char *)dst + done, len - done);

		if (n < 0)
			return n;
		if (n == 0)
			break; /* truncated meanwhile */
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* --- changing --------------------------------------------------------------- */

int
staged_begin(struct staged *f, struct call *call)
{
	lock_take(&f->lock);
	while (f->frozen > 0) {
		if (call_interrupted(call)) {
			lock_drop(&f->lock);
			return -EINTR;
		}
		(void)cond_wait_ms(&f->thawed, &f->lock, CALL_TICK_MS);
	}
	f->writing++;
	lock_drop(&f->lock);
	return 0;
}

void
staged_end(struct staged *f)
{
	lock_take(&f->lock);
	assert(f->writing > 0);
	if (--f->writing == 0)
		cond_broadcast(&f->written);
	lock_drop(&f->lock);
}

int
staged_write(struct staged *f, uint64_t off, const void *src, size_t len)
{
	int ret;

	ret = promise_keep(f, off, off + len);
	if (ret < 0)
		return ret;
	/* Under the lock for the same reason as in fill(). */
	lock_take(&f->lock);
	ret = io_pwrite(f->fd, src, len, off);
	if (ret == 0)
		ret = map_add(f, off, off + len);
	if (ret == 0 && off + len > f->size)
		f->size = off + len;
	/* What was written of it beyond the end would show when the file grows. */
	if (ret < 0 && off + len > f->size &&
	    ftruncate(f->fd, (off_t)f->size) < 0)
		log_warn("staging", "%s: %s", f->path, strerror(errno));
	lock_drop(&f->lock);
	return ret;
}

int
staged_truncate(struct staged *f, uint64_t size)
{
	int ret;

	ret = promise_keep_cut(f, size);
	lock_take(&f->lock);
	if (ret < 0) {
		/* It stays as it is. */
	} else if (ftruncate(f->fd, (off_t)size) < 0) {
		ret = -errno;
	} else {
		map_cut(f, size);
		f->size = size;
		if (size == 0)
			f->lost = 0;
	}
	lock_drop(&f->lock);
	return ret;
}

int
staged_allocate(struct staged *f, uint64_t off, uint64_t len, bool grow)
{
	int ret = 0;

	lock_take(&f->lock);
	if (fallocate(f->fd, grow ? 0 : FALLOC_FL_KEEP_SIZE, (off_t)off,
	    (off_t)len) < 0)
		ret = -errno;
	else if (grow && off + len > f->size)
		f->size = off + len;
	lock_drop(&f->lock);
	return ret;
}

int
staged_punch(struct staged *f, uint64_t off, uint64_t len)
{
	int ret;

	ret = promise_keep(f, off, off + len);
	lock_take(&f->lock);
	if (ret == 0 && fallocate(f->fd,
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off,
	    (off_t)len) < 0)
		ret = -errno;
	if (ret == 0)
		ret = map_add(f, off, off + len);
	lock_drop(&f->lock);
	return ret;
}

int
staged_seek(struct staged *f, uint64_t off, int whence, uint64_t *out)
{
	struct range hole;
	int ret = 0;

	lock_take(&f->lock);
	if (off >= f->size) {
		ret = -ENXIO;
	} else if (map_missing(f, 0, f->size, &hole)) {
		/* Not all is here: all counts as data. */
		*out = whence == SEEK_HOLE ? f->size : off;
	} else {
		off_t at = lseek(f->fd, (off_t)off, whence);

		if (at < 0)
			ret = -errno;
		else
			*out = (uint64_t)at;
	}
	lock_drop(&f->lock);
	return ret;
}

int
staged_mark(struct staged *f, struct call *call)
{
	struct range *copy;

	lock_take(&f->lock);
	assert(f->frozen > 0);
	while (f->marked != NULL) {
		if (call_interrupted(call)) {
			lock_drop(&f->lock);
			return -EINTR;
		}
		(void)cond_wait_ms(&f->thawed, &f->lock, CALL_TICK_MS);
	}
	copy = malloc((f->here.n + 1) * sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < f->here.n; i++)
		copy[i] = f->here.at[i];
	f->marked = copy;
	f->n_marked = f->here.n;
	lock_drop(&f->lock);
	return copy != NULL ? 0 : -ENOMEM;
}

void
staged_unmark(struct staged *f, bool forget)
{
	struct range *copy;

	lock_take(&f->lock);
	copy = f->marked;
	f->marked = NULL;
	if (copy != NULL && forget) {
		ranges_release(&f->here);
		f->here = (struct ranges){ copy, f->n_marked,
			f->n_marked + 1 };
		copy = NULL;
	}
	cond_broadcast(&f->thawed);
	lock_drop(&f->lock);
	free(copy);
}

void
staged_freeze(struct staged *f)
{
	lock_take(&f->lock);
	f->frozen++;
	while (f->writing > 0)
		cond_wait(&f->written, &f->lock);
	lock_drop(&f->lock);
}

void
staged_thaw(struct staged *f)
{
	lock_take(&f->lock);
	assert(f->frozen > 0);
	if (--f->frozen == 0)
		cond_broadcast(&f->thawed);
	lock_drop(&f->lock);
}

static int
sync_dir(const struct staging *s)
{
	int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd >= 0 && fsync(fd) == 0 ? 0 : -errno;

	if (fd >= 0)
		(void)close(fd);
	return ret;
}

int
staged_sync(struct staged *f)
{
	uint64_t names;
	bool named;
	int ret = fdatasync(f->fd) < 0 ? -errno : 0;

	lock_take(&f->lock);
	/* The kernel says it once. */
	if (ret < 0)
		f->lost = ret;
	ret = f->lost;
	names = f->names;
	named = f->named == names;
	lock_drop(&f->lock);
	if (ret == 0 && !named)
		ret = sync_dir(f->area);
	if (ret == 0) {
		lock_take(&f->lock);
		if (f->named < names)
			f->named = names;
		lock_drop(&f->lock);
	}
	return ret;
}
