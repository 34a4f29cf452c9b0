/* cache/staging: content that was written here. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "cache/staging.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

#define MB ((size_t)1 << 20)

struct area {
	struct temp_dir temp;
	struct staging *staging;
	struct call call;
	bool interrupt;
	/* The base content: size bytes, each a function of its offset. */
	uint64_t base_bytes;
	unsigned fetches;
	int fail;
	size_t short_by;
	struct source source;
};

static char
base_byte(uint64_t off)
{
	return (char)('a' + (off + off / 1000) % 26);
}

static ssize_t
base_read(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	struct area *a = ctx;

	(void)call;
	a->fetches++;
	if (a->fail != 0)
		return a->fail;
	if (off >= a->base_bytes)
		return 0;
	if (len > a->base_bytes - off)
		len = (size_t)(a->base_bytes - off);
	len -= a->short_by;
	for (size_t i = 0; i < len; i++)
		((char *)dst)[i] = base_byte(off + i);
	return (ssize_t)len;
}

static bool
is_set(void *arg)
{
	return __atomic_load_n((bool *)arg, __ATOMIC_RELAXED);
}

static void
area_make(struct area *a)
{
	*a = (struct area){ .fetches = 0 };
	a->call = (struct call){ .op = "test", .interrupted = is_set,
		.arg = &a->interrupt };
	a->source = (struct source){ .read = base_read, .ctx = a };
	temp_dir_make(&a->temp);
	ck_assert_int_eq(staging_new(a->temp.path, &a->staging), 0);
}

static void
area_drop(struct area *a)
{
	staging_free(a->staging);
	ck_assert_int_eq(counter_get(CTR_staging_files), 0);
	temp_dir_remove(&a->temp);
}

static struct staged *
make(struct area *a, uint64_t base_bytes)
{
	struct staged *f;

	a->base_bytes = base_bytes;
	ck_assert_int_eq(staged_new(a->staging, base_bytes, &f), 0);
	return f;
}

static void
put(struct area *a UNUSED, struct staged *f, uint64_t off, const char *text)
{
	ck_assert_int_eq(staged_write(f, off, text, strlen(text)), 0);
}

static void
expect(struct area *a, struct staged *f, uint64_t off, const char *bytes,
    size_t len)
{
	char got[512];

	ck_assert_uint_lt(len, sizeof(got));
	ck_assert_int_eq(staged_read(f, &a->call, &a->source, off, got,
	    sizeof(got) < len ? sizeof(got) : len), (ssize_t)len);
	ck_assert_mem_eq(got, bytes, len);
}

/* --- the directory ------------------------------------------------------------ */

START_TEST(a_directory_open_to_others_is_refused)
{
	struct staging *s;
	struct temp_dir t;

	temp_dir_make(&t);
	ck_assert_int_eq(chmod(t.path, 0750), 0);
	ck_assert_int_eq(staging_new(t.path, &s), -EPERM);
	ck_assert_int_eq(chmod(t.path, 0700), 0);
	ck_assert_int_eq(symlink(t.path, temp_path(&t, "link")), 0);
	ck_assert_int_eq(staging_new(t.file, &s), -EPERM);
	ck_assert_int_eq(staging_new(temp_path(&t, "none"), &s), -ENOENT);
	temp_dir_remove(&t);
}
END_TEST

START_TEST(a_file_is_private_and_gone_with_its_last_user)
{
	struct area a;
	struct staged *f;
	struct stat st;
	char *path;

	area_make(&a);
	(void)umask(0);
	f = make(&a, 0);
	path = strdup(staged_path(f));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
	(void)staged_ref(f);
	staged_unref(f);
	ck_assert_int_eq(access(path, F_OK), 0);
	staged_unref(f);
	ck_assert_int_eq(access(path, F_OK), -1);
	free(path);
	area_drop(&a);
}
END_TEST

START_TEST(a_kept_file_is_found_again_by_its_number)
{
	struct area a;
	struct staged *f;
	uint64_t number;

	area_make(&a);
	f = make(&a, 0);
	put(&a, f, 0, "hello");
	number = staged_number(f);
	staged_keep(f, true);
	staged_unref(f);
	staging_free(a.staging);
	ck_assert_int_eq(staging_new(a.temp.path, &a.staging), 0);
	ck_assert_int_eq(staged_reopen(a.staging, number + 1, NULL, &f), -ENOENT);
	ck_assert_int_eq(staged_reopen(a.staging, number, NULL, &f), 0);
	ck_assert(staged_complete(f));
	ck_assert_uint_eq(staged_size(f), 5);
	expect(&a, f, 0, "hello", 5);
	/* Looking at it does not use it up. */
	staged_unref(f);
	ck_assert_int_eq(staged_reopen(a.staging, number, NULL, &f), 0);
	staged_keep(f, false);
	staged_unref(f);
	ck_assert_int_eq(staged_reopen(a.staging, number, NULL, &f), -ENOENT);
	area_drop(&a);
}
END_TEST

START_TEST(a_number_on_disk_is_not_given_out_again)
{
	struct area a;
	struct staged *f, *g;

	area_make(&a);
	f = make(&a, 0);
	staged_keep(f, true);
	staging_free((staged_unref(f), a.staging));
	ck_assert_int_eq(staging_new(a.temp.path, &a.staging), 0);
	g = make(&a, 0);
	ck_assert_uint_eq(staged_number(g), 2);
	staged_unref(g);
	area_drop(&a);
}
END_TEST

static void
touch(struct temp_dir *t, const char *name)
{
	ck_assert_int_eq(io_write_file(temp_path(t, name), "x", 1, 0600), 0);
}

/* What was kept of it would be taken for another file's. */
START_TEST(nor_is_one_of_which_only_something_kept_is_left)
{
	struct staged *f;
	struct area a;

	area_make(&a);
	staging_free(a.staging);
	touch(&a.temp, "000007.undo");
	touch(&a.temp, "000009.3.was");
	ck_assert_int_eq(staging_new(a.temp.path, &a.staging), 0);
	f = make(&a, 0);
	ck_assert_uint_eq(staged_number(f), 10);
	staged_unref(f);
	staging_sweep(a.staging);
	area_drop(&a);
}
END_TEST

START_TEST(sweeping_deletes_what_nobody_opened_and_nothing_else)
{
	struct area a;
	struct staged *f, *g;

	area_make(&a);
	staging_free(a.staging);
	touch(&a.temp, "000004.data");
	touch(&a.temp, "000007.data");
	touch(&a.temp, "notes.txt");
	touch(&a.temp, "0x9.data");
	ck_assert_int_eq(staging_new(a.temp.path, &a.staging), 0);
	ck_assert_int_eq(staged_reopen(a.staging, 7, NULL, &f), 0);
	g = make(&a, 0);
	staging_sweep(a.staging);
	ck_assert_int_eq(access(temp_path(&a.temp, "000004.data"), F_OK), -1);
	ck_assert_int_eq(access(temp_path(&a.temp, "000007.data"), F_OK), 0);
	ck_assert_int_eq(access(temp_path(&a.temp, "notes.txt"), F_OK), 0);
	ck_assert_int_eq(access(temp_path(&a.temp, "0x9.data"), F_OK), 0);
	ck_assert_int_eq(access(staged_path(g), F_OK), 0);
	staged_unref(f);
	staged_unref(g);
	area_drop(&a);
}
END_TEST

START_TEST(a_link_planted_in_the_directory_is_not_followed)
{
	struct area a;
	struct staged *f;

	area_make(&a);
	ck_assert_int_eq(symlink("/etc/passwd", temp_path(&a.temp,
	    "000009.data")), 0);
	ck_assert_int_eq(staged_reopen(a.staging, 9, NULL, &f), -ELOOP);
	ck_assert_int_eq(symlink("/tmp/brickfs-planted", temp_path(&a.temp,
	    "000001.data")), 0);
	ck_assert_int_eq(staged_new(a.staging, 0, &f), -EEXIST);
	ck_assert_int_eq(access("/tmp/brickfs-planted", F_OK), -1);
	area_drop(&a);
}
END_TEST

/* --- content ------------------------------------------------------------------ */

START_TEST(holes_of_a_new_file_are_zeros)
{
	struct area a;
	struct staged *f;

	area_make(&a);
	f = make(&a, 0);
	put(&a, f, 5, "x");
	ck_assert_uint_eq(staged_size(f), 6);
	ck_assert(staged_complete(f));
	expect(&a, f, 0, "\0\0\0\0\0x", 6);
	ck_assert_uint_eq(a.fetches, 0);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

START_TEST(unread_is_never_taken_for_zero)
{
	struct area a;
	struct staged *f;
	struct stat st;
	char want[8];

	area_make(&a);
	f = make(&a, 3 * MB);
	ck_assert(!staged_complete(f));
	put(&a, f, MB + 3, "XY");
	for (unsigned i = 0; i < 8; i++)
		want[i] = base_byte(MB + i);
	want[3] = 'X';
	want[4] = 'Y';
	expect(&a, f, MB, want, 8);
	/* What is before and what is behind. */
	ck_assert_uint_eq(a.fetches, 2);
	/* Reading took no room. */
	ck_assert(!staged_complete(f));
	ck_assert_int_eq(stat(staged_path(f), &st), 0);
	ck_assert_int_le(st.st_blocks, 8);
	ck_assert_int_eq(staged_fetch_all(f, &a.call, &a.source), 0);
	ck_assert_uint_eq(a.fetches, 5);
	ck_assert(staged_complete(f));
	expect(&a, f, MB, want, 8);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

START_TEST(a_source_that_fails_or_is_short_is_an_error)
{
	struct area a;
	struct staged *f;
	char c;

	area_make(&a);
	f = make(&a, 100);
	a.fail = -ETIMEDOUT;
	ck_assert_int_eq(staged_read(f, &a.call, &a.source, 0, &c, 1),
	    -ETIMEDOUT);
	a.fail = 0;
	a.short_by = 1;
	ck_assert_int_eq(staged_read(f, &a.call, &a.source, 0, &c, 1), -EIO);
	ck_assert_int_eq(staged_read(f, &a.call, NULL, 0, &c, 1), -EIO);
	ck_assert_int_eq(staged_fetch_all(f, &a.call, &a.source), -EIO);
	ck_assert(!staged_complete(f));
	a.short_by = 0;
	ck_assert_int_eq(staged_read(f, &a.call, &a.source, 99, &c, 1), 1);
	ck_assert_int_eq(c, base_byte(99));
	staged_unref(f);
	area_drop(&a);
}
END_TEST

START_TEST(what_was_cut_off_reads_as_zeros_when_the_file_grows)
{
	struct area a;
	struct staged *f;

	area_make(&a);
	f = make(&a, 10);
	ck_assert_int_eq(staged_truncate(f, 2), 0);
	ck_assert_int_eq(staged_truncate(f, 5), 0);
	expect(&a, f, 0, "ab\0\0\0", 5);
	ck_assert_int_eq(staged_truncate(f, 0), 0);
	ck_assert(staged_complete(f));
	put(&a, f, 3, "z");
	expect(&a, f, 0, "\0\0\0z", 4);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

START_TEST(punching_makes_zeros_that_are_not_fetched)
{
	struct area a;
	struct staged *f;
	int ret;

	area_make(&a);
	f = make(&a, 10);
	ret = staged_punch(f, 2, 3);
	if (ret == 0) {
		expect(&a, f, 0, "ab\0\0\0fghij", 10);
		ck_assert_uint_eq(staged_size(f), 10);
		/* What is here goes as well. */
		ck_assert_int_eq(staged_punch(f, 6, 2), 0);
		expect(&a, f, 0, "ab\0\0\0f\0\0ij", 10);
	} else {
		ck_assert_int_eq(ret, -EOPNOTSUPP);
	}
	staged_unref(f);
	area_drop(&a);
}
END_TEST

START_TEST(allocating_grows_only_when_asked_to)
{
	struct area a;
	struct staged *f;

	area_make(&a);
	f = make(&a, 3);
	ck_assert_int_eq(staged_allocate(f, 0, 100, false), 0);
	ck_assert_uint_eq(staged_size(f), 3);
	ck_assert_int_eq(staged_allocate(f, 0, 6, true), 0);
	expect(&a, f, 0, "abc\0\0\0", 6);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

START_TEST(what_is_at_the_source_counts_as_data)
{
	struct area a;
	struct staged *f;
	uint64_t at;

	area_make(&a);
	f = make(&a, 100);
	ck_assert_int_eq(staged_seek(f, 7, SEEK_DATA, &at), 0);
	ck_assert_uint_eq(at, 7);
	ck_assert_int_eq(staged_seek(f, 7, SEEK_HOLE, &at), 0);
	ck_assert_uint_eq(at, 100);
	ck_assert_int_eq(staged_seek(f, 100, SEEK_DATA, &at), -ENXIO);
	staged_unref(f);
	f = make(&a, 0);
	put(&a, f, MB, "x");
	ck_assert_int_eq(staged_seek(f, 0, SEEK_HOLE, &at), 0);
	ck_assert_uint_eq(at, 0);
	ck_assert_int_eq(staged_seek(f, MB, SEEK_DATA, &at), 0);
	ck_assert_uint_eq(at, MB);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

/* A disk that is full in the middle of a write, by a limit on file sizes. */
START_TEST(a_write_that_fails_leaves_nothing_beyond_the_end)
{
	struct area a;
	struct staged *f;
	struct rlimit old, tight;
	static char big[64 << 10];
	int ret;

	area_make(&a);
	memset(big, 'x', sizeof(big));
	f = make(&a, 0);
	put(&a, f, 0, "abc");
	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = (struct rlimit){ 8 << 10, old.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
	ret = staged_write(f, 4 << 10, big, sizeof(big));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert_int_eq(ret, -EFBIG);
	ck_assert_uint_eq(staged_size(f), 3);
	ck_assert_int_eq(staged_truncate(f, 6 << 10), 0);
	expect(&a, f, 4 << 10, "\0\0\0\0", 4);
	staged_unref(f);

	/* Where a hole was, it is still one. */
	f = make(&a, 20 << 10);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
	ret = staged_write(f, 7 << 10, big, sizeof(big));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert_int_eq(ret, -EFBIG);
	ck_assert_uint_eq(staged_size(f), 20 << 10);
	for (uint64_t off = 7 << 10; off < (20 << 10); off += 512) {
		char c = base_byte(off);

		expect(&a, f, off, &c, 1);
	}
	staged_unref(f);
	area_drop(&a);
}
END_TEST

/* --- freezing ----------------------------------------------------------------- */

struct writer {
	struct area *area;
	struct staged *file;
	struct call call;
	bool interrupt;
	bool done; /* atomic */
	int ret;
	pthread_t thread;
};

static void *
write_one(void *arg)
{
	struct writer *w = arg;

	w->ret = staged_begin(w->file, &w->call);
	if (w->ret == 0) {
		w->ret = staged_write(w->file, 0, "new", 3);
		staged_end(w->file);
	}
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void
writer_start(struct writer *w, struct area *a, struct staged *f)
{
	*w = (struct writer){ .area = a, .file = f };
	w->call = (struct call){ .op = "test", .interrupted = is_set,
		.arg = &w->interrupt };
	ck_assert_int_eq(pthread_create(&w->thread, NULL, write_one, w), 0);
}

START_TEST(a_frozen_file_does_not_change_until_it_is_thawed)
{
	struct area a;
	struct staged *f;
	struct writer w;

	area_make(&a);
	f = make(&a, 0);
	put(&a, f, 0, "old");
	staged_freeze(f);
	staged_freeze(f);
	writer_start(&w, &a, f);
	staged_thaw(f);
	usleep(50000);
	ck_assert(!__atomic_load_n(&w.done, __ATOMIC_ACQUIRE));
	expect(&a, f, 0, "old", 3);
	staged_thaw(f);
	ck_assert_int_eq(pthread_join(w.thread, NULL), 0);
	ck_assert_int_eq(w.ret, 0);
	expect(&a, f, 0, "new", 3);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

START_TEST(one_who_waits_for_the_thaw_can_be_interrupted)
{
	struct area a;
	struct staged *f;
	struct writer w;

	area_make(&a);
	f = make(&a, 0);
	put(&a, f, 0, "old");
	staged_freeze(f);
	writer_start(&w, &a, f);
	__atomic_store_n(&w.interrupt, true, __ATOMIC_RELAXED);
	ck_assert_int_eq(pthread_join(w.thread, NULL), 0);
	ck_assert_int_eq(w.ret, -EINTR);
	staged_thaw(f);
	expect(&a, f, 0, "old", 3);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

/* --- at random ------------------------------------------------------------------ */

#define MODEL_BYTES (3 * MB + 12345)

START_TEST(random_changes_give_what_an_array_gives)
{
	struct area a;
	struct staged *f;
	char *model = calloc(1, MODEL_BYTES), *got = malloc(MODEL_BYTES);
	unsigned seed = (unsigned)_i;
	size_t size;

	area_make(&a);
	size = (size_t)rand_r(&seed) % MODEL_BYTES;
	f = make(&a, size);
	for (size_t i = 0; i < size; i++)
		model[i] = base_byte(i);
	for (unsigned step = 0; step < 300; step++) {
		size_t off = (size_t)rand_r(&seed) % MODEL_BYTES;
		size_t len = (size_t)rand_r(&seed) % 70000;
		ssize_t want;

		if (len > MODEL_BYTES - off)
			len = MODEL_BYTES - off;
		switch (rand_r(&seed) % 8) {
		case 0:
		case 1:
		case 2:
			memset(got, (int)step, len);
			ck_assert_int_eq(staged_write(f, off, got,
			    len), 0);
			memset(model + off, (int)step, len);
			if (len > 0 && off + len > size)
				size = off + len;
			break;
		case 3:
			ck_assert_int_eq(staged_truncate(f, off), 0);
			if (off < size)
				memset(model + off, 0, size - off);
			size = off;
			break;
		default:
			want = off >= size ? 0 :
			    (ssize_t)(len < size - off ? len : size - off);
			ck_assert_int_eq(staged_read(f, &a.call, &a.source, off,
			    got, len), want);
			ck_assert_mem_eq(got, model + off, (size_t)want);
		}
		ck_assert_uint_eq(staged_size(f), size);
	}
	ck_assert_int_eq(staged_fetch_all(f, &a.call, &a.source), 0);
	ck_assert_int_eq(staged_read(f, &a.call, NULL, 0, got, MODEL_BYTES),
	    (ssize_t)size);
	ck_assert_mem_eq(got, model, size);
	staged_unref(f);
	free(model);
	free(got);
	area_drop(&a);
}
END_TEST

#define RACE_ROUNDS 200

static void *
fetch_everything(void *arg)
{
	struct writer *w = arg;
	struct source slow = w->area->source;

	w->ret = staged_fetch_all(w->file, &w->call, &slow);
	return NULL;
}

/* A program's write and the fetch of the same place: the write wins. */
START_TEST(a_fetch_never_overwrites_what_was_written)
{
	struct area a;

	area_make(&a);
	for (unsigned i = 0; i < RACE_ROUNDS; i++) {
		struct staged *f = make(&a, 200000);
		struct writer w = { .area = &a, .file = f,
			.call = { .op = "test" } };

		ck_assert_int_eq(pthread_create(&w.thread, NULL,
		    fetch_everything, &w), 0);
		put(&a, f, i * 700, "WRITTEN");
		ck_assert_int_eq(staged_truncate(f, 180000), 0);
		ck_assert_int_eq(pthread_join(w.thread, NULL), 0);
		ck_assert_int_eq(w.ret, 0);
		ck_assert(staged_complete(f));
		expect(&a, f, i * 700, "WRITTEN", 7);
		ck_assert_uint_eq(staged_size(f), 180000);
		staged_unref(f);
	}
	area_drop(&a);
}
END_TEST

/* --- the map, for the journal ------------------------------------------------------- */

START_TEST(a_map_tells_what_is_here)
{
	struct staged_map map;
	struct staged *f;
	uint64_t number;
	struct area a;

	area_make(&a);
	f = make(&a, 100);
	put(&a, f, 10, "ten");
	put(&a, f, 50, "fifty");
	put(&a, f, 98, "beyond");
	ck_assert_int_eq(staged_map_get(f, &map), 0);
	ck_assert_uint_eq(map.base_end, 100);
	ck_assert_uint_eq(map.n, 3);
	ck_assert_uint_eq(map.ranges[1].start, 50);
	ck_assert_uint_eq(map.ranges[2].end, 100);
	number = staged_number(f);
	staged_keep(f, true);
	staged_unref(f);
	ck_assert_int_eq(staged_reopen(a.staging, number, &map, &f), 0);
	ck_assert(!staged_complete(f));
	ck_assert_uint_eq(staged_size(f), 104);
	ck_assert_int_eq(staged_fetch_all(f, &a.call, &a.source), 0);
	expect(&a, f, 10, "ten", 3);
	expect(&a, f, 50, "fifty", 5);
	expect(&a, f, 98, "beyond", 6);
	ck_assert_int_eq(staged_map_get(f, &map), 0);
	ck_assert_uint_eq(map.base_end, 0);
	staged_keep(f, false);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

START_TEST(a_map_of_too_many_pieces_is_refused)
{
	struct staged_map map;
	struct staged *f;
	struct area a;

	area_make(&a);
	f = make(&a, 10000);
	for (unsigned i = 0; i < STAGED_MAP_MAX; i++)
		put(&a, f, 10 * i, "x");
	ck_assert_int_eq(staged_map_get(f, &map), 0);
	put(&a, f, 9990, "x");
	ck_assert_int_eq(staged_map_get(f, &map), -E2BIG);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

START_TEST(what_was_fetched_can_be_forgotten)
{
	struct staged *f;
	struct area a;

	area_make(&a);
	f = make(&a, 100);
	put(&a, f, 10, "ten");
	staged_freeze(f);
	ck_assert_int_eq(staged_mark(f, &a.call), 0);
	ck_assert_int_eq(staged_fetch_all(f, &a.call, &a.source), 0);
	ck_assert(staged_complete(f));
	/* Another one waits for its turn. */
	a.interrupt = true;
	ck_assert_int_eq(staged_mark(f, &a.call), -EINTR);
	a.interrupt = false;
	staged_unmark(f, true);
	ck_assert(!staged_complete(f));
	ck_assert_int_eq(staged_mark(f, &a.call), 0);
	ck_assert_int_eq(staged_fetch_all(f, &a.call, &a.source), 0);
	staged_unmark(f, false);
	ck_assert(staged_complete(f));
	staged_thaw(f);
	expect(&a, f, 10, "ten", 3);
	staged_unref(f);
	area_drop(&a);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_map_tells_what_is_here),
	UNIT(a_map_of_too_many_pieces_is_refused),
	UNIT(what_was_fetched_can_be_forgotten),
	UNIT(a_directory_open_to_others_is_refused),
	UNIT(a_file_is_private_and_gone_with_its_last_user),
	UNIT(a_kept_file_is_found_again_by_its_number),
	UNIT(a_number_on_disk_is_not_given_out_again),
	UNIT(nor_is_one_of_which_only_something_kept_is_left),
	UNIT(sweeping_deletes_what_nobody_opened_and_nothing_else),
	UNIT(a_link_planted_in_the_directory_is_not_followed),
	UNIT(holes_of_a_new_file_are_zeros),
	UNIT(unread_is_never_taken_for_zero),
	UNIT(a_source_that_fails_or_is_short_is_an_error),
	UNIT(what_was_cut_off_reads_as_zeros_when_the_file_grows),
	UNIT(punching_makes_zeros_that_are_not_fetched),
	UNIT(allocating_grows_only_when_asked_to),
	UNIT(what_is_at_the_source_counts_as_data),
	UNIT(a_write_that_fails_leaves_nothing_beyond_the_end),
	UNIT(a_frozen_file_does_not_change_until_it_is_thawed),
	UNIT(one_who_waits_for_the_thaw_can_be_interrupted),
	UNIT_TIMES(random_changes_give_what_an_array_gives, 12),
	UNIT(a_fetch_never_overwrites_what_was_written),
};

UNIT_MAIN("staging", tests)
