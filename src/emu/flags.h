/* emu/flags.h: the command line. */
#ifndef EMU_FLAGS_H
#define EMU_FLAGS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

#include "emu/settings.h"
#include "emu/why.h"

/* Strings are borrowed from argv; NULL when not given. */
struct flags {
	const char *root;
	const char *listen;
	const char *port_file;
	const char *token;
	const char *admin_token;
	const char *allow_host;
	const char *tls_cert;
	const char *tls_key;
	const char *tls_ca;
	const char *admin_port_file;
	const char *log;
	bool quiet;
	bool endpoints;
	bool verbs;
	bool version;
	bool help;
	bool token_given; /* not the default */
};

/* Fills out and set (which has its defaults already).  0, or -EINVAL and why. */
int flags_parse(int argc, char **argv, struct flags *out, struct settings *set,
    struct why *why) WARN_UNUSED;

/* The text of --help. */
int flags_help(struct buf *out) WARN_UNUSED;

#endif
