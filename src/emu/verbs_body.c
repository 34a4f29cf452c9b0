/* emu/verbs_body.c - verbs that change an answer's body. */
#include "config.h"

#include "emu/verbs_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"
#include "base/text.h"

#include "emu/emu.h"
#include "emu/request.h"

#include "base/banned.h"

#define DEEP_LEVELS 100000
#define HUGE_BYTES  INT64_C(1073741824)
#define GARBAGE     "\x00\xff<garbage>"

/* An answer from a file is left alone by verbs that look into it. */
static struct buf *
body_of(struct request *req)
{
	return req->reply.fd < 0 ? &req->reply.body : NULL;
}

static void
shorten(struct buf *b, size_t len)
{
	if (len < b->len) {
		b->len = len;
		b->data[len] = '\0';
	}
}

void
verbs_body_truncate(struct request *req, struct json_object *args)
{
	struct buf *body = body_of(req);
	int64_t n = verb_number(args, "n", 0);

	if (n < 0)
		n = 0;
	if (strcmp(verb_text(args, "length", "kept"), "fixed") == 0 &&
	    body != NULL) {
		shorten(body, (size_t)n);
		return;
	}
	req->plan.ending = PLAN_CLOSE;
	req->plan.after_bytes = (uint64_t)n;
}

void
verbs_body_extend(struct request *req, struct json_object *args)
{
	struct buf *body = body_of(req);
	int64_t n = verb_number(args, "n", 1);

	if (body == NULL || n <= 0)
		return;
	req->plan.filler_at = body->len;
	req->plan.filler_bytes = (uint64_t)n;
}

void
verbs_body_corrupt(struct request *req, struct json_object *args)
{
	struct buf *body = body_of(req);
	int64_t at = verb_number(args, "at", 0);

	if (body != NULL && at >= 0 && (size_t)at < body->len)
		body->data[at] = body->data[at] == 'A' ? 'B' : 'A';
}

void
verbs_body_type(struct request *req, struct json_object *args)
{
	text_copy(req->reply.type, sizeof(req->reply.type),
	    verb_text(args, "type", "text/html"));
}

/* The body becomes val's text, or nothing when memory is short. */
static void
write_back(struct buf *body, struct json_object *val)
{
	const char *text;
	size_t len = 0;

	text = jval_text(val, &len);
	buf_clear(body);
	if (text != NULL && buf_append(body, text, len) < 0)
		buf_clear(body);
}

typedef void change_fn(struct json_object *obj, int64_t d);

/* Parses the body, lets change() at every object in it, writes it back. */
static void
change_body(struct request *req, change_fn *change, int64_t d)
{
	struct buf *body = body_of(req);
	struct json_object *val = NULL, *files = NULL;

	if (body == NULL || jval_parse(buf_text(body), body->len, &val) < 0 ||
	    val == NULL)
		return;
	change(val, d);
	if (jval_array(val, "files", &files) == 0)
		for (size_t i = 0; i < json_object_array_length(files); i++)
			change(json_object_array_get_idx(files, i), d);
	write_back(body, val);
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
}

static void
lie_mtime(struct json_object *obj, int64_t d)
{
	add_to(obj, "modification_time", d);
}

void
verbs_body_size_lie(struct request *req, struct json_object *args)
{
	change_body(req, lie_size, verb_number(args, "d", 1));
}

void
verbs_body_mtime_lie(struct request *req, struct json_object *args)
{
	change_body(req, lie_mtime, verb_number(args, "d", 1000));
}

/* Numbers become texts, texts and booleans numbers. */
static void
swap_types(struct json_object *obj, int64_t d)
{
	struct json_object *fresh;

	(void)d;
	if (!json_object_is_type(obj, json_type_object))
		return;
	json_object_object_foreach(obj, key, val)
	{
		if (json_object_is_type(val, json_type_array) ||
		    json_object_is_type(val, json_type_object))
			continue;
		fresh = json_object_is_type(val, json_type_int)
			    ? json_object_new_string("many")
			    : json_object_new_int64(7);
		/* Replaces the value; the iteration stays valid. */
		if (jval_add(obj, key, fresh) < 0)
			return;
	}
}

static void
drop_member(struct json_object *obj, int64_t d)
{
	static const char *const names[] = { "path", "file_size", "bytes_read",
		"handle", "data" };

	(void)d;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_object_object_del(obj, names[i]);
}

static void
set_text(struct request *req, const char *text)
{
	struct buf *body = body_of(req);

	if (body == NULL)
		return;
	buf_clear(body);
	if (buf_puts(body, text) < 0)
		buf_clear(body);
}

static void
json_short(struct request *req, struct json_object *args)
{
	(void)args;
	shorten(&req->reply.body, req->reply.body.len / 2);
}

static void
json_garbage(struct request *req, struct json_object *args)
{
	(void)args;
	if (buf_append(&req->reply.body, GARBAGE, sizeof(GARBAGE) - 1) < 0)
		buf_clear(&req->reply.body);
}

static void
json_deep(struct request *req, struct json_object *args)
{
	struct buf *body = &req->reply.body;

	(void)args;
	buf_clear(body);
	if (buf_reserve(body, 2 * DEEP_LEVELS) < 0)
		return;
	memset(body->data, '[', DEEP_LEVELS);
	memset(body->data + DEEP_LEVELS, ']', DEEP_LEVELS);
	body->len = 2 * DEEP_LEVELS;
	body->data[body->len] = '\0';
}

/* A string in the middle that is streamed and never lies in memory. */
static void
json_huge(struct request *req, struct json_object *args)
{
	static const char head[] = "{\"junk\":\"", whole[] = "{\"junk\":\"\"}";
	int64_t bytes = verb_number(args, "bytes", HUGE_BYTES);

	set_text(req, whole);
	req->plan.filler_at = sizeof(head) - 1;
	req->plan.filler_bytes = bytes > 0 ? (uint64_t)bytes : 1;
}

static void
json_types(struct request *req, struct json_object *args)
{
	(void)args;
	change_body(req, swap_types, 0);
}

static void
json_missing(struct request *req, struct json_object *args)
{
	(void)args;
	change_body(req, drop_member, 0);
}

static void
json_text(struct request *req, struct json_object *args)
{
	(void)args;
	set_text(req, "upstream connect error or disconnect/reset before "
		      "headers");
}

static void
json_empty(struct request *req, struct json_object *args)
{
	(void)args;
	set_text(req, "");
}

static void
json_null(struct request *req, struct json_object *args)
{
	(void)args;
	set_text(req, "null");
}

static void
json_array(struct request *req, struct json_object *args)
{
	(void)args;
	set_text(req, "[1,\"two\",{}]");
}

struct mode {
	const char *name;
	void (*act)(struct request *req, struct json_object *args);
};

static void
act_mode(struct request *req, struct json_object *args,
    const struct mode *modes, size_t count)
{
	const char *name = verb_text(args, "mode", modes[0].name);

	if (body_of(req) == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		if (strcmp(modes[i].name, name) == 0)
			modes[i].act(req, args);
}

void
verbs_body_json(struct request *req, struct json_object *args)
{
	static const struct mode modes[] = {
		{ "short", json_short },
		{ "garbage", json_garbage },
		{ "deep", json_deep },
		{ "huge", json_huge },
		{ "types", json_types },
		{ "missing", json_missing },
		{ "text", json_text },
		{ "empty", json_empty },
		{ "null", json_null },
		{ "array", json_array },
	};

	act_mode(req, args, modes, ARRAY_LEN(modes));
}

/* The new text of "data", made from the old one; NULL removes the member. */
static char *
spoil_base64(const char *mode, const char *data)
{
	size_t len = strlen(data);
	char *out;

	if (strcmp(mode, "missing") == 0)
		return NULL;
	if (strcmp(mode, "empty") == 0)
		return text_dup("");
	if (strcmp(mode, "longer") == 0)
		return text_printf("AAAA%s", data);
	if (strcmp(mode, "short") == 0)
		return strndup(data, len > 0 ? len - 1 : 0);
	if (strcmp(mode, "padding") == 0)
		return strndup(data, strcspn(data, "="));
	if (strcmp(mode, "newlines") == 0)
		return text_printf(
		    "%.*s\n%s", (int)(len / 2), data, data + len / 2);
	out = text_dup(data);
	for (char *p = out; out != NULL && *p != '\0'; p++) {
		if (strcmp(mode, "url") == 0)
			*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
		else if (p == out + len / 2)
			*p = '!'; /* "letters" */
	}
	return out;
}

void
verbs_body_base64(struct request *req, struct json_object *args)
{
	struct buf *body = body_of(req);
	struct json_object *val = NULL;
	const char *data;
	char *spoilt;

	if (body == NULL || jval_parse(buf_text(body), body->len, &val) < 0)
		return;
	if (jval_str(val, "data", &data) == 0) {
		spoilt = spoil_base64(verb_text(args, "mode", "letters"), data);
		if (spoilt == NULL || jval_add_str(val, "data", spoilt) < 0)
			json_object_object_del(val, "data");
		free(spoilt);
		write_back(body, val);
	}
	json_object_put(val);
}

/* One more entry of a listing, whose path ends in name. */
static void
add_entry(
    struct json_object *files, const char *dir, const char *name, size_t len)
{
	struct json_object *entry = json_object_new_object();
	struct buf path;

	buf_init(&path, (size_t)1 << 20);
	if (entry != NULL &&
	    buf_printf(&path, "%s/", strcmp(dir, "/") == 0 ? "" : dir) == 0 &&
	    buf_append(&path, name, len) == 0 &&
	    jval_add(entry, "path",
		json_object_new_string_len(path.data, (int)path.len)) == 0 &&
	    jval_add_bool(entry, "is_dir", false) == 0 &&
	    jval_add_i64(entry, "file_size", 1) == 0 &&
	    jval_add_i64(entry, "modification_time", 1751620000000) == 0)
		(void)json_object_array_add(files, entry);
	else
		json_object_put(entry);
	buf_release(&path);
}

static void
add_default_names(struct json_object *files, const char *dir)
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
		add_entry(files, dir, names[i].name, names[i].len);
	memset(longest, 'n', sizeof(longest));
	add_entry(files, dir, longest, sizeof(longest));
}

void
verbs_body_names(struct request *req, struct json_object *args)
{
	struct json_object *val = NULL, *files = NULL, *list = NULL, *one;
	struct buf *body = body_of(req);
	const char *dir = req->subject != NULL ? req->subject : "";

	if (body == NULL || jval_parse(buf_text(body), body->len, &val) < 0)
		return;
	if (jval_array(val, "files", &files) < 0) {
		files = json_object_new_array();
		if (jval_add(val, "files", files) < 0)
			goto out;
	}
	if (jval_array(args, "list", &list) < 0)
		add_default_names(files, dir);
	for (size_t i = 0; list != NULL && i < json_object_array_length(list);
	     i++) {
		one = json_object_array_get_idx(list, i);
		add_entry(files, dir, json_object_get_string(one),
		    (size_t)json_object_get_string_len(one));
	}
	write_back(body, val);
out:
	json_object_put(val);
}
