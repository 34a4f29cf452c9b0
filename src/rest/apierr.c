/* rest/apierr.c - reads the bodies in which the service says what went wrong.
 *
 * Source: API reference, section 1.5. */
#include "config.h"

#include "rest/apierr.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/jval.h"
#include "base/text.h"

#include "base/banned.h"

/* Texts may be long and hold anything; what is kept is one printable line. */
static void
keep(char *dst, size_t bytes, const char *src, size_t len)
{
	size_t n = 0;

	while (len > 0 && isspace((unsigned char)*src)) {
		src++;
		len--;
	}
	for (; len > 0 && n + 1 < bytes; src++, len--)
		dst[n++] = (unsigned char)*src < 0x20 || *src == 0x7f ? ' ' :
									*src;
	/* What is cut does not end in the middle of a character. */
	if (len > 0)
		while (n > 0 && ((unsigned char)*src & 0xc0) == 0x80) {
			n--;
			src--;
		}
	while (n > 0 && dst[n - 1] == ' ')
		n--;
	dst[n] = '\0';
}

static void
keep_text(char *dst, size_t bytes, const char *src)
{
	keep(dst, bytes, src, strlen(src));
}

static void
read_details(struct json_object *doc, struct apierr *out)
{
	struct json_object *details;
	const char *text;

	if (jval_array(doc, "details", &details) < 0)
		return;
	for (size_t i = 0; i < json_object_array_length(details); i++) {
		struct json_object *d = json_object_array_get_idx(details, i);

		if (out->request_id[0] == '\0' &&
		    jval_str(d, "request_id", &text) == 0)
			keep_text(out->request_id, sizeof(out->request_id),
			    text);
		if (out->reason[0] == '\0' && jval_str(d, "reason", &text) == 0)
			keep_text(out->reason, sizeof(out->reason), text);
	}
}

static bool
read_json(const char *body, size_t len, struct apierr *out)
{
	struct json_object *doc = NULL;
	const char *text;
	int64_t number;
	bool known = false;

	if (len == 0 || jval_parse(body, len, &doc) < 0)
		return false;
	if (jval_str(doc, "error_code", &text) == 0) {
		keep_text(out->code, sizeof(out->code), text);
		known = true;
	} else if (jval_i64(doc, "error_code", &number) == 0) {
		(void)snprintf(out->code, sizeof(out->code), "%" PRId64,
		    number);
		known = true;
	}
	if (jval_str(doc, "message", &text) == 0 ||
	    jval_str(doc, "error", &text) == 0 ||
	    jval_str(doc, "detail", &text) == 0) {
		keep_text(out->message, sizeof(out->message), text);
		known = true;
	}
	/* SCIM's way of saying that something broke. */
	if (strcmp(out->message, "null") == 0)
		out->message[0] = '\0';
	read_details(doc, out);
	json_object_put(doc);
	return known;
}

/* "RESOURCE_EXHAUSTED: Too many requests" */
static bool
read_plain(const char *body, size_t len, struct apierr *out)
{
	size_t n = 0;

	while (n < len && (isupper((unsigned char)body[n]) || body[n] == '_'))
		n++;
	if (n < 3 || n + 1 >= len || body[n] != ':' ||
	    n >= sizeof(out->code))
		return false;
	keep(out->code, sizeof(out->code), body, n);
	keep(out->message, sizeof(out->message), body + n + 1, len - n - 1);
	return true;
}

/* The text of the first element of that name. */
static bool
read_element(const char *body, size_t len, const char *name,
    struct apierr *out)
{
	char open[16], close[16];
	const char *start, *end;

	(void)snprintf(open, sizeof(open), "<%s>", name);
	(void)snprintf(close, sizeof(close), "</%s>", name);
	start = memmem(body, len, open, strlen(open));
	if (start == NULL)
		return false;
	start += strlen(open);
	end = memmem(start, len - (size_t)(start - body), close,
	    strlen(close));
	if (end == NULL)
		return false;
	keep(out->message, sizeof(out->message), start, (size_t)(end - start));
	return out->message[0] != '\0';
}

/* Anything else is words, unless it is a page. */
static void
read_words(const char *body, size_t len, struct apierr *out)
{
	keep(out->message, sizeof(out->message), body, len);
	if (out->message[0] == '<')
		out->message[0] = '\0';
}

void
apierr_read(int status, const char *body, size_t len, const char *phrase,
    struct apierr *out)
{
	*out = (struct apierr){ .code = "" };
	if (!read_json(body, len, out) && !read_plain(body, len, out) &&
	    !read_element(body, len, "pre", out) &&
	    !read_element(body, len, "title", out))
		read_words(body, len, out);
	if (out->message[0] == '\0')
		keep_text(out->message, sizeof(out->message), phrase);
	if (out->message[0] == '\0')
		(void)snprintf(out->message, sizeof(out->message),
		    "HTTP status %d", status);
}
