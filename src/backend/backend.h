/* backend/backend.h: what a part of the namespace can do.
 *
 * A backend turns operations on names into calls of one API family.  Callers name
 * a thing by the entry of its directory and its shown name, or by its own entry;
 * what the service calls it is in the entry's path and object id, which only the
 * backend interprets.
 *
 * Files are of two classes.  The content of an ENTRY_FILE is read in ranges
 * through the block cache and replaced as a whole from a staging file.  An
 * ENTRY_SESSION is a conversation: each open, read, write and close reaches the
 * backend, nothing is cached.
 *
 * Results are 0 or negative errno; where words are known they are in call->words.
 * Every operation may be called from any thread, waits only as base/call.h says,
 * and is never called with a lock held.  An operation that a backend does not
 * have is NULL: -EROFS for changes, -ENOSYS otherwise. */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/call.h"
#include "base/buf.h"
#include "cache/entry.h"
#include "cache/source.h"

struct backend;
struct json_object;

/* Called once for each name of a listing.  The entry is borrowed.  Non-zero stops
 * the listing and is its result. */
typedef int entry_fn(void *ctx, struct entry *e);

/* A whole new content for a name. */
struct put {
	const struct entry *dir;
	const char *name;
	/* What is replaced, as last seen; NULL: the name must be free, and the
	 * service is told so. */
	const struct entry *old;
	uint64_t size; /* bytes */
	/* The content; stays as it is until put returns. */
	struct source content;
};

struct json_object;
struct parts; /* a content that is sent in parts; each backend has its own */

/* An optional group of a backend whose service takes a new content in parts and shows
 * none of it before the last call.  Then parts may leave while the file is still being
 * written.  No backend has it yet, and nothing calls it: DBFS shows a stream at its
 * close and takes blocks in their order alone.
 *
 * Part n, from 0 on, is bytes [n * part_bytes, (n + 1) * part_bytes) of the content; the
 * last one may be shorter.  Parts are sent in any order and several at once.
 *
 * The staging file holds the whole content all the time: parts are a head start, never
 * the only copy.  So the caller, fs/, does this:
 *
 *   begin     when a file that nobody else writes has its first part_bytes written from
 *             0 on without a gap, none of it from an older version
 *   send      a part, once all its bytes are written and the writer is beyond its end;
 *             with the class CALL_BACKGROUND until a close waits for it
 *   a write or truncate that changes bytes of a part that was sent, or is on its way
 *             that part is sent again before the end when again is true; else abort,
 *             and the content is put as a whole
 *   rename, unlink, an O_TRUNC
 *             abort: the upload belongs to its name
 *   close     writers stop, the version on the server is compared as before a put, what
 *             is missing is sent, then finish; -o verify and -o conflict mean what
 *             they do for a put
 *   a failure abort; the content stays in staging, is pending, and is put as a whole
 *
 * What the backend must know to abort in another process is a JSON object that only it
 * understands.  It is the member "parts" of the file's JOURNAL_STAGED record, and is
 * durable before the first part leaves.  The next mount aborts it, and sends from
 * staging what a close had promised: it never relies on parts. */
struct part_ops {
	/* p as for put, of which size and content are not known yet.  *record:
	 * see above; one reference for the caller. */
	int (*begin)(struct backend *b, struct call *call, const struct put *p,
	    struct json_object **record, struct parts **out);

	/* Bytes of part n, len of them from content at n * part_bytes; they stay as
	 * they are until it returns.  Any thread; never the same part twice at a
	 * time.  A failure leaves the upload usable. */
	int (*send)(struct parts *p, struct call *call, unsigned n,
	    const struct source *content, size_t len);

	/* Every part of a content of size bytes was sent: in one step the name
	 * shows it.  *out and errors as of put; -EEXIST, -ESTALE and success end
	 * the upload, after other errors it may be called again or aborted. */
	int (*finish)(struct parts *p, struct call *call, uint64_t size,
	    struct entry **out);

	/* Nothing of it remains on the server; an upload that is not there is
	 * success.  By its record, since an earlier mount may have begun it; p
	 * NULL then, else it is freed, whatever the result. */
	int (*abort)(struct backend *b, struct call *call, struct parts *p,
	    struct json_object *record);

	uint64_t part_bytes;
	unsigned parts_max;
	bool again; /* a part that is sent again replaces what it was */
};

struct session; /* an open ENTRY_SESSION; each backend has its own */

struct backend_ops {
	/* --- names ------------------------------------------------------- */

	/* The entry shown as name in dir.  -ENOENT only when the service said
	 * clearly that there is none. */
	int (*lookup)(struct backend *b, struct call *call,
	    const struct entry *dir, const char *name, struct entry **out);

	/* What e is now.  -ENOENT as above. */
	int (*refresh)(struct backend *b, struct call *call,
	    const struct entry *e, struct entry **out);

	/* All names of dir, in no particular order, each once. */
	int (*list)(struct backend *b, struct call *call,
	    const struct entry *dir, entry_fn *each, void *ctx);

	/* The entry that e becomes when dir becomes its directory and name its
	 * name, because dir was moved.  No request. */
	int (*rekey)(struct backend *b, const struct entry *dir,
	    const char *name, const struct entry *e, struct entry **out);

	/* --- content ----------------------------------------------------- */

	/* Bytes of e at off; fewer than len only at the end of the file. */
	ssize_t (*read)(struct backend *b, struct call *call,
	    const struct entry *e, uint64_t off, void *dst, size_t len);

	/* e with its size, of a backend whose entries may have none
	 * (VERSION_NO_SIZE): the content is fetched for it, and is at hand for a
	 * moment. */
	int (*measure)(struct backend *b, struct call *call,
	    const struct entry *e, struct entry **out);

	/* Uploads.  On success *out is the new entry, whose shown name may
	 * differ from the one asked for.  -EEXIST: the name is taken though
	 * p->old is NULL; perhaps by these bytes, when an answer was lost.
	 * -EFBIG: the service does not take that many bytes.  Any failure with
	 * *out set (NULL before): the service has taken what is not the content,
	 * and *out says which version that is; another try may replace it. */
	int (*put)(struct backend *b, struct call *call, const struct put *p,
	    struct entry **out);

	/* Appends what the service keeps of a content that is put under name over old
	 * (NULL: nothing), or has in old when name is NULL: the same for both when it is
	 * the same to the service.  No request.  NULL: it keeps the bytes. */
	int (*canonical)(struct backend *b, const struct entry *old,
	    const char *name, const char *content, size_t len,
	    struct buf *out);

	const struct part_ops *parts; /* NULL: put is the only way */

	/* Can name be made in a directory of b?  0, -EINVAL, -ENAMETOOLONG,
	 * -EPERM.  No request. */
	int (*check_name)(struct backend *b, const char *name);

	/* --- changes ----------------------------------------------------- */

	int (*mkdir)(struct backend *b, struct call *call,
	    const struct entry *dir, const char *name, struct entry **out);
	int (*unlink)(struct backend *b, struct call *call,
	    const struct entry *e);
	/* -ENOTEMPTY when something is in it, shown or not. */
	int (*rmdir)(struct backend *b, struct call *call,
	    const struct entry *e);

	/* Gives e the name in dir.  target is what the name shows now and is
	 * replaced (a file by a file); NULL: -EEXIST when the name is taken.
	 * A failure leaves both as they were, or says in the log what is where
	 * and leaves it in the journal. */
	int (*rename)(struct backend *b, struct call *call,
	    const struct entry *e, const struct entry *dir, const char *name,
	    const struct entry *target, struct entry **out);

	/* Does e stay what it is under that name?  If not, its content is put under it, and
	 * e goes.  No request.  NULL: always. */
	bool (*keeps_form)(struct backend *b, const struct entry *e,
	    const char *name);

	/* --- after a crash -------------------------------------------------- */

	/* A record (cache/journal.h) of a kind that the backend reads was left
	 * open, by a mount that ended in the middle or by a call whose outcome
	 * stayed unknown.  Looks at the service and brings the matter to an end.
	 * 0: nothing is left to do, and the record may end; -EAGAIN: nothing to
	 * do, but a request that was on its way then may still arrive; else an
	 * error, after which it may be asked for again, as after a crash.
	 * *changed is set when names were changed. */
	int (*heal)(struct backend *b, struct call *call, uint16_t type,
	    struct json_object *record, bool *changed);

	/* --- attributes --------------------------------------------------- */

	/* The value of user.brickfs.<name>, for the names that only the backend
	 * knows (url, object_id, object_type, language).  -ENODATA: none. */
	int (*xattr)(struct backend *b, struct call *call,
	    const struct entry *e, const char *name, struct buf *out);

	/* Target of an ENTRY_LINK. */
	int (*readlink)(struct backend *b, struct call *call,
	    const struct entry *e, struct buf *out);

	/* --- sessions ----------------------------------------------------- */

	int (*open)(struct backend *b, struct call *call, const struct entry *e,
	    int flags, struct session **out);
	ssize_t (*session_read)(struct session *s, struct call *call,
	    uint64_t off, void *dst, size_t len);
	ssize_t (*session_write)(struct session *s, struct call *call,
	    uint64_t off, const void *src, size_t len);
	int (*session_flush)(struct session *s, struct call *call);
	void (*session_close)(struct session *s);
};

struct backend {
	const struct backend_ops *ops;
	const char *tree; /* "dbfs", "Workspace", ...: its name below the root */
	uint64_t size_max; /* bytes that a file of it can have */
	/* The service gives contents up to that size as a whole and no piece of them; 0:
	 * of any size in pieces. */
	uint64_t whole_max;
	int64_t ttl_ms;	   /* knowledge about names is that fresh; -1: as the
			    * mount's attr_timeout says */
};

#endif
