/* emu/form.h: multipart/form-data, streamed.
 *
 * A part with a file name is the file and goes to disk piece by piece; other
 * parts are text parameters.  Parts come in any order. */
#ifndef EMU_FORM_H
#define EMU_FORM_H

#include <stddef.h>

#include "base/attr.h"

#include "emu/request.h"

/* 0; -EBADMSG without a boundary; -ENOMEM. */
int form_open(struct request *req, const char *content_type) WARN_UNUSED;

/* 0; -EFBIG for a text or a file that is too long; -EBADMSG for a broken form or
 * a second file; or -errno of the disk. */
int form_piece(struct request *req, const char *data, size_t len) WARN_UNUSED;
int form_end(struct request *req) WARN_UNUSED;

#endif
