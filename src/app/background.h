/* app/background.h: a program that goes on after its command has returned.
 *
 * The command waits until the mount is there, so that what follows in a script
 * finds it; what goes wrong until then is told on its stderr, and is its exit
 * status. */
#ifndef APP_BACKGROUND_H
#define APP_BACKGROUND_H

#include "base/attr.h"

struct background {
	int pipe; /* to the command that waits */
};

/* Forks, before any thread is started.  Returns in the child only, with what was
 * inherited closed but stdin, stdout and stderr; or -errno. */
int background_begin(struct background *b) WARN_UNUSED;

/* The mount is there: leaves session, directory and terminal, and lets the command
 * return.  -EPIPE: nobody waits any more. */
int background_done(struct background *b) WARN_UNUSED;

#endif
