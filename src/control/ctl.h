/* control/ctl.h: what the .control tree shows and acts on.
 *
 * The tree itself is one table in control/ctl_tree.c; the files of a family are
 * written in control/ctl_<family>.c.  Reading never acts: a file acts when it is
 * written. */
#ifndef CONTROL_CTL_H
#define CONTROL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/call.h"

struct block_cache;
struct disk_tier;
struct errors;
struct pending;
struct reach;
struct rest;
struct transfers;

/* A name and a value, for people. */
struct ctl_fact {
	const char *name;
	const char *value;
};

/* A tree of the workspace. */
struct ctl_tree_fact {
	const char *name;
	const char *why; /* it is not mounted; NULL: it is */
};

/* What does not change while the mount lives.  Everything is borrowed. */
struct ctl_facts {
	const char *version; /* of brickfs */
	const char *host;    /* as a URL */
	const char *workspace_id;
	const char *user;
	const char *source;
	const char *mountpoint;
	const char *credentials; /* where they were found */
	const char *state_dir;   /* NULL: none, and nothing can be written */
	const char *cache_dir;   /* NULL: no content is kept on disk, and */
	const char *no_cache;    /* why */
	bool read_only;
	int64_t started_ms;             /* Unix time */
	const struct ctl_fact *options; /* in effect */
	size_t n_options;
	const struct ctl_tree_fact *trees;
	size_t n_trees;
};

/* What the tree asks of layers above. */
struct ctl_hooks {
	/* Returns when everything that is dirty has been sent; -EINTR, or the
	 * first error. */
	int (*sync)(void *ctx, struct call *call);
	/* Files whose content the server does not have. */
	unsigned (*dirty)(void *ctx);
	/* Forgets what is known about a path below the mount point, and about
	 * all below it; -ENOENT, or the error of looking for it, and words. */
	int (*forget)(void *ctx, struct call *call, const char *path);
	void *ctx;
};

/* All borrowed; they outlive every open file of the tree. */
struct ctl {
	const struct ctl_facts *facts;
	const struct ctl_hooks *hooks;
	struct errors *errors;
	struct transfers *transfers;
	struct rest *rest;
	struct reach *reach; /* NULL: without -o offline */
	struct pending *pending;
	struct block_cache *blocks;
	struct disk_tier *disk; /* NULL: none */
};

#endif
