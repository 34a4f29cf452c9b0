/* control/ctl_status.c - what is mounted, and how. */
#include "config.h"

#include "control/ctl_status.h"

#include <errno.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/jval.h"
#include "base/reach.h"
#include "control/ctl_json.h"

#include "base/banned.h"

/* A text, or null for "there is none". */
static int
add_text(struct json_object *doc, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return json_object_object_add(doc, key, NULL) < 0 ? -ENOMEM : 0;
	return jval_add_str(doc, key, value);
}

static int
add_trees(struct json_object *doc, const struct ctl_facts *f)
{
	struct json_object *trees = json_object_new_object();
	int ret = trees != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; i < f->n_trees && ret == 0; i++) {
		const struct ctl_tree_fact *t = &f->trees[i];
		struct json_object *tree = json_object_new_object();

		ret = tree != NULL ? 0 : -ENOMEM;
		if (ret == 0)
			ret = jval_add_bool(tree, "available", t->why == NULL);
		if (ret == 0 && t->why != NULL)
			ret = jval_add_str(tree, "why", t->why);
		if (ret < 0) {
			json_object_put(tree);
			break;
		}
		ret = jval_add(trees, t->name, tree);
	}
	if (ret < 0) {
		json_object_put(trees);
		return ret;
	}
	return jval_add(doc, "trees", trees);
}

static int
add_since(struct json_object *doc, int64_t started_ms)
{
	char when[CLOCK_TEXT_BYTES];

	clock_text(started_ms, when);
	return jval_add_str(doc, "mounted_since", when);
}

int
ctl_status_show(const struct ctl_at *at, struct buf *out)
{
	const struct ctl_facts *f = at->ctl->facts;
	const struct ctl_hooks *hooks = at->ctl->hooks;
	struct json_object *doc = json_object_new_object();
	int ret = doc != NULL ? 0 : -ENOMEM;

	if (ret == 0)
		ret = jval_add_str(doc, "version", f->version);
	if (ret == 0)
		ret = add_text(doc, "host", f->host);
	if (ret == 0)
		ret = add_text(doc, "workspace_id", f->workspace_id);
	if (ret == 0)
		ret = add_text(doc, "user", f->user);
	if (ret == 0)
		ret = add_text(doc, "credentials", f->credentials);
	if (ret == 0)
		ret = add_text(doc, "source", f->source);
	if (ret == 0)
		ret = add_text(doc, "mount_point", f->mountpoint);
	if (ret == 0)
		ret = add_since(doc, f->started_ms);
	if (ret == 0)
		ret = jval_add_bool(doc, "read_only", f->read_only);
	if (ret == 0)
		ret = jval_add_bool(doc, "offline",
		    reach_is_lost(at->ctl->reach));
	if (ret == 0)
		ret = add_text(doc, "state_directory", f->state_dir);
	if (ret == 0)
		ret = add_text(doc, "cache_directory", f->cache_dir);
	if (ret == 0 && f->cache_dir == NULL)
		ret = add_text(doc, "cache_directory_why", f->no_cache);
	if (ret == 0)
		ret = add_trees(doc, f);
	if (ret == 0)
		ret =
		    jval_add_i64(doc, "unsent_files", hooks->dirty(hooks->ctx));
	if (ret == 0)
		ret = jval_add_i64(doc, "pending", counter_get(CTR_pending));
	return ctl_json_print(doc, ret, out);
}

int
ctl_status_config_show(const struct ctl_at *at, struct buf *out)
{
	const struct ctl_facts *f = at->ctl->facts;
	struct json_object *doc = json_object_new_object();
	int ret = doc != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; i < f->n_options && ret == 0; i++)
		ret =
		    jval_add_str(doc, f->options[i].name, f->options[i].value);
	return ctl_json_print(doc, ret, out);
}
