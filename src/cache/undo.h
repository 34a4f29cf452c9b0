/* cache/undo.h: what a file held at a moment at which it was promised.
 *
 * Content that a close has promised and that the server does not have is changed in
 * place.  Until the next promise is on disk, a crash must find what the one before was
 * about.  So each promise has a number, its seal, and before bytes of that moment are
 * changed for the first time they are written down beside the file, N.data:
 *
 *   N.undo     pieces, each with the seal that was the last one then, and a sum; to be
 *              put back newest first.  A piece that ends early was being written;
 *              one without bytes says that the file became shorter.
 *   N.K.was    the whole file, as it was emptied while K was the last seal: the pieces
 *              of K and before are of this one, those after it of N.data.
 *
 * What is appended needs nothing of that, since the record knows the size.  All of it
 * is on disk before the file is changed.
 *
 * Threads: every function may be called from any thread. */
#ifndef CACHE_UNDO_H
#define CACHE_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct undo;

struct seal {
	uint64_t number; /* counts the promises of a file; 0: none */
	uint64_t size;	 /* of the file then */
};

/* path: of the file, N.data.  old: there may be something from before. */
int undo_new(const char *path, bool old, struct undo **out) WARN_UNUSED;

/* done: what was kept is not needed any more. */
void undo_free(struct undo *u, bool done);

/* Bytes in [start, end) of the file behind fd are about to be changed, which was sealed
 * last with seal. */
int undo_keep(struct undo *u, int fd, const struct seal *seal, uint64_t start,
    uint64_t end) WARN_UNUSED;

/* The file is about to become shorter than it was when it was sealed.  What of its end is
 * there was kept; when that was nothing, this says that it was no accident. */
int undo_keep_cut(struct undo *u, const struct seal *seal) WARN_UNUSED;

/* The same of all, and empties the file: fd is of another one then, whose name is not
 * durable. */
int undo_empty(struct undo *u, int fd, const struct seal *seal) WARN_UNUSED;

/* A durable record names that seal: what was before is not needed any more. */
void undo_recorded(struct undo *u, uint64_t number);

/**
 * undo_restore - the file as it was when it was sealed
 *
 * @path: the file
 * @to:   a new name, which the restored file gets; durable
 *
 * Returns
 *   0        the file is as it was
 *   1        it was changed since; to is as it was.  What was kept stays
 *   -ENODATA it is shorter than it was, and nobody knows why
 *   -errno   else
 */
int undo_restore(const char *path, const struct seal *seal, const char *to)
    WARN_UNUSED;

/* Gives what was kept of the file from another name beside the file to; and removes
 * it there. */
int undo_link(const char *from, const char *to) WARN_UNUSED;
void undo_remove(const char *path);

#endif
