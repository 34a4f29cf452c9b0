/* emu/intake.h: takes a request in: what it may be, and its body. */
#ifndef EMU_INTAKE_H
#define EMU_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "emu/request.h"

/* Reads the headers: target, Host, route, token, length.  Makes the answer to
 * what must be refused.  True when that answer should leave at once, before the
 * body, because the body is long. */
bool intake_headers(struct request *req, const char *method);

/* Takes a piece of the body.  False: the connection must be dropped. */
bool intake_piece(struct request *req, const char *data, size_t len);

/* The body is complete: parameters can be used. */
void intake_end(struct request *req);

#endif
