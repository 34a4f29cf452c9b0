/* app/profile.c - finds host and credential. */
#include "config.h"

#include "app/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "app/ini.h"
#include "app/netrc.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "net/url.h"

#include "base/banned.h"

#define FILE_MAX ((size_t)4 << 20)
#define SETTINGS "__settings__"

struct search {
	const struct profile_wish *wish;
	struct profile *out;
	char *why;
	size_t why_bytes;
	char *config; /* path of the config file */
	struct ini *ini;
	const char *section; /* of the profile that counts; NULL: none */
	bool named; /* by an option or the environment */
};

static int PRINTF_LIKE(3, 4)
fail(struct search *s, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(s->why, s->why_bytes, fmt, ap);
	va_end(ap);
	return err;
}

static const char *
home(void)
{
	const char *dir = getenv("HOME");
	const struct passwd *pw;

	if (dir != NULL && dir[0] == '/')
		return dir;
	pw = getpwuid(geteuid());
	return pw != NULL ? pw->pw_dir : NULL;
}

/* "~/x" and names in the home directory. */
static char *
expand(const char *path)
{
	const char *dir = home();

	if (text_starts(path, "~/") && dir != NULL)
		return text_printf("%s/%s", dir, path + 2);
	return text_dup(path);
}

static const char *
env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* --- files with secrets --------------------------------------------------------- */

/* Is this a file of ours that nobody else may change? */
static int
check_private(struct search *s, const char *path, int fd, struct stat *st)
{
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		return fail(s, -EINVAL, "%s is not a regular file", path);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return fail(s, -EPERM, "%s belongs to somebody else; copy it and"
		    " make it yours", path);
	if ((st->st_mode & 022) != 0)
		return fail(s, -EPERM, "%s can be written by others; run: chmod"
		    " 600 %s", path, path);
	if (st->st_size >= (off_t)FILE_MAX)
		return fail(s, -EFBIG, "%s is too long for a config file", path);
	if ((st->st_mode & 044) != 0)
		log_warn("config", "%s can be read by others; run: chmod 600"
		    " %s", path, path);
	return 0;
}

/* Opened once and judged by what was opened; read to where it belongs, so that no
 * copy of a secret stays behind.  -ENOENT without words. */
static int
read_private(struct search *s, const char *path, struct buf *out)
{
	struct stat st;
	ssize_t n;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : fail(s, -errno,
		    "cannot read %s: %s", path, strerror(errno));
	ret = check_private(s, path, fd, &st);
	if (ret == 0)
		ret = buf_reserve(out, (size_t)st.st_size);
	if (ret == 0) {
		n = io_pread(fd, out->data, (size_t)st.st_size, 0);
		if (n < 0) {
			ret = fail(s, (int)n, "cannot read %s: %s", path,
			    strerror((int)-n));
		} else {
			out->len = (size_t)n;
			out->data[n] = '\0';
		}
	}
	(void)close(fd);
	return ret;
}

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		OPENSSL_cleanse(b->data, b->len);
	buf_release(b);
}

/* --- the config file --------------------------------------------------------------- */

static int
no_such_profile(struct search *s, const char *name)
{
	struct buf names;
	const char *other;

	buf_init(&names, 4096);
	for (size_t i = 0; (other = ini_section(s->ini, i)) != NULL; i++)
		if (strcmp(other, SETTINGS) != 0 &&
		    (strcmp(other, "DEFAULT") != 0 ||
			ini_get(s->ini, other, "host") != NULL) &&
		    buf_printf(&names, " %s", other) < 0)
			break;
	(void)fail(s, -ENOENT, "no profile '%s' in %s; there are:%s", name,
	    s->config, names.len > 0 ? buf_text(&names) : " none");
	buf_release(&names);
	return -ENOENT;
}

static bool
has_section(const struct ini *ini, const char *name)
{
	const char *other;

	for (size_t i = 0; (other = ini_section(ini, i)) != NULL; i++)
		if (strcmp(other, name) == 0)
			return true;
	return false;
}

static int
choose_section(struct search *s)
{
	const char *name = s->wish->profile != NULL ? s->wish->profile :
	    env("DATABRICKS_CONFIG_PROFILE");

	s->named = name != NULL;
	if (name == NULL)
		name = ini_get(s->ini, SETTINGS, "default_profile");
	if (name == NULL)
		name = "DEFAULT";
	if (strcmp(name, SETTINGS) == 0 || !has_section(s->ini, name))
		return no_such_profile(s, name);
	s->section = name;
	return 0;
}

static int
read_config(struct search *s)
{
	const char *path = s->wish->config != NULL ? s->wish->config :
	    env("DATABRICKS_CONFIG_FILE");
	bool asked = path != NULL || s->wish->profile != NULL ||
	    env("DATABRICKS_CONFIG_PROFILE") != NULL;
	struct buf text;
	unsigned line;
	int ret;

	s->config = expand(path != NULL ? path : "~/.databrickscfg");
	if (s->config == NULL)
		return -ENOMEM;
	buf_init(&text, FILE_MAX);
	ret = read_private(s, s->config, &text);
	if (ret == -ENOENT)
		ret = asked ? fail(s, -ENOENT, "there is no config file %s",
		    s->config) : 0;
	else if (ret == 0) {
		ret = ini_parse(buf_text(&text), text.len, &s->ini, &line);
		if (ret == -EINVAL)
			(void)fail(s, ret, "%s:%u: this line is neither [profile] nor"
			    " key = value", s->config, line);
		else if (ret == 0)
			ret = choose_section(s);
	}
	wipe(&text);
	return ret;
}

/* --- values ------------------------------------------------------------------------ */

/* A value with where it came from: the environment's and the profile's turn depends
 * on who named the profile. */
static const char *
find(struct search *s, const char *key, const char *variable,
    const char **origin)
{
	const char *profile = s->section != NULL ?
	    ini_get(s->ini, s->section, key) : NULL;
	const char *environment = env(variable);

	if (profile != NULL && profile[0] == '\0')
		profile = NULL;
	if (s->wish->profile != NULL)
		environment = NULL;
	if (environment != NULL) {
		*origin = variable;
		return environment;
	}
	*origin = s->config;
	return profile;
}

static int
set_host(struct search *s)
{
	const char *origin = "-o host=", *host = s->wish->host;
	int ret;

	if (host == NULL)
		host = find(s, "host", "DATABRICKS_HOST", &origin);
	if (host == NULL)
		return fail(s, -ENOENT, "no host: set DATABRICKS_HOST, or -o"
		    " host=, or a profile in %s", s->config);
	ret = url_base(host, &s->out->base_url);
	if (ret == -EPERM)
		return fail(s, ret, "%s: plain http:// is for this machine"
		    " alone; use https://", origin);
	if (ret < 0) /* what has a user part may have a password */
		return fail(s, ret, "%s: %s%s%s is no host; it looks like"
		    " https://dbc-1234.cloud.databricks.com", origin,
		    strchr(host, '@') == NULL ? "'" : "this",
		    strchr(host, '@') == NULL ? host : "",
		    strchr(host, '@') == NULL ? "'" : "");
	return 0;
}

/* Does the profile that has the token belong to the host that was chosen? */
static bool
same_host(struct search *s)
{
	const char *host = s->section != NULL ?
	    ini_get(s->ini, s->section, "host") : NULL;
	char *base;
	bool same;

	if (host == NULL || url_base(host, &base) < 0)
		return host == NULL;
	same = strcasecmp(base, s->out->base_url) == 0;
	free(base);
	return same;
}

/* Is the profile at hand one for the host that was chosen? */
static bool
section_fits(struct search *s)
{
	return s->section != NULL && same_host(s) &&
	    (ini_get(s->ini, s->section, "host") != NULL ||
		ini_get(s->ini, s->section, "token") != NULL ||
		ini_get(s->ini, s->section, "password") != NULL);
}

/* Without a profile named, one that is made for the host that was given is meant. */
static int
choose_by_host(struct search *s)
{
	const char *other, *fits = NULL;

	if (s->ini == NULL || s->named || env("DATABRICKS_TOKEN") != NULL ||
	    section_fits(s))
		return 0;
	for (size_t i = 0; (other = ini_section(s->ini, i)) != NULL; i++) {
		s->section = other;
		if (strcmp(other, SETTINGS) == 0 ||
		    ini_get(s->ini, other, "host") == NULL || !same_host(s))
			continue;
		if (fits != NULL)
			return fail(s, -EINVAL, "profiles '%s' and '%s' of %s"
			    " are both for %s; choose with -o profile=", fits,
			    other, s->config, s->out->base_url);
		fits = other;
	}
	s->section = fits;
	return 0;
}

static int
take_secret(struct search *s, enum auth_kind kind, const char *user,
    const char *secret, const char *origin)
{
	s->out->kind = kind;
	s->out->user = text_dup(user);
	s->out->secret = text_dup(secret);
	s->out->origin = text_dup(origin);
	return s->out->secret != NULL && s->out->origin != NULL ? 0 : -ENOMEM;
}

static int
search_netrc(struct search *s)
{
	const char *path = env("NETRC");
	char *file = expand(path != NULL ? path : "~/.netrc");
	char *host = NULL, *user = NULL, *secret = NULL;
	struct buf text;
	int ret;

	buf_init(&text, FILE_MAX);
	ret = file != NULL ? url_host(s->out->base_url, &host) : -ENOMEM;
	if (ret == 0)
		ret = read_private(s, file, &text);
	if (ret == 0)
		ret = netrc_find(buf_text(&text), host, &user, &secret);
	if (ret == 0)
		ret = take_secret(s, AUTH_BASIC, user, secret, file);
	if (secret != NULL)
		OPENSSL_cleanse(secret, strlen(secret));
	wipe(&text);
	free(host);
	free(user);
	free(secret);
	free(file);
	return ret;
}

/* Ways to prove who one is that this version does not know. */
static int
refuse_unknown(struct search *s, const char *type, const char *origin)
{
	if (type != NULL && strcmp(type, "pat") != 0 &&
	    strcmp(type, "basic") != 0)
		return fail(s, -EOPNOTSUPP, "%s asks for auth_type '%s', which"
		    " this version does not know; use a personal access token",
		    origin, type);
	return 0;
}

static int
no_credential(struct search *s)
{
	const char *origin;

	if (find(s, "client_id", "DATABRICKS_CLIENT_ID", &origin) != NULL)
		return fail(s, -EOPNOTSUPP, "%s has a client_id and no token:"
		    " this version does not know OAuth; use a personal access"
		    " token", origin);
	return fail(s, -ENOENT, "no token for %s: set DATABRICKS_TOKEN, or"
	    " token in a profile of %s, or an entry in ~/.netrc",
	    s->out->base_url, s->config);
}

static int
set_credential(struct search *s)
{
	const char *type, *token, *user, *password, *origin;
	int ret;

	ret = choose_by_host(s);
	if (ret < 0)
		return ret;
	type = find(s, "auth_type", "DATABRICKS_AUTH_TYPE", &origin);
	ret = refuse_unknown(s, type, origin);
	if (ret < 0)
		return ret;
	token = find(s, "token", "DATABRICKS_TOKEN", &origin);
	/* A profile's token does not go to another host. */
	if (token != NULL && (origin != s->config || same_host(s)) &&
	    (type == NULL || strcmp(type, "pat") == 0))
		return take_secret(s, AUTH_BEARER, NULL, token, origin);
	user = find(s, "username", "DATABRICKS_USERNAME", &origin);
	password = find(s, "password", "DATABRICKS_PASSWORD", &origin);
	if (user != NULL && password != NULL &&
	    (origin != s->config || same_host(s)) &&
	    (type == NULL || strcmp(type, "basic") == 0))
		return take_secret(s, AUTH_BASIC, user, password, origin);
	ret = search_netrc(s);
	return ret == -ENOENT ? no_credential(s) : ret;
}

int
profile_find(const struct profile_wish *wish, struct profile *out, char *why,
    size_t why_bytes)
{
	struct search s = { .wish = wish, .out = out, .why = why,
		.why_bytes = why_bytes };
	bool complete;
	int ret = 0;

	*out = (struct profile){ 0 };
	(void)snprintf(why, why_bytes, "out of memory");
	/* A broken file that nobody needs does not matter. */
	complete = wish->profile == NULL && wish->config == NULL &&
	    env("DATABRICKS_CONFIG_PROFILE") == NULL &&
	    (wish->host != NULL || env("DATABRICKS_HOST") != NULL) &&
	    (env("DATABRICKS_TOKEN") != NULL ||
		(env("DATABRICKS_USERNAME") != NULL &&
		    env("DATABRICKS_PASSWORD") != NULL));
	if (complete)
		s.config = expand("~/.databrickscfg");
	else
		ret = read_config(&s);
	if (ret == -ENOENT && !s.named && wish->config == NULL &&
	    wish->profile == NULL && s.ini != NULL)
		ret = 0; /* a file without a DEFAULT profile is no error */
	if (ret == 0)
		ret = set_host(&s);
	if (ret == 0)
		ret = set_credential(&s);
	if (ret < 0)
		profile_release(out);
	ini_free(s.ini);
	free(s.config);
	return ret;
}

void
profile_release(struct profile *p)
{
	if (p->secret != NULL)
		OPENSSL_cleanse(p->secret, strlen(p->secret));
	free(p->base_url);
	free(p->user);
	free(p->secret);
	free(p->origin);
	*p = (struct profile){ 0 };
}
