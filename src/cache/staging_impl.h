/* cache/staging_impl.h: what cache/staging.c and cache/promise.c share. */
#ifndef CACHE_STAGING_IMPL_H
#define CACHE_STAGING_IMPL_H

#include <sys/resource.h>

#include "base/lock.h"
#include "cache/staging.h"

struct staged {
	struct staging *area; /* set once, as number and path */
	uint64_t number;
	char *path;
	int fd;

	struct lock lock;
	struct cond thawed; /* with lock: frozen became 0, or marked NULL */
	unsigned refs;	    /* atomic */
	bool keep;	    /* with lock, as all below */
	unsigned frozen;
	unsigned writing; /* writers past the check; freeze waits for them */
	struct cond written; /* with lock: writing became 0 */
	uint64_t size;
	uint64_t base_end;
	struct ranges here; /* below base_end */
	struct range *marked; /* as here was at the mark */
	size_t n_marked;
	uint64_t names; /* files that have had its name: each emptying makes one */
	uint64_t named; /* the last one whose name is durable; 0: none */
	int lost; /* error of a sync, after which bytes may be only in memory; 0 */
	struct undo *undo; /* of what was promised; set once, NULL before */
	struct staged_seal *sealed; /* the last promise; NULL: none */
	uint64_t seals; /* so far */

	struct staged *prev, *next; /* the area's list, with the area's lock */
};

struct staging {
	char *dir; /* set once, as max */
	rlim_t max; /* files at once */
	struct lock lock;
	uint64_t last;	      /* number handed out last; with lock */
	struct staged *files; /* with lock, as n_files */
	rlim_t n_files;
};

/* --- staging.c ------------------------------------------------------------------- */

/* A number and a path for a file that is not there yet; new memory. */
int staging_new_path(struct staging *s, uint64_t *number, char **path) WARN_UNUSED;

/* The path of the file of that number; new memory. */
char *staging_path(const struct staging *s, uint64_t number);

/* As staged_reopen, but what is kept of it (cache/undo.h) stays. */
int staged_open_old(struct staging *s, uint64_t number,
    const struct staged_map *map, struct staged **out) WARN_UNUSED;

/* As staged_map_get. */
int staged_map_locked(struct staged *f, struct staged_map *out)
    REQUIRES(f->lock) WARN_UNUSED;

/* --- promise.c -------------------------------------------------------------------- */

/* Before [start, end) is changed, or what is beyond size is cut off: what was promised of
 * it is kept. */
int promise_keep(struct staged *f, uint64_t start, uint64_t end) WARN_UNUSED;
int promise_keep_cut(struct staged *f, uint64_t size) WARN_UNUSED;

#endif
