/* emu/ws_import.c - what an import makes of bytes. */
#include "config.h"

#include "emu/ws_import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"

#include "emu/emu.h"
#include "emu/object.h"
#include "emu/wspath.h"
#include "emu/ws_call.h"
#include "emu/ws_notebook.h"

#include "base/banned.h"

#define FIRST_LINE 64 /* bytes that are enough for a header */

bool
ws_import_format(const char *name, enum ws_format *out)
{
	static const struct {
		const char *name;
		enum ws_format format;
	} formats[] = {
		{ "SOURCE", WS_SOURCE },
		{ "JUPYTER", WS_JUPYTER },
		{ "HTML", WS_HTML },
		{ "R_MARKDOWN", WS_RMD },
		{ "DBC", WS_DBC },
		{ "AUTO", WS_AUTO },
		{ "RAW", WS_RAW },
	};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (strcmp(formats[i].name, name) == 0) {
			*out = formats[i].format;
			return true;
		}
	}
	return false;
}

void
ws_import_release(struct ws_import *in)
{
	free(in->stored);
	in->stored = NULL;
}

static uint64_t
limit(struct request *req, enum setting id)
{
	return (uint64_t)settings_get(&req->emu->settings, id);
}

int
ws_import_content(struct request *req, struct buf *out)
{
	uint64_t size = spool_size(req->body.file);
	ssize_t n;
	int ret;

	if (size > limit(req, SET_IMPORT_LIMIT))
		return -EFBIG;
	ret = buf_reserve(out, (size_t)size);
	if (ret < 0)
		return ret;
	n = io_pread(spool_fd(req->body.file), out->data, (size_t)size, 0);
	if (n != (ssize_t)size)
		return n < 0 ? (int)n : -EIO;
	out->len = (size_t)size;
	out->data[size] = '\0';
	return 0;
}

int
ws_import_set_content(struct request *req, const void *data, size_t len)
{
	struct spool *spool;
	int ret;

	ret = spool_new(store_spools(req->emu->workspace), &spool);
	if (ret < 0)
		return ret;
	ret = spool_write(spool, data, len);
	if (ret < 0) {
		spool_free(spool);
		return ret;
	}
	spool_free(req->body.file);
	req->body.file = spool;
	return 0;
}

static int
make_notebook(struct request *req, struct ws_import *in)
{
	char *name = text_dup(dbpath_last(in->stored));
	struct buf text, kept;
	int ret = name != NULL ? 0 : -ENOMEM;

	buf_init(&text, SIZE_MAX / 4);
	buf_init(&kept, SIZE_MAX / 4);
	if (ret == 0)
		ret = ws_import_content(req, &text);
	if (ret == 0)
		ret = strcmp(in->kept, "JUPYTER") == 0
			  ? notebook_keep_jupyter(buf_text(&text), text.len,
				name, &in->language, &kept)
			  : notebook_keep_source(
				buf_text(&text), text.len, in->language, &kept);
	if (ret == 0)
		ret = ws_import_set_content(req, buf_text(&kept), kept.len);
	buf_release(&text);
	buf_release(&kept);
	free(name);
	return ret;
}

/* A notebook in a form that is not kept becomes source. */
static int
make_other(struct request *req, struct ws_import *in, enum ws_form form)
{
	struct buf text, source;
	int ret;

	in->kept = "SOURCE";
	buf_init(&text, SIZE_MAX / 4);
	buf_init(&source, SIZE_MAX / 4);
	ret = ws_import_content(req, &text);
	if (ret == 0)
		ret = ws_notebook_read(&text, form, &in->language, &source);
	if (ret == 0)
		ret = ws_import_set_content(req, buf_text(&source), source.len);
	buf_release(&text);
	buf_release(&source);
	return ret;
}

static bool
begins_with_header(struct request *req, enum notebook_language language)
{
	char head[FIRST_LINE];
	ssize_t n;

	n = io_pread(spool_fd(req->body.file), head, sizeof(head), 0);
	return n > 0 && notebook_has_header(head, (size_t)n, language);
}

/* By extension and first line; a Jupyter document that is none is a file. */
static int
make_auto(struct request *req, struct ws_import *in)
{
	char *path = in->stored, *dot = strrchr(path, '.');
	int ret = -EBADMSG;

	if (notebook_language_of_path(path, &in->language) &&
	    begins_with_header(req, in->language)) {
		in->type = "NOTEBOOK";
		in->kept = "SOURCE";
		*dot = '\0';
		return make_notebook(req, in);
	}
	if (text_ends(path, ".ipynb")) {
		in->type = "NOTEBOOK";
		in->kept = "JUPYTER";
		*dot = '\0';
		ret = make_notebook(req, in);
	}
	if (ret != -EBADMSG)
		return ret;
	if (dot != NULL)
		*dot = '.';
	in->type = text_ends(path, ".lvdash.json") ? "DASHBOARD" : "FILE";
	in->kept = NULL;
	return 0;
}

/* Decides what it is, and makes the content that is kept of it.  A name loses its
 * extension by AUTO alone.  [unsure] 3.3 */
static int
make(struct request *req, struct ws_import *in)
{
	in->size = spool_size(req->body.file);
	in->stored = text_dup(in->path);
	if (in->stored == NULL)
		return -ENOMEM;
	in->type = "NOTEBOOK";
	switch (in->format) {
	case WS_SOURCE:
		in->kept = "SOURCE";
		return in->has_language ? make_notebook(req, in) : -EBADMSG;
	case WS_JUPYTER: in->kept = "JUPYTER"; return make_notebook(req, in);
	case WS_HTML: return make_other(req, in, WS_FORM_HTML);
	case WS_RMD: return make_other(req, in, WS_FORM_RMD);
	case WS_MODEL: return make_other(req, in, WS_FORM_MODEL);
	case WS_DBC: return -EBADMSG;
	case WS_AUTO: return make_auto(req, in);
	case WS_RAW: in->type = "FILE"; return 0;
	}
	return -EINVAL;
}

struct arrival {
	struct request *req;
	struct ws_import *in;
};

static const char *
static_type(const char *type)
{
	static const char *const types[] = { "DIRECTORY", "NOTEBOOK", "FILE",
		"REPO", "DASHBOARD", "LIBRARY" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i], type) == 0)
			return types[i];
	return "UNKNOWN";
}

/* With the tree's lock held. */
static int
decide(void *ctx, const struct store_node *old, struct buf *note)
{
	const struct arrival *a = ctx;
	struct ws_import *in = a->in;
	struct object o;
	bool fits = true;
	int ret = 0;

	if (old != NULL)
		ret = object_read(old->note, &o);
	else
		object_init(
		    &o, in->type, timeline_now_ms(&a->req->emu->timeline));
	if (ret < 0)
		return ret;
	in->found = old != NULL ? static_type(o.type) : "";
	fits = object_is(&o, in->type);
	if (old != NULL && !in->overwrite)
		ret = -EEXIST;
	else if (!fits)
		ret = -EMEDIUMTYPE;
	o.language = in->kept != NULL ? notebook_language_name(in->language)
				      : NULL;
	o.format = in->kept;
	if (ret == 0)
		ret = object_write(&o, note);
	object_release(&o);
	return ret;
}

/* A service that loses its storage leaves the beginning of it. */
static int
cut_to_half(struct request *req)
{
	uint64_t size = spool_size(req->body.file);
	struct buf text;
	int ret;

	buf_init(&text, SIZE_MAX / 4);
	if (size > req->plan.half_n)
		size = req->plan.half_n;
	ret = buf_reserve(&text, (size_t)size);
	if (ret == 0 && io_pread(spool_fd(req->body.file), text.data,
			    (size_t)size, 0) != (ssize_t)size)
		ret = -EIO;
	text.len = (size_t)size;
	if (ret == 0)
		ret = ws_import_set_content(req, text.data, text.len);
	buf_release(&text);
	return ret;
}

int
ws_import(struct request *req, struct ws_import *in)
{
	struct arrival a = { req, in };
	int ret;

	in->found = "";
	ret = make(req, in);
	if (ret == 0 &&
	    spool_size(req->body.file) > limit(req, SET_FILE_LIMIT))
		ret = -EFBIG;
	if (ret == 0 && ws_call_place_refused(req, in->stored))
		return -EPERM;
	if (ret == 0 && req->plan.half)
		ret = cut_to_half(req);
	return ret < 0 ? ret
		       : store_place(req->emu->workspace, in->stored,
			     req->body.file,
			     &(const struct store_placing){ HISTORY_IMPORT,
				 req->id, -1, decide, &a });
}

static int
fail_size(struct request *req, const struct ws_import *in)
{
	bool is_file = in->kept == NULL;

	return reply_error(req, 400, "MAX_NOTEBOOK_SIZE_EXCEEDED",
	    "File size imported is (%" PRIu64
	    " bytes), exceeded max size (%" PRIu64 " bytes)",
	    in->size,
	    limit(req, is_file ? SET_FILE_LIMIT : SET_IMPORT_LIMIT));
}

int
ws_import_answer(struct request *req, const struct ws_import *in, int ret)
{
	const char *path = in->stored != NULL ? in->stored : in->path;
	size_t up = (size_t)(dbpath_last(path) - path);

	switch (-ret) {
	case 0:
		return req->plan.half ? reply_half(req) : reply_json(req, "{}");
	case EPERM: return 0;
	case EBADMSG:
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    in->format == WS_DBC ||
			    (in->format == WS_SOURCE && !in->has_language)
			? "The zip file may not be valid or may be an "
			  "unsupported version."
			: "The content is no notebook of that format.");
	case EFBIG: return fail_size(req, in);
	case EEXIST: return ws_call_exists(req, path);
	case EISDIR: /* the root */
	case EMEDIUMTYPE:
		return reply_error_reason(req, 400, "INVALID_PARAMETER_VALUE",
		    "WORKSPACE_OBJECT_TYPE_MISMATCH",
		    "Cannot overwrite the asset at %s due to type mismatch "
		    "(asked: %s, actual: %s)",
		    path, in->type,
		    in->found[0] != '\0' ? in->found : "DIRECTORY");
	case ENOENT:
	case ENOTDIR:
		return reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
		    "The parent folder (%.*s) does not exist.",
		    up > 1 ? (int)(up - 1) : 1, path);
	default: return ws_call_fail(req, ret, path);
	}
}
