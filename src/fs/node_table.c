/* fs/node_table.c - nodes by their number, or by their name in a directory.
 *
 * Linear probing: a node is at the place of its hash or in the run of used slots that
 * begins there.  Whoever is removed is replaced by the next of the run that may stand
 * there, so that no run has a gap. */
#include "config.h"

#include "fs/node_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

#define CAP_MIN 64

static size_t
next_of(const struct node_table *t, size_t i)
{
	return (i + 1) & (t->cap - 1);
}

static size_t
home_of(const struct node_table *t, const struct node *n)
{
	return t->hash(n) & (t->cap - 1);
}

static void
place(struct node_table *t, struct node *n)
{
	size_t i = home_of(t, n);

	while (t->slots[i] != NULL)
		i = next_of(t, i);
	t->slots[i] = n;
}

static int
resize(struct node_table *t, size_t cap)
{
	struct node_table old = *t;
	struct node **slots = calloc(cap, sizeof(slots[0]));

	if (slots == NULL)
		return -ENOMEM;
	t->slots = slots;
	t->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i] != NULL)
			place(t, old.slots[i]);
	free(old.slots);
	return 0;
}

int
node_table_add(struct node_table *t, struct node *n)
{
	int ret = 0;

	if ((t->n + 1) * 5 > t->cap * 4)
		ret = resize(t, t->cap == 0 ? CAP_MIN : t->cap * 2);
	else if (t->cap > CAP_MIN && t->n * 8 < t->cap)
		(void)resize(t, t->cap / 2); /* or it stays larger than need be */
	if (ret < 0)
		return ret;
	place(t, n);
	t->n++;
	return 0;
}

void
node_table_remove(struct node_table *t, const struct node *n)
{
	size_t gap = home_of(t, n), i;

	while (t->slots[gap] != n) {
		assert(t->slots[gap] != NULL);
		gap = next_of(t, gap);
	}
	for (i = next_of(t, gap); t->slots[i] != NULL; i = next_of(t, i)) {
		size_t home = home_of(t, t->slots[i]);

		/* Does it belong at or before the gap? */
		if (((i - home) & (t->cap - 1)) >= ((i - gap) & (t->cap - 1))) {
			t->slots[gap] = t->slots[i];
			gap = i;
		}
	}
	t->slots[gap] = NULL;
	t->n--;
}

void
node_table_release(struct node_table *t)
{
	free(t->slots);
	t->slots = NULL;
	t->cap = 0;
	t->n = 0;
}

struct node *
node_table_find(const struct node_table *t, uint32_t hash, size_t *at)
{
	if (t->cap == 0)
		return NULL;
	return t->slots[(hash + (*at)++) & (t->cap - 1)];
}

struct node *
node_table_next(const struct node_table *t, size_t *at)
{
	while (*at < t->cap) {
		struct node *n = t->slots[(*at)++];

		if (n != NULL)
			return n;
	}
	return NULL;
}
