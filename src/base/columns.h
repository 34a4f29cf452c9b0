/* base/columns.h: text in two columns, as in a help page. */
#ifndef BASE_COLUMNS_H
#define BASE_COLUMNS_H

#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"

/* Appends left after two blanks and right from column on, wrapped at blanks before
 * COLUMNS_WIDTH; on the next line when left is too long.  Ends with a newline. */
#define COLUMNS_WIDTH 79
int columns_row(struct buf *out, size_t column, const char *left,
    const char *right) WARN_UNUSED;

#endif
