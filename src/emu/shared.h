/* emu/shared.h: what the requests that meet one rule have in common: a line with
 * a bandwidth, an order, old answers.
 *
 * A rule owns a reference, and each request that goes on using it after its verb
 * has acted, so that a rule can be removed at any time.  Threads: any. */
#ifndef EMU_SHARED_H
#define EMU_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "emu/halt.h"
#include "emu/shaper.h"

struct request;
struct shared;

int shared_new(struct shared **out) WARN_UNUSED;

/* NULL for NULL. */
struct shared *shared_ref(struct shared *s);
void shared_unref(struct shared *s);

/* Puts len bytes on the line, which moves bps of them a second, first come, first
 * served.  Returns the time when the last of them has passed. */
int64_t shared_line(
    struct shared *s, enum shaper_direction d, int64_t bps, uint64_t len);

/* Of each two callers the first is held until the second calls shared_release
 * with what it got here, or for at most ms.  The first gets 0. */
uint64_t shared_hold(
    struct shared *s, struct halt *halt, int client, int64_t ms);
void shared_release(struct shared *s, uint64_t pair);

/* Gives the request the answer that its like had since a moment of the emulator's
 * clock; false when there is none. */
bool shared_recall(
    struct shared *s, struct request *req, int64_t since_ms, int64_t now_ms);

/* Remembers the answer of the request; the oldest are forgotten. */
void shared_remember(struct shared *s, struct request *req, int64_t now_ms);

#endif
