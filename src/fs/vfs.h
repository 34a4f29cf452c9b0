/* fs/vfs.h: the filesystem without FUSE: a mount that somebody builds, starts,
 * drains and frees.
 *
 * The operations on it are in fs/dir.h, fs/content.h, fs/names.h and fs/rename.h;
 * fs/ops.c translates the kernel's requests to them. */
#ifndef FS_VFS_H
#define FS_VFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

struct json_object;

struct block_cache;
struct journal;
struct ns;
struct overlay;
struct pending;
struct reach;
struct staging;
struct vfs;

/* What an earlier mount left in the journal. */
struct vfs_left {
	struct left_record *records;
	size_t n, cap;
};

/* The journal_fn for journal_open; ctx is a struct vfs_left. */
int vfs_left_collect(void *ctx, uint16_t type, uint64_t subject,
    struct json_object *payload);
uint64_t vfs_left_subject(const struct vfs_left *left, size_t i);
void vfs_left_release(struct vfs_left *left);

/* What becomes of content when the service has another version under its name. */
enum vfs_conflict {
	VFS_CONFLICT_KEEP,      /* kept here, for a person to decide */
	VFS_CONFLICT_SIBLING,   /* sent under a name beside it */
	VFS_CONFLICT_OVERWRITE, /* it replaces theirs */
};

struct vfs_config {
	/* Borrowed; all outlive the vfs.  staging, journal and overlay are NULL
	 * together: then nothing can be written (read_only must be set). */
	struct ns *ns;
	struct staging *staging;
	struct journal *journal;
	struct overlay *overlay;
	struct block_cache *blocks;
	struct pending *pending;
	const struct reach *reach; /* NULL: the service is there, or it fails */
	const char *boot; /* names this run of the machine; NULL: nobody knows */
	const char *scope; /* host, workspace and user: part of cache keys */

	uid_t uid;
	gid_t gid;
	mode_t fmask; /* bits taken away from files, directories */
	mode_t dmask;
	int64_t attr_ttl_ms;
	int64_t negative_ttl_ms;
	int64_t scratch_keep_ms;
	/* Closes promise, and uploads follow so long after; -1: closes wait for
	 * them. */
	int64_t writeback_ms;
	enum vfs_conflict conflict;
	bool read_only;

	/* Told of content that could not take its place on the service, maybe long
	 * after its close; path as in the mount.  NULL: nobody is. */
	void (*on_conflict)(void *ctx, const char *path, int err,
	    const char *words);
	void *conflict_ctx;

	const struct vfs_left *left; /* taken up by vfs_new; may be NULL */
};

int vfs_new(const struct vfs_config *config, struct vfs **out) WARN_UNUSED;

/* Starts the threads that upload and read ahead; after the last fork. */
int vfs_start(struct vfs *v) WARN_UNUSED;

/* Sends what is dirty, for at most timeout_ms, then stops the threads.  Returns
 * the number of files that the server still does not have; they stay in staging,
 * with their records in the journal. */
unsigned vfs_drain(struct vfs *v, int64_t timeout_ms);

/* After vfs_drain, with no operation running. */
void vfs_free(struct vfs *v);

/* Files whose content the server does not have and should; scratch files do not
 * count. */
unsigned vfs_dirty(struct vfs *v);

#endif
