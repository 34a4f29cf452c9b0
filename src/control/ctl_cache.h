/* control/ctl_cache.h: what is cached, and how it is forgotten. */
#ifndef CONTROL_CTL_CACHE_H
#define CONTROL_CTL_CACHE_H

#include "control/ctl_row.h"

ctl_show_fn ctl_cache_stats_show;
ctl_store_fn ctl_cache_drop, ctl_cache_invalidate;

#endif
