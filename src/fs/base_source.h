/* fs/base_source.h: where the bytes of a file come from that are not here: its
 * remote version, through the block cache.
 *
 * DBFS and Workspace reads carry no version, so before the service is asked for
 * bytes of a file that was not looked at for a time-to-live, it is looked at; so it
 * is before the end is given to a handle that is older than that.  A change is -ESTALE,
 * and never a mix.
 *
 * A reader that reads on gets its next blocks before it asks (cache/read_ahead.h). */
#ifndef FS_BASE_SOURCE_H
#define FS_BASE_SOURCE_H

#include "cache/read_ahead.h"
#include "cache/source.h"
#include "fs/node.h"

struct base_source {
	struct source source; /* for staged_read and staged_fetch_all */
	struct vfs *v;
	struct node *node;	/* borrowed */
	struct entry *entry; /* the version; NULL: there is none */
	int64_t opened_ms; /* monotonic, of the handle that reads; 0: none does */
	struct read_ahead *ahead; /* borrowed; NULL: what is asked for and no more */
};

/* The content that n's local content builds on, or without that n's remote.  To be
 * released; n must stay referenced until then. */
void base_source_init(struct vfs *v, struct node *n, struct base_source *s);
void base_source_release(struct base_source *s);

/* What ahead made it ask for and nobody fetches yet is given up; before ahead ends. */
void base_source_cancel(struct vfs *v, const struct read_ahead *ahead);

/* Somebody opens or closes n: bytes that were fetched so soon after its version was
 * made that another one may have the same time are forgotten, the kernel's pages
 * included. */
void base_source_renew(struct vfs *v, struct node *n);

/* Bytes of the remote version, as block_cache_read. */
ssize_t base_source_read(struct base_source *s, struct call *call, uint64_t off,
    void *dst, size_t len);

/* Looks whether the service still has that version; -ESTALE. */
int base_source_check(struct base_source *s, struct call *call);

/* Names a version, for comparing; not 0. */
uint64_t base_source_version(const struct vfs *v, const struct entry *e);

#endif
