/* emu/ep_repos.h: handlers of /api/2.0/repos.  Reference, 3.6. */
#ifndef EMU_EP_REPOS_H
#define EMU_EP_REPOS_H

#include "emu/request.h"

handler_fn ep_repos_list, ep_repos_create, ep_repos_get, ep_repos_update;
handler_fn ep_repos_delete;

#endif
