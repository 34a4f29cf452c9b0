/* control/ctl_cache.c - what is cached, and how it is forgotten. */
#include "config.h"

#include "control/ctl_cache.h"

#include <errno.h>

#include "base/attr.h"
#include "base/counters.h"
#include "base/jval.h"
#include "cache/block_cache.h"
#include "cache/disk_tier.h"
#include "control/ctl_json.h"

#include "base/banned.h"

/* A number of stats.json. */
struct figure {
	const char *name;
	int64_t value;
};

/* Takes the name with an object of these; null for none. */
static int
add_figures(struct json_object *doc, const char *name,
    const struct figure *figures, size_t n)
{
	struct json_object *group = json_object_new_object();
	int ret = group != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && ret == 0; i++)
		ret = jval_add_i64(group, figures[i].name, figures[i].value);
	if (ret < 0) {
		json_object_put(group);
		return ret;
	}
	return jval_add(doc, name, group);
}

static int
add_memory(struct json_object *doc, const struct ctl *ctl)
{
	struct block_stats st;

	block_cache_stats(ctl->blocks, &st);

	const struct figure figures[] = {
		{ "budget", (int64_t)st.budget },
		{ "bytes", (int64_t)st.bytes },
		{ "blocks", (int64_t)st.blocks },
		{ "hits", counter_get(CTR_cache_hits_total) },
		{ "misses", counter_get(CTR_cache_misses_total) },
		{ "evicted", counter_get(CTR_cache_evicted_total) },
	};

	return add_figures(doc, "memory", figures, ARRAY_LEN(figures));
}

static int
add_disk(struct json_object *doc, const struct ctl *ctl)
{
	struct disk_usage used;

	if (ctl->disk == NULL)
		return json_object_object_add(doc, "disk", NULL) < 0 ? -ENOMEM :
								       0;
	disk_tier_usage(ctl->disk, &used);

	const struct figure figures[] = {
		{ "budget", (int64_t)disk_tier_budget(ctl->disk) },
		{ "bytes", (int64_t)used.bytes },
		{ "blocks", (int64_t)used.blocks },
		{ "hits", counter_get(CTR_disk_cache_hits_total) },
		{ "misses", counter_get(CTR_disk_cache_misses_total) },
		{ "damaged", counter_get(CTR_disk_cache_damaged_total) },
		{ "evicted", counter_get(CTR_disk_cache_evicted_total) },
		{ "not_kept", counter_get(CTR_disk_cache_unkept_total) },
	};

	return add_figures(doc, "disk", figures, ARRAY_LEN(figures));
}

int
ctl_cache_stats_show(const struct ctl_at *at, struct buf *out)
{
	struct json_object *doc = json_object_new_object();
	int ret = doc != NULL ? 0 : -ENOMEM;

	if (ret == 0)
		ret = add_memory(doc, at->ctl);
	if (ret == 0)
		ret = add_disk(doc, at->ctl);
	return ctl_json_print(doc, ret, out);
}

int
ctl_cache_drop(const struct ctl_at *at, const char *value UNUSED)
{
	block_cache_drop_all(at->ctl->blocks);
	return 0;
}

int
ctl_cache_invalidate(const struct ctl_at *at, const char *value)
{
	const struct ctl_hooks *hooks = at->ctl->hooks;

	return hooks->forget(hooks->ctx, at->call, value);
}
