/* emu/object.c - what the workspace knows of an object, as a note. */
#include "config.h"

#include "emu/object.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/digest.h"
#include "base/jval.h"

#include "base/banned.h"

/* Ids have 18 digits, the first of them no zero. */
#define ID_LEAST UINT64_C(100000000000000000)

static const struct {
	const char *name;
	size_t at;
} texts[] = {
	{ "object_type", offsetof(struct object, type) },
	{ "language", offsetof(struct object, language) },
	{ "format", offsetof(struct object, format) },
	{ "url", offsetof(struct object, url) },
	{ "provider", offsetof(struct object, provider) },
	{ "branch", offsetof(struct object, branch) },
	{ "head_commit_id", offsetof(struct object, head) },
	{ "access_control_list", offsetof(struct object, acl) },
};

void
object_init(struct object *o, const char *type, int64_t created_ms)
{
	uint64_t random;

	digest_random(&random, sizeof(random));
	*o = (struct object){
		.id = (int64_t)(ID_LEAST + random % (9 * ID_LEAST)),
		.created_ms = created_ms,
		.type = type,
	};
}

int
object_read(const char *note, struct object *out)
{
	struct object o = { 0 };
	int ret;

	if (note == NULL)
		return -EBADMSG;
	ret = jval_parse(note, strlen(note), &o.json);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = NULL;

		(void)jval_str(o.json, texts[i].name, &text);
		memcpy((char *)&o + texts[i].at, &text, sizeof(text));
	}
	(void)jval_i64(o.json, "created_at", &o.created_ms);
	if (jval_i64(o.json, "object_id", &o.id) < 0 || o.type == NULL) {
		json_object_put(o.json);
		return -EBADMSG;
	}
	*out = o;
	return 0;
}

void
object_release(struct object *o)
{
	json_object_put(o->json);
	*o = (struct object){ 0 };
}

int
object_write(const struct object *o, struct buf *out)
{
	struct json_object *val = json_object_new_object();
	const char *text;
	int ret;

	ret = val != NULL ? jval_add_i64(val, "object_id", o->id) : -ENOMEM;
	if (ret == 0)
		ret = jval_add_i64(val, "created_at", o->created_ms);
	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(texts); i++) {
		memcpy(&text, (const char *)o + texts[i].at, sizeof(text));
		if (text != NULL)
			ret = jval_add_str(val, texts[i].name, text);
	}
	if (ret == 0)
		ret = buf_puts(out, jval_text(val, NULL));
	json_object_put(val);
	return ret;
}

bool
object_is(const struct object *o, const char *type)
{
	return strcmp(o->type, type) == 0;
}
