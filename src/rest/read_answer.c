/* rest/read_answer.c - the answer of dbfs/read, decoded while it arrives. */
#include "config.h"

#include "rest/read_answer.h"

#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "base/base64.h"
#include "base/jval.h"

#include "base/banned.h"

#define REST_MAX ((size_t)64 << 10) /* of a document without its data */

void
read_answer_begin(struct read_answer *a, void *dst, size_t len)
{
	buf_release(&a->rest);
	*a = (struct read_answer){ .dst = dst, .len = len };
	buf_init(&a->rest, REST_MAX);
}

void
read_answer_release(struct read_answer *a)
{
	buf_release(&a->rest);
}

static void
break_off(struct read_answer *a, const char *why)
{
	if (a->broken == NULL)
		a->broken = why;
}

/* --- base64 in pieces --------------------------------------------------------- */

static void
decode_last(struct read_answer *a, const char group[4])
{
	unsigned char bytes[3];
	ssize_t n = base64_decode(bytes, group, 4);

	if (n < 0 || (size_t)n > a->len - a->done) {
		break_off(a, "the read's data is not what it says");
		return;
	}
	memcpy(a->dst + a->done, bytes, (size_t)n);
	a->done += (size_t)n;
	a->ended = n < 3;
}

/* Whole groups.  The last one that has room for it may end the data, and is decoded by
 * way of a buffer of its own, since decoding writes three bytes. */
static void
decode_groups(struct read_answer *a, const char *text, size_t len)
{
	size_t fit = (a->len - a->done) / 3 * 4, whole = len - 4;
	ssize_t n;

	if (a->ended || whole > fit) {
		break_off(a, "the read's data is not what it says");
		return;
	}
	n = base64_decode(a->dst + a->done, text, whole);
	if (n < 0 || (size_t)n != whole / 4 * 3) {
		break_off(a, "the read's data is not what it says");
		return;
	}
	a->done += (size_t)n;
	decode_last(a, text + whole);
}

static void
take_text(struct read_answer *a, const char *text, size_t len)
{
	size_t whole;

	while (a->n_group > 0 && len > 0) {
		a->group[a->n_group++] = *text++;
		len--;
		if (a->n_group < 4)
			continue;
		a->n_group = 0;
		decode_groups(a, a->group, 4);
	}
	whole = len / 4 * 4;
	if (whole > 0)
		decode_groups(a, text, whole);
	memcpy(a->group + a->n_group, text + whole, len - whole);
	a->n_group += len - whole;
}

/* The part of the data's value that is in bytes; returns how much of them it is. */
static size_t
take_data(struct read_answer *a, const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '"', len);
	size_t n = end != NULL ? (size_t)(end - bytes) : len;
	const char *slash = memchr(bytes, '\\', n);

	if (a->escaped) {
		a->escaped = false;
		if (*bytes != '/') /* the only character of base64 that may be */
			break_off(a, "the read's data is not base64");
		take_text(a, "/", 1);
		return 1;
	}
	if (slash != NULL) {
		a->escaped = true;
		take_text(a, bytes, (size_t)(slash - bytes));
		return (size_t)(slash - bytes) + 1;
	}
	take_text(a, bytes, n);
	if (end != NULL) {
		a->in_data = false;
		if (a->n_group > 0)
			break_off(a, "the read's data is not whole");
	}
	return n;
}

/* --- the document around it ------------------------------------------------------ */

static void
begin_string(struct read_answer *a)
{
	a->in_string = true;
	a->escaped = false;
	a->key_len = 0;
	a->is_key = a->depth == 1 && !a->after_colon;
	if (a->depth != 1 || !a->after_colon || !a->key_is_data)
		return;
	if (a->seen_data)
		break_off(a, "the read's answer has its data twice");
	a->seen_data = true;
	a->in_data = true;
	a->in_string = false; /* its end is the next quote */
}

static void
take_string_byte(struct read_answer *a, char c)
{
	if (a->escaped) {
		a->escaped = false;
	} else if (c == '\\') {
		a->escaped = true;
	} else if (c == '"') {
		a->in_string = false;
		if (a->is_key)
			a->key_is_data = a->key_len == 4 &&
			    memcmp(a->key, "data", 4) == 0;
		return;
	}
	if (a->key_len < sizeof(a->key))
		a->key[a->key_len++] = c;
}

static void
take_byte(struct read_answer *a, char c)
{
	if (a->in_string) {
		take_string_byte(a, c);
		return;
	}
	switch (c) {
	case '"':
		begin_string(a);
		break;
	case '{':
	case '[':
		a->depth++;
		break;
	case '}':
	case ']':
		a->depth--;
		break;
	case ':':
		if (a->depth == 1)
			a->after_colon = true;
		break;
	case ',':
		if (a->depth == 1)
			a->after_colon = false;
		break;
	default:
		break;
	}
}

void
read_answer_take(struct read_answer *a, const char *bytes, size_t len)
{
	while (len > 0 && a->broken == NULL) {
		size_t n = 0;

		if (a->in_data) {
			n = take_data(a, bytes, len);
			bytes += n;
			len -= n;
			if (a->in_data || len == 0)
				continue;
			/* The quote that ends it. */
			n = 1;
		}
		while (n < len && !a->in_data)
			take_byte(a, bytes[n++]);
		if (buf_append(&a->rest, bytes, n) < 0)
			break_off(a, "the read's answer has more in it than any"
			    " should");
		bytes += n;
		len -= n;
	}
}

static const char *
judge(struct read_answer *a)
{
	struct json_object *doc = NULL, *data;
	const char *why = NULL;
	int64_t bytes_read = 0;
	int ret;

	if (jval_parse(buf_text(&a->rest), a->rest.len, &doc) < 0)
		return "the answer is not JSON";
	ret = jval_i64(doc, "bytes_read", &bytes_read);
	if ((ret < 0 && ret != -ENOENT) ||
	    !json_object_is_type(doc, json_type_object) ||
	    (json_object_object_get_ex(doc, "data", &data) &&
		!json_object_is_type(data, json_type_string)))
		why = "the read's answer is broken";
	else if (bytes_read < 0 || (uint64_t)bytes_read > a->len)
		why = "the read's answer has another length";
	else if ((uint64_t)bytes_read != a->done)
		why = "the read's data is not what it says";
	json_object_put(doc);
	return why;
}

ssize_t
read_answer_end(struct read_answer *a, const char **why)
{
	if (a->broken == NULL && a->in_data)
		break_off(a, "the answer is not JSON");
	*why = a->broken != NULL ? a->broken : judge(a);
	return *why == NULL ? (ssize_t)a->done : -EIO;
}
