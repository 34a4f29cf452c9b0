/* ns/ns: which backend a name belongs to. */
#include <errno.h>
#include <string.h>

#include "ns/ns.h"
#include "tests/support/fake.h"
#include "tests/support/unit.h"

struct names {
	char text[256];
	int stop_after;
	int seen;
};

static int
each(void *ctx, struct entry *e)
{
	struct names *n = ctx;
	size_t len = strlen(n->text);

	snprintf(n->text + len, sizeof n->text - len, "%s ", e->name);
	return ++n->seen == n->stop_after ? -EBUSY : 0;
}

static struct call call = { .op = "test" };

static void
expect_list(struct ns *ns, const struct entry *dir, const char *want)
{
	struct names n = { "", 0, 0 };

	ck_assert_int_eq(ns_list(ns, &call, dir, each, &n), 0);
	ck_assert_str_eq(n.text, want);
}

static struct entry *
control_entry(struct fake *f)
{
	return entry_new(&f->backend, "control", ENTRY_DIR, "/", ".control",
	    NULL);
}

START_TEST(a_mount_of_everything_shows_the_trees)
{
	struct fake dbfs, control;
	struct ns *ns;
	struct entry *e, *sub, *other;

	fake_init(&dbfs);
	fake_init(&control);
	fake_set_text(&dbfs, "/a", "text");

	struct ns_tree trees[] = { { "dbfs", fake_root(&dbfs) },
		{ "Volumes", NULL } };
	struct ns_config config = { .trees = trees, .n_trees = 2,
		.control = control_entry(&control), .control_listed = true };

	ck_assert_int_eq(ns_new(&config, &ns), 0);
	entry_unref(trees[0].root);
	entry_unref(config.control);
	expect_list(ns, ns_root(ns), "dbfs Volumes .control ");

	ck_assert_int_eq(ns_lookup(ns, &call, ns_root(ns), "dbfs", &e), 0);
	ck_assert_ptr_eq(e->backend, &dbfs.backend);
	ck_assert_str_eq(e->path, "/");
	ck_assert_str_eq(e->name, "dbfs");
	expect_list(ns, e, "a ");
	ck_assert_int_eq(ns_lookup(ns, &call, e, "a", &sub), 0);
	ck_assert_int_eq(sub->kind, ENTRY_FILE);
	ck_assert_int_eq(ns_refresh(ns, &call, sub, &other), 0);
	ck_assert_uint_eq(other->version.size, 4);
	entry_unref(other);
	entry_unref(sub);
	/* .control is at the root alone. */
	ck_assert_int_eq(ns_lookup(ns, &call, e, ".control", &sub), -ENOENT);
	entry_unref(e);
	ck_assert_int_eq(ns_lookup(ns, &call, ns_root(ns), ".control", &e), 0);
	ck_assert_ptr_eq(e->backend, &control.backend);
	entry_unref(e);

	/* A tree that the workspace does not offer is an empty directory. */
	ck_assert_int_eq(ns_lookup(ns, &call, ns_root(ns), "Volumes", &e), 0);
	ck_assert_int_eq(e->kind, ENTRY_DIR);
	expect_list(ns, e, "");
	ck_assert_int_eq(ns_lookup(ns, &call, e, "dbfs", &sub), -ENOENT);
	ck_assert_int_eq(ns_refresh(ns, &call, e, &other), 0);
	entry_unref(other);
	entry_unref(e);
	ck_assert_int_eq(ns_lookup(ns, &call, ns_root(ns), "x", &e), -ENOENT);

	/* The root cannot be changed. */
	ck_assert_ptr_null(ns_root(ns)->backend->ops->put);
	ck_assert_ptr_null(ns_root(ns)->backend->ops->mkdir);
	ns_free(ns);
	fake_release(&dbfs);
	fake_release(&control);
}
END_TEST

static const struct {
	bool listed;
	const char *want;
} part_rows[] = {
	{ false, "a " },
	{ true, "a .control " },
};

START_TEST(a_mount_of_a_part_answers_control_whether_listed_or_not)
{
	struct fake dbfs, control;
	struct entry *e, *sub;
	struct ns *ns;

	fake_init(&dbfs);
	fake_init(&control);
	fake_mkdir(&dbfs, "/top");
	fake_mkdir(&dbfs, "/top/a");

	struct ns_config config = { .control = control_entry(&control),
		.control_listed = part_rows[_i].listed };

	config.source = entry_new(&dbfs.backend, "dbfs", ENTRY_DIR, "/top", "",
	    NULL);
	ck_assert_int_eq(ns_new(&config, &ns), 0);
	entry_unref(config.source);
	entry_unref(config.control);
	expect_list(ns, ns_root(ns), part_rows[_i].want);
	ck_assert_int_eq(ns_lookup(ns, &call, ns_root(ns), ".control", &e), 0);
	ck_assert_ptr_eq(e->backend, &control.backend);
	entry_unref(e);
	ck_assert_int_eq(ns_lookup(ns, &call, ns_root(ns), "a", &e), 0);
	ck_assert_int_eq(ns_lookup(ns, &call, e, ".control", &sub), -ENOENT);
	expect_list(ns, e, "");
	entry_unref(e);
	ns_free(ns);
	fake_release(&dbfs);
	fake_release(&control);
}
END_TEST

START_TEST(a_listing_ends_when_its_reader_says_so)
{
	struct fake control;
	struct names n = { "", 1, 0 };
	struct ns_tree trees[] = { { "dbfs", NULL }, { "Volumes", NULL } };
	struct ns_config config = { .trees = trees, .n_trees = 2,
		.control_listed = true };
	struct ns *ns;

	fake_init(&control);
	config.control = control_entry(&control);
	ck_assert_int_eq(ns_new(&config, &ns), 0);
	entry_unref(config.control);
	ck_assert_int_eq(ns_list(ns, &call, ns_root(ns), each, &n), -EBUSY);
	ck_assert_str_eq(n.text, "dbfs ");
	ns_free(ns);
	fake_release(&control);
}
END_TEST

START_TEST(without_control_there_is_none)
{
	struct ns_config config = { .n_trees = 0 };
	struct entry *e;
	struct ns *ns;

	ck_assert_int_eq(ns_new(&config, &ns), 0);
	ck_assert_int_eq(ns_lookup(ns, &call, ns_root(ns), ".control", &e),
	    -ENOENT);
	expect_list(ns, ns_root(ns), "");
	ns_free(ns);
	ns_free(NULL);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT(a_mount_of_everything_shows_the_trees),
	UNIT_ROWS(a_mount_of_a_part_answers_control_whether_listed_or_not,
	    part_rows),
	UNIT(a_listing_ends_when_its_reader_says_so),
	UNIT(without_control_there_is_none),
};

UNIT_MAIN("ns", tests)
