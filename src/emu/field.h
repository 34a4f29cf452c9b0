/* emu/field.h: parameters that must be of a type: what is not is answered with 400. */
#ifndef EMU_FIELD_H
#define EMU_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/request.h"

/* A text; NULL when it was answered: it is missing, or no text. */
const char *field_str(struct request *req, const char *name);

/* A boolean, false when missing.  False when it was answered. */
bool field_bool(struct request *req, const char *name, bool *out);

/* A number, *out as it was when missing.  False when it was answered. */
bool field_i64(struct request *req, const char *name, int64_t *out);

#endif
