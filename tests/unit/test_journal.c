/* cache/journal: a file of records that outlives the program. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jval.h"
#include "base/text.h"
#include "cache/journal.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

struct box {
	struct temp_dir temp;
	char path[TEMP_PATH_BYTES];
	struct journal *journal;
	struct buf told; /* "type/subject/n " of each open record */
	int answer;
};

static int
tell(void *ctx, uint16_t type, uint64_t subject, struct json_object *p)
{
	struct box *b = ctx;
	int64_t n = -1;

	(void)jval_i64(p, "n", &n);
	ck_assert_int_eq(buf_printf(&b->told, "%u/%llu/%lld ", type,
	    (unsigned long long)subject, (long long)n), 0);
	return b->answer;
}

static int
open_again(struct box *b)
{
	journal_close(b->journal);
	b->journal = NULL;
	buf_clear(&b->told);
	return journal_open(b->path, tell, b, &b->journal);
}

static void
box_make(struct box *b)
{
	*b = (struct box){ .answer = 0 };
	temp_dir_make(&b->temp);
	text_copy(b->path, sizeof(b->path), temp_path(&b->temp, "journal"));
	buf_init(&b->told, 1 << 20);
	ck_assert_int_eq(open_again(b), 0);
	ck_assert_uint_eq(b->told.len, 0);
}

static void
box_drop(struct box *b)
{
	journal_close(b->journal);
	buf_release(&b->told);
	temp_dir_remove(&b->temp);
}

static int
note(struct box *b, uint16_t type, uint64_t subject, int64_t n)
{
	struct json_object *p = json_object_new_object();
	int ret;

	ck_assert_int_eq(jval_add_i64(p, "n", n), 0);
	ret = journal_write(b->journal, type, subject, p, true);
	json_object_put(p);
	return ret;
}

static void
expect(struct box *b, const char *told)
{
	ck_assert_int_eq(open_again(b), 0);
	ck_assert_str_eq(buf_text(&b->told), told);
}

static void
read_all(struct box *b, struct buf *out)
{
	buf_init(out, 64 << 20);
	ck_assert_int_eq(io_read_file(b->path, out), 0);
}

static void
write_all(struct box *b, const void *data, size_t len)
{
	ck_assert_int_eq(io_write_file(b->path, data, len, 0600), 0);
}

static off_t
file_size(struct box *b)
{
	struct stat st;

	ck_assert_int_eq(stat(b->path, &st), 0);
	return st.st_size;
}

/* --- records -------------------------------------------------------------------- */

START_TEST(open_records_are_told_in_the_order_they_were_opened)
{
	struct box b;

	box_make(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 3, 30), 0);
	ck_assert_int_eq(note(&b, JOURNAL_ASIDE, 1, 10), 0);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 2, 20), 0);
	expect(&b, "1/3/30 3/1/10 1/2/20 ");
	expect(&b, "1/3/30 3/1/10 1/2/20 ");
	box_drop(&b);
}
END_TEST

START_TEST(the_newest_record_of_a_subject_counts)
{
	struct box b;

	box_make(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 1, 1), 0);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 2, 2), 0);
	ck_assert_int_eq(note(&b, JOURNAL_ASIDE, 1, 3), 0);
	expect(&b, "3/1/3 1/2/2 ");
	box_drop(&b);
}
END_TEST

START_TEST(an_ended_subject_is_not_told)
{
	struct box b;

	box_make(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 1, 1), 0);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 2, 2), 0);
	journal_end(b.journal, 1);
	journal_end(b.journal, 77);
	expect(&b, "1/2/2 ");
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 1, 9), 0);
	expect(&b, "1/2/2 1/1/9 ");
	box_drop(&b);
}
END_TEST

START_TEST(the_number_of_an_ended_subject_is_not_given_out_again)
{
	struct box b;
	uint64_t ended;

	box_make(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, journal_subject(b.journal), 1), 0);
	ended = journal_subject(b.journal);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, ended, 2), 0);
	journal_end(b.journal, ended);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(open_again(&b), 0);
	ck_assert_uint_gt(journal_subject(b.journal), ended);
	box_drop(&b);
}
END_TEST

START_TEST(a_subject_that_is_open_is_not_given_out)
{
	struct box b;
	uint64_t first, second;

	box_make(&b);
	first = journal_subject(b.journal);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, first, 1), 0);
	second = journal_subject(b.journal);
	ck_assert_uint_ne(first, second);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 500, 1), 0);
	ck_assert_int_eq(open_again(&b), 0);
	ck_assert_uint_gt(journal_subject(b.journal), 500);
	box_drop(&b);
}
END_TEST

START_TEST(types_and_members_of_later_versions_are_kept)
{
	struct json_object *p = json_object_new_object();
	struct box b;
	struct buf all;

	box_make(&b);
	ck_assert_int_eq(jval_add_str(p, "later", "a\"b\\\xc3\xa4"), 0);
	ck_assert_int_eq(jval_add_i64(p, "n", 5), 0);
	ck_assert_int_eq(journal_write(b.journal, 999, 4, p, false), 0);
	json_object_put(p);
	expect(&b, "999/4/5 ");
	expect(&b, "999/4/5 ");
	read_all(&b, &all);
	ck_assert_ptr_nonnull(memmem(all.data, all.len, "later", 5));
	buf_release(&all);
	box_drop(&b);
}
END_TEST

START_TEST(an_error_of_the_reader_is_the_result)
{
	struct journal *other;
	struct box b;

	box_make(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 1, 1), 0);
	b.answer = -ENOMEM;
	ck_assert_int_eq(journal_open(b.path, tell, &b, &other), -ENOMEM);
	b.answer = 0;
	expect(&b, "1/1/1 ");
	box_drop(&b);
}
END_TEST

START_TEST(a_payload_beyond_the_limit_is_refused)
{
	struct json_object *p = json_object_new_object();
	char *big = malloc(2 << 20);
	struct box b;

	box_make(&b);
	memset(big, 'x', (2 << 20) - 1);
	big[(2 << 20) - 1] = '\0';
	ck_assert_int_eq(jval_add_str(p, "big", big), 0);
	ck_assert_int_eq(journal_write(b.journal, 1, 1, p, true), -EFBIG);
	json_object_put(p);
	free(big);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 2, 2), 0);
	expect(&b, "1/2/2 ");
	box_drop(&b);
}
END_TEST

/* --- damage ---------------------------------------------------------------------- */

/* Cut anywhere, the file gives the records that were whole. */
START_TEST(a_torn_end_takes_only_the_last_record)
{
	struct box b;
	struct buf all;
	off_t size[4];

	box_make(&b);
	size[0] = file_size(&b);
	for (int i = 1; i < 4; i++) {
		ck_assert_int_eq(note(&b, JOURNAL_STAGED, (uint64_t)i, i), 0);
		size[i] = file_size(&b);
	}
	read_all(&b, &all);
	for (off_t cut = 0; cut <= size[3]; cut++) {
		const char *want = cut < size[1] ? "" :
		    cut < size[2]		 ? "1/1/1 " :
		    cut < size[3]		 ? "1/1/1 1/2/2 " :
						   "1/1/1 1/2/2 1/3/3 ";

		write_all(&b, all.data, (size_t)cut);
		expect(&b, want);
		/* And it can be written again. */
		ck_assert_int_eq(note(&b, JOURNAL_STAGED, 9, 9), 0);
		ck_assert_int_eq(open_again(&b), 0);
		ck_assert(text_ends(buf_text(&b.told), "1/9/9 "));
	}
	buf_release(&all);
	box_drop(&b);
}
END_TEST

START_TEST(a_flipped_bit_is_noticed)
{
	struct box b;
	struct buf all;
	off_t first, second;

	box_make(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 1, 1), 0);
	first = file_size(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 2, 2), 0);
	second = file_size(&b);
	read_all(&b, &all);
	for (off_t at = first; at < second; at++) {
		all.data[at] ^= 0x10;
		write_all(&b, all.data, all.len);
		expect(&b, "1/1/1 ");
		all.data[at] ^= 0x10;
	}
	buf_release(&all);
	box_drop(&b);
}
END_TEST

static const struct {
	size_t at;
	char byte;
} refused_rows[] = {
	{ 0, 'B' },
	{ 7, 'K' },
	{ 8, 2 },
	{ 11, 1 },
};

START_TEST(another_format_is_refused_and_left_alone)
{
	struct journal *j;
	struct box b;
	struct buf all, after;

	box_make(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 1, 1), 0);
	read_all(&b, &all);
	all.data[refused_rows[_i].at] = refused_rows[_i].byte;
	write_all(&b, all.data, all.len);
	ck_assert_int_eq(journal_open(b.path, NULL, NULL, &j),
	    -EPROTONOSUPPORT);
	read_all(&b, &after);
	ck_assert_uint_eq(after.len, all.len);
	ck_assert_mem_eq(after.data, all.data, all.len);
	buf_release(&all);
	buf_release(&after);
	box_drop(&b);
}
END_TEST

/* --- size and failing disks --------------------------------------------------------- */

START_TEST(the_file_does_not_grow_with_what_was_closed)
{
	struct box b;

	box_make(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 1, 1), 0);
	for (uint64_t i = 2; i < 20000; i++) {
		struct json_object *p = json_object_new_object();

		ck_assert_int_eq(jval_add_i64(p, "n", (int64_t)i), 0);
		ck_assert_int_eq(journal_write(b.journal, JOURNAL_STAGED, i, p,
		    false), 0);
		json_object_put(p);
		journal_end(b.journal, i);
	}
	ck_assert_int_lt(file_size(&b), 300 << 10);
	expect(&b, "1/1/1 ");
	ck_assert_int_lt(file_size(&b), 200);
	box_drop(&b);
}
END_TEST

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A full disk cuts a record short, and so it cuts the file that would take its
 * place: what is written after that must be found again all the same. */
START_TEST(after_a_failed_write_later_records_are_not_lost)
{
	struct box b;

	box_make(&b);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 1, 1), 0);
	limit_files((rlim_t)file_size(&b) + 10);
	ck_assert_int_lt(note(&b, JOURNAL_STAGED, 2, 2), 0);
	limit_files(0);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 3, 3), 0);
	ck_assert_int_eq(open_again(&b), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&b.told), "1/1/1 "));
	ck_assert_ptr_nonnull(strstr(buf_text(&b.told), "1/3/3 "));
	box_drop(&b);
}
END_TEST

START_TEST(a_write_to_a_full_disk_is_an_error)
{
	struct box b;

	box_make(&b);
	limit_files((rlim_t)file_size(&b));
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 1, 1), -EFBIG);
	ck_assert_int_lt(note(&b, JOURNAL_STAGED, 2, 2), 0);
	journal_end(b.journal, 1);
	limit_files(0);
	ck_assert_int_eq(note(&b, JOURNAL_STAGED, 3, 3), 0);
	ck_assert_int_eq(open_again(&b), 0);
	ck_assert_ptr_null(strstr(buf_text(&b.told), "1/1/"));
	ck_assert_ptr_nonnull(strstr(buf_text(&b.told), "1/3/3 "));
	box_drop(&b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(open_records_are_told_in_the_order_they_were_opened),
	UNIT(the_newest_record_of_a_subject_counts),
	UNIT(an_ended_subject_is_not_told),
	UNIT(the_number_of_an_ended_subject_is_not_given_out_again),
	UNIT(a_subject_that_is_open_is_not_given_out),
	UNIT(types_and_members_of_later_versions_are_kept),
	UNIT(an_error_of_the_reader_is_the_result),
	UNIT(a_payload_beyond_the_limit_is_refused),
	UNIT(a_torn_end_takes_only_the_last_record),
	UNIT(a_flipped_bit_is_noticed),
	UNIT_ROWS(another_format_is_refused_and_left_alone, refused_rows),
	UNIT(the_file_does_not_grow_with_what_was_closed),
	UNIT(after_a_failed_write_later_records_are_not_lost),
	UNIT(a_write_to_a_full_disk_is_an_error),
};

UNIT_MAIN("journal", tests)
