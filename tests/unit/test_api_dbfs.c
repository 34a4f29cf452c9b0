/* rest/api_dbfs, rest/api_scim: typed calls, and answers that are not what they
 * should be. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "rest/api_dbfs.h"
#include "rest/api_scim.h"
#include "tests/support/rest_on_script.h"
#include "tests/support/unit.h"

/* --- status and lists -------------------------------------------------------------- */

static const struct {
	const char *body;
	int err;
	bool is_dir;
	uint64_t size;
	int64_t mtime_ms;
} infos[] = {
	{ "{\"path\":\"/f\",\"is_dir\":false,\"file_size\":5,"
	  "\"modification_time\":1751620000000}", 0, false, 5,
	    INT64_C(1751620000000) },
	{ "{\"path\":\"/f\",\"is_dir\":true}", 0, true, 0, 0 },
	{ "{\"path\":\"/f\",\"file_size\":9007199254740993}", 0, false,
	    UINT64_C(9007199254740993), 0 },
	{ "{\"is_dir\":false}", -EIO, false, 0, 0 },
	{ "{\"path\":7}", -EIO, false, 0, 0 },
	{ "{\"path\":\"/f\",\"is_dir\":\"true\"}", -EIO, false, 0, 0 },
	{ "{\"path\":\"/f\",\"file_size\":-1}", -EIO, false, 0, 0 },
	{ "{\"path\":\"/f\",\"file_size\":\"5\"}", -EIO, false, 0, 0 },
	{ "{\"path\":\"/f\",\"file_size\":1e400}", -EIO, false, 0, 0 },
	{ "{\"path\":\"/f\",\"file_size\":99999999999999999999}", -EIO, false,
	    0, 0 },
	{ "{\"path\":\"/f\",\"file_size\":9223372036854775806}", -EIO, false, 0,
	    0 },
	{ "{\"path\":\"/f\",\"modification_time\":9223372036854775806}", -EIO,
	    false, 0, 0 },
	{ "{\"path\":\"/f\",\"modification_time\":-9223372036854775806}", -EIO,
	    false, 0, 0 },
	{ "{\"path\":\"/f\",\"modification_time\":[]}", -EIO, false, 0, 0 },
	{ "[]", -EIO, false, 0, 0 },
	{ "null", -EIO, false, 0, 0 },
	{ "", -EIO, false, 0, 0 },
};

static const char *
answer_with(const char *body)
{
	static char text[4096];

	(void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n"
	    "Connection: close\r\n\r\n%s", body);
	return text;
}

START_TEST(a_status_is_checked_field_by_field)
{
	const struct script_step steps[] = {
		{ .send = answer_with(infos[_i].body), .end = SCRIPT_CLOSE },
	};
	struct api_dbfs_info info;

	REST_BEGIN(steps);
	ck_assert_int_eq(api_dbfs_get_status(rest, &call, "/f", &info),
	    infos[_i].err);
	if (infos[_i].err == 0) {
		ck_assert_str_eq(info.path, "/f");
		ck_assert_int_eq(info.is_dir, infos[_i].is_dir);
		ck_assert_uint_eq(info.size, infos[_i].size);
		ck_assert_int_eq(info.mtime_ms, infos[_i].mtime_ms);
	} else {
		ck_assert_str_ne(call.words, "");
	}
	rest_end();
}
END_TEST

static char names[256];
static int stop_with;

static int
note(void *ctx, const struct api_dbfs_info *info)
{
	(void)ctx;
	strncat(names, info->path, sizeof(names) - strlen(names) - 1);
	return stop_with;
}

static const struct {
	const char *body;
	int stop;
	int want;
	const char *names;
} lists[] = {
	{ "{\"files\":[{\"path\":\"/d/a\"},{\"path\":\"/d/../b\"}]}", 0, 0,
	    "/d/a/d/../b" },
	{ "{\"files\":[{\"path\":\"/d/a\"},{\"path\":\"/d/b\"}]}", 7, 7,
	    "/d/a" },
	{ "{}", 0, 0, "" },
	{ "{\"files\":[]}", 0, 0, "" },
	{ "{\"files\":null}", 0, 0, "" },
	{ "{\"files\":[{\"path\":\"/d\",\"is_dir\":false}]}", 0, -ENOTDIR, "" },
	{ "{\"files\":[{\"path\":\"/d/d\"}]}", 0, 0, "/d/d" },
	/* One broken row breaks it all. */
	{ "{\"files\":[{\"path\":\"/d/a\"},{\"path\":1}]}", 0, -EIO, "" },
	{ "{\"files\":[{\"path\":\"/d/a\\u0000\"}]}", 0, -EIO, "" },
	{ "{\"files\":[null]}", 0, -EIO, "" },
	{ "{\"files\":{}}", 0, -EIO, "" },
	{ "[]", 0, -EIO, "" },
	{ "", 0, -EIO, "" },
};

START_TEST(a_list_is_whole_or_an_error)
{
	const struct script_step steps[] = {
		{ .send = answer_with(lists[_i].body), .end = SCRIPT_CLOSE },
	};

	REST_BEGIN(steps);
	stop_with = lists[_i].stop;
	ck_assert_int_eq(api_dbfs_list(rest, &call, "/d", note, NULL),
	    lists[_i].want);
	ck_assert_str_eq(names, lists[_i].names);
	rest_end();
}
END_TEST

/* --- reading ----------------------------------------------------------------------- */

static const struct {
	const char *body;
	ssize_t want; /* of 5 bytes asked for */
	const char *bytes;
} reads[] = {
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8=\"}", 5, "hello" },
	{ "{\"bytes_read\":3,\"data\":\"aGVs\"}", 3, "hel" },
	{ "{\"bytes_read\":4,\"data\":\"aGVsbA==\"}", 4, "hell" },
	{ "{\"bytes_read\":0,\"data\":\"\"}", 0, "" },
	{ "{\"bytes_read\":0}", 0, "" },
	{ "{}", 0, "" },
	{ "{\"bytes_read\":4,\"data\":\"aGVsbG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVs\"}", -EIO, "" },
	{ "{\"bytes_read\":6,\"data\":\"aGVsbG9v\"}", -EIO, "" },
	{ "{\"bytes_read\":5}", -EIO, "" },
	{ "{\"data\":\"aGVsbG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":-1,\"data\":\"\"}", -EIO, "" },
	{ "{\"bytes_read\":\"5\",\"data\":\"aGVsbG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":[]}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGV=bG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGV\\nbG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGV_bG8=\"}", -EIO, "" },
	{ "{\"bytes_read\":5,\"data\":\"aGVsbG8=aGVsbG8=\"}", -EIO, "" },
	{ "[]", -EIO, "" },
	{ "", -EIO, "" },
};

START_TEST(a_read_is_what_it_says_or_an_error)
{
	const struct script_step steps[] = {
		{ .send = answer_with(reads[_i].body), .end = SCRIPT_CLOSE },
	};
	char bytes[6] = "?????";

	REST_BEGIN(steps);
	ck_assert_int_eq(api_dbfs_read(rest, &call, "/f", 0, bytes, 5),
	    reads[_i].want);
	if (reads[_i].want >= 0)
		ck_assert_mem_eq(bytes, reads[_i].bytes,
		    (size_t)reads[_i].want);
	ck_assert_int_eq(bytes[5], '\0');
	rest_end();
}
END_TEST

START_TEST(beyond_the_end_is_told_apart)
{
	static const struct script_step steps[] = {
		ANSWER("400 Bad", "", "{\"error_code\":\"INVALID_PARAMETER_VALUE"
		    "\",\"message\":\"Cannot read when offset is greater than"
		    " file size. Found offset = 9\"}"),
	};
	char bytes[5];

	REST_BEGIN(steps);
	ck_assert_int_eq(api_dbfs_read(rest, &call, "/f", 9, bytes, 5),
	    -EINVAL);
	script_stop(server);
	ck_assert_ptr_nonnull(strstr(server->requests[0],
	    "?path=%2Ff&offset=9&length=5 "));
	rest_end();
}
END_TEST

/* --- writing ----------------------------------------------------------------------- */

static int
read_letters(void *ctx, uint64_t off, void *dst, size_t len)
{
	(void)ctx;
	(void)off;
	memset(dst, 'x', len);
	return 0;
}

static int
put(uint64_t len, bool overwrite)
{
	const struct rest_body body = { len, read_letters, NULL };
	int64_t server_ms;

	return api_dbfs_put(rest, &call, "/d/\"f", &body, overwrite,
	    &server_ms);
}

START_TEST(small_is_json_and_large_is_a_form)
{
	static const struct script_step steps[] = { OK_JSON("{}"),
		OK_JSON("{}"), OK_JSON("{}"), OK_JSON("{}") };

	REST_BEGIN(steps);
	ck_assert_int_eq(put(0, true), 0);
	ck_assert_int_eq(put(10, false), 0);
	ck_assert_int_eq(put(API_DBFS_BLOCK_MAX, true), 0);
	ck_assert_int_eq(put(API_DBFS_BLOCK_MAX + 1, true), 0);
	script_stop(server);
	ck_assert_uint_eq(server->body_bytes[0], strlen("{\"path\":\"/d/\\\"f\""
	    ",\"overwrite\":true,\"contents\":\"\"}"));
	ck_assert_ptr_nonnull(strstr(server->requests[1],
	    "Content-Type: application/json"));
	ck_assert_uint_eq(server->body_bytes[1], strlen("{\"path\":\"/d/\\\"f\""
	    ",\"overwrite\":false,\"contents\":\"\"}") + 16);
	ck_assert_uint_eq(server->body_bytes[2], strlen("{\"path\":\"/d/\\\"f\""
	    ",\"overwrite\":true,\"contents\":\"\"}") + 1398104);
	ck_assert_ptr_nonnull(strstr(server->requests[3],
	    "Content-Type: multipart/form-data; boundary="));
	ck_assert_uint_gt(server->body_bytes[3], API_DBFS_BLOCK_MAX + 1);
	rest_end();
}
END_TEST

static const uint64_t sizes[] = { 10, API_DBFS_BLOCK_MAX + 1 };

START_TEST(a_put_whose_answer_was_lost_is_repeated)
{
	static const struct script_step steps[] = {
		LOST,
		ANSWER("400 Bad", "",
		    "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\"}"),
	};
	uint64_t len = sizes[_i];

	REST_BEGIN(steps);
	ck_assert_int_eq(put(len, false), -EEXIST);
	rest_end();
}
END_TEST

static const enum script_end deaths[] = { SCRIPT_CLOSE, SCRIPT_RESET };

START_TEST(a_block_is_never_sent_twice)
{
	const struct script_step steps[] = {
		{ .send = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
		{ .end = deaths[_i] },
		OK_JSON("{}"),
	};
	static const struct api_dbfs_stream stream = { 42, "/f" };
	static char block[API_DBFS_BLOCK_MAX];

	REST_BEGIN(steps);
	/* The second goes over a connection that was good before; libcurl then
	 * opens another one, and has nothing to send over it. */
	ck_assert_int_eq(api_dbfs_add_block(rest, &call, &stream, block,
			     sizeof(block)),
	    0);
	ck_assert_int_lt(api_dbfs_add_block(rest, &call, &stream, block,
			     sizeof(block)),
	    0);
	ck_assert_uint_eq(server->n_requests, 2);
	script_stop(server);
	ck_assert_uint_eq(server->body_bytes[1],
	    strlen("{\"handle\":42,\"data\":\"\"}") + 1398104);
	rest_end();
}
END_TEST

START_TEST(a_handle_that_is_gone_is_not_a_missing_file)
{
	static const struct script_step steps[] = {
		OK_JSON("{\"handle\":9007199254740993}"),
		ANSWER("404 No", "", "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST"
		    "\",\"message\":\"No such stream with handle: 1.\"}"),
		ANSWER("404 No", "", "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST"
		    "\",\"message\":\"No such stream with handle: 1.\"}"),
		OK_JSON("{}"),
	};
	struct api_dbfs_stream stream;

	REST_BEGIN(steps);
	ck_assert_int_eq(api_dbfs_create(rest, &call, "/f", true, &stream), 0);
	ck_assert_int_eq(stream.handle, INT64_C(9007199254740993));
	ck_assert_int_eq(api_dbfs_add_block(rest, &call, &stream, "x", 1), -EIO);
	ck_assert_int_eq(api_dbfs_close(rest, &call, &stream), -EIO);
	ck_assert_int_eq(api_dbfs_create(rest, &call, "/f", true, &stream),
	    -EIO);
	rest_end();
}
END_TEST

/* --- names ------------------------------------------------------------------------- */

START_TEST(a_partial_delete_goes_on)
{
#define PARTIAL \
	ANSWER("503 Later", "", "{\"error_code\":\"PARTIAL_DELETE\"," \
	    "\"message\":\"The requested operation has deleted 12 files.\"}")
	static const struct script_step steps[] = { PARTIAL, PARTIAL, LOST,
		PARTIAL, OK_JSON("{}") };
	struct buf text;

	REST_BEGIN(steps);
	ck_assert_int_eq(api_dbfs_delete(rest, &call, "/d", true), 0);
	ck_assert_uint_eq(server->n_requests, 5);
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(errors_print(errors, &text), 0);
	ck_assert_ptr_null(strstr(buf_text(&text), "PARTIAL"));
	buf_release(&text);
	rest_end();
}
END_TEST

START_TEST(a_move_is_never_repeated_blindly)
{
	static const struct script_step steps[] = {
		LOST,
		OK_JSON("{}"),
		ANSWER("429 Slow", "Retry-After: 0\r\n", ""),
		OK_JSON("{}"),
	};
	bool unknown = false;

	REST_BEGIN(steps);
	ck_assert_int_eq(api_dbfs_move(rest, &call, "/a", "/b", &unknown),
	    -EIO);
	ck_assert(unknown);
	ck_assert_uint_eq(server->n_requests, 1);
	ck_assert_int_eq(api_dbfs_move(rest, &call, "/a", "/b", &unknown), 0);
	ck_assert(!unknown);
	ck_assert_int_eq(api_dbfs_move(rest, &call, "/a", "/b", &unknown), 0);
	ck_assert_uint_eq(server->n_requests, 4);
	rest_end();
}
END_TEST

/* --- who we are -------------------------------------------------------------------- */

START_TEST(me_has_a_name_and_a_workspace)
{
	static const struct script_step steps[] = {
		ANSWER("200 OK", "X-Databricks-Org-Id: 900800700600\r\n",
		    "{\"id\":\"1000012345\",\"userName\":\"me@x.com\"}"),
		OK_JSON("{\"id\":\"1\"}"),
		ANSWER("403 No", "", "{\"error_code\":403,\"message\":"
		    "\"Invalid access token. [ReqId: 1]\"}"),
	};
	struct api_scim_me me;

	REST_BEGIN(steps);
	ck_assert_int_eq(api_scim_me(rest, &call, &me), 0);
	ck_assert_str_eq(me.user_name, "me@x.com");
	ck_assert_str_eq(me.id, "1000012345");
	ck_assert_str_eq(me.org_id, "900800700600");
	ck_assert_int_eq(api_scim_me(rest, &call, &me), -EIO);
	ck_assert_int_eq(api_scim_me(rest, &call, &me), -EACCES);
	ck_assert_str_eq(call.words, "Invalid access token. [ReqId: 1]");
	rest_end();
}
END_TEST

static void
expect_error_about(const char *path)
{
	char field[64];
	struct buf text;

	snprintf(field, sizeof(field), "\t%s\t", path);
	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(errors_print(errors, &text), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&text), field));
	buf_release(&text);
}

/* A stream has no path; its caller has. */
START_TEST(an_error_of_a_block_names_its_file)
{
	static const struct script_step steps[] = {
		ANSWER("500 No", "", "{\"error_code\":\"INTERNAL_ERROR\"}"),
	};
	static const struct api_dbfs_stream stream = { 42, "/f" };

	REST_BEGIN(steps);
	ck_assert_int_eq(api_dbfs_add_block(rest, &call, &stream, "x", 1), -EIO);
	expect_error_about("/f");
	rest_end();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_status_is_checked_field_by_field, infos),
	UNIT_ROWS(a_list_is_whole_or_an_error, lists),
	UNIT_ROWS(a_read_is_what_it_says_or_an_error, reads),
	UNIT(beyond_the_end_is_told_apart),
	UNIT(small_is_json_and_large_is_a_form),
	UNIT_ROWS(a_put_whose_answer_was_lost_is_repeated, sizes),
	UNIT_ROWS(a_block_is_never_sent_twice, deaths),
	UNIT(a_handle_that_is_gone_is_not_a_missing_file),
	UNIT(an_error_of_a_block_names_its_file),
	UNIT(a_partial_delete_goes_on),
	UNIT(a_move_is_never_repeated_blindly),
	UNIT(me_has_a_name_and_a_workspace),
};

UNIT_MAIN("api_dbfs", tests)
