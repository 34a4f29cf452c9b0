/* cache/staging.h: content that was written here and that the server may not have.
 *
 * A staging file stands for the whole content of one remote file: the bytes that
 * were written are in it, the rest is still at the source it was made
 * from, and a map knows which is which, so that unread is never taken for zero.
 * Files are named by a counter of ours, lie in a directory of mode 0700, and are
 * deleted only when their last user says that the content is no longer needed.
 *
 * A staging file may be frozen while it is uploaded: writes wait until it is
 * thawed, so that what reaches the server is what some program wrote.
 *
 * Threads: every function may be called from any thread. */
#ifndef CACHE_STAGING_H
#define CACHE_STAGING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/call.h"
#include "cache/ranges.h"
#include "cache/source.h"
#include "cache/undo.h"

struct staging; /* the directory */
struct staged;	/* a file in it */

/* dir must exist, be ours and closed to others (-EPERM otherwise).  Files in it
 * that nobody reopens stay; staging_sweep deletes them. */
int staging_new(const char *dir, struct staging **out) WARN_UNUSED;
void staging_free(struct staging *s);

/* A new, empty file with one reference.  base_bytes is the length of the content
 * that the caller's source has and that counts as not yet fetched; 0 for a new
 * file.  -ENFILE when so many are open that connections need the descriptors that
 * are left; -ENOSPC, ... from the disk. */
int staged_new(struct staging *s, uint64_t base_bytes, struct staged **out)
    WARN_UNUSED;

/* The filesystem that they are on. */
int staging_device(const struct staging *s, dev_t *out) WARN_UNUSED;

/* Are so many files open that those who keep them open should not for long? */
bool staging_is_crowded(struct staging *s);

/* Which bytes of a file are here, when not all are: those of the ranges, and all from
 * base_end on; the source has the others.  All are here: base_end is 0. */
#define STAGED_MAP_MAX 128
struct staged_map {
	uint64_t base_end;
	size_t n;
	struct range ranges[STAGED_MAP_MAX];
};

/* -E2BIG: it has more ranges. */
int staged_map_get(struct staged *f, struct staged_map *out) WARN_UNUSED;

/* The file that an earlier program left under that number.  map: as it was told when
 * the bytes were last made durable; NULL: all is here. */
int staged_reopen(struct staging *s, uint64_t number,
    const struct staged_map *map, struct staged **out) WARN_UNUSED;

/* What a file held when it was promised.  map: NULL when it had too many ranges. */
struct staged_seal {
	struct seal seal; /* number 0: nothing is promised */
	bool mapped;
	struct staged_map map;
};

/* The same of a file that was promised: as it was then.  *later: what it was changed to
 * since, which nobody has promised, or NULL; then *out has another number.  -ENODATA:
 * what was promised is not on the disk.  Both stay until somebody says otherwise. */
int staged_reopen_promised(struct staging *s, uint64_t number,
    const struct staged_seal *seal, struct staged **out, struct staged **later)
    WARN_UNUSED;

/* Gives a file elsewhere on this disk, that another mount left, a second name here, with
 * what belongs to it; durable.  Its number is *number.  staging_unlink: the first one
 * goes. */
int staging_link(struct staging *s, const char *path, uint64_t *number)
    WARN_UNUSED;
int staging_unlink(const char *path);

/* Deletes the files that were never opened since staging_new. */
void staging_sweep(struct staging *s);

struct staged *staged_ref(struct staged *f);

/* The last reference closes the file and, unless staged_keep said otherwise,
 * deletes it. */
void staged_unref(struct staged *f);

/* Leave the file on disk when the last reference goes: the journal names it. */
void staged_keep(struct staged *f, bool keep);

/* Its number, which the journal stores, and its path, for messages. */
uint64_t staged_number(const struct staged *f);
const char *staged_path(const struct staged *f);

/* Bytes, with what is still at the source. */
uint64_t staged_size(struct staged *f);

/* Is everything here? */
bool staged_complete(struct staged *f);

/* Bytes at off, fewer than len only at the end; what is not here is read from src,
 * and takes no room here.  src may be NULL when staged_complete. */
ssize_t staged_read(struct staged *f, struct call *call,
    const struct source *src, uint64_t off, void *dst, size_t len);

/* Changes are made between begin, which waits while f is frozen (-EINTR), and end, for
 * which who freezes it waits: so a change, and what is noted of it in between, come
 * before that or after. */
int staged_begin(struct staged *f, struct call *call) WARN_UNUSED;
void staged_end(struct staged *f);

/* All or nothing as far as the caller is told. */
int staged_write(struct staged *f, uint64_t off, const void *src, size_t len);

/* What lies beyond size is forgotten, and reads as zeros when the file grows
 * again. */
int staged_truncate(struct staged *f, uint64_t size);

/* Makes room for len bytes at off, so that writing there cannot fail for lack of
 * space; grows the file when grow. */
int staged_allocate(struct staged *f, uint64_t off, uint64_t len, bool grow);

/* Zeros in [off, off + len), the size as it was. */
int staged_punch(struct staged *f, uint64_t off, uint64_t len);

/* SEEK_DATA, SEEK_HOLE: what is at the source counts as data. */
int staged_seek(struct staged *f, uint64_t off, int whence, uint64_t *out);

/* Fetches everything that is missing; nothing when there is no room for it. */
int staged_fetch_all(struct staged *f, struct call *call,
    const struct source *src);

/* Between mark and unmark: forget makes what was fetched meanwhile missing again, since
 * nobody knows of which version it was.  With f frozen.  The next mark waits for the
 * unmark (-EINTR). */
int staged_mark(struct staged *f, struct call *call) WARN_UNUSED;
void staged_unmark(struct staged *f, bool forget);

/* Stops writers until thaw.  Calls nest. */
void staged_freeze(struct staged *f);
void staged_thaw(struct staged *f);

/* What is in f now is promised: whatever is changed from now on, staged_reopen_promised
 * finds this, once a record has out.  Waits for changes under way. */
int staged_promise(struct staged *f, struct staged_seal *out) WARN_UNUSED;

/* The last promise; false when there is none. */
bool staged_promised(struct staged *f, struct staged_seal *out);

/* A record on disk has it: those before are not needed any more. */
void staged_recorded(struct staged *f, uint64_t seal);

/* Nobody relies on the promise with that seal: no record has it. */
void staged_unpromise(struct staged *f, uint64_t seal);

/* Makes the bytes durable, and the file's name.  A failure is final for what was
 * written: until it is emptied the file cannot be synced any more. */
int staged_sync(struct staged *f);

#endif
