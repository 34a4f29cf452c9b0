/* net/url.c - where the service is, and how its paths are written. */
#include "config.h"

#include "net/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/text.h"

#include "base/banned.h"

/* Not <ctype.h>: what a URL may hold does not depend on the language. */
#define DIGITS	   "0123456789"
#define LETTERS	   "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define UNRESERVED DIGITS LETTERS CAPITALS "-._~"
#define BLANKS	   " \t\r\n"

/* --- hosts ------------------------------------------------------------------------ */

/* The parts of a base URL, as libcurl would take them; all belong to the caller. */
struct parts {
	char *scheme;
	char *host; /* an IPv6 address has brackets */
	char *port; /* NULL: the scheme's own */
};

static void
parts_release(struct parts *p)
{
	free(p->scheme);
	free(p->host);
	free(p->port);
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* NULL when the part is absent. */
static int
get(CURLU *u, CURLUPart part, unsigned flags, char **out)
{
	char *value;

	if (curl_url_get(u, part, &value, flags) != CURLUE_OK)
		return 0;
	*out = text_dup(value);
	curl_free(value);
	if (*out == NULL)
		return -ENOMEM;
	lower(*out);
	return 0;
}

/* -EINVAL when it is no URL, or one with a user part. */
static int
split(const char *url, struct parts *out)
{
	char *user = NULL, *password = NULL;
	CURLU *u = curl_url();
	int ret;

	if (u == NULL)
		return -ENOMEM;
	ret = curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) ==
	    CURLUE_OK ? 0 : -EINVAL;
	if (ret == 0)
		ret = get(u, CURLUPART_SCHEME, 0, &out->scheme);
	if (ret == 0)
		ret = get(u, CURLUPART_HOST, 0, &out->host);
	if (ret == 0)
		ret = get(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, &out->port);
	if (ret == 0)
		ret = get(u, CURLUPART_USER, 0, &user);
	if (ret == 0)
		ret = get(u, CURLUPART_PASSWORD, 0, &password);
	if (ret == 0 && (user != NULL || password != NULL ||
	    out->scheme == NULL || out->host == NULL))
		ret = -EINVAL;
	curl_url_cleanup(u);
	free(user);
	free(password);
	return ret;
}

/* A name, or an address in brackets: nothing that one parser takes for the end of the
 * host and another does not. */
static bool
is_plain_host(const char *host)
{
	size_t len = strlen(host);

	if (host[0] != '[')
		return len > 0 &&
		    strspn(host, DIGITS LETTERS "-._") == len;
	return len > 2 && host[len - 1] == ']' &&
	    strspn(host + 1, DIGITS "abcdef:.") == len - 2;
}

static bool
host_is_loopback(const char *host)
{
	struct in_addr v4;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	    ntohl(v4.s_addr) >> 24 == 127;
}

static int
check(const struct parts *p)
{
	if (!is_plain_host(p->host))
		return -EINVAL;
	if (strcmp(p->scheme, "https") == 0)
		return 0;
	if (strcmp(p->scheme, "http") != 0)
		return -EINVAL;
	return host_is_loopback(p->host) ? 0 : -EPERM;
}

/* The setting without blanks around it, and with a scheme. */
static char *
with_scheme(const char *setting)
{
	size_t len, end;

	setting += strspn(setting, BLANKS);
	len = strlen(setting);
	while (len > 0 && strchr(BLANKS, setting[len - 1]) != NULL)
		len--;
	end = strcspn(setting, "/?#");
	return text_printf("%s%.*s", end > 0 && setting[end - 1] == ':' &&
	    text_starts(setting + end, "//") ? "" : "https://", (int)len,
	    setting);
}

int
url_base(const char *setting, char **out)
{
	char *url = with_scheme(setting), *base;
	struct parts p = { NULL, NULL, NULL };
	int ret;

	if (url == NULL)
		return -ENOMEM;
	/* libcurl would pass over a third slash and take what follows. */
	ret = strstr(url, ":///") != NULL ? -EINVAL : 0;
	for (const char *s = url; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			ret = -EINVAL;
	if (ret == 0)
		ret = split(url, &p);
	if (ret == 0)
		ret = check(&p);
	if (ret == 0) {
		base = text_printf("%s://%s%s%s", p.scheme, p.host,
		    p.port != NULL ? ":" : "", p.port != NULL ? p.port : "");
		if (base != NULL)
			*out = base;
		else
			ret = -ENOMEM;
	}
	parts_release(&p);
	free(url);
	return ret;
}

int
url_host(const char *base, char **out)
{
	struct parts p = { NULL, NULL, NULL };
	int ret;

	ret = split(base, &p);
	if (ret == 0) {
		if (p.host[0] == '[') {
			p.host[strcspn(p.host, "]")] = '\0';
			memmove(p.host, p.host + 1, strlen(p.host));
		}
		*out = p.host;
		p.host = NULL;
	}
	parts_release(&p);
	return ret;
}

bool
url_is_loopback(const char *base)
{
	struct parts p = { NULL, NULL, NULL };
	bool is;

	is = split(base, &p) == 0 && host_is_loopback(p.host);
	parts_release(&p);
	return is;
}

/* --- paths and queries --------------------------------------------------------------- */

static int
escape(struct buf *out, const char *s, const char *kept)
{
	int ret = 0;

	while (*s != '\0' && ret == 0) {
		size_t n = strspn(s, kept);

		ret = n > 0 ? buf_append(out, s, n) :
			      buf_printf(out, "%%%02X", (unsigned char)*s);
		s += n > 0 ? n : 1;
	}
	return ret;
}

int
url_escape(struct buf *out, const char *s)
{
	return escape(out, s, UNRESERVED);
}

int
url_escape_path(struct buf *out, const char *path)
{
	return escape(out, path, UNRESERVED "/");
}

int
url_add_param(struct buf *url, const char *name, const char *value)
{
	int ret;

	ret = buf_printf(url, "%c%s=",
	    strchr(buf_text(url), '?') == NULL ? '?' : '&', name);
	return ret == 0 ? url_escape(url, value) : ret;
}
