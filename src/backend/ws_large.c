/* backend/ws_large.c - files that the service does not export. */
#include "config.h"

#include "backend/ws_large.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/text.h"
#include "rest/api_workspace.h"
#include "rest/rest.h"

#include "base/banned.h"

#define URLS   16
#define WHOLES 2 /* files that are on the local disk as a whole */

/* A URL is not used in the last moments of its life. */
#define LIFE_LEFT_MS ((int64_t)60 * 1000)

/* A whole file is not kept longer than that after its last reader, when another comes. */
#define IDLE_MS ((int64_t)60 * 1000)

/* Of which object, in which version? */
struct subject {
	uint64_t object_id;
	int64_t mtime_ms;
};

struct signed_url {
	struct subject of;
	struct api_workspace_url url;
	unsigned refs; /* readers; the slot is not reused while there are any */
	bool bad;
	int64_t used_ms;
};

struct whole {
	struct subject of;
	int fd; /* -1: nothing */
	unsigned refs;
	struct call *fetching; /* by whom; NULL: nobody */
	int err;
	int64_t used_ms;
};

struct ws_large {
	struct rest *rest; /* set once, as dir */
	char *dir;
	struct lock lock;
	struct cond changed;
	/* With lock: */
	struct signed_url urls[URLS];
	struct whole wholes[WHOLES];
	bool signing; /* somebody asks for a URL: others wait for the outcome */
	bool no_urls; /* the workspace has no signed URLs, or none for pieces */
	bool no_wholes; /* nor the other way */
};

int
ws_large_new(struct rest *rest, const char *dir, struct ws_large **out)
{
	struct ws_large *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	l->rest = rest;
	l->dir = text_dup(dir);
	l->no_wholes = dir == NULL;
	for (unsigned i = 0; i < WHOLES; i++)
		l->wholes[i].fd = -1;
	lock_init(&l->lock, "large workspace files");
	cond_init(&l->changed);
	if (dir != NULL && l->dir == NULL) {
		ws_large_free(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

void
ws_large_free(struct ws_large *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < URLS; i++)
		api_workspace_url_release(&l->urls[i].url);
	for (unsigned i = 0; i < WHOLES; i++)
		if (l->wholes[i].fd >= 0)
			(void)close(l->wholes[i].fd);
	cond_release(&l->changed);
	lock_release(&l->lock);
	free(l->dir);
	free(l);
}

static struct subject
subject_of(const struct entry *e)
{
	return (struct subject){ e->object_id, e->version.mtime_ms };
}

/* Without an id or a time nobody knows. */
static bool
is_about(const struct subject *a, const struct subject *b)
{
	return a->object_id != 0 && a->mtime_ms != 0 &&
	    a->object_id == b->object_id && a->mtime_ms == b->mtime_ms;
}

/* --- in pieces ------------------------------------------------------------------------- */

static bool
is_good(const struct signed_url *u)
{
	return u->url.url != NULL && !u->bad &&
	    (u->url.until_ms == 0 ||
		u->url.until_ms - clock_real_ms() > LIFE_LEFT_MS);
}

/* The known URL of that version, with a reference; NULL: none. */
static struct signed_url *
find_url_locked(struct ws_large *l, const struct subject *of) REQUIRES(l->lock)
{
	for (unsigned i = 0; i < URLS; i++) {
		struct signed_url *u = &l->urls[i];

		if (is_good(u) && is_about(&u->of, of)) {
			u->refs++;
			u->used_ms = clock_mono_ms();
			return u;
		}
	}
	return NULL;
}

/* url, which is taken over, in the place of the one that was used least recently, with a
 * reference; NULL: all are in use. */
static struct signed_url *
add_url_locked(struct ws_large *l, const struct subject *of,
    struct api_workspace_url *url) REQUIRES(l->lock)
{
	struct signed_url *slot = NULL;

	for (unsigned i = 0; i < URLS; i++) {
		struct signed_url *u = &l->urls[i];

		if (u->refs == 0 &&
		    (slot == NULL || u->used_ms < slot->used_ms))
			slot = u;
	}
	if (slot == NULL) {
		api_workspace_url_release(url);
		return NULL;
	}
	api_workspace_url_release(&slot->url);
	*slot = (struct signed_url){ .of = *of, .url = *url, .refs = 1,
		.used_ms = clock_mono_ms() };
	return slot;
}

static int
sign_locked(struct ws_large *l, struct call *call, const struct subject *of,
    const char *stored, struct signed_url **out) REQUIRES(l->lock)
{
	struct api_workspace_url url;
	int ret;

	l->signing = true;
	lock_drop(&l->lock);
	ret = api_workspace_sign(l->rest, call, stored, &url);
	lock_take(&l->lock);
	l->signing = false;
	cond_broadcast(&l->changed);
	/* -EACCES may be about this file alone. */
	if (ret == -ENOSYS || ret == -ENODATA) {
		l->no_urls = true;
		return -EOPNOTSUPP;
	}
	if (ret < 0)
		return ret;
	*out = add_url_locked(l, of, &url);
	return *out != NULL ? 0 : -EBUSY;
}

/* A reference.  -EOPNOTSUPP: there are none. */
static int
get_url(struct ws_large *l, struct call *call, const struct entry *e,
    const char *stored, struct signed_url **out)
{
	const struct subject of = subject_of(e);
	int ret = 0;

	lock_take(&l->lock);
	while (l->signing && ret == 0) {
		(void)cond_wait_ms(&l->changed, &l->lock, CALL_TICK_MS);
		ret = call_interrupted(call) ? -EINTR : 0;
	}
	*out = ret == 0 ? find_url_locked(l, &of) : NULL;
	if (ret == 0 && *out == NULL)
		ret = l->no_urls ? -EOPNOTSUPP :
				   sign_locked(l, call, &of, stored, out);
	lock_drop(&l->lock);
	return ret;
}

static void
put_url(struct ws_large *l, struct signed_url *u, bool bad)
{
	lock_take(&l->lock);
	u->refs--;
	u->bad = u->bad || bad;
	lock_drop(&l->lock);
}

/* -EOPNOTSUPP: there is no such way.  *refused: there is none for this file, with
 * -EACCES. */
static int
read_piece(struct ws_large *l, struct call *call, const struct entry *e,
    const char *stored, uint64_t off, void *dst, size_t len, bool *refused)
{
	struct signed_url *u;
	int ret = 0;

	for (unsigned tries = 0; tries < 2; tries++) {
		ret = get_url(l, call, e, stored, &u);
		*refused = ret == -EACCES;
		if (ret < 0)
			return ret;
		ret = api_workspace_fetch(l->rest, call, stored, &u->url, off,
		    dst, len);
		put_url(l, u, ret < 0 && ret != -EINTR);
		if (ret == 0 || ret == -EINTR || ret == -EOPNOTSUPP)
			break;
		/* Its time was over, or the file has another one by now. */
	}
	return ret;
}

/* --- as a whole ------------------------------------------------------------------------- */

struct download {
	int fd;
	uint64_t at;
	int err;
};

static void
begin_download(void *ctx)
{
	struct download *d = ctx;

	d->at = 0;
	d->err = ftruncate(d->fd, 0) == 0 ? 0 : -errno;
}

static void
take_download(void *ctx, const char *bytes, size_t len)
{
	struct download *d = ctx;

	if (d->err == 0)
		d->err = io_pwrite(d->fd, bytes, len, d->at);
	d->at += len;
}

static int
download(struct ws_large *l, struct call *call, const struct entry *e,
    const char *stored, int *fd)
{
	struct download d = { .fd = open(l->dir,
	    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) };
	const struct rest_sink sink = { begin_download, take_download, &d };
	int ret;

	if (d.fd < 0)
		return -errno;
	ret = api_workspace_download(l->rest, call, stored, e->version.size,
	    &sink);
	if (ret == 0)
		ret = d.err;
	if (ret == 0 && d.at != e->version.size)
		ret = -ESTALE;
	if (ret < 0)
		(void)close(d.fd);
	else
		*fd = d.fd;
	return ret;
}

/* The slot of that version, here or on its way, or a free one; NULL: all are in use. */
static struct whole *
find_whole_locked(struct ws_large *l, const struct subject *of) REQUIRES(l->lock)
{
	int64_t now = clock_mono_ms();
	struct whole *slot = NULL;

	for (unsigned i = 0; i < WHOLES; i++) {
		struct whole *w = &l->wholes[i];

		if (w->refs == 0 && w->fd >= 0 && now - w->used_ms > IDLE_MS) {
			(void)close(w->fd);
			w->fd = -1;
		}
		if ((w->fd >= 0 || w->fetching != NULL) &&
		    is_about(&w->of, of))
			return w;
		if (w->refs == 0 && (slot == NULL || w->used_ms < slot->used_ms))
			slot = w;
	}
	if (slot == NULL)
		return NULL;
	if (slot->fd >= 0)
		(void)close(slot->fd);
	*slot = (struct whole){ .of = *of, .fd = -1 };
	return slot;
}

static void
fetch_whole_locked(struct ws_large *l, struct call *call, struct whole *w,
    const struct entry *e, const char *stored) REQUIRES(l->lock)
{
	int fd = -1;

	w->fetching = call;
	lock_drop(&l->lock);
	w->err = download(l, call, e, stored, &fd);
	lock_take(&l->lock);
	w->fetching = NULL;
	w->fd = fd;
	cond_broadcast(&l->changed);
}

/* A reference; to be given back also when it fails. */
static int
get_whole_locked(struct ws_large *l, struct call *call, const struct entry *e,
    const char *stored, struct whole **out) REQUIRES(l->lock)
{
	const struct subject of = subject_of(e);
	struct whole *w;

	while ((w = find_whole_locked(l, &of)) == NULL) {
		if (call_interrupted(call))
			return -EINTR;
		(void)cond_wait_ms(&l->changed, &l->lock, CALL_TICK_MS);
	}
	w->refs++;
	*out = w;
	while (w->fd < 0) {
		if (call_interrupted(call))
			return -EINTR;
		if (w->fetching == NULL) {
			fetch_whole_locked(l, call, w, e, stored);
			if (w->err < 0)
				return w->err;
		} else {
			if (call_class(call) == CALL_DEMAND)
				call_promote(w->fetching);
			(void)cond_wait_ms(&l->changed, &l->lock, CALL_TICK_MS);
		}
	}
	return 0;
}

static int
read_whole(struct ws_large *l, struct call *call, const struct entry *e,
    const char *stored, uint64_t off, void *dst, size_t len)
{
	struct whole *w = NULL;
	ssize_t n = 0;
	int ret;

	lock_take(&l->lock);
	ret = get_whole_locked(l, call, e, stored, &w);
	lock_drop(&l->lock);
	if (ret == 0)
		n = io_pread(w->fd, dst, len, off);
	if (ret == 0)
		ret = n < 0 ? (int)n : (size_t)n == len ? 0 : -EIO;
	lock_take(&l->lock);
	if (w != NULL) {
		w->refs--;
		w->used_ms = clock_mono_ms();
		cond_broadcast(&l->changed);
	}
	lock_drop(&l->lock);
	return ret;
}

/* --- both ----------------------------------------------------------------------------------- */

static int
too_large(struct call *call, const struct entry *e)
{
	(void)snprintf(call->words, sizeof(call->words), "the file has %llu"
	    " bytes, and this workspace gives out no more than %d",
	    (unsigned long long)e->version.size, API_WORKSPACE_EXPORT_MAX);
	return -EFBIG;
}

/* Remembers that a way is none. */
static void
rule_out(struct ws_large *l, bool *way)
{
	lock_take(&l->lock);
	*way = true;
	lock_drop(&l->lock);
}

static bool
is_ruled_out(struct ws_large *l, const bool *way)
{
	bool is;

	lock_take(&l->lock);
	is = *way;
	lock_drop(&l->lock);
	return is;
}

ssize_t
ws_large_read(struct ws_large *l, struct call *call, const struct entry *e,
    const char *stored, uint64_t off, void *dst, size_t len)
{
	int ret = -EOPNOTSUPP;
	bool refused = false;

	if (off >= e->version.size)
		return 0;
	if (len > e->version.size - off)
		len = (size_t)(e->version.size - off);
	if (!is_ruled_out(l, &l->no_urls)) {
		ret = read_piece(l, call, e, stored, off, dst, len, &refused);
		if (ret == -EOPNOTSUPP)
			rule_out(l, &l->no_urls);
	}
	if ((ret == -EOPNOTSUPP || refused) &&
	    !is_ruled_out(l, &l->no_wholes)) {
		ret = read_whole(l, call, e, stored, off, dst, len);
		if (ret == -ENOSYS) {
			rule_out(l, &l->no_wholes);
			ret = refused ? -EACCES : -EOPNOTSUPP;
		} else if (ret == 0 && refused) {
			rule_out(l, &l->no_urls); /* the user may read it */
		}
	}
	if (ret == -EOPNOTSUPP)
		return too_large(call, e);
	return ret < 0 ? ret : (ssize_t)len;
}
