/* rest/auth.h: keeps a valid credential and puts it on requests.
 *
 * Secrets live in memory that is kept out of core files and wiped when freed. */
#ifndef REST_AUTH_H
#define REST_AUTH_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/call.h"

struct auth;

enum auth_kind {
	AUTH_BEARER, /* a personal access token */
	AUTH_BASIC,  /* user and password; ~/.netrc: "token" and the token */
};

struct auth_config {
	enum auth_kind kind;
	const char *user;   /* Basic */
	const char *secret; /* token or password */
	const char *origin; /* where it was found, for messages: "~/.netrc" */
};

/* Copies what it needs.  -EINVAL when a value is missing, holds control bytes or is of
 * absurd length. */
int auth_new(const struct auth_config *config, struct auth **out) WARN_UNUSED;
void auth_free(struct auth *a);

/* Writes "Authorization: ..." into out (wipe it after use).  May have to ask for
 * a new token first, hence the call. */
int auth_header(struct auth *a, struct call *call, struct buf *out) WARN_UNUSED;

/* The service refused the credential (401, or 403 "Invalid access token").  0
 * when a newer one is at hand and the request should be tried once more, else
 * -EACCES. */
int auth_refused(struct auth *a, struct call *call);

/* Where the credential came from, for error messages. */
const char *auth_origin(const struct auth *a);

#endif
