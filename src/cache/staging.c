/* cache/staging.c - content that was written here.
 *
 * The map is a sorted list of ranges that are here.  Everything at or above
 * base_end is here too (as a hole it reads as zeros, which is right: the source
 * never had it).  base_end only sinks, by truncation. */
#include "config.h"

#include "cache/staging.h"

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

#include "base/banned.h"

#define FETCH_BYTES ((size_t)1 << 20) /* fetched at a time, aligned */
#define SUFFIX	    ".data"

/* Descriptors that staging leaves to connections: without them, what is staged could
 * not be sent, and would keep its own for ever. */
#define OTHER_DESCRIPTORS 128

struct staged {
	struct staging *area; /* set once, as number and path */
	uint64_t number;
	char *path;
	int fd;

	struct lock lock;
	struct cond thawed; /* with lock: frozen became 0, or marked NULL */
	unsigned refs;	    /* atomic */
	bool keep;	    /* with lock, as all below */
	unsigned frozen;
	unsigned writing; /* writers past the check; freeze waits for them */
	struct cond written; /* with lock: writing became 0 */
	uint64_t size;
	uint64_t base_end;
	struct staged_range *ranges; /* below base_end; sorted, apart */
	size_t n_ranges, cap_ranges;
	struct staged_range *marked; /* as ranges was at the mark */
	size_t n_marked;
	bool named; /* its name in the directory is durable */

	struct staged *prev, *next; /* the area's list, with the area's lock */
};

struct staging {
	char *dir; /* set once, as max */
	rlim_t max; /* files at once */
	struct lock lock;
	uint64_t last;	      /* number handed out last; with lock */
	struct staged *files; /* with lock, as n_files */
	rlim_t n_files;
};

/* --- the map ------------------------------------------------------------ */

/* Makes [start, end) present. */
static int
map_add(struct staged *f, uint64_t start, uint64_t end)
{
	size_t first, last;

	if (end > f->base_end)
		end = f->base_end;
	if (start >= end)
		return 0;
	/* Ranges first..last-1 touch the new one and melt into it. */
	for (first = 0; first < f->n_ranges; first++)
		if (f->ranges[first].end >= start)
			break;
	for (last = first; last < f->n_ranges; last++) {
		if (f->ranges[last].start > end)
			break;
		if (f->ranges[last].start < start)
			start = f->ranges[last].start;
		if (f->ranges[last].end > end)
			end = f->ranges[last].end;
	}
	if (first == last && f->n_ranges == f->cap_ranges) {
		size_t cap = f->cap_ranges * 2 + 4;
		struct staged_range *more;

		more = realloc(f->ranges, cap * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		f->ranges = more;
		f->cap_ranges = cap;
	}
	memmove(&f->ranges[first + 1], &f->ranges[last],
	    (f->n_ranges - last) * sizeof(*f->ranges));
	f->ranges[first] = (struct staged_range){ start, end };
	f->n_ranges = f->n_ranges - (last - first) + 1;
	return 0;
}

static void
map_cut(struct staged *f, uint64_t size)
{
	if (size >= f->base_end)
		return;
	f->base_end = size;
	while (f->n_ranges > 0 && f->ranges[f->n_ranges - 1].start >= size)
		f->n_ranges--;
	if (f->n_ranges > 0 && f->ranges[f->n_ranges - 1].end > size)
		f->ranges[f->n_ranges - 1].end = size;
}

/* The first missing range in [start, end), false when there is none. */
static bool
map_missing(const struct staged *f, uint64_t start, uint64_t end,
    struct staged_range *out)
{
	uint64_t at = start;

	if (end > f->base_end)
		end = f->base_end;
	for (size_t i = 0; i < f->n_ranges && at < end; i++) {
		const struct staged_range *r = &f->ranges[i];

		if (r->end <= at)
			continue;
		if (r->start > at) {
			*out = (struct staged_range){ at,
				r->start < end ? r->start : end };
			return true;
		}
		at = r->end;
	}
	if (at >= end)
		return false;
	*out = (struct staged_range){ at, end };
	return true;
}

/* --- the directory ------------------------------------------------------- */

static char *
file_path(const struct staging *s, uint64_t number)
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

/* Calls each() with the number of every staging file. */
static int
scan(struct staging *s, void (*each)(struct staging *, uint64_t))
{
	struct dirent *d;
	DIR *dir;

	dir = opendir(s->dir);
	if (dir == NULL)
		return -errno;
	while ((d = readdir(dir)) != NULL) {
		uint64_t number = file_number(d->d_name);

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
	ret = s->dir != NULL ? scan(s, note_number) : -ENOMEM;
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
staging_link(struct staging *s, const char *path, uint64_t *number)
{
	char *to;
	int ret = 0;

	lock_take(&s->lock);
	*number = ++s->last;
	lock_drop(&s->lock);
	to = file_path(s, *number);
	if (to == NULL)
		return -ENOMEM;
	if (link(path, to) < 0)
		ret = -errno;
	free(to);
	return ret == 0 ? io_sync_dir(s->dir) : ret;
}

static void
sweep_one(struct staging *s, uint64_t number)
{
	struct staged *f;
	char *path;

	DL_FOREACH(s->files, f)
		if (f->number == number)
			return;
	path = file_path(s, number);
	if (path != NULL && unlink(path) < 0)
		log_warn("staging", "%s: %s", path, strerror(errno));
	free(path);
}

void
staging_sweep(struct staging *s)
{
	lock_take(&s->lock);
	(void)scan(s, sweep_one);
	lock_drop(&s->lock);
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
	f->path = file_path(s, number);
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
staged_reopen(struct staging *s, uint64_t number, const struct staged_map *map,
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
staged_map_get(struct staged *f, struct staged_map *out)
{
	struct staged_range missing;
	int ret = 0;

	out->base_end = 0;
	out->n = 0;
	lock_take(&f->lock);
	if (!map_missing(f, 0, f->size, &missing)) {
		/* Complete. */
	} else if (f->n_ranges > STAGED_MAP_MAX) {
		ret = -E2BIG;
	} else {
		out->base_end = f->base_end;
		out->n = f->n_ranges;
		for (size_t i = 0; i < f->n_ranges; i++)
			out->ranges[i] = f->ranges[i];
	}
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
	(void)close(f->fd);
	lock_take(&f->area->lock);
	DL_DELETE(f->area->files, f);
	f->area->n_files--;
	lock_drop(&f->area->lock);
	cond_release(&f->thawed);
	cond_release(&f->written);
	lock_release(&f->lock);
	free(f->marked);
	free(f->ranges);
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
	struct staged_range missing;
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
	struct staged_range hole;
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
    struct staged_range hole)
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
	struct staged_range hole;
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
		struct staged_range hole;
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
	struct staged_range hole;
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

/* Every change is between begin and end, so that freeze can wait for those under
 * way. */
static int
change_begin(struct staged *f, struct call *call)
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

static void
change_end(struct staged *f)
{
	lock_take(&f->lock);
	if (--f->writing == 0)
		cond_broadcast(&f->written);
	lock_drop(&f->lock);
}

int
staged_write(struct staged *f, struct call *call, uint64_t off,
    const void *src, size_t len)
{
	int ret;

	ret = change_begin(f, call);
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
	change_end(f);
	return ret;
}

int
staged_truncate(struct staged *f, struct call *call, uint64_t size)
{
	int ret;

	ret = change_begin(f, call);
	if (ret < 0)
		return ret;
	lock_take(&f->lock);
	if (ftruncate(f->fd, (off_t)size) < 0) {
		ret = -errno;
	} else {
		map_cut(f, size);
		f->size = size;
	}
	lock_drop(&f->lock);
	change_end(f);
	return ret;
}

int
staged_allocate(struct staged *f, struct call *call, uint64_t off,
    uint64_t len, bool grow)
{
	int ret;

	ret = change_begin(f, call);
	if (ret < 0)
		return ret;
	lock_take(&f->lock);
	if (fallocate(f->fd, grow ? 0 : FALLOC_FL_KEEP_SIZE, (off_t)off,
	    (off_t)len) < 0)
		ret = -errno;
	else if (grow && off + len > f->size)
		f->size = off + len;
	lock_drop(&f->lock);
	change_end(f);
	return ret;
}

int
staged_punch(struct staged *f, struct call *call, uint64_t off, uint64_t len)
{
	int ret;

	ret = change_begin(f, call);
	if (ret < 0)
		return ret;
	lock_take(&f->lock);
	if (fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)off, (off_t)len) < 0)
		ret = -errno;
	else
		ret = map_add(f, off, off + len);
	lock_drop(&f->lock);
	change_end(f);
	return ret;
}

int
staged_seek(struct staged *f, uint64_t off, int whence, uint64_t *out)
{
	struct staged_range hole;
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
	struct staged_range *copy;

	lock_take(&f->lock);
	assert(f->frozen > 0);
	while (f->marked != NULL) {
		if (call_interrupted(call)) {
			lock_drop(&f->lock);
			return -EINTR;
		}
		(void)cond_wait_ms(&f->thawed, &f->lock, CALL_TICK_MS);
	}
	copy = malloc((f->n_ranges + 1) * sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < f->n_ranges; i++)
		copy[i] = f->ranges[i];
	f->marked = copy;
	f->n_marked = f->n_ranges;
	lock_drop(&f->lock);
	return copy != NULL ? 0 : -ENOMEM;
}

void
staged_unmark(struct staged *f, bool forget)
{
	struct staged_range *copy;

	lock_take(&f->lock);
	copy = f->marked;
	f->marked = NULL;
	if (copy != NULL && forget) {
		free(f->ranges);
		f->ranges = copy;
		f->n_ranges = f->n_marked;
		f->cap_ranges = f->n_marked + 1;
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
	bool named;
	int ret = fdatasync(f->fd) < 0 ? -errno : 0;

	lock_take(&f->lock);
	named = f->named;
	lock_drop(&f->lock);
	if (ret == 0 && !named)
		ret = sync_dir(f->area);
	if (ret == 0) {
		lock_take(&f->lock);
		f->named = true;
		lock_drop(&f->lock);
	}
	return ret;
}
