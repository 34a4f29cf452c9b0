/* rest/api_workspace.c - the Workspace API, typed. */
#include "config.h"

#include "rest/api_workspace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/jval.h"
#include "base/text.h"
#include "net/url.h"
#include "rest/rest.h"

#include "base/banned.h"

/* A folder has 10,000 children at most (appendix C), of some 300 bytes each. */
#define LIST_BYTES_MAX	 ((size_t)64 << 20)
/* Base64 with its slashes escaped, at worst, and what is around it. */
#define EXPORT_BYTES_MAX \
	((size_t)2 * BASE64_TEXT_LEN(API_WORKSPACE_EXPORT_MAX) + 65536)

/* Beyond these an answer lies, and sums of them would overflow. */
#define FILE_BYTES_MAX (INT64_C(1) << 60)
#define TIME_MS_MAX    (INT64_C(1) << 53)

static const char *const languages[] = {
	[API_WORKSPACE_PYTHON] = "PYTHON",
	[API_WORKSPACE_SQL] = "SQL",
	[API_WORKSPACE_SCALA] = "SCALA",
	[API_WORKSPACE_R] = "R",
};

const char *
api_workspace_language_name(enum api_workspace_language language)
{
	return languages[language];
}

/* --- requests --------------------------------------------------------------------- */

static int
fail(struct call *call, const char *text)
{
	text_copy(call->words, sizeof(call->words), text);
	return -EIO;
}

static int
get(struct rest *r, struct call *call, const char *method_path,
    const struct rest_param *query, size_t answer_max,
    struct rest_answer *out)
{
	const struct rest_request req = {
		.method = "GET",
		.path = method_path,
		.subject = query[0].value,
		.family = REST_WORKSPACE,
		.query = query,
		.repeatable = true,
		.slow = answer_max == LIST_BYTES_MAX,
		.metadata = answer_max != EXPORT_BYTES_MAX,
		.answer_max = answer_max,
	};

	return rest_send(r, call, &req, out);
}

/* POST with a JSON object, which is taken over. */
static int
post(struct rest *r, struct call *call, const char *method_path,
    const char *subject, struct json_object *json, bool repeatable,
    struct rest_answer *out)
{
	const struct rest_request req = {
		.method = "POST",
		.path = method_path,
		.subject = subject,
		.family = REST_WORKSPACE,
		.json = json,
		.repeatable = repeatable,
		.slow = true,
		.metadata = true,
	};
	int ret = rest_send(r, call, &req, out);

	json_object_put(json);
	return ret;
}

static int
post_path(struct rest *r, struct call *call, const char *method_path,
    const char *path)
{
	struct json_object *o = json_object_new_object();
	struct rest_answer answer;
	int ret;

	if (jval_add_str(o, "path", path) < 0) {
		json_object_put(o);
		return -ENOMEM;
	}
	ret = post(r, call, method_path, path, o, true, &answer);
	rest_answer_release(&answer);
	return ret;
}

/* --- objects ------------------------------------------------------------------------ */

static enum api_workspace_type
type_of(const char *name)
{
	static const struct {
		const char *name;
		enum api_workspace_type type;
	} types[] = {
		{ "DIRECTORY", API_WORKSPACE_DIRECTORY },
		{ "REPO", API_WORKSPACE_DIRECTORY },
		{ "FILE", API_WORKSPACE_FILE },
		{ "NOTEBOOK", API_WORKSPACE_NOTEBOOK },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return API_WORKSPACE_OTHER;
}

static enum api_workspace_language
language_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (languages[i] != NULL && strcmp(languages[i], name) == 0)
			return (enum api_workspace_language)i;
	return API_WORKSPACE_NO_LANGUAGE;
}

static bool
is_broken(int ret)
{
	return ret < 0 && ret != -ENOENT;
}

static bool
time_is_odd(int64_t ms)
{
	return ms < -TIME_MS_MAX || ms > TIME_MS_MAX;
}

/* What is absent is 0; what is of another type is an error. */
int
api_workspace_row(struct json_object *row, struct api_workspace_info *out)
{
	struct api_workspace_info info = { 0 };
	const char *language = "", *format = "";
	int64_t id = 0, size = 0;
	int sized = jval_i64(row, "size", &size);

	if (jval_str(row, "path", &info.path) < 0 ||
	    jval_str(row, "object_type", &info.type_name) < 0 ||
	    is_broken(jval_i64(row, "object_id", &id)) ||
	    is_broken(sized) ||
	    is_broken(jval_i64(row, "created_at", &info.created_ms)) ||
	    is_broken(jval_i64(row, "modified_at", &info.modified_ms)) ||
	    is_broken(jval_str(row, "language", &language)) ||
	    is_broken(jval_str(row, "repos_export_format", &format)))
		return -EBADMSG;
	if (id < 0 || size < 0 || size > FILE_BYTES_MAX ||
	    time_is_odd(info.created_ms) || time_is_odd(info.modified_ms))
		return -EBADMSG;
	info.type = type_of(info.type_name);
	info.language = language_of(language);
	info.object_id = (uint64_t)id;
	info.has_size = sized == 0;
	info.size = (uint64_t)size;
	info.has_format = *format != '\0';
	info.jupyter = strcmp(format, "JUPYTER") == 0;
	*out = info;
	return 0;
}

int
api_workspace_get_status(struct rest *r, struct call *call, const char *path,
    bool git, struct api_workspace_info *info, struct json_object **json)
{
	const struct rest_param query[] = {
		{ "path", path },
		{ git ? "return_git_info" : "return_export_info", "true" },
		{ NULL, NULL },
	};
	struct rest_answer answer;
	int ret;

	ret = get(r, call, "/api/2.0/workspace/get-status", query, 0, &answer);
	if (ret == 0 && api_workspace_row(answer.json, info) < 0)
		ret = fail(call, "the status in the answer is broken");
	if (ret == 0)
		*json = json_object_get(answer.json);
	rest_answer_release(&answer);
	return ret;
}

/* A path in an answer may begin with "/Workspace", whatever was asked for (3.1). */
static bool
is_same_path(const char *asked, const char *said)
{
	static const char alias[] = "/Workspace";

	return strcmp(asked, said) == 0 || (text_starts(said, alias) &&
	    strcmp(asked, said + strlen(alias)) == 0);
}

/* A listing without one of its rows would say that something is not there: one broken
 * row breaks it all. */
static int
check_rows(struct call *call, const char *path, struct json_object *rows)
{
	size_t n = json_object_array_length(rows);
	struct api_workspace_info info;

	for (size_t i = 0; i < n; i++)
		if (api_workspace_row(json_object_array_get_idx(rows, i),
		    &info) < 0)
			return fail(call, "a row of the listing is broken");
	/* The listing of anything else is that itself. */
	if (n == 1 && info.type != API_WORKSPACE_DIRECTORY &&
	    is_same_path(path, info.path))
		return -ENOTDIR;
	return 0;
}

int
api_workspace_list(struct rest *r, struct call *call, const char *path,
    struct json_object **json)
{
	const struct rest_param query[] = { { "path", path }, { NULL, NULL } };
	struct json_object *rows = NULL;
	struct rest_answer answer;
	int ret;

	ret = get(r, call, "/api/2.0/workspace/list", query, LIST_BYTES_MAX,
	    &answer);
	if (ret < 0)
		goto out;
	/* An empty directory has no "objects"; no object at all is no answer. */
	if (!json_object_is_type(answer.json, json_type_object)) {
		ret = fail(call, "the listing in the answer is broken");
		goto out;
	}
	ret = jval_array(answer.json, "objects", &rows);
	if (ret == 0)
		ret = check_rows(call, path, rows);
	else if (ret != -ENOENT)
		ret = fail(call, "the listing in the answer is broken");
	else
		ret = 0;
	if (ret == 0) {
		*json = rows != NULL ? json_object_get(rows) :
				       json_object_new_array();
		if (*json == NULL)
			ret = -ENOMEM;
	}
out:
	rest_answer_release(&answer);
	return ret;
}

/* --- content -------------------------------------------------------------------------- */

static int
decode(struct call *call, const char *text, struct buf *out)
{
	size_t len = strlen(text);
	ssize_t n;
	int ret;

	ret = buf_reserve(out, len / 4 * 3 + 3);
	if (ret < 0)
		return ret;
	n = base64_decode(out->data + out->len, text, len);
	if (n < 0)
		return fail(call, "the content in the answer is no base64");
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return 0;
}

int
api_workspace_export(struct rest *r, struct call *call, const char *path,
    const char *format, struct buf *out)
{
	const struct rest_param query[] = {
		{ "path", path },
		{ "format", format },
		{ NULL, NULL },
	};
	struct rest_answer answer;
	const char *content = "";
	int ret;

	ret = get(r, call, "/api/2.0/workspace/export", query, EXPORT_BYTES_MAX,
	    &answer);
	if (ret == 0) {
		buf_release(&answer.text);
		ret = jval_str(answer.json, "content", &content);
		/* Nothing at all: an empty file. */
		if (ret == -ENOENT &&
		    json_object_is_type(answer.json, json_type_object))
			ret = 0;
		ret = ret == 0 ? decode(call, content, out) :
		    fail(call, "the answer to export has no content");
	}
	rest_answer_release(&answer);
	return ret;
}

/* --- files that are not exported ------------------------------------------------------ */

void
api_workspace_url_release(struct api_workspace_url *u)
{
	for (size_t i = 0; i < u->n; i++)
		free(u->headers[i]);
	free(u->url);
	*u = (struct api_workspace_url){ 0 };
}

/* Is it a header that can be sent? */
static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static int
read_headers(struct json_object *list, struct api_workspace_url *out)
{
	json_object_object_foreach(list, name, value)
	{
		const char *text;

		if (jval_str(list, name, &text) < 0 || !is_plain(name) ||
		    !is_plain(text) || out->n == ARRAY_LEN(out->headers))
			return -EBADMSG;
		out->headers[out->n] = text_printf("%s: %s", name, text);
		if (out->headers[out->n] == NULL)
			return -ENOMEM;
		out->n++;
		(void)value;
	}
	return 0;
}

static int
read_url(struct json_object *answer, struct api_workspace_url *out)
{
	struct json_object *info, *signed_url, *headers;
	const char *url;
	char *base;
	int ret;

	if (jval_object(answer, "wsfs_object_info", &info) < 0 ||
	    jval_object(info, "signed_url", &signed_url) < 0 ||
	    jval_str(signed_url, "url", &url) < 0)
		return -ENODATA;
	/* As for the service itself: no plain http to another machine. */
	if (url_base(url, &base) < 0)
		return -EBADMSG;
	free(base);
	*out = (struct api_workspace_url){ .url = text_dup(url) };
	(void)jval_i64(signed_url, "expiry_time_millis", &out->until_ms);
	ret = out->url != NULL ? 0 : -ENOMEM;
	if (ret == 0 && jval_object(signed_url, "headers", &headers) == 0)
		ret = read_headers(headers, out);
	if (ret < 0)
		api_workspace_url_release(out);
	return ret;
}

int
api_workspace_sign(struct rest *r, struct call *call, const char *path,
    struct api_workspace_url *out)
{
	const struct rest_param query[] = { { "path", path }, { NULL, NULL } };
	struct rest_answer answer;
	int ret;

	ret = get(r, call, "/api/2.0/workspace-files/object-info", query, 0,
	    &answer);
	if (ret == 0)
		ret = read_url(answer.json, out);
	if (ret == -EBADMSG)
		ret = fail(call, "the URL in the answer is broken");
	rest_answer_release(&answer);
	return ret;
}

struct piece {
	char *dst;
	size_t len, n;
};

static void
begin_piece(void *ctx)
{
	struct piece *p = ctx;

	p->n = 0;
}

static void
take_piece(void *ctx, const char *bytes, size_t len)
{
	struct piece *p = ctx;
	size_t n = len < p->len - p->n ? len : p->len - p->n;

	memcpy(p->dst + p->n, bytes, n);
	p->n += n;
}

int
api_workspace_fetch(struct rest *r, struct call *call, const char *path,
    const struct api_workspace_url *u, uint64_t off, void *dst, size_t len)
{
	struct piece piece = { dst, len, 0 };
	const struct rest_sink sink = { begin_piece, take_piece, &piece };
	const char *headers[ARRAY_LEN(u->headers) + 1];
	char range[64];
	struct rest_request req = {
		.method = "GET",
		.path = "(a signed URL)",
		.url = u->url,
		.headers = headers,
		.subject = path,
		.family = REST_STORAGE,
		.repeatable = true,
		.answer_max = len,
		.sink = &sink,
		.raw = true,
	};
	struct rest_answer answer;
	int ret;

	(void)snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-%" PRIu64,
	    off, off + len - 1);
	headers[req.n_headers++] = range;
	for (size_t i = 0; i < u->n; i++)
		headers[req.n_headers++] = u->headers[i];
	ret = rest_send(r, call, &req, &answer);
	/* A whole file is longer than the piece, unless that is all of it. */
	if (answer.status == 200 && (ret < 0 || off != 0 || piece.n != len))
		ret = -EOPNOTSUPP;
	else if (ret == 0 && piece.n != len)
		ret = fail(call, "the storage gives fewer bytes than there are");
	rest_answer_release(&answer);
	return ret;
}

int
api_workspace_download(struct rest *r, struct call *call, const char *path,
    uint64_t size, const struct rest_sink *sink)
{
	struct rest_request req = {
		.method = "GET",
		.subject = path,
		.family = REST_WORKSPACE,
		.repeatable = true,
		.slow = true,
		.answer_max = (size_t)size + 1,
		.sink = sink,
		.raw = true,
	};
	struct rest_answer answer;
	struct buf url;
	int ret;

	buf_init(&url, 65536);
	ret = buf_puts(&url, "/api/2.0/workspace-files");
	if (ret == 0)
		ret = url_escape_path(&url, path);
	req.path = buf_text(&url);
	if (ret == 0) {
		ret = rest_send(r, call, &req, &answer);
		rest_answer_release(&answer);
	}
	buf_release(&url);
	return ret;
}

/* --- changes of content ----------------------------------------------------------------- */

int
api_workspace_import(struct rest *r, struct call *call,
    const struct api_workspace_import *what, const struct rest_body *body,
    int64_t *server_ms)
{
	struct rest_part parts[5] = {
		{ .name = "path", .text = what->path },
		{ .name = "format", .text = what->format },
		{ .name = "overwrite", .text = what->overwrite ? "true" : "false" },
	};
	size_t n = 3;
	struct rest_request req = {
		.method = "POST",
		.path = "/api/2.0/workspace/import",
		.subject = what->path,
		.family = REST_WORKSPACE,
		.parts = parts,
		/* Without overwrite a second one says that the name is taken. */
		.repeatable = true,
		.slow = true,
	};
	struct rest_answer answer;
	int ret;

	if (what->language != API_WORKSPACE_NO_LANGUAGE)
		parts[n++] = (struct rest_part){ .name = "language",
			.text = languages[what->language] };
	/* Its own name would be a header made from what users write. */
	parts[n++] = (struct rest_part){ .name = "content",
		.filename = "content", .body = body };
	req.n_parts = n;
	ret = rest_send(r, call, &req, &answer);
	*server_ms = answer.server_ms;
	rest_answer_release(&answer);
	return ret;
}

/* --- names -------------------------------------------------------------------------------- */

int
api_workspace_mkdirs(struct rest *r, struct call *call, const char *path)
{
	return post_path(r, call, "/api/2.0/workspace/mkdirs", path);
}

int
api_workspace_delete(struct rest *r, struct call *call, const char *path)
{
	return post_path(r, call, "/api/2.0/workspace/delete", path);
}

int
api_workspace_rename(struct rest *r, struct call *call, const char *from,
    const char *to, bool *unknown)
{
	struct json_object *o = json_object_new_object();
	struct rest_answer answer;
	int ret;

	if (jval_add_str(o, "source_path", from) < 0 ||
	    jval_add_str(o, "destination_path", to) < 0) {
		json_object_put(o);
		return -ENOMEM;
	}
	ret = post(r, call, "/api/2.0/workspace/rename", from, o, false,
	    &answer);
	*unknown = answer.unknown;
	rest_answer_release(&answer);
	return ret;
}
