/* cache/listing.h: what is in a directory: entries, sorted by name.
 *
 * Filled by listing_append in any order, then sorted once; kept sorted by
 * listing_set and listing_remove.  Entries are shared: each row is a reference.
 * Not for several threads at once. */
#ifndef CACHE_LISTING_H
#define CACHE_LISTING_H

#include <stddef.h>

#include "base/attr.h"
#include "cache/entry.h"

struct listing { /* zeros: an empty one */
	struct entry **rows;
	size_t n, cap;
	size_t bytes; /* of the entries */
	size_t dirs;  /* of them ENTRY_DIR */
};

/* Without rows; the memory stays for the next ones, until listing_release. */
void listing_clear(struct listing *l);
void listing_release(struct listing *l);

/* -ENOMEM. */
int listing_append(struct listing *l, struct entry *e);

/* Sorts, and keeps one of each name: a hostile or confused server may list one
 * twice. */
void listing_sort(struct listing *l);

/* Index of the first row whose name comes after name; NULL: of the first row. */
size_t listing_after(const struct listing *l, const char *name);

/* Borrowed; NULL when the name is not in it. */
struct entry *listing_find(const struct listing *l, const char *name);

/* e in place of what has its name, if anything; -ENOMEM. */
int listing_set(struct listing *l, struct entry *e);
void listing_remove(struct listing *l, const char *name);

#endif
