/* emu/flags, emu/settings, emu/listen: the command line. */
#include <errno.h>
#include <string.h>

#include "emu/flags.h"
#include "emu/listen.h"
#include "tests/support/unit.h"

static struct flags flags;
static struct settings settings;
static struct why why;

/* Parses up to three words. */
static int
parse(const char *a, const char *b, const char *c)
{
	char words[3][64];
	char *argv[] = { words[0], words[0], words[1], words[2], NULL };
	const char *given[] = { a, b, c };
	int argc = 1;

	for (int i = 0; i < 3 && given[i] != NULL; i++, argc++)
		(void)snprintf(words[i], sizeof(words[i]), "%s", given[i]);
	settings_init(&settings);
	return flags_parse(argc, argv, &flags, &settings, &why);
}

START_TEST(values_come_with_or_after_the_name)
{
	ck_assert_int_eq(parse("--latency=40", "--bandwidth", "100"), 0);
	ck_assert_int_eq(settings_get(&settings, SET_LATENCY), 40);
	ck_assert_int_eq(settings_get(&settings, SET_BANDWIDTH), 100);
	ck_assert_int_eq(parse("--quiet", "--dbfs-disabled", NULL), 0);
	ck_assert(flags.quiet);
	ck_assert(settings_on(&settings, SET_DBFS_DISABLED));
	ck_assert_int_eq(parse("--set", "not-empty=bad_request", NULL), 0);
	ck_assert_int_eq(
	    settings_get(&settings, SET_NOT_EMPTY), NOT_EMPTY_BAD_REQUEST);
}
END_TEST

static const char *const bad[][2] = {
	{ "--bogus", NULL },
	{ "--latency", NULL },
	{ "--latency", "x" },
	{ "--latency=-1", NULL },
	{ "--quiet=1", NULL },
	{ "--not-empty", "maybe" },
	{ "--set", "latency" },
	{ "--set", "bogus=1" },
	{ "--tls-cert", "x" },
	{ "--token=", NULL },
	{ "--listen", "0.0.0.0:80" },
	{ "word", NULL },
	{ "--", NULL },
	{ "-q", NULL },
};

START_TEST(bad_ones_are_refused_with_words)
{
	why.text[0] = '\0';
	ck_assert_int_eq(parse(bad[_i][0], bad[_i][1], NULL), -EINVAL);
	ck_assert_str_ne(why.text, "");
}
END_TEST

START_TEST(help_names_every_option_and_setting)
{
	struct buf help, values;

	buf_init(&help, BUF_LIMIT_TEXT);
	buf_init(&values, BUF_LIMIT_TEXT);
	ck_assert_int_eq(flags_help(&help), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&help), "--port-file FILE"));
	ck_assert_ptr_nonnull(strstr(buf_text(&help), "--mtime-seconds"));
	ck_assert_ptr_nonnull(strstr(buf_text(&help), "--handles keep|lose"));
	settings_init(&settings);
	ck_assert_int_eq(settings_print(&settings, &values), 0);
	ck_assert_ptr_nonnull(
	    strstr(buf_text(&values), "\"handles\":\"keep\""));
	ck_assert_ptr_nonnull(
	    strstr(buf_text(&values), "\"put-limit\":2147483648"));
	buf_release(&help);
	buf_release(&values);
}
END_TEST

START_TEST(settings_know_their_values)
{
	settings_init(&settings);
	ck_assert_int_eq(settings_set(&settings, "nope", "1"), -ENOENT);
	ck_assert_int_eq(settings_set(&settings, "handles", NULL), -EINVAL);
	ck_assert_int_eq(settings_set(&settings, "handles", "kee"), -EINVAL);
	ck_assert_int_eq(
	    settings_set(&settings, "handles", "keep|lose"), -EINVAL);
	ck_assert_int_eq(settings_set(&settings, "handles", "lose"), 0);
	ck_assert_int_eq(settings_get(&settings, SET_HANDLES), HANDLES_LOSE);
	ck_assert_int_eq(settings_set(&settings, "mtime-seconds", NULL), 0);
	ck_assert_int_eq(settings_set(&settings, "mtime-seconds", "off"), 0);
	ck_assert(!settings_on(&settings, SET_MTIME_SECONDS));
}
END_TEST

static const struct {
	const char *text;
	const char *host; /* NULL: refused */
} addresses[] = {
	{ "0", "127.0.0.1" },
	{ "127.0.0.1:8080", "127.0.0.1" },
	{ "127.0.0.9:80", "127.0.0.9" },
	{ "localhost:1", "127.0.0.1" },
	{ "[::1]:80", "[::1]" },
	{ "10.0.0.1:80", NULL },
	{ "0.0.0.0:80", NULL },
	{ "128.0.0.1:80", NULL },
	{ "[::]:80", NULL },
	{ "example.com:80", NULL },
	{ "127.0.0.1:65536", NULL },
	{ "127.0.0.1:", NULL },
	{ "127.0.0.1", NULL },
	{ "", NULL },
};

START_TEST(only_loopback_is_listened_on)
{
	struct listen_address a;
	int ret = listen_parse(addresses[_i].text, &a, &why);

	ck_assert_int_eq(ret, addresses[_i].host != NULL ? 0 : -EINVAL);
	if (ret == 0)
		ck_assert_str_eq(a.host, addresses[_i].host);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(values_come_with_or_after_the_name),
	UNIT_ROWS(bad_ones_are_refused_with_words, bad),
	UNIT(help_names_every_option_and_setting),
	UNIT(settings_know_their_values),
	UNIT_ROWS(only_loopback_is_listened_on, addresses),
};

UNIT_MAIN("emu/flags", tests)
