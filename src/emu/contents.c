/* emu/contents.c - a set of hashes. */
#include "config.h"

#include "emu/contents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/lock.h"
#include "base/table.h"

#include "base/banned.h"

#define HEX_LEN (DIGEST_SHA256_HEX - 1)

struct content {
	char sha256[DIGEST_SHA256_HEX];
	UT_hash_handle hh;
};

struct contents {
	struct lock lock;
	struct content *all; /* guarded by lock */
};

int
contents_new(struct contents **out)
{
	struct contents *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	lock_init(&c->lock, "contents");
	*out = c;
	return 0;
}

void
contents_clear(struct contents *c)
{
	struct content *one, *next;

	lock_take(&c->lock);
	HASH_ITER(hh, c->all, one, next)
	{
		HASH_DEL(c->all, one);
		free(one);
	}
	lock_drop(&c->lock);
}

void
contents_free(struct contents *c)
{
	if (c == NULL)
		return;
	contents_clear(c);
	lock_release(&c->lock);
	free(c);
}

int
contents_add(struct contents *c, const char *sha256)
{
	struct content *one, *old;

	if (strlen(sha256) != HEX_LEN ||
	    strspn(sha256, "0123456789abcdef") != HEX_LEN)
		return -EINVAL;
	one = calloc(1, sizeof(*one));
	if (one == NULL)
		return -ENOMEM;
	memcpy(one->sha256, sha256, sizeof(one->sha256));
	lock_take(&c->lock);
	HASH_FIND(hh, c->all, sha256, HEX_LEN, old);
	if (old == NULL)
		HASH_ADD_KEYPTR(hh, c->all, one->sha256, HEX_LEN, one);
	lock_drop(&c->lock);
	if (old != NULL)
		free(one);
	return 0;
}

bool
contents_has(struct contents *c, const char *sha256)
{
	struct content *one;

	lock_take(&c->lock);
	HASH_FIND(hh, c->all, sha256, HEX_LEN, one);
	lock_drop(&c->lock);
	return one != NULL;
}

size_t
contents_count(struct contents *c)
{
	size_t count;

	lock_take(&c->lock);
	count = HASH_COUNT(c->all);
	lock_drop(&c->lock);
	return count;
}
