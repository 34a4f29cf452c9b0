/* emu/contents.h: the contents that a test has handed over: nothing else may be a
 * version of any file.  Threads: any. */
#ifndef EMU_CONTENTS_H
#define EMU_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct contents;

int contents_new(struct contents **out) WARN_UNUSED;
void contents_free(struct contents *c);

/* A SHA-256 in hex.  -EINVAL for anything else. */
int contents_add(struct contents *c, const char *sha256) WARN_UNUSED;
void contents_clear(struct contents *c);

bool contents_has(struct contents *c, const char *sha256);
size_t contents_count(struct contents *c);

#endif
