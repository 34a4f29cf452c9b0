/* rest/errors, rest/transfers: what .control shows of failures and movement. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/text.h"
#include "rest/errors.h"
#include "rest/transfers.h"
#include "tests/support/unit.h"

static struct buf text;

static unsigned
lines(void)
{
	unsigned n = 0;

	for (const char *p = buf_text(&text); *p != '\0'; p++)
		n += *p == '\n';
	return n;
}

static struct error_row
row(const char *message)
{
	return (struct error_row){ .op = "read", .request = "GET /x",
		.subject = "/a", .http_status = 403, .code = "CODE",
		.message = message, .request_id = "r-1", .err = EACCES };
}

START_TEST(a_row_is_a_line_with_its_fields)
{
	struct errors *e;
	struct error_row r = row("no\tno\nno\x1f\x7f");

	ck_assert_int_eq(errors_new(&e), 0);
	r.op = NULL;
	r.code = r.request_id = "";
	errors_add(e, &r);
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(errors_print(e, &text), 0);
	ck_assert_uint_eq(lines(), 2);
	ck_assert(buf_text(&text)[0] == '#');
	ck_assert_ptr_nonnull(strstr(buf_text(&text),
	    "Z\t-\t/a\tGET /x\t403\t-\tEACCES\tno?no?no??\t-\n"));
	buf_release(&text);
	errors_free(e);
}
END_TEST

START_TEST(an_error_without_a_name_is_a_number)
{
	struct errors *e;
	struct error_row r = row("");

	ck_assert_int_eq(errors_new(&e), 0);
	r.err = ENOTTY;
	errors_add(e, &r);
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(errors_print(e, &text), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "\tCODE\t25\t-\t"));
	buf_release(&text);
	errors_free(e);
}
END_TEST

START_TEST(the_oldest_is_forgotten)
{
	struct errors *e;
	char *words;

	ck_assert_int_eq(errors_new(&e), 0);
	for (int i = 0; i < ERRORS_KEPT + 7; i++) {
		struct error_row r;

		words = text_printf("message-%d-", i);
		r = row(words);
		errors_add(e, &r);
		free(words);
	}
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(errors_print(e, &text), 0);
	ck_assert_uint_eq(lines(), ERRORS_KEPT + 1);
	ck_assert_ptr_null(strstr(buf_text(&text), "message-6-"));
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "message-7-"));
	/* The newest is last. */
	words = strstr(buf_text(&text), "message-206-");
	ck_assert_ptr_nonnull(words);
	ck_assert_ptr_null(strstr(words, "message-2-"));
	ck_assert_ptr_eq(strchr(words, '\n')[1] == '\0' ? words : NULL, words);
	buf_release(&text);
	errors_free(e);
}
END_TEST

static void *
add_many(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		struct error_row r = row("x");

		errors_add(arg, &r);
	}
	return NULL;
}

START_TEST(threads_add_and_print_at_once)
{
	struct errors *e;
	pthread_t threads[4];

	ck_assert_int_eq(errors_new(&e), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, e),
		    0);
	buf_init(&text, BUF_LIMIT_TEXT);
	for (int i = 0; i < 100; i++) {
		buf_clear(&text);
		ck_assert_int_eq(errors_print(e, &text), 0);
	}
	for (int i = 0; i < 4; i++)
		(void)pthread_join(threads[i], NULL);
	buf_release(&text);
	errors_free(e);
}
END_TEST

START_TEST(transfers_show_how_far_they_are)
{
	struct transfers *t;
	struct transfer *up, *down;

	ck_assert_int_eq(transfers_new(&t), 0);
	up = transfer_begin(t, TRANSFER_UP, "/a", 1000);
	down = transfer_begin(t, TRANSFER_DOWN, "/b\tc", 0);
	transfer_moved(up, 500);
	transfer_moved(down, 77);
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(transfers_print(t, &text), 0);
	ck_assert_uint_eq(lines(), 3);
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "up\t50%\t500\t1000\t"));
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "down\t-\t77\t-\t"));
	ck_assert_ptr_nonnull(strstr(buf_text(&text), "\t/b?c\n"));
	/* Framing may make it more than the content. */
	transfer_moved(up, 1100);
	buf_clear(&text);
	ck_assert_int_eq(transfers_print(t, &text), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&text),
	    "up\t100%\t1000\t1000\t"));
	transfer_end(t, up);
	transfer_end(t, down);
	buf_clear(&text);
	ck_assert_int_eq(transfers_print(t, &text), 0);
	ck_assert_uint_eq(lines(), 1);
	buf_release(&text);
	transfers_free(t);
}
END_TEST

START_TEST(without_a_transfer_nothing_happens)
{
	struct transfers *t;

	ck_assert_int_eq(transfers_new(&t), 0);
	transfer_moved(NULL, 1);
	transfer_end(t, NULL);
	transfers_free(t);
	transfers_free(NULL);
	errors_free(NULL);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_row_is_a_line_with_its_fields),
	UNIT(an_error_without_a_name_is_a_number),
	UNIT(the_oldest_is_forgotten),
	UNIT(threads_add_and_print_at_once),
	UNIT(transfers_show_how_far_they_are),
	UNIT(without_a_transfer_nothing_happens),
};

UNIT_MAIN("errors", tests)
