/* rest/api_workspace: typed calls, and answers that are not what they should be. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/jval.h"
#include "rest/api_workspace.h"
#include "tests/support/rest_on_script.h"
#include "tests/support/unit.h"

static const char *
answer_with(const char *body)
{
	static char text[4096];

	(void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n"
	    "Connection: close\r\n\r\n%s", body);
	return text;
}

/* --- objects ----------------------------------------------------------------------- */

#define OBJECT(members) "{\"path\":\"/x\",\"object_type\":\"FILE\"," members "}"

static const struct {
	const char *body;
	struct api_workspace_info want;
} objects[] = {
	{ "{\"object_type\":\"NOTEBOOK\",\"path\":\"/x\",\"language\":\"PYTHON\","
	  "\"object_id\":2210987654321002,\"created_at\":1751000000000,"
	  "\"modified_at\":1751000500000,\"repos_export_format\":\"SOURCE\","
	  "\"resource_id\":\"2210987654321002\"}",
	    { .type_name = "NOTEBOOK", .type = API_WORKSPACE_NOTEBOOK,
		.language = API_WORKSPACE_PYTHON,
		.object_id = UINT64_C(2210987654321002),
		.created_ms = INT64_C(1751000000000),
		.modified_ms = INT64_C(1751000500000), .has_format = true } },
	{ "{\"object_type\":\"NOTEBOOK\",\"path\":\"/x\",\"language\":\"PYTHON\","
	  "\"repos_export_format\":\"JUPYTER\"}",
	    { .type_name = "NOTEBOOK", .type = API_WORKSPACE_NOTEBOOK,
		.language = API_WORKSPACE_PYTHON, .has_format = true,
		.jupyter = true } },
	{ "{\"object_type\":\"NOTEBOOK\",\"path\":\"/x\",\"language\":\"SQL\"}",
	    { .type_name = "NOTEBOOK", .type = API_WORKSPACE_NOTEBOOK,
		.language = API_WORKSPACE_SQL } },
	{ "{\"object_type\":\"NOTEBOOK\",\"path\":\"/x\",\"language\":\"SCALA\"}",
	    { .type_name = "NOTEBOOK", .type = API_WORKSPACE_NOTEBOOK,
		.language = API_WORKSPACE_SCALA } },
	{ "{\"object_type\":\"NOTEBOOK\",\"path\":\"/x\",\"language\":\"R\"}",
	    { .type_name = "NOTEBOOK", .type = API_WORKSPACE_NOTEBOOK,
		.language = API_WORKSPACE_R } },
	{ "{\"object_type\":\"NOTEBOOK\",\"path\":\"/x\",\"language\":\"COBOL\"}",
	    { .type_name = "NOTEBOOK", .type = API_WORKSPACE_NOTEBOOK } },
	{ "{\"object_type\":\"NOTEBOOK\",\"path\":\"/x\",\"language\":null,"
	  "\"size\":null,\"object_id\":9223372036854775806}",
	    { .type_name = "NOTEBOOK", .type = API_WORKSPACE_NOTEBOOK,
		.object_id = INT64_MAX - 1 } },
	{ OBJECT("\"size\":17,\"object_id\":9007199254740993"),
	    { .type_name = "FILE", .type = API_WORKSPACE_FILE,
		.object_id = UINT64_C(9007199254740993), .has_size = true,
		.size = 17 } },
	{ OBJECT("\"size\":0"), { .type_name = "FILE",
		.type = API_WORKSPACE_FILE, .has_size = true } },
	{ OBJECT("\"x\":1"), { .type_name = "FILE",
		.type = API_WORKSPACE_FILE } },
	{ "{\"object_type\":\"DIRECTORY\",\"path\":\"/x\"}",
	    { .type_name = "DIRECTORY", .type = API_WORKSPACE_DIRECTORY } },
	{ "{\"object_type\":\"REPO\",\"path\":\"/x\",\"object_id\":7}",
	    { .type_name = "REPO", .type = API_WORKSPACE_DIRECTORY,
		.object_id = 7 } },
	{ "{\"object_type\":\"LIBRARY\",\"path\":\"/x\"}",
	    { .type_name = "LIBRARY", .type = API_WORKSPACE_OTHER } },
	{ "{\"object_type\":\"notebook\",\"path\":\"/x\"}",
	    { .type_name = "notebook", .type = API_WORKSPACE_OTHER } },
	{ "{\"object_type\":\"\",\"path\":\"/x\"}",
	    { .type_name = "", .type = API_WORKSPACE_OTHER } },
};

START_TEST(an_object_is_read_field_by_field)
{
	const struct script_step steps[] = {
		{ .send = answer_with(objects[_i].body), .end = SCRIPT_CLOSE },
	};
	const struct api_workspace_info *want = &objects[_i].want;
	struct api_workspace_info info;
	struct json_object *json;

	REST_BEGIN(steps);
	ck_assert_int_eq(api_workspace_get_status(rest, &call, "/x", false,
			     &info, &json), 0);
	ck_assert_str_eq(info.path, "/x");
	ck_assert_str_eq(info.type_name, want->type_name);
	ck_assert_int_eq(info.type, want->type);
	ck_assert_int_eq(info.language, want->language);
	ck_assert_uint_eq(info.object_id, want->object_id);
	ck_assert_int_eq(info.created_ms, want->created_ms);
	ck_assert_int_eq(info.modified_ms, want->modified_ms);
	ck_assert_int_eq(info.has_size, want->has_size);
	ck_assert_uint_eq(info.size, want->size);
	ck_assert_int_eq(info.has_format, want->has_format);
	ck_assert_int_eq(info.jupyter, want->jupyter);
	json_object_put(json);
	rest_end();
}
END_TEST

static const char *const broken[] = {
	"{\"object_type\":\"FILE\"}",
	"{\"path\":\"/x\"}",
	"{\"path\":7,\"object_type\":\"FILE\"}",
	"{\"path\":\"/x\\u0000y\",\"object_type\":\"FILE\"}",
	"{\"path\":\"/x\",\"object_type\":[]}",
	OBJECT("\"object_id\":-1"),
	OBJECT("\"object_id\":\"7\""),
	OBJECT("\"object_id\":1.5"),
	OBJECT("\"object_id\":99999999999999999999"),
	OBJECT("\"size\":-1"),
	OBJECT("\"size\":-2"),
	OBJECT("\"size\":\"5\""),
	OBJECT("\"size\":1e400"),
	OBJECT("\"size\":9223372036854775806"),
	OBJECT("\"modified_at\":9223372036854775806"),
	OBJECT("\"modified_at\":-9223372036854775806"),
	OBJECT("\"modified_at\":[]"),
	OBJECT("\"created_at\":9223372036854775806"),
	OBJECT("\"created_at\":{}"),
	OBJECT("\"language\":7"),
	OBJECT("\"repos_export_format\":{}"),
	"[]",
	"null",
	"7",
	"",
};

START_TEST(a_broken_status_is_an_error)
{
	const struct script_step steps[] = {
		{ .send = answer_with(broken[_i]), .end = SCRIPT_CLOSE },
	};
	struct json_object *json = NULL;
	struct api_workspace_info info;

	REST_BEGIN(steps);
	ck_assert_int_eq(api_workspace_get_status(rest, &call, "/x", false,
			     &info, &json), -EIO);
	ck_assert_ptr_null(json);
	ck_assert_str_ne(call.words, "");
	rest_end();
}
END_TEST

START_TEST(a_status_asks_for_what_is_wanted)
{
	static const struct script_step steps[] = {
		OK_JSON(OBJECT("\"size\":1")),
		OK_JSON("{\"path\":\"/x\",\"object_type\":\"REPO\",\"git_info\":"
			"{\"branch\":\"main\"}}"),
		ANSWER("404 No", "", "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST"
		    "\",\"message\":\"Path (/x) doesn't exist.\"}"),
	};
	struct api_workspace_info info;
	struct json_object *json, *git;

	REST_BEGIN(steps);
	ck_assert_int_eq(api_workspace_get_status(rest, &call, "/a b&c", false,
			     &info, &json), 0);
	json_object_put(json);
	ck_assert_int_eq(api_workspace_get_status(rest, &call, "/r", true,
			     &info, &json), 0);
	ck_assert_int_eq(jval_object(json, "git_info", &git), 0);
	json_object_put(json);
	ck_assert_int_eq(api_workspace_get_status(rest, &call, "/x", false,
			     &info, &json), -ENOENT);
	ck_assert_str_eq(call.words, "Path (/x) doesn't exist.");
	script_stop(server);
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "GET /api/2.0/workspace/get-status?path=%2Fa%20b%26c"
	    "&return_export_info=true "));
	ck_assert_ptr_nonnull(strstr(server->requests[1],
	    "?path=%2Fr&return_git_info=true "));
	rest_end();
}
END_TEST

/* --- lists ------------------------------------------------------------------------- */

#define ROW(path) "{\"path\":\"" path "\",\"object_type\":\"FILE\"}"
#define DIR(path) "{\"path\":\"" path "\",\"object_type\":\"DIRECTORY\"}"

static const struct {
	const char *body;
	int want; /* rows, or the error */
} lists[] = {
	{ "{}", 0 },
	{ "{\"objects\":[]}", 0 },
	{ "{\"objects\":null}", 0 },
	{ "{\"objects\":[" ROW("/d/a") "," ROW("/d/b") "]}", 2 },
	{ "{\"objects\":[" ROW("/Workspace/d/a") "]}", 1 },
	{ "{\"objects\":[" ROW("/d/d") "]}", 1 },
	/* What is no directory lists itself, under either of its paths. */
	{ "{\"objects\":[" ROW("/d") "]}", -ENOTDIR },
	{ "{\"objects\":[" ROW("/Workspace/d") "]}", -ENOTDIR },
	{ "{\"objects\":[" DIR("/d") "]}", 1 },
	/* One broken row breaks it all. */
	{ "{\"objects\":[" ROW("/d/a") ",{\"path\":1}]}", -EIO },
	{ "{\"objects\":[" ROW("/d/a\\u0000") "]}", -EIO },
	{ "{\"objects\":[null]}", -EIO },
	{ "{\"objects\":[[]]}", -EIO },
	{ "{\"objects\":{}}", -EIO },
	{ "{\"objects\":7}", -EIO },
	{ "[]", -EIO },
	{ "null", -EIO },
	{ "", -EIO },
};

START_TEST(a_list_is_whole_or_an_error)
{
	const struct script_step steps[] = {
		{ .send = answer_with(lists[_i].body), .end = SCRIPT_CLOSE },
	};
	struct json_object *json = NULL;
	int ret;

	REST_BEGIN(steps);
	ret = api_workspace_list(rest, &call, "/d", &json);
	if (lists[_i].want < 0) {
		ck_assert_int_eq(ret, lists[_i].want);
		ck_assert_ptr_null(json);
	} else {
		ck_assert_int_eq(ret, 0);
		ck_assert_int_eq((int)json_object_array_length(json),
		    lists[_i].want);
	}
	json_object_put(json);
	rest_end();
}
END_TEST

/* --- export ------------------------------------------------------------------------ */

static const struct {
	const char *body;
	int err;
	const char *text;
	size_t len;
} exports[] = {
	{ "{\"content\":\"aGVsbG8=\",\"file_type\":\"py\"}", 0, "hello", 5 },
	{ "{\"content\":\"AAEA\"}", 0, "\0\1", 3 },
	{ "{\"content\":\"\\/\\/\\/\\/\"}", 0, "\377\377\377", 3 },
	{ "{\"content\":\"\"}", 0, "", 0 },
	{ "{\"content\":null}", 0, "", 0 },
	{ "{}", 0, "", 0 },
	{ "{\"content\":\"aGVsbG8\"}", -EIO, "", 0 },
	{ "{\"content\":\"aGV=bG8=\"}", -EIO, "", 0 },
	{ "{\"content\":\"aGV\\nbG8=\"}", -EIO, "", 0 },
	{ "{\"content\":\"aGV_bG8=\"}", -EIO, "", 0 },
	{ "{\"content\":\"aGVsbG8=aGVsbG8=\"}", -EIO, "", 0 },
	{ "{\"content\":\"aGVsbG8=\\u0000\"}", -EIO, "", 0 },
	{ "{\"content\":[]}", -EIO, "", 0 },
	{ "{\"content\":7}", -EIO, "", 0 },
	{ "[]", -EIO, "", 0 },
	{ "null", -EIO, "", 0 },
	{ "", -EIO, "", 0 },
};

START_TEST(an_export_is_what_it_says_or_an_error)
{
	const struct script_step steps[] = {
		{ .send = answer_with(exports[_i].body), .end = SCRIPT_CLOSE },
	};
	struct buf out;

	REST_BEGIN(steps);
	buf_init(&out, 1000);
	ck_assert_int_eq(buf_puts(&out, "before "), 0);
	ck_assert_int_eq(api_workspace_export(rest, &call, "/x", "AUTO", &out),
	    exports[_i].err);
	ck_assert_uint_eq(out.len, 7 + exports[_i].len);
	ck_assert_mem_eq(out.data, "before ", 7);
	ck_assert_mem_eq(out.data + 7, exports[_i].text, exports[_i].len);
	ck_assert_int_eq(out.data[out.len], '\0');
	if (exports[_i].err < 0)
		ck_assert_str_ne(call.words, "");
	buf_release(&out);
	script_stop(server);
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "GET /api/2.0/workspace/export?path=%2Fx&format=AUTO "));
	rest_end();
}
END_TEST

/* The largest content, also from a server that escapes slashes. */
static const char *const fours[] = { "AAAA", "////", "\\/\\/\\/\\/" };

START_TEST(the_largest_export_is_taken)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	    "\r\n{\"content\":\"";
	size_t n = strlen(fours[_i]), at = strlen(head);
	char *answer = malloc(at + n * (API_WORKSPACE_EXPORT_MAX / 3 + 1) + 8);
	const struct script_step steps[] = {
		{ .send = answer, .end = SCRIPT_CLOSE },
	};
	struct buf out;

	ck_assert_ptr_nonnull(answer);
	memcpy(answer, head, at);
	for (unsigned i = 0; i < API_WORKSPACE_EXPORT_MAX / 3; i++, at += n)
		memcpy(answer + at, fours[_i], n);
	memcpy(answer + at, "AA==\"}", 7);
	REST_BEGIN(steps);
	buf_init(&out, 2 * API_WORKSPACE_EXPORT_MAX);
	ck_assert_int_eq(api_workspace_export(rest, &call, "/x", "AUTO", &out),
	    0);
	ck_assert_uint_eq(out.len, API_WORKSPACE_EXPORT_MAX);
	buf_release(&out);
	rest_end();
	free(answer);
}
END_TEST

static const char *const too_large[] = {
	"{\"error_code\":\"MAX_NOTEBOOK_SIZE_EXCEEDED\",\"message\":\"No.\"}",
	"{\"error_code\":\"MAX_READ_SIZE_EXCEEDED\",\"message\":\"No.\"}",
	"{\"error_code\":\"BAD_REQUEST\",\"message\":\"Size exceeds 10485760"
	" bytes\"}",
	"{\"error_code\":\"BAD_REQUEST\",\"message\":\"Notebook size exceeded"
	" limit: 11 > 10\"}",
	"{\"message\":\"content size (29861532) exceeded the the limit"
	" 10485760\"}",
};

START_TEST(too_large_an_export_is_told_apart)
{
	char answer[512];
	const struct script_step steps[] = {
		{ .send = answer, .end = SCRIPT_CLOSE },
	};
	struct buf out;

	(void)snprintf(answer, sizeof(answer), "HTTP/1.1 400 No\r\n"
	    "Connection: close\r\n\r\n%s", too_large[_i]);
	REST_BEGIN(steps);
	buf_init(&out, 1000);
	ck_assert_int_eq(api_workspace_export(rest, &call, "/x", "SOURCE",
			     &out), -EFBIG);
	ck_assert_uint_eq(out.len, 0);
	buf_release(&out);
	rest_end();
}
END_TEST

/* --- import ------------------------------------------------------------------------ */

static int
read_letters(void *ctx, uint64_t off, void *dst, size_t len)
{
	(void)ctx;
	(void)off;
	memset(dst, 'x', len);
	return 0;
}

static int
import(const char *format, enum api_workspace_language language, bool overwrite)
{
	const struct api_workspace_import what = { "/d/\"f\r\n", format,
		language, overwrite };
	const struct rest_body body = { 5, read_letters, NULL };
	int64_t server_ms;
	int ret = api_workspace_import(rest, &call, &what, &body, &server_ms);

	if (ret == 0)
		ck_assert_int_eq(server_ms, INT64_C(1782864000000));
	return ret;
}

/* The fields of the form that was sent, "name=value;" each, the content by its begin. */
static void
form_of(const char *request, char *out, size_t bytes)
{
	const char *at = request;

	out[0] = '\0';
	while ((at = strstr(at, "form-data; name=\"")) != NULL) {
		const char *name = at + 17, *value = strstr(at, "\r\n\r\n") + 4;
		const char *end = strstr(value, "\r\n--");
		size_t used = strlen(out);

		ck_assert_ptr_nonnull(end);
		(void)snprintf(out + used, bytes - used, "%.*s=%.*s;",
		    (int)strcspn(name, "\""), name, (int)(end - value), value);
		at = end;
	}
}

#define DATED ANSWER("200 OK", "Date: Wed, 01 Jul 2026 00:00:00 GMT\r\n", "{}")

START_TEST(an_import_is_a_form)
{
	static const struct script_step steps[] = { DATED, DATED, DATED };
	char form[512];

	REST_BEGIN(steps);
	ck_assert_int_eq(import("SOURCE", API_WORKSPACE_SCALA, true), 0);
	ck_assert_int_eq(import("JUPYTER", API_WORKSPACE_NO_LANGUAGE, false), 0);
	ck_assert_int_eq(import("RAW", API_WORKSPACE_NO_LANGUAGE, true), 0);
	script_stop(server);
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "POST /api/2.0/workspace/import HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "Content-Type: multipart/form-data; boundary="));
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "name=\"content\"; filename=\"content\""));
	form_of(server->requests[0], form, sizeof(form));
	ck_assert_str_eq(form, "path=/d/\"f\r\n;format=SOURCE;overwrite=true;"
	    "language=SCALA;content=xxxxx;");
	form_of(server->requests[1], form, sizeof(form));
	ck_assert_str_eq(form, "path=/d/\"f\r\n;format=JUPYTER;overwrite=false;"
	    "content=xxxxx;");
	form_of(server->requests[2], form, sizeof(form));
	ck_assert_str_eq(form, "path=/d/\"f\r\n;format=RAW;overwrite=true;"
	    "content=xxxxx;");
	rest_end();
}
END_TEST

static const struct {
	const char *status, *body;
	int want;
} refusals[] = {
	{ "400 No", "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\",\"message\":"
	  "\"Path (/x) already exists.\"}", -EEXIST },
	{ "409 No", "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\"}", -EEXIST },
	{ "400 No", "{\"message\":\"Path (/x) already exists.\"}", -EEXIST },
	{ "400 No", "{\"error_code\":\"INVALID_PARAMETER_VALUE\",\"message\":"
	  "\"Cannot overwrite.\",\"details\":[{\"@type\":\"type.googleapis.com/"
	  "google.rpc.ErrorInfo\",\"reason\":\"WORKSPACE_OBJECT_TYPE_MISMATCH\""
	  "}]}", -EEXIST },
	{ "404 No", "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":"
	  "\"The parent folder (/x) does not exist.\"}", -ENOENT },
	{ "400 No", "{\"error_code\":\"MAX_NOTEBOOK_SIZE_EXCEEDED\"}", -EFBIG },
	{ "400 No", "{\"message\":\"File size imported is (11396743 bytes),"
	  " exceeded max size (10485760 bytes)\"}", -EFBIG },
	{ "403 No", "{\"error_code\":\"MAX_CHILD_NODE_SIZE_EXCEEDED\","
	  "\"message\":\"Size limit exceeded for folder '/x' Current size:"
	  " 10000 Limit: 10000\"}", -ENOSPC },
	{ "403 No", "{\"error_code\":\"PERMISSION_DENIED\"}", -EACCES },
};

START_TEST(a_refused_import_says_why)
{
	char answer[512];
	const struct script_step steps[] = {
		{ .send = answer, .end = SCRIPT_CLOSE },
	};

	(void)snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\n"
	    "Connection: close\r\n\r\n%s", refusals[_i].status,
	    refusals[_i].body);
	REST_BEGIN(steps);
	ck_assert_int_eq(import("AUTO", API_WORKSPACE_NO_LANGUAGE, true),
	    refusals[_i].want);
	rest_end();
}
END_TEST

START_TEST(an_import_whose_answer_was_lost_is_repeated)
{
	static const struct script_step steps[] = {
		LOST,
		ANSWER("400 No", "",
		    "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\"}"),
		LOST,
		DATED,
	};

	REST_BEGIN(steps);
	ck_assert_int_eq(import("AUTO", API_WORKSPACE_NO_LANGUAGE, false),
	    -EEXIST);
	ck_assert_int_eq(import("AUTO", API_WORKSPACE_NO_LANGUAGE, true), 0);
	ck_assert_uint_eq(server->n_requests, 4);
	rest_end();
}
END_TEST

/* --- names ------------------------------------------------------------------------- */

static const char *
body_of(unsigned i)
{
	return strstr(server->requests[i], "\r\n\r\n") + 4;
}

START_TEST(names_are_changed_by_path)
{
	static const struct script_step steps[] = {
		OK_JSON("{}"),
		LOST,
		OK_JSON("{}"),
		ANSWER("400 No", "", "{\"error_code\":\"DIRECTORY_NOT_EMPTY\","
		    "\"message\":\"Folder (/x) is not empty\"}"),
		ANSWER("403 No", "", "{\"error_code\":\"DIRECTORY_PROTECTED\"}"),
		ANSWER("400 No", "",
		    "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\"}"),
	};

	REST_BEGIN(steps);
	ck_assert_int_eq(api_workspace_mkdirs(rest, &call, "/d \"e"), 0);
	ck_assert_int_eq(api_workspace_delete(rest, &call, "/d"), 0);
	ck_assert_int_eq(api_workspace_delete(rest, &call, "/x"), -ENOTEMPTY);
	ck_assert_int_eq(api_workspace_delete(rest, &call, "/Users"), -EPERM);
	ck_assert_int_eq(api_workspace_mkdirs(rest, &call, "/f"), -EEXIST);
	script_stop(server);
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "POST /api/2.0/workspace/mkdirs "));
	ck_assert_str_eq(body_of(0), "{\"path\":\"/d \\\"e\"}");
	ck_assert_ptr_nonnull(strstr(server->requests[1],
	    "POST /api/2.0/workspace/delete "));
	ck_assert_str_eq(body_of(1), "{\"path\":\"/d\"}");
	ck_assert_str_eq(body_of(2), "{\"path\":\"/d\"}");
	rest_end();
}
END_TEST

static int
rename_ab(bool *unknown)
{
	return api_workspace_rename(rest, &call, "/a", "/b", unknown);
}

START_TEST(a_rename_is_never_repeated_blindly)
{
	static const struct script_step steps[] = {
		LOST,
		OK_JSON("{}"),
		ANSWER("429 Slow", "Retry-After: 0\r\n", ""),
		OK_JSON("{}"),
		ANSWER("504 Late", "", ""),
		OK_JSON("nonsense"),
	};
	bool unknown = false;

	REST_BEGIN(steps);
	ck_assert_int_eq(rename_ab(&unknown), -EIO);
	ck_assert(unknown);
	ck_assert_uint_eq(server->n_requests, 1);
	ck_assert_int_eq(rename_ab(&unknown), 0);
	ck_assert(!unknown);
	ck_assert_int_eq(rename_ab(&unknown), 0);
	ck_assert_int_eq(rename_ab(&unknown), -ETIMEDOUT);
	ck_assert(unknown);
	unknown = false;
	ck_assert_int_eq(rename_ab(&unknown), -EIO);
	ck_assert(unknown);
	ck_assert_uint_eq(server->n_requests, 6);
	script_stop(server);
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "POST /api/2.0/workspace/rename "));
	ck_assert_str_eq(body_of(0),
	    "{\"source_path\":\"/a\",\"destination_path\":\"/b\"}");
	rest_end();
}
END_TEST

START_TEST(a_rename_that_is_refused_changed_nothing)
{
	static const struct script_step steps[] = {
		ANSWER("404 No", "", "{\"error_code\":\"ENDPOINT_NOT_FOUND\"}"),
		ANSWER("403 No", "", "{\"error_code\":\"PERMISSION_DENIED\"}"),
		ANSWER("400 No", "",
		    "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\"}"),
		ANSWER("404 No", "",
		    "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\"}"),
	};
	static const int want[] = { -ENOSYS, -EACCES, -EEXIST, -ENOENT };

	REST_BEGIN(steps);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		bool unknown = true;

		ck_assert_int_eq(rename_ab(&unknown), want[i]);
		ck_assert(!unknown);
	}
	rest_end();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(an_object_is_read_field_by_field, objects),
	UNIT_ROWS(a_broken_status_is_an_error, broken),
	UNIT(a_status_asks_for_what_is_wanted),
	UNIT_ROWS(a_list_is_whole_or_an_error, lists),
	UNIT_ROWS(an_export_is_what_it_says_or_an_error, exports),
	UNIT_ROWS(the_largest_export_is_taken, fours),
	UNIT_ROWS(too_large_an_export_is_told_apart, too_large),
	UNIT(an_import_is_a_form),
	UNIT_ROWS(a_refused_import_says_why, refusals),
	UNIT(an_import_whose_answer_was_lost_is_repeated),
	UNIT(names_are_changed_by_path),
	UNIT(a_rename_is_never_repeated_blindly),
	UNIT(a_rename_that_is_refused_changed_nothing),
};

UNIT_MAIN("api_workspace", tests)
