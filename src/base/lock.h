/* base/lock.h: mutexes with a name, and conditions that wait by the monotonic
 * clock.
 *
 * Nobody calls pthread_mutex_* or pthread_cond_* directly.  Taking a lock twice,
 * or dropping one that is not held, is a bug and stops the program. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct CAPABILITY("mutex") lock {
	pthread_mutex_t mutex;
	const char *name; /* for the message when a rule is broken; static */
};

struct cond {
	pthread_cond_t cond;
};

void lock_init(struct lock *l, const char *name);
void lock_release(struct lock *l);
void lock_take(struct lock *l) ACQUIRES(*l);
void lock_drop(struct lock *l) RELEASES(*l);

void cond_init(struct cond *c);
void cond_release(struct cond *c);
void cond_wait(struct cond *c, struct lock *l) REQUIRES(*l);

/* False when timeout_ms went by without a signal.  Check the condition in a
 * loop all the same. */
bool cond_wait_ms(struct cond *c, struct lock *l, int64_t timeout_ms)
    REQUIRES(*l);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

#endif
