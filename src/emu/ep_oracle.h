/* emu/ep_oracle.h: /emulator/, what tests ask about the emulator's state and put
 * into it without making API calls. */
#ifndef EMU_EP_ORACLE_H
#define EMU_EP_ORACLE_H

#include "emu/request.h"

handler_fn ep_oracle_counters, ep_oracle_reset, ep_oracle_log;
handler_fn ep_oracle_contents, ep_oracle_invariants;
handler_fn ep_oracle_history, ep_oracle_paths, ep_oracle_tree, ep_oracle_make;
handler_fn ep_oracle_get_file, ep_oracle_put_file, ep_oracle_delete_file;

#endif
