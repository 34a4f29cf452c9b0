/* emu/place.c - makes, locks and removes the directory of the state. */
#include "config.h"

#include "emu/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/text.h"

#include "base/banned.h"

#define STATE_NEW ".state.new"
#define FRESH     "fresh"

static int
open_dir(int at, const char *name)
{
	int fd;

	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What a kill left of make_state counts for nothing. */
static bool
is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *de;
	bool empty = true;

	if (dir == NULL)
		return false;
	while (empty && (de = readdir(dir)) != NULL)
		empty = strcmp(de->d_name, ".") == 0 ||
			strcmp(de->d_name, "..") == 0 ||
			strcmp(de->d_name, STATE_NEW) == 0;
	(void)closedir(dir);
	return empty;
}

static void
empty_dir(struct place *p, const char *name)
{
	char *path = text_printf("%s/%s", p->state, name);
	DIR *dir = path != NULL ? opendir(path) : NULL;
	struct dirent *de;

	while (dir != NULL && (de = readdir(dir)) != NULL) {
		char *child;

		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		child = text_printf("%s/%s", path, de->d_name);
		if (child == NULL || io_remove_tree(child) < 0)
			log_warn(
			    "place", "cannot remove %s/%s", path, de->d_name);
		free(child);
	}
	if (dir != NULL)
		(void)closedir(dir);
	free(path);
}

void
place_discard(struct place *p, const char *name)
{
	char *path = text_printf("%s/trash/%s", p->state, name);

	if (path == NULL || io_remove_tree(path) < 0)
		log_warn("place", "cannot remove trash %s", name);
	free(path);
}

static int
make_root(struct place *p, const char *dir, struct why *why)
{
	const char *tmp = getenv("TMPDIR");
	int ret;

	if (dir != NULL) {
		ret = io_mkdirs(dir, 0700);
		if (ret < 0)
			return why_set(why, ret, "%s: %s", dir, strerror(-ret));
		p->root = realpath(dir, NULL);
		return p->root != NULL ? 0 : -ENOMEM;
	}
	p->root = text_printf("%s/brickfs-emulator.XXXXXX",
	    tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
	if (p->root == NULL)
		return -ENOMEM;
	if (mkdtemp(p->root) == NULL)
		return why_set(why, -errno, "%s: %s", p->root, strerror(errno));
	p->temporary = true;
	return 0;
}

static int
take_lock(struct place *p, struct why *why)
{
	p->lock_fd =
	    openat(p->state_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (p->lock_fd < 0)
		return why_set(
		    why, -errno, "%s/lock: %s", p->state, strerror(errno));
	if (flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return why_set(why, -errno,
		    "%s is in use by another brickfs-emulator", p->root);
	return 0;
}

static int
open_parts(struct place *p, struct why *why)
{
	const struct {
		const char *name;
		int *fd;
	} parts[] = {
		{ "tmp", &p->tmp_fd },
		{ "trash", &p->trash_fd },
		{ "names", &p->names_fd },
		{ "streams", &p->streams_fd },
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		*parts[i].fd = open_dir(p->state_fd, parts[i].name);
		if (*parts[i].fd < 0)
			return why_set(why, *parts[i].fd, "%s/%s: %s", p->state,
			    parts[i].name, strerror(-*parts[i].fd));
	}
	return 0;
}

/* The state of an empty root appears together with the note that it was empty. */
static int
make_state(struct place *p)
{
	int fd, note;

	if (!is_empty(p->root))
		return 0;
	fd = open_dir(p->root_fd, STATE_NEW);
	if (fd < 0)
		return fd;
	note = openat(fd, FRESH, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)close(fd);
	if (note < 0)
		return -errno;
	(void)close(note);
	if (renameat(p->root_fd, STATE_NEW, p->root_fd, ".state") < 0 &&
	    errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	return 0; /* or another one was faster, and has the lock */
}

void
place_seeded(struct place *p)
{
	if (unlinkat(p->state_fd, FRESH, 0) < 0)
		log_warn("place", "cannot remove %s/" FRESH, p->state);
}

static int
open_all(struct place *p, const char *dir, struct why *why)
{
	int ret;

	ret = make_root(p, dir, why);
	if (ret < 0)
		return ret;
	p->state = text_printf("%s/.state", p->root);
	if (p->state == NULL)
		return -ENOMEM;
	p->root_fd = open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->root_fd < 0)
		return why_set(why, -errno, "%s: %s", p->root, strerror(errno));
	ret = make_state(p);
	if (ret < 0)
		return why_set(why, ret, "%s: %s", p->state, strerror(-ret));
	p->state_fd = open_dir(p->root_fd, ".state");
	if (p->state_fd < 0)
		return why_set(why, p->state_fd, "%s: %s", p->state,
		    strerror(-p->state_fd));
	ret = take_lock(p, why);
	if (ret == 0)
		ret = open_parts(p, why);
	if (ret == 0) {
		p->fresh = faccessat(p->state_fd, FRESH, F_OK, 0) == 0;
		empty_dir(p, "tmp");
		empty_dir(p, "trash");
	}
	return ret;
}

int
place_open(const char *dir, struct place **out, struct why *why)
{
	struct place *p;
	int ret;

	p = malloc(sizeof(*p));
	if (p == NULL)
		return why_set(why, -ENOMEM, "out of memory");
	*p = (struct place){ .root_fd = -1,
		.state_fd = -1,
		.tmp_fd = -1,
		.trash_fd = -1,
		.names_fd = -1,
		.streams_fd = -1,
		.lock_fd = -1 };
	why->text[0] = '\0';
	ret = open_all(p, dir, why);
	if (ret < 0) {
		if (why->text[0] == '\0')
			(void)why_set(why, ret, "%s", strerror(-ret));
		place_close(p);
		return ret;
	}
	*out = p;
	return 0;
}

void
place_close(struct place *p)
{
	if (p == NULL)
		return;
	if (p->temporary && io_remove_tree(p->root) < 0)
		log_warn("place", "cannot remove %s", p->root);
	const int fds[] = { p->tmp_fd, p->trash_fd, p->names_fd, p->streams_fd,
		p->lock_fd, p->state_fd, p->root_fd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	free(p->root);
	free(p->state);
	free(p);
}

int
place_tree(struct place *p, const char *name)
{
	return open_dir(p->root_fd, name);
}
