/* base/base64.h: base64 with the standard alphabet and padding, by libcrypto. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"

/* Characters that len bytes become, without a NUL. */
#define BASE64_TEXT_LEN(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_TEXT_LEN(len) characters and a NUL; dst needs room for both.
 * len is at most 1 GiB. */
void base64_encode(char *dst, const void *src, size_t len);

/* Strict: no blanks, right padding, whole groups of four.  dst needs
 * text_len / 4 * 3 bytes.  Returns the bytes decoded, or -EBADMSG. */
ssize_t base64_decode(void *dst, const char *text, size_t text_len) WARN_UNUSED;

#endif
