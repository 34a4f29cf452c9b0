/* tests/support/emu_server.h: an emulator in the test's own process.  Bytes go over a
 * real connection, so that they can be as odd as a client's. */
#ifndef TESTS_SUPPORT_EMU_SERVER_H
#define TESTS_SUPPORT_EMU_SERVER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "emu/emu.h"
#include "emu/server.h"
#include "emu/workspace.h"

#define DIR_TEMPLATE "/tmp/brickfs-unit.XXXXXX"
#define HEADERS "Host: 127.0.0.1\r\nAuthorization: Bearer t\r\n"

static struct emu emu;
static struct server *server;
static char dir[sizeof(DIR_TEMPLATE)];

static inline void
start(void)
{
	struct why why;

	log_set_level(LOG_LEVEL_ERROR);
	settings_init(&emu.settings);
	emu.flags.listen = "127.0.0.1:0";
	emu.scheme = "http";
	ck_assert_int_eq(place_open(dir, &emu.place, &why), 0);
	ck_assert_int_eq(halt_new(&emu.halt), 0);
	ck_assert_int_eq(
	    store_open(emu.place, &emu.timeline, "dbfs", NULL, &emu.dbfs), 0);
	ck_assert_int_eq(workspace_open(&emu), 0);
	ck_assert_int_eq(
	    streams_open(emu.place, &emu.settings, &emu.timeline, &emu.streams),
	    0);
	ck_assert_int_eq(
	    tokens_new(emu.place, &emu.timeline, "t", "t", &emu.tokens), 0);
	ck_assert_int_eq(shaper_new(&emu.settings, emu.halt, &emu.shaper), 0);
	ck_assert_int_eq(tally_new(&emu.tally), 0);
	ck_assert_int_eq(contents_new(&emu.contents), 0);
	ck_assert_int_eq(faults_new(&emu.faults), 0);
	ck_assert_int_eq(server_start(&emu, &server, &why), 0);
}

static inline void
begin(void)
{
	memcpy(dir, DIR_TEMPLATE, sizeof(dir));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	start();
}

static inline void
stop(void)
{
	halt_raise(emu.halt);
	server_stop(server);
	faults_free(emu.faults);
	contents_free(emu.contents);
	tally_free(emu.tally);
	shaper_free(emu.shaper);
	tokens_free(emu.tokens);
	streams_close(emu.streams);
	workspace_close(&emu);
	store_close(emu.dbfs);
	halt_free(emu.halt);
	place_close(emu.place);
}

static inline void
end(void)
{
	stop();
	ck_assert_int_eq(io_remove_tree(dir), 0);
}

/* Sends text in pieces of step bytes and gives all that comes back until the
 * server closes; the requests must ask it to. */
static inline char *
talk(const char *text, size_t len, size_t step)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(server_port(server)) };
	struct buf answer;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char piece[4096];
	ssize_t n;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	for (size_t at = 0; at < len; at += step)
		if (send(fd, text + at, len - at < step ? len - at : step,
			MSG_NOSIGNAL) < 0)
			break;
	buf_init(&answer, BUF_LIMIT_TEXT);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		ck_assert_int_eq(buf_append(&answer, piece, (size_t)n), 0);
	(void)close(fd);
	return buf_take(&answer);
}

static inline void
expect_status(const char *answer, int status)
{
	char line[32];

	(void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	if (status == 0)
		ck_assert_str_eq(answer, "");
	else
		ck_assert_msg(text_starts(answer, line), "%s", answer);
}

/* One request with a body. */
static inline char *
call(const char *line, const char *headers, const char *body, size_t step)
{
	char *text, *answer;

	text = text_printf("%s HTTP/1.1\r\n" HEADERS
			   "Connection: close\r\n%sContent-Length: "
			   "%zu\r\n\r\n%s",
	    line, headers, strlen(body), body);
	answer = talk(text, strlen(text), step);
	free(text);
	return answer;
}

#endif
