/* control/ctl_row.h: a row of the table of control files.
 *
 * Adding a file is adding a row; adding a kind of thing ("{cluster}") is adding a
 * set of names. */
#ifndef CONTROL_CTL_ROW_H
#define CONTROL_CTL_ROW_H

#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/call.h"
#include "control/ctl.h"

#define CTL_NAMES_MAX  4 /* "{...}" components of one path */
#define CTL_NAME_BYTES 256

/* A path of the tree that is being looked at, and for whom. */
struct ctl_at {
	const struct ctl *ctl;
	struct call *call;
	/* The names that stand in the places of "{...}", in order. */
	char names[CTL_NAMES_MAX][CTL_NAME_BYTES];
	unsigned n_names;
};

/* Appends what a reader sees. */
typedef int ctl_show_fn(const struct ctl_at *at, struct buf *out);

/* Acts on one written value, which has no newline at its end.  May wait. */
typedef int ctl_store_fn(const struct ctl_at *at, const char *value);

/* A content too large for memory, open. */
struct ctl_stream {
	ssize_t (*read)(
	    void *ctx, struct call *call, uint64_t off, void *dst, size_t len);
	void (*close)(void *ctx);
	void *ctx;
};
typedef int ctl_open_fn(const struct ctl_at *at, struct ctl_stream *out);

/* Bytes that a stream will give, for ls. */
typedef int ctl_size_fn(const struct ctl_at *at, uint64_t *out);

/* The names that stand for "{...}": called once for each.  Non-zero stops. */
typedef int ctl_name_fn(void *ctx, const char *name);
typedef int ctl_list_fn(const struct ctl_at *at, ctl_name_fn *each, void *ctx);

/* Is the last of at->names one of them?  0, -ENOENT. */
typedef int ctl_find_fn(const struct ctl_at *at);

/* A set of names: the directories of one kind of thing. */
struct ctl_set {
	const char *path; /* "pending/{n}" */
	ctl_list_fn *list;
	ctl_find_fn *find;
	const char *help; /* one sentence */
};

struct ctl_row {
	const char *path;    /* "pending/{n}/state" */
	mode_t mode;         /* permission bits as ls shows them */
	ctl_show_fn *show;   /* NULL: not readable, or a stream */
	ctl_open_fn *open;   /* NULL: not a stream */
	ctl_size_fn *size;   /* of a stream */
	ctl_store_fn *store; /* NULL: not writable */
	/* The one value that store takes; "{}": the last of the names, so that
	 * nobody destroys what he did not name.  NULL: any line. */
	const char *value;
	const char *help; /* one sentence */
};

#endif
