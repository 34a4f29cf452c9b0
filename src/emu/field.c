/* emu/field.c - parameters that must be of a type. */
#include "config.h"

#include "emu/field.h"

#include <errno.h>

#include "emu/emu.h"

#include "base/banned.h"

const char *
field_str(struct request *req, const char *name)
{
	const char *text = NULL;
	int ret;

	ret = params_str(&req->params, name, &text);
	if (ret == 0)
		return text;
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    ret == -ENOENT ? "Missing required field: %s"
			   : "Field is not a valid string: %s",
	    name);
	return NULL;
}

bool
field_bool(struct request *req, const char *name, bool *out)
{
	*out = false;
	if (params_bool(&req->params, name, out) != -EBADMSG)
		return true;
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    "Field is not a valid boolean: %s", name);
	return false;
}

bool
field_i64(struct request *req, const char *name, int64_t *out)
{
	if (params_i64(&req->params, name, out) != -EBADMSG)
		return true;
	(void)reply_error(req, 400, "INVALID_PARAMETER_VALUE",
	    "Field is not a valid integer: %s", name);
	return false;
}
