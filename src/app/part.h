/* app/part.h: which part of a workspace is mounted: the SOURCE of the command
 * line. */
#ifndef APP_PART_H
#define APP_PART_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

struct part {
	bool all;    /* everything, with a directory a tree */
	const char *tree; /* else "dbfs" or "Workspace", static, and */
	char *path;  /* the absolute path in it, "/" or without a slash at its end */
	char *shown; /* as mount(8) shows it: as given, or "brickfs" */
};

/* source may be NULL.  On failure -EINVAL or -ENOMEM, and a line in words. */
int part_parse(
    const char *source, struct part *out, struct buf *words) WARN_UNUSED;
void part_release(struct part *part);

#endif
