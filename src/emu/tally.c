/* emu/tally.c - counts by endpoint, and a ring of the last requests. */
#include "config.h"

#include "emu/tally.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/jval.h"
#include "base/lock.h"
#include "base/table.h"
#include "base/text.h"

#include "base/banned.h"

#define RING            4096
#define TARGET_BYTES    512
#define ENDPOINTS_MAX   512
#define SHORT_BYTES     80
#define TOKEN_HASH_SHOW 16
#define HEADERS_BYTES   1024
#define EXAMPLES_MAX    16
#define EXAMPLE_BYTES   128

/* What a client of this API has to say; others are examples of the invariants. */
static const char *const known_headers[] = { "accept", "accept-encoding",
	"authorization", "connection", "content-length", "content-type",
	"expect", "host", "if-match", "range", "transfer-encoding", "user-agent" };

/* Different texts, the first ones. */
struct examples {
	char text[EXAMPLES_MAX][EXAMPLE_BYTES];
	size_t count;
};

struct count {
	uint64_t calls;
	UT_hash_handle hh;
	char endpoint[];
};

struct line {
	char endpoint[SHORT_BYTES];
	char method[16];
	char target[TARGET_BYTES];
	char subject[TARGET_BYTES];
	char request_id[40];
	char token_hash[TOKEN_HASH_SHOW + 1];
	char headers[HEADERS_BYTES];
	int status;
	uint64_t bytes_in, bytes_out;
	int64_t time_ms, took_us;
};

struct tally {
	struct lock lock;
	/* all guarded by lock */
	struct count *counts;
	uint64_t requests, mutations, errors, bytes_in, bytes_out;
	struct line *ring; /* RING of them */
	uint64_t foreign;
	struct examples headers, targets;
	uint64_t lines;    /* ever written; the newest is at lines - 1 */
};

int
tally_new(struct tally **out)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->ring = calloc(RING, sizeof(*t->ring));
	if (t->ring == NULL) {
		free(t);
		return -ENOMEM;
	}
	lock_init(&t->lock, "tally");
	*out = t;
	return 0;
}

static void
clear_locked(struct tally *t) REQUIRES(t->lock)
{
	struct count *c, *next;

	HASH_ITER(hh, t->counts, c, next)
	{
		HASH_DEL(t->counts, c);
		free(c);
	}
	t->requests = t->mutations = t->errors = 0;
	t->bytes_in = t->bytes_out = 0;
	t->foreign = 0;
	t->headers.count = t->targets.count = 0;
	t->lines = 0;
}

void
tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	tally_reset(t);
	lock_release(&t->lock);
	free(t->ring);
	free(t);
}

void
tally_reset(struct tally *t)
{
	lock_take(&t->lock);
	clear_locked(t);
	lock_drop(&t->lock);
}

static void
count_locked(struct tally *t, const char *endpoint) REQUIRES(t->lock)
{
	size_t len = strlen(endpoint);
	struct count *c;

	HASH_FIND(hh, t->counts, endpoint, len, c);
	if (c == NULL && HASH_COUNT(t->counts) < ENDPOINTS_MAX) {
		c = calloc(1, sizeof(*c) + len + 1);
		if (c != NULL) {
			memcpy(c->endpoint, endpoint, len + 1);
			HASH_ADD_KEYPTR(hh, t->counts, c->endpoint, len, c);
		}
	}
	if (c != NULL)
		c->calls++;
}

/* What a client sent may be no UTF-8, and a cut may make it so; JSON must not be. */
static void
copy_clean(char *dst, size_t dst_bytes, const char *src)
{
	text_copy(dst, dst_bytes, src);
	if (text_is_utf8(dst, strlen(dst)))
		return;
	for (; *dst != '\0'; dst++)
		if ((unsigned char)*dst >= 0x80)
			*dst = '?';
}

static void
add_example(struct examples *e, const char *text, size_t len)
{
	char copy[EXAMPLE_BYTES];

	if (len >= sizeof(copy))
		len = sizeof(copy) - 1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->text[i], copy) == 0)
			return;
	if (e->count < EXAMPLES_MAX)
		copy_clean(e->text[e->count++], EXAMPLE_BYTES, copy);
}

static bool
is_known_header(const char *name, size_t len)
{
	/* What a signed URL wants beside itself. */
	static const char *const storage[] = { "x-ms-", "x-amz-", "x-goog-" };

	for (size_t i = 0; i < ARRAY_LEN(storage); i++)
		if (strncasecmp(storage[i], name, strlen(storage[i])) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(known_headers); i++)
		if (strlen(known_headers[i]) == len &&
		    strncasecmp(known_headers[i], name, len) == 0)
			return true;
	return false;
}

/* Unreserved bytes, %XX, and what separates parts. */
static bool
is_encoded(const char *target)
{
	for (const char *p = target; *p != '\0'; p++) {
		if (*p == '%') {
			if (!isxdigit((unsigned char)p[1]) ||
			    !isxdigit((unsigned char)p[2]))
				return false;
		} else if ((unsigned char)*p >= 0x80 ||
			   (!isalnum((unsigned char)*p) &&
			       strchr("-._~/?&=", *p) == NULL)) {
			return false;
		}
	}
	return true;
}

static void
check_locked(struct tally *t, const struct tally_entry *e) REQUIRES(t->lock)
{
	t->foreign += e->foreign;
	if (!is_encoded(e->target))
		add_example(&t->targets, e->target, strlen(e->target));
	for (const char *p = e->headers; *p != '\0';
	     p += strcspn(p, "\n") + 1) {
		size_t len = strcspn(p, ":");

		if (!is_known_header(p, len))
			add_example(&t->headers, p, len);
	}
}

void
tally_add(struct tally *t, const struct tally_entry *e)
{
	struct line *l;

	lock_take(&t->lock);
	count_locked(t, e->endpoint);
	check_locked(t, e);
	t->requests++;
	t->mutations += e->mutates;
	t->errors += e->status >= 400;
	t->bytes_in += e->bytes_in;
	t->bytes_out += e->bytes_out;

	l = &t->ring[t->lines++ % RING];
	copy_clean(l->endpoint, sizeof(l->endpoint), e->endpoint);
	copy_clean(l->method, sizeof(l->method), e->method);
	copy_clean(l->target, sizeof(l->target), e->target);
	copy_clean(l->subject, sizeof(l->subject),
	    e->subject != NULL ? e->subject : "");
	text_copy(l->request_id, sizeof(l->request_id), e->request_id);
	text_copy(l->token_hash, sizeof(l->token_hash), e->token_hash);
	copy_clean(l->headers, sizeof(l->headers), e->headers);
	l->status = e->status;
	l->bytes_in = e->bytes_in;
	l->bytes_out = e->bytes_out;
	l->time_ms = e->time_ms;
	l->took_us = e->took_us;
	lock_drop(&t->lock);
}

int
tally_print_counts(struct tally *t, struct buf *out)
{
	int ret;

	lock_take(&t->lock);
	ret = buf_puts(out, "{");
	for (struct count *c = t->counts; ret == 0 && c != NULL;
	     c = c->hh.next) {
		ret = jval_quote(out, c->endpoint);
		if (ret == 0)
			ret = buf_printf(out, ":%" PRIu64 ",", c->calls);
	}
	if (ret == 0)
		ret = buf_printf(out,
		    "\"requests\":%" PRIu64 ",\"mutations\":%" PRIu64
		    ",\"errors\":%" PRIu64 ",\"bytes_in\":%" PRIu64
		    ",\"bytes_out\":%" PRIu64 "}",
		    t->requests, t->mutations, t->errors, t->bytes_in,
		    t->bytes_out);
	lock_drop(&t->lock);
	return ret;
}

static int
print_member(struct buf *out, const char *name, const char *value)
{
	int ret;

	ret = buf_printf(out, "\"%s\":", name);
	return ret < 0 ? ret : jval_quote(out, value);
}

/* Lines as an array of texts. */
static int
print_lines(struct buf *out, const char *name, const char *lines)
{
	char line[HEADERS_BYTES];
	int ret;

	ret = buf_printf(out, "\"%s\":[", name);
	for (const char *p = lines; ret == 0 && *p != '\0';) {
		size_t len = strcspn(p, "\n");

		memcpy(line, p, len);
		line[len] = '\0';
		ret = p > lines ? buf_puts(out, ",") : 0;
		if (ret == 0)
			ret = jval_quote(out, line);
		p += len + (p[len] == '\n');
	}
	return ret < 0 ? ret : buf_puts(out, "],");
}

static int
print_examples(struct buf *out, const char *name, const struct examples *e)
{
	int ret;

	ret = buf_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; ret == 0 && i < e->count; i++) {
		ret = i > 0 ? buf_puts(out, ",") : 0;
		if (ret == 0)
			ret = jval_quote(out, e->text[i]);
	}
	return ret < 0 ? ret : buf_puts(out, "]");
}

int
tally_print_invariants(struct tally *t, struct buf *out, bool *good)
{
	int ret;

	lock_take(&t->lock);
	if (t->foreign > 0 || t->headers.count > 0 || t->targets.count > 0)
		*good = false;
	ret = buf_printf(out, "\"foreign_tokens\":%" PRIu64, t->foreign);
	if (ret == 0)
		ret = print_examples(out, "unknown_headers", &t->headers);
	if (ret == 0)
		ret = print_examples(out, "raw_targets", &t->targets);
	lock_drop(&t->lock);
	return ret;
}

static int
print_line(struct buf *out, const struct line *l)
{
	const char *query = strchr(l->target, '?');
	const struct {
		const char *name, *value;
	} members[] = {
		{ "endpoint", l->endpoint },
		{ "method", l->method },
		{ "target", l->target },
		{ "query", query != NULL ? query + 1 : "" },
		{ "path", l->subject },
		{ "request_id", l->request_id },
		{ "token", l->token_hash },
	};
	int ret;

	ret = buf_puts(out, "{");
	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(members); i++) {
		ret = print_member(out, members[i].name, members[i].value);
		if (ret == 0)
			ret = buf_puts(out, ",");
	}
	if (ret == 0)
		ret = print_lines(out, "headers", l->headers);
	return ret < 0 ? ret
		       : buf_printf(out,
			     "\"status\":%d,\"bytes_in\":%" PRIu64
			     ",\"bytes_out\":%" PRIu64 ",\"time\":%" PRId64
			     ",\"took_us\":%" PRId64 "}",
			     l->status, l->bytes_in, l->bytes_out, l->time_ms,
			     l->took_us);
}

int
tally_print_log(struct tally *t, uint64_t max, struct buf *out)
{
	uint64_t first;
	int ret;

	lock_take(&t->lock);
	if (max > RING)
		max = RING;
	first = t->lines > max ? t->lines - max : 0;
	ret = buf_puts(out, "[");
	for (uint64_t i = first; ret == 0 && i < t->lines; i++) {
		if (i > first)
			ret = buf_puts(out, ",");
		if (ret == 0)
			ret = print_line(out, &t->ring[i % RING]);
	}
	lock_drop(&t->lock);
	return ret < 0 ? ret : buf_puts(out, "]");
}
