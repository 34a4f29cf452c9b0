/* fs/lists.c - which listings are kept, and for how long. */
#include "config.h"

#include "fs/lists.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/reach.h"
#include "base/table.h"

#include "base/banned.h"

/* An out-of-date listing tells a walk where it is, for a while. */
#define LISTS_AGE_MS ((int64_t)60 * 1000)

bool
lists_is_fresh_locked(struct vfs *v, const struct node *dir)
{
	const struct node_dir *d = dir->dir;

	if (d == NULL || d->listed_ms == 0)
		return false;
	if (node_is_lost(v, dir))
		return d->listed_ms > 0;
	return !d->doubtful && clock_mono_ms() - d->listed_ms < node_ttl_ms(v, dir);
}

static void
uncount_locked(struct vfs *v, struct node_dir *d) REQUIRES(v->lock)
{
	v->lists_rows -= d->counted_rows;
	counter_add(CTR_listed_names, -(int64_t)d->counted_rows);
	v->lists_bytes -= d->counted_bytes;
	d->counted_rows = 0;
	d->counted_bytes = 0;
}

static void
count_locked(struct vfs *v, struct node_dir *d) REQUIRES(v->lock)
{
	uncount_locked(v, d);
	d->counted_rows = d->list.n;
	d->counted_bytes = d->list.bytes + d->list.cap * sizeof(d->list.rows[0]);
	v->lists_rows += d->counted_rows;
	counter_add(CTR_listed_names, (int64_t)d->counted_rows);
	v->lists_bytes += d->counted_bytes;
}

void
lists_doubt_locked(struct vfs *v, struct node *dir)
{
	struct node_dir *d = dir->dir;

	if (!reach_is_lost(v->config.reach)) {
		lists_forget_locked(v, dir);
	} else if (d != NULL) {
		d->doubtful = true;
		d->serial++;
	}
}

void
lists_forget_locked(struct vfs *v, struct node *dir)
{
	struct node_dir *d = dir->dir;

	if (d == NULL)
		return;
	d->serial++;
	listing_release(&d->list);
	d->listed_ms = 0;
	if (!d->kept)
		return;
	d->kept = false;
	uncount_locked(v, d);
	DL_DELETE(v->lists, d);
	node_unref_locked(v, dir);
}

void
lists_differ_locked(struct vfs *v UNUSED, struct node *dir)
{
	if (dir->dir != NULL)
		dir->dir->serial++;
}

/* Makes room; the list that was used last stays in any case. */
static void
evict_locked(struct vfs *v) REQUIRES(v->lock)
{
	int64_t now = clock_mono_ms();

	while (v->lists != NULL && v->lists->next != NULL) {
		const struct node_dir *last = v->lists->prev;

		if (v->lists_rows <= LISTS_ROWS &&
		    v->lists_bytes <= LISTS_BYTES &&
		    (v->config.reach != NULL || now - last->listed_ms <
			node_ttl_ms(v, last->node) + LISTS_AGE_MS))
			break;
		lists_forget_locked(v, last->node);
	}
}

void
lists_touch_locked(struct vfs *v, struct node *dir)
{
	struct node_dir *d = dir->dir;

	if (!d->kept)
		return;
	count_locked(v, d);
	if (v->lists == d)
		return;
	DL_DELETE(v->lists, d);
	DL_PREPEND(v->lists, d);
}

void
lists_keep_locked(struct vfs *v, struct node *dir, int64_t asked_ms)
{
	struct node_dir *d = dir->dir;

	d->listed_ms = asked_ms;
	d->doubtful = false;
	d->serial++;
	if (!d->kept) {
		d->kept = true;
		d->node = node_ref_locked(v, dir);
		DL_PREPEND(v->lists, d);
	}
	lists_touch_locked(v, dir);
	evict_locked(v);
}
