/* base/digest.c - hashes, by xxHash and libcrypto. */
#include "config.h"

#include "base/digest.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/evp.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/banned.h"

#define FILE_PIECE 65536

uint64_t
digest_xxh64(const void *data, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, len, seed);
}

uint64_t
digest_seed(void)
{
	static _Atomic uint64_t seed;
	uint64_t value = atomic_load(&seed), none = 0;

	if (value != 0)
		return value;
	digest_random(&value, sizeof(value));
	value |= 1;
	/* The first thread decides. */
	return atomic_compare_exchange_strong(&seed, &none, value) ? value :
								     none;
}

static void
to_hex(char *dst, const unsigned char *src, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*dst++ = hex[src[i] >> 4];
		*dst++ = hex[src[i] & 15];
	}
	*dst = '\0';
}

void
digest_sha256(const void *data, size_t len, char hex[DIGEST_SHA256_HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE];

	if (EVP_Digest(data, len, md, NULL, EVP_sha256(), NULL) != 1)
		abort(); /* only without memory for a context */
	to_hex(hex, md, 32);
}

/* Only its address is ours. */
static EVP_MD_CTX *
context_of(struct digest_sum *sum)
{
	return (EVP_MD_CTX *)(void *)sum;
}

struct digest_sum *
digest_sum_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1)
		return (struct digest_sum *)(void *)ctx;
	EVP_MD_CTX_free(ctx);
	return NULL;
}

void
digest_sum_add(struct digest_sum *sum, const void *data, size_t len)
{
	(void)EVP_DigestUpdate(context_of(sum), data, len);
}

void
digest_sum_end(struct digest_sum *sum, char hex[DIGEST_SHA256_HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE];

	if (sum == NULL)
		return;
	(void)EVP_DigestFinal_ex(context_of(sum), md, NULL);
	to_hex(hex, md, 32);
	EVP_MD_CTX_free(context_of(sum));
}

int
digest_sha256_file(int fd, char hex[DIGEST_SHA256_HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE], *piece;
	EVP_MD_CTX *ctx;
	off_t off = 0;
	int ret = 0;

	piece = malloc(FILE_PIECE);
	ctx = EVP_MD_CTX_new();
	if (piece == NULL || ctx == NULL ||
	    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
		ret = -ENOMEM;
		goto out;
	}
	for (;;) {
		ssize_t n = pread(fd, piece, FILE_PIECE, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ret = -errno;
		if (n <= 0)
			break;
		(void)EVP_DigestUpdate(ctx, piece, (size_t)n);
		off += n;
	}
	if (ret == 0) {
		(void)EVP_DigestFinal_ex(ctx, md, NULL);
		to_hex(hex, md, 32);
	}
out:
	EVP_MD_CTX_free(ctx);
	free(piece);
	return ret;
}

void
digest_random(void *dst, size_t len)
{
	unsigned char *p = dst;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			abort(); /* a kernel without getrandom is not supported */
		p += n;
		len -= (size_t)n;
	}
}

void
digest_random_hex(char *dst, size_t len)
{
	unsigned char bytes[64];

	while (len > 0) {
		size_t n = len < sizeof(bytes) ? len : sizeof(bytes);

		digest_random(bytes, n);
		to_hex(dst, bytes, n);
		dst += 2 * n;
		len -= n;
	}
	*dst = '\0';
}
