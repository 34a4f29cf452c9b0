/* emu/shared.c - what the requests that meet one rule have in common. */
#include "config.h"

#include "emu/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"

#include "emu/request.h"

#include "base/banned.h"

#define TICK_NS       INT64_C(5000000)
#define ANSWERS_MAX   1024
#define ANSWERS_BYTES ((size_t)64 << 20)

/* An answer that was given.  Newest first. */
struct answer {
	char *target;
	int64_t time_ms;
	int status;
	char type[REPLY_TYPE_BYTES];
	char *body;
	size_t len;
	struct answer *next;
};

struct shared {
	struct lock lock;
	/* all guarded by lock */
	unsigned refs;
	int64_t free_ns[SHAPER_DIRECTIONS];
	uint64_t holds, releases; /* number of the last pair begun, and ended */
	bool held;                /* the first of a pair waits */
	struct answer *answers;
};

int
shared_new(struct shared **out)
{
	struct shared *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	lock_init(&s->lock, "shared");
	s->refs = 1;
	*out = s;
	return 0;
}

struct shared *
shared_ref(struct shared *s)
{
	if (s == NULL)
		return NULL;
	lock_take(&s->lock);
	s->refs++;
	lock_drop(&s->lock);
	return s;
}

static void
answer_free(struct answer *a)
{
	free(a->target);
	free(a->body);
	free(a);
}

void
shared_unref(struct shared *s)
{
	unsigned left;

	if (s == NULL)
		return;
	lock_take(&s->lock);
	left = --s->refs;
	lock_drop(&s->lock);
	if (left > 0)
		return;
	while (s->answers != NULL) {
		struct answer *a = s->answers;

		s->answers = a->next;
		answer_free(a);
	}
	lock_release(&s->lock);
	free(s);
}

int64_t
shared_line(struct shared *s, enum shaper_direction d, int64_t bps, uint64_t len)
{
	int64_t now_ns = clock_mono_ns(), until_ns;

	lock_take(&s->lock);
	if (s->free_ns[d] < now_ns)
		s->free_ns[d] = now_ns;
	s->free_ns[d] += (int64_t)((double)len * 1e9 / (double)bps);
	until_ns = s->free_ns[d];
	lock_drop(&s->lock);
	return until_ns;
}

uint64_t
shared_hold(struct shared *s, struct halt *halt, int client, int64_t ms)
{
	int64_t until_ns = clock_mono_ns() + ms * 1000000;
	uint64_t mine;
	bool over = false;

	lock_take(&s->lock);
	if (s->held) {
		s->held = false;
		mine = s->holds;
		lock_drop(&s->lock);
		return mine;
	}
	s->held = true;
	mine = ++s->holds;
	lock_drop(&s->lock);

	while (!over && clock_mono_ns() < until_ns &&
	       halt_wait(halt, client, TICK_NS) == HALT_TIME) {
		lock_take(&s->lock);
		over = s->releases >= mine;
		lock_drop(&s->lock);
	}
	lock_take(&s->lock);
	/* Nobody came: the next one is a first one again. */
	if (s->holds == mine)
		s->held = false;
	lock_drop(&s->lock);
	return 0;
}

void
shared_release(struct shared *s, uint64_t pair)
{
	lock_take(&s->lock);
	if (s->releases < pair)
		s->releases = pair;
	lock_drop(&s->lock);
}

/* False when there is none that is young enough. */
static bool
copy_locked(struct shared *s, struct request *req, int64_t since_ms,
    int64_t now_ms) REQUIRES(s->lock)
{
	for (struct answer *a = s->answers; a != NULL; a = a->next) {
		if (strcmp(a->target, req->target) != 0)
			continue;
		if (a->time_ms < since_ms || a->time_ms > now_ms)
			return false;
		reply_reset(req);
		if (buf_append(&req->reply.body, a->body, a->len) < 0)
			return false;
		req->reply.status = a->status;
		text_copy(req->reply.type, sizeof(req->reply.type), a->type);
		return true;
	}
	return false;
}

bool
shared_recall(
    struct shared *s, struct request *req, int64_t since_ms, int64_t now_ms)
{
	bool found;

	lock_take(&s->lock);
	found = copy_locked(s, req, since_ms, now_ms);
	lock_drop(&s->lock);
	return found;
}

/* The request's answer in new memory, or NULL. */
static struct answer *
answer_of(struct request *req, int64_t now_ms)
{
	struct answer *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->time_ms = now_ms;
	a->status = req->reply.status;
	text_copy(a->type, sizeof(a->type), req->reply.type);
	a->target = text_dup(req->target);
	a->len = req->reply.body.len;
	a->body = malloc(a->len + 1);
	if (a->target == NULL || a->body == NULL) {
		answer_free(a);
		return NULL;
	}
	memcpy(a->body, buf_text(&req->reply.body), a->len);
	return a;
}

/* Forgets an older answer to the same, and the oldest ones beyond the limits. */
static void
trim_locked(struct shared *s) REQUIRES(s->lock)
{
	struct answer *first = s->answers, **at = &first->next;
	size_t count = 1, bytes = first->len;

	while (*at != NULL) {
		struct answer *a = *at;

		if (strcmp(a->target, first->target) != 0 &&
		    count < ANSWERS_MAX && bytes + a->len <= ANSWERS_BYTES) {
			count++;
			bytes += a->len;
			at = &a->next;
			continue;
		}
		*at = a->next;
		answer_free(a);
	}
}

void
shared_remember(struct shared *s, struct request *req, int64_t now_ms)
{
	struct answer *a;

	if (req->reply.fd >= 0)
		return;
	a = answer_of(req, now_ms);
	if (a == NULL)
		return; /* then it is not repeated */
	lock_take(&s->lock);
	a->next = s->answers;
	s->answers = a;
	trim_locked(s);
	lock_drop(&s->lock);
}
