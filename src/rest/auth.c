/* rest/auth.c - keeps a valid credential and puts it on requests. */
#include "config.h"

#include "rest/auth.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#include "base/base64.h"
#include "base/text.h"

#include "base/banned.h"

#define SECRET_BYTES 16384 /* whole pages, for mlock and MADV_DONTDUMP */

struct auth {
	char *origin;
	char *header; /* SECRET_BYTES, a mapping of its own; set once */
};

static bool
is_clean(const char *s)
{
	for (; *s != '\0'; s++)
		if (iscntrl((unsigned char)*s))
			return false;
	return true;
}

static bool
is_usable(const struct auth_config *c)
{
	if (c->secret == NULL || c->secret[0] == '\0' || !is_clean(c->secret))
		return false;
	/* The first colon ends the user's name. */
	return c->kind == AUTH_BEARER || (c->user != NULL &&
	    is_clean(c->user) && strchr(c->user, ':') == NULL);
}

static int
make_header(struct auth *a, const struct auth_config *c)
{
	char *pair, *encoded;
	size_t len;
	int ret = 0;

	if (c->kind == AUTH_BEARER) {
		if (snprintf(a->header, SECRET_BYTES,
		    "Authorization: Bearer %s", c->secret) >= SECRET_BYTES)
			return -EINVAL;
		return 0;
	}
	pair = text_printf("%s:%s", c->user, c->secret);
	if (pair == NULL)
		return -ENOMEM;
	len = strlen(pair);
	encoded = malloc(BASE64_TEXT_LEN(len) + 1);
	if (encoded == NULL) {
		ret = -ENOMEM;
	} else {
		base64_encode(encoded, pair, len);
		if (snprintf(a->header, SECRET_BYTES,
		    "Authorization: Basic %s", encoded) >= SECRET_BYTES)
			ret = -EINVAL;
		OPENSSL_cleanse(encoded, BASE64_TEXT_LEN(len));
	}
	OPENSSL_cleanse(pair, len);
	free(encoded);
	free(pair);
	return ret;
}

int
auth_new(const struct auth_config *config, struct auth **out)
{
	struct auth *a;
	int ret;

	if (!is_usable(config))
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return -ENOMEM;
	a->origin = text_dup(config->origin);
	a->header = mmap(NULL, SECRET_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a->header == MAP_FAILED)
		a->header = NULL;
	if (a->header == NULL) {
		auth_free(a);
		return -ENOMEM;
	}
	(void)mlock(a->header, SECRET_BYTES); /* as far as the limit allows */
	(void)madvise(a->header, SECRET_BYTES, MADV_DONTDUMP);
	ret = make_header(a, config);
	if (ret < 0) {
		auth_free(a);
		return ret;
	}
	*out = a;
	return 0;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	if (a->header != NULL) {
		OPENSSL_cleanse(a->header, SECRET_BYTES);
		(void)munmap(a->header, SECRET_BYTES);
	}
	free(a->origin);
	free(a);
}

int
auth_header(struct auth *a, struct call *call UNUSED, struct buf *out)
{
	return buf_puts(out, a->header);
}

int
auth_refused(struct auth *a UNUSED, struct call *call UNUSED)
{
	return -EACCES; /* these credentials do not renew themselves */
}

const char *
auth_origin(const struct auth *a)
{
	return a->origin != NULL ? a->origin : "";
}
