/* emu/workspace.c - the tree of the workspace. */
#include "config.h"

#include "emu/workspace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/dbpath.h"
#include "emu/emu.h"
#include "emu/notebook.h"
#include "emu/object.h"

#include "base/banned.h"

/* What every workspace has.  Reference, 3.9. */
static const char *const tops[] = { "/Users/" EMU_USER, "/Shared",
	"/Repos/" EMU_USER };

static int
fresh(void *ctx, const char *path, bool is_dir, struct buf *note)
{
	struct emu *emu = ctx;
	struct object o;

	(void)path;
	object_init(
	    &o, is_dir ? "DIRECTORY" : "FILE", timeline_now_ms(&emu->timeline));
	return object_write(&o, note);
}

static uint64_t
names_max(void *ctx)
{
	const struct emu *emu = ctx;

	return (uint64_t)settings_get(&emu->settings, SET_CHILDREN_LIMIT);
}

int
workspace_open(struct emu *emu)
{
	int ret;

	emu->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	emu->workspace_owner = (struct store_owner){ fresh, names_max, emu };
	ret = store_open(emu->place, &emu->timeline, "workspace",
	    &emu->workspace_owner, &emu->workspace);
	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(tops); i++)
		ret = store_mkdirs(emu->workspace, tops[i], NULL);
	return ret;
}

void
workspace_close(struct emu *emu)
{
	store_close(emu->workspace);
	if (emu->utf8 != (locale_t)0)
		freelocale(emu->utf8);
}

struct placing {
	struct emu *emu;
	const struct workspace_thing *thing;
};

static int
decide(void *ctx, const struct store_node *old, struct buf *note)
{
	const struct placing *p = ctx;
	const struct workspace_thing *t = p->thing;
	struct object o;
	int ret = 0;

	if (old != NULL && old->is_dir)
		return -EISDIR;
	if (old != NULL)
		ret = object_read(old->note, &o);
	else
		object_init(&o, "FILE", timeline_now_ms(&p->emu->timeline));
	if (ret < 0)
		return ret;
	if (t->type != NULL) {
		o.type = t->type;
		o.language = t->language;
		o.format = t->format;
	}
	ret = object_write(&o, note);
	object_release(&o);
	return ret;
}

static int
make_parent(struct emu *emu, const char *path, const char *request)
{
	size_t len = (size_t)(dbpath_last(path) - path);
	char *dir;
	int ret;

	dir = strndup(path, len > 1 ? len - 1 : 1);
	ret = dir != NULL ? store_mkdirs(emu->workspace, dir, request)
			  : -ENOMEM;
	free(dir);
	return ret == -EEXIST ? -ENOTDIR : ret;
}

int
workspace_place(struct emu *emu, const char *path, struct spool *spool,
    const struct workspace_thing *thing, enum history_op op,
    const char *request)
{
	struct placing p = { emu, thing };
	int ret;

	ret = make_parent(emu, path, request);
	return ret < 0 ? ret
		       : store_place(emu->workspace, path, spool,
			     &(const struct store_placing){ op, request,
				 thing->mtime_ms > 0 ? thing->mtime_ms : -1,
				 decide, &p });
}

/* The language of the source that path will hold, if it will. */
static bool
is_source(struct emu *emu, const char *path,
    const struct workspace_thing *thing, enum notebook_language *language)
{
	const char *name = thing->language, *format = thing->format;
	struct object o = { 0 };
	struct store_node node;
	bool yes;

	if (thing->type == NULL &&
	    store_stat(emu->workspace, path, &node) == 0 &&
	    object_read(node.note, &o) == 0) {
		name = o.language;
		format = o.format;
	}
	yes = name != NULL && format != NULL && strcmp(format, "SOURCE") == 0 &&
	      notebook_language_of_name(name, language);
	object_release(&o);
	return yes;
}

int
workspace_put(struct emu *emu, const char *path, const void *data, size_t len,
    const struct workspace_thing *thing, const char *request)
{
	enum notebook_language language;
	struct spool *spool = NULL;
	struct buf source;
	int ret = 0;

	buf_init(&source, SIZE_MAX / 4);
	if (is_source(emu, path, thing, &language)) {
		ret = notebook_keep_source(data, len, language, &source);
		data = buf_text(&source);
		len = source.len;
	}
	if (ret == 0)
		ret = spool_new(store_spools(emu->workspace), &spool);
	if (ret == 0)
		ret = spool_write(spool, data, len);
	if (ret == 0)
		ret = workspace_place(
		    emu, path, spool, thing, HISTORY_ADMIN, request);
	spool_free(spool);
	buf_release(&source);
	return ret;
}
