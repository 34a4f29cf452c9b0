/* emu/dbfs_call.c - what all DBFS calls have in common. */
#include "config.h"

#include "emu/dbfs_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "emu/dbpath.h"
#include "emu/emu.h"

#include "base/banned.h"

/* Parts of the namespace that are not the root's storage.  Reference, 2.1. */
static const struct {
	const char *prefix;
	bool readable;
} reserved[] = {
	{ "/Volumes", false }, /* served by the Files API alone */
	{ "/databricks-results", false },
	{ "/databricks-datasets", true },
};

bool
dbfs_call_refused(struct request *req, const char *path)
{
	if (!settings_on(&req->emu->settings, SET_DBFS_DISABLED))
		return false;
	(void)reply_error(req, 403, "PERMISSION_DENIED",
	    "Public DBFS root is disabled. Access is denied on path: %s", path);
	return true;
}

static bool
reserved_refused(struct request *req, const char *path, enum dbfs_access access)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (!dbpath_within(path, reserved[i].prefix) ||
		    (reserved[i].readable && access == DBFS_READ))
			continue;
		(void)reply_error(req, 403, "PERMISSION_DENIED",
		    "Access is denied on path: %s", path);
		return true;
	}
	return false;
}

/* Parses the text of a path; NULL when answered. */
static char *
parse(struct request *req, const char *text)
{
	bool hadoop =
	    settings_get(&req->emu->settings, SET_NAMES) == NAMES_HADOOP;
	const char *wrong = NULL;
	char *path;

	switch (dbpath_parse(text, hadoop, &path)) {
	case DBPATH_GOOD: break;
	case DBPATH_RELATIVE: wrong = "Path must be absolute"; break;
	case DBPATH_DOTS:
		wrong = "Path must not have . or .. components";
		break;
	case DBPATH_BYTES: wrong = "Path must be valid UTF-8"; break;
	case DBPATH_NAME:
		wrong = "Path must not have colons or control characters";
		break;
	case DBPATH_LONG: wrong = "Path is too long"; break;
	}
	if (wrong != NULL)
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "%s: %.512s", wrong, text);
	else if (path == NULL)
		(void)reply_error(req, 500, "INTERNAL_ERROR", "Out of memory");
	return path;
}

char *
dbfs_call_path(struct request *req, const char *name, enum dbfs_access access)
{
	const char *text = NULL;
	char *path;
	int ret;

	ret = params_str(&req->params, name, &text);
	if (dbfs_call_refused(req, ret == 0 ? text : "/"))
		return NULL;
	if (ret < 0 || text == NULL) {
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    ret == -ENOENT ? "Missing required field: %s"
				   : "Field is not a valid string: %s",
		    name);
		return NULL;
	}
	path = parse(req, text);
	if (path != NULL && reserved_refused(req, path, access)) {
		free(path);
		return NULL;
	}
	return path;
}

int
dbfs_call_fail(struct request *req, int err, const char *path)
{
	switch (-err) {
	case ENOENT:
		return reply_error(req, 404, "RESOURCE_DOES_NOT_EXIST",
		    "No file or directory exists on path %s.", path);
	case EEXIST:
	case EISDIR:
		return reply_error(req, 400, "RESOURCE_ALREADY_EXISTS",
		    "A file or directory already exists at the input path "
		    "dbfs:%s.",
		    path);
	case ENOTDIR:
		return reply_error(req, 400, "RESOURCE_ALREADY_EXISTS",
		    "Cannot create directory for dbfs:%s because a part of the "
		    "path is an existing file.",
		    path);
	case EBUSY:
		return reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "The root directory cannot be changed.");
	case ENOSPC:
	case EDQUOT:
		return reply_error(req, 400, "QUOTA_EXCEEDED",
		    "No space left for dbfs:%s.", path);
	default: return err;
	}
}

int
dbfs_call_quota(struct request *req, const char *path, uint64_t size)
{
	int64_t quota = settings_get(&req->emu->settings, SET_QUOTA);
	struct store_node old;
	uint64_t total;
	int ret;

	if (quota <= 0)
		return 0;
	ret = store_total(req->emu->dbfs, &total);
	if (ret < 0)
		return ret;
	if (store_stat(req->emu->dbfs, path, &old) == 0 && old.size <= total)
		total -= old.size;
	return total + size > (uint64_t)quota ? -EDQUOT : 0;
}
