/* emu/params.h: the parameters of a request, wherever the client put them.
 *
 * Query, JSON body, urlencoded form and multipart texts are one set, as on the
 * service; on a clash the JSON body wins over the form, the form over the query.
 * Numbers and booleans may come as text.
 *
 * Getters return 0; -ENOENT when missing (or JSON null); -EBADMSG when the value
 * cannot be of that type.  Outputs are then untouched, so that they may hold the
 * default.  Strings are borrowed from the set. */
#ifndef EMU_PARAMS_H
#define EMU_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/jval.h"

#define PARAMS_MAX 256

struct param {
	char *name;
	char *value;
	size_t len;
};

struct params {
	struct json_object *json; /* an object, or NULL */
	struct param *list;       /* texts, the last one added wins */
	size_t count;
};

void params_release(struct params *p);

/* -E2BIG beyond PARAMS_MAX. */
int params_add(struct params *p, const char *name, const char *value,
    size_t len) WARN_UNUSED;

/* The parameter has this value from now on, whatever it had. */
int params_replace(
    struct params *p, const char *name, const char *value) WARN_UNUSED;

/* "a=b&c=d", percent-encoded, '+' a blank.  -EBADMSG for a broken escape. */
int params_add_form(struct params *p, const char *text, size_t len) WARN_UNUSED;

/* -EBADMSG for what is no JSON object. */
int params_add_json(struct params *p, const char *text, size_t len) WARN_UNUSED;

int params_str(struct params *p, const char *name, const char **out);
int params_i64(struct params *p, const char *name, int64_t *out);
int params_bool(struct params *p, const char *name, bool *out);

/* Members of a JSON object by the same rules. */
int params_json_i64(struct json_object *obj, const char *name, int64_t *out);

/* Undoes %XX and, with plus, '+'; in place; the new length, or -EBADMSG for a
 * broken escape or a NUL. */
ssize_t params_unescape(char *text, size_t len, bool plus) WARN_UNUSED;

/* Base64, blanks and newlines skipped.  The bytes in new memory. */
int params_base64(
    const char *text, size_t limit, char **out, size_t *len) WARN_UNUSED;

#endif
