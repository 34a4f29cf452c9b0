/* emu/faults.c - rules: parsing, matching, counting. */
#include "config.h"

#include "emu/faults.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/jval.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"

#include "emu/emu.h"
#include "emu/params.h"
#include "emu/request.h"
#include "emu/routes.h"
#include "emu/shared.h"
#include "emu/verbs.h"

#include "base/banned.h"

#define RULES_MAX 1000
#define HITS_MAX  16

struct match {
	char *method; /* NULL: any */
	char *path;   /* glob of the endpoint's path */
	char *target; /* glob of a path that the call is about */
	char *token;  /* SHA-256 of the token that it carries */
	int64_t nth, every, times, after;
	double p;
	uint64_t seed;
};

struct rule {
	int64_t id;
	struct match match;
	const struct verb *verb;
	enum fault_phase phase;
	char *args;  /* JSON text: json-c's objects are not shared by threads */
	char *text;  /* the rule as it was given */
	int64_t rps, burst; /* of rated verbs */
	bool hides; /* it denies reads */
	struct shared *shared; /* NULL unless the verb wants it */
	/* guarded by faults.lock */
	int64_t seen, fired;
	uint64_t random;
	struct shaper_bucket bucket;
	struct rule *next;
};

struct faults {
	struct lock lock;
	struct rule *first; /* guarded by lock; oldest first */
	int64_t last_id;    /* guarded by lock */
	size_t count;       /* guarded by lock */
};

int
faults_new(struct faults **out)
{
	struct faults *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	lock_init(&f->lock, "faults");
	*out = f;
	return 0;
}

static void
rule_free(struct rule *r)
{
	if (r == NULL)
		return;
	free(r->match.method);
	free(r->match.path);
	free(r->match.target);
	free(r->match.token);
	free(r->args);
	free(r->text);
	shared_unref(r->shared);
	free(r);
}

void
faults_free(struct faults *f)
{
	if (f == NULL)
		return;
	(void)faults_remove(f, 0);
	lock_release(&f->lock);
	free(f);
}

static const struct match match_all = {
	.nth = 1,
	.every = 1,
	.times = -1,
	.p = 1,
	.seed = 1,
};

static const char *const match_names[] = { "method", "path", "target",
	"token", "nth", "every", "times", "once_after", "p", "seed" };

static bool
is_match_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(match_names); i++)
		if (strcmp(match_names[i], name) == 0)
			return true;
	return false;
}

/* The texts of a match.  A token is kept as its hash, as requests have it. */
static int
parse_texts(struct json_object *m, struct match *out, struct why *why)
{
	const struct {
		const char *name;
		char **text;
	} texts[] = { { "method", &out->method }, { "path", &out->path },
		{ "target", &out->target }, { "token", &out->token } };
	char hash[DIGEST_SHA256_HEX];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = NULL;
		int ret = jval_str(m, texts[i].name, &text);

		if (ret == -EBADMSG)
			return why_set(
			    why, -EINVAL, "%s wants a text", texts[i].name);
		if (text != NULL && texts[i].text == &out->token) {
			digest_sha256(text, strlen(text), hash);
			text = hash;
		}
		*texts[i].text = text_dup(text);
		if (text != NULL && *texts[i].text == NULL)
			return why_set(why, -ENOMEM, "out of memory");
	}
	return 0;
}

static int
parse_chance(struct json_object *m, struct match *out, struct why *why)
{
	struct json_object *p;
	int64_t seed = 1;

	if (json_object_object_get_ex(m, "p", &p)) {
		out->p = json_object_get_double(p);
		if ((!json_object_is_type(p, json_type_double) &&
			!json_object_is_type(p, json_type_int)) ||
		    !(out->p >= 0 && out->p <= 1))
			return why_set(why, -EINVAL, "p is from 0 to 1");
	}
	if (params_json_i64(m, "seed", &seed) == -EBADMSG)
		return why_set(why, -EINVAL, "seed wants a number");
	out->seed = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	return 0;
}

static int
parse_match(struct json_object *m, struct match *out, struct why *why)
{
	const struct {
		const char *name;
		int64_t *number, least;
	} numbers[] = { { "nth", &out->nth, 1 }, { "every", &out->every, 1 },
		{ "times", &out->times, 0 }, { "once_after", &out->after, 1 } };
	int ret;

	*out = (struct match){ .nth = 0, .every = 0, .times = -1, .p = 1 };
	json_object_object_foreach(m, key, val)
	{
		(void)val;
		if (!is_match_name(key))
			return why_set(why, -EINVAL, "no match by '%s'", key);
	}
	ret = parse_texts(m, out, why);
	if (ret == 0)
		ret = parse_chance(m, out, why);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		ret = params_json_i64(m, numbers[i].name, numbers[i].number);
		if (ret == -EBADMSG ||
		    (ret == 0 && *numbers[i].number < numbers[i].least))
			return why_set(
			    why, -EINVAL, "%s wants a number", numbers[i].name);
	}
	/* A bare nth means that one alone. */
	if (out->nth > 0 && out->every == 0 && out->times < 0)
		out->times = 1;
	out->nth = out->nth > 0 ? out->nth : 1;
	out->every = out->every > 0 ? out->every : 1;
	return 0;
}

/* An argument stands in args, or when there are none, beside the verb. */
static int
check_members(struct json_object *rule, struct json_object *args,
    const struct verb *verb, struct why *why)
{
	json_object_object_foreach(rule, key, val)
	{
		(void)val;
		if (strcmp(key, "match") == 0 || strcmp(key, "verb") == 0 ||
		    (args != rule && strcmp(key, "args") == 0) ||
		    (args == rule && verbs_knows(verb, key)))
			continue;
		return why_set(why, -EINVAL,
		    is_match_name(key) ? "'%s' belongs into \"match\""
				       : "the verb has no argument '%s'",
		    key);
	}
	json_object_object_foreach(args, arg, value)
	{
		(void)value;
		if (args != rule && !verbs_knows(verb, arg))
			return why_set(why, -EINVAL, "%s has no argument '%s'",
			    verb->name, arg);
		if (!verbs_takes(verb, args, arg))
			return why_set(why, -EINVAL, "%s of %s cannot be that",
			    arg, verb->name);
	}
	return 0;
}

static int
parse_verb(struct json_object *rule, struct rule *r, struct why *why)
{
	struct json_object *args = NULL;
	const char *name = NULL;
	int ret;

	if (jval_str(rule, "verb", &name) < 0)
		return why_set(why, -EINVAL, "a rule wants a verb");
	r->verb = verbs_find(name);
	if (r->verb == NULL)
		return why_set(why, -EINVAL, "no verb '%s'", name);
	if (jval_object(rule, "args", &args) < 0)
		args = rule;
	ret = check_members(rule, args, r->verb, why);
	if (ret < 0)
		return ret;
	r->phase = r->verb->phase;
	if (r->phase == FAULT_BEFORE &&
	    strcmp(verb_text(args, "when", "before"), "after") == 0)
		r->phase = FAULT_AFTER;
	r->hides = strcmp(name, "deny") == 0 &&
		   strcmp(verb_text(args, "what", "read"), "read") == 0;
	r->rps = verb_number(args, "rps", 1);
	r->burst = verb_number(args, "burst", r->rps);
	r->args = text_dup(jval_text(args, NULL));
	if (r->args == NULL)
		return why_set(why, -ENOMEM, "out of memory");
	ret = r->verb->shares ? shared_new(&r->shared) : 0;
	return ret < 0 ? why_set(why, ret, "out of memory") : 0;
}

static int
parse_rule(struct json_object *rule, struct rule *r, struct why *why)
{
	struct json_object *m = NULL;
	int ret;

	ret = jval_object(rule, "match", &m);
	if (ret == -EBADMSG)
		return why_set(why, -EINVAL, "match wants an object");
	r->match = match_all;
	ret = m != NULL ? parse_match(m, &r->match, why) : 0;
	if (ret == 0)
		ret = parse_verb(rule, r, why);
	if (ret < 0)
		return ret;
	r->random = r->match.seed;
	r->text = text_dup(jval_text(rule, NULL));
	return r->text != NULL ? 0 : why_set(why, -ENOMEM, "out of memory");
}

int
faults_add(
    struct faults *f, struct json_object *rule, int64_t *id, struct why *why)
{
	struct rule *r = calloc(1, sizeof(*r)), **end;
	int ret;

	if (r == NULL)
		return why_set(why, -ENOMEM, "out of memory");
	ret = parse_rule(rule, r, why);
	if (ret < 0) {
		rule_free(r);
		return ret;
	}
	lock_take(&f->lock);
	if (f->count < RULES_MAX) {
		f->count++;
		for (end = &f->first; *end != NULL;)
			end = &(*end)->next;
		*end = r;
		*id = r->id = ++f->last_id;
	} else {
		ret = -ENOSPC;
	}
	lock_drop(&f->lock);
	if (ret < 0) {
		rule_free(r);
		return why_set(why, ret, "too many rules");
	}
	return 0;
}

int
faults_remove(struct faults *f, int64_t id)
{
	int ret = id == 0 ? 0 : -ENOENT;

	lock_take(&f->lock);
	for (struct rule **at = &f->first; *at != NULL;) {
		struct rule *r = *at;

		if (id != 0 && r->id != id) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		f->count--;
		rule_free(r);
		ret = 0;
	}
	lock_drop(&f->lock);
	return ret;
}

int
faults_print(struct faults *f, struct buf *out)
{
	int ret;

	lock_take(&f->lock);
	ret = buf_puts(out, "[");
	for (struct rule *r = f->first; ret == 0 && r != NULL; r = r->next)
		ret = buf_printf(out,
		    "%s{\"id\":%" PRId64 ",\"seen\":%" PRId64
		    ",\"fired\":%" PRId64 ",\"rule\":%s}",
		    r != f->first ? "," : "", r->id, r->seen, r->fired,
		    r->text);
	lock_drop(&f->lock);
	return ret < 0 ? ret : buf_puts(out, "]");
}

bool
faults_glob(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, FNM_NOESCAPE) == 0;
}

static bool
fits(const struct match *m, const struct request *req)
{
	if (m->method != NULL && strcmp(m->method, req->method) != 0)
		return false;
	if (m->path != NULL && !faults_glob(m->path, req->path))
		return false;
	if (m->token != NULL && strcmp(m->token, req->token_hash) != 0)
		return false;
	return m->target == NULL ||
	       (req->subject != NULL && faults_glob(m->target, req->subject)) ||
	       (req->goal != NULL && faults_glob(m->target, req->goal));
}

static bool
hides(const struct rule *r, const struct request *req, const char *path)
{
	const struct match *m = &r->match;

	return r->hides && m->target != NULL && m->method == NULL &&
	       m->path == NULL && m->nth == 1 && m->every == 1 &&
	       m->times < 0 && m->p >= 1 && m->after == 0 &&
	       (m->token == NULL || strcmp(m->token, req->token_hash) == 0) &&
	       faults_glob(m->target, path);
}

bool
faults_hides(const struct request *req, const char *path)
{
	struct faults *f = req->emu->faults;
	bool hidden = false;

	if (settings_get(&req->emu->settings, SET_HIDDEN) != HIDDEN_404)
		return false;
	lock_take(&f->lock);
	for (struct rule *r = f->first; !hidden && r != NULL; r = r->next)
		hidden = hides(r, req, path);
	lock_drop(&f->lock);
	return hidden;
}

/* A number in [0, 1) of the rule's own sequence (splitmix64). */
static double
chance(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

static bool
has_fired_locked(struct faults *f, int64_t id) REQUIRES(f->lock)
{
	for (struct rule *r = f->first; r != NULL; r = r->next)
		if (r->id == id)
			return r->fired > 0;
	return false;
}

/* Counts a request that fits, and decides. */
static bool
fires_locked(struct faults *f, struct rule *r) REQUIRES(f->lock)
{
	const struct match *m = &r->match;

	if (m->after != 0 && !has_fired_locked(f, m->after))
		return false;
	r->seen++;
	if (r->seen < m->nth || (r->seen - m->nth) % m->every != 0 ||
	    (m->times >= 0 && r->fired >= m->times))
		return false;
	if (m->p < 1 && chance(&r->random) >= m->p)
		return false;
	if (r->verb->rated &&
	    shaper_bucket_take(&r->bucket, r->rps, r->burst, clock_mono_ns()))
		return false;
	r->fired++;
	return true;
}

struct hit {
	const struct verb *verb;
	char *args;
	int64_t id;
	double luck;
	struct shared *shared;
};

void
faults_run(struct request *req, enum fault_phase phase)
{
	struct faults *f = req->emu->faults;
	struct hit hits[HITS_MAX];
	size_t count = 0;

	lock_take(&f->lock);
	for (struct rule *r = f->first; r != NULL && count < HITS_MAX;
	     r = r->next) {
		if (r->phase != phase || !fits(&r->match, req) ||
		    !fires_locked(f, r))
			continue;
		hits[count++] = (struct hit){
			.verb = r->verb,
			.args = text_dup(r->args),
			.id = r->id,
			.luck = chance(&r->random),
			.shared = shared_ref(r->shared),
		};
	}
	lock_drop(&f->lock);

	for (size_t i = 0; i < count; i++) {
		struct json_object *args = NULL;

		if (hits[i].args != NULL &&
		    jval_parse(hits[i].args, strlen(hits[i].args), &args) ==
			0) {
			log_info("fault", "rule %" PRId64 ", %s: %s",
			    hits[i].id, hits[i].verb->name, req->id);
			req->plan.luck = hits[i].luck;
			req->plan.shared = hits[i].shared;
			hits[i].verb->act(req, args);
			req->plan.shared = NULL;
		}
		json_object_put(args);
		free(hits[i].args);
		shared_unref(hits[i].shared);
	}
}
