/* The Workspace API as rules and settings spoil it, and others' hands in it. */
#include "tests/support/emu_ws.h"
#include "tests/support/unit.h"

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

static const struct unit_test tests[] = {
	UNIT(what_is_denied_is_not_there),
	UNIT(what_is_denied_is_not_listed),
	UNIT(listings_may_lag),
	UNIT(others_hands_reach_the_workspace),
	UNIT_ROWS(rules_spoil_answers, lies),
	UNIT(a_half_is_carried_out),
};

UNIT_MAIN("emu/workspace by rules", tests)
