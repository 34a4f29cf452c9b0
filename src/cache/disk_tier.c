/* cache/disk_tier.c - keeps blocks of remote files on the local disk.
 *
 * Reads take no lock.  The lock is for room: what the last survey found and what was
 * written since; it is held across surveys and evictions, so that two threads do not
 * make the same room. */
#include "config.h"

#include "cache/disk_tier.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"

#include "base/banned.h"

#define FORMAT	    1
#define FORMAT_NAME "format"
#define SETS	    256
#define SHARE	    16	  /* of the budget: written between two surveys */
#define SAMPLE	    16384 /* blocks by which the least recently used are found */
#define AHEAD_S	    3600  /* a time further in the future is of a wrong clock */
#define SPARES	    1024  /* files of evicted blocks that wait for new ones */

#define MAGIC UINT64_C(0x31636f6c62667262) /* "brfbloc1" */

/* What a block begins with.  As it is in memory: on a machine of another byte order
 * the magic number is wrong. */
struct head {
	uint64_t magic;
	uint64_t key[2];
	uint64_t index;
	uint64_t len;
	uint64_t sum; /* of all above and of the bytes */
};

/* SCOPE-KEY-INDEX in hexadecimal digits, and the beginnings of it. */
#define SCOPE_CHARS 17
#define KEY_CHARS   (SCOPE_CHARS + 33)
#define NAME_CHARS  (KEY_CHARS + 16)
#define NAME_BYTES  (NAME_CHARS + 1)
#define TEMP_RANDOM 8 /* bytes; a dot and two digits for each */
#define TEMP_CHARS  (1 + 2 * TEMP_RANDOM)

/* A file that has not got its name yet. */
struct draft {
	unsigned set;
	char name[TEMP_CHARS + 1];
};

struct disk_tier {
	uint64_t budget; /* set once, as the next four */
	uint64_t floor;
	uint64_t scope;
	char *path;
	int dir;

	atomic_bool told;	  /* that blocks are not kept */
	atomic_bool told_damaged; /* that there was a damaged one */

	struct lock room;
	/* All below with room. */
	bool surveyed;
	struct disk_usage used; /* found by the last survey, and written since */
	uint64_t added;		/* bytes of that since */
	uint64_t coming;	/* bytes that are being written, a part of used */
	struct draft spares[SPARES]; /* empty files */
	size_t n_spares;
};

/* Bytes that a file takes, about. */
static uint64_t
cost_of(uint64_t size)
{
	return (size + 4095) / 4096 * 4096;
}

static unsigned
set_of(const struct file_key *key)
{
	return (unsigned)(key->hash[0] % SETS);
}

/* --- directories ---------------------------------------------------------------- */

/* Is what fd refers to ours, and closed to all others? */
static bool
is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	       (st.st_mode & 077) == 0;
}

/* A descriptor of a subdirectory, or -errno; make: made when it is missing. */
static int
open_set(const struct disk_tier *t, unsigned set, bool make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char name[8];
	int fd;

	(void)snprintf(name, sizeof(name), "%02x", set % SETS);
	fd = openat(t->dir, name, flags);
	if (fd < 0 && errno == ENOENT && make) {
		if (mkdirat(t->dir, name, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(t->dir, name, flags);
	}
	if (fd < 0)
		return -errno;
	if (!is_ours(fd)) {
		(void)close(fd);
		return -EPERM;
	}
	return fd;
}

static void
block_name(const struct disk_tier *t, const struct file_key *key,
    uint64_t index, char out[NAME_BYTES])
{
	(void)snprintf(out, NAME_BYTES,
	    "%016" PRIx64 "-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64, t->scope,
	    key->hash[0], key->hash[1], index);
}

static bool
is_hex(const char *s, size_t len)
{
	return strspn(s, "0123456789abcdef") >= len;
}

static bool
is_block_name(const char *name)
{
	return strlen(name) == NAME_CHARS && is_hex(name, SCOPE_CHARS - 1) &&
	       name[SCOPE_CHARS - 1] == '-' &&
	       is_hex(name + SCOPE_CHARS, KEY_CHARS - SCOPE_CHARS - 1) &&
	       name[KEY_CHARS - 1] == '-' && is_hex(name + KEY_CHARS, 16);
}

static bool
is_temp_name(const char *name)
{
	return strlen(name) == TEMP_CHARS && name[0] == '.' &&
	       is_hex(name + 1, TEMP_CHARS - 1);
}

/* Called for each block and each unfinished one. */
typedef void visit_fn(
    void *ctx, int set, const char *name, const struct stat *st);

static void
walk_set(const struct disk_tier *t, unsigned set, visit_fn *visit, void *ctx)
{
	int fd = open_set(t, set, false);
	const struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		struct stat st;

		if ((is_block_name(e->d_name) || is_temp_name(e->d_name)) &&
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			visit(ctx, fd, e->d_name, &st);
	}
	(void)closedir(dir);
}

static void
walk(const struct disk_tier *t, visit_fn *visit, void *ctx)
{
	for (unsigned set = 0; set < SETS; set++)
		walk_set(t, set, visit, ctx);
}

/* --- whole files -------------------------------------------------------------------- */

static void
temp_name(char out[TEMP_CHARS + 1])
{
	out[0] = '.';
	digest_random_hex(out + 1, TEMP_RANDOM);
}

/* Fills the file temp of the directory from, open as fd, and gives it its name in to; or
 * removes it.  Takes the descriptor. */
static int
finish_file(int from, const char *temp, int fd, int to, const char *name,
    const struct head *head, const void *data, size_t len)
{
	int ret = 0;

	if (head != NULL)
		ret = io_write(fd, head, sizeof(*head));
	if (ret == 0)
		ret = io_write(fd, data, len);
	if (close(fd) < 0 && ret == 0)
		ret = -errno;
	if (ret == 0 && renameat(from, temp, to, name) < 0)
		ret = -errno;
	if (ret < 0)
		(void)unlinkat(from, temp, 0);
	return ret;
}

/* Makes name in the directory at, whole or not at all. */
static int
write_file(int at, const char *name, const struct head *head,
    const void *data, size_t len)
{
	char temp[TEMP_CHARS + 1];
	int fd;

	temp_name(temp);
	fd = openat(at, temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	return finish_file(at, temp, fd, at, name, head, data, len);
}

/* The format of the directory is ours, or becomes it. */
static int
check_format(const struct disk_tier *t)
{
	static const char ours[] = "1\n";
	char text[32];
	uint64_t format;
	ssize_t n;
	int fd;

	fd = openat(
	    t->dir, FORMAT_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return -errno;
	n = fd >= 0 ? io_pread(fd, text, sizeof(text) - 1, 0) : 0;
	if (fd >= 0)
		(void)close(fd);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	/* Not there, or lost in a power cut. */
	if (text[0] == '\0')
		return write_file(
		    t->dir, FORMAT_NAME, NULL, ours, sizeof(ours) - 1);
	text[strcspn(text, "\n")] = '\0';
	if (text_u64(text, UINT64_MAX, &format) < 0 || format != FORMAT)
		return -EPROTONOSUPPORT;
	return 0;
}

/* --- life ------------------------------------------------------------------------ */

int
disk_tier_new(const struct disk_config *config, struct disk_tier **out)
{
	struct disk_tier *t = calloc(1, sizeof(*t));
	int ret = 0;

	if (t == NULL)
		return -ENOMEM;
	t->budget = config->budget;
	t->floor = config->floor;
	t->scope = digest_xxh64(config->scope, strlen(config->scope), 0);
	lock_init(&t->room, "disk tier");
	t->path = text_dup(config->dir);
	t->dir = open(config->dir,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->dir < 0)
		ret = errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
	else if (!is_ours(t->dir))
		ret = -EPERM;
	else if (t->path == NULL)
		ret = -ENOMEM;
	else
		ret = check_format(t);
	if (ret < 0) {
		disk_tier_free(t);
		return ret;
	}
	*out = t;
	return 0;
}

static void
remove_spare(const struct disk_tier *t, const struct draft *spare)
{
	int set = open_set(t, spare->set, false);

	if (set < 0)
		return;
	(void)unlinkat(set, spare->name, 0);
	(void)close(set);
}

/* With room, or when nobody else has t any more. */
static void
remove_spares(struct disk_tier *t)
{
	while (t->n_spares > 0)
		remove_spare(t, &t->spares[--t->n_spares]);
}

void
disk_tier_free(struct disk_tier *t)
{
	if (t == NULL)
		return;
	counter_add(CTR_disk_cache_bytes, -(int64_t)t->used.bytes);
	remove_spares(t);
	lock_release(&t->room);
	if (t->dir >= 0)
		(void)close(t->dir);
	free(t->path);
	free(t);
}

const char *
disk_tier_dir(const struct disk_tier *t)
{
	return t->path;
}

uint64_t
disk_tier_budget(const struct disk_tier *t)
{
	return t->budget;
}

/* --- reading --------------------------------------------------------------------- */

static void
fill_head(struct head *head, const struct file_key *key, uint64_t index,
    const void *data, size_t len)
{
	*head = (struct head){
		.magic = MAGIC,
		.key = { key->hash[0], key->hash[1] },
		.index = index,
		.len = len,
	};
	head->sum = digest_xxh64(head, offsetof(struct head, sum), 0);
	head->sum = digest_xxh64(data, len, head->sum);
}

/* Marks a block as used, if that was not done a moment ago. */
static void
touch(int fd, const struct stat *st)
{
	int64_t age_s = clock_real_ms() / 1000 - st->st_mtim.tv_sec;

	if (age_s > DISK_TIER_TOUCH_S || age_s < 0)
		(void)futimens(fd, NULL);
}

/* Is the open file just that block?  Its bytes go to dst. */
static bool
is_whole(int fd, const struct file_key *key, uint64_t index, void *dst,
    size_t len)
{
	struct head want, got;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size != (off_t)(sizeof(got) + len) ||
	    io_pread(fd, &got, sizeof(got), 0) != (ssize_t)sizeof(got) ||
	    io_pread(fd, dst, len, sizeof(got)) != (ssize_t)len)
		return false;
	fill_head(&want, key, index, dst, len);
	if (memcmp(&want, &got, sizeof(got)) != 0)
		return false;
	touch(fd, &st);
	return true;
}

/* Has the open file lost its name?  Then it was evicted, and may be another block by
 * now. */
static bool
is_evicted(int fd, int set, const char *name)
{
	struct stat open, named;

	return fstatat(set, name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	       fstat(fd, &open) < 0 || open.st_ino != named.st_ino;
}

/* Does a failure to open a block say nothing about the block? */
static bool
is_no_damage(int err)
{
	return err == ENOENT || err == EMFILE || err == ENFILE || err == ENOMEM ||
	       err == EINTR;
}

static ssize_t
read_block(struct disk_tier *t, int set, const char *name,
    const struct file_key *key, uint64_t index, void *dst, size_t len)
{
	bool whole = false, evicted = false;
	int fd;

	fd = openat(set, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && is_no_damage(errno))
		return -ENOENT;
	if (fd >= 0) {
		/* Once more: it may have been made anew meanwhile, of its own file. */
		whole = is_whole(fd, key, index, dst, len) ||
		    is_whole(fd, key, index, dst, len);
		evicted = !whole && is_evicted(fd, set, name);
		(void)close(fd);
	}
	if (whole)
		return (ssize_t)len;
	if (evicted)
		return -ENOENT;
	counter_add(CTR_disk_cache_damaged_total, 1);
	if (!atomic_exchange(&t->told_damaged, true))
		log_warn("cache",
		    "%s: a damaged block is deleted, as others will be: %s",
		    t->path, name);
	(void)unlinkat(set, name, 0);
	return -ENOENT;
}

ssize_t
disk_tier_read(struct disk_tier *t, const struct file_key *key, uint64_t index,
    void *dst, size_t len)
{
	char name[NAME_BYTES];
	ssize_t ret = -ENOENT;
	int set;

	set = open_set(t, set_of(key), false);
	if (set >= 0) {
		block_name(t, key, index, name);
		ret = read_block(t, set, name, key, index, dst, len);
		(void)close(set);
	}
	counter_add(ret >= 0 ? CTR_disk_cache_hits_total :
			       CTR_disk_cache_misses_total, 1);
	return ret;
}

/* --- room ------------------------------------------------------------------------ */

/* When a block was used, and what it takes. */
struct use {
	int64_t ms;
	uint64_t cost;
};

/* A walk over everything. */
struct survey {
	struct disk_usage found;
	int64_t now_ms;
	/* A random sample of the blocks, when uses is not NULL. */
	struct use *uses;
	size_t n;
	unsigned seed;
};

static int64_t
used_ms(const struct stat *st, int64_t now_ms)
{
	int64_t ms = st->st_mtim.tv_sec * INT64_C(1000) +
		     st->st_mtim.tv_nsec / 1000000;

	return ms > now_ms + AHEAD_S * 1000 ? 0 : ms;
}

/* Each of the blocks so far is in the sample with the same chance. */
static void
add_sample(struct survey *s, const struct use *use)
{
	size_t at = s->n;

	if (s->n < SAMPLE)
		s->n++;
	else
		at = (size_t)(((uint64_t)rand_r(&s->seed) << 20 ^
				  (uint64_t)rand_r(&s->seed)) %
			      s->found.blocks);
	if (at < SAMPLE)
		s->uses[at] = *use;
}

static void
survey_one(void *ctx, int set, const char *name, const struct stat *st)
{
	struct survey *s = ctx;
	struct use use = { used_ms(st, s->now_ms),
		cost_of((uint64_t)st->st_size) };

	/* What is being written counts with those who write it. */
	if (is_temp_name(name)) {
		if (s->now_ms - use.ms > DISK_TIER_TEMP_S * 1000)
			(void)unlinkat(set, name, 0);
		return;
	}
	s->found.bytes += use.cost;
	s->found.blocks++;
	if (s->uses != NULL)
		add_sample(s, &use);
}

static void
set_used_locked(struct disk_tier *t, const struct disk_usage *used)
    REQUIRES(t->room)
{
	counter_add(CTR_disk_cache_bytes,
	    (int64_t)used->bytes - (int64_t)t->used.bytes);
	t->used = *used;
}

static void
survey_locked(struct disk_tier *t, struct survey *s) REQUIRES(t->room)
{
	struct disk_usage used;

	s->now_ms = clock_real_ms();
	s->seed = (unsigned)digest_seed();
	walk(t, survey_one, s);
	used = s->found;
	used.bytes += t->coming;
	set_used_locked(t, &used);
	t->surveyed = true;
	t->added = 0;
}

/* Bytes that must go before cost more may come. */
static uint64_t
lacking_locked(struct disk_tier *t, uint64_t cost) REQUIRES(t->room)
{
	uint64_t lacking = 0, avail;
	struct statvfs st;

	if (t->used.bytes + cost > t->budget)
		lacking = t->used.bytes + cost - t->budget;
	if (fstatvfs(t->dir, &st) == 0) {
		avail = (uint64_t)st.f_bavail * st.f_frsize;
		if (avail < t->floor + cost &&
		    t->floor + cost - avail > lacking)
			lacking = t->floor + cost - avail;
	}
	return lacking;
}

static int
by_use(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	return (x->ms > y->ms) - (x->ms < y->ms);
}

/* The blocks that were used last at that time or before make up need bytes. */
static int64_t
find_limit(struct survey *s, uint64_t need)
{
	uint64_t sum = 0;

	/* Of all blocks this is the part that the sample is. */
	need = (uint64_t)((double)need * (double)s->n / (double)s->found.blocks);
	qsort(s->uses, s->n, sizeof(*s->uses), by_use);
	for (size_t i = 0; i < s->n; i++) {
		sum += s->uses[i].cost;
		if (sum >= need)
			return s->uses[i].ms;
	}
	return INT64_MAX;
}

struct sweep {
	struct disk_tier *tier;
	int64_t now_ms;
	int64_t limit_ms;
	uint64_t need;
	unsigned set;
	struct disk_usage gone;
};

/* Keeps the file of a block for one to come, empty: an ext4 on which as many files are
 * made as removed looks at all that were removed in the last minute for each new one (a
 * fourth of the CPU of a read of 1 GiB).  False: it is still there. */
static bool
spare_locked(struct disk_tier *t, unsigned number, int set, const char *name)
    REQUIRES(t->room)
{
	struct draft *spare = &t->spares[t->n_spares];
	int fd;

	if (t->n_spares == SPARES)
		return false;
	temp_name(spare->name);
	if (renameat(set, name, set, spare->name) < 0)
		return false;
	fd = openat(set, spare->name,
	    O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		(void)unlinkat(set, spare->name, 0);
		return true;
	}
	(void)close(fd);
	spare->set = number;
	t->n_spares++;
	return true;
}

static void
sweep_one(void *ctx, int set, const char *name, const struct stat *st)
    NO_THREAD_CHECK
{
	struct sweep *s = ctx;

	if (s->gone.bytes >= s->need || is_temp_name(name) ||
	    used_ms(st, s->now_ms) > s->limit_ms)
		return;
	/* With another name, as of a copy by links, its bytes are not ours alone. */
	if ((S_ISREG(st->st_mode) && st->st_nlink == 1 &&
		spare_locked(s->tier, s->set, set, name)) ||
	    unlinkat(set, name, 0) == 0)
		counter_add(CTR_disk_cache_evicted_total, 1);
	else if (errno != ENOENT) /* another mount was faster */
		return;
	s->gone.bytes += cost_of((uint64_t)st->st_size);
	s->gone.blocks++;
}

/* Deletes the least recently used blocks until cost more may come, at least least
 * bytes; and, where there are many, a 16th of all more, so that the next walk is not
 * soon.  Returns how many bytes went. */
static uint64_t
evict_locked(struct disk_tier *t, uint64_t cost, uint64_t least)
    REQUIRES(t->room)
{
	struct survey s = { .uses = malloc(SAMPLE * sizeof(*s.uses)) };
	struct sweep sweep = { 0 };
	struct disk_usage left;
	uint64_t need, more;

	if (s.uses == NULL)
		return 0;
	survey_locked(t, &s);
	need = lacking_locked(t, cost);
	if (need < least)
		need = least;
	if (need > 0 && s.n > 0) {
		more = t->used.bytes / SHARE;
		need += more > cost ? more - cost : 0;
		sweep = (struct sweep){ .tier = t, .now_ms = s.now_ms,
			.limit_ms = find_limit(&s, need), .need = need };
		for (; sweep.set < SETS; sweep.set++)
			walk_set(t, sweep.set, sweep_one, &sweep);
		left.bytes = t->used.bytes - sweep.gone.bytes;
		left.blocks = t->used.blocks - sweep.gone.blocks;
		set_used_locked(t, &left);
	}
	/* It may be files that are scarce, and not bytes. */
	if (least > 0)
		remove_spares(t);
	free(s.uses);
	return sweep.gone.bytes;
}

/* Room for cost bytes, which count as used from now on; -ENOSPC. */
static int
take_room(struct disk_tier *t, uint64_t cost)
{
	struct disk_usage used;
	int ret = 0;

	if (cost > t->budget)
		return -ENOSPC;
	lock_take(&t->room);
	if (!t->surveyed || t->added >= t->budget / SHARE) {
		struct survey s = { 0 };

		survey_locked(t, &s);
	}
	/* Again when another mount has deleted what was to go. */
	for (int tries = 0; tries < 3 && lacking_locked(t, cost) > 0; tries++)
		(void)evict_locked(t, cost, 0);
	if (lacking_locked(t, cost) > 0)
		ret = -ENOSPC;
	if (ret == 0) {
		used = t->used;
		used.bytes += cost;
		used.blocks++;
		set_used_locked(t, &used);
		t->added += cost;
		t->coming += cost;
	}
	lock_drop(&t->room);
	return ret;
}

/* The write has ended, with err: when the disk has less room than it says, as quotas
 * do, others go for the next one. */
static void
end_write(struct disk_tier *t, uint64_t cost, int err)
{
	lock_take(&t->room);
	t->coming -= cost;
	if (err < 0)
		t->surveyed = false;
	if (err == -ENOSPC || err == -EDQUOT)
		(void)evict_locked(t, 0, cost);
	lock_drop(&t->room);
}

/* --- writing --------------------------------------------------------------------- */

static bool
take_spare(struct disk_tier *t, struct draft *out)
{
	bool taken;

	lock_take(&t->room);
	taken = t->n_spares > 0;
	if (taken)
		*out = t->spares[--t->n_spares];
	lock_drop(&t->room);
	return taken;
}

/* The block in a file that another one had; -ENOENT: there is none, or somebody has
 * cleaned it up; -EXDEV: a sandbox, or a mount, keeps it where it is. */
static int
write_spare(struct disk_tier *t, int at, const char *name,
    const struct head *head, const void *data, size_t len)
{
	struct draft spare;
	int set, fd, ret = -ENOENT;

	if (!take_spare(t, &spare))
		return -ENOENT;
	set = open_set(t, spare.set, false);
	if (set < 0)
		return -ENOENT;
	/* It is empty: emptied once more, an ext4 would write it out when it is closed. */
	fd = openat(set, spare.name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		ret = finish_file(set, spare.name, fd, at, name, head, data, len);
	(void)close(set);
	return ret;
}

int
disk_tier_write(struct disk_tier *t, const struct file_key *key, uint64_t index,
    const void *data, size_t len)
{
	uint64_t cost = cost_of(sizeof(struct head) + len);
	char name[NAME_BYTES];
	struct head head;
	int set, ret;

	ret = take_room(t, cost);
	if (ret == 0) {
		set = open_set(t, set_of(key), true);
		ret = set < 0 ? set : 0;
		if (ret == 0) {
			fill_head(&head, key, index, data, len);
			block_name(t, key, index, name);
			ret = write_spare(t, set, name, &head, data, len);
			if (ret == -ENOENT || ret == -EXDEV)
				ret = write_file(set, name, &head, data, len);
			(void)close(set);
		}
		end_write(t, cost, ret);
	}
	if (ret < 0) {
		counter_add(CTR_disk_cache_unkept_total, 1);
		if (!atomic_exchange(&t->told, true))
			log_warn("cache",
			    "%s: %s; content that does not fit there is not"
			    " kept on disk",
			    t->path, strerror(-ret));
	}
	return ret;
}

/* --- dropping -------------------------------------------------------------------- */

/* The blocks whose names begin so, and how many went. */
struct prefix {
	char text[NAME_BYTES];
	size_t len;
	struct disk_usage gone;
};

static void
drop_one(void *ctx, int set, const char *name, const struct stat *st)
{
	struct prefix *p = ctx;

	if (strncmp(name, p->text, p->len) != 0 ||
	    unlinkat(set, name, 0) < 0)
		return;
	p->gone.bytes += cost_of((uint64_t)st->st_size);
	p->gone.blocks++;
}

/* The next survey knows better, if there was none yet or others were at it, too. */
static void
note_gone(struct disk_tier *t, const struct disk_usage *gone)
{
	struct disk_usage left;

	lock_take(&t->room);
	left = t->used;
	left.bytes -= gone->bytes < left.bytes ? gone->bytes : left.bytes;
	left.blocks -= gone->blocks < left.blocks ? gone->blocks : left.blocks;
	set_used_locked(t, &left);
	lock_drop(&t->room);
}

void
disk_tier_drop(struct disk_tier *t, const struct file_key *key)
{
	struct prefix p = { .len = KEY_CHARS };

	block_name(t, key, 0, p.text);
	walk_set(t, set_of(key), drop_one, &p);
	note_gone(t, &p.gone);
}

void
disk_tier_drop_all(struct disk_tier *t)
{
	const struct file_key any = { { 0, 0 } };
	struct prefix p = { .len = SCOPE_CHARS };

	block_name(t, &any, 0, p.text);
	walk(t, drop_one, &p);
	note_gone(t, &p.gone);
}

bool
disk_tier_give(struct disk_tier *t, dev_t device, uint64_t bytes)
{
	struct stat st;
	bool given;

	if (fstat(t->dir, &st) < 0 || st.st_dev != device)
		return false;
	lock_take(&t->room);
	given = t->n_spares > 0;
	given = evict_locked(t, 0, bytes) > 0 || given;
	lock_drop(&t->room);
	return given;
}

void
disk_tier_usage(struct disk_tier *t, struct disk_usage *out)
{
	struct survey s = { 0 };

	lock_take(&t->room);
	survey_locked(t, &s);
	*out = t->used;
	lock_drop(&t->room);
}
