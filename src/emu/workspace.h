/* emu/workspace.h: the tree of the workspace, DIR/workspace.
 *
 * A notebook is a file there, without an extension, that holds its source or its
 * Jupyter document; what each thing is says its note (emu/object.h).  What a person
 * puts there is a file with an id that stays, and what he changes stays what it was, as
 * does a file that he moves. */
#ifndef EMU_WORKSPACE_H
#define EMU_WORKSPACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#include "emu/history.h"

struct emu;
struct spool;

/* Opens emu->workspace.  Its top directories are made where they are missing. */
int workspace_open(struct emu *emu) WARN_UNUSED;
void workspace_close(struct emu *emu);

/* What a file is to become; NULL: what it is already, else a FILE. */
struct workspace_thing {
	const char *type;
	const char *language, *format;
	int64_t mtime_ms; /* 0: now */
};

/* Puts something by another hand than the API's, over what is there, with missing
 * directories; the id stays.  The second puts the source of a notebook as the service
 * keeps it.  As store_commit. */
int workspace_place(struct emu *emu, const char *path, struct spool *spool,
    const struct workspace_thing *thing, enum history_op op,
    const char *request) WARN_UNUSED;
int workspace_put(struct emu *emu, const char *path, const void *data,
    size_t len, const struct workspace_thing *thing,
    const char *request) WARN_UNUSED;

#endif
