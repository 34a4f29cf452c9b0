/* cache/journal.h: a file of records that outlives the program.
 *
 * What must be known after a crash is written here before anybody relies on it.
 * A record belongs to a subject (a number the writer chose); the newest record of
 * a subject counts, and an end record closes it.  What is open when the file is
 * read again is what the crash left.
 *
 * Format 1, all numbers little-endian:
 *
 *   file    "brickfsJ" u32 format u32 0
 *   record  u32 length of the payload, u16 type, u16 0, u64 subject,
 *           u64 XXH64 of the payload, its seed that of the 16 bytes before, payload
 *
 * A record that ends early or whose sum is wrong ends the file: it was being
 * written when the program died, and nobody relied on it.  Payloads are JSON
 * objects; members and record types that this version does not know are kept when
 * the file is rewritten.  A newer format is refused, never changed.
 *
 * Threads: every function may be called from any thread. */
#ifndef CACHE_JOURNAL_H
#define CACHE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct json_object;
struct version;

struct journal;

enum journal_type {
	JOURNAL_END = 0, /* the subject is settled; no payload */
	/* A staging file holds content for a name.  {file: its number, tree, dir:
	 * path of the directory, name, intent: "put" (a close has promised it),
	 * "open", "scratch" or "conflict" (the server has another version, and
	 * nobody has decided), sec, nsec: the time shown, exec?: true, partial?:
	 * true (not all is here), here?: [end, from, to, from, to, ...] (bytes
	 * from..to and all from end on are here, the others are those of old),
	 * seal?, size?: of what was promised, when the file may have been changed
	 * since (cache/undo.h), boot?: run of the machine in which the bytes were
	 * not synced, and are there only while it lasts,
	 * over?: subject of a record of the same name that this one replaces,
	 * unaside?: of the record by which this file was aside, and is no more,
	 * going?: true (its object was about to be deleted: gone when that is),
	 * parts?: of the backend, for content that is sent in parts,
	 * old?: {mtime_ms, size, own?: true}, drop?: {path, old} (an object that
	 * goes when this is sent)} */
	JOURNAL_STAGED = 1,
	/* A file is being replaced in steps.  {tree, source, target, aside, size:
	 * of the source, step: "begin"|"aside"|"moved", ms: when, by the wall
	 * clock}.  The backend's: it alone reads it. */
	JOURNAL_REPLACE = 2,
	/* An object is shown under another name than it has.  {tree, path,
	 * shown, old, over?: as above} */
	JOURNAL_ASIDE = 3,
	/* An object with a hidden name that must go.  {tree, path, ms}.  The
	 * backend reads it. */
	JOURNAL_DELETE = 4,
	/* Times and bits shown for a version.  {key: "TREE:PATH", mtime_ms, size,
	 * own?: true, sec?, nsec?, exec?: true, ms?: when it was set,
	 * copied?: true (from another mount)}; in the overlay's own file */
	JOURNAL_ATTR = 5,
	/* A directory is being moved, or a file whose new name has unsent content.
	 * {tree, from, to, over?: as above} */
	JOURNAL_MOVE = 6,
	/* What is known of a workspace object.  {mtime_ms: of the version that it is
	 * about, form: of backend/ws_view.h, size?, kept?: true}; in a file of its own,
	 * where the subject is the object's id */
	JOURNAL_OBJECT = 7,
};

typedef int journal_fn(void *ctx, uint16_t type, uint64_t subject,
    struct json_object *payload);

/* Opens or makes the file, and calls each() for the newest record of every open
 * subject, in the order they were opened.  -EPROTONOSUPPORT: a newer format. */
int journal_open(const char *path, journal_fn *each, void *ctx,
    struct journal **out) WARN_UNUSED;
void journal_close(struct journal *j);

/* Was every byte of the file a record that could be read, when it was opened? */
bool journal_was_whole(const struct journal *j);

/* A number for a new subject; never one that is open. */
uint64_t journal_subject(struct journal *j);

/* Writes a record; durable: returns when it is on disk.  payload is borrowed. */
int journal_write(struct journal *j, uint16_t type, uint64_t subject,
    struct json_object *payload, bool durable) WARN_UNUSED;

/* A durable JOURNAL_DELETE record. */
int journal_note_delete(struct journal *j, uint64_t subject, const char *tree,
    const char *path) WARN_UNUSED;

/* The member old of a payload: the version that is there, to be replaced or moved.
 * journal_old: -ENOENT when there is none. */
int journal_add_old(struct json_object *payload, const struct version *old)
    WARN_UNUSED;
int journal_old(struct json_object *payload, struct version *out) WARN_UNUSED;

/* The newest record of an open subject; the payload is the caller's.  -ENOENT: it is
 * not open. */
int journal_get(struct journal *j, uint64_t subject, uint16_t *type,
    struct json_object **payload) WARN_UNUSED;

/* A directory of tree was moved: every member of an open record of that tree that is
 * its path or one below it is rewritten.  Durable. */
int journal_move(struct journal *j, const char *tree, const char *from,
    const char *to) WARN_UNUSED;

/* Whoever wrote the record could not bring the matter to an end: it is left to the
 * function that journal_on_left has named, which is called at once, with no lock of
 * the journal held.  That one is named before there are threads. */
typedef void journal_left_fn(void *ctx, uint64_t subject);
void journal_on_left(struct journal *j, journal_left_fn *fn, void *ctx);
void journal_leave(struct journal *j, uint64_t subject);

/* Returns when all that was written so far is on disk. */
int journal_sync(struct journal *j);

/* Closes a subject.  A lost end record only repeats work that is checked before
 * it is done again, so it is not synced and cannot fail. */
void journal_end(struct journal *j, uint64_t subject);

/* Before what the service was sent is changed, renamed or deleted, here or there: that
 * check would be misled.  Returns when no content that a durable record has promised,
 * and that has ended, could be promised again after a power cut. */
int journal_settle(struct journal *j);

#endif
