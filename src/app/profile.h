/* app/profile.h: finds host and credential where the official clients find them.
 *
 * For each value: option, environment, profile in the config file, and for the
 * credential at last ~/.netrc, for its own host alone.  A profile that was named by
 * an option beats the environment, so that a token never goes to another profile's
 * host.  Source: API reference, section 1.4. */
#ifndef APP_PROFILE_H
#define APP_PROFILE_H

#include <stddef.h>

#include "base/attr.h"
#include "rest/auth.h"

/* What the options say; NULL: nothing. */
struct profile_wish {
	const char *host;
	const char *profile;
	const char *config; /* the config file */
};

struct profile {
	char *base_url; /* "https://host[:port]" */
	enum auth_kind kind;
	char *user; /* Basic */
	char *secret;
	char *origin; /* where the credential was found, for messages */
};

/* 0, or negative errno with one line in why that says what to do; no value is ever
 * in it.  Warnings are logged. */
int profile_find(const struct profile_wish *wish, struct profile *out,
    char *why, size_t why_bytes) WARN_UNUSED;
void profile_release(struct profile *p); /* wipes the secret */

#endif
