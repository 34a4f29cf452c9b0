/* emu/ep_workspace_export.c - the Workspace call that gives content.  Reference, 3.3
 * export. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/io.h"
#include "base/jval.h"
#include "base/text.h"

#include "emu/dbpath.h"
#include "emu/emu.h"
#include "emu/ep_workspace.h"
#include "emu/field.h"
#include "emu/ws_archive.h"
#include "emu/ws_call.h"
#include "emu/ws_notebook.h"

#include "base/banned.h"

enum format { SOURCE, JUPYTER, HTML, R_MARKDOWN, DBC, AUTO, RAW };

static const char *const formats[] = {
	[SOURCE] = "SOURCE",
	[JUPYTER] = "JUPYTER",
	[HTML] = "HTML",
	[R_MARKDOWN] = "R_MARKDOWN",
	[DBC] = "DBC",
	[AUTO] = "AUTO",
	[RAW] = "RAW",
};

struct export {
	struct request *req;
	const char *path;
	enum format format;
	bool direct;
	struct object object;
	const char *type; /* "py" */
	struct buf text;
};

/* False when it was answered. */
static bool
read_options(struct request *req, struct export *x)
{
	const char *name = "SOURCE";
	int ret = params_str(&req->params, "format", &name);

	for (size_t i = 0; ret != -EBADMSG && i < ARRAY_LEN(formats); i++) {
		if (strcmp(formats[i], name) == 0) {
			x->format = (enum format)i;
			return field_bool(req, "direct_download", &x->direct);
		}
	}
	(void)reply_error(
	    req, 400, "INVALID_PARAMETER_VALUE", "Unknown format: %s", name);
	return false;
}

static uint64_t
export_limit(struct request *req)
{
	return (uint64_t)settings_get(&req->emu->settings, SET_EXPORT_LIMIT);
}

static int
read_file(int fd, uint64_t size, struct buf *out)
{
	ssize_t n;
	int ret;

	ret = buf_reserve(out, (size_t)size);
	if (ret < 0)
		return ret;
	n = io_pread(fd, out->data, (size_t)size, 0);
	if (n < 0)
		return (int)n;
	out->len = (size_t)n;
	out->data[n] = '\0';
	return 0;
}

/* The form of a notebook that a format means.  AUTO gives what is kept.  [unsure] */
static enum ws_form
form_of(const struct export *x)
{
	switch (x->format) {
	case JUPYTER: return WS_FORM_JUPYTER;
	case HTML: return WS_FORM_HTML;
	case R_MARKDOWN: return WS_FORM_RMD;
	case AUTO:
	case RAW: return ws_notebook_kept(&x->object);
	case SOURCE:
	case DBC: break;
	}
	return WS_FORM_SOURCE;
}

static int
print_notebook(struct export *x, int fd, uint64_t size)
{
	enum ws_form form = form_of(x);
	struct buf kept;
	int ret;

	x->type = ws_notebook_type(&x->object, form);
	buf_init(&kept, SIZE_MAX / 4);
	ret = read_file(fd, size, &kept);
	if (ret == 0)
		ret = ws_notebook_print(&x->object, dbpath_last(x->path), &kept,
		    form, &x->text);
	buf_release(&kept);
	return ret;
}

static int
send_json(struct export *x)
{
	struct buf *out = &x->req->reply.body;
	size_t room = BASE64_TEXT_LEN(x->text.len);
	int ret;

	ret = reply_json(x->req, "{\"content\":\"");
	if (ret == 0)
		ret = buf_reserve(out, room + 1);
	if (ret < 0)
		return ret;
	base64_encode(out->data + out->len, buf_text(&x->text), x->text.len);
	out->len += room;
	ret = buf_puts(out, "\",\"file_type\":");
	if (ret == 0)
		ret = jval_quote(out, x->type);
	return ret < 0 ? ret : buf_puts(out, "}");
}

/* The type of content by kind, and the name of a file.  [unsure] 3.3 */
static int
begin_direct(struct export *x)
{
	static const struct {
		const char *type, *content;
	} types[] = {
		{ "html", "text/html" },
		{ "ipynb", "application/x-ipynb+json" },
		{ "zip", "application/zip" },
		{ "dbc", "application/zip" },
	};
	bool is_made = x->text.len > 0 || x->object.language != NULL;
	const char *content =
	    is_made ? "text/plain" : "application/octet-stream";
	const char *name = dbpath_last(x->path);
	char *value;
	int ret;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (is_made && strcmp(types[i].type, x->type) == 0)
			content = types[i].content;
	ret = reply_text(x->req, 200, content, "");
	value = is_made
		    ? text_printf("attachment; filename=\"%s.%s\"", name,
			  x->type)
		    : text_printf("attachment; filename=\"%s\"", name);
	if (value != NULL && strpbrk(name, "\"\\\r\n") == NULL)
		reply_add_header(x->req, "Content-Disposition", value);
	free(value);
	return ret;
}

static int
send_text(struct export *x)
{
	int ret;

	if (!x->direct)
		return send_json(x);
	ret = begin_direct(x);
	return ret < 0 ? ret
		       : buf_append(&x->req->reply.body, buf_text(&x->text),
			     x->text.len);
}

static int
export_notebook(struct export *x, int fd, uint64_t size)
{
	uint64_t max = export_limit(x->req);
	int ret;

	if (x->format == R_MARKDOWN && strcmp(x->object.language, "R") != 0)
		return reply_error(x->req, 400, "INVALID_PARAMETER_VALUE",
		    "Only R notebooks can be exported as R_MARKDOWN.");
	ret = print_notebook(x, fd, size);
	if (ret < 0)
		return ret;
	if (x->text.len > max)
		return reply_error(x->req, 400, "MAX_NOTEBOOK_SIZE_EXCEEDED",
		    "Notebook size exceeded limit: %zu > %" PRIu64, x->text.len,
		    max);
	return send_text(x);
}

/* Bytes as they are, in any format that is not a notebook's.  Whether
 * direct_download lifts the limit is not settled: a setting. */
static int
export_file(struct export *x, int *fd, uint64_t size)
{
	const char *dot = strrchr(dbpath_last(x->path), '.');
	bool lifted = x->direct &&
		      settings_get(&x->req->emu->settings,
			  SET_DIRECT_DOWNLOAD) == DIRECT_DOWNLOAD_UNLIMITED;
	uint64_t max = export_limit(x->req);
	int ret;

	if (x->format != SOURCE && x->format != AUTO && x->format != RAW)
		return reply_error(x->req, 400, "INVALID_PARAMETER_VALUE",
		    "%s is a file and cannot be exported as %s.", x->path,
		    formats[x->format]);
	if (size > max && !lifted)
		return reply_error(x->req, 400, "MAX_READ_SIZE_EXCEEDED",
		    "content size (%" PRIu64
		    ") exceeded the the limit %" PRIu64,
		    size, max);
	x->type = dot != NULL ? dot + 1 : "";
	if (!x->direct) {
		ret = read_file(*fd, size, &x->text);
		return ret < 0 ? ret : send_json(x);
	}
	ret = begin_direct(x);
	x->req->reply.fd = *fd;
	x->req->reply.fd_bytes = size;
	*fd = -1;
	return ret;
}

/* By mistake or not: a directory, even in the default format, is an archive. */
static int
export_archive(struct export *x, enum ws_archive kind)
{
	uint64_t max = export_limit(x->req);
	int ret;

	x->type = kind == WS_ARCHIVE_DBC ? "dbc" : "zip";
	ret = ws_archive_export(x->req, x->path, kind, (size_t)max, &x->text);
	if (ret == -EFBIG)
		return reply_error(x->req, 400, "BAD_REQUEST",
		    "Size exceeds %" PRIu64 " bytes", max);
	return ret < 0 ? ret : send_text(x);
}

static int
refuse_kind(struct export *x)
{
	return reply_error(x->req, 400, "BAD_REQUEST",
	    "%s of type %s cannot be exported.", x->path, x->object.type);
}

/* Dashboards with a document of their own can be exported, others not. */
static bool
is_file(const struct export *x)
{
	return object_is(&x->object, "FILE") ||
	       (object_is(&x->object, "DASHBOARD") &&
		   text_ends(x->path, ".lvdash.json"));
}

static int
export_directory(struct export *x)
{
	if (!object_is(&x->object, "DIRECTORY"))
		return refuse_kind(x);
	switch (x->format) {
	case SOURCE: return export_archive(x, WS_ARCHIVE_SOURCE);
	case AUTO: return export_archive(x, WS_ARCHIVE_AUTO);
	case DBC: return export_archive(x, WS_ARCHIVE_DBC);
	default:
		return reply_error(x->req, 400, "INVALID_PARAMETER_VALUE",
		    "%s is a directory and cannot be exported as %s.", x->path,
		    formats[x->format]);
	}
}

static int
export(struct export *x)
{
	struct store_node node;
	int fd = -1, ret;

	ret = store_read(x->req->emu->workspace, x->path, &fd, &node);
	if (ret == -EISDIR) {
		ret = ws_call_stat(x->req, x->path, &node, &x->object);
		return ret < 0 ? ws_call_fail(x->req, ret, x->path)
			       : export_directory(x);
	}
	if (ret < 0)
		return ws_call_fail(x->req, ret, x->path);
	ret = object_read(node.note, &x->object);
	if (ret == 0 && x->object.language != NULL && x->format == DBC)
		ret = export_archive(x, WS_ARCHIVE_DBC);
	else if (ret == 0 && x->object.language != NULL)
		ret = export_notebook(x, fd, node.size);
	else if (ret == 0 && is_file(x))
		ret = export_file(x, &fd, node.size);
	else if (ret == 0)
		ret = refuse_kind(x);
	if (fd >= 0)
		(void)close(fd);
	return ret;
}

int
ep_workspace_export(struct request *req)
{
	struct export x = { .req = req };
	struct ws_path p;
	int ret;

	if (!read_options(req, &x) || !ws_call_path(req, "path", &p))
		return 0;
	x.path = p.path;
	buf_init(&x.text, SIZE_MAX / 4);
	ret = export(&x);
	buf_release(&x.text);
	object_release(&x.object);
	free(p.path);
	return ret;
}
