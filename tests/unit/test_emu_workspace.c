/* The Workspace API, call by call over a real connection.  Reference, 3. */
#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/jval.h"
#include "emu/zip.h"
#include "tests/support/emu_server.h"
#include "tests/support/unit.h"

#define WS   "/api/2.0/workspace"
#define FORM "Content-Type: multipart/form-data; boundary=XX\r\n"
#define PART "--XX\r\nContent-Disposition: form-data; name="
#define END  "--XX--\r\n"

/* "print(1)", with and without a header; "1+1"; {} */
#define PRINT  "cHJpbnQoMSk="
#define HEADED "IyBEYXRhYnJpY2tzIG5vdGVib29rIHNvdXJjZQpwcmludCgxKQ=="
#define SUM    "MSsx"
#define EMPTY  "e30="

/* {"cells":[{"cell_type":"code","metadata":{},"outputs":[],"source":["1"]}],
 * "metadata":{},"nbformat":4,"nbformat_minor":0} */
#define JUPYTER_TEXT                                                          \
	"{\"cells\":[{\"cell_type\":\"code\",\"metadata\":{},\"outputs\":[]," \
	"\"source\":[\"1\"]}],\"metadata\":{},\"nbformat\":4,"                \
	"\"nbformat_minor\":0}"

struct step {
	const char *line, *body;
	int status;
	const char *says; /* somewhere in the answer; NULL: it does not matter */
};

static void
run(const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct step *s = &steps[i];
		char *answer = call(s->line,
		    strncmp(s->body, "--XX", 4) == 0 ? FORM : "", s->body, 5000);

		expect_status(answer, s->status);
		ck_assert_msg(
		    s->says == NULL || strstr(answer, s->says) != NULL,
		    "%s %s: %s", s->line, s->body, answer);
		free(answer);
	}
}

/* The number after the name in what a call answers. */
static int64_t
number(const char *line, const char *name)
{
	char *answer = call(line, "", "", 5000), *at = strstr(answer, name);
	int64_t n;

	expect_status(answer, 200);
	ck_assert_ptr_nonnull(at);
	n = strtoll(at + strlen(name), NULL, 10);
	free(answer);
	return n;
}

static int64_t
id_of(const char *path)
{
	char *line = text_printf("GET " WS "/get-status?path=%s", path);
	int64_t id = number(line, "\"object_id\":");

	free(line);
	return id;
}

static void
set(const char *name, const char *value)
{
	ck_assert_int_eq(settings_set(&emu.settings, name, value), 0);
}

static const struct step names[] = {
	{ "GET " WS "/get-status?path=/", "", 200,
	    "\"object_type\":\"DIRECTORY\"" },
	{ "GET " WS "/get-status?path=/Workspace", "", 200,
	    "\"path\":\"/Workspace\"" },
	{ "GET " WS "/get-status?path=/Workspace/Shared", "", 200,
	    "\"path\":\"/Workspace/Shared\"" },
	{ "GET " WS "/get-status?path=//Workspace//Shared/", "", 200,
	    "\"path\":\"/Shared\"" },
	{ "GET " WS "/get-status?path=/shared", "", 404,
	    "Path (/shared) doesn't exist." },
	{ "GET " WS "/get-status", "{\"path\":\"/Users/me@example.com\"}", 200,
	    NULL },
	{ "GET " WS "/get-status", "", 400, "path" },
	{ "GET " WS "/list?path=/Shared", "", 200, "\r\n\r\n{}" },
	{ "GET " WS "/list?path=/none", "", 404, "RESOURCE_DOES_NOT_EXIST" },
	{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/a/b\"}", 200, "{}" },
	{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/a/b\"}", 200, "{}" },
	{ "POST " WS "/import",
	    "{\"path\":\"/Shared/a/f\",\"format\":\"RAW\",\"content\":\"" SUM
	    "\"}",
	    200, "{}" },
	{ "GET " WS "/list?path=/Shared/a/f", "", 200,
	    "{\"objects\":[{\"path\":\"/Shared/a/f\",\"object_type\":\"FILE\"" },
	{ "GET " WS "/get-status?path=/Shared/a/f", "", 200, "\"size\":3" },
	{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/a/f\"}", 400,
	    "RESOURCE_ALREADY_EXISTS" },
	{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/a/f/g\"}", 400,
	    "RESOURCE_ALREADY_EXISTS" },
	{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/.git\"}", 400,
	    "DIRECTORY_PROTECTED" },
	{ "POST " WS "/import",
	    "{\"path\":\"/Shared/.git\",\"format\":\"RAW\",\"content\":\"\"}",
	    200, "{}" },
	{ "POST " WS "/mkdirs", "{\"path\":\"/Repos/me@example.com/r\"}", 400,
	    "DIRECTORY_PROTECTED" },
	{ "POST " WS "/import",
	    "{\"path\":\"/Repos/me@example.com/r\",\"format\":\"RAW\","
	    "\"content\":\"\"}",
	    400, "DIRECTORY_PROTECTED" },
	{ "POST " WS "/delete", "{\"path\":\"/Shared/none\"}", 404,
	    "Path (/Shared/none) doesn't exist." },
	{ "POST " WS "/delete", "{\"path\":\"/Shared/a\"}", 400,
	    "DIRECTORY_NOT_EMPTY" },
	{ "POST " WS "/delete", "{\"path\":\"/Users/me@example.com\"}", 400,
	    "DIRECTORY_PROTECTED" },
	{ "POST " WS "/delete",
	    "{\"path\":\"/Shared\",\"recursive\":\"true\"}", 400,
	    "DIRECTORY_PROTECTED" },
	{ "POST " WS "/delete",
	    "{\"path\":\"/Shared/a\",\"recursive\":true}", 200, "{}" },
	{ "GET " WS "/get-status?path=/Shared/a/f", "", 404, NULL },
};

START_TEST(names_are_made_and_removed)
{
	begin();
	run(names, ARRAY_LEN(names));
	end();
}
END_TEST

#define IMPORT(path, rest) "{\"path\":\"" path "\"," rest "}"
#define STATUS(path) "GET " WS "/get-status?return_export_info=true&path=" path
#define EXPORT(path) "GET " WS "/export?direct_download=true&path=" path

static const struct step imports[] = {
	/* SOURCE with a language is a notebook, of that very name. */
	{ "POST " WS "/import",
	    IMPORT("/Shared/n.py",
		"\"language\":\"PYTHON\",\"content\":\"" PRINT "\""),
	    200, "{}" },
	{ STATUS("/Shared/n.py"), "", 200,
	    "\"repos_export_format\":\"SOURCE\"" },
	{ EXPORT("/Shared/n.py"), "", 200,
	    "\r\n\r\n# Databricks notebook source\nprint(1)" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/n.py",
		"\"language\":\"PYTHON\",\"content\":\"" PRINT "\""),
	    400, "Path (/Shared/n.py) already exists." },
	{ "POST " WS "/import",
	    IMPORT("/Shared/n.py",
		"\"overwrite\":true,\"language\":\"SCALA\",\"content\":\"" SUM
		"\""),
	    200, "{}" },
	{ STATUS("/Shared/n.py"), "", 200, "\"language\":\"SCALA\"" },
	{ "GET " WS "/export?path=/Shared/n.py", "", 200,
	    "\"file_type\":\"scala\"" },
	/* SOURCE without one is an archive. */
	{ "POST " WS "/import", IMPORT("/Shared/z", "\"content\":\"" SUM "\""),
	    400, "The zip file may not be valid" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/z", "\"language\":\"COBOL\",\"content\":\"\""), 400,
	    "COBOL" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/z", "\"format\":\"auto\",\"content\":\"\""), 400,
	    "auto" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/z", "\"format\":\"RAW\",\"content\":\"?\""), 400,
	    "base64" },
	/* AUTO goes by extension and first line. */
	{ "POST " WS "/import",
	    IMPORT("/Shared/m.py",
		"\"format\":\"AUTO\",\"content\":\"" HEADED "\""),
	    200, "{}" },
	{ STATUS("/Shared/m.py"), "", 404, NULL },
	{ STATUS("/Shared/m"), "", 200, "\"object_type\":\"NOTEBOOK\"" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/m.py",
		"\"format\":\"AUTO\",\"content\":\"" PRINT "\""),
	    200, "{}" },
	{ STATUS("/Shared/m.py"), "", 200, "\"object_type\":\"FILE\"" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/m.sql",
		"\"format\":\"AUTO\",\"content\":\"" HEADED "\""),
	    200, "{}" },
	{ STATUS("/Shared/m.sql"), "", 200, "\"object_type\":\"FILE\"" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/d.lvdash.json",
		"\"format\":\"AUTO\",\"content\":\"" EMPTY "\""),
	    200, "{}" },
	{ STATUS("/Shared/d.lvdash.json"), "", 200,
	    "\"object_type\":\"DASHBOARD\"" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/j.ipynb",
		"\"format\":\"AUTO\",\"content\":\"" EMPTY "\""),
	    200, "{}" },
	{ STATUS("/Shared/j.ipynb"), "", 200, "\"object_type\":\"FILE\"" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/j",
		"\"format\":\"JUPYTER\",\"content\":\"" EMPTY "\""),
	    400, "INVALID_PARAMETER_VALUE" },
	/* Forms, with the options after the file. */
	{ "POST " WS "/import",
	    PART "\"path\"\r\n\r\n/Shared/k.ipynb\r\n" PART
		 "\"content\"; filename=\"x\"\r\n\r\n" JUPYTER_TEXT "\r\n" PART
		 "\"format\"\r\n\r\nAUTO\r\n" END,
	    200, "{}" },
	{ STATUS("/Shared/k"), "", 200,
	    "\"repos_export_format\":\"JUPYTER\"" },
	{ EXPORT("/Shared/k"), "", 200,
	    "\r\n\r\n# Databricks notebook source\n1" },
	{ EXPORT("/Shared/k&format=AUTO"), "", 200, "\"nbformat\": 4" },
	{ EXPORT("/Shared/m&format=HTML"), "", 200, "<!DOCTYPE html>" },
	{ "POST " WS "/import",
	    PART "\"content\"; filename=\"x\"\r\n\r\nprint(2)\n\r\n" PART
		 "\"path\"\r\n\r\n/Workspace/Shared/m\r\n" PART
		 "\"overwrite\"\r\n\r\ntrue\r\n" PART
		 "\"language\"\r\n\r\nPYTHON\r\n" END,
	    200, "{}" },
	{ EXPORT("/Shared/m"), "", 200,
	    "\r\n\r\n# Databricks notebook source\nprint(2)" },
	/* What is in the way. */
	{ "POST " WS "/import",
	    IMPORT("/Shared/m",
		"\"format\":\"RAW\",\"overwrite\":true,\"content\":\"\""),
	    400, "WORKSPACE_OBJECT_TYPE_MISMATCH" },
	{ "POST " WS "/import",
	    IMPORT("/Shared",
		"\"format\":\"RAW\",\"overwrite\":true,\"content\":\"\""),
	    400, "(asked: FILE, actual: DIRECTORY)" },
	{ "POST " WS "/import",
	    IMPORT("/Shared/no/f", "\"format\":\"RAW\",\"content\":\"\""), 404,
	    "The parent folder (/Shared/no) does not exist." },
	{ EXPORT("/Shared/m.py&format=JUPYTER"), "", 400, NULL },
	{ EXPORT("/Shared/none"), "", 404, "Path (/Shared/none)" },
};

START_TEST(imports_make_what_they_say)
{
	begin();
	run(imports, ARRAY_LEN(imports));
	end();
}
END_TEST

START_TEST(an_id_outlives_changes_and_restarts)
{
	static const struct step steps[] = {
		{ "POST " WS "/import",
		    IMPORT("/Shared/a",
			"\"overwrite\":true,\"language\":\"SQL\","
			"\"content\":\"\""),
		    200, "{}" },
		{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/d\"}", 200,
		    "{}" },
		{ "POST " WS "/rename",
		    "{\"source_path\":\"/Shared/a\","
		    "\"destination_path\":\"/Shared/d/b\"}",
		    200, "{}" },
		{ "POST " WS "/rename",
		    "{\"source_path\":\"/Shared/d\","
		    "\"destination_path\":\"/Shared/e\"}",
		    200, "{}" },
		{ STATUS("/Shared/e/b"), "", 200, "\"language\":\"SQL\"" },
	};
	int64_t id;

	begin();
	run(steps, 1);
	id = id_of("/Shared/a");
	run(steps, ARRAY_LEN(steps));
	ck_assert_int_eq(id_of("/Shared/e/b"), id);
	stop();
	start();
	run(steps + 4, 1);
	ck_assert_int_eq(id_of("/Shared/e/b"), id);
	end();
}
END_TEST

static const struct step renames[] = {
	{ "POST " WS "/import",
	    IMPORT("/Shared/a", "\"format\":\"RAW\",\"content\":\"\""), 200,
	    "{}" },
	{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/d\"}", 200, "{}" },
	{ "POST " WS "/rename",
	    "{\"source_path\":\"/Shared/a\",\"destination_path\":\"/Shared/d\"}",
	    400, "RESOURCE_ALREADY_EXISTS" },
	{ "POST " WS "/rename",
	    "{\"source_path\":\"/Shared/none\",\"destination_path\":\"/Shared/"
	    "x\"}",
	    404, "Path (/Shared/none) doesn't exist." },
	{ "POST " WS "/rename",
	    "{\"source_path\":\"/Shared/a\",\"destination_path\":\"/Shared/x/"
	    "y\"}",
	    404, "The parent folder (/Shared/x) does not exist." },
	{ "POST " WS "/rename",
	    "{\"source_path\":\"/Shared/d\",\"destination_path\":\"/Shared/d/"
	    "e\"}",
	    400, "INVALID_PARAMETER_VALUE" },
	{ "POST " WS "/rename",
	    "{\"source_path\":\"/Users\",\"destination_path\":\"/Shared/u\"}",
	    400, "DIRECTORY_PROTECTED" },
	{ "POST " WS "/rename",
	    "{\"source_path\":\"/Shared/d\",\"destination_path\":\"/Shared/"
	    ".git\"}",
	    400, "DIRECTORY_PROTECTED" },
	{ "POST " WS "/rename",
	    "{\"source_path\":\"/Shared/a\"}", 400, "destination_path" },
};

START_TEST(renames_replace_nothing)
{
	begin();
	run(renames, ARRAY_LEN(renames));
	set("rename-disabled", "1");
	run(&(const struct step){ "POST " WS "/rename",
		"{\"source_path\":\"/Shared/a\",\"destination_path\":"
		"\"/Shared/b\"}",
		404, "No API found for 'POST /workspace/rename'" },
	    1);
	end();
}
END_TEST

START_TEST(settings_choose_what_nobody_knows)
{
	static const struct step steps[] = {
		{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/.git\"}", 200,
		    "{}" },
		{ "POST " WS "/import",
		    IMPORT("/Shared/f", "\"format\":\"RAW\",\"content\":\"" SUM
					"\""),
		    200, "{}" },
		{ "POST " WS "/import",
		    IMPORT("/Shared/f", "\"format\":\"RAW\",\"content\":\"" SUM
					"\""),
		    409, "RESOURCE_ALREADY_EXISTS" },
		{ "POST " WS "/import",
		    IMPORT("/Shared/g", "\"format\":\"RAW\",\"content\":\"\""),
		    400, "Size limit exceeded for folder '/Shared' Current "
			 "size: 2 Limit: 2" },
		{ "GET " WS "/export?path=/Shared/f", "", 400,
		    "content size (3) exceeded the the limit 2" },
		{ EXPORT("/Shared/f"), "", 200, "\r\n\r\n1+1" },
		{ "GET " WS "/get-status?path=/Shared/f", "", 200,
		    "\"size\":3" },
	};

	begin();
	set("git-dirs", "allow");
	set("exists-status", "409");
	set("children-limit", "2");
	set("export-limit", "2");
	set("direct-download", "unlimited");
	run(steps, ARRAY_LEN(steps));
	end();
}
END_TEST

/* What servers of an age say of a file, a notebook and a directory; NULL: they do
 * not say that. */
static const struct {
	const char *age, *size, *path, *says, *says_not;
} ages[] = {
	{ "modern", "absent", "/Shared/f", "\"size\":3", NULL },
	{ "modern", "absent", "/Shared/n", "\"modified_at\":", "\"size\"" },
	{ "modern", "zero", "/Shared/n", "\"size\":0", NULL },
	{ "modern", "absent", "/Shared", "\"modified_at\":", "\"size\"" },
	{ "files", "absent", "/Shared/f", "\"modified_at\":", NULL },
	{ "files", "absent", "/Shared/n", "\"resource_id\":", "_at\":" },
	{ "files", "absent", "/Shared", "\"resource_id\":", "_at\":" },
	{ "oldest", "absent", "/Shared/f", "\"object_id\":", "\"resource_id\"" },
	{ "oldest", "zero", "/Shared/n", "\"language\":", "\"size\"" },
};

START_TEST(servers_of_an_age_tell_so_much)
{
	static const struct step steps[] = {
		{ "POST " WS "/import",
		    IMPORT("/Shared/f", "\"format\":\"RAW\",\"content\":\"" SUM
					"\""),
		    200, "{}" },
		{ "POST " WS "/import",
		    IMPORT("/Shared/n", "\"language\":\"SQL\",\"content\":\""
					"\""),
		    200, "{}" },
	};
	char *line, *answer;

	begin();
	run(steps, ARRAY_LEN(steps));
	set("objects", ages[_i].age);
	set("notebook-size", ages[_i].size);
	line = text_printf("GET " WS "/get-status?path=%s", ages[_i].path);
	answer = call(line, "", "", 5000);
	expect_status(answer, 200);
	ck_assert_msg(strstr(answer, ages[_i].says) != NULL, "%s", answer);
	ck_assert_msg(ages[_i].says_not == NULL ||
			  strstr(answer, ages[_i].says_not) == NULL,
	    "%s", answer);
	free(answer);
	free(line);
	end();
}
END_TEST

START_TEST(limits_are_for_notebooks_and_files)
{
	static const struct step steps[] = {
		{ "POST " WS "/import",
		    IMPORT("/Shared/f", "\"format\":\"RAW\",\"content\":\"" PRINT
					"\""),
		    400, "File size imported is (8 bytes), exceeded max size "
			 "(7 bytes)" },
		{ "POST " WS "/import",
		    PART "\"path\"\r\n\r\n/Shared/f\r\n" PART
			 "\"content\"; filename=\"x\"\r\n\r\n12345678\r\n" PART
			 "\"format\"\r\n\r\nAUTO\r\n" END,
		    200, "{}" },
		{ "POST " WS "/import",
		    PART "\"path\"\r\n\r\n/Shared/n\r\n" PART
			 "\"content\"; filename=\"x\"\r\n\r\n12345678\r\n" PART
			 "\"language\"\r\n\r\nSQL\r\n" END,
		    400, "MAX_NOTEBOOK_SIZE_EXCEEDED" },
		{ "POST " WS "/import",
		    PART "\"path\"\r\n\r\n/Shared/g\r\n" PART
			 "\"content\"; filename=\"x\"\r\n\r\n1234567890\r\n" PART
			 "\"format\"\r\n\r\nAUTO\r\n" END,
		    400, "exceeded max size (9 bytes)" },
	};

	begin();
	set("import-limit", "7");
	set("file-limit", "9");
	run(steps, ARRAY_LEN(steps));
	end();
}
END_TEST

START_TEST(what_is_denied_is_not_there)
{
	static const struct step steps[] = {
		{ "POST /emulator/rules",
		    "{\"verb\":\"deny\",\"match\":{\"target\":\"/Shared*\"}}",
		    200, NULL },
		{ "GET " WS "/get-status?path=/Workspace/Shared", "", 404,
		    "Path (/Shared) doesn't exist." },
		{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/x\"}", 403,
		    "PERMISSION_DENIED" },
		{ "GET " WS "/list?path=/Users", "", 200, NULL },
		{ "POST /emulator/settings", "{\"hidden\":\"403\"}", 200,
		    NULL },
		{ "GET " WS "/list?path=/Shared", "", 403,
		    "PERMISSION_DENIED" },
	};

	begin();
	run(steps, ARRAY_LEN(steps));
	end();
}
END_TEST

START_TEST(what_is_denied_is_not_listed)
{
	static const struct step steps[] = {
		{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/a\"}", 200, "{}" },
		{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/b\"}", 200, "{}" },
		{ "POST /emulator/rules",
		    "{\"verb\":\"deny\",\"match\":{\"target\":\"/Shared/a\"}}",
		    200, NULL },
		{ "POST /emulator/rules",
		    "{\"verb\":\"deny\",\"what\":\"write\","
		    "\"match\":{\"target\":\"/Shared/b\"}}",
		    200, NULL },
		{ "GET " WS "/list?path=/Shared", "", 200,
		    "{\"objects\":[{\"path\":\"/Shared/b\"" },
		{ "POST /emulator/settings", "{\"hidden\":\"403\"}", 200,
		    NULL },
		{ "GET " WS "/list?path=/Shared", "", 200,
		    "{\"objects\":[{\"path\":\"/Shared/a\"" },
	};

	begin();
	run(steps, ARRAY_LEN(steps));
	end();
}
END_TEST

#define RAW(path, content)                                                    \
	IMPORT(path, "\"overwrite\":true,\"format\":\"RAW\",\"content\":\""    \
		     content "\"")

START_TEST(listings_may_lag)
{
	static const struct step before[] = {
		{ "POST " WS "/import", RAW("/Shared/f", SUM), 200, "{}" },
		{ "POST " WS "/import", RAW("/Shared/g", SUM), 200, "{}" },
		{ "POST /emulator/clock", "{\"advance_ms\":10000}", 200, NULL },
		{ "POST " WS "/import", RAW("/Shared/f", ""), 200, "{}" },
		{ "POST " WS "/import", RAW("/Shared/h", ""), 200, "{}" },
		{ "POST " WS "/delete", "{\"path\":\"/Shared/g\"}", 200,
		    "{}" },
		{ "POST /emulator/settings", "{\"list-lag\":5000}", 200,
		    NULL },
		{ "GET " WS "/list?path=/Shared", "", 200, "\"size\":3" },
		{ "GET " WS "/list?path=/Shared", "", 200, "/Shared/g" },
		{ "GET " WS "/list?path=/Shared/f", "", 200, "\"size\":0" },
		{ "GET " WS "/list?path=/none", "", 404, NULL },
		{ STATUS("/Shared/g"), "", 404, NULL },
	};
	static const struct step after[] = {
		{ "POST /emulator/clock", "{\"advance_ms\":10000}", 200, NULL },
		{ "GET " WS "/list?path=/Shared", "", 200, "/Shared/h" },
	};
	char *answer;

	begin();
	run(before, ARRAY_LEN(before));
	answer = call("GET " WS "/list?path=/Shared", "", "", 5000);
	ck_assert_ptr_null(strstr(answer, "/Shared/h"));
	free(answer);
	run(after, ARRAY_LEN(after));
	answer = call("GET " WS "/list?path=/Shared", "", "", 5000);
	ck_assert_ptr_null(strstr(answer, "/Shared/g"));
	free(answer);
	ck_assert_int_eq(timeline_set_offset(&emu.timeline, 0), 0);
	end();
}
END_TEST

START_TEST(others_hands_reach_the_workspace)
{
	static const struct step steps[] = {
		{ "PUT /emulator/file?tree=workspace&path=/Shared/x/lib"
		  "&object_type=LIBRARY",
		    "jar", 200, "{}" },
		{ STATUS("/Shared/x/lib"), "", 200,
		    "\"object_type\":\"LIBRARY\"" },
		{ EXPORT("/Shared/x/lib"), "", 400, "LIBRARY" },
		{ "GET /emulator/file?tree=workspace&path=/Shared/x/lib", "",
		    200, "jar" },
		{ "PUT /emulator/file?tree=workspace&path=/Shared/n"
		  "&language=R",
		    "# Databricks notebook source\n1", 200, "{}" },
		{ "POST /emulator/rules",
		    "{\"verb\":\"remote_edit\",\"content\":\"2\\n\","
		    "\"match\":{\"target\":\"/Shared/n\"}}",
		    200, NULL },
		{ EXPORT("/Shared/n"), "", 200,
		    "\r\n\r\n# Databricks notebook source\n2" },
		{ "DELETE /emulator/rules", "", 200, NULL },
		{ "GET /emulator/history?tree=workspace&path=/Shared/n", "",
		    200, "\"language\":\"R\"" },
		{ "GET /emulator/tree?tree=workspace&path=/Shared/x", "", 200,
		    "\"object_type\":\"LIBRARY\"" },
		{ "POST /emulator/make?tree=workspace&path=/Shared/m&files=2"
		  "&language=SQL",
		    "", 200, "{}" },
		{ STATUS("/Shared/m/f00001"), "", 200,
		    "\"language\":\"SQL\"" },
		{ "DELETE /emulator/file?tree=workspace&path=/Shared/m", "",
		    200, "{}" },
		{ "GET /emulator/paths?tree=workspace&path=/Shared/m", "", 200,
		    "\"/Shared/m/f00001\"" },
		{ "GET /emulator/tree?tree=volumes", "", 400, "tree" },
		{ "PUT /emulator/file?tree=workspace&path=/x&language=C", "",
		    400, "language" },
	};

	begin();
	run(steps, ARRAY_LEN(steps));
	end();
}
END_TEST

static const struct {
	const char *rule, *line, *says;
} lies[] = {
	{ "{\"verb\":\"size_lie\",\"d\":5}", STATUS("/Shared/f"),
	    "\"size\":8" },
	{ "{\"verb\":\"mtime_lie\",\"d\":-9223372036854775807}",
	    "GET " WS "/list?path=/Shared", "\"modified_at\":-" },
	{ "{\"verb\":\"names\",\"list\":[\"..\"]}",
	    "GET " WS "/list?path=/Shared",
	    "{\"path\":\"/Shared/..\",\"object_type\":\"FILE\"" },
	{ "{\"verb\":\"listing\",\"n\":2}", "GET " WS "/list?path=/Shared",
	    ",{\"path\":\"/Shared/made-up-0000001\",\"object_type\"" },
	{ "{\"verb\":\"base64\",\"mode\":\"longer\"}",
	    "GET " WS "/export?path=/Shared/f", "\"content\":\"AAAAMSsx\"" },
	{ "{\"verb\":\"swap\",\"path\":\"/Shared\"}", STATUS("/Shared/f"),
	    "\"path\":\"/Shared\"" },
};

START_TEST(rules_spoil_answers)
{
	const struct step steps[] = {
		{ "POST " WS "/import",
		    IMPORT("/Shared/f", "\"format\":\"RAW\",\"content\":\"" SUM
					"\""),
		    200, "{}" },
		{ "POST /emulator/rules", lies[_i].rule, 200, NULL },
		{ lies[_i].line, "", 200, lies[_i].says },
	};

	begin();
	run(steps, ARRAY_LEN(steps));
	end();
}
END_TEST

START_TEST(a_half_is_carried_out)
{
	static const struct step steps[] = {
		{ "POST /emulator/rules",
		    "{\"verb\":\"half_apply\",\"n\":2}", 200, NULL },
		{ "POST " WS "/import",
		    IMPORT("/Shared/f", "\"format\":\"RAW\",\"content\":\"" SUM
					"\""),
		    500, "in part" },
		{ "POST " WS "/mkdirs", "{\"path\":\"/Shared/a/b\"}", 500,
		    "in part" },
		{ "DELETE /emulator/rules", "", 200, NULL },
		{ STATUS("/Shared/f"), "", 200, "\"size\":2" },
		{ STATUS("/Shared/a"), "", 200, NULL },
		{ STATUS("/Shared/a/b"), "", 404, NULL },
	};

	begin();
	run(steps, ARRAY_LEN(steps));
	end();
}
END_TEST

#define WSF "/api/2.0/workspace-files"

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

#define REPOS "/api/2.0/repos"

static const struct step repos[] = {
	{ "GET " REPOS, "", 200, "\r\n\r\n{}" },
	{ "POST " REPOS, "{\"url\":\"https://example.com/a/r.git\"}", 400,
	    "provider" },
	{ "POST " REPOS,
	    "{\"url\":\"https://example.com/a/r.git\",\"provider\":\"cvs\"}",
	    400, "cvs" },
	{ "POST " REPOS,
	    "{\"url\":\"https://example.com/r\",\"provider\":\"gitHub\","
	    "\"path\":\"/Repos/juhu/r\"}",
	    404, "Parent directory /Repos/juhu does not exist." },
	{ "POST " REPOS,
	    "{\"url\":\"https://example.com/a/r.git\","
	    "\"provider\":\"github\"}",
	    200, "\"path\":\"/Repos/me@example.com/r\"" },
	{ "POST " REPOS,
	    "{\"url\":\"https://example.com/a/r.git\","
	    "\"provider\":\"gitHub\"}",
	    400, "RESOURCE_ALREADY_EXISTS" },
	{ "POST " REPOS,
	    "{\"url\":\"https://example.com/s\",\"provider\":\"gitLab\","
	    "\"path\":\"/Workspace/Shared/s\"}",
	    200, "\"provider\":\"gitLab\"" },
	{ "GET " REPOS "?path_prefix=/Workspace/Shared", "", 200,
	    "\"branch\":\"main\"" },
	{ STATUS("/Repos/me@example.com/r"), "", 200,
	    "\"object_type\":\"REPO\"" },
	{ STATUS("/Shared/s"), "", 200, "\"is_git_folder\":true" },
	{ EXPORT("/Shared/s"), "", 400, "REPO" },
	/* Inside of it all is as elsewhere. */
	{ "POST " WS "/mkdirs", "{\"path\":\"/Repos/me@example.com/r/d\"}",
	    200, "{}" },
	{ "GET " WS "/get-status?return_git_info=true"
	  "&path=/Workspace/Repos/me@example.com/r/d",
	    "", 200,
	    "\"path\":\"/Repos/me@example.com/r\",\"branch\":\"main\"" },
	{ "GET " REPOS "/1", "", 404, "could not be found" },
	{ "DELETE " REPOS "/x", "", 404, "could not be found" },
};

START_TEST(repos_are_directories)
{
	char *line;
	int64_t id;

	begin();
	run(repos, ARRAY_LEN(repos));
	id = id_of("/Shared/s");
	line = text_printf("PATCH " REPOS "/%" PRId64, id);
	run(&(const struct step){ line, "{\"branch\":\"next\"}", 200, "{}" }, 1);
	run(&(const struct step){ line, "{}", 400, "branch" }, 1);
	free(line);
	stop();
	start();
	line = text_printf("GET " REPOS "/%" PRId64, id);
	run(&(const struct step){ line, "", 200, "\"branch\":\"next\"" }, 1);
	free(line);
	line = text_printf("DELETE " REPOS "/%" PRId64, id);
	run(&(const struct step){ line, "", 200, "{}" }, 1);
	free(line);
	run(&(const struct step){ STATUS("/Shared/s"), "", 404, NULL }, 1);
	end();
}
END_TEST

START_TEST(repos_come_by_pages)
{
	char body[160];

	begin();
	for (int i = 0; i < 21; i++) {
		(void)snprintf(body, sizeof(body),
		    "{\"url\":\"https://example.com/%02d\","
		    "\"provider\":\"gitHub\"}",
		    i);
		run(&(const struct step){ "POST " REPOS, body, 200, NULL }, 1);
	}
	run(&(const struct step){ "GET " REPOS, "", 200,
		"],\"next_page_token\":\"20\"}" },
	    1);
	run(&(const struct step){ "GET " REPOS "?next_page_token=20", "", 200,
		"/20\",\"provider\":" },
	    1);
	end();
}
END_TEST

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
	UNIT(names_are_made_and_removed),
	UNIT(imports_make_what_they_say),
	UNIT(an_id_outlives_changes_and_restarts),
	UNIT(renames_replace_nothing),
	UNIT(settings_choose_what_nobody_knows),
	UNIT_ROWS(servers_of_an_age_tell_so_much, ages),
	UNIT(limits_are_for_notebooks_and_files),
	UNIT(what_is_denied_is_not_there),
	UNIT(what_is_denied_is_not_listed),
	UNIT(listings_may_lag),
	UNIT(others_hands_reach_the_workspace),
	UNIT_ROWS(rules_spoil_answers, lies),
	UNIT_ROWS(a_directory_goes_through_an_archive, archives),
	UNIT(import_file_may_unzip),
	UNIT_ROWS(an_archive_leads_nowhere_else, outside),
	UNIT_ROWS(a_notebook_goes_through_other_forms, forms_of_one),
	UNIT(repos_are_directories),
	UNIT(repos_come_by_pages),
	UNIT(a_half_is_carried_out),
	UNIT(workspace_files_has_its_own_words),
	UNIT_ROWS(a_signed_url_wants_no_token, fetches),
	UNIT(a_signed_url_ends),
	UNIT(a_new_file_is_put_to_its_url),
};

UNIT_MAIN("emu/workspace", tests)
