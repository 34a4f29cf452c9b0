/* base/base64 and base/digest: known answers, and what is refused. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/digest.h"
#include "tests/support/unit.h"

static const struct {
	const char *bytes;
	const char *text;
} pairs[] = {
	/* RFC 4648, section 10 */
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

START_TEST(known_pairs_both_ways)
{
	const char *bytes = pairs[_i].bytes;
	const char *text = pairs[_i].text;
	char out[32];

	base64_encode(out, bytes, strlen(bytes));
	ck_assert_str_eq(out, text);
	ck_assert_uint_eq(BASE64_TEXT_LEN(strlen(bytes)), strlen(text));

	ssize_t n = base64_decode(out, text, strlen(text));

	ck_assert_int_eq(n, (int)strlen(bytes));
	ck_assert_mem_eq(out, bytes, strlen(bytes));
}
END_TEST

static const char *const bad[] = {
	"Z",
	"Zg",
	"Zg=",
	"Zg==Zg==",
	"Z===",
	"====",
	"Zm9v\n",
	"Zm 9v",
	" Zm9v",
	"Zm9-",
	"Zm9\xff",
	"=Zm9",
	"Zm=v",
};

START_TEST(anything_else_is_refused)
{
	char out[32];

	ck_assert_int_eq(base64_decode(out, bad[_i], strlen(bad[_i])),
	    -EBADMSG);
}
END_TEST

START_TEST(every_length_comes_back)
{
	unsigned char bytes[300];
	unsigned char back[300];
	char text[BASE64_TEXT_LEN(300) + 1];

	digest_random(bytes, sizeof bytes);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		base64_encode(text, bytes, len);
		ck_assert_uint_eq(strlen(text), BASE64_TEXT_LEN(len));
		ck_assert_int_eq(base64_decode(back, text, strlen(text)),
		    (int)len);
		ck_assert_int_eq(memcmp(back, bytes, len), 0);
	}
}
END_TEST

/* Every six bits at every place, as libcrypto has them. */
START_TEST(long_and_short_bytes_encode_alike)
{
	unsigned char bytes[192];
	char all[257], one[5];

	for (size_t turn = 0; turn < 256; turn++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (unsigned char)(i * 83 + i / 64 + turn);
		base64_encode(all, bytes, sizeof bytes);
		for (size_t i = 0; i < sizeof bytes; i += 3) {
			base64_encode(one, bytes + i, 3);
			ck_assert_mem_eq(one, all + i / 3 * 4, 4);
		}
	}
}
END_TEST

/* However long the text, and wherever it is: nothing but the alphabet. */
START_TEST(one_wrong_character_anywhere_is_refused)
{
	char text[BASE64_TEXT_LEN(200) + 1];
	unsigned char bytes[200], out[200];

	digest_random(bytes, sizeof bytes);
	for (size_t len = 3; len <= sizeof bytes; len += 47 * 3) {
		for (size_t at = 0; at + 4 < BASE64_TEXT_LEN(len); at++)
			for (unsigned c = 0; c < 256; c++) {
				base64_encode(text, bytes, len);
				text[at] = (char)c;
				if (isalnum((int)c) || c == '+' || c == '/')
					continue;
				ck_assert_int_eq(base64_decode(out, text,
				    BASE64_TEXT_LEN(len)), -EBADMSG);
			}
	}
}
END_TEST

/* Every character at every place of a group means what libcrypto takes it for. */
START_TEST(long_and_short_texts_decode_alike)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"
				       "klmnopqrstuvwxyz0123456789+/";
	unsigned char all[192], one[3];
	char text[256];

	for (size_t turn = 0; turn < 64; turn++) {
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = alphabet[(i * 7 + i / 64 + turn) % 64];
		ck_assert_int_eq(base64_decode(all, text, sizeof text), 192);
		for (size_t i = 0; i < sizeof text; i += 4) {
			ck_assert_int_eq(base64_decode(one, text + i, 4), 3);
			ck_assert_mem_eq(one, all + i / 4 * 3, 3);
		}
	}
}
END_TEST

#define SHA256_ABC \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

START_TEST(sha256_of_abc)
{
	char hex[DIGEST_SHA256_HEX];
	FILE *f = tmpfile();

	digest_sha256("abc", 3, hex);
	ck_assert_str_eq(hex, SHA256_ABC);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fputs("abc", f) < 0, 0);
	ck_assert_int_eq(fflush(f), 0);
	memset(hex, 0, sizeof hex);
	ck_assert_int_eq(digest_sha256_file(fileno(f), hex), 0);
	ck_assert_str_eq(hex, SHA256_ABC);
	fclose(f);
}
END_TEST

START_TEST(xxh64_depends_on_all_it_is_given)
{
	uint64_t h = digest_xxh64("abc", 3, 1);

	ck_assert_uint_eq(h, digest_xxh64("abc", 3, 1));
	ck_assert_uint_ne(h, digest_xxh64("abc", 3, 2));
	ck_assert_uint_ne(h, digest_xxh64("abd", 3, 1));
	ck_assert_uint_ne(h, digest_xxh64("abc", 2, 1));
	ck_assert_uint_eq(digest_seed(), digest_seed());
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(known_pairs_both_ways, pairs),
	UNIT_ROWS(anything_else_is_refused, bad),
	UNIT(every_length_comes_back),
	UNIT(long_and_short_bytes_encode_alike),
	UNIT(one_wrong_character_anywhere_is_refused),
	UNIT(long_and_short_texts_decode_alike),
	UNIT(sha256_of_abc),
	UNIT(xxh64_depends_on_all_it_is_given),
};

UNIT_MAIN("base64", tests)
