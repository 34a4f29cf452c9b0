/* tests/support/script_server.h: an HTTP server that does what a script says.
 *
 * It has one connection at a time on 127.0.0.1 (a new one ends one that is idle), reads
 * one whole request, does the next step, and keeps what it was asked.  A connection that is closed after a whole
 * request, without an answer, is what a "dead reused connection" looks like. */
#ifndef TESTS_SUPPORT_SCRIPT_SERVER_H
#define TESTS_SUPPORT_SCRIPT_SERVER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>

enum script_end {
	SCRIPT_KEEP,  /* the connection stays open for the next request */
	SCRIPT_CLOSE, /* it is closed */
	SCRIPT_RESET, /* ... with a RST */
	SCRIPT_HANG,  /* nothing more comes, until the server is stopped */
};

struct script_step {
	const char *send;   /* after the request; NULL: nothing */
	unsigned times;	    /* more of pad is sent; 0: none */
	const char *pad;
	unsigned pad_ms;    /* between two of them */
	enum script_end end;
	bool before_body;   /* answered when the headers are there */
};

#define SCRIPT_REQUESTS	    64
#define SCRIPT_REQUEST_KEEP 4096

struct script_server {
	const struct script_step *steps;
	size_t n_steps;
	int fd;
	char url[64];
	pthread_t thread;
	atomic_bool stop;
	atomic_uint n_requests, n_connections;
	/* The begin of each request, and how many bytes its body had; to be read
	 * once it is answered or the server stopped. */
	char requests[SCRIPT_REQUESTS][SCRIPT_REQUEST_KEEP];
	size_t body_bytes[SCRIPT_REQUESTS];
};

static bool
script_wait(struct script_server *s, int fd, short events)
{
	while (!atomic_load(&s->stop)) {
		struct pollfd p = { .fd = fd, .events = events };

		if (poll(&p, 1, 10) > 0)
			return true;
	}
	return false;
}

/* A client that has opened another connection will not use this one again. */
static bool
script_is_left(struct script_server *s, int fd)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		{ .fd = s->fd, .events = POLLIN } };

	while (!atomic_load(&s->stop))
		if (poll(p, 2, 10) > 0)
			return p[0].revents == 0;
	return true;
}

static bool
script_write(struct script_server *s, int fd, const char *bytes)
{
	size_t len = strlen(bytes);

	while (len > 0) {
		ssize_t n;

		if (!script_wait(s, fd, POLLOUT))
			return false;
		n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static size_t
script_body_len(const char *head)
{
	const char *at = strcasestr(head, "\r\ncontent-length:");

	return at != NULL ? (size_t)strtoul(at + 17, NULL, 10) : 0;
}

/* Reads one request, or only its headers; false when the client has gone. */
static bool
script_read(struct script_server *s, int fd, bool headers_only)
{
	unsigned i = atomic_load(&s->n_requests) % SCRIPT_REQUESTS;
	char *head = s->requests[i], waste[65536], *end;
	size_t len = 0, want;

	head[0] = '\0';
	if (script_is_left(s, fd))
		return false;
	while ((end = strstr(head, "\r\n\r\n")) == NULL) {
		ssize_t n;

		ck_assert_uint_lt(len, SCRIPT_REQUEST_KEEP - 1);
		if (!script_wait(s, fd, POLLIN))
			return false;
		n = recv(fd, head + len, SCRIPT_REQUEST_KEEP - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		head[len] = '\0';
	}
	want = script_body_len(head);
	len -= (size_t)(end + 4 - head);
	if (!headers_only && strcasestr(head, "\r\nExpect: 100") != NULL &&
	    !script_write(s, fd, "HTTP/1.1 100 Continue\r\n\r\n"))
		return false;
	while (!headers_only && len < want) {
		size_t at = (size_t)(end + 4 - head) + len;
		size_t room = at < SCRIPT_REQUEST_KEEP - 1 ?
		    SCRIPT_REQUEST_KEEP - 1 - at : 0;
		size_t most = room > 0 ? room : sizeof(waste);
		ssize_t n;

		if (!script_wait(s, fd, POLLIN))
			return false;
		n = recv(fd, room > 0 ? head + at : waste,
		    want - len < most ? want - len : most, 0);
		if (n <= 0)
			return false;
		if (room > 0)
			head[at + (size_t)n] = '\0';
		len += (size_t)n;
	}
	s->body_bytes[i] = len;
	return true;
}

/* True when the connection goes on. */
static bool
script_act(struct script_server *s, int fd, const struct script_step *step)
{
	static const struct linger at_once = { .l_onoff = 1 };

	if (step->send != NULL && !script_write(s, fd, step->send))
		return false;
	for (unsigned i = 0; i < step->times; i++) {
		if (step->pad_ms > 0)
			(void)usleep(step->pad_ms * 1000);
		if (atomic_load(&s->stop) || !script_write(s, fd, step->pad))
			return false;
	}
	if (step->end == SCRIPT_HANG)
		while (!atomic_load(&s->stop))
			(void)usleep(5000);
	if (step->end == SCRIPT_RESET)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once,
		    sizeof(at_once));
	return step->end == SCRIPT_KEEP;
}

static void *
script_run(void *arg)
{
	struct script_server *s = arg;
	size_t next = 0;

	while (script_wait(s, s->fd, POLLIN)) {
		int fd = accept(s->fd, NULL, NULL);
		bool goes_on = true;

		if (fd < 0)
			continue;
		atomic_fetch_add(&s->n_connections, 1);
		while (goes_on && script_read(s, fd, next < s->n_steps &&
		    s->steps[next].before_body)) {
			atomic_fetch_add(&s->n_requests, 1);
			goes_on = next < s->n_steps &&
			    script_act(s, fd, &s->steps[next]);
			next++;
		}
		(void)close(fd);
	}
	return NULL;
}

static struct script_server *
script_start(const struct script_step *steps, size_t n_steps)
{
	struct script_server *s = calloc(1, sizeof(*s));
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	ck_assert_ptr_nonnull(s);
	s->steps = steps;
	s->n_steps = n_steps;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(s->fd, 0);
	ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(listen(s->fd, 16), 0);
	ck_assert_int_eq(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
	(void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u",
	    ntohs(at.sin_port));
	ck_assert_int_eq(pthread_create(&s->thread, NULL, script_run, s), 0);
	return s;
}

/* Ends the thread: what it kept may be read from now on. */
static void
script_stop(struct script_server *s)
{
	if (atomic_exchange(&s->stop, true))
		return;
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
}

static void
script_free(struct script_server *s)
{
	script_stop(s);
	free(s);
}

#endif
