/* fs/vfs.c - a mount: built, started, drained, freed. */
#include "config.h"

#include "fs/vfs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cache/pending.h"
#include "fs/forget.h"
#include "fs/heal.h"
#include "fs/left.h"
#include "fs/measure.h"
#include "fs/node.h"
#include "fs/save.h"
#include "fs/save_record.h"
#include "fs/walk.h"
#include "ns/ns.h"

#include "base/banned.h"

/* How long what an earlier mount left half done may keep the first answer waiting,
 * ms. */
#define HEAL_FIRST_MS 5000

int
vfs_new(const struct vfs_config *config, struct vfs **out)
{
	struct vfs *v;
	struct entry *root = ns_root(config->ns);
	bool swept = false;
	int ret;

	assert(config->read_only || config->staging != NULL);
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	v->config = *config;
	v->config.left = NULL;
	lock_init(&v->lock, "vfs");
	cond_init(&v->changed);
	cond_init(&v->work);
	ret = walk_new(&v->walker);
	if (ret == 0)
		ret = measure_new(&v->measurer);
	if (ret < 0) {
		vfs_free(v);
		return ret;
	}
	lock_take(&v->lock);
	node_tables_init_locked(v);
	v->root = node_new_locked(v, NULL, NULL, ENTRY_DIR, root->backend,
	    root);
	lock_drop(&v->lock);
	if (v->root == NULL) {
		vfs_free(v);
		return -ENOMEM;
	}
	assert(v->root->id == 1); /* FUSE_ROOT_ID */
	v->root->seen_ms = clock_mono_ms();
	if (config->journal != NULL && heal_new(v, &v->heal) < 0) {
		vfs_free(v);
		return -ENOMEM;
	}
	if (config->left != NULL && config->staging != NULL)
		swept = left_take(v, config->left);
	if (swept)
		staging_sweep(config->staging);
	*out = v;
	return 0;
}

static bool
is_over(void *arg)
{
	const int64_t *until = arg;

	return clock_mono_ms() >= *until;
}

int
vfs_start(struct vfs *v)
{
	int64_t until = clock_mono_ms() + HEAL_FIRST_MS;
	struct call call = { .op = "recover", .class = CALL_BACKGROUND,
		.interrupted = is_over, .arg = &until };
	int ret = block_cache_start(v->config.blocks);

	if (v->heal != NULL)
		heal_first(v->heal, HEAL_FIRST_MS);
	if (ret == 0 && v->heal != NULL)
		ret = heal_start(v->heal);
	if (ret == 0)
		ret = save_start(v);
	if (ret == 0)
		save_cut_off(v, &call);
	if (ret == 0)
		walk_start(v);
	if (ret == 0)
		measure_start(v);
	return ret;
}

unsigned
vfs_drain(struct vfs *v, int64_t timeout_ms)
{
	unsigned left;

	walk_stop(v);
	measure_stop(v);
	left = save_stop(v, timeout_ms);
	block_cache_stop(v->config.blocks); /* it refers to nodes */
	if (v->heal != NULL)
		heal_stop(v->heal);
	return left;
}

unsigned
vfs_dirty(struct vfs *v)
{
	struct node *n;
	size_t at = 0;
	unsigned dirty;

	lock_take(&v->lock);
	dirty = v->loose;
	while ((n = node_next_locked(v, &at)) != NULL)
		dirty += n->scratch == SCRATCH_NO && node_is_dirty_locked(v, n);
	lock_drop(&v->lock);
	return dirty;
}

/* Gives back what one node holds of others; what is dirty stays on disk, also when
 * the mount did not come to its start. */
static void
strip_locked(struct vfs *v, struct node *n) REQUIRES(v->lock)
{
	if (n->parent != NULL && n->file != NULL && n->file->staged != NULL &&
	    (node_is_dirty_locked(v, n) || n->file->subject != 0))
		staged_keep(n->file->staged, true);
	if (n->file != NULL && n->file->pending != NULL) {
		uint64_t subject = n->file->subject;

		/* The record stays in the journal. */
		n->file->subject = 0;
		save_record_drop_locked(v, n);
		n->file->subject = subject;
	}
}

void
vfs_free(struct vfs *v)
{
	struct node *n;
	size_t at = 0;

	if (v == NULL)
		return;
	assert(v->n_threads == 0);
	block_cache_stop(v->config.blocks);
	heal_free(v->heal);
	lock_take(&v->lock);
	while ((n = node_next_locked(v, &at)) != NULL)
		strip_locked(v, n);
	lock_drop(&v->lock);
	save_record_reap(v);
	if (v->config.pending != NULL)
		pending_clear(v->config.pending);
	lock_take(&v->lock);
	forget_release_locked(v);
	node_free_all_locked(v);
	lock_drop(&v->lock);
	measure_free(v->measurer);
	walk_free(v->walker);
	cond_release(&v->changed);
	cond_release(&v->work);
	lock_release(&v->lock);
	free(v);
}
