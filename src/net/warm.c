/* net/warm.c - connections that are there before they are needed. */
#include "config.h"

#include "net/warm.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "net/http.h"
#include "net/slots.h"

#include "base/banned.h"

#define WARM_MAX   8
#define PATIENCE_MS ((int64_t)10000)
#define ANSWER_MAX ((size_t)64 << 10)

struct warm {
	struct http_pool *pool;
	char *url;
	unsigned n;
	atomic_bool stopped;
	pthread_t thread;
};

static bool
is_stopped(void *arg)
{
	struct warm *w = arg;

	return atomic_load(&w->stopped);
}

static int
ask(struct warm *w, struct call *call, struct slot *slot)
{
	const struct http_request req = {
		.method = "GET",
		.url = w->url,
		.repeatable = true,
		.idle_ms = PATIENCE_MS,
		.answer_ms = PATIENCE_MS,
		.body_max = ANSWER_MAX,
	};
	struct http_reply reply;
	int ret;

	ret = slot_exchange(w->pool, slot, call, &req, &reply);
	if (ret < 0)
		log_debug("net", "a connection is not opened before it is"
		    " needed: %s", reply.words);
	http_reply_release(&reply);
	return ret;
}

/* All slots first: one that is back would be lent again. */
static void *
run(void *arg)
{
	struct warm *w = arg;
	struct call call = { .op = "warm", .class = CALL_AHEAD,
		.interrupted = is_stopped, .arg = w };
	struct slot *slots[WARM_MAX];
	unsigned n = 0;
	int ret = 0;

	while (n < w->n && ret == 0) {
		ret = slots_get(w->pool, &call, false, &slots[n]);
		if (ret == 0)
			n++;
	}
	for (unsigned i = 0; i < n; i++) {
		if (ret == 0)
			ret = ask(w, &call, slots[i]);
		slots_put(w->pool, slots[i]);
	}
	return NULL;
}

static void
warm_free(struct warm *w)
{
	free(w->url);
	free(w);
}

int
warm_start(struct http_pool *pool, const char *url, unsigned n,
    struct warm **out)
{
	struct warm *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	w->pool = pool;
	w->n = n < WARM_MAX ? n : WARM_MAX;
	w->url = text_dup(url);
	if (w->url == NULL || pthread_create(&w->thread, NULL, run, w) != 0) {
		warm_free(w);
		return -ENOMEM;
	}
	*out = w;
	return 0;
}

void
warm_stop(struct warm *w)
{
	if (w == NULL)
		return;
	atomic_store(&w->stopped, true);
	(void)pthread_join(w->thread, NULL);
	warm_free(w);
}
