/* fs/rows.c - what one reader of a directory walks over. */
#include "config.h"

#include "fs/rows.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fs/dir.h"
#include "fs/lists.h"
#include "fs/notifier.h"
#include "fs/walk.h"

#include "base/banned.h"

static int
rows_add(struct dir_rows *rows, struct entry *e, struct node *n)
{
	if (rows->n == rows->cap) {
		size_t cap = rows->cap * 2 + 16;
		struct dir_row *more;

		more = realloc(rows->rows, cap * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		rows->rows = more;
		rows->cap = cap;
	}
	rows->rows[rows->n++] = (struct dir_row){
		.entry = e != NULL ? entry_ref(e) : NULL,
		.node = n,
	};
	if (n != NULL)
		n->refs++;
	return 0;
}

static int
rows_fill_locked(struct vfs *v, struct node *dir, struct dir_rows *rows)
    REQUIRES(v->lock)
{
	const struct listing *list = &dir->dir->list;
	struct node *c;
	int ret = 0;

	for (size_t i = 0; i < list->n && ret == 0; i++) {
		struct entry *e = list->rows[i];

		c = node_find_locked(v, dir, e->name);
		if (c != NULL && node_is_local_locked(v, c))
			continue; /* below */
		if (dir_aside_locked(v, dir, e->name) == NULL)
			ret = rows_add(rows, e, NULL);
	}
	DL_FOREACH(dir->children, c) {
		if (ret < 0)
			break;
		if (node_is_local_locked(v, c))
			ret = rows_add(rows, NULL, c);
	}
	rows->serial = dir->dir->serial;
	rows->until_ms = dir->dir->listed_ms + node_ttl_ms(v, dir);
	return ret;
}

/* The service has n no more.  That is no end of a list: libraries take ENOENT for one,
 * and who mirrors what another client moved away would empty the copy. */
static int
vanished_locked(struct vfs *v, struct node *n, int64_t asked_ms) REQUIRES(v->lock)
{
	if (n->parent != NULL)
		notifier_name(v->notifier, n->parent->id, n->name);
	(void)dir_answer_locked(v, n, n->remote, NULL, -ENOENT, asked_ms);
	return -ESTALE;
}

int
rows_load(struct vfs *v, struct call *call, struct node *n,
    struct dir_rows *rows)
{
	int64_t asked_ms = clock_mono_ms();
	int ret;

	rows_release(v, rows);
	lock_take(&v->lock);
	if (node_dir_locked(v, n) == NULL) {
		ret = -ENOMEM;
	} else {
		walk_visit_locked(v, n, true);
		ret = dir_list_locked(v, call, n, true);
		if (ret == -EINTR)
			walk_end_locked(v, n);
		if (ret == -ENOENT)
			ret = vanished_locked(v, n, asked_ms);
	}
	/* The kernel does not ask for what was removed through it. */
	if (ret == 0 && n->gone)
		ret = -ESTALE;
	if (ret == 0)
		ret = rows_fill_locked(v, n, rows);
	rows->loaded = ret == 0;
	lock_drop(&v->lock);
	return ret;
}

bool
rows_kernel_has(struct vfs *v, struct node *n, struct dir_rows *rows)
{
	bool has;

	lock_take(&v->lock);
	has = lists_is_fresh_locked(v, n) &&
	    n->dir->kernel_serial == n->dir->serial &&
	    rows_fill_locked(v, n, rows) == 0;
	rows->loaded = has;
	lock_drop(&v->lock);
	if (!has)
		rows_release(v, rows);
	return has;
}

void
rows_kernel_gets_locked(struct vfs *v UNUSED, struct node *n,
    const struct dir_rows *rows, bool begin)
{
	struct node_dir *d = n->dir;

	if (d == NULL)
		return;
	if (rows->serial != d->serial)
		d->kernel_serial = 0; /* rows of one list among those of another */
	else if (begin)
		d->kernel_serial = d->serial;
}

void
rows_release(struct vfs *v, struct dir_rows *rows)
{
	lock_take(&v->lock);
	for (size_t i = 0; i < rows->n; i++) {
		entry_unref(rows->rows[i].entry);
		if (rows->rows[i].node != NULL)
			node_unref_locked(v, rows->rows[i].node);
	}
	lock_drop(&v->lock);
	free(rows->rows);
	*rows = (struct dir_rows){ 0 };
}

const char *
rows_name_locked(struct vfs *v UNUSED, const struct dir_row *row)
{
	return row->entry != NULL ? row->entry->name : row->node->name;
}

struct node *
rows_node_locked(struct vfs *v, struct node *dir, const struct dir_row *row)
{
	struct node *n;
	struct entry *e = row->entry;

	if (e == NULL)
		return row->node->parent == dir ?
		    node_ref_locked(v, row->node) : NULL;
	n = node_find_locked(v, dir, e->name);
	if (n == NULL) {
		/* As the list has it by now: it may be deleted, or another. */
		if (dir->dir != NULL && dir->dir->listed_ms != 0)
			e = listing_find(&dir->dir->list, e->name);
		if (dir->dir == NULL || dir->gone || e == NULL)
			return NULL;
		n = dir_take_locked(v, dir, e->name, e,
		    dir->dir->listed_ms != 0 ? dir->dir->listed_ms : 1);
	}
	return n != NULL ? node_ref_locked(v, n) : NULL;
}
