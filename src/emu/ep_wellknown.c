/* emu/ep_wellknown.c - discovery, tokens by client credentials, the login page.
 *
 * Any client id is good; the secret is the access token.  Reference, 1.1, 1.3. */
#include "config.h"

#include "emu/ep_wellknown.h"

#include <string.h>

#include <microhttpd.h>

#include "base/buf.h"

#include "emu/emu.h"

#include "base/banned.h"

#define TOKEN_SECONDS    3600
#define CREDENTIAL_BYTES ((size_t)4096)

/* The host as the client called it, so that what it is told works for it. */
static const char *
base_of(struct request *req)
{
	const char *host = MHD_lookup_connection_value(
	    req->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

	return host != NULL && strpbrk(host, "\"\\") == NULL ? host
							     : "127.0.0.1";
}

int
ep_wellknown_config(struct request *req)
{
	const char *scheme = req->emu->scheme, *host = base_of(req);
	int ret;

	ret = reply_json(req, "");
	if (ret < 0)
		return ret;
	return buf_printf(&req->reply.body,
	    "{\"oidc_endpoint\":\"%s://%s/oidc\",\"workspace_id\":\"" EMU_WORKSPACE_ID
	    "\",\"host_type\":\"workspace\"}",
	    scheme, host);
}

int
ep_wellknown_oauth(struct request *req)
{
	const char *scheme = req->emu->scheme, *host = base_of(req);
	int ret;

	ret = reply_json(req, "");
	if (ret < 0)
		return ret;
	return buf_printf(&req->reply.body,
	    "{\"issuer\":\"%s://%s/oidc\","
	    "\"authorization_endpoint\":\"%s://%s/oidc/v1/authorize\","
	    "\"token_endpoint\":\"%s://%s/oidc/v1/token\","
	    "\"grant_types_supported\":[\"client_credentials\"],"
	    "\"token_endpoint_auth_methods_supported\":"
	    "[\"client_secret_basic\",\"client_secret_post\"]}",
	    scheme, host, scheme, host, scheme, host);
}

int
ep_wellknown_login(struct request *req)
{
	return reply_text(req, 200, "text/html; charset=utf-8",
	    "<!DOCTYPE html><html><head><title>Databricks - Sign In"
	    "</title></head><body><h1>Sign In</h1></body></html>");
}

static int
refuse(struct request *req, int status, const char *error, const char *text)
{
	int ret;

	ret = reply_text(req, status, "application/json", "");
	if (ret < 0)
		return ret;
	return buf_printf(&req->reply.body,
	    "{\"error\":\"%s\",\"error_description\":\"%s\",\"error_id\":"
	    "\"%s\"}",
	    error, text, req->id);
}

/* The secret, from the Basic header or the form. */
static bool
client_is_good(struct request *req)
{
	const char *header = MHD_lookup_connection_value(
	    req->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	const char *secret;
	struct buf id, word;
	bool good = false;

	buf_init(&id, CREDENTIAL_BYTES);
	buf_init(&word, CREDENTIAL_BYTES);
	if (header != NULL && tokens_basic(header, &id, &word))
		/* RFC 6749, 2.3.1: both are form-encoded first. */
		good = word.len > 0 &&
		       params_unescape(word.data, word.len, true) > 0 &&
		       tokens_check_secret(req->emu->tokens, word.data);
	else if (params_str(&req->params, "client_secret", &secret) == 0)
		good = tokens_check_secret(req->emu->tokens, secret);
	buf_release(&id);
	buf_release(&word);
	return good;
}

int
ep_wellknown_token(struct request *req)
{
	const char *grant = "";
	int ret;

	(void)params_str(&req->params, "grant_type", &grant);
	if (strcmp(grant, "client_credentials") != 0)
		return refuse(req, 400, "unsupported_grant_type",
		    "Only client_credentials is supported.");
	if (!client_is_good(req))
		return refuse(
		    req, 401, "invalid_client", "Client authentication failed");
	ret = reply_json(req, "{\"access_token\":\"");
	if (ret == 0)
		ret = tokens_issue(
		    req->emu->tokens, TOKEN_SECONDS, &req->reply.body);
	if (ret < 0)
		return ret;
	return buf_printf(&req->reply.body,
	    "\",\"scope\":\"all-apis\",\"token_type\":\"Bearer\","
	    "\"expires_in\":%d}",
	    TOKEN_SECONDS);
}
