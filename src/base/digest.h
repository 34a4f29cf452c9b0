/* base/digest.h: hashes. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define DIGEST_SHA256_HEX 65 /* with the NUL */

/* Finds damage and spreads keys; no protection against an attacker. */
uint64_t digest_xxh64(const void *data, size_t len, uint64_t seed);

/* A random number that is the same until the program ends. */
uint64_t digest_seed(void);

void digest_sha256(const void *data, size_t len, char hex[DIGEST_SHA256_HEX]);

/* The same of bytes that come in pieces.  NULL: out of memory.  The end frees it. */
struct digest_sum;
struct digest_sum *digest_sum_new(void);
void digest_sum_add(struct digest_sum *sum, const void *data, size_t len);
void digest_sum_end(struct digest_sum *sum, char hex[DIGEST_SHA256_HEX]);

/* Of the file behind fd, from offset 0, whatever its position.  0 or -errno. */
int digest_sha256_file(int fd, char hex[DIGEST_SHA256_HEX]) WARN_UNUSED;

/* Bytes nobody can guess. */
void digest_random(void *dst, size_t len);

/* Hex digits of len random bytes and a NUL. */
void digest_random_hex(char *dst, size_t len);

#endif
