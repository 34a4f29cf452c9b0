/* emu/tokens, emu/shaper: who may call, and how often. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "emu/shaper.h"
#include "emu/tokens.h"
#include "tests/support/emu_root.h"
#include "tests/support/unit.h"

static struct emu_root root;
static struct tokens *tokens;
static char hash[DIGEST_SHA256_HEX];

static void
begin(void)
{
	emu_root_make(&root);
	ck_assert_int_eq(tokens_new(root.place, &root.timeline, "dapi-x",
			     "admin-y", &tokens),
	    0);
}

static void
end(void)
{
	tokens_free(tokens);
	emu_root_remove(&root);
}

static enum token_check
check_packed(const char *scheme, const char *plain)
{
	char header[256] = "";
	size_t len = (size_t)snprintf(header, sizeof(header), "%s ", scheme);

	base64_encode(header + len, plain, strlen(plain));
	return tokens_check(tokens, header, false, hash);
}

static const struct {
	const char *header;
	bool admin;
	enum token_check want;
} rows[] = {
	{ NULL, false, TOKEN_MISSING },
	{ "", false, TOKEN_MISSING },
	{ "Bearer", false, TOKEN_MISSING },
	{ "Bearer ", false, TOKEN_MISSING },
	{ "Digest abc", false, TOKEN_MISSING },
	{ "Bearer dapi-x", false, TOKEN_GOOD },
	{ "bearer  dapi-x", false, TOKEN_GOOD },
	{ "Bearer dapi-xx", false, TOKEN_FOREIGN },
	{ "Bearer admin-y", false, TOKEN_FOREIGN },
	{ "Bearer admin-y", true, TOKEN_GOOD },
	{ "Bearer dapi-x", true, TOKEN_FOREIGN },
	{ "Basic !!!!", false, TOKEN_MISSING },
};

START_TEST(headers_are_judged)
{
	begin();
	ck_assert_int_eq(
	    tokens_check(tokens, rows[_i].header, rows[_i].admin, hash),
	    rows[_i].want);
	end();
}
END_TEST

START_TEST(the_token_may_be_packed)
{
	begin();
	ck_assert_int_eq(check_packed("Basic", "token:dapi-x"), TOKEN_GOOD);
	ck_assert_int_eq(check_packed("Bearer", "token:dapi-x"), TOKEN_GOOD);
	ck_assert_int_eq(check_packed("Basic", "token:dapi-z"), TOKEN_FOREIGN);
	ck_assert_int_eq(
	    check_packed("Basic", "me@x.com:dapi-x"), TOKEN_MISSING);
	ck_assert_int_eq(check_packed("Basic", "token:"), TOKEN_MISSING);
	end();
}
END_TEST

START_TEST(issued_tokens_live_for_their_time)
{
	struct buf token;

	begin();
	buf_init(&token, 1024);
	ck_assert_int_eq(buf_puts(&token, "Bearer "), 0);
	ck_assert_int_eq(tokens_issue(tokens, 60, &token), 0);
	ck_assert_int_eq(
	    tokens_check(tokens, token.data, false, hash), TOKEN_GOOD);
	tokens_free(tokens); /* they outlive a restart */
	ck_assert_int_eq(tokens_new(root.place, &root.timeline, "dapi-x",
			     "admin-y", &tokens),
	    0);
	ck_assert_int_eq(
	    tokens_check(tokens, token.data, false, hash), TOKEN_GOOD);
	token.data[12]++; /* a later expiry than was signed */
	ck_assert_int_eq(
	    tokens_check(tokens, token.data, false, hash), TOKEN_FOREIGN);
	token.data[12]--;
	ck_assert_int_eq(timeline_set_offset(&root.timeline, 61000), 0);
	ck_assert_int_eq(
	    tokens_check(tokens, token.data, false, hash), TOKEN_EXPIRED);
	buf_release(&token);
	end();
}
END_TEST

START_TEST(tokens_can_be_revoked_and_added)
{
	begin();
	ck_assert_int_eq(
	    tokens_check(tokens, "Bearer dapi-x", false, hash), TOKEN_GOOD);
	tokens_revoke(tokens, hash);
	ck_assert_int_eq(
	    tokens_check(tokens, "Bearer dapi-x", false, hash), TOKEN_REVOKED);
	ck_assert_int_eq(tokens_add(tokens, "dapi-new"), 0);
	ck_assert_int_eq(
	    tokens_check(tokens, "Bearer dapi-new", false, hash), TOKEN_GOOD);
	tokens_restore(tokens);
	ck_assert_int_eq(
	    tokens_check(tokens, "Bearer dapi-x", false, hash), TOKEN_GOOD);
	ck_assert(tokens_check_secret(tokens, "dapi-x"));
	ck_assert(!tokens_check_secret(tokens, "dapi-"));
	end();
}
END_TEST

START_TEST(a_bucket_holds_one_second)
{
	struct shaper_bucket b = { 0 };
	int64_t now_ns = 1;
	int good = 0;

	for (int i = 0; i < 100; i++)
		good += shaper_bucket_take(&b, 30, 30, now_ns);
	ck_assert_int_eq(good, 30);
	now_ns += 100000000; /* 0.1 s: three more */
	for (int i = 0; i < 100; i++)
		good += shaper_bucket_take(&b, 30, 30, now_ns);
	ck_assert_int_eq(good, 33);
	now_ns += INT64_C(3600000000000);
	for (int i = 0; i < 100; i++)
		good += shaper_bucket_take(&b, 30, 30, now_ns);
	ck_assert_int_eq(good, 63);
}
END_TEST

START_TEST(families_have_a_limit_each)
{
	struct settings settings;
	struct shaper *shaper;
	struct halt *halt;

	settings_init(&settings);
	ck_assert_int_eq(halt_new(&halt), 0);
	ck_assert_int_eq(shaper_new(&settings, halt, &shaper), 0);
	for (int i = 0; i < 100; i++)
		ck_assert(shaper_admit(shaper, "dbfs", 4));
	ck_assert_int_eq(settings_set(&settings, "rate-limit", "1"), 0);
	ck_assert(shaper_admit(shaper, "dbfs", 4));
	ck_assert(!shaper_admit(shaper, "dbfs", 4));
	ck_assert(shaper_admit(shaper, "workspace", 9));
	shaper_free(shaper);
	halt_free(halt);
}
END_TEST

START_TEST(a_raised_flag_ends_every_wait)
{
	struct halt *halt;

	ck_assert_int_eq(halt_new(&halt), 0);
	ck_assert(!halt_raised(halt));
	ck_assert_int_eq(halt_wait(halt, -1, 1000000), HALT_TIME);
	halt_raise(halt);
	ck_assert(halt_raised(halt));
	ck_assert_int_eq(halt_wait(halt, -1, HALT_FOREVER), HALT_STOP);
	halt_free(halt);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(headers_are_judged, rows),
	UNIT(the_token_may_be_packed),
	UNIT(issued_tokens_live_for_their_time),
	UNIT(tokens_can_be_revoked_and_added),
	UNIT(a_bucket_holds_one_second),
	UNIT(families_have_a_limit_each),
	UNIT(a_raised_flag_ends_every_wait),
};

UNIT_MAIN("emu/tokens", tests)
