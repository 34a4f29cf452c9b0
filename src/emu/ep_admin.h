/* emu/ep_admin.h: /emulator/, what changes the emulator's behaviour. */
#ifndef EMU_EP_ADMIN_H
#define EMU_EP_ADMIN_H

#include "emu/request.h"

handler_fn ep_admin_get_clock, ep_admin_set_clock;
handler_fn ep_admin_get_settings, ep_admin_set_settings;
handler_fn ep_admin_get_rules, ep_admin_add_rule, ep_admin_delete_rules;
handler_fn ep_admin_tokens, ep_admin_expire, ep_admin_drop;

#endif
