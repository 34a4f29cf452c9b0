/* app/cache_dir.h: where the content of remote files is kept between mounts.
 *
 *   BASE/v1/blocks/
 *
 * BASE is $CACHE_DIRECTORY, $XDG_CACHE_HOME/brickfs, or ~/.cache/brickfs of the
 * passwd entry.  All mounts of a user share it. */
#ifndef APP_CACHE_DIR_H
#define APP_CACHE_DIR_H

#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct disk_tier;

/* On failure words are told why; a mount works without it. */
int cache_dir_open(uint64_t budget, const char *scope, const char *mountpoint,
    struct buf *words, struct disk_tier **out) WARN_UNUSED;

#endif
