/* emu/dbpath.c - paths as clients write them. */
#include "config.h"

#include "emu/dbpath.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "base/banned.h"

static enum dbpath_fault
check_name(const char *name, size_t len, bool hadoop)
{
	if ((len == 1 && name[0] == '.') ||
	    (len == 2 && name[0] == '.' && name[1] == '.'))
		return DBPATH_DOTS;
	for (size_t i = 0; hadoop && i < len; i++)
		if (name[i] == ':' || (unsigned char)name[i] < 0x20 ||
		    name[i] == 0x7f)
			return DBPATH_NAME;
	return DBPATH_GOOD;
}

enum dbpath_fault
dbpath_parse(const char *text, bool hadoop, char **out)
{
	enum dbpath_fault fault = DBPATH_GOOD;
	char *path, *end;
	size_t depth = 0;

	*out = NULL;
	if (text_starts(text, "dbfs:"))
		text += 5;
	if (text[0] != '/')
		return DBPATH_RELATIVE;
	if (!text_is_utf8(text, strlen(text)))
		return DBPATH_BYTES;
	path = end = malloc(strlen(text) + 2);
	if (path == NULL)
		return DBPATH_GOOD;
	while (*text != '\0' && fault == DBPATH_GOOD) {
		size_t len = strcspn(text, "/");

		if (len > 0) {
			fault = check_name(text, len, hadoop);
			if (++depth > DBPATH_DEPTH_MAX)
				fault = DBPATH_LONG;
			*end++ = '/';
			memcpy(end, text, len);
			end += len;
			text += len;
		} else {
			text++;
		}
	}
	if (fault == DBPATH_GOOD && end - path >= DBPATH_BYTES_MAX)
		fault = DBPATH_LONG;
	if (fault != DBPATH_GOOD) {
		free(path);
		return fault;
	}
	if (end == path)
		*end++ = '/';
	*end = '\0';
	*out = path;
	return DBPATH_GOOD;
}

char *
dbpath_join(const char *dir, const char *name)
{
	size_t dir_len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
	size_t name_len = strlen(name);
	char *path = malloc(dir_len + name_len + 2);

	if (path == NULL)
		return NULL;
	memcpy(path, dir, dir_len);
	path[dir_len] = '/';
	memcpy(path + dir_len + 1, name, name_len + 1);
	return path;
}

bool
dbpath_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

const char *
dbpath_last(const char *path)
{
	return strrchr(path, '/') + 1;
}

void
dbpath_shorten(char *path, uint64_t n)
{
	for (char *p = path + 1; *p != '\0'; p++) {
		if (n == 0 || (*p == '/' && --n == 0)) {
			*p = '\0';
			return;
		}
	}
}
