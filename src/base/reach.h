/* base/reach.h: is the service there?
 *
 * For a mount that goes on with what it knows while the service cannot be reached.
 *
 * state   calls of the service       left by
 * -----   --------------------       -------
 * there   go                         reach_failed: lost; reach_doubt: who awaits a loss
 *                                    looks
 * lost    fail at once, but probes   reach_answered: there
 *
 * In the log it is said once when the service is lost, and once when it is back.  Every
 * function takes NULL for a mount that does not want this: then it is always there.
 * Any thread. */
#ifndef BASE_REACH_H
#define BASE_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct reach;

int reach_new(struct reach **out) WARN_UNUSED;
void reach_free(struct reach *r);

bool reach_is_lost(const struct reach *r);

/* What a call fails with while it is lost: the error by which it was lost. */
int reach_error(const struct reach *r);

/* The service has answered, whatever; there was no answer: err, and words for the log. */
void reach_answered(struct reach *r);
void reach_failed(struct reach *r, int err, const char *words);

/* Something has waited for an answer for long.  Is it there, if nothing was answered for
 * quiet_ms? */
void reach_doubt(struct reach *r, int64_t quiet_ms);
bool reach_is_doubted(const struct reach *r);

/* Returns true when it is lost or doubted, at the earliest after ms; false when reach_stop
 * was called. */
bool reach_await_lost(struct reach *r, int64_t ms);
void reach_stop(struct reach *r);
bool reach_is_stopped(const struct reach *r);

#endif
