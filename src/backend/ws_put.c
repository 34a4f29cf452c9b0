/* backend/ws_put.c - uploads to the workspace.
 *
 * What is replaced decides what the content becomes: a notebook stays one, a file stays
 * one.  A new name, or one whose file is empty, becomes what name and first line say. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/ws_impl.h"
#include "base/text.h"
#include "rest/rest.h"

#include "base/banned.h"

/* Of a file that the service might take for a notebook. */
#define HEAD_BYTES 256

/* A time that is so much later than the answer to our upload is not that of our upload. */
#define OTHERS_MS ((int64_t)2000)

struct upload {
	struct workspace *workspace;
	struct call *call;
	const struct put *put;
	const char *path; /* that is shown */
	unsigned form;	  /* that it gets */
	bool overwrite;
	const char *text; /* the whole content; NULL: it is read as it goes */
};

/* --- content ------------------------------------------------------------------------ */

/* Exactly len bytes of the content, or the reason why not. */
static int
read_content(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct upload *u = ctx;
	ssize_t n;

	n = u->put->content.read(u->put->content.ctx, u->call, off, dst, len);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EIO;
}

static int
read_buf(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct buf *b = ctx;

	memcpy(dst, b->data + off, len);
	return 0;
}

/* The first len bytes of the content, or all of it. */
static int
load(struct upload *u, size_t len, struct buf *out)
{
	int ret;

	if (len > u->put->size)
		len = (size_t)u->put->size;
	ret = buf_reserve(out, len + 1);
	if (ret == 0 && len > 0)
		ret = read_content(u, 0, out->data, len);
	if (ret == 0) {
		out->len = len;
		out->data[len] = '\0';
	}
	return ret;
}

static int
too_large(struct call *call)
{
	(void)snprintf(call->words, sizeof(call->words), "a notebook may have %d"
	    " bytes", API_WORKSPACE_NOTEBOOK_MAX);
	return -EFBIG;
}

/* --- what became of it ------------------------------------------------------------- */

/* It was taken, and nobody says what it is now: it is recognised later. */
static struct entry *
entry_unseen(const struct upload *u, int64_t server_ms)
{
	struct api_workspace_info info = {
		.object_id = u->put->old != NULL ? u->put->old->object_id : 0,
		.modified_ms = server_ms,
	};
	struct entry *e = ws_entry(u->workspace, u->path, u->put->name, &info,
	    u->form);

	if (e != NULL) {
		e->version.size = u->put->size;
		e->version.gen = ws_next_generation();
	}
	return e;
}

/* What is remembered of it: its size, and its text if that does not come back. */
static void
remember(const struct upload *u, const struct api_workspace_info *info)
{
	struct ws_memory *m = u->workspace->memory;
	struct ws_known known = {
		.form = u->form % WS_BESIDE,
		.has_size = true,
		.size = u->put->size,
	};
	size_t len = (size_t)u->put->size;

	ws_bodies_drop(u->workspace->bodies, info->object_id);
	if (u->form == WS_FILE)
		ws_memory_forget(m, info->object_id);
	else if (ws_comes_back(u->text, len, u->form))
		ws_memory_set(m, info->object_id, info->modified_ms, &known);
	else
		ws_memory_keep(m, info->object_id, info->modified_ms, &known,
		    u->text, len);
}

/* Is what the service has under the path what was sent? */
static int
check(const struct upload *u, const struct api_workspace_info *info)
{
	bool notebook = info->type == API_WORKSPACE_NOTEBOOK;
	char *words = u->call->words;

	if (notebook != ws_is_notebook(u->form))
		text_copy(words, sizeof(u->call->words),
		    notebook ? "the service has made a notebook of the file" :
			       "the service has not made a notebook of it");
	else if (!notebook && info->has_size && info->size != u->put->size)
		text_copy(words, sizeof(u->call->words), "the service has another"
		    " number of bytes than were sent");
	else
		return 0;
	return -EIO;
}

static int
look(const struct upload *u, const char *stored, int64_t server_ms,
    struct entry **out)
{
	struct call call = call_copy(u->call);
	struct api_workspace_info info;
	struct json_object *json;
	int ret;

	if (ws_status(u->workspace, &call, stored, &info, &json) < 0) {
		*out = entry_unseen(u, server_ms);
		return *out != NULL ? 0 : -ENOMEM;
	}
	/* Somebody else was here in between: theirs must not be taken for ours. */
	if (server_ms != 0 && info.modified_ms - server_ms > OTHERS_MS) {
		json_object_put(json);
		*out = entry_unseen(u, server_ms);
		return *out != NULL ? 0 : -ENOMEM;
	}
	ret = check(u, &info);
	if (ret == 0)
		remember(u, &info);
	*out = ws_entry(u->workspace, u->path, u->put->name, &info, u->form);
	if (*out == NULL)
		ret = -ENOMEM;
	else if (ret == 0)
		(*out)->version.size = u->put->size;
	json_object_put(json);
	return ret;
}

/* --- sending ------------------------------------------------------------------------ */

static int
send_notebook(struct upload *u, const char *stored, int64_t *server_ms)
{
	struct rest_body body = { .read = read_buf };
	struct api_workspace_import import = {
		.path = stored,
		.format = ws_format(u->form),
		.language = ws_language(u->form),
		.overwrite = u->overwrite,
	};
	struct buf text;
	int ret;

	buf_init(&text, (size_t)API_WORKSPACE_NOTEBOOK_MAX);
	ret = ws_to_service(u->text, (size_t)u->put->size, u->form, &text);
	body.ctx = &text;
	body.len = text.len;
	if (ret == 0)
		ret = api_workspace_import(u->workspace->rest, u->call, &import,
		    &body, server_ms);
	else if (ret == -EFBIG)
		ret = too_large(u->call);
	buf_release(&text);
	return ret;
}

static int
send_file(struct upload *u, const char *stored, int64_t *server_ms)
{
	const struct rest_body body = { .len = u->put->size,
		.read = read_content, .ctx = u };
	struct api_workspace_import import = {
		.path = stored,
		.overwrite = u->overwrite,
	};
	struct buf head;
	int ret;

	buf_init(&head, HEAD_BYTES + 1);
	ret = load(u, HEAD_BYTES, &head);
	import.format = ws_file_format(u->put->name, buf_text(&head), head.len);
	if (ret == 0)
		ret = api_workspace_import(u->workspace->rest, u->call, &import,
		    &body, server_ms);
	buf_release(&head);
	return ret;
}

static int
put_as(struct upload *u, struct entry **out)
{
	char *stored = ws_stored(u->path, u->form);
	int64_t server_ms = 0;
	int ret = stored != NULL ? 0 : -ENOMEM;

	if (ret == 0)
		ret = ws_is_notebook(u->form) ?
		    send_notebook(u, stored, &server_ms) :
		    send_file(u, stored, &server_ms);
	if (ret == 0)
		ret = look(u, stored, server_ms, out);
	free(stored);
	return ret;
}

/* A file that was empty, and is a notebook now.  It goes first, so that no moment shows
 * both: the content is safe here, and nothing is lost with an empty file. */
static int
put_in_place_of(struct upload *u, const struct entry *empty, struct entry **out)
{
	int ret;

	ret = api_workspace_delete(u->workspace->rest, u->call, empty->path);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	ws_memory_forget(u->workspace->memory, empty->object_id);
	u->overwrite = false;
	return put_as(u, out);
}

/* Has a notebook, beside the file, the name that the file would get as one? */
static bool
is_taken(const struct upload *u)
{
	struct call call = call_copy(u->call);
	char *stored = ws_stored(u->path, u->form);
	struct api_workspace_info info;
	struct json_object *json;
	int ret = -ENOMEM;

	if (stored != NULL)
		ret = ws_status(u->workspace, &call, stored, &info, &json);
	if (ret == 0)
		json_object_put(json);
	free(stored);
	return ret != -ENOENT;
}

/* Does the content decide what the name becomes? */
static bool
is_open(const struct put *p, const struct entry *old, enum ws_mode mode)
{
	return (old == NULL ||
		   (old->form == WS_FILE && old->version.size == 0)) &&
	    ws_guess(p->name, mode) != WS_UNKNOWN &&
	    p->size <= API_WORKSPACE_NOTEBOOK_MAX;
}

unsigned
ws_form_over(const struct workspace *w, const struct entry *old,
    const char *name, const char *text, size_t len)
{
	const struct put p = { .name = name, .size = len };

	if (is_open(&p, old, w->mode))
		return ws_new_form(name, text, len, w->mode);
	return old != NULL ? old->form : (unsigned)WS_FILE;
}

static int
put_over(struct upload *u, const struct entry *old, struct entry **out)
{
	const struct put *p = u->put;
	bool open = is_open(p, old, u->workspace->mode), changes;
	struct buf text;
	int ret = 0;

	u->form = old != NULL ? old->form : (unsigned)WS_FILE;
	u->overwrite = old != NULL;
	if (u->form == WS_OBJECT || u->form == WS_DIRECTORY)
		return -EPERM;
	if (ws_is_notebook(u->form) && p->size > API_WORKSPACE_NOTEBOOK_MAX)
		return too_large(u->call);
	buf_init(&text, (size_t)API_WORKSPACE_NOTEBOOK_MAX + 1);
	if (open || ws_is_notebook(u->form))
		ret = load(u, SIZE_MAX, &text);
	u->text = buf_text(&text);
	if (ret == 0 && open)
		u->form = ws_new_form(p->name, u->text, text.len,
		    u->workspace->mode);
	changes = old != NULL && ws_is_notebook(u->form) &&
	    !ws_is_notebook(old->form);
	if (ret == 0 && changes && is_taken(u)) {
		u->form = WS_FILE;
		changes = false;
	}
	if (ret == 0)
		ret = changes ? put_in_place_of(u, old, out) : put_as(u, out);
	buf_release(&text);
	return ret;
}

int
ws_put(struct backend *b, struct call *call, const struct put *p,
    struct entry **out)
{
	struct upload u = { .workspace = ws_of(b), .call = call, .put = p };
	struct entry *known = NULL;
	char *path;
	int ret;

	path = ws_new_path(p->dir, p->name, &ret);
	if (path == NULL)
		return ret;
	u.path = path;
	if (p->old != NULL && p->old->form == WS_UNKNOWN)
		ret = ws_resolve(u.workspace, call, path, p->name, &known);
	if (ret == 0 || ret == -ENOENT)
		ret = put_over(&u, known != NULL ? known : ret < 0 ? NULL :
			p->old, out);
	entry_unref(known);
	free(path);
	return ret;
}

int
ws_put_text(struct workspace *w, struct call *call, const struct put *p,
    unsigned form, const char *text, struct entry **out)
{
	struct upload u = {
		.workspace = w,
		.call = call,
		.put = p,
		.form = form,
		.overwrite = p->old != NULL,
		.text = text,
	};
	char *path;
	int ret;

	path = ws_new_path(p->dir, p->name, &ret);
	if (path == NULL)
		return ret;
	u.path = path;
	ret = put_as(&u, out);
	free(path);
	return ret;
}
