/* app/main.c - brickfs: from the command line to the exit status. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/background.h"
#include "app/mount.h"
#include "app/mountpoint.h"
#include "app/options.h"
#include "app/part.h"
#include "app/stack.h"
#include "app/stop.h"
#include "app/words.h"
#include "base/log.h"
#include "base/text.h"

#include "base/banned.h"

#define STATUS_USAGE 2

/* What ending may take longer than the draining that was asked for, ms: answers to
 * requests that were under way. */
#define ENDING_MS 5000

struct brickfs {
	struct config config;
	struct part part;
	char *mountpoint;
	mode_t umask;
	struct background background;
	struct stop *stop;
	struct stack *stack;
	struct mount *mount;
	struct buf words; /* why there is no mount */
};

/* --- words ------------------------------------------------------------------------ */

/* One line on stderr, whatever a server has put into it. */
static void
say(const struct buf *words)
{
	char *line = text_dup(buf_text(words));

	for (char *p = line; p != NULL && *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	(void)fprintf(
	    stderr, "brickfs: %s\n", line != NULL ? line : "out of memory");
	free(line);
}

static int
show_help(void)
{
	struct buf text;
	int ret;

	buf_init(&text, BUF_LIMIT_TEXT);
	ret = options_help(&text);
	if (ret == 0 &&
	    (fputs(buf_text(&text), stdout) == EOF || fflush(stdout) == EOF))
		ret = -EIO;
	buf_release(&text);
	return ret == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
show_version(void)
{
	return printf("%s\n", PACKAGE_STRING) < 0 || fflush(stdout) == EOF
		   ? EXIT_FAILURE
		   : EXIT_SUCCESS;
}

/* How many files are left, and where. */
static void
say_what_is_left(struct brickfs *b, unsigned left)
{
	const char *dir = stack_state_dir(b->stack);

	log_error("mount",
	    "%u file%s could not be sent and %s kept in %s; the"
	    " next mount of %s on %s takes %s up",
	    left, left == 1 ? "" : "s", left == 1 ? "is" : "are",
	    dir != NULL ? dir : "-", b->part.shown, b->mountpoint,
	    left == 1 ? "it" : "them");
}

/* --- what others must not see ------------------------------------------------------- */

/* A core file would hold the token. */
static void
forbid_core(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
}

/* A file that is written takes a descriptor, until it is sent. */
static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Neither would other processes of ours read it from memory.  Not before the mount
 * is there: the helper of ordinary users looks into /proc. */
static void
set_dumpable(bool dumpable)
{
	(void)prctl(PR_SET_DUMPABLE, dumpable ? 1L : 0L, 0L, 0L, 0L);
}

/* Whoever starts us may have closed stdin, stdout or stderr; a file of ours must not
 * come to stand in their place. */
static void
open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* --- systemd -------------------------------------------------------------------------- */

/* Source: sd_notify(3): one datagram. */
static void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(to.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* an abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warn(
		    "mount", "cannot notify %s: %s", path, strerror(errno));
	(void)close(fd);
}

/* --- steps ---------------------------------------------------------------------------- */

/* A relative path in place means the same after chdir.  What is not there stays, for
 * its reader to complain about. */
static void
make_absolute(char **path)
{
	char *real =
	    *path != NULL && **path != '/' ? realpath(*path, NULL) : NULL;

	if (real == NULL)
		return;
	free(*path);
	*path = real;
}

/* Everything that can be known without asking the service. */
static int
check(struct brickfs *b)
{
	struct config *c = &b->config;
	int ret;

	make_absolute(&c->cacert);
	if (c->cacert != NULL && access(c->cacert, R_OK) < 0)
		return words_say(&b->words, -errno, "cacert=%s: %s", c->cacert,
		    strerror(errno));
	ret = part_parse(c->source, &b->part, &b->words);
	if (ret < 0 && c->source != NULL) {
		struct buf line;

		buf_init(&line, BUF_LIMIT_TEXT);
		ret = words_say(
		    &line, ret, "%s: %s", c->source, buf_text(&b->words));
		buf_release(&b->words);
		b->words = line;
		return ret;
	}
	if (ret == 0)
		ret = mountpoint_check(
		    c->mountpoint, c->nonempty, &b->words, &b->mountpoint);
	if (ret == 0)
		ret = mountpoint_check_fuse(c->allow_other, &b->words);
	return ret;
}

/* Asks the service and builds the layers.  What goes wrong is told in one line, so
 * the layers themselves keep quiet. */
static int
build(struct brickfs *b)
{
	const struct stack_config config = {
		.config = &b->config,
		.part = &b->part,
		.mountpoint = b->mountpoint,
		.umask = b->umask,
	};
	struct call call = {
		.op = "mount",
		.interrupted = stop_asked,
		.arg = b->stop,
	};

	return stack_new(&config, &call, &b->words, &b->stack);
}

static int
mount(struct brickfs *b)
{
	const struct config *c = &b->config;
	const struct mount_options options = {
		.mountpoint = b->mountpoint,
		.source = b->part.shown,
		.read_only = stack_is_read_only(b->stack),
		.allow_other = c->allow_other,
		.noexec = c->noexec,
		.noatime = c->noatime,
	};
	int ret;

	ret = mount_open(&options, stack_ops(b->stack), &b->words, &b->mount);
	if (ret == 0)
		set_dumpable(false);
	if (ret == 0)
		ret = stack_start(b->stack);
	return ret;
}

/* From here on nobody waits for us. */
static int
settle(struct brickfs *b)
{
	int ret = 0;

	if (!b->config.foreground) {
		log_to_syslog();
		ret = background_done(&b->background);
		if (ret < 0)
			log_error("mount",
			    "whoever asked for this mount has"
			    " gone: %s",
			    strerror(-ret));
	}
	notify("READY=1");
	log_info("mount", "%s is mounted on %s", b->part.shown, b->mountpoint);
	return ret;
}

static void
on_leave(void *ctx)
{
	struct brickfs *b = ctx;

	stop_limit(b->stop, b->config.drain_timeout_ms + ENDING_MS);
	notify("STOPPING=1");
	stack_leave(b->stack);
	mount_leave(b->mount);
}

static void
on_hang_up(void *ctx)
{
	struct brickfs *b = ctx;

	log_info("mount", "SIGHUP: caches are dropped");
	stack_drop_caches(b->stack);
}

static void
on_last_words(void *ctx)
{
	struct brickfs *b = ctx;

	say_what_is_left(b, stack_dirty(b->stack));
}

/* Answers the kernel until the directory is unmounted. */
static int
serve(struct brickfs *b)
{
	const struct stop_target target = { on_leave, on_hang_up, on_last_words,
		b };
	int ret;

	stop_watch(b->stop, &target);
	ret = mount_serve(b->mount);
	stop_watched(b->stop);
	if (ret < 0)
		log_error(
		    "mount", "the loop of libfuse ended: %s", strerror(-ret));
	return ret;
}

/* Sends what is not sent.  Returns the exit status. */
static int
finish(struct brickfs *b, int ret)
{
	int64_t drain_ms = b->config.drain_timeout_ms;
	unsigned left, dirty;

	mount_end(b->mount);
	dirty = stack_dirty(b->stack);
	if (dirty > 0)
		log_info("mount", "unmounted; sending %u file%s", dirty,
		    dirty == 1 ? "" : "s");
	stop_limit(b->stop, drain_ms + ENDING_MS);
	left = stack_drain(b->stack, drain_ms);
	if (left > 0) {
		say_what_is_left(b, left);
		return STOP_STATUS_LEFT;
	}
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* In the process that will serve.  Returns the exit status. */
static int
run(struct brickfs *b)
{
	int ret, status;

	ret = stop_new(&b->stop);
	if (ret == 0)
		ret = build(b);
	if (ret == 0)
		ret = mount(b);
	if (ret < 0) {
		if (b->words.len == 0)
			(void)words_say(&b->words, ret, "%s", strerror(-ret));
		say(&b->words);
	}
	if (ret < 0) {
		set_dumpable(true);
		return EXIT_FAILURE; /* a mount, if any, goes with release */
	}
	ret = settle(b);
	if (ret == 0)
		ret = serve(b);
	status = finish(b, ret);
	set_dumpable(true);
	return status;
}

static void
release(struct brickfs *b)
{
	stop_free(b->stop);
	mount_free(b->mount);
	stack_free(b->stack);
	free(b->mountpoint);
	part_release(&b->part);
	options_release(&b->config);
	buf_release(&b->words);
}

/* From a command line without mistakes to the exit status. */
static int
start(struct brickfs *b)
{
	log_open("brickfs", LOG_TO_STDERR, -1);
	if (b->config.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	forbid_core();
	raise_limits();
	b->umask = umask(077);
	if (check(b) < 0) {
		say(&b->words);
		return EXIT_FAILURE;
	}
	if (!b->config.foreground && background_begin(&b->background) < 0) {
		(void)words_say(&b->words, 0, "cannot fork");
		say(&b->words);
		return EXIT_FAILURE;
	}
	return run(b);
}

/* Left alone, glibc gives each of many threads a heap of its own, and puts buffers of
 * a MiB there once the first of them was freed: memory that is free and stays ours. */
static void
keep_memory_low(void)
{
#ifdef M_ARENA_MAX
	(void)mallopt(M_ARENA_MAX, 4);
	(void)mallopt(M_MMAP_THRESHOLD, 768 << 10);
#endif
}

int
main(int argc, char **argv)
{
	struct brickfs b = { .umask = 022 };
	int status;

	keep_memory_low();
	open_standard();
	buf_init(&b.words, BUF_LIMIT_TEXT);
	if (options_parse(argc, argv, &b.config, &b.words) < 0) {
		say(&b.words);
		status = STATUS_USAGE;
	} else if (b.config.help) {
		status = show_help();
	} else if (b.config.version) {
		status = show_version();
	} else {
		status = start(&b);
	}
	release(&b);
	return status;
}
