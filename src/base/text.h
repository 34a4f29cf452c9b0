/* base/text.h: numbers and small questions about strings. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Decimal text to a number.  The whole string must be digits (one leading '-'
 * for text_i64), in range.  0 or -EINVAL, then *out is untouched. */
int text_u64(const char *s, uint64_t max, uint64_t *out) WARN_UNUSED;
int text_i64(const char *s, int64_t *out) WARN_UNUSED;

/* Octal, as umasks are written. */
int text_octal(const char *s, unsigned max, unsigned *out) WARN_UNUSED;

/* "4096", "64K", "32M", "10G" (binary units, either case, optional "iB"/"B") to
 * bytes.  0 or -EINVAL. */
int text_bytes(const char *s, uint64_t *out) WARN_UNUSED;

bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);

/* A copy of s, or NULL when out of memory.  NULL stays NULL. */
char *text_dup(const char *s);

/* printf into new memory; NULL when out of memory. */
char *text_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Copies as much of src as fits, always with a NUL. */
void text_copy(char *dst, size_t dst_bytes, const char *src);

/* Well-formed UTF-8 without NUL? */
bool text_is_utf8(const char *s, size_t len);

#endif
