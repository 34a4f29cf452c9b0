/* emu/verbs_server.h: verbs that hit more than the request that meets them. */
#ifndef EMU_VERBS_SERVER_H
#define EMU_VERBS_SERVER_H

#include "emu/verbs.h"

verb_fn verbs_server_crash;

#endif
