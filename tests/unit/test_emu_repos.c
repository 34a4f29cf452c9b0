/* Git folders.  Reference, 3.6. */
#include <inttypes.h>

#include "tests/support/emu_ws.h"
#include "tests/support/unit.h"

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

#define PERM "/api/2.0/permissions"

/* The body; what the answer then says of direct entries; NULL body: a GET. */
static const struct {
	const char *method, *body;
	int status;
	const char *says;
} grants[] = {
	{ "GET", "", 200, "\"access_control_list\":[{\"group_name\":\"admins\"" },
	{ "PUT", "{}", 400, "access_control_list" },
	{ "PUT", "{\"access_control_list\":[{\"user_name\":\"a\"}]}", 400,
	    "CAN_READ" },
	{ "PUT",
	    "{\"access_control_list\":[{\"permission_level\":\"CAN_READ\"}]}",
	    400, "principal" },
	{ "PUT",
	    "{\"access_control_list\":[{\"user_name\":\"a\","
	    "\"permission_level\":\"CAN_READ\"},{\"group_name\":\"g\","
	    "\"permission_level\":\"CAN_RUN\"}]}",
	    200, "{\"user_name\":\"a\",\"all_permissions\":[{"
		 "\"permission_level\":\"CAN_READ\"" },
	{ "PATCH",
	    "{\"access_control_list\":[{\"user_name\":\"a\","
	    "\"permission_level\":\"CAN_EDIT\"}]}",
	    200, "CAN_EDIT\",\"inherited\":false}]},{\"group_name\":\"g\"" },
	{ "GET", "", 200, "CAN_EDIT\",\"inherited\":false}]},{\"group_name\":\"g\"" },
	{ "PUT", "{\"access_control_list\":[]}", 200,
	    "\"access_control_list\":[{\"group_name\":\"admins\"" },
};

START_TEST(permissions_are_kept_with_the_object)
{
	char *line;
	int64_t id;

	begin();
	run(&(const struct step){ "POST " WS "/import",
		IMPORT("/Shared/n",
		    "\"language\":\"SQL\",\"content\":\"\""),
		200, "{}" },
	    1);
	id = id_of("/Shared/n");
	for (size_t i = 0; i < ARRAY_LEN(grants); i++) {
		line = text_printf("%s " PERM "/notebooks/%" PRId64,
		    grants[i].method, id);
		run(&(const struct step){ line, grants[i].body,
			grants[i].status, grants[i].says },
		    1);
		free(line);
	}
	line = text_printf(
	    "GET " PERM "/notebooks/%" PRId64 "/permissionLevels", id);
	run(&(const struct step){ line, "", 200,
		"\"permission_level\":\"CAN_MANAGE\"" },
	    1);
	free(line);
	line = text_printf("GET " PERM "/files/%" PRId64, id);
	run(&(const struct step){ line, "", 404, "does not exist" }, 1);
	free(line);
	run(&(const struct step){ "GET " PERM "/clusters/1", "", 404,
		"No API found" },
	    1);
	run(&(const struct step){ "GET " PERM, "", 404, "No API found" }, 1);
	end();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(repos_are_directories),
	UNIT(repos_come_by_pages),
	UNIT(permissions_are_kept_with_the_object),
};

UNIT_MAIN("emu/ep_repos", tests)
