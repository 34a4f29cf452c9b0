/* app/part.c - which part of a workspace is mounted. */
#include "config.h"

#include "app/part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/words.h"
#include "base/text.h"

#include "base/banned.h"

/* Words that stand for everything; fstab wants some word there. */
static const char *const everything[] = { "", "/", "none", "brickfs" };

/* How a source begins that is in a tree. */
static const struct {
	const char *prefix;
	const char *tree; /* NULL: this version does not show it */
} prefixes[] = {
	{ "dbfs:", "dbfs" },
	{ "/dbfs", "dbfs" },
	{ "/Workspace", "Workspace" },
	{ "/Volumes", NULL },
};

/* Is source the tree itself, or below it? */
static bool
is_in(const char *source, const char *prefix)
{
	char next;

	if (!text_starts(source, prefix))
		return false;
	next = source[strlen(prefix)];
	return next == '\0' || next == '/' || text_ends(prefix, ":");
}

/* The path in the tree, with doubled and closing slashes taken away, in new memory;
 * -EINVAL when it has a "." or "..", which the service would take for names. */
static int
clean_path(const char *path, char **out)
{
	char *clean = malloc(strlen(path) + 2);
	size_t len = 0;

	if (clean == NULL)
		return -ENOMEM;
	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		if (n == 0) {
			path++;
			continue;
		}
		if ((n == 1 && path[0] == '.') ||
		    (n == 2 && path[0] == '.' && path[1] == '.')) {
			free(clean);
			return -EINVAL;
		}
		clean[len++] = '/';
		memcpy(clean + len, path, n);
		len += n;
		path += n;
	}
	if (len == 0)
		clean[len++] = '/';
	clean[len] = '\0';
	*out = clean;
	return 0;
}

static int
parse_path(const char *source, struct part *out, struct buf *words)
{
	const char *path;
	size_t i = 0;
	int ret;

	while (i < ARRAY_LEN(prefixes) && !is_in(source, prefixes[i].prefix))
		i++;
	if (i == ARRAY_LEN(prefixes))
		return words_say(words, -EINVAL,
		    "no part of a workspace is called so;"
		    " write dbfs:/PATH or /Workspace/PATH, or nothing for all"
		    " of it");
	if (prefixes[i].tree == NULL)
		return words_say(words, -EINVAL,
		    "this version mounts dbfs:/PATH and /Workspace/PATH, not"
		    " %s", prefixes[i].prefix + 1);
	out->tree = prefixes[i].tree;
	path = source + strlen(prefixes[i].prefix);
	if (*path != '\0' && *path != '/')
		return words_say(words, -EINVAL,
		    "a path in DBFS begins with a slash:"
		    " dbfs:/%s",
		    path);
	if (!text_is_utf8(path, strlen(path)))
		return words_say(words, -EINVAL, "a path is UTF-8 text");
	ret = clean_path(path, &out->path);
	return ret != -EINVAL
		   ? ret
		   : words_say(words, -EINVAL,
			 "a path has no '.' and no '..' in it");
}

int
part_parse(const char *source, struct part *out, struct buf *words)
{
	int ret = 0;

	*out = (struct part){ .all = source == NULL };
	for (size_t i = 0; i < ARRAY_LEN(everything) && source != NULL; i++)
		if (strcmp(source, everything[i]) == 0)
			out->all = true;
	if (!out->all)
		ret = parse_path(source, out, words);
	if (ret < 0)
		return ret;
	out->shown =
	    text_dup(source != NULL && *source != '\0' ? source : "brickfs");
	if (out->shown == NULL) {
		part_release(out);
		return -ENOMEM;
	}
	return 0;
}

void
part_release(struct part *part)
{
	free(part->path);
	free(part->shown);
	part->path = part->shown = NULL;
}
