/* base/lock.c - mutexes that notice misuse. */
#include "config.h"

#include "base/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#include "base/banned.h"

/* A lock that cannot be taken is a bug in this program: going on would corrupt
 * what it guards. */
static void
must(int err, const char *what, const char *name)
{
	if (err == 0)
		return;
	(void)fprintf(stderr, "bug: %s of lock '%s': %s\n", what, name,
	    strerror(err));
	abort();
}

void
lock_init(struct lock *l, const char *name)
{
	pthread_mutexattr_t attr;

	l->name = name;
	must(pthread_mutexattr_init(&attr), "attributes", name);
	must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK),
	    "type", name);
	must(pthread_mutex_init(&l->mutex, &attr), "init", name);
	(void)pthread_mutexattr_destroy(&attr);
}

void
lock_release(struct lock *l)
{
	must(pthread_mutex_destroy(&l->mutex), "release", l->name);
}

void
lock_take(struct lock *l) NO_THREAD_CHECK
{
	must(pthread_mutex_lock(&l->mutex), "take", l->name);
}

void
lock_drop(struct lock *l) NO_THREAD_CHECK
{
	must(pthread_mutex_unlock(&l->mutex), "drop", l->name);
}

void
cond_init(struct cond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr), "attributes", "cond");
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "clock", "cond");
	must(pthread_cond_init(&c->cond, &attr), "init", "cond");
	(void)pthread_condattr_destroy(&attr);
}

void
cond_release(struct cond *c)
{
	must(pthread_cond_destroy(&c->cond), "release", "cond");
}

void
cond_wait(struct cond *c, struct lock *l)
{
	must(pthread_cond_wait(&c->cond, &l->mutex), "wait", l->name);
}

bool
cond_wait_ms(struct cond *c, struct lock *l, int64_t timeout_ms)
{
	int64_t until = clock_mono_ns() + timeout_ms * 1000000;
	struct timespec ts = {
		.tv_sec = (time_t)(until / 1000000000),
		.tv_nsec = (long)(until % 1000000000),
	};
	int err;

	err = pthread_cond_timedwait(&c->cond, &l->mutex, &ts);
	if (err == ETIMEDOUT)
		return false;
	must(err, "wait", l->name);
	return true;
}

void
cond_signal(struct cond *c)
{
	(void)pthread_cond_signal(&c->cond);
}

void
cond_broadcast(struct cond *c)
{
	(void)pthread_cond_broadcast(&c->cond);
}
