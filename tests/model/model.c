/* tests/model/model.c: random operations on a directory give what a tree in memory
 * gives.
 *
 *   model DIR MIRROR SEED STEPS THREADS
 *
 * Each thread works in DIR/wN, with names of its own, by its own sequence of
 * random numbers: the same seed does the same again.  It starts with the tree that
 * MIRROR/wN holds on a local disk (nothing, the first time), compares, does STEPS
 * operations of which each has to give the result and the errno that the model
 * says, compares everything again, and leaves the tree in MIRROR/wN, so that a run
 * can be continued after a remount.
 *
 * With SCRATCH (any value) in the environment, names of editors' temporary files
 * are used too.  MODEL_VERBOSE shows every operation; the last ones are shown when
 * one fails.
 *
 * It is a test of POSIX on a directory and knows nothing about the program. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES	 14
#define PLAIN_NAMES 9 /* the first of them */
#define LOG_LINES   40
#define HANDLES	 4
#define DEPTH	 4
#define FILE_MAX 2600000 /* beyond two blocks */
#define SCRATCH_BYTES ((size_t)FILE_MAX * 2)
#define PATH_BYTES 1024

static const char *const names[NAMES] = { "a", "b", "c", "d e", "f.txt",
	"\xc3\xbc", "%41", "g#1", ".h", "a~", "b~", ".a.swp", "sedAbC123",
	"#a#" };

struct node {
	struct node *parent; /* NULL: the top, or removed */
	int name;
	bool is_dir;
	int handles; /* that have it open */
	struct node *child[NAMES];
	unsigned char *data;
	size_t size;
	bool has_mtime; /* set, and nothing has changed it since */
	struct timespec mtime;
};

struct handle {
	struct node *node; /* NULL: free */
	int fd;
	bool append;
};

struct worker {
	pthread_t thread;
	int number;
	uint64_t random;
	long step;
	char *dir;    /* on the mount */
	char *mirror; /* on a local disk */
	struct node *top;
	unsigned char *scratch; /* SCRATCH_BYTES of them */
	struct handle handles[HANDLES];
	char doing[4 * PATH_BYTES]; /* for the message when it fails */
	char *log[LOG_LINES];	    /* what was done last, in a ring */
};

static const char *seed_text;
static long steps;
static size_t names_used;

static void
die(struct worker *w, const char *fmt, ...) __attribute__((noreturn,
    format(printf, 2, 3)));

static void
die(struct worker *w, const char *fmt, ...)
{
	char text[2 * PATH_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (long i = w->step - LOG_LINES + 1; i < w->step; i++)
		if (i > 0 && w->log[i % LOG_LINES] != NULL)
			printf("worker %d, step %ld: %s\n", w->number, i,
			    w->log[i % LOG_LINES]);
	printf("FAIL: seed %s, worker %d, step %ld: %s: %s\n", seed_text,
	    w->number, w->step, w->doing, text);
	fflush(stdout);
	_exit(1);
}

static void
doing(struct worker *w, const char *fmt, ...) __attribute__((format(printf, 2,
    3)));

static void
doing(struct worker *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->doing, sizeof w->doing, fmt, ap);
	va_end(ap);
	free(w->log[w->step % LOG_LINES]);
	w->log[w->step % LOG_LINES] = strdup(w->doing);
	if (getenv("MODEL_VERBOSE") != NULL)
		printf("worker %d, step %ld: %s\n", w->number, w->step,
		    w->doing);
}

/* splitmix64 */
static uint64_t
next(struct worker *w)
{
	uint64_t z = (w->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t
below(struct worker *w, size_t n)
{
	return (size_t)(next(w) % n);
}

static void *
must(void *p)
{
	if (p == NULL) {
		puts("FAIL: out of memory");
		_exit(1);
	}
	return p;
}

/* --- the tree in memory --------------------------------------------------- */

static struct node *
node_new(struct node *parent, int name, bool is_dir)
{
	struct node *n = must(calloc(1, sizeof *n));

	n->parent = parent;
	n->name = name;
	n->is_dir = is_dir;
	if (parent != NULL) {
		parent->child[name] = n;
		parent->has_mtime = false;
	}
	return n;
}

static void
node_unlink(struct node *n)
{
	n->parent->child[n->name] = NULL;
	n->parent->has_mtime = false;
	n->parent = NULL;
	if (n->handles == 0) {
		free(n->data);
		free(n);
	}
}

static void
node_free(struct node *n)
{
	for (int i = 0; i < NAMES; i++)
		if (n->child[i] != NULL)
			node_free(n->child[i]);
	free(n->data);
	free(n);
}

static bool
node_is_empty(const struct node *n)
{
	for (int i = 0; i < NAMES; i++)
		if (n->child[i] != NULL)
			return false;
	return true;
}

static void
node_resize(struct node *n, size_t size)
{
	if (size > n->size) {
		n->data = must(realloc(n->data, size));
		memset(n->data + n->size, 0, size - n->size);
	}
	n->size = size;
	n->has_mtime = false;
}

static void
node_write(struct node *n, size_t at, const unsigned char *src, size_t len)
{
	if (len == 0)
		return;
	n->has_mtime = false;
	if (at + len > n->size)
		node_resize(n, at + len);
	memcpy(n->data + at, src, len);
}

/* A name that may or may not exist: a directory and a name in it. */
struct place {
	struct node *dir;
	int name;
	struct node *node; /* NULL: nothing there */
	char path[PATH_BYTES];
};

static void
path_of(struct worker *w, const struct node *n, const char *base, char *out)
{
	char tail[PATH_BYTES] = "";
	char swap[PATH_BYTES];

	(void)w;
	for (; n->parent != NULL; n = n->parent) {
		snprintf(swap, sizeof swap, "/%s%.900s", names[n->name], tail);
		memcpy(tail, swap, sizeof tail);
	}
	snprintf(out, PATH_BYTES, "%.500s%.500s", base, tail);
}

static struct place
some_place(struct worker *w)
{
	struct place p = { .dir = w->top };
	char dir[PATH_BYTES];

	for (int depth = 0; depth < DEPTH; depth++) {
		struct node *n = p.dir->child[below(w, names_used)];

		if (n != NULL && n->is_dir && below(w, 3) != 0)
			p.dir = n;
	}
	p.name = (int)below(w, names_used);
	p.node = p.dir->child[p.name];
	path_of(w, p.dir, w->dir, dir);
	snprintf(p.path, sizeof p.path, "%.900s/%s", dir, names[p.name]);
	return p;
}

/* What exists is tried more often than what does not. */
static struct place
likely_place(struct worker *w)
{
	struct place p = some_place(w);

	for (int i = 0; p.node == NULL && i < 5; i++)
		p = some_place(w);
	return p;
}

/* --- doing the same on both ---------------------------------------------- */

/* ret is what a call gave; want 0 or the errno that the model says. */
static void
expect(struct worker *w, long ret, int want)
{
	int got = ret < 0 ? errno : 0;

	if (got != want)
		die(w, "expected %s, got %s", want ? strerror(want) : "success",
		    got ? strerror(got) : "success");
}

static void
fill(struct worker *w, unsigned char *dst, size_t len)
{
	uint64_t word = next(w);

	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0)
			word = next(w);
		dst[i] = (unsigned char)(word >> (i % 8 * 8));
	}
}

static size_t
some_size(struct worker *w)
{
	static const size_t limits[] = { 10, 5000, 5000, 140000, 140000,
		FILE_MAX };

	return below(w, limits[below(w, 6)]);
}

static void
compare_file(struct worker *w, const char *path, const struct node *n)
{
	unsigned char *got = w->scratch;
	struct stat st;
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t ret;

	if (fd < 0)
		die(w, "%s: open: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || (size_t)st.st_size != n->size)
		die(w, "%s: size %lld, expected %zu", path,
		    (long long)st.st_size, n->size);
	while ((ret = read(fd, got + len, SCRATCH_BYTES - len)) > 0)
		len += (size_t)ret;
	if (ret < 0)
		die(w, "%s: read: %s", path, strerror(errno));
	if (len != n->size)
		die(w, "%s: %zu bytes, expected %zu", path, len, n->size);
	for (size_t i = 0; i < len; i++)
		if (got[i] != n->data[i])
			die(w, "%s: byte %zu of %zu differs", path, i, len);
	close(fd);
}

static void
compare_listing(struct worker *w, const char *path, const struct node *n)
{
	bool seen[NAMES] = { false };
	struct dirent *e;
	DIR *d = opendir(path);

	if (d == NULL)
		die(w, "%s: opendir: %s", path, strerror(errno));
	while ((errno = 0, e = readdir(d)) != NULL) {
		int i = 0;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		while (i < NAMES && strcmp(names[i], e->d_name) != 0)
			i++;
		if (i == NAMES || n->child[i] == NULL)
			die(w, "%s: lists %s, which is not there", path,
			    e->d_name);
		if (seen[i])
			die(w, "%s: lists %s twice", path, e->d_name);
		seen[i] = true;
		if (e->d_type != DT_UNKNOWN &&
		    (e->d_type == DT_DIR) != n->child[i]->is_dir)
			die(w, "%s: %s is of the wrong kind", path, e->d_name);
	}
	if (errno != 0)
		die(w, "%s: readdir: %s", path, strerror(errno));
	closedir(d);
	for (int i = 0; i < NAMES; i++)
		if (n->child[i] != NULL && !seen[i])
			die(w, "%s: does not list %s", path, names[i]);
}

static void
compare_tree(struct worker *w, const struct node *n)
{
	char path[PATH_BYTES];

	path_of(w, n, w->dir, path);
	if (!n->is_dir) {
		compare_file(w, path, n);
		return;
	}
	compare_listing(w, path, n);
	for (int i = 0; i < NAMES; i++)
		if (n->child[i] != NULL)
			compare_tree(w, n->child[i]);
}

/* --- operations ----------------------------------------------------------- */

static struct handle *
free_handle(struct worker *w)
{
	for (int i = 0; i < HANDLES; i++)
		if (w->handles[i].node == NULL)
			return &w->handles[i];
	return NULL;
}

static struct handle *
used_handle(struct worker *w)
{
	size_t first = below(w, HANDLES);

	for (size_t i = 0; i < HANDLES; i++) {
		struct handle *h = &w->handles[(first + i) % HANDLES];

		if (h->node != NULL)
			return h;
	}
	return NULL;
}

static void
handle_drop(struct handle *h)
{
	struct node *n = h->node;

	h->node = NULL;
	if (--n->handles == 0 && n->parent == NULL) {
		free(n->data);
		free(n);
	}
}

static void
do_create(struct worker *w)
{
	struct place p = some_place(w);
	struct handle *h = free_handle(w);
	bool excl = below(w, 2) == 0;
	bool trunc = below(w, 2) == 0;
	bool append = below(w, 4) == 0;

	if (h == NULL)
		return;
	doing(w, "open %s create%s%s%s", p.path, excl ? " excl" : "",
	    trunc ? " trunc" : "", append ? " append" : "");
	h->fd = open(p.path,
	    O_RDWR | O_CREAT | (excl ? O_EXCL : 0) | (trunc ? O_TRUNC : 0) |
		(append ? O_APPEND : 0),
	    0644);
	if (p.node != NULL && (excl || p.node->is_dir)) {
		expect(w, h->fd, excl ? EEXIST : EISDIR);
		return;
	}
	expect(w, h->fd, 0);
	if (p.node == NULL)
		p.node = node_new(p.dir, p.name, false);
	else if (trunc)
		node_resize(p.node, 0);
	h->node = p.node;
	h->append = append;
	p.node->handles++;
}

static void
do_open(struct worker *w)
{
	struct place p = likely_place(w);
	struct handle *h = free_handle(w);
	bool trunc = below(w, 5) == 0;
	bool append = below(w, 5) == 0;

	if (h == NULL)
		return;
	doing(w, "open %s%s%s", p.path, trunc ? " trunc" : "",
	    append ? " append" : "");
	h->fd = open(p.path,
	    O_RDWR | (trunc ? O_TRUNC : 0) | (append ? O_APPEND : 0));
	if (p.node == NULL || p.node->is_dir) {
		expect(w, h->fd, p.node == NULL ? ENOENT : EISDIR);
		return;
	}
	expect(w, h->fd, 0);
	if (trunc)
		node_resize(p.node, 0);
	h->node = p.node;
	h->append = append;
	p.node->handles++;
}

/* A close of a copy, as shells and fork make them; the file stays open. */
static void
do_dup_close(struct worker *w)
{
	struct handle *h = used_handle(w);
	int fd;

	if (h == NULL)
		return;
	doing(w, "close of a copy");
	fd = dup(h->fd);
	expect(w, fd, 0);
	expect(w, close(fd), 0);
}

/* Through the file position, in pieces. */
static void
do_stream(struct worker *w)
{
	unsigned char *data = w->scratch;
	struct handle *h = used_handle(w);
	size_t at, len, done = 0, piece;
	ssize_t ret = 0;

	if (h == NULL)
		return;
	at = h->append ? h->node->size : below(w, h->node->size + 1);
	len = some_size(w) / 4;
	piece = 1 + below(w, 70000);
	if (at + len > FILE_MAX)
		return;
	doing(w, "stream of %zu bytes at %zu by %zu", len, at, piece);
	expect(w, lseek(h->fd, (off_t)at, SEEK_SET) < 0 ? -1 : 0, 0);
	fill(w, data, len);
	while (done < len && ret >= 0) {
		size_t n = len - done < piece ? len - done : piece;

		ret = write(h->fd, data + done, n);
		if (ret >= 0 && (size_t)ret != n)
			die(w, "wrote %zd of %zu", ret, n);
		done += n;
	}
	expect(w, ret, 0);
	node_write(h->node, at, data, len);
	expect(w, lseek(h->fd, (off_t)at, SEEK_SET) < 0 ? -1 : 0, 0);
	for (done = 0; done < len; done += (size_t)ret) {
		ret = read(h->fd, data, piece < len - done ? piece : len - done);
		expect(w, ret, 0);
		if (ret == 0 ||
		    memcmp(data, h->node->data + at + done, (size_t)ret) != 0)
			die(w, "wrong bytes at %zu", at + done);
	}
}

static void
check_time(struct worker *w, const struct node *n, const struct stat *st)
{
	if (n->has_mtime &&
	    (st->st_mtim.tv_sec != n->mtime.tv_sec ||
		st->st_mtim.tv_nsec != n->mtime.tv_nsec))
		die(w, "mtime %lld.%09ld, expected %lld.%09ld",
		    (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		    (long long)n->mtime.tv_sec, n->mtime.tv_nsec);
}

/* Of a path, or of an open file, perhaps one without a name. */
static void
do_utimens(struct worker *w)
{
	struct place p = likely_place(w);
	struct handle *h = below(w, 3) == 0 ? used_handle(w) : NULL;
	struct node *n = h != NULL ? h->node : p.node;
	struct timespec times[2] = { { 0, UTIME_OMIT },
		{ (time_t)(1000000000 + below(w, 700000000)),
		    (long)below(w, 1000000000) } };
	struct stat st;

	doing(w, "utimens %s", h != NULL ? "of a handle" : p.path);
	if (h != NULL)
		expect(w, futimens(h->fd, times), 0);
	else
		expect(w, utimensat(AT_FDCWD, p.path, times, 0),
		    n == NULL ? ENOENT : 0);
	if (n == NULL)
		return;
	n->has_mtime = true;
	n->mtime = times[1];
	if (h != NULL) {
		expect(w, fstat(h->fd, &st), 0);
		check_time(w, n, &st);
	}
}

static void
do_fstat(struct worker *w)
{
	struct handle *h = used_handle(w);
	struct stat st;

	if (h == NULL)
		return;
	doing(w, "fstat");
	expect(w, fstat(h->fd, &st), 0);
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size != h->node->size)
		die(w, "size %lld, expected %zu", (long long)st.st_size,
		    h->node->size);
	if (st.st_nlink != (h->node->parent != NULL))
		die(w, "%ju links", (uintmax_t)st.st_nlink);
	check_time(w, h->node, &st);
}

static void
do_close(struct worker *w)
{
	struct handle *h = used_handle(w);

	if (h == NULL)
		return;
	doing(w, "close");
	expect(w, close(h->fd), 0);
	handle_drop(h);
}

static void
do_write(struct worker *w)
{
	unsigned char *data = w->scratch;
	struct handle *h = used_handle(w);
	size_t at, len;
	ssize_t ret;

	if (h == NULL)
		return;
	len = some_size(w);
	at = h->append ? h->node->size : below(w, h->node->size + 5000);
	if (at + len > FILE_MAX)
		return;
	doing(w, "write %zu bytes at %zu%s", len, at,
	    h->append ? ", appending" : "");
	fill(w, data, len);
	ret = h->append ? write(h->fd, data, len)
			: pwrite(h->fd, data, len, (off_t)at);
	expect(w, ret, 0);
	if ((size_t)ret != len)
		die(w, "wrote %zd", ret);
	node_write(h->node, at, data, len);
}

static void
do_read(struct worker *w)
{
	unsigned char *data = w->scratch;
	struct handle *h = used_handle(w);
	size_t at, len, want;
	ssize_t ret;

	if (h == NULL)
		return;
	at = below(w, h->node->size + 100);
	len = some_size(w);
	want = at >= h->node->size ? 0 : h->node->size - at;
	if (want > len)
		want = len;
	doing(w, "read %zu bytes at %zu of %zu", len, at, h->node->size);
	ret = pread(h->fd, data, len, (off_t)at);
	expect(w, ret, 0);
	if ((size_t)ret != want)
		die(w, "read %zd, expected %zu", ret, want);
	if (want > 0 && memcmp(data, h->node->data + at, want) != 0)
		die(w, "wrong bytes");
}

static void
do_ftruncate(struct worker *w)
{
	struct handle *h = used_handle(w);
	size_t size;

	if (h == NULL)
		return;
	size = some_size(w);
	doing(w, "ftruncate from %zu to %zu", h->node->size, size);
	expect(w, ftruncate(h->fd, (off_t)size), 0);
	node_resize(h->node, size);
}

static void
do_truncate(struct worker *w)
{
	struct place p = likely_place(w);
	size_t size = some_size(w);
	int want = p.node == NULL ? ENOENT : p.node->is_dir ? EISDIR : 0;

	doing(w, "truncate %s to %zu", p.path, size);
	expect(w, truncate(p.path, (off_t)size), want);
	if (want == 0)
		node_resize(p.node, size);
}

static void
do_fsync(struct worker *w)
{
	struct handle *h = used_handle(w);

	if (h == NULL)
		return;
	doing(w, "fsync");
	expect(w, fsync(h->fd), 0);
}

static void
do_mmap(struct worker *w)
{
	struct handle *h = used_handle(w);
	unsigned char *map;
	size_t at, len;

	if (h == NULL || h->node->size == 0)
		return;
	at = below(w, h->node->size);
	len = below(w, h->node->size - at) % 5000 + 1;
	doing(w, "mapped write of %zu bytes at %zu of %zu", len, at,
	    h->node->size);
	map = mmap(NULL, h->node->size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    h->fd, 0);
	expect(w, map == MAP_FAILED ? -1 : 0, 0);
	fill(w, map + at, len);
	node_write(h->node, at, map + at, len);
	expect(w, msync(map, h->node->size, MS_SYNC), 0);
	expect(w, munmap(map, h->node->size), 0);
}

static void
do_mkdir(struct worker *w)
{
	struct place p = some_place(w);

	doing(w, "mkdir %s", p.path);
	expect(w, mkdir(p.path, 0755), p.node != NULL ? EEXIST : 0);
	if (p.node == NULL)
		node_new(p.dir, p.name, true);
}

static void
do_rmdir(struct worker *w)
{
	struct place p = likely_place(w);
	int want = p.node == NULL	  ? ENOENT
	    : !p.node->is_dir		  ? ENOTDIR
	    : !node_is_empty(p.node)	  ? ENOTEMPTY
					  : 0;

	doing(w, "rmdir %s", p.path);
	expect(w, rmdir(p.path), want);
	if (want == 0)
		node_unlink(p.node);
}

static void
do_unlink(struct worker *w)
{
	struct place p = likely_place(w);
	int want = p.node == NULL ? ENOENT : p.node->is_dir ? EISDIR : 0;

	doing(w, "unlink %s", p.path);
	expect(w, unlink(p.path), want);
	if (want == 0)
		node_unlink(p.node);
}

static bool
is_below(const struct node *n, const struct node *top)
{
	for (; n != NULL; n = n->parent)
		if (n == top)
			return true;
	return false;
}

static void
do_rename(struct worker *w)
{
	struct place from = likely_place(w);
	struct place to = some_place(w);
	unsigned flags = below(w, 5) == 0 ? RENAME_NOREPLACE : 0;
	int want = 0;

	if (from.node == NULL)
		want = ENOENT;
	else if (flags != 0 && to.node != NULL)
		want = EEXIST;
	else if (from.node->is_dir && from.node != to.node &&
	    is_below(to.dir, from.node))
		want = EINVAL;
	else if (to.node != NULL && to.node != from.node) {
		/* The kernel looks for an ancestor as the target first. */
		if (to.node->is_dir && is_below(from.dir, to.node))
			want = ENOTEMPTY;
		else if (from.node->is_dir && !to.node->is_dir)
			want = ENOTDIR;
		else if (!from.node->is_dir && to.node->is_dir)
			want = EISDIR;
		else if (to.node->is_dir && !node_is_empty(to.node))
			want = ENOTEMPTY;
	}
	doing(w, "rename %s to %s%s", from.path, to.path,
	    flags != 0 ? " noreplace" : "");
	expect(w, renameat2(AT_FDCWD, from.path, AT_FDCWD, to.path, flags),
	    want);
	if (want != 0 || from.node == to.node)
		return;
	if (to.node != NULL)
		node_unlink(to.node);
	from.node->parent->child[from.node->name] = NULL;
	from.node->parent->has_mtime = false;
	to.dir->has_mtime = false;
	from.node->parent = to.dir;
	from.node->name = to.name;
	to.dir->child[to.name] = from.node;
}

static void
do_stat(struct worker *w)
{
	struct place p = likely_place(w);
	struct stat st;

	doing(w, "stat %s", p.path);
	expect(w, lstat(p.path, &st), p.node == NULL ? ENOENT : 0);
	if (p.node == NULL)
		return;
	if (S_ISDIR(st.st_mode) != p.node->is_dir)
		die(w, "wrong kind");
	if (!p.node->is_dir && (size_t)st.st_size != p.node->size)
		die(w, "size %lld, expected %zu", (long long)st.st_size,
		    p.node->size);
	check_time(w, p.node, &st);
}

static void
do_list(struct worker *w)
{
	struct place p = some_place(w);
	char path[PATH_BYTES];

	path_of(w, p.dir, w->dir, path);
	doing(w, "list %s", path);
	compare_listing(w, path, p.dir);
}

static void
do_compare(struct worker *w)
{
	struct place p = likely_place(w);

	if (p.node == NULL || p.node->is_dir)
		return;
	doing(w, "compare %s", p.path);
	compare_file(w, p.path, p.node);
}

static const struct {
	void (*act)(struct worker *w);
	size_t weight;
} operations[] = {
	{ do_create, 14 },
	{ do_open, 8 },
	{ do_close, 14 },
	{ do_write, 18 },
	{ do_read, 8 },
	{ do_ftruncate, 3 },
	{ do_truncate, 3 },
	{ do_fsync, 3 },
	{ do_mmap, 2 },
	{ do_stream, 5 },
	{ do_dup_close, 3 },
	{ do_utimens, 4 },
	{ do_fstat, 4 },
	{ do_mkdir, 6 },
	{ do_rmdir, 3 },
	{ do_unlink, 6 },
	{ do_rename, 10 },
	{ do_stat, 6 },
	{ do_list, 4 },
	{ do_compare, 6 },
};

static void
act(struct worker *w)
{
	size_t total = 0;
	size_t pick;

	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		total += operations[i].weight;
	pick = below(w, total);
	for (size_t i = 0;; i++) {
		if (pick < operations[i].weight) {
			operations[i].act(w);
			return;
		}
		pick -= operations[i].weight;
	}
}

/* --- the mirror ----------------------------------------------------------- */

static void
load(struct worker *w, struct node *n)
{
	char path[PATH_BYTES];
	struct stat st;

	path_of(w, n, w->mirror, path);
	if (!n->is_dir) {
		FILE *f = must(fopen(path, "rb"));

		if (stat(path, &st) < 0)
			die(w, "%s: %s", path, strerror(errno));
		node_resize(n, (size_t)st.st_size);
		if (n->size > 0 && fread(n->data, 1, n->size, f) != n->size)
			die(w, "%s: cannot be read", path);
		fclose(f);
		return;
	}
	for (int i = 0; i < NAMES; i++) {
		char below_it[2 * PATH_BYTES];

		snprintf(below_it, sizeof below_it, "%s/%s", path, names[i]);
		if (stat(below_it, &st) == 0)
			load(w, node_new(n, i, S_ISDIR(st.st_mode)));
	}
}

static void
save(struct worker *w, const struct node *n, bool remove_only)
{
	char path[PATH_BYTES];

	path_of(w, n, w->mirror, path);
	if (n->is_dir) {
		if (!remove_only && mkdir(path, 0755) < 0 && errno != EEXIST)
			die(w, "%s: %s", path, strerror(errno));
		for (int i = 0; i < NAMES; i++)
			if (n->child[i] != NULL)
				save(w, n->child[i], remove_only);
		if (remove_only)
			rmdir(path);
	} else if (remove_only) {
		unlink(path);
	} else {
		FILE *f = must(fopen(path, "wb"));

		if (n->size > 0 && fwrite(n->data, 1, n->size, f) != n->size)
			die(w, "%s: cannot be written", path);
		if (fclose(f) != 0)
			die(w, "%s: %s", path, strerror(errno));
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	doing(w, "the start");
	if (mkdir(w->dir, 0755) < 0 && errno != EEXIST)
		die(w, "%s: %s", w->dir, strerror(errno));
	compare_tree(w, w->top);
	for (w->step = 1; w->step <= steps; w->step++) {
		act(w);
		if (w->step % 200 == 0) {
			doing(w, "everything");
			compare_tree(w, w->top);
		}
	}
	for (int i = 0; i < HANDLES; i++) {
		struct handle *h = &w->handles[i];

		if (h->node == NULL)
			continue;
		doing(w, "last close");
		expect(w, close(h->fd), 0);
		handle_drop(h);
	}
	doing(w, "the end");
	compare_tree(w, w->top);
	save(w, w->top, false);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct worker *workers;
	int threads;

	if (argc != 6) {
		fprintf(stderr,
		    "usage: model DIR MIRROR SEED STEPS THREADS\n");
		return 2;
	}
	seed_text = argv[3];
	steps = strtol(argv[4], NULL, 10);
	threads = (int)strtol(argv[5], NULL, 10);
	names_used = getenv("SCRATCH") != NULL ? NAMES : PLAIN_NAMES;
	workers = must(calloc((size_t)threads, sizeof *workers));
	for (int i = 0; i < threads; i++) {
		struct worker *w = &workers[i];

		w->number = i;
		w->random = strtoull(argv[3], NULL, 10) * 1000 + (uint64_t)i;
		w->dir = must(malloc(PATH_BYTES));
		w->mirror = must(malloc(PATH_BYTES));
		w->scratch = must(malloc(SCRATCH_BYTES));
		snprintf(w->dir, PATH_BYTES, "%s/w%d", argv[1], i);
		snprintf(w->mirror, PATH_BYTES, "%s/w%d", argv[2], i);
		w->top = node_new(NULL, 0, true);
		load(w, w->top);
		/* What was removed since must not stay in the mirror. */
		save(w, w->top, true);
		if (pthread_create(&w->thread, NULL, work, w) != 0)
			die(w, "no thread");
	}
	for (int i = 0; i < threads; i++) {
		struct worker *w = &workers[i];

		pthread_join(w->thread, NULL);
		node_free(w->top);
		for (int l = 0; l < LOG_LINES; l++)
			free(w->log[l]);
		free(w->scratch);
		free(w->mirror);
		free(w->dir);
	}
	free(workers);
	printf("%d threads, %ld steps each: the same\n", threads, steps);
	return 0;
}
