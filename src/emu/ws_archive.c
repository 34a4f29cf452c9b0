/* emu/ws_archive.c - directories of the workspace as archives. */
#include "config.h"

#include "emu/ws_archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

#include "emu/emu.h"
#include "emu/ws_call.h"
#include "emu/ws_notebook.h"
#include "emu/wspath.h"
#include "emu/zip.h"

#include "base/banned.h"

/* --- export ------------------------------------------------------------------------- */

struct names {
	char **list;
	size_t len, cap;
};

static void
names_release(struct names *n)
{
	for (size_t i = 0; i < n->len; i++)
		free(n->list[i]);
	free(n->list);
}

/* With the tree's lock held: which files there are. */
static int
collect(void *ctx, const char *path, const struct store_node *node)
{
	struct names *n = ctx;

	if (node->is_dir)
		return 0;
	if (n->len == n->cap) {
		size_t cap = n->cap > 0 ? 2 * n->cap : 64;
		char **more = reallocarray(n->list, cap, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		n->list = more;
		n->cap = cap;
	}
	n->list[n->len] = text_dup(path);
	return n->list[n->len++] != NULL ? 0 : -ENOMEM;
}

struct packing {
	struct request *req;
	enum ws_archive kind;
	size_t limit;
	struct zip *zip;
	struct buf *out;
};

static int
read_whole(int fd, uint64_t size, struct buf *out)
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

/* Adds what is kept as the archive has it. */
static int
pack(struct packing *p, const char *name, const struct object *o,
    int64_t mtime_ms, const struct buf *kept)
{
	enum ws_form form = p->kind == WS_ARCHIVE_AUTO ? ws_notebook_kept(o)
			    : p->kind == WS_ARCHIVE_DBC
				? WS_FORM_MODEL
				: WS_FORM_SOURCE;
	const char *slash = strrchr(name, '/');
	struct buf text;
	char *full;
	int ret;

	buf_init(&text, SIZE_MAX / 4);
	full = text_printf("%s.%s", name, ws_notebook_type(o, form));
	ret = full != NULL
		  ? ws_notebook_print(o, slash != NULL ? slash + 1 : name, kept,
			form, &text)
		  : -ENOMEM;
	if (ret == 0)
		ret = zip_add(
		    p->zip, full, mtime_ms, buf_text(&text), text.len);
	buf_release(&text);
	free(full);
	return ret;
}

static int
pack_file(struct packing *p, const char *path, const char *name)
{
	struct object o = { 0 };
	struct store_node node;
	struct buf kept;
	int fd, ret;

	ret = store_read(p->req->emu->workspace, path, &fd, &node);
	if (ret < 0)
		/* It went away meanwhile, or came back as a directory. */
		return ret == -ENOENT || ret == -EISDIR ? 0 : ret;
	buf_init(&kept, SIZE_MAX / 4);
	ret = object_read(node.note, &o);
	if (ret == 0 && (o.language != NULL ||
			    (p->kind == WS_ARCHIVE_AUTO && object_is(&o, "FILE")))) {
		ret = node.size > p->limit ? -EFBIG
					   : read_whole(fd, node.size, &kept);
		if (ret == 0 && o.language != NULL) {
			ret = pack(p, name, &o, node.mtime_ms, &kept);
			if (ret == -EBADMSG)
				ret = 0; /* a person spoilt it */
		} else if (ret == 0) {
			ret = zip_add(p->zip, name, node.mtime_ms,
			    buf_text(&kept), kept.len);
		}
	}
	if (ret == 0 && p->out->len > p->limit)
		ret = -EFBIG;
	object_release(&o);
	buf_release(&kept);
	(void)close(fd);
	return ret;
}

int
ws_archive_export(struct request *req, const char *path, enum ws_archive kind,
    size_t limit, struct buf *out)
{
	struct packing p = { req, kind, limit, NULL, out };
	size_t skip = strcmp(path, "/") == 0 ? 1 : strlen(path) + 1;
	struct names names = { 0 };
	struct store_node node;
	int ret;

	ret = store_stat(req->emu->workspace, path, &node);
	if (ret == 0 && node.is_dir)
		ret = store_each(req->emu->workspace, path, collect, &names);
	if (ret == 0)
		ret = zip_new(out, req->emu->utf8, &p.zip);
	if (ret == 0 && !node.is_dir)
		ret = pack_file(&p, path, dbpath_last(path));
	for (size_t i = 0; ret == 0 && i < names.len; i++)
		ret = pack_file(&p, names.list[i], names.list[i] + skip);
	if (ret == 0)
		ret = zip_end(p.zip);
	if (ret == 0 && out->len > limit)
		ret = -EFBIG;
	zip_free(p.zip);
	names_release(&names);
	return ret;
}

/* --- import ------------------------------------------------------------------------- */

struct unpacking {
	struct request *req;
	const struct ws_import *in;
	bool dbc;
	size_t files;
	bool deep; /* something is in a directory */
};

/* Only looks. */
static int
count(void *ctx, const char *name, const char *data, size_t len)
{
	struct unpacking *u = ctx;

	(void)data;
	(void)len;
	u->files++;
	u->deep |= strchr(name, '/') != NULL;
	return 0;
}

/* The path that an entry becomes; false for a name that leads elsewhere. */
static bool
entry_path(const struct unpacking *u, const char *name, struct ws_path *out)
{
	char *joined = text_printf("%s/%s", u->in->path, name);

	out->path = NULL;
	if (joined != NULL && name[0] != '/' &&
	    wspath_parse(joined, &out->path, &out->alias) != DBPATH_GOOD)
		out->path = NULL;
	free(joined);
	return out->path != NULL;
}

static int
make_parent(struct unpacking *u, char *path)
{
	char *slash = strrchr(path, '/');
	int ret;

	if (slash == path)
		return 0;
	*slash = '\0';
	ret = store_mkdirs(u->req->emu->workspace, path, u->req->id);
	*slash = '/';
	return ret;
}

/* Without the extension of a model; false when it has none. */
static bool
cut_model(char *path)
{
	char *dot = strrchr(path, '.');

	if (dot == NULL || !ws_notebook_is_model(dot + 1))
		return false;
	*dot = '\0';
	return true;
}

static int
import_entry(struct unpacking *u, char *path, const char *data, size_t len)
{
	struct ws_import one = {
		.path = path,
		.format = u->dbc ? WS_MODEL : WS_AUTO,
		.overwrite = u->in->overwrite,
	};
	int ret = 0;

	if (u->dbc && !cut_model(path))
		return 0;
	if (u->dbc && u->files == 1 && !u->deep)
		one.path = u->in->path;
	else
		ret = make_parent(u, path);
	if (ret == 0)
		ret = ws_import_set_content(u->req, data, len);
	if (ret == 0)
		ret = ws_import(u->req, &one);
	ws_import_release(&one);
	return ret;
}

static int
unpack(void *ctx, const char *name, const char *data, size_t len)
{
	struct unpacking *u = ctx;
	struct ws_path p;
	int ret;

	if (!entry_path(u, name, &p))
		return -EBADMSG;
	ret = text_ends(name, "/")
		  ? store_mkdirs(u->req->emu->workspace, p.path, u->req->id)
		  : import_entry(u, p.path, data, len);
	free(p.path);
	return ret;
}

/* What is at the path, and is there a parent? */
static int
check_place(struct request *req, struct ws_import *in)
{
	struct store_node node;
	char *parent;
	int ret;

	in->stored = text_dup(in->path);
	in->type = "DIRECTORY";
	parent = strndup(in->path, (size_t)(dbpath_last(in->path) - in->path));
	if (in->stored == NULL || parent == NULL) {
		free(parent);
		return -ENOMEM;
	}
	if (parent[1] != '\0')
		parent[strlen(parent) - 1] = '\0';
	ret = store_stat(req->emu->workspace, parent, &node);
	if (ret == 0 && !node.is_dir)
		ret = -ENOENT;
	free(parent);
	if (ret == 0 && store_stat(req->emu->workspace, in->path, &node) == 0 &&
	    !in->overwrite)
		ret = -EEXIST;
	return ret;
}

int
ws_archive_import(struct request *req, struct ws_import *in)
{
	struct unpacking u = { .req = req, .in = in,
		.dbc = in->format == WS_DBC };
	size_t limit =
	    (size_t)settings_get(&req->emu->settings, SET_FILE_LIMIT);
	struct buf content;
	int ret;

	in->size = spool_size(req->body.file);
	buf_init(&content, SIZE_MAX / 4);
	ret = ws_import_content(req, &content);
	if (ret == 0)
		ret = zip_read(buf_text(&content), content.len, limit,
		    req->emu->utf8, count, &u);
	if (ret == 0 && u.dbc && in->overwrite)
		ret = -EPERM;
	if (ret == -EPERM)
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Overwrite is not supported for the DBC format.");
	if (ret == 0)
		ret = check_place(req, in);
	if (ret == 0 && ws_call_place_refused(req, in->path))
		ret = -EPERM;
	if (ret == 0)
		ret = zip_read(buf_text(&content), content.len, limit,
		    req->emu->utf8, unpack, &u);
	buf_release(&content);
	return ret;
}
