/* emu/store.h: one file tree on disk, with its history.
 *
 * Paths are canonical (emu/dbpath.h).  Every change is one step under the tree's
 * lock: first the history, then one rename, link or unlink.  No lock is held
 * while a body travels; a new file arrives whole, as a spool.
 *
 * Functions return 0 or -errno, as a system call on the path would:
 *   -ENOENT   nothing there      -ENOTDIR  a component on the way is a file
 *   -EISDIR   a directory        -EEXIST   something is there already
 *   -EMLINK   the directory is full (struct store_owner)
 * Symbolic links, devices and names that are no UTF-8 do not exist here.
 * Threads: any. */
#ifndef EMU_STORE_H
#define EMU_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"

#include "emu/history.h"
#include "emu/place.h"
#include "emu/spool.h"
#include "emu/timeline.h"

struct store;

struct store_node {
	bool is_dir;
	uint64_t size; /* 0 for directories */
	int64_t mtime_ms;
	const char *note; /* lives as long as the store; NULL: a tree without */
};

/* What a tree asks that keeps a note (emu/history.h) of each thing in it.  Called
 * with the tree's lock held, so these may not call the store. */
struct store_owner {
	/* Appends the note of what comes without one: a new directory, and what a
	 * person put there. */
	int (*fresh)(void *ctx, const char *path, bool is_dir, struct buf *note);
	/* How many names one directory may hold; 0: any number. */
	uint64_t (*names_max)(void *ctx);
	void *ctx;
};

/* Opens DIR/name with its history.  All arguments are borrowed; owner NULL: a tree
 * without notes. */
int store_open(struct place *place, struct timeline *timeline, const char *name,
    const struct store_owner *owner, struct store **out) WARN_UNUSED;
void store_close(struct store *s);

int store_stat(
    struct store *s, const char *path, struct store_node *out) WARN_UNUSED;

/* Calls each() for the children of a directory by name, or once for a file
 * itself; a non-zero result ends it and is returned. */
typedef int store_list_fn(
    void *ctx, const char *path, const struct store_node *node);
int store_list(struct store *s, const char *path, store_list_fn *each,
    void *ctx) WARN_UNUSED;

/* The children of a directory as they were at a time of the emulator's clock. */
int store_list_at(struct store *s, const char *path, int64_t time_ms,
    store_list_fn *each, void *ctx) WARN_UNUSED;

/* The same for everything below a directory, parents first, with the tree's lock
 * held: each() may not call the store. */
int store_each(struct store *s, const char *path, store_list_fn *each,
    void *ctx) WARN_UNUSED;

/* Opens a file for reading: one version of it, whatever happens to the name. */
int store_read(struct store *s, const char *path, int *fd,
    struct store_node *out) WARN_UNUSED;

/* Missing parents are made.  -EEXIST when path is a file. */
int store_mkdirs(
    struct store *s, const char *path, const char *request) WARN_UNUSED;

/* Puts the spool's file at path.  On success it belongs to the tree. */
int store_commit(struct store *s, const char *path, struct spool *spool,
    bool overwrite, enum history_op op, const char *request) WARN_UNUSED;

/* Puts the spool's file at path, as the caller decides with the lock held, when he
 * sees what is there (NULL: nothing): the note it gets is appended to note, or a
 * negative result refuses.  Makes no parents: -ENOENT. */
typedef int store_decide_fn(
    void *ctx, const struct store_node *old, struct buf *note);
struct store_placing {
	enum history_op op;
	const char *request;
	int64_t mtime_ms; /* < 0: now */
	store_decide_fn *decide;
	void *ctx;
};
int store_place(struct store *s, const char *path, struct spool *spool,
    const struct store_placing *how) WARN_UNUSED;

/* Another note for what is at path; the content and its time stay. */
int store_annotate(struct store *s, const char *path, store_decide_fn *decide,
    void *ctx, const char *request) WARN_UNUSED;

/* The same as store_commit from memory, overwriting; mtime_ms < 0: now. */
int store_put(struct store *s, const char *path, const void *data, size_t len,
    enum history_op op, const char *request) WARN_UNUSED;
int store_put_at(struct store *s, const char *path, const void *data,
    size_t len, enum history_op op, const char *request,
    int64_t mtime_ms) WARN_UNUSED;

/* Bytes of all files together. */
int store_total(struct store *s, uint64_t *out) WARN_UNUSED;

/* -ENOTEMPTY for a directory with content unless recursive; -EBUSY for the root.
 * limit > 0: no more than that many files at once; -EAGAIN when some are left.
 * *removed counts files. */
int store_remove(struct store *s, const char *path, bool recursive,
    uint64_t limit, const char *request, uint64_t *removed) WARN_UNUSED;

/* Refuses an existing destination (-EEXIST), a destination below the source
 * (-EINVAL) and the root (-EBUSY).  parents: makes the destination's directory,
 * else -ENOTDIR.  A note goes along. */
int store_move(struct store *s, const char *from, const char *to, bool parents,
    const char *request) WARN_UNUSED;

/* Appends the history of path as a JSON array, after noticing what a person
 * changed. */
int store_history(
    struct store *s, const char *path, struct buf *out) WARN_UNUSED;

/* As history_print_paths. */
int store_paths(
    struct store *s, const char *path, struct buf *out) WARN_UNUSED;

/* As history_print_unknown. */
int store_unknown(struct store *s, history_known_fn *known, void *ctx,
    size_t max, struct buf *out) WARN_UNUSED;

/* Appends everything below path as a JSON array of {path, is_dir, size, sha256,
 * modification_time, note}. */
int store_tree(struct store *s, const char *path, struct buf *out) WARN_UNUSED;

/* Directory for new spools of this tree. */
int store_spools(struct store *s);

#endif
