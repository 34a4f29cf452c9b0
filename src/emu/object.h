/* emu/object.h: what the workspace knows of an object, beside its content.
 *
 * It is kept as the note of a file or directory (emu/history.h), a JSON object:
 *
 *   {"object_id": 412233445566778899, "object_type": "NOTEBOOK",
 *    "created_at": 1751000000000, "language": "PYTHON", "format": "SOURCE"}
 *
 * so that /emulator/history and /emulator/tree show it as it is.  A REPO has url,
 * provider, branch and head_commit_id, too. */
#ifndef EMU_OBJECT_H
#define EMU_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct json_object;

/* Texts are borrowed from json, or where it is NULL from somebody else; NULL: the
 * object has no such thing. */
struct object {
	struct json_object *json;
	int64_t id;         /* 18 digits: more than a double holds */
	int64_t created_ms;
	const char *type;     /* "NOTEBOOK" */
	const char *language; /* "PYTHON", of notebooks */
	const char *format;   /* "SOURCE" or "JUPYTER", of notebooks */
	const char *url, *provider, *branch, *head; /* of repos */
	const char *acl; /* who was given permissions, JSON */
};

/* A new one, with an id of its own. */
void object_init(struct object *o, const char *type, int64_t created_ms);

/* 0, or -EBADMSG for what is no note. */
int object_read(const char *note, struct object *out) WARN_UNUSED;
void object_release(struct object *o);

/* Appends it as a note. */
int object_write(const struct object *o, struct buf *out) WARN_UNUSED;

bool object_is(const struct object *o, const char *type);

#endif
