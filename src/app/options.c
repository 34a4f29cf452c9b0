/* app/options.c - the command line.
 *
 * Not fuse_opt: it hands on what it does not know, and cannot say which limit a
 * number has broken.  Its rules for -o are kept: names and values separated by
 * commas, and a backslash before a comma that belongs to a value. */
#include "config.h"

#include "app/options.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "app/option_table.h"
#include "base/columns.h"
#include "base/text.h"

#include "base/banned.h"

/* The short ones, all flags. */
static const struct {
	char letter;
	const char *name;
} letters[] = {
	{ 'f', "foreground" },
	{ 'd', "debug" },
	{ 'h', "help" },
	{ 'V', "version" },
	{ 'r', "ro" },
	{ 'w', "rw" },
};

#define USAGE "usage: brickfs [OPTIONS] [SOURCE] MOUNTPOINT"

struct parser {
	struct config *config;
	struct buf *words;
	int positionals;
};

/* Says what is wrong; -EINVAL, or -ENOMEM. */
static int PRINTF_LIKE(2, 3) complain(struct parser *p, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = buf_vprintf(p->words, fmt, ap);
	va_end(ap);
	return ret < 0 ? ret : -EINVAL;
}

/* --- values ------------------------------------------------------------------- */

static void *
place(struct config *config, const struct option *o)
{
	return (char *)config + o->at;
}

static int
set_text(struct config *config, const struct option *o, const char *value)
{
	char **at = place(config, o);
	char *copy = text_dup(value);

	if (copy == NULL)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

/* "10", "0.5" to milliseconds. */
static int
parse_seconds(const char *value, int64_t *out)
{
	char whole[16], part[4] = "000";
	const char *dot = strchr(value, '.');
	size_t len = dot != NULL ? (size_t)(dot - value) : strlen(value);
	uint64_t s, ms = 0;

	if (len >= sizeof(whole))
		return -EINVAL;
	memcpy(whole, value, len);
	whole[len] = '\0';
	if (dot != NULL) {
		len = strlen(dot + 1);
		if (len == 0 || len > 3)
			return -EINVAL;
		memcpy(part, dot + 1, len);
		if (text_u64(part, 999, &ms) < 0)
			return -EINVAL;
	}
	if (text_u64(whole, INT32_MAX, &s) < 0)
		return -EINVAL;
	*out = (int64_t)(s * 1000 + ms);
	return 0;
}

static int
set_seconds(struct parser *p, const struct option *o, const char *value)
{
	int64_t ms;

	if (parse_seconds(value, &ms) < 0 || ms < (int64_t)o->min * 1000 ||
	    ms > (int64_t)o->max * 1000)
		return complain(p,
		    "%s=%s: seconds are wanted, from %" PRIu64 " to %" PRIu64,
		    o->name, value, o->min, o->max);
	*(int64_t *)place(p->config, o) = ms;
	return 0;
}

static int
set_bytes(struct parser *p, const struct option *o, const char *value)
{
	uint64_t n;

	if (text_bytes(value, &n) < 0 || n < o->min || n > o->max)
		return complain(p,
		    "%s=%s: a size is wanted, such as %s, from"
		    " %" PRIu64 "M to %" PRIu64 "M",
		    o->name, value, o->preset, o->min >> 20, o->max >> 20);
	*(uint64_t *)place(p->config, o) = n;
	return 0;
}

static int
set_octal(struct parser *p, const struct option *o, const char *value)
{
	unsigned n;

	if (text_octal(value, 0777, &n) < 0)
		return complain(p,
		    "%s=%s: an octal number is wanted, such as"
		    " 022",
		    o->name, value);
	*(int64_t *)place(p->config, o) = n;
	return 0;
}

static int
set_account(struct parser *p, const struct option *o, const char *value)
{
	int64_t *at = place(p->config, o);
	const struct passwd *pw;
	const struct group *gr;
	uint64_t n;

	/* The largest number means "no change" to chown. */
	if (text_u64(value, UINT32_MAX - 1, &n) == 0) {
		*at = (int64_t)n;
		return 0;
	}
	if (o->kind == OPTION_USER) {
		pw = getpwnam(value);
		if (pw == NULL)
			return complain(
			    p, "%s=%s: there is no such user", o->name, value);
		*at = pw->pw_uid;
		return 0;
	}
	gr = getgrnam(value);
	if (gr == NULL)
		return complain(
		    p, "%s=%s: there is no such group", o->name, value);
	*at = gr->gr_gid;
	return 0;
}

static int
set_word(struct parser *p, const struct option *o, const char *value)
{
	unsigned n = 0;
	const char *word = o->arg;

	for (;;) {
		size_t len = strcspn(word, "|");

		n++;
		if (strlen(value) == len && memcmp(word, value, len) == 0) {
			*(unsigned *)place(p->config, o) = n;
			return 0;
		}
		if (word[len] == '\0')
			return complain(p, "%s=%s: one of %s is wanted",
			    o->name, value, o->arg);
		word += len + 1;
	}
}

static bool
takes_value(enum option_kind kind)
{
	return kind != OPTION_FLAG && kind != OPTION_UNFLAG &&
	       kind != OPTION_IGNORED && kind != OPTION_SECRET;
}

static int
set(struct parser *p, const struct option *o, const char *value)
{
	if (o->kind == OPTION_SECRET)
		return complain(p,
		    "%s: a secret is not taken from the command"
		    " line, where others can see it; put it into the"
		    " environment (DATABRICKS_TOKEN) or ~/.databrickscfg",
		    o->name);
	if (takes_value(o->kind) && (value == NULL || *value == '\0'))
		return complain(p, "option '%s' wants a value: %s=%s", o->name,
		    o->name, o->arg);
	if ((o->kind == OPTION_FLAG || o->kind == OPTION_UNFLAG) &&
	    value != NULL)
		return complain(p, "option '%s' takes no value", o->name);
	switch (o->kind) {
	case OPTION_FLAG:
	case OPTION_UNFLAG:
		*(bool *)place(p->config, o) = o->kind == OPTION_FLAG;
		return 0;
	case OPTION_TEXT: return set_text(p->config, o, value);
	case OPTION_SECONDS: return set_seconds(p, o, value);
	case OPTION_BYTES: return set_bytes(p, o, value);
	case OPTION_OCTAL: return set_octal(p, o, value);
	case OPTION_USER:
	case OPTION_GROUP: return set_account(p, o, value);
	case OPTION_WORD: return set_word(p, o, value);
	case OPTION_IGNORED:
	case OPTION_SECRET: break;
	}
	return 0;
}

/* --- the command line ----------------------------------------------------------- */

/* Comments of fstab, for programs other than mount. */
static bool
is_comment(const char *name)
{
	return text_starts(name, "x-") || text_starts(name, "X-");
}

static int
unknown(struct parser *p, const char *name)
{
	return complain(
	    p, "unknown option '%s'; brickfs --help lists them", name);
}

/* name is changed: "cache-mem" is as good as "cache_mem". */
static const struct option *
find(char *name)
{
	for (char *c = name; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
	return option_table_find(name);
}

/* "name" or "name=value", which is changed. */
static int
take_option(struct parser *p, char *text)
{
	char *value = strchr(text, '=');
	const struct option *o;

	if (value != NULL)
		*value++ = '\0';
	if (is_comment(text))
		return 0;
	if (strcmp(text, "remount") == 0)
		return complain(p, "remount: what is mounted keeps its options;"
		    " unmount it, and mount it again");
	o = find(text);
	return o != NULL ? set(p, o, value) : unknown(p, text);
}

/* What follows -o. */
static int
take_list(struct parser *p, const char *list)
{
	char *one = malloc(strlen(list) + 1);
	int ret = 0;

	if (one == NULL)
		return -ENOMEM;
	while (ret == 0 && *list != '\0') {
		size_t len = 0;

		for (; *list != '\0' && *list != ','; list++) {
			if (*list == '\\' && list[1] != '\0')
				list++;
			one[len++] = *list;
		}
		if (*list == ',')
			list++;
		one[len] = '\0';
		if (len > 0)
			ret = take_option(p, one);
	}
	free(one);
	return ret;
}

/* What follows "--"; value is the next argument, which is used when the option
 * wants one.  1 when it was used. */
static int
take_long(struct parser *p, const char *arg, const char *next)
{
	char *text = text_dup(arg), *value;
	const struct option *o;
	int ret;

	if (text == NULL)
		return -ENOMEM;
	value = strchr(text, '=');
	if (value != NULL)
		*value++ = '\0';
	o = find(text);
	if (o == NULL) {
		ret = unknown(p, text);
	} else if (value == NULL && takes_value(o->kind) && next != NULL) {
		ret = set(p, o, next);
		if (ret == 0)
			ret = 1;
	} else {
		ret = set(p, o, value);
	}
	free(text);
	return ret;
}

static int
take_letters(struct parser *p, const char *arg)
{
	int ret = 0;

	for (; *arg != '\0' && ret == 0; arg++) {
		const char name[] = { *arg, '\0' };
		size_t i = 0;

		while (i < ARRAY_LEN(letters) && letters[i].letter != *arg)
			i++;
		if (i == ARRAY_LEN(letters))
			return unknown(p, name);
		ret = set(p, option_table_find(letters[i].name), NULL);
	}
	return ret;
}

static int
take_positional(struct parser *p, const char *arg)
{
	struct config *c = p->config;

	if (++p->positionals > 2)
		return complain(p, "'%s' is one word too many; " USAGE, arg);
	free(c->source);
	c->source = c->mountpoint;
	c->mountpoint = text_dup(arg);
	return c->mountpoint != NULL ? 0 : -ENOMEM;
}

static int
take_all(struct parser *p, int argc, char **argv)
{
	bool ended = false;
	int ret = 0;

	for (int i = 1; i < argc && ret == 0; i++) {
		const char *arg = argv[i];

		if (ended || arg[0] != '-' || arg[1] == '\0') {
			ret = take_positional(p, arg);
		} else if (strcmp(arg, "--") == 0) {
			ended = true;
		} else if (arg[1] == '-') {
			ret = take_long(p, arg + 2, argv[i + 1]);
			if (ret > 0) {
				i++;
				ret = 0;
			}
		} else if (arg[1] == 'o' && arg[2] != '\0') {
			ret = take_list(p, arg + 2);
		} else if (arg[1] == 'o') {
			ret = ++i < argc
				  ? take_list(p, argv[i])
				  : complain(p, "-o wants options after it");
		} else {
			ret = take_letters(p, arg + 1);
		}
	}
	return ret;
}

static int
set_presets(struct parser *p)
{
	struct config *c = p->config;
	const struct option *o;
	int ret = 0;

	*c = (struct config){
		.uid = -1, .gid = -1, .umask = -1, .fmask = -1, .dmask = -1,
		.writeback_ms = -1,
	};
	for (size_t i = 0; (o = option_table_row(i)) != NULL && ret == 0; i++)
		if (o->preset != NULL)
			ret = set(p, o, o->preset);
	return ret;
}

int
options_parse(int argc, char **argv, struct config *config, struct buf *words)
{
	struct parser p = { .config = config, .words = words };
	int ret;

	ret = set_presets(&p);
	if (ret == 0)
		ret = take_all(&p, argc, argv);
	if (ret < 0 || config->help || config->version)
		return ret;
	/* A part alone is no mount point, which was forgotten then. */
	if (config->mountpoint == NULL || *config->mountpoint == '\0' ||
	    (config->source == NULL &&
		strncmp(config->mountpoint, "dbfs:", strlen("dbfs:")) == 0))
		return complain(&p, "no mount point is given; " USAGE
				    " (brickfs --help says more)");
	return 0;
}

void
options_release(struct config *config)
{
	const struct option *o;

	free(config->source);
	free(config->mountpoint);
	config->source = config->mountpoint = NULL;
	for (size_t i = 0; (o = option_table_row(i)) != NULL; i++)
		if (o->kind == OPTION_TEXT) {
			char **at = place(config, o);

			free(*at);
			*at = NULL;
		}
}

/* --- showing -------------------------------------------------------------------- */

#define HELP_COLUMN 28

static int
help_row(struct buf *out, const struct option *o)
{
	struct buf name, text;
	int ret;

	buf_init(&name, BUF_LIMIT_TEXT);
	buf_init(&text, BUF_LIMIT_TEXT);
	ret = buf_printf(&name, "--%s%s%s", o->name, o->arg != NULL ? "=" : "",
	    o->arg != NULL ? o->arg : "");
	if (ret == 0)
		ret = buf_puts(&text, o->help);
	if (ret == 0 && o->preset != NULL)
		ret = buf_printf(&text, " (%s)", o->preset);
	if (ret == 0)
		ret = columns_row(
		    out, HELP_COLUMN, buf_text(&name), buf_text(&text));
	buf_release(&name);
	buf_release(&text);
	return ret;
}

int
options_help(struct buf *out)
{
	const struct option *o;
	int ret;

	ret = buf_puts(out,
	    "usage: brickfs [OPTIONS] [SOURCE] MOUNTPOINT\n\n"
	    "Mounts a Databricks workspace as a directory.\n\n"
	    "SOURCE is dbfs:/PATH or /dbfs/PATH for a part of DBFS; nothing, /,"
	    " none or\n"
	    "brickfs for everything.  Each option may be written --NAME or"
	    " -o NAME; those of\n"
	    "mount(8) for fstab are accepted.  In parentheses: what holds when"
	    " nothing is\n"
	    "said.\n\n");
	for (size_t i = 0; (o = option_table_row(i)) != NULL && ret == 0; i++)
		if (o->help != NULL)
			ret = help_row(out, o);
	if (ret == 0)
		ret = buf_puts(out,
		    "\nHost and token come from the environment"
		    " (DATABRICKS_HOST, DATABRICKS_TOKEN) or\n"
		    "from a profile.  Unmount: fusermount3 -u MOUNTPOINT."
		    "  More: man brickfs.\n");
	return ret;
}

static int
show_value(const struct config *config, const struct option *o, struct buf *out)
{
	const void *at = (const char *)config + o->at;
	int64_t n;

	switch (o->kind) {
	case OPTION_FLAG:
		return buf_puts(out, *(const bool *)at ? "true" : "false");
	case OPTION_TEXT:
		return *(char *const *)at == NULL
			   ? 0
			   : buf_puts(out, *(char *const *)at);
	case OPTION_BYTES:
		return buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
	case OPTION_SECONDS:
		n = *(const int64_t *)at;
		if (n < 0)
			return 0;
		return n % 1000 == 0 ? buf_printf(out, "%" PRId64, n / 1000)
				     : buf_printf(out, "%" PRId64 ".%03d",
					   n / 1000, (int)(n % 1000));
	case OPTION_OCTAL:
		n = *(const int64_t *)at;
		return n < 0 ? 0 : buf_printf(out, "%03o", (unsigned)n);
	case OPTION_USER:
	case OPTION_GROUP:
		n = *(const int64_t *)at;
		return n < 0 ? 0 : buf_printf(out, "%" PRId64, n);
	case OPTION_WORD: {
		const char *word = o->arg;
		unsigned skip = *(const unsigned *)at;

		if (skip == 0)
			return 0;
		while (--skip > 0)
			word = strchr(word, '|') + 1;
		return buf_append(out, word, strcspn(word, "|"));
	}
	case OPTION_UNFLAG:
	case OPTION_IGNORED:
	case OPTION_SECRET: break;
	}
	return 0;
}

int
options_each(const struct config *config, option_fn *each, void *ctx)
{
	const struct option *o;
	struct buf value;
	int ret = 0;

	buf_init(&value, BUF_LIMIT_TEXT);
	for (size_t i = 0; (o = option_table_row(i)) != NULL && ret == 0; i++) {
		if (o->help == NULL || o->at == offsetof(struct config, help) ||
		    o->at == offsetof(struct config, version))
			continue;
		buf_clear(&value);
		ret = show_value(config, o, &value);
		if (ret == 0 && value.len > 0)
			ret = each(ctx, o->name, buf_text(&value));
	}
	buf_release(&value);
	return ret;
}
