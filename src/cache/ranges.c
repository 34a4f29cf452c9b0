/* cache/ranges.c - which bytes of a file. */
#include "config.h"

#include "cache/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

void
ranges_release(struct ranges *r)
{
	free(r->at);
	*r = (struct ranges){ 0 };
}

int
ranges_add(struct ranges *r, uint64_t start, uint64_t end)
{
	size_t first, last;

	if (start >= end)
		return 0;
	/* Ranges first..last-1 touch the new one and melt into it. */
	for (first = 0; first < r->n; first++)
		if (r->at[first].end >= start)
			break;
	for (last = first; last < r->n; last++) {
		if (r->at[last].start > end)
			break;
		if (r->at[last].start < start)
			start = r->at[last].start;
		if (r->at[last].end > end)
			end = r->at[last].end;
	}
	if (first == last && r->n == r->cap) {
		size_t cap = r->cap * 2 + 4;
		struct range *more = realloc(r->at, cap * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		r->at = more;
		r->cap = cap;
	}
	memmove(&r->at[first + 1], &r->at[last],
	    (r->n - last) * sizeof(*r->at));
	r->at[first] = (struct range){ start, end };
	r->n = r->n - (last - first) + 1;
	return 0;
}

void
ranges_cut(struct ranges *r, uint64_t end)
{
	while (r->n > 0 && r->at[r->n - 1].start >= end)
		r->n--;
	if (r->n > 0 && r->at[r->n - 1].end > end)
		r->at[r->n - 1].end = end;
}

bool
ranges_gap(const struct ranges *r, uint64_t start, uint64_t end,
    struct range *out)
{
	uint64_t at = start;

	for (size_t i = 0; i < r->n && at < end; i++) {
		const struct range *one = &r->at[i];

		if (one->end <= at)
			continue;
		if (one->start > at) {
			*out = (struct range){ at,
				one->start < end ? one->start : end };
			return true;
		}
		at = one->end;
	}
	if (at >= end)
		return false;
	*out = (struct range){ at, end };
	return true;
}
