/* emu/store: a tree on disk, and its history. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "emu/store.h"
#include "tests/support/emu_root.h"
#include "tests/support/unit.h"

static struct emu_root root;

static int
stat_of(const char *path)
{
	struct store_node node;

	return store_stat(root.store, path, &node);
}

static int
put_new(const char *path)
{
	struct spool *spool;
	int ret;

	ck_assert_int_eq(spool_new(store_spools(root.store), &spool), 0);
	ret = store_commit(root.store, path, spool, false, HISTORY_PUT, "req");
	spool_free(spool);
	return ret;
}

static int
collect(void *ctx, const char *path, const struct store_node *node)
{
	(void)node;
	ck_assert_int_eq(buf_printf(ctx, "%s ", path), 0);
	return 0;
}

static void
expect_list(const char *path, const char *want)
{
	struct buf out;

	buf_init(&out, BUF_LIMIT_TEXT);
	ck_assert_int_eq(store_list(root.store, path, collect, &out), 0);
	ck_assert_str_eq(buf_text(&out), want);
	buf_release(&out);
}

/* The operations in the history of path, in order. */
static void
expect_ops(const char *path, const char *want)
{
	struct buf out, ops;

	buf_init(&out, BUF_LIMIT_TEXT);
	buf_init(&ops, BUF_LIMIT_TEXT);
	ck_assert_int_eq(store_history(root.store, path, &out), 0);
	for (const char *at = buf_text(&out);
	     (at = strstr(at, "\"op\":\"")) != NULL;) {
		at += 6;
		ck_assert_int_eq(
		    buf_printf(&ops, "%.*s ", (int)strcspn(at, "\""), at), 0);
	}
	ck_assert_str_eq(buf_text(&ops), want);
	buf_release(&out);
	buf_release(&ops);
}

START_TEST(a_put_makes_its_parents)
{
	emu_root_make(&root);
	emu_root_put(&root, "/a/b/c", "x");
	expect_list("/", "/a ");
	expect_list("/a/b", "/a/b/c ");
	expect_list("/a/b/c", "/a/b/c ");
	expect_ops("/a/b", "mkdir ");
	expect_ops("/a/b/c", "put ");
	emu_root_remove(&root);
}
END_TEST

START_TEST(what_stands_in_the_way_is_said)
{
	emu_root_make(&root);
	emu_root_put(&root, "/file", "x");
	ck_assert_int_eq(store_mkdirs(root.store, "/dir", NULL), 0);
	ck_assert_int_eq(put_new("/file"), -EEXIST);
	ck_assert_int_eq(put_new("/dir"), -EISDIR);
	ck_assert_int_eq(put_new("/"), -EISDIR);
	ck_assert_int_eq(put_new("/file/below"), -ENOTDIR);
	ck_assert_int_eq(store_mkdirs(root.store, "/file", NULL), -EEXIST);
	ck_assert_int_eq(store_mkdirs(root.store, "/file/x", NULL), -ENOTDIR);
	ck_assert_int_eq(store_mkdirs(root.store, "/dir", NULL), 0);
	ck_assert_int_eq(stat_of("/file/below"), -ENOENT);
	ck_assert_int_eq(put_new("/new"), 0);
	emu_root_remove(&root);
}
END_TEST

START_TEST(a_list_is_sorted_by_bytes)
{
	emu_root_make(&root);
	emu_root_put(&root, "/d/b", "");
	emu_root_put(&root, "/d/B", "");
	emu_root_put(&root, "/d/a.b", "");
	emu_root_put(&root, "/d/a", "");
	expect_list("/d", "/d/B /d/a /d/a.b /d/b ");
	emu_root_remove(&root);
}
END_TEST

START_TEST(delete_wants_recursive_for_content)
{
	uint64_t removed;

	emu_root_make(&root);
	emu_root_put(&root, "/d/x", "1");
	emu_root_put(&root, "/d/e/y", "2");
	ck_assert_int_eq(
	    store_remove(root.store, "/d", false, 0, NULL, &removed),
	    -ENOTEMPTY);
	ck_assert_int_eq(
	    store_remove(root.store, "/d", true, 0, NULL, &removed), 0);
	ck_assert_uint_eq(removed, 2);
	ck_assert_int_eq(stat_of("/d"), -ENOENT);
	ck_assert_int_eq(
	    store_remove(root.store, "/d", true, 0, NULL, &removed), -ENOENT);
	ck_assert_int_eq(
	    store_remove(root.store, "/", true, 0, NULL, &removed), -EBUSY);
	expect_ops("/d/e/y", "put delete ");
	expect_ops("/d/e", "mkdir delete ");
	emu_root_remove(&root);
}
END_TEST

START_TEST(a_limit_leaves_the_rest)
{
	uint64_t removed;

	emu_root_make(&root);
	for (int i = 0; i < 5; i++) {
		char path[16];

		(void)snprintf(path, sizeof(path), "/d/%d", i);
		emu_root_put(&root, path, "");
	}
	ck_assert_int_eq(
	    store_remove(root.store, "/d", true, 2, NULL, &removed), -EAGAIN);
	ck_assert_uint_eq(removed, 2);
	expect_list("/d", "/d/2 /d/3 /d/4 ");
	ck_assert_int_eq(
	    store_remove(root.store, "/d", true, 3, NULL, &removed), 0);
	ck_assert_int_eq(stat_of("/d"), -ENOENT);
	emu_root_remove(&root);
}
END_TEST

START_TEST(a_limit_counts_files_alone)
{
	uint64_t removed;

	emu_root_make(&root);
	emu_root_put(&root, "/d/a", "");
	ck_assert_int_eq(store_mkdirs(root.store, "/d/b", NULL), 0);
	ck_assert_int_eq(
	    store_remove(root.store, "/d", true, 1, NULL, &removed), 0);
	ck_assert_uint_eq(removed, 1);
	ck_assert_int_eq(stat_of("/d"), -ENOENT);
	emu_root_remove(&root);
}
END_TEST

START_TEST(a_move_takes_everything_along)
{
	emu_root_make(&root);
	emu_root_put(&root, "/a/x/y", "1");
	ck_assert_int_eq(
	    store_move(root.store, "/a", "/n/m/b", false, NULL), -ENOTDIR);
	ck_assert_int_eq(store_move(root.store, "/a", "/n/m/b", true, NULL), 0);
	ck_assert_int_eq(stat_of("/a"), -ENOENT);
	ck_assert_int_eq(stat_of("/n/m/b/x/y"), 0);
	expect_ops("/a/x/y", "put move_from ");
	expect_ops("/n/m/b/x/y", "move_to ");
	emu_root_remove(&root);
}
END_TEST

START_TEST(a_move_overwrites_nothing)
{
	emu_root_make(&root);
	emu_root_put(&root, "/f", "1");
	emu_root_put(&root, "/d/g", "2");
	ck_assert_int_eq(
	    store_move(root.store, "/f", "/d/g", true, NULL), -EEXIST);
	ck_assert_int_eq(
	    store_move(root.store, "/f", "/d", true, NULL), -EEXIST);
	ck_assert_int_eq(
	    store_move(root.store, "/f", "/f", true, NULL), -EEXIST);
	ck_assert_int_eq(
	    store_move(root.store, "/d", "/d/x", true, NULL), -EINVAL);
	ck_assert_int_eq(
	    store_move(root.store, "/none", "/x", true, NULL), -ENOENT);
	ck_assert_int_eq(store_move(root.store, "/", "/x", true, NULL), -EBUSY);
	ck_assert_int_eq(
	    store_move(root.store, "/d", "/f/x", true, NULL), -ENOTDIR);
	emu_root_remove(&root);
}
END_TEST

static void
by_hand(const char *name, const char *text)
{
	char *path = text_printf("%s/dbfs/%s", root.dir, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	free(path);
}

START_TEST(what_a_person_does_is_noticed)
{
	char *path;

	emu_root_make(&root);
	by_hand("mine", "one");
	ck_assert_int_eq(stat_of("/mine"), 0);
	expect_ops("/mine", "found ");
	expect_ops("/mine", "found ");
	emu_root_put(&root, "/mine", "two");
	by_hand("mine", "three");
	expect_ops("/mine", "found put found ");
	path = text_printf("%s/dbfs/mine", root.dir);
	ck_assert_int_eq(unlink(path), 0);
	free(path);
	expect_ops("/mine", "found put found lost ");
	emu_root_remove(&root);
}
END_TEST

START_TEST(what_a_person_made_is_on_record_when_it_leaves)
{
	uint64_t removed;

	emu_root_make(&root);
	ck_assert_int_eq(store_mkdirs(root.store, "/d", NULL), 0);
	by_hand("f", "one");
	by_hand("d/f", "two");
	by_hand("d/g", "three");
	ck_assert_int_eq(store_move(root.store, "/f", "/g", true, NULL), 0);
	ck_assert_int_eq(store_move(root.store, "/d", "/e", true, NULL), 0);
	by_hand("e/h", "four");
	ck_assert_int_eq(
	    store_remove(root.store, "/e", true, 0, NULL, &removed), 0);
	expect_ops("/f", "found move_from ");
	expect_ops("/g", "move_to ");
	expect_ops("/d/f", "found move_from ");
	expect_ops("/e/f", "move_to delete ");
	expect_ops("/e/h", "found delete ");
	emu_root_remove(&root);
}
END_TEST

START_TEST(an_empty_root_is_fresh_until_it_is_seeded)
{
	emu_root_make(&root);
	ck_assert(root.place->fresh);
	emu_root_put(&root, "/half", "of the sample");
	emu_root_restart(&root);
	ck_assert(root.place->fresh);
	place_seeded(root.place);
	emu_root_restart(&root);
	ck_assert(!root.place->fresh);
	emu_root_remove(&root);
}
END_TEST

/* What a person put there is never mixed with the sample. */
START_TEST(a_root_with_something_in_it_is_not_fresh)
{
	char *path;

	emu_root_make(&root);
	emu_root_remove(&root);
	path = text_printf("%s/dbfs", root.dir);
	ck_assert_int_eq(io_mkdirs(path, 0700), 0);
	free(path);
	emu_root_open(&root);
	ck_assert(!root.place->fresh);
	emu_root_remove(&root);
}
END_TEST

START_TEST(history_outlives_a_restart)
{
	struct buf before, after;

	emu_root_make(&root);
	emu_root_put(&root, "/a b%\n", "1");
	emu_root_put(&root, "/a b%\n", "2");
	buf_init(&before, BUF_LIMIT_TEXT);
	buf_init(&after, BUF_LIMIT_TEXT);
	ck_assert_int_eq(store_history(root.store, "/a b%\n", &before), 0);
	emu_root_restart(&root);
	ck_assert_int_eq(store_history(root.store, "/a b%\n", &after), 0);
	ck_assert_str_eq(buf_text(&before), buf_text(&after));
	buf_release(&before);
	buf_release(&after);
	emu_root_remove(&root);
}
END_TEST

START_TEST(a_line_that_a_kill_cut_is_dropped)
{
	char *path;
	FILE *file;

	emu_root_make(&root);
	emu_root_put(&root, "/a", "1");
	emu_root_close(&root);
	path = text_printf("%s/.state/history-dbfs", root.dir);
	file = fopen(path, "a");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs("99 1 put f 1 2 3 abc - /a", file), 0);
	ck_assert_int_eq(fclose(file), 0);
	free(path);
	emu_root_open(&root);
	expect_ops("/a", "put ");
	emu_root_put(&root, "/a", "2");
	emu_root_restart(&root);
	expect_ops("/a", "put put ");
	emu_root_remove(&root);
}
END_TEST

START_TEST(names_may_be_longer_than_the_disk_holds)
{
	char path[400], moved[402];

	emu_root_make(&root);
	memset(path, 'n', sizeof(path));
	memcpy(path, "/d/", 3);
	path[sizeof(path) - 1] = '\0';
	(void)snprintf(moved, sizeof(moved), "%sx", path);
	emu_root_put(&root, path, "1");
	emu_root_restart(&root);
	ck_assert_int_eq(stat_of(path), 0);
	ck_assert_int_eq(store_move(root.store, path, moved, true, NULL), 0);
	ck_assert_int_eq(stat_of(path), -ENOENT);
	expect_ops(moved, "move_to ");
	emu_root_put(&root, "/%long-name", "2");
	expect_list("/", "/%long-name /d ");
	emu_root_remove(&root);
}
END_TEST

START_TEST(links_lead_nowhere)
{
	char *link;

	emu_root_make(&root);
	link = text_printf("%s/dbfs/out", root.dir);
	ck_assert_int_eq(symlink("/etc", link), 0);
	free(link);
	expect_list("/", "");
	ck_assert_int_eq(stat_of("/out"), -ENOENT);
	ck_assert_int_eq(stat_of("/out/passwd"), -ENOENT);
	ck_assert_int_eq(put_new("/out/new"), -ENOTDIR);
	ck_assert_int_eq(put_new("/out"), 0); /* in its place */
	ck_assert_int_eq(stat_of("/out"), 0);
	emu_root_remove(&root);
}
END_TEST

START_TEST(an_open_file_is_one_version)
{
	struct store_node node;
	char byte;
	int fd;

	emu_root_make(&root);
	emu_root_put(&root, "/f", "1");
	ck_assert_int_eq(store_read(root.store, "/f", &fd, &node), 0);
	emu_root_put(&root, "/f", "2");
	ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, '1');
	(void)close(fd);
	ck_assert_int_eq(store_read(root.store, "/", &fd, &node), -EISDIR);
	ck_assert_int_eq(store_read(root.store, "/f/x", &fd, &node), -ENOENT);
	emu_root_remove(&root);
}
END_TEST

START_TEST(times_are_the_emulators)
{
	struct store_node node;

	emu_root_make(&root);
	ck_assert_int_eq(timeline_set_offset(&root.timeline, 86400000), 0);
	emu_root_put(&root, "/d/f", "1");
	ck_assert_int_eq(store_stat(root.store, "/d/f", &node), 0);
	ck_assert_int_ge(timeline_now_ms(&root.timeline), node.mtime_ms);
	ck_assert_int_lt(
	    timeline_now_ms(&root.timeline) - node.mtime_ms, 60000);
	ck_assert_int_eq(store_stat(root.store, "/d", &node), 0);
	ck_assert_int_lt(
	    timeline_now_ms(&root.timeline) - node.mtime_ms, 60000);
	emu_root_remove(&root);
}
END_TEST

/* A tree with notes: each is fresh with another number. */
static int
fresh(void *ctx, const char *path, bool is_dir, struct buf *note)
{
	int *count = ctx;

	(void)path;
	return buf_printf(note, "{\"%s\":%d}", is_dir ? "dir" : "file", ++*count);
}

static uint64_t
names_max(void *ctx)
{
	(void)ctx;
	return 3;
}

static int fresh_count;
static const struct store_owner owner = { fresh, names_max, &fresh_count };
static struct store *noted;

static void
open_noted(void)
{
	ck_assert_int_eq(store_open(root.place, &root.timeline, "noted", &owner,
			     &noted),
	    0);
}

static void
restart_noted(void)
{
	store_close(noted);
	emu_root_restart(&root);
	open_noted();
}

static void
make_noted(void)
{
	emu_root_make(&root);
	fresh_count = 0;
	open_noted();
}

static void
remove_noted(void)
{
	store_close(noted);
	emu_root_remove(&root);
}

static void
expect_note(const char *path, const char *want)
{
	struct store_node node;

	ck_assert_int_eq(store_stat(noted, path, &node), 0);
	ck_assert_str_eq(node.note, want);
}

struct wish {
	const char *note;
	int ret;
};

static int
decide(void *ctx, const struct store_node *old, struct buf *note)
{
	const struct wish *w = ctx;

	ck_assert(old == NULL || old->note != NULL);
	return w->ret < 0 ? w->ret : buf_puts(note, w->note);
}

static int
place(const char *path, const char *text, const char *note, int ret)
{
	struct wish w = { note, ret };
	struct spool *spool;

	ck_assert_int_eq(spool_new(store_spools(noted), &spool), 0);
	ck_assert_int_eq(spool_write(spool, text, strlen(text)), 0);
	ret = store_place(noted, path, spool,
	    &(const struct store_placing){
		HISTORY_IMPORT, "req", -1, decide, &w });
	spool_free(spool);
	return ret;
}

START_TEST(a_note_stays_with_its_thing)
{
	struct wish other = { "{\"b\":2}", 0 };

	make_noted();
	ck_assert_int_eq(store_mkdirs(noted, "/d/e", NULL), 0);
	expect_note("/d/e", "{\"dir\":2}");
	ck_assert_int_eq(place("/d/f", "1", "{\"a b%\":1}", 0), 0);
	ck_assert_int_eq(place("/d/f", "2", "{}", -EPERM), -EPERM);
	expect_note("/d/f", "{\"a b%\":1}");
	ck_assert_int_eq(store_move(noted, "/d", "/g", false, NULL), 0);
	restart_noted();
	expect_note("/g/f", "{\"a b%\":1}");
	expect_note("/g/e", "{\"dir\":2}");
	expect_note("/g", "{\"dir\":1}");
	ck_assert_int_eq(
	    store_annotate(noted, "/g/f", decide, &other, NULL), 0);
	restart_noted();
	expect_note("/g/f", "{\"b\":2}");
	remove_noted();
}
END_TEST

START_TEST(a_place_makes_no_parents)
{
	make_noted();
	ck_assert_int_eq(place("/none/f", "1", "{}", 0), -ENOENT);
	ck_assert_int_eq(place("/f", "1", "{}", 0), 0);
	ck_assert_int_eq(place("/f/g", "1", "{}", 0), -ENOTDIR);
	remove_noted();
}
END_TEST

START_TEST(what_a_person_changes_keeps_its_note)
{
	char *path;

	make_noted();
	ck_assert_int_eq(place("/f", "1", "{\"a\":1}", 0), 0);
	by_hand("../noted/f", "longer");
	by_hand("../noted/g", "theirs");
	expect_note("/f", "{\"a\":1}");
	expect_note("/g", "{\"file\":1}");
	ck_assert_int_eq(store_move(noted, "/g", "/h", false, NULL), 0);
	restart_noted();
	expect_note("/f", "{\"a\":1}");
	expect_note("/h", "{\"file\":1}");
	path = text_printf("%s/noted/f", root.dir);
	ck_assert_int_eq(unlink(path), 0);
	free(path);
	restart_noted();
	by_hand("../noted/f", "another");
	expect_note("/f", "{\"a\":1}"); /* nobody looked in between */
	remove_noted();
}
END_TEST

START_TEST(what_a_person_moves_keeps_its_note)
{
	char *from, *to;

	make_noted();
	ck_assert_int_eq(store_mkdirs(noted, "/d", NULL), 0);
	ck_assert_int_eq(place("/d/f", "1", "{\"a\":1}", 0), 0);
	from = text_printf("%s/noted/d", root.dir);
	to = text_printf("%s/noted/e", root.dir);
	ck_assert_int_eq(rename(from, to), 0);
	restart_noted();
	expect_note("/e/f", "{\"a\":1}");
	ck_assert_int_eq(place("/e/f", "2", "{\"b\":2}", 0), 0);
	expect_note("/e/f", "{\"b\":2}");
	free(from);
	free(to);
	remove_noted();
}
END_TEST

START_TEST(a_moved_person_s_file_has_one_note)
{
	make_noted();
	by_hand("../noted/g", "theirs");
	ck_assert_int_eq(store_move(noted, "/g", "/h", false, NULL), 0);
	expect_note("/h", "{\"file\":1}");
	ck_assert_int_eq(fresh_count, 1);
	remove_noted();
}
END_TEST

/* Steps that a kill left on record alone; %llu is the file's inode. */
static const char *const untaken[] = {
	"99 1 import f 1 12345 67 aa - /f {\"b\":2}",
	"99 1 delete f 1 %llu %lld - - /f {\"a\":1}",
	("99 1 move_from f 1 %llu %lld - - /f {\"a\":1}\n"
	 "99 1 move_to f 1 %llu %lld aa - /g {\"a\":1}"),
};

START_TEST(a_step_that_was_not_taken_takes_no_note)
{
	char *log, *path;
	struct stat st;
	FILE *file;

	make_noted();
	ck_assert_int_eq(place("/f", "1", "{\"a\":1}", 0), 0);
	path = text_printf("%s/noted/f", root.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	store_close(noted);
	emu_root_close(&root);
	log = text_printf("%s/.state/history-noted", root.dir);
	file = fopen(log, "a");
	ck_assert_ptr_nonnull(file);
	for (const char *p = untaken[_i]; *p != '\0'; p++) {
		if (strncmp(p, "%llu", 4) == 0)
			(void)fprintf(file, "%llu", (unsigned long long)st.st_ino);
		else if (strncmp(p, "%lld", 4) == 0)
			(void)fprintf(file, "%lld",
			    (long long)st.st_mtim.tv_sec * 1000000000 +
				st.st_mtim.tv_nsec);
		else
			(void)fputc(*p, file);
		p += *p == '%' ? 3 : 0;
	}
	(void)fputs("\n", file);
	ck_assert_int_eq(fclose(file), 0);
	free(log);
	free(path);
	emu_root_open(&root);
	open_noted();
	expect_note("/f", "{\"a\":1}");
	restart_noted();
	expect_note("/f", "{\"a\":1}");
	remove_noted();
}
END_TEST

START_TEST(a_directory_holds_so_many_names)
{
	make_noted();
	ck_assert_int_eq(place("/1", "", "{}", 0), 0);
	ck_assert_int_eq(store_mkdirs(noted, "/2/x", NULL), 0);
	ck_assert_int_eq(place("/3", "", "{}", 0), 0);
	ck_assert_int_eq(place("/4", "", "{}", 0), -EMLINK);
	ck_assert_int_eq(store_mkdirs(noted, "/4", NULL), -EMLINK);
	ck_assert_int_eq(
	    store_move(noted, "/2/x", "/x", false, NULL), -EMLINK);
	ck_assert_int_eq(store_move(noted, "/3", "/5", false, NULL), 0);
	ck_assert_int_eq(place("/5", "again", "{}", 0), 0);
	remove_noted();
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_note_stays_with_its_thing),
	UNIT(a_place_makes_no_parents),
	UNIT(what_a_person_changes_keeps_its_note),
	UNIT(what_a_person_moves_keeps_its_note),
	UNIT(a_moved_person_s_file_has_one_note),
	UNIT_ROWS(a_step_that_was_not_taken_takes_no_note, untaken),
	UNIT(a_directory_holds_so_many_names),
	UNIT(a_put_makes_its_parents),
	UNIT(what_stands_in_the_way_is_said),
	UNIT(a_list_is_sorted_by_bytes),
	UNIT(delete_wants_recursive_for_content),
	UNIT(a_limit_leaves_the_rest),
	UNIT(a_limit_counts_files_alone),
	UNIT(a_move_takes_everything_along),
	UNIT(a_move_overwrites_nothing),
	UNIT(what_a_person_does_is_noticed),
	UNIT(what_a_person_made_is_on_record_when_it_leaves),
	UNIT(an_empty_root_is_fresh_until_it_is_seeded),
	UNIT(a_root_with_something_in_it_is_not_fresh),
	UNIT(history_outlives_a_restart),
	UNIT(a_line_that_a_kill_cut_is_dropped),
	UNIT(names_may_be_longer_than_the_disk_holds),
	UNIT(links_lead_nowhere),
	UNIT(an_open_file_is_one_version),
	UNIT(times_are_the_emulators),
};

UNIT_MAIN("emu/store", tests)
