/* emu/server.h: the HTTP server; with its neighbours the only code that knows
 * libmicrohttpd. */
#ifndef EMU_SERVER_H
#define EMU_SERVER_H

#include <stdint.h>

#include "base/attr.h"

#include "emu/emu.h"
#include "emu/why.h"

struct server;

/* Listens, as emu->flags say.  0, or -errno and why. */
int server_start(
    struct emu *emu, struct server **out, struct why *why) WARN_UNUSED;

/* Ends every connection; the halt flag must be up. */
void server_stop(struct server *s);

uint16_t server_port(const struct server *s);

/* Of --admin-port-file; 0 without. */
uint16_t server_admin_port(const struct server *s);

/* "127.0.0.1", "[::1]"; for a URL. */
const char *server_host(const struct server *s);

#endif
