/* control/ctl_live.h: what goes on in the mount, and what it can be told to do. */
#ifndef CONTROL_CTL_LIVE_H
#define CONTROL_CTL_LIVE_H

#include "control/ctl_row.h"

ctl_show_fn ctl_live_metrics_show, ctl_live_errors_show,
    ctl_live_transfers_show;
ctl_store_fn ctl_live_sync;

#endif
