/* cache/ranges.h: which bytes of a file, as a sorted list of ranges that do not touch.
 *
 * Threads: whoever has the list guards it. */
#ifndef CACHE_RANGES_H
#define CACHE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct range {
	uint64_t start, end;
};

struct ranges { /* all zero: none */
	struct range *at;
	size_t n, cap;
};

void ranges_release(struct ranges *r);

/* [start, end) is in it from now on; -ENOMEM. */
int ranges_add(struct ranges *r, uint64_t start, uint64_t end) WARN_UNUSED;

/* What is at or above end is in it no more. */
void ranges_cut(struct ranges *r, uint64_t end);

/* The first part of [start, end) that is not in it; false when there is none. */
bool ranges_gap(const struct ranges *r, uint64_t start, uint64_t end,
    struct range *out);

#endif
