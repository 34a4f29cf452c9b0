/* base/buf.c - growable bytes with a limit. */
#include "config.h"

#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

void
buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf){ .limit = limit };
}

void
buf_release(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

int
buf_reserve(struct buf *b, size_t len)
{
	size_t need, cap;
	char *data;

	if (len > b->limit || b->len > b->limit - len)
		return -EFBIG;
	need = b->len + len + 1;
	if (need <= b->cap)
		return 0;
	cap = b->cap < 64 ? 64 : b->cap;
	while (cap < need)
		cap += cap / 2;
	data = realloc(b->data, cap);
	if (data == NULL)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_append(struct buf *b, const void *src, size_t len)
{
	int ret;

	ret = buf_reserve(b, len);
	if (ret < 0)
		return ret;
	if (len > 0)
		memcpy(b->data + b->len, src, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_puts(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

int
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->cap - b->len;
	va_list again;
	int len, ret = 0;

	/* Most texts fit into what is there. */
	va_copy(again, ap);
	len = vsnprintf(
	    room > 0 ? b->data + b->len : NULL, room, fmt, again);
	va_end(again);
	if (len >= 0)
		ret = buf_reserve(b, (size_t)len);
	if (len < 0 || ret < 0) {
		if (room > 0)
			b->data[b->len] = '\0';
		return len < 0 ? -EINVAL : ret;
	}
	if ((size_t)len >= room)
		(void)vsnprintf(b->data + b->len, (size_t)len + 1, fmt, ap);
	b->len += (size_t)len;
	return 0;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return ret;
}

const char *
buf_text(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

char *
buf_take(struct buf *b)
{
	char *data;

	if (b->data == NULL && buf_reserve(b, 0) < 0)
		return NULL;
	data = b->data;
	b->data = NULL;
	b->len = b->cap = 0;
	return data;
}
