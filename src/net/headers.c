/* net/headers.c - what the headers of an answer say. */
#include "config.h"

#include "net/headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/text.h"

#include "base/banned.h"

#define LINE_BYTES 2048

/* Headers that are kept as text. */
#define TEXT(name, field) \
	{ name, offsetof(struct http_reply, field), \
		sizeof(((struct http_reply *)0)->field) }
static const struct {
	const char *name;
	size_t offset, bytes;
} texts[] = {
	TEXT("content-type", content_type),
	TEXT("x-databricks-org-id", org_id),
	TEXT("x-request-id", request_id),
	TEXT("x-databricks-reason-phrase", reason),
	TEXT("location", location),
};
#undef TEXT

static int64_t
date_ms(const char *value)
{
	time_t when = curl_getdate(value, NULL);

	return when > 0 ? (int64_t)when * 1000 : 0;
}

int64_t
headers_retry_after_ms(const char *value, int64_t now_ms)
{
	uint64_t seconds;
	int64_t ms;

	if (value[0] == '\0')
		return -1;
	if (value[strspn(value, "0123456789")] == '\0') {
		/* What does not fit is absurd, and cut like all that is. */
		if (text_u64(value, UINT32_MAX, &seconds) < 0)
			seconds = UINT32_MAX;
		ms = (int64_t)seconds * 1000;
	} else {
		ms = date_ms(value);
		if (ms == 0)
			return -1;
		ms = ms > now_ms ? ms - now_ms : 0;
	}
	return ms < HEADERS_RETRY_AFTER_MAX_MS ? ms :
						 HEADERS_RETRY_AFTER_MAX_MS;
}

/* "HTTP/1.1 200 OK": what an earlier block said is not about this answer. */
static void
take_status_line(struct headers *h, const char *line)
{
	const char *blank = strchr(line, ' ');
	uint64_t status = 0;
	char digits[4] = "";

	if (blank != NULL && strlen(blank) >= 4)
		memcpy(digits, blank + 1, 3);
	if (text_u64(digits, 999, &status) < 0)
		status = 0;
	h->status = (int)status;
	h->complete = false;
	h->retry_after[0] = '\0';
	h->reply->date_ms = 0;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		((char *)h->reply)[texts[i].offset] = '\0';
}

static void
take_field(struct headers *h, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcasecmp(name, texts[i].name) == 0)
			text_copy((char *)h->reply + texts[i].offset,
			    texts[i].bytes, value);
	if (strcasecmp(name, "date") == 0)
		h->reply->date_ms = date_ms(value);
	else if (strcasecmp(name, "retry-after") == 0)
		text_copy(h->retry_after, sizeof(h->retry_after), value);
}

void
headers_take(struct headers *h, const char *bytes, size_t len)
{
	char line[LINE_BYTES], *value, *end;

	if (len >= sizeof(line))
		return;
	memcpy(line, bytes, len);
	line[len] = '\0';
	end = line + strcspn(line, "\r\n");
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	if (text_starts(line, "HTTP/")) {
		take_status_line(h, line);
		return;
	}
	if (*line == '\0')
		h->complete = true;
	value = strchr(line, ':');
	if (value == NULL)
		return;
	*value++ = '\0';
	value += strspn(value, " \t");
	take_field(h, line, value);
}
