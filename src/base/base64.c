/* base/base64.c - base64 by libcrypto, made strict.
 *
 * What is read from DBFS comes in base64, and decoding it was a quarter of all that
 * brickfs computed: where the processor has AVX2, 32 characters go at a time. */
#include "config.h"

#include "base/base64.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/banned.h"

void
base64_encode(char *dst, const void *src, size_t len)
{
	(void)EVP_EncodeBlock((unsigned char *)dst, src, (int)len);
}

#if defined(__x86_64__)
/* Decodes whole groups of 32 characters of the alphabet from the beginning, which are
 * 24 bytes each, and stores 32: the last ones are left, as is everything from a group
 * with another character on.  Returns the characters decoded.
 *
 * A character is known by its two halves: two tables of bits say for each half in
 * which rows and columns of the alphabet it can be, and a third what takes a row to
 * the values 0 to 63 ('/' is alone in its row). */
__attribute__((target("avx2"))) static size_t
decode_wide(unsigned char *dst, const char *text, size_t text_len)
{
	const __m256i columns = _mm256_broadcastsi128_si256(_mm_setr_epi8(0x15,
	    0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a,
	    0x1b, 0x1b, 0x1b, 0x1a));
	const __m256i rows = _mm256_broadcastsi128_si256(_mm_setr_epi8(0x10,
	    0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10,
	    0x10, 0x10, 0x10, 0x10));
	const __m256i shifts = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 16,
	    19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
	const __m256i order = _mm256_broadcastsi128_si256(_mm_setr_epi8(2, 1, 0,
	    6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	size_t at = 0;

	/* 44 characters are 33 bytes. */
	for (; text_len - at >= 44; at += 32, dst += 24) {
		__m256i in = _mm256_loadu_si256((const void *)(text + at));
		__m256i high = _mm256_and_si256(_mm256_srli_epi32(in, 4),
		    nibble);
		__m256i wrong = _mm256_and_si256(
		    _mm256_shuffle_epi8(columns, _mm256_and_si256(in, nibble)),
		    _mm256_shuffle_epi8(rows, high));
		__m256i slash = _mm256_cmpeq_epi8(in, _mm256_set1_epi8('/'));
		__m256i six, twelve, all;

		if (!_mm256_testz_si256(wrong, wrong))
			break;
		six = _mm256_add_epi8(in, _mm256_shuffle_epi8(shifts,
		    _mm256_add_epi8(slash, high)));
		twelve = _mm256_maddubs_epi16(six,
		    _mm256_set1_epi32(0x01400140));
		all = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000));
		all = _mm256_shuffle_epi8(all, order);
		all = _mm256_permutevar8x32_epi32(all,
		    _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
		_mm256_storeu_si256((void *)dst, all);
	}
	return at;
}

static size_t
decode_fast(unsigned char *dst, const char *text, size_t text_len)
{
	return text_len >= 44 && __builtin_cpu_supports("avx2") ?
	    decode_wide(dst, text, text_len) : 0;
}
#else
static size_t
decode_fast(unsigned char *dst UNUSED, const char *text UNUSED,
    size_t text_len UNUSED)
{
	return 0;
}
#endif

static ssize_t
decode_rest(void *dst, const char *text, size_t text_len)
{
	size_t pad = 0;
	int n;

	/* EVP_DecodeBlock skips blanks at both ends and takes '=' anywhere near
	 * the end; neither is base64 here. */
	if (strchr(" \t\r\n\v\f", text[0]) != NULL ||
	    strchr(" \t\r\n\v\f-", text[text_len - 1]) != NULL)
		return -EBADMSG;
	if (text[text_len - 1] == '=')
		pad = text[text_len - 2] == '=' ? 2 : 1;
	if (memchr(text, '=', text_len - pad) != NULL)
		return -EBADMSG;
	n = EVP_DecodeBlock(dst, (const unsigned char *)text, (int)text_len);
	if (n < 0 || (size_t)n != text_len / 4 * 3)
		return -EBADMSG;
	return (ssize_t)((size_t)n - pad);
}

ssize_t
base64_decode(void *dst, const char *text, size_t text_len)
{
	size_t done;
	ssize_t n;

	if (text_len == 0)
		return 0;
	if (text_len % 4 != 0 || text_len > (size_t)1 << 30)
		return -EBADMSG;
	done = decode_fast(dst, text, text_len);
	n = decode_rest((unsigned char *)dst + done / 4 * 3, text + done,
	    text_len - done);
	return n < 0 ? n : (ssize_t)(done / 4 * 3) + n;
}
