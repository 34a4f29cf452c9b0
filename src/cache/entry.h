/* cache/entry.h: what a name resolved to, as the service showed it.
 *
 * An entry never changes after it was made; whoever learns more makes a new one.
 * It is shared by reference count, so that a snapshot taken under a lock may be
 * used outside it. */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

struct backend;

enum entry_kind {
	ENTRY_DIR,
	ENTRY_FILE,    /* content: ranged reads by version, put from staging */
	ENTRY_SESSION, /* each open talks to the backend; no cache, no staging */
	ENTRY_LINK,
};

/* Which content an object has.  The services have no version numbers, so it is
 * time and size; gen is not 0 after an upload of ours whose time the service has
 * not shown yet (then mtime_ms is the service's clock at that upload), and tells
 * two such uploads apart. */
struct version {
	int64_t mtime_ms; /* Unix time, the service's clock */
	uint64_t size;	  /* bytes; VERSION_NO_SIZE: the service does not say */
	uint64_t gen;
};

#define VERSION_NO_SIZE UINT64_MAX

/* Is seen, read from the service, the content that known stands for?  An upload
 * of ours is recognised by its size and by a time close to it.  A size that nobody knows
 * is any. */
bool version_matches(const struct version *known, const struct version *seen);

struct entry {
	unsigned refs; /* atomic; through entry_ref and entry_unref only */
	enum entry_kind kind : 8;
	unsigned form : 8; /* how the service stores it; the backend's, 0: unknown */
	unsigned mode : 16;	 /* permission bits; 0: as the mount says */
	struct backend *backend; /* borrowed; outlives every entry */
	const char *tree;	 /* "dbfs", ...: static */
	uint64_t object_id;	 /* 0 where the service has none */
	struct version version;
	const char *name; /* as shown in its directory; in this allocation */
	const char *path; /* the backend's key: the stored path; likewise */
};

/* One reference for the caller; NULL when out of memory. */
struct entry *entry_new(struct backend *backend, const char *tree,
    enum entry_kind kind, const char *path, const char *name,
    const struct version *version);

/* A copy of e under another path and name, with its object id and mode. */
struct entry *entry_moved(const struct entry *e, const char *path,
    const char *name);

struct entry *entry_ref(struct entry *e);
void entry_unref(struct entry *e); /* NULL does nothing */

/* Memory that e takes. */
size_t entry_bytes(const struct entry *e);

/* A file name that the kernel can show: not empty, "." or "..", no '/', at most
 * 255 bytes, no control bytes. */
bool entry_name_ok(const char *name);

#endif
