/* app/state: where a mount keeps what must outlive it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/state.h"
#include "base/io.h"
#include "base/text.h"
#include "tests/support/unit.h"

static const struct state_key key = {
	.host = "https://adb-1.2.azuredatabricks.net",
	.workspace = "123",
	.user = "me@x.com",
	.mountpoint = "/home/me/workspace",
	.source = "dbfs:/",
};

static char *
make_base(void)
{
	char *base = strdup("/tmp/brickfs-state.XXXXXX");

	ck_assert_ptr_nonnull(mkdtemp(base));
	return base;
}

static void
drop_base(char *base)
{
	ck_assert_int_eq(io_remove_tree(base), 0);
	free(base);
}

static int
open_state(const char *base, const struct state_key *k, int64_t wait_ms,
    struct state **out)
{
	struct call call = { .op = "test" };
	struct buf words;
	int ret;

	buf_init(&words, BUF_LIMIT_TEXT);
	ret = state_open(base, k, &call, wait_ms, &words, out);
	ck_assert_int_eq(ret == 0, words.len == 0);
	buf_release(&words);
	return ret;
}

/* --- names ------------------------------------------------------------------------ */

static const struct {
	const char *user;
} user_rows[] = {
	{ "me@x.com" },
	{ "../../etc/passwd" },
	{ "..." },
	{ "" },
	{ "a/b\nc\x01" },
	{ "\xc3\xa4\xc3\xb6" },
};

START_TEST(names_are_made_of_safe_letters)
{
	struct state_key k = key;
	char *name;

	k.user = user_rows[_i].user;
	k.host = user_rows[_i].user;
	k.mountpoint = user_rows[_i].user;
	for (int i = 0; i < 2; i++) {
		name = i == 0 ? state_identity_name(&k) : state_mount_name(&k);
		ck_assert_ptr_nonnull(name);
		ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"), strlen(name));
		ck_assert(name[0] != '.');
		ck_assert_uint_le(strlen(name), 255);
		free(name);
	}
}
END_TEST

START_TEST(a_name_stays_short_for_long_keys)
{
	char text[5000];
	struct state_key k = key;
	char *name;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	k.host = k.user = k.mountpoint = text;
	name = state_identity_name(&k);
	ck_assert_uint_le(strlen(name), 255);
	free(name);
	name = state_mount_name(&k);
	ck_assert_uint_le(strlen(name), 255);
	free(name);
}
END_TEST

static void
expect_different(char *(*make)(const struct state_key *),
    const struct state_key *a, const struct state_key *b)
{
	char *one = make(a), *two = make(b);

	ck_assert_str_ne(one, two);
	free(one);
	free(two);
}

START_TEST(different_keys_have_different_names)
{
	struct state_key k = key;

	k.user = "me-x.com"; /* looks the same when made safe */
	expect_different(state_identity_name, &key, &k);
	k = key;
	k.workspace = "124";
	expect_different(state_identity_name, &key, &k);
	k = key;
	k.mountpoint = "/home/me-workspace";
	expect_different(state_mount_name, &key, &k);
	k = key;
	k.source = "dbfs:/a";
	expect_different(state_mount_name, &key, &k);
}
END_TEST

/* --- places ----------------------------------------------------------------------- */

START_TEST(the_place_is_chosen_in_order)
{
	char *base;

	setenv("STATE_DIRECTORY", "/var/lib/brickfs:/var/lib/other", 1);
	setenv("XDG_STATE_HOME", "/xdg", 1);
	ck_assert_int_eq(state_base("/mine", &base), 0);
	ck_assert_str_eq(base, "/mine");
	free(base);
	ck_assert_int_eq(state_base(NULL, &base), 0);
	ck_assert_str_eq(base, "/var/lib/brickfs");
	free(base);
	unsetenv("STATE_DIRECTORY");
	ck_assert_int_eq(state_base(NULL, &base), 0);
	ck_assert_str_eq(base, "/xdg/brickfs");
	free(base);
	unsetenv("XDG_STATE_HOME");
	/* $HOME is not asked: fstab's mounts have none. */
	setenv("HOME", "/nowhere", 1);
	ck_assert_int_eq(state_base(NULL, &base), 0);
	ck_assert(text_ends(base, "/.local/state/brickfs"));
	ck_assert(!text_starts(base, "/nowhere"));
	free(base);
}
END_TEST

START_TEST(directories_are_made_and_closed_to_others)
{
	char *base = make_base();
	char *deep = text_printf("%s/a/b", base), *staging;
	struct state *s;
	struct stat st;

	umask(0);
	ck_assert_int_eq(open_state(deep, &key, 0, &s), 0);
	ck_assert(text_starts(state_dir(s), deep));
	ck_assert_ptr_nonnull(strstr(state_dir(s), "/v1/"));
	staging = text_printf("%s/staging", state_dir(s));
	ck_assert_int_eq(stat(staging, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(state_dir(s), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	free(staging);
	state_close(s);
	/* And found again. */
	ck_assert_int_eq(open_state(deep, &key, 0, &s), 0);
	state_close(s);
	free(deep);
	drop_base(base);
}
END_TEST

START_TEST(an_open_directory_is_refused)
{
	char *base = make_base();
	char *v1 = text_printf("%s/v1", base);
	struct state *s;

	ck_assert_int_eq(mkdir(v1, 0700), 0);
	ck_assert_int_eq(chmod(v1, 0755), 0);
	ck_assert_int_eq(open_state(base, &key, 0, &s), -EPERM);
	ck_assert_int_eq(chmod(v1, 0700), 0);
	ck_assert_int_eq(open_state(base, &key, 0, &s), 0);
	state_close(s);
	ck_assert_int_eq(chmod(base, 0777), 0);
	ck_assert_int_eq(open_state(base, &key, 0, &s), -EPERM);
	/* As under systemd. */
	ck_assert_int_eq(chmod(base, 0755), 0);
	ck_assert_int_eq(open_state(base, &key, 0, &s), 0);
	state_close(s);
	free(v1);
	drop_base(base);
}
END_TEST

START_TEST(a_planted_link_is_refused)
{
	char *base = make_base(), *other = make_base();
	char *v1 = text_printf("%s/v1", base);
	struct state *s;

	ck_assert_int_eq(symlink(other, v1), 0);
	ck_assert_int_eq(open_state(base, &key, 0, &s), -EPERM);
	free(v1);
	drop_base(base);
	drop_base(other);
}
END_TEST

/* The mount would hide it from brickfs itself. */
START_TEST(a_place_below_the_mount_point_is_refused)
{
	char *top = make_base(), *base = text_printf("%s/state", top);
	char *link = text_printf("%s-link", top);
	char *through = text_printf("%s/state", link);
	struct state_key k = key;
	struct state *s;

	k.mountpoint = top;
	ck_assert_int_eq(open_state(base, &k, 0, &s), -EPERM);
	ck_assert_int_eq(access(base, F_OK), -1);
	ck_assert_int_eq(symlink(top, link), 0);
	ck_assert_int_eq(open_state(through, &k, 0, &s), -EPERM);
	ck_assert_int_eq(open_state(top, &k, 0, &s), -EPERM);
	/* Beside it, with a name that begins as it does. */
	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(open_state(link, &k, 0, &s), 0);
	state_close(s);
	free(through);
	free(base);
	drop_base(top);
	drop_base(link);
}
END_TEST

START_TEST(a_directory_of_somebody_else_is_refused)
{
	char *base;
	struct state *s;

	if (geteuid() != 0)
		return;
	base = make_base();
	ck_assert_int_eq(chown(base, 65534, 65534), 0);
	ck_assert_int_eq(open_state(base, &key, 0, &s), -EPERM);
	drop_base(base);
}
END_TEST

START_TEST(no_place_is_told_from_no_permission)
{
	struct state *s;

	ck_assert_int_eq(open_state("/proc/brickfs", &key, 0, &s), -ENOENT);
	ck_assert_int_eq(open_state("/dev/null/brickfs", &key, 0, &s),
	    -ENOTDIR);
}
END_TEST

/* --- the lock ------------------------------------------------------------------------ */

/* Holds the state in another process, which says "leaving" and ends after some
 * time when leave_ms is not 0. */
static pid_t
hold(const char *base, bool leaving, int for_ms)
{
	int ends[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct state *s;

		if (open_state(base, &key, 0, &s) < 0)
			_exit(1);
		if (leaving)
			state_leaving(s);
		if (write(ends[1], "x", 1) != 1)
			_exit(1);
		usleep((useconds_t)for_ms * 1000);
		_exit(0); /* as SIGKILL would: nothing is tidied up */
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
	close(ends[0]);
	return pid;
}

START_TEST(the_second_mount_is_told_who_has_it)
{
	char *base = make_base();
	struct call call = { .op = "test" };
	pid_t pid = hold(base, false, 60000);
	char number[32];
	struct buf words;
	struct state *s;

	snprintf(number, sizeof(number), "process %ld,", (long)pid);
	buf_init(&words, BUF_LIMIT_TEXT);
	ck_assert_int_eq(state_open(base, &key, &call, 60000, &words, &s),
	    -EBUSY);
	ck_assert_msg(strstr(buf_text(&words), number) != NULL, "%s",
	    buf_text(&words));
	buf_release(&words);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* The lock of one that was killed is free. */
	ck_assert_int_eq(open_state(base, &key, 0, &s), 0);
	state_close(s);
	drop_base(base);
}
END_TEST

START_TEST(the_next_mount_waits_for_one_that_leaves)
{
	char *base = make_base();
	pid_t pid = hold(base, true, 5000);
	struct state *s;

	ck_assert_int_eq(open_state(base, &key, 300, &s), -EBUSY);
	ck_assert_int_eq(open_state(base, &key, 60000, &s), 0);
	waitpid(pid, NULL, 0);
	state_close(s);
	drop_base(base);
}
END_TEST

START_TEST(mounts_of_different_keys_do_not_meet)
{
	char *base = make_base();
	struct state_key k = key;
	struct state *one, *two;

	k.mountpoint = "/other";
	ck_assert_int_eq(open_state(base, &key, 0, &one), 0);
	ck_assert_int_eq(open_state(base, &k, 0, &two), 0);
	ck_assert_str_ne(state_dir(one), state_dir(two));
	state_close(one);
	state_close(two);
	drop_base(base);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(names_are_made_of_safe_letters, user_rows),
	UNIT(a_name_stays_short_for_long_keys),
	UNIT(different_keys_have_different_names),
	UNIT(the_place_is_chosen_in_order),
	UNIT(directories_are_made_and_closed_to_others),
	UNIT(an_open_directory_is_refused),
	UNIT(a_planted_link_is_refused),
	UNIT(a_place_below_the_mount_point_is_refused),
	UNIT(a_directory_of_somebody_else_is_refused),
	UNIT(no_place_is_told_from_no_permission),
	UNIT(the_second_mount_is_told_who_has_it),
	UNIT(the_next_mount_waits_for_one_that_leaves),
	UNIT(mounts_of_different_keys_do_not_meet),
};

UNIT_MAIN("state", tests)
