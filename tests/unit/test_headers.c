/* net/headers: what the headers of an answer say. */
#include "config.h"

#include <string.h>

#include "net/headers.h"
#include "tests/support/unit.h"

#define NOW INT64_C(1795237200000) /* Sat, 21 Nov 2026 05:00:00 GMT */
#define MOST HEADERS_RETRY_AFTER_MAX_MS

static const struct {
	const char *value;
	int64_t want;
} afters[] = {
	{ "", -1 },
	{ "0", 0 },
	{ "1", 1000 },
	{ "120", 120000 },
	{ "99999999999", MOST },
	{ "99999999999999999999999999", MOST },
	{ "-1", -1 },
	{ "soon", -1 },
	{ "1.5", -1 },
	{ "Sat, 21 Nov 2026 05:00:07 GMT", 7000 },
	{ "Sat, 21 Nov 2026 04:00:00 GMT", 0 },
	{ "Sat, 21 Nov 2099 04:00:00 GMT", MOST },
};

START_TEST(retry_after_is_seconds_or_a_date)
{
	ck_assert_int_eq(headers_retry_after_ms(afters[_i].value, NOW),
	    afters[_i].want);
}
END_TEST

static struct http_reply reply;
static struct headers headers;

static void
take(const char *line)
{
	headers.reply = &reply;
	headers_take(&headers, line, strlen(line));
}

START_TEST(a_new_status_line_forgets_the_block_before)
{
	take("HTTP/1.1 100 Continue\r\n");
	take("X-Request-Id: one\r\n");
	take("Retry-After: 5\r\n");
	take("Date: Sat, 21 Nov 2026 05:00:00 GMT\r\n");
	ck_assert_int_eq(reply.date_ms, NOW);
	take("\r\n");
	ck_assert(headers.complete);
	ck_assert_int_eq(headers.status, 100);
	take("HTTP/2 503\r\n");
	ck_assert(!headers.complete);
	ck_assert_int_eq(headers.status, 503);
	ck_assert_str_eq(reply.request_id, "");
	ck_assert_str_eq(headers.retry_after, "");
	ck_assert_int_eq(reply.date_ms, 0);
}
END_TEST

START_TEST(odd_lines_do_no_harm)
{
	char line[5000];

	memset(line, 'x', sizeof(line));
	memcpy(line, "Location: ", 10);
	line[sizeof(line) - 1] = '\0';
	take("HTTP/1.1 200 OK\r\n");
	take(line);
	ck_assert_str_eq(reply.location, "");
	line[1000] = '\0';
	take(line);
	ck_assert_uint_eq(strlen(reply.location), sizeof(reply.location) - 1);
	take(":");
	take("content-TYPE:\ttext/html \t\r\n");
	ck_assert_str_eq(reply.content_type, "text/html");
	take("no colon at all");
	take("HTTP/");
	ck_assert_int_eq(headers.status, 0);
	take("HTTP/1.1 abc");
	ck_assert_int_eq(headers.status, 0);
	headers_take(&headers, "X-Request-Id: a\0b", 17);
	ck_assert_str_eq(reply.request_id, "a");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(retry_after_is_seconds_or_a_date, afters),
	UNIT(a_new_status_line_forgets_the_block_before),
	UNIT(odd_lines_do_no_harm),
};

UNIT_MAIN("headers", tests)
