/* emu/ep_scim.h: SCIM. */
#ifndef EMU_EP_SCIM_H
#define EMU_EP_SCIM_H

#include "emu/request.h"

handler_fn ep_scim_me;

#endif
