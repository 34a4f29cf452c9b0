/* app/ini.h: reads the INI files of the Databricks clients.
 *
 * Sections in brackets, "key = value" lines, '#' or ';' at the start of a line or
 * after a blank begins a comment.  Values may be of any length; CRLF and a BOM are
 * taken; keys are compared without case.  Of equal sections and keys the later
 * counts.  What stands before the first section belongs to "DEFAULT". */
#ifndef APP_INI_H
#define APP_INI_H

#include <stddef.h>

#include "base/attr.h"

struct ini;

/* text is borrowed for the call.  -EINVAL: *line is the first that is no INI, counted
 * from 1. */
int ini_parse(const char *text, size_t len, struct ini **out, unsigned *line)
    WARN_UNUSED;
void ini_free(struct ini *i); /* wipes the values */

/* NULL when there is none.  Borrowed. */
const char *ini_get(const struct ini *i, const char *section, const char *key);

/* The n-th section's name, NULL beyond the last. */
const char *ini_section(const struct ini *i, size_t n);

#endif
