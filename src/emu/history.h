/* emu/history.h: every version that a tree ever held, path by path.
 *
 * A change is written to the log before it becomes visible in the tree, so that
 * whatever a reader may have seen is in here, also after a SIGKILL.  The log is
 * one line of text a version in .state/history-TREE; a line cut short by a kill
 * is dropped at the next start.
 *
 * It also remembers the hash of each file by inode, size and time, so that a
 * file keeps its hash when it moves, and a file that a person put into the tree
 * is noticed.
 *
 * A version may carry a note of the tree's owner, a JSON object that means nothing
 * here: what the tree itself cannot say, as that a file is a notebook.
 *
 * Not locked: the owner of the tree calls it with the tree's lock held. */
#ifndef EMU_HISTORY_H
#define EMU_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"

struct history;

enum history_op {
	HISTORY_PUT,   /* put, JSON or form; PUT to a signed URL */
	HISTORY_CLOSE, /* create, add-block, close */
	HISTORY_IMPORT, /* import and import-file of the Workspace API */
	HISTORY_ADMIN, /* PUT /emulator/file, remote_edit, sample content */
	HISTORY_PART,  /* an unfinished file, shown by --put-not-atomic */
	HISTORY_MKDIR,
	HISTORY_NOTE,    /* only its note is another one */
	HISTORY_MOVE_TO,   /* arrived here */
	HISTORY_MOVE_FROM, /* left from here */
	HISTORY_DELETE,
	HISTORY_FOUND, /* a person put or changed it */
	HISTORY_LOST,  /* a person removed it */
};

/* What identifies the content of a file on disk. */
struct history_stamp {
	uint64_t ino;
	uint64_t size;
	int64_t mtime_ns;
};

struct history_change {
	enum history_op op;
	const char *path;
	bool is_dir;
	struct history_stamp stamp;
	const char *sha256;  /* NULL for directories and removals */
	const char *request; /* id; NULL when no request did it */
	const char *note;    /* NULL: none */
	int64_t time_ms;
};

/* Reads the log of the tree.  0 or -errno. */
int history_open(
    int state_fd, const char *tree, struct history **out) WARN_UNUSED;
void history_close(struct history *h);

/* Notes changes and, at commit, writes all of them by one write.  After a
 * failed note or commit nothing of the batch is recorded.  0 or -errno. */
int history_note(struct history *h, const struct history_change *c) WARN_UNUSED;
int history_commit(struct history *h) WARN_UNUSED;
void history_abandon(struct history *h);

/* Is the file as the newest version of path says (stamp NULL: absent)? */
bool history_current(struct history *h, const char *path, bool is_dir,
    const struct history_stamp *stamp);

/* The note of what is at path with this stamp, or NULL.  It is that of the newest
 * version with this stamp, since a step may have been recorded and then not been
 * taken; of what a person changed, that of the newest version; of a file that he
 * moved, that of where it was.  Lives as long as h, or the batch. */
const char *history_note_of(struct history *h, const char *path, bool is_dir,
    const struct history_stamp *stamp);

/* Calls each() for what was directly in the directory at that time: a version, and
 * whether it is the newest one of its path. */
struct history_past {
	bool is_dir, newest;
	struct history_stamp stamp; /* all 0 for a directory that was just made */
	int64_t time_ms;
	const char *note;
};
typedef int history_past_fn(
    void *ctx, const char *path, const struct history_past *past);
int history_past(struct history *h, const char *dir, int64_t time_ms,
    history_past_fn *each, void *ctx) WARN_UNUSED;

/* The hash of a file with this stamp, wherever it lies. */
bool history_hash(struct history *h, const struct history_stamp *stamp,
    char sha256[DIGEST_SHA256_HEX]);

/* Remembers a hash that had to be computed. */
void history_learn(
    struct history *h, const struct history_stamp *stamp, const char *sha256);

/* Appends the versions of path as a JSON array, oldest first. */
int history_print(
    struct history *h, const char *path, struct buf *out) WARN_UNUSED;

/* Appends as a JSON array, in no order, the paths at or below path where anything ever
 * was. */
int history_print_paths(
    struct history *h, const char *path, struct buf *out) WARN_UNUSED;

/* Appends as a JSON array, at most max of them, the versions that the API put and
 * whose hash is not known. */
typedef bool history_known_fn(void *ctx, const char *sha256);
int history_print_unknown(struct history *h, history_known_fn *known,
    void *ctx, size_t max, struct buf *out) WARN_UNUSED;

#endif
