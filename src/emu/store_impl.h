/* emu/store_impl.h: what the files of the store share. */
#ifndef EMU_STORE_IMPL_H
#define EMU_STORE_IMPL_H

#include <sys/stat.h>

#include "base/lock.h"

#include "emu/store.h"
#include "emu/walk.h"

struct store {
	struct tree tree;          /* set once */
	struct place *place;       /* set once */
	struct timeline *timeline; /* set once */
	struct lock lock;          /* guards the names of the tree */
	const struct store_owner *owner; /* set once; NULL: no notes */
	struct history *history;   /* guarded by lock */
	uint64_t trash;            /* guarded by lock; names in the trash */
	/* Names in the directory that was counted last; guarded by lock. */
	struct {
		uint64_t ino;
		struct timespec mtime; /* another one: it has to be counted */
		uint64_t names;
	} counted;
};

/* lstat of a path: a file or directory, else -ENOENT or -ENOTDIR. */
int store_lstat_locked(struct store *s, const char *path, struct stat *out)
    REQUIRES(s->lock) WARN_UNUSED;

struct history_stamp store_stamp(const struct stat *st);

/* Hash of the file at path, known or computed. */
int store_hash_locked(struct store *s, const char *path, const struct stat *st,
    char sha256[DIGEST_SHA256_HEX]) REQUIRES(s->lock) WARN_UNUSED;

/* The note of what is at path, or a fresh one; "" in a tree without notes. */
int store_annotation_locked(struct store *s, const char *path,
    const struct stat *st, struct buf *out) REQUIRES(s->lock) WARN_UNUSED;

/* Records what a person, or a failed step of ours, did to path since its newest
 * version. */
int store_observe_locked(struct store *s, const char *path) REQUIRES(s->lock);

/* Notes what a person made of path, if that is new; history_commit is the caller's. */
int store_found_locked(struct store *s, const char *path, const struct stat *st)
    REQUIRES(s->lock) WARN_UNUSED;

/* Opens the directory that holds path; with make it is made, recorded, if it is
 * missing.  A descriptor and the name on disk, or -errno. */
int store_parent_locked(struct store *s, const char *path, bool make,
    const char *request, char name[WALK_NAME_BYTES])
    REQUIRES(s->lock) WARN_UNUSED;

/* What is at path, which is on record. */
struct store_node store_node_locked(struct store *s, const char *path,
    const struct stat *st) REQUIRES(s->lock);

/* Is there room for one more name in the directory?  0, -EMLINK or -errno.  When the
 * name is there and the directory's time is set, store_added_locked is called. */
int store_room_locked(struct store *s, int dir_fd) REQUIRES(s->lock) WARN_UNUSED;
void store_added_locked(struct store *s, int dir_fd) REQUIRES(s->lock);

/* Notes one change in the history; history_commit is the caller's. */
int store_note_locked(struct store *s, enum history_op op, const char *path,
    const struct stat *st, const char *sha256, const char *request,
    const char *note) REQUIRES(s->lock) WARN_UNUSED;

/* Sets a directory's time by the emulator's clock. */
void store_touch(struct store *s, int dir_fd);

/* Calls each() for everything below the directory path, parents first, children
 * by name; path itself is not included.  A non-zero result ends it. */
typedef int store_below_fn(void *ctx, const char *path, const struct stat *st);
int store_below_locked(struct store *s, const char *path, store_below_fn *each,
    void *ctx) REQUIRES(s->lock) WARN_UNUSED;

/* Is there nothing to be seen in the directory? */
bool store_empty_locked(struct store *s, const char *path) REQUIRES(s->lock);

#endif
