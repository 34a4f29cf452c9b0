/* rest/client: one call, repeated while that is safe and useful. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/jval.h"
#include "tests/support/rest_on_script.h"
#include "tests/support/unit.h"

static struct rest_answer answer;
static int64_t began;

static struct rest_request
request(bool repeatable)
{
	static const struct rest_param query[] = { { "path", "/a b" },
		{ NULL, NULL } };

	return (struct rest_request){ .method = "GET", .path = "/api/2.0/x",
		.subject = "/a b", .family = REST_DBFS, .query = query,
		.repeatable = repeatable };
}

static int
send_it(const struct rest_request *req)
{
	rest_answer_release(&answer);
	began = clock_mono_ms();
	return rest_send(rest, &call, req, &answer);
}

static void
end(void)
{
	rest_answer_release(&answer);
	rest_end();
}

static bool
errors_say(const char *words)
{
	struct buf text;
	bool found;

	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(errors_print(errors, &text), 0);
	ck_assert_ptr_null(strstr(buf_text(&text), "SECRET"));
	found = strstr(buf_text(&text), words) != NULL;
	buf_release(&text);
	return found;
}

START_TEST(an_answer_is_decoded)
{
	static const struct script_step steps[] = {
		ANSWER("200 OK", "Date: Sat, 21 Nov 2026 05:00:00 GMT\r\n"
		    "X-Databricks-Org-Id: 42\r\n", " {\"a\": 1}\n"),
		OK_JSON(""),
	};
	struct rest_request req = request(true);
	int64_t a = 0;

	REST_BEGIN(steps);
	ck_assert_int_eq(send_it(&req), 0);
	ck_assert_int_eq(jval_i64(answer.json, "a", &a), 0);
	ck_assert_int_eq(a, 1);
	ck_assert_str_eq(buf_text(&answer.text), " {\"a\": 1}\n");
	ck_assert_str_eq(answer.org_id, "42");
	ck_assert_int_eq(answer.server_ms, INT64_C(1795237200000));
	ck_assert(!answer.unknown);
	ck_assert_int_eq(send_it(&req), 0);
	ck_assert_ptr_null(answer.json);
	script_stop(server);
	ck_assert(strncmp(server->requests[0],
	    "GET /api/2.0/x?path=%2Fa%20b HTTP/1.1\r\n", 39) == 0);
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "\r\nAuthorization: Bearer dapi-SECRET\r\n"));
	end();
}
END_TEST

START_TEST(an_error_is_mapped_told_and_remembered)
{
	static const struct script_step steps[] = {
		ANSWER("403 Forbidden", "x-request-id: r-77\r\n",
		    "{\"error_code\":\"PERMISSION_DENIED\","
		    "\"message\":\"You shall not\"}"),
	};
	struct rest_request req = request(true);

	REST_BEGIN(steps);
	ck_assert_int_eq(send_it(&req), -EACCES);
	ck_assert_str_eq(call.words, "You shall not");
	ck_assert(errors_say("test\t/a b\tGET /api/2.0/x\t403\t"
			     "PERMISSION_DENIED\tEACCES\tYou shall not\tr-77\n"));
	ck_assert_uint_eq(server->n_requests, 1);
	end();
}
END_TEST

static const struct {
	struct script_step step;
	int want;
	const char *words;
} foreign[] = {
	{ { .send = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
		    "Connection: close\r\n\r\n<html>Sign In</html>",
	      .end = SCRIPT_CLOSE },
	    -EACCES, "check host and credential" },
	{ { .send = "HTTP/1.1 303 See Other\r\nLocation: /login?next=SECRET\r\n"
		    "Connection: close\r\n\r\n",
	      .end = SCRIPT_CLOSE },
	    -EACCES, "redirect to /login:" },
	{ OK_JSON("hello"), -EIO, "not JSON" },
	{ OK_JSON("{\"a\":1"), -EIO, "not JSON" },
	{ OK_JSON("{} {}"), -EIO, "not JSON" },
};

START_TEST(what_is_no_answer_of_the_service_is_refused_once)
{
	const struct script_step steps[] = { foreign[_i].step, OK_JSON("{}") };
	struct rest_request req = request(true);

	REST_BEGIN(steps);
	ck_assert_int_eq(send_it(&req), foreign[_i].want);
	ck_assert_ptr_nonnull(strstr(call.words, foreign[_i].words));
	ck_assert_ptr_null(strstr(call.words, "SECRET"));
	ck_assert_uint_eq(server->n_requests, 1);
	end();
}
END_TEST

/* Servers that repeat what they were sent. */
static const struct script_step echoes[] = {
	ANSWER("400 Bad", "", "{\"error_code\":\"BAD\",\"message\":\"not this:"
	    " Authorization: Bearer dapi-SECRET, dapi-SECRET\"}"),
	ANSWER("502 Bad", "", "<html><pre>not this: dapi-SECRET</pre>"),
	ANSWER("500 Bad", "X-Databricks-Reason-Phrase: not this: dapi-SECRET\r\n",
	    ""),
	ANSWER("302 Found", "Location: /not/this:/dapi-SECRET/\r\n", ""),
};

START_TEST(a_credential_that_comes_back_is_not_shown)
{
	struct rest_request req = request(false);

	rest_begin(&echoes[_i], 1);
	ck_assert_int_lt(send_it(&req), 0);
	ck_assert_ptr_nonnull(strstr(call.words, "***********"));
	ck_assert_ptr_null(strstr(call.words, "SECRET"));
	ck_assert(errors_say("***********"));
	end();
}
END_TEST

START_TEST(too_long_an_answer_is_no_file_that_is_too_large)
{
	static const struct script_step steps[] = {
		{ .send = "HTTP/1.1 200 OK\r\n\r\n", .times = 30000,
		    .pad = "0123456789012345678901234567890123456789",
		    .end = SCRIPT_CLOSE },
		OK_JSON("{}"),
	};
	struct rest_request req = request(true);

	REST_BEGIN(steps);
	ck_assert_int_eq(send_it(&req), -EIO);
	ck_assert_uint_eq(server->n_requests, 1);
	end();
}
END_TEST

static const struct {
	struct script_step step;
	bool even_once; /* also for what must not be sent twice */
	int64_t least_ms;
} passing[] = {
	{ ANSWER("429 Slow", "Retry-After: 1\r\n", "{}"), true, 1000 },
	{ ANSWER("429 Slow", "", "Current request has to be retried"), true,
	    1000 },
	{ ANSWER("503 Later", "Retry-After: 1\r\n", ""), true, 1000 },
	{ ANSWER("503 Later", "", ""), false, 0 },
	{ ANSWER("502 Gone", "", "<html>"), false, 0 },
	{ ANSWER("500 Oops", "", "{\"error_code\":\"INTERNAL_ERROR\"}"), false,
	    0 },
	{ LOST, false, 0 },
	{ { .end = SCRIPT_RESET }, false, 0 },
	{ { .send = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
	      .end = SCRIPT_CLOSE }, false, 0 },
	{ { .send = "HTTP/1.1 200 OK\r\nContent-", .end = SCRIPT_CLOSE }, false,
	    0 },
};

START_TEST(failures_that_pass_are_not_noticed)
{
	const struct script_step steps[] = { passing[_i].step,
		passing[_i].step, OK_JSON("{}") };
	struct rest_request req = request(true);

	REST_BEGIN(steps);
	ck_assert_int_eq(send_it(&req), 0);
	ck_assert_int_ge(clock_mono_ms() - began, 2 * passing[_i].least_ms);
	ck_assert_uint_eq(server->n_requests, 3);
	ck_assert_int_eq(counter_get(CTR_http_retries_total), 2);
	ck_assert_str_eq(call.words, "");
	end();
}
END_TEST

START_TEST(what_must_not_be_sent_twice_is_not)
{
	const struct script_step steps[] = { passing[_i].step, OK_JSON("{}") };
	struct rest_request req = request(false);
	struct json_object *json = json_object_new_object();

	REST_BEGIN(steps);
	req.method = "POST";
	req.json = json;
	if (passing[_i].even_once) {
		ck_assert_int_eq(send_it(&req), 0);
		ck_assert_uint_eq(server->n_requests, 2);
		ck_assert(!answer.unknown);
	} else {
		ck_assert_int_lt(send_it(&req), 0);
		ck_assert_uint_eq(server->n_requests, 1);
		ck_assert(answer.unknown);
	}
	json_object_put(json);
	end();
}
END_TEST

START_TEST(patience_has_an_end)
{
	static const struct script_step steps[] = {
		ANSWER("429 Slow", "Retry-After: 99999999999\r\n",
		    "{\"error_code\":\"REQUEST_LIMIT_EXCEEDED\","
		    "\"message\":\"Slowly\"}"),
		OK_JSON("{}"),
	};
	struct rest_request req = request(true);

	REST_BEGIN(steps);
	/* The service wants more than we have. */
	ck_assert_int_eq(send_it(&req), -EBUSY);
	ck_assert_int_lt(clock_mono_ms() - began, 1000);
	ck_assert_str_eq(call.words, "Slowly");
	ck_assert_int_eq(counter_get(CTR_http_throttled_total), 1);
	/* Nor do the next ones pay for it: they look how things are. */
	ck_assert_int_eq(send_it(&req), 0);
	end();
}
END_TEST

START_TEST(a_server_that_is_gone_is_waited_for)
{
	static const struct script_step steps[] = { OK_JSON("{}") };
	struct rest_request req = request(false);
	int64_t took;

	REST_BEGIN(steps);
	script_stop(server);
	ck_assert_int_eq(send_it(&req), -ECONNREFUSED);
	took = clock_mono_ms() - began;
	ck_assert(took > 200 && took < 4000);
	ck_assert(!answer.unknown);
	/* Not for long when somebody watches. */
	req.connect_ms = 1;
	ck_assert_int_eq(send_it(&req), -ECONNREFUSED);
	ck_assert_int_lt(clock_mono_ms() - began, 200);
	end();
}
END_TEST

static bool
is_over(void *arg)
{
	(void)arg;
	return clock_mono_ms() - began > 300;
}

START_TEST(waits_between_attempts_can_be_interrupted)
{
	static const struct script_step steps[] = {
		ANSWER("429 Slow", "Retry-After: 3\r\n", "{}"),
	};
	struct rest_request req = request(true);

	REST_BEGIN(steps);
	call.interrupted = is_over;
	ck_assert_int_eq(send_it(&req), -EINTR);
	ck_assert_int_lt(clock_mono_ms() - began, 1000);
	ck_assert(!answer.unknown);
	/* The others of the family wait, too, without having asked. */
	ck_assert_int_eq(send_it(&req), -EINTR);
	ck_assert_uint_eq(server->n_requests, 1);
	end();
}
END_TEST

START_TEST(an_interrupted_exchange_leaves_the_outcome_open)
{
	static const struct script_step steps[] = { { .end = SCRIPT_HANG } };
	struct rest_request req = request(false);
	struct json_object *json = json_object_new_object();

	REST_BEGIN(steps);
	call.interrupted = is_over;
	req.method = "POST";
	req.json = json;
	ck_assert_int_eq(send_it(&req), -EINTR);
	ck_assert(answer.unknown);
	ck_assert(!errors_say("EINTR"));
	json_object_put(json);
	end();
}
END_TEST

START_TEST(silence_is_not_waited_for_twice)
{
	static const struct script_step steps[] = { { .end = SCRIPT_HANG } };
	struct rest_request req = request(true);

	REST_BEGIN(steps);
	ck_assert_int_eq(send_it(&req), -ETIMEDOUT);
	ck_assert_int_lt(clock_mono_ms() - began, 5000);
	ck_assert_uint_eq(server->n_requests, 1);
	ck_assert_ptr_nonnull(strstr(call.words, "does not answer"));
	end();
}
END_TEST

static const struct {
	const char *status, *body;
	int want;
	bool remembered;
} ordinary[] = {
	{ "404 No", "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\"}", -ENOENT,
	    false },
	{ "400 No", "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\"}", -EEXIST,
	    false },
	{ "400 No", "{\"error_code\":\"DIRECTORY_NOT_EMPTY\"}", -ENOTEMPTY,
	    false },
	{ "404 No", "", -EIO, true },
	{ "401 No", "{\"error_code\":401,\"message\":\"No credential\"}",
	    -EACCES, true },
};

START_TEST(ordinary_answers_are_no_errors_to_remember)
{
	char text[512];
	const struct script_step steps[] = { { .send = text,
	    .end = SCRIPT_CLOSE } };
	struct rest_request req = request(true);

	(void)snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n\r\n%s",
	    ordinary[_i].status, ordinary[_i].body);
	REST_BEGIN(steps);
	ck_assert_int_eq(send_it(&req), ordinary[_i].want);
	ck_assert_int_eq(errors_say("/api/2.0/x"), ordinary[_i].remembered);
	end();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(an_answer_is_decoded),
	UNIT(an_error_is_mapped_told_and_remembered),
	UNIT_ROWS(what_is_no_answer_of_the_service_is_refused_once, foreign),
	UNIT_ROWS(a_credential_that_comes_back_is_not_shown, echoes),
	UNIT(too_long_an_answer_is_no_file_that_is_too_large),
	UNIT_ROWS(failures_that_pass_are_not_noticed, passing),
	UNIT_ROWS(what_must_not_be_sent_twice_is_not, passing),
	UNIT(patience_has_an_end),
	UNIT(a_server_that_is_gone_is_waited_for),
	UNIT(waits_between_attempts_can_be_interrupted),
	UNIT(an_interrupted_exchange_leaves_the_outcome_open),
	UNIT(silence_is_not_waited_for_twice),
	UNIT_ROWS(ordinary_answers_are_no_errors_to_remember, ordinary),
};

UNIT_MAIN("client", tests)
