/* backend/ws_rename.c - renames in the workspace.
 *
 * The service renames objects as they are.  What a name says may be more: another
 * language, a notebook that becomes a file or a file that becomes a notebook.  Then the
 * content is put under the new name in its new form, and the old object goes. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/hidden.h"
#include "backend/ws_impl.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"

#include "base/banned.h"

struct renaming {
	struct workspace *workspace;
	struct call *call;
	const struct entry *e, *dir;
	const char *name;
	const char *from; /* stored */
	char *path;	  /* new, as it is shown */
};

/* --- by the service --------------------------------------------------------------- */

/* 1, 0, or why nobody can tell. */
static int
is_there(struct workspace *w, struct call *call, const char *stored)
{
	struct api_workspace_info info;
	struct json_object *json;
	int ret;

	ret = ws_status(w, call, stored, &info, &json);
	if (ret == 0)
		json_object_put(json);
	return ret == 0 ? 1 : ret == -ENOENT ? 0 : ret;
}

int
ws_move(struct workspace *w, struct call *call, const char *from,
    const char *to)
{
	struct call look = call_copy(call);
	bool unknown = false;
	int ret;

	ret = api_workspace_rename(w->rest, call, from, to, &unknown);
	if (ret == 0 || !unknown)
		return ret;
	if (is_there(w, &look, from) == 0 && is_there(w, &look, to) == 1)
		return 0;
	return ret;
}

static struct entry *
moved_entry(const struct renaming *r, unsigned form)
{
	struct entry *moved = entry_moved(r->e, r->path, r->name);

	if (moved != NULL)
		moved->form = (uint8_t)form;
	return moved;
}

/* Only here is known whether a notebook in R is called .r or .R. */
static void
remember_letter(const struct renaming *r, unsigned form)
{
	const struct entry *e = r->e;
	struct ws_known known;

	if (ws_language(form) != API_WORKSPACE_R || form == e->form)
		return;
	known = ws_memory_get(r->workspace->memory, e->object_id,
	    e->version.mtime_ms);
	known.form = form;
	ws_memory_set(r->workspace->memory, e->object_id, e->version.mtime_ms,
	    &known);
}

static int
move_as_it_is(const struct renaming *r, unsigned form, struct entry **out)
{
	char *to = ws_stored(r->path, form);
	int ret = to != NULL ? 0 : -ENOMEM;

	if (ret == 0 && strcmp(r->from, to) != 0)
		ret = ws_move(r->workspace, r->call, r->from, to);
	free(to);
	if (ret < 0)
		return ret;
	remember_letter(r, form);
	*out = moved_entry(r, form);
	return *out != NULL ? 0 : -ENOMEM;
}

/* --- by a copy ------------------------------------------------------------------------ */

struct text {
	const char *bytes;
	size_t len;
};

static ssize_t
read_text(void *ctx, struct call *call UNUSED, uint64_t off, void *dst,
    size_t len)
{
	const struct text *t = ctx;
	size_t n = off < t->len ? t->len - (size_t)off : 0;

	n = n < len ? n : len;
	if (n > 0)
		memcpy(dst, t->bytes + off, n);
	return (ssize_t)n;
}

static int
remove_old(const struct renaming *r, const struct entry *now)
{
	int ret;

	if (now->object_id != 0 && now->object_id == r->e->object_id)
		return 0; /* it has become the new one */
	ret = api_workspace_delete(r->workspace->rest, r->call, r->from);
	if (ret == 0 || ret == -ENOENT) {
		ws_memory_forget(r->workspace->memory, r->e->object_id);
		return 0;
	}
	log_warn("workspace", "%s was renamed to %s, and could not be removed:"
	    " both are there", r->e->path, r->path);
	return ret;
}

static int
put_text(const struct renaming *r, struct text *t, unsigned form,
    const struct entry *target, struct entry **out)
{
	const struct put put = {
		.dir = r->dir,
		.name = r->name,
		.old = target,
		.size = t->len,
		.content = { .read = read_text, .ctx = t },
	};

	return form != WS_UNKNOWN ?
	    ws_put_text(r->workspace, r->call, &put, form, t->bytes, out) :
	    ws_put(&r->workspace->backend, r->call, &put, out);
}

static bool
is_same_text(const struct text *a, const char *b, size_t len, unsigned form)
{
	struct buf x, y;
	bool same;

	buf_init(&x, BUF_LIMIT_TEXT);
	buf_init(&y, BUF_LIMIT_TEXT);
	same = ws_canonical(a->bytes, a->len, form, &x) == 0 &&
	    ws_canonical(b, len, form, &y) == 0 && x.len == y.len &&
	    memcmp(buf_text(&x), buf_text(&y), x.len) == 0;
	buf_release(&x);
	buf_release(&y);
	return same;
}

/* What has the new name, if it is the copy: then an answer to it was lost. */
static struct entry *
find_copy(const struct renaming *r, const struct text *t)
{
	struct call look = call_copy(r->call);
	struct workspace *w = r->workspace;
	const struct ws_body *body;
	struct entry *e = NULL;
	bool is = false;

	if (ws_resolve(w, &look, r->path, r->name, &e) < 0)
		return NULL;
	if (e->kind == ENTRY_FILE && ws_body(w, &look, e, &body) == 0) {
		is = is_same_text(t, body->text, body->len, e->form);
		ws_bodies_release(w->bodies, body);
	}
	if (is)
		return e;
	entry_unref(e);
	return NULL;
}

/* The text under the new name; target NULL: which must be free. */
static int
put_copy(const struct renaming *r, struct text *t, unsigned form,
    const struct entry *target, struct entry **out)
{
	struct entry *now = NULL, *copy = NULL;
	int ret;

	ret = put_text(r, t, form, target, &now);
	if (ret == -EEXIST && target == NULL)
		copy = find_copy(r, t);
	if (copy != NULL)
		ret = put_text(r, t, form, copy, &now);
	entry_unref(copy);
	if (ret == 0)
		ret = remove_old(r, now);
	if (ret == 0)
		*out = now;
	else
		entry_unref(now);
	return ret;
}

/* Is the old object still in the version whose content is copied?  It is deleted. */
static int
check_version(const struct renaming *r)
{
	const struct version *seen = &r->e->version;
	struct api_workspace_info info;
	struct json_object *json;
	int ret;

	ret = ws_status(r->workspace, r->call, r->from, &info, &json);
	if (ret < 0)
		return ret;
	json_object_put(json);
	return seen->gen == 0 && seen->mtime_ms != 0 &&
	    info.modified_ms != seen->mtime_ms ? -ESTALE : 0;
}

/* form WS_UNKNOWN: what target is, or what name and content say. */
static int
move_by_copy(const struct renaming *r, unsigned form,
    const struct entry *target, struct entry **out)
{
	const struct ws_body *body;
	struct text t;
	int ret;

	ret = check_version(r);
	if (ret == 0)
		ret = ws_body(r->workspace, r->call, r->e, &body);
	if (ret < 0)
		return ret;
	t = (struct text){ body->text, body->len };
	ret = put_copy(r, &t, form, target, out);
	ws_bodies_release(r->workspace->bodies, body);
	return ret;
}

/* Has the service no such call, which it does not document? */
static bool
is_refused(int err)
{
	return err == -ENOSYS || err == -EACCES;
}

static int
move_or_copy(const struct renaming *r, unsigned form, struct entry **out)
{
	int ret = move_as_it_is(r, form, out);

	return is_refused(ret) ? move_by_copy(r, form, NULL, out) : ret;
}

/* --- in another form ------------------------------------------------------------------ */

/* The text of the notebook in that form, which the service makes, or we. */
static int
text_in_form(const struct renaming *r, unsigned form, struct buf *out)
{
	const struct ws_body *body;
	struct buf text;
	int ret;

	if (strcmp(ws_format(form), ws_format(r->e->form)) == 0) {
		ret = ws_body(r->workspace, r->call, r->e, &body);
		if (ret < 0)
			return ret;
		ret = ws_translate(body->text, body->len,
		    ws_language(r->e->form), ws_language(form), out);
		ws_bodies_release(r->workspace->bodies, body);
		return ret;
	}
	buf_init(&text, 2 * API_WORKSPACE_EXPORT_MAX);
	ret = api_workspace_export(r->workspace->rest, r->call, r->from,
	    ws_format(form), &text);
	if (ret == 0)
		ret = ws_to_view(buf_text(&text), text.len, out);
	buf_release(&text);
	return ret;
}

/* The object was renamed, and does not get its text. */
static void
move_back(const struct renaming *r, unsigned form)
{
	struct call steady = call_steady(r->call);
	char *to = ws_stored(r->path, form);

	if (to == NULL || (strcmp(r->from, to) != 0 &&
	    ws_move(r->workspace, &steady, to, r->from) < 0))
		log_warn("workspace", "%s could not be made another notebook,"
		    " and is %s now", r->e->path, r->path);
	free(to);
}

/* The object stays: it gets its new name first, and then its text in the new form. */
static int
move_with_text(const struct renaming *r, struct text *t, unsigned form,
    struct entry **out)
{
	struct entry *moved = NULL, *now = NULL;
	int ret;

	ret = move_as_it_is(r, form, &moved);
	if (is_refused(ret))
		return put_copy(r, t, form, NULL, out);
	if (ret < 0)
		return ret;
	ret = put_text(r, t, form, moved, &now);
	entry_unref(moved);
	if (ret < 0) {
		move_back(r, form);
		entry_unref(now);
		return ret;
	}
	*out = now;
	return 0;
}

static int
move_to_form(const struct renaming *r, unsigned form, struct entry **out)
{
	struct buf text;
	struct text t;
	int ret;

	buf_init(&text, 2 * API_WORKSPACE_EXPORT_MAX);
	ret = text_in_form(r, form, &text);
	t = (struct text){ buf_text(&text), text.len };
	if (ret == 0)
		ret = move_with_text(r, &t, form, out);
	buf_release(&text);
	return ret;
}

/* --- what the name says ---------------------------------------------------------------- */

static bool
same_extension(const char *a, const char *b)
{
	const char *x = strrchr(a, '.'), *y = strrchr(b, '.');

	return x != NULL && y != NULL && strcmp(x, y) == 0;
}

/* A notebook needs the name of one.  A file stays one, unless its name was none of a
 * notebook's and its content is one: programs write another name first. */
bool
ws_keeps_form(struct backend *b, const struct entry *e, const char *name)
{
	enum ws_mode mode = ws_of(b)->mode;

	if (hidden_is(name))
		return true;
	if (ws_is_notebook(e->form))
		return ws_guess(name, mode) != WS_UNKNOWN;
	return e->form != WS_FILE || mode == WS_FILES ||
	    ws_guess(name, mode) == WS_UNKNOWN ||
	    same_extension(e->name, name) ||
	    e->version.size > API_WORKSPACE_NOTEBOOK_MAX;
}

static int
rename_notebook(const struct renaming *r, struct entry **out)
{
	enum ws_form form = ws_guess(r->name, r->workspace->mode);
	unsigned was = r->e->form % WS_BESIDE;

	if (was == WS_HIDDEN) /* it gets back what it had */
		return move_as_it_is(r, form == WS_UNKNOWN ? was : form, out);
	if (form == WS_UNKNOWN)
		return move_by_copy(r, WS_FILE, NULL, out);
	if ((unsigned)form == was)
		return move_or_copy(r, form, out);
	if (ws_language(form) == ws_language(was) &&
	    strcmp(ws_format(form), ws_format(was)) == 0)
		return move_or_copy(r, form, out); /* .r and .R */
	return move_to_form(r, form, out);
}


/* An object keeps its form where its name allows that. */
static int
rename_object(const struct renaming *r, const struct entry *target,
    struct entry **out)
{
	unsigned form = r->e->form;

	if (hidden_is(r->name))
		return move_as_it_is(r, ws_is_notebook(form) ? WS_HIDDEN : form,
		    out);
	if (target != NULL && form == WS_OBJECT) {
		text_copy(r->call->words, sizeof(r->call->words),
		    "such an object cannot replace a file");
		return -EPERM; /* it is more than what can be read of it */
	}
	if (target != NULL)
		return move_by_copy(r, WS_UNKNOWN, target, out);
	if (ws_is_notebook(form))
		return rename_notebook(r, out);
	if (form != WS_FILE)
		return move_as_it_is(r, form, out);
	return ws_keeps_form(&r->workspace->backend, r->e, r->name) ?
	    move_or_copy(r, WS_FILE, out) :
	    move_by_copy(r, WS_UNKNOWN, NULL, out);
}

int
ws_rename(struct backend *b, struct call *call, const struct entry *e,
    const struct entry *dir, const char *name, const struct entry *target,
    struct entry **out)
{
	struct renaming r = { ws_of(b), call, e, dir, name, NULL, NULL };
	struct entry *known = NULL;
	char *from = NULL;
	int ret;

	ret = hidden_is(name) ? 0 : ws_check_name(name);
	if (ret == 0 && e->form == WS_UNKNOWN)
		ret = ws_resolve(r.workspace, call, e->path, e->name, &known);
	if (ret < 0)
		return ret;
	if (known != NULL)
		r.e = known;
	r.from = from = ws_stored_path(r.e);
	r.path = ws_join(dir->path, name);
	ret = from != NULL && r.path != NULL ? rename_object(&r, target, out) :
					       -ENOMEM;
	if (ret == -ENOSYS && r.e->kind == ENTRY_DIR)
		ret = -EXDEV;
	free(r.path);
	free(from);
	entry_unref(known);
	return ret;
}
