/* app/offline.h: looks for a service that cannot be reached, until it is back.
 *
 * The only one that asks it then; everybody else fails at once (base/reach.h). */
#ifndef APP_OFFLINE_H
#define APP_OFFLINE_H

#include "base/attr.h"

struct offline;
struct reach;
struct rest;

/* The thread; after the last fork.  Both are borrowed. */
int offline_start(struct reach *reach, struct rest *rest,
    struct offline **out) WARN_UNUSED;
void offline_stop(struct offline *o); /* NULL does nothing */

#endif
