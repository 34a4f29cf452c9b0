/* rest/retry: which failures to try again, and when. */
#include "config.h"

#include <errno.h>

#include "rest/retry.h"
#include "tests/support/unit.h"

#define NO  false
#define YES true

static const struct {
	int err;
	int status;
	const char *code;
	const char *message;
	int64_t after_ms;
	bool acted;
	enum retry_class repeatable; /* what a repeatable request gets */
	enum retry_class once;	     /* and one that must not be sent twice */
} rows[] = {
	/* clang-format off */
	/* No answer. */
	{ -ECONNREFUSED, 0, "", "", -1, NO,  RETRY_UNREACHED, RETRY_UNREACHED },
	{ -EHOSTUNREACH, 0, "", "", -1, NO,  RETRY_UNREACHED, RETRY_UNREACHED },
	{ -ETIMEDOUT,    0, "", "", -1, NO,  RETRY_UNREACHED, RETRY_UNREACHED },
	{ -EIO,          0, "", "", -1, NO,  RETRY_UNREACHED, RETRY_UNREACHED },
	{ -EIO,          0, "", "", -1, YES, RETRY_BROKEN,    RETRY_FINAL },
	{ -ETIMEDOUT,    0, "", "", -1, YES, RETRY_FINAL,     RETRY_FINAL },
	{ -EINTR,        0, "", "", -1, NO,  RETRY_FINAL,     RETRY_FINAL },
	{ -EINTR,        0, "", "", -1, YES, RETRY_FINAL,     RETRY_FINAL },
	{ -EPROTO,       0, "", "", -1, NO,  RETRY_FINAL,     RETRY_FINAL },
	{ -EFBIG,        0, "", "", -1, YES, RETRY_FINAL,     RETRY_FINAL },
	/* Come back later. */
	{ 0, 429, "", "",                                  -1, NO, RETRY_THROTTLED, RETRY_THROTTLED },
	{ 0, 429, "", "",                                2000, NO, RETRY_THROTTLED, RETRY_THROTTLED },
	{ 0, 429, "", "Current request has to be retried", -1, NO, RETRY_THROTTLED, RETRY_THROTTLED },
	{ 0, 429, "RESOURCE_EXHAUSTED", "Too many",        -1, NO, RETRY_THROTTLED, RETRY_THROTTLED },
	{ 0, 400, "REQUEST_LIMIT_EXCEEDED", "",            -1, NO, RETRY_THROTTLED, RETRY_THROTTLED },
	{ 0, 503, "TEMPORARILY_UNAVAILABLE", "",           -1, NO, RETRY_THROTTLED, RETRY_FINAL },
	{ 0, 503, "", "",                                   0, NO, RETRY_THROTTLED, RETRY_THROTTLED },
	{ 0, 503, "TEMPORARILY_UNAVAILABLE", "The service at this URL is taking too long to process your"
	  " request. Please try again later or try a faster operation.",
	                                                 1000, NO, RETRY_THROTTLED, RETRY_FINAL },
	{ 0, 400, "", "RPC token bucket limit has been exceeded", -1, NO, RETRY_THROTTLED, RETRY_FINAL },
	{ 0, 500, "", "deadline exceeded",                 -1, NO, RETRY_BROKEN,    RETRY_FINAL },
	/* Something in between, or a fault. */
	{ 0, 500, "INTERNAL_ERROR", "",                    -1, NO, RETRY_BROKEN,    RETRY_FINAL },
	{ 0, 502, "", "",                                  -1, NO, RETRY_BROKEN,    RETRY_FINAL },
	{ 0, 504, "", "",                                1000, NO, RETRY_BROKEN,    RETRY_FINAL },
	{ 0, 408, "", "",                                  -1, NO, RETRY_BROKEN,    RETRY_FINAL },
	/* Answers. */
	{ 0, 200, "", "",                                  -1, NO, RETRY_FINAL,     RETRY_FINAL },
	{ 0, 302, "", "",                                  -1, NO, RETRY_FINAL,     RETRY_FINAL },
	{ 0, 400, "INVALID_PARAMETER_VALUE", "",           -1, NO, RETRY_FINAL,     RETRY_FINAL },
	{ 0, 401, "", "",                                  -1, NO, RETRY_FINAL,     RETRY_FINAL },
	{ 0, 403, "PERMISSION_DENIED", "",               1000, NO, RETRY_FINAL,     RETRY_FINAL },
	{ 0, 404, "RESOURCE_DOES_NOT_EXIST", "",           -1, NO, RETRY_FINAL,     RETRY_FINAL },
	{ 0, 501, "", "",                                  -1, NO, RETRY_FINAL,     RETRY_FINAL },
	{ 0, 503, "PARTIAL_DELETE", "",                    -1, NO, RETRY_FINAL,     RETRY_FINAL },
	{ 0, 503, "PARTIAL_DELETE", "",                  1000, NO, RETRY_FINAL,     RETRY_FINAL },
	/* clang-format on */
};

static struct retry_outcome
outcome(int i, bool repeatable)
{
	return (struct retry_outcome){ .err = rows[i].err,
		.status = rows[i].status, .code = rows[i].code,
		.message = rows[i].message,
		.retry_after_ms = rows[i].after_ms, .acted = rows[i].acted,
		.repeatable = repeatable };
}

START_TEST(every_failure_has_its_class)
{
	struct retry_outcome o = outcome(_i, true);

	ck_assert_int_eq(retry_class(&o), rows[_i].repeatable);
	o.repeatable = false;
	ck_assert_int_eq(retry_class(&o), rows[_i].once);
	if (o.err != 0) {
		o.ours = true;
		ck_assert_int_eq(retry_class(&o), RETRY_FINAL);
	}
}
END_TEST

START_TEST(what_must_not_be_sent_twice_is_tried_again_only_if_undone)
{
	struct retry_outcome o = outcome(_i, false);

	if (retry_class(&o) != RETRY_FINAL)
		ck_assert(!retry_is_unknown(&o));
}
END_TEST

static struct retry_state
state(unsigned attempts)
{
	return (struct retry_state){ .attempts = attempts, .breaks = attempts,
		.patience_ms = 300000, .timeout_ms = 60000 };
}

START_TEST(waits_double_up_to_a_bound_and_are_spread)
{
	const struct retry_outcome o = { .status = 503, .code = "",
		.message = "", .retry_after_ms = -1, .repeatable = true };
	int64_t most = 0, least = INT64_MAX;

	for (unsigned n = 1; n < 40; n++) {
		struct retry_state s = state(n);
		int64_t bound = n < 5 ? 500 << (n - 1) : 5000;

		for (s.random = 0; s.random < 20000; s.random += 7) {
			int64_t ms = retry_wait_ms(&s, &o);

			ck_assert_int_gt(ms, 0);
			ck_assert_int_le(ms, bound);
			most = ms > most ? ms : most;
			least = ms < least ? ms : least;
		}
	}
	ck_assert_int_gt(most, 4900);
	ck_assert_int_lt(least, 100);
}
END_TEST

START_TEST(retry_after_is_honoured_and_cut)
{
	struct retry_outcome o = { .status = 429, .code = "", .message = "",
		.retry_after_ms = 7000 };
	struct retry_state s = state(9);
	int64_t ms;

	for (s.random = 0; s.random < 1000; s.random += 13) {
		ms = retry_wait_ms(&s, &o);
		ck_assert(ms >= 7000 && ms < 7250);
	}
	o.retry_after_ms = INT64_C(3600) * 1000;
	ms = retry_wait_ms(&s, &o);
	ck_assert(ms >= 60000 && ms < 60250);
	o.retry_after_ms = 0;
	ck_assert_int_le(retry_wait_ms(&s, &o), 5000);
}
END_TEST

START_TEST(patience_ends)
{
	struct retry_outcome o = { .status = 429, .code = "", .message = "",
		.retry_after_ms = 7000 };
	struct retry_state s = state(1);

	s.spent_ms = 293000;
	ck_assert_int_eq(retry_wait_ms(&s, &o), 7000);
	s.spent_ms = 293001;
	ck_assert_int_eq(retry_wait_ms(&s, &o), -1);

	/* A connection that cannot be made: as long as nothing moved. */
	o = (struct retry_outcome){ .err = -ECONNREFUSED };
	s.spent_ms = 100000;
	s.quiet_ms = 59000;
	ck_assert_int_ge(retry_wait_ms(&s, &o), 0);
	s.quiet_ms = 60000;
	ck_assert_int_eq(retry_wait_ms(&s, &o), -1);
}
END_TEST

START_TEST(what_breaks_again_and_again_is_given_up)
{
	const struct retry_outcome o = { .err = -EIO, .acted = true,
		.repeatable = true, .retry_after_ms = -1 };
	struct retry_state s = state(RETRY_BREAKS - 1);

	s.spent_ms = INT64_C(3600) * 1000; /* of a long upload */
	ck_assert_int_ge(retry_wait_ms(&s, &o), 0);
	s.breaks = RETRY_BREAKS;
	ck_assert_int_eq(retry_wait_ms(&s, &o), -1);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(every_failure_has_its_class, rows),
	UNIT_ROWS(what_must_not_be_sent_twice_is_tried_again_only_if_undone,
	    rows),
	UNIT(waits_double_up_to_a_bound_and_are_spread),
	UNIT(retry_after_is_honoured_and_cut),
	UNIT(patience_ends),
	UNIT(what_breaks_again_and_again_is_given_up),
};

UNIT_MAIN("retry", tests)
