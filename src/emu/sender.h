/* emu/sender.h: hands an answer to libmicrohttpd, whole or as the plan says. */
#ifndef EMU_SENDER_H
#define EMU_SENDER_H

#include <stdbool.h>

#include "emu/request.h"

/* False: the connection must be dropped.  The request must outlive the answer. */
bool sender_send(struct request *req);

#endif
