/* rest/auth: the credential on requests. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "rest/auth.h"
#include "tests/support/unit.h"

static const struct {
	struct auth_config config;
	int err;
	const char *want;
} rows[] = {
	{ { AUTH_BEARER, NULL, "dapi0123", "x" }, 0,
	    "Authorization: Bearer dapi0123" },
	{ { AUTH_BASIC, "token", "dapi0123", "x" }, 0,
	    "Authorization: Basic dG9rZW46ZGFwaTAxMjM=" },
	{ { AUTH_BASIC, "me@x.com", "p:w", "x" }, 0,
	    "Authorization: Basic bWVAeC5jb206cDp3" },
	{ { AUTH_BEARER, NULL, "", "x" }, -EINVAL, NULL },
	{ { AUTH_BEARER, NULL, NULL, "x" }, -EINVAL, NULL },
	{ { AUTH_BASIC, NULL, "p", "x" }, -EINVAL, NULL },
	/* No second header by the way. */
	{ { AUTH_BEARER, NULL, "dapi\r\nX-Evil: 1", "x" }, -EINVAL, NULL },
	{ { AUTH_BEARER, NULL, "dapi\n", "x" }, -EINVAL, NULL },
	{ { AUTH_BEARER, NULL, "dapi x\x7f", "x" }, -EINVAL, NULL },
	{ { AUTH_BASIC, "u\n", "p", "x" }, -EINVAL, NULL },
	{ { AUTH_BASIC, "u:v", "p", "x" }, -EINVAL, NULL },
};

START_TEST(a_credential_makes_one_header_or_none)
{
	struct auth *a = NULL;
	struct call call = { .op = "test" };
	struct buf b;

	ck_assert_int_eq(auth_new(&rows[_i].config, &a), rows[_i].err);
	if (rows[_i].err != 0) {
		ck_assert_ptr_null(a);
		return;
	}
	buf_init(&b, 65536);
	ck_assert_int_eq(auth_header(a, &call, &b), 0);
	ck_assert_str_eq(buf_text(&b), rows[_i].want);
	ck_assert_str_eq(auth_origin(a), "x");
	ck_assert_int_eq(auth_refused(a, &call), -EACCES);
	buf_release(&b);
	auth_free(a);
}
END_TEST

START_TEST(a_token_of_absurd_length_is_refused)
{
	static char token[100000];
	const struct auth_config config = { AUTH_BEARER, NULL, token, "x" };
	struct auth *a = NULL;
	struct call call = { .op = "test" };
	struct buf b;

	memset(token, 'x', sizeof(token) - 1);
	ck_assert_int_eq(auth_new(&config, &a), -EINVAL);
	/* OAuth tokens are long, and not that long. */
	token[8000] = '\0';
	ck_assert_int_eq(auth_new(&config, &a), 0);
	buf_init(&b, 65536);
	ck_assert_int_eq(auth_header(a, &call, &b), 0);
	ck_assert_uint_eq(b.len, 8000 + strlen("Authorization: Bearer "));
	buf_release(&b);
	auth_free(a);
	auth_free(NULL);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_credential_makes_one_header_or_none, rows),
	UNIT(a_token_of_absurd_length_is_refused),
};

UNIT_MAIN("auth", tests)
