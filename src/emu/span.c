/* emu/span.c - a piece of a text that others own, and its lines. */
#include "config.h"

#include "emu/span.h"

#include <string.h>

#include "base/banned.h"

struct span
span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

bool
span_line(struct span *text, struct span *line)
{
	const char *end;
	size_t taken;

	if (text->len == 0)
		return false;
	end = memchr(text->at, '\n', text->len);
	line->at = text->at;
	line->len = end != NULL ? (size_t)(end - text->at) : text->len;
	taken = line->len + (end != NULL);
	text->at += taken;
	text->len -= taken;
	return true;
}

bool
span_skip(struct span *text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (text->len < len || memcmp(text->at, prefix, len) != 0)
		return false;
	text->at += len;
	text->len -= len;
	return true;
}

bool
span_equals(struct span text, const char *other)
{
	return span_skip(&text, other) && text.len == 0;
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

bool
span_is_blank(struct span line)
{
	for (size_t i = 0; i < line.len; i++)
		if (!is_blank(line.at[i]))
			return false;
	return true;
}

struct span
span_trim(struct span text)
{
	struct span rest = text, line;
	size_t len;

	while (span_line(&rest, &line) && span_is_blank(line))
		text = rest;
	len = text.len;
	while (len > 0 &&
	    (is_blank(text.at[len - 1]) || text.at[len - 1] == '\n'))
		len--;
	/* What is blank at the end of the last line belongs to it. */
	while (len > 0 && len < text.len && text.at[len] != '\n')
		len++;
	text.len = len;
	return text;
}
