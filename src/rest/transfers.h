/* rest/transfers.h: what is moving right now, for .control/transfers. */
#ifndef REST_TRANSFERS_H
#define REST_TRANSFERS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

enum transfer_way { TRANSFER_UP, TRANSFER_DOWN };

struct transfers;
struct transfer;

int transfers_new(struct transfers **out) WARN_UNUSED;
void transfers_free(struct transfers *t);

/* total_bytes is 0 when it is not known.  NULL when out of memory, which every
 * function here accepts: the display is not worth an error. */
struct transfer *transfer_begin(struct transfers *t, enum transfer_way way,
    const char *subject, uint64_t total_bytes);
void transfer_moved(struct transfer *x, uint64_t done_bytes);
void transfer_end(struct transfers *t, struct transfer *x);

/* One line each: way, percent, bytes done, bytes in all, bytes a second, seconds
 * since it began, subject; "-" for what is not known; a header line first. */
int transfers_print(struct transfers *t, struct buf *out) WARN_UNUSED;

#endif
