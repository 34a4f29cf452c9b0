/* emu/ep_wellknown.h: discovery, tokens by client credentials, the login page. */
#ifndef EMU_EP_WELLKNOWN_H
#define EMU_EP_WELLKNOWN_H

#include "emu/request.h"

handler_fn ep_wellknown_config, ep_wellknown_oauth, ep_wellknown_token,
    ep_wellknown_login;

#endif
