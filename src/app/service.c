/* app/service.c - the workspace and the way to it. */
#include "config.h"

#include "app/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/options.h"
#include "app/profile.h"
#include "app/words.h"
#include "base/log.h"
#include "base/reach.h"
#include "base/text.h"
#include "net/http.h"
#include "net/url.h"
#include "net/warm.h"
#include "rest/auth.h"
#include "rest/errors.h"
#include "rest/rest.h"
#include "rest/transfers.h"

#include "base/banned.h"

/* Connections: many for content, since each carries one exchange; and some that
 * content never takes, so that ls answers while files are copied. */
#define DATA_SLOTS 24
#define META_SLOTS 8

/* Opened for content when the mount is there, so that the first file's first byte does
 * not wait for them; the questions of the mount itself have opened one for metadata.
 * The document is public (API reference, 1.1). */
#define WARM_SLOTS 4
#define WARM_PATH  "/.well-known/databricks-config"

/* Lists, moves, deletes and finished uploads may take that long to answer. */
#define ANSWER_TIMEOUT_MS ((int64_t)300 * 1000)

/* With -o offline: a network in which nothing is acknowledged for so long. */
#define GONE_MS ((int64_t)10 * 1000)

#define WHY_BYTES 1024

/* Variables that the official clients take secrets from. */
static const char *const secrets[] = {
	"DATABRICKS_TOKEN",
	"DATABRICKS_PASSWORD",
	"DATABRICKS_CLIENT_SECRET",
	"ARM_CLIENT_SECRET",
};

/* What we have read stays neither for children nor in /proc/PID/environ. */
static void
forget_environment(void)
{
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		char *value = getenv(secrets[i]);

		if (value != NULL)
			explicit_bzero(value, strlen(value));
		(void)unsetenv(secrets[i]);
	}
}

static int
find_profile(
    const struct config *config, struct service *out, struct buf *words)
{
	const struct profile_wish wish = {
		.host = config->host,
		.profile = config->profile,
		.config = config->config_file,
	};
	struct profile found = { 0 };
	char why[WHY_BYTES] = "";
	int ret;

	ret = profile_find(&wish, &found, why, sizeof(why));
	forget_environment();
	if (ret < 0)
		return words_say(words, ret, "%s", why);

	const struct auth_config auth = {
		.kind = found.kind,
		.user = found.user,
		.secret = found.secret,
		.origin = found.origin,
	};

	out->url = text_dup(found.base_url);
	out->origin = text_dup(found.origin);
	ret = out->url != NULL && out->origin != NULL ? 0 : -ENOMEM;
	if (ret == 0)
		ret = auth_new(&auth, &out->auth);
	if (ret == -EINVAL)
		ret = words_say(words, ret,
		    "the token from %s has characters"
		    " that no token has",
		    out->origin);
	profile_release(&found);
	return ret;
}

static int
open_client(const struct config *config, struct service *s)
{
	const struct http_config http = {
		.user_agent = "brickfs/" PACKAGE_VERSION,
		.cacert = config->cacert,
		.data_slots = DATA_SLOTS,
		.meta_slots = META_SLOTS,
		.dead_ms = config->offline && config->timeout_ms > GONE_MS ?
		    GONE_MS : config->timeout_ms,
		.no_proxy = url_is_loopback(s->url),
	};
	struct rest_config rest = {
		.base_url = s->url,
		.auth = s->auth,
		.timeout_ms = config->timeout_ms,
		.answer_timeout_ms = ANSWER_TIMEOUT_MS,
		.retry_timeout_ms = config->retry_timeout_ms,
	};
	int ret;

	if (rest.answer_timeout_ms < rest.timeout_ms)
		rest.answer_timeout_ms = rest.timeout_ms;
	ret = errors_new(&s->errors);
	if (ret == 0)
		ret = transfers_new(&s->transfers);
	if (ret == 0)
		ret = http_pool_new(&http, &s->http);
	if (ret < 0)
		return ret;
	if (config->offline)
		ret = reach_new(&s->reach);
	if (ret < 0)
		return ret;
	rest.http = s->http;
	rest.reach = s->reach;
	rest.errors = s->errors;
	rest.transfers = s->transfers;
	return rest_new(&rest, &s->rest);
}

static int
explain(const struct service *s, int err, const char *said, struct buf *words)
{
	if (*said == '\0')
		said = strerror(-err);
	switch (err) {
	case -EINTR: return words_say(words, err, "interrupted");
	case -EACCES:
	case -EPERM:
		return words_say(words, err,
		    "%s refuses the credential from"
		    " %s (%s); make a new token, or check that host and token"
		    " belong together",
		    s->url, s->origin, said);
	case -EIO:
	case -ENOENT:
	case -ENOSYS:
	case -EOPNOTSUPP:
		return words_say(words, err,
		    "%s does not answer as a"
		    " Databricks workspace does (%s); check the host, or try"
		    " again later",
		    s->url, said);
	case -EBUSY:
		return words_say(words, err,
		    "%s is too busy to answer (%s); try again later", s->url,
		    said);
	case -EPROTO:
		return words_say(words, err,
		    "the connection to %s is not safe (%s); check the host, or"
		    " name the authority of its certificate with -o cacert=",
		    s->url, said);
	default:
		return words_say(words, err,
		    "%s cannot be reached (%s); check"
		    " the host and the network",
		    s->url, said);
	}
}

int
service_open(const struct config *config, struct call *call, struct buf *words,
    struct service *out)
{
	int ret;

	ret = find_profile(config, out, words);
	if (ret == 0)
		ret = open_client(config, out);
	if (ret < 0)
		return ret;
	words_keep_quiet(true);
	ret = api_scim_me(out->rest, call, &out->me);
	words_keep_quiet(false);
	if (ret < 0)
		return explain(out, ret, call->words, words);
	log_debug("mount", "%s, workspace %s, user %s, credential from %s",
	    out->url, out->me.org_id, out->me.user_name, out->origin);
	return 0;
}

void
service_warm(struct service *s)
{
	char *url = text_printf("%s" WARM_PATH, s->url);

	if (url == NULL || warm_start(s->http, url, WARM_SLOTS, &s->warm) < 0)
		log_debug("net", "no connections are opened beforehand");
	free(url);
}

void
service_close(struct service *s)
{
	warm_stop(s->warm);
	rest_free(s->rest);
	reach_free(s->reach);
	http_pool_free(s->http);
	auth_free(s->auth);
	transfers_free(s->transfers);
	errors_free(s->errors);
	free(s->url);
	free(s->origin);
}
