/* emu/multipart.h: multipart/form-data (RFC 7578), read piece by piece.
 *
 * Memory does not grow with the parts.  What libmicrohttpd has for it takes no
 * boundary of one character and knows no filename*, so this is our own. */
#ifndef EMU_MULTIPART_H
#define EMU_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct multipart;

struct multipart_part {
	const char *name; /* "" when it has none */
	bool is_file;     /* it has a file name, be it empty */
};

/* Called once with first set and len 0 when a part begins, then with its bytes.
 * A negative result ends the reading and is returned. */
typedef int multipart_fn(void *ctx, const struct multipart_part *part,
    bool first, const char *data, size_t len);

/* 0; -EBADMSG when the content type names no boundary. */
int multipart_new(const char *content_type, multipart_fn *take, void *ctx,
    struct multipart **out) WARN_UNUSED;
void multipart_free(struct multipart *m);

/* 0; -EBADMSG for what is no form; or what the callback returned. */
int multipart_feed(
    struct multipart *m, const char *data, size_t len) WARN_UNUSED;

/* Was the last boundary read? */
bool multipart_complete(const struct multipart *m);

#endif
