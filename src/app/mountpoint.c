/* app/mountpoint.c - may a directory be mounted on, and is it? */
#include "config.h"

#include "app/mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/words.h"
#include "base/io.h"
#include "base/text.h"

#include "base/banned.h"

#define MOUNTINFO_MAX ((size_t)16 << 20)

/* --- what is mounted ------------------------------------------------------------ */

/* Undoes the kernel's "\040" for blanks, tabs, newlines and backslashes. */
static void
unescape(char *s)
{
	char *to = s;

	while (*s != '\0') {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
				       (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* One line of mountinfo: "36 35 98:0 /root /mount/point rw ... - type source ...".
 * Source: proc(5). */
static bool
take_line(char *line, const char *path, struct mountpoint_info *out)
{
	char *field[5], *rest = line, *type;

	type = strstr(line, " - ");
	if (type == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(field); i++)
		field[i] = strsep(&rest, " ");
	if (field[4] == NULL)
		return false;
	unescape(field[4]);
	if (strcmp(field[4], path) != 0)
		return false;
	type += strlen(" - ");
	type[strcspn(type, " ")] = '\0';
	text_copy(out->device, sizeof(out->device), field[2]);
	text_copy(out->type, sizeof(out->type), type);
	return true;
}

int
mountpoint_info(const char *path, struct mountpoint_info *out)
{
	struct buf text;
	char *rest, *line;
	bool found = false;
	int ret;

	buf_init(&text, MOUNTINFO_MAX);
	ret = io_read_file("/proc/self/mountinfo", &text);
	rest = text.data;
	/* The last line is the topmost mount. */
	while (ret == 0 && (line = strsep(&rest, "\n")) != NULL)
		found = take_line(line, path, out) || found;
	buf_release(&text);
	return ret < 0 ? ret : found ? 0 : -ENOENT;
}

/* --- the directory ---------------------------------------------------------------- */

static int
check_empty(const char *path, struct buf *words)
{
	DIR *dir = opendir(path);
	const struct dirent *d;
	bool empty = true;

	if (dir == NULL)
		return words_say(
		    words, -errno, "%s: %s", path, strerror(errno));
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			empty = false;
	(void)closedir(dir);
	return empty
		   ? 0
		   : words_say(words, -ENOTEMPTY,
			 "%s is not empty; mount"
			 " on an empty directory, or say -o nonempty to hide what is in"
			 " it",
			 path);
}

static int
explain(const char *path, int err, struct buf *words)
{
	switch (err) {
	case ENOENT:
		return words_say(words, -err,
		    "%s does not exist; make the mount"
		    " point first: mkdir -p %s",
		    path, path);
	case ENOTCONN:
	case ECONNABORTED: /* it is ending just now */
		return words_say(words, -err,
		    "%s is a mount whose program has"
		    " ended; unmount it first: fusermount3 -uz %s",
		    path, path);
	default: return words_say(words, -err, "%s: %s", path, strerror(err));
	}
}

/* What fusermount3 wants of ordinary users, asked before anything is made for the
 * mount. */
static int
check_owner(const char *path, const struct stat *st, struct buf *words)
{
	if (geteuid() == 0)
		return 0;
	if ((st->st_mode & S_ISVTX) != 0 && st->st_uid != geteuid())
		return words_say(words, -EPERM,
		    "%s belongs to somebody else; mount on a directory of your"
		    " own",
		    path);
	if (access(path, W_OK) < 0)
		return words_say(words, -errno,
		    "you may not write to %s; mount on a directory of your own",
		    path);
	return 0;
}

static int
check_free(const char *path, const struct stat *st, struct buf *words)
{
	struct mountpoint_info info;
	struct statvfs fs;
	int ret;

	if (mountpoint_info(path, &info) < 0) {
		ret = check_owner(path, st, words);
		return ret < 0 ? ret : check_empty(path, words);
	}
	/* Under systemd's automounts the mount point is an autofs that waits
	 * for us; to look into it would wait for ourselves. */
	if (strcmp(info.type, "autofs") == 0)
		return check_owner(path, st, words);
	/* The kernel may still know the attributes of what nobody serves any more;
	 * this asks, and is answered without the service. */
	if (statvfs(path, &fs) < 0 &&
	    (errno == ENOTCONN || errno == ECONNABORTED))
		return explain(path, errno, words);
	if (strcmp(info.type, "fuse.brickfs") == 0)
		return words_say(words, -EBUSY,
		    "%s is already mounted;"
		    " fusermount3 -u %s unmounts it",
		    path, path);
	return words_say(words, -EBUSY,
	    "%s is already a mount point, of a"
	    " filesystem of type %s; say -o nonempty to mount over it",
	    path, info.type);
}

int
mountpoint_check(const char *path, bool nonempty, struct buf *words, char **out)
{
	char *real = realpath(path, NULL);
	struct stat st;
	int ret = 0;

	if (real == NULL)
		return explain(path, errno, words);
	if (stat(real, &st) < 0)
		ret = explain(real, errno, words);
	else if (!S_ISDIR(st.st_mode))
		ret = words_say(words, -ENOTDIR,
		    "%s is not a directory; a mount"
		    " point is one",
		    path);
	else if (nonempty)
		ret = check_owner(real, &st, words);
	else
		ret = check_free(real, &st, words);
	if (ret < 0) {
		free(real);
		return ret;
	}
	*out = real;
	return 0;
}

/* --- FUSE ------------------------------------------------------------------------- */

static int
check_device(struct buf *words)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		(void)close(fd);
		return 0;
	}
	switch (errno) {
	case ENOENT:
		return words_say(words, -errno,
		    "there is no /dev/fuse, through"
		    " which filesystems like this one are mounted; as root:"
		    " modprobe fuse (in a container: --device /dev/fuse"
		    " --cap-add SYS_ADMIN)");
	case EACCES:
		return words_say(words, -errno,
		    "/dev/fuse is closed to you; as"
		    " root: chmod 666 /dev/fuse");
	case EPERM:
		return words_say(words, -errno,
		    "/dev/fuse may not be used here;"
		    " a container needs --device /dev/fuse --cap-add"
		    " SYS_ADMIN");
	case ENODEV:
	case ENXIO:
		return words_say(words, -errno,
		    "the kernel has no FUSE; as root:"
		    " modprobe fuse");
	default:
		return words_say(
		    words, -errno, "/dev/fuse: %s", strerror(errno));
	}
}

static bool
is_program(const char *dir, size_t len, const char *name)
{
	char *path = text_printf("%.*s/%s", (int)len, dir, name);
	bool is = path != NULL && access(path, X_OK) == 0;

	free(path);
	return is;
}

/* Who is not root mounts through a helper, which libfuse looks for in its own
 * place and along $PATH. */
static int
check_helper(struct buf *words)
{
	static const char helper[] = "fusermount3";
	const char *dirs = getenv("PATH");

	if (geteuid() == 0 || is_program("/usr/bin", 8, helper) ||
	    is_program("/bin", 4, helper))
		return 0;
	while (dirs != NULL && *dirs != '\0') {
		size_t len = strcspn(dirs, ":");

		if (is_program(dirs, len, helper))
			return 0;
		dirs += len + (dirs[len] == ':');
	}
	return words_say(words, -ENOENT,
	    "fusermount3 is missing, through which"
	    " ordinary users mount; install the package fuse3");
}

static int
check_allow_other(struct buf *words)
{
	struct buf text;
	char *rest, *line;
	bool allowed = false;
	int ret;

	if (geteuid() == 0)
		return 0;
	buf_init(&text, BUF_LIMIT_TEXT);
	ret = io_read_file("/etc/fuse.conf", &text);
	rest = text.data;
	while (ret == 0 && (line = strsep(&rest, "\n")) != NULL) {
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r#")] = '\0';
		allowed = allowed || strcmp(line, "user_allow_other") == 0;
	}
	buf_release(&text);
	return allowed
		   ? 0
		   : words_say(words, -EPERM,
			 "-o allow_other is for"
			 " root, unless /etc/fuse.conf has a line user_allow_other");
}

int
mountpoint_check_fuse(bool allow_other, struct buf *words)
{
	int ret;

	ret = check_device(words);
	if (ret == 0)
		ret = check_helper(words);
	if (ret == 0 && allow_other)
		ret = check_allow_other(words);
	return ret;
}
