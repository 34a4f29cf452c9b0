/* app/stop.h: signals.
 *
 * One thread receives them; all others have them blocked.  SIGTERM and SIGINT ask
 * for an orderly end, a second one ends a mount at once; SIGHUP drops caches;
 * SIGPIPE is ignored. */
#ifndef APP_STOP_H
#define APP_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct stop;

/* What a mount does; called from the thread that receives signals. */
struct stop_target {
	/* The end was asked for: unmounts and makes the loop end. */
	void (*leave)(void *ctx);
	void (*hang_up)(void *ctx);
	/* The program ends at once: says what is left. */
	void (*last_words)(void *ctx);
	void *ctx;
};

/* Blocks the signals; before any other thread is started, from the main thread. */
int stop_new(struct stop **out) WARN_UNUSED;
void stop_free(struct stop *s);

/* Was the end asked for?  For struct call; arg is the struct stop. */
bool stop_asked(void *arg);

/* There is a mount; target is copied.  The main thread is about to run the loop:
 * its waits end when the end is asked for. */
void stop_watch(struct stop *s, const struct stop_target *target);

/* The loop has ended. */
void stop_watched(struct stop *s);

/* When the program is still there after that time, it ends at once. */
void stop_limit(struct stop *s, int64_t ms);

/* The exit status of a program that ends with something left unsent. */
#define STOP_STATUS_LEFT 3

#endif
