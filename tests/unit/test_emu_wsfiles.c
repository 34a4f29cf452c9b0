/* The calls of workspace-files, and signed URLs.  Reference, 3.4. */
#include "tests/support/emu_ws.h"
#include "tests/support/unit.h"

static const struct step hidden_calls[] = {
	{ "POST " WSF "/import-file/Shared%2Ff%20x.py?overwrite=false", "1", 200,
	    "{}" },
	{ "POST " WSF "/import-file/Shared/f%20x.py", "1", 409,
	    "File already exists at (/Shared/f x.py)." },
	{ "POST " WSF "/import-file/%2FWorkspace%2FShared%2Ff%20x.py"
	  "?overwrite=true",
	    "22", 200, "{}" },
	{ "GET " WSF "/Shared/f%20x.py", "", 200, "\r\n\r\n22" },
	{ "GET " WSF "/Shared/none", "", 404, "Path (/Shared/none)" },
	{ "GET " WSF "/Shared", "", 400, NULL },
	{ "POST " WSF "/import-file/Shared/n.sql",
	    "-- Databricks notebook source\nSELECT 1\n", 200, "{}" },
	{ STATUS("/Shared/n"), "", 200, "\"language\":\"SQL\"" },
	{ "POST " WSF "/import-file/Shared/n", "1", 400,
	    "Path (/Shared/n) already exists." },
	{ "POST " WSF "/import-file/Shared/n?overwrite=true", "1", 400,
	    "WORKSPACE_OBJECT_TYPE_MISMATCH" },
	{ "POST " WSF "/import-file/Shared/no/f", "1", 404,
	    "The parent folder (/Shared/no) does not exist." },
	{ "POST " WSF "/import-file", "1", 400, "path" },
	{ "GET " WSF "/object-info?path=/Shared/n", "", 200,
	    "{\"wsfs_object_info\":{\"object_info\":{\"path\":\"/Shared/n\"" },
	{ "GET " WSF "/list-files?path=/Shared", "", 200,
	    "\"url_type\":\"AzureSasUri\"" },
	{ "GET " WSF "/list-files?path=/Repos/me@example.com", "", 200,
	    "\r\n\r\n{}" },
	{ "POST " WSF "/new-files", "{\"path\":\"/Shared/n\"}", 400,
	    "RESOURCE_ALREADY_EXISTS" },
	{ "POST " WSF "/new-files",
	    "{\"path\":\"/Shared/new\",\"content\":\"?\"}", 400, "base64" },
	{ "POST /emulator/settings", "{\"workspace-files\":\"import\"}", 200,
	    NULL },
	{ "GET " WSF "/object-info?path=/Shared/n", "", 404,
	    "No API found for 'GET /workspace-files/object-info'" },
	{ "POST " WSF "/import-file/Shared/g", "1", 200, "{}" },
	{ "POST /emulator/settings",
	    "{\"workspace-files\":\"on\",\"signed-urls\":\"off\","
	    "\"children-limit\":3}",
	    200, NULL },
	{ "POST " WSF "/new-files", "{\"path\":\"/Shared/new\"}", 403,
	    "PERMISSION_DENIED" },
	{ "POST " WSF "/import-file/Shared/h", "1", 403,
	    "MAX_CHILD_NODE_SIZE_EXCEEDED" },
};

START_TEST(workspace_files_has_its_own_words)
{
	begin();
	run(hidden_calls, ARRAY_LEN(hidden_calls));
	end();
}
END_TEST

/* The signed URL in the answer to a call, without scheme and host. */
static char *
signed_url(const char *line, const char *body)
{
	char *answer = call(line, "", body, 5000);
	char *at = strstr(answer, "/storage/"), *url;

	ck_assert_msg(at != NULL, "%s", answer);
	url = strndup(at, strcspn(at, "\""));
	free(answer);
	return url;
}

/* Without a token. */
static char *
fetch(const char *method, const char *url, const char *headers,
    const char *body)
{
	char *text, *answer;

	text = text_printf("%s %s HTTP/1.1\r\nHost: localhost\r\n"
			   "Connection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
	    method, url, headers, strlen(body), body);
	answer = talk(text, strlen(text), 5000);
	free(text);
	return answer;
}

#define SCOPE "x-ms-encryption-scope: workspace\r\n"
#define BLOB  "x-ms-blob-type: BlockBlob\r\n"

static const struct {
	const char *method, *headers, *body;
	int status;
	const char *says;
} fetches[] = {
	{ "GET", SCOPE, "", 200, "\r\n\r\n0123456789" },
	{ "GET", SCOPE "Range: bytes=2-4\r\n", "", 206, "\r\n\r\n234" },
	{ "GET", SCOPE "Range: bytes=8-\r\n", "", 206,
	    "Content-Range: bytes 8-9/10" },
	{ "GET", SCOPE "Range: bytes=-1\r\n", "", 206, "\r\n\r\n9" },
	{ "GET", SCOPE "Range: bytes=10-\r\n", "", 416, "InvalidRange" },
	{ "GET", SCOPE "Range: bytes=x\r\n", "", 200, "0123456789" },
	{ "GET", SCOPE "If-Match: \"other\"\r\n", "", 412, "ConditionNotMet" },
	{ "GET", "", "", 400, "MissingRequiredHeader" },
	{ "GET", SCOPE "Authorization: Bearer t\r\n", "", 400,
	    "InvalidAuthenticationInfo" },
	{ "PUT", SCOPE BLOB, "1", 403, "AuthenticationFailed" },
};

START_TEST(a_signed_url_wants_no_token)
{
	char *url, *answer;

	begin();
	run(&(const struct step){ "POST " WSF "/import-file/Shared/f%20%26x",
		"0123456789", 200, "{}" },
	    1);
	url = signed_url(
	    "GET " WSF "/object-info?path=/Shared/f%20%26x", "");
	answer = fetch(
	    fetches[_i].method, url, fetches[_i].headers, fetches[_i].body);
	expect_status(answer, fetches[_i].status);
	ck_assert_msg(strstr(answer, fetches[_i].says) != NULL, "%s", answer);
	free(answer);
	free(url);
	end();
}
END_TEST

START_TEST(a_signed_url_ends)
{
	char *url, *answer;

	begin();
	run(&(const struct step){ "POST " WSF "/import-file/Shared/f", "1", 200,
		"{}" },
	    1);
	url = signed_url("GET " WSF "/object-info?path=/Shared/f", "");
	ck_assert_int_eq(timeline_set_offset(&emu.timeline, 899000), 0);
	answer = fetch("GET", url, SCOPE, "");
	expect_status(answer, 200);
	free(answer);
	ck_assert_int_eq(timeline_set_offset(&emu.timeline, 900001), 0);
	answer = fetch("GET", url, SCOPE, "");
	expect_status(answer, 403);
	free(answer);
	ck_assert_int_eq(timeline_set_offset(&emu.timeline, 0), 0);
	url[strlen(url) - 1] ^= 1;
	answer = fetch("GET", url, SCOPE, "");
	expect_status(answer, 403);
	free(answer);
	answer = fetch("GET", "/storage", SCOPE, "");
	expect_status(answer, 403);
	free(answer);
	free(url);
	end();
}
END_TEST

START_TEST(a_new_file_is_put_to_its_url)
{
	char *url, *answer;
	int64_t id;

	begin();
	url = signed_url("POST " WSF "/new-files", "{\"path\":\"/Shared/f\"}");
	id = id_of("/Shared/f");
	answer = fetch("PUT", url, SCOPE, "1");
	expect_status(answer, 400);
	free(answer);
	answer = fetch("PUT", url, SCOPE BLOB, "content");
	expect_status(answer, 201);
	free(answer);
	run(&(const struct step){ EXPORT("/Shared/f"), "", 200,
		"\r\n\r\ncontent" },
	    1);
	ck_assert_int_eq(id_of("/Shared/f"), id);
	run(&(const struct step){ "POST " WS "/delete",
		"{\"path\":\"/Shared/f\"}", 200, "{}" },
	    1);
	answer = fetch("PUT", url, SCOPE BLOB, "content");
	expect_status(answer, 404);
	free(answer);
	free(url);
	end();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(workspace_files_has_its_own_words),
	UNIT_ROWS(a_signed_url_wants_no_token, fetches),
	UNIT(a_signed_url_ends),
	UNIT(a_new_file_is_put_to_its_url),
};

UNIT_MAIN("emu/ep_wsfiles", tests)
