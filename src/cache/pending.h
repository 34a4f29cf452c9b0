/* cache/pending.h: what the server does not have yet, for .control/pending.
 *
 * Whoever keeps content that could not be uploaded registers it here with a
 * number, its path and the reason.  The items are shown, their data read, and a
 * person may ask for another try or for the content to be dropped.
 *
 * Threads: every function may be called from any thread. */
#ifndef CACHE_PENDING_H
#define CACHE_PENDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/call.h"

struct pending;
struct pending_item;
struct staged;

enum pending_state {
	PENDING_WAITING, /* for its time to be sent: -o writeback */
	PENDING_UPLOADING,
	PENDING_FAILED,	   /* will be tried again */
	PENDING_CONFLICT,  /* the server has another version: needs a decision */
	PENDING_KEPT,	   /* left unfinished by an earlier mount */
};

enum pending_action { PENDING_RETRY, PENDING_DISCARD };

/* Does what was asked for.  Called without any lock; 0 or -errno. */
typedef int pending_fn(void *ctx, struct call *call, enum pending_action action);

#define PENDING_REASON_BYTES 256

struct pending_info {
	unsigned number;
	enum pending_state state;
	char reason[PENDING_REASON_BYTES];
	int64_t since_ms; /* Unix time */
	char *path;	  /* as in the mount, without the leading slash */
	struct staged *data;
};

int pending_new(struct pending **out) WARN_UNUSED;
void pending_free(struct pending *p);

/* Registers; path is copied, data gets a reference.  free_ctx(ctx) is called when
 * the item is gone and no action runs. */
int pending_add(struct pending *p, const char *path, struct staged *data,
    pending_fn *act, void *ctx, void (*free_ctx)(void *ctx),
    struct pending_item **out) WARN_UNUSED;
/* reason NULL: as it was. */
void pending_set(struct pending *p, struct pending_item *i,
    enum pending_state state, const char *reason);
void pending_move(struct pending *p, struct pending_item *i, const char *path);
void pending_remove(struct pending *p, struct pending_item *i);

/* Removes every item: the mount is over and no action runs. */
void pending_clear(struct pending *p);

/* Numbers in use, in order, into out (room for max); returns how many there are. */
size_t pending_list(struct pending *p, unsigned *out, size_t max);

/* A copy, to be released.  -ENOENT. */
int pending_get(struct pending *p, unsigned number, struct pending_info *out)
    WARN_UNUSED;
void pending_info_release(struct pending_info *info);

/* The action's result; -EBUSY while another one runs for that item. */
int pending_act(struct pending *p, struct call *call, unsigned number,
    enum pending_action action);

const char *pending_state_name(enum pending_state state);

#endif
