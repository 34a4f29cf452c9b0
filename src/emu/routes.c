/* emu/routes.c - the table of endpoints, and finding a row in it. */
#include "config.h"

#include "emu/routes.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "emu/ep_admin.h"
#include "emu/ep_dbfs.h"
#include "emu/ep_oracle.h"
#include "emu/ep_permissions.h"
#include "emu/ep_repos.h"
#include "emu/ep_scim.h"
#include "emu/ep_storage.h"
#include "emu/ep_wellknown.h"
#include "emu/ep_workspace.h"
#include "emu/ep_wsfiles.h"

#include "base/banned.h"

#define K10 ((uint64_t)10 << 10)
#define M10 ((uint64_t)10 << 20)
#define M16 ((uint64_t)16 << 20) /* 10 MiB as base64, and what is around it */
#define G2  ((uint64_t)2 << 30)
#define T1  ((uint64_t)1 << 40)

/* Every endpoint served, first fit; a request that fits no row gets 404. */
static const struct route routes[] = {
	/* clang-format off */
	/* method    versions path                                       fit           auth         kind          body          max_body handle                 source */
	{ "GET",    "2.0",    "/dbfs/get-status",                        ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_READS,  ROUTE_PARAMS, M10,     ep_dbfs_get_status,    "2.3 get-status" },
	{ "GET",    "2.0",    "/dbfs/list",                              ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_LISTS,  ROUTE_PARAMS, M10,     ep_dbfs_list,          "2.3 list" },
	{ "GET",    "2.0",    "/dbfs/read",                              ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_READS,  ROUTE_PARAMS, M10,     ep_dbfs_read,          "2.3 read" },
	{ "POST",   "2.0",    "/dbfs/create",                            ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_dbfs_create,        "2.3 create" },
	{ "POST",   "2.0",    "/dbfs/add-block",                         ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_dbfs_add_block,     "2.3 add-block" },
	{ "POST",   "2.0",    "/dbfs/close",                             ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_dbfs_close,         "2.3 close" },
	{ "POST",   "2.0",    "/dbfs/put",                               ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_FORM,   M10,     ep_dbfs_put,           "2.3 put" },
	{ "POST",   "2.0",    "/dbfs/delete",                            ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_dbfs_delete,        "2.3 delete" },
	{ "POST",   "2.0",    "/dbfs/mkdirs",                            ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_dbfs_mkdirs,        "2.3 mkdirs" },
	{ "POST",   "2.0",    "/dbfs/move",                              ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_dbfs_move,          "2.3 move" },

	{ "GET",    "2.0",    "/workspace/get-status",                   ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_READS,  ROUTE_PARAMS, M10,     ep_workspace_get_status, "3.3 get-status" },
	{ "GET",    "2.0",    "/workspace/list",                         ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_LISTS,  ROUTE_PARAMS, M10,     ep_workspace_list,     "3.3 list" },
	{ "GET",    "2.0",    "/workspace/export",                       ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_READS,  ROUTE_PARAMS, M10,     ep_workspace_export,   "3.3 export" },
	{ "POST",   "2.0",    "/workspace/import",                       ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_FORM,   M16,     ep_workspace_import,   "3.3 import" },
	{ "POST",   "2.0",    "/workspace/delete",                       ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_workspace_delete,   "3.3 delete" },
	{ "POST",   "2.0",    "/workspace/mkdirs",                       ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_workspace_mkdirs,   "3.3 mkdirs" },
	{ "POST",   "2.0",    "/workspace/rename",                       ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_workspace_rename,   "3.3 rename" },

	{ "POST",   "2.0",    "/workspace-files/import-file",            ROUTE_PREFIX, ROUTE_TOKEN, ROUTE_WRITES, ROUTE_RAW,    G2,      ep_wsfiles_import,     "3.4 import-file" },
	{ "GET",    "2.0",    "/workspace-files/object-info",            ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_READS,  ROUTE_PARAMS, M10,     ep_wsfiles_object_info, "3.4 object-info" },
	{ "GET",    "2.0",    "/workspace-files/list-files",             ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_LISTS,  ROUTE_PARAMS, M10,     ep_wsfiles_list,       "3.4 list-files" },
	{ "POST",   "2.0",    "/workspace-files/new-files",              ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M16,     ep_wsfiles_new,        "3.4 new-files" },
	{ "GET",    "2.0",    "/workspace-files",                        ROUTE_PREFIX, ROUTE_TOKEN, ROUTE_READS,  ROUTE_PARAMS, M10,     ep_wsfiles_read,       "3.4" },
	{ "GET",    NULL,     "/storage",                                ROUTE_PREFIX, ROUTE_OPEN,  ROUTE_READS,  ROUTE_PARAMS, K10,     ep_storage_get,        "3.4 signed_url" },
	{ "PUT",    NULL,     "/storage",                                ROUTE_PREFIX, ROUTE_OPEN,  ROUTE_WRITES, ROUTE_RAW,    G2,      ep_storage_put,        "3.4 signed_url" },

	{ "GET",    "2.0",    "/repos",                                  ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_LISTS,  ROUTE_PARAMS, M10,     ep_repos_list,         "3.6" },
	{ "POST",   "2.0",    "/repos",                                  ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_repos_create,       "3.6" },
	{ "GET",    "2.0",    "/repos",                                  ROUTE_PREFIX, ROUTE_TOKEN, ROUTE_READS,  ROUTE_PARAMS, M10,     ep_repos_get,          "3.6" },
	{ "PATCH",  "2.0",    "/repos",                                  ROUTE_PREFIX, ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_repos_update,       "3.6" },
	{ "DELETE", "2.0",    "/repos",                                  ROUTE_PREFIX, ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_repos_delete,       "3.6" },

	{ "GET",    "2.0",    "/permissions",                            ROUTE_PREFIX, ROUTE_TOKEN, ROUTE_READS,  ROUTE_PARAMS, M10,     ep_permissions_get,    "3.7, 5.12" },
	{ "PUT",    "2.0",    "/permissions",                            ROUTE_PREFIX, ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_permissions_set,    "3.7, 5.12" },
	{ "PATCH",  "2.0",    "/permissions",                            ROUTE_PREFIX, ROUTE_TOKEN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_permissions_update, "3.7, 5.12" },

	{ "GET",    "2.0",    "/preview/scim/v2/Me",                     ROUTE_EXACT,  ROUTE_TOKEN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_scim_me,            "5.5, H7" },

	{ "GET",    NULL,     "/.well-known/databricks-config",          ROUTE_EXACT,  ROUTE_OPEN,  ROUTE_READS,  ROUTE_PARAMS, K10,     ep_wellknown_config,   "1.1" },
	{ "GET",    NULL,     "/oidc/.well-known/oauth-authorization-server", ROUTE_EXACT, ROUTE_OPEN, ROUTE_READS, ROUTE_PARAMS, K10,  ep_wellknown_oauth,    "1.3" },
	{ "GET",    NULL,     "/login",                                  ROUTE_EXACT,  ROUTE_OPEN,  ROUTE_READS,  ROUTE_PARAMS, K10,     ep_wellknown_login,    "1.5" },
	{ "POST",   NULL,     "/oidc/v1/token",                          ROUTE_EXACT,  ROUTE_OPEN,  ROUTE_READS,  ROUTE_PARAMS, K10,     ep_wellknown_token,    "1.3, H6" },

	{ "GET",    NULL,     "/emulator/counters",                      ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_oracle_counters,    "ours" },
	{ "POST",   NULL,     "/emulator/counters/reset",                ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, K10,     ep_oracle_reset,       "ours" },
	{ "GET",    NULL,     "/emulator/history",                       ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_oracle_history,     "ours" },
	{ "GET",    NULL,     "/emulator/paths",                         ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_oracle_paths,       "ours" },
	{ "GET",    NULL,     "/emulator/tree",                          ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_oracle_tree,        "ours" },
	{ "GET",    NULL,     "/emulator/log",                           ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_oracle_log,         "ours" },
	{ "POST",   NULL,     "/emulator/contents",                      ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_oracle_contents,    "ours" },
	{ "GET",    NULL,     "/emulator/invariants",                    ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_oracle_invariants,  "ours" },
	{ "GET",    NULL,     "/emulator/file",                          ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_oracle_get_file,    "ours" },
	{ "PUT",    NULL,     "/emulator/file",                          ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_RAW,    T1,      ep_oracle_put_file,    "ours" },
	{ "DELETE", NULL,     "/emulator/file",                          ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, K10,     ep_oracle_delete_file, "ours" },
	{ "POST",   NULL,     "/emulator/make",                          ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, K10,     ep_oracle_make,        "ours" },
	{ "GET",    NULL,     "/emulator/clock",                         ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_admin_get_clock,    "ours" },
	{ "POST",   NULL,     "/emulator/clock",                         ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, K10,     ep_admin_set_clock,    "ours" },
	{ "GET",    NULL,     "/emulator/settings",                      ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_admin_get_settings, "ours" },
	{ "POST",   NULL,     "/emulator/settings",                      ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, K10,     ep_admin_set_settings, "ours" },
	{ "GET",    NULL,     "/emulator/rules",                         ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_READS,  ROUTE_PARAMS, K10,     ep_admin_get_rules,    "ours" },
	{ "POST",   NULL,     "/emulator/rules",                         ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, M10,     ep_admin_add_rule,     "ours" },
	{ "DELETE", NULL,     "/emulator/rules",                         ROUTE_PREFIX, ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, K10,     ep_admin_delete_rules, "ours" },
	{ "POST",   NULL,     "/emulator/tokens",                        ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, K10,     ep_admin_tokens,       "ours" },
	{ "POST",   NULL,     "/emulator/handles/expire",                ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, K10,     ep_admin_expire,       "ours" },
	{ "POST",   NULL,     "/emulator/connections/drop",              ROUTE_EXACT,  ROUTE_ADMIN, ROUTE_WRITES, ROUTE_PARAMS, K10,     ep_admin_drop,         "ours" },
	/* clang-format on */
};

/* The rest of an API path and its version, "2.0"; NULL for any other path. */
static const char *
after_version(const char *path, const char **version, size_t *version_len)
{
	size_t len;

	if (!text_starts(path, "/api/"))
		return NULL;
	len = strspn(path + 5, "0123456789.");
	if (len == 0 || path[5 + len] != '/')
		return NULL;
	*version = path + 5;
	*version_len = len;
	return path + 5 + len;
}

static bool
has_version(const char *versions, const char *version, size_t len)
{
	for (const char *p = versions; *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, version, len) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

static bool
fits(const struct route *row, const char *path)
{
	size_t len = strlen(row->path);

	if (strncmp(row->path, path, len) != 0)
		return false;
	return path[len] == '\0' ||
	       (row->fit == ROUTE_PREFIX && path[len] == '/');
}

const struct route *
routes_find(const char *method, const char *path)
{
	const char *version = NULL, *rest;
	size_t version_len = 0;

	rest = after_version(path, &version, &version_len);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *row = &routes[i];

		if (strcmp(row->method, method) != 0)
			continue;
		if (row->versions == NULL
			? fits(row, path)
			: rest != NULL && fits(row, rest) &&
			      has_version(row->versions, version, version_len))
			return row;
	}
	return NULL;
}

char *
routes_endpoint(const struct route *row, const char *method, const char *path)
{
	size_t prefix;

	if (row == NULL)
		return text_printf("%s (unknown)", method);
	prefix =
	    row->versions != NULL ? (size_t)(routes_short(path) - path) : 0;
	return text_printf("%s %.*s%s", method, (int)prefix, path, row->path);
}

const char *
routes_short(const char *path)
{
	const char *version, *rest;
	size_t len;

	rest = after_version(path, &version, &len);
	return rest != NULL ? rest : path;
}

const char *
routes_family(const char *path, size_t *len)
{
	const char *family = routes_short(path);

	if (*family == '/')
		family++;
	*len = strcspn(family, "/");
	return family;
}

enum routes_tree
routes_tree(const char *path)
{
	static const char *const families[] = { "/workspace/",
		"/workspace-files/", "/storage/", "/repos" };

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (text_starts(routes_short(path), families[i]))
			return ROUTES_WORKSPACE;
	return ROUTES_DBFS;
}

int
routes_print(struct buf *out)
{
	static const char *const auths[] = {
		[ROUTE_OPEN] = "open",
		[ROUTE_TOKEN] = "token",
		[ROUTE_ADMIN] = "admin",
	};
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(routes); i++) {
		const struct route *row = &routes[i];
		char path[96];

		(void)snprintf(path, sizeof(path), "%s%s%s%s",
		    row->versions != NULL ? "/api/" : "",
		    row->versions != NULL ? row->versions : "", row->path,
		    row->fit == ROUTE_PREFIX ? "[/...]" : "");
		ret = buf_printf(out, "%-6s %-52s %-6s %s\n", row->method, path,
		    auths[row->auth], row->source);
	}
	return ret;
}
