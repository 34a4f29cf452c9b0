/* app/ini, app/netrc: files of the Databricks clients and of curl. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "app/ini.h"
#include "app/netrc.h"
#include "base/attr.h"
#include "tests/support/unit.h"

static struct ini *
parse(const char *text)
{
	struct ini *ini = NULL;
	unsigned line;

	ck_assert_int_eq(ini_parse(text, strlen(text), &ini, &line), 0);
	return ini;
}

static const struct {
	const char *text;
	const char *section, *key;
	const char *want;
} rows[] = {
	{ "[a]\nk = v\n", "a", "k", "v" },
	{ "[a]\nk=v", "a", "k", "v" },
	{ "[a]\r\nk = v\r\n", "a", "k", "v" },
	{ "\xef\xbb\xbf[a]\nk = v\n", "a", "k", "v" },
	{ "k = v\n[a]\n", "DEFAULT", "k", "v" },
	{ "[DEFAULT]\nk = v\n[a]\nx = y\n", "a", "k", NULL },
	{ "[a b]\nk = v\n", "a b", "k", "v" },
	{ "[ a ]\nk = v\n", "a", "k", "v" },
	{ "[A]\nk = v\n", "a", "k", NULL },
	{ "[a]\nKey = v\n", "a", "key", "v" },
	{ "[a]\n   k   =   v w   \n", "a", "k", "v w" },
	{ "[a]\nk = a=b\n", "a", "k", "a=b" },
	{ "[a]\nk =\n", "a", "k", "" },
	{ "[a]\nk = 1\nk = 2\n", "a", "k", "2" },
	{ "[a]\nk = 1\n[b]\n[a]\nk = 2\n", "a", "k", "2" },
	/* Comments. */
	{ "# c\n; c\n[a] # c\n  # c\nk = v\n", "a", "k", "v" },
	{ "[a]\nk = dapi#x;y\n", "a", "k", "dapi#x;y" },
	{ "[a]\nk = v # c\n", "a", "k", "v" },
	{ "[a]\nk = v\t; c\n", "a", "k", "v" },
	{ "[a]\nk = # c\n", "a", "k", "" },
	{ "[a]\n#k = v\n", "a", "k", NULL },
	/* Not a continuation. */
	{ "[a]\nk = v\n  j = w\n", "a", "j", "w" },
};

START_TEST(values_are_found)
{
	struct ini *ini = parse(rows[_i].text);

	ck_assert_pstr_eq(ini_get(ini, rows[_i].section, rows[_i].key),
	    rows[_i].want);
	ini_free(ini);
}
END_TEST

static const struct {
	const char *text;
	unsigned line;
} bad[] = {
	{ "what", 1 },
	{ "[a]\nk = v\n\nwhat\n", 4 },
	{ "[a\n", 1 },
	{ "[a] b\n", 1 },
	{ "[a]\n= v\n", 2 },
	{ "[a]\r\n\r\n{\"json\": 1}\r\n", 3 },
};

START_TEST(a_line_that_is_none_is_named)
{
	struct ini *ini = NULL;
	unsigned line = 0;

	ck_assert_int_eq(ini_parse(bad[_i].text, strlen(bad[_i].text), &ini,
			     &line),
	    -EINVAL);
	ck_assert_uint_eq(line, bad[_i].line);
	ck_assert_ptr_null(ini);
}
END_TEST

START_TEST(long_values_stay_whole_and_nul_is_refused)
{
	static char text[100000];
	struct ini *ini;
	unsigned line;

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "[a]\nk = ", 8);
	ini = parse(text);
	ck_assert_uint_eq(strlen(ini_get(ini, "a", "k")), sizeof(text) - 9);
	ini_free(ini);
	ini = NULL;
	ck_assert_int_eq(ini_parse("[a]\nk = \0v\nl=m\n", 15, &ini, &line),
	    -EINVAL);
	ck_assert_ptr_null(ini);
	ck_assert_uint_eq(line, 2);
}
END_TEST

START_TEST(sections_are_listed_once)
{
	struct ini *ini = parse("[b]\n[a]\n[b]\n");

	ck_assert_str_eq(ini_section(ini, 0), "DEFAULT");
	ck_assert_str_eq(ini_section(ini, 1), "b");
	ck_assert_str_eq(ini_section(ini, 2), "a");
	ck_assert_ptr_null(ini_section(ini, 3));
	ini_free(ini);
}
END_TEST

static const struct {
	const char *text;
	const char *login, *password; /* NULL: no entry */
} entries[] = {
	{ "machine h login token password p", "token", "p" },
	{ "machine h\n  login token\n\tpassword p\n", "token", "p" },
	{ "machine h password p", "token", "p" },
	{ "machine H login u password p", "u", "p" },
	{ "machine x login a password b machine h login u password p", "u",
	    "p" },
	{ "machine h login u password p machine x login a password b", "u",
	    "p" },
	{ "machine h login u\nmachine h login v password p", "v", "p" },
	{ "machine h login u password p\nmachine h login v password q", "u",
	    "p" },
	{ "machine h account a login u password \"p q\\\"\\\\\"", "u",
	    "p q\"\\" },
	{ "# machine h password no\nmachine h login u password p # end", "u",
	    "p" },
	{ "macdef init\nmachine h login a password b\n\n"
	  "machine h login u password p", "u", "p" },
	/* Nobody else's. */
	{ "", NULL, NULL },
	{ "machine h", NULL, NULL },
	{ "machine h login u", NULL, NULL },
	{ "machine h login u password", NULL, NULL },
	{ "machine", NULL, NULL },
	{ "default login u password p", NULL, NULL },
	{ "machine h login u\ndefault password p", NULL, NULL },
	{ "machine x login u password p", NULL, NULL },
	{ "machine h.example login u password p", NULL, NULL },
	{ "machine x\nlogin machine\npassword h password p", NULL, NULL },
};

START_TEST(netrc_gives_the_entry_of_its_host_alone)
{
	char *login = NULL, *password = NULL;
	int ret = netrc_find(entries[_i].text, "h", &login, &password);

	ck_assert_int_eq(ret, entries[_i].password != NULL ? 0 : -ENOENT);
	ck_assert_pstr_eq(login, entries[_i].login);
	ck_assert_pstr_eq(password, entries[_i].password);
	free(login);
	free(password);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(values_are_found, rows),
	UNIT_ROWS(a_line_that_is_none_is_named, bad),
	UNIT(long_values_stay_whole_and_nul_is_refused),
	UNIT(sections_are_listed_once),
	UNIT_ROWS(netrc_gives_the_entry_of_its_host_alone, entries),
};

UNIT_MAIN("ini", tests)
