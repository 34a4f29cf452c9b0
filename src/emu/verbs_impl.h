/* emu/verbs_impl.h: the functions of the rows of the verb table, and what they
 * share. */
#ifndef EMU_VERBS_IMPL_H
#define EMU_VERBS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/buf.h"

#include "emu/plan.h"
#include "emu/verbs.h"

#define VERB_WAIT_MAX (INT64_C(1) << 32) /* of delays and Retry-After */

/* verbs_answer.c */
verb_fn verb_status, verb_retry_after, verb_rate_limit, verb_proxy_407;
verb_fn verb_html_login, verb_redirect, verb_deny, verb_scope, verb_token;
verb_fn verb_limit;

/* verbs_wire.c */
verb_fn verb_delay, verb_bandwidth, verb_dribble, verb_stall, verb_cut;
verb_fn verb_cut_request;

/* verbs_effect.c */
verb_fn verb_apply_then_fail, verb_apply_late, verb_half_apply, verb_reorder;
verb_fn verb_stale, verb_partial_delete, verb_handle_expire;

/* verbs_server.c */
verb_fn verb_crash_after, verb_restart, verb_drop_idle, verb_set, verb_clock;

/* verbs_remote.c */
verb_fn verb_remote_edit, verb_remote_delete, verb_remote_rename;
verb_fn verb_remote_mkdir;

/* verbs_body.c */
verb_fn verb_truncate, verb_extend, verb_corrupt, verb_content_type;
verb_fn verb_size_lie, verb_mtime_lie, verb_names, verb_listing;

/* verbs_raw.c */
verb_fn verb_swap, verb_content_length, verb_bad_chunk, verb_gzip_bomb;

/* verbs_json.c */
verb_fn verb_json, verb_base64;

/* Is the word, of len bytes, one of words, which blanks separate? */
bool verb_has_word(const char *words, const char *word, size_t len);

/* An error answer instead of the handler's, and the error_code that goes with a
 * status. */
void verb_fail(struct request *req, int64_t code, const char *error_code,
    const char *message);
const char *verb_code(int64_t status);

/* The argument "how"; def without one. */
enum plan_ending verb_ending(struct json_object *args, enum plan_ending def);

/* The answer ends so after that many bytes of its body; < 0: there is none. */
void verb_end_after(
    struct request *req, int64_t after, enum plan_ending ending);

/* The answer's body; NULL when it is a file, which verbs do not look into. */
struct buf *verb_body(struct request *req);

/* Makes it shorter, or another text. */
void verb_shorten(struct buf *body, size_t len);
void verb_set_text(struct request *req, const char *text);

/* The body becomes val's text, or nothing when memory is short. */
void verb_write_back(struct buf *body, struct json_object *val);

/* Parses the body, lets change() at every object in it, writes it back. */
typedef void verb_change_fn(struct json_object *obj, int64_t d);
void verb_change_body(struct request *req, verb_change_fn *change, int64_t d);

#endif
