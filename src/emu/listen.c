/* emu/listen.c - the address to listen on. */
#include "config.h"

#include "emu/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"

#include "base/banned.h"

static int
fill_v4(const char *host, uint16_t port, struct listen_address *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, host, &in.sin_addr) != 1 ||
	    ntohl(in.sin_addr.s_addr) >> 24 != 127)
		return -EINVAL;
	in.sin_port = htons(port);
	memcpy(&out->addr, &in, sizeof(in));
	out->len = sizeof(in);
	text_copy(out->host, sizeof(out->host), host);
	return 0;
}

static int
fill_v6(uint16_t port, struct listen_address *out)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	in6.sin6_port = htons(port);
	memcpy(&out->addr, &in6, sizeof(in6));
	out->len = sizeof(in6);
	text_copy(out->host, sizeof(out->host), "[::1]");
	return 0;
}

int
listen_parse(const char *text, struct listen_address *out, struct why *why)
{
	const char *colon = strrchr(text, ':');
	char host[LISTEN_HOST_BYTES] = "127.0.0.1";
	uint64_t port;
	int ret;

	*out = (struct listen_address){ 0 };
	if (colon != NULL) {
		size_t len = (size_t)(colon - text);

		if (len >= sizeof(host))
			return why_set(why, -EINVAL,
			    "cannot listen on '%s': not a loopback address",
			    text);
		memcpy(host, text, len);
		host[len] = '\0';
	}
	if (text_u64(colon != NULL ? colon + 1 : text, UINT16_MAX, &port) < 0)
		return why_set(why, -EINVAL,
		    "--listen wants ADDRESS:PORT, not '%s'", text);
	if (strcmp(host, "localhost") == 0)
		text_copy(host, sizeof(host), "127.0.0.1");
	ret = strcmp(host, "[::1]") == 0 ? fill_v6((uint16_t)port, out)
					 : fill_v4(host, (uint16_t)port, out);
	if (ret < 0)
		return why_set(why, ret,
		    "cannot listen on '%s': not a loopback address", host);
	return 0;
}

int
listen_bind(const struct listen_address *a, struct why *why)
{
	int fd, on = 1, ret;

	fd = socket(
	    a->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_set(why, -errno, "socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a->addr, a->len) < 0) {
		ret = -errno;
		(void)close(fd);
		return why_set(why, ret, "cannot listen on %s: %s", a->host,
		    strerror(-ret));
	}
	return fd;
}

int
listen_open(const struct listen_address *a, struct why *why)
{
	int fd = listen_bind(a, why), ret;

	if (fd < 0)
		return fd;
	if (listen(fd, LISTEN_BACKLOG) < 0) {
		ret = -errno;
		(void)close(fd);
		return why_set(why, ret, "cannot listen on %s: %s", a->host,
		    strerror(-ret));
	}
	return fd;
}

void
listen_set_port(struct listen_address *a, uint16_t port)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (a->addr.ss_family == AF_INET6) {
		memcpy(&in6, &a->addr, sizeof(in6));
		in6.sin6_port = htons(port);
		memcpy(&a->addr, &in6, sizeof(in6));
	} else {
		memcpy(&in, &a->addr, sizeof(in));
		in.sin_port = htons(port);
		memcpy(&a->addr, &in, sizeof(in));
	}
}

void
listen_reset(int fd)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	/* Another thread may be reading from it, which the thread sanitizer would
	 * take for a race with the birth of a descriptor: it knows connect so. */
	(void)syscall(SYS_connect, fd, &nowhere, sizeof(nowhere));
}

int
listen_port(int fd, uint16_t *out)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	if (addr.ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, &addr, sizeof(in6));
		*out = ntohs(in6.sin6_port);
	} else {
		struct sockaddr_in in;

		memcpy(&in, &addr, sizeof(in));
		*out = ntohs(in.sin_port);
	}
	return 0;
}
