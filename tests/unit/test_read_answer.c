/* rest/read_answer: the answer of a read, decoded while it arrives in any pieces. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "rest/read_answer.h"
#include "tests/support/unit.h"

static const struct {
	const char *text;
	ssize_t want;
	const char *bytes;
} rows[] = {
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8=\"}", 5, "hello" },
	{ "{\"data\":\"aGVsbG8=\",\"bytes_read\":5}", 5, "hello" },
	{ " {\n \"bytes_read\" : 5 ,\t\"data\" : \"aGVsbG8=\" } \r\n", 5,
	    "hello" },
	{ "{\"bytes_read\":3,\"data\":\"\\/\\/\\/\\/\"}", 3, "\xff\xff\xff" },
	{ "{\"bytes_read\":3,\"data\":\"a\\/\\/b\"}", 3, "k\xff\xdb" },
	{ "{\"bytes_read\":0,\"data\":\"\"}", 0, "" },
	{ "{\"bytes_read\":0}", 0, "" },
	{ "{}", 0, "" },
	/* What else is in it does not matter, wherever it looks like data. */
	{ "{\"x\":\"data\",\"bytes_read\":5,\"data\":\"aGVsbG8=\"}", 5, "hello" },
	{ "{\"x\":{\"data\":\"a\\\"b\"},\"bytes_read\":5,\"data\":\"aGVsbG8=\"}",
	    5, "hello" },
	{ "{\"x\":[\"data\",\":\",{\"data\":1}],\"bytes_read\":1,\"data\":\"YQ==\"}",
	    1, "a" },
	{ "{\"bytes_read\":1,\"data\":\"YQ==\",\"\\\"data\":\"YQ==\"}", 1, "a" },
	{ "{\"datas\":\"YQ==\",\"dat\":\"YQ==\",\"bytes_read\":0}", 0, "" },

	{ "", -EIO, "" },
	{ "null", -EIO, "" },
	{ "[]", -EIO, "" },
	{ "\"data\"", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8=\"", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8=", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8=\"}}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8=\"}x", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8==\"}", -EIO, "" },
	{ "{\"bytes_read\":4,\"data\":\"aGVsbG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":6,\"data\":\"aGVsbG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":6,\"data\":\"aGVsbG9v\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8=aGVs\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGV=bG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGV\\nbG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGV\\u0073bG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGV bG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":1,\"data\":\"YQ==\",\"data\":\"YQ==\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":5}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":null}", -EIO, "" },
	{ "{\"bytes_read\":\"5\",\"data\":\"aGVsbG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":-1,\"data\":\"\"}", -EIO, "" },
	{ "{\"bytes_read\":5.5,\"data\":\"aGVsbG8=\"}", -EIO, "" },
};

static ssize_t
decode(const char *text, size_t len, size_t first, size_t piece, void *dst,
    size_t room)
{
	struct read_answer a = { 0 };
	const char *why = NULL;
	size_t at = first < len ? first : len;
	ssize_t n;

	read_answer_begin(&a, dst, room);
	read_answer_take(&a, text, at);
	while (at < len) {
		size_t some = len - at < piece ? len - at : piece;

		read_answer_take(&a, text + at, some);
		at += some;
	}
	n = read_answer_end(&a, &why);
	ck_assert_int_eq(n < 0, why != NULL);
	read_answer_release(&a);
	return n;
}

START_TEST(any_pieces_give_the_same)
{
	size_t len = strlen(rows[_i].text);

	for (size_t piece = 1; piece <= len + 1; piece++)
		for (size_t first = 0; first < piece; first++) {
			/* Not a byte more: the sanitizer watches its end. */
			char *dst = malloc(5);

			ck_assert_int_eq(decode(rows[_i].text, len, first,
			    piece, dst, 5), rows[_i].want);
			if (rows[_i].want > 0)
				ck_assert_mem_eq(dst, rows[_i].bytes,
				    (size_t)rows[_i].want);
			free(dst);
		}
}
END_TEST

/* Every length, so that every kind of last group is met, at the end of the room. */
START_TEST(every_length_comes_back)
{
	unsigned char bytes[97];
	char text[512];

	digest_random(bytes, sizeof(bytes));
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		unsigned char *dst = malloc(n > 0 ? n : 1);
		int len = snprintf(text, sizeof(text),
		    "{\"bytes_read\":%zu,\"data\":\"", n);

		base64_encode(text + len, bytes, n);
		(void)strcat(text, "\"}");
		for (size_t piece = 1; piece < 9; piece++)
			ck_assert_int_eq(decode(text, strlen(text), 3, piece,
			    dst, n), (ssize_t)n);
		ck_assert_int_eq(memcmp(dst, bytes, n), 0);
		if (n > 0) /* one byte less than there is */
			ck_assert_int_eq(decode(text, strlen(text), 3, 7, dst,
			    n - 1), -EIO);
		free(dst);
	}
}
END_TEST

START_TEST(a_document_that_does_not_end_is_given_up)
{
	struct read_answer a = { 0 };
	char bytes[8], piece[4096];
	const char *why;

	memset(piece, ' ', sizeof(piece));
	read_answer_begin(&a, bytes, sizeof(bytes));
	for (unsigned i = 0; i < 64; i++)
		read_answer_take(&a, piece, sizeof(piece));
	ck_assert_uint_le(a.rest.cap, 1 << 17);
	ck_assert_int_eq(read_answer_end(&a, &why), -EIO);
	read_answer_release(&a);
}
END_TEST

START_TEST(another_attempt_begins_anew)
{
	struct read_answer a = { 0 };
	const char *why;
	char bytes[5];

	read_answer_begin(&a, bytes, sizeof(bytes));
	read_answer_take(&a, rows[0].text, 25);
	read_answer_begin(&a, bytes, sizeof(bytes));
	read_answer_take(&a, rows[0].text, strlen(rows[0].text));
	ck_assert_int_eq(read_answer_end(&a, &why), 5);
	ck_assert_mem_eq(bytes, "hello", 5);
	read_answer_release(&a);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(any_pieces_give_the_same, rows),
	UNIT(every_length_comes_back),
	UNIT(a_document_that_does_not_end_is_given_up),
	UNIT(another_attempt_begins_anew),
};

UNIT_MAIN("read_answer", tests)
