/* app/place.c - directories of ours on the local disk. */
#include "config.h"

#include "app/place.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/words.h"
#include "base/io.h"
#include "base/text.h"

#include "base/banned.h"

const struct place place_state = {
	.systemd = "STATE_DIRECTORY",
	.xdg = "XDG_STATE_HOME",
	.home = ".local/state/brickfs",
	.hidden = "where unsent files are kept, is below the mount point; give"
		  " another one with -o state_dir=",
};

const struct place place_cache = {
	.systemd = "CACHE_DIRECTORY",
	.xdg = "XDG_CACHE_HOME",
	.home = ".cache/brickfs",
	.hidden = "where content of files is kept, is below the mount point",
};

static int
base_of_home(const struct place *p, char **out)
{
	const struct passwd *pw = getpwuid(geteuid());

	if (pw == NULL || pw->pw_dir == NULL || pw->pw_dir[0] != '/')
		return -ENOENT;
	*out = text_printf("%s/%s", pw->pw_dir, p->home);
	return *out != NULL ? 0 : -ENOMEM;
}

int
place_base(const struct place *p, const char *chosen, char **out)
{
	const char *systemd = getenv(p->systemd);
	const char *xdg = getenv(p->xdg);
	char cwd[PATH_MAX];

	if (chosen != NULL && chosen[0] != '/') {
		if (getcwd(cwd, sizeof(cwd)) == NULL)
			return -errno;
		*out = text_printf("%s/%s", cwd, chosen);
	} else if (chosen != NULL) {
		*out = text_dup(chosen);
	} else if (systemd != NULL && systemd[0] == '/') {
		/* Several are separated by colons; the first is ours. */
		*out = strndup(systemd, strcspn(systemd, ":"));
	} else if (xdg != NULL && xdg[0] == '/') {
		*out = text_printf("%s/brickfs", xdg);
	} else {
		return base_of_home(p, out);
	}
	return *out != NULL ? 0 : -ENOMEM;
}

/* Nobody but us and root may be able to exchange a directory on the way to path,
 * which has no symbolic links in it: each belongs to one of us two, and others may
 * write to it only where they cannot rename what is not theirs (/tmp). */
static int
check_way(const char *path, struct buf *words)
{
	char *part = text_dup(path);
	int ret = 0;

	if (part == NULL)
		return -ENOMEM;
	for (char *p = part; ret == 0; p++) {
		char was = *p;
		struct stat st;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (lstat(p == part ? "/" : part, &st) < 0)
			ret = words_say(
			    words, -errno, "%s: %s", part, strerror(errno));
		else if (st.st_uid != 0 && st.st_uid != geteuid())
			ret = words_say(words, -EPERM,
			    "%s belongs to user %u,"
			    " who could exchange what is below it",
			    part, (unsigned)st.st_uid);
		else if ((st.st_mode & 022) != 0 && (st.st_mode & S_ISVTX) == 0)
			ret = words_say(words, -EPERM,
			    "%s may be changed by"
			    " others (mode %04o); chmod go-w it",
			    part, (unsigned)st.st_mode & 07777);
		*p = was;
		if (was == '\0')
			break;
	}
	free(part);
	return ret;
}

int
place_check(const char *path, struct buf *words)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return words_say(
		    words, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return words_say(words, -EPERM, "%s is no directory", path);
	if (st.st_uid != geteuid())
		return words_say(words, -EPERM, "%s belongs to user %u", path,
		    (unsigned)st.st_uid);
	if ((st.st_mode & 077) != 0)
		return words_say(words, -EPERM,
		    "%s is open to others (mode"
		    " %04o); chmod 700 it",
		    path, (unsigned)st.st_mode & 07777);
	return 0;
}

int
place_step(char **path, const char *name, struct buf *words)
{
	char *next = text_printf("%s/%s", *path, name);
	int ret;

	if (next == NULL)
		return -ENOMEM;
	ret = io_mkdir(next, 0700);
	if (ret < 0)
		ret = words_say(words, ret, "%s: %s", next, strerror(-ret));
	else
		ret = place_check(next, words);
	if (ret < 0) {
		free(next);
		return ret;
	}
	free(*path);
	*path = next;
	return 0;
}

/* The mount would hide what lies below its mount point. */
static int
check_not_below(const struct place *p, const char *dir, const char *mountpoint,
    struct buf *words)
{
	size_t len = strlen(mountpoint);

	if (!text_starts(dir, mountpoint) ||
	    (dir[len] != '/' && dir[len] != '\0'))
		return 0;
	return words_say(words, -EPERM, "%s, %s", dir, p->hidden);
}

int
place_make(const struct place *p, const char *base, const char *mountpoint,
    struct buf *words, char **out)
{
	struct stat st;
	char *real;
	int ret;

	ret = check_not_below(p, base, mountpoint, words);
	if (ret < 0)
		return ret;
	ret = io_mkdirs(base, 0700);
	if (ret < 0)
		return words_say(words, ret, "%s: %s", base, strerror(-ret));
	real = realpath(base, NULL);
	if (real == NULL)
		return words_say(
		    words, -errno, "%s: %s", base, strerror(errno));
	ret = check_not_below(p, real, mountpoint, words);
	if (ret == 0)
		ret = check_way(real, words);
	if (ret == 0 && (stat(real, &st) < 0 || st.st_uid != geteuid()))
		ret = words_say(
		    words, -EPERM, "%s belongs to another user", real);
	if (ret < 0) {
		free(real);
		return ret;
	}
	*out = real;
	return 0;
}
