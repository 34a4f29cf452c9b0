/* app/adopt.c - takes over what other mounts of the same identity left. */
#include "config.h"

#include "app/adopt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/state.h"
#include "base/jval.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/journal.h"
#include "cache/overlay.h"
#include "cache/staging.h"
#include "fs/vfs.h"

#include "base/banned.h"

/* Times of files that a mount remembers are worth nothing when it has not been there
 * for so long, s. */
#define ATTRS_KEPT_S ((time_t)90 * 24 * 3600)

/* A record of the other journal. */
struct found {
	uint16_t type;
	uint64_t subject; /* there */
	uint64_t taken;	  /* here; 0: it is not taken */
	struct json_object *payload; /* a reference */
};

struct adoption {
	const struct adopt_config *config;
	const char *dir; /* of the other mount */
	struct journal *journal; /* its */
	struct found *all;
	size_t n, cap;
	unsigned taken;
};

/* --- what is there ----------------------------------------------------------------- */

static int
collect(void *ctx, uint16_t type, uint64_t subject, struct json_object *payload)
{
	struct adoption *a = ctx;

	if (a->n == a->cap) {
		size_t cap = a->cap * 2 + 16;
		struct found *more = realloc(a->all, cap * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		a->all = more;
		a->cap = cap;
	}
	a->all[a->n++] = (struct found){ type, subject, 0,
		json_object_get(payload) };
	return 0;
}

/* What is shown of a tree; NULL: nothing. */
static const struct entry *
root_of(const struct adopt_config *c, const char *tree)
{
	for (size_t i = 0; i < c->n_roots; i++)
		if (strcmp(c->roots[i]->tree, tree) == 0)
			return c->roots[i];
	return NULL;
}

/* Is all that the record names in the part that this mount shows? */
static bool
is_shown(const struct adopt_config *c, struct json_object *p)
{
	static const char *const keys[] = { "dir", "path", "source", "target",
		"from", "to" };
	const struct entry *root;
	const char *tree, *path, *top;
	bool named = false;
	size_t len;

	root = jval_str(p, "tree", &tree) == 0 ? root_of(c, tree) : NULL;
	if (root == NULL)
		return false;
	top = root->path;
	len = strcmp(top, "/") == 0 ? 0 : strlen(top);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (jval_str(p, keys[i], &path) < 0)
			continue;
		named = true;
		if (strncmp(path, top, len) != 0 ||
		    (path[len] != '/' && path[len] != '\0'))
			return false;
	}
	return named;
}

/* The name of a record among all mounts of the identity: that of its first mount. */
static char *
origin_of(const struct adoption *a, const struct found *f)
{
	const char *known;

	if (jval_str(f->payload, "origin", &known) == 0)
		return text_dup(known);
	return text_printf("%s:%llu", strrchr(a->dir, '/') + 1,
	    (unsigned long long)f->subject);
}

/* Do we have it already, from a mount that ended in the middle of this? */
static bool
is_here(const struct adoption *a, const char *origin)
{
	const struct vfs_left *left = a->config->left;
	bool here = false;

	for (size_t i = 0; i < left->n && !here; i++) {
		struct json_object *p = NULL;
		const char *known;
		uint16_t type;

		if (journal_get(a->config->journal,
			vfs_left_subject(left, i), &type, &p) == 0)
			here = jval_str(p, "origin", &known) == 0 &&
			       strcmp(known, origin) == 0;
		json_object_put(p);
	}
	return here;
}

static char *
staged_file(const struct adoption *a, struct json_object *p)
{
	int64_t number;

	if (jval_i64(p, "file", &number) < 0)
		return NULL;
	return text_printf("%s/staging/%06llu.data", a->dir,
	    (unsigned long long)number);
}

/* --- taking -------------------------------------------------------------------------- */

/* A record names another one of the same journal: by the number that it has here. */
static int
renumber(const struct adoption *a, struct json_object *p, const char *key)
{
	int64_t other;

	if (jval_i64(p, key, &other) < 0)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (a->all[i].subject == (uint64_t)other && a->all[i].taken != 0)
			return jval_add_i64(p, key, (int64_t)a->all[i].taken);
	json_object_object_del(p, key);
	return 0;
}

/* Writes it down here.  *file: the staging file there, to go afterwards. */
static int
copy(struct adoption *a, struct found *f, const char *origin, const char *file)
{
	const struct adopt_config *c = a->config;
	struct json_object *p = f->payload;
	uint64_t number;
	int ret = 0;

	if (file != NULL) {
		ret = staging_link(c->staging, file, &number);
		if (ret == 0)
			ret = jval_add_i64(p, "file", (int64_t)number);
	}
	if (ret == 0)
		ret = jval_add_str(p, "origin", origin);
	if (ret == 0)
		ret = renumber(a, p, "over");
	if (ret == 0)
		ret = renumber(a, p, "unaside");
	if (ret == 0)
		ret = journal_write(c->journal, f->type, f->taken, p, true);
	if (ret == 0)
		ret = vfs_left_collect(c->left, f->type, f->taken, p);
	return ret;
}

static void
take(struct adoption *a, struct found *f)
{
	char *file = f->type == JOURNAL_STAGED ? staged_file(a, f->payload) :
						 NULL;
	char *origin = origin_of(a, f);
	int ret = -ENOMEM;

	if (f->type == JOURNAL_STAGED && file == NULL)
		ret = -EBADMSG;
	else if (origin != NULL && is_here(a, origin))
		ret = 0;
	else if (origin != NULL)
		ret = copy(a, f, origin, file);
	if (ret < 0 && ret != -ENOENT) {
		log_warn("state", "%s: its record %llu stays there: %s", a->dir,
		    (unsigned long long)f->subject, strerror(-ret));
	} else {
		a->taken += ret == 0;
		journal_end(a->journal, f->subject);
		ret = file != NULL ? staging_unlink(file) : 0;
		if (ret < 0 && ret != -ENOENT)
			log_warn("state", "%s: %s", file, strerror(-ret));
		f->type = JOURNAL_END;
	}
	free(origin);
	free(file);
}

/* --- what is left -------------------------------------------------------------------- */

/* Files that no record names. */
static void
sweep(const char *dir)
{
	char *staging = text_printf("%s/staging", dir);
	DIR *d = staging != NULL ? opendir(staging) : NULL;
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		(void)closedir(d);
	free(staging);
}

/* Does the mount's next life need the times of files that it remembers? */
static bool
has_attrs(const char *dir)
{
	char *path = text_printf("%s/attrs", dir);
	struct stat st;
	bool has = path == NULL || stat(path, &st) == 0;

	if (has && path != NULL)
		has = st.st_size > 16 &&
		      time(NULL) - st.st_mtime < ATTRS_KEPT_S;
	free(path);
	return has;
}

/* False: none of them was set by that mount.  The file's own time says when that was
 * there. */
static bool
copy_attrs(const struct adoption *a)
{
	const struct adopt_config *c = a->config;
	char *path = text_printf("%s/attrs", a->dir);
	struct stat st;
	int ret = -ENOMEM;

	if (path != NULL && c->n_roots > 0 && stat(path, &st) == 0) {
		const struct timespec times[2] = { st.st_atim, st.st_mtim };
		int of_others = 0;

		for (size_t i = 0; i < c->n_roots && of_others >= 0; i++) {
			int n = overlay_adopt(c->overlay, path,
			    c->roots[i]->tree, c->roots[i]->path);

			of_others = n < 0 ? n : of_others + n;
		}
		ret = of_others;
		if (utimensat(AT_FDCWD, path, times, 0) < 0)
			log_warn("state", "%s: %s", path, strerror(errno));
	}
	if (ret < 0 && c->n_roots > 0)
		log_warn("state", "%s: times are not taken over: %s", a->dir,
		    strerror(-ret));
	free(path);
	return ret != 0;
}

static bool
adopt_one(void *ctx, const char *dir)
{
	struct adoption a = { .config = ctx, .dir = dir };
	char *path = text_printf("%s/journal", dir);
	size_t left = 0;
	bool keep;
	int ret;

	ret = path != NULL ? journal_open(path, collect, &a, &a.journal) :
			     -ENOMEM;
	for (size_t i = 0; ret == 0 && i < a.n; i++)
		if (is_shown(a.config, a.all[i].payload))
			a.all[i].taken = journal_subject(a.config->journal);
	for (size_t i = 0; ret == 0 && i < a.n; i++) {
		if (a.all[i].taken != 0)
			take(&a, &a.all[i]);
		left += a.all[i].type != JOURNAL_END;
	}
	if (a.taken > 0)
		log_info("state", "%u record%s of an ended mount taken over from"
		    " %s", a.taken, a.taken == 1 ? " is" : "s are", dir);
	for (size_t i = 0; i < a.n; i++)
		json_object_put(a.all[i].payload);
	free(a.all);
	if (ret == 0)
		journal_close(a.journal);
	free(path);
	keep = has_attrs(dir) && copy_attrs(&a);
	if (ret < 0 || left > 0)
		return false;
	sweep(dir);
	return !keep;
}

void
adopt_left(const struct adopt_config *config)
{
	struct adopt_config c = *config;

	state_each_ended(c.state, adopt_one, &c);
}
