/* app/options: the command line. */
#include <errno.h>
#include <string.h>

#include "app/options.h"
#include "tests/support/unit.h"

#define ARGS_MAX 8

static int
parse(const char *const *args, struct config *config, struct buf *words)
{
	char *argv[ARGS_MAX + 2];
	int argc = 0, ret;

	argv[argc++] = strdup("brickfs");
	for (int i = 0; i < ARGS_MAX && args[i] != NULL; i++)
		argv[argc++] = strdup(args[i]);
	argv[argc] = NULL;
	buf_init(words, BUF_LIMIT_TEXT);
	ret = options_parse(argc, argv, config, words);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return ret;
}

static void
done(struct config *config, struct buf *words)
{
	options_release(config);
	buf_release(words);
}

/* --- what is refused ------------------------------------------------------------ */

static const struct {
	const char *args[ARGS_MAX];
	const char *words;
} refused_rows[] = {
	{ { NULL }, "usage" },
	{ { "-o", "ro" }, "usage" },
	{ { "" }, "usage" },
	{ { "dbfs:/x", "" }, "usage" },
	{ { "a", "b", "c" }, "'c'" },
	{ { "-o", "nosuchoption", "/m" }, "nosuchoption" },
	{ { "-o", "remount,ro", "/m" }, "unmount" },
	{ { "--nosuchoption", "/m" }, "nosuchoption" },
	{ { "--nosuchoption=1", "/m" }, "nosuchoption" },
	{ { "-x", "/m" }, "'x'" },
	{ { "/m", "-o" }, "-o" },
	{ { "-o", "ro=1", "/m" }, "ro" },
	{ { "-o", "host", "/m" }, "host=URL" },
	{ { "-o", "host=", "/m" }, "host=URL" },
	{ { "/m", "--host" }, "host=URL" },
	{ { "-o", "attr_timeout=soon", "/m" }, "attr_timeout=soon" },
	{ { "-o", "attr_timeout=-1", "/m" }, "attr_timeout=-1" },
	{ { "-o", "attr_timeout=1.0005", "/m" }, "attr_timeout" },
	{ { "-o", "attr_timeout=.", "/m" }, "attr_timeout" },
	{ { "-o", "attr_timeout=1e3", "/m" }, "attr_timeout" },
	{ { "-o", "attr_timeout=99999999999999999999", "/m" }, "attr_timeout" },
	{ { "-o", "attr_timeout=86401", "/m" }, "86400" },
	{ { "-o", "timeout=0", "/m" }, "timeout=0" },
	{ { "-o", "cache_mem=much", "/m" }, "cache_mem=much" },
	{ { "-o", "cache_mem=1M", "/m" }, "8M" },
	{ { "-o", "umask=8", "/m" }, "umask=8" },
	{ { "-o", "umask=1777", "/m" }, "umask" },
	{ { "-o", "uid=no such user", "/m" }, "no such user" },
	{ { "-o", "gid=4294967295", "/m" }, "gid" },
	{ { "-o", "control=maybe", "/m" }, "shown|hidden|off" },
	{ { "-o", "control=show", "/m" }, "shown|hidden|off" },
	{ { "-o", "token=dapiSECRET", "/m" }, "command line" },
	{ { "--token=dapiSECRET", "/m" }, "command line" },
	{ { "--token", "dapiSECRET", "/m" }, "command line" },
	{ { "-o", "password=dapiSECRET", "/m" }, "command line" },
};

START_TEST(a_wrong_line_is_refused_in_one_line_without_secrets)
{
	struct config config;
	struct buf words;

	ck_assert_int_eq(parse(refused_rows[_i].args, &config, &words),
	    -EINVAL);
	ck_assert_msg(strstr(buf_text(&words), refused_rows[_i].words) != NULL,
	    "'%s' does not say '%s'", buf_text(&words), refused_rows[_i].words);
	ck_assert_ptr_null(strchr(buf_text(&words), '\n'));
	ck_assert_ptr_null(strstr(buf_text(&words), "SECRET"));
	done(&config, &words);
}
END_TEST

/* --- where positionals and options may stand --------------------------------------- */

static const struct {
	const char *args[ARGS_MAX];
	const char *source; /* NULL: none */
} place_rows[] = {
	{ { "/m" }, NULL },
	{ { "dbfs:/x", "/m" }, "dbfs:/x" },
	{ { "dbfs:/x", "/m", "-o", "ro,host=h" }, "dbfs:/x" },
	{ { "-o", "ro,host=h", "dbfs:/x", "/m" }, "dbfs:/x" },
	{ { "dbfs:/x", "-oro,host=h", "/m" }, "dbfs:/x" },
	{ { "--ro", "--host=h", "--", "-x", "/m" }, "-x" },
	{ { "--ro", "--host", "h", "/m" }, NULL },
	{ { "-r", "/m", "--host=h" }, NULL },
	{ { "-o", "defaults,_netdev,nofail,noauto,user", "none", "/m" }, "none" },
	{ { "-o", "rw,exec,noexec,suid,dev,auto,nosuid,nodev,noatime", "/m" },
	    NULL },
	{ { "-o", "x-systemd.automount,X-mount.mkdir,x-a=b", "/m" }, NULL },
	{ { "-o", "users,user=me,comment=ours,relatime,,async", "/m" }, NULL },
};

START_TEST(options_and_positionals_stand_in_any_order)
{
	struct config config;
	struct buf words;

	ck_assert_int_eq(parse(place_rows[_i].args, &config, &words), 0);
	ck_assert_str_eq(config.mountpoint, "/m");
	if (place_rows[_i].source == NULL)
		ck_assert_ptr_null(config.source);
	else
		ck_assert_str_eq(config.source, place_rows[_i].source);
	if (config.host != NULL)
		ck_assert_str_eq(config.host, "h");
	ck_assert_uint_eq(words.len, 0);
	done(&config, &words);
}
END_TEST

/* --- values ---------------------------------------------------------------------- */

START_TEST(what_is_not_said_has_its_default)
{
	const char *const args[ARGS_MAX] = { "/m" };
	struct config c;
	struct buf words;

	ck_assert_int_eq(parse(args, &c, &words), 0);
	ck_assert_int_eq(c.attr_timeout_ms, 10000);
	ck_assert_int_eq(c.negative_timeout_ms, 3000);
	ck_assert_int_eq(c.timeout_ms, 60000);
	ck_assert_int_eq(c.retry_timeout_ms, 300000);
	ck_assert_int_eq(c.drain_timeout_ms, 60000);
	ck_assert_int_eq(c.scratch_keep_ms, 60000);
	ck_assert_uint_eq(c.cache_mem, 128 << 20);
	ck_assert_uint_eq(c.cache_disk, UINT64_C(10) << 30);
	ck_assert_int_eq(c.uid, -1);
	ck_assert_int_eq(c.umask, -1);
	ck_assert_int_eq(c.control, CONTROL_AUTO);
	ck_assert(!c.read_only && !c.foreground && !c.allow_other);
	done(&c, &words);
}
END_TEST

START_TEST(values_arrive_whole)
{
	const char *const args[ARGS_MAX] = { "-fd", "-o",
		"attr-timeout=0.25,cache_mem=32M,cache_disk=0,uid=0,gid=65534,fmask=077",
		"--drain-timeout=5", "--control=off", "-ostate_dir=/a\\,b",
		"/m" };
	struct config c;
	struct buf words;

	ck_assert_int_eq(parse(args, &c, &words), 0);
	ck_assert(c.foreground && c.debug);
	ck_assert_int_eq(c.attr_timeout_ms, 250);
	ck_assert_uint_eq(c.cache_mem, 32 << 20);
	ck_assert_uint_eq(c.cache_disk, 0);
	ck_assert_int_eq(c.uid, 0);
	ck_assert_int_eq(c.gid, 65534);
	ck_assert_int_eq(c.fmask, 077);
	ck_assert_int_eq(c.drain_timeout_ms, 5000);
	ck_assert_int_eq(c.control, CONTROL_OFF);
	ck_assert_str_eq(c.state_dir, "/a,b");
	done(&c, &words);
}
END_TEST

START_TEST(the_last_word_counts)
{
	const char *const args[ARGS_MAX] = { "-o", "ro,rw,host=a,host=b",
		"-o", "noexec,exec", "/m" };
	struct config c;
	struct buf words;

	ck_assert_int_eq(parse(args, &c, &words), 0);
	ck_assert(!c.read_only && !c.noexec);
	ck_assert_str_eq(c.host, "b");
	done(&c, &words);
}
END_TEST

START_TEST(help_and_version_need_no_mount_point)
{
	const char *const help[ARGS_MAX] = { "--help" };
	const char *const version[ARGS_MAX] = { "-V" };
	struct config c;
	struct buf words;

	ck_assert_int_eq(parse(help, &c, &words), 0);
	ck_assert(c.help);
	done(&c, &words);
	ck_assert_int_eq(parse(version, &c, &words), 0);
	ck_assert(c.version);
	done(&c, &words);
}
END_TEST

/* --- showing ---------------------------------------------------------------------- */

struct seen {
	const char *help;
	int n;
	bool drain;
};

static int
look(void *ctx, const char *name, const char *value)
{
	struct seen *seen = ctx;
	char option[64];

	snprintf(option, sizeof(option), "  --%s", name);
	ck_assert_msg(strstr(seen->help, option) != NULL,
	    "--help does not show %s", name);
	if (strcmp(name, "drain_timeout") == 0) {
		ck_assert_str_eq(value, "1.500");
		seen->drain = true;
	}
	seen->n++;
	return 0;
}

START_TEST(help_shows_every_option_within_80_columns)
{
	const char *const args[ARGS_MAX] = { "-o",
		"host=h,umask=022,control=hidden,drain_timeout=1.5", "/m" };
	struct seen seen = { 0 };
	struct config c;
	struct buf words, help;

	ck_assert_int_eq(parse(args, &c, &words), 0);
	buf_init(&help, BUF_LIMIT_TEXT);
	ck_assert_int_eq(options_help(&help), 0);
	seen.help = buf_text(&help);
	ck_assert_int_eq(options_each(&c, look, &seen), 0);
	ck_assert_int_gt(seen.n, 12);
	ck_assert(seen.drain);
	for (const char *line = seen.help; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		ck_assert_uint_le(len, 80);
		line += len + 1;
	}
	buf_release(&help);
	done(&c, &words);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_wrong_line_is_refused_in_one_line_without_secrets,
	    refused_rows),
	UNIT_ROWS(options_and_positionals_stand_in_any_order, place_rows),
	UNIT(what_is_not_said_has_its_default),
	UNIT(values_arrive_whole),
	UNIT(the_last_word_counts),
	UNIT(help_and_version_need_no_mount_point),
	UNIT(help_shows_every_option_within_80_columns),
};

UNIT_MAIN("options", tests)
