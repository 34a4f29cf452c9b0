/* man/brickfs-emulator.1 names everything that the emulator's tables have. */
#include <ctype.h>
#include <string.h>

#include "base/io.h"
#include "base/jval.h"
#include "base/text.h"
#include "emu/faults.h"
#include "emu/flags.h"
#include "emu/routes.h"
#include "emu/verbs.h"
#include "tests/support/unit.h"

static struct buf page;

static void
read_page(void)
{
	const char *srcdir = getenv("srcdir");
	char *path = text_printf(
	    "%s/man/brickfs-emulator.1", srcdir != NULL ? srcdir : SRCDIR);

	buf_init(&page, BUF_LIMIT_TEXT);
	ck_assert_int_eq(io_read_file(path, &page), 0);
	free(path);
}

/* Is word in the page as a word, after one of a few macros? */
static bool
documented(const char *macro, const char *word, size_t len)
{
	for (const char *at = buf_text(&page); (at = strstr(at, macro)) != NULL;
	     at++) {
		const char *end = at + 1 + strcspn(at + 1, "\n");

		for (const char *p = at + strlen(macro); p < end; p++)
			if (strncmp(p, word, len) == 0 &&
			    (p[-1] == ' ' || p[-1] == '-') &&
			    !isalnum((unsigned char)p[len]) && p[len] != '_')
				return true;
	}
	return false;
}

/* Calls for each line of a table's text. */
static void
each_line(int (*print)(struct buf *out), void (*line)(const char *text))
{
	struct buf out;
	char *text;

	buf_init(&out, BUF_LIMIT_TEXT);
	ck_assert_int_eq(print(&out), 0);
	text = buf_take(&out);
	for (char *p = text; *p != '\0';) {
		char *end = p + strcspn(p, "\n");
		bool last = *end == '\0';

		*end = '\0';
		line(p);
		p = last ? end : end + 1;
	}
	free(text);
}

static void
check_verb(const char *text)
{
	size_t len = strcspn(text, " ");

	ck_assert_msg(documented("\n.It Li ", text, len),
	    "the verb of '%s' is not in the page", text);
}

static void
check_option(const char *text)
{
	if (!text_starts(text, "  --"))
		return;
	text += 4;
	ck_assert_msg(documented("\n.It Fl -", text, strcspn(text, " ")),
	    "the option of '%s' is not in the page", text);
}

static void
check_endpoint(const char *text)
{
	const char *path = strstr(text, "/emulator/");

	if (path != NULL)
		ck_assert_msg(
		    documented("\n.It Li ", path, strcspn(path, " [")),
		    "the endpoint of '%s' is not in the page", text);
}

START_TEST(every_verb_is_documented)
{
	read_page();
	each_line(verbs_print, check_verb);
	buf_release(&page);
}
END_TEST

START_TEST(every_option_is_documented)
{
	read_page();
	each_line(flags_help, check_option);
	buf_release(&page);
}
END_TEST

START_TEST(every_admin_endpoint_is_documented)
{
	read_page();
	each_line(routes_print, check_endpoint);
	buf_release(&page);
}
END_TEST

/* Every example of a verb, a displayed line that begins with a brace, is a rule. */
START_TEST(examples_are_rules)
{
	static const char begin[] = ".Dl {", quote[] = "\\(dq";
	struct faults *faults;
	int count = 0;

	read_page();
	ck_assert_int_eq(faults_new(&faults), 0);
	for (const char *at = buf_text(&page);
	     (at = strstr(at, begin)) != NULL; count++) {
		struct json_object *rule;
		struct why why;
		struct buf text;
		int64_t id;

		buf_init(&text, BUF_LIMIT_TEXT);
		for (at += sizeof(begin) - 2; *at != '\n'; at++) {
			bool quoted = text_starts(at, quote);

			ck_assert_int_eq(
			    buf_append(&text, quoted ? "\"" : at, 1), 0);
			at += quoted ? sizeof(quote) - 2 : 0;
		}
		ck_assert_msg(jval_parse(text.data, text.len, &rule) == 0,
		    "no JSON: %s", buf_text(&text));
		ck_assert_msg(faults_add(faults, rule, &id, &why) == 0,
		    "%s: %s", why.text, buf_text(&text));
		json_object_put(rule);
		buf_release(&text);
	}
	ck_assert_int_gt(count, 20);
	faults_free(faults);
	buf_release(&page);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(every_verb_is_documented),
	UNIT(every_option_is_documented),
	UNIT(every_admin_endpoint_is_documented),
	UNIT(examples_are_rules),
};

UNIT_MAIN("emu/manual", tests)
