/* The Workspace API, call by call.  Reference, 3.3. */
#include "tests/support/emu_ws.h"
#include "tests/support/unit.h"

#define HEADED "IyBEYXRhYnJpY2tzIG5vdGVib29rIHNvdXJjZQpwcmludCgxKQ=="
#define EMPTY  "e30="

/* {"cells":[{"cell_type":"code","metadata":{},"outputs":[],"source":["1"]}],
 * "metadata":{},"nbformat":4,"nbformat_minor":0} */
#define JUPYTER_TEXT                                                          \
	"{\"cells\":[{\"cell_type\":\"code\",\"metadata\":{},\"outputs\":[]," \
	"\"source\":[\"1\"]}],\"metadata\":{},\"nbformat\":4,"                \
	"\"nbformat_minor\":0}"

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

static const struct unit_test tests[] = {
	UNIT(names_are_made_and_removed),
	UNIT(imports_make_what_they_say),
	UNIT(an_id_outlives_changes_and_restarts),
	UNIT(renames_replace_nothing),
	UNIT(settings_choose_what_nobody_knows),
	UNIT_ROWS(servers_of_an_age_tell_so_much, ages),
	UNIT(limits_are_for_notebooks_and_files),
};

UNIT_MAIN("emu/workspace", tests)
