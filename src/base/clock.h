/* base/clock.h: the two clocks.
 *
 * Deadlines and expiry use the monotonic clock; only times that users see use
 * the other one. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);
int64_t clock_real_ms(void);
struct timespec clock_real(void);

/* "2026-11-21T05:00:00.123Z"; the buffer must hold 32 bytes. */
#define CLOCK_TEXT_BYTES 32
void clock_text(int64_t real_ms, char out[CLOCK_TEXT_BYTES]);

#endif
