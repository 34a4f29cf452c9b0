/* control/ctl_pending.h: files whose content the server does not have yet. */
#ifndef CONTROL_CTL_PENDING_H
#define CONTROL_CTL_PENDING_H

#include "control/ctl_row.h"

ctl_list_fn ctl_pending_list;
ctl_find_fn ctl_pending_find;
ctl_show_fn ctl_pending_path_show, ctl_pending_state_show,
    ctl_pending_reason_show;
ctl_open_fn ctl_pending_data_open;
ctl_size_fn ctl_pending_data_size;
ctl_store_fn ctl_pending_retry, ctl_pending_discard;

#endif
