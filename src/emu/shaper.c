/* emu/shaper.c - bandwidth and rate of the server. */
#include "config.h"

#include "emu/shaper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"

#include "base/banned.h"

#define FAMILIES_MAX 32
#define FAMILY_BYTES 32

/* How far the line may lag behind the clock: what a late timer lost is made up
 * for, idle time is not. */
#define SLACK_NS 10000000

struct family {
	char name[FAMILY_BYTES];
	struct shaper_bucket bucket;
};

struct shaper {
	const struct settings *settings; /* set once */
	struct halt *halt;               /* set once */
	struct lock lock;
	int64_t free_ns[SHAPER_DIRECTIONS];   /* guarded by lock */
	struct family families[FAMILIES_MAX]; /* guarded by lock */
	size_t family_count;                  /* guarded by lock */
};

int
shaper_new(
    const struct settings *settings, struct halt *halt, struct shaper **out)
{
	struct shaper *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->settings = settings;
	s->halt = halt;
	lock_init(&s->lock, "shaper");
	*out = s;
	return 0;
}

void
shaper_free(struct shaper *s)
{
	if (s == NULL)
		return;
	lock_release(&s->lock);
	free(s);
}

bool
shaper_on(const struct shaper *s)
{
	return settings_get(s->settings, SET_BANDWIDTH) > 0;
}

enum halt_wait
shaper_pass(struct shaper *s, enum shaper_direction d, int client, size_t len)
{
	int64_t mbit = settings_get(s->settings, SET_BANDWIDTH);
	int64_t now_ns, until_ns;

	if (mbit <= 0 || len == 0)
		return HALT_TIME;
	now_ns = clock_mono_ns();
	lock_take(&s->lock);
	if (s->free_ns[d] < now_ns - SLACK_NS)
		s->free_ns[d] = now_ns - SLACK_NS;
	s->free_ns[d] += (int64_t)len * 8000 / mbit;
	until_ns = s->free_ns[d];
	lock_drop(&s->lock);
	if (until_ns <= now_ns)
		return HALT_TIME;
	return halt_wait(s->halt, client, until_ns - now_ns);
}

bool
shaper_bucket_take(
    struct shaper_bucket *b, int64_t rps, int64_t burst, int64_t now_ns)
{
	double room = (double)burst;

	if (b->filled_ns == 0)
		b->tokens = room;
	else
		b->tokens += (double)(now_ns - b->filled_ns) / 1e9 * (double)rps;
	if (b->tokens > room)
		b->tokens = room;
	b->filled_ns = now_ns;
	if (b->tokens < 1)
		return false;
	b->tokens -= 1;
	return true;
}

static struct shaper_bucket *
bucket_of_locked(struct shaper *s, const char *name, size_t len)
    REQUIRES(s->lock)
{
	struct family *f;

	if (len >= FAMILY_BYTES)
		len = FAMILY_BYTES - 1;
	for (size_t i = 0; i < s->family_count; i++) {
		f = &s->families[i];
		if (strlen(f->name) == len && memcmp(f->name, name, len) == 0)
			return &f->bucket;
	}
	/* The last one serves all that do not fit. */
	if (s->family_count == FAMILIES_MAX)
		return &s->families[FAMILIES_MAX - 1].bucket;
	f = &s->families[s->family_count++];
	memcpy(f->name, name, len);
	f->name[len] = '\0';
	return &f->bucket;
}

bool
shaper_admit(struct shaper *s, const char *family, size_t family_len)
{
	int64_t rps = settings_get(s->settings, SET_RATE_LIMIT);
	bool good;

	if (rps <= 0)
		return true;
	lock_take(&s->lock);
	good = shaper_bucket_take(
	    bucket_of_locked(s, family, family_len), rps, rps, clock_mono_ns());
	lock_drop(&s->lock);
	return good;
}
