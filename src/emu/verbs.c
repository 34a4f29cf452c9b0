/* emu/verbs.c - the table of fault verbs, and their arguments. */
#include "config.h"

#include "emu/verbs.h"

#include <string.h>

#include "base/jval.h"

#include "emu/params.h"
#include "emu/verbs_impl.h"

#include "base/banned.h"

/* Every verb, by what it is about. */
static const struct verb verbs[] = {
	/* clang-format off */
	/* name              phase         rated shares arguments                                        act                    help */
	{ "status",         FAULT_BEFORE, false, false, "code error_code message body type headers",     verb_status,           "answer with an error, carry nothing out" },
	{ "retry_after",    FAULT_BEFORE, false, false, "value code in",                                 verb_retry_after,      "429 (or code) with Retry-After: value, or the HTTP date in that many seconds" },
	{ "rate_limit",     FAULT_BEFORE, true, false, "rps burst retry_after",                         verb_rate_limit,       "429 beyond rps calls a second" },
	{ "proxy_407",      FAULT_BEFORE, false, false, "",                                              verb_proxy_407,        "a proxy wants another password" },
	{ "html_login",     FAULT_BEFORE, false, false, "redirect",                                      verb_html_login,       "the login page: 200 text/html, or with redirect 302 to /login" },
	{ "redirect",       FAULT_BEFORE, false, false, "code to",                                       verb_redirect,         "code (302) with Location: to" },
	{ "deny",           FAULT_BEFORE, false, false, "what",                                          verb_deny,             "403 for calls that read, write or list" },
	{ "scope",          FAULT_BEFORE, false, false, "has",                                           verb_scope,            "403 unless the API family is one of those that the token has" },
	{ "token",          FAULT_BEFORE, false, false, "how to",                                        verb_token,            "the token of the request is no longer good; how: revoke (403), expire (401); another one, to, is" },
	{ "limit",          FAULT_INTAKE, false, false, "bytes",                                         verb_limit,            "413 for a longer body" },
	{ "delay",          FAULT_BEFORE, false, false, "ms jitter",                                     verb_delay,            "answer ms milliseconds later, and up to jitter more" },
	{ "bandwidth",      FAULT_INTAKE, false, true,  "bps",                                           verb_bandwidth,        "all that meet the rule share a line of bps bytes a second, each direction" },
	{ "dribble",        FAULT_BEFORE, false, false, "bps",                                           verb_dribble,          "send the answer at bps bytes a second" },
	{ "stall",          FAULT_AFTER,  false, false, "after s",                                       verb_stall,            "no answer comes, for s seconds or ever; with after, not beyond that many bytes of the body" },
	{ "cut",            FAULT_AFTER,  false, false, "after how",                                     verb_cut,              "end the connection after that many bytes of the body, or without any answer; how: close, reset" },
	{ "cut_request",    FAULT_INTAKE, false, false, "after how",                                     verb_cut_request,      "end the connection after that many bytes of the request's body; how: close, reset, stall" },
	{ "drop_idle",      FAULT_BEFORE, false, false, "how",                                           verb_drop_idle,        "what becomes of every connection without a request; how: close, reset, stall (it hears nothing)" },
	{ "restart",        FAULT_BEFORE, false, false, "handles when",                                  verb_restart,          "no answer, every connection is reset; handles: keep, lose" },
	{ "set",            FAULT_BEFORE, false, false, "name value when",                               verb_set,              "change a setting" },
	{ "clock",          FAULT_BEFORE, false, false, "ms when",                                       verb_clock,            "the emulator's clock jumps" },
	{ "apply_then_fail", FAULT_AFTER,  false, false, "how code error_code message",                   verb_apply_then_fail,  "carry out, lose the answer; how: close, reset, stall, status" },
	{ "apply_late",     FAULT_BEFORE, false, false, "ms how",                                        verb_apply_late,       "no answer; carried out ms milliseconds later; how: close, reset, stall" },
	{ "half_apply",     FAULT_BEFORE, false, false, "n",                                             verb_half_apply,       "n bytes, files or levels of it are carried out, then 500" },
	{ "crash_after",    FAULT_BEFORE, false, false, "when",                                          verb_crash_after,      "the emulator is killed, before or after the request is carried out; no answer" },
	{ "reorder",        FAULT_BEFORE, false, true,  "ms",                                            verb_reorder,          "of each two requests the first waits, at most ms, until the second is carried out" },
	{ "stale",          FAULT_BEFORE, false, true,  "s",                                             verb_stale,            "calls that change nothing get the answer that was given at most s seconds ago" },
	{ "partial_delete", FAULT_BEFORE, false, false, "n",                                             verb_partial_delete,   "a recursive delete stops after n files" },
	{ "handle_expire",  FAULT_BEFORE, false, false, "handle",                                        verb_handle_expire,    "the request's write handle, that one, or with \"all\" every one is gone" },
	{ "remote_edit",    FAULT_BEFORE, false, false, "path content content_base64 keep_mtime when",   verb_remote_edit,      "another client writes path, before or after the request is carried out" },
	{ "remote_delete",  FAULT_BEFORE, false, false, "path when",                                     verb_remote_delete,    "another client deletes path" },
	{ "remote_rename",  FAULT_BEFORE, false, false, "path to when",                                  verb_remote_rename,    "another client moves path" },
	{ "remote_mkdir",   FAULT_BEFORE, false, false, "path when",                                     verb_remote_mkdir,     "another client makes the directory path" },
	{ "swap",           FAULT_BEFORE, false, false, "path",                                          verb_swap,             "carried out as if the request had named another path" },
	{ "truncate",       FAULT_AFTER,  false, false, "n length",                                      verb_truncate,         "send n bytes of the body; length: kept (as announced before), fixed" },
	{ "extend",         FAULT_AFTER,  false, false, "n",                                             verb_extend,           "n bytes of garbage after the body" },
	{ "content_length", FAULT_AFTER,  false, false, "d",                                             verb_content_length,   "announce d bytes more than come" },
	{ "bad_chunk",      FAULT_AFTER,  false, false, "mode",                                          verb_bad_chunk,        "a chunked answer; mode: size, long, huge, end, last" },
	{ "gzip_bomb",      FAULT_AFTER,  false, false, "n",                                             verb_gzip_bomb,        "a compressed answer that becomes n bytes" },
	{ "corrupt",        FAULT_AFTER,  false, false, "at",                                            verb_corrupt,          "change the byte at that place of the body" },
	{ "content_type",   FAULT_AFTER,  false, false, "type",                                          verb_content_type,     "another Content-Type" },
	{ "json",           FAULT_AFTER,  false, false, "mode bytes",                                    verb_json,             "mode: short, garbage, deep, huge, types, missing, text, empty, null, array, duplicate, exponent, fraction, negative, big, nul, utf8, bom, many" },
	{ "base64",         FAULT_AFTER,  false, false, "mode",                                          verb_base64,           "data of read, content of export; mode: letters, short, padding, newlines, url, longer, empty, missing" },
	{ "size_lie",       FAULT_AFTER,  false, false, "d",                                             verb_size_lie,         "add d to each size and bytes_read" },
	{ "mtime_lie",      FAULT_AFTER,  false, false, "d",                                             verb_mtime_lie,        "add d milliseconds to each time of modification" },
	{ "names",          FAULT_AFTER,  false, false, "list",                                          verb_names,            "hostile names in listings; list: texts, default a collection" },
	{ "listing",        FAULT_AFTER,  false, false, "n",                                             verb_listing,          "n more entries in listings" },
	/* clang-format on */
};

const struct verb *
verbs_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

bool
verb_has_word(const char *words, const char *word, size_t len)
{
	for (const char *p = words; *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, word, n) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

static bool
has_word(const char *words, const char *word)
{
	return verb_has_word(words, word, strlen(word));
}

bool
verbs_knows(const struct verb *verb, const char *arg)
{
	return has_word(verb->args, arg);
}

enum kind { NUMBER, BOOLEAN, TEXT, CHOICE };

/* What arguments can be; first fit, any other can be anything. */
static const struct {
	const char *verb; /* NULL: any */
	const char *args;
	enum kind kind;
	const char *words; /* of a choice */
} kinds[] = {
	/* clang-format off */
	{ NULL,              "after at bps burst bytes code d in jitter ms n rps retry_after s", NUMBER, NULL },
	{ NULL,              "keep_mtime redirect", BOOLEAN, NULL },
	{ NULL,              "body content content_base64 error_code has message name path to type", TEXT, NULL },
	{ NULL,              "length",  CHOICE, "kept fixed" },
	{ NULL,              "what",    CHOICE, "read write list" },
	{ NULL,              "when",    CHOICE, "before after" },
	{ NULL,              "handles", CHOICE, "keep lose" },
	{ "token",           "how",     CHOICE, "revoke expire" },
	{ "apply_then_fail", "how",     CHOICE, "close reset stall status" },
	{ NULL,              "how",     CHOICE, "close reset stall" },
	{ "base64",          "mode",    CHOICE, "letters short padding newlines url longer empty missing" },
	{ "bad_chunk",       "mode",    CHOICE, "size long huge end last" },
	{ NULL,              "mode",    CHOICE, "short garbage deep huge types missing text empty null array duplicate exponent fraction negative big nul utf8 bom many" },
	/* clang-format on */
};

bool
verbs_takes(const struct verb *verb, struct json_object *args, const char *name)
{
	const char *text;
	int64_t n;
	bool b;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if ((kinds[i].verb != NULL &&
			strcmp(kinds[i].verb, verb->name) != 0) ||
		    !has_word(kinds[i].args, name))
			continue;
		switch (kinds[i].kind) {
		case NUMBER: return params_json_i64(args, name, &n) == 0;
		case BOOLEAN: return jval_bool(args, name, &b) == 0;
		case TEXT: return jval_str(args, name, &text) == 0;
		case CHOICE:
			return jval_str(args, name, &text) == 0 &&
			       has_word(kinds[i].words, text);
		}
	}
	return true;
}

int
verbs_print(struct buf *out)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(verbs); i++)
		ret = buf_printf(out, "%-16s %-48s %s\n", verbs[i].name,
		    verbs[i].args, verbs[i].help);
	return ret;
}

int64_t
verb_number(struct json_object *args, const char *name, int64_t def)
{
	(void)params_json_i64(args, name, &def);
	return def;
}

const char *
verb_text(struct json_object *args, const char *name, const char *def)
{
	const char *text;

	return jval_str(args, name, &text) == 0 ? text : def;
}
