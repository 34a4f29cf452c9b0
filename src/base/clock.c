/* base/clock.c - monotonic and real time. */
#include "config.h"

#include "base/clock.h"

#include <stdio.h>

#include "base/banned.h"

int64_t
clock_mono_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

struct timespec
clock_real(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ts;
}

int64_t
clock_real_ms(void)
{
	struct timespec ts = clock_real();

	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
clock_text(int64_t real_ms, char out[CLOCK_TEXT_BYTES])
{
	time_t sec = (time_t)(real_ms / 1000);
	int ms = (int)(real_ms % 1000);
	struct tm tm;
	char day[24];

	if (ms < 0) {
		ms += 1000;
		sec--;
	}
	if (gmtime_r(&sec, &tm) == NULL ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		day[0] = '\0';
	(void)snprintf(out, CLOCK_TEXT_BYTES, "%s.%03dZ", day, ms);
}
