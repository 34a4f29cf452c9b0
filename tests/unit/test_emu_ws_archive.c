/* Directories as archives, and notebooks in forms that are not kept. */
#include "base/base64.h"
#include "emu/zip.h"
#include "tests/support/emu_ws.h"
#include "tests/support/unit.h"

/* The content of an export, as base64, in new memory. */
static char *
exported(const char *path, const char *format)
{
	char *line = text_printf(
	    "GET " WS "/export?path=%s&format=%s", path, format);
	char *answer = call(line, "", "", 5000);
	char *at = strstr(answer, "\"content\":\""), *content;

	expect_status(answer, 200);
	ck_assert_ptr_nonnull(at);
	at += strlen("\"content\":\"");
	content = strndup(at, strcspn(at, "\""));
	free(answer);
	free(line);
	return content;
}

static void
import_as(const char *path, const char *format, const char *content,
    const char *more, int status, const char *says)
{
	char *body = text_printf(
	    "{\"path\":\"%s\",\"format\":\"%s\",\"content\":\"%s\"%s}",
	    path, format, content, more);

	run(&(const struct step){ "POST " WS "/import", body, status, says }, 1);
	free(body);
}

static const struct step tree[] = {
	{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/t/s\"}", 200, "{}" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/t/\xc3\xbc n",
		"\"language\":\"PYTHON\",\"content\":\"" PRINT "\""),
	    200, "{}" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/t/s/m",
		"\"language\":\"SCALA\",\"content\":\"" SUM "\""),
	    200, "{}" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/t/s/f.txt",
		"\"format\":\"RAW\",\"content\":\"" SUM "\""),
	    200, "{}" },
};

/* Formats of a directory: that of the export, that of the import, and whether files
 * come along. */
static const struct {
	const char *export, *import;
	bool files;
} archives[] = {
	{ "SOURCE", "SOURCE", false },
	{ "AUTO", "SOURCE", true },
	{ "DBC", "DBC", false },
};

START_TEST(a_directory_goes_through_an_archive)
{
	const struct step after[] = {
		{ EXPORT("/Shared/u/%C3%BC%20n"), "", 200,
		    "\r\n\r\n# Databricks notebook source\nprint(1)" },
		{ STATUS("/Shared/u/s/m"), "", 200, "\"language\":\"SCALA\"" },
		{ EXPORT("/Shared/u/s/f.txt"), "",
		    archives[_i].files ? 200 : 404, NULL },
		{ EXPORT("/Shared/t/s&format=JUPYTER"), "", 400, "directory" },
	};
	char *content;

	begin();
	run(tree, ARRAY_LEN(tree));
	content = exported("/Shared/t", archives[_i].export);
	import_as("/Shared/u", archives[_i].import, content, "", 200, "{}");
	run(after, ARRAY_LEN(after));
	import_as("/Shared/u", archives[_i].import, content, "", 400,
	    "RESOURCE_ALREADY_EXISTS");
	import_as("/Shared/no/u", archives[_i].import, content, "", 404,
	    "parent folder (/Shared/no)");
	import_as("/Shared/u", archives[_i].import, content,
	    ",\"overwrite\":true", archives[_i].import[0] == 'D' ? 400 : 200,
	    NULL);
	free(content);
	set("export-limit", "100");
	run(&(const struct step){ EXPORT("/Shared/t&format=AUTO"), "", 400,
		"Size exceeds 100 bytes" },
	    1);
	end();
}
END_TEST

static const char *const outside[] = { "../x.py", "/Shared/x.py", "a/../../x.py" };

static char *
raw_call(const char *line, const struct buf *body)
{
	struct buf text;
	char *answer;

	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(
	    buf_printf(&text,
		"%s HTTP/1.1\r\n" HEADERS
		"Connection: close\r\nContent-Length: %zu\r\n\r\n",
		line, body->len),
	    0);
	ck_assert_int_eq(buf_append(&text, body->data, body->len), 0);
	answer = talk(text.data, text.len, 5000);
	buf_release(&text);
	return answer;
}

START_TEST(a_spoilt_notebook_is_left_out)
{
	static const struct step spoil = {
		"PUT /emulator/file?tree=workspace&path=/Shared/t/bad&language=R",
		"\xff", 200, "{}" };
	char *content;

	begin();
	run(tree, ARRAY_LEN(tree));
	run(&spoil, 1);
	content = exported("/Shared/t", "DBC");
	import_as("/Shared/u", "DBC", content, "", 200, "{}");
	run(&(const struct step){ STATUS("/Shared/u/bad"), "", 404, NULL }, 1);
	run(&(const struct step){ STATUS("/Shared/u/s/m"), "", 200, NULL }, 1);
	free(content);
	end();
}
END_TEST

START_TEST(import_file_may_unzip)
{
	struct buf zip;
	struct zip *z;
	char *answer;

	begin();
	buf_init(&zip, BUF_LIMIT_TEXT);
	ck_assert_int_eq(zip_new(&zip, emu.utf8, &z), 0);
	ck_assert_int_eq(zip_add(z, "a/f", 0, "1", 1), 0);
	ck_assert_int_eq(zip_end(z), 0);
	zip_free(z);
	for (int i = 0; i < 2; i++) {
		set("import-file-unzips", i > 0 ? "1" : "0");
		answer = raw_call(
		    "POST /api/2.0/workspace-files/import-file/Shared/x.zip",
		    &zip);
		expect_status(answer, 200);
		free(answer);
	}
	run(&(const struct step){ STATUS("/Shared/x.zip"), "", 200,
		"\"object_type\":\"FILE\"" },
	    1);
	run(&(const struct step){ EXPORT("/Shared/x/a/f"), "", 200,
		"\r\n\r\n1" },
	    1);
	buf_release(&zip);
	end();
}
END_TEST

START_TEST(an_archive_leads_nowhere_else)
{
	struct buf zip;
	struct zip *z;
	char *text;

	begin();
	buf_init(&zip, BUF_LIMIT_TEXT);
	ck_assert_int_eq(zip_new(&zip, emu.utf8, &z), 0);
	ck_assert_int_eq(zip_add(z, outside[_i], 0, "1", 1), 0);
	ck_assert_int_eq(zip_end(z), 0);
	zip_free(z);
	text = malloc(BASE64_TEXT_LEN(zip.len) + 1);
	ck_assert_ptr_nonnull(text);
	base64_encode(text, zip.data, zip.len);
	import_as("/Shared/d", "SOURCE", text, "", 400, "zip file may not be");
	run(&(const struct step){ STATUS("/Shared/x.py"), "", 404, NULL }, 1);
	run(&(const struct step){ STATUS("/x.py"), "", 404, NULL }, 1);
	free(text);
	buf_release(&zip);
	end();
}
END_TEST

static const struct {
	const char *format, *says;
} forms_of_one[] = {
	{ "DBC", "print(1)" },
	{ "HTML", "print(1)" },
};

START_TEST(a_notebook_goes_through_other_forms)
{
	char *content;

	begin();
	run(tree, ARRAY_LEN(tree));
	content = exported("/Shared/t/%C3%BC%20n", forms_of_one[_i].format);
	import_as("/Shared/one", forms_of_one[_i].format, content, "", 200, "{}");
	run(&(const struct step){ EXPORT("/Shared/one"), "", 200,
		forms_of_one[_i].says },
	    1);
	import_as("/Shared/two", forms_of_one[_i].format, SUM, "", 400,
	    "INVALID_PARAMETER_VALUE");
	free(content);
	run(&(const struct step){ EXPORT("/Shared/one&format=R_MARKDOWN"), "",
		400, "Only R" },
	    1);
	import_as("/Shared/r", "R_MARKDOWN", "YWJj", "", 200, "{}");
	run(&(const struct step){ EXPORT("/Shared/r&format=R_MARKDOWN"), "",
		200, "---\n\nabc\n" },
	    1);
	end();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_directory_goes_through_an_archive, archives),
	UNIT(a_spoilt_notebook_is_left_out),
	UNIT(import_file_may_unzip),
	UNIT_ROWS(an_archive_leads_nowhere_else, outside),
	UNIT_ROWS(a_notebook_goes_through_other_forms, forms_of_one),
};

UNIT_MAIN("emu/ws_archive", tests)
