/* backend/ws_memory: what is known of workspace objects. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/ws_memory.h"
#include "backend/ws_view.h"
#include "base/jval.h"
#include "base/text.h"
#include "cache/journal.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

struct bench {
	struct temp_dir temp;
	char dir[TEMP_PATH_BYTES];
	struct ws_memory *memory;
};

static void
bench_make(struct bench *b)
{
	temp_dir_make(&b->temp);
	text_copy(b->dir, sizeof(b->dir), temp_path(&b->temp, "workspace"));
	ck_assert_int_eq(ws_memory_new(b->dir, &b->memory), 0);
}

static void
bench_again(struct bench *b)
{
	ws_memory_free(b->memory);
	ck_assert_int_eq(ws_memory_new(b->dir, &b->memory), 0);
}

static void
bench_drop(struct bench *b)
{
	ws_memory_free(b->memory);
	temp_dir_remove(&b->temp);
}

static const char *
text_file(struct bench *b, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "workspace/texts/%s", name);
	return temp_path(&b->temp, path);
}

static void
set(struct bench *b, uint64_t id, int64_t mtime_ms, unsigned form, uint64_t size)
{
	const struct ws_known known = { .form = form, .has_size = true,
		.size = size };

	ws_memory_set(b->memory, id, mtime_ms, &known);
}

static void
keep(struct bench *b, uint64_t id, int64_t mtime_ms, const char *text)
{
	const struct ws_known known = { .form = WS_PYTHON };

	ws_memory_keep(b->memory, id, mtime_ms, &known, text, strlen(text));
}

static void
expect(struct bench *b, uint64_t id, int64_t mtime_ms, unsigned form,
    uint64_t size)
{
	struct ws_known known = ws_memory_get(b->memory, id, mtime_ms);

	ck_assert_uint_eq(known.form, form);
	ck_assert(known.has_size);
	ck_assert_uint_eq(known.size, size);
}

static void
expect_none(struct bench *b, uint64_t id, int64_t mtime_ms)
{
	struct ws_known known = ws_memory_get(b->memory, id, mtime_ms);

	ck_assert_uint_eq(known.form, WS_UNKNOWN);
	ck_assert(!known.has_size);
	ck_assert(!known.kept);
}

/* NULL: none is kept. */
static void
expect_text(struct bench *b, uint64_t id, int64_t mtime_ms, const char *text)
{
	struct buf out;
	int ret;

	buf_init(&out, 1000);
	ck_assert_int_eq(buf_puts(&out, "> "), 0);
	ret = ws_memory_text(b->memory, id, mtime_ms, &out);
	ck_assert_int_eq(ret, text != NULL ? 0 : -ENOENT);
	ck_assert_str_eq(buf_text(&out) + 2, text != NULL ? text : "");
	buf_release(&out);
	ck_assert_int_eq(ws_memory_get(b->memory, id, mtime_ms).kept,
	    text != NULL);
	if (text != NULL)
		ck_assert_uint_eq(ws_memory_get(b->memory, id, mtime_ms).size,
		    strlen(text));
}

/* --- what is remembered ------------------------------------------------------------ */

START_TEST(a_version_is_remembered_over_a_restart)
{
	struct bench b;

	bench_make(&b);
	set(&b, 7, 1000, WS_SQL, 42);
	set(&b, 8, 1000, WS_JUPYTER, 0);
	for (int again = 0; again < 2; again++) {
		expect(&b, 7, 1000, WS_SQL, 42);
		expect(&b, 8, 1000, WS_JUPYTER, 0);
		expect_none(&b, 7, 1001);
		expect_none(&b, 9, 1000);
		bench_again(&b);
	}
	/* A later version takes its place, and it may be an older one. */
	set(&b, 7, 900, WS_R, 3);
	for (int again = 0; again < 2; again++) {
		expect_none(&b, 7, 1000);
		expect(&b, 7, 900, WS_R, 3);
		bench_again(&b);
	}
	ws_memory_forget(b.memory, 7);
	ws_memory_forget(b.memory, 7);
	for (int again = 0; again < 2; again++) {
		expect_none(&b, 7, 900);
		expect(&b, 8, 1000, WS_JUPYTER, 0);
		bench_again(&b);
	}
	bench_drop(&b);
}
END_TEST

START_TEST(a_form_may_be_known_without_a_size)
{
	const struct ws_known known = { .form = WS_JUPYTER };
	struct bench b;

	bench_make(&b);
	ws_memory_set(b.memory, 7, 1000, &known);
	for (int again = 0; again < 2; again++) {
		struct ws_known got = ws_memory_get(b.memory, 7, 1000);

		ck_assert_uint_eq(got.form, WS_JUPYTER);
		ck_assert(!got.has_size);
		bench_again(&b);
	}
	bench_drop(&b);
}
END_TEST

START_TEST(a_text_is_kept_byte_by_byte)
{
	struct bench b;

	bench_make(&b);
	keep(&b, 7, 1000, "no newline");
	keep(&b, 8, 1000, "");
	for (int again = 0; again < 2; again++) {
		expect_text(&b, 7, 1000, "no newline");
		expect_text(&b, 8, 1000, "");
		expect_text(&b, 7, 1001, NULL);
		expect_text(&b, 9, 1000, NULL);
		bench_again(&b);
	}
	keep(&b, 7, 2000, "another\r\n");
	for (int again = 0; again < 2; again++) {
		expect_text(&b, 7, 1000, NULL);
		expect_text(&b, 7, 2000, "another\r\n");
		bench_again(&b);
	}
	bench_drop(&b);
}
END_TEST

START_TEST(a_text_stays_for_its_version_when_that_is_said)
{
	struct ws_known known;
	struct bench b;

	bench_make(&b);
	keep(&b, 7, 1000, "text");
	known = ws_memory_get(b.memory, 7, 1000);
	known.form = WS_UPPER_R;
	known.size = 99; /* it is that of the text */
	ws_memory_set(b.memory, 7, 1000, &known);
	expect_text(&b, 7, 1000, "text");
	expect(&b, 7, 1000, WS_UPPER_R, 4);
	/* Of another version it is no text. */
	ws_memory_set(b.memory, 7, 2000, &known);
	expect_text(&b, 7, 2000, NULL);
	ck_assert_int_eq(access(text_file(&b, "7"), F_OK), -1);
	keep(&b, 7, 3000, "text");
	known.kept = false;
	ws_memory_set(b.memory, 7, 3000, &known);
	expect_text(&b, 7, 3000, NULL);
	ck_assert_int_eq(access(text_file(&b, "7"), F_OK), -1);
	keep(&b, 7, 4000, "text");
	ws_memory_forget(b.memory, 7);
	ck_assert_int_eq(access(text_file(&b, "7"), F_OK), -1);
	bench_drop(&b);
}
END_TEST

START_TEST(without_a_directory_all_but_texts_is_remembered)
{
	struct bench b;

	bench_make(&b);
	ws_memory_free(b.memory);
	ck_assert_int_eq(ws_memory_new(NULL, &b.memory), 0);
	set(&b, 7, 1000, WS_SQL, 42);
	expect(&b, 7, 1000, WS_SQL, 42);
	keep(&b, 7, 2000, "text");
	expect_text(&b, 7, 2000, NULL);
	/* The service gives back something else. */
	ck_assert(!ws_memory_get(b.memory, 7, 2000).has_size);
	ws_memory_forget(b.memory, 7);
	bench_drop(&b);
}
END_TEST

/* --- what could be another's ------------------------------------------------------- */

START_TEST(without_an_id_or_a_time_nothing_is_remembered)
{
	struct bench b;

	bench_make(&b);
	set(&b, 0, 1000, WS_SQL, 42);
	expect_none(&b, 0, 1000);
	keep(&b, 0, 1000, "text");
	expect_text(&b, 0, 1000, NULL);
	set(&b, 7, 1000, WS_SQL, 42);
	/* An old service says no times: each version would look like the last. */
	set(&b, 7, 0, WS_SQL, 43);
	expect_none(&b, 7, 0);
	expect_none(&b, 7, 1000);
	keep(&b, 7, 0, "text");
	expect_text(&b, 7, 0, NULL);
	ck_assert_int_eq(access(text_file(&b, "0"), F_OK), -1);
	ck_assert_int_eq(access(text_file(&b, "7"), F_OK), -1);
	bench_drop(&b);
}
END_TEST

/* --- disks that fail --------------------------------------------------------------- */

START_TEST(a_text_that_cannot_be_written_is_not_kept)
{
	struct rlimit before, little;
	struct bench b;

	bench_make(&b);
	keep(&b, 7, 1000, "old");
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	little = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
	keep(&b, 7, 2000, "longer than that");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	for (int again = 0; again < 2; again++) {
		expect_text(&b, 7, 2000, NULL);
		/* Nor is the older one shown. */
		expect_text(&b, 7, 1000, NULL);
		ck_assert(!ws_memory_get(b.memory, 7, 2000).has_size);
		ck_assert_int_eq(access(text_file(&b, "7"), F_OK), -1);
		bench_again(&b);
	}
	keep(&b, 7, 3000, "longer than that");
	expect_text(&b, 7, 3000, "longer than that");
	bench_drop(&b);
}
END_TEST

START_TEST(a_directory_that_is_gone_costs_texts_alone)
{
	struct bench b;

	bench_make(&b);
	keep(&b, 7, 1000, "text");
	ck_assert_int_eq(io_remove_tree(temp_path(&b.temp, "workspace/texts")),
	    0);
	keep(&b, 8, 1000, "text");
	expect_text(&b, 8, 1000, NULL);
	/* One that was kept is not there: its size is none any more. */
	expect_text(&b, 7, 1000, NULL);
	ck_assert(!ws_memory_get(b.memory, 7, 1000).has_size);
	set(&b, 9, 1000, WS_SQL, 42);
	bench_again(&b);
	expect(&b, 9, 1000, WS_SQL, 42);
	expect_text(&b, 7, 1000, NULL);
	bench_drop(&b);
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_an_error)
{
	struct ws_memory *m = NULL;
	struct temp_dir temp;

	temp_dir_make(&temp);
	ck_assert_int_eq(io_write_file(temp_path(&temp, "file"), "x", 1, 0600),
	    0);
	ck_assert_int_lt(ws_memory_new(temp_path(&temp, "file/dir"), &m), 0);
	ck_assert_int_lt(ws_memory_new(temp_path(&temp, "file"), &m), 0);
	ck_assert_ptr_null(m);
	temp_dir_remove(&temp);
}
END_TEST

/* --- what is on disk is not trusted --------------------------------------------------- */

START_TEST(a_text_of_another_length_is_not_shown)
{
	struct bench b;

	bench_make(&b);
	keep(&b, 7, 1000, "text");
	keep(&b, 8, 1000, "text");
	bench_again(&b);
	ck_assert_int_eq(io_write_file(text_file(&b, "7"), "longer", 6, 0600), 0);
	ck_assert_int_eq(truncate(text_file(&b, "8"), 3), 0);
	expect_text(&b, 7, 1000, NULL);
	expect_text(&b, 8, 1000, NULL);
	ck_assert(!ws_memory_get(b.memory, 7, 1000).has_size);
	bench_drop(&b);
}
END_TEST

START_TEST(texts_that_nobody_knows_are_removed)
{
	static const char *const names[] = { "8", "7.aB3xYz", "x",
		"00000000000000000007x", "18446744073709551616" };
	struct bench b;

	bench_make(&b);
	keep(&b, 7, 1000, "text");
	set(&b, 8, 1000, WS_SQL, 4);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_int_eq(io_write_file(text_file(&b, names[i]), "text",
		    4, 0600), 0);
	bench_again(&b);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_int_eq(access(text_file(&b, names[i]), F_OK), -1);
	expect_text(&b, 7, 1000, "text");
	bench_drop(&b);
}
END_TEST

static const char *const records[] = {
	"{}",
	"{\"mtime_ms\":1000,\"form\":-1,\"size\":5}",
	"{\"mtime_ms\":1000,\"form\":11,\"size\":5}",
	"{\"mtime_ms\":1000,\"form\":4294967301,\"size\":5}",
	"{\"mtime_ms\":1000,\"form\":5,\"size\":-5}",
	"{\"mtime_ms\":1000,\"form\":5,\"kept\":true}",
	"{\"mtime_ms\":1000,\"form\":5,\"size\":-1,\"kept\":true}",
	"{\"mtime_ms\":\"1000\",\"form\":5,\"size\":5}",
};

static int
read_nothing(void *ctx, uint16_t type, uint64_t subject, struct json_object *p)
{
	(void)ctx;
	(void)type;
	(void)subject;
	(void)p;
	return 0;
}

START_TEST(records_that_make_no_sense_are_nothing)
{
	struct json_object *payload;
	struct journal *j;
	struct bench b;

	bench_make(&b);
	set(&b, 8, 1000, WS_SQL, 42);
	ws_memory_free(b.memory);
	ck_assert_int_eq(journal_open(temp_path(&b.temp, "workspace/objects"),
	    read_nothing, NULL, &j), 0);
	ck_assert_int_eq(jval_parse(records[_i], strlen(records[_i]), &payload),
	    0);
	ck_assert_int_eq(journal_write(j, JOURNAL_OBJECT, 7, payload, false), 0);
	json_object_put(payload);
	journal_close(j);
	ck_assert_int_eq(ws_memory_new(b.dir, &b.memory), 0);
	expect_none(&b, 7, 1000);
	expect_none(&b, 7, 0);
	expect(&b, 8, 1000, WS_SQL, 42);
	set(&b, 7, 1000, WS_SQL, 5);
	bench_again(&b);
	expect(&b, 7, 1000, WS_SQL, 5);
	bench_drop(&b);
}
END_TEST

/* --- bounds ------------------------------------------------------------------------- */

START_TEST(there_are_only_so_many_objects)
{
	struct bench b;

	bench_make(&b);
	for (uint64_t id = 1; id <= WS_MEMORY_ROWS; id++)
		set(&b, id, 1000, WS_SQL, id);
	/* In use: the next one is the least recent. */
	expect(&b, 1, 1000, WS_SQL, 1);
	set(&b, WS_MEMORY_ROWS + 1, 1000, WS_SQL, 7);
	for (int again = 0; again < 2; again++) {
		expect(&b, 1, 1000, WS_SQL, 1);
		expect_none(&b, 2, 1000);
		expect(&b, 3, 1000, WS_SQL, 3);
		expect(&b, WS_MEMORY_ROWS + 1, 1000, WS_SQL, 7);
		bench_again(&b);
	}
	bench_drop(&b);
}
END_TEST

#define TEXTS 9

START_TEST(there_is_only_so_much_text)
{
	size_t len = WS_MEMORY_TEXT_BYTES / (TEXTS - 1);
	const struct ws_known known = { .form = WS_PYTHON };
	char *text = malloc(len), name[8];
	struct bench b;

	memset(text, 'x', len);
	bench_make(&b);
	set(&b, 100, 1000, WS_SQL, 42);
	for (uint64_t id = 1; id < TEXTS; id++)
		ws_memory_keep(b.memory, id, 1000, &known, text, len);
	(void)ws_memory_get(b.memory, 1, 1000);
	ws_memory_keep(b.memory, TEXTS, 1000, &known, text, len);
	for (int again = 0; again < 2; again++) {
		for (unsigned id = 1; id <= TEXTS; id++) {
			struct ws_known got = ws_memory_get(b.memory, id, 1000);

			(void)snprintf(name, sizeof(name), "%u", id);
			ck_assert_int_eq(got.kept, id != 2);
			ck_assert_int_eq(got.has_size, id != 2);
			ck_assert_uint_eq(got.form, WS_PYTHON);
			ck_assert_int_eq(access(text_file(&b, name), F_OK) == 0,
			    id != 2);
		}
		expect(&b, 100, 1000, WS_SQL, 42);
		bench_again(&b);
	}
	/* The same text again takes no more room. */
	for (int i = 0; i < 3; i++)
		ws_memory_keep(b.memory, 3, 1000, &known, text, len);
	ck_assert(ws_memory_get(b.memory, 4, 1000).kept);
	/* What is forgotten makes room. */
	ws_memory_forget(b.memory, 3);
	ws_memory_keep(b.memory, 2, 1000, &known, text, len);
	ck_assert(ws_memory_get(b.memory, 4, 1000).kept);
	bench_drop(&b);
	free(text);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_version_is_remembered_over_a_restart),
	UNIT(a_form_may_be_known_without_a_size),
	UNIT(a_text_is_kept_byte_by_byte),
	UNIT(a_text_stays_for_its_version_when_that_is_said),
	UNIT(without_a_directory_all_but_texts_is_remembered),
	UNIT(without_an_id_or_a_time_nothing_is_remembered),
	UNIT(a_text_that_cannot_be_written_is_not_kept),
	UNIT(a_directory_that_is_gone_costs_texts_alone),
	UNIT(a_directory_that_cannot_be_made_is_an_error),
	UNIT(a_text_of_another_length_is_not_shown),
	UNIT(texts_that_nobody_knows_are_removed),
	UNIT_ROWS(records_that_make_no_sense_are_nothing, records),
	UNIT(there_are_only_so_many_objects),
	UNIT(there_is_only_so_much_text),
};

UNIT_MAIN("ws_memory", tests)
