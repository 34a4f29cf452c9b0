/* app/options.h: the command line, and what was asked for with it.
 *
 * One table holds every option: its name, kind, place in struct config, default,
 * limits and the sentence that --help shows.  Each may be written "-o name=value",
 * as in /etc/fstab, or "--name=value". */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/buf.h"

enum control_shown {
	CONTROL_AUTO, /* listed in a mount of everything only */
	CONTROL_SHOWN,
	CONTROL_HIDDEN,
	CONTROL_OFF,
};

enum conflict_mode { CONFLICT_KEEP = 1, CONFLICT_SIBLING, CONFLICT_OVERWRITE };

enum verify_mode { VERIFY_SIZE = 1, VERIFY_READ };

enum notebooks_mode { NOTEBOOKS_SOURCE = 1, NOTEBOOKS_IPYNB, NOTEBOOKS_FILES };

struct config {
	char *source;     /* as given; NULL: none */
	char *mountpoint; /* as given */

	char *host; /* NULL, as all texts, when not given */
	char *profile;
	char *config_file;
	char *cacert;
	char *state_dir;

	bool read_only;
	bool nonempty;
	bool allow_other;
	bool foreground;
	bool debug;
	bool offline;
	bool help;
	bool version;
	bool noexec;
	bool noatime;

	int64_t uid; /* -1: who mounts */
	int64_t gid;
	int64_t umask; /* -1, as the next two: the umask of brickfs itself */
	int64_t fmask;
	int64_t dmask;

	int64_t attr_timeout_ms;
	int64_t negative_timeout_ms;
	int64_t scratch_keep_ms;
	int64_t timeout_ms;
	int64_t retry_timeout_ms;
	int64_t drain_timeout_ms;
	int64_t writeback_ms; /* -1: closes wait for the server */
	enum conflict_mode conflict;
	enum verify_mode verify;
	enum notebooks_mode notebooks;
	uint64_t cache_mem;  /* bytes */
	uint64_t cache_disk; /* bytes; 0: off */
	enum control_shown control;
};

/* Reads the command line.  On failure -EINVAL or -ENOMEM, and a line in words (which
 * never holds the value of a secret).  config needs options_release in every
 * case. */
int options_parse(int argc, char **argv, struct config *config,
    struct buf *words) WARN_UNUSED;
void options_release(struct config *config);

/* What --help shows; and the names with their values in config, for
 * .control/config.json. */
int options_help(struct buf *out) WARN_UNUSED;

/* Called once for each option that has a value worth showing. */
typedef int option_fn(void *ctx, const char *name, const char *value);
int options_each(
    const struct config *config, option_fn *each, void *ctx) WARN_UNUSED;

#endif
