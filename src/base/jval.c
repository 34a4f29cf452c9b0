/* base/jval.c - typed, checked access to json-c values. */
#include "config.h"

#include "base/jval.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/banned.h"

/* json-c 0.18 refuses every byte above 0x7f in strict mode (its issue 892: a signed
 * char is compared with 0x1f).  Where the library is one of those, strictness goes. */
static int
parser_flags(void)
{
	static _Atomic int flags;
	static const char umlaut[] = "\"\xc3\xa4\"";
	int chosen = flags;

	if (chosen == 0) {
		struct json_tokener *tok = json_tokener_new();
		struct json_object *val;

		chosen = JSON_TOKENER_VALIDATE_UTF8;
		if (tok == NULL)
			return chosen;
		json_tokener_set_flags(tok, chosen | JSON_TOKENER_STRICT);
		val = json_tokener_parse_ex(tok, umlaut, sizeof(umlaut));
		if (val != NULL)
			chosen |= JSON_TOKENER_STRICT;
		json_object_put(val);
		json_tokener_free(tok);
		flags = chosen;
	}
	return chosen;
}

/* What json-c takes for an object or array, however empty, and for any other value
 * with its name: its own size, and its share of the table that it is in. */
#define NEST_BYTES  ((size_t)800)
#define VALUE_BYTES ((size_t)128)

/* The place after the quote that ends the string which begins at text[at]. */
static size_t
string_end(const char *text, size_t len, size_t at)
{
	const char *quote;

	while ((quote = memchr(text + at, '"', len - at)) != NULL) {
		const char *escapes = quote;

		while (escapes > text + at && escapes[-1] == '\\')
			escapes--;
		at = (size_t)(quote - text) + 1;
		if ((quote - escapes) % 2 == 0)
			return at;
	}
	return len;
}

/* How much memory a document takes is known only when it is there, and "[{},{},"
 * takes 250 times its length.  So its values are counted first. */
static int
check_memory(const char *text, size_t len, size_t *members)
{
	size_t bytes = 0, at = 0;

	*members = 0;
	while (at < len && bytes <= JVAL_MEMORY_MAX) {
		switch (text[at++]) {
		case '"':
			at = string_end(text, len, at);
			break;
		case '{':
		case '[':
			bytes += NEST_BYTES;
			break;
		case ',':
			bytes += VALUE_BYTES;
			break;
		case ':':
			++*members;
			break;
		case '\'': /* json-c would take what follows for a string */
		case '/': /* or for a comment */
			return -EBADMSG;
		}
	}
	return bytes <= JVAL_MEMORY_MAX ? 0 : -EFBIG;
}

/* Members of all objects in val.  As deep as JVAL_DEPTH_MAX lets a document be. */
static size_t
count_members(struct json_object *val)
{
	size_t count = 0;

	if (json_object_is_type(val, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(val); i++)
			count += count_members(
			    json_object_array_get_idx(val, i));
		return count;
	}
	if (!json_object_is_type(val, json_type_object))
		return 0;
	count = (size_t)json_object_object_length(val);
	json_object_object_foreach(val, key, member)
	{
		(void)key;
		count += count_members(member);
	}
	return count;
}

static int
parse(const char *text, size_t len, bool lax, struct json_object **out)
{
	struct json_tokener *tok;
	struct json_object *val;
	enum json_tokener_error err;
	size_t end, members;
	int ret;

	if (len >= INT_MAX)
		return -EBADMSG;
	ret = check_memory(text, len, &members);
	if (ret < 0)
		return ret;
	ret = -EBADMSG;
	tok = json_tokener_new_ex(JVAL_DEPTH_MAX);
	if (tok == NULL)
		return -ENOMEM;
	json_tokener_set_flags(tok, parser_flags());
	val = json_tokener_parse_ex(tok, text, (int)len);
	err = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (err == json_tokener_continue) {
		/* A bare number is complete only when something follows it. */
		val = json_tokener_parse_ex(tok, "", 1);
		err = json_tokener_get_error(tok);
		end = len;
	}
	if (err != json_tokener_success)
		goto out;
	while (end < len && strchr(" \t\r\n", text[end]) != NULL &&
	    text[end] != '\0')
		end++;
	/* Of a member that is there twice json-c keeps the last: who meant what is
	 * anybody's guess. */
	if (end < len || (!lax && count_members(val) != members)) {
		json_object_put(val);
		goto out;
	}
	*out = val;
	ret = 0;
out:
	json_tokener_free(tok);
	return ret;
}

int
jval_parse(const char *text, size_t len, struct json_object **out)
{
	return parse(text, len, false, out);
}

int
jval_parse_lax(const char *text, size_t len, struct json_object **out)
{
	return parse(text, len, true, out);
}

static int
member(struct json_object *obj, const char *key, struct json_object **out)
{
	struct json_object *val;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, key, &val) || val == NULL)
		return -ENOENT;
	*out = val;
	return 0;
}

static int
typed(struct json_object *obj, const char *key, enum json_type type,
    struct json_object **out)
{
	struct json_object *val;
	int ret;

	ret = member(obj, key, &val);
	if (ret < 0)
		return ret;
	if (!json_object_is_type(val, type))
		return -EBADMSG;
	*out = val;
	return 0;
}

int
jval_str(struct json_object *obj, const char *key, const char **out)
{
	struct json_object *val;
	const char *s;
	int ret;

	ret = typed(obj, key, json_type_string, &val);
	if (ret < 0)
		return ret;
	s = json_object_get_string(val);
	if (strlen(s) != (size_t)json_object_get_string_len(val))
		return -EBADMSG;
	*out = s;
	return 0;
}

int
jval_i64(struct json_object *obj, const char *key, int64_t *out)
{
	struct json_object *val;
	int64_t n;
	int ret;

	ret = typed(obj, key, json_type_int, &val);
	if (ret < 0)
		return ret;
	n = json_object_get_int64(val);
	/* json-c saturates; the ends of the range are taken for overflow. */
	if (n == INT64_MAX || n == INT64_MIN)
		return -EBADMSG;
	*out = n;
	return 0;
}

int
jval_bool(struct json_object *obj, const char *key, bool *out)
{
	struct json_object *val;
	int ret;

	ret = typed(obj, key, json_type_boolean, &val);
	if (ret < 0)
		return ret;
	*out = json_object_get_boolean(val);
	return 0;
}

int
jval_array(struct json_object *obj, const char *key, struct json_object **out)
{
	return typed(obj, key, json_type_array, out);
}

int
jval_object(struct json_object *obj, const char *key, struct json_object **out)
{
	return typed(obj, key, json_type_object, out);
}

int
jval_add(struct json_object *obj, const char *key, struct json_object *val)
{
	if (val == NULL)
		return -ENOMEM;
	if (json_object_object_add(obj, key, val) < 0) {
		json_object_put(val);
		return -ENOMEM;
	}
	return 0;
}

int
jval_add_str(struct json_object *obj, const char *key, const char *val)
{
	return jval_add(obj, key, json_object_new_string(val));
}

int
jval_add_i64(struct json_object *obj, const char *key, int64_t val)
{
	return jval_add(obj, key, json_object_new_int64(val));
}

int
jval_add_bool(struct json_object *obj, const char *key, bool val)
{
	return jval_add(obj, key, json_object_new_boolean(val));
}

const char *
jval_text(struct json_object *val, size_t *len)
{
	size_t n;
	const char *s;

	s = json_object_to_json_string_length(val,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	if (len != NULL)
		*len = s != NULL ? n : 0;
	return s;
}

int
jval_quote(struct buf *out, const char *s)
{
	struct json_object *val;
	const char *text;
	size_t len;
	int ret = -ENOMEM;

	val = json_object_new_string(s);
	text = val != NULL ? jval_text(val, &len) : NULL;
	if (text != NULL)
		ret = buf_append(out, text, len);
	json_object_put(val);
	return ret;
}
