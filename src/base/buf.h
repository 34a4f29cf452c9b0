/* base/buf.h: growable bytes with a limit from birth.
 *
 * The bytes are always followed by a NUL that is not counted, so that text may
 * be handed to C string functions.  Appending beyond the limit fails with
 * -EFBIG and leaves the buffer as it was: a peer that sends without end meets
 * an error and not the memory of the machine.  Not locked. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"

struct buf {
	char *data; /* NULL until the first append */
	size_t len; /* bytes, without the NUL */
	size_t cap;
	size_t limit; /* len never exceeds it */
};

/* For buffers whose size is bounded by what the program itself puts in. */
#define BUF_LIMIT_TEXT ((size_t)16 << 20)

void buf_init(struct buf *b, size_t limit);
void buf_release(struct buf *b);

/* Forgets the content, keeps memory and limit. */
void buf_clear(struct buf *b);

/* 0, -EFBIG or -ENOMEM. */
int buf_append(struct buf *b, const void *src, size_t len) WARN_UNUSED;
int buf_puts(struct buf *b, const char *text) WARN_UNUSED;
int buf_printf(struct buf *b, const char *fmt, ...) WARN_UNUSED
    PRINTF_LIKE(2, 3);
int buf_vprintf(struct buf *b, const char *fmt, va_list ap) WARN_UNUSED
    PRINTF_LIKE(2, 0);

/* Makes room for len more bytes at data + len; the caller then adds to len. */
int buf_reserve(struct buf *b, size_t len) WARN_UNUSED;

/* The text so far, "" when empty.  Borrowed until the next change. */
const char *buf_text(const struct buf *b);

/* The caller becomes owner of the bytes (never NULL unless out of memory), the
 * buffer is empty again. */
char *buf_take(struct buf *b);

#endif
