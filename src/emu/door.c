/* emu/door.c - the listening sockets, and who has come in. */
#include "config.h"

#include "emu/door.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"

#include "base/banned.h"

#define TICK_NS     INT64_C(20000000)
#define FILLERS_MAX 8

struct door_guest {
	int fd;
	bool admin;
	bool busy, dead; /* guarded by door.lock */
	struct door_guest *next, **prev;
};

struct door {
	const struct settings *settings; /* set once */
	struct halt *halt;               /* set once */
	struct listen_address address;   /* set once; with the port */
	uint16_t port, admin_port;       /* set once */
	int hold_fd;                     /* keeps the port; set once */
	int admin_fd, wake_fd;           /* set once */
	door_serve_fn *serve;            /* set once */
	void *ctx;                       /* set once */
	bool running;
	pthread_t thread;

	/* of the thread alone */
	int listen_fd;            /* -1: nobody listens */
	int fillers[FILLERS_MAX]; /* own connections that fill the queue */
	size_t filler_count;

	struct lock lock;
	struct door_guest *guests; /* guarded by lock */
	size_t guest_count;        /* guarded by lock; without the admin's */
};

/* A socket that is bound and does not listen keeps the port while the other one
 * is closed, so that it can be opened again. */
static int
open_fds(struct door *d, bool admin, struct why *why)
{
	struct listen_address other;
	int ret;

	d->hold_fd = listen_bind(&d->address, why);
	if (d->hold_fd < 0)
		return d->hold_fd;
	ret = listen_port(d->hold_fd, &d->port);
	if (ret < 0)
		return why_set(why, ret, "getsockname: %s", strerror(-ret));
	listen_set_port(&d->address, d->port);
	d->listen_fd = listen_open(&d->address, why);
	if (d->listen_fd < 0)
		return d->listen_fd;
	if (!admin)
		return 0;
	other = d->address;
	listen_set_port(&other, 0);
	d->admin_fd = listen_open(&other, why);
	if (d->admin_fd < 0)
		return d->admin_fd;
	ret = listen_port(d->admin_fd, &d->admin_port);
	return ret < 0
		   ? why_set(why, ret, "getsockname: %s", strerror(-ret))
		   : 0;
}

int
door_open(const struct listen_address *a, bool admin,
    const struct settings *settings, struct halt *halt, struct door **out,
    struct why *why)
{
	struct door *d = calloc(1, sizeof(*d));
	int ret;

	if (d == NULL)
		return why_set(why, -ENOMEM, "out of memory");
	d->settings = settings;
	d->halt = halt;
	d->address = *a;
	d->hold_fd = d->listen_fd = d->admin_fd = -1;
	lock_init(&d->lock, "door");
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = d->wake_fd < 0 ? why_set(why, -errno, "eventfd: %s",
				   strerror(errno))
			     : open_fds(d, admin, why);
	if (ret < 0) {
		door_free(d);
		return ret;
	}
	*out = d;
	return 0;
}

void
door_free(struct door *d)
{
	int fds[4];

	if (d == NULL)
		return;
	fds[0] = d->hold_fd;
	fds[1] = d->listen_fd;
	fds[2] = d->admin_fd;
	fds[3] = d->wake_fd;
	while (d->guests != NULL)
		door_leave(d, d->guests);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	lock_release(&d->lock);
	free(d);
}

static int64_t
network(const struct door *d)
{
	return settings_get(d->settings, SET_NETWORK);
}

static void
remove_locked(struct door *d, struct door_guest *g) REQUIRES(d->lock)
{
	*g->prev = g->next;
	if (g->next != NULL)
		g->next->prev = g->prev;
	d->guest_count -= !g->admin;
	free(g);
}

static struct door_guest *
find_locked(struct door *d, int fd) REQUIRES(d->lock)
{
	for (struct door_guest *g = d->guests; g != NULL; g = g->next)
		if (g->fd == fd)
			return g;
	return NULL;
}

/* False when there is no room for one more. */
static bool
enter(struct door *d, int fd, bool admin)
{
	int64_t max = settings_get(d->settings, SET_MAX_CONN);
	struct door_guest *g, *old;
	bool room;

	lock_take(&d->lock);
	/* One whose end nobody noticed: a thread could not be made for him. */
	old = find_locked(d, fd);
	if (old != NULL)
		remove_locked(d, old);
	room = admin || max <= 0 || d->guest_count < (size_t)max;
	g = room ? calloc(1, sizeof(*g)) : NULL;
	if (g != NULL) {
		g->fd = fd;
		g->admin = admin;
		g->next = d->guests;
		g->prev = &d->guests;
		if (g->next != NULL)
			g->next->prev = &g->next;
		d->guests = g;
		d->guest_count += !admin;
	}
	lock_drop(&d->lock);
	return room;
}

static void
take_one(struct door *d, int from, bool admin)
{
	int fd = accept4(from, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		/* Out of descriptors: not in a hurry. */
		if (errno == EMFILE || errno == ENFILE)
			(void)halt_wait(d->halt, -1, TICK_NS);
		return;
	}
	if (!enter(d, fd, admin))
		(void)close(fd);
	else if (!d->serve(d->ctx, fd, admin))
		door_leave(d, door_guest(d, fd));
}

/* The queue of connections nobody took yet is as short as can be, and full: then
 * the kernel drops those who want to connect. */
static void
fill_queue(struct door *d)
{
	struct pollfd p = { .events = POLLOUT };
	int fd;

	(void)listen(d->listen_fd, 0);
	while (d->filler_count < FILLERS_MAX) {
		fd = socket(d->address.addr.ss_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return;
		d->fillers[d->filler_count++] = fd;
		if (connect(fd, (const struct sockaddr *)&d->address.addr,
			d->address.len) < 0 &&
		    errno != EINPROGRESS)
			return;
		p.fd = fd;
		if (poll(&p, 1, 20) == 0)
			return; /* it is full: this one hangs */
	}
}

static void
empty_queue(struct door *d)
{
	while (d->filler_count > 0)
		(void)close(d->fillers[--d->filler_count]);
	if (d->listen_fd >= 0)
		(void)listen(d->listen_fd, LISTEN_BACKLOG);
}

/* Makes the sockets what the setting says. */
static void
adjust(struct door *d, int64_t state)
{
	struct why why;

	if (state != NETWORK_DROP && d->filler_count > 0)
		empty_queue(d);
	if (state == NETWORK_REFUSE) {
		if (d->listen_fd >= 0)
			(void)close(d->listen_fd);
		d->listen_fd = -1;
		return;
	}
	if (d->listen_fd < 0) {
		d->listen_fd = listen_open(&d->address, &why);
		if (d->listen_fd < 0)
			log_warn("door", "%s", why.text);
	}
	if (state == NETWORK_DROP && d->filler_count == 0 && d->listen_fd >= 0)
		fill_queue(d);
}

static void *
run(void *arg)
{
	struct door *d = arg;
	uint64_t count;

	while (!halt_raised(d->halt)) {
		int64_t state = network(d);
		struct pollfd p[3] = {
			{ .fd = d->wake_fd, .events = POLLIN },
			{ .fd = d->admin_fd, .events = POLLIN },
			{ .fd = -1, .events = POLLIN },
		};

		adjust(d, state);
		if (state == NETWORK_UP)
			p[2].fd = d->listen_fd;
		if (poll(p, ARRAY_LEN(p), -1) < 0)
			continue; /* a signal */
		if (p[0].revents != 0 &&
		    read(d->wake_fd, &count, sizeof(count)) < 0)
			continue; /* somebody else's wake-up */
		if (p[1].revents != 0)
			take_one(d, d->admin_fd, true);
		if (p[2].revents != 0)
			take_one(d, d->listen_fd, false);
	}
	empty_queue(d);
	return NULL;
}

int
door_start(struct door *d, door_serve_fn *serve, void *ctx)
{
	int err;

	d->serve = serve;
	d->ctx = ctx;
	err = pthread_create(&d->thread, NULL, run, d);
	d->running = err == 0;
	return -err;
}

void
door_stop(struct door *d)
{
	if (d == NULL || !d->running)
		return;
	door_wake(d);
	(void)pthread_join(d->thread, NULL);
	d->running = false;
}

uint16_t
door_port(const struct door *d)
{
	return d->port;
}

uint16_t
door_admin_port(const struct door *d)
{
	return d->admin_port;
}

void
door_wake(struct door *d)
{
	uint64_t one = 1;

	/* Fails only when 2^64 wake-ups are waiting. */
	if (d != NULL && write(d->wake_fd, &one, sizeof(one)) < 0)
		return;
}

struct door_guest *
door_guest(struct door *d, int fd)
{
	struct door_guest *g;

	lock_take(&d->lock);
	g = find_locked(d, fd);
	lock_drop(&d->lock);
	return g;
}

void
door_leave(struct door *d, struct door_guest *g)
{
	if (g == NULL)
		return;
	lock_take(&d->lock);
	remove_locked(d, g);
	lock_drop(&d->lock);
}

void
door_busy(struct door *d, struct door_guest *g, bool busy)
{
	if (g == NULL)
		return;
	lock_take(&d->lock);
	g->busy = busy;
	lock_drop(&d->lock);
}

bool
door_pass(struct door *d, struct door_guest *g)
{
	bool dead;

	while (g != NULL && !g->admin) {
		lock_take(&d->lock);
		dead = g->dead;
		lock_drop(&d->lock);
		if (!dead && network(d) != NETWORK_DROP)
			return true;
		if (halt_wait(d->halt, g->fd, TICK_NS) != HALT_TIME)
			return false;
	}
	return true;
}

static void
end_guest(struct door_guest *g, enum door_end how)
{
	switch (how) {
	case DOOR_CLOSE: (void)shutdown(g->fd, SHUT_RDWR); break;
	case DOOR_RESET: listen_reset(g->fd); break;
	case DOOR_STALL: g->dead = true; break;
	}
}

void
door_drop(struct door *d, enum door_which which, enum door_end how)
{
	if (d == NULL)
		return;
	lock_take(&d->lock);
	for (struct door_guest *g = d->guests; g != NULL; g = g->next)
		if (!g->admin && (which == DOOR_ALL || !g->busy))
			end_guest(g, how);
	lock_drop(&d->lock);
}

static const char *const words[] = {
	[DOOR_CLOSE] = "close",
	[DOOR_RESET] = "reset",
	[DOOR_STALL] = "stall",
};

enum door_end
door_how(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], word) == 0)
			return (enum door_end)i;
	return DOOR_CLOSE;
}

const char *
door_word(enum door_end how)
{
	return words[how];
}
