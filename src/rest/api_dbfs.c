/* rest/api_dbfs.c - the DBFS API, typed. */
#include "config.h"

#include "rest/api_dbfs.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/jval.h"
#include "base/text.h"
#include "rest/read_answer.h"
#include "rest/rest.h"

#include "base/banned.h"

/* A listing of 10,000 entries with long names is some MB; the service gives up not
 * far above. */
#define LIST_BYTES_MAX ((size_t)64 << 20)
#define READ_BYTES_MAX \
	(BASE64_TEXT_LEN((size_t)API_DBFS_READ_MAX) + 4096)
/* Beyond these an answer lies, and sums of them would overflow. */
#define FILE_BYTES_MAX (INT64_C(1) << 60)
#define TIME_MS_MAX    (INT64_C(1) << 53)

/* Rows whose documents are worth the time to give back what they took. */
#define LONG_LISTING 4096

#define DELETE_TRIES 1000 /* of PARTIAL_DELETE, which makes progress each time */

/* --- requests --------------------------------------------------------------------- */

static int
fail(struct call *call, const char *text)
{
	text_copy(call->words, sizeof(call->words), text);
	return -EIO;
}

static int
get(struct rest *r, struct call *call, const char *method_path,
    const char *path, size_t answer_max, struct rest_answer *out)
{
	struct rest_param query[] = { { "path", path }, { NULL, NULL } };
	struct rest_request req = {
		.method = "GET",
		.path = method_path,
		.subject = path,
		.family = REST_DBFS,
		.query = query,
		.repeatable = true,
		.slow = answer_max == LIST_BYTES_MAX,
		.metadata = true,
		.answer_max = answer_max,
	};

	return rest_send(r, call, &req, out);
}

/* POST with a JSON object, which is taken over. */
static int
post(struct rest *r, struct call *call, const char *method_path,
    const char *subject, struct json_object *json, bool repeatable, bool slow,
    struct rest_answer *out)
{
	struct rest_request req = {
		.method = "POST",
		.path = method_path,
		.subject = subject,
		.family = REST_DBFS,
		.json = json,
		.repeatable = repeatable,
		.slow = slow,
		.metadata = true,
	};
	int ret;

	ret = rest_send(r, call, &req, out);
	json_object_put(json);
	return ret;
}

/* The object {"path": path, flag: value}; NULL flag: without. */
static struct json_object *
path_object(const char *path, const char *flag, bool value)
{
	struct json_object *o = json_object_new_object();

	if (jval_add_str(o, "path", path) == 0 &&
	    (flag == NULL || jval_add_bool(o, flag, value) == 0))
		return o;
	json_object_put(o);
	return NULL;
}

static int
post_path(struct rest *r, struct call *call, const char *method_path,
    const char *path, const char *flag, bool value, bool slow)
{
	struct rest_answer answer;
	struct json_object *o = path_object(path, flag, value);
	int ret;

	if (o == NULL)
		return -ENOMEM;
	ret = post(r, call, method_path, path, o, true, slow, &answer);
	rest_answer_release(&answer);
	return ret;
}

/* --- status and listings -------------------------------------------------------------- */

/* An absent size or time is 0; one of another type is an error. */
static int
read_info(struct json_object *o, struct api_dbfs_info *out)
{
	struct api_dbfs_info info = { 0 };
	int64_t size = 0;
	int ret;

	if (jval_str(o, "path", &info.path) < 0)
		return -EBADMSG;
	ret = jval_bool(o, "is_dir", &info.is_dir);
	if (ret == 0 || ret == -ENOENT)
		ret = jval_i64(o, "file_size", &size);
	if (ret == 0 || ret == -ENOENT)
		ret = jval_i64(o, "modification_time", &info.mtime_ms);
	if ((ret < 0 && ret != -ENOENT) || size < 0 || size > FILE_BYTES_MAX ||
	    info.mtime_ms < -TIME_MS_MAX || info.mtime_ms > TIME_MS_MAX)
		return -EBADMSG;
	info.size = (uint64_t)size;
	*out = info;
	return 0;
}

int
api_dbfs_get_status(struct rest *r, struct call *call, const char *path,
    struct api_dbfs_info *out)
{
	struct rest_answer answer;
	struct api_dbfs_info info;
	int ret;

	ret = get(r, call, "/api/2.0/dbfs/get-status", path, 0, &answer);
	if (ret == 0) {
		if (read_info(answer.json, &info) < 0) {
			ret = fail(call, "the status in the answer is broken");
		} else {
			*out = info;
			out->path = path;
		}
	}
	rest_answer_release(&answer);
	return ret;
}

/* A listing without one of its rows would say that something is not there: one broken
 * row breaks it all, and is found before the first is handed on. */
static int
read_files(struct call *call, const char *path, struct json_object *files,
    api_dbfs_info_fn *each, void *ctx, size_t *rows)
{
	size_t n = *rows = json_object_array_length(files);
	struct api_dbfs_info info;
	int ret = 0;

	for (size_t i = 0; i < n; i++)
		if (read_info(json_object_array_get_idx(files, i), &info) < 0)
			return fail(call, "a row of the listing is broken");
	for (size_t i = 0; i < n && ret == 0; i++) {
		(void)read_info(json_object_array_get_idx(files, i), &info);
		/* The listing of a file is the file itself. */
		if (n == 1 && !info.is_dir && strcmp(info.path, path) == 0)
			return -ENOTDIR;
		ret = each(ctx, &info);
		/* Room for what is made of the next ones. */
		(void)json_object_array_put_idx(files, i, NULL);
	}
	return ret;
}

/* The documents of a long listing take ten times what is made of them, in small pieces:
 * left alone, glibc keeps them. */
static void
give_memory_back(size_t rows UNUSED)
{
#ifdef M_ARENA_MAX
	if (rows >= LONG_LISTING)
		(void)malloc_trim(0);
#endif
}

int
api_dbfs_list(struct rest *r, struct call *call, const char *path,
    api_dbfs_info_fn *each, void *ctx)
{
	struct rest_answer answer;
	struct json_object *files;
	size_t rows = 0;
	int ret;

	ret = get(r, call, "/api/2.0/dbfs/list", path, LIST_BYTES_MAX, &answer);
	if (ret < 0)
		goto out;
	/* An empty directory has no "files"; no object at all is no answer. */
	buf_release(&answer.text);
	if (!json_object_is_type(answer.json, json_type_object)) {
		ret = fail(call, "the listing in the answer is broken");
		goto out;
	}
	ret = jval_array(answer.json, "files", &files);
	if (ret == -ENOENT)
		ret = 0;
	else if (ret < 0)
		ret = fail(call, "the listing in the answer is broken");
	else
		ret = read_files(call, path, files, each, ctx, &rows);
out:
	rest_answer_release(&answer);
	give_memory_back(rows);
	return ret;
}

/* --- reading ------------------------------------------------------------------------------ */

struct reading {
	struct read_answer answer;
	void *dst;
	size_t len;
};

static void
begin_reading(void *ctx)
{
	struct reading *r = ctx;

	read_answer_begin(&r->answer, r->dst, r->len);
}

static void
take_reading(void *ctx, const char *bytes, size_t len)
{
	struct reading *r = ctx;

	read_answer_take(&r->answer, bytes, len);
}

ssize_t
api_dbfs_read(struct rest *r, struct call *call, const char *path,
    uint64_t off, void *dst, size_t len)
{
	struct reading reading = { .dst = dst, .len = len };
	const struct rest_sink sink = { begin_reading, take_reading, &reading };
	char off_text[24], len_text[24];
	const struct rest_param query[] = {
		{ "path", path },
		{ "offset", off_text },
		{ "length", len_text },
		{ NULL, NULL },
	};
	const struct rest_request req = {
		.method = "GET",
		.path = "/api/2.0/dbfs/read",
		.subject = path,
		.family = REST_DBFS,
		.query = query,
		.repeatable = true,
		.answer_max = READ_BYTES_MAX,
		.sink = &sink,
	};
	struct rest_answer answer;
	const char *why;
	ssize_t n;

	(void)snprintf(off_text, sizeof(off_text), "%" PRIu64, off);
	(void)snprintf(len_text, sizeof(len_text), "%zu", len);
	n = rest_send(r, call, &req, &answer);
	if (n == 0) {
		n = read_answer_end(&reading.answer, &why);
		if (n < 0)
			text_copy(call->words, sizeof(call->words), why);
	}
	read_answer_release(&reading.answer);
	rest_answer_release(&answer);
	return n;
}

/* --- writing -------------------------------------------------------------------------------- */

/* {"path": "...", "overwrite": true, "contents": "<base64>"} or the like, made while it
 * is sent: many uploads at once must not hold their content in memory. */
struct framed {
	struct buf head; /* up to the first digit */
	const struct rest_body *data;
	uint64_t text_len; /* of the digits */
};

#define FRAME_BYTES 6144 /* encoded at a time; whole groups of three */

static const char frame_tail[] = "\"}";

/* Digits from the one at off on, at most len of them; how many, or -errno. */
static ssize_t
encode_piece(const struct framed *f, uint64_t off, char *dst, size_t len)
{
	char bytes[FRAME_BYTES], text[BASE64_TEXT_LEN(FRAME_BYTES) + 1];
	uint64_t at = off / 4 * 3;
	size_t skip = off % 4, n = sizeof(bytes);
	int ret;

	if (n > f->data->len - at)
		n = (size_t)(f->data->len - at);
	ret = f->data->read(f->data->ctx, at, bytes, n);
	if (ret < 0)
		return ret;
	base64_encode(text, bytes, n);
	n = BASE64_TEXT_LEN(n) - skip;
	if (n > len)
		n = len;
	memcpy(dst, text + skip, n);
	return (ssize_t)n;
}

static int
read_framed(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct framed *f = ctx;
	char *to = dst;

	while (len > 0) {
		uint64_t in_text = off - f->head.len;
		ssize_t n;

		if (off < f->head.len) {
			n = (ssize_t)(f->head.len - off < len ?
				f->head.len - off : len);
			memcpy(to, f->head.data + off, (size_t)n);
		} else if (in_text < f->text_len) {
			n = encode_piece(f, in_text, to, len);
		} else {
			n = (ssize_t)len;
			memcpy(to, frame_tail + (in_text - f->text_len), len);
		}
		if (n < 0)
			return (int)n;
		to += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int
post_framed(struct rest *r, struct call *call, const char *method_path,
    const char *subject, struct framed *f, bool repeatable,
    struct rest_answer *out)
{
	struct rest_body body = { .read = read_framed, .ctx = f };
	struct rest_request req = {
		.method = "POST",
		.path = method_path,
		.subject = subject,
		.family = REST_DBFS,
		.body = &body,
		.content_type = "Content-Type: application/json",
		.repeatable = repeatable,
	};

	f->text_len = BASE64_TEXT_LEN(f->data->len);
	body.len = f->head.len + f->text_len + strlen(frame_tail);
	return rest_send(r, call, &req, out);
}

static int
put_json(struct rest *r, struct call *call, const char *path,
    const struct rest_body *body, bool overwrite, struct rest_answer *answer)
{
	struct framed f = { .data = body };
	int ret;

	buf_init(&f.head, 1 << 17);
	ret = buf_puts(&f.head, "{\"path\":");
	if (ret == 0)
		ret = jval_quote(&f.head, path);
	if (ret == 0)
		ret = buf_printf(&f.head, ",\"overwrite\":%s,\"contents\":\"",
		    overwrite ? "true" : "false");
	if (ret == 0)
		ret = post_framed(r, call, "/api/2.0/dbfs/put", path, &f, true,
		    answer);
	buf_release(&f.head);
	return ret;
}

static int
put_form(struct rest *r, struct call *call, const char *path,
    const struct rest_body *body, bool overwrite, struct rest_answer *answer)
{
	struct rest_part parts[] = {
		{ .name = "path", .text = path },
		{ .name = "overwrite", .text = overwrite ? "true" : "false" },
		/* Its own name would be a header made from what users write. */
		{ .name = "contents", .filename = "contents", .body = body },
	};
	struct rest_request req = {
		.method = "POST",
		.path = "/api/2.0/dbfs/put",
		.subject = path,
		.family = REST_DBFS,
		.parts = parts,
		.n_parts = 3,
		.repeatable = true,
		.slow = true,
	};

	return rest_send(r, call, &req, answer);
}

int
api_dbfs_put(struct rest *r, struct call *call, const char *path,
    const struct rest_body *body, bool overwrite, int64_t *server_ms)
{
	struct rest_answer answer = { 0 };
	int ret;

	/* Repeatable either way: a second put without overwrite does no harm, it
	 * says that the name is taken. */
	if (body->len <= API_DBFS_BLOCK_MAX)
		ret = put_json(r, call, path, body, overwrite, &answer);
	else
		ret = put_form(r, call, path, body, overwrite, &answer);
	*server_ms = answer.server_ms;
	rest_answer_release(&answer);
	return ret;
}

int
api_dbfs_create(struct rest *r, struct call *call, const char *path,
    bool overwrite, struct api_dbfs_stream *out)
{
	struct json_object *o = path_object(path, "overwrite", overwrite);
	struct rest_answer answer;
	int ret;

	if (o == NULL)
		return -ENOMEM;
	/* A handle whose answer was lost is never used, and dies by itself; the
	 * name that it may have taken is not somebody else's. */
	ret = post(r, call, "/api/2.0/dbfs/create", path, o, true, false,
	    &answer);
	if (ret == -EEXIST && answer.unknown)
		ret = -EIO;
	out->subject = path;
	if (ret == 0 && jval_i64(answer.json, "handle", &out->handle) < 0)
		ret = fail(call, "the answer to create has no handle");
	rest_answer_release(&answer);
	return ret;
}

static int
read_memory(void *ctx, uint64_t off, void *dst, size_t len)
{
	memcpy(dst, (const char *)ctx + off, len);
	return 0;
}

int
api_dbfs_add_block(struct rest *r, struct call *call,
    const struct api_dbfs_stream *s, const void *data, size_t len)
{
	struct rest_body body = { len, read_memory, (void *)(uintptr_t)data };
	struct framed f = { .data = &body };
	struct rest_answer answer = { 0 };
	int ret;

	buf_init(&f.head, 128);
	ret = buf_printf(&f.head, "{\"handle\":%" PRId64 ",\"data\":\"",
	    s->handle);
	if (ret == 0)
		ret = post_framed(r, call, "/api/2.0/dbfs/add-block",
		    s->subject, &f, false, &answer);
	buf_release(&f.head);
	rest_answer_release(&answer);
	return ret == -ENOENT ? -EIO : ret; /* the handle is gone, not a file */
}

int
api_dbfs_close(struct rest *r, struct call *call,
    const struct api_dbfs_stream *s)
{
	struct json_object *o = json_object_new_object();
	struct rest_answer answer;
	int ret;

	if (jval_add_i64(o, "handle", s->handle) < 0) {
		json_object_put(o);
		return -ENOMEM;
	}
	ret = post(r, call, "/api/2.0/dbfs/close", s->subject, o, false, true,
	    &answer);
	rest_answer_release(&answer);
	return ret == -ENOENT ? -EIO : ret;
}

/* --- names -------------------------------------------------------------------------------- */

int
api_dbfs_mkdirs(struct rest *r, struct call *call, const char *path)
{
	return post_path(r, call, "/api/2.0/dbfs/mkdirs", path, NULL, false,
	    false);
}

int
api_dbfs_delete(struct rest *r, struct call *call, const char *path,
    bool recursive)
{
	int ret = -EAGAIN;

	for (int i = 0; i < DELETE_TRIES && ret == -EAGAIN; i++)
		ret = post_path(r, call, "/api/2.0/dbfs/delete", path,
		    "recursive", recursive, true);
	return ret;
}

int
api_dbfs_move(struct rest *r, struct call *call, const char *from,
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
	ret = post(r, call, "/api/2.0/dbfs/move", from, o, false, true,
	    &answer);
	*unknown = answer.unknown;
	rest_answer_release(&answer);
	return ret;
}
