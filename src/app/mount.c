/* app/mount.c - the mount itself.
 *
 * libfuse unmounts by path.  When somebody else has unmounted us already, another
 * filesystem may be on that path by now; so we remember the device of our mount,
 * and leave alone what is not ours. */
#include "config.h"

#include "app/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

#include "app/mountpoint.h"
#include "app/words.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "fs/ops.h"

#include "base/banned.h"

/* Threads that read requests.  fs/gate.h lets fewer of them block. */
#define LOOP_THREADS 64

#define HELPER_WORDS_MAX 4096

struct mount {
	struct ops *ops; /* borrowed; set once */
	char *mountpoint; /* set once */
	char device[32];  /* set once; "" when it could not be learnt */

	/* Held while we unmount, so that the end waits for it. */
	struct lock lock;
	struct fuse_session *session; /* with lock; NULL after the end */
};

/* --- what libfuse says -------------------------------------------------------------- */

static void PRINTF_LIKE(2, 0)
    log_from_fuse(enum fuse_log_level level, const char *fmt, va_list ap)
{
	char text[512];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	if (level <= FUSE_LOG_ERR)
		log_warn("fuse", "%s", text);
	else
		log_debug("fuse", "%s", text);
}

/* While one is being made: libfuse and its helper write to stderr why they cannot
 * mount, and that belongs into our one line. */
struct capture {
	int kept; /* the real stderr */
	int file;
};

static void
capture_begin(struct capture *c)
{
	c->kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	c->file = memfd_create("brickfs-stderr", MFD_CLOEXEC);
	if (c->kept >= 0 && c->file >= 0)
		(void)dup2(c->file, STDERR_FILENO);
}

/* Puts stderr back; the first line that was written comes into words. */
static void
capture_end(struct capture *c, char *words, size_t bytes)
{
	ssize_t n = 0;

	if (c->kept >= 0 && c->file >= 0) {
		(void)dup2(c->kept, STDERR_FILENO);
		n = io_pread(c->file, words, bytes - 1, 0);
	}
	words[n > 0 ? n : 0] = '\0';
	words[strcspn(words, "\n")] = '\0';
	if (c->kept >= 0)
		(void)close(c->kept);
	if (c->file >= 0)
		(void)close(c->file);
}

/* --- mounting ----------------------------------------------------------------------- */

static int
add_option(char **list, const char *option)
{
	return fuse_opt_add_opt(list, option) == 0 ? 0 : -ENOMEM;
}

/* No device and no set-user-id bit ever comes from a server: libfuse mounts with
 * nosuid and nodev unless told otherwise.  max_read stays unset: it would have to
 * be told to the kernel twice. */
static int
make_options(const struct mount_options *o, char **out)
{
	char *name = text_printf("fsname=%s", o->source);
	int ret = -ENOMEM;

	/* A comma in the name must not end it. */
	if (name != NULL && fuse_opt_add_opt_escaped(out, name) == 0)
		ret = add_option(out, "subtype=brickfs");
	free(name);
	if (ret == 0)
		ret = add_option(out, "default_permissions");
	if (ret == 0 && o->read_only)
		ret = add_option(out, "ro");
	if (ret == 0 && o->allow_other)
		ret = add_option(out, "allow_other");
	if (ret == 0 && o->noexec)
		ret = add_option(out, "noexec");
	if (ret == 0 && o->noatime)
		ret = add_option(out, "noatime");
	return ret;
}

static int
make_session(
    const struct mount_options *o, struct ops *ops, struct fuse_session **out)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	char *options = NULL;
	int ret;

	ret = make_options(o, &options);
	if (ret < 0)
		goto out;
	ret = -ENOMEM;
	if (fuse_opt_add_arg(&args, "brickfs") < 0 ||
	    fuse_opt_add_arg(&args, "-o") < 0 ||
	    fuse_opt_add_arg(&args, options) < 0)
		goto out;
	*out = fuse_session_new(&args, &ops_table, sizeof(ops_table), ops);
	ret = *out != NULL ? 0 : -EINVAL;
out:
	fuse_opt_free_args(&args);
	free(options);
	return ret;
}

/* Why it was not mounted, in the words of who tried. */
static int
explain(const struct mount *m, const char *said, struct buf *words)
{
	const char *hint = "";

	for (size_t i = 0; i < 2; i++) {
		static const char *const prefixes[] = { "fusermount3: ",
			"fuse: " };

		if (text_starts(said, prefixes[i]))
			said += strlen(prefixes[i]);
	}
	if (strstr(said, "Operation not permitted") != NULL && geteuid() == 0)
		hint = " (a container needs --device /dev/fuse --cap-add"
		       " SYS_ADMIN)";
	return words_say(words, -EIO, "%s cannot be mounted on: %s%s",
	    m->mountpoint, *said != '\0' ? said : "the kernel refuses", hint);
}

int
mount_open(const struct mount_options *options, struct ops *ops,
    struct buf *words, struct mount **out)
{
	struct mount *m = calloc(1, sizeof(*m));
	struct mountpoint_info info;
	char said[HELPER_WORDS_MAX];
	struct capture capture;
	int ret;

	if (m == NULL)
		return -ENOMEM;
	lock_init(&m->lock, "mount");
	m->ops = ops;
	m->mountpoint = text_dup(options->mountpoint);
	ret = m->mountpoint != NULL ? 0 : -ENOMEM;
	if (ret == 0)
		ret = make_session(options, ops, &m->session);
	if (ret < 0)
		goto err;
	capture_begin(&capture);
	ret = fuse_session_mount(m->session, m->mountpoint);
	capture_end(&capture, said, sizeof(said));
	if (ret != 0) {
		ret = explain(m, said, words);
		fuse_session_destroy(m->session);
		m->session = NULL;
		goto err;
	}
	fuse_set_log_func(log_from_fuse);
	if (mountpoint_info(m->mountpoint, &info) == 0)
		text_copy(m->device, sizeof(m->device), info.device);
	*out = m;
	return 0;
err:
	mount_free(m);
	return ret;
}

/* --- serving ------------------------------------------------------------------------ */

static int
loop(struct fuse_session *session)
{
#if FUSE_USE_VERSION >= 312
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int ret;

	if (config == NULL)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, 0);
	fuse_loop_cfg_set_max_threads(config, LOOP_THREADS);
	fuse_loop_cfg_set_idle_threads(config, LOOP_THREADS);
	ret = fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	return ret;
#else
	struct fuse_loop_config config = {
		.clone_fd = 0,
		.max_idle_threads = LOOP_THREADS,
	};

	return fuse_session_loop_mt(session, &config);
#endif
}

int
mount_serve(struct mount *m)
{
	int ret;

	ret = ops_start(m->ops, m->session);
	if (ret == 0)
		ret = loop(m->session);
	ops_stop(m->ops);
	return ret < 0 ? ret : 0;
}

/* --- leaving ------------------------------------------------------------------------- */

/* Is the topmost mount on our path still ours? */
static bool
is_there(const struct mount *m)
{
	struct mountpoint_info info;

	return mountpoint_info(m->mountpoint, &info) == 0 &&
	       (m->device[0] == '\0' || strcmp(m->device, info.device) == 0);
}

static void
unmount_by_helper(const struct mount *m)
{
	char helper[] = "fusermount3", unmount[] = "-u", quiet[] = "-q",
	     lazy[] = "-z", end[] = "--";
	char *const argv[] = { helper, unmount, quiet, lazy, end, m->mountpoint,
		NULL };
	int err, status;
	pid_t pid;

	err = posix_spawnp(&pid, helper, NULL, NULL, argv, environ);
	if (err != 0)
		log_warn("mount", "%s: %s", helper, strerror(err));
	else
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
}

static void
unmount(const struct mount *m)
{
	if (!is_there(m))
		return;
	if (geteuid() != 0)
		unmount_by_helper(m);
	else if (umount2(m->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		log_warn("mount", "%s cannot be unmounted: %s", m->mountpoint,
		    strerror(errno));
}

/* Ends the connection to the kernel.  fuse_session_unmount, without which libfuse
 * leaks, unmounts whatever is on our path unless poll() says POLLERR of the
 * session's descriptor; while a program has a file of a detached mount open it does
 * not, and an automount point below us would go.  So that descriptor becomes a pipe
 * that nobody reads, of which poll() always says so. */
static void
cut_off(struct fuse_session *session)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	(void)close(ends[0]);
	(void)dup3(ends[1], fuse_session_fd(session), O_CLOEXEC);
	(void)close(ends[1]);
}

void
mount_leave(struct mount *m)
{
	lock_take(&m->lock);
	if (m->session != NULL && !fuse_session_exited(m->session)) {
		unmount(m);
		fuse_session_exit(m->session);
	}
	lock_drop(&m->lock);
}

void
mount_end(struct mount *m)
{
	lock_take(&m->lock);
	if (m->session != NULL) {
		unmount(m);
		cut_off(m->session);
		fuse_session_unmount(m->session);
		fuse_session_destroy(m->session);
		m->session = NULL;
	}
	lock_drop(&m->lock);
}

void
mount_free(struct mount *m)
{
	if (m == NULL)
		return;
	if (m->session != NULL)
		mount_end(m);
	lock_release(&m->lock);
	free(m->mountpoint);
	free(m);
}
