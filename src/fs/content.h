/* fs/content.h: the content of files: open, read, write, truncate, close.
 *
 * A file that nobody changed is its remote version, read through the block cache.
 * The first change gives it a staging file that stands for the whole content; what
 * is not there yet comes from the version that it builds on. */
#ifndef FS_CONTENT_H
#define FS_CONTENT_H

#include "cache/read_ahead.h"
#include "fs/node.h"

struct base_source;

/* An open file. */
struct handle {
	struct node *node; /* a reference */
	int flags;	   /* of open(2) */
	int64_t opened_ms; /* monotonic */
	struct read_ahead ahead;
};

/**
 * content_open - opens n
 *
 * @keep_pages: whether what the kernel holds of n is this version
 *
 * Returns 0; -ESTALE when n is not what its name shows any more (the kernel then
 * looks the name up anew); -EROFS; the service's error.
 */
int content_open(struct vfs *v, struct call *call, struct node *n, int flags,
    struct handle **out, bool *keep_pages);

/* Gives the open file of a node that was just made here. */
int content_open_new(struct vfs *v, struct node *n, int flags,
    struct handle **out);

/* n, new and without content, gets an empty one that replaces base. */
int content_create(struct vfs *v, struct node *n, struct entry *base);

ssize_t content_read(struct vfs *v, struct call *call, struct handle *h,
    uint64_t off, void *dst, size_t len);
int content_write(struct vfs *v, struct call *call, struct handle *h,
    uint64_t off, const void *src, size_t len);

/* truncate(2) when h is NULL: then the server has it when this returns, unless the
 * file is open for writing. */
int content_truncate(struct vfs *v, struct call *call, struct node *n,
    struct handle *h, uint64_t size);

int content_allocate(struct vfs *v, struct call *call, struct handle *h,
    int mode, uint64_t off, uint64_t len);
int content_seek(struct vfs *v, struct call *call, struct handle *h,
    uint64_t off, int whence, uint64_t *out);

/* close(2) of one descriptor, and fsync(2): the server has what was written, or the
 * error. */
int content_flush(struct vfs *v, struct call *call, struct handle *h);
int content_sync(struct vfs *v, struct call *call, struct handle *h);

/* The last close of h. */
void content_close(struct vfs *v, struct handle *h);

/* From pin to unpin, local content of a file that is not open stays. */
int content_pin(struct vfs *v, struct node *n);
void content_unpin(struct vfs *v, struct node *n);

/* Fetches all of n's content into staging; what staged lacks of it (base may be NULL
 * when that is nothing). */
int content_fetch(struct vfs *v, struct call *call, struct node *n);
int content_fetch_all(struct vfs *v, struct call *call, struct staged *staged,
    struct base_source *base);

#endif
