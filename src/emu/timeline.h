/* emu/timeline.h: the emulator's own clock, which tests can move.
 *
 * It is the real clock plus an offset, and drives everything a client can see:
 * mtimes, the idle time of write handles, the life of OAuth tokens. */
#ifndef EMU_TIMELINE_H
#define EMU_TIMELINE_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "base/attr.h"

struct timeline {
	_Atomic int64_t offset_ms;
};

int64_t timeline_now_ms(struct timeline *t);
struct timespec timeline_now(struct timeline *t);

/* Refused with -EINVAL when it would move time beyond about 200 years. */
int timeline_set_offset(struct timeline *t, int64_t offset_ms);

/* The offset is part of the state: time must not jump back at a restart. */
void timeline_load(struct timeline *t, const char *state_dir);
int timeline_save(struct timeline *t, const char *state_dir) WARN_UNUSED;
int64_t timeline_offset(struct timeline *t);

#endif
