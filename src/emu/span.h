/* emu/span.h: a piece of a text that others own, and its lines. */
#ifndef EMU_SPAN_H
#define EMU_SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *at;
	size_t len;
};

struct span span_of(const char *text);

/* Takes the next line, without its newline, off the text; false at its end. */
bool span_line(struct span *text, struct span *line);

/* Takes prefix off; false, and nothing changed, when it is not there. */
bool span_skip(struct span *text, const char *prefix);

bool span_equals(struct span text, const char *other);

/* Nothing but spaces and tabs? */
bool span_is_blank(struct span line);

/* Without the blank lines before and after, and the newline at the end. */
struct span span_trim(struct span text);

#endif
