/* emu/signed_url.c - URLs that need no token. */
#include "config.h"

#include "emu/signed_url.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "base/jval.h"
#include "base/text.h"

#include "emu/emu.h"

#include "base/banned.h"

#define HEADERS_MAX 3

struct header {
	const char *name, *value;
};

/* The storages, by SIGNED_URLS: the headers that each wants to be repeated. */
static const struct storage {
	const char *type;
	struct header headers[2][HEADERS_MAX]; /* by enum signed_op */
} storages[] = {
	[SIGNED_URLS_AZURE] = { "AzureSasUri",
	    { { { "x-ms-encryption-scope", "workspace" } },
		{ { "x-ms-blob-type", "BlockBlob" },
		    { "x-ms-encryption-scope", "workspace" } } } },
	[SIGNED_URLS_AWS] = { "AwsPresignedUrl",
	    { { { "x-amz-server-side-encryption-customer-algorithm",
		  "AES256" } },
		{ { "x-amz-server-side-encryption", "aws:kms" } } } },
	[SIGNED_URLS_GCS] = { "GcsSignedUrl",
	    { { { "x-goog-encryption-algorithm", "AES256" } },
		{ { "x-goog-encryption-algorithm", "AES256" } } } },
};

static const char *const ops[] = {
	[SIGNED_READ] = "read",
	[SIGNED_WRITE] = "write",
};

bool
signed_url_on(struct request *req)
{
	return settings_get(&req->emu->settings, SET_SIGNED_URLS) !=
	       SIGNED_URLS_OFF;
}

static const struct storage *
storage_of(struct request *req)
{
	int64_t which = settings_get(&req->emu->settings, SET_SIGNED_URLS);

	return &storages[which < SIGNED_URLS_OFF ? which : SIGNED_URLS_AZURE];
}

static int
seal(struct request *req, enum signed_op op, int64_t id, const char *path,
    int64_t expires_ms, char sig[DIGEST_SHA256_HEX])
{
	char *text;

	text = text_printf("url %s %" PRId64 " %" PRId64 " %s", ops[op], id,
	    expires_ms, path);
	if (text == NULL)
		return -ENOMEM;
	tokens_seal(req->emu->tokens, text, sig);
	free(text);
	return 0;
}

/* The path as a query has it; what needs it is percent-encoded. */
static int
put_encoded(struct buf *out, const char *path)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-._~/@";
	int ret = 0;

	for (; ret == 0 && *path != '\0'; path++)
		ret = strchr(plain, *path) != NULL
			  ? buf_append(out, path, 1)
			  : buf_printf(out, "%%%02X", (unsigned char)*path);
	return ret;
}

static int
put_url(struct request *req, enum signed_op op, int64_t id, const char *path,
    int64_t expires_ms)
{
	const char *host = MHD_lookup_connection_value(
	    req->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	struct buf *out = &req->reply.body;
	char sig[DIGEST_SHA256_HEX];
	int ret;

	ret = seal(req, op, id, path, expires_ms, sig);
	if (ret == 0)
		ret = buf_printf(out,
		    "\"url\":\"%s://%s/storage/%" PRId64 "?op=%s&path=",
		    req->emu->scheme,
		    host != NULL && strpbrk(host, "\"\\") == NULL ? host
								  : "127.0.0.1",
		    id, ops[op]);
	if (ret == 0)
		ret = put_encoded(out, path);
	return ret < 0 ? ret
		       : buf_printf(out, "&expires=%" PRId64 "&sig=%s\"",
			     expires_ms, sig);
}

int
signed_url_put(
    struct request *req, enum signed_op op, int64_t object_id, const char *path)
{
	const struct storage *storage = storage_of(req);
	struct buf *out = &req->reply.body;
	int64_t expires_ms =
	    timeline_now_ms(&req->emu->timeline) +
	    settings_get(&req->emu->settings, SET_SIGNED_URL_LIFE) * 1000;
	int ret;

	ret = buf_puts(out, "{");
	if (ret == 0)
		ret = put_url(req, op, object_id, path, expires_ms);
	if (ret == 0)
		ret = buf_puts(out, ",\"headers\":{");
	for (size_t i = 0; ret == 0 && i < HEADERS_MAX; i++) {
		const struct header *h = &storage->headers[op][i];

		if (h->name != NULL)
			ret = buf_printf(out, "%s\"%s\":\"%s\"",
			    i > 0 ? "," : "", h->name, h->value);
	}
	return ret < 0 ? ret
		       : buf_printf(out,
			     "},\"url_type\":\"%s\",\"expiry_time_millis\":%"
			     PRId64 "}",
			     storage->type, expires_ms);
}

int
signed_url_fail(struct request *req, int status, const char *code)
{
	int ret;

	ret = reply_text(req, status, "application/xml",
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
	return ret < 0 ? ret
		       : buf_printf(&req->reply.body,
			     "<Error><Code>%s</Code><Message>%s RequestId:%s"
			     "</Message></Error>",
			     code, code, req->id);
}

/* Whoever sends a token to a storage shows it to strangers; it is refused. */
static const char *
wrong_headers(struct request *req, enum signed_op op)
{
	const struct storage *storage = storage_of(req);

	if (MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND,
		MHD_HTTP_HEADER_AUTHORIZATION) != NULL)
		return "InvalidAuthenticationInfo";
	for (size_t i = 0; i < HEADERS_MAX; i++) {
		const struct header *h = &storage->headers[op][i];
		const char *got = h->name == NULL
				      ? NULL
				      : MHD_lookup_connection_value(req->conn,
					    MHD_HEADER_KIND, h->name);

		if (h->name != NULL &&
		    (got == NULL || strcmp(got, h->value) != 0))
			return "MissingRequiredHeader";
	}
	return NULL;
}

static bool
is_sealed(struct request *req, enum signed_op op, int64_t id, const char *path,
    int64_t expires_ms)
{
	char want[DIGEST_SHA256_HEX];
	const char *sig = "", *said = "";

	(void)params_str(&req->params, "sig", &sig);
	(void)params_str(&req->params, "op", &said);
	return strcmp(said, ops[op]) == 0 &&
	       seal(req, op, id, path, expires_ms, want) == 0 &&
	       tokens_same_seal(sig, want);
}

bool
signed_url_check(struct request *req, enum signed_op op, int64_t *object_id,
    const char **path)
{
	const char *wrong = wrong_headers(req, op);
	int64_t expires_ms = 0;

	*path = "";
	if (text_i64(strrchr(req->path, '/') + 1, object_id) < 0)
		*object_id = 0;
	(void)params_str(&req->params, "path", path);
	(void)params_i64(&req->params, "expires", &expires_ms);
	if (wrong != NULL)
		(void)signed_url_fail(req, 400, wrong);
	else if (!is_sealed(req, op, *object_id, *path, expires_ms))
		(void)signed_url_fail(req, 403, "AuthenticationFailed");
	else if (timeline_now_ms(&req->emu->timeline) >= expires_ms)
		(void)signed_url_fail(req, 403, "AuthenticationExpired");
	else
		return true;
	return false;
}
