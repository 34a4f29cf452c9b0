/* cache/listing.c - what is in a directory. */
#include "config.h"

#include "cache/listing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Index of name, or where it belongs. */
static size_t
index_of(const struct listing *l, const char *name, bool *found)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(l->rows[mid]->name, name);

		if (order == 0) {
			*found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*found = false;
	return low;
}

static void
add(struct listing *l, struct entry *e)
{
	(void)entry_ref(e);
	l->bytes += entry_bytes(e);
	l->dirs += e->kind == ENTRY_DIR;
}

static void
drop(struct listing *l, struct entry *e)
{
	l->bytes -= entry_bytes(e);
	l->dirs -= e->kind == ENTRY_DIR;
	entry_unref(e);
}

void
listing_clear(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		drop(l, l->rows[i]);
	l->n = 0;
}

void
listing_release(struct listing *l)
{
	listing_clear(l);
	free(l->rows);
	*l = (struct listing){ 0 };
}

int
listing_append(struct listing *l, struct entry *e)
{
	if (l->n == l->cap) {
		size_t cap = l->cap * 2 + 16;
		struct entry **more;

		more = realloc(l->rows, cap * sizeof(struct entry *));
		if (more == NULL)
			return -ENOMEM;
		l->rows = more;
		l->cap = cap;
	}
	add(l, e);
	l->rows[l->n++] = e;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

void
listing_sort(struct listing *l)
{
	size_t kept = 0;

	if (l->n == 0)
		return;
	qsort(l->rows, l->n, sizeof(struct entry *), by_name);
	for (size_t i = 1; i < l->n; i++) {
		if (strcmp(l->rows[kept]->name, l->rows[i]->name) == 0)
			drop(l, l->rows[i]);
		else
			l->rows[++kept] = l->rows[i];
	}
	l->n = kept + 1;
}

size_t
listing_after(const struct listing *l, const char *name)
{
	bool found = false;
	size_t i = name != NULL ? index_of(l, name, &found) : 0;

	return found ? i + 1 : i;
}

struct entry *
listing_find(const struct listing *l, const char *name)
{
	bool found;
	size_t i = index_of(l, name, &found);

	return found ? l->rows[i] : NULL;
}

int
listing_set(struct listing *l, struct entry *e)
{
	bool found;
	size_t i = index_of(l, e->name, &found);
	int ret;

	if (found) {
		add(l, e);
		drop(l, l->rows[i]);
		l->rows[i] = e;
		return 0;
	}
	ret = listing_append(l, e);
	if (ret < 0)
		return ret;
	memmove(&l->rows[i + 1], &l->rows[i],
	    (l->n - 1 - i) * sizeof(struct entry *));
	l->rows[i] = e;
	return 0;
}

void
listing_remove(struct listing *l, const char *name)
{
	bool found;
	size_t i = index_of(l, name, &found);

	if (!found)
		return;
	drop(l, l->rows[i]);
	memmove(&l->rows[i], &l->rows[i + 1],
	    (l->n - 1 - i) * sizeof(struct entry *));
	l->n--;
}
