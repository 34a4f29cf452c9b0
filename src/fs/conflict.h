/* fs/conflict.h: an upload met another version than the one that it was to replace.
 *
 * The one place where -o conflict= decides, for uploads of this mount and for those
 * that an earlier one left. */
#ifndef FS_CONFLICT_H
#define FS_CONFLICT_H

#include "fs/upload.h"

#define CONFLICT_NAME_BYTES 256

/**
 * conflict_decide - what becomes of content that met another version
 *
 * @up:     the upload; its content is frozen
 * @err:    what it met: -ESTALE or -EEXIST
 * @mtime:  the time of our content; names a sibling, so that a second try after a
 *          crash finds the first one's
 * @beside: may it be sent under another name?
 *
 * Returns
 *   0       ours has replaced theirs; *out is the new entry
 *   err     theirs stays.  With *out set, ours is beside it, and *out says where;
 *           otherwise it is to be kept here
 *   another error: could not be sent, and is to be tried again
 */
int conflict_decide(struct vfs *v, struct call *call, const struct upload *up,
    int err, const struct timespec *mtime, bool beside, struct entry **out);

/* NAME.conflict-HOST-TIME in UTC, the nth of that name (1: without a number); at most
 * 255 bytes of UTF-8 when name is.  host: what cannot be in a name is left out. */
void conflict_name(char out[CONFLICT_NAME_BYTES], const char *name,
    const char *host, time_t time, unsigned nth);

#endif
