/* app/trees.h: the trees of a workspace that a mount shows, each with its backend. */
#ifndef APP_TREES_H
#define APP_TREES_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "backend/ws_view.h"
#include "base/attr.h"
#include "base/buf.h"

struct journal;
struct part;
struct rest;
struct tree_kind;

#define TREES_MAX 3

struct tree {
	const struct tree_kind *kind; /* of app/trees.c */
	const char *name;	      /* "dbfs", "Workspace", ... */
	/* What is shown of it: found when the service was first asked, with no backend
	 * behind it, and as an entry of the backend.  NULL: nothing, and why. */
	struct entry *found, *root;
	struct backend *backend;
	char *why;
};

struct trees {
	struct tree all[TREES_MAX];
	size_t n; /* as many as the mount shows: all, or the one of SOURCE */
};

struct trees_config {
	struct rest *rest; /* borrowed, as all here */
	const char *base_url;
	const char *org_id;
	const struct part *part;
	enum ws_mode notebooks;
	struct journal *journal;  /* NULL: nothing is changed */
	const char *state_dir;	  /* NULL: nothing is remembered */
	bool verify_read;
};

/* Looks whether what is to be mounted is there; needs neither journal nor state_dir.  A
 * tree that the workspace does not offer is empty in a mount of everything; on failure a
 * line in words.  t needs trees_release in every case. */
int trees_find(const struct trees_config *config, struct call *call,
    struct buf *words, struct trees *t) WARN_UNUSED;

/* Makes the backends and the roots. */
int trees_open(const struct trees_config *config, struct trees *t) WARN_UNUSED;

void trees_release(struct trees *t);

#endif
