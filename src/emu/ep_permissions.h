/* emu/ep_permissions.h: handlers of /api/2.0/permissions, for what is in the
 * workspace.  Reference, 3.7 and 5.12. */
#ifndef EMU_EP_PERMISSIONS_H
#define EMU_EP_PERMISSIONS_H

#include "emu/request.h"

handler_fn ep_permissions_get, ep_permissions_set, ep_permissions_update;

#endif
