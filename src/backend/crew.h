/* backend/crew.h: the same call for many things, a few at a time.
 *
 * For what a service tells one by one: threads that live as long as the work. */
#ifndef BACKEND_CREW_H
#define BACKEND_CREW_H

#include <stddef.h>

#include "base/attr.h"
#include "base/call.h"

/* Thing i of n; non-zero ends the work.  call is the thread's own, and as urgent as the
 * one that it is done for.  Several at once. */
typedef int crew_fn(void *ctx, struct call *call, size_t i);

/* Calls work for 0 to n - 1, from width threads at most; the result that ended it, with
 * its words, or 0.  Returns when nothing is under way any more. */
int crew_run(size_t n, unsigned width, struct call *call, crew_fn *work,
    void *ctx) WARN_UNUSED;

#endif
