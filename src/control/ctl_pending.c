/* control/ctl_pending.c - files whose content the server does not have yet. */
#include "config.h"

#include "control/ctl_pending.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/text.h"
#include "cache/pending.h"
#include "cache/staging.h"

#include "base/banned.h"

/* The number that the name stands for: digits as we show them. */
static int
number_of(const struct ctl_at *at, unsigned *out)
{
	const char *name = at->names[0];
	uint64_t n;

	if (name[0] == '0' || text_u64(name, UINT_MAX, &n) < 0)
		return -ENOENT;
	*out = (unsigned)n;
	return 0;
}

static int
get(const struct ctl_at *at, struct pending_info *out)
{
	unsigned number;
	int ret;

	ret = number_of(at, &number);
	return ret < 0 ? ret : pending_get(at->ctl->pending, number, out);
}

int
ctl_pending_list(const struct ctl_at *at, ctl_name_fn *each, void *ctx)
{
	struct pending *pending = at->ctl->pending;
	size_t n, room = 64;
	unsigned *numbers = NULL;
	int ret = 0;

	for (;;) {
		unsigned *more = reallocarray(numbers, room, sizeof(*numbers));

		if (more == NULL) {
			free(numbers);
			return -ENOMEM;
		}
		numbers = more;
		n = pending_list(pending, numbers, room);
		if (n <= room)
			break;
		room = n + 64;
	}
	for (size_t i = 0; i < n && ret == 0; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%u", numbers[i]);
		ret = each(ctx, name);
	}
	free(numbers);
	return ret;
}

int
ctl_pending_find(const struct ctl_at *at)
{
	struct pending_info info;
	int ret;

	ret = get(at, &info);
	if (ret == 0)
		pending_info_release(&info);
	return ret;
}

int
ctl_pending_path_show(const struct ctl_at *at, struct buf *out)
{
	struct pending_info info;
	int ret;

	ret = get(at, &info);
	if (ret < 0)
		return ret;
	ret = buf_printf(out, "%s\n", info.path);
	pending_info_release(&info);
	return ret;
}

int
ctl_pending_state_show(const struct ctl_at *at, struct buf *out)
{
	struct pending_info info;
	int ret;

	ret = get(at, &info);
	if (ret < 0)
		return ret;
	ret = buf_printf(out, "%s\n", pending_state_name(info.state));
	pending_info_release(&info);
	return ret;
}

int
ctl_pending_reason_show(const struct ctl_at *at, struct buf *out)
{
	struct pending_info info;
	int ret;

	ret = get(at, &info);
	if (ret < 0)
		return ret;
	if (info.reason[0] != '\0')
		ret = buf_printf(out, "%s\n", info.reason);
	pending_info_release(&info);
	return ret;
}

/* --- its content -------------------------------------------------------------------- */

static ssize_t
data_read(void *ctx, struct call *call, uint64_t off, void *dst, size_t len)
{
	return staged_read(ctx, call, NULL, off, dst, len);
}

static void
data_close(void *ctx)
{
	staged_unref(ctx);
}

int
ctl_pending_data_open(const struct ctl_at *at, struct ctl_stream *out)
{
	struct pending_info info;
	int ret;

	ret = get(at, &info);
	if (ret < 0)
		return ret;
	if (!staged_complete(info.data)) {
		/* Zeros in place of what is on the server would be a lie. */
		text_copy(at->call->words, sizeof(at->call->words),
		    "parts of this file were not changed and are on the server"
		    " only");
		ret = -ENODATA;
	} else {
		*out = (struct ctl_stream){ data_read, data_close,
			staged_ref(info.data) };
	}
	pending_info_release(&info);
	return ret;
}

int
ctl_pending_data_size(const struct ctl_at *at, uint64_t *out)
{
	struct pending_info info;
	int ret;

	ret = get(at, &info);
	if (ret < 0)
		return ret;
	*out = staged_size(info.data);
	pending_info_release(&info);
	return 0;
}

/* --- actions ------------------------------------------------------------------------- */

static int
act(const struct ctl_at *at, enum pending_action action)
{
	unsigned number;
	int ret;

	ret = number_of(at, &number);
	return ret < 0
		   ? ret
		   : pending_act(at->ctl->pending, at->call, number, action);
}

int
ctl_pending_retry(const struct ctl_at *at, const char *value UNUSED)
{
	return act(at, PENDING_RETRY);
}

int
ctl_pending_discard(const struct ctl_at *at, const char *value UNUSED)
{
	return act(at, PENDING_DISCARD);
}
