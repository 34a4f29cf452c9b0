/* emu/tokens.c - who may call. */
#include "config.h"

#include "emu/tokens.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/io.h"
#include "base/jval.h"
#include "base/lock.h"
#include "base/text.h"

#include "emu/params.h"

#include "base/banned.h"

#define LIST_MAX        256
#define KEY_BYTES       32
#define TOKEN_BYTES_MAX ((size_t)16384)
#define SEAL_HEX        65

typedef char hash_text[DIGEST_SHA256_HEX];

struct list {
	hash_text hashes[LIST_MAX];
	size_t count; /* the oldest goes when it is full */
};

struct tokens {
	struct timeline *timeline;    /* set once */
	hash_text admin;              /* set once */
	hash_text secret;             /* set once */
	unsigned char key[KEY_BYTES]; /* set once */
	struct lock lock;
	struct list good;    /* guarded by lock */
	struct list revoked; /* guarded by lock */
	struct list expired; /* guarded by lock */
};

static bool
same_hash(const char *a, const char *b)
{
	return CRYPTO_memcmp(a, b, DIGEST_SHA256_HEX) == 0;
}

static bool
list_has(const struct list *l, const char *hash)
{
	size_t count = l->count < LIST_MAX ? l->count : LIST_MAX;
	bool found = false;

	for (size_t i = 0; i < count; i++)
		found |= same_hash(l->hashes[i], hash);
	return found;
}

static void
list_add(struct list *l, const char *hash)
{
	if (!list_has(l, hash))
		text_copy(
		    l->hashes[l->count++ % LIST_MAX], sizeof(hash_text), hash);
}

/* The signing key is kept, so that OAuth tokens outlive a restart. */
static int
load_key(struct place *place, unsigned char key[KEY_BYTES])
{
	char *path = text_printf("%s/key", place->state);
	struct buf text;
	int ret;

	if (path == NULL)
		return -ENOMEM;
	buf_init(&text, KEY_BYTES);
	ret = io_read_file(path, &text);
	if (ret == 0 && text.len == KEY_BYTES) {
		memcpy(key, text.data, KEY_BYTES);
	} else {
		digest_random(key, KEY_BYTES);
		ret = io_write_file(path, key, KEY_BYTES, 0600);
	}
	buf_release(&text);
	free(path);
	return ret;
}

int
tokens_new(struct place *place, struct timeline *timeline, const char *token,
    const char *admin_token, struct tokens **out)
{
	struct tokens *t = calloc(1, sizeof(*t));
	int ret;

	if (t == NULL)
		return -ENOMEM;
	ret = load_key(place, t->key);
	if (ret < 0) {
		free(t);
		return ret;
	}
	t->timeline = timeline;
	lock_init(&t->lock, "tokens");
	digest_sha256(token, strlen(token), t->secret);
	digest_sha256(admin_token, strlen(admin_token), t->admin);
	list_add(&t->good, t->secret);
	*out = t;
	return 0;
}

void
tokens_free(struct tokens *t)
{
	if (t == NULL)
		return;
	OPENSSL_cleanse(t->key, sizeof(t->key));
	lock_release(&t->lock);
	free(t);
}

bool
tokens_basic(const char *header, struct buf *user, struct buf *password)
{
	size_t len;
	char *plain, *colon;
	bool good;

	if (strncasecmp(header, "Basic ", 6) != 0 ||
	    strlen(header) > TOKEN_BYTES_MAX ||
	    params_base64(header + 6, TOKEN_BYTES_MAX, &plain, &len) < 0)
		return false;
	colon = memchr(plain, ':', len);
	good = colon != NULL && memchr(plain, '\0', len) == NULL &&
	       buf_append(user, plain, (size_t)(colon - plain)) == 0 &&
	       buf_append(
		   password, colon + 1, len - (size_t)(colon - plain) - 1) == 0;
	OPENSSL_cleanse(plain, len);
	free(plain);
	return good;
}

/* "Bearer base64(token:PAT)", as some clients send it; false for any other. */
static bool
packed_bearer(const char *text, struct buf *token)
{
	size_t len;
	char *plain;
	bool good;

	if (params_base64(text, TOKEN_BYTES_MAX, &plain, &len) < 0)
		return false;
	good = len > 6 && memcmp(plain, "token:", 6) == 0 &&
	       memchr(plain, '\0', len) == NULL &&
	       buf_append(token, plain + 6, len - 6) == 0;
	free(plain);
	return good;
}

/* The token in an Authorization header. */
static bool
extract(const char *header, struct buf *token)
{
	struct buf user;
	bool good;

	if (strlen(header) > TOKEN_BYTES_MAX)
		return false;
	if (strncasecmp(header, "Bearer ", 7) == 0) {
		header += 7;
		while (*header == ' ')
			header++;
		return packed_bearer(header, token) ||
		       (*header != '\0' && buf_puts(token, header) == 0);
	}
	buf_init(&user, TOKEN_BYTES_MAX);
	good = tokens_basic(header, &user, token) &&
	       strcmp(buf_text(&user), "token") == 0 && token->len > 0;
	buf_release(&user);
	return good;
}

static void
seal(const struct tokens *t, const char *text, size_t len, char hex[SEAL_HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned md_len = 0;

	if (HMAC(EVP_sha256(), t->key, KEY_BYTES, (const unsigned char *)text,
		len, md, &md_len) == NULL)
		abort(); /* only without memory */
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

void
tokens_seal(const struct tokens *t, const char *text, char hex[SEAL_HEX])
{
	seal(t, text, strlen(text), hex);
}

bool
tokens_same_seal(const char *a, const char *b)
{
	return strlen(a) == SEAL_HEX - 1 && strlen(b) == SEAL_HEX - 1 &&
	       CRYPTO_memcmp(a, b, SEAL_HEX - 1) == 0;
}

/* An issued token is "eyJ" EXPIRY_MS "." NONCE "." SEAL.  TOKEN_FOREIGN for any
 * other. */
static enum token_check
check_issued(const struct tokens *t, const char *token)
{
	const char *dot = strrchr(token, '.');
	char want[SEAL_HEX], number[24];
	int64_t expiry_ms;
	size_t digits;

	if (!text_starts(token, "eyJ") || dot == NULL ||
	    strlen(dot + 1) != SEAL_HEX - 1)
		return TOKEN_FOREIGN;
	seal(t, token, (size_t)(dot - token), want);
	if (CRYPTO_memcmp(want, dot + 1, SEAL_HEX - 1) != 0)
		return TOKEN_FOREIGN;
	digits = strcspn(token + 3, ".");
	if (digits >= sizeof(number))
		return TOKEN_FOREIGN;
	memcpy(number, token + 3, digits);
	number[digits] = '\0';
	if (text_i64(number, &expiry_ms) < 0)
		return TOKEN_FOREIGN;
	return timeline_now_ms(t->timeline) < expiry_ms ? TOKEN_GOOD
							: TOKEN_EXPIRED;
}

int
tokens_issue(struct tokens *t, int64_t ttl_s, struct buf *out)
{
	char nonce[17], hex[SEAL_HEX], *head;
	int ret;

	digest_random_hex(nonce, 8);
	head = text_printf("eyJ%" PRId64 ".%s",
	    timeline_now_ms(t->timeline) + ttl_s * 1000, nonce);
	if (head == NULL)
		return -ENOMEM;
	seal(t, head, strlen(head), hex);
	ret = buf_printf(out, "%s.%s", head, hex);
	free(head);
	return ret;
}

enum token_check
tokens_check(struct tokens *t, const char *header, bool admin,
    char hash[DIGEST_SHA256_HEX])
{
	struct buf token;
	enum token_check issued, result;

	hash[0] = '\0';
	if (header == NULL)
		return TOKEN_MISSING;
	buf_init(&token, TOKEN_BYTES_MAX);
	if (!extract(header, &token)) {
		buf_release(&token);
		return TOKEN_MISSING;
	}
	digest_sha256(token.data, token.len, hash);
	issued = check_issued(t, token.data);
	OPENSSL_cleanse(token.data, token.len);
	buf_release(&token);
	if (admin)
		return same_hash(t->admin, hash) ? TOKEN_GOOD : TOKEN_FOREIGN;
	lock_take(&t->lock);
	result = list_has(&t->good, hash) ? TOKEN_GOOD : issued;
	if (result == TOKEN_GOOD && list_has(&t->revoked, hash))
		result = TOKEN_REVOKED;
	if (result == TOKEN_GOOD && list_has(&t->expired, hash))
		result = TOKEN_EXPIRED;
	lock_drop(&t->lock);
	return result;
}

bool
tokens_check_secret(struct tokens *t, const char *secret)
{
	hash_text hash;

	digest_sha256(secret, strlen(secret), hash);
	return same_hash(hash, t->secret);
}

int
tokens_add(struct tokens *t, const char *token)
{
	hash_text hash;

	if (token[0] == '\0')
		return -EINVAL;
	digest_sha256(token, strlen(token), hash);
	lock_take(&t->lock);
	list_add(&t->good, hash);
	lock_drop(&t->lock);
	return 0;
}

void
tokens_revoke(struct tokens *t, const char *hash)
{
	lock_take(&t->lock);
	list_add(&t->revoked, hash);
	lock_drop(&t->lock);
}

void
tokens_expire(struct tokens *t, const char *hash)
{
	lock_take(&t->lock);
	list_add(&t->expired, hash);
	lock_drop(&t->lock);
}

void
tokens_restore(struct tokens *t)
{
	lock_take(&t->lock);
	t->revoked.count = t->expired.count = 0;
	lock_drop(&t->lock);
}
