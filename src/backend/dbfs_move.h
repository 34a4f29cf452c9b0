/* backend/dbfs_move.h: renames in DBFS, which knows only a move to a free name.
 *
 * A target that exists is moved aside first and put back when the second step
 * fails; each step is in the journal before it is taken, so that a crash in
 * between can be healed (backend/dbfs_heal.h).  Steps do not stop for an interrupted call: half a
 * replace is worse than a late answer. */
#ifndef BACKEND_DBFS_MOVE_H
#define BACKEND_DBFS_MOVE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/call.h"

struct journal;
struct rest;

/* Moves a file or a directory to a free name.  When the answer is lost, both names
 * are looked at; a move is never repeated blindly.  -EEXIST: to is
 * taken. */
int dbfs_move(struct rest *rest, struct call *call, const char *from,
    const char *to) WARN_UNUSED;

/* The same for a file of size bytes whose new name is taken by a file.  What could
 * not be brought to an end is left in the journal (journal_leave). */
int dbfs_replace(struct rest *rest, struct journal *journal, struct call *call,
    const char *from, const char *to, uint64_t size) WARN_UNUSED;

#endif
