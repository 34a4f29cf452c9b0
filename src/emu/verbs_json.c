/* emu/verbs_json.c - verbs that spoil JSON, and the base64 in it. */
#include "config.h"

#include "emu/verbs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"
#include "base/text.h"

#include "emu/request.h"

#include "base/banned.h"

#define DEEP_LEVELS 100000
#define HUGE_BYTES  INT64_C(1073741824)
#define MANY        1000000
#define GARBAGE     "\x00\xff<garbage>"

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
		"handle", "data", "object_id", "object_type", "content" };

	(void)d;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_object_object_del(obj, names[i]);
}

static void
json_short(struct request *req, struct json_object *args)
{
	(void)args;
	verb_shorten(&req->reply.body, req->reply.body.len / 2);
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

	verb_set_text(req, whole);
	req->plan.filler_at = sizeof(head) - 1;
	req->plan.filler_bytes = bytes > 0 ? (uint64_t)bytes : 1;
}

static void
json_types(struct request *req, struct json_object *args)
{
	(void)args;
	verb_change_body(req, swap_types, 0);
}

static void
json_missing(struct request *req, struct json_object *args)
{
	(void)args;
	verb_change_body(req, drop_member, 0);
}

static void
json_text(struct request *req, struct json_object *args)
{
	(void)args;
	verb_set_text(req, "upstream connect error or disconnect/reset before "
		      "headers");
}

static void
json_empty(struct request *req, struct json_object *args)
{
	(void)args;
	verb_set_text(req, "");
}

static void
json_null(struct request *req, struct json_object *args)
{
	(void)args;
	verb_set_text(req, "null");
}

static void
json_array(struct request *req, struct json_object *args)
{
	(void)args;
	verb_set_text(req, "[1,\"two\",{}]");
}

/* Puts len bytes into the body. */
static void
insert(struct buf *body, size_t at, const char *src, size_t len)
{
	if (at > body->len || buf_reserve(body, len) < 0)
		return;
	memmove(body->data + at + len, body->data + at, body->len - at + 1);
	memcpy(body->data + at, src, len);
	body->len += len;
}

/* Every number outside of a text becomes another. */
static void
replace_numbers(struct buf *body, const char *number)
{
	struct buf out;
	bool quoted = false;
	int ret = 0;

	buf_init(&out, body->limit);
	for (size_t i = 0; ret == 0 && i < body->len; i++) {
		char c = body->data[i];

		if (quoted && c == '\\' && i + 1 < body->len) {
			ret = buf_append(&out, body->data + i++, 2);
			continue;
		}
		quoted ^= c == '"';
		if (quoted || (c != '-' && (c < '0' || c > '9'))) {
			ret = buf_append(&out, &c, 1);
			continue;
		}
		i += strspn(body->data + i, "-+.eE0123456789") - 1;
		ret = buf_puts(&out, number);
	}
	buf_release(body);
	*body = out;
}

static void
json_exponent(struct request *req, struct json_object *args)
{
	(void)args;
	replace_numbers(&req->reply.body, "1e400");
}

static void
json_fraction(struct request *req, struct json_object *args)
{
	(void)args;
	replace_numbers(&req->reply.body, "0.5");
}

static void
json_negative(struct request *req, struct json_object *args)
{
	(void)args;
	replace_numbers(&req->reply.body, "-1");
}

static void
json_big(struct request *req, struct json_object *args)
{
	(void)args;
	replace_numbers(&req->reply.body, "9223372036854775808");
}

/* Each object has its members twice, the second time with other numbers. */
static void
json_duplicate(struct request *req, struct json_object *args)
{
	struct buf *body = &req->reply.body, again;

	(void)args;
	buf_init(&again, body->limit);
	if (body->len < 3 || body->data[0] != '{' ||
	    buf_append(&again, body->data + 1, body->len - 2) < 0)
		goto out;
	replace_numbers(&again, "7");
	verb_shorten(body, body->len - 1);
	if (buf_puts(body, ",") < 0 ||
	    buf_append(body, again.data, again.len) < 0 ||
	    buf_puts(body, "}") < 0)
		buf_clear(body);
out:
	buf_release(&again);
}

/* In the middle of the first text that is a value. */
static void
into_a_text(struct buf *body, const char *src, size_t len)
{
	const char *text = strstr(buf_text(body), "\":\"");

	if (text != NULL)
		insert(body, (size_t)(text + 3 - body->data), src, len);
}

static void
json_nul(struct request *req, struct json_object *args)
{
	(void)args;
	into_a_text(&req->reply.body, "\0", 1);
}

static void
json_utf8(struct request *req, struct json_object *args)
{
	(void)args;
	into_a_text(&req->reply.body, "\xc3\x28\xed\xa0\x80\xff", 6);
}

static void
json_bom(struct request *req, struct json_object *args)
{
	(void)args;
	insert(&req->reply.body, 0, "\xef\xbb\xbf", 3);
}

static void
json_many(struct request *req, struct json_object *args)
{
	struct buf *body = &req->reply.body;
	int ret;

	(void)args;
	buf_clear(body);
	ret = buf_puts(body, "{\"m\":0");
	for (int i = 0; ret == 0 && i < MANY; i++)
		ret = buf_printf(body, ",\"m%d\":%d", i, i);
	if (ret < 0 || buf_puts(body, "}") < 0)
		buf_clear(body);
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

	if (verb_body(req) == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		if (strcmp(modes[i].name, name) == 0)
			modes[i].act(req, args);
}

void
verb_json(struct request *req, struct json_object *args)
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
		{ "duplicate", json_duplicate },
		{ "exponent", json_exponent },
		{ "fraction", json_fraction },
		{ "negative", json_negative },
		{ "big", json_big },
		{ "nul", json_nul },
		{ "utf8", json_utf8 },
		{ "bom", json_bom },
		{ "many", json_many },
	};

	act_mode(req, args, modes, ARRAY_LEN(modes));
}

/* The new text of base64, made from the old one; NULL removes the member. */
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
verb_base64(struct request *req, struct json_object *args)
{
	struct buf *body = verb_body(req);
	struct json_object *val = NULL;
	const char *name = "data", *data;
	char *spoilt;

	if (body == NULL || jval_parse(buf_text(body), body->len, &val) < 0)
		return;
	if (jval_str(val, name, &data) < 0)
		name = "content"; /* of an export */
	if (jval_str(val, name, &data) == 0) {
		spoilt = spoil_base64(verb_text(args, "mode", "letters"), data);
		if (spoilt == NULL || jval_add_str(val, name, spoilt) < 0)
			json_object_object_del(val, name);
		free(spoilt);
		verb_write_back(body, val);
	}
	json_object_put(val);
}

