/* base/base64.c - base64 by libcrypto, made strict.
 *
 * What is read from DBFS comes in base64, and decoding it was a quarter of all that
 * brickfs computed, and encoding it nearly all of the emulator's part: where the
 * processor has AVX2, 32 characters go at a time. */
#include "config.h"

#include "base/base64.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/banned.h"

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

/* Encodes whole groups of 24 bytes from the beginning; reads 28.  Returns the bytes
 * encoded.  Three bytes are spread over four places, of which multiplications move the
 * six bits that belong there down and up; a table says how far the letters, digits and
 * signs are from their values. */
__attribute__((target("avx2"))) static size_t
encode_wide(char *dst, const unsigned char *src, size_t len)
{
	const __m256i spread = _mm256_broadcastsi128_si256(_mm_setr_epi8(1, 0,
	    2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
	const __m256i shifts = _mm256_broadcastsi128_si256(_mm_setr_epi8(
	    'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
	    '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62,
	    '/' - 63, 'A', 0, 0));
	size_t at = 0;

	for (; len - at >= 28; at += 24, dst += 32) {
		__m256i in = _mm256_inserti128_si256(
		    _mm256_castsi128_si256(
			_mm_loadu_si128((const void *)(src + at))),
		    _mm_loadu_si128((const void *)(src + at + 12)), 1);
		__m256i six, row;

		in = _mm256_shuffle_epi8(in, spread);
		six = _mm256_or_si256(
		    _mm256_mulhi_epu16(
			_mm256_and_si256(in, _mm256_set1_epi32(0x0fc0fc00)),
			_mm256_set1_epi32(0x04000040)),
		    _mm256_mullo_epi16(
			_mm256_and_si256(in, _mm256_set1_epi32(0x003f03f0)),
			_mm256_set1_epi32(0x01000010)));
		/* 0 for a to z, 1 to 12 for what follows, 13 for A to Z */
		row = _mm256_or_si256(
		    _mm256_subs_epu8(six, _mm256_set1_epi8(51)),
		    _mm256_and_si256(
			_mm256_cmpgt_epi8(_mm256_set1_epi8(26), six),
			_mm256_set1_epi8(13)));
		_mm256_storeu_si256((void *)dst,
		    _mm256_add_epi8(six, _mm256_shuffle_epi8(shifts, row)));
	}
	return at;
}

static size_t
encode_fast(char *dst, const unsigned char *src, size_t len)
{
	return len >= 28 && __builtin_cpu_supports("avx2") ?
	    encode_wide(dst, src, len) : 0;
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

static size_t
encode_fast(char *dst UNUSED, const unsigned char *src UNUSED,
    size_t len UNUSED)
{
	return 0;
}
#endif

void
base64_encode(char *dst, const void *src, size_t len)
{
	size_t done = encode_fast(dst, src, len);

	(void)EVP_EncodeBlock((unsigned char *)dst + done / 3 * 4,
	    (const unsigned char *)src + done, (int)(len - done));
}

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
