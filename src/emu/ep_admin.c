/* emu/ep_admin.c - /emulator/: clock, settings, rules, tokens, handles. */
#include "config.h"

#include "emu/ep_admin.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/jval.h"
#include "base/text.h"

#include "emu/door.h"
#include "emu/emu.h"
#include "emu/routes.h"

#include "base/banned.h"

#define RULES_PATH "/emulator/rules"

int
ep_admin_get_clock(struct request *req)
{
	struct timeline *t = &req->emu->timeline;
	char when[CLOCK_TEXT_BYTES];
	int64_t now_ms = timeline_now_ms(t);
	int ret;

	clock_text(now_ms, when);
	ret = reply_json(req, "");
	if (ret < 0)
		return ret;
	return buf_printf(&req->reply.body,
	    "{\"now\":%" PRId64 ",\"time\":\"%s\",\"offset_ms\":%" PRId64 "}",
	    now_ms, when, timeline_offset(t));
}

/* Can be added up without an overflow. */
static bool
is_moderate(int64_t ms)
{
	return ms < INT64_MAX / 4 && ms > INT64_MIN / 4;
}

int
ep_admin_set_clock(struct request *req)
{
	struct timeline *t = &req->emu->timeline;
	int64_t offset_ms = timeline_offset(t), step_ms = 0, now_ms = 0;
	int a, b, c;

	a = params_i64(&req->params, "offset_ms", &offset_ms);
	b = params_i64(&req->params, "advance_ms", &step_ms);
	c = params_i64(&req->params, "now", &now_ms);
	if (c == 0 && is_moderate(now_ms))
		offset_ms = now_ms - clock_real_ms();
	if (a == -EBADMSG || b == -EBADMSG || c == -EBADMSG ||
	    (a < 0 && b < 0 && c < 0) || !is_moderate(now_ms) ||
	    !is_moderate(step_ms) || !is_moderate(offset_ms) ||
	    timeline_set_offset(t, offset_ms + step_ms) < 0)
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Wanted: offset_ms, advance_ms or now (epoch ms).");
	a = timeline_save(t, req->emu->place->state);
	return a < 0 ? a : ep_admin_get_clock(req);
}

int
ep_admin_get_settings(struct request *req)
{
	int ret;

	ret = reply_json(req, "");
	return ret < 0 ? ret
		       : settings_print(&req->emu->settings, &req->reply.body);
}

/* Sets one; 0, or the settings_set error. */
static int
set_one(struct request *req, struct settings *set, const char *name,
    const char *value)
{
	int ret = settings_set(set, name, value);

	if (ret == 0)
		return 0;
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    ret == -ENOENT ? "No setting %s" : "Setting %s cannot be that",
	    name);
	return ret;
}

static int
set_all(struct request *req, struct settings *set)
{
	struct params *p = &req->params;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < p->count; i++)
		ret = set_one(req, set, p->list[i].name, p->list[i].value);
	if (ret < 0 || p->json == NULL)
		return ret;
	json_object_object_foreach(p->json, name, value)
	{
		const char *text = json_object_get_string(value);

		if (ret == 0)
			ret = set_one(req, set, name, text != NULL ? text : "");
	}
	return ret;
}

/* All of them, or none: they are tried on settings that nobody uses. */
int
ep_admin_set_settings(struct request *req)
{
	struct settings trial;

	settings_init(&trial);
	if (set_all(req, &trial) < 0 ||
	    set_all(req, &req->emu->settings) < 0)
		return 0;
	door_wake(req->emu->door);
	return ep_admin_get_settings(req);
}

int
ep_admin_drop(struct request *req)
{
	const char *how = "close", *which = "idle";

	(void)params_str(&req->params, "how", &how);
	(void)params_str(&req->params, "which", &which);
	if ((strcmp(which, "idle") != 0 && strcmp(which, "all") != 0) ||
	    strcmp(how, door_word(door_how(how))) != 0)
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Wanted: how (close, reset, stall), which (idle, all).");
	door_drop(req->emu->door,
	    strcmp(which, "all") == 0 ? DOOR_ALL : DOOR_IDLE, door_how(how));
	return reply_json(req, "{}");
}

int
ep_admin_get_rules(struct request *req)
{
	int ret;

	ret = reply_json(req, "{\"rules\":");
	if (ret == 0)
		ret = faults_print(req->emu->faults, &req->reply.body);
	return ret < 0 ? ret : buf_puts(&req->reply.body, "}");
}

int
ep_admin_add_rule(struct request *req)
{
	struct why why;
	int64_t id;
	int ret;

	if (req->params.json == NULL)
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "A rule is a JSON object.");
	ret = faults_add(req->emu->faults, req->params.json, &id, &why);
	if (ret < 0)
		return reply_error(
		    req, 400, "INVALID_PARAMETER_VALUE", "%s", why.text);
	ret = reply_json(req, "");
	return ret < 0
		   ? ret
		   : buf_printf(&req->reply.body, "{\"id\":%" PRId64 "}", id);
}

/* One by /emulator/rules/ID or ?id=, or all, with the tokens they revoked. */
int
ep_admin_delete_rules(struct request *req)
{
	const char *rest = req->path + strlen(RULES_PATH);
	int64_t id = 0;
	int ret;

	ret = rest[0] == '/' ? text_i64(rest + 1, &id)
			     : params_i64(&req->params, "id", &id);
	if ((ret < 0 && ret != -ENOENT) || id < 0)
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "A rule's id is a number.");
	if (faults_remove(req->emu->faults, id) < 0)
		return reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
		    "No rule %" PRId64, id);
	if (id == 0)
		tokens_restore(req->emu->tokens);
	return reply_json(req, "{}");
}

int
ep_admin_tokens(struct request *req)
{
	struct tokens *tokens = req->emu->tokens;
	char hash[DIGEST_SHA256_HEX];
	const char *add = "", *revoke = "";
	bool restore = false;
	int a, r;

	a = params_str(&req->params, "add", &add);
	r = params_str(&req->params, "revoke", &revoke);
	if (a == -EBADMSG || r == -EBADMSG ||
	    (a == 0 && tokens_add(tokens, add) < 0))
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "A token is a text and not empty.");
	if (r == 0) {
		digest_sha256(revoke, strlen(revoke), hash);
		tokens_revoke(tokens, hash);
	}
	if (params_bool(&req->params, "restore", &restore) == 0 && restore)
		tokens_restore(tokens);
	return reply_json(req, "{}");
}

int
ep_admin_expire(struct request *req)
{
	int64_t handle = 0;

	if (params_i64(&req->params, "handle", &handle) == -EBADMSG)
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "A handle is a number.");
	streams_expire(req->emu->streams, handle);
	return reply_json(req, "{}");
}
