/* emu/ep_workspace_import.c - the Workspace call that takes content.  Reference, 3.3
 * import. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "emu/emu.h"
#include "emu/ep_workspace.h"
#include "emu/field.h"
#include "emu/routes.h"
#include "emu/ws_archive.h"
#include "emu/ws_call.h"
#include "emu/ws_import.h"

#include "base/banned.h"

/* Format, language and overwrite; false when one was answered. */
static bool
read_options(struct request *req, struct ws_import *in)
{
	const char *format = "SOURCE", *language = "";

	if (params_str(&req->params, "format", &format) == -EBADMSG ||
	    !ws_import_format(format, &in->format)) {
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Unknown format: %s", format);
		return false;
	}
	if (params_str(&req->params, "language", &language) == -EBADMSG ||
	    (language[0] != '\0' &&
		!notebook_language_of_name(language, &in->language))) {
		(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "Unknown language: %s", language);
		return false;
	}
	in->has_language = language[0] != '\0';
	return field_bool(req, "overwrite", &in->overwrite);
}

/* The content as base64, which becomes the request's file.  0; 1 when answered. */
static int
take_text(struct request *req)
{
	uint64_t max = (uint64_t)settings_get(
	    &req->emu->settings, SET_IMPORT_LIMIT);
	const char *text = "";
	char *data = NULL;
	size_t len = 0;
	int ret;

	if (params_str(&req->params, "content", &text) == -EBADMSG)
		ret = -EBADMSG;
	else
		ret = params_base64(
		    text, (size_t)req->route->max_body, &data, &len);
	if (ret == -EBADMSG || ret == -EFBIG) {
		ret = reply_error(req, 400, "INVALID_PARAMETER_VALUE",
		    "The content is not valid base64.");
		return ret < 0 ? ret : 1;
	}
	if (ret == 0 && len > max) {
		ret = reply_error(req, 400, "MAX_NOTEBOOK_SIZE_EXCEEDED",
		    "File size imported is (%zu bytes), exceeded max size "
		    "(%" PRIu64 " bytes)",
		    len, max);
		free(data);
		return ret < 0 ? ret : 1;
	}
	if (ret == 0)
		ret = spool_new(
		    store_spools(req->emu->workspace), &req->body.file);
	if (ret == 0)
		ret = spool_write(req->body.file, data, len);
	free(data);
	return ret;
}

/* SOURCE without a language is a zip of a directory.  3.3 */
static bool
is_archive(const struct ws_import *in)
{
	return in->format == WS_DBC ||
	       (in->format == WS_SOURCE && !in->has_language);
}

int
ep_workspace_import(struct request *req)
{
	struct ws_import in = { 0 };
	struct ws_path p;
	int ret;

	if (!read_options(req, &in) || !ws_call_path(req, "path", &p))
		return 0;
	in.path = p.path;
	ret = req->body.has_file ? 0 : take_text(req);
	if (ret == 0)
		ret = ws_import_answer(req, &in,
		    is_archive(&in) ? ws_archive_import(req, &in)
				    : ws_import(req, &in));
	ws_import_release(&in);
	free(p.path);
	return ret < 0 ? ret : 0;
}
