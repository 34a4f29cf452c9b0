/* emu/params.c - the parameters of a request. */
#include "config.h"

#include "emu/params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/text.h"

#include "base/banned.h"

void
params_release(struct params *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->list[i].name);
		free(p->list[i].value);
	}
	free(p->list);
	json_object_put(p->json);
	*p = (struct params){ 0 };
}

int
params_add(struct params *p, const char *name, const char *value, size_t len)
{
	struct param *slot;

	if (p->count == PARAMS_MAX)
		return -E2BIG;
	if (p->list == NULL) {
		p->list = calloc(PARAMS_MAX, sizeof(*p->list));
		if (p->list == NULL)
			return -ENOMEM;
	}
	slot = &p->list[p->count];
	slot->name = text_dup(name);
	slot->value = malloc(len + 1);
	if (slot->name == NULL || slot->value == NULL) {
		free(slot->name);
		free(slot->value);
		*slot = (struct param){ 0 };
		return -ENOMEM;
	}
	if (len > 0)
		memcpy(slot->value, value, len);
	slot->value[len] = '\0';
	slot->len = len;
	p->count++;
	return 0;
}

int
params_replace(struct params *p, const char *name, const char *value)
{
	if (p->json != NULL && json_object_object_get_ex(p->json, name, NULL))
		return jval_add_str(p->json, name, value);
	return params_add(p, name, value, strlen(value));
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

ssize_t
params_unescape(char *text, size_t len, bool plus)
{
	char *to = text;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] == '+' && plus) {
			*to++ = ' ';
		} else if (text[i] != '%') {
			*to++ = text[i];
		} else {
			if (i + 2 >= len)
				return -EBADMSG;
			high = hex_digit(text[i + 1]);
			low = hex_digit(text[i + 2]);
			if (high < 0 || low < 0 || high + low == 0)
				return -EBADMSG;
			*to++ = (char)(high * 16 + low);
			i += 2;
		}
	}
	*to = '\0';
	return to - text;
}

/* One "name=value". */
static int
add_pair(struct params *p, char *pair, size_t len)
{
	char *eq = memchr(pair, '=', len), *value = pair + len;
	size_t name_len = eq != NULL ? (size_t)(eq - pair) : len;
	ssize_t value_len = 0;

	if (eq != NULL) {
		value = eq + 1;
		value_len = params_unescape(value, len - name_len - 1, true);
	}
	if (value_len < 0 || memchr(pair, '\0', name_len) != NULL)
		return -EBADMSG;
	if (params_unescape(pair, name_len, true) < 0)
		return -EBADMSG;
	return params_add(p, pair, value, (size_t)value_len);
}

int
params_add_form(struct params *p, const char *text, size_t len)
{
	char *copy, *at;
	int ret = 0;

	copy = malloc(len + 1);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (at = copy; ret == 0 && at < copy + len;) {
		char *end = memchr(at, '&', (size_t)(copy + len - at));

		if (end == NULL)
			end = copy + len;
		*end = '\0';
		if (end > at)
			ret = add_pair(p, at, (size_t)(end - at));
		at = end + 1;
	}
	free(copy);
	return ret;
}

int
params_add_json(struct params *p, const char *text, size_t len)
{
	struct json_object *val;
	int ret;

	ret = jval_parse(text, len, &val);
	if (ret < 0)
		return ret;
	if (!json_object_is_type(val, json_type_object)) {
		json_object_put(val);
		return -EBADMSG;
	}
	json_object_put(p->json);
	p->json = val;
	return 0;
}

static const struct param *
find_text(const struct params *p, const char *name)
{
	for (size_t i = p->count; i > 0; i--)
		if (strcmp(p->list[i - 1].name, name) == 0)
			return &p->list[i - 1];
	return NULL;
}

int
params_str(struct params *p, const char *name, const char **out)
{
	const struct param *text;
	int ret;

	ret = jval_str(p->json, name, out);
	if (ret != -ENOENT)
		return ret;
	text = find_text(p, name);
	if (text == NULL)
		return -ENOENT;
	if (memchr(text->value, '\0', text->len) != NULL)
		return -EBADMSG;
	*out = text->value;
	return 0;
}

static int
text_number(const char *text, int64_t *out)
{
	int64_t n;

	if (text_i64(text, &n) < 0)
		return -EBADMSG;
	*out = n;
	return 0;
}

int
params_json_i64(struct json_object *obj, const char *name, int64_t *out)
{
	const char *text;
	int ret;

	ret = jval_i64(obj, name, out);
	if (ret == -EBADMSG && jval_str(obj, name, &text) == 0)
		ret = text_number(text, out);
	return ret;
}

int
params_i64(struct params *p, const char *name, int64_t *out)
{
	const char *text;
	int ret;

	ret = params_json_i64(p->json, name, out);
	if (ret != -ENOENT)
		return ret;
	ret = params_str(p, name, &text);
	return ret < 0 ? ret : text_number(text, out);
}

static int
text_bool(const char *text, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true },
		{ "false", false },
		{ "1", true },
		{ "0", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(words[i].word, text) == 0) {
			*out = words[i].value;
			return 0;
		}
	}
	return -EBADMSG;
}

int
params_bool(struct params *p, const char *name, bool *out)
{
	const char *text;
	int ret;

	ret = jval_bool(p->json, name, out);
	if (ret == 0)
		return 0;
	ret = params_str(p, name, &text);
	return ret < 0 ? ret : text_bool(text, out);
}

int
params_base64(const char *text, size_t limit, char **out, size_t *len)
{
	size_t n = 0, text_len = strlen(text);
	char *plain, *bytes;
	ssize_t got = -ENOMEM;

	if (text_len / 4 * 3 > limit + 4096 + limit / 8)
		return -EFBIG;
	plain = malloc(text_len + 1);
	bytes = malloc(text_len / 4 * 3 + 4);
	if (plain != NULL && bytes != NULL) {
		for (size_t i = 0; i < text_len; i++)
			if (strchr(" \t\r\n", text[i]) == NULL)
				plain[n++] = text[i];
		plain[n] = '\0';
		got = base64_decode(bytes, plain, n);
	}
	free(plain);
	if (got < 0) {
		free(bytes);
		return (int)got;
	}
	*out = bytes;
	*len = (size_t)got;
	return 0;
}
