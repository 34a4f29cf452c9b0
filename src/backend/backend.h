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

	/* Uploads.  On success *out is the new entry, whose shown name may
	 * differ from the one asked for.  -EEXIST: the name is taken though
	 * p->old is NULL; perhaps by these bytes, when an answer was lost.
	 * -EFBIG: the service does not take that many bytes.  Any failure with
	 * *out set (NULL before): the service has taken what is not the content,
	 * and *out says which version that is; another try may replace it. */
	int (*put)(struct backend *b, struct call *call, const struct put *p,
	    struct entry **out);

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
	int64_t ttl_ms;	   /* knowledge about names is that fresh; -1: as the
			    * mount's attr_timeout says */
};

#endif
