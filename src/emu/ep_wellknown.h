/* emu/ep_wellknown.h: discovery, and tokens by client credentials. */
#ifndef EMU_EP_WELLKNOWN_H
#define EMU_EP_WELLKNOWN_H

#include "emu/request.h"

handler_fn ep_wellknown_config, ep_wellknown_oauth, ep_wellknown_token;

#endif
