/* net/slots.c - the pool of curl handles. */
#include "config.h"

#include "net/slots.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/line.h"
#include "base/lock.h"
#include "base/table.h"
#include "base/text.h"

#include "base/banned.h"

#define CONNECTION_AGE_S 50L /* below the idle time-outs of usual front ends */

#define KEEPALIVE_S	 15L /* who waits for an answer asks so often for a sign of life */

/* What is read ahead leaves so many slots of a lane for what is waited for. */
#define RESERVE 2

enum lane { DATA, METADATA, LANES };

struct slot {
	CURLM *multi;
	CURL *easy;
	bool metadata;
	struct slot *prev, *next; /* in the list of free ones */
};

struct http_pool {
	char *user_agent; /* set once */
	char *cacert;
	int64_t dead_ms;
	bool no_proxy;
	CURLSH *share;
	struct lock share_locks[CURL_LOCK_DATA_LAST];

	struct lock lock;
	struct slot *idle[LANES];   /* with lock; used last first */
	unsigned free[LANES];	    /* with lock: idle, or not made yet */
	unsigned room[LANES];	    /* with lock: not made yet */
	unsigned reserve[LANES];    /* set once */
	struct line lines[LANES];   /* with lock: who waits */
};

CURL *
slot_easy(struct slot *s)
{
	return s->easy;
}

CURLM *
slot_multi(struct slot *s)
{
	return s->multi;
}

/* --- what slots share ---------------------------------------------------------- */

static void
share_lock(CURL *easy UNUSED, curl_lock_data data,
    curl_lock_access access UNUSED, void *ctx) NO_THREAD_CHECK
{
	struct http_pool *p = ctx;

	lock_take(&p->share_locks[data]);
}

static void
share_unlock(CURL *easy UNUSED, curl_lock_data data, void *ctx) NO_THREAD_CHECK
{
	struct http_pool *p = ctx;

	lock_drop(&p->share_locks[data]);
}

/* Names and TLS sessions; never connections, which libcurl cannot share among
 * threads. */
static int
share_new(struct http_pool *p)
{
	for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
		lock_init(&p->share_locks[i], "curl share");
	p->share = curl_share_init();
	if (p->share == NULL)
		return -ENOMEM;
	(void)curl_share_setopt(p->share, CURLSHOPT_LOCKFUNC, share_lock);
	(void)curl_share_setopt(p->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
	(void)curl_share_setopt(p->share, CURLSHOPT_USERDATA, p);
	(void)curl_share_setopt(p->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	(void)curl_share_setopt(p->share, CURLSHOPT_SHARE,
	    CURL_LOCK_DATA_SSL_SESSION);
	return 0;
}

/* The kernel gives a connection up when nothing of it is acknowledged any more: whoever
 * waits for a slow answer learns that the network is gone, and not that it is slow. */
static int
set_dead(void *ctx, curl_socket_t fd, curlsocktype purpose UNUSED)
{
	const struct http_pool *p = ctx;
	unsigned ms = (unsigned)p->dead_ms;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	return CURL_SOCKOPT_OK;
}

void
slots_configure(struct http_pool *p, CURL *e)
{
	if (p->dead_ms > 0) {
		(void)curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, set_dead);
		(void)curl_easy_setopt(e, CURLOPT_SOCKOPTDATA, p);
	}
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* To drop an exchange would otherwise wait for the thread that asks for the
	 * host's address, as long as a dead name server takes. */
	(void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
#endif
	(void)curl_easy_setopt(e, CURLOPT_SHARE, p->share);
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS,
	    (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, p->user_agent);
	(void)curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 256L * 1024);
	(void)curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
	(void)curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	if (p->no_proxy) /* otherwise as the environment says */
		(void)curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	(void)curl_easy_setopt(e, CURLOPT_MAXCONNECTS, 2L);
	(void)curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_S);
	if (p->cacert != NULL)
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, p->cacert);
}

/* --- slots ------------------------------------------------------------------------ */

static void
slot_free(struct slot *s)
{
	if (s == NULL)
		return;
	if (s->easy != NULL)
		curl_easy_cleanup(s->easy);
	if (s->multi != NULL)
		(void)curl_multi_cleanup(s->multi);
	free(s);
}

static struct slot *
slot_new(bool metadata)
{
	struct slot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->metadata = metadata;
	s->multi = curl_multi_init();
	s->easy = curl_easy_init();
	if (s->multi == NULL || s->easy == NULL) {
		slot_free(s);
		return NULL;
	}
	return s;
}

static struct slot *
take_from_locked(struct http_pool *p, enum lane lane) REQUIRES(p->lock)
{
	struct slot *s = p->idle[lane];

	if (s != NULL) {
		DL_DELETE(p->idle[lane], s);
	} else if (p->room[lane] > 0) {
		s = slot_new(lane == METADATA);
		if (s != NULL)
			p->room[lane]--;
	}
	if (s != NULL)
		p->free[lane]--;
	return s;
}

/* Metadata may use a slot for data when its own are taken, not the other way. */
static struct slot *
take_locked(struct http_pool *p, enum lane lane, enum call_class class)
    REQUIRES(p->lock)
{
	struct slot *s = NULL;

	for (int i = (int)lane; i >= 0 && s == NULL; i--)
		if (class != CALL_AHEAD || p->free[i] > p->reserve[i])
			s = take_from_locked(p, (enum lane)i);
	return s;
}

int
slots_get(struct http_pool *p, struct call *call, bool metadata,
    struct slot **out)
{
	enum lane lane = metadata ? METADATA : DATA;
	struct line *line = &p->lines[lane];
	struct line_place place;
	int ret = 0;

	*out = NULL;
	lock_take(&p->lock);
	line_join(line, &place, call);
	while (ret == 0 && *out == NULL) {
		if (line_first(line) == &place)
			*out = take_locked(p, lane, call_class(call));
		if (*out == NULL && call_interrupted(call))
			ret = -EINTR;
		else if (*out == NULL)
			line_wait(&place, &p->lock, CALL_TICK_MS);
	}
	line_leave(line, &place, ret == 0);
	lock_drop(&p->lock);
	return ret;
}

void
slots_put(struct http_pool *p, struct slot *s)
{
	enum lane lane = s->metadata ? METADATA : DATA;

	lock_take(&p->lock);
	DL_PREPEND(p->idle[lane], s);
	p->free[lane]++;
	for (int i = LANES - 1; i >= (int)lane; i--)
		line_wake(&p->lines[i]);
	lock_drop(&p->lock);
}

/* A pool that is small keeps less. */
static void
set_lane(struct http_pool *p, enum lane lane, unsigned slots)
{
	p->room[lane] = p->free[lane] = slots;
	p->reserve[lane] = slots / 4 < RESERVE ? slots / 4 : RESERVE;
}

int
http_pool_new(const struct http_config *config, struct http_pool **out)
{
	struct http_pool *p;
	int ret;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	lock_init(&p->lock, "http pool");
	p->no_proxy = config->no_proxy;
	p->dead_ms = config->dead_ms;
	set_lane(p, DATA, config->data_slots);
	set_lane(p, METADATA, config->meta_slots);
	p->user_agent = text_dup(config->user_agent);
	p->cacert = text_dup(config->cacert);
	ret = share_new(p);
	if (ret == 0 && (p->user_agent == NULL ||
	    (config->cacert != NULL && p->cacert == NULL)))
		ret = -ENOMEM;
	if (ret < 0) {
		http_pool_free(p);
		return ret;
	}
	*out = p;
	return 0;
}

void
http_pool_free(struct http_pool *p)
{
	if (p == NULL)
		return;
	for (int lane = 0; lane < LANES; lane++) {
		struct slot *s, *next;

		DL_FOREACH_SAFE(p->idle[lane], s, next) {
			DL_DELETE(p->idle[lane], s);
			slot_free(s);
		}
	}
	if (p->share != NULL)
		(void)curl_share_cleanup(p->share);
	for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
		lock_release(&p->share_locks[i]);
	lock_release(&p->lock);
	free(p->user_agent);
	free(p->cacert);
	free(p);
}
