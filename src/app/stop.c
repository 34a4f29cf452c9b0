/* app/stop.c - signals. */
#include "config.h"

#include "app/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"

#include "base/banned.h"

/* How often the thread looks up when something is under way, ms. */
#define TICK_MS 100

struct stop {
	pthread_t thread; /* set once, as main */
	pthread_t main;
	_Atomic int asked; /* how often */

	struct lock lock;
	/* All below with lock. */
	struct stop_target target; /* leave is NULL before there is a mount */
	bool watching;             /* the main thread runs the loop */
	int64_t limit_ms;          /* monotonic; 0: none */
	bool ending;
};

/* The signals that the thread waits for.  SIGUSR2 is ours: it looks up. */
static void
waited_for(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGHUP);
	(void)sigaddset(set, SIGUSR2);
}

/* Only ends what the main thread waits in. */
static void
on_wake(int sig UNUSED)
{
}

static struct stop_target
target_now(struct stop *s)
{
	struct stop_target t;

	lock_take(&s->lock);
	t = s->target;
	lock_drop(&s->lock);
	return t;
}

static void
end_now(struct stop *s)
{
	struct stop_target t = target_now(s);

	if (t.last_words != NULL)
		t.last_words(t.ctx);
	_exit(t.last_words != NULL ? STOP_STATUS_LEFT : EXIT_FAILURE);
}

static void
on_asked(struct stop *s)
{
	bool again = atomic_fetch_add(&s->asked, 1) > 0;
	struct stop_target t = target_now(s);

	/* Until there is a mount, all that takes time looks at stop_asked. */
	if (t.leave == NULL)
		return;
	if (again)
		end_now(s);
	t.leave(t.ctx);
}

static void
on_hang_up(struct stop *s)
{
	struct stop_target t = target_now(s);

	if (t.hang_up != NULL)
		t.hang_up(t.ctx);
}

/* Wakes the main thread again and again, since a signal that comes just before it
 * begins to wait is lost.  False when there is nothing to look after. */
static bool
look_after(struct stop *s)
{
	bool over, busy;

	lock_take(&s->lock);
	busy = s->watching && atomic_load(&s->asked) > 0;
	if (busy)
		(void)pthread_kill(s->main, SIGUSR1);
	over = s->limit_ms != 0 && clock_mono_ms() >= s->limit_ms;
	busy = busy || s->limit_ms != 0;
	lock_drop(&s->lock);
	if (over)
		end_now(s);
	return busy;
}

static bool
is_ending(struct stop *s)
{
	bool ending;

	lock_take(&s->lock);
	ending = s->ending;
	lock_drop(&s->lock);
	return ending;
}

static void *
receive(void *arg)
{
	static const struct timespec tick = { .tv_nsec = TICK_MS * 1000000 };
	struct stop *s = arg;
	bool busy = false;
	sigset_t set;

	waited_for(&set);
	while (!is_ending(s)) {
		int sig = busy ? sigtimedwait(&set, NULL, &tick)
			       : sigwaitinfo(&set, NULL);

		if (sig == SIGTERM || sig == SIGINT)
			on_asked(s);
		else if (sig == SIGHUP)
			on_hang_up(s);
		busy = look_after(s);
	}
	return NULL;
}

int
stop_new(struct stop **out)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction wake = { .sa_handler = on_wake };
	struct stop *s = calloc(1, sizeof(*s));
	sigset_t set;
	int err;

	if (s == NULL)
		return -ENOMEM;
	lock_init(&s->lock, "stop");
	s->main = pthread_self();
	waited_for(&set);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGUSR1, &wake, NULL); /* without SA_RESTART */
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	err = pthread_create(&s->thread, NULL, receive, s);
	if (err != 0) {
		lock_release(&s->lock);
		free(s);
		return -err;
	}
	*out = s;
	return 0;
}

static void
look_up(struct stop *s)
{
	(void)pthread_kill(s->thread, SIGUSR2);
}

void
stop_free(struct stop *s)
{
	if (s == NULL)
		return;
	lock_take(&s->lock);
	s->ending = true;
	lock_drop(&s->lock);
	look_up(s);
	(void)pthread_join(s->thread, NULL);
	lock_release(&s->lock);
	free(s);
}

bool
stop_asked(void *arg)
{
	struct stop *s = arg;

	return atomic_load(&s->asked) > 0;
}

void
stop_watch(struct stop *s, const struct stop_target *target)
{
	lock_take(&s->lock);
	s->target = *target;
	s->watching = true;
	lock_drop(&s->lock);
	/* It may have been asked for a moment ago. */
	if (stop_asked(s))
		target->leave(target->ctx);
	look_up(s);
}

void
stop_watched(struct stop *s)
{
	lock_take(&s->lock);
	s->watching = false;
	lock_drop(&s->lock);
}

void
stop_limit(struct stop *s, int64_t ms)
{
	lock_take(&s->lock);
	s->limit_ms = clock_mono_ms() + ms;
	lock_drop(&s->lock);
	look_up(s);
}
