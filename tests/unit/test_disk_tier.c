/* cache/disk_tier: keeps blocks of remote files on the local disk. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/text.h"
#include "cache/disk_tier.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

#define MB    ((size_t)1 << 20)
#define SMALL 100  /* bytes of a block that takes */
#define PAGE  4096 /* bytes on disk */
#define HEAD  48

/* A directory, a tier on it, and room for a block. */
struct bench {
	struct temp_dir temp;
	struct disk_config config;
	struct disk_tier *t;
	unsigned char *bytes;
};

static void
open_tier(struct bench *b)
{
	ck_assert_int_eq(disk_tier_new(&b->config, &b->t), 0);
}

static void
reopen(struct bench *b)
{
	disk_tier_free(b->t);
	open_tier(b);
}

static void
make_bench(struct bench *b, uint64_t budget)
{
	temp_dir_make(&b->temp);
	b->config = (struct disk_config){
		.dir = b->temp.path,
		.budget = budget,
		.scope = "host|1|me",
	};
	b->bytes = malloc(MB + 1);
	open_tier(b);
}

static void
drop_bench(struct bench *b)
{
	disk_tier_free(b->t);
	ck_assert_int_eq(counter_get(CTR_disk_cache_bytes), 0);
	free(b->bytes);
	temp_dir_remove(&b->temp);
}

static struct file_key
key_of(uint64_t n)
{
	return (struct file_key){ { n * UINT64_C(0x9e3779b97f4a7c15), n } };
}

static void
fill(unsigned char *dst, uint64_t n, uint64_t index, size_t len)
{
	for (size_t i = 0; i < len; i++)
		dst[i] = (unsigned char)(n * 7 + index * 13 + i * 31 + i / 251);
}

static int
put_in(struct disk_tier *t, uint64_t n, uint64_t index, size_t len)
{
	struct file_key key = key_of(n);
	unsigned char *bytes = malloc(len);
	int ret;

	fill(bytes, n, index, len);
	ret = disk_tier_write(t, &key, index, bytes, len);
	free(bytes);
	return ret;
}

static void
put(struct bench *b, uint64_t n, uint64_t index, size_t len)
{
	ck_assert_int_eq(put_in(b->t, n, index, len), 0);
}

/* Is the block there?  Then it is right. */
static bool
has_in(struct disk_tier *t, uint64_t n, uint64_t index, size_t len)
{
	struct file_key key = key_of(n);
	unsigned char *got = malloc(len), *want = malloc(len);
	ssize_t ret;

	ret = disk_tier_read(t, &key, index, got, len);
	if (ret != -ENOENT) {
		ck_assert_int_eq(ret, (ssize_t)len);
		fill(want, n, index, len);
		ck_assert_int_eq(memcmp(got, want, len), 0);
	}
	free(got);
	free(want);
	return ret >= 0;
}

static bool
has(struct bench *b, uint64_t n, uint64_t index, size_t len)
{
	return has_in(b->t, n, index, len);
}

/* --- the files behind ------------------------------------------------------------ */

/* The path of the file of block (n, index); valid until the next call.  There is at
 * most one: the scope is not asked for. */
static const char *
path_of(struct bench *b, uint64_t n, uint64_t index)
{
	static char path[600];
	struct file_key key = key_of(n);
	char end[80], set[300];
	const struct dirent *e;
	DIR *dir;

	snprintf(end, sizeof(end), "-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64,
	    key.hash[0], key.hash[1], index);
	snprintf(set, sizeof(set), "%s/%02x", b->temp.path,
	    (unsigned)(key.hash[0] & 0xff));
	snprintf(path, sizeof(path), "%s/none", set);
	dir = opendir(set);
	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (text_ends(e->d_name, end))
			snprintf(path, sizeof(path), "%s/%s", set, e->d_name);
	if (dir != NULL)
		closedir(dir);
	return path;
}

static bool
is_on_disk(struct bench *b, uint64_t n, uint64_t index)
{
	struct stat st;

	return lstat(path_of(b, n, index), &st) == 0;
}

/* As if it had last been used so long ago. */
static void
age_file(const char *path, int64_t seconds)
{
	struct timespec when = { clock_real_ms() / 1000 - seconds, 0 };
	struct timespec times[2] = { when, when };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
age(struct bench *b, uint64_t n, uint64_t index, int64_t seconds)
{
	age_file(path_of(b, n, index), seconds);
}

static struct disk_usage
usage(struct bench *b)
{
	struct disk_usage u;

	disk_tier_usage(b->t, &u);
	return u;
}

static void
write_text(const char *path, const char *text)
{
	ck_assert_int_eq(io_write_file(path, text, strlen(text), 0600), 0);
}

/* --- what is kept ------------------------------------------------------------------ */

static const size_t length_rows[] = { 1, 2, 4047, 4048, 4049, 4096, 65536,
	(1 << 20) - 1, 1 << 20 };

START_TEST(a_block_comes_back_also_after_a_restart)
{
	size_t len = length_rows[_i];
	struct bench b;
	struct stat st;

	umask(0);
	make_bench(&b, 64 * MB);
	ck_assert(!has(&b, 1, 0, len));
	put(&b, 1, 0, len);
	put(&b, 1, UINT64_C(1) << 40, len);
	for (int again = 0; again < 2; again++) {
		ck_assert(has(&b, 1, 0, len));
		ck_assert(has(&b, 1, UINT64_C(1) << 40, len));
		ck_assert(!has(&b, 1, 1, len));
		ck_assert(!has(&b, 2, 0, len));
		reopen(&b);
	}
	ck_assert_int_eq(stat(path_of(&b, 1, 0), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(counter_get(CTR_disk_cache_hits_total), 4);
	ck_assert_int_eq(counter_get(CTR_disk_cache_misses_total), 5);
	ck_assert_int_eq(counter_get(CTR_disk_cache_damaged_total), 0);
	drop_bench(&b);
}
END_TEST

START_TEST(a_block_written_again_is_the_later_one)
{
	struct file_key key = key_of(1);
	unsigned char got[4];
	struct bench b;

	make_bench(&b, MB);
	ck_assert_int_eq(disk_tier_write(b.t, &key, 0, "old!", 4), 0);
	ck_assert_int_eq(disk_tier_write(b.t, &key, 0, "new!", 4), 0);
	ck_assert_int_eq(disk_tier_read(b.t, &key, 0, got, 4), 4);
	ck_assert_int_eq(memcmp(got, "new!", 4), 0);
	ck_assert_uint_eq(usage(&b).blocks, 1);
	drop_bench(&b);
}
END_TEST

START_TEST(another_scope_sees_its_own_blocks_only)
{
	struct bench b;

	make_bench(&b, MB);
	put(&b, 1, 0, SMALL);
	b.config.scope = "host|1|you";
	reopen(&b);
	ck_assert(!has(&b, 1, 0, SMALL));
	ck_assert_int_eq(counter_get(CTR_disk_cache_damaged_total), 0);
	put(&b, 1, 1, SMALL);
	disk_tier_drop_all(b.t);
	ck_assert(!has(&b, 1, 1, SMALL));
	b.config.scope = "host|1|me";
	reopen(&b);
	ck_assert(has(&b, 1, 0, SMALL));
	drop_bench(&b);
}
END_TEST

START_TEST(dropping_forgets_one_version_or_all)
{
	struct bench b;

	make_bench(&b, MB);
	for (uint64_t i = 0; i < 5; i++) {
		put(&b, 1, i, SMALL);
		put(&b, 2, i, SMALL);
	}
	disk_tier_drop(b.t, &(struct file_key){ { key_of(1).hash[0], 1 } });
	for (uint64_t i = 0; i < 5; i++) {
		ck_assert(!has(&b, 1, i, SMALL));
		ck_assert(has(&b, 2, i, SMALL));
	}
	ck_assert_int_eq(counter_get(CTR_disk_cache_bytes), 5 * PAGE);
	put(&b, 1, 0, SMALL);
	disk_tier_drop_all(b.t);
	ck_assert_uint_eq(usage(&b).blocks, 0);
	ck_assert_int_eq(counter_get(CTR_disk_cache_bytes), 0);
	ck_assert_int_eq(counter_get(CTR_disk_cache_evicted_total), 0);
	drop_bench(&b);
}
END_TEST

/* --- damage -------------------------------------------------------------------------- */

/* The block is not given, counted and gone; it can be kept again. */
static void
expect_damage(struct bench *b, int64_t so_far)
{
	ck_assert(!has(b, 1, 0, SMALL));
	ck_assert_int_eq(counter_get(CTR_disk_cache_damaged_total), so_far + 1);
	ck_assert(!is_on_disk(b, 1, 0));
	put(b, 1, 0, SMALL);
	ck_assert(has(b, 1, 0, SMALL));
}

START_TEST(a_flipped_bit_is_found_wherever_it_is)
{
	struct bench b;

	make_bench(&b, MB);
	put(&b, 1, 0, SMALL);
	for (int i = 0; i < HEAD + SMALL; i++) {
		int fd = open(path_of(&b, 1, 0), O_RDWR);
		unsigned char c;

		ck_assert_int_eq(pread(fd, &c, 1, i), 1);
		c ^= (unsigned char)(1 << i % 8);
		ck_assert_int_eq(pwrite(fd, &c, 1, i), 1);
		close(fd);
		expect_damage(&b, i);
	}
	drop_bench(&b);
}
END_TEST

START_TEST(a_wrong_length_is_found)
{
	struct bench b;

	make_bench(&b, MB);
	put(&b, 1, 0, SMALL);
	for (int i = 0; i <= HEAD + SMALL; i++) {
		/* Every shorter one, and one that is longer. */
		off_t size = i < HEAD + SMALL ? i : i + 1;

		ck_assert_int_eq(truncate(path_of(&b, 1, 0), size), 0);
		expect_damage(&b, i);
	}
	/* Whole, but not the length that is asked for. */
	ck_assert(!has(&b, 1, 0, SMALL - 1));
	ck_assert(!is_on_disk(&b, 1, 0));
	drop_bench(&b);
}
END_TEST

/* The end was not written before the power went. */
START_TEST(a_torn_block_is_found)
{
	static const char zeros[HEAD + SMALL];
	struct bench b;

	make_bench(&b, MB);
	for (int i = 0; i < HEAD + SMALL; i++) {
		int fd;

		put(&b, 1, 0, SMALL);
		fd = open(path_of(&b, 1, 0), O_WRONLY);
		ck_assert_int_eq(pwrite(fd, zeros, sizeof(zeros) - (size_t)i, i),
		    (ssize_t)sizeof(zeros) - i);
		close(fd);
		expect_damage(&b, i);
	}
	drop_bench(&b);
}
END_TEST

static const struct {
	uint64_t n, index;
} other_rows[] = { { 2, 0 }, { 1, 1 }, { 257, 0 } };

START_TEST(a_block_is_not_taken_for_another)
{
	char to[600];
	struct bench b;

	make_bench(&b, MB);
	put(&b, 1, 0, SMALL);
	put(&b, other_rows[_i].n, other_rows[_i].index, SMALL);
	snprintf(to, sizeof(to), "%s", path_of(&b, 1, 0));
	ck_assert_int_eq(rename(path_of(&b, other_rows[_i].n,
	    other_rows[_i].index), to), 0);
	expect_damage(&b, 0);
	drop_bench(&b);
}
END_TEST

START_TEST(what_is_no_plain_file_is_not_read)
{
	char target[TEMP_PATH_BYTES], path[600];
	struct bench b;

	make_bench(&b, MB);
	put(&b, 1, 0, SMALL);
	snprintf(path, sizeof(path), "%s", path_of(&b, 1, 0));
	snprintf(target, sizeof(target), "%s", temp_path(&b.temp, "target"));

	/* A link, though what it leads to is whole. */
	ck_assert_int_eq(rename(path, target), 0);
	ck_assert_int_eq(symlink(target, path), 0);
	expect_damage(&b, 0);
	ck_assert_int_eq(access(target, F_OK), 0);

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_damage(&b, 1);
	drop_bench(&b);
}
END_TEST

/* --- room ---------------------------------------------------------------------------- */

START_TEST(what_was_used_last_goes_last)
{
	struct bench b;

	make_bench(&b, 4 * PAGE);
	for (uint64_t n = 1; n <= 4; n++) {
		put(&b, n, 0, SMALL);
		age(&b, n, 0, 1000 - (int64_t)n * 100);
	}
	ck_assert(has(&b, 1, 0, SMALL));
	reopen(&b);
	put(&b, 5, 0, SMALL);
	ck_assert(!has(&b, 2, 0, SMALL));
	for (uint64_t n = 1; n <= 5; n++)
		ck_assert(n == 2 || has(&b, n, 0, SMALL));
	ck_assert_int_eq(counter_get(CTR_disk_cache_evicted_total), 1);
	/* A clock that was wrong once keeps nothing for ever. */
	age(&b, 5, 0, -100000);
	put(&b, 6, 0, SMALL);
	ck_assert(!has(&b, 5, 0, SMALL));
	ck_assert(has(&b, 3, 0, SMALL));
	drop_bench(&b);
}
END_TEST

START_TEST(a_use_is_written_down_once_in_a_while)
{
	int64_t now_s = clock_real_ms() / 1000;
	struct stat st;
	struct bench b;

	make_bench(&b, MB);
	put(&b, 1, 0, SMALL);
	age(&b, 1, 0, DISK_TIER_TOUCH_S / 2);
	ck_assert(has(&b, 1, 0, SMALL));
	ck_assert_int_eq(stat(path_of(&b, 1, 0), &st), 0);
	ck_assert_int_lt(st.st_mtim.tv_sec, now_s);
	age(&b, 1, 0, DISK_TIER_TOUCH_S * 2);
	ck_assert(has(&b, 1, 0, SMALL));
	ck_assert_int_eq(stat(path_of(&b, 1, 0), &st), 0);
	ck_assert_int_ge(st.st_mtim.tv_sec, now_s);
	drop_bench(&b);
}
END_TEST

START_TEST(the_budget_holds_and_the_latest_are_there)
{
	struct bench b;
	unsigned there = 0;

	make_bench(&b, 200 * PAGE);
	for (uint64_t n = 1; n <= 1000; n++) {
		put(&b, n, n % 3, SMALL);
		age(&b, n, n % 3, 2000 - (int64_t)n);
		ck_assert_int_le(counter_get(CTR_disk_cache_bytes), 200 * PAGE);
		if (n % 37 == 0)
			ck_assert_uint_le(usage(&b).bytes, 200 * PAGE);
	}
	for (uint64_t n = 1; n <= 1000; n++) {
		bool is = has(&b, n, n % 3, SMALL);

		ck_assert(is || n <= 1000 - 180);
		there += is;
	}
	ck_assert_uint_le(there, 200);
	ck_assert_uint_eq(usage(&b).blocks, there);
	ck_assert_int_eq(counter_get(CTR_disk_cache_evicted_total),
	    1000 - there);
	drop_bench(&b);
}
END_TEST

/* Regular files below the directory, and how many of them have no name yet. */
static unsigned
count_files(struct bench *b, unsigned *unnamed)
{
	unsigned n = 0;

	*unnamed = 0;
	for (unsigned set = 0; set < 256; set++) {
		const struct dirent *e;
		char path[300];
		DIR *dir;

		snprintf(path, sizeof(path), "%s/%02x", b->temp.path, set);
		dir = opendir(path);
		while (dir != NULL && (e = readdir(dir)) != NULL) {
			n += strlen(e->d_name) > 2;
			*unnamed += strlen(e->d_name) > 2 && e->d_name[0] == '.';
		}
		if (dir != NULL)
			closedir(dir);
	}
	return n;
}

static void
remove_unnamed(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (strlen(e->d_name) > 2 && e->d_name[0] == '.')
			ck_assert_int_eq(unlinkat(dirfd(dir), e->d_name, 0), 0);
	if (dir != NULL)
		closedir(dir);
}

/* Making and removing as many is slow on an ext4. */
START_TEST(the_files_of_blocks_that_go_are_used_again)
{
	ino_t seen[64];
	size_t n_seen = 0;
	unsigned unnamed;
	struct bench b;

	make_bench(&b, 32 * PAGE);
	for (uint64_t n = 1; n <= 500; n++) {
		struct stat st;
		size_t i = 0;

		put(&b, n, 0, SMALL + n % 50);
		age(&b, n, 0, 2000 - (int64_t)n);
		ck_assert_int_eq(stat(path_of(&b, n, 0), &st), 0);
		while (i < n_seen && seen[i] != st.st_ino)
			i++;
		if (i == n_seen)
			seen[n_seen++] = st.st_ino;
		ck_assert_uint_le(n_seen, 32);
		ck_assert(has(&b, n, 0, SMALL + n % 50));
	}
	ck_assert_uint_le(count_files(&b, &unnamed), 32);
	/* Who cleans up may have taken a spare for the rest of a crash. */
	for (unsigned set = 0; set < 256; set++) {
		char path[300];

		snprintf(path, sizeof(path), "%s/%02x", b.temp.path, set);
		remove_unnamed(path);
	}
	for (uint64_t n = 501; n <= 510; n++) {
		put(&b, n, 0, SMALL);
		ck_assert(has(&b, n, 0, SMALL));
	}
	ck_assert_int_eq(counter_get(CTR_disk_cache_damaged_total), 0);
	reopen(&b);
	(void)count_files(&b, &unnamed);
	ck_assert_uint_eq(unnamed, 0);
	drop_bench(&b);
}
END_TEST

/* As cp -al makes it. */
START_TEST(a_second_name_of_a_block_keeps_its_bytes)
{
	char copy[TEMP_PATH_BYTES];
	struct stat st;
	struct bench b;

	make_bench(&b, PAGE);
	snprintf(copy, sizeof(copy), "%s", temp_path(&b.temp, "copy"));
	put(&b, 1, 0, SMALL);
	ck_assert_int_eq(link(path_of(&b, 1, 0), copy), 0);
	put(&b, 2, 0, SMALL / 2);
	ck_assert(!has(&b, 1, 0, SMALL));
	ck_assert(has(&b, 2, 0, SMALL / 2));
	ck_assert_int_eq(stat(copy, &st), 0);
	ck_assert_int_eq(st.st_size, HEAD + SMALL);
	drop_bench(&b);
}
END_TEST

START_TEST(a_block_larger_than_the_budget_is_not_kept)
{
	struct bench b;

	make_bench(&b, PAGE);
	put(&b, 1, 0, SMALL);
	ck_assert_int_eq(put_in(b.t, 2, 0, MB), -ENOSPC);
	ck_assert(has(&b, 1, 0, SMALL));
	ck_assert_int_eq(counter_get(CTR_disk_cache_unkept_total), 1);
	drop_bench(&b);
}
END_TEST

/* More blocks than are looked at one by one. */
#define MANY 20000

START_TEST(of_very_many_about_the_oldest_go)
{
	struct bench b;
	unsigned gone_old = 0;

	make_bench(&b, (uint64_t)MANY * PAGE);
	for (uint64_t n = 1; n <= MANY; n++) {
		put(&b, n, 0, 1);
		age(&b, n, 0, 3 * MANY - (int64_t)n);
	}
	put(&b, MANY + 1, 0, 1);
	for (uint64_t n = 1; n <= MANY; n++) {
		bool is = has(&b, n, 0, 1);

		/* A 16th went; by chance a few more than the oldest. */
		ck_assert(is || n < MANY / 8);
		gone_old += !is;
	}
	ck_assert_uint_ge(gone_old, MANY / 32);
	ck_assert(has(&b, MANY + 1, 0, 1));
	drop_bench(&b);
}
END_TEST

START_TEST(nothing_else_is_ever_deleted)
{
	/* One that is right but for its directory. */
	static const char misplaced[] =
	    "x0/0000000000000000-00000000000000000000000000000000"
	    "-0000000000000000";
	static const char *const others[] = { "journal", "00/data", "00/.hidden",
		"00/0123456789abcdef-0123", "00/.0123456789abcdeg",
		"00/staging-0123456789abcdef", "0000000000000000", misplaced };
	struct bench b;

	make_bench(&b, 2 * PAGE);
	ck_assert_int_eq(io_mkdirs(temp_path(&b.temp, "00"), 0700), 0);
	ck_assert_int_eq(io_mkdirs(temp_path(&b.temp, "x0"), 0700), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		write_text(temp_path(&b.temp, others[i]), "precious");
		age_file(temp_path(&b.temp, others[i]), 1000000);
	}
	for (uint64_t n = 1; n < 20; n++)
		put(&b, n, 0, SMALL);
	disk_tier_drop_all(b.t);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(access(temp_path(&b.temp, others[i]), F_OK) == 0,
		    "%s is gone", others[i]);
	drop_bench(&b);
}
END_TEST

START_TEST(a_subdirectory_elsewhere_is_not_entered)
{
	struct temp_dir elsewhere;
	char set[600];
	struct bench b;

	make_bench(&b, 2 * PAGE);
	temp_dir_make(&elsewhere);
	put(&b, 1, 0, SMALL);
	snprintf(set, sizeof(set), "%s", path_of(&b, 1, 0));
	*strrchr(set, '/') = '\0';
	ck_assert_int_eq(rename(set, temp_path(&elsewhere, "set")), 0);
	ck_assert_int_eq(symlink(temp_path(&elsewhere, "set"), set), 0);
	ck_assert(!has(&b, 1, 0, SMALL));
	ck_assert_int_lt(put_in(b.t, 1, 1, SMALL), 0);
	disk_tier_drop_all(b.t);
	ck_assert_uint_eq(usage(&b).blocks, 0);
	ck_assert_int_eq(unlink(set), 0);
	ck_assert_int_eq(rename(temp_path(&elsewhere, "set"), set), 0);
	ck_assert(has(&b, 1, 0, SMALL));
	/* Nor one that others may look into. */
	ck_assert_int_eq(chmod(set, 0755), 0);
	ck_assert(!has(&b, 1, 0, SMALL));
	temp_dir_remove(&elsewhere);
	drop_bench(&b);
}
END_TEST

/* --- several at once ------------------------------------------------------------------ */

#define WORKERS 6
#define ROUNDS	400
#define FILES	64

struct worker {
	struct disk_tier *t;
	pthread_t thread;
	unsigned seed;
};

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t n = (uint64_t)rand_r(&w->seed) % FILES;
		size_t len = SMALL + n * 100;
		struct file_key key = key_of(n);

		/* With all at the room at once, one may go away empty. */
		if (!has_in(w->t, n, 3, len)) {
			int ret = put_in(w->t, n, 3, len);

			ck_assert(ret == 0 || ret == -ENOSPC);
		}
		if (i % 50 == 0)
			disk_tier_drop(w->t, &key);
		if (i % 99 == 0)
			disk_tier_drop_all(w->t);
	}
	return NULL;
}

START_TEST(two_on_one_directory_give_right_bytes_and_keep_the_budget)
{
	const uint64_t budget = 48 * PAGE;
	struct worker workers[WORKERS];
	struct disk_tier *other;
	struct bench b;

	make_bench(&b, budget);
	ck_assert_int_eq(disk_tier_new(&b.config, &other), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ .t = i % 2 == 0 ? b.t : other,
			.seed = i };
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work,
		    &workers[i]), 0);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
	/* One looks for itself: what the other has added since may be a 16th, and
	 * one block of each thread. */
	ck_assert_uint_le(usage(&b).bytes,
	    budget + budget / 16 + WORKERS * 2 * PAGE);
	ck_assert_int_eq(counter_get(CTR_disk_cache_damaged_total), 0);
	ck_assert_int_lt(counter_get(CTR_disk_cache_unkept_total),
	    WORKERS * ROUNDS / 20);
	ck_assert_int_gt(counter_get(CTR_disk_cache_hits_total),
	    WORKERS * ROUNDS / 20);
	disk_tier_free(other);
	drop_bench(&b);
}
END_TEST

/* Writes blocks until it is killed. */
static void
write_for_ever(const struct disk_config *config, unsigned seed)
{
	struct disk_tier *t;

	if (disk_tier_new(config, &t) < 0)
		_exit(1);
	for (;;) {
		uint64_t n = (uint64_t)rand_r(&seed) % 8;

		if (put_in(t, n, 0, n % 2 == 0 ? MB : SMALL) < 0)
			_exit(1);
	}
}

START_TEST(a_kill_at_any_instant_leaves_whole_blocks)
{
	unsigned seed = 7, found = 0;
	struct bench b;

	make_bench(&b, 6 * MB);
	for (unsigned round = 0; round < 60; round++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			write_for_ever(&b.config, round);
		usleep((useconds_t)rand_r(&seed) % 20000);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		for (uint64_t n = 0; n < 8; n++)
			found += has(&b, n, 0, n % 2 == 0 ? MB : SMALL);
		ck_assert_int_eq(counter_get(CTR_disk_cache_damaged_total), 0);
	}
	ck_assert_uint_gt(found, 60);
	drop_bench(&b);
}
END_TEST

START_TEST(what_a_kill_left_half_is_removed_in_time)
{
	char left[TEMP_PATH_BYTES];
	struct bench b;

	make_bench(&b, MB);
	put(&b, 1, 0, SMALL);
	ck_assert_int_eq(io_mkdirs(temp_path(&b.temp, "07"), 0700), 0);
	snprintf(left, sizeof(left), "%s",
	    temp_path(&b.temp, "07/.0123456789abcdef"));
	write_text(left, "half");
	/* Somebody may still be writing it. */
	ck_assert_uint_eq(usage(&b).blocks, 1);
	ck_assert_int_eq(access(left, F_OK), 0);
	age_file(left, DISK_TIER_TEMP_S + 10);
	ck_assert_uint_eq(usage(&b).blocks, 1);
	ck_assert_int_eq(access(left, F_OK), -1);
	drop_bench(&b);
}
END_TEST

/* --- full and broken disks ------------------------------------------------------------- */

static bool
mount_small(const struct bench *b, const char *options)
{
	return mount("tmpfs", b->temp.path, "tmpfs", 0, options) == 0;
}

static void
make_bench_on_small(struct bench *b, uint64_t budget, const char *options)
{
	make_bench(b, budget);
	disk_tier_free(b->t);
	ck_assert(mount_small(b, options));
	open_tier(b);
}

static void
drop_bench_on_small(struct bench *b)
{
	disk_tier_free(b->t);
	ck_assert_int_eq(umount2(b->temp.path, MNT_DETACH), 0);
	free(b->bytes);
	temp_dir_remove(&b->temp);
}

static uint64_t
free_bytes(const struct bench *b)
{
	struct statvfs st;

	ck_assert_int_eq(statvfs(b->temp.path, &st), 0);
	return (uint64_t)st.f_bavail * st.f_frsize;
}

START_TEST(on_a_full_disk_older_blocks_make_room)
{
	struct bench b;

	if (geteuid() != 0)
		return;
	make_bench_on_small(&b, 64 * MB, "size=3m,mode=700");
	for (uint64_t n = 1; n <= 10; n++) {
		put(&b, n, 0, MB);
		ck_assert(has(&b, n, 0, MB));
		age(&b, n, 0, 1000 - (int64_t)n);
	}
	ck_assert(has(&b, 9, 0, MB));
	ck_assert_int_eq(counter_get(CTR_disk_cache_damaged_total), 0);
	drop_bench_on_small(&b);
}
END_TEST

START_TEST(when_others_have_filled_the_disk_nothing_is_kept)
{
	char block[PAGE] = "x";
	struct bench b;
	int fd;

	if (geteuid() != 0)
		return;
	make_bench_on_small(&b, 64 * MB, "size=2m,mode=700");
	put(&b, 1, 0, MB);
	fd = open(temp_path(&b.temp, "filler"), O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
	/* What was there stays as long as it helps nobody to give it up. */
	ck_assert(has(&b, 1, 0, MB));
	put(&b, 2, 0, MB);
	ck_assert(!has(&b, 1, 0, MB));
	fd = open(temp_path(&b.temp, "filler"), O_WRONLY | O_APPEND);
	disk_tier_drop_all(b.t);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
	ck_assert_int_eq(put_in(b.t, 3, 0, MB), -ENOSPC);
	ck_assert_int_eq(put_in(b.t, 3, 0, 1), -ENOSPC);
	ck_assert(!has(&b, 3, 0, MB));
	ck_assert_int_eq(counter_get(CTR_disk_cache_unkept_total), 2);
	ck_assert_int_eq(unlink(temp_path(&b.temp, "filler")), 0);
	put(&b, 3, 0, MB);
	ck_assert(has(&b, 3, 0, MB));
	drop_bench_on_small(&b);
}
END_TEST

/* As with a quota: the disk says that there is room, and then there is none. */
START_TEST(when_the_disk_promises_too_much_older_blocks_make_room)
{
	struct bench b;

	if (geteuid() != 0)
		return;
	make_bench_on_small(&b, 64 * MB, "size=64m,nr_inodes=10,mode=700");
	for (uint64_t n = 0; n < 40; n++)
		(void)put_in(b.t, 256 * n, 0, SMALL);
	ck_assert_uint_gt(usage(&b).blocks, 0);
	ck_assert_int_gt(counter_get(CTR_disk_cache_evicted_total), 0);
	ck_assert_int_eq(counter_get(CTR_disk_cache_damaged_total), 0);
	drop_bench_on_small(&b);
}
END_TEST

/* Files are scarce, not bytes. */
START_TEST(what_is_given_to_others_is_files_too)
{
	struct bench b;
	struct stat st;
	unsigned tries = 0;
	int fd;

	if (geteuid() != 0)
		return;
	make_bench_on_small(&b, 64 * MB, "size=64m,nr_inodes=12,mode=700");
	ck_assert_int_eq(stat(b.temp.path, &st), 0);
	for (uint64_t n = 0; put_in(b.t, 256 * n, 0, SMALL) == 0; n++)
		ck_assert_uint_lt(n, 12);
	/* A subdirectory and a block. */
	while (put_in(b.t, 1, 0, SMALL) < 0)
		ck_assert_uint_lt(tries++, 4);
	while ((fd = open(temp_path(&b.temp, "filler"), O_CREAT | O_EXCL, 0600)) < 0)
		ck_assert(disk_tier_give(b.t, st.st_dev, SMALL));
	close(fd);
	drop_bench_on_small(&b);
}
END_TEST

/* As where a sandbox, or a mount, is in the way. */
START_TEST(a_file_that_cannot_be_moved_is_no_loss)
{
	char set[TEMP_PATH_BYTES];
	struct bench b;

	if (geteuid() != 0)
		return;
	make_bench(&b, PAGE);
	put(&b, 2, 0, SMALL);
	snprintf(set, sizeof(set), "%s", path_of(&b, 2, 0));
	*strrchr(set, '/') = '\0';
	ck_assert_int_eq(mount(set, set, NULL, MS_BIND, NULL), 0);
	put(&b, 1, 0, SMALL);
	put(&b, 2, 0, SMALL);
	ck_assert(has(&b, 2, 0, SMALL));
	ck_assert_int_eq(umount2(set, MNT_DETACH), 0);
	drop_bench(&b);
}
END_TEST

START_TEST(the_floor_stays_free_for_others)
{
	struct bench b;

	if (geteuid() != 0)
		return;
	make_bench_on_small(&b, 64 * MB, "size=8m,mode=700");
	b.config.floor = 4 * MB;
	reopen(&b);
	for (uint64_t n = 1; n <= 20; n++) {
		put(&b, n, 0, MB);
		ck_assert_uint_ge(free_bytes(&b), 4 * MB);
	}
	ck_assert_uint_ge(usage(&b).blocks, 2);
	b.config.floor = 9 * MB;
	reopen(&b);
	ck_assert_int_eq(put_in(b.t, 30, 0, MB), -ENOSPC);
	ck_assert_uint_eq(usage(&b).blocks, 0);
	drop_bench_on_small(&b);
}
END_TEST

START_TEST(a_read_only_disk_is_read)
{
	struct bench b;

	if (geteuid() != 0)
		return;
	make_bench_on_small(&b, 64 * MB, "size=8m,mode=700");
	put(&b, 1, 0, SMALL);
	age(&b, 1, 0, 1000);
	ck_assert_int_eq(mount(NULL, b.temp.path, NULL, MS_REMOUNT | MS_RDONLY,
	    NULL), 0);
	reopen(&b);
	ck_assert(has(&b, 1, 0, SMALL));
	ck_assert_int_eq(put_in(b.t, 1, 1, SMALL), -EROFS);
	ck_assert(!has(&b, 1, 1, SMALL));
	drop_bench_on_small(&b);
}
END_TEST

/* --- which directory ------------------------------------------------------------------- */

static int
try_open(const char *dir)
{
	const struct disk_config config = { .dir = dir, .budget = MB,
		.scope = "x" };
	struct disk_tier *t;
	int ret = disk_tier_new(&config, &t);

	if (ret == 0)
		disk_tier_free(t);
	return ret;
}

START_TEST(an_unsafe_directory_is_refused)
{
	struct temp_dir temp;

	temp_dir_make(&temp);
	ck_assert_int_eq(try_open(temp.path), 0);
	ck_assert_int_eq(chmod(temp.path, 0750), 0);
	ck_assert_int_eq(try_open(temp.path), -EPERM);
	ck_assert_int_eq(chmod(temp.path, 0701), 0);
	ck_assert_int_eq(try_open(temp.path), -EPERM);
	ck_assert_int_eq(chmod(temp.path, 0700), 0);
	ck_assert_int_eq(symlink(temp.path, temp_path(&temp, "link")), 0);
	ck_assert_int_eq(try_open(temp_path(&temp, "link")), -EPERM);
	ck_assert_int_eq(try_open(temp_path(&temp, "format")), -EPERM);
	ck_assert_int_eq(try_open(temp_path(&temp, "none")), -ENOENT);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(temp.path, 65534, 65534), 0);
		ck_assert_int_eq(try_open(temp.path), -EPERM);
	}
	temp_dir_remove(&temp);
}
END_TEST

static const struct {
	const char *text;
	int want;
} format_rows[] = {
	{ "1\n", 0 },
	{ "1", 0 },
	{ "", 0 },
	{ "2\n", -EPROTONOSUPPORT },
	{ "10\n", -EPROTONOSUPPORT },
	{ "99999999999999999999999\n", -EPROTONOSUPPORT },
	{ "one\n", -EPROTONOSUPPORT },
	{ "\n", -EPROTONOSUPPORT },
};

START_TEST(a_newer_format_is_refused_and_stays)
{
	struct buf text;
	struct bench b;

	make_bench(&b, MB);
	put(&b, 1, 0, SMALL);
	write_text(temp_path(&b.temp, "format"), format_rows[_i].text);
	ck_assert_int_eq(try_open(b.temp.path), format_rows[_i].want);
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(io_read_file(temp_path(&b.temp, "format"), &text), 0);
	ck_assert_str_eq(buf_text(&text),
	    *format_rows[_i].text != '\0' ? format_rows[_i].text : "1\n");
	buf_release(&text);
	ck_assert(is_on_disk(&b, 1, 0));
	drop_bench(&b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_block_comes_back_also_after_a_restart, length_rows),
	UNIT(a_block_written_again_is_the_later_one),
	UNIT(another_scope_sees_its_own_blocks_only),
	UNIT(dropping_forgets_one_version_or_all),
	UNIT(a_flipped_bit_is_found_wherever_it_is),
	UNIT(a_wrong_length_is_found),
	UNIT(a_torn_block_is_found),
	UNIT_ROWS(a_block_is_not_taken_for_another, other_rows),
	UNIT(what_is_no_plain_file_is_not_read),
	UNIT(what_was_used_last_goes_last),
	UNIT(a_use_is_written_down_once_in_a_while),
	UNIT(the_budget_holds_and_the_latest_are_there),
	UNIT(the_files_of_blocks_that_go_are_used_again),
	UNIT(a_second_name_of_a_block_keeps_its_bytes),
	UNIT(a_block_larger_than_the_budget_is_not_kept),
	UNIT(of_very_many_about_the_oldest_go),
	UNIT(nothing_else_is_ever_deleted),
	UNIT(a_subdirectory_elsewhere_is_not_entered),
	UNIT(two_on_one_directory_give_right_bytes_and_keep_the_budget),
	UNIT(a_kill_at_any_instant_leaves_whole_blocks),
	UNIT(what_a_kill_left_half_is_removed_in_time),
	UNIT(on_a_full_disk_older_blocks_make_room),
	UNIT(when_others_have_filled_the_disk_nothing_is_kept),
	UNIT(when_the_disk_promises_too_much_older_blocks_make_room),
	UNIT(what_is_given_to_others_is_files_too),
	UNIT(a_file_that_cannot_be_moved_is_no_loss),
	UNIT(the_floor_stays_free_for_others),
	UNIT(a_read_only_disk_is_read),
	UNIT(an_unsafe_directory_is_refused),
	UNIT_ROWS(a_newer_format_is_refused_and_stays, format_rows),
};

UNIT_MAIN("disk_tier", tests)
