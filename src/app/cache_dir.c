/* app/cache_dir.c - where the content of remote files is kept between mounts. */
#include "config.h"

#include "app/cache_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "app/place.h"
#include "app/words.h"
#include "cache/disk_tier.h"

#include "base/banned.h"

/* What stays free for others: a 20th of the filesystem, and no more than this. */
#define FLOOR_PART 20
#define FLOOR_MAX  ((uint64_t)4 << 30)

static uint64_t
floor_of(const char *dir)
{
	struct statvfs st;
	uint64_t part;

	if (statvfs(dir, &st) < 0)
		return FLOOR_MAX;
	part = (uint64_t)st.f_blocks * st.f_frsize / FLOOR_PART;
	return part < FLOOR_MAX ? part : FLOOR_MAX;
}

static int
open_tier(const char *dir, uint64_t budget, const char *scope,
    struct buf *words, struct disk_tier **out)
{
	const struct disk_config config = {
		.dir = dir,
		.budget = budget,
		.floor = floor_of(dir),
		.scope = scope,
	};
	int ret = disk_tier_new(&config, out);

	if (ret == -EPROTONOSUPPORT)
		return words_say(
		    words, ret, "%s was made by a newer brickfs", dir);
	if (ret < 0)
		return words_say(words, ret, "%s: %s", dir, strerror(-ret));
	return 0;
}

int
cache_dir_open(uint64_t budget, const char *scope, const char *mountpoint,
    struct buf *words, struct disk_tier **out)
{
	char *base = NULL, *path = NULL;
	int ret;

	ret = place_base(&place_cache, NULL, &base);
	if (ret < 0)
		return words_say(words, ret, "there is no home directory");
	ret = place_make(&place_cache, base, mountpoint, words, &path);
	if (ret == 0)
		ret = place_step(&path, "v1", words);
	if (ret == 0)
		ret = place_step(&path, "blocks", words);
	if (ret == 0)
		ret = open_tier(path, budget, scope, words, out);
	free(path);
	free(base);
	return ret;
}
