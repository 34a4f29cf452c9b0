/* emu/multipart.c - multipart/form-data, read piece by piece.
 *
 *   state      reads                           left at
 *   -----      -----                           -------
 *   PREAMBLE   and drops                       a delimiter: AFTER
 *   AFTER      the rest of the delimiter line  its end: HEADERS; "--": DONE
 *   HEADERS    lines                           an empty one: BODY
 *   BODY       and hands on                    a delimiter: AFTER
 *   DONE       and drops                       never
 *
 * A delimiter is CR LF "--" boundary.  Its only CR is its first byte, so that
 * after a mismatch nothing but the byte at hand can begin another one. */
#include "config.h"

#include "emu/multipart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/text.h"

#include "base/banned.h"

#define BOUNDARY_MAX ((size_t)200) /* RFC 2046 says 70 */
#define LINE_MAX     ((size_t)8192)

enum state { PREAMBLE, AFTER, HEADERS, BODY, DONE };

struct multipart {
	multipart_fn *take;
	void *ctx;
	enum state state;
	char delimiter[BOUNDARY_MAX + 5];
	size_t delimiter_len;
	size_t matched; /* bytes of a delimiter at the end of the last piece */
	struct buf line;
	struct multipart_part part;
	char *name; /* of the part, owned */
};

/* Value of a parameter in "x; a=b; c=\"d\"" in new memory, or NULL. */
static char *
parameter(const char *header, const char *key)
{
	const char *p = header + strcspn(header, ";");

	while (*p == ';') {
		size_t key_len;
		const char *word;
		char *value, *end;

		p += 1 + strspn(p + 1, " \t");
		word = p;
		key_len = strcspn(p, "=;");
		p += key_len;
		if (*p != '=')
			continue;
		value = end = malloc(strlen(++p) + 1);
		if (value == NULL)
			return NULL;
		if (*p == '"') {
			for (p++; *p != '\0' && *p != '"'; p++) {
				if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
					p++;
				*end++ = *p;
			}
			p += strcspn(p, ";");
		} else {
			while (*p != '\0' && strchr("; \t", *p) == NULL)
				*end++ = *p++;
			p += strcspn(p, ";");
		}
		*end = '\0';
		if (key_len == strlen(key) &&
		    strncasecmp(word, key, key_len) == 0)
			return value;
		free(value);
	}
	return NULL;
}

int
multipart_new(const char *content_type, multipart_fn *take, void *ctx,
    struct multipart **out)
{
	struct multipart *m;
	char *boundary = parameter(content_type, "boundary");
	size_t len = boundary != NULL ? strlen(boundary) : 0;

	if (len == 0 || len > BOUNDARY_MAX || strpbrk(boundary, "\r\n")) {
		free(boundary);
		return -EBADMSG;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL) {
		free(boundary);
		return -ENOMEM;
	}
	m->take = take;
	m->ctx = ctx;
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary, len + 1);
	m->delimiter_len = len + 4;
	/* The first delimiter may stand at the very beginning. */
	m->matched = 2;
	buf_init(&m->line, LINE_MAX);
	free(boundary);
	*out = m;
	return 0;
}

void
multipart_free(struct multipart *m)
{
	if (m == NULL)
		return;
	buf_release(&m->line);
	free(m->name);
	free(m);
}

bool
multipart_complete(const struct multipart *m)
{
	return m->state == DONE;
}

static int
hand_on(struct multipart *m, const char *data, size_t len)
{
	if (m->state != BODY || len == 0)
		return 0;
	return m->take(m->ctx, &m->part, false, data, len);
}

/* Goes on with a delimiter that began in an earlier piece.  Bytes taken from
 * data, or a negative error. */
static ssize_t
resume_delimiter(struct multipart *m, const char *data, size_t len)
{
	size_t n = 0;

	while (n < len && m->matched < m->delimiter_len &&
	       data[n] == m->delimiter[m->matched]) {
		n++;
		m->matched++;
	}
	if (m->matched == m->delimiter_len) {
		m->matched = 0;
		m->state = AFTER;
		buf_clear(&m->line);
	} else if (n < len) {
		/* It was none: what was held back is content. */
		int ret = hand_on(m, m->delimiter, m->matched);

		m->matched = 0;
		if (ret < 0)
			return ret;
	}
	return (ssize_t)n;
}

/* Content up to a delimiter or the end of the piece.  Bytes taken. */
static ssize_t
read_content(struct multipart *m, const char *data, size_t len)
{
	const char *at = data, *end = data + len;
	int ret;

	while ((at = memchr(at, '\r', (size_t)(end - at))) != NULL) {
		size_t left = (size_t)(end - at);
		size_t n = left < m->delimiter_len ? left : m->delimiter_len;

		if (memcmp(at, m->delimiter, n) == 0)
			break;
		at++;
	}
	if (at == NULL)
		at = end;
	ret = hand_on(m, data, (size_t)(at - data));
	if (ret < 0)
		return ret;
	if (at == end)
		return (ssize_t)len;
	m->matched = 1; /* the CR; resume_delimiter does the rest */
	return at + 1 - data;
}

/* Takes a part's header; only its disposition matters. */
static void
end_header(struct multipart *m)
{
	static const char key[] = "Content-Disposition:";
	const char *text = buf_text(&m->line);
	char *value;

	if (strncasecmp(text, key, sizeof(key) - 1) != 0)
		return;
	value = parameter(text, "name");
	if (value != NULL) {
		free(m->name);
		m->name = value;
		m->part.name = value;
	}
	value = parameter(text, "filename");
	if (value == NULL)
		value = parameter(text, "filename*");
	m->part.is_file = value != NULL;
	free(value);
}

/* Takes a byte of the delimiter's line or of a header. */
static int
take_line_byte(struct multipart *m, char byte)
{
	struct buf *line = &m->line;
	int ret;

	ret = buf_append(line, &byte, 1);
	if (ret < 0)
		return ret == -EFBIG ? -EBADMSG : ret;
	if (m->state == AFTER && strcmp(buf_text(line), "--") == 0) {
		m->state = DONE;
		return 0;
	}
	if (byte != '\n')
		return 0;
	while (line->len > 0 && strchr("\r\n", line->data[line->len - 1]))
		line->data[--line->len] = '\0';
	if (m->state == AFTER) {
		if (strspn(buf_text(line), " \t") != line->len)
			return -EBADMSG;
		m->state = HEADERS;
		m->part = (struct multipart_part){ .name = "" };
	} else if (line->len == 0) {
		m->state = BODY;
		ret = m->take(m->ctx, &m->part, true, "", 0);
	} else {
		end_header(m);
	}
	buf_clear(line);
	return ret;
}

int
multipart_feed(struct multipart *m, const char *data, size_t len)
{
	while (len > 0 && m->state != DONE) {
		ssize_t n = 1;

		if (m->state == AFTER || m->state == HEADERS) {
			int ret = take_line_byte(m, *data);

			if (ret < 0)
				return ret;
		} else if (m->matched > 0) {
			n = resume_delimiter(m, data, len);
		} else {
			n = read_content(m, data, len);
		}
		if (n < 0)
			return (int)n;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}
