/* control/ctl_tree and control/ctl_session: the .control tree. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "cache/block_cache.h"
#include "cache/pending.h"
#include "cache/staging.h"
#include "control/ctl_session.h"
#include "control/ctl_tree.h"
#include "rest/errors.h"
#include "rest/rest.h"
#include "rest/transfers.h"
#include "tests/support/unit.h"

/* A mount with one file that could not be sent. */
struct fixture {
	struct ctl_facts facts;
	struct ctl_hooks hooks;
	struct ctl ctl;
	struct call call;
	char *dir;
	struct staging *staging;
	struct pending_item *item;
	int syncs;
	int sync_result;
	int retries, discards;
	char forgotten[64];
};

static int
sync_fake(void *ctx, struct call *call)
{
	struct fixture *f = ctx;

	(void)call;
	f->syncs++;
	return f->sync_result;
}

static unsigned
dirty_fake(void *ctx)
{
	(void)ctx;
	return 7;
}

static int
forget_fake(void *ctx, struct call *call, const char *path)
{
	struct fixture *f = ctx;

	(void)call;
	snprintf(f->forgotten, sizeof(f->forgotten), "%s", path);
	return strcmp(path, "none") == 0 ? -ENOENT : 0;
}

static int
act_fake(void *ctx, struct call *call, enum pending_action action)
{
	struct fixture *f = ctx;

	(void)call;
	if (action == PENDING_RETRY)
		f->retries++;
	else
		f->discards++;
	return 0;
}

static void
set_up(struct fixture *f)
{
	static const struct ctl_fact options[] = { { "attr_timeout", "10" } };
	static const struct ctl_tree_fact trees[] = { { "dbfs", NULL },
		{ "Volumes", "no Unity Catalog" } };
	const struct rest_config rest = { .base_url = "https://h" };
	struct staged *data;

	memset(f, 0, sizeof(*f));
	f->call.op = "test";
	f->facts = (struct ctl_facts){
		.version = "9.9",
		.host = "https://h",
		.workspace_id = "123",
		.user = "me@x.com",
		.source = "brickfs",
		.mountpoint = "/m",
		.no_cache = "no room",
		.started_ms = 1000,
		.options = options,
		.n_options = 1,
		.trees = trees,
		.n_trees = 2,
	};
	f->hooks = (struct ctl_hooks){ .sync = sync_fake, .dirty = dirty_fake,
		.forget = forget_fake, .ctx = f };
	f->ctl = (struct ctl){ .facts = &f->facts, .hooks = &f->hooks };
	ck_assert_int_eq(errors_new(&f->ctl.errors), 0);
	ck_assert_int_eq(transfers_new(&f->ctl.transfers), 0);
	ck_assert_int_eq(rest_new(&rest, &f->ctl.rest), 0);
	ck_assert_int_eq(pending_new(&f->ctl.pending), 0);
	ck_assert_int_eq(block_cache_new(8 << 20, &f->ctl.blocks), 0);
	f->dir = strdup("/tmp/brickfs-ctl.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	ck_assert_int_eq(staging_new(f->dir, &f->staging), 0);
	ck_assert_int_eq(staged_new(f->staging, 0, &data), 0);
	ck_assert_int_eq(staged_write(data, 0, "content", 7), 0);
	ck_assert_int_eq(pending_add(f->ctl.pending, "dbfs/a b", data, act_fake,
	    f, NULL, &f->item), 0);
	pending_set(f->ctl.pending, f->item, PENDING_FAILED, "no space");
	staged_unref(data);
}

static void
tear_down(struct fixture *f)
{
	if (f->item != NULL)
		pending_remove(f->ctl.pending, f->item);
	block_cache_free(f->ctl.blocks);
	pending_free(f->ctl.pending);
	rest_free(f->ctl.rest);
	transfers_free(f->ctl.transfers);
	errors_free(f->ctl.errors);
	staging_free(f->staging);
	ck_assert_int_eq(io_remove_tree(f->dir), 0);
	free(f->dir);
}

/* --- the tree ---------------------------------------------------------------------- */

/* A pattern with a name that there is in the place of "{...}". */
static char *
path_of(const char *pattern)
{
	const char *brace = strstr(pattern, "{");

	if (brace == NULL)
		return strdup(pattern);
	return text_printf("%.*s1%s", (int)(brace - pattern), pattern,
	    strstr(brace, "}") + 1);
}

START_TEST(every_row_can_be_reached_and_is_explained)
{
	struct fixture f;
	const struct ctl_row *row;
	struct ctl_place place;
	struct buf readme;
	struct ctl_at at = { 0 };

	set_up(&f);
	buf_init(&readme, BUF_LIMIT_TEXT);
	at.ctl = &f.ctl;
	ck_assert_int_eq(ctl_tree_readme_show(&at, &readme), 0);
	for (size_t i = 0; (row = ctl_tree_row(i)) != NULL; i++) {
		char *path = path_of(row->path);

		ck_assert_msg(row->help != NULL && strlen(row->help) > 4 &&
		    row->help[strlen(row->help) - 1] == '.',
		    "%s has no sentence", row->path);
		ck_assert_ptr_nonnull(strstr(buf_text(&readme), row->path));
		ck_assert_int_eq(ctl_tree_find(&f.ctl, &f.call, path, &place),
		    0);
		ck_assert_msg(place.row == row, "%s is hidden by %s", row->path,
		    place.row != NULL ? place.row->path : "a directory");
		/* Modes say what the row can do. */
		ck_assert_int_eq((row->mode & 0400) != 0,
		    row->show != NULL || row->open != NULL);
		ck_assert_int_eq((row->mode & 0200) != 0, row->store != NULL);
		ck_assert_int_eq(row->mode & 0177, 0);
		free(path);
	}
	buf_release(&readme);
	tear_down(&f);
}
END_TEST

START_TEST(the_manual_explains_every_row)
{
	const char *src = getenv("srcdir"), *section, *end;
	char *path = text_printf("%s/man/brickfs.1", src != NULL ? src : ".");
	const struct ctl_row *row;
	struct buf page;

	buf_init(&page, BUF_LIMIT_TEXT);
	ck_assert_int_eq(io_read_file(path, &page), 0);
	section = strstr(buf_text(&page), ".Sh CONTROL FILES");
	ck_assert_ptr_nonnull(section);
	end = strstr(section + 1, "\n.Sh ");
	ck_assert_ptr_nonnull(end);
	page.data[end - page.data] = '\0';
	for (size_t i = 0; (row = ctl_tree_row(i)) != NULL; i++) {
		const char *slash = strrchr(row->path, '/');

		ck_assert_msg(strstr(section, slash != NULL ? slash + 1 :
		    row->path) != NULL, "%s", row->path);
	}
	buf_release(&page);
	free(path);
}
END_TEST

struct names {
	char text[1024];
};

static int
collect(void *ctx, const char *name)
{
	struct names *names = ctx;

	ck_assert_uint_lt(strlen(names->text) + strlen(name) + 2,
	    sizeof(names->text));
	strncat(names->text, name, 256);
	strncat(names->text, " ", 2);
	return 0;
}

static const struct {
	const char *path;
	int err;
	const char *names;
} list_rows[] = {
	{ "", 0, "README status.json config.json metrics errors transfers sync"
	    " cache pending " },
	{ "cache", 0, "drop invalidate stats.json " },
	{ "pending", 0, "1 " },
	{ "pending/1", 0, "path state reason data retry discard " },
	{ "pending/2", -ENOENT, "" },
	{ "pending/01", -ENOENT, "" },
	{ "pending/1/path", -ENOTDIR, "" },
	{ "none", -ENOENT, "" },
};

START_TEST(directories_list_each_name_once)
{
	struct fixture f;
	struct names names = { "" };

	set_up(&f);
	ck_assert_int_eq(ctl_tree_list(&f.ctl, &f.call, list_rows[_i].path,
	    collect, &names), list_rows[_i].err);
	ck_assert_str_eq(names.text, list_rows[_i].names);
	tear_down(&f);
}
END_TEST

static const char *const absent_rows[] = {
	"x", "READM", "README/x", "pending/x",
	"pending/1x", "pending/0", "pending/-1", "pending/99999999999",
	"pending/1/x", "pending/1/path/x", "pending/{n}", "{n}", "..", "cache/..",
};

START_TEST(what_is_in_no_row_is_not_there)
{
	struct fixture f;
	struct ctl_place place;

	set_up(&f);
	ck_assert_int_eq(ctl_tree_find(&f.ctl, &f.call, absent_rows[_i],
	    &place), -ENOENT);
	tear_down(&f);
}
END_TEST

/* --- reading ------------------------------------------------------------------------ */

static char *
read_all(struct fixture *f, const char *path)
{
	struct ctl_session *s;
	struct buf text;
	char piece[7]; /* texts come in pieces */
	ssize_t n;

	buf_init(&text, BUF_LIMIT_TEXT);
	ck_assert_int_eq(ctl_session_open(&f->ctl, &f->call, path, O_RDONLY,
	    &s), 0);
	while ((n = ctl_session_read(s, &f->call, text.len, piece,
	    sizeof(piece))) > 0)
		ck_assert_int_eq(buf_append(&text, piece, (size_t)n), 0);
	ck_assert_int_eq(n, 0);
	ctl_session_close(s);
	return buf_take(&text);
}

static const struct {
	const char *path;
	const char *words;
} read_rows[] = {
	{ "status.json", "\"user\": \"me@x.com\"" },
	{ "status.json", "\"unsent_files\": 7" },
	{ "status.json", "\"why\": \"no Unity Catalog\"" },
	{ "status.json", "\"version\": \"9.9\"" },
	{ "config.json", "\"attr_timeout\": \"10\"" },
	{ "metrics", "brickfs_dirty_files 7" },
	{ "metrics", "\nbrickfs_rate_limit{family=\"dbfs\"} 30\n" },
	{ "metrics", "\nbrickfs_rate_throttled_total{family=\"jobs\"} 0\n" },
	{ "metrics",
	    "\nbrickfs_rate_waiting{family=\"files\",class=\"ahead\"} 0\n" },
	{ "errors", "request id" },
	{ "transfers", "percent" },
	{ "cache/stats.json", "\"budget\": 8388608" },
	{ "cache/stats.json", "\"disk\": null" },
	{ "pending/1/path", "dbfs/a b\n" },
	{ "pending/1/state", "failed\n" },
	{ "pending/1/reason", "no space\n" },
	{ "pending/1/data", "content" },
};

START_TEST(files_say_what_they_are_for)
{
	struct fixture f;
	char *text;

	set_up(&f);
	text = read_all(&f, read_rows[_i].path);
	ck_assert_msg(strstr(text, read_rows[_i].words) != NULL, "%s", text);
	free(text);
	ck_assert_int_eq(f.syncs + f.retries + f.discards, 0);
	tear_down(&f);
}
END_TEST

START_TEST(what_is_not_known_is_null)
{
	struct fixture f;
	char *text;

	set_up(&f);
	f.facts.state_dir = NULL;
	f.facts.workspace_id = "";
	text = read_all(&f, "status.json");
	ck_assert_ptr_nonnull(strstr(text, "\"state_directory\": null"));
	ck_assert_ptr_nonnull(strstr(text, "\"workspace_id\": null"));
	ck_assert_ptr_nonnull(strstr(text, "\"cache_directory\": null"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\"cache_directory_why\": \"no room\""));
	free(text);
	tear_down(&f);
}
END_TEST

START_TEST(content_can_be_read_while_its_item_goes)
{
	struct fixture f;
	struct ctl_session *s;
	char bytes[16];

	set_up(&f);
	ck_assert_int_eq(ctl_session_open(&f.ctl, &f.call, "pending/1/data",
	    O_RDONLY, &s), 0);
	pending_remove(f.ctl.pending, f.item);
	f.item = NULL;
	ck_assert_int_eq(ctl_session_read(s, &f.call, 3, bytes, 16), 4);
	ck_assert_mem_eq(bytes, "tent", 4);
	ctl_session_close(s);
	ck_assert_int_eq(ctl_session_open(&f.ctl, &f.call, "pending/1/data",
	    O_RDONLY, &s), -ENOENT);
	tear_down(&f);
}
END_TEST

static const struct {
	const char *path;
	int flags;
	int err;
} open_rows[] = {
	{ "sync", O_RDONLY, -EACCES },
	{ "sync", O_RDWR, -EACCES },
	{ "metrics", O_WRONLY, -EACCES },
	{ "metrics", O_RDWR, -EACCES },
	{ "", O_RDONLY, -EISDIR },
	{ "pending/1", O_RDONLY, -EISDIR },
	{ "none", O_RDONLY, -ENOENT },
};

START_TEST(files_open_only_for_what_they_can)
{
	struct fixture f;
	struct ctl_session *s;

	set_up(&f);
	ck_assert_int_eq(ctl_session_open(&f.ctl, &f.call, open_rows[_i].path,
	    open_rows[_i].flags, &s), open_rows[_i].err);
	tear_down(&f);
}
END_TEST

/* --- writing ------------------------------------------------------------------------ */

static struct ctl_session *
open_to_write(struct fixture *f, const char *path)
{
	struct ctl_session *s;

	ck_assert_int_eq(ctl_session_open(&f->ctl, &f->call, path,
	    O_WRONLY | O_TRUNC, &s), 0);
	return s;
}

static ssize_t
put(struct fixture *f, struct ctl_session *s, const char *text)
{
	f->call.words[0] = '\0';
	return ctl_session_write(s, &f->call, text, strlen(text));
}

START_TEST(a_value_acts_in_the_write_that_completes_it)
{
	struct fixture f;
	struct ctl_session *s;

	set_up(&f);
	s = open_to_write(&f, "sync");
	ck_assert_int_eq(put(&f, s, ""), 0);
	ck_assert_int_eq(f.syncs, 0);
	ck_assert_int_eq(put(&f, s, "1"), 1); /* the one value it takes */
	ck_assert_int_eq(f.syncs, 1);
	ck_assert_int_eq(put(&f, s, "\n"), 1);
	ck_assert_int_eq(f.syncs, 1);
	ck_assert_int_eq(put(&f, s, "1\n"), 2);
	ck_assert_int_eq(f.syncs, 2);
	ck_assert_int_eq(put(&f, s, "1\n1\n"), 4);
	ck_assert_int_eq(f.syncs, 4);
	ctl_session_close(s);
	tear_down(&f);
}
END_TEST

START_TEST(a_failure_is_the_result_of_the_write)
{
	struct fixture f;
	struct ctl_session *s;
	char *errors;

	set_up(&f);
	f.sync_result = -ETIMEDOUT;
	s = open_to_write(&f, "sync");
	ck_assert_int_eq(put(&f, s, "1\n"), -ETIMEDOUT);
	f.sync_result = 0;
	ck_assert_int_eq(put(&f, s, "1\n"), 2);
	ctl_session_close(s);
	errors = read_all(&f, "errors");
	ck_assert_ptr_nonnull(strstr(errors, ".control/sync"));
	free(errors);
	tear_down(&f);
}
END_TEST

START_TEST(another_value_is_refused_in_words)
{
	struct fixture f;
	struct ctl_session *s;

	set_up(&f);
	s = open_to_write(&f, "sync");
	ck_assert_int_eq(put(&f, s, "0\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(f.call.words, "value 1"));
	ck_assert_int_eq(put(&f, s, "12\n"), -EINVAL);
	/* Who writes "echo > sync && echo yes" must not read that all is sent. */
	ck_assert_int_eq(put(&f, s, "\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(f.call.words, "value 1"));
	ck_assert_int_eq(ctl_session_write(s, &f.call, "1\0\n", 3), -EINVAL);
	ck_assert_int_eq(f.syncs, 0);
	ctl_session_close(s);
	tear_down(&f);
}
END_TEST

START_TEST(a_path_that_is_forgotten_is_a_line)
{
	struct fixture f;
	struct ctl_session *s;
	char *errors;

	set_up(&f);
	s = open_to_write(&f, "cache/invalidate");
	ck_assert_int_eq(put(&f, s, "\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(f.call.words, "no value"));
	ck_assert_str_eq(f.forgotten, "");
	ck_assert_int_eq(put(&f, s, "/dbfs/a b\n"), 10);
	ck_assert_str_eq(f.forgotten, "/dbfs/a b");
	ck_assert_int_eq(put(&f, s, "none\n"), -ENOENT);
	ctl_session_close(s);
	errors = read_all(&f, "errors");
	ck_assert_ptr_nonnull(strstr(errors, ".control/cache/invalidate"));
	free(errors);
	tear_down(&f);
}
END_TEST

START_TEST(who_destroys_has_to_name_it)
{
	struct fixture f;
	struct ctl_session *s;

	set_up(&f);
	s = open_to_write(&f, "pending/1/discard");
	ck_assert_int_eq(put(&f, s, "2\n"), -EINVAL);
	ck_assert_int_eq(put(&f, s, "yes\n"), -EINVAL);
	ck_assert_int_eq(f.discards, 0);
	ck_assert_int_eq(put(&f, s, "1\n"), 2);
	ck_assert_int_eq(f.discards, 1);
	ctl_session_close(s);
	s = open_to_write(&f, "pending/1/retry");
	ck_assert_int_eq(put(&f, s, "1\n"), 2);
	ck_assert_int_eq(f.retries, 1);
	ctl_session_close(s);
	tear_down(&f);
}
END_TEST

START_TEST(a_value_cut_short_does_nothing_but_is_told)
{
	struct fixture f;
	struct ctl_session *s;
	char *errors;

	set_up(&f);
	s = open_to_write(&f, "sync");
	ck_assert_int_eq(put(&f, s, "12"), 2);
	ctl_session_close(s);
	ck_assert_int_eq(f.syncs, 0);
	errors = read_all(&f, "errors");
	ck_assert_ptr_nonnull(strstr(errors, "no end"));
	free(errors);
	tear_down(&f);
}
END_TEST

START_TEST(a_value_without_end_is_bounded)
{
	struct fixture f;
	struct ctl_session *s;
	char *long_text = malloc(60001);

	set_up(&f);
	memset(long_text, 'x', 60000);
	long_text[60000] = '\0';
	s = open_to_write(&f, "sync");
	ck_assert_int_eq(put(&f, s, long_text), 60000);
	ck_assert_int_eq(put(&f, s, long_text), -EFBIG);
	ck_assert_int_eq(put(&f, s, "1\n"), 2); /* it starts anew */
	ck_assert_int_eq(f.syncs, 1);
	ctl_session_close(s);
	free(long_text);
	tear_down(&f);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(every_row_can_be_reached_and_is_explained),
	UNIT(the_manual_explains_every_row),
	UNIT_ROWS(directories_list_each_name_once, list_rows),
	UNIT_ROWS(what_is_in_no_row_is_not_there, absent_rows),
	UNIT_ROWS(files_say_what_they_are_for, read_rows),
	UNIT(what_is_not_known_is_null),
	UNIT(content_can_be_read_while_its_item_goes),
	UNIT_ROWS(files_open_only_for_what_they_can, open_rows),
	UNIT(a_value_acts_in_the_write_that_completes_it),
	UNIT(a_failure_is_the_result_of_the_write),
	UNIT(another_value_is_refused_in_words),
	UNIT(a_path_that_is_forgotten_is_a_line),
	UNIT(who_destroys_has_to_name_it),
	UNIT(a_value_cut_short_does_nothing_but_is_told),
	UNIT(a_value_without_end_is_bounded),
};

UNIT_MAIN("ctl_tree", tests)
