/* emu/ep_storage.h: handlers of signed URLs (emu/signed_url.h). */
#ifndef EMU_EP_STORAGE_H
#define EMU_EP_STORAGE_H

#include "emu/request.h"

handler_fn ep_storage_get, ep_storage_put;

#endif
