/* backend/dbfs_heal: every state that a crash can leave. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/dbfs_heal.h"
#include "base/jval.h"
#include "base/text.h"
#include "cache/journal.h"
#include "tests/support/unit.h"

#define SOURCE "/d/new"
#define TARGET "/d/file"
#define ASIDE  "/d/.brickfs-0123456789abcdef"
#define KEPT   "/d/file.replaced-0123456789abcdef"
#define CALLS_MAX 8 /* more than one healing takes */
#define NOW    INT64_C(1700000000000)

/* A service that has these names; contents of the same length are the same size. */
struct world {
	const char *at[4]; /* SOURCE, TARGET, ASIDE, KEPT: NULL, nothing */
	unsigned calls;
	unsigned fail; /* the call of that number fails; 0: none */
	bool after;    /* its effect */
};

static const char *const paths[4] = { SOURCE, TARGET, ASIDE, KEPT };

static const char **
find(struct world *w, const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (strcmp(path, paths[i]) == 0)
			return &w->at[i];
	ck_abort_msg("asked for %s", path);
}

static bool
fails_before(struct world *w)
{
	return ++w->calls == w->fail && !w->after;
}

static int
answer(const struct world *w, int ret)
{
	return w->calls == w->fail && w->after ? -ETIMEDOUT : ret;
}

static int
look(void *ctx, struct call *call UNUSED, const char *path, int64_t *size)
{
	struct world *w = ctx;
	const char **at = find(w, path);

	if (fails_before(w))
		return -EIO;
	if (*at != NULL)
		*size = (int64_t)strlen(*at);
	return answer(w, *at != NULL ? 0 : -ENOENT);
}

static int
move(void *ctx, struct call *call UNUSED, const char *from, const char *to)
{
	struct world *w = ctx;
	const char **a = find(w, from), **b = find(w, to);

	if (fails_before(w))
		return -EIO;
	if (*a == NULL || *b != NULL)
		return answer(w, *a == NULL ? -ENOENT : -EEXIST);
	*b = *a;
	*a = NULL;
	return answer(w, 0);
}

static int
remove_it(void *ctx, struct call *call UNUSED, const char *path)
{
	struct world *w = ctx;
	const char **at = find(w, path);

	ck_assert_str_eq(path, ASIDE); /* nothing else is ever deleted */
	if (fails_before(w))
		return -EIO;
	*at = NULL;
	return answer(w, 0);
}

static int
heal(struct world *w, uint16_t type, const char *text, bool *changed)
{
	const struct dbfs_heal_calls calls = { look, move, remove_it, w };
	struct call call = { .op = "test" };
	struct json_object *record;
	int ret;

	ck_assert_int_eq(jval_parse(text, strlen(text), &record), 0);
	ret = dbfs_heal(&calls, &call, type, record, NOW, changed);
	json_object_put(record);
	return ret;
}

/* --- a replace in steps ------------------------------------------------------- */

static const char *const steps[] = { "begin", "aside", "moved" };

/* One of the states of the table: what is where when the healing begins. */
struct state {
	const char *step;
	bool source, target, aside;
	bool same_size; /* the target has the source's */
	bool late;	/* a request may still be on its way */
};

#define STATES (3 * 32)

static struct state
state_of(unsigned row)
{
	return (struct state){
		.source = (row & 1) != 0,
		.target = (row & 2) != 0,
		.aside = (row & 4) != 0,
		.same_size = (row & 8) != 0,
		.late = (row & 16) != 0,
		.step = steps[row / 32],
	};
}

static char *
record_of(const struct state *s)
{
	char *text = text_printf("{\"tree\":\"dbfs\",\"source\":\"" SOURCE "\","
	    "\"target\":\"" TARGET "\",\"aside\":\"" ASIDE "\",\"size\":6,"
	    "\"step\":\"%s\",\"ms\":%lld}", s->step,
	    (long long)(s->late ? NOW - 1000 : NOW - 3600000));

	ck_assert_ptr_nonnull(text);
	return text;
}

static void
set_world(const struct state *s, struct world *w)
{
	*w = (struct world){ .fail = 0 };
	w->at[0] = s->source ? "source" : NULL;
	if (s->target)
		w->at[1] = s->same_size ? "target" : "longer target";
	w->at[2] = s->aside ? "old" : NULL;
}

/* Is what was aside certainly replaced? */
static bool
is_replaced(const struct state *s)
{
	return strcmp(s->step, "moved") == 0 || (strcmp(s->step, "aside") == 0 &&
	    !s->source && s->target && s->same_size);
}

static void
expect_healed(const struct state *s, const struct world *w)
{
	const char *target = s->target ?
	    s->same_size ? "target" : "longer target" : NULL;
	const char *kept = NULL;

	if (s->aside && !is_replaced(s)) {
		if (target == NULL)
			target = "old";
		else
			kept = "old";
	}
	ck_assert_pstr_eq(w->at[0], s->source ? "source" : NULL);
	ck_assert_pstr_eq(w->at[1], target);
	ck_assert_pstr_eq(w->at[2], NULL);
	ck_assert_pstr_eq(w->at[3], kept);
}

/* Each state, with each call of the healing failing, before its effect and after it;
 * then it is healed again until it says that it is done. */
START_TEST(every_state_is_healed_whatever_fails_on_the_way)
{
	struct state s = state_of((unsigned)_i);
	char *record = record_of(&s);
	bool changed = false;
	struct world w;

	for (unsigned n = 1; n <= CALLS_MAX; n++)
		for (int after = 0; after < 2; after++) {
			int ret, tries = 0;

			set_world(&s, &w);
			w.fail = n;
			w.after = after == 1;
			do {
				ret = heal(&w, JOURNAL_REPLACE, record,
				    &changed);
				ck_assert_int_lt(++tries, 5);
			} while (ret != 0 && ret != -EAGAIN);
			expect_healed(&s, &w);
			/* With nothing left to do, it stays so. */
			if (ret == -EAGAIN)
				ck_assert(s.late);
			w.fail = 0;
			ret = heal(&w, JOURNAL_REPLACE, record, &changed);
			ck_assert(ret == 0 || (ret == -EAGAIN && s.late));
			expect_healed(&s, &w);
		}
	free(record);
}
END_TEST

/* The move of the target was on its way when the program died, and comes after the
 * first look. */
START_TEST(a_move_that_comes_late_is_taken_back)
{
	struct state s = { .step = "begin", .source = true, .target = true,
		.late = true };
	char *record = record_of(&s);
	bool changed = false;
	struct world w;

	set_world(&s, &w);
	ck_assert_int_eq(heal(&w, JOURNAL_REPLACE, record, &changed), -EAGAIN);
	ck_assert(!changed);
	w.at[2] = w.at[1];
	w.at[1] = NULL;
	ck_assert_int_eq(heal(&w, JOURNAL_REPLACE, record, &changed), 0);
	ck_assert(changed);
	ck_assert_pstr_eq(w.at[1], "longer target");
	ck_assert_pstr_eq(w.at[2], NULL);
	free(record);
}
END_TEST

/* --- what must go ------------------------------------------------------------ */

START_TEST(a_hidden_object_is_deleted)
{
	const char *old = "{\"tree\":\"dbfs\",\"path\":\"" ASIDE "\"}";
	struct world w = { .at = { [2] = "hidden" } };
	bool changed = false;

	w.fail = 2;
	ck_assert_int_eq(heal(&w, JOURNAL_DELETE, old, &changed), -EIO);
	ck_assert_pstr_eq(w.at[2], "hidden");
	ck_assert_int_eq(heal(&w, JOURNAL_DELETE, old, &changed), 0);
	ck_assert_pstr_eq(w.at[2], NULL);
	ck_assert_int_eq(heal(&w, JOURNAL_DELETE, old, &changed), 0);
}
END_TEST

START_TEST(one_that_is_not_there_yet_is_waited_for)
{
	char *text = text_printf("{\"tree\":\"dbfs\",\"path\":\"" ASIDE "\","
	    "\"ms\":%lld}", (long long)NOW - 1000);
	struct world w = { .at = { NULL } };
	bool changed = false;

	ck_assert_int_eq(heal(&w, JOURNAL_DELETE, text, &changed), -EAGAIN);
	w.at[2] = "hidden";
	ck_assert_int_eq(heal(&w, JOURNAL_DELETE, text, &changed), 0);
	ck_assert_pstr_eq(w.at[2], NULL);
	free(text);
}
END_TEST

/* Nothing but what has a name of ours is touched. */
static const char *const nonsense[] = {
	"{\"tree\":\"dbfs\",\"path\":\"" TARGET "\"}",
	"{\"tree\":\"dbfs\",\"path\":\"/d/.brickfs-0123456789abcdef/x\"}",
	"{\"tree\":\"dbfs\",\"path\":\"/d/.brickfs-0123\"}",
	"{\"tree\":\"dbfs\",\"path\":\".brickfs-0123456789abcdef\"}",
	"{\"tree\":\"dbfs\",\"path\":5}",
	"{\"tree\":\"dbfs\"}",
	"{\"tree\":\"dbfs\",\"source\":\"" SOURCE "\",\"target\":\"" TARGET
	"\",\"aside\":\"" TARGET "\",\"step\":\"moved\"}",
	"{\"tree\":\"dbfs\",\"source\":\"" SOURCE "\",\"target\":\"" TARGET
	"\",\"aside\":\"" ASIDE "\"}",
};

START_TEST(a_record_of_something_else_is_refused)
{
	struct world w = { .at = { "a", "b", "c" } };
	bool changed = false;
	uint16_t type = strstr(nonsense[_i], "source") != NULL ?
	    JOURNAL_REPLACE : JOURNAL_DELETE;

	ck_assert_int_eq(heal(&w, type, nonsense[_i], &changed), -EBADMSG);
	ck_assert_int_eq(heal(&w, 99, nonsense[_i], &changed), -EBADMSG);
	ck_assert_uint_eq(w.calls, 0);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_TIMES(every_state_is_healed_whatever_fails_on_the_way, STATES),
	UNIT(a_move_that_comes_late_is_taken_back),
	UNIT(a_hidden_object_is_deleted),
	UNIT(one_that_is_not_there_yet_is_waited_for),
	UNIT_ROWS(a_record_of_something_else_is_refused, nonsense),
};

UNIT_MAIN("dbfs_heal", tests)
