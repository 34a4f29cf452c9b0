/* fs/scratch.c - names of temporary files. */
#include "config.h"

#include "fs/scratch.h"

#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"

#include "base/banned.h"

/* Design section 3, scratch names; the first row that fits wins. */
static const struct {
	const char *pattern;
	enum scratch class;
} patterns[] = {
	/* clang-format off */
	{ ".*.sw?",		SCRATCH_NEVER },	/* vim */
	{ ".*.sw?x",		SCRATCH_NEVER },	/* vim: which names can be? */
	{ ".sw?",		SCRATCH_NEVER },	/* vim, buffer without name */
	{ "4913",		SCRATCH_NEVER },	/* vim: may I create files? */
	{ ".#*",		SCRATCH_NEVER },	/* emacs locks */
	{ ".~lock.*#",		SCRATCH_NEVER },	/* LibreOffice */
	{ ".nfs*",		SCRATCH_NEVER },
	{ "*~",			SCRATCH_LATER },	/* backups */
	{ "#*#",		SCRATCH_LATER },	/* emacs autosave */
	{ ".~*",		SCRATCH_LATER },
	{ ".goutputstream-*",	SCRATCH_LATER },	/* GLib */
	{ ".DS_Store",		SCRATCH_LATER },
	{ "._*",		SCRATCH_LATER },	/* macOS */
	/* clang-format on */
};

static bool
all_alnum(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]))
			return false;
	return true;
}

enum scratch
scratch_of_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (fnmatch(patterns[i].pattern, name, 0) == 0)
			return patterns[i].class;
	/* sed -i makes "sedXXXXXX". */
	if (strlen(name) == 9 && strncmp(name, "sed", 3) == 0 &&
	    all_alnum(name + 3, 6))
		return SCRATCH_LATER;
	return SCRATCH_NO;
}

enum scratch
scratch_of_created(const char *name, int flags, mode_t mode)
{
	enum scratch class = scratch_of_name(name);
	size_t len = strlen(name);

	if (class != SCRATCH_NO)
		return class;
	if ((flags & O_EXCL) == 0 || (mode & 0777) != 0600)
		return SCRATCH_NO;
	if (name[0] == '.' && len > 8 && name[len - 7] == '.' &&
	    all_alnum(name + len - 6, 6))
		return SCRATCH_LATER; /* rsync */
	if (len == 8 && strncmp(name, "XX", 2) == 0 && all_alnum(name + 2, 6))
		return SCRATCH_LATER; /* perl -i */
	return SCRATCH_NO;
}
