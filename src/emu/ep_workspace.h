/* emu/ep_workspace.h: handlers of /api/2.0/workspace.  Reference, 3.3. */
#ifndef EMU_EP_WORKSPACE_H
#define EMU_EP_WORKSPACE_H

#include "emu/request.h"

/* ep_workspace.c */
handler_fn ep_workspace_get_status, ep_workspace_list, ep_workspace_mkdirs;
handler_fn ep_workspace_delete, ep_workspace_rename;

/* ep_workspace_import.c, ep_workspace_export.c */
handler_fn ep_workspace_import, ep_workspace_export;

#endif
