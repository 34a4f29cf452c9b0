/* backend/ws_list.c - what is in a workspace folder. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/crew.h"
#include "backend/hidden.h"
#include "backend/ws_impl.h"
#include "base/counters.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"

#include "base/banned.h"

/* Notebooks whose format is asked for at once. */
#define FORMATS_AT_ONCE 8

struct object {
	struct api_workspace_info info; /* borrows from the listing */
	const char *stored; /* its name */
};

struct folder {
	struct workspace *workspace;
	const char *path;
	struct object *objects;
	struct ws_row *rows;
	size_t n;
	size_t *asked; /* indices of rows whose format nobody knows */
	size_t n_asked;
};

/* The name in the folder; NULL for what cannot be a file name.  The path may begin with
 * "/Workspace", whatever was asked for (3.1). */
static const char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && entry_name_ok(slash + 1) ? slash + 1 : NULL;
}

static void
refuse(const struct folder *f, const char *path)
{
	counter_add(CTR_names_refused_total, 1);
	log_warn("workspace", "%s: the server lists '%s', which is no file name;"
	    " it is not shown", f->path, path);
}

static int
read_rows(struct folder *f, struct json_object *json)
{
	size_t n = json_object_array_length(json);

	f->objects = calloc(n + 1, sizeof(*f->objects));
	f->rows = calloc(n + 1, sizeof(*f->rows));
	f->asked = calloc(n + 1, sizeof(*f->asked));
	if (f->objects == NULL || f->rows == NULL || f->asked == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct object *o = &f->objects[f->n];
		int ret = api_workspace_row(json_object_array_get_idx(json, i),
		    &o->info);

		if (ret < 0)
			return ret;
		o->stored = name_of(o->info.path);
		if (o->stored == NULL)
			refuse(f, o->info.path);
		else if (!hidden_is(o->stored))
			f->n++;
	}
	return 0;
}

static void
find_forms(struct folder *f)
{
	struct workspace *w = f->workspace;

	for (size_t i = 0; i < f->n; i++) {
		const struct api_workspace_info *info = &f->objects[i].info;
		struct ws_known known = ws_memory_get(w->memory,
		    info->object_id, info->modified_ms);

		f->rows[i] = (struct ws_row){
			.stored = f->objects[i].stored,
			.form = ws_known_form(w, info),
			.item = &f->objects[i],
		};
		if (ws_wants_format(info, w->mode) &&
		    known.form == WS_UNKNOWN)
			f->asked[f->n_asked++] = i;
	}
}

/* Is the trouble that object's alone?  A service that cannot be reached, or does not answer
 * in time, would be waited for once for each. */
static bool
is_its_own(int err)
{
	switch (err) {
	case -ENOENT:
	case -EACCES:
	case -EPERM:
	case -EINVAL:
	case -EIO:
	case -EOPNOTSUPP:
	case -ENOSYS:
		return true;
	default:
		return false;
	}
}

/* An object that cannot be asked about is one as most are: it must not stop the walk. */
static int
ask_form(void *ctx, struct call *call, size_t i)
{
	struct folder *f = ctx;
	struct ws_row *row = &f->rows[f->asked[i]];
	struct api_workspace_info info;
	struct json_object *json;
	char *stored = ws_join(f->path, row->stored);
	int ret;

	if (stored == NULL)
		return -ENOMEM;
	ret = ws_status(f->workspace, call, stored, &info, &json);
	free(stored);
	if (ret == 0) {
		if (info.type == API_WORKSPACE_NOTEBOOK)
			row->form = ws_form_of(&info, f->workspace->mode);
		json_object_put(json);
	}
	return is_its_own(ret) ? 0 : ret;
}

static int
hand_on(struct folder *f, entry_fn *each, void *ctx)
{
	int ret = 0;

	for (size_t i = 0; i < f->n && ret == 0; i++) {
		const struct ws_row *row = &f->rows[i];
		const struct object *o = row->item;
		char *path = ws_join(f->path, row->shown);
		struct entry *e = NULL;

		if (path != NULL && !entry_name_ok(row->shown))
			refuse(f, path); /* too long with its extension */
		else if (path != NULL)
			e = ws_entry(f->workspace, path, row->shown, &o->info,
			    row->form);
		else
			ret = -ENOMEM;
		if (e != NULL)
			ret = each(ctx, e);
		entry_unref(e);
		free(path);
	}
	return ret;
}

static void
release(struct folder *f)
{
	for (size_t i = 0; i < f->n && f->rows != NULL; i++)
		free(f->rows[i].shown);
	free(f->rows);
	free(f->objects);
	free(f->asked);
}

int
ws_list(struct backend *b, struct call *call, const struct entry *dir,
    entry_fn *each, void *ctx)
{
	struct folder f = { .workspace = ws_of(b), .path = dir->path };
	struct json_object *json = NULL;
	int ret;

	counter_add(CTR_list_requests_total, 1);
	ret = api_workspace_list(f.workspace->rest, call, dir->path, &json);
	if (ret < 0)
		return ret;
	ret = read_rows(&f, json);
	if (ret == 0) {
		find_forms(&f);
		ret = crew_run(f.n_asked, FORMATS_AT_ONCE, call, ask_form, &f);
	}
	if (ret == 0)
		ret = ws_name_rows(f.rows, f.n);
	if (ret == 0)
		ret = hand_on(&f, each, ctx);
	release(&f);
	json_object_put(json);
	return ret;
}
