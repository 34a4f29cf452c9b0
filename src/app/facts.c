/* app/facts.c - what .control/status.json and config.json say. */
#include "config.h"

#include "app/facts.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "app/options.h"
#include "base/clock.h"
#include "base/text.h"

#include "base/banned.h"

/* The text is ours, though nobody may change it meanwhile. */
static void
drop(const char *text)
{
	free((void *)(uintptr_t)text);
}

static int
add_option(void *ctx, const char *name, const char *value)
{
	struct facts *f = ctx;
	char *copy = text_dup(value);

	if (copy == NULL)
		return -ENOMEM;
	assert(f->shown.n_options < FACTS_OPTIONS_MAX);
	f->options[f->shown.n_options++] = (struct ctl_fact){ name, copy };
	return 0;
}

int
facts_init(const struct config *config, struct facts *facts)
{
	*facts = (struct facts){
		.shown = {
			.version = PACKAGE_VERSION,
			.started_ms = clock_real_ms(),
			.options = facts->options,
			.trees = facts->trees,
		},
	};
	return options_each(config, add_option, facts);
}

void
facts_release(struct facts *facts)
{
	for (size_t i = 0; i < facts->shown.n_options; i++)
		drop(facts->options[i].value);
	for (size_t i = 0; i < facts->shown.n_trees; i++)
		drop(facts->trees[i].why);
	facts->shown.n_options = facts->shown.n_trees = 0;
	drop(facts->shown.no_cache);
	facts->shown.no_cache = NULL;
}

int
facts_add_tree(struct facts *facts, const char *name, const char *why)
{
	char *copy = text_dup(why);

	if (why != NULL && copy == NULL)
		return -ENOMEM;
	assert(facts->shown.n_trees < FACTS_TREES_MAX);
	facts->trees[facts->shown.n_trees++] =
	    (struct ctl_tree_fact){ name, copy };
	return 0;
}

int
facts_set_cache(struct facts *facts, const char *dir, const char *why)
{
	facts->shown.cache_dir = dir;
	if (dir != NULL)
		return 0;
	facts->shown.no_cache = text_dup(why);
	return facts->shown.no_cache != NULL ? 0 : -ENOMEM;
}
