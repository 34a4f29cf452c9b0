/* emu/zip.h: zip archives in memory, by libarchive.
 *
 * Names are UTF-8, with slashes.  libarchive takes the locale's word for what they are
 * written in: utf8 is one that says so, or (locale_t)0 where the machine has none. */
#ifndef EMU_ZIP_H
#define EMU_ZIP_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct zip;

/* Begins an archive that is appended to out, borrowed. */
int zip_new(struct buf *out, locale_t utf8, struct zip **zip) WARN_UNUSED;

/* 0 or -errno.  A directory's name ends in a slash, and it has no content. */
int zip_add(struct zip *z, const char *name, int64_t mtime_ms,
    const void *data, size_t len) WARN_UNUSED;

/* Ends it.  The second frees it, ended or not. */
int zip_end(struct zip *z) WARN_UNUSED;
void zip_free(struct zip *z);

/* Calls each() for every file and directory in the archive; a non-zero result ends
 * that and is returned.  -EBADMSG for what is no zip archive, -EFBIG for one whose
 * files are longer than limit altogether. */
typedef int zip_fn(void *ctx, const char *name, const char *data, size_t len);
int zip_read(const void *data, size_t len, size_t limit, locale_t utf8,
    zip_fn *each, void *ctx) WARN_UNUSED;

#endif
