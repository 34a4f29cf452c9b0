/* emu/tokens.h: who may call.
 *
 * Good are the token of the command line, tokens added over the admin endpoint,
 * and OAuth tokens, which are signed (HS256) and so need no list; each unless
 * revoked.  Comparisons take the same time whatever differs.  Threads: any. */
#ifndef EMU_TOKENS_H
#define EMU_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"

#include "emu/place.h"
#include "emu/timeline.h"

struct tokens;

enum token_check {
	TOKEN_GOOD,
	TOKEN_MISSING, /* no credential, or of a kind that is not supported */
	TOKEN_FOREIGN, /* never good */
	TOKEN_REVOKED,
	TOKEN_EXPIRED, /* an OAuth token by its time, any by tokens_expire */
};

#define TOKENS_BAD_TEXT	    "Invalid access token."
#define TOKENS_EXPIRED_TEXT "The access token has expired."

int tokens_new(struct place *place, struct timeline *timeline,
    const char *token, const char *admin_token,
    struct tokens **out) WARN_UNUSED;
void tokens_free(struct tokens *t);

/* header is the value of Authorization, or NULL.  hash gets the SHA-256 of the
 * token, "" when none was sent.  admin: only the admin token is good. */
enum token_check tokens_check(struct tokens *t, const char *header, bool admin,
    char hash[DIGEST_SHA256_HEX]);

/* Is that the secret of an OAuth client?  (It is the token itself.) */
bool tokens_check_secret(struct tokens *t, const char *secret);

/* User and password of a Basic header, in buffers of the caller. */
bool tokens_basic(const char *header, struct buf *user, struct buf *password);

/* Appends a token that lives for ttl_s seconds of the emulator's clock. */
int tokens_issue(struct tokens *t, int64_t ttl_s, struct buf *out) WARN_UNUSED;

/* A seal on text, which nobody else can make: of signed URLs. */
void tokens_seal(
    const struct tokens *t, const char *text, char hex[DIGEST_SHA256_HEX]);

/* The same seal?  In a time that does not tell where they differ. */
bool tokens_same_seal(const char *a, const char *b);

int tokens_add(struct tokens *t, const char *token) WARN_UNUSED;

/* A hash as tokens_check gave it; for good or until tokens_restore. */
void tokens_revoke(struct tokens *t, const char *hash);
void tokens_expire(struct tokens *t, const char *hash);
void tokens_restore(struct tokens *t);

#endif
