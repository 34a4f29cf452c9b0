/* emu/history_impl.h: what the files of the history share: a version, and its line in
 * the log. */
#ifndef EMU_HISTORY_IMPL_H
#define EMU_HISTORY_IMPL_H

#include "emu/history.h"

#define REQUEST_BYTES 40

struct version {
	uint64_t seq;
	int64_t time_ms;
	enum history_op op;
	bool is_dir;
	struct history_stamp stamp;
	char sha256[DIGEST_SHA256_HEX]; /* "" when none */
	char request[REQUEST_BYTES];
	char *note; /* NULL: none */
	struct version *next; /* newer one of the same path */
};

const char *history_op_name(enum history_op op);

/* Is nothing there after it? */
bool history_op_gone(enum history_op op);

/* Appends the line of a version of path. */
int history_put_line(
    struct buf *out, const struct version *v, const char *path) WARN_UNUSED;

/* Reads a line without its end, which is changed; *path is in it.  False for what is
 * none; v may have a note then, too. */
bool history_parse_line(char *line, struct version *v, char **path);

#endif
