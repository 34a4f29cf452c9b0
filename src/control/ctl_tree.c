/* control/ctl_tree.c - the table of control files.
 *
 * Everything that exists below .control is a row here: listing, lookup, modes and
 * README come from the table.  Rows of one directory stand together, in the order
 * in which README explains them; those with "{...}" for a name after those that
 * spell it out, since the first row that fits counts. */
#include "config.h"

#include "control/ctl_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/attr.h"
#include "base/columns.h"
#include "control/ctl_cache.h"
#include "control/ctl_live.h"
#include "control/ctl_pending.h"
#include "control/ctl_status.h"

#include "base/banned.h"

static const struct ctl_set sets[] = {
	{ "pending/{n}", ctl_pending_list, ctl_pending_find,
	    "A file whose content the server does not have yet." },
};

static const struct ctl_row rows[] = {
	{ .path = "README",
	    .mode = 0400,
	    .show = ctl_tree_readme_show,
	    .help = "This text." },
	{ .path = "status.json",
	    .mode = 0400,
	    .show = ctl_status_show,
	    .help = "What is mounted, for whom, which trees are missing and"
		    " why, and how many files are not sent yet." },
	{ .path = "config.json",
	    .mode = 0400,
	    .show = ctl_status_config_show,
	    .help = "The options in effect.  No secrets." },
	{ .path = "metrics",
	    .mode = 0400,
	    .show = ctl_live_metrics_show,
	    .help = "Counters, in Prometheus' text format." },
	{ .path = "errors",
	    .mode = 0400,
	    .show = ctl_live_errors_show,
	    .help = "The last 200 errors, oldest first: time, operation, path,"
		    " request, HTTP status, error code, errno, message,"
		    " request id." },
	{ .path = "transfers",
	    .mode = 0400,
	    .show = ctl_live_transfers_show,
	    .help = "What is moving now, with bytes done and rate." },
	{ .path = "sync",
	    .mode = 0200,
	    .store = ctl_live_sync,
	    .value = "1",
	    .help = "Write 1: returns when everything written so far has been"
		    " sent, or with the first error." },
	{ .path = "cache/drop",
	    .mode = 0200,
	    .store = ctl_cache_drop,
	    .value = "1",
	    .help = "Write 1: forgets the content of files that the server"
		    " has, in memory and, for this workspace and user, on"
		    " disk." },
	{ .path = "cache/invalidate",
	    .mode = 0200,
	    .store = ctl_cache_invalidate,
	    .help = "Write a path below the mount point: forgets what is known"
		    " about it and everything below, names, attributes and"
		    " content; the next look asks the service.  What is not"
		    " sent yet stays." },
	{ .path = "cache/stats.json",
	    .mode = 0400,
	    .show = ctl_cache_stats_show,
	    .help = "Content in memory and on disk: budget, bytes and blocks"
		    " (on disk of all mounts together), hits, misses, damaged"
		    " and evicted blocks of this mount." },
	{ .path = "pending/{n}/path",
	    .mode = 0400,
	    .show = ctl_pending_path_show,
	    .help = "Its path below the mount point." },
	{ .path = "pending/{n}/state",
	    .mode = 0400,
	    .show = ctl_pending_state_show,
	    .help = "waiting, uploading, failed (will be tried again),"
		    " conflict (the server has another version), or kept (left"
		    " unfinished by an earlier mount)." },
	{ .path = "pending/{n}/reason",
	    .mode = 0400,
	    .show = ctl_pending_reason_show,
	    .help = "Why it is not sent, in the words of the service." },
	{ .path = "pending/{n}/data",
	    .mode = 0400,
	    .open = ctl_pending_data_open,
	    .size = ctl_pending_data_size,
	    .help = "Its content, to be copied elsewhere." },
	{ .path = "pending/{n}/retry",
	    .mode = 0200,
	    .store = ctl_pending_retry,
	    .value = "1",
	    .help = "Write 1: sends it now, in a conflict over what the"
		    " server has; fails with the error of the upload." },
	{ .path = "pending/{n}/discard",
	    .mode = 0200,
	    .store = ctl_pending_discard,
	    .value = "{}",
	    .help = "Write the number: throws the content away for good." },
};

const struct ctl_row *
ctl_tree_row(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

const struct ctl_set *
ctl_tree_set(size_t i)
{
	return i < ARRAY_LEN(sets) ? &sets[i] : NULL;
}

/* --- paths and patterns ----------------------------------------------------------- */

static size_t
part_len(const char *path)
{
	return strcspn(path, "/");
}

/* The next component; path is not at its end. */
static const char *
next_part(const char *path)
{
	path += part_len(path);
	return *path == '/' ? path + 1 : path;
}

static bool
is_name(const char *pattern)
{
	return *pattern == '{';
}

static bool
same_part(const char *a, const char *b)
{
	size_t len = part_len(a);

	return len == part_len(b) && memcmp(a, b, len) == 0;
}

/* Follows path in pattern as far as path goes.  Where they agree, *rest is what
 * pattern has beyond path. */
static bool
matches(const char *pattern, const char *path, const char **rest)
{
	while (*path != '\0') {
		if (*pattern == '\0' ||
		    (!is_name(pattern) && !same_part(pattern, path)))
			return false;
		pattern = next_part(pattern);
		path = next_part(path);
	}
	*rest = pattern;
	return true;
}

/* The set of the pattern that begins with the first len bytes of pattern. */
static const struct ctl_set *
find_set(const char *pattern, size_t len)
{
	size_t i = 0;

	while (strlen(sets[i].path) != len ||
	       memcmp(sets[i].path, pattern, len) != 0) {
		i++;
		assert(i < ARRAY_LEN(sets)); /* every "{...}" has a set */
	}
	return &sets[i];
}

/* Takes the names that path has where pattern says "{...}", and asks each set
 * whether it has them. */
static int
take_names(const char *pattern, const char *path, struct ctl_at *at)
{
	const char *start = pattern;
	int ret = 0;

	while (*path != '\0' && ret == 0) {
		size_t len = part_len(path);

		if (is_name(pattern)) {
			if (len >= CTL_NAME_BYTES)
				return -ENAMETOOLONG;
			assert(at->n_names < CTL_NAMES_MAX);
			memcpy(at->names[at->n_names], path, len);
			at->names[at->n_names++][len] = '\0';
			ret = find_set(start,
			    (size_t)(pattern - start) + part_len(pattern))
				  ->find(at);
		}
		pattern = next_part(pattern);
		path = next_part(path);
	}
	return ret;
}

int
ctl_tree_find(const struct ctl *ctl, struct call *call, const char *path,
    struct ctl_place *out)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *rest;

		if (!matches(rows[i].path, path, &rest))
			continue;
		*out = (struct ctl_place){
			.at = { .ctl = ctl, .call = call },
			.row = *rest == '\0' ? &rows[i] : NULL,
		};
		return take_names(rows[i].path, path, &out->at);
	}
	return -ENOENT;
}

const char *
ctl_tree_value(const struct ctl_place *place)
{
	const char *value = place->row->value;

	if (value != NULL && strcmp(value, "{}") == 0)
		return place->at.names[place->at.n_names - 1];
	return value;
}

/* --- listing ------------------------------------------------------------------------ */

/* Has an earlier row shown the component rest of row i in path? */
static bool
was_shown(size_t i, const char *path, const char *rest)
{
	const char *other;

	for (size_t j = 0; j < i; j++)
		if (matches(rows[j].path, path, &other) && *other != '\0' &&
		    same_part(other, rest))
			return true;
	return false;
}

int
ctl_tree_list(const struct ctl *ctl, struct call *call, const char *path,
    ctl_tree_fn *each, void *ctx)
{
	struct ctl_place place;
	int ret;

	ret = ctl_tree_find(ctl, call, path, &place);
	if (ret == 0 && place.row != NULL)
		ret = -ENOTDIR;
	for (size_t i = 0; i < ARRAY_LEN(rows) && ret == 0; i++) {
		const char *pattern = rows[i].path, *rest;
		char name[CTL_NAME_BYTES];
		size_t len;

		if (!matches(pattern, path, &rest) || *rest == '\0' ||
		    was_shown(i, path, rest))
			continue;
		len = part_len(rest);
		if (is_name(rest)) {
			ret = find_set(pattern, (size_t)(rest - pattern) + len)
				  ->list(&place.at, each, ctx);
			continue;
		}
		assert(len < sizeof(name));
		memcpy(name, rest, len);
		name[len] = '\0';
		ret = each(ctx, name);
	}
	return ret;
}

/* --- README ------------------------------------------------------------------------- */

static const char intro[] =
    "This directory drives and explains the mount.  It belongs to whoever\n"
    "mounted it, and exists in no workspace.\n"
    "\n"
    "Reading never acts; nothing here can be removed.  A file that can be\n"
    "written acts when it is: the write fails when the action does, and returns\n"
    "when it is done.  For example:  echo 1 > sync\n"
    "\n";

/* Where the sentences begin: beyond the longest path. */
static size_t
readme_column(void)
{
	size_t longest = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strlen(rows[i].path) > longest)
			longest = strlen(rows[i].path);
	return longest + 4;
}

int
ctl_tree_readme_show(const struct ctl_at *at UNUSED, struct buf *out)
{
	size_t column = readme_column();
	int ret;

	ret = buf_puts(out, intro);
	for (size_t i = 0; i < ARRAY_LEN(rows) && ret == 0; i++)
		ret = columns_row(out, column, rows[i].path, rows[i].help);
	if (ret == 0)
		ret = buf_puts(out, "\nWhere it says\n\n");
	for (size_t i = 0; i < ARRAY_LEN(sets) && ret == 0; i++)
		ret = columns_row(out, column, sets[i].path, sets[i].help);
	return ret;
}
