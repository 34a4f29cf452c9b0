/* rest/limiter.c - how many requests of a family may leave, and when. */
#include "config.h"

#include "rest/limiter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/line.h"
#include "base/lock.h"

#include "base/banned.h"

#define FAMILIES (REST_OTHER + 1)

static const struct {
	const char *name;
	double documented; /* requests a second */
} table[FAMILIES] = {
	[REST_DBFS] = { "dbfs", 30 },
	[REST_WORKSPACE] = { "workspace", 30 },
	[REST_FILES] = { "files", 80 },
	[REST_JOBS] = { "jobs", 20 },
	[REST_STORAGE] = { "storage", 1000 },
	[REST_OTHER] = { "other", 30 },
};

static const char *const classes[CALL_CLASSES] = {
	[CALL_DEMAND] = "demand",
	[CALL_BACKGROUND] = "background",
	[CALL_AHEAD] = "ahead",
};

struct family {
	struct bucket bucket;
	struct line line;
	uint64_t throttled;
};

struct limiter {
	struct lock lock;
	struct family families[FAMILIES]; /* with lock */
};

int
limiter_new(struct limiter **out)
{
	struct limiter *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	lock_init(&l->lock, "limiter");
	for (int i = 0; i < FAMILIES; i++)
		bucket_init(&l->families[i].bucket, table[i].documented,
		    clock_mono_ms());
	*out = l;
	return 0;
}

void
limiter_free(struct limiter *l)
{
	if (l == NULL)
		return;
	lock_release(&l->lock);
	free(l);
}

/* Is there no hope until then? */
static bool
is_hopeless(const struct bucket *b, int64_t now, int64_t until)
{
	return b->shut && (now >= until || b->held_until_ms >= until);
}

int
limiter_wait(struct limiter *l, struct call *call, enum rest_family family,
    int64_t until_ms, struct bucket_pass *out)
{
	struct family *f = &l->families[family];
	struct line_place place;
	int ret = -EAGAIN;

	lock_take(&l->lock);
	line_join(&f->line, &place, call);
	while (ret == -EAGAIN) {
		int64_t now = clock_mono_ms(), ms = CALL_TICK_MS;

		if (line_first(&f->line) == &place)
			ms = bucket_take(&f->bucket,
			    call_class(call) == CALL_AHEAD, now, out);
		if (ms == 0)
			ret = 0;
		else if (call_interrupted(call))
			ret = -EINTR;
		else if (is_hopeless(&f->bucket, now, until_ms))
			ret = -EBUSY;
		else
			line_wait(&place, &l->lock, ms);
	}
	line_leave(&f->line, &place, ret == 0);
	lock_drop(&l->lock);
	return ret;
}

void
limiter_done(struct limiter *l, enum rest_family family,
    const struct bucket_pass *pass, enum limiter_outcome outcome,
    int64_t after_ms)
{
	struct family *f = &l->families[family];
	struct bucket *b = &f->bucket;
	uint64_t random = 0;
	int64_t now;

	if (outcome == LIMITER_FAILED || outcome == LIMITER_THROTTLED)
		digest_random(&random, sizeof(random));
	lock_take(&l->lock);
	now = clock_mono_ms();
	switch (outcome) {
	case LIMITER_ANSWERED:
		bucket_answered(b, pass, now);
		break;
	case LIMITER_FAILED:
		bucket_failed(b, pass, now, random);
		break;
	case LIMITER_DROPPED:
		bucket_dropped(b, pass);
		break;
	case LIMITER_THROTTLED:
		f->throttled++;
		bucket_throttled(b, pass, after_ms, now, random);
		break;
	}
	line_wake(&f->line);
	lock_drop(&l->lock);
}

void
limiter_look(struct limiter *l, enum rest_family family,
    struct limiter_view *out)
{
	struct family *f = &l->families[family];
	int64_t now;

	lock_take(&l->lock);
	now = clock_mono_ms();
	*out = (struct limiter_view){
		.rate = f->bucket.rate,
		.tokens = bucket_tokens(&f->bucket, now),
		.held_ms = bucket_held_ms(&f->bucket, now),
		.throttled = f->throttled,
	};
	line_count(&f->line, out->waiting);
	lock_drop(&l->lock);
}

/* --- showing -------------------------------------------------------------------------- */

/* The number of one family. */
typedef double number_fn(const struct limiter_view *v);

static double
rate(const struct limiter_view *v)
{
	return v->rate;
}

static double
tokens(const struct limiter_view *v)
{
	return v->tokens > 0 ? v->tokens : 0;
}

static double
held(const struct limiter_view *v)
{
	return (double)v->held_ms / 1000;
}

static double
throttled(const struct limiter_view *v)
{
	return (double)v->throttled;
}

static const struct {
	const char *name, *kind, *help;
	number_fn *number;
} metrics[] = {
	{ "limit", "gauge", "Requests a second that may leave.", rate },
	{ "tokens", "gauge", "Requests that may leave at once.", tokens },
	{ "held_seconds", "gauge", "Until the service wants to be asked again.",
	    held },
	{ "throttled_total", "counter", "Answers that asked to wait.",
	    throttled },
};

static int
print_head(const char *name, const char *kind, const char *help,
    struct buf *out)
{
	return buf_printf(out,
	    "# HELP brickfs_rate_%s %s\n# TYPE brickfs_rate_%s %s\n", name,
	    help, name, kind);
}

static int
print_waiting(const char *family, const unsigned waiting[CALL_CLASSES],
    struct buf *out)
{
	int ret = 0;

	for (int c = 0; c < CALL_CLASSES && ret == 0; c++)
		ret = buf_printf(out,
		    "brickfs_rate_waiting{family=\"%s\",class=\"%s\"} %u\n",
		    family, classes[c], waiting[c]);
	return ret;
}

int
limiter_print(struct limiter *l, struct buf *out)
{
	struct limiter_view views[FAMILIES];
	int ret = 0;

	for (int i = 0; i < FAMILIES; i++)
		limiter_look(l, (enum rest_family)i, &views[i]);
	for (size_t m = 0; m < ARRAY_LEN(metrics) && ret == 0; m++) {
		ret = print_head(metrics[m].name, metrics[m].kind,
		    metrics[m].help, out);
		for (int i = 0; i < FAMILIES && ret == 0; i++)
			ret = buf_printf(out,
			    "brickfs_rate_%s{family=\"%s\"} %.6g\n",
			    metrics[m].name, table[i].name,
			    metrics[m].number(&views[i]));
	}
	if (ret == 0)
		ret = print_head("waiting", "gauge",
		    "Requests that wait for their turn.", out);
	for (int i = 0; i < FAMILIES && ret == 0; i++)
		ret = print_waiting(table[i].name, views[i].waiting, out);
	return ret;
}
