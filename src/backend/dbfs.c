/* backend/dbfs.c - DBFS as a tree of files. */
#include "config.h"

#include "backend/dbfs.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/dbfs_heal.h"
#include "backend/dbfs_move.h"
#include "backend/dbfs_put.h"
#include "backend/hidden.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/text.h"
#include "rest/api_dbfs.h"

#include "base/banned.h"

static const char tree[] = "dbfs";

struct dbfs {
	struct backend backend;
	struct rest *rest;	 /* set once, as all here */
	struct journal *journal;
	char *base_url;
	bool verify_read;
};

static struct dbfs *
dbfs_of(struct backend *b)
{
	return container_of(b, struct dbfs, backend);
}

/* --- paths and entries -------------------------------------------------------- */

static char *
join(const char *dir, const char *name)
{
	return text_printf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
}

/* A name that can be sent at all: JSON carries UTF-8. */
static int
check_name(const char *name)
{
	if (strlen(name) > 255)
		return -ENAMETOOLONG;
	if (!entry_name_ok(name) || !text_is_utf8(name, strlen(name)))
		return -EINVAL;
	return hidden_is(name) ? -EPERM : 0;
}

static int
dbfs_check_name(struct backend *b UNUSED, const char *name)
{
	return check_name(name);
}

/* The path of a new name; NULL and *err otherwise. */
static char *
new_path(const struct entry *dir, const char *name, int *err)
{
	char *path;

	*err = check_name(name);
	if (*err < 0)
		return NULL;
	path = join(dir->path, name);
	if (path == NULL)
		*err = -ENOMEM;
	return path;
}

static struct entry *
entry_from_info(struct dbfs *d, const char *path, const char *name,
    const struct api_dbfs_info *info)
{
	struct version version = {
		.mtime_ms = info->mtime_ms,
		.size = info->is_dir ? 0 : info->size,
	};

	return entry_new(&d->backend, tree,
	    info->is_dir ? ENTRY_DIR : ENTRY_FILE, path, name, &version);
}

static int
get(struct dbfs *d, struct call *call, const char *path, const char *name,
    struct entry **out)
{
	struct api_dbfs_info info;
	struct entry *e;
	int ret;

	counter_add(CTR_stat_requests_total, 1);
	ret = api_dbfs_get_status(d->rest, call, path, &info);
	if (ret < 0)
		return ret;
	e = entry_from_info(d, path, name, &info);
	if (e == NULL)
		return -ENOMEM;
	*out = e;
	return 0;
}

/* --- names -------------------------------------------------------------------- */

static int
dbfs_lookup(struct backend *b, struct call *call, const struct entry *dir,
    const char *name, struct entry **out)
{
	char *path;
	int ret;

	path = new_path(dir, name, &ret);
	if (path == NULL) /* such a name is never there */
		return ret == -ENOMEM || ret == -ENAMETOOLONG ? ret : -ENOENT;
	ret = get(dbfs_of(b), call, path, name, out);
	free(path);
	return ret;
}

static int
dbfs_refresh(struct backend *b, struct call *call, const struct entry *e,
    struct entry **out)
{
	return get(dbfs_of(b), call, e->path, e->name, out);
}

struct listing {
	struct dbfs *dbfs;
	const char *dir;
	entry_fn *each;
	void *ctx;
};

/* The name that a listed path has in dir; NULL for what is not in dir or is no
 * file name. */
static const char *
listed_name(const char *dir, const char *path)
{
	size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	if (strncmp(path, dir, len) != 0 || path[len] != '/')
		return NULL;
	return entry_name_ok(path + len + 1) ? path + len + 1 : NULL;
}

static int
list_one(void *ctx, const struct api_dbfs_info *info)
{
	struct listing *l = ctx;
	const char *name = listed_name(l->dir, info->path);
	struct entry *e;
	int ret;

	if (name == NULL) {
		counter_add(CTR_names_refused_total, 1);
		log_warn("dbfs", "%s: the server lists '%s', which is no file"
		    " name; it is not shown", l->dir, info->path);
		return 0;
	}
	if (hidden_is(name))
		return 0;
	e = entry_from_info(l->dbfs, info->path, name, info);
	if (e == NULL)
		return -ENOMEM;
	ret = l->each(l->ctx, e);
	entry_unref(e);
	return ret;
}

static int
dbfs_list(struct backend *b, struct call *call, const struct entry *dir,
    entry_fn *each, void *ctx)
{
	struct listing l = { dbfs_of(b), dir->path, each, ctx };

	counter_add(CTR_list_requests_total, 1);
	return api_dbfs_list(l.dbfs->rest, call, dir->path, list_one, &l);
}

static int
dbfs_rekey(struct backend *b UNUSED, const struct entry *dir, const char *name,
    const struct entry *e, struct entry **out)
{
	char *path = join(dir->path, name);
	struct entry *moved = NULL;

	if (path != NULL)
		moved = entry_moved(e, path, name);
	free(path);
	if (moved == NULL)
		return -ENOMEM;
	*out = moved;
	return 0;
}

/* --- content ------------------------------------------------------------------ */

static ssize_t
dbfs_read(struct backend *b, struct call *call, const struct entry *e,
    uint64_t off, void *dst, size_t len)
{
	struct dbfs *d = dbfs_of(b);
	size_t done = 0;

	while (done < len) {
		size_t want = len - done < API_DBFS_READ_MAX ?
		    len - done : API_DBFS_READ_MAX;
		ssize_t n;

		n = api_dbfs_read(d->rest, call, e->path, off + done,
		    (char *)dst + done, want);
		if (n == -EINVAL)
			return -ESTALE; /* offset beyond the end: it shrank */
		if (n < 0)
			return n;
		done += (size_t)n;
		if ((size_t)n < want)
			break;
	}
	return (ssize_t)done;
}

static int
dbfs_put(struct backend *b, struct call *call, const struct put *p,
    struct entry **out)
{
	struct dbfs *d = dbfs_of(b);
	const struct dbfs_upload up = { d->rest, d->journal, d->verify_read };
	struct version version = { 0 };
	char *path;
	int ret;

	path = new_path(p->dir, p->name, &ret);
	if (path == NULL)
		return ret;
	ret = dbfs_upload(&up, call, path, p, &version);
	if (ret == 0 || version.mtime_ms != 0)
		*out = entry_new(b, tree, ENTRY_FILE, path, p->name, &version);
	if (ret == 0 && *out == NULL)
		ret = -ENOMEM;
	free(path);
	return ret;
}

/* --- changes -------------------------------------------------------------------- */

static int
dbfs_mkdir(struct backend *b, struct call *call, const struct entry *dir,
    const char *name, struct entry **out)
{
	struct dbfs *d = dbfs_of(b);
	struct version none = { 0 };
	struct entry *e;
	char *path;
	int ret;

	path = new_path(dir, name, &ret);
	if (path == NULL)
		return ret;
	ret = api_dbfs_mkdirs(d->rest, call, path);
	if (ret < 0)
		goto out;
	e = entry_new(b, tree, ENTRY_DIR, path, name, &none);
	if (e == NULL)
		ret = -ENOMEM;
	else
		*out = e;
out:
	free(path);
	return ret;
}

static int
dbfs_remove(struct backend *b, struct call *call, const struct entry *e)
{
	return api_dbfs_delete(dbfs_of(b)->rest, call, e->path, false);
}

static int
dbfs_rename(struct backend *b, struct call *call, const struct entry *e,
    const struct entry *dir, const char *name, const struct entry *target,
    struct entry **out)
{
	struct dbfs *d = dbfs_of(b);
	struct entry *moved = NULL;
	char *path;
	int ret;

	/* A hidden name is ours to give: a file deleted while it is open. */
	ret = hidden_is(name) ? 0 : check_name(name);
	if (ret < 0)
		return ret;
	path = join(dir->path, name);
	if (path != NULL)
		moved = entry_moved(e, path, name);
	if (moved == NULL)
		ret = -ENOMEM;
	else if (target != NULL)
		ret = dbfs_replace(d->rest, d->journal, call, e->path, path,
		    e->version.size);
	else
		ret = dbfs_move(d->rest, call, e->path, path);
	if (ret == 0)
		*out = moved;
	else
		entry_unref(moved);
	free(path);
	return ret;
}

static int
dbfs_heal_op(struct backend *b, struct call *call, uint16_t type,
    struct json_object *record, bool *changed)
{
	return dbfs_heal_remote(dbfs_of(b)->rest, call, type, record, changed);
}

/* --- attributes ------------------------------------------------------------------ */

/* Files below /FileStore can be opened in the browser; nothing else can. */
static int
print_url(struct dbfs *d, const struct entry *e, struct buf *out)
{
	static const char store[] = "/FileStore/";

	if (!text_starts(e->path, store))
		return -ENODATA;
	return buf_printf(out, "%s/files/%s", d->base_url,
	    e->path + strlen(store));
}

static int
dbfs_xattr(struct backend *b, struct call *call UNUSED, const struct entry *e,
    const char *name, struct buf *out)
{
	if (strcmp(name, "url") == 0)
		return print_url(dbfs_of(b), e, out);
	if (strcmp(name, "object_type") == 0)
		return buf_puts(out, e->kind == ENTRY_DIR ? "DIRECTORY" : "FILE");
	if (strcmp(name, "path") == 0)
		return buf_printf(out, "dbfs:%s", e->path);
	return -ENODATA;
}

static const struct backend_ops dbfs_ops = {
	.lookup = dbfs_lookup,
	.refresh = dbfs_refresh,
	.list = dbfs_list,
	.rekey = dbfs_rekey,
	.read = dbfs_read,
	.put = dbfs_put,
	.check_name = dbfs_check_name,
	.mkdir = dbfs_mkdir,
	.unlink = dbfs_remove,
	.rmdir = dbfs_remove,
	.rename = dbfs_rename,
	.heal = dbfs_heal_op,
	.xattr = dbfs_xattr,
};

int
dbfs_new(const struct dbfs_config *config, struct backend **out)
{
	struct dbfs *d;

	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return -ENOMEM;
	d->base_url = text_dup(config->base_url);
	if (d->base_url == NULL) {
		free(d);
		return -ENOMEM;
	}
	d->rest = config->rest;
	d->journal = config->journal;
	d->verify_read = config->verify_read;
	d->backend.ops = &dbfs_ops;
	d->backend.tree = tree;
	d->backend.size_max = INT64_MAX;
	d->backend.ttl_ms = -1;
	*out = &d->backend;
	return 0;
}

void
dbfs_free(struct backend *b)
{
	struct dbfs *d;

	if (b == NULL)
		return;
	d = dbfs_of(b);
	free(d->base_url);
	free(d);
}

int
dbfs_root(struct backend *b, struct call *call, const char *path,
    struct entry **out)
{
	struct entry *e;
	int ret;

	ret = get(dbfs_of(b), call, path, "", &e);
	if (ret < 0)
		return ret;
	if (e->kind != ENTRY_DIR) {
		entry_unref(e);
		return -ENOTDIR;
	}
	*out = e;
	return 0;
}
