/* emu/ep_dbfs.h: DBFS, /api/2.0/dbfs/.  Reference, section 2. */
#ifndef EMU_EP_DBFS_H
#define EMU_EP_DBFS_H

#include "emu/request.h"

handler_fn ep_dbfs_get_status, ep_dbfs_list, ep_dbfs_read;
handler_fn ep_dbfs_delete, ep_dbfs_mkdirs, ep_dbfs_move;
handler_fn ep_dbfs_create, ep_dbfs_add_block, ep_dbfs_close, ep_dbfs_put;

#endif
