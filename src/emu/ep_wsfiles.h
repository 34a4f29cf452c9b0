/* emu/ep_wsfiles.h: handlers of /api/2.0/workspace-files, of which no document tells.
 * Reference, 3.4. */
#ifndef EMU_EP_WSFILES_H
#define EMU_EP_WSFILES_H

#include "emu/request.h"

handler_fn ep_wsfiles_import, ep_wsfiles_read, ep_wsfiles_object_info;
handler_fn ep_wsfiles_list, ep_wsfiles_new;

/* The path that the request's URL ends in, absolute, in new memory; NULL when it
 * does not. */
char *ep_wsfiles_subject(const struct request *req);

#endif
