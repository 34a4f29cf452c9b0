/* backend/control.c - the .control tree as a backend of session files. */
#include "config.h"

#include "backend/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/ctl_session.h"
#include "control/ctl_tree.h"

#include "base/banned.h"

static const char tree[] = "control";

/* Directories can be listed and entered; nothing can be made in them. */
#define DIR_MODE 0500

struct control {
	struct backend backend;
	const struct ctl *ctl; /* set once; borrowed */
};

struct session {
	struct ctl_session *ctl;
};

static struct control *
control_of(struct backend *b)
{
	return container_of(b, struct control, backend);
}

/* --- names -------------------------------------------------------------------------- */

static int
make_entry(struct control *c, struct call *call, const char *path,
    const char *name, struct entry **out)
{
	struct version version = { .mtime_ms = c->ctl->facts->started_ms };
	struct ctl_place place;
	struct entry *e;
	int ret;

	ret = ctl_tree_find(c->ctl, call, path, &place);
	if (ret < 0)
		return ret;
	if (place.row != NULL && place.row->size != NULL)
		ret = place.row->size(&place.at, &version.size);
	if (ret < 0)
		return ret;
	e = entry_new(&c->backend, tree,
	    place.row != NULL ? ENTRY_SESSION : ENTRY_DIR, path, name,
	    &version);
	if (e == NULL)
		return -ENOMEM;
	e->mode = (uint16_t)(place.row != NULL ? place.row->mode : DIR_MODE);
	*out = e;
	return 0;
}

static int
lookup_below(struct control *c, struct call *call, const char *dir,
    const char *name, struct entry **out)
{
	char *path = text_printf("%s%s%s", dir, *dir != '\0' ? "/" : "", name);
	int ret;

	if (path == NULL)
		return -ENOMEM;
	ret = make_entry(c, call, path, name, out);
	free(path);
	return ret;
}

static int
control_lookup(struct backend *b, struct call *call, const struct entry *dir,
    const char *name, struct entry **out)
{
	return lookup_below(control_of(b), call, dir->path, name, out);
}

static int
control_refresh(struct backend *b, struct call *call, const struct entry *e,
    struct entry **out)
{
	return make_entry(control_of(b), call, e->path, e->name, out);
}

struct listing {
	struct control *control;
	struct call *call;
	const char *dir;
	entry_fn *each;
	void *ctx;
};

static int
list_one(void *ctx, const char *name)
{
	struct listing *l = ctx;
	struct entry *e;
	int ret;

	ret = lookup_below(l->control, l->call, l->dir, name, &e);
	if (ret == -ENOENT)
		return 0; /* it has just gone */
	if (ret < 0)
		return ret;
	ret = l->each(l->ctx, e);
	entry_unref(e);
	return ret;
}

static int
control_list(struct backend *b, struct call *call, const struct entry *dir,
    entry_fn *each, void *ctx)
{
	struct listing l = { control_of(b), call, dir->path, each, ctx };

	return ctl_tree_list(l.control->ctl, call, dir->path, list_one, &l);
}

/* --- sessions ------------------------------------------------------------------------ */

static int
control_open(struct backend *b, struct call *call, const struct entry *e,
    int flags, struct session **out)
{
	struct session *s = calloc(1, sizeof(*s));
	int ret;

	if (s == NULL)
		return -ENOMEM;
	ret =
	    ctl_session_open(control_of(b)->ctl, call, e->path, flags, &s->ctl);
	if (ret < 0)
		free(s);
	else
		*out = s;
	return ret;
}

static ssize_t
control_session_read(
    struct session *s, struct call *call, uint64_t off, void *dst, size_t len)
{
	return ctl_session_read(s->ctl, call, off, dst, len);
}

/* The offset means nothing: a file is written from its beginning or appended to,
 * and each value acts. */
static ssize_t
control_session_write(struct session *s, struct call *call, uint64_t off UNUSED,
    const void *src, size_t len)
{
	return ctl_session_write(s->ctl, call, src, len);
}

static int
control_session_flush(struct session *s UNUSED, struct call *call UNUSED)
{
	return 0; /* what was complete has acted */
}

static void
control_session_close(struct session *s)
{
	ctl_session_close(s->ctl);
	free(s);
}

static const struct backend_ops control_ops = {
	.lookup = control_lookup,
	.refresh = control_refresh,
	.list = control_list,
	.open = control_open,
	.session_read = control_session_read,
	.session_write = control_session_write,
	.session_flush = control_session_flush,
	.session_close = control_session_close,
};

int
control_new(const struct ctl *ctl, const char *name, struct backend **out,
    struct entry **root)
{
	struct control *c = calloc(1, sizeof(*c));
	struct call call = { .op = "mount" };
	int ret;

	if (c == NULL)
		return -ENOMEM;
	c->ctl = ctl;
	c->backend.ops = &control_ops;
	c->backend.tree = tree;
	/* The answer to a lookup is at hand, and what is there changes by
	 * itself. */
	c->backend.ttl_ms = 0;
	ret = make_entry(c, &call, "", name, root);
	if (ret < 0) {
		free(c);
		return ret;
	}
	*out = &c->backend;
	return 0;
}

void
control_free(struct backend *b)
{
	if (b != NULL)
		free(control_of(b));
}
