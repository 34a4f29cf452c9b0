/* cache/promise.c - what a staging file held when it was promised. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "cache/staging_impl.h"

#include "base/banned.h"

/* What is cut off is kept as bytes up to here, else as the whole file. */
#define CUT_BYTES ((uint64_t)64 << 10)

/* --- promises ------------------------------------------------------------------ */

int
staged_promise(struct staged *f, struct staged_seal *out)
{
	struct staged_seal *now = malloc(sizeof(*now));
	struct undo *made = NULL;
	int ret = now != NULL ? 0 : -ENOMEM;

	staged_freeze(f);
	if (ret == 0)
		ret = undo_new(f->path, false, &made);
	lock_take(&f->lock);
	if (ret == 0) {
		if (f->undo == NULL) {
			f->undo = made;
			made = NULL;
		}
		now->seal = (struct seal){ ++f->seals, f->size };
		now->mapped = staged_map_locked(f, &now->map) == 0;
		free(f->sealed);
		f->sealed = now;
		*out = *now;
		now = NULL;
	}
	lock_drop(&f->lock);
	staged_thaw(f);
	undo_free(made, false);
	free(now);
	return ret;
}

bool
staged_promised(struct staged *f, struct staged_seal *out)
{
	bool promised;

	lock_take(&f->lock);
	promised = f->sealed != NULL;
	if (promised)
		*out = *f->sealed;
	lock_drop(&f->lock);
	return promised;
}

void
staged_recorded(struct staged *f, uint64_t seal)
{
	struct undo *undo;

	lock_take(&f->lock);
	undo = f->undo;
	lock_drop(&f->lock);
	if (undo != NULL)
		undo_recorded(undo, seal);
}

/* What was kept goes with the next promise, or with the file. */
void
staged_unpromise(struct staged *f, uint64_t seal)
{
	lock_take(&f->lock);
	if (f->sealed != NULL && f->sealed->seal.number == seal) {
		free(f->sealed);
		f->sealed = NULL;
	}
	lock_drop(&f->lock);
}

/* --- before a change ------------------------------------------------------------- */

int
promise_keep(struct staged *f, uint64_t start, uint64_t end)
{
	struct undo *undo = NULL;
	struct seal seal = { 0 };

	lock_take(&f->lock);
	if (f->sealed != NULL && start < f->sealed->seal.size) {
		undo = f->undo;
		seal = f->sealed->seal;
	}
	lock_drop(&f->lock);
	return undo != NULL ? undo_keep(undo, f->fd, &seal, start, end) : 0;
}

int
promise_keep_cut(struct staged *f, uint64_t size)
{
	struct staged_seal was;
	int ret = 0;

	if (!staged_promised(f, &was) || size >= was.seal.size)
		return 0;
	if (size == 0 && was.seal.size > CUT_BYTES) {
		ret = undo_empty(f->undo, f->fd, &was.seal);
		lock_take(&f->lock);
		f->names++;
		lock_drop(&f->lock);
		return ret;
	}
	for (size_t i = 0; ret == 0 && was.mapped && i < was.map.n; i++) {
		const struct range *r = &was.map.ranges[i];

		if (r->end > size)
			ret = promise_keep(f, r->start > size ? r->start : size,
			    r->end);
	}
	if (ret == 0)
		ret = promise_keep(f, was.mapped && was.map.base_end > size ?
		    was.map.base_end : size, was.seal.size);
	return ret == 0 ? undo_keep_cut(f->undo, &was.seal) : ret;
}

/* --- after a crash ----------------------------------------------------------------- */

/* What was promised of f before still is; nobody else has it yet. */
static int
take_seal(struct staged *f, const struct staged_seal *seal)
{
	struct staged_seal *copy = malloc(sizeof(*copy));
	int ret = copy != NULL ? undo_new(f->path, false, &f->undo) : -ENOMEM;

	if (ret < 0) {
		free(copy);
		staged_unref(f);
		return ret;
	}
	*copy = *seal;
	f->sealed = copy;
	f->seals = seal->seal.number;
	return 0;
}

int
staged_reopen_promised(struct staging *s, uint64_t number,
    const struct staged_seal *seal, struct staged **out, struct staged **later)
{
	const struct staged_map *map = seal->mapped ? &seal->map : NULL;
	char *path = staging_path(s, number), *to = NULL;
	uint64_t restored;
	int ret;

	*later = NULL;
	ret = path != NULL ? staging_new_path(s, &restored, &to) : -ENOMEM;
	if (ret == 0)
		ret = undo_restore(path, &seal->seal, to);
	if (ret == 0) /* what is kept is of before, or was being written */
		undo_remove(path);
	if (ret == 1) {
		/* What it was changed to is worth less. */
		if (staged_open_old(s, number, NULL, later) < 0)
			*later = NULL;
		else if (undo_new(path, true, &(*later)->undo) < 0)
			log_warn("staging", "%s: what was kept of it stays", path);
		number = restored;
	}
	if (ret >= 0)
		ret = staged_open_old(s, number, map, out);
	if (ret == 0 && *later == NULL)
		ret = take_seal(*out, seal);
	if (ret < 0 && *later != NULL) {
		staged_unref(*later);
		*later = NULL;
	}
	free(to);
	free(path);
	return ret;
}
