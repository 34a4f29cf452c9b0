/* emu/ws_call.h: what all calls on the workspace have in common: paths as parameters,
 * ObjectInfo, and the words of errors. */
#ifndef EMU_WS_CALL_H
#define EMU_WS_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/object.h"
#include "emu/request.h"
#include "emu/store.h"

/* A path, and how the client wrote it. */
struct ws_path {
	char *path; /* canonical, in memory of its own */
	bool alias; /* it began with /Workspace */
};

/* The parameter name as a path, or a text.  False when the request has been answered
 * instead; then there is nothing to free. */
bool ws_call_path(struct request *req, const char *name, struct ws_path *out);
bool ws_call_parse(struct request *req, const char *text, struct ws_path *out);

/* What is at path.  -ENOENT.  The object must be released. */
int ws_call_stat(struct request *req, const char *path,
    struct store_node *node, struct object *out) WARN_UNUSED;

/* The listing that the caller gets: as of a while ago by --list-lag, and without what
 * deny rules hide from him. */
int ws_call_list(struct request *req, const char *path, store_list_fn *each,
    void *ctx) WARN_UNUSED;

/* Answers err, a negative errno of the store about path. */
int ws_call_fail(struct request *req, int err, const char *path);

/* Answers that path is taken. */
int ws_call_exists(struct request *req, const char *path);

/* May nothing be made, or only no directory, at path?  May it not be deleted or
 * moved?  True when that was answered. */
bool ws_call_place_refused(struct request *req, const char *path);
bool ws_call_dir_refused(struct request *req, const char *path);
bool ws_call_protected(struct request *req, const char *path);

/* Appends an ObjectInfo, but for its last brace. */
int ws_call_put_info(struct request *req, const char *path, bool alias,
    const struct store_node *node, const struct object *o) WARN_UNUSED;

#endif
