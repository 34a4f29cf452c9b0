/* emu/flags.c - the table of options.
 *
 * An option that is not in the table may be the name of a setting. */
#include "config.h"

#include "emu/flags.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "emu/listen.h"

#include "base/banned.h"

#define DEFAULT_LISTEN "127.0.0.1:8090"
#define DEFAULT_TOKEN  "dapi-emulator"

static const struct option {
	const char *name;
	const char *arg; /* NULL: the option is a bool */
	size_t offset;   /* in struct flags */
	const char *help;
} options[] = {
/* clang-format off */
#define AT(field) offsetof(struct flags, field)
	{ "root",        "DIR",       AT(root),        "keep all state below DIR (default: a temporary directory)" },
	{ "listen",      "ADDR:PORT", AT(listen),      "loopback address and port; port 0 takes a free one (" DEFAULT_LISTEN ")" },
	{ "port-file",   "FILE",      AT(port_file),   "write the port into FILE once it is open" },
	{ "token",       "TOKEN",     AT(token),       "the access token (" DEFAULT_TOKEN ")" },
	{ "admin-token", "TOKEN",     AT(admin_token), "the token for /emulator/ (default: the access token)" },
	{ "allow-host",  "NAME",      AT(allow_host),  "accept NAME, too, in the Host header" },
	{ "tls-cert",    "FILE",      AT(tls_cert),    "serve HTTPS with this certificate (PEM)" },
	{ "tls-key",     "FILE",      AT(tls_key),     "and its private key" },
	{ "tls-ca",      "FILE",      AT(tls_ca),      "serve HTTPS with certificates of an own authority, whose certificate goes into FILE" },
	{ "admin-port-file", "FILE",  AT(admin_port_file), "listen for /emulator/ on a second port, too, and write it into FILE" },
	{ "log",         "FILE",      AT(log),         "log requests to FILE instead of stderr" },
	{ "quiet",       NULL,        AT(quiet),       "no line at start, and no requests on stderr" },
	{ "endpoints",   NULL,        AT(endpoints),   "list the endpoints and exit" },
	{ "verbs",       NULL,        AT(verbs),       "list the verbs of fault rules and exit" },
	{ "version",     NULL,        AT(version),     "show the version and exit" },
	{ "help",        NULL,        AT(help),        "show this text and exit" },
#undef AT
	/* clang-format on */
};

static const struct option *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

static int
set_setting(
    struct settings *set, const char *name, const char *value, struct why *why)
{
	int ret = settings_set(set, name, value);

	if (ret == -ENOENT)
		return why_set(why, -EINVAL, "unknown option --%s", name);
	if (ret < 0)
		return why_set(why, ret, "--%s cannot be '%s'", name,
		    value != NULL ? value : "");
	return 0;
}

/* --set NAME=VALUE */
static int
set_generic(struct settings *set, char *text, struct why *why)
{
	char *eq = strchr(text, '=');

	if (eq == NULL)
		return why_set(
		    why, -EINVAL, "--set wants NAME=VALUE, not '%s'", text);
	*eq = '\0';
	return set_setting(set, text, eq + 1, why);
}

/* Stores one option.  value is NULL when the command line had none. */
static int
apply(struct flags *out, struct settings *set, const char *name, char *value,
    struct why *why)
{
	const struct option *opt = find(name);
	char *field;

	if (strcmp(name, "set") == 0)
		return set_generic(set, value, why);
	if (opt == NULL)
		return set_setting(set, name, value, why);
	field = (char *)out + opt->offset;
	if (opt->arg != NULL)
		memcpy(field, &value, sizeof(value));
	else if (value != NULL)
		return why_set(why, -EINVAL, "--%s takes no value", name);
	else
		*(bool *)(void *)field = true;
	return 0;
}

static bool
wants_value(const char *name)
{
	const struct option *opt = find(name);

	if (strcmp(name, "set") == 0)
		return true;
	return opt != NULL ? opt->arg != NULL : settings_wants_value(name);
}

static int
check(const struct flags *f, struct why *why)
{
	struct listen_address address;
	int ret;

	ret = listen_parse(f->listen, &address, why);
	if (ret < 0)
		return ret;
	if ((f->tls_cert == NULL) != (f->tls_key == NULL))
		return why_set(
		    why, -EINVAL, "--tls-cert and --tls-key go together");
	if (f->tls_cert != NULL && f->tls_ca != NULL)
		return why_set(why, -EINVAL,
		    "--tls-cert and --tls-ca exclude each other");
	if (f->token[0] == '\0' || f->admin_token[0] == '\0')
		return why_set(why, -EINVAL, "the token cannot be empty");
	return 0;
}

int
flags_parse(int argc, char **argv, struct flags *out, struct settings *set,
    struct why *why)
{
	int ret;

	*out =
	    (struct flags){ .listen = DEFAULT_LISTEN, .token = DEFAULT_TOKEN };
	for (int i = 1; i < argc; i++) {
		char *name = argv[i], *value;

		if (!text_starts(name, "--") || name[2] == '\0')
			return why_set(
			    why, -EINVAL, "unexpected argument '%s'", name);
		name += 2;
		value = strchr(name, '=');
		if (value != NULL)
			*value++ = '\0';
		else if (wants_value(name)) {
			if (i + 1 >= argc)
				return why_set(
				    why, -EINVAL, "--%s wants a value", name);
			value = argv[++i];
		}
		ret = apply(out, set, name, value, why);
		if (ret < 0)
			return ret;
	}
	out->token_given = strcmp(out->token, DEFAULT_TOKEN) != 0;
	if (out->admin_token == NULL)
		out->admin_token = out->token;
	return check(out, why);
}

int
flags_help(struct buf *out)
{
	int ret;

	ret = buf_puts(out,
	    "usage: brickfs-emulator [OPTIONS]\n"
	    "A local server of the Databricks REST API over a directory.\n\n");
	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(options); i++) {
		const struct option *opt = &options[i];
		char left[64];

		(void)snprintf(left, sizeof(left), "--%s%s%s", opt->name,
		    opt->arg != NULL ? " " : "",
		    opt->arg != NULL ? opt->arg : "");
		ret = buf_printf(out, "  %-34s %s\n", left, opt->help);
	}
	if (ret == 0)
		ret = buf_puts(out,
		    "\nBehaviour; also by --set NAME=VALUE, and while running "
		    "by POST /emulator/settings:\n");
	if (ret == 0)
		ret = settings_help(out);
	return ret;
}
