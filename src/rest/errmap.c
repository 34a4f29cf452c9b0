/* rest/errmap.c - the one table from what the service says to an errno.
 *
 * Source: API reference, appendix A; wordings from sections 1.5 and 2.3. */
#include "config.h"

#include "rest/errmap.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"
#include "base/text.h"

#include "base/banned.h"

/* The first row that fits wins.  Status 0 fits any, 4 any from 400 to 499; a NULL code
 * or text fits any.  A code that begins with '*' is an ending; it may be the reason
 * instead.  text must be part of the message, whatever the case of its letters.
 *
 * Refusals stand before "there is no such thing", since words like "does not exist"
 * turn up in both; and nothing with a status of 500 or more is ENOENT. */
static const struct {
	int status;
	const char *code;
	const char *text;
	int err;
} rows[] = {
	/* clang-format off */
	/* status code                          text in the message       errno */
	{   0, NULL,                            "DBFS root is disabled",  EACCES },
	{   4, "DIRECTORY_PROTECTED",           NULL,                     EPERM },
	{   4, "PERMISSION_DENIED",             NULL,                     EACCES },
	{   4, "CUSTOMER_UNAUTHORIZED",         NULL,                     EACCES },
	{   4, "UNAUTHENTICATED",               NULL,                     EACCES },
	{   4, "PRIVATE_LINK_VALIDATION_ERROR", NULL,                     EACCES },
	{ 400, NULL,                            "Invalid Token",          EACCES },
	{ 400, NULL,                            "Invalid access token",   EACCES },
	{ 401, NULL,                            NULL,                     EACCES },
	{ 407, NULL,                            NULL,                     EACCES },

	{   0, "FEATURE_DISABLED",              NULL,                     EOPNOTSUPP },
	{   0, "ENDPOINT_NOT_FOUND",            NULL,                     ENOSYS },
	{   0, "NOT_IMPLEMENTED",               NULL,                     ENOSYS },
	{ 501, NULL,                            NULL,                     ENOSYS },

	{   4, "*DIRECTORY_IS_NOT_EMPTY",       NULL,                     ENOTEMPTY },
	{   4, "*NOT_EMPTY",                    NULL,                     ENOTEMPTY },
	{   4, NULL,                            "non-empty directory",    ENOTEMPTY },
	{   4, NULL,                            "DirectoryNotEmpty",      ENOTEMPTY },
	{   4, NULL,                            "Directory is not empty", ENOTEMPTY },
	{   4, "BAD_REQUEST",                   "not empty",              ENOTEMPTY },

	{   4, "*ALREADY_EXISTS",               NULL,                     EEXIST },
	{   4, "WORKSPACE_OBJECT_TYPE_MISMATCH", NULL,                    EEXIST },
	{ 400, NULL,                            "is an existing file",    EEXIST },
	{ 400, NULL,                            "Path is a file",         EEXIST },
	{ 400, NULL,                            "path already exists",    EEXIST },
	{ 400, NULL,                            ") already exists",       EEXIST },
	{ 400, NULL,                            "already exists at (",    EEXIST },
	{ 400, NULL,                            "mkdirs(hadoopPath",      EEXIST },

	{ 404, "*DOES_NOT_EXIST",               NULL,                     ENOENT },
	{ 400, "*DOES_NOT_EXIST",               NULL,                     ENOENT },
	{ 404, "NOT_FOUND",                     NULL,                     ENOENT },
	{ 400, "INVALID_PARAMETER_VALUE",       "does not exist",         ENOENT },

	{   0, "MAX_BLOCK_SIZE_EXCEEDED",       NULL,                     EIO },
	{   0, "MAX_READ_SIZE_EXCEEDED",        "in one read",            EIO },
	{   0, "MAX_READ_SIZE_EXCEEDED",        NULL,                     EFBIG },
	{   0, "MAX_NOTEBOOK_SIZE_EXCEEDED",    NULL,                     EFBIG },
	{   0, "MAX_LIST_SIZE_EXCEEDED",        NULL,                     EFBIG },
	{ 413, NULL,                            NULL,                     EFBIG },
	{   0, "QUOTA_EXCEEDED",                NULL,                     EDQUOT },
	{   0, "MAX_CHILD_NODE_SIZE_EXCEEDED",  NULL,                     ENOSPC },
	{   0, "RESOURCE_LIMIT_EXCEEDED",       NULL,                     ENOSPC },
	{ 507, NULL,                            NULL,                     ENOSPC },
	/* An object that is too large has a code of its own here and there. */
	{ 400, NULL,                            "size exceeds",           EFBIG },
	{ 400, NULL,                            "size exceeded limit",    EFBIG },
	{ 400, NULL,                            "exceeded the the limit", EFBIG },
	{ 400, NULL,                            "exceeded max size",      EFBIG },

	{ 429, NULL,                            NULL,                     EBUSY },
	{   0, "RESOURCE_EXHAUSTED",            NULL,                     EBUSY },
	{   0, "REQUEST_LIMIT_EXCEEDED",        NULL,                     EBUSY },
	{   0, "PARTIAL_DELETE",                NULL,                     EAGAIN },
	{ 412, NULL,                            NULL,                     ESTALE },
	{   4, "INVALID_STATE",                 NULL,                     EBUSY },
	{   4, "INVALID_STATE_TRANSITION",      NULL,                     EBUSY },
	{   4, "RESOURCE_CONFLICT",             NULL,                     EBUSY },
	{   4, "ABORTED",                       NULL,                     EBUSY },
	{   4, "COULD_NOT_ACQUIRE_LOCK",        NULL,                     EBUSY },
	{ 409, NULL,                            NULL,                     EEXIST },

	{ 400, "INVALID_PARAMETER_VALUE",       NULL,                     EINVAL },
	{ 400, "MALFORMED_REQUEST",             NULL,                     EINVAL },
	{ 400, "BAD_REQUEST",                   NULL,                     EINVAL },
	{ 403, NULL,                            NULL,                     EACCES },
	{ 408, NULL,                            NULL,                     ETIMEDOUT },
	{ 504, NULL,                            NULL,                     ETIMEDOUT },
	/* A gateway that has lost patience; the service may go on. */
	{ 503, NULL,                            "is taking too long",     ETIMEDOUT },
	{   0, NULL,                            NULL,                     EIO },
	/* clang-format on */
};

static bool
code_fits(const char *pattern, const char *code)
{
	return *pattern == '*' ? text_ends(code, pattern + 1) :
				 strcmp(pattern, code) == 0;
}

static bool
fits(size_t i, int status, const char *code, const char *reason,
    const char *message)
{
	return (rows[i].status == 0 || rows[i].status == status ||
	    rows[i].status == status / 100) &&
	    (rows[i].code == NULL || code_fits(rows[i].code, code) ||
		code_fits(rows[i].code, reason)) &&
	    (rows[i].text == NULL || strcasestr(message, rows[i].text) != NULL);
}

int
errmap_errno(int status, const char *code, const char *reason,
    const char *message)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (fits(i, status, code, reason, message))
			return -rows[i].err;
	return -EIO;
}
