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

#include "base/banned.h"

/* The first row that fits wins.  Status 0 fits any; a NULL code or text fits any.
 * text must be part of the message, whatever the case of its letters. */
static const struct {
	int status;
	const char *code;
	const char *text;
	int err;
} rows[] = {
	/* clang-format off */
	/* status code                            text in the message    errno */
	{   0, "RESOURCE_DOES_NOT_EXIST",         NULL,                  ENOENT },
	{ 404, "NOT_FOUND",                       NULL,                  ENOENT },
	{ 400, "INVALID_PARAMETER_VALUE",         "does not exist",      ENOENT },
	{   0, "FEATURE_DISABLED",                NULL,                  EOPNOTSUPP },
	{   0, "ENDPOINT_NOT_FOUND",              NULL,                  ENOSYS },
	{   0, "NOT_IMPLEMENTED",                 NULL,                  ENOSYS },
	{ 501, NULL,                              NULL,                  ENOSYS },
	{   0, NULL,                              "DBFS root is disabled", EACCES },
	{   0, "DIRECTORY_PROTECTED",             NULL,                  EPERM },
	{   0, "PERMISSION_DENIED",               NULL,                  EACCES },
	{   0, "CUSTOMER_UNAUTHORIZED",           NULL,                  EACCES },
	{   0, "UNAUTHENTICATED",                 NULL,                  EACCES },
	{   0, "PRIVATE_LINK_VALIDATION_ERROR",   NULL,                  EACCES },
	{   0, "DIRECTORY_NOT_EMPTY",             NULL,                  ENOTEMPTY },
	{ 400, "IO_ERROR",                        "non-empty directory", ENOTEMPTY },
	{ 400, "IO_ERROR",                        "DirectoryNotEmpty",   ENOTEMPTY },
	{ 400, "BAD_REQUEST",                     "not empty",           ENOTEMPTY },
	{ 400, NULL,                              "non-empty directory", ENOTEMPTY },
	{   0, "RESOURCE_ALREADY_EXISTS",         NULL,                  EEXIST },
	{   0, "ALREADY_EXISTS",                  NULL,                  EEXIST },
	{ 400, NULL,                              "is an existing file", EEXIST },
	{ 400, NULL,                              "Path is a file",      EEXIST },
	{ 400, NULL,                              "path already exists", EEXIST },
	{ 409, NULL,                              NULL,                  EEXIST },
	{   0, "MAX_BLOCK_SIZE_EXCEEDED",         NULL,                  EIO },
	{   0, "MAX_READ_SIZE_EXCEEDED",          NULL,                  EIO },
	{   0, "MAX_NOTEBOOK_SIZE_EXCEEDED",      NULL,                  EFBIG },
	{   0, "MAX_LIST_SIZE_EXCEEDED",          NULL,                  EFBIG },
	{ 413, NULL,                              NULL,                  EFBIG },
	{   0, "QUOTA_EXCEEDED",                  NULL,                  EDQUOT },
	{   0, "MAX_CHILD_NODE_SIZE_EXCEEDED",    NULL,                  ENOSPC },
	{   0, "RESOURCE_LIMIT_EXCEEDED",         NULL,                  ENOSPC },
	{ 507, NULL,                              NULL,                  ENOSPC },
	{   0, "PARTIAL_DELETE",                  NULL,                  EAGAIN },
	{ 412, NULL,                              NULL,                  ESTALE },
	{   0, "INVALID_STATE",                   NULL,                  EBUSY },
	{   0, "INVALID_STATE_TRANSITION",        NULL,                  EBUSY },
	{   0, "RESOURCE_CONFLICT",               NULL,                  EBUSY },
	{   0, "ABORTED",                         NULL,                  EBUSY },
	{   0, "RESOURCE_EXHAUSTED",              NULL,                  EBUSY },
	{   0, "REQUEST_LIMIT_EXCEEDED",          NULL,                  EBUSY },
	{ 429, NULL,                              NULL,                  EBUSY },
	{ 400, "INVALID_PARAMETER_VALUE",         NULL,                  EINVAL },
	{ 400, "MALFORMED_REQUEST",               NULL,                  EINVAL },
	{ 400, "BAD_REQUEST",                     NULL,                  EINVAL },
	{ 401, NULL,                              NULL,                  EACCES },
	{ 403, NULL,                              NULL,                  EACCES },
	{ 504, NULL,                              NULL,                  ETIMEDOUT },
	{   0, NULL,                              NULL,                  EIO },
	/* clang-format on */
};

static bool
fits(size_t i, int status, const char *code, const char *message)
{
	return (rows[i].status == 0 || rows[i].status == status) &&
	    (rows[i].code == NULL || strcmp(rows[i].code, code) == 0) &&
	    (rows[i].text == NULL || strcasestr(message, rows[i].text) != NULL);
}

int
errmap_errno(int status, const char *code, const char *message)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (fits(i, status, code, message))
			return -rows[i].err;
	return -EIO;
}
