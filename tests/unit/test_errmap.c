/* rest/errmap, rest/apierr: what the service says, as an errno and in words. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "rest/apierr.h"
#include "rest/errmap.h"
#include "tests/support/unit.h"

static const struct {
	int status;
	const char *code;
	const char *message;
	int want;
} rows[] = {
	/* Not there, clearly. */
	{ 404, "RESOURCE_DOES_NOT_EXIST", "No file or directory exists on path /x.", ENOENT },
	{ 404, "NOT_FOUND", "", ENOENT },
	{ 404, "CATALOG_DOES_NOT_EXIST", "", ENOENT },
	{ 400, "INVALID_PARAMETER_VALUE", "Cluster 1 does not exist", ENOENT },
	/* Not clearly. */
	{ 404, "", "", EIO },
	{ 404, "", "<html>nginx</html>", EIO },
	{ 404, "404", "not found", EIO },
	{ 404, "ENDPOINT_NOT_FOUND", "No API found for 'GET /x'", ENOSYS },
	{ 500, "RESOURCE_DOES_NOT_EXIST", "", EIO },
	{ 503, "RESOURCE_DOES_NOT_EXIST", "does not exist", EIO },
	{ 503, "NOT_FOUND", "", EIO },
	{ 403, "RESOURCE_DOES_NOT_EXIST", "", EACCES },
	{ 403, "PERMISSION_DENIED", "User does not exist", EACCES },
	{ 400, "INVALID_PARAMETER_VALUE", "Public DBFS root is disabled. Access is denied on path: /", EACCES },
	{ 200, "RESOURCE_DOES_NOT_EXIST", "", EIO },
	/* Refused. */
	{ 401, "401", "Credential was not sent", EACCES },
	{ 403, "403", "Invalid access token.", EACCES },
	{ 403, "PERMISSION_DENIED", "DBFS root is disabled", EACCES },
	{ 403, "", "", EACCES },
	{ 407, "", "", EACCES },
	{ 400, "", "Invalid Token", EACCES },
	{ 403, "DIRECTORY_PROTECTED", "", EPERM },
	{ 403, "FEATURE_DISABLED", "", EOPNOTSUPP },
	{ 501, "", "", ENOSYS },
	/* There already, or in the way. */
	{ 400, "RESOURCE_ALREADY_EXISTS", "A file or directory already exists", EEXIST },
	{ 409, "ALREADY_EXISTS", "", EEXIST },
	{ 409, "", "", EEXIST },
	{ 409, "RESOURCE_CONFLICT", "", EBUSY },
	{ 400, "IO_ERROR", "Cannot create directory /a because /a is an existing file.", EEXIST },
	{ 400, "INVALID_PARAMETER_VALUE", "Path is a file: /a", EEXIST },
	{ 400, "IO_ERROR", "mkdirs(hadoopPath: /a, permission: rwxrwxrwx): failed", EEXIST },
	{ 400, "IO_ERROR", "\"The specified path already exists.\"", EEXIST },
	{ 400, "", "Path (/x) already exists.", EEXIST },
	{ 400, "", "RESOURCE_ALREADY_EXISTS: Path (/x) already exists.", EEXIST },
	{ 400, "", "File already exists at (/x).", EEXIST },
	{ 404, "", "Path (/x) already exists.", EIO },
	/* Not empty, in three wordings. */
	{ 400, "DIRECTORY_NOT_EMPTY", "", ENOTEMPTY },
	{ 400, "IO_ERROR", "The recursive query parameter value must be true to delete a non-empty directory.", ENOTEMPTY },
	{ 400, "IO_ERROR", "409, DELETE, https://x, DirectoryNotEmpty", ENOTEMPTY },
	{ 400, "BAD_REQUEST", "Directory is not empty. Use recursive delete or remove contents first.", ENOTEMPTY },
	{ 400, "CATALOG_NOT_EMPTY", "", ENOTEMPTY },
	{ 500, "IO_ERROR", "non-empty directory", EIO },
	/* Too large, too much. */
	{ 400, "MAX_NOTEBOOK_SIZE_EXCEEDED", "", EFBIG },
	{ 413, "", "", EFBIG },
	{ 400, "MAX_BLOCK_SIZE_EXCEEDED", "", EIO },
	{ 400, "MAX_READ_SIZE_EXCEEDED", "Cannot read more than 1048576 bytes in one read, please paginate your request.", EIO },
	{ 400, "MAX_READ_SIZE_EXCEEDED", "", EFBIG },
	{ 400, "BAD_REQUEST", "Size exceeds 10485760 bytes", EFBIG },
	{ 400, "BAD_REQUEST", "Notebook size exceeded limit: 11396743 > 10485760", EFBIG },
	{ 400, "INVALID_PARAMETER_VALUE", "content size (29861532) exceeded the the limit 10485760", EFBIG },
	{ 400, "", "File size imported is (11396743 bytes), exceeded max size (10485760 bytes)", EFBIG },
	{ 400, "QUOTA_EXCEEDED", "the size exceeded limit", EDQUOT },
	{ 400, "MAX_CHILD_NODE_SIZE_EXCEEDED", "Size limit exceeded for folder '/x' Current size: 10000 Limit: 10000", ENOSPC },
	{ 429, "", "request size exceeded limit", EBUSY },
	{ 403, "MAX_CHILD_NODE_SIZE_EXCEEDED", "", ENOSPC },
	{ 400, "QUOTA_EXCEEDED", "", EDQUOT },
	{ 507, "", "", ENOSPC },
	/* Later. */
	{ 429, "RESOURCE_EXHAUSTED", "", EBUSY },
	{ 429, "", "Current request has to be retried", EBUSY },
	{ 503, "PARTIAL_DELETE", "", EAGAIN },
	{ 412, "", "", ESTALE },
	{ 400, "INVALID_STATE", "", EBUSY },
	/* The rest. */
	{ 400, "INVALID_PARAMETER_VALUE", "", EINVAL },
	{ 400, "BAD_REQUEST", "", EINVAL },
	{ 400, "", "", EIO },
	{ 418, "", "", EIO },
	{ 500, "INTERNAL_ERROR", "", EIO },
	{ 502, "", "", EIO },
	{ 503, "TEMPORARILY_UNAVAILABLE", "", EIO },
	{ 503, "TEMPORARILY_UNAVAILABLE", "The service at this URL is taking too"
	    " long to process your request.", ETIMEDOUT },
	{ 504, "", "", ETIMEDOUT },
	{ 599, "", "", EIO },
};

START_TEST(every_answer_has_its_errno)
{
	ck_assert_int_eq(errmap_errno(rows[_i].status, rows[_i].code, "",
			     rows[_i].message),
	    -rows[_i].want);
}
END_TEST

/* Where the code is a general one, the reason in the details says more. */
static const struct {
	int status;
	const char *code;
	const char *reason;
	int want;
} reasons[] = {
	{ 400, "INVALID_PARAMETER_VALUE", "WORKSPACE_OBJECT_TYPE_MISMATCH", EEXIST },
	{ 400, "INVALID_PARAMETER_VALUE", "FILES_API_DIRECTORY_IS_NOT_EMPTY", ENOTEMPTY },
	{ 400, "INVALID_PARAMETER_VALUE", "SOMETHING_ELSE", EINVAL },
	{ 403, "PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST", EACCES },
	{ 500, "INTERNAL_ERROR", "RESOURCE_DOES_NOT_EXIST", EIO },
};

START_TEST(a_reason_stands_for_the_code)
{
	ck_assert_int_eq(errmap_errno(reasons[_i].status, reasons[_i].code,
			     reasons[_i].reason, "No."),
	    -reasons[_i].want);
}
END_TEST

START_TEST(a_failing_service_never_says_that_something_is_not_there)
{
	static const char *const codes[] = { "", "404", "NOT_FOUND",
		"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE",
		"TABLE_DOES_NOT_EXIST", "BAD_REQUEST" };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		for (int status = 500; status < 600; status++)
			ck_assert_int_ne(errmap_errno(status, codes[i],
					     codes[i],
					     "it does not exist, not found"),
			    -ENOENT);
}
END_TEST

static const struct {
	const char *body;
	const char *phrase;
	const char *code, *message, *request_id;
} shapes[] = {
	{ "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"No.\","
	  "\"details\":[{\"@type\":\"x\"},{\"request_id\":\"5d0e\"}]}",
	    "", "RESOURCE_DOES_NOT_EXIST", "No.", "5d0e" },
	{ "{\"error_code\":403,\"message\":\"Invalid access token.\"}", "",
	    "403", "Invalid access token.", "" },
	{ "{\"error\":\"ClusterNotFoundException: x\"}", "", "",
	    "ClusterNotFoundException: x", "" },
	{ "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],"
	  "\"detail\":\"User with id 1 not found.\",\"status\":\"404\"}",
	    "", "", "User with id 1 not found.", "" },
	{ "{\"detail\":\"null\",\"status\":\"500\"}", "", "",
	    "HTTP status 500", "" },
	{ "RESOURCE_EXHAUSTED: Too many\r\nrequests", "",
	    "RESOURCE_EXHAUSTED", "Too many  requests", "" },
	{ "<html><head><title>Error 403</title></head><body><pre>    Invalid"
	  " access token.</pre>", "", "", "Invalid access token.", "" },
	{ "<html><title>Bad Gateway</title></html>", "", "", "Bad Gateway",
	    "" },
	{ "<html>", "The words of a header", "", "The words of a header", "" },
	{ "<pre></pre><title>", "", "", "HTTP status 500", "" },
	{ "Invalid Token", "", "", "Invalid Token", "" },
	{ "", "Reason", "", "Reason", "" },
	{ "", "", "", "HTTP status 500", "" },
	{ "   \n", "", "", "HTTP status 500", "" },
	{ "[]", "", "", "[]", "" },
	{ "{\"error_code\":[],\"message\":{}}", "", "",
	    "{\"error_code\":[],\"message\":{}}", "" },
	{ "{\"error_code\":\"X\",\"details\":[1,null,{\"request_id\":7}]}", "",
	    "X", "HTTP status 500", "" },
	{ "{\"message\":\"a\\u0000b\"}", "p", "",
	    "{\"message\":\"a\\u0000b\"}", "" },
	{ "{\"message\":\"line\\nand\\ttab\\u007f\"}", "", "",
	    "line and tab", "" },
};

START_TEST(every_shape_of_body_is_read)
{
	struct apierr e;

	apierr_read(500, shapes[_i].body, strlen(shapes[_i].body),
	    shapes[_i].phrase, &e);
	ck_assert_str_eq(e.code, shapes[_i].code);
	ck_assert_str_eq(e.message, shapes[_i].message);
	ck_assert_str_eq(e.request_id, shapes[_i].request_id);
	ck_assert_str_eq(e.reason, "");
}
END_TEST

START_TEST(the_first_reason_is_read_wherever_it_is)
{
	static const char body[] = "{\"error_code\":\"X\",\"message\":\"No.\","
	    "\"details\":[{\"@type\":\"x\",\"request_id\":\"5d0e\"},{\"reason\":[]},"
	    "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":"
	    "\"TYPE_MISMATCH\"},{\"reason\":\"B\",\"request_id\":\"6\"}]}";
	struct apierr e;

	apierr_read(400, body, strlen(body), "", &e);
	ck_assert_str_eq(e.request_id, "5d0e");
	ck_assert_str_eq(e.reason, "TYPE_MISMATCH");
}
END_TEST

START_TEST(long_words_are_cut_between_characters)
{
	char body[2000] = "";
	struct apierr e;

	/* Two bytes each, at odd places. */
	strncat(body, "x", 2);
	for (int i = 0; i < 500; i++)
		strncat(body, "\xc3\xa4", 3);
	apierr_read(500, body, strlen(body), "", &e);
	ck_assert_uint_le(strlen(e.message), sizeof(e.message) - 1);
	ck_assert_uint_ge(strlen(e.message), sizeof(e.message) - 3);
	ck_assert_uint_eq(strlen(e.message) % 2, 1);
}
END_TEST

START_TEST(deep_nonsense_is_words)
{
	char body[3000];
	struct apierr e;

	memset(body, '[', sizeof(body));
	apierr_read(500, body, sizeof(body), "", &e);
	ck_assert_str_ne(e.message, "");
	memset(body, 'A', sizeof(body));
	apierr_read(500, body, sizeof(body), "", &e);
	ck_assert_str_eq(e.code, "");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(every_answer_has_its_errno, rows),
	UNIT_ROWS(a_reason_stands_for_the_code, reasons),
	UNIT(a_failing_service_never_says_that_something_is_not_there),
	UNIT_ROWS(every_shape_of_body_is_read, shapes),
	UNIT(the_first_reason_is_read_wherever_it_is),
	UNIT(long_words_are_cut_between_characters),
	UNIT(deep_nonsense_is_words),
};

UNIT_MAIN("errmap", tests)
