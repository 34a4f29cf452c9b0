/* backend/workspace.c - the Workspace as a tree of notebooks and files. */
#include "config.h"

#include "backend/workspace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/dbfs_heal.h"
#include "backend/hidden.h"
#include "backend/ws_impl.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/jval.h"
#include "base/text.h"

#include "base/banned.h"

static const char tree[] = "Workspace";

struct workspace *
ws_of(struct backend *b)
{
	return container_of(b, struct workspace, backend);
}

/* --- names and entries ------------------------------------------------------------ */

char *
ws_join(const char *dir, const char *name)
{
	return text_printf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
}

int
ws_check_name(const char *name)
{
	if (strlen(name) > 255)
		return -ENAMETOOLONG;
	if (!entry_name_ok(name) || !text_is_utf8(name, strlen(name)))
		return -EINVAL;
	return hidden_is(name) ? -EPERM : 0;
}

static int
check_name(struct backend *b UNUSED, const char *name)
{
	return ws_check_name(name);
}

char *
ws_new_path(const struct entry *dir, const char *name, int *err)
{
	char *path;

	*err = ws_check_name(name);
	if (*err < 0)
		return NULL;
	path = ws_join(dir->path, name);
	if (path == NULL)
		*err = -ENOMEM;
	return path;
}

char *
ws_stored_path(const struct entry *e)
{
	return e->form != WS_UNKNOWN ? ws_stored(e->path, e->form) : NULL;
}

unsigned
ws_known_form(struct workspace *w, const struct api_workspace_info *info)
{
	struct ws_known known = ws_memory_get(w->memory, info->object_id,
	    info->modified_ms);
	unsigned form = ws_form_of(info, w->mode);

	if ((ws_wants_format(info, w->mode) && ws_is_notebook(known.form)) ||
	    (form == WS_R && known.form == WS_UPPER_R))
		form = known.form;
	return form;
}

static uint64_t
size_of(struct workspace *w, const struct api_workspace_info *info,
    unsigned form)
{
	struct ws_known known;

	if (form == WS_DIRECTORY)
		return 0;
	if (form == WS_FILE && info->has_size)
		return info->size;
	known = ws_memory_get(w->memory, info->object_id, info->modified_ms);
	return known.has_size && known.form == form % WS_BESIDE ?
	    known.size : VERSION_NO_SIZE;
}

struct entry *
ws_entry(struct workspace *w, const char *path, const char *name,
    const struct api_workspace_info *info, unsigned form)
{
	struct version version = {
		.mtime_ms = info->modified_ms,
		.size = size_of(w, info, form),
	};
	struct entry *e;

	e = entry_new(&w->backend, tree,
	    form == WS_DIRECTORY ? ENTRY_DIR : ENTRY_FILE, path, name,
	    &version);
	if (e == NULL)
		return NULL;
	e->object_id = info->object_id;
	e->form = (uint8_t)form;
	e->mode = form == WS_OBJECT ? 0444 : 0;
	return e;
}

int
ws_status(struct workspace *w, struct call *call, const char *stored,
    struct api_workspace_info *info, struct json_object **json)
{
	struct ws_known known;
	int ret;

	counter_add(CTR_stat_requests_total, 1);
	ret = api_workspace_get_status(w->rest, call, stored, false, info,
	    json);
	if (ret < 0 || !info->has_format || info->modified_ms == 0)
		return ret;
	known = ws_memory_get(w->memory, info->object_id, info->modified_ms);
	if (known.form == WS_UNKNOWN) {
		known.form = ws_form_of(info, w->mode);
		ws_memory_set(w->memory, info->object_id, info->modified_ms,
		    &known);
	}
	return 0;
}

/* --- names ------------------------------------------------------------------------ */

/* The name in a path that is shown: the entry of a root, or of somebody who asks by a path
 * alone, has none of its own. */
static const char *
last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* The notebook that the path may stand for. */
static int
resolve_notebook(struct workspace *w, struct call *call, const char *path,
    const char *name, struct entry **out)
{
	enum ws_form form = ws_guess(last_of(path), w->mode);
	struct api_workspace_info info;
	struct json_object *json;
	char *stored;
	int ret;

	if (form == WS_UNKNOWN)
		return -ENOENT;
	stored = ws_stored(path, form);
	if (stored == NULL)
		return -ENOMEM;
	ret = ws_status(w, call, stored, &info, &json);
	free(stored);
	if (ret < 0)
		return ret;
	if (info.type != API_WORKSPACE_NOTEBOOK ||
	    ws_known_form(w, &info) != (unsigned)form)
		ret = -ENOENT;
	if (ret == 0) {
		*out = ws_entry(w, path, name, &info, form);
		ret = *out != NULL ? 0 : -ENOMEM;
	}
	json_object_put(json);
	return ret;
}

struct finding {
	const char *name;
	struct entry *found;
};

static int
find_one(void *ctx, struct entry *e)
{
	struct finding *f = ctx;

	if (strcmp(e->name, f->name) != 0)
		return 0;
	f->found = entry_ref(e);
	return 1;
}

/* Only its folder tells. */
static int
resolve_in_list(struct workspace *w, struct call *call, const char *path,
    struct entry **out)
{
	struct finding f = { .name = last_of(path) };
	char *above = text_dup(path);
	struct entry *dir = NULL;
	char *slash;
	int ret = -ENOMEM;

	slash = above != NULL ? strrchr(above, '/') : NULL;
	if (slash != NULL) {
		*(slash == above ? slash + 1 : slash) = '\0';
		dir = entry_new(&w->backend, tree, ENTRY_DIR, above, "", NULL);
	}
	if (dir != NULL)
		ret = ws_list(&w->backend, call, dir, find_one, &f);
	if (f.found != NULL) {
		*out = f.found;
		ret = 0;
	} else if (ret == 0) {
		ret = -ENOENT;
	}
	entry_unref(dir);
	free(above);
	return ret;
}

int
ws_resolve(struct workspace *w, struct call *call, const char *path,
    const char *name, struct entry **out)
{
	struct api_workspace_info info;
	struct json_object *json;
	int ret;

	if (ws_may_be_beside(last_of(path)))
		return resolve_in_list(w, call, path, out);
	ret = ws_status(w, call, path, &info, &json);
	if (ret == -ENOENT)
		return resolve_notebook(w, call, path, name, out);
	if (ret < 0)
		return ret;
	if (info.type == API_WORKSPACE_NOTEBOOK) {
		ret = resolve_notebook(w, call, path, name, out);
	} else {
		*out = ws_entry(w, path, name, &info,
		    ws_known_form(w, &info));
		ret = *out != NULL ? 0 : -ENOMEM;
	}
	json_object_put(json);
	return ret;
}

static int
lookup(struct backend *b, struct call *call, const struct entry *dir,
    const char *name, struct entry **out)
{
	char *path;
	int ret;

	path = ws_new_path(dir, name, &ret);
	if (path == NULL) /* such a name is never there */
		return ret == -ENOMEM || ret == -ENAMETOOLONG ? ret : -ENOENT;
	ret = ws_resolve(ws_of(b), call, path, name, out);
	free(path);
	return ret;
}

/* Is it still what e is, but for its version? */
static bool
is_same_kind(unsigned was, unsigned now)
{
	if (!ws_is_notebook(was))
		return !ws_is_notebook(now);
	return was % WS_BESIDE == now ||
	    (was == WS_HIDDEN && ws_is_notebook(now));
}

static int
refresh(struct backend *b, struct call *call, const struct entry *e,
    struct entry **out)
{
	struct workspace *w = ws_of(b);
	struct api_workspace_info info;
	struct json_object *json;
	unsigned form;
	char *stored;
	int ret;

	if (e->form == WS_UNKNOWN)
		return ws_resolve(w, call, e->path, e->name, out);
	stored = ws_stored_path(e);
	if (stored == NULL)
		return -ENOMEM;
	ret = ws_status(w, call, stored, &info, &json);
	free(stored);
	if (ret < 0)
		return ret;
	form = ws_known_form(w, &info);
	if (is_same_kind(e->form, form)) {
		if (ws_is_notebook(form))
			form = e->form;
		*out = ws_entry(w, e->path, e->name, &info, form);
		ret = *out != NULL ? 0 : -ENOMEM;
	} else {
		ret = -ENOENT;
	}
	json_object_put(json);
	return ret;
}

static int
rekey(struct backend *b UNUSED, const struct entry *dir, const char *name,
    const struct entry *e, struct entry **out)
{
	char *path = ws_join(dir->path, name);
	struct entry *moved = path != NULL ? entry_moved(e, path, name) : NULL;

	free(path);
	if (moved == NULL)
		return -ENOMEM;
	if (ws_is_notebook(moved->form) && hidden_is(name))
		moved->form = WS_HIDDEN;
	*out = moved;
	return 0;
}

/* --- content ------------------------------------------------------------------------ */

uint64_t
ws_next_generation(void)
{
	static _Atomic uint64_t last;

	return atomic_fetch_add(&last, 1) + 1;
}

struct fetching {
	struct workspace *workspace;
	const struct entry *entry;
	const char *stored;
};

/* What can be said about an object that is neither file nor notebook. */
static int
fetch_object(struct workspace *w, struct call *call, const char *stored,
    struct buf *out)
{
	struct api_workspace_info info;
	struct json_object *json;
	int ret;

	ret = ws_status(w, call, stored, &info, &json);
	if (ret < 0)
		return ret;
	ret = buf_printf(out, "%s\n", json_object_to_json_string_ext(json,
	    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
	return ret;
}

static int
fetch_notebook(struct workspace *w, struct call *call, const struct entry *e,
    const char *stored, struct buf *out)
{
	struct buf text;
	int ret;

	ret = ws_memory_text(w->memory, e->object_id, e->version.mtime_ms, out);
	if (ret == 0)
		return 0;
	buf_clear(out);
	buf_init(&text, 2 * API_WORKSPACE_EXPORT_MAX);
	ret = api_workspace_export(w->rest, call, stored, ws_format(e->form),
	    &text);
	if (ret == 0)
		ret = ws_to_view(buf_text(&text), text.len, out);
	buf_release(&text);
	return ret;
}

static int
fetch_body(void *ctx, struct call *call, struct buf *out)
{
	const struct fetching *f = ctx;
	const struct entry *e = f->entry;
	struct workspace *w = f->workspace;
	struct ws_known known;
	int ret;

	if (e->form == WS_FILE)
		return api_workspace_export(w->rest, call, f->stored, "AUTO",
		    out);
	if (e->form == WS_OBJECT)
		ret = fetch_object(w, call, f->stored, out);
	else
		ret = fetch_notebook(w, call, e, f->stored, out);
	if (ret < 0 || e->version.mtime_ms == 0 || e->form == WS_HIDDEN)
		return ret;
	known = ws_memory_get(w->memory, e->object_id, e->version.mtime_ms);
	if (!known.kept && (!known.has_size || known.size != out->len ||
		known.form != e->form % WS_BESIDE)) {
		known = (struct ws_known){ .form = e->form % WS_BESIDE,
			.has_size = true, .size = out->len };
		ws_memory_set(w->memory, e->object_id, e->version.mtime_ms,
		    &known);
	}
	return 0;
}

static int
body_of(struct workspace *w, struct call *call, const struct entry *e,
    const struct ws_body **out)
{
	const struct ws_body_key key = { e->object_id, e->version.mtime_ms,
		e->form % WS_BESIDE };
	struct fetching f = { w, e, NULL };
	char *stored = ws_stored_path(e);
	int ret;

	if (stored == NULL)
		return -ENOMEM;
	f.stored = stored;
	ret = ws_bodies_get(w->bodies, call, &key,
	    2 * API_WORKSPACE_EXPORT_MAX, fetch_body, &f, out);
	free(stored);
	return ret;
}

int
ws_body(struct workspace *w, struct call *call, const struct entry *e,
    const struct ws_body **out)
{
	struct entry *known = NULL;
	int ret;

	if (e->form != WS_UNKNOWN)
		return body_of(w, call, e, out);
	ret = ws_resolve(w, call, e->path, e->name, &known);
	if (ret == 0)
		ret = known->kind == ENTRY_FILE ? body_of(w, call, known, out) :
						  -EISDIR;
	entry_unref(known);
	return ret;
}

static ssize_t
read_large(struct workspace *w, struct call *call, const struct entry *e,
    uint64_t off, void *dst, size_t len)
{
	char *stored = ws_stored_path(e);
	ssize_t n = stored != NULL ? ws_large_read(w->large, call, e, stored,
	    off, dst, len) : -ENOMEM;

	free(stored);
	return n;
}

static ssize_t
read_file(struct backend *b, struct call *call, const struct entry *e,
    uint64_t off, void *dst, size_t len)
{
	struct workspace *w = ws_of(b);
	const struct ws_body *body;
	ssize_t n;
	int ret;

	if (e->form == WS_FILE && e->version.size > API_WORKSPACE_EXPORT_MAX)
		return read_large(w, call, e, off, dst, len);
	ret = ws_body(w, call, e, &body);
	if (ret < 0)
		return ret;
	if (body->len != e->version.size || off > body->len) {
		n = -ESTALE; /* others changed it since it was looked at */
	} else {
		n = (ssize_t)(body->len - off < len ? body->len - off : len);
		memcpy(dst, body->text + off, (size_t)n);
	}
	ws_bodies_release(w->bodies, body);
	return n;
}

static int
measure(struct backend *b, struct call *call, const struct entry *e,
    struct entry **out)
{
	struct workspace *w = ws_of(b);
	const struct ws_body *body;
	struct entry *measured;
	int ret;

	ret = ws_body(w, call, e, &body);
	if (ret < 0)
		return ret;
	measured = entry_moved(e, e->path, e->name);
	if (measured != NULL)
		measured->version.size = body->len;
	ws_bodies_release(w->bodies, body);
	if (measured == NULL)
		return -ENOMEM;
	*out = measured;
	return 0;
}

static int
canonical(struct backend *b, const struct entry *old, const char *name,
    const char *content, size_t len, struct buf *out)
{
	unsigned form = name != NULL ?
	    ws_form_over(ws_of(b), old, name, content, len) : old->form;

	return ws_canonical(content, len, form, out);
}

/* --- changes -------------------------------------------------------------------- */

static int
make_dir(struct backend *b, struct call *call, const struct entry *dir,
    const char *name, struct entry **out)
{
	struct workspace *w = ws_of(b);
	struct api_workspace_info info = { .type = API_WORKSPACE_DIRECTORY };
	struct json_object *json = NULL;
	char *path;
	int ret;

	path = ws_new_path(dir, name, &ret);
	if (path == NULL)
		return ret;
	ret = api_workspace_mkdirs(w->rest, call, path);
	/* Its id is its inode number from the beginning. */
	if (ret == 0 && ws_status(w, call, path, &info, &json) < 0)
		info = (struct api_workspace_info){
			.type = API_WORKSPACE_DIRECTORY };
	if (ret == 0) {
		*out = ws_entry(w, path, name, &info, WS_DIRECTORY);
		ret = *out != NULL ? 0 : -ENOMEM;
	}
	json_object_put(json);
	free(path);
	return ret;
}

static int
delete_object(struct backend *b, struct call *call, const struct entry *e)
{
	struct workspace *w = ws_of(b);
	struct entry *known = NULL;
	char *stored;
	int ret = 0;

	if (e->form == WS_UNKNOWN)
		ret = ws_resolve(w, call, e->path, e->name, &known);
	if (ret < 0)
		return ret;
	stored = ws_stored_path(known != NULL ? known : e);
	ret = stored != NULL ? api_workspace_delete(w->rest, call, stored) :
			       -ENOMEM;
	if (ret == 0 && e->object_id != 0) {
		ws_memory_forget(w->memory, e->object_id);
		ws_bodies_drop(w->bodies, e->object_id);
	}
	free(stored);
	entry_unref(known);
	return ret;
}

/* --- after a crash --------------------------------------------------------------- */

/* Hidden names are stored as they are. */
static int
heal_look(void *ctx, struct call *call, const char *path, int64_t *size)
{
	struct api_workspace_info info;
	struct json_object *json;
	int ret;

	ret = ws_status(ctx, call, path, &info, &json);
	if (ret < 0)
		return ret;
	*size = info.type != API_WORKSPACE_DIRECTORY && info.has_size ?
	    (int64_t)info.size : -1;
	json_object_put(json);
	return 0;
}

static int
heal_move(void *ctx, struct call *call, const char *from, const char *to)
{
	return ws_move(ctx, call, from, to);
}

static int
heal_remove(void *ctx, struct call *call, const char *path)
{
	struct workspace *w = ctx;

	return api_workspace_delete(w->rest, call, path);
}

static int
heal(struct backend *b, struct call *call, uint16_t type,
    struct json_object *record, bool *changed)
{
	const struct dbfs_heal_calls calls = { heal_look, heal_move,
		heal_remove, ws_of(b) };

	return dbfs_heal(&calls, call, type, record, clock_real_ms(), changed);
}

/* --- attributes ------------------------------------------------------------------ */

static int
print_url(const struct workspace *w, const struct entry *e, struct buf *out)
{
	const char *what = e->form == WS_DIRECTORY ? "folder" :
	    ws_is_notebook(e->form) ? "notebook" : "files";

	if (e->object_id == 0)
		return -ENODATA;
	return buf_printf(out, "%s/?o=%s#%s/%" PRIu64, w->base_url, w->org_id,
	    what, e->object_id);
}

/* What only the service tells: what kind of object it is, and the Git folder that it is
 * in. */
static int
print_asked(struct workspace *w, struct call *call, const struct entry *e,
    const char *name, struct buf *out)
{
	static const struct {
		const char *name, *member;
	} git[] = {
		{ "git_url", "url" },
		{ "git_branch", "branch" },
		{ "git_commit", "head_commit_id" },
	};
	struct api_workspace_info info;
	struct json_object *json, *folder;
	const char *value = NULL;
	char *stored = ws_stored_path(e);
	int ret;

	if (stored == NULL)
		return -ENODATA;
	ret = api_workspace_get_status(w->rest, call, stored,
	    text_starts(name, "git_"), &info, &json);
	free(stored);
	if (ret < 0)
		return ret;
	if (strcmp(name, "object_type") == 0)
		value = info.type_name;
	else if (jval_object(json, "git_info", &folder) == 0)
		for (size_t i = 0; i < ARRAY_LEN(git); i++)
			if (strcmp(git[i].name, name) == 0)
				(void)jval_str(folder, git[i].member, &value);
	ret = value != NULL && *value != '\0' ? buf_puts(out, value) : -ENODATA;
	json_object_put(json);
	return ret;
}

static int
xattr(struct backend *b, struct call *call, const struct entry *e,
    const char *name, struct buf *out)
{
	struct workspace *w = ws_of(b);
	const char *language;

	if (strcmp(name, "url") == 0)
		return print_url(w, e, out);
	if (strcmp(name, "path") == 0)
		return buf_printf(out, "/Workspace%s", e->path);
	if (strcmp(name, "object_id") == 0)
		return e->object_id != 0 ? buf_printf(out, "%" PRIu64,
		    e->object_id) : -ENODATA;
	if (strcmp(name, "language") == 0) {
		language = api_workspace_language_name(ws_language(e->form));
		return language != NULL ? buf_puts(out, language) : -ENODATA;
	}
	if (strcmp(name, "object_type") == 0 || text_starts(name, "git_"))
		return print_asked(w, call, e, name, out);
	return -ENODATA;
}

/* --- making one ------------------------------------------------------------------ */

static const struct backend_ops workspace_ops = {
	.lookup = lookup,
	.refresh = refresh,
	.list = ws_list,
	.rekey = rekey,
	.read = read_file,
	.measure = measure,
	.canonical = canonical,
	.put = ws_put,
	.check_name = check_name,
	.mkdir = make_dir,
	.unlink = delete_object,
	.rmdir = delete_object,
	.rename = ws_rename,
	.keeps_form = ws_keeps_form,
	.heal = heal,
	.xattr = xattr,
};

int
workspace_new(const struct workspace_config *config, struct backend **out)
{
	struct workspace *w = calloc(1, sizeof(*w));
	int ret;

	if (w == NULL)
		return -ENOMEM;
	w->rest = config->rest;
	w->mode = config->mode;
	w->base_url = text_dup(config->base_url);
	w->org_id = text_dup(config->org_id);
	ret = w->base_url != NULL && w->org_id != NULL ? 0 : -ENOMEM;
	if (ret == 0)
		ret = ws_bodies_new(&w->bodies);
	if (ret == 0)
		ret = ws_memory_new(config->dir, &w->memory);
	if (ret == 0)
		ret = ws_large_new(w->rest, config->dir, &w->large);
	if (ret < 0) {
		workspace_free(&w->backend);
		return ret;
	}
	w->backend.ops = &workspace_ops;
	w->backend.tree = tree;
	w->backend.size_max = API_WORKSPACE_FILE_MAX;
	w->backend.whole_max = API_WORKSPACE_EXPORT_MAX;
	w->backend.ttl_ms = -1;
	*out = &w->backend;
	return 0;
}

void
workspace_free(struct backend *b)
{
	struct workspace *w;

	if (b == NULL)
		return;
	w = ws_of(b);
	ws_large_free(w->large);
	ws_memory_free(w->memory);
	ws_bodies_free(w->bodies);
	free(w->org_id);
	free(w->base_url);
	free(w);
}

int
workspace_root(struct backend *b, struct call *call, const char *path,
    struct entry **out)
{
	struct entry *e;
	int ret;

	ret = ws_resolve(ws_of(b), call, path, "", &e);
	if (ret < 0)
		return ret;
	if (e->kind != ENTRY_DIR) {
		entry_unref(e);
		return -ENOTDIR;
	}
	*out = e;
	return 0;
}
