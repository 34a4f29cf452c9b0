/* control/ctl_live.c - what goes on in the mount, and what it can be told to do. */
#include "config.h"

#include "control/ctl_live.h"

#include "base/attr.h"
#include "base/counters.h"
#include "rest/errors.h"
#include "rest/rest.h"
#include "rest/transfers.h"

#include "base/banned.h"

int
ctl_live_metrics_show(const struct ctl_at *at, struct buf *out)
{
	int ret;

	ret = counters_print(out);
	if (ret == 0)
		ret = rest_print_limits(at->ctl->rest, out);
	if (ret < 0)
		return ret;
	return buf_printf(out,
	    "# HELP brickfs_dirty_files Files with unsent changes.\n"
	    "# TYPE brickfs_dirty_files gauge\n"
	    "brickfs_dirty_files %u\n",
	    at->ctl->hooks->dirty(at->ctl->hooks->ctx));
}

int
ctl_live_errors_show(const struct ctl_at *at, struct buf *out)
{
	return errors_print(at->ctl->errors, out);
}

int
ctl_live_transfers_show(const struct ctl_at *at, struct buf *out)
{
	return transfers_print(at->ctl->transfers, out);
}

int
ctl_live_sync(const struct ctl_at *at, const char *value UNUSED)
{
	return at->ctl->hooks->sync(at->ctl->hooks->ctx, at->call);
}
