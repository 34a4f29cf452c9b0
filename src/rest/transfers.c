/* rest/transfers.c - what is moving right now. */
#include "config.h"

#include "rest/transfers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/table.h"
#include "base/text.h"

#include "base/banned.h"

struct transfer {
	enum transfer_way way; /* set once, as subject, total and began_ms */
	char *subject;
	uint64_t total;
	int64_t began_ms;
	_Atomic uint64_t done;
	struct transfer *prev, *next;
};

struct transfers {
	struct lock lock;
	struct transfer *all; /* with lock */
};

int
transfers_new(struct transfers **out)
{
	struct transfers *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	lock_init(&t->lock, "transfers");
	*out = t;
	return 0;
}

void
transfers_free(struct transfers *t)
{
	if (t == NULL)
		return;
	lock_release(&t->lock);
	free(t);
}

struct transfer *
transfer_begin(struct transfers *t, enum transfer_way way, const char *subject,
    uint64_t total_bytes)
{
	struct transfer *x = t != NULL ? calloc(1, sizeof(*x)) : NULL;

	if (x == NULL)
		return NULL;
	x->subject = text_dup(subject);
	if (x->subject == NULL) {
		free(x);
		return NULL;
	}
	for (char *p = x->subject; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?'; /* a line is a transfer, a tab a column */
	x->way = way;
	x->total = total_bytes;
	x->began_ms = clock_mono_ms();
	lock_take(&t->lock);
	DL_APPEND(t->all, x);
	lock_drop(&t->lock);
	return x;
}

void
transfer_moved(struct transfer *x, uint64_t done_bytes)
{
	if (x != NULL)
		x->done = done_bytes;
}

void
transfer_end(struct transfers *t, struct transfer *x)
{
	if (x == NULL)
		return;
	lock_take(&t->lock);
	DL_DELETE(t->all, x);
	lock_drop(&t->lock);
	free(x->subject);
	free(x);
}

static int
print_one(const struct transfer *x, struct buf *out)
{
	int64_t ms = clock_mono_ms() - x->began_ms;
	uint64_t done = x->done;
	int ret;

	/* The frame of a form is sent, too. */
	if (x->total > 0 && done > x->total)
		done = x->total;
	ret = buf_puts(out, x->way == TRANSFER_UP ? "up\t" : "down\t");
	if (ret == 0 && x->total > 0)
		ret = buf_printf(out, "%" PRIu64 "%%\t%" PRIu64 "\t%" PRIu64,
		    done * 100 / x->total, done, x->total);
	else if (ret == 0)
		ret = buf_printf(out, "-\t%" PRIu64 "\t-", done);
	return ret < 0 ? ret : buf_printf(out, "\t%" PRIu64 "\t%" PRId64
	    "\t%s\n", ms > 0 ? done * 1000 / (uint64_t)ms : 0, ms / 1000,
	    x->subject);
}

int
transfers_print(struct transfers *t, struct buf *out)
{
	struct transfer *x;
	int ret;

	ret = buf_puts(out, "# way\tpercent\tbytes\tof\tbytes/s\tseconds\t"
	    "path\n");
	lock_take(&t->lock);
	DL_FOREACH(t->all, x) {
		if (ret < 0)
			break;
		ret = print_one(x, out);
	}
	lock_drop(&t->lock);
	return ret;
}
