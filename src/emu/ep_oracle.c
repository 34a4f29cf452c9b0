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

/* What must hold whatever was done to the clients. */
int
ep_oracle_invariants(struct request *req)
{
	struct contents *contents = req->emu->contents;
	struct buf *out = &req->reply.body;
	bool good = true;
	size_t begin;
	int ret;

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
		    req->emu->dbfs, is_known, contents, VERSIONS_MAX, out);
	if (out->len > begin + 2)
		good = false;
	return ret < 0 ? ret
		       : buf_printf(
			     out, ",\"good\":%s}", good ? "true" : "false");
}

/* The path parameter; NULL when answered. */
static char *
take_path(struct request *req, const char *def)
{
	const char *text = def;
	char *path = NULL;

	if (params_str(&req->params, "path", &text) == -EBADMSG ||
	    text == NULL || dbpath_parse(text, false, &path) != DBPATH_GOOD ||
	    path == NULL)
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Wanted: path, absolute.");
	return path;
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
	char *path = take_path(req, NULL);
	int ret;

	if (path == NULL)
		return 0;
	ret = reply_json(req, "{\"versions\":");
	if (ret == 0)
		ret = store_history(req->emu->dbfs, path, &req->reply.body);
	if (ret == 0)
		ret = buf_puts(&req->reply.body, "}");
	free(path);
	return ret;
}

int
ep_oracle_tree(struct request *req)
{
	char *path = take_path(req, "/");
	int ret;

	if (path == NULL)
		return 0;
	ret = reply_json(req, "{\"entries\":");
	if (ret == 0)
		ret = store_tree(req->emu->dbfs, path, &req->reply.body);
	ret = ret < 0 ? fail(req, ret, path) : buf_puts(&req->reply.body, "}");
	free(path);
	return ret;
}

int
ep_oracle_get_file(struct request *req)
{
	char *path = take_path(req, NULL);
	struct store_node node;
	int fd, ret;

	if (path == NULL)
		return 0;
	ret = store_read(req->emu->dbfs, path, &fd, &node);
	if (ret < 0) {
		ret = fail(req, ret, path);
	} else {
		ret = reply_text(req, 200, "application/octet-stream", "");
		req->reply.fd = fd;
		req->reply.fd_bytes = node.size;
	}
	free(path);
	return ret;
}

int
ep_oracle_put_file(struct request *req)
{
	char *path = take_path(req, NULL);
	int ret;

	if (path == NULL)
		return 0;
	ret = store_commit(
	    req->emu->dbfs, path, req->body.file, true, HISTORY_ADMIN, req->id);
	ret = ret < 0 ? fail(req, ret, path) : reply_json(req, "{}");
	free(path);
	return ret;
}

int
ep_oracle_delete_file(struct request *req)
{
	char *path = take_path(req, NULL);
	uint64_t removed;
	int ret;

	if (path == NULL)
		return 0;
	ret = store_remove(req->emu->dbfs, path, true, 0, req->id, &removed);
	ret = ret < 0 ? fail(req, ret, path) : reply_json(req, "{}");
	free(path);
	return ret;
}

struct make {
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

	ret =
	    data != NULL ? store_mkdirs(req->emu->dbfs, dir, req->id) : -ENOMEM;
	for (int64_t i = 0; ret == 0 && i < m->files; i++) {
		char *path = text_printf(
		    "%s/f%05" PRId64, strcmp(dir, "/") == 0 ? "" : dir, i);

		if (path == NULL) {
			ret = -ENOMEM;
			break;
		}
		fill(data, (size_t)m->size, path);
		ret = store_put(req->emu->dbfs, path, data, (size_t)m->size,
		    HISTORY_ADMIN, req->id);
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
	struct make m = { 0, 1, 0 };
	const struct {
		const char *name;
		int64_t *number;
	} numbers[] = { { "dirs", &m.dirs }, { "files", &m.files },
		{ "size", &m.size } };
	char *path = take_path(req, NULL);
	int ret;

	if (path == NULL)
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
		ret = make_all(req, path, &m);
		ret = ret < 0 ? fail(req, ret, path) : reply_json(req, "{}");
	}
	free(path);
	return ret;
}
