/* emu/server and what a request passes: intake, form, dispatch, sender.  Bytes go
 * over a real connection, so that they can be as odd as a client's. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/emu_server.h"
#include "tests/support/unit.h"

static const struct {
	const char *line, *headers, *body;
	int status;
	const char *says; /* somewhere in the answer */
} rows[] = {
	{ "GET /api/2.0/dbfs/get-status?path=/", "", "", 200,
	    "\"path\":\"/\"" },
	{ "GET /api/2.0/dbfs/get-status/?path=%2F", "", "", 200, "" },
	{ "GET /api/2.0/dbfs/get-status", "", "{\"path\":\"dbfs:/\"}", 200,
	    "" },
	{ "GET /api/2.0/dbfs/get-status",
	    "Content-Type: application/x-www-form-urlencoded\r\n", "path=%2F",
	    200, "" },
	{ "GET /api/2.0/dbfs/get-status",
	    "Content-Type: application/x-www-form-urlencoded\r\n",
	    " {\"path\":\"/\"}", 200, "" },
	{ "GET /api/2.0/dbfs/get-status?path=/%00", "", "", 400,
	    "BAD_REQUEST" },
	{ "GET /api/2.0/dbfs/get-status?path=%zz", "", "", 400, "" },
	{ "GET /api/2.0/dbfs/get-status?path=/%ff", "", "", 400, "UTF-8" },
	{ "GET /api/2.0/dbfs/get-status?path=/a/../b", "", "", 400,
	    "INVALID_PARAMETER_VALUE" },
	{ "GET /api/2.0/dbfs/get-status?path=/none", "", "", 404,
	    "No file or directory exists on path /none." },
	{ "GET /api/2.0/dbfs/get-status", "", "{\"path\":", 400,
	    "MALFORMED_REQUEST" },
	{ "GET /api/2.0/dbfs/get-status", "", "[1]", 400, "MALFORMED_REQUEST" },
	{ "PUT /api/2.0/sql/statements", "", "", 404,
	    "No API found for 'PUT /sql/statements'" },
	{ "POST /api/2.0/dbfs/add-block", "", "{\"handle\":42}", 404,
	    "No such stream with handle: 42." },
	{ "POST /api/2.0/dbfs/delete", "", "{\"path\":\"/none\"}", 200, "{}" },
	{ "GET /emulator/history?path=x", "", "", 400, "" },
	{ "POST /emulator/handles/expire", "", "{\"handle\":\"x\"}", 400,
	    "handle" },
	{ "POST /emulator/settings", "", "{\"dbfs-disabled\":null}", 400,
	    "dbfs-disabled" },
	{ "GET /emulator/tree", "", "{\"path\":5}", 400, "Wanted" },
	{ "POST /emulator/make?path=/m&files=x", "", "", 400, "out of range" },
	{ "GET /emulator/log?max=x", "", "", 400, "max" },
	{ "POST /emulator/tokens", "", "{\"add\":5}", 400, "token" },
	{ "POST /emulator/tokens", "", "{\"revoke\":5}", 400, "token" },
	{ "POST /emulator/clock", "", "{\"now\":-9223372036854775807}", 400,
	    "Wanted" },
	{ "POST /emulator/clock", "", "{\"advance_ms\":9223372036854775806}", 400,
	    "Wanted" },
	{ "GET /api/2.0/dbfs/read?path=/&length=1048577", "", "", 400,
	    "MAX_READ_SIZE_EXCEEDED" },
};

START_TEST(requests_are_answered)
{
	char *answer;

	begin();
	for (size_t step = 1; step < 5000; step += 4998) {
		answer =
		    call(rows[_i].line, rows[_i].headers, rows[_i].body, step);
		expect_status(answer, rows[_i].status);
		ck_assert_msg(
		    strstr(answer, rows[_i].says) != NULL, "%s", answer);
		ck_assert_ptr_nonnull(
		    strstr(answer, "x-databricks-org-id: " EMU_WORKSPACE_ID));
		free(answer);
	}
	end();
}
END_TEST

static const struct {
	const char *request;
	int status;
	const char *says;
} doors[] = {
	{ "GET /api/2.0/dbfs/list HTTP/1.1\r\nHost: localhost:1\r\n", 401,
	    "\"error_code\":401" },
	{ "GET /api/2.0/dbfs/list HTTP/1.1\r\nHost: localhost\r\n"
	  "Authorization: Bearer wrong\r\n",
	    403, "\"error_code\":403" },
	{ "GET /api/9.9/nothing HTTP/1.1\r\nHost: localhost\r\n", 401, "" },
	{ "GET /nothing HTTP/1.1\r\nHost: localhost\r\n", 404, "" },
	{ "GET /emulator/rules HTTP/1.1\r\nHost: localhost\r\n", 401, "" },
	{ "GET /api/2.0/dbfs/list HTTP/1.1\r\nHost: evil.example\r\n"
	  "Authorization: Bearer t\r\n",
	    403, "loopback" },
	{ "GET /login?next_url=%2Fapi HTTP/1.1\r\nHost: localhost\r\n", 200,
	    "text/html" },
	{ "GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n", 403, "" },
	{ "GET /.well-known/databricks-config HTTP/1.1\r\nHost: [::1]:1\r\n",
	    200, "http://[::1]:1/oidc" },
	{ "POST /oidc/v1/token?grant_type=client_credentials&client_secret=t "
	  "HTTP/1.1\r\nHost: localhost\r\n",
	    200, "\"access_token\":\"eyJ" },
	{ "POST /oidc/v1/token?grant_type=client_credentials&client_secret=u "
	  "HTTP/1.1\r\nHost: localhost\r\n",
	    401, "invalid_client" },
};

START_TEST(the_doors_are_shut)
{
	char *text, *answer;

	begin();
	text = text_printf("%sConnection: close\r\n\r\n", doors[_i].request);
	answer = talk(text, strlen(text), 5000);
	expect_status(answer, doors[_i].status);
	ck_assert_ptr_nonnull(strstr(answer, doors[_i].says));
	free(text);
	free(answer);
	end();
}
END_TEST

#define FORM  "Content-Type: multipart/form-data; boundary=XX\r\n"
#define PART  "--XX\r\nContent-Disposition: form-data; name="
#define PATH  PART "\"path\"\r\n\r\n/f\r\n"
#define OVER  PART "\"overwrite\"\r\n\r\nTrue\r\n"
#define FILE_ PART "\"file\"; filename=\"x\"\r\n\r\n1\r\n--X\r\n2\r\n"
#define TEXT  PART "\"contents\"\r\n\r\naGVs\r\nbG8=\r\n"
#define END   "--XX--\r\n"

static const struct {
	const char *body;
	int status;
	const char *content; /* of /f afterwards; NULL: none */
} forms[] = {
	{ PATH OVER FILE_ END, 200, "1\r\n--X\r\n2" },
	{ FILE_ OVER PATH END, 200, "1\r\n--X\r\n2" },
	{ OVER FILE_ PATH END, 200, "1\r\n--X\r\n2" },
	{ PATH TEXT END, 200, "hello" },
	{ PATH END, 200, "" },
	{ PATH PART "\"x\"; filename=\"\"\r\n\r\n\r\n" END, 200, "" },
	{ FILE_ END, 400, NULL },
	{ PATH FILE_, 400, NULL },
	{ PATH FILE_ FILE_ END, 400, NULL },
	{ "no form at all", 400, NULL },
};

START_TEST(forms_come_in_any_order_and_any_pieces)
{
	struct store_node node;
	char *answer, got[64];
	size_t steps[] = { 1, 7, 5000 };
	ssize_t n;
	int fd;

	begin();
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		uint64_t removed;

		answer = call(
		    "POST /api/2.0/dbfs/put", FORM, forms[_i].body, steps[i]);
		expect_status(answer, forms[_i].status);
		free(answer);
		if (forms[_i].content == NULL) {
			ck_assert_int_eq(
			    store_stat(emu.dbfs, "/f", &node), -ENOENT);
			continue;
		}
		ck_assert_int_eq(store_read(emu.dbfs, "/f", &fd, &node), 0);
		n = read(fd, got, sizeof(got) - 1);
		(void)close(fd);
		ck_assert_int_ge(n, 0);
		got[n] = '\0';
		ck_assert_str_eq(got, forms[_i].content);
		ck_assert_int_eq(
		    store_remove(emu.dbfs, "/f", false, 0, NULL, &removed), 0);
	}
	end();
}
END_TEST

START_TEST(a_form_with_too_much_is_refused)
{
	char *answer;

	begin();
	ck_assert_int_eq(settings_set(&emu.settings, "put-limit", "9"), 0);
	answer = call("POST /api/2.0/dbfs/put", FORM, PATH FILE_ END, 5000);
	expect_status(answer, 413);
	free(answer);
	ck_assert_int_eq(settings_set(&emu.settings, "put-limit", "10"), 0);
	answer = call("POST /api/2.0/dbfs/put", FORM, PATH FILE_ END, 5000);
	expect_status(answer, 200);
	free(answer);
	end();
}
END_TEST

static const struct {
	const char *line, *body;
	int status;
	const char *says;
} calls[] = {
	{ "POST /api/2.0/dbfs/mkdirs", PATH END, 200, "{}" },
	{ "GET /api/2.0/dbfs/get-status", PART "\"path\"\r\n\r\n/\r\n" END, 200,
	    "\"is_dir\":true" },
	{ "POST /api/2.0/dbfs/add-block",
	    PART "\"handle\"\r\n\r\n42\r\n" PART
		 "\"data\"; filename=\"x\"\r\n\r\naGVsbG8=\r\n" END,
	    404, "No such stream with handle: 42." },
	{ "POST /api/2.0/dbfs/mkdirs", PATH, 400, "MALFORMED_REQUEST" },
};

START_TEST(a_form_does_for_every_call)
{
	char *answer;

	begin();
	answer = call(calls[_i].line, FORM, calls[_i].body, 5000);
	expect_status(answer, calls[_i].status);
	ck_assert_msg(strstr(answer, calls[_i].says) != NULL, "%s", answer);
	free(answer);
	end();
}
END_TEST

START_TEST(texts_of_a_form_have_a_limit)
{
	static const char part[] = PART "\"t\"\r\n\r\n";
	struct buf text;
	char *answer;

	begin();
	buf_init(&text, (size_t)64 << 20);
	for (int i = 0; i < 11; i++) {
		ck_assert_int_eq(buf_puts(&text, part), 0);
		ck_assert_int_eq(buf_reserve(&text, (size_t)1 << 20), 0);
		memset(text.data + text.len, 'x', (size_t)1 << 20);
		text.len += (size_t)1 << 20;
		ck_assert_int_eq(buf_puts(&text, "\r\n"), 0);
	}
	ck_assert_int_eq(buf_puts(&text, PATH END), 0);
	answer =
	    call("POST /api/2.0/dbfs/put", FORM, buf_text(&text), 1 << 20);
	expect_status(answer, 413);
	free(answer);
	buf_release(&text);
	end();
}
END_TEST

START_TEST(a_path_of_many_components_is_refused)
{
	char line[40000] = "PUT /emulator/file?path=", *answer;
	size_t len = strlen(line);

	begin();
	while (len + 3 < sizeof(line)) {
		memcpy(line + len, "/a", 3);
		len += 2;
	}
	answer = call(line, "", "x", sizeof(line));
	expect_status(answer, 400);
	free(answer);
	end();
}
END_TEST

/* libmicrohttpd gives up such a request without a word to its handlers. */
START_TEST(too_many_parameters_leave_nothing_behind)
{
	struct buf text;
	char *answer;

	begin();
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(buf_puts(&text, "GET /api/2.0/dbfs/list?"), 0);
	for (int i = 0; i < 6000; i++)
		ck_assert_int_eq(buf_printf(&text, "a%d=b&", i), 0);
	ck_assert_int_eq(buf_puts(&text, " HTTP/1.1\r\n" HEADERS "\r\n"), 0);
	answer = talk(text.data, text.len, text.len);
	ck_assert_ptr_null(strstr(answer, "HTTP/1.1 2"));
	free(answer);
	buf_release(&text);
	end();
}
END_TEST

START_TEST(a_connection_serves_on_after_a_refusal)
{
	static const char text[] =
	    "POST /api/2.0/nope HTTP/1.1\r\n" HEADERS
	    "Content-Length: 2\r\n\r\n{}"
	    "GET /api/2.0/preview/scim/v2/Me HTTP/1.1\r\n" HEADERS
	    "Connection: close\r\n\r\n";
	char *answer;

	begin();
	answer = talk(text, sizeof(text) - 1, 5000);
	expect_status(answer, 404);
	ck_assert_ptr_nonnull(strstr(answer, "\"userName\""));
	free(answer);
	end();
}
END_TEST

/* A new connection that has sent text. */
static int
connect_and_send(const char *text)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(server_port(server)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_gt(send(fd, text, strlen(text), 0), 0);
	return fd;
}

START_TEST(a_request_that_its_client_leaves_is_counted)
{
	struct buf out;
	int fd;

	begin();
	fd = connect_and_send("POST /api/2.0/dbfs/put HTTP/1.1\r\n" HEADERS
			      "Content-Length: 1000\r\n\r\n{");
	(void)close(fd);
	buf_init(&out, BUF_LIMIT_TEXT);
	do {
		(void)halt_wait(emu.halt, -1, 10000000);
		buf_clear(&out);
		ck_assert_int_eq(tally_print_counts(emu.tally, &out), 0);
	} while (strstr(buf_text(&out), "\"POST /api/2.0/dbfs/put\":1") == NULL);
	buf_clear(&out);
	ck_assert_int_eq(tally_print_log(emu.tally, 1, &out), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"status\":0,"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"bytes_in\":1,"));
	buf_release(&out);
	end();
}
END_TEST

START_TEST(stopping_ends_a_stalled_answer)
{
	struct json_object *rule = json_tokener_parse("{\"verb\":\"stall\"}");
	static const char text[] =
	    "GET /api/2.0/dbfs/list?path=/ HTTP/1.1\r\n" HEADERS "\r\n";
	struct why why;
	int64_t id;
	int fd;

	begin();
	ck_assert_int_eq(faults_add(emu.faults, rule, &id, &why), 0);
	json_object_put(rule);
	fd = connect_and_send(text);
	(void)halt_wait(emu.halt, -1, 100000000);
	end(); /* hangs if the stall does not listen */
	(void)close(fd);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(requests_are_answered, rows),
	UNIT_ROWS(the_doors_are_shut, doors),
	UNIT_ROWS(forms_come_in_any_order_and_any_pieces, forms),
	UNIT(a_form_with_too_much_is_refused),
	UNIT_ROWS(a_form_does_for_every_call, calls),
	UNIT(texts_of_a_form_have_a_limit),
	UNIT(a_path_of_many_components_is_refused),
	UNIT(too_many_parameters_leave_nothing_behind),
	UNIT(a_connection_serves_on_after_a_refusal),
	UNIT(a_request_that_its_client_leaves_is_counted),
	UNIT(stopping_ends_a_stalled_answer),
};

UNIT_MAIN("emu/server", tests)
