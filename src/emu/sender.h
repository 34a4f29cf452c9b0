/* emu/sender.h: hands an answer to libmicrohttpd, whole or as the plan says. */
#ifndef EMU_SENDER_H
#define EMU_SENDER_H

#include <stdbool.h>

#include "emu/request.h"

/* False: the connection must be dropped.  The request must outlive the answer. */
bool sender_send(struct request *req);

/* Ends the connection as the plan says: closes or resets it, or waits for the end
 * of a stall.  True when the answer may go on after that. */
bool sender_end(struct request *req);

#endif
