/* emu/routes: finding the row that serves a request. */
#include <stdlib.h>
#include <string.h>

#include "emu/ep_dbfs.h"
#include "emu/routes.h"
#include "tests/support/unit.h"

static const struct {
	const char *method, *path;
	const char *endpoint; /* NULL: no row */
} rows[] = {
	{ "GET", "/api/2.0/dbfs/list", "GET /api/2.0/dbfs/list" },
	{ "POST", "/api/2.0/dbfs/put", "POST /api/2.0/dbfs/put" },
	{ "POST", "/api/2.0/dbfs/list", NULL },
	{ "GET", "/api/2.1/dbfs/list", NULL },
	{ "GET", "/api/2.0/dbfs/list/more", NULL },
	{ "GET", "/api/2.0/dbfs/lis", NULL },
	{ "GET", "/dbfs/list", NULL },
	{ "GET", "/api/2.0", NULL },
	{ "GET", "/", NULL },
	{ "GET", "/api/2.0/emulator/counters", NULL },
	{ "GET", "/emulator/counters", "GET /emulator/counters" },
	{ "DELETE", "/emulator/rules/7", "DELETE /emulator/rules" },
	{ "DELETE", "/emulator/rules", "DELETE /emulator/rules" },
	{ "DELETE", "/emulator/rulesx", NULL },
	{ "GET", "/.well-known/databricks-config",
	    "GET /.well-known/databricks-config" },
	{ "GET", "/api/2.0/preview/scim/v2/Me",
	    "GET /api/2.0/preview/scim/v2/Me" },
};

START_TEST(method_version_and_path_choose_the_row)
{
	const struct route *row = routes_find(rows[_i].method, rows[_i].path);
	char *endpoint;

	ck_assert_int_eq(row != NULL, rows[_i].endpoint != NULL);
	if (row == NULL)
		return;
	endpoint = routes_endpoint(row, rows[_i].method, rows[_i].path);
	ck_assert_str_eq(endpoint, rows[_i].endpoint);
	free(endpoint);
}
END_TEST

START_TEST(the_row_has_the_handler)
{
	const struct route *row =
	    routes_find("POST", "/api/2.0/dbfs/add-block");

	ck_assert_ptr_nonnull(row);
	ck_assert(row->handle == ep_dbfs_add_block);
	ck_assert_int_eq(row->kind, ROUTE_WRITES);
	ck_assert_int_eq(row->auth, ROUTE_TOKEN);
}
END_TEST

START_TEST(messages_name_the_path_without_the_version)
{
	ck_assert_str_eq(routes_short("/api/2.0/sql/x"), "/sql/x");
	ck_assert_str_eq(routes_short("/api/x/sql"), "/api/x/sql");
	ck_assert_str_eq(routes_short("/nope"), "/nope");
}
END_TEST

START_TEST(a_family_is_the_first_component)
{
	size_t len;
	const char *family = routes_family("/api/2.0/dbfs/list", &len);

	ck_assert_uint_eq(len, 4);
	ck_assert_mem_eq(family, "dbfs", 4);
}
END_TEST

START_TEST(the_table_can_be_printed)
{
	struct buf out;

	buf_init(&out, BUF_LIMIT_TEXT);
	ck_assert_int_eq(routes_print(&out), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "/api/2.0/dbfs/put"));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "/emulator/history"));
	buf_release(&out);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(method_version_and_path_choose_the_row, rows),
	UNIT(the_row_has_the_handler),
	UNIT(messages_name_the_path_without_the_version),
	UNIT(a_family_is_the_first_component),
	UNIT(the_table_can_be_printed),
};

UNIT_MAIN("emu/routes", tests)
