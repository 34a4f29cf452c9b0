/* emu/door.h: the listening sockets, and who has come in.
 *
 * One thread accepts, as the setting "network" says:
 *
 *   up      connections are served
 *   refuse  nobody listens; who is in stays
 *   stall   connections open, and hear nothing
 *   drop    nothing gets through: a connection does not open, who is in hears
 *           nothing
 *
 * A second socket, for /emulator/ requests, is always open.  Threads: any. */
#ifndef EMU_DOOR_H
#define EMU_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "emu/halt.h"
#include "emu/listen.h"
#include "emu/settings.h"
#include "emu/why.h"

struct door;
struct door_guest; /* a connection, from its begin to its end */

/* Takes over the connection fd.  False: it could not, and has closed it. */
typedef bool door_serve_fn(void *ctx, int fd, bool admin);

/* Opens the address, and with admin a second, free port of the same host.  Nobody
 * comes in before door_start.  0, or -errno and why. */
int door_open(const struct listen_address *a, bool admin,
    const struct settings *settings, struct halt *halt, struct door **out,
    struct why *why) WARN_UNUSED;
int door_start(struct door *d, door_serve_fn *serve, void *ctx) WARN_UNUSED;

/* After the halt flag went up: ends the thread.  NULL is nothing. */
void door_stop(struct door *d);
void door_free(struct door *d);

uint16_t door_port(const struct door *d);
uint16_t door_admin_port(const struct door *d);

/* The settings have changed.  NULL is nothing. */
void door_wake(struct door *d);

/* Who came in by fd, and that he has gone.  NULL when out of memory, which all
 * below take for somebody who is let alone. */
struct door_guest *door_guest(struct door *d, int fd);
void door_leave(struct door *d, struct door_guest *g);

/* A request begins or ends. */
void door_busy(struct door *d, struct door_guest *g, bool busy);

/* Returns when the guest may be heard: at once, or when the network is up again.
 * False: never, the connection must end. */
bool door_pass(struct door *d, struct door_guest *g);

/* What becomes of connections; those of the admin socket are left alone. */
enum door_which { DOOR_ALL, DOOR_IDLE };
enum door_end { DOOR_CLOSE, DOOR_RESET, DOOR_STALL /* hear nothing any more */ };
void door_drop(struct door *d, enum door_which which, enum door_end how);

/* "close", "reset", "stall"; any other word is a close. */
enum door_end door_how(const char *word);
const char *door_word(enum door_end how);

#endif
