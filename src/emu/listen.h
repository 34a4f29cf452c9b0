/* emu/listen.h: the address to listen on. */
#ifndef EMU_LISTEN_H
#define EMU_LISTEN_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/attr.h"

#include "emu/why.h"

#define LISTEN_HOST_BYTES 64

struct listen_address {
	struct sockaddr_storage addr;
	socklen_t len;
	char host[LISTEN_HOST_BYTES]; /* as in a URL */
};

/* "PORT", "127.x.y.z:PORT", "localhost:PORT", "[::1]:PORT".  Whatever is not
 * loopback is refused.  0, or -EINVAL and why. */
int listen_parse(
    const char *text, struct listen_address *out, struct why *why) WARN_UNUSED;

#define LISTEN_BACKLOG 512

/* A socket that is bound to the address, and one that listens there.  Several may
 * be bound, one listens.  A descriptor, or -errno and why. */
int listen_bind(const struct listen_address *a, struct why *why) WARN_UNUSED;
int listen_open(const struct listen_address *a, struct why *why) WARN_UNUSED;

/* The port of a listening socket. */
int listen_port(int fd, uint16_t *out) WARN_UNUSED;

void listen_set_port(struct listen_address *a, uint16_t port);

/* Ends a connection by a TCP reset, now.  (SO_LINGER and close would do it, but
 * libmicrohttpd shuts the socket down first, and the client sees an orderly end.)  */
void listen_reset(int fd);

#endif
