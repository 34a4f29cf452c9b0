/* fs/node_table: nodes by their number, or by their name. */
#include "config.h"

#include <stdlib.h>

#include "fs/node.h"
#include "tests/support/unit.h"

#define NODES 5000

static struct node_table table;
static struct node nodes[NODES];

/* Few values, so that runs are long and meet, also around the end. */
static uint32_t
hash_few(const struct node *n)
{
	return (uint32_t)n->id % 37 * 0x01000193U - 20;
}

static bool
has(const struct node *n)
{
	const struct node *found;
	size_t at = 0;

	do {
		found = node_table_find(&table, hash_few(n), &at);
	} while (found != NULL && found != n);
	return found == n;
}

static void
add(unsigned i)
{
	nodes[i].id = i;
	ck_assert_int_eq(node_table_add(&table, &nodes[i]), 0);
}

/* Exactly those for which kept() is true are there, each once. */
static void
expect(bool (*kept)(unsigned i))
{
	unsigned seen[NODES] = { 0 }, n = 0;
	struct node *found;
	size_t at = 0;

	while ((found = node_table_next(&table, &at)) != NULL)
		seen[found->id]++;
	for (unsigned i = 0; i < NODES; i++) {
		ck_assert_uint_eq(seen[i], kept(i));
		ck_assert_int_eq(has(&nodes[i]), kept(i));
		n += kept(i);
	}
	ck_assert_uint_eq(table.n, n);
}

static bool
all(unsigned i UNUSED)
{
	return true;
}

static bool
thirds(unsigned i)
{
	return i % 3 == 0;
}

static bool
few(unsigned i)
{
	return i < 30 && i % 3 == 0;
}

START_TEST(what_was_added_is_found_until_it_is_removed)
{
	size_t cap;

	table.hash = hash_few;
	ck_assert(!has(&nodes[0]));
	for (unsigned i = 0; i < NODES; i++)
		add(i);
	expect(all);
	for (unsigned i = 0; i < NODES; i++)
		if (!thirds(i))
			node_table_remove(&table, &nodes[i]);
	expect(thirds);
	for (unsigned i = NODES; i-- > 0;)
		if (thirds(i) && !few(i))
			node_table_remove(&table, &nodes[i]);
	expect(few);
	/* What is not needed any more is given back with time. */
	cap = table.cap;
	for (unsigned i = 0; i < 20; i++) {
		node_table_remove(&table, &nodes[0]);
		add(0);
	}
	ck_assert_uint_lt(table.cap, cap / 16);
	expect(few);
	node_table_release(&table);
	ck_assert_uint_eq(table.cap, 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(what_was_added_is_found_until_it_is_removed),
};

UNIT_MAIN("node_table", tests)
