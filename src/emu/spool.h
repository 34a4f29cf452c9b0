/* emu/spool.h: a file on its way into a tree, hashed while it grows.
 *
 * It lies in a directory of .state, so that the tree never shows it, and on the
 * tree's own disk, so that one rename puts it there.  Used by one thread at a
 * time. */
#ifndef EMU_SPOOL_H
#define EMU_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/digest.h"

struct spool;

/* An empty file under a new name in the directory. */
int spool_new(int dir_fd, struct spool **out) WARN_UNUSED;

/* Makes the empty file dir_fd/name, or goes on with it: of its bytes size count,
 * the rest is cut off. */
int spool_resume(int dir_fd, const char *name, uint64_t size,
    struct spool **out) WARN_UNUSED;

/* Closes it; the file is removed unless it was moved or is kept. */
void spool_free(struct spool *s);
void spool_keep(struct spool *s);

/* 0 or -errno; after a failure the file is as it was. */
int spool_write(struct spool *s, const void *src, size_t len) WARN_UNUSED;

uint64_t spool_size(const struct spool *s);

/* Descriptor of the file, borrowed. */
int spool_fd(const struct spool *s);

/* The hash of everything; nothing can be written afterwards. */
int spool_seal(struct spool *s, char sha256[DIGEST_SHA256_HEX]) WARN_UNUSED;

/* Renames the file.  0 or -errno. */
int spool_move(struct spool *s, int dir_fd, const char *name) WARN_UNUSED;

#endif
