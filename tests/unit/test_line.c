/* base/line: whose turn it is. */
#include "config.h"

#include "base/line.h"
#include "tests/support/unit.h"

static struct line line;
static struct line_place places[20];
static struct call calls[20];

static void
join(unsigned i, enum call_class class)
{
	calls[i] = (struct call){ .op = "test", .class = class };
	line_join(&line, &places[i], &calls[i]);
}

static void
expect_first(unsigned i)
{
	ck_assert_ptr_eq(line_first(&line), &places[i]);
}

/* Serves in the order that the line wants: "a" is place 0. */
static void
expect_order(const char *order)
{
	for (; *order != '\0'; order++) {
		unsigned i = (unsigned)(*order - 'a');

		expect_first(i);
		line_leave(&line, &places[i], true);
	}
	ck_assert_ptr_null(line_first(&line));
}

START_TEST(classes_come_before_places)
{
	join(0, CALL_AHEAD);
	join(1, CALL_BACKGROUND);
	join(2, CALL_DEMAND);
	join(3, CALL_AHEAD);
	join(4, CALL_DEMAND);
	join(5, CALL_BACKGROUND);
	expect_order("cebfad");
}
END_TEST

START_TEST(who_is_wanted_now_comes_before_who_is_not)
{
	join(0, CALL_AHEAD);
	join(1, CALL_AHEAD);
	join(2, CALL_AHEAD);
	join(3, CALL_BACKGROUND);
	join(4, CALL_DEMAND);
	call_promote(&calls[2]);
	/* It came before the other one. */
	expect_order("cedab");
}
END_TEST

START_TEST(the_background_gets_a_turn_although_programs_wait)
{
	unsigned turns = 0;

	join(19, CALL_BACKGROUND);
	for (unsigned i = 0; i < 18; i++)
		join(i, CALL_DEMAND);
	while (line_first(&line) != &places[19]) {
		expect_first(turns);
		line_leave(&line, &places[turns++], true);
	}
	ck_assert_uint_eq(turns, LINE_SHARE - 1);
	line_leave(&line, &places[19], true);
	/* And then another one has to wait as long. */
	join(19, CALL_BACKGROUND);
	while (line_first(&line) != &places[19])
		line_leave(&line, &places[turns++], true);
	ck_assert_uint_eq(turns, 2 * (LINE_SHARE - 1));
	/* Who leaves without a turn has taken none. */
	line_leave(&line, &places[19], false);
	expect_order("opqr");
}
END_TEST

START_TEST(those_who_wait_are_counted_by_class)
{
	unsigned n[CALL_CLASSES];

	join(0, CALL_AHEAD);
	join(1, CALL_AHEAD);
	join(2, CALL_DEMAND);
	line_count(&line, n);
	ck_assert_uint_eq(n[CALL_DEMAND], 1);
	ck_assert_uint_eq(n[CALL_BACKGROUND], 0);
	ck_assert_uint_eq(n[CALL_AHEAD], 2);
	expect_order("cab");
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(classes_come_before_places),
	UNIT(who_is_wanted_now_comes_before_who_is_not),
	UNIT(the_background_gets_a_turn_although_programs_wait),
	UNIT(those_who_wait_are_counted_by_class),
};

UNIT_MAIN("line", tests)
