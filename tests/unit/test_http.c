/* net/http: one exchange, with servers of every kind. */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/counters.h"
#include "net/http.h"
#include "tests/support/script_server.h"
#include "tests/support/unit.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static struct http_pool *pool;
static struct script_server *server;
static struct http_reply reply;
static struct call call;

static void
serve(const struct script_step *steps, size_t n)
{
	const struct http_config config = {
		.user_agent = "test",
		.data_slots = 1,
		.meta_slots = 1,
		.no_proxy = true,
		.dead_ms = 7000,
	};

	server = script_start(steps, n);
	ck_assert_int_eq(http_pool_new(&config, &pool), 0);
	call = (struct call){ .op = "test" };
}
#define SERVE(steps) serve(steps, ARRAY_LEN(steps))

static void
done(void)
{
	http_reply_release(&reply);
	http_pool_free(pool);
	script_free(server);
}

static struct http_request
request(const char *method)
{
	return (struct http_request){ .method = method, .url = server->url,
		.idle_ms = 5000, .answer_ms = 5000, .body_max = 1 << 20 };
}

static int
exchange(const struct http_request *req)
{
	http_reply_release(&reply);
	return http_exchange(pool, &call, req, &reply);
}

static int
read_letters(void *ctx, uint64_t off, void *dst, size_t len)
{
	(void)ctx;
	(void)off;
	memset(dst, 'x', len);
	return 0;
}

static int
read_nothing(void *ctx, uint64_t off, void *dst, size_t len)
{
	(void)ctx;
	(void)dst;
	(void)len;
	return off == 0 ? -ENODATA : 0;
}

static const struct http_body letters = { 1000, read_letters, NULL };

/* --- good answers ---------------------------------------------------------------- */

START_TEST(an_answer_has_status_headers_and_body)
{
	static const struct script_step steps[] = {
		{ .send = "HTTP/1.1 100 Continue\r\nX-Request-Id: not this\r\n\r\n"
		  "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n"
		  "DATE: Sat, 21 Nov 2026 05:00:00 GMT\r\n"
		  "X-Databricks-Org-Id:  123 \r\nx-request-id: r-1\r\n"
		  "Retry-After: 7\r\nContent-Length: 5\r\n\r\nhello",
		    .end = SCRIPT_KEEP },
	};
	const char *const headers[] = { "Authorization: Bearer t", "X-A: b" };
	struct http_request req;

	SERVE(steps);
	req = request("GET");
	req.headers = headers;
	req.n_headers = 2;
	ck_assert_int_eq(exchange(&req), 0);
	ck_assert_int_eq(reply.status, 404);
	ck_assert_str_eq(buf_text(&reply.body), "hello");
	ck_assert_str_eq(reply.content_type, "application/json");
	ck_assert_str_eq(reply.org_id, "123");
	ck_assert_str_eq(reply.request_id, "r-1");
	ck_assert_int_eq(reply.retry_after_ms, 7000);
	ck_assert_int_eq(reply.date_ms, INT64_C(1795237200000));
	script_stop(server);
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "\r\nAuthorization: Bearer t\r\n"));
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "\r\nUser-Agent: test\r\n"));
	ck_assert_ptr_null(strstr(server->requests[0], "Accept-Encoding"));
	done();
}
END_TEST

START_TEST(a_connection_serves_many_exchanges)
{
	static const struct script_step steps[] = { { .send = OK }, { .send = OK }, { .send = OK } };
	struct http_request req;

	SERVE(steps);
	req = request("GET");
	req.repeatable = true;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(exchange(&req), 0);
	ck_assert_uint_eq(server->n_connections, 1);
	done();
}
END_TEST

/* Any of our connections to the server; -1: none. */
static int
find_connection(void)
{
	struct sockaddr_in peer;
	socklen_t len;

	for (int fd = 3; fd < 1024; fd++) {
		len = sizeof(peer);
		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		    peer.sin_family == AF_INET &&
		    ntohs(peer.sin_port) ==
			(unsigned)strtoul(strrchr(server->url, ':') + 1, NULL, 10))
			return fd;
	}
	return -1;
}

static int
tcp_option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, name, &value, &len), 0);
	return value;
}

/* A slow answer is waited for, a peer that is gone is not. */
START_TEST(a_connection_ends_when_the_peer_acknowledges_nothing)
{
	static const struct script_step steps[] = { { .send = OK } };
	struct http_request req;
	int fd;

	SERVE(steps);
	req = request("GET");
	ck_assert_int_eq(exchange(&req), 0);
	fd = find_connection();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(tcp_option(fd, TCP_USER_TIMEOUT), 7000);
	ck_assert_int_le(tcp_option(fd, TCP_KEEPIDLE), 15);
	ck_assert_int_le(tcp_option(fd, TCP_KEEPINTVL), 15);
	done();
}
END_TEST

START_TEST(a_body_is_sent_whole_with_its_length)
{
	static const struct script_step steps[] = { { .send = OK }, { .send = OK }, { .send = OK } };
	const struct http_body large = { 3 << 20, read_letters, NULL };
	struct http_request req;

	SERVE(steps);
	req = request("POST");
	req.body = &letters;
	ck_assert_int_eq(exchange(&req), 0);
	req.method = "PUT";
	req.body = &large;
	ck_assert_int_eq(exchange(&req), 0);
	req.method = "POST";
	req.body = NULL;
	ck_assert_int_eq(exchange(&req), 0);
	script_stop(server);
	ck_assert_uint_eq(server->body_bytes[0], 1000);
	ck_assert_ptr_null(strstr(server->requests[0], "Expect"));
	ck_assert(strncmp(server->requests[1], "PUT ", 4) == 0);
	ck_assert_uint_eq(server->body_bytes[1], 3 << 20);
	ck_assert_ptr_nonnull(strstr(server->requests[1],
	    "Expect: 100-continue"));
	ck_assert_ptr_nonnull(strstr(server->requests[2],
	    "Content-Length: 0\r\n"));
	done();
}
END_TEST

static uint64_t told;

static void
tell(void *ctx, uint64_t bytes)
{
	(void)ctx;
	told = bytes;
}

START_TEST(a_form_has_a_known_length_and_tells_its_progress)
{
	static const struct script_step steps[] = { { .send = OK } };
	const struct http_body large = { 3 << 20, read_letters, NULL };
	const struct http_part parts[] = {
		{ .name = "path", .text = "/a\"b\r\nX: y" },
		{ .name = "contents", .filename = "contents", .body = &large },
	};
	struct http_request req;

	SERVE(steps);
	req = request("POST");
	req.parts = parts;
	req.n_parts = 2;
	req.sent = tell;
	ck_assert_int_eq(exchange(&req), 0);
	ck_assert_uint_gt(told, 3 << 20);
	script_stop(server);
	ck_assert_ptr_null(strstr(server->requests[0], "chunked"));
	ck_assert_uint_gt(server->body_bytes[0], 3 << 20);
	done();
}
END_TEST

START_TEST(a_refusal_before_the_body_is_heard)
{
	static const struct script_step steps[] = {
		{ .send = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n"
		  "Connection: close\r\n\r\nno", .end = SCRIPT_CLOSE,
		    .before_body = true },
	};
	const struct http_body large = { 64 << 20, read_letters, NULL };
	struct http_request req;

	SERVE(steps);
	req = request("POST");
	req.body = &large;
	ck_assert_int_eq(exchange(&req), 0);
	ck_assert_int_eq(reply.status, 403);
	ck_assert_str_eq(buf_text(&reply.body), "no");
	done();
}
END_TEST

START_TEST(redirects_are_not_followed)
{
	static const struct script_step steps[] = {
		{ .send = "HTTP/1.1 302 Found\r\nLocation: /login?next_url=%2F\r\n"
		  "Content-Length: 0\r\n\r\n" },
		{ .send = OK },
	};
	struct http_request req;

	SERVE(steps);
	req = request("GET");
	ck_assert_int_eq(exchange(&req), 0);
	ck_assert_int_eq(reply.status, 302);
	ck_assert_str_eq(reply.location, "/login?next_url=%2F");
	ck_assert_uint_eq(server->n_requests, 1);
	done();
}
END_TEST

/* --- bad answers ----------------------------------------------------------------- */

static const struct {
	const char *send;
	unsigned times;
	const char *pad;
	int want;
} broken[] = {
	/* Shorter than announced. */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 0, "", -EIO },
	/* Chunks that break off. */
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 0, "",
	    -EIO },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
	    0, "", -EIO },
	/* No HTTP, and nothing at all. */
	{ "hello\r\n", 0, "", -EIO },
	{ "", 0, "", -EIO },
	{ "HTTP/1.1 200 OK\r\nContent-Le", 0, "", -EIO },
	/* Headers without end, and one that has none. */
	{ "HTTP/1.1 200 OK\r\nX-Pad: ", 20000, "0123456789", -EFBIG },
	{ "HTTP/1.1 200 ", 20000, "0123456789", -EFBIG },
	{ "HTTP/1.1 200 OK\r\n", 20000, "X-Pad: 0123456789012345678901234\r\n",
	    -EFBIG },
	/* A body beyond the limit, announced and not. */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", 200000,
	    "0123456789", -EFBIG },
	{ "HTTP/1.1 200 OK\r\n\r\n", 200000, "0123456789", -EFBIG },
};

START_TEST(broken_answers_are_errors)
{
	const struct script_step steps[] = {
		{ .send = broken[_i].send, .times = broken[_i].times,
		    .pad = broken[_i].pad, .end = SCRIPT_CLOSE },
	};
	struct http_request req;

	SERVE(steps);
	req = request("GET");
	ck_assert_int_eq(exchange(&req), broken[_i].want);
	ck_assert_int_eq(reply.status, 0);
	ck_assert(reply.acted);
	ck_assert(!reply.ours);
	ck_assert_str_ne(reply.words, "");
	done();
}
END_TEST

START_TEST(a_long_refusal_is_cut_and_still_a_refusal)
{
	static const struct script_step steps[] = {
		{ .send = "HTTP/1.1 500 Oops\r\n\r\n", .times = 20000,
		    .pad = "0123456789", .end = SCRIPT_CLOSE },
	};
	struct http_request req;

	SERVE(steps);
	req = request("GET");
	ck_assert_int_eq(exchange(&req), 0);
	ck_assert_int_eq(reply.status, 500);
	ck_assert_uint_le(reply.body.len, HTTP_REFUSAL_MAX);
	ck_assert_uint_gt(reply.body.len, 0);
	done();
}
END_TEST

/* --- time ------------------------------------------------------------------------ */

static const struct {
	const char *send;
	unsigned times;
	const char *pad;
	unsigned pad_ms;
} slow[] = {
	{ NULL, 0, "", 0 },
	{ "HTTP/1.1 200 OK\r\n", 0, "", 0 },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", 0, "", 0 },
	/* A byte now and then is no answer. */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab", 100, "c", 50 },
};

START_TEST(silence_is_a_timeout)
{
	const struct script_step steps[] = {
		{ .send = slow[_i].send, .times = slow[_i].times,
		    .pad = slow[_i].pad, .pad_ms = slow[_i].pad_ms,
		    .end = SCRIPT_HANG },
	};
	struct http_request req;
	int64_t began, took;

	SERVE(steps);
	req = request("GET");
	req.idle_ms = req.answer_ms = 600;
	began = clock_mono_ms();
	ck_assert_int_eq(exchange(&req), -ETIMEDOUT);
	took = clock_mono_ms() - began;
	ck_assert_int_ge(took, 600);
	ck_assert_int_lt(took, 3000);
	ck_assert(reply.acted);
	done();
}
END_TEST

START_TEST(an_answer_may_take_longer_than_the_bytes_in_it)
{
	static const struct script_step steps[] = {
		{ .times = 1, .pad = OK, .pad_ms = 1000 },
	};
	struct http_request req;

	SERVE(steps);
	req = request("POST");
	req.body = &letters;
	req.idle_ms = 300;
	ck_assert_int_eq(exchange(&req), 0);
	done();
}
END_TEST

START_TEST(a_body_that_keeps_moving_has_all_the_time)
{
	static const struct script_step steps[] = {
		{ .send = "HTTP/1.1 200 OK\r\n\r\n", .times = 20, .pad =
		    "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789"
		    "0123456789012345678901234567890123456789", .pad_ms = 100,
		    .end = SCRIPT_CLOSE },
	};
	struct http_request req;

	SERVE(steps);
	req = request("GET");
	req.idle_ms = req.answer_ms = 1000;
	ck_assert_int_eq(exchange(&req), 0);
	ck_assert_uint_eq(reply.body.len, 6400);
	done();
}
END_TEST

static int64_t interrupt_ms;

static bool
is_over(void *arg)
{
	(void)arg;
	return clock_mono_ms() > interrupt_ms;
}

START_TEST(an_interrupt_ends_a_stalled_exchange_at_once)
{
	static const struct script_step steps[] = { { .end = SCRIPT_HANG } };
	struct http_request req;

	SERVE(steps);
	call.interrupted = is_over;
	interrupt_ms = clock_mono_ms() + 300;
	req = request("GET");
	ck_assert_int_eq(exchange(&req), -EINTR);
	ck_assert_int_lt(clock_mono_ms() - interrupt_ms, 1000);
	done();
}
END_TEST

static void *
occupy(void *arg)
{
	struct call other = { .op = "other" };
	struct http_request req = request("GET");
	struct http_reply got;

	req.idle_ms = req.answer_ms = 1500;
	ck_assert_int_eq(http_exchange(pool, &other, &req, &got), -ETIMEDOUT);
	http_reply_release(&got);
	return arg;
}

START_TEST(waiting_for_a_connection_can_be_interrupted_and_metadata_passes)
{
	static const struct script_step steps[] = { { .end = SCRIPT_HANG } };
	struct http_request req;
	pthread_t thread;

	SERVE(steps);
	ck_assert_int_eq(pthread_create(&thread, NULL, occupy, NULL), 0);
	while (server->n_requests == 0)
		(void)usleep(1000);
	call.interrupted = is_over;
	interrupt_ms = clock_mono_ms() + 300;
	req = request("GET");
	ck_assert_int_eq(exchange(&req), -EINTR);
	ck_assert(!reply.acted);
	ck_assert_int_eq(reply.quiet_ms, -1);
	/* Its own lane is free: the request gets as far as the (busy) server. */
	interrupt_ms = clock_mono_ms() + 300;
	req.metadata = true;
	ck_assert_int_eq(exchange(&req), -EINTR);
	ck_assert(reply.acted);
	(void)pthread_join(thread, NULL);
	done();
}
END_TEST

/* --- sent once ----------------------------------------------------------------- */

static const enum script_end deaths[] = { SCRIPT_CLOSE, SCRIPT_RESET };

static const struct {
	enum script_end end;
	uint64_t len;
	bool repeatable;
} bodies[] = {
	{ SCRIPT_CLOSE, 1000, false },
	{ SCRIPT_RESET, 1000, false },
	{ SCRIPT_CLOSE, 1000, true },
	{ SCRIPT_CLOSE, 1400000, false },
	{ SCRIPT_RESET, 1400000, false },
	{ SCRIPT_RESET, 4000000, true },
};

START_TEST(a_body_is_never_sent_twice_when_a_reused_connection_dies)
{
	const struct script_step steps[] = {
		{ .send = OK },
		{ .end = bodies[_i].end },
		{ .send = OK },
	};
	const struct http_body body = { bodies[_i].len, read_letters, NULL };
	struct http_request req;
	int ret;

	SERVE(steps);
	req = request("POST");
	ck_assert_int_eq(exchange(&req), 0);
	req.body = &body;
	req.repeatable = bodies[_i].repeatable;
	ret = exchange(&req);
	ck_assert_int_eq(ret, -EIO);
	ck_assert(reply.acted);
	ck_assert_str_ne(reply.words, "");
	ck_assert_uint_eq(server->n_requests, 2);
	done();
}
END_TEST

START_TEST(a_form_is_never_sent_twice_either)
{
	const struct script_step steps[] = {
		{ .send = OK },
		{ .end = deaths[_i] },
		{ .send = OK },
	};
	const struct http_part parts[] = {
		{ .name = "path", .text = "/a" },
		{ .name = "contents", .filename = "x", .body = &letters },
	};
	struct http_request req;

	SERVE(steps);
	req = request("POST");
	ck_assert_int_eq(exchange(&req), 0);
	req.parts = parts;
	req.n_parts = 2;
	ck_assert_int_eq(exchange(&req), -EIO);
	ck_assert(reply.acted);
	ck_assert_uint_eq(server->n_requests, 2);
	done();
}
END_TEST

START_TEST(without_a_body_neither_unless_that_does_no_harm)
{
	static const struct script_step steps[] = {
		{ .send = OK },
		{ .end = SCRIPT_CLOSE },
		{ .send = OK },
		{ .send = OK },
		{ .end = SCRIPT_CLOSE },
		{ .send = OK },
	};
	struct http_request req;

	SERVE(steps);
	req = request("GET");
	req.repeatable = true;
	ck_assert_int_eq(exchange(&req), 0);
	/* libcurl repeats it by itself. */
	ck_assert_int_eq(exchange(&req), 0);
	ck_assert_uint_eq(server->n_requests, 3);
	ck_assert_int_eq(exchange(&req), 0);
	req.method = "POST";
	req.repeatable = false;
	ck_assert_int_eq(exchange(&req), -EIO);
	ck_assert(reply.acted);
	ck_assert_uint_eq(server->n_requests, 5);
	done();
}
END_TEST

/* --- no server, no content --------------------------------------------------------- */

START_TEST(no_server_is_told_apart)
{
	static const struct script_step steps[] = { { .send = OK } };
	struct http_request req;

	SERVE(steps);
	script_stop(server);
	req = request("POST");
	req.body = &letters;
	ck_assert_int_eq(exchange(&req), -ECONNREFUSED);
	ck_assert(!reply.acted);
	ck_assert_str_ne(reply.words, "");
	req.url = "http://no-such-host.invalid/";
	ck_assert_int_eq(exchange(&req), -EHOSTUNREACH);
	ck_assert(!reply.acted);
	req.url = "ftp://127.0.0.1/";
	ck_assert_int_eq(exchange(&req), -EINVAL);
	ck_assert(!reply.acted);
	done();
}
END_TEST

/* What the system's function does for a name that is in no file while the name
 * server is silent: nothing, for long.  libcurl asks in a thread of its own. */
static int asking[2]; /* a pipe; to read from it is to wait for its end */
static sem_t is_asked;

int
getaddrinfo(const char *name UNUSED, const char *port UNUSED,
    const struct addrinfo *hints UNUSED, struct addrinfo **out UNUSED)
{
	char waste;

	if (asking[0] == 0)
		return EAI_NONAME;
	(void)sem_post(&is_asked);
	(void)!read(asking[0], &waste, 1);
	return EAI_AGAIN;
}

static bool
is_being_asked(void *arg)
{
	int n = 0;

	(void)arg;
	(void)sem_getvalue(&is_asked, &n);
	return n > 0;
}

START_TEST(an_interrupt_does_not_wait_for_a_name_server)
{
#if LIBCURL_VERSION_NUM >= 0x075700
	static const struct script_step steps[] = { { .send = OK } };
	struct http_request req;

	SERVE(steps);
	ck_assert_int_eq(sem_init(&is_asked, 0, 0), 0);
	ck_assert_int_eq(pipe(asking), 0);
	call.interrupted = is_being_asked;
	req = request("GET");
	req.url = "http://silence.invalid/";
	/* With libcurl waiting for its thread this would never end. */
	ck_assert_int_eq(exchange(&req), -EINTR);
	ck_assert(!reply.acted);
	done();
	(void)close(asking[1]);
#endif
}
END_TEST

START_TEST(https_to_a_plain_server_is_a_tls_error)
{
	static const struct script_step steps[] = {
		{ .send = "no TLS here\r\n\r\n", .end = SCRIPT_CLOSE,
		    .before_body = true },
	};
	struct http_request req;
	char url[80];

	SERVE(steps);
	(void)snprintf(url, sizeof(url), "https%s", server->url + 4);
	req = request("GET");
	req.url = url;
	req.idle_ms = 2000;
	/* The server waits for a request that never comes as text. */
	ck_assert_int_ne(exchange(&req), 0);
	ck_assert(!reply.acted);
	done();
}
END_TEST

START_TEST(content_that_cannot_be_read_is_our_failure)
{
	static const struct script_step steps[] = { { .send = OK } };
	const struct http_body body = { 10, read_nothing, NULL };
	const struct http_part part = { .name = "a", .filename = "b",
		.body = &body };
	struct http_request req;

	SERVE(steps);
	req = request("POST");
	req.body = &body;
	ck_assert_int_eq(exchange(&req), -ENODATA);
	ck_assert(reply.ours);
	req.body = NULL;
	req.parts = &part;
	req.n_parts = 1;
	ck_assert_int_eq(exchange(&req), -ENODATA);
	ck_assert(reply.ours);
	ck_assert_uint_eq(server->n_requests, 0);
	done();
}
END_TEST

START_TEST(bytes_and_connections_are_counted)
{
	static const struct script_step steps[] = { { .send = OK }, { .send = OK } };
	struct http_request req;

	SERVE(steps);
	req = request("POST");
	req.body = &letters;
	ck_assert_int_eq(exchange(&req), 0);
	ck_assert_int_eq(exchange(&req), 0);
	ck_assert_int_eq(counter_get(CTR_http_requests_total), 2);
	ck_assert_int_eq(counter_get(CTR_http_connections_total), 1);
	ck_assert_int_eq(counter_get(CTR_http_sent_bytes_total), 2000);
	ck_assert_int_eq(counter_get(CTR_http_received_bytes_total), 4);
	done();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(an_answer_has_status_headers_and_body),
	UNIT(a_connection_serves_many_exchanges),
	UNIT(a_connection_ends_when_the_peer_acknowledges_nothing),
	UNIT(a_body_is_sent_whole_with_its_length),
	UNIT(a_form_has_a_known_length_and_tells_its_progress),
	UNIT(a_refusal_before_the_body_is_heard),
	UNIT(redirects_are_not_followed),
	UNIT_ROWS(broken_answers_are_errors, broken),
	UNIT(a_long_refusal_is_cut_and_still_a_refusal),
	UNIT_ROWS(silence_is_a_timeout, slow),
	UNIT(an_answer_may_take_longer_than_the_bytes_in_it),
	UNIT(a_body_that_keeps_moving_has_all_the_time),
	UNIT(an_interrupt_ends_a_stalled_exchange_at_once),
	UNIT(waiting_for_a_connection_can_be_interrupted_and_metadata_passes),
	UNIT_ROWS(a_body_is_never_sent_twice_when_a_reused_connection_dies,
	    bodies),
	UNIT_ROWS(a_form_is_never_sent_twice_either, deaths),
	UNIT(without_a_body_neither_unless_that_does_no_harm),
	UNIT(no_server_is_told_apart),
	UNIT(an_interrupt_does_not_wait_for_a_name_server),
	UNIT(https_to_a_plain_server_is_a_tls_error),
	UNIT(content_that_cannot_be_read_is_our_failure),
	UNIT(bytes_and_connections_are_counted),
};

UNIT_MAIN("http", tests)
