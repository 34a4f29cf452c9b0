/* tests/support/fake.c - a backend that is a tree in memory. */
#include "config.h"

#include "tests/support/fake.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/hidden.h"
#include "base/clock.h"
#include "base/jval.h"
#include "base/table.h"
#include "base/text.h"

#include "base/banned.h"

#define STEP_MS	 60000
#define AWAIT_MS 60000

static const char tree[] = "dbfs";

struct fake_object {
	char *path;
	bool is_dir;
	char *data;
	size_t size;
	int64_t mtime_ms;
	bool measured; /* since it changed */
	struct fake_object *prev, *next;
};

struct fake_version {
	char *path;
	char *data;
	size_t size;
	struct fake_version *next;
};

static struct fake *
fake_of(struct backend *b)
{
	return container_of(b, struct fake, backend);
}

static void *
must(void *p)
{
	ck_assert_ptr_nonnull(p);
	return p;
}

/* --- objects ---------------------------------------------------------------- */

static struct fake_object *
find(struct fake *f, const char *path)
{
	struct fake_object *o;

	DL_FOREACH(f->objects, o)
		if (strcmp(o->path, path) == 0)
			return o;
	return NULL;
}

static bool
is_below(const char *path, const char *dir)
{
	size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/' &&
	    path[len + 1] != '\0';
}

static bool
is_child(const char *path, const char *dir)
{
	size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return is_below(path, dir) && strchr(path + len + 1, '/') == NULL;
}

static bool
has_parent(struct fake *f, const char *path)
{
	char *dir = must(strdup(path));
	struct fake_object *o;

	*strrchr(dir, '/') = '\0';
	o = dir[0] != '\0' ? find(f, dir) : find(f, "/");
	free(dir);
	return o != NULL && o->is_dir;
}

static void
object_drop(struct fake *f, struct fake_object *o)
{
	DL_DELETE(f->objects, o);
	free(o->path);
	free(o->data);
	free(o);
}

static struct fake_object *
object_make(struct fake *f, const char *path, bool is_dir)
{
	struct fake_object *o = must(calloc(1, sizeof(*o)));

	o->path = must(strdup(path));
	o->is_dir = is_dir;
	o->mtime_ms = f->now_ms += f->step_ms;
	DL_APPEND(f->objects, o);
	return o;
}

static void *
copy_of(const void *data, size_t len)
{
	char *copy = must(malloc(len + 1));

	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

static void
remember(struct fake *f, const struct fake_object *o)
{
	struct fake_version *v = must(calloc(1, sizeof(*v)));

	v->path = must(strdup(o->path));
	v->data = copy_of(o->data, o->size);
	v->size = o->size;
	v->next = f->history;
	f->history = v;
}

static struct fake_object *
store(struct fake *f, const char *path, const void *data, size_t len)
{
	struct fake_object *o = find(f, path);

	if (o == NULL)
		o = object_make(f, path, false);
	ck_assert(!o->is_dir);
	free(o->data);
	o->data = copy_of(data, len);
	o->size = len;
	o->mtime_ms = f->now_ms += f->step_ms;
	o->measured = false;
	remember(f, o);
	return o;
}

static struct entry *
entry_of(struct fake *f, const struct fake_object *o, const char *name)
{
	struct version version = { .mtime_ms = o->mtime_ms, .size = o->size };

	if (f->no_sizes && !o->is_dir && !o->measured)
		version.size = VERSION_NO_SIZE;
	return entry_new(&f->backend, tree, o->is_dir ? ENTRY_DIR : ENTRY_FILE,
	    o->path, name, &version);
}

static char *
join(const char *dir, const char *name)
{
	return must(text_printf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
	    name));
}

/* --- every call --------------------------------------------------------------- */

/* Counts, waits, and gives the error of a rule.  Returns with the lock held.
 * *after: to be given when all is done. */
static int
begin(struct fake *f, struct call *call, enum fake_op op, int *after)
    ACQUIRES(f->lock) NO_THREAD_CHECK
{
	struct fake_rule *r = &f->rules[op];
	int ret = 0;

	*after = 0;
	lock_take(&f->lock);
	f->calls[op]++;
	if (f->delay_ms[op] > 0) {
		unsigned ms = f->delay_ms[op];

		lock_drop(&f->lock);
		usleep(ms * 1000);
		lock_take(&f->lock);
	}
	f->waiting[op]++;
	cond_broadcast(&f->changed);
	while (f->blocked[op] && ret == 0) {
		if (op == FAKE_PUT)
			f->put_class = call_class(call);
		if (call_interrupted(call))
			ret = -EINTR;
		else
			(void)cond_wait_ms(&f->changed, &f->lock, 10);
	}
	f->waiting[op]--;
	if (ret == 0 && r->left > 0 && --r->left == 0) {
		if (r->after)
			*after = r->err;
		else
			ret = r->err;
		if (--r->times > 0)
			r->left = 1;
	}
	if (ret < 0)
		text_copy(call->words, sizeof(call->words), "a rule of the test");
	return ret;
}

/* All is done; the answer may be held back. */
static int
end(struct fake *f, enum fake_op op, int ret, int after) RELEASES(f->lock)
    NO_THREAD_CHECK
{
	f->done[op]++;
	cond_broadcast(&f->changed);
	while (f->held[op])
		(void)cond_wait_ms(&f->changed, &f->lock, 10);
	f->done[op]--;
	lock_drop(&f->lock);
	return after != 0 ? after : ret;
}

/* --- names -------------------------------------------------------------------- */

static int
fake_lookup(struct backend *b, struct call *call, const struct entry *dir,
    const char *name, struct entry **out)
{
	struct fake *f = fake_of(b);
	char *path = join(dir->path, name);
	int after, ret = begin(f, call, FAKE_LOOKUP, &after);
	struct fake_object *o;

	if (ret == 0) {
		o = find(f, path);
		if (o == NULL)
			ret = -ENOENT;
		else
			*out = must(entry_of(f, o, name));
	}
	free(path);
	return end(f, FAKE_LOOKUP, ret, after);
}

static int
fake_refresh(struct backend *b, struct call *call, const struct entry *e,
    struct entry **out)
{
	struct fake *f = fake_of(b);
	int after, ret = begin(f, call, FAKE_REFRESH, &after);
	struct fake_object *o;

	if (ret == 0) {
		o = find(f, e->path);
		if (o == NULL)
			ret = -ENOENT;
		else
			*out = must(entry_of(f, o, e->name));
	}
	return end(f, FAKE_REFRESH, ret, after);
}

/* What a listing of dir gives now; NULL at the end. */
static struct entry **
list_now(struct fake *f, const struct entry *dir)
{
	struct entry **all = must(calloc(100, sizeof(struct entry *)));
	struct fake_object *o;
	size_t n = 0;

	lock_take(&f->lock);
	f->stale_list = false;
	DL_FOREACH(f->objects, o)
		if (is_child(o->path, dir->path) && n < 99)
			all[n++] = must(entry_of(f, o,
			    strrchr(o->path, '/') + 1));
	lock_drop(&f->lock);
	return all;
}

static int
fake_list(struct backend *b, struct call *call, const struct entry *dir,
    entry_fn *each, void *ctx)
{
	struct fake *f = fake_of(b);
	struct entry **stale = NULL;
	int after, ret;
	struct fake_object *o;

	if (f->stale_list)
		stale = list_now(f, dir);
	ret = begin(f, call, FAKE_LIST, &after);
	if (stale != NULL) {
		for (struct entry **e = stale; *e != NULL; e++) {
			if (ret == 0)
				ret = each(ctx, *e);
			entry_unref(*e);
		}
		free(stale);
		return end(f, FAKE_LIST, ret, after);
	}
	o = find(f, dir->path);

	if (ret == 0 && (o == NULL || !o->is_dir))
		ret = o == NULL ? -ENOENT : -ENOTDIR;
	if (ret == 0)
		DL_FOREACH(f->objects, o) {
			const char *name = strrchr(o->path, '/') + 1;
			struct entry *e;

			if (!is_child(o->path, dir->path) || hidden_is(name))
				continue;
			e = must(entry_of(f, o, name));
			ret = each(ctx, e);
			entry_unref(e);
			if (ret != 0)
				break;
		}
	return end(f, FAKE_LIST, ret, after);
}

static int
fake_rekey(struct backend *b UNUSED, const struct entry *dir, const char *name,
    const struct entry *e, struct entry **out)
{
	char *path = join(dir->path, name);

	*out = must(entry_moved(e, path, name));
	free(path);
	return 0;
}

/* --- content ------------------------------------------------------------------ */

static ssize_t
fake_read(struct backend *b, struct call *call, const struct entry *e,
    uint64_t off, void *dst, size_t len)
{
	struct fake *f = fake_of(b);
	int after, ret = begin(f, call, FAKE_READ, &after);
	struct fake_object *o;

	if (ret == 0) {
		o = find(f, e->path);
		if (o == NULL || o->is_dir) {
			ret = -ENOENT;
		} else if (off < o->size) {
			if (len > o->size - off)
				len = o->size - (size_t)off;
			memcpy(dst, o->data + off, len);
			ret = (int)len;
		}
	}
	return end(f, FAKE_READ, ret, after);
}

/* As a content that is fetched for its size: what is there now, under the version that
 * was asked for. */
static int
fake_measure(struct backend *b, struct call *call, const struct entry *e,
    struct entry **out)
{
	struct fake *f = fake_of(b);
	int after, ret = begin(f, call, FAKE_MEASURE, &after);
	struct fake_object *o;

	if (ret == 0) {
		o = find(f, e->path);
		if (o == NULL || o->is_dir) {
			ret = -ENOENT;
		} else {
			*out = must(entry_moved(e, e->path, e->name));
			(*out)->version.size = o->size;
			o->measured = true;
		}
	}
	return end(f, FAKE_MEASURE, ret, after);
}

static char *
whole_content(struct call *call, const struct put *p, ssize_t *got)
{
	char *data = must(malloc(p->size + 1));

	*got = p->size > 0 ? p->content.read(p->content.ctx, call, 0, data,
	    p->size) : 0;
	return data;
}

static int
await_unstuck(struct fake *f, struct call *call, const char *path)
{
	int ret = 0;

	lock_take(&f->lock);
	f->n_stuck++;
	while (ret == 0 && f->stuck != NULL &&
	    strncmp(path, f->stuck, strlen(f->stuck)) == 0) {
		if (call_interrupted(call))
			ret = -EINTR;
		else
			(void)cond_wait_ms(&f->changed, &f->lock, 10);
	}
	f->n_stuck--;
	lock_drop(&f->lock);
	return ret;
}

static int
fake_put(struct backend *b, struct call *call, const struct put *p,
    struct entry **out)
{
	struct fake *f = fake_of(b);
	char *path = join(p->dir->path, p->name);
	struct fake_object *o;
	struct version version;
	ssize_t got;
	/* Read before and after waiting: it must stay as it is. */
	char *first = whole_content(call, p, &got);
	int after, stuck = await_unstuck(f, call, path);
	int begun = begin(f, call, FAKE_PUT, &after);
	int ret = stuck < 0 ? stuck : begun;
	char *data = whole_content(call, p, &got);

	ck_assert_int_eq(got, (ssize_t)p->size);
	ck_assert_int_eq(memcmp(first, data, p->size), 0);
	o = find(f, path);
	if (ret == 0 && !has_parent(f, path))
		ret = -ENOENT;
	else if (ret == 0 && o != NULL && o->is_dir)
		ret = -EISDIR;
	else if (ret == 0 && o != NULL && p->old == NULL)
		ret = -EEXIST;
	if (ret == 0) {
		o = store(f, path, data, p->size);
		version = (struct version){ .mtime_ms = o->mtime_ms,
			.size = o->size };
		if (!f->own_times)
			version.gen = ++f->generation;
		if (after == 0)
			*out = must(entry_new(b, tree, ENTRY_FILE, path,
			    p->name, &version));
	}
	free(first);
	free(data);
	free(path);
	return end(f, FAKE_PUT, ret, after);
}

static int
fake_check_name(struct backend *b UNUSED, const char *name)
{
	if (strlen(name) > 255)
		return -ENAMETOOLONG;
	if (!entry_name_ok(name))
		return -EINVAL;
	return hidden_is(name) ? -EPERM : 0;
}

/* --- changes -------------------------------------------------------------------- */

static int
fake_mkdir_op(struct backend *b, struct call *call, const struct entry *dir,
    const char *name, struct entry **out)
{
	struct fake *f = fake_of(b);
	char *path = join(dir->path, name);
	int after, ret = begin(f, call, FAKE_MKDIR, &after);
	struct fake_object *o = find(f, path);

	if (ret == 0 && o != NULL && !o->is_dir)
		ret = -EEXIST;
	else if (ret == 0 && !has_parent(f, path))
		ret = -ENOENT;
	if (ret == 0) {
		if (o == NULL)
			o = object_make(f, path, true);
		if (after == 0)
			*out = must(entry_of(f, o, name));
	}
	free(path);
	return end(f, FAKE_MKDIR, ret, after);
}

static int
remove_object(struct fake *f, struct call *call, const struct entry *e,
    enum fake_op op)
{
	int after, ret = begin(f, call, op, &after);
	struct fake_object *o = find(f, e->path), *c;

	if (ret == 0 && o == NULL)
		ret = -ENOENT;
	if (ret == 0)
		DL_FOREACH(f->objects, c)
			if (is_below(c->path, e->path))
				ret = -ENOTEMPTY;
	if (ret == 0)
		object_drop(f, o);
	return end(f, op, ret, after);
}

static int
fake_unlink(struct backend *b, struct call *call, const struct entry *e)
{
	return remove_object(fake_of(b), call, e, FAKE_UNLINK);
}

static int
fake_rmdir(struct backend *b, struct call *call, const struct entry *e)
{
	return remove_object(fake_of(b), call, e, FAKE_RMDIR);
}

static void
move_path(struct fake_object *o, const char *from, const char *to)
{
	char *path = must(text_printf("%s%s", to, o->path + strlen(from)));

	free(o->path);
	o->path = path;
}

static int
fake_rename(struct backend *b, struct call *call, const struct entry *e,
    const struct entry *dir, const char *name, const struct entry *target,
    struct entry **out)
{
	struct fake *f = fake_of(b);
	char *path = join(dir->path, name);
	int after, ret = begin(f, call, FAKE_RENAME, &after);
	struct fake_object *o = find(f, e->path), *t = find(f, path), *c;

	if (ret == 0 && (o == NULL || !has_parent(f, path)))
		ret = -ENOENT;
	else if (ret == 0 && t != NULL && (target == NULL || t->is_dir))
		ret = -EEXIST;
	if (ret == 0) {
		if (t != NULL)
			object_drop(f, t);
		DL_FOREACH(f->objects, c)
			if (is_below(c->path, e->path))
				move_path(c, e->path, path);
		free(o->path);
		o->path = must(strdup(path));
		if (!o->is_dir)
			remember(f, o);
		if (after == 0)
			*out = must(entry_moved(e, path, name));
	}
	free(path);
	return end(f, FAKE_RENAME, ret, after);
}

static int
fake_heal(struct backend *b, struct call *call, uint16_t type UNUSED,
    struct json_object *record, bool *changed)
{
	struct fake *f = fake_of(b);
	int after, ret = begin(f, call, FAKE_HEAL, &after);
	struct fake_object *o = NULL;
	const char *path;

	if (ret == 0)
		ret = jval_str(record, "path", &path) < 0 ? -EBADMSG : 0;
	if (ret == 0)
		o = find(f, path);
	if (o != NULL) {
		object_drop(f, o);
		*changed = true;
	}
	return end(f, FAKE_HEAL, ret, after);
}

static const struct backend_ops fake_ops = {
	.lookup = fake_lookup,
	.refresh = fake_refresh,
	.list = fake_list,
	.rekey = fake_rekey,
	.read = fake_read,
	.measure = fake_measure,
	.put = fake_put,
	.check_name = fake_check_name,
	.mkdir = fake_mkdir_op,
	.unlink = fake_unlink,
	.rmdir = fake_rmdir,
	.rename = fake_rename,
	.heal = fake_heal,
};

/* --- the test's side --------------------------------------------------------------- */

void
fake_init(struct fake *f)
{
	*f = (struct fake){
		.backend = {
			.ops = &fake_ops,
			.tree = tree,
			.size_max = INT64_MAX,
			.ttl_ms = -1,
		},
		.now_ms = 1000000000000,
		.step_ms = STEP_MS,
	};
	lock_init(&f->lock, "fake");
	cond_init(&f->changed);
	(void)object_make(f, "/", true);
}

void
fake_release(struct fake *f)
{
	struct fake_version *v;

	while (f->objects != NULL)
		object_drop(f, f->objects);
	while ((v = f->history) != NULL) {
		f->history = v->next;
		free(v->path);
		free(v->data);
		free(v);
	}
	cond_release(&f->changed);
	lock_release(&f->lock);
}

struct entry *
fake_root(struct fake *f)
{
	return must(entry_new(&f->backend, tree, ENTRY_DIR, "/", "", NULL));
}

void
fake_set(struct fake *f, const char *path, const void *data, size_t len)
{
	lock_take(&f->lock);
	ck_assert(has_parent(f, path));
	(void)store(f, path, data, len);
	lock_drop(&f->lock);
}

void
fake_set_text(struct fake *f, const char *path, const char *text)
{
	fake_set(f, path, text, strlen(text));
}

void
fake_mkdir(struct fake *f, const char *path)
{
	lock_take(&f->lock);
	ck_assert(has_parent(f, path));
	ck_assert_ptr_null(find(f, path));
	(void)object_make(f, path, true);
	lock_drop(&f->lock);
}

void
fake_remove(struct fake *f, const char *path)
{
	struct fake_object *o;

	lock_take(&f->lock);
	o = find(f, path);
	ck_assert_ptr_nonnull(o);
	object_drop(f, o);
	lock_drop(&f->lock);
}

void
fake_forget_sizes(struct fake *f)
{
	struct fake_object *o;

	lock_take(&f->lock);
	DL_FOREACH(f->objects, o)
		o->measured = false;
	lock_drop(&f->lock);
}

void
fake_move(struct fake *f, const char *from, const char *to)
{
	struct fake_object *o;

	lock_take(&f->lock);
	o = find(f, from);
	ck_assert_ptr_nonnull(o);
	free(o->path);
	o->path = must(strdup(to));
	remember(f, o);
	lock_drop(&f->lock);
}

bool
fake_has(struct fake *f, const char *path)
{
	bool has;

	lock_take(&f->lock);
	has = find(f, path) != NULL;
	lock_drop(&f->lock);
	return has;
}

void
fake_expect(struct fake *f, const char *path, const void *data, size_t len)
{
	struct fake_object *o;

	lock_take(&f->lock);
	o = find(f, path);
	if (data == NULL) {
		ck_assert_msg(o == NULL, "%s is on the server", path);
	} else {
		ck_assert_msg(o != NULL, "%s is not on the server", path);
		ck_assert_uint_eq(o->size, len);
		ck_assert_msg(memcmp(o->data, data, len) == 0,
		    "%s holds other bytes", path);
	}
	lock_drop(&f->lock);
}

void
fake_expect_text(struct fake *f, const char *path, const char *text)
{
	fake_expect(f, path, text, text != NULL ? strlen(text) : 0);
}

size_t
fake_count(struct fake *f)
{
	struct fake_object *o;
	size_t n = 0;

	lock_take(&f->lock);
	DL_FOREACH(f->objects, o)
		n++;
	lock_drop(&f->lock);
	return n - 1;
}

size_t
fake_hidden_count(struct fake *f)
{
	struct fake_object *o;
	size_t n = 0;

	lock_take(&f->lock);
	DL_FOREACH(f->objects, o)
		n += hidden_is(strrchr(o->path, '/') + 1);
	lock_drop(&f->lock);
	return n;
}

size_t
fake_versions(struct fake *f, const char *path)
{
	size_t n = 0;

	lock_take(&f->lock);
	for (struct fake_version *v = f->history; v != NULL; v = v->next)
		n += strcmp(v->path, path) == 0;
	lock_drop(&f->lock);
	return n;
}

bool
fake_ever(struct fake *f, const char *path, const char *text)
{
	bool found = false;

	lock_take(&f->lock);
	for (struct fake_version *v = f->history; v != NULL; v = v->next)
		found = found || (strcmp(v->path, path) == 0 &&
		    v->size == strlen(text) &&
		    memcmp(v->data, text, v->size) == 0);
	lock_drop(&f->lock);
	return found;
}

unsigned
fake_calls(struct fake *f, enum fake_op op)
{
	unsigned n;

	lock_take(&f->lock);
	n = f->calls[op];
	lock_drop(&f->lock);
	return n;
}

unsigned
fake_all_calls(struct fake *f)
{
	unsigned n = 0;

	for (unsigned op = 0; op < FAKE_OPS; op++)
		n += fake_calls(f, (enum fake_op)op);
	return n;
}

void
fake_forget_calls(struct fake *f)
{
	lock_take(&f->lock);
	memset(f->calls, 0, sizeof(f->calls));
	lock_drop(&f->lock);
}

void
fake_fail(struct fake *f, enum fake_op op, unsigned nth, unsigned times, int err)
{
	lock_take(&f->lock);
	f->rules[op] = (struct fake_rule){ .left = nth, .times = times,
		.err = err };
	lock_drop(&f->lock);
}

void
fake_lose_answer(struct fake *f, enum fake_op op, int err)
{
	lock_take(&f->lock);
	f->rules[op] = (struct fake_rule){ .left = 1, .times = 1, .err = err,
		.after = true };
	lock_drop(&f->lock);
}

void
fake_block(struct fake *f, enum fake_op op)
{
	lock_take(&f->lock);
	f->blocked[op] = true;
	lock_drop(&f->lock);
}

void
fake_unblock(struct fake *f, enum fake_op op)
{
	lock_take(&f->lock);
	f->blocked[op] = false;
	cond_broadcast(&f->changed);
	lock_drop(&f->lock);
}

void
fake_stick(struct fake *f, const char *prefix)
{
	lock_take(&f->lock);
	f->stuck = prefix;
	cond_broadcast(&f->changed);
	lock_drop(&f->lock);
}

void
fake_hold(struct fake *f, enum fake_op op, bool hold)
{
	lock_take(&f->lock);
	f->held[op] = hold;
	cond_broadcast(&f->changed);
	lock_drop(&f->lock);
}

void
fake_await(struct fake *f, enum fake_op op, unsigned n)
{
	int64_t until = clock_mono_ms() + AWAIT_MS;

	lock_take(&f->lock);
	while (f->waiting[op] + f->done[op] < n) {
		ck_assert_int_lt(clock_mono_ms(), until);
		(void)cond_wait_ms(&f->changed, &f->lock, 100);
	}
	lock_drop(&f->lock);
}

void
fake_delay(struct fake *f, enum fake_op op, unsigned ms)
{
	lock_take(&f->lock);
	f->delay_ms[op] = ms;
	lock_drop(&f->lock);
}

void
fake_stale_list(struct fake *f)
{
	fake_block(f, FAKE_LIST);
	f->stale_list = true; /* no call runs */
}
