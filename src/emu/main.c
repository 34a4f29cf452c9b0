/* emu/main.c - from argv to exit status. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/io.h"
#include "base/log.h"

#include "emu/emu.h"
#include "emu/routes.h"
#include "emu/seed.h"
#include "emu/server.h"
#include "emu/verbs.h"
#include "emu/workspace.h"

#include "base/banned.h"

#define EXIT_USAGE 2

static int
print(int (*write_text)(struct buf *out))
{
	struct buf out;
	int ret;

	buf_init(&out, BUF_LIMIT_TEXT);
	ret = write_text(&out);
	if (ret == 0 && fputs(buf_text(&out), stdout) == EOF)
		ret = -EIO;
	buf_release(&out);
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
print_version(struct buf *out)
{
	return buf_printf(out, "brickfs-emulator %s (libmicrohttpd %s)\n",
	    PACKAGE_VERSION, MHD_get_version());
}

/* Options that print something and end; false for the others. */
static bool
print_only(const struct flags *flags, int *status)
{
	const struct {
		bool wanted;
		int (*text)(struct buf *out);
	} texts[] = {
		{ flags->help, flags_help },
		{ flags->version, print_version },
		{ flags->endpoints, routes_print },
		{ flags->verbs, verbs_print },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].wanted) {
			*status = print(texts[i].text);
			return true;
		}
	}
	return false;
}

static int
open_log(const struct flags *flags, struct why *why)
{
	int fd = -1;

	if (flags->log != NULL) {
		fd = open(flags->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		    0600);
		if (fd < 0)
			return why_set(why, -errno, "cannot open %s: %s",
			    flags->log, strerror(errno));
	}
	log_open("brickfs-emulator", fd >= 0 ? LOG_TO_FILE : LOG_TO_STDERR, fd);
	if (flags->quiet && fd < 0)
		log_set_level(LOG_LEVEL_WARN);
	return 0;
}

/* Signals are taken by sigwait, so no thread may get them. */
static void
block_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* A connection takes a few descriptors, a walk one a level. */
static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
open_parts(struct emu *emu, struct why *why)
{
	int ret;

	ret = place_open(emu->flags.root, &emu->place, why);
	if (ret < 0)
		return ret;
	timeline_load(&emu->timeline, emu->place->state);
	ret = halt_new(&emu->halt);
	if (ret == 0)
		ret =
		    store_open(emu->place, &emu->timeline, "dbfs", NULL, &emu->dbfs);
	if (ret == 0)
		ret = workspace_open(emu);
	if (ret == 0 && emu->place->fresh) {
		ret = seed_dbfs(emu->dbfs);
		if (ret == 0)
			ret = seed_workspace(emu);
		if (ret == 0)
			place_seeded(emu->place);
	}
	if (ret == 0)
		ret = streams_open(
		    emu->place, &emu->settings, &emu->timeline, &emu->streams);
	if (ret == 0)
		ret = tokens_new(emu->place, &emu->timeline, emu->flags.token,
		    emu->flags.admin_token, &emu->tokens);
	if (ret == 0)
		ret = shaper_new(&emu->settings, emu->halt, &emu->shaper);
	if (ret == 0)
		ret = tally_new(&emu->tally);
	if (ret == 0)
		ret = contents_new(&emu->contents);
	if (ret == 0)
		ret = faults_new(&emu->faults);
	return ret < 0 ? why_set(why, ret, "cannot open %s: %s",
			     emu->place->root, strerror(-ret))
		       : 0;
}

static void
close_parts(struct emu *emu)
{
	faults_free(emu->faults);
	contents_free(emu->contents);
	tally_free(emu->tally);
	shaper_free(emu->shaper);
	tokens_free(emu->tokens);
	streams_close(emu->streams);
	workspace_close(emu);
	store_close(emu->dbfs);
	halt_free(emu->halt);
	place_close(emu->place);
}

static int
write_port(const char *file, uint16_t port, struct why *why)
{
	char text[16];
	int ret, len;

	if (file == NULL)
		return 0;
	len = snprintf(text, sizeof(text), "%u\n", port);
	ret = io_write_file(file, text, (size_t)len, 0644);
	return ret < 0 ? why_set(why, ret, "cannot write %s: %s", file,
			     strerror(-ret))
		       : 0;
}

static int
announce(const struct emu *emu, const struct server *server, struct why *why)
{
	int ret;

	ret = write_port(
	    emu->flags.admin_port_file, server_admin_port(server), why);
	if (ret == 0)
		ret = write_port(
		    emu->flags.port_file, server_port(server), why);
	if (ret < 0)
		return ret;
	if (emu->flags.quiet)
		return 0;
	(void)printf("%s://%s:%u serves %s; try: DATABRICKS_HOST=%s://%s:%u "
		     "DATABRICKS_TOKEN=%s databricks fs ls dbfs:/\n",
	    emu->scheme, server_host(server), server_port(server),
	    emu->place->root, emu->scheme, server_host(server),
	    server_port(server),
	    emu->flags.token_given ? "..." : emu->flags.token);
	(void)fflush(stdout);
	return 0;
}

static int
serve(struct emu *emu, const sigset_t *signals, struct why *why)
{
	struct server *server;
	int ret, sig;

	ret = server_start(emu, &server, why);
	if (ret < 0)
		return ret;
	ret = announce(emu, server, why);
	if (ret == 0)
		(void)sigwait(signals, &sig);
	halt_raise(emu->halt);
	server_stop(server);
	return ret;
}

static int
run(struct emu *emu, struct why *why)
{
	sigset_t signals;
	int ret;

	ret = open_log(&emu->flags, why);
	if (ret < 0)
		return ret;
	block_signals(&signals);
	raise_limits();
	emu->scheme = emu->flags.tls_cert != NULL || emu->flags.tls_ca != NULL
			  ? "https"
			  : "http";
	ret = open_parts(emu, why);
	if (ret == 0)
		ret = serve(emu, &signals, why);
	close_parts(emu);
	return ret;
}

int
main(int argc, char **argv)
{
	static struct emu emu;
	struct why why;
	int status;

	settings_init(&emu.settings);
	if (flags_parse(argc, argv, &emu.flags, &emu.settings, &why) < 0) {
		(void)fprintf(stderr, "brickfs-emulator: %s\n", why.text);
		return EXIT_USAGE;
	}
	if (print_only(&emu.flags, &status))
		return status;
	if (run(&emu, &why) < 0) {
		(void)fprintf(stderr, "brickfs-emulator: %s\n", why.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
