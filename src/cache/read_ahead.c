/* cache/read_ahead.c - which blocks a reader will want next. */
#include "config.h"

#include "cache/read_ahead.h"

#include <string.h>

#include "cache/block_cache.h"

#include "base/banned.h"

/* The kernel reads ahead in pieces of 128 KiB and delivers them in any order: who gets
 * so much at once has asked for it, and a few pieces may be missing in between. */
#define LARGE_READ ((size_t)128 << 10)
#define SLACK	   ((uint64_t)1 << 20)

#define LONG_RUN     ((uint64_t)4 << 20) /* of a reader that does not jump */
#define RANDOM_BYTES ((uint64_t)2 << 20)
#define JUMPS_MAX    3U
#define WINDOW_MAX   256U /* blocks, whatever the link */

void
read_ahead_init(struct read_ahead *a)
{
	*a = (struct read_ahead){ .reads = 0 };
	lock_init(&a->lock, "read ahead");
}

void
read_ahead_release(struct read_ahead *a)
{
	lock_release(&a->lock);
}

/* Does a read at off go on with s, or jump within what was asked for? */
static bool
belongs_to(const struct read_stream *s, uint64_t off)
{
	uint64_t reach = SLACK + s->window * (uint64_t)BLOCK_BYTES;

	return s->live && off + SLACK >= s->at && off <= s->at + reach;
}

static struct read_stream *
find_locked(struct read_ahead *a, uint64_t off) REQUIRES(a->lock)
{
	struct read_stream *found = NULL;

	for (unsigned i = 0; i < READ_AHEAD_STREAMS; i++) {
		struct read_stream *s = &a->streams[i];

		if (belongs_to(s, off) &&
		    (found == NULL || s->used > found->used))
			found = s;
	}
	return found;
}

/* The stream that was used longest ago makes room. */
static struct read_stream *
start_locked(struct read_ahead *a, uint64_t off) REQUIRES(a->lock)
{
	struct read_stream *s = &a->streams[0];

	for (unsigned i = 1; i < READ_AHEAD_STREAMS; i++)
		if (a->streams[i].used < s->used)
			s = &a->streams[i];
	if (s->live && s->at - s->start < LONG_RUN && a->jumps < JUMPS_MAX)
		a->jumps++;
	*s = (struct read_stream){ .live = true, .start = off, .at = off };
	return s;
}

static bool
is_sequential_locked(const struct read_ahead *a, const struct read_stream *s,
    bool first_read, size_t len) REQUIRES(a->lock)
{
	if (a->jumps >= JUMPS_MAX)
		return s->at - s->start >= RANDOM_BYTES;
	return !first_read || (s->start == 0 && len >= LARGE_READ);
}

unsigned
read_ahead_plan(struct read_ahead *a, uint64_t off, size_t len, uint64_t size,
    unsigned max, uint64_t *first)
{
	struct read_stream *s;
	uint64_t next, end, blocks = (size + BLOCK_BYTES - 1) / BLOCK_BYTES;
	unsigned n = 0;
	bool first_read;

	if (len == 0 || off >= size)
		return 0;
	lock_take(&a->lock);
	s = find_locked(a, off);
	first_read = s == NULL;
	if (first_read)
		s = start_locked(a, off);
	s->used = ++a->reads;
	if (off + len > s->at)
		s->at = off + len;
	if (s->at - s->start >= LONG_RUN)
		a->jumps = 0;
	if (s->window == 0 && is_sequential_locked(a, s, first_read, len))
		s->window = READ_AHEAD_FIRST;
	next = (off + len - 1) / BLOCK_BYTES + 1;
	end = next + (s->window < max ? s->window : max);
	if (end > blocks)
		end = blocks;
	if (next < s->wanted)
		next = s->wanted;
	if (s->window > 0 && next < end) {
		*first = next;
		n = (unsigned)(end - next);
		s->wanted = end;
	}
	lock_drop(&a->lock);
	return n;
}

void
read_ahead_cut(struct read_ahead *a, uint64_t off, uint64_t next)
{
	struct read_stream *s;

	lock_take(&a->lock);
	s = find_locked(a, off);
	if (s != NULL && next < s->wanted)
		s->wanted = next;
	lock_drop(&a->lock);
}

void
read_ahead_waited(struct read_ahead *a, uint64_t off)
{
	struct read_stream *s;
	uint64_t block = off / BLOCK_BYTES + 1;

	lock_take(&a->lock);
	s = find_locked(a, off);
	if (s != NULL && s->window > 0 && s->waited < block) {
		s->waited = block;
		if (s->window < WINDOW_MAX)
			s->window *= 2;
	}
	lock_drop(&a->lock);
}
