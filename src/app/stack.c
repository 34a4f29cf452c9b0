/* app/stack.c - the layers of a mount.
 *
 * What can be wrong outside (host, token, SOURCE) is found before the first
 * directory for state is made, so that a mount that fails leaves nothing behind. */
#include "config.h"

#include "app/stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/adopt.h"
#include "app/cache_dir.h"
#include "app/facts.h"
#include "app/offline.h"
#include "app/options.h"
#include "app/part.h"
#include "app/service.h"
#include "app/state.h"
#include "app/trees.h"
#include "app/words.h"
#include "backend/control.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/block_cache.h"
#include "cache/disk_tier.h"
#include "cache/journal.h"
#include "cache/overlay.h"
#include "cache/pending.h"
#include "cache/staging.h"
#include "fs/forget.h"
#include "fs/ops.h"
#include "fs/save.h"
#include "fs/vfs.h"
#include "ns/ns.h"
#include "rest/errors.h"

#include "base/banned.h"

#define BOOT_BYTES 64

/* Kernel requests that may wait for the network at once; the loop of app/mount.c
 * has a few threads more. */
#define MAX_BLOCKED 56

/* What waiting for an earlier mount of the same directory takes longer than its
 * draining, ms. */
#define HANDOVER_MS 5000

struct stack {
	struct stack_config config;
	bool read_only;
	char *scope;

	/* In the order in which they are built. */
	struct service service;
	struct trees trees;
	struct facts facts;
	struct state *state;
	struct vfs_left left;
	struct journal *journal;
	struct overlay *overlay;
	char boot[BOOT_BYTES]; /* "": nobody knows */
	struct staging *staging;
	struct disk_tier *disk; /* NULL: content is kept in memory only */
	struct block_cache *blocks;
	struct pending *pending;
	struct ctl_hooks hooks;
	struct ctl ctl;
	struct backend *control;
	struct entry *control_root;
	struct ns *ns;
	struct vfs *vfs;
	struct ops *ops;
	struct offline *offline; /* NULL: not started */
};

/* --- what is mounted ------------------------------------------------------------- */

static struct trees_config
trees_of(const struct stack *s)
{
	const struct config *c = s->config.config;

	return (struct trees_config){
		.rest = s->service.rest,
		.base_url = s->service.url,
		.org_id = s->service.me.org_id,
		.part = s->config.part,
		.notebooks = c->notebooks == NOTEBOOKS_IPYNB ? WS_IPYNB :
		    c->notebooks == NOTEBOOKS_FILES ? WS_FILES : WS_SOURCE,
		.journal = s->journal,
		.state_dir = s->state != NULL ? state_dir(s->state) : NULL,
		.verify_read = c->verify == VERIFY_READ,
	};
}

static int
find_source(struct stack *s, struct call *call, struct buf *words)
{
	const struct trees_config config = trees_of(s);

	return trees_find(&config, call, words, &s->trees);
}

/* Tells what is there and what is not, to .control. */
static int
gather_facts(struct stack *s)
{
	struct ctl_facts *shown = &s->facts.shown;
	int ret;

	ret = facts_init(s->config.config, &s->facts);
	shown->host = s->service.url;
	shown->workspace_id = s->service.me.org_id;
	shown->user = s->service.me.user_name;
	shown->credentials = s->service.origin;
	shown->source = s->config.part->shown;
	shown->mountpoint = s->config.mountpoint;
	for (size_t i = 0; i < s->trees.n && ret == 0; i++)
		ret = facts_add_tree(&s->facts, s->trees.all[i].name,
		    s->trees.all[i].why);
	return ret;
}

/* --- what is remembered ------------------------------------------------------------ */

static int
make_scope(struct stack *s)
{
	s->scope = text_printf("%s|%s|%s", s->service.url, s->service.me.org_id,
	    s->service.me.user_name);
	return s->scope != NULL ? 0 : -ENOMEM;
}

/* Is a failure to open the state no more than that there is no place for it? */
static bool
is_no_place(int err)
{
	return err != -EBUSY && err != -EPERM && err != -EINTR &&
	       err != -ENOMEM;
}

/* As it is told apart from others: a path in DBFS is without its tree. */
static void
name_source(const struct part *part, char *out, size_t bytes)
{
	if (part->all)
		out[0] = '\0';
	else
		(void)snprintf(out, bytes, "%s%s",
		    strcmp(part->tree, "dbfs") == 0 ? "" : part->tree,
		    part->path);
}

/* The directory for state.  Without a place for one the mount is read-only, unless
 * the user has named the place. */
static int
open_state(struct stack *s, struct call *call, struct buf *words)
{
	const struct config *config = s->config.config;
	const char *host = strstr(s->service.url, "://");
	char source[4096];
	const struct state_key key = {
		.host = host != NULL ? host + 3 : s->service.url,
		.workspace = s->service.me.org_id,
		.user = s->service.me.user_name,
		.mountpoint = s->config.mountpoint,
		.source = source,
	};
	struct buf why;
	char *base = NULL;
	int ret;

	name_source(s->config.part, source, sizeof(source));
	buf_init(&why, BUF_LIMIT_TEXT);
	ret = state_base(config->state_dir, &base);
	if (ret == 0)
		ret = state_open(base, &key, call,
		    config->drain_timeout_ms + HANDOVER_MS, &why, &s->state);
	else
		ret = words_say(&why, ret, "there is no home directory");
	free(base);
	if (ret < 0 && config->state_dir == NULL && is_no_place(ret)) {
		log_warn("state",
		    "%s: no place for unsent files, so this mount"
		    " is read-only; -o state_dir= names one",
		    buf_text(&why));
		s->read_only = true;
		ret = 0;
	} else if (ret < 0) {
		ret = words_say(words, ret, "%s%s",
		    is_no_place(ret) ? "no place for unsent files: " : "",
		    buf_text(&why));
	}
	buf_release(&why);
	return ret;
}

static int
explain_file(
    const struct stack *s, int err, const char *name, struct buf *words)
{
	if (err == -EPROTONOSUPPORT)
		return words_say(words, err,
		    "%s/%s was written by a newer"
		    " brickfs; use that one, or another -o state_dir=",
		    state_dir(s->state), name);
	return words_say(
	    words, err, "%s/%s: %s", state_dir(s->state), name, strerror(-err));
}

static void
adopt(struct stack *s)
{
	const struct entry *roots[TREES_MAX];
	struct adopt_config config = {
		.state = s->state,
		.journal = s->journal,
		.staging = s->staging,
		.overlay = s->overlay,
		.roots = roots,
		.left = &s->left,
	};

	for (size_t i = 0; i < s->trees.n; i++)
		if (s->trees.all[i].found != NULL)
			roots[config.n_roots++] = s->trees.all[i].found;
	adopt_left(&config);
}

static int
open_files(struct stack *s, struct buf *words)
{
	const char *dir = state_dir(s->state);
	char *journal = text_printf("%s/journal", dir);
	char *attrs = text_printf("%s/attrs", dir);
	char *staging = text_printf("%s/staging", dir);
	int ret = -ENOMEM;

	if (journal == NULL || attrs == NULL || staging == NULL)
		goto out;
	ret = journal_open(journal, vfs_left_collect, &s->left, &s->journal);
	if (ret < 0) {
		ret = explain_file(s, ret, "journal", words);
		goto out;
	}
	ret = overlay_new(attrs, &s->overlay);
	if (ret < 0) {
		ret = explain_file(s, ret, "attrs", words);
		goto out;
	}
	ret = staging_new(staging, &s->staging);
	if (ret < 0)
		ret = explain_file(s, ret, "staging", words);
	else
		adopt(s);
out:
	free(journal);
	free(attrs);
	free(staging);
	return ret;
}

/* The cache on disk.  Without it the mount works as well, though not as fast. */
static int
open_disk(struct stack *s)
{
	uint64_t budget = s->config.config->cache_disk;
	struct buf why;
	int ret;

	if (budget == 0)
		return facts_set_cache(&s->facts, NULL, "cache_disk is 0");
	buf_init(&why, BUF_LIMIT_TEXT);
	ret = cache_dir_open(
	    budget, s->scope, s->config.mountpoint, &why, &s->disk);
	if (ret < 0)
		log_warn("cache", "%s: no content is kept on disk",
		    buf_text(&why));
	if (ret != -ENOMEM)
		ret = facts_set_cache(&s->facts,
		    s->disk != NULL ? disk_tier_dir(s->disk) : NULL,
		    buf_text(&why));
	buf_release(&why);
	return ret;
}

static int
open_caches(struct stack *s, struct call *call, struct buf *words)
{
	int ret = 0;

	s->read_only = s->config.config->read_only;
	if (!s->read_only)
		ret = open_state(s, call, words);
	if (ret == 0 && s->state != NULL)
		ret = open_files(s, words);
	if (ret == 0)
		ret = open_disk(s);
	if (ret == 0)
		ret = block_cache_new(s->config.config->cache_mem, &s->blocks);
	if (ret == 0)
		block_cache_use_disk(s->blocks, s->disk);
	if (ret == 0)
		ret = pending_new(&s->pending);
	s->facts.shown.read_only = s->read_only;
	s->facts.shown.state_dir =
	    s->state != NULL ? state_dir(s->state) : NULL;
	return ret;
}

/* --- backends ------------------------------------------------------------------------ */

static int
open_trees(struct stack *s)
{
	const struct trees_config config = trees_of(s);

	return trees_open(&config, &s->trees);
}

static int
hook_sync(void *ctx, struct call *call)
{
	struct stack *s = ctx;

	return save_all(s->vfs, call);
}

static unsigned
hook_dirty(void *ctx)
{
	struct stack *s = ctx;

	return vfs_dirty(s->vfs);
}

static int
hook_forget(void *ctx, struct call *call, const char *path)
{
	struct stack *s = ctx;

	return forget_path(s->vfs, call, path);
}

static int
open_control(struct stack *s)
{
	s->hooks = (struct ctl_hooks){
		.sync = hook_sync,
		.dirty = hook_dirty,
		.forget = hook_forget,
		.ctx = s,
	};
	s->ctl = (struct ctl){
		.facts = &s->facts.shown,
		.hooks = &s->hooks,
		.errors = s->service.errors,
		.transfers = s->service.transfers,
		.rest = s->service.rest,
		.reach = s->service.reach,
		.pending = s->pending,
		.blocks = s->blocks,
		.disk = s->disk,
	};
	if (s->config.config->control == CONTROL_OFF)
		return 0;
	return control_new(&s->ctl, NS_CONTROL, &s->control, &s->control_root);
}

static int
open_namespace(struct stack *s)
{
	bool all = s->config.part->all;
	struct ns_tree trees[TREES_MAX];
	struct ns_config config = {
		.source = all ? NULL : s->trees.all[0].root,
		.trees = trees,
		.n_trees = all ? s->trees.n : 0,
		.control = s->control_root,
		.control_listed = all,
	};

	for (size_t i = 0; i < s->trees.n; i++)
		trees[i] = (struct ns_tree){ s->trees.all[i].name,
			s->trees.all[i].root };
	if (s->config.config->control == CONTROL_SHOWN)
		config.control_listed = true;
	if (s->config.config->control == CONTROL_HIDDEN)
		config.control_listed = false;
	return ns_new(&config, &s->ns);
}

/* --- the filesystem ------------------------------------------------------------------ */

/* The first that was said. */
static mode_t
mask_of(int64_t own, int64_t both, mode_t otherwise)
{
	if (own >= 0)
		return (mode_t)own;
	return both >= 0 ? (mode_t)both : otherwise;
}

/* Another one tells that what was not synced may be lost. */
static void
read_boot(char out[static BOOT_BYTES])
{
	struct buf text;

	out[0] = '\0';
	buf_init(&text, BOOT_BYTES - 1);
	if (io_read_file("/proc/sys/kernel/random/boot_id", &text) == 0) {
		text_copy(out, BOOT_BYTES, buf_text(&text));
		out[strcspn(out, "\n")] = '\0';
	}
	buf_release(&text);
}

static void
note_conflict(void *ctx, const char *path, int err, const char *words)
{
	struct stack *s = ctx;
	const struct error_row row = {
		.op = "upload",
		.request = "-",
		.subject = path,
		.code = "",
		.message = words,
		.request_id = "",
		.err = -err,
	};

	errors_add(s->service.errors, &row);
}

static int
open_filesystem(struct stack *s)
{
	const struct config *c = s->config.config;
	struct vfs_config config = {
		.ns = s->ns,
		.staging = s->staging,
		.journal = s->journal,
		.overlay = s->overlay,
		.blocks = s->blocks,
		.pending = s->pending,
		.reach = s->service.reach,
		.scope = s->scope,
		.uid = c->uid >= 0 ? (uid_t)c->uid : getuid(),
		.gid = c->gid >= 0 ? (gid_t)c->gid : getgid(),
		.fmask = mask_of(c->fmask, c->umask, s->config.umask),
		.dmask = mask_of(c->dmask, c->umask, s->config.umask),
		.attr_ttl_ms = c->attr_timeout_ms,
		.negative_ttl_ms = c->negative_timeout_ms,
		.scratch_keep_ms = c->scratch_keep_ms,
		.writeback_ms = c->writeback_ms,
		.conflict = c->conflict == CONFLICT_SIBLING ?
		    VFS_CONFLICT_SIBLING : c->conflict == CONFLICT_OVERWRITE ?
		    VFS_CONFLICT_OVERWRITE : VFS_CONFLICT_KEEP,
		.read_only = s->read_only,
		.on_conflict = note_conflict,
		.conflict_ctx = s,
		.left = &s->left,
	};
	int ret;

	read_boot(s->boot);
	if (s->boot[0] != '\0')
		config.boot = s->boot;
	ret = vfs_new(&config, &s->vfs);
	if (ret == 0)
		ret = ops_new(s->vfs, MAX_BLOCKED, &s->ops);
	return ret;
}

/* --- all of it ------------------------------------------------------------------------ */

static int
build(struct stack *s, struct call *call, struct buf *words)
{
	int ret;

	ret = service_open(s->config.config, call, words, &s->service);
	if (ret == 0)
		ret = find_source(s, call, words);
	if (ret == 0)
		ret = gather_facts(s);
	if (ret == 0)
		ret = make_scope(s);
	if (ret == 0)
		ret = open_caches(s, call, words);
	if (ret == 0)
		ret = open_trees(s);
	if (ret == 0)
		ret = open_control(s);
	if (ret == 0)
		ret = open_namespace(s);
	if (ret == 0)
		ret = open_filesystem(s);
	return ret;
}

int
stack_new(const struct stack_config *config, struct call *call,
    struct buf *words, struct stack **out)
{
	struct stack *s = calloc(1, sizeof(*s));
	int ret;

	if (s == NULL)
		return -ENOMEM;
	s->config = *config;
	ret = build(s, call, words);
	if (ret < 0 && words->len == 0)
		ret = words_say(words, ret, "%s", strerror(-ret));
	if (ret < 0) {
		stack_free(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
stack_free(struct stack *s)
{
	if (s == NULL)
		return;
	offline_stop(s->offline);
	ops_free(s->ops);
	vfs_free(s->vfs);
	ns_free(s->ns);
	entry_unref(s->control_root);
	control_free(s->control);
	trees_release(&s->trees);
	pending_free(s->pending);
	block_cache_free(s->blocks);
	disk_tier_free(s->disk);
	staging_free(s->staging);
	overlay_free(s->overlay);
	journal_close(s->journal);
	vfs_left_release(&s->left);
	state_close(s->state);
	facts_release(&s->facts);
	service_close(&s->service);
	free(s->scope);
	free(s);
}

struct ops *
stack_ops(struct stack *s)
{
	return s->ops;
}

bool
stack_is_read_only(const struct stack *s)
{
	return s->read_only;
}

int
stack_start(struct stack *s)
{
	int ret = 0;

	service_warm(&s->service);
	if (s->service.reach != NULL)
		ret = offline_start(s->service.reach, s->service.rest,
		    &s->offline);
	return ret == 0 ? vfs_start(s->vfs) : ret;
}

void
stack_leave(struct stack *s)
{
	if (s->state != NULL)
		state_leaving(s->state);
}

unsigned
stack_drain(struct stack *s, int64_t timeout_ms)
{
	unsigned left;

	stack_leave(s);
	left = vfs_drain(s->vfs, timeout_ms);
	offline_stop(s->offline);
	s->offline = NULL;
	return left;
}

unsigned
stack_dirty(struct stack *s)
{
	return vfs_dirty(s->vfs);
}

void
stack_drop_caches(struct stack *s)
{
	block_cache_drop_all(s->blocks);
}

const char *
stack_state_dir(const struct stack *s)
{
	return s->state != NULL ? state_dir(s->state) : NULL;
}
