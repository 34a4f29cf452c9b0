/* net/url.c - where the service is. */
#include "config.h"

#include "net/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/text.h"

#include "base/banned.h"

static int
get(CURLU *u, CURLUPart part, unsigned flags, char **out)
{
	char *value;

	if (curl_url_get(u, part, &value, flags) != CURLUE_OK)
		return -EINVAL;
	*out = text_dup(value);
	curl_free(value);
	return *out != NULL ? 0 : -ENOMEM;
}

static bool
host_is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 ||
	    strcmp(host, "[::1]") == 0 ||
	    (text_starts(host, "127.") &&
		strspn(host, "0123456789.") == strlen(host));
}

static bool
has_control_bytes(const char *s)
{
	for (; *s != '\0'; s++)
		if (iscntrl((unsigned char)*s) || *s == ' ')
			return true;
	return false;
}

static CURLU *
parse(const char *url)
{
	CURLU *u = curl_url();

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url,
	    CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
		curl_url_cleanup(u);
		u = NULL;
	}
	return u;
}

int
url_base(const char *setting, char **out)
{
	char *trimmed, *full = NULL, *scheme = NULL, *host = NULL, *port = NULL;
	char *user = NULL, *end;
	CURLU *u = NULL;
	int ret = -ENOMEM;

	while (isspace((unsigned char)*setting))
		setting++;
	trimmed = text_dup(setting);
	if (trimmed == NULL)
		return -ENOMEM;
	end = trimmed + strlen(trimmed);
	while (end > trimmed && isspace((unsigned char)end[-1]))
		*--end = '\0';
	full = strstr(trimmed, "://") != NULL ? text_dup(trimmed) :
	    text_printf("https://%s", trimmed);
	if (full == NULL)
		goto out;
	ret = -EINVAL;
	if (has_control_bytes(full))
		goto out;
	u = parse(full);
	if (u == NULL || get(u, CURLUPART_SCHEME, 0, &scheme) < 0 ||
	    get(u, CURLUPART_HOST, 0, &host) < 0 || host[0] == '\0')
		goto out;
	if (get(u, CURLUPART_USER, 0, &user) == 0)
		goto out;
	if (strcmp(scheme, "http") == 0 && !host_is_loopback(host)) {
		ret = -EPERM;
		goto out;
	}
	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		goto out;
	(void)get(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, &port);
	*out = text_printf("%s://%s%s%s", scheme, host, port != NULL ? ":" : "",
	    port != NULL ? port : "");
	ret = *out != NULL ? 0 : -ENOMEM;
out:
	curl_url_cleanup(u);
	free(trimmed);
	free(full);
	free(scheme);
	free(host);
	free(port);
	free(user);
	return ret;
}

int
url_host(const char *base, char **out)
{
	CURLU *u = parse(base);
	int ret = u != NULL ? get(u, CURLUPART_HOST, 0, out) : -EINVAL;

	curl_url_cleanup(u);
	return ret;
}

bool
url_is_loopback(const char *base)
{
	char *host;
	bool is;

	if (url_host(base, &host) < 0)
		return false;
	is = host_is_loopback(host);
	free(host);
	return is;
}

int
url_escape(struct buf *out, const char *s)
{
	int ret = 0;

	for (; *s != '\0' && ret == 0; s++) {
		unsigned char c = (unsigned char)*s;

		if (isalnum(c) || strchr("-._~", c) != NULL)
			ret = buf_append(out, s, 1);
		else
			ret = buf_printf(out, "%%%02X", c);
	}
	return ret;
}
