/* app/words.h: the one line that says why a mount cannot be made. */
#ifndef APP_WORDS_H
#define APP_WORDS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/* Appends to words and returns err, so that a failure is told and returned in one
 * statement; -ENOMEM when there is no memory for it. */
int words_say(struct buf *words, int err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* While the service is asked, what goes wrong is told in that one line; so the
 * layers below log nothing of it, except when everything is wanted. */
void words_keep_quiet(bool quiet);

#endif
