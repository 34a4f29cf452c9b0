/* tests/support/rig.c - a mount without FUSE. */
#include "config.h"

#include "tests/support/rig.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/jval.h"
#include "base/text.h"
#include "cache/journal.h"
#include "fs/dir.h"
#include "fs/measure.h"
#include "fs/names.h"
#include "fs/rename.h"
#include "fs/save.h"
#include "ns/ns.h"

#include "base/banned.h"

#define TEXT_MAX ((size_t)1 << 16)

/* --- life ------------------------------------------------------------------- */

static bool
is_interrupted(void *arg)
{
	return __atomic_load_n((bool *)arg, __ATOMIC_RELAXED);
}

static char *
state_path(struct rig *r, const char *name)
{
	char *path = text_printf("%s/%s", r->state, name);

	ck_assert_ptr_nonnull(path);
	return path;
}

void
rig_init(struct rig *r)
{
	*r = (struct rig){ 0 };
	temp_dir_make(&r->temp);
	fake_init(&r->fake);
	r->root = fake_root(&r->fake);
	r->state = text_printf("%s/1", r->temp.path);
	ck_assert_ptr_nonnull(r->state);
	ck_assert_int_eq(mkdir(r->state, 0700), 0);
	r->config = (struct vfs_config){
		.scope = "test",
		.uid = getuid(),
		.gid = getgid(),
		.fmask = 022,
		.dmask = 022,
		.attr_ttl_ms = 10000,
		.negative_ttl_ms = 3000,
		.scratch_keep_ms = 60000,
		.writeback_ms = -1,
	};
	r->call = (struct call){ .op = "test", .interrupted = is_interrupted,
		.arg = &r->interrupt };
}

void
rig_build(struct rig *r)
{
	struct ns_config ns = { .source = r->root };
	char *staging = state_path(r, "staging");
	char *journal = state_path(r, "journal");
	char *overlay = state_path(r, "overlay");

	ck_assert_int_eq(io_mkdirs(staging, 0700), 0);
	ck_assert_int_eq(ns_new(&ns, &r->config.ns), 0);
	ck_assert_int_eq(staging_new(staging, &r->config.staging), 0);
	ck_assert_int_eq(journal_open(journal, vfs_left_collect, &r->left,
	    &r->config.journal), 0);
	ck_assert_int_eq(overlay_new(overlay, &r->config.overlay), 0);
	ck_assert_int_eq(block_cache_new((size_t)16 << 20, &r->config.blocks),
	    0);
	ck_assert_int_eq(pending_new(&r->config.pending), 0);
	r->config.left = &r->left;
	r->records = r->left.n;
	ck_assert_int_eq(vfs_new(&r->config, &r->v), 0);
	vfs_left_release(&r->left);
	free(staging);
	free(journal);
	free(overlay);
}

void
rig_mount(struct rig *r)
{
	rig_build(r);
	ck_assert_int_eq(vfs_start(r->v), 0);
}

void
rig_make(struct rig *r)
{
	rig_init(r);
	rig_mount(r);
}

void
rig_view(struct rig *r, struct rig *view)
{
	*view = (struct rig){ .v = r->v, .forgetful = r->forgetful };
	view->config.pending = r->config.pending;
	view->call = (struct call){ .op = "test", .interrupted = is_interrupted,
		.arg = &view->interrupt };
}

void
rig_free(struct rig *r)
{
	vfs_free(r->v);
	r->v = NULL;
	pending_free(r->config.pending);
	block_cache_check(r->config.blocks);
	block_cache_free(r->config.blocks);
	overlay_free(r->config.overlay);
	journal_close(r->config.journal);
	staging_free(r->config.staging);
	ns_free(r->config.ns);
	/* What was taken was given back. */
	ck_assert_int_eq(counter_get(CTR_staging_files), 0);
	ck_assert_int_eq(counter_get(CTR_names), 0);
	ck_assert_int_eq(counter_get(CTR_handles), 0);
	ck_assert_int_eq(counter_get(CTR_listed_names), 0);
	ck_assert_int_eq(counter_get(CTR_pending), 0);
}

unsigned
rig_unmount(struct rig *r, int64_t timeout_ms)
{
	unsigned left = vfs_drain(r->v, timeout_ms);

	rig_free(r);
	return left;
}

static void
copy_file(const char *from, const char *to)
{
	struct buf all;

	buf_init(&all, (size_t)64 << 20);
	ck_assert_int_eq(io_read_file(from, &all), 0);
	ck_assert_int_eq(io_write_file(to, buf_text(&all), all.len, 0600), 0);
	buf_release(&all);
}

static void
copy_dir(const char *from, const char *to)
{
	struct dirent *d;
	DIR *dir = opendir(from);

	ck_assert_ptr_nonnull(dir);
	ck_assert_int_eq(mkdir(to, 0700), 0);
	while ((d = readdir(dir)) != NULL) {
		char *a, *b;

		if (d->d_name[0] == '.')
			continue;
		a = text_printf("%s/%s", from, d->d_name);
		b = text_printf("%s/%s", to, d->d_name);
		if (d->d_type == DT_DIR)
			copy_dir(a, b);
		else
			copy_file(a, b);
		free(a);
		free(b);
	}
	(void)closedir(dir);
}

static char *
copy_state(struct rig *r)
{
	char *after = text_printf("%s/%u", r->temp.path, ++r->mounts + 1);

	ck_assert_ptr_nonnull(after);
	copy_dir(r->state, after);
	return after;
}

static void
crash(struct rig *r, struct rig_file *f, char *after)
{
	/* What the program still does has no effect. */
	for (unsigned op = 0; op < FAKE_OPS; op++)
		fake_block(&r->fake, (enum fake_op)op);
	if (f != NULL)
		rig_release_file(f);
	(void)rig_unmount(r, 0);
	for (unsigned op = 0; op < FAKE_OPS; op++)
		fake_unblock(&r->fake, (enum fake_op)op);
	free(r->state);
	r->state = after;
	rig_mount(r);
}

void
rig_crash(struct rig *r)
{
	crash(r, NULL, copy_state(r));
}

void
rig_crash_open(struct rig *r, struct rig_file *f)
{
	crash(r, f, copy_state(r));
}

void
rig_keep_state(struct rig *r)
{
	r->kept_state = copy_state(r);
}

void
rig_crash_kept(struct rig *r)
{
	crash(r, NULL, r->kept_state);
	r->kept_state = NULL;
}

void
rig_release(struct rig *r)
{
	if (r->v != NULL)
		(void)rig_unmount(r, 0);
	entry_unref(r->root);
	fake_release(&r->fake);
	free(r->state);
	temp_dir_remove(&r->temp);
}

/* The open records of the journal on disk. */
static void
read_records(struct rig *r, journal_fn *each, void *ctx)
{
	char *path = state_path(r, "journal"), *copy = state_path(r, ".copy");
	struct journal *j;

	copy_file(path, copy);
	ck_assert_int_eq(journal_open(copy, each, ctx, &j), 0);
	journal_close(j);
	ck_assert_int_eq(unlink(copy), 0);
	free(copy);
	free(path);
}

static int
keep_record(void *ctx, uint16_t type, uint64_t subject,
    struct json_object *payload)
{
	struct rig *r = ctx;

	if (type != r->kept_type)
		return 0;
	json_object_put(r->kept_record);
	r->kept_record = json_object_get(payload);
	r->kept_subject = subject;
	return 0;
}

/* The staging file of the kept record, and a copy of it. */
static bool
kept_files(struct rig *r, char **file, char **copy)
{
	int64_t number;

	if (jval_i64(r->kept_record, "file", &number) < 0)
		return false;
	*file = text_printf("%s/staging/%06lld.data", r->state,
	    (long long)number);
	*copy = state_path(r, "kept");
	ck_assert_ptr_nonnull(*file);
	return true;
}

void
rig_keep_record(struct rig *r, uint16_t type)
{
	char *file, *copy;

	r->kept_type = type;
	read_records(r, keep_record, r);
	ck_assert_ptr_nonnull(r->kept_record);
	if (kept_files(r, &file, &copy)) {
		copy_file(file, copy);
		free(file);
		free(copy);
	}
}

void
rig_put_record(struct rig *r)
{
	char *file, *copy;

	ck_assert_int_eq(journal_write(r->config.journal, r->kept_type,
	    r->kept_subject, r->kept_record, true), 0);
	if (kept_files(r, &file, &copy)) {
		copy_file(copy, file);
		free(file);
		free(copy);
	}
	json_object_put(r->kept_record);
	r->kept_record = NULL;
}

struct record_count {
	uint16_t type;
	unsigned n;
};

static int
count_record(void *ctx, uint16_t type, uint64_t subject UNUSED,
    struct json_object *payload UNUSED)
{
	struct record_count *count = ctx;

	count->n += type == count->type;
	return 0;
}

unsigned
rig_records(struct rig *r, uint16_t type)
{
	struct record_count count = { type, 0 };

	read_records(r, count_record, &count);
	return count.n;
}

size_t
rig_staging_files(struct rig *r)
{
	char *path = state_path(r, "staging");
	DIR *dir = opendir(path);
	struct dirent *d;
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((d = readdir(dir)) != NULL)
		n += d->d_name[0] != '.';
	(void)closedir(dir);
	free(path);
	return n;
}

/* --- paths -------------------------------------------------------------------- */

static void
know(struct rig *r, struct node *n)
{
	if (r->forgetful)
		return;
	lock_take(&r->v->lock);
	node_remember_locked(r->v, n);
	lock_drop(&r->v->lock);
}

static struct node *
root_of(struct rig *r)
{
	struct node *n = node_get(r->v, 1);

	ck_assert_ptr_nonnull(n);
	return n;
}

static int
walk(struct rig *r, const char *path, size_t len, struct node **out)
{
	char *copy = strndup(path, len), *save = NULL;
	struct node *n = root_of(r);
	int ret = 0;

	for (char *name = strtok_r(copy, "/", &save); name != NULL && ret == 0;
	     name = strtok_r(NULL, "/", &save)) {
		struct node *next = NULL;

		ret = n->kind == ENTRY_DIR ? dir_lookup(r->v, &r->call, n, name,
		    &next) : -ENOTDIR;
		if (ret == 0)
			know(r, next);
		node_unref(r->v, n);
		n = next;
	}
	free(copy);
	if (ret == 0)
		*out = n;
	return ret;
}

int
rig_walk(struct rig *r, const char *path, struct node **out)
{
	return walk(r, path, strlen(path), out);
}

void
rig_put(struct rig *r, struct node *n)
{
	node_unref(r->v, n);
}

static int
walk_parent(struct rig *r, const char *path, struct node **dir,
    const char **name)
{
	const char *slash = strrchr(path, '/');

	*name = slash + 1;
	return walk(r, path, (size_t)(slash - path), dir);
}

/* --- files ---------------------------------------------------------------------- */

int
rig_open_mode(struct rig *r, const char *path, int flags, mode_t mode,
    struct rig_file *out)
{
	struct node *dir, *n = NULL;
	struct handle *h = NULL;
	const char *name;
	bool keep = false;
	int ret;

	ret = walk_parent(r, path, &dir, &name);
	if (ret < 0)
		return ret;
	ret = dir_lookup(r->v, &r->call, dir, name, &n);
	if (ret == -ENOENT && (flags & O_CREAT) != 0)
		ret = names_create(r->v, &r->call, dir, name, flags, mode, &n,
		    &h, &keep);
	else if (ret == 0 && (flags & O_EXCL) != 0)
		ret = -EEXIST;
	else if (ret == 0 && n->kind == ENTRY_DIR)
		ret = -EISDIR;
	else if (ret == 0)
		ret = content_open(r->v, &r->call, n, flags, &h, &keep);
	if (ret == 0) {
		know(r, n);
		*out = (struct rig_file){ r, n, h, keep };
	} else {
		node_unref(r->v, n);
	}
	node_unref(r->v, dir);
	return ret;
}

int
rig_open(struct rig *r, const char *path, int flags, struct rig_file *out)
{
	return rig_open_mode(r, path, flags, 0644, out);
}

int
rig_pwrite(struct rig_file *f, const void *src, size_t len, uint64_t off)
{
	return content_write(f->rig->v, &f->rig->call, f->handle, off, src,
	    len);
}

int
rig_write_text(struct rig_file *f, const char *text, uint64_t off)
{
	return rig_pwrite(f, text, strlen(text), off);
}

ssize_t
rig_pread(struct rig_file *f, void *dst, size_t len, uint64_t off)
{
	return content_read(f->rig->v, &f->rig->call, f->handle, off, dst,
	    len);
}

int
rig_flush(struct rig_file *f)
{
	return content_flush(f->rig->v, &f->rig->call, f->handle);
}

int
rig_fsync(struct rig_file *f)
{
	return content_sync(f->rig->v, &f->rig->call, f->handle);
}

void
rig_release_file(struct rig_file *f)
{
	content_close(f->rig->v, f->handle);
	node_unref(f->rig->v, f->node);
	*f = (struct rig_file){ 0 };
}

int
rig_close(struct rig_file *f)
{
	int ret = rig_flush(f);

	rig_release_file(f);
	return ret;
}

int
rig_ftruncate(struct rig_file *f, uint64_t size)
{
	return content_truncate(f->rig->v, &f->rig->call, f->node, f->handle,
	    size);
}

int
rig_stat(struct rig *r, const char *path, struct stat *st)
{
	struct node *n;
	int ret;

	ret = rig_walk(r, path, &n);
	if (ret < 0)
		return ret;
	ret = dir_refresh(r->v, &r->call, n, false);
	if (ret == 0)
		ret = measure_shown(r->v, &r->call, n);
	lock_take(&r->v->lock);
	node_stat_locked(r->v, n, st);
	lock_drop(&r->v->lock);
	node_unref(r->v, n);
	return ret;
}

int
rig_truncate(struct rig *r, const char *path, uint64_t size)
{
	struct node *n;
	int ret;

	ret = rig_walk(r, path, &n);
	if (ret < 0)
		return ret;
	ret = n->kind == ENTRY_DIR ? -EISDIR :
	    size != 0 ? measure_node(r->v, &r->call, n) : 0;
	if (ret == 0)
		ret = content_truncate(r->v, &r->call, n, NULL, size);
	node_unref(r->v, n);
	return ret;
}

/* --- names ------------------------------------------------------------------------ */

int
rig_mkdir(struct rig *r, const char *path)
{
	struct node *dir, *n = NULL;
	const char *name;
	int ret;

	ret = walk_parent(r, path, &dir, &name);
	if (ret < 0)
		return ret;
	ret = names_mkdir(r->v, &r->call, dir, name, &n);
	if (ret == 0)
		know(r, n);
	node_unref(r->v, n);
	node_unref(r->v, dir);
	return ret;
}

typedef int remove_fn(struct vfs *v, struct call *call, struct node *parent,
    const char *name);

static int
remove_name(struct rig *r, const char *path, remove_fn *how)
{
	struct node *dir;
	const char *name;
	int ret;

	ret = walk_parent(r, path, &dir, &name);
	if (ret < 0)
		return ret;
	ret = how(r->v, &r->call, dir, name);
	node_unref(r->v, dir);
	return ret;
}

int
rig_rmdir(struct rig *r, const char *path)
{
	return remove_name(r, path, names_rmdir);
}

int
rig_unlink(struct rig *r, const char *path)
{
	return remove_name(r, path, names_unlink);
}

struct rig_rename {
	struct rig view;
	const char *from, *to;
	int ret;
};

static void *
rename_now(void *arg)
{
	struct rig_rename *j = arg;

	j->ret = rig_rename(&j->view, j->from, j->to);
	return NULL;
}

int
rig_rename_later(struct rig *r, const char *from, const char *to)
{
	r->renaming = calloc(1, sizeof(*r->renaming));
	ck_assert_ptr_nonnull(r->renaming);
	rig_view(r, &r->renaming->view);
	r->renaming->from = from;
	r->renaming->to = to;
	return pthread_create(&r->renamer, NULL, rename_now, r->renaming);
}

int
rig_await_rename(struct rig *r)
{
	int ret;

	(void)pthread_join(r->renamer, NULL);
	ret = r->renaming->ret;
	free(r->renaming);
	r->renaming = NULL;
	return ret;
}

int
rig_rename2(struct rig *r, const char *from, const char *to, unsigned flags)
{
	struct node *from_dir, *to_dir;
	const char *from_name, *to_name;
	int ret;

	ret = walk_parent(r, from, &from_dir, &from_name);
	if (ret < 0)
		return ret;
	ret = walk_parent(r, to, &to_dir, &to_name);
	if (ret == 0) {
		ret = rename_node(r->v, &r->call, from_dir, from_name, to_dir,
		    to_name, flags);
		node_unref(r->v, to_dir);
	}
	node_unref(r->v, from_dir);
	return ret;
}

int
rig_rename(struct rig *r, const char *from, const char *to)
{
	return rig_rename2(r, from, to, 0);
}

/* --- whole files -------------------------------------------------------------------- */

int
rig_save(struct rig *r, const char *path, const char *text)
{
	struct rig_file f;
	int ret, closed;

	ret = rig_open(r, path, O_WRONLY | O_CREAT | O_TRUNC, &f);
	if (ret < 0)
		return ret;
	if (text[0] != '\0')
		ret = rig_write_text(&f, text, 0);
	closed = rig_close(&f);
	return ret < 0 ? ret : closed;
}

void
rig_expect_file(struct rig_file *f, const char *text)
{
	char *got = malloc(TEXT_MAX);
	ssize_t n = rig_pread(f, got, TEXT_MAX, 0);

	ck_assert_int_eq(n, (ssize_t)strlen(text));
	ck_assert_int_eq(memcmp(got, text, (size_t)n), 0);
	free(got);
}

void
rig_expect(struct rig *r, const char *path, const char *text)
{
	struct rig_file f;
	struct stat st;

	if (text == NULL) {
		ck_assert_int_eq(rig_stat(r, path, &st), -ENOENT);
		return;
	}
	ck_assert_int_eq(rig_stat(r, path, &st), 0);
	ck_assert_int_eq(st.st_size, (off_t)strlen(text));
	ck_assert_int_eq(rig_open(r, path, O_RDONLY, &f), 0);
	rig_expect_file(&f, text);
	ck_assert_int_eq(rig_close(&f), 0);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
rig_expect_list(struct rig *r, const char *path, const char *names)
{
	struct dir_rows rows = { 0 };
	struct node *dir;
	char **all, *text = text_dup("");

	ck_assert_int_eq(rig_walk(r, path, &dir), 0);
	ck_assert_int_eq(rows_load(r->v, &r->call, dir, &rows), 0);
	all = calloc(rows.n + 1, sizeof(char *));
	for (size_t i = 0; i < rows.n; i++) {
		struct node *n;

		lock_take(&r->v->lock);
		all[i] = text_dup(rows_name_locked(r->v, &rows.rows[i]));
		n = rows_node_locked(r->v, dir, &rows.rows[i]);
		lock_drop(&r->v->lock);
		ck_assert_ptr_nonnull(n);
		node_unref(r->v, n);
	}
	qsort(all, rows.n, sizeof(char *), by_text);
	for (size_t i = 0; i < rows.n; i++) {
		char *more = text_printf("%s%s%s", text, i > 0 ? " " : "",
		    all[i]);

		free(text);
		free(all[i]);
		text = more;
	}
	ck_assert_str_eq(text, names);
	free(all);
	free(text);
	rows_release(r->v, &rows);
	node_unref(r->v, dir);
}

void
rig_settle(struct rig *r)
{
	int64_t until = clock_mono_ms() + 60000;
	struct vfs *v = r->v;

	ck_assert_int_eq(save_all(v, &r->call), 0);
	lock_take(&v->lock);
	while (v->dirty > 0 || v->saving > 0 || v->queue != NULL ||
	    v->asked != NULL) {
		ck_assert_int_lt(clock_mono_ms(), until);
		(void)cond_wait_ms(&v->changed, &v->lock, 20);
	}
	lock_drop(&v->lock);
}

void
rig_expire(struct rig *r)
{
	struct vfs *v = r->v;
	struct node *n;
	size_t at = 0;

	lock_take(&v->lock);
	while ((n = node_next_locked(v, &at)) != NULL) {
		if (n->seen_ms > 0)
			n->seen_ms = 1 - v->config.attr_ttl_ms;
		if (n->dir == NULL)
			continue;
		if (n->dir->listed_ms > 0)
			n->dir->listed_ms = 1 - v->config.attr_ttl_ms;
		n->dir->absent_ms = 0;
		n->dir->asked_ms = 0;
	}
	lock_drop(&v->lock);
}

size_t
rig_pending(struct rig *r)
{
	unsigned number;

	return pending_list(r->config.pending, &number, 1);
}

struct pending_info
rig_pending_first(struct rig *r)
{
	struct pending_info info;
	unsigned number;

	ck_assert_uint_ge(pending_list(r->config.pending, &number, 1), 1);
	ck_assert_int_eq(pending_get(r->config.pending, number, &info), 0);
	return info;
}
