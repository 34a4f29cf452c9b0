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

#define TIMELINE_MAX_MS (INT64_C(200) * 366 * 86400 * 1000)

struct timeline {
	_Atomic int64_t offset_ms;
};

int64_t timeline_now_ms(struct timeline *t);
struct timespec timeline_now(struct timeline *t);

/* A moment as HTTP's headers name it (RFC 9110); "" when out of range. */
#define TIMELINE_HTTP_BYTES 40
void timeline_http(int64_t ms, char out[TIMELINE_HTTP_BYTES]);

/* Refused with -EINVAL when it would move time beyond TIMELINE_MAX_MS. */
int timeline_set_offset(struct timeline *t, int64_t offset_ms);

/* The offset is part of the state: time must not jump back at a restart. */
void timeline_load(struct timeline *t, const char *state_dir);
int timeline_save(struct timeline *t, const char *state_dir) WARN_UNUSED;
int64_t timeline_offset(struct timeline *t);

#endif
