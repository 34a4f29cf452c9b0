/* emu/ep_oracle.c - /emulator/: counts, history, files. */
#include "config.h"

#include "emu/ep_oracle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"
#include "base/text.h"

#include "emu/dbpath.h"
#include "emu/emu.h"
#include "emu/notebook.h"
#include "emu/workspace.h"

#include "base/banned.h"

#define MAKE_MAX  1000000
#define MAKE_SIZE (INT64_C(64) << 20)
#define LOG_LINES 1000
#define VERSIONS_MAX 1000

int
ep_oracle_counters(struct request *req)
{
	int ret;

	ret = reply_json(req, "");
	return ret < 0 ? ret
		       : tally_print_counts(req->emu->tally, &req->reply.body);
}

int
ep_oracle_reset(struct request *req)
{
	tally_reset(req->emu->tally);
	return reply_json(req, "{}");
}

int
ep_oracle_log(struct request *req)
{
	int64_t max = LOG_LINES;
	int ret;

	if (params_i64(&req->params, "max", &max) == -EBADMSG)
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "max is a number.");
	ret = reply_json(req, "{\"requests\":");
	if (ret == 0)
		ret = tally_print_log(req->emu->tally,
		    max > 0 ? (uint64_t)max : 0, &req->reply.body);
	return ret < 0 ? ret : buf_puts(&req->reply.body, "}");
}

/* {"sha256": [...]} are good contents; {"clear": true} forgets all before. */
int
ep_oracle_contents(struct request *req)
{
	struct contents *contents = req->emu->contents;
	struct json_object *list = NULL, *one;
	const char *text;
	bool clear = false;

	if (params_bool(&req->params, "clear", &clear) == 0 && clear)
		contents_clear(contents);
	(void)jval_array(req->params.json, "sha256", &list);
	for (size_t i = 0; list != NULL && i < json_object_array_length(list);
	     i++) {
		one = json_object_array_get_idx(list, i);
		text = json_object_get_string(one);
		if (contents_add(contents, text != NULL ? text : "") < 0)
			return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
			    "A SHA-256 has 64 hexadecimal digits.");
	}
	return reply_json(req, "{}");
}

static bool
is_known(void *ctx, const char *sha256)
{
	return contents_has(ctx, sha256);
}

/* What a call is about. */
struct spot {
	struct store *tree;
	bool workspace; /* the tree keeps notes */
	char *path;
};

/* The parameter tree: "dbfs", the default, or "workspace".  False when answered. */
static bool
take_tree(struct request *req, struct spot *out)
{
	const char *name = "dbfs";
	int ret = params_str(&req->params, "tree", &name);

	out->workspace = strcmp(name, "workspace") == 0;
	out->tree = out->workspace ? req->emu->workspace : req->emu->dbfs;
	if (ret != -EBADMSG && (out->workspace || strcmp(name, "dbfs") == 0))
		return true;
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    "Wanted: tree (dbfs, workspace).");
	return false;
}

/* What must hold whatever was done to the clients. */
int
ep_oracle_invariants(struct request *req)
{
	struct contents *contents = req->emu->contents;
	struct buf *out = &req->reply.body;
	struct spot spot;
	bool good = true;
	size_t begin;
	int ret;

	if (!take_tree(req, &spot))
		return 0;
	ret = reply_json(req, "{");
	if (ret == 0)
		ret = tally_print_invariants(req->emu->tally, out, &good);
	if (ret == 0)
		ret = buf_printf(out, ",\"contents\":%zu,\"versions\":",
		    contents_count(contents));
	begin = out->len;
	/* Without contents nothing can be said of them. */
	if (ret == 0 && contents_count(contents) == 0)
		ret = buf_puts(out, "[]");
	else if (ret == 0)
		ret = store_unknown(
		    spot.tree, is_known, contents, VERSIONS_MAX, out);
	if (out->len > begin + 2)
		good = false;
	return ret < 0 ? ret
		       : buf_printf(
			     out, ",\"good\":%s}", good ? "true" : "false");
}

/* The parameters tree and path.  False when answered. */
static bool
take_spot(struct request *req, const char *def, struct spot *out)
{
	const char *text = def;

	out->path = NULL;
	if (!take_tree(req, out))
		return false;
	if (params_str(&req->params, "path", &text) == -EBADMSG ||
	    text == NULL ||
	    dbpath_parse(text, false, &out->path) != DBPATH_GOOD ||
	    out->path == NULL)
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Wanted: path, absolute.");
	return out->path != NULL;
}

/* What is put into the workspace: object_type, language, format.  False when
 * answered. */
static bool
take_thing(struct request *req, struct workspace_thing *out)
{
	enum notebook_language language;

	*out = (struct workspace_thing){ 0 };
	(void)params_str(&req->params, "object_type", &out->type);
	(void)params_str(&req->params, "language", &out->language);
	(void)params_str(&req->params, "format", &out->format);
	if (out->type == NULL && out->language != NULL)
		out->type = "NOTEBOOK";
	if (out->language != NULL && out->format == NULL)
		out->format = "SOURCE";
	if ((out->language == NULL) == (out->format == NULL) &&
	    (out->language == NULL ||
		notebook_language_of_name(out->language, &language)))
		return true;
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    "Wanted: object_type, language and format of an object.");
	return false;
}

static int
fail(struct request *req, int err, const char *path)
{
	if (err == -ENOENT)
		return reply_error(
		    req, 404, "RESOURCE_DOES_NOT_EXIST", "Nothing at %s", path);
	return reply_error(
	    req, 400, "BAD_REQUEST", "%s: %s", path, strerror(-err));
}

int
ep_oracle_history(struct request *req)
{
	struct spot spot;
	int ret;

	if (!take_spot(req, NULL, &spot))
		return 0;
	ret = reply_json(req, "{\"versions\":");
	if (ret == 0)
		ret = store_history(spot.tree, spot.path, &req->reply.body);
	if (ret == 0)
		ret = buf_puts(&req->reply.body, "}");
	free(spot.path);
	return ret;
}

int
ep_oracle_paths(struct request *req)
{
	struct spot spot;
	int ret;

	if (!take_spot(req, "/", &spot))
		return 0;
	ret = reply_json(req, "{\"paths\":");
	if (ret == 0)
		ret = store_paths(spot.tree, spot.path, &req->reply.body);
	if (ret == 0)
		ret = buf_puts(&req->reply.body, "}");
	free(spot.path);
	return ret;
}

int
ep_oracle_tree(struct request *req)
{
	struct spot spot;
	int ret;

	if (!take_spot(req, "/", &spot))
		return 0;
	ret = reply_json(req, "{\"entries\":");
	if (ret == 0)
		ret = store_tree(spot.tree, spot.path, &req->reply.body);
	ret = ret < 0 ? fail(req, ret, spot.path) : buf_puts(&req->reply.body, "}");
	free(spot.path);
	return ret;
}

int
ep_oracle_get_file(struct request *req)
{
	struct spot spot;
	struct store_node node;
	int fd, ret;

	if (!take_spot(req, NULL, &spot))
		return 0;
	ret = store_read(spot.tree, spot.path, &fd, &node);
	if (ret < 0) {
		ret = fail(req, ret, spot.path);
	} else {
		ret = reply_text(req, 200, "application/octet-stream", "");
		req->reply.fd = fd;
		req->reply.fd_bytes = node.size;
	}
	free(spot.path);
	return ret;
}

int
ep_oracle_put_file(struct request *req)
{
	struct workspace_thing thing;
	struct spot spot;
	int ret = 0;

	if (!take_thing(req, &thing) || !take_spot(req, NULL, &spot))
		return 0;
	ret = spot.workspace
		  ? workspace_place(req->emu, spot.path, req->body.file, &thing,
			HISTORY_ADMIN, req->id)
		  : store_commit(spot.tree, spot.path, req->body.file, true,
			HISTORY_ADMIN, req->id);
	ret = ret < 0 ? fail(req, ret, spot.path) : reply_json(req, "{}");
	free(spot.path);
	return ret;
}

int
ep_oracle_delete_file(struct request *req)
{
	struct spot spot;
	uint64_t removed;
	int ret;

	if (!take_spot(req, NULL, &spot))
		return 0;
	ret = store_remove(spot.tree, spot.path, true, 0, req->id, &removed);
	ret = ret < 0 ? fail(req, ret, spot.path) : reply_json(req, "{}");
	free(spot.path);
	return ret;
}

struct make {
	const struct spot *spot;
	struct workspace_thing thing;
	int64_t dirs, files, size;
};

/* Content that differs from file to file and can be made again by a test: the
 * file's path and a newline, repeated. */
static void
fill(char *dst, size_t len, const char *path)
{
	size_t unit = strlen(path) + 1;

	for (size_t i = 0; i < len; i++)
		dst[i] = i % unit == unit - 1 ? '\n' : path[i % unit];
}

static int
make_dir(struct request *req, const char *dir, const struct make *m)
{
	char *data = malloc((size_t)m->size + 1);
	int ret;

	ret = data != NULL ? store_mkdirs(m->spot->tree, dir, req->id)
			   : -ENOMEM;
	for (int64_t i = 0; ret == 0 && i < m->files; i++) {
		char *path = text_printf(
		    "%s/f%05" PRId64, strcmp(dir, "/") == 0 ? "" : dir, i);

		if (path == NULL) {
			ret = -ENOMEM;
			break;
		}
		fill(data, (size_t)m->size, path);
		ret = m->spot->workspace
			  ? workspace_put(req->emu, path, data,
				(size_t)m->size, &m->thing, req->id)
			  : store_put(m->spot->tree, path, data,
				(size_t)m->size, HISTORY_ADMIN, req->id);
		free(path);
		if (halt_raised(req->emu->halt))
			ret = -EINTR;
	}
	free(data);
	return ret;
}

static int
make_all(struct request *req, const char *top, const struct make *m)
{
	int ret = 0;

	if (m->dirs == 0)
		return make_dir(req, top, m);
	for (int64_t i = 0; ret == 0 && i < m->dirs; i++) {
		char *dir = text_printf(
		    "%s/d%05" PRId64, strcmp(top, "/") == 0 ? "" : top, i);

		ret = dir != NULL ? make_dir(req, dir, m) : -ENOMEM;
		free(dir);
	}
	return ret;
}

int
ep_oracle_make(struct request *req)
{
	struct spot spot;
	struct make m = { .spot = &spot, .files = 1 };
	const struct {
		const char *name;
		int64_t *number;
	} numbers[] = { { "dirs", &m.dirs }, { "files", &m.files },
		{ "size", &m.size } };
	int ret;

	if (!take_thing(req, &m.thing) || !take_spot(req, NULL, &spot))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (params_i64(&req->params, numbers[i].name,
			numbers[i].number) == -EBADMSG)
			*numbers[i].number = -1;
	if (m.dirs < 0 || m.files < 0 || m.size < 0 || m.size > MAKE_SIZE ||
	    m.dirs > MAKE_MAX || m.files > MAKE_MAX ||
	    (m.dirs > 0 ? m.dirs : 1) * m.files > MAKE_MAX) {
		ret = reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "dirs, files or size is out of range.");
	} else {
		ret = make_all(req, spot.path, &m);
		ret = ret < 0 ? fail(req, ret, spot.path) : reply_json(req, "{}");
	}
	free(spot.path);
	return ret;
}
