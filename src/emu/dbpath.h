/* emu/dbpath.h: paths as clients write them.
 *
 * A canonical path is absolute, has no doubled or trailing slash and no "." or
 * ".." component, is well-formed UTF-8 and within the limits below; the root is
 * "/".  Everything below the handlers sees canonical paths only. */
#ifndef EMU_DBPATH_H
#define EMU_DBPATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define DBPATH_BYTES_MAX 4096 /* with the NUL */
#define DBPATH_DEPTH_MAX 250

enum dbpath_fault {
	DBPATH_GOOD,
	DBPATH_RELATIVE, /* not absolute */
	DBPATH_DOTS,     /* a "." or ".." component */
	DBPATH_BYTES,    /* no UTF-8 */
	DBPATH_NAME,     /* a name that Hadoop cannot have */
	DBPATH_LONG,     /* too many bytes or components */
};

/* Canonical form of text, which may begin with "dbfs:", in new memory.  hadoop:
 * colons and control bytes in names are faults.  *out is NULL on a fault, and
 * when out of memory (then the result is DBPATH_GOOD). */
enum dbpath_fault dbpath_parse(
    const char *text, bool hadoop, char **out) WARN_UNUSED;

/* dir + "/" + name in new memory; NULL when out of memory. */
char *dbpath_join(const char *dir, const char *name);

/* Is path the same as dir or below it? */
bool dbpath_within(const char *path, const char *dir);

/* The last component; "" for the root. */
const char *dbpath_last(const char *path);

/* Leaves the first n components of a path. */
void dbpath_shorten(char *path, uint64_t n);

#endif
