/* app/profile: host and credential are found where the official clients look. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/profile.h"
#include "base/attr.h"
#include "base/io.h"
#include "base/text.h"
#include "tests/support/unit.h"

#define HOME_TEMPLATE "/tmp/test_profile.XXXXXX"

static char home[] = HOME_TEMPLATE;
static char why[512];
static struct profile found;

static const char *
in_home(const char *name)
{
	static char path[sizeof(home) + 64];

	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
	ck_assert_int_eq(io_write_file(in_home(name), text, strlen(text), mode),
	    0);
	ck_assert_int_eq(chmod(in_home(name), mode), 0); /* whatever the umask */
}

static void
begin(void)
{
	static const char *const names[] = { "DATABRICKS_HOST",
		"DATABRICKS_TOKEN", "DATABRICKS_USERNAME",
		"DATABRICKS_PASSWORD", "DATABRICKS_CONFIG_FILE",
		"DATABRICKS_CONFIG_PROFILE", "DATABRICKS_AUTH_TYPE",
		"DATABRICKS_CLIENT_ID", "NETRC" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unsetenv(names[i]);
	text_copy(home, sizeof(home), HOME_TEMPLATE);
	ck_assert_ptr_nonnull(mkdtemp(home));
	ck_assert_int_eq(setenv("HOME", home, 1), 0);
}

static void
end(void)
{
	profile_release(&found);
	ck_assert_int_eq(io_remove_tree(home), 0);
}

static int
find(const char *host, const char *profile, const char *config)
{
	struct profile_wish wish = { .host = host, .profile = profile,
		.config = config };
	int ret;

	profile_release(&found);
	ret = profile_find(&wish, &found, why, sizeof(why));
	/* Whatever goes wrong, no value is in it. */
	if (ret < 0) {
		ck_assert_str_ne(why, "");
		ck_assert_ptr_null(strchr(why, '\n'));
		ck_assert_ptr_null(strstr(why, "SECRET"));
		ck_assert_ptr_null(found.secret);
		ck_assert_ptr_null(found.base_url);
	}
	return ret;
}

#define EXPECT(host, kind_, user_, secret_, origin_) \
	do { \
		ck_assert_str_eq(found.base_url, host); \
		ck_assert_int_eq(found.kind, kind_); \
		ck_assert_pstr_eq(found.user, user_); \
		ck_assert_str_eq(found.secret, secret_); \
		ck_assert_ptr_nonnull(strstr(found.origin, origin_)); \
	} while (0)

#define EXPECT_WHY(words) ck_assert_msg(strstr(why, words) != NULL, "%s", why)

static const char three[] =
    "[DEFAULT]\nhost = https://default.example/?o=1\ntoken = SECRET-default\n"
    "[one]\nhost = one.example\ntoken = SECRET-one # mine\n"
    "[basic]\nhost = https://basic.example\nusername = me\n"
    "password = SECRET-pw\n"
    "[nohost]\ntoken = SECRET-nohost\n"
    "[nothing]\nhost = https://nothing.example\n";

START_TEST(the_environment_is_enough)
{
	begin();
	setenv("DATABRICKS_HOST", "h.example/", 1);
	setenv("DATABRICKS_TOKEN", "SECRET-env", 1);
	ck_assert_int_eq(find(NULL, NULL, NULL), 0);
	EXPECT("https://h.example", AUTH_BEARER, NULL, "SECRET-env",
	    "DATABRICKS_TOKEN");
	/* A broken file that nobody needs does not matter. */
	write_file(".databrickscfg", "broken", 0600);
	ck_assert_int_eq(find(NULL, NULL, NULL), 0);
	ck_assert_int_eq(find("other.example", NULL, NULL), 0);
	ck_assert_str_eq(found.base_url, "https://other.example");
	unsetenv("DATABRICKS_TOKEN");
	setenv("DATABRICKS_USERNAME", "me", 1);
	setenv("DATABRICKS_PASSWORD", "SECRET-pw", 1);
	ck_assert_int_eq(find(NULL, NULL, NULL), 0);
	EXPECT("https://h.example", AUTH_BASIC, "me", "SECRET-pw",
	    "DATABRICKS_PASSWORD");
	end();
}
END_TEST

START_TEST(empty_variables_are_unset)
{
	begin();
	write_file(".databrickscfg", three, 0600);
	setenv("DATABRICKS_HOST", "", 1);
	setenv("DATABRICKS_TOKEN", "", 1);
	setenv("DATABRICKS_CONFIG_FILE", "", 1);
	setenv("DATABRICKS_CONFIG_PROFILE", "", 1);
	ck_assert_int_eq(find(NULL, NULL, NULL), 0);
	ck_assert_str_eq(found.secret, "SECRET-default");
	end();
}
END_TEST

START_TEST(the_file_has_profiles)
{
	begin();
	write_file(".databrickscfg", three, 0600);
	ck_assert_int_eq(find(NULL, NULL, NULL), 0);
	EXPECT("https://default.example", AUTH_BEARER, NULL, "SECRET-default",
	    ".databrickscfg");
	ck_assert_int_eq(find(NULL, "one", NULL), 0);
	EXPECT("https://one.example", AUTH_BEARER, NULL, "SECRET-one",
	    ".databrickscfg");
	setenv("DATABRICKS_CONFIG_PROFILE", "basic", 1);
	ck_assert_int_eq(find(NULL, NULL, NULL), 0);
	EXPECT("https://basic.example", AUTH_BASIC, "me", "SECRET-pw",
	    ".databrickscfg");
	end();
}
END_TEST

START_TEST(the_file_is_where_it_is_said_to_be)
{
	char *path;

	begin();
	path = text_dup(in_home("elsewhere"));
	write_file("elsewhere", three, 0600);
	ck_assert_int_eq(find(NULL, NULL, path), 0);
	setenv("DATABRICKS_CONFIG_FILE", "~/elsewhere", 1);
	ck_assert_int_eq(find(NULL, NULL, NULL), 0);
	setenv("DATABRICKS_CONFIG_FILE", "~/nowhere", 1);
	ck_assert_int_eq(find(NULL, NULL, NULL), -ENOENT);
	EXPECT_WHY("nowhere");
	free(path);
	end();
}
END_TEST

START_TEST(default_profile_is_honoured)
{
	begin();
	write_file(".databrickscfg", "[__settings__]\ndefault_profile = b\n"
	    "[a]\nhost=a.example\ntoken=SECRET-a\n"
	    "[b]\nhost=b.example\ntoken=SECRET-b\n", 0600);
	ck_assert_int_eq(find(NULL, NULL, NULL), 0);
	ck_assert_str_eq(found.secret, "SECRET-b");
	ck_assert_int_lt(find(NULL, "__settings__", NULL), 0);
	end();
}
END_TEST

START_TEST(a_named_profile_beats_the_environment_for_every_key)
{
	begin();
	write_file(".databrickscfg", three, 0600);
	setenv("DATABRICKS_HOST", "https://env.example", 1);
	setenv("DATABRICKS_TOKEN", "SECRET-env", 1);
	ck_assert_int_eq(find(NULL, "one", NULL), 0);
	EXPECT("https://one.example", AUTH_BEARER, NULL, "SECRET-one",
	    ".databrickscfg");
	ck_assert_int_eq(find(NULL, "nohost", NULL), -ENOENT);
	EXPECT_WHY("no host");
	ck_assert_int_eq(find(NULL, "nothing", NULL), -ENOENT);
	EXPECT_WHY("no token");
	/* Its token does not go to another host either. */
	ck_assert_int_eq(find("other.example", "one", NULL), -ENOENT);
	end();
}
END_TEST

START_TEST(the_environment_beats_the_file_key_by_key)
{
	begin();
	write_file(".databrickscfg", three, 0600);
	setenv("DATABRICKS_TOKEN", "SECRET-env", 1);
	ck_assert_int_eq(find(NULL, NULL, NULL), 0);
	EXPECT("https://default.example", AUTH_BEARER, NULL, "SECRET-env",
	    "DATABRICKS_TOKEN");
	unsetenv("DATABRICKS_TOKEN");
	/* The default profile is of another host: its token stays there. */
	setenv("DATABRICKS_HOST", "https://env.example", 1);
	ck_assert_int_eq(find(NULL, NULL, NULL), -ENOENT);
	EXPECT_WHY("https://env.example");
	end();
}
END_TEST

START_TEST(a_host_chooses_the_profile_that_is_made_for_it)
{
	begin();
	write_file(".databrickscfg", three, 0600);
	ck_assert_int_eq(find("https://one.example:443/", NULL, NULL), 0);
	EXPECT("https://one.example", AUTH_BEARER, NULL, "SECRET-one",
	    ".databrickscfg");
	write_file(".databrickscfg", "[a]\nhost=x.example\ntoken=SECRET-a\n"
	    "[b]\nhost=x.example\ntoken=SECRET-b\n", 0600);
	ck_assert_int_eq(find("x.example", NULL, NULL), -EINVAL);
	EXPECT_WHY("'a' and 'b'");
	EXPECT_WHY("profile=");
	end();
}
END_TEST

START_TEST(an_unknown_profile_lists_the_others)
{
	begin();
	write_file(".databrickscfg", three, 0600);
	ck_assert_int_eq(find(NULL, "two", NULL), -ENOENT);
	EXPECT_WHY("'two'");
	EXPECT_WHY("one basic");
	end();
}
END_TEST

START_TEST(a_malformed_file_is_named_with_its_line)
{
	begin();
	write_file(".databrickscfg", "[a]\nhost = h\nSECRET\n", 0600);
	ck_assert_int_eq(find(NULL, NULL, NULL), -EINVAL);
	EXPECT_WHY(".databrickscfg:3:");
	end();
}
END_TEST

static const struct {
	mode_t mode;
	int err;
} modes[] = {
	{ 0600, 0 },
	{ 0400, 0 },
	{ 0644, 0 }, /* with a warning */
	{ 0620, -EPERM },
	{ 0602, -EPERM },
	{ 0666, -EPERM },
};

START_TEST(a_file_that_others_may_write_is_refused)
{
	begin();
	write_file(".databrickscfg", three, modes[_i].mode);
	ck_assert_int_eq(find(NULL, NULL, NULL), modes[_i].err);
	if (modes[_i].err != 0)
		EXPECT_WHY("chmod 600");
	end();
}
END_TEST

START_TEST(only_a_file_is_read)
{
	begin();
	ck_assert_int_eq(mkdir(in_home(".databrickscfg"), 0700), 0);
	ck_assert_int_eq(find(NULL, NULL, NULL), -EINVAL);
	EXPECT_WHY("regular file");
	ck_assert_int_eq(rmdir(in_home(".databrickscfg")), 0);
	ck_assert_int_eq(mkfifo(in_home(".databrickscfg"), 0600), 0);
	ck_assert_int_eq(find(NULL, NULL, NULL), -EINVAL);
	end();
}
END_TEST

START_TEST(a_file_of_somebody_else_is_refused)
{
	if (geteuid() != 0)
		return; /* nobody else can give files away */
	begin();
	write_file(".databrickscfg", three, 0600);
	ck_assert_int_eq(chown(in_home(".databrickscfg"), 12345, -1), 0);
	ck_assert_int_eq(find(NULL, NULL, NULL), -EPERM);
	EXPECT_WHY("somebody else");
	end();
}
END_TEST

START_TEST(netrc_is_the_last_resort_for_its_own_host)
{
	begin();
	write_file(".netrc", "machine n.example login token password"
	    " SECRET-netrc\ndefault login a password SECRET-b\n", 0600);
	ck_assert_int_eq(find("n.example:8443", NULL, NULL), 0);
	EXPECT("https://n.example:8443", AUTH_BASIC, "token", "SECRET-netrc",
	    ".netrc");
	ck_assert_int_eq(find("m.example", NULL, NULL), -ENOENT);
	ck_assert_int_eq(chmod(in_home(".netrc"), 0622), 0);
	ck_assert_int_eq(find("n.example", NULL, NULL), -EPERM);
	setenv("NETRC", "/nonexistent", 1);
	ck_assert_int_eq(find("n.example", NULL, NULL), -ENOENT);
	end();
}
END_TEST

static const struct {
	const char *host;
	int err;
	const char *words;
} hosts[] = {
	{ NULL, -ENOENT, "DATABRICKS_HOST" },
	{ "http://h.example", -EPERM, "https://" },
	{ "https://user:SECRET@h.example", -EINVAL, "no host" },
	{ "ftp://h.example", -EINVAL, "no host" },
};

START_TEST(a_wrong_host_is_said)
{
	begin();
	setenv("DATABRICKS_TOKEN", "SECRET-env", 1);
	ck_assert_int_eq(find(hosts[_i].host, NULL, NULL), hosts[_i].err);
	EXPECT_WHY(hosts[_i].words);
	end();
}
END_TEST

START_TEST(what_cannot_be_used_is_said)
{
	begin();
	write_file(".databrickscfg",
	    "[m2m]\nhost=h.example\nclient_id=c\nclient_secret=SECRET\n"
	    "[cli]\nhost=h.example\nauth_type=databricks-cli\ntoken=SECRET\n"
	    "[pat]\nhost=h.example\nauth_type=pat\ntoken=SECRET-t\n"
	    "username=u\npassword=SECRET-p\n"
	    "[basic]\nhost=h.example\nauth_type=basic\ntoken=SECRET-t\n"
	    "username=u\npassword=SECRET-p\n", 0600);
	ck_assert_int_eq(find(NULL, "m2m", NULL), -EOPNOTSUPP);
	EXPECT_WHY("OAuth");
	ck_assert_int_eq(find(NULL, "cli", NULL), -EOPNOTSUPP);
	EXPECT_WHY("databricks-cli");
	ck_assert_int_eq(find(NULL, "pat", NULL), 0);
	ck_assert_str_eq(found.secret, "SECRET-t");
	ck_assert_int_eq(find(NULL, "basic", NULL), 0);
	ck_assert_str_eq(found.secret, "SECRET-p");
	end();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(the_environment_is_enough),
	UNIT(empty_variables_are_unset),
	UNIT(the_file_has_profiles),
	UNIT(the_file_is_where_it_is_said_to_be),
	UNIT(default_profile_is_honoured),
	UNIT(a_named_profile_beats_the_environment_for_every_key),
	UNIT(the_environment_beats_the_file_key_by_key),
	UNIT(a_host_chooses_the_profile_that_is_made_for_it),
	UNIT(an_unknown_profile_lists_the_others),
	UNIT(a_malformed_file_is_named_with_its_line),
	UNIT_ROWS(a_file_that_others_may_write_is_refused, modes),
	UNIT(only_a_file_is_read),
	UNIT(a_file_of_somebody_else_is_refused),
	UNIT(netrc_is_the_last_resort_for_its_own_host),
	UNIT_ROWS(a_wrong_host_is_said, hosts),
	UNIT(what_cannot_be_used_is_said),
};

UNIT_MAIN("profile", tests)
