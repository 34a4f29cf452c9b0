/* emu/verbs_server.c - verbs that hit more than the request that meets them. */
#include "config.h"

#include "emu/verbs_server.h"

#include <signal.h>
#include <unistd.h>

#include "emu/request.h"

#include "base/banned.h"

/* As a power cut: nothing is written out, closed or said any more. */
void
verbs_server_crash(struct request *req, struct json_object *args)
{
	(void)req;
	(void)args;
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause(); /* until it arrives */
}
