/* control/ctl_status.h: what is mounted, and how. */
#ifndef CONTROL_CTL_STATUS_H
#define CONTROL_CTL_STATUS_H

#include "control/ctl_row.h"

ctl_show_fn ctl_status_show, ctl_status_config_show;

#endif
