/* emu/verbs_body.c - verbs that change an answer's body. */
#include "config.h"

#include "emu/verbs_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"
#include "base/text.h"

#include "emu/emu.h"
#include "emu/request.h"
#include "emu/routes.h"

#include "base/banned.h"

struct buf *
verb_body(struct request *req)
{
	return req->reply.fd < 0 ? &req->reply.body : NULL;
}

void
verb_shorten(struct buf *b, size_t len)
{
	if (len < b->len) {
		b->len = len;
		b->data[len] = '\0';
	}
}

void
verb_truncate(struct request *req, struct json_object *args)
{
	struct buf *body = verb_body(req);
	int64_t n = verb_number(args, "n", 0);

	if (n < 0)
		n = 0;
	if (strcmp(verb_text(args, "length", "kept"), "fixed") == 0 &&
	    body != NULL) {
		verb_shorten(body, (size_t)n);
		return;
	}
	req->plan.ending = PLAN_CLOSE;
	req->plan.after_bytes = (uint64_t)n;
}

void
verb_extend(struct request *req, struct json_object *args)
{
	struct buf *body = verb_body(req);
	int64_t n = verb_number(args, "n", 1);

	if (body == NULL || n <= 0)
		return;
	req->plan.filler_at = body->len;
	req->plan.filler_bytes = (uint64_t)n;
}

void
verb_corrupt(struct request *req, struct json_object *args)
{
	struct buf *body = verb_body(req);
	int64_t at = verb_number(args, "at", 0);

	if (body != NULL && at >= 0 && (size_t)at < body->len)
		body->data[at] = body->data[at] == 'A' ? 'B' : 'A';
}

void
verb_content_type(struct request *req, struct json_object *args)
{
	text_copy(req->reply.type, sizeof(req->reply.type),
	    verb_text(args, "type", "text/html"));
}

void
verb_set_text(struct request *req, const char *text)
{
	struct buf *body = verb_body(req);

	if (body == NULL)
		return;
	buf_clear(body);
	if (buf_puts(body, text) < 0)
		buf_clear(body);
}

void
verb_write_back(struct buf *body, struct json_object *val)
{
	const char *text;
	size_t len = 0;

	text = jval_text(val, &len);
	buf_clear(body);
	if (text != NULL && buf_append(body, text, len) < 0)
		buf_clear(body);
}

void
verb_change_body(struct request *req, verb_change_fn *change, int64_t d)
{
	struct buf *body = verb_body(req);
	struct json_object *val = NULL, *list = NULL;

	if (body == NULL || jval_parse(buf_text(body), body->len, &val) < 0 ||
	    val == NULL)
		return;
	change(val, d);
	if (jval_array(val, "files", &list) == 0 ||
	    jval_array(val, "objects", &list) == 0)
		for (size_t i = 0; i < json_object_array_length(list); i++)
			change(json_object_array_get_idx(list, i), d);
	verb_write_back(body, val);
	json_object_put(val);
}

/* Lies end where the numbers do. */
static void
add_to(struct json_object *obj, const char *name, int64_t d)
{
	int64_t n, sum;

	if (jval_i64(obj, name, &n) < 0)
		return;
	if (__builtin_add_overflow(n, d, &sum))
		sum = d > 0 ? INT64_MAX : INT64_MIN;
	if (jval_add_i64(obj, name, sum) < 0)
		json_object_object_del(obj, name);
}

static void
lie_size(struct json_object *obj, int64_t d)
{
	add_to(obj, "file_size", d);
	add_to(obj, "bytes_read", d);
	add_to(obj, "size", d);
}

static void
lie_mtime(struct json_object *obj, int64_t d)
{
	add_to(obj, "modification_time", d);
	add_to(obj, "modified_at", d);
}

void
verb_size_lie(struct request *req, struct json_object *args)
{
	verb_change_body(req, lie_size, verb_number(args, "d", 1));
}

void
verb_mtime_lie(struct request *req, struct json_object *args)
{
	verb_change_body(req, lie_mtime, verb_number(args, "d", 1000));
}

static bool
in_workspace(const struct request *req)
{
	return routes_tree(req->path) == ROUTES_WORKSPACE;
}

static int
fill_entry(struct json_object *entry, bool object)
{
	int ret;

	if (!object) {
		ret = jval_add_bool(entry, "is_dir", false);
		if (ret == 0)
			ret = jval_add_i64(entry, "file_size", 1);
		return ret < 0 ? ret
			       : jval_add_i64(entry, "modification_time",
				     1751620000000);
	}
	ret = jval_add_str(entry, "object_type", "FILE");
	if (ret == 0)
		ret = jval_add_i64(entry, "object_id", 400000000000000001);
	if (ret == 0)
		ret = jval_add_i64(entry, "size", 1);
	return ret < 0 ? ret
		       : jval_add_i64(entry, "modified_at", 1751620000000);
}

/* A listing of req, and one more entry of it, whose path ends in name. */
static void
add_entry(struct request *req, struct json_object *files, const char *name,
    size_t len)
{
	const char *dir = req->subject != NULL ? req->subject : "";
	struct json_object *entry = json_object_new_object();
	struct buf path;

	buf_init(&path, (size_t)1 << 20);
	if (entry != NULL &&
	    buf_printf(&path, "%s/", strcmp(dir, "/") == 0 ? "" : dir) == 0 &&
	    buf_append(&path, name, len) == 0 &&
	    jval_add(entry, "path",
		json_object_new_string_len(path.data, (int)path.len)) == 0 &&
	    fill_entry(entry, in_workspace(req)) == 0)
		(void)json_object_array_add(files, entry);
	else
		json_object_put(entry);
	buf_release(&path);
}

static void
add_default_names(struct request *req, struct json_object *files)
{
#define NAME(s)                                                                \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}
	static const struct {
		const char *name;
		size_t len;
	} names[] = { NAME(".."), NAME("."), NAME(""), NAME("a/b"),
		NAME("../x"), NAME("/abs"), NAME("nul\0byte"),
		NAME("new\nline"), NAME("esc\033[2J"), NAME("del\177"),
		NAME(".control"), NAME("%2e%2e"), NAME("twin"), NAME("twin"),
		NAME("TWIN") };
#undef NAME
	char longest[300];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		add_entry(req, files, names[i].name, names[i].len);
	memset(longest, 'n', sizeof(longest));
	add_entry(req, files, longest, sizeof(longest));
}

void
verb_names(struct request *req, struct json_object *args)
{
	struct json_object *val = NULL, *files = NULL, *list = NULL, *one;
	const char *member = in_workspace(req) ? "objects" : "files";
	struct buf *body = verb_body(req);

	if (body == NULL || jval_parse(buf_text(body), body->len, &val) < 0)
		return;
	if (jval_array(val, member, &files) < 0) {
		files = json_object_new_array();
		if (jval_add(val, member, files) < 0)
			goto out;
	}
	if (jval_array(args, "list", &list) < 0)
		add_default_names(req, files);
	for (size_t i = 0; list != NULL && i < json_object_array_length(list);
	     i++) {
		one = json_object_array_get_idx(list, i);
		add_entry(req, files, json_object_get_string(one),
		    (size_t)json_object_get_string_len(one));
	}
	verb_write_back(body, val);
out:
	json_object_put(val);
}

static int
put_entry(
    struct buf *body, const char *comma, const char *dir, int64_t i, bool object)
{
	int ret;

	ret = buf_printf(body, "%s{\"path\":\"%s/made-up-%07" PRId64 "\",",
	    comma, dir, i);
	if (ret < 0)
		return ret;
	if (!object)
		return buf_puts(body, "\"is_dir\":false,\"file_size\":1,"
				      "\"modification_time\":1751620000000}");
	return buf_printf(body,
	    "\"object_type\":\"FILE\",\"object_id\":400%015" PRId64
	    ",\"size\":1,\"modified_at\":1751620000000}",
	    i);
}

/* n more entries, none of which exists.  They are written as they are: a listing of
 * 100,000 takes no parser. */
void
verb_listing(struct request *req, struct json_object *args)
{
	struct buf *body = verb_body(req);
	int64_t n = verb_number(args, "n", 100000);
	const char *dir = req->subject != NULL ? req->subject : "";
	bool any = false, object = in_workspace(req);
	int ret = 0;

	if (body == NULL || req->route->kind != ROUTE_LISTS ||
	    req->reply.status != 200)
		return;
	if (body->len > 2 && memcmp(body->data + body->len - 2, "]}", 2) == 0) {
		verb_shorten(body, body->len - 2);
		any = true;
	} else {
		verb_set_text(
		    req, object ? "{\"objects\":[" : "{\"files\":[");
	}
	for (int64_t i = 0; ret == 0 && i < n; i++, any = true)
		ret = put_entry(body, any ? "," : "",
		    strcmp(dir, "/") == 0 ? "" : dir, i, object);
	if (ret < 0 || buf_puts(body, "]}") < 0)
		verb_set_text(req, "{}");
}
