/* app/background.c - a program that goes on after its command has returned. */
#include "config.h"

#include "app/background.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

#include "base/banned.h"

static volatile pid_t waited_for;

static void
pass_on(int sig)
{
	(void)kill(waited_for, sig);
}

/* The end of the waiting command. */
static _Noreturn void
wait_for(pid_t child, int pipe)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction pass = { .sa_handler = pass_on };
	char done = 0;
	int status;

	/* Ctrl-C reaches the child too, which cleans up and ends; a SIGTERM is for
	 * the one that somebody knows. */
	waited_for = child;
	(void)sigaction(SIGINT, &ignore, NULL);
	(void)sigaction(SIGTERM, &pass, NULL);
	while (read(pipe, &done, 1) < 0 && errno == EINTR)
		;
	if (done != 0)
		_exit(EXIT_SUCCESS);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0
		  ? WEXITSTATUS(status)
		  : EXIT_FAILURE);
}

/* A pipe of the caller that stays open here would keep its reader waiting for as
 * long as the mount lives. */
static void
close_inherited(int keep)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *d;

	if (dir == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		uint64_t fd;

		if (text_u64(d->d_name, INT32_MAX, &fd) == 0 &&
		    fd > STDERR_FILENO && (int)fd != keep &&
		    (int)fd != dirfd(dir))
			(void)close((int)fd);
	}
	(void)closedir(dir);
}

int
background_begin(struct background *b)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child < 0) {
		int err = errno;

		(void)close(ends[0]);
		(void)close(ends[1]);
		return -err;
	}
	if (child > 0) {
		(void)close(ends[1]);
		wait_for(child, ends[0]);
	}
	(void)close(ends[0]);
	b->pipe = ends[1];
	close_inherited(b->pipe);
	return 0;
}

int
background_done(struct background *b)
{
	static const char done = 1;
	int null, ret;

	/* Fails when we lead a process group, and so a session, already. */
	(void)setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (chdir("/") < 0 || null < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	(void)close(null);
	ret = io_write(b->pipe, &done, 1);
	(void)close(b->pipe);
	return ret;
}
