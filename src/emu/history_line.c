/* emu/history_line.c - a version as a line of the log.
 *
 * seq time_ms op d|f size ino mtime_ns sha256|- request|- path [note], path and note
 * with blanks, control bytes and '%' as %XX. */
#include "config.h"

#include "emu/history_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "base/banned.h"

#define LINE_FIELDS 10 /* and the note */

static const struct {
	const char *name;
	bool gone; /* nothing is there afterwards */
} ops[] = {
	[HISTORY_PUT] = { "put", false },
	[HISTORY_CLOSE] = { "close", false },
	[HISTORY_IMPORT] = { "import", false },
	[HISTORY_ADMIN] = { "admin", false },
	[HISTORY_PART] = { "part", false },
	[HISTORY_MKDIR] = { "mkdir", false },
	[HISTORY_NOTE] = { "note", false },
	[HISTORY_MOVE_TO] = { "move_to", false },
	[HISTORY_MOVE_FROM] = { "move_from", true },
	[HISTORY_DELETE] = { "delete", true },
	[HISTORY_FOUND] = { "found", false },
	[HISTORY_LOST] = { "lost", true },
};

const char *
history_op_name(enum history_op op)
{
	return ops[op].name;
}

bool
history_op_gone(enum history_op op)
{
	return ops[op].gone;
}

static int
put_escaped(struct buf *out, const char *s)
{
	int ret = 0;

	for (; ret == 0 && *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= 0x20 || c == 0x7f || c == '%')
			ret = buf_printf(out, "%%%02X", c);
		else
			ret = buf_append(out, s, 1);
	}
	return ret;
}

static void
unescape(char *s)
{
	char *to = s;

	while (*s != '\0') {
		unsigned c;

		if (*s == '%' && sscanf(s + 1, "%2X", &c) == 1) {
			*to++ = (char)c;
			s += 3;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

int
history_put_line(struct buf *out, const struct version *v, const char *path)
{
	int ret;

	ret = buf_printf(out,
	    "%" PRIu64 " %" PRId64 " %s %c %" PRIu64 " %" PRIu64 " %" PRId64
	    " %s %s ",
	    v->seq, v->time_ms, history_op_name(v->op), v->is_dir ? 'd' : 'f',
	    v->stamp.size, v->stamp.ino, v->stamp.mtime_ns,
	    v->sha256[0] != '\0' ? v->sha256 : "-",
	    v->request[0] != '\0' ? v->request : "-");
	if (ret == 0)
		ret = put_escaped(out, path);
	if (ret == 0 && v->note != NULL)
		ret = buf_puts(out, " ");
	if (ret == 0 && v->note != NULL)
		ret = put_escaped(out, v->note);
	return ret == 0 ? buf_puts(out, "\n") : ret;
}

static bool
parse_op(const char *word, enum history_op *out)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (strcmp(ops[i].name, word) == 0) {
			*out = (enum history_op)i;
			return true;
		}
	}
	return false;
}

/* Cuts a line into its fields, the last of which, the note, may be missing: NULL.
 * False when there are too few or too many. */
static bool
split(char *line, char *fields[LINE_FIELDS + 1])
{
	fields[LINE_FIELDS] = NULL;
	for (size_t i = 0; i <= LINE_FIELDS; i++) {
		fields[i] = line;
		line += strcspn(line, " ");
		if (*line == '\0')
			return i >= LINE_FIELDS - 1;
		*line++ = '\0';
	}
	return false;
}

bool
history_parse_line(char *line, struct version *v, char **path)
{
	char *f[LINE_FIELDS + 1];

	if (!split(line, f) || text_u64(f[0], UINT64_MAX, &v->seq) < 0 ||
	    text_i64(f[1], &v->time_ms) < 0 || !parse_op(f[2], &v->op) ||
	    text_u64(f[4], UINT64_MAX, &v->stamp.size) < 0 ||
	    text_u64(f[5], UINT64_MAX, &v->stamp.ino) < 0 ||
	    text_i64(f[6], &v->stamp.mtime_ns) < 0)
		return false;
	v->is_dir = f[3][0] == 'd';
	if (strcmp(f[7], "-") != 0)
		text_copy(v->sha256, sizeof(v->sha256), f[7]);
	if (strcmp(f[8], "-") != 0)
		text_copy(v->request, sizeof(v->request), f[8]);
	unescape(f[9]);
	*path = f[9];
	if (f[10] == NULL)
		return true;
	unescape(f[10]);
	v->note = text_dup(f[10]);
	return v->note != NULL;
}
