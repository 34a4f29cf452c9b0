/* app/state.h: where a mount keeps what must outlive it.
 *
 *   BASE/v1/HOST-WORKSPACE-USER/MOUNT/{lock,journal,attrs,staging/}
 *
 * BASE is -o state_dir=, $STATE_DIRECTORY, $XDG_STATE_HOME/brickfs, or
 * ~/.local/state/brickfs of the passwd entry.  The directories from v1 down are
 * ours alone; nobody else may be able to change what lies above them.  One process
 * at a time has a mount directory; the kernel gives it up when that one ends.  What
 * an ended mount left is taken over by the next one of its identity that shows that
 * part of the tree (app/adopt.h). */
#ifndef APP_STATE_H
#define APP_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/call.h"

/* Whose state: names are made safe here. */
struct state_key {
	const char *host;      /* with the port, when it has one */
	const char *workspace; /* id; "" when the service does not say */
	const char *user;
	const char *mountpoint; /* absolute */
	const char *source;     /* what is mounted there */
};

struct state;

/* The directory to use, in new memory; chosen may be NULL.  -ENOENT when there is
 * no place for one. */
int state_base(const char *chosen, char **out) WARN_UNUSED;

/* Name of the directory of an identity, and of a mount in it: letters, digits and
 * ".-_" only, not beginning with a dot, different for different keys. */
char *state_identity_name(const struct state_key *key);
char *state_mount_name(const struct state_key *key);

/**
 * state_open - makes the directory of a mount and locks it
 *
 * While another process that was unmounted is still sending from it, waits for at
 * most wait_ms, and says so in the log.
 *
 * @words: told why, on failure
 *
 * Returns 0, or
 *   -EBUSY   another process has it
 *   -EPERM   a directory is not safe: others own it or may change it, or the
 *            mount would hide it
 *   -EINTR
 *   else     it cannot be made: there is no place for state
 */
int state_open(const char *base, const struct state_key *key, struct call *call,
    int64_t wait_ms, struct buf *words, struct state **out) WARN_UNUSED;
void state_close(struct state *s);

/* Tells each() of the directory of every other mount of the same identity that has
 * ended, and keeps others out of it meanwhile: no two mounts are told of one.  True:
 * nothing in it is worth keeping, and it goes. */
typedef bool state_ended_fn(void *ctx, const char *dir);
void state_each_ended(struct state *s, state_ended_fn *each, void *ctx);

/* The directory. */
const char *state_dir(const struct state *s);

/* From now on another mount may wait for us: we are unmounted. */
void state_leaving(struct state *s);

#endif
