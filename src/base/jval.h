/* base/jval.h: typed, checked access to json-c values.
 *
 * json-c converts silently ("12" is 12, 99999999999999999999 is INT64_MAX); these
 * do not.  A missing member and a JSON null are the same: -ENOENT.  A member of
 * another type, a number out of range or a string with an embedded NUL is
 * -EBADMSG.  On failure outputs are untouched, so that an optional member is asked
 * for with its default in place and the result dropped. */
#ifndef BASE_JVAL_H
#define BASE_JVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/attr.h"
#include "base/buf.h"

/* Nesting that is accepted in any document. */
#define JVAL_DEPTH_MAX 32

/* What a document may become in memory, about: that of a listing of 150,000 files. */
#define JVAL_MEMORY_MAX ((size_t)192 << 20)

/* One whole document: UTF-8 checked, no name twice in an object, nothing after it but
 * blanks.  As strict as json-c gets, which still takes NaN and raw control characters.
 * 0, or -EBADMSG,
 * -EFBIG when there is more in it than JVAL_MEMORY_MAX holds, -ENOMEM.  *out belongs
 * to the caller (json_object_put) and is NULL for the document "null". */
int jval_parse(const char *text, size_t len, struct json_object **out)
    WARN_UNUSED;

/* The same, but of a name that is there twice the last one counts: for documents that
 * are not ours to refuse. */
int jval_parse_lax(const char *text, size_t len, struct json_object **out)
    WARN_UNUSED;

/* Members of an object.  Strings and objects are borrowed from obj.  obj may be
 * NULL or no object: then every member is missing. */
int jval_str(struct json_object *obj, const char *key, const char **out);
int jval_i64(struct json_object *obj, const char *key, int64_t *out);
int jval_bool(struct json_object *obj, const char *key, bool *out);
int jval_array(struct json_object *obj, const char *key,
    struct json_object **out);
int jval_object(struct json_object *obj, const char *key,
    struct json_object **out);

/* Adds members; the value is copied, or for jval_add taken over, also when it
 * fails.  0 or -ENOMEM. */
int jval_add(struct json_object *obj, const char *key, struct json_object *val)
    WARN_UNUSED;
int jval_add_str(struct json_object *obj, const char *key, const char *val)
    WARN_UNUSED;
int jval_add_i64(struct json_object *obj, const char *key, int64_t val)
    WARN_UNUSED;
int jval_add_bool(struct json_object *obj, const char *key, bool val)
    WARN_UNUSED;

/* Compact text of val, slashes unescaped; borrowed, valid while val is. */
const char *jval_text(struct json_object *val, size_t *len);

/* Appends s as a quoted JSON string. */
int jval_quote(struct buf *out, const char *s) WARN_UNUSED;

#endif
