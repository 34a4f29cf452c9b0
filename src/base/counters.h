/* base/counters.h: numbers about the running program, each one atomic. */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

enum counter {
#define COUNTER(name, kind, help) CTR_##name,
#include "base/counters.def"
#undef COUNTER
	CTR_COUNT
};

void counter_add(enum counter c, int64_t n);
int64_t counter_get(enum counter c);

/* Appends all of them in Prometheus' text format. */
int counters_print(struct buf *out) WARN_UNUSED;

#endif
