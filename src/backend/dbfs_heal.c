/* backend/dbfs_heal.c - brings to an end what was left half done in DBFS. */
#include "config.h"

#include "backend/dbfs_heal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/dbfs_move.h"
#include "backend/hidden.h"
#include "base/clock.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/journal.h"
#include "rest/api_dbfs.h"

#include "base/banned.h"

/* Of the name beside a target's: longer ones are cut. */
#define KEPT_NAME_MAX 200

struct healing {
	const struct dbfs_heal_calls *calls;
	struct call *call;
	bool *changed;
	/* Of the record. */
	const char *source, *target, *aside, *step;
	int64_t size; /* of the source; -1: not known */
};

/* 1, 0, or the error that leaves it open. */
static int
is_there(const struct healing *h, const char *path, int64_t *size)
{
	int ret = h->calls->look(h->calls->ctx, h->call, path, size);

	return ret == 0 ? 1 : ret == -ENOENT ? 0 : ret;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Nothing but what has a name of our own is ever deleted or moved. */
static bool
is_ours(const char *path)
{
	return path[0] == '/' && hidden_is(base_name(path));
}

/* Nothing to do.  Will that stay so? */
static int
settled(struct json_object *record, int64_t now_ms)
{
	int64_t ms = 0, age;

	(void)jval_i64(record, "ms", &ms);
	age = now_ms - ms;
	return age >= 0 && age < DBFS_HEAL_LATE_MS ? -EAGAIN : 0;
}

static int
remove_hidden(const struct healing *h, const char *path)
{
	int ret = h->calls->remove(h->calls->ctx, h->call, path);

	if (ret == 0)
		log_info("heal", "%s, left behind, is deleted", path);
	return ret == -ENOENT ? 0 : ret;
}

/* --- a replace in steps ------------------------------------------------------- */

static int
put_back(const struct healing *h)
{
	int ret = h->calls->move(h->calls->ctx, h->call, h->aside, h->target);

	if (ret == -EEXIST || ret == -ENOENT)
		return -EBUSY; /* it is changing just now: look again */
	if (ret == 0)
		log_warn("heal", "%s, about to be replaced when brickfs was cut"
		    " off, has its old content again", h->target);
	*h->changed = *h->changed || ret == 0;
	return ret;
}

/* Up to len bytes of name, without half a character at the end. */
static int
cut(const char *name, size_t len)
{
	size_t n = strlen(name);

	if (n <= len)
		return (int)n;
	while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
		len--;
	return (int)len;
}

static int
keep(const struct healing *h)
{
	const char *name = base_name(h->target);
	char *path;
	int ret;

	path = text_printf("%.*s%.*s.replaced-%s", (int)(name - h->target),
	    h->target, cut(name, KEPT_NAME_MAX), name,
	    hidden_digits(base_name(h->aside)));
	if (path == NULL)
		return -ENOMEM;
	ret = h->calls->move(h->calls->ctx, h->call, h->aside, path);
	if (ret == -ENOENT)
		ret = -EBUSY; /* as in put_back */
	if (ret == 0)
		log_warn("heal", "what %s held before brickfs was cut off is in"
		    " %s now: others have changed the names meanwhile",
		    h->target, path);
	*h->changed = *h->changed || ret == 0;
	free(path);
	return ret;
}

/* The table of backend/dbfs_heal.h. */
static int
heal_replace(const struct healing *h, struct json_object *record,
    int64_t now_ms)
{
	int64_t size, target_size = -1;
	int source, target, aside;

	aside = is_there(h, h->aside, &size);
	if (aside < 0)
		return aside;
	if (strcmp(h->step, "moved") == 0)
		return aside == 1 ? remove_hidden(h, h->aside) : 0;
	if (aside == 0)
		return settled(record, now_ms);
	target = is_there(h, h->target, &target_size);
	if (target < 0)
		return target;
	if (target == 0)
		return put_back(h);
	if (strcmp(h->step, "aside") != 0)
		return keep(h);
	source = is_there(h, h->source, &size);
	if (source < 0)
		return source;
	if (source == 0 && target_size >= 0 && target_size == h->size)
		return remove_hidden(h, h->aside);
	return keep(h);
}

static int
read_replace(struct json_object *record, struct healing *h)
{
	h->size = -1;
	(void)jval_i64(record, "size", &h->size);
	if (jval_str(record, "source", &h->source) < 0 ||
	    jval_str(record, "target", &h->target) < 0 ||
	    jval_str(record, "aside", &h->aside) < 0 ||
	    jval_str(record, "step", &h->step) < 0 ||
	    h->target[0] != '/' || !is_ours(h->aside))
		return -EBADMSG;
	return 0;
}

/* --- an object that must go ---------------------------------------------------- */

static int
heal_delete(const struct healing *h, struct json_object *record,
    int64_t now_ms)
{
	const char *path;
	int64_t size;
	int there;

	if (jval_str(record, "path", &path) < 0 || !is_ours(path))
		return -EBADMSG;
	there = is_there(h, path, &size);
	if (there <= 0)
		return there < 0 ? there : settled(record, now_ms);
	return remove_hidden(h, path);
}

int
dbfs_heal(const struct dbfs_heal_calls *calls, struct call *call, uint16_t type,
    struct json_object *record, int64_t now_ms, bool *changed)
{
	struct healing h = { .calls = calls, .call = call, .changed = changed };
	int ret = -EBADMSG;

	if (type == JOURNAL_REPLACE) {
		ret = read_replace(record, &h);
		if (ret == 0)
			ret = heal_replace(&h, record, now_ms);
	} else if (type == JOURNAL_DELETE) {
		ret = heal_delete(&h, record, now_ms);
	}
	return ret;
}

/* --- on the service ------------------------------------------------------------ */

static int
look(void *ctx, struct call *call, const char *path, int64_t *size)
{
	struct api_dbfs_info info;
	int ret = api_dbfs_get_status(ctx, call, path, &info);

	if (ret == 0)
		*size = info.is_dir ? -1 : (int64_t)info.size;
	return ret;
}

static int
move(void *ctx, struct call *call, const char *from, const char *to)
{
	return dbfs_move(ctx, call, from, to);
}

static int
remove_file(void *ctx, struct call *call, const char *path)
{
	return api_dbfs_delete(ctx, call, path, false);
}

int
dbfs_heal_remote(struct rest *rest, struct call *call, uint16_t type,
    struct json_object *record, bool *changed)
{
	const struct dbfs_heal_calls calls = { look, move, remove_file, rest };

	return dbfs_heal(&calls, call, type, record, clock_real_ms(), changed);
}
