/* emu/halt.h: the stop flag, and the only way to wait.
 *
 * Handlers run in a thread a connection and may block, but the program must end
 * within moments of a SIGTERM and a thread must not outlive its client.  So
 * nobody sleeps: every wait ends when the flag goes up, and on request when the
 * client hangs up. */
#ifndef EMU_HALT_H
#define EMU_HALT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct halt;

enum halt_wait {
	HALT_TIME, /* the time went by */
	HALT_STOP, /* the program ends */
	HALT_GONE, /* the client hung up */
};

#define HALT_FOREVER INT64_C(-1)

int halt_new(struct halt **out) WARN_UNUSED;
void halt_free(struct halt *h);

/* Raises the flag for good. */
void halt_raise(struct halt *h);
bool halt_raised(struct halt *h);

/* client is a socket, or -1. */
enum halt_wait halt_wait(struct halt *h, int client, int64_t ns);

#endif
