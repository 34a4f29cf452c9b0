/* emu/verbs_remote.c - verbs that are another client's hand. */
#include "config.h"

#include "emu/verbs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/jval.h"
#include "base/log.h"

#include "emu/dbpath.h"
#include "emu/emu.h"
#include "emu/params.h"
#include "emu/request.h"

#include "base/banned.h"

#define CONTENT_BYTES ((size_t)16 << 20)

/* What another client could not do is said, a test would wonder. */
static void
remote_done(int ret, const char *path)
{
	if (ret < 0)
		log_warn(
		    "fault", "remote change of %s: %s", path, strerror(-ret));
}

/* Path argument of a remote hand; the request's own path when missing. */
static char *
remote_path(struct request *req, struct json_object *args, const char *name)
{
	const char *text = verb_text(args, name, req->subject);
	char *path = NULL;

	if (text != NULL && dbpath_parse(text, false, &path) != DBPATH_GOOD)
		return NULL;
	return path;
}

void
verb_remote_edit(struct request *req, struct json_object *args)
{
	struct store *dbfs = req->emu->dbfs;
	char *path = remote_path(req, args, "path");
	const char *text = verb_text(args, "content", "");
	const char *packed = verb_text(args, "content_base64", NULL);
	struct store_node before;
	bool keep = false; /* the time, as a clock of a second does */
	char *bytes = NULL;
	size_t len = strlen(text);

	if (path == NULL)
		return;
	(void)jval_bool(args, "keep_mtime", &keep);
	if (!keep || store_stat(dbfs, path, &before) < 0)
		before.mtime_ms = -1;
	if (packed != NULL &&
	    params_base64(packed, CONTENT_BYTES, &bytes, &len) < 0)
		len = 0;
	remote_done(store_put_at(dbfs, path, bytes != NULL ? bytes : text, len,
			HISTORY_ADMIN, NULL, before.mtime_ms),
	    path);
	free(bytes);
	free(path);
}

void
verb_remote_delete(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");
	uint64_t removed;

	if (path != NULL)
		remote_done(
		    store_remove(req->emu->dbfs, path, true, 0, NULL, &removed),
		    path);
	free(path);
}

void
verb_remote_rename(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");
	char *to = remote_path(req, args, "to");

	if (path != NULL && to != NULL)
		remote_done(
		    store_move(req->emu->dbfs, path, to, true, NULL), path);
	free(path);
	free(to);
}

void
verb_remote_mkdir(struct request *req, struct json_object *args)
{
	char *path = remote_path(req, args, "path");

	if (path != NULL)
		remote_done(store_mkdirs(req->emu->dbfs, path, NULL), path);
	free(path);
}
