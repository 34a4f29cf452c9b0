/* emu/shaper.h: how fast the server may move bytes and answer calls.
 *
 * Waiting is for the whole server: all connections share one line a direction,
 * first come, first served.  Threads: any. */
#ifndef EMU_SHAPER_H
#define EMU_SHAPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#include "emu/halt.h"
#include "emu/settings.h"

enum shaper_direction { SHAPER_UP, SHAPER_DOWN, SHAPER_DIRECTIONS };

struct shaper;

int shaper_new(const struct settings *settings, struct halt *halt,
    struct shaper **out) WARN_UNUSED;
void shaper_free(struct shaper *s);

/* Returns when len bytes have passed the line; at once without --bandwidth. */
enum halt_wait shaper_pass(
    struct shaper *s, enum shaper_direction d, int client, size_t len);
bool shaper_on(const struct shaper *s);

/* May another call to this API family be answered?  Always without
 * --rate-limit. */
bool shaper_admit(struct shaper *s, const char *family, size_t family_len);

/* A token bucket that holds burst of them.  Not locked. */
struct shaper_bucket {
	double tokens;
	int64_t filled_ns; /* 0: never used, full */
};
bool shaper_bucket_take(
    struct shaper_bucket *b, int64_t rps, int64_t burst, int64_t now_ns);

#endif
