/* net/url: where the service is, and how its paths are written. */
#include "config.h"

#include <errno.h>

#include "net/url.h"
#include "tests/support/unit.h"

static const struct {
	const char *setting;
	int err;
	const char *want;
} bases[] = {
	{ "dbc-1.cloud.databricks.com", 0, "https://dbc-1.cloud.databricks.com" },
	{ "https://h.example", 0, "https://h.example" },
	{ "HTTPS://H.Example/", 0, "https://h.example" },
	{ "  https://h.example/ \r\n", 0, "https://h.example" },
	{ "https://adb-1.2.azuredatabricks.net/?o=123", 0,
	    "https://adb-1.2.azuredatabricks.net" },
	{ "h.example?o=1", 0, "https://h.example" },
	{ "h.example/x?u=http://y", 0, "https://h.example" },
	{ "h.example#/login", 0, "https://h.example" },
	{ "h.example:8443", 0, "https://h.example:8443" },
	{ "https://h.example:443/", 0, "https://h.example" },
	{ "http://127.0.0.1:8080/", 0, "http://127.0.0.1:8080" },
	{ "http://127.8.9.1", 0, "http://127.8.9.1" },
	{ "http://localhost:1", 0, "http://localhost:1" },
	{ "http://LOCALHOST:80", 0, "http://localhost" },
	{ "http://[::1]:8080", 0, "http://[::1]:8080" },
	{ "https://[2001:DB8::1]", 0, "https://[2001:db8::1]" },
	/* Plain http leaves the machine. */
	{ "http://h.example", -EPERM, NULL },
	{ "http://127.0.0.1.h.example", -EPERM, NULL },
	{ "http://127.evil", -EPERM, NULL },
	{ "http://localhost.h.example", -EPERM, NULL },
	{ "http://10.0.0.1", -EPERM, NULL },
	{ "http://[::2]", -EPERM, NULL },
	{ "http://0.0.0.0", -EPERM, NULL },
	/* No host, or more than a host. */
	{ "", -EINVAL, NULL },
	{ "https://", -EINVAL, NULL },
	{ "https:///path", -EINVAL, NULL },
	{ "ftp://h.example", -EINVAL, NULL },
	{ "file:///etc/passwd", -EINVAL, NULL },
	{ "https://user@h.example", -EINVAL, NULL },
	{ "https://user:pw@h.example", -EINVAL, NULL },
	{ "https://@h.example", -EINVAL, NULL },
	{ "https://h.example\\@evil", -EINVAL, NULL },
	{ "https://h.example:port", -EINVAL, NULL },
	{ "https://h.example:99999", -EINVAL, NULL },
	{ "https://h%2eexample", 0, "https://h.example" },
	{ "https://h%0aexample", -EINVAL, NULL },
	{ "https://a b", -EINVAL, NULL },
	{ "https://h\nexample", -EINVAL, NULL },
	{ "https://h\x7f.example", -EINVAL, NULL },
	{ "https://h\xc3\xa4.example", -EINVAL, NULL },
};

START_TEST(a_setting_becomes_a_base_or_is_refused)
{
	char *got = NULL;

	ck_assert_int_eq(url_base(bases[_i].setting, &got), bases[_i].err);
	ck_assert_pstr_eq(got, bases[_i].want);
	free(got);
}
END_TEST

static const struct {
	const char *base;
	const char *host;
	bool loopback;
} hosts[] = {
	{ "https://h.example:8443", "h.example", false },
	{ "http://127.0.0.1:1", "127.0.0.1", true },
	{ "http://[::1]:1", "::1", true },
	{ "https://localhost", "localhost", true },
};

START_TEST(a_base_has_a_host)
{
	char *host = NULL;

	ck_assert_int_eq(url_host(hosts[_i].base, &host), 0);
	ck_assert_str_eq(host, hosts[_i].host);
	ck_assert_int_eq(url_is_loopback(hosts[_i].base), hosts[_i].loopback);
	free(host);
}
END_TEST

START_TEST(only_unreserved_characters_stay)
{
	struct buf b;

	buf_init(&b, 1024);
	ck_assert_int_eq(url_escape(&b, "aZ09-._~ +&=%?#/;@:\r\n\x01\xff\xc3\xa4"),
	    0);
	ck_assert_str_eq(buf_text(&b), "aZ09-._~%20%2B%26%3D%25%3F%23%2F%3B%40"
	    "%3A%0D%0A%01%FF%C3%A4");
	buf_clear(&b);
	ck_assert_int_eq(url_escape_path(&b, "/a b/c%20/d#e/../f"), 0);
	ck_assert_str_eq(buf_text(&b), "/a%20b/c%2520/d%23e/../f");
	buf_release(&b);
}
END_TEST

START_TEST(parameters_make_a_query)
{
	struct buf b;

	buf_init(&b, 1024);
	ck_assert_int_eq(buf_puts(&b, "https://h/api"), 0);
	ck_assert_int_eq(url_add_param(&b, "path", "/a b?c"), 0);
	ck_assert_int_eq(url_add_param(&b, "offset", "0"), 0);
	ck_assert_str_eq(buf_text(&b),
	    "https://h/api?path=%2Fa%20b%3Fc&offset=0");
	buf_release(&b);
	buf_init(&b, 10);
	ck_assert_int_eq(url_add_param(&b, "path", "0123456789"), -EFBIG);
	buf_release(&b);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_setting_becomes_a_base_or_is_refused, bases),
	UNIT_ROWS(a_base_has_a_host, hosts),
	UNIT(only_unreserved_characters_stay),
	UNIT(parameters_make_a_query),
};

UNIT_MAIN("url", tests)
