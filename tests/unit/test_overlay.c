/* cache/overlay: times and bits that the service does not keep. */
#include <string.h>

#include "base/text.h"
#include "cache/overlay.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

struct bench {
	struct temp_dir temp;
	char path[TEMP_PATH_BYTES];
	struct overlay *overlay;
};

static void
bench_make(struct bench *b)
{
	temp_dir_make(&b->temp);
	text_copy(b->path, sizeof(b->path), temp_path(&b->temp, "overlay"));
	ck_assert_int_eq(overlay_new(b->path, &b->overlay), 0);
}

static void
bench_again(struct bench *b)
{
	overlay_free(b->overlay);
	ck_assert_int_eq(overlay_new(b->path, &b->overlay), 0);
}

static void
bench_drop(struct bench *b)
{
	overlay_free(b->overlay);
	temp_dir_remove(&b->temp);
}

static struct entry *
file(const char *path, int64_t mtime_ms, uint64_t size, uint64_t gen)
{
	struct version version = { mtime_ms, size, gen };

	return entry_new(NULL, "dbfs", ENTRY_FILE, path, path, &version);
}

static struct entry *
dir(const char *path)
{
	return entry_new(NULL, "dbfs", ENTRY_DIR, path, path, NULL);
}

/* e is shown with that second; 0: with nothing. */
static void
set(struct bench *b, struct entry *e, time_t sec)
{
	struct overlay_attr attr = { .has_mtime = sec != 0,
		.mtime = { sec, 123456789 } };

	overlay_set(b->overlay, e, &attr);
	entry_unref(e);
}

static void
expect(struct bench *b, struct entry *e, time_t sec)
{
	struct overlay_attr attr = { 0 };
	bool found = overlay_get(b->overlay, e, &attr);

	ck_assert_int_eq(found, sec != 0);
	ck_assert_int_eq(attr.mtime.tv_sec, sec);
	ck_assert_int_eq(attr.mtime.tv_nsec, sec != 0 ? 123456789 : 0);
	entry_unref(e);
}

START_TEST(what_is_set_is_shown_for_that_version_only)
{
	struct bench b;

	bench_make(&b);
	set(&b, file("/a", 1000, 5, 0), 42);
	for (int again = 0; again < 2; again++) {
		expect(&b, file("/a", 1000, 5, 0), 42);
		expect(&b, file("/a", 1001, 5, 0), 0);
		expect(&b, file("/a", 1000, 6, 0), 0);
		expect(&b, file("/b", 1000, 5, 0), 0);
		bench_again(&b);
	}
	bench_drop(&b);
}
END_TEST

START_TEST(an_upload_of_ours_keeps_its_time_when_the_service_shows_it)
{
	struct bench b;

	bench_make(&b);
	set(&b, file("/a", 100000, 5, 3), 42);
	expect(&b, file("/a", 100000, 5, 3), 42);
	expect(&b, file("/a", 99000, 5, 0), 42);
	bench_again(&b);
	expect(&b, file("/a", 99000, 5, 0), 42);
	expect(&b, file("/a", 60000, 5, 0), 0);
	bench_drop(&b);
}
END_TEST

START_TEST(the_execute_bit_and_old_times_survive)
{
	struct overlay_attr attr = { .executable = true };
	struct entry *e = file("/a", 1000, 5, 0), *f = file("/b", 1, 1, 0);
	struct bench b;

	bench_make(&b);
	overlay_set(b.overlay, e, &attr);
	attr = (struct overlay_attr){ .has_mtime = true,
		.mtime = { -1, 999999999 } };
	overlay_set(b.overlay, f, &attr);
	bench_again(&b);
	ck_assert(overlay_get(b.overlay, e, &attr));
	ck_assert(attr.executable && !attr.has_mtime);
	ck_assert(overlay_get(b.overlay, f, &attr));
	ck_assert_int_eq(attr.mtime.tv_sec, -1);
	ck_assert_int_eq(attr.mtime.tv_nsec, 999999999);
	ck_assert(!attr.executable);
	entry_unref(e);
	entry_unref(f);
	bench_drop(&b);
}
END_TEST

START_TEST(nothing_to_show_forgets)
{
	struct bench b;

	bench_make(&b);
	set(&b, file("/a", 1000, 5, 0), 42);
	set(&b, file("/a", 1000, 5, 0), 0);
	expect(&b, file("/a", 1000, 5, 0), 0);
	bench_again(&b);
	expect(&b, file("/a", 1000, 5, 0), 0);
	bench_drop(&b);
}
END_TEST

START_TEST(a_directory_is_shown_whatever_its_version)
{
	struct bench b;

	bench_make(&b);
	set(&b, dir("/d"), 42);
	bench_again(&b);
	expect(&b, dir("/d"), 42);
	bench_drop(&b);
}
END_TEST

START_TEST(a_moved_file_takes_its_row_along)
{
	struct entry *from = file("/a", 1000, 5, 0), *to = file("/b", 1000, 5, 0);
	struct bench b;

	bench_make(&b);
	set(&b, file("/a", 1000, 5, 0), 42);
	set(&b, file("/b", 1000, 5, 0), 43);
	overlay_move(b.overlay, from, to);
	for (int again = 0; again < 2; again++) {
		expect(&b, file("/a", 1000, 5, 0), 0);
		expect(&b, file("/b", 1000, 5, 0), 42);
		bench_again(&b);
	}
	/* What has no row leaves none behind. */
	overlay_move(b.overlay, from, to);
	expect(&b, file("/b", 1000, 5, 0), 0);
	entry_unref(from);
	entry_unref(to);
	bench_drop(&b);
}
END_TEST

START_TEST(a_moved_directory_takes_all_below_it_and_no_neighbour)
{
	struct entry *from = dir("/d"), *to = dir("/x/e");
	struct bench b;
	char path[32];

	bench_make(&b);
	set(&b, dir("/d"), 1);
	set(&b, dir("/dd"), 2);
	set(&b, file("/d-", 9, 9, 0), 3);
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof path, "/d/f%d/g", i);
		set(&b, file(path, 9, 9, 0), 1000 + i);
	}
	overlay_move(b.overlay, from, to);
	for (int again = 0; again < 2; again++) {
		expect(&b, dir("/d"), 0);
		expect(&b, dir("/x/e"), 1);
		expect(&b, dir("/dd"), 2);
		expect(&b, file("/d-", 9, 9, 0), 3);
		for (int i = 0; i < 200; i++) {
			snprintf(path, sizeof path, "/d/f%d/g", i);
			expect(&b, file(path, 9, 9, 0), 0);
			snprintf(path, sizeof path, "/x/e/f%d/g", i);
			expect(&b, file(path, 9, 9, 0), 1000 + i);
		}
		bench_again(&b);
	}
	entry_unref(from);
	entry_unref(to);
	bench_drop(&b);
}
END_TEST

START_TEST(dropping_a_directory_drops_all_below_it)
{
	struct entry *root = dir("/"), *d = dir("/d");
	struct bench b;

	bench_make(&b);
	set(&b, file("/d/a", 9, 9, 0), 1);
	set(&b, file("/dd", 9, 9, 0), 2);
	overlay_drop(b.overlay, d);
	expect(&b, file("/d/a", 9, 9, 0), 0);
	expect(&b, file("/dd", 9, 9, 0), 2);
	overlay_drop(b.overlay, root);
	expect(&b, file("/dd", 9, 9, 0), 0);
	bench_again(&b);
	expect(&b, file("/dd", 9, 9, 0), 0);
	entry_unref(root);
	entry_unref(d);
	bench_drop(&b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_is_set_is_shown_for_that_version_only),
	UNIT(an_upload_of_ours_keeps_its_time_when_the_service_shows_it),
	UNIT(the_execute_bit_and_old_times_survive),
	UNIT(nothing_to_show_forgets),
	UNIT(a_directory_is_shown_whatever_its_version),
	UNIT(a_moved_file_takes_its_row_along),
	UNIT(a_moved_directory_takes_all_below_it_and_no_neighbour),
	UNIT(dropping_a_directory_drops_all_below_it),
};

UNIT_MAIN("overlay", tests)
