/* emu/wspath.c - paths of the workspace. */
#include "config.h"

#include "emu/wspath.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "base/banned.h"

#define ALIAS "/Workspace"

enum dbpath_fault
wspath_parse(const char *text, char **out, bool *alias)
{
	enum dbpath_fault fault;
	size_t len = strlen(ALIAS);

	*out = NULL;
	if (text[0] != '/')
		return DBPATH_RELATIVE;
	fault = dbpath_parse(text, false, out);
	if (*out == NULL || !dbpath_within(*out, ALIAS)) {
		*alias = false;
		return fault;
	}
	*alias = dbpath_within(text, ALIAS);
	memmove(*out, *out + len, strlen(*out) - len + 1);
	if ((*out)[0] == '\0')
		memcpy(*out, "/", 2);
	return fault;
}

static size_t
depth(const char *path)
{
	size_t n = 0;

	for (; *path != '\0'; path++)
		n += *path == '/' && path[1] != '\0';
	return n;
}

bool
wspath_is_protected(const char *path)
{
	static const char *const tops[] = { "/Users", "/Shared", "/Repos" };

	for (size_t i = 0; i < ARRAY_LEN(tops); i++)
		if (strcmp(path, tops[i]) == 0)
			return true;
	/* Homes are as old as their users. */
	return strcmp(path, "/") == 0 ||
	       (dbpath_within(path, "/Users") && depth(path) == 2);
}

bool
wspath_is_repo(const char *path)
{
	return dbpath_within(path, "/Repos") && depth(path) == 3;
}

bool
wspath_has_git(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/.git")) != NULL; at++)
		if (at[5] == '\0' || at[5] == '/')
			return true;
	return false;
}
