/* fs/scratch: names of temporary files that programs make beside the real one. */
#include <fcntl.h>

#include "fs/scratch.h"
#include "tests/support/unit.h"

static const struct {
	const char *name;
	enum scratch want;
} name_rows[] = {
	/* vim, emacs, LibreOffice, NFS: never sent. */
	{ ".notes.txt.swp", SCRATCH_NEVER },
	{ ".notes.txt.swo", SCRATCH_NEVER },
	{ ".notes.txt.swpx", SCRATCH_NEVER },
	{ ".swp", SCRATCH_NEVER },
	{ "4913", SCRATCH_NEVER },
	{ ".#notes.txt", SCRATCH_NEVER },
	{ ".~lock.report.odt#", SCRATCH_NEVER },
	{ ".nfs000000000012", SCRATCH_NEVER },
	/* Sent when they stay. */
	{ "notes.txt~", SCRATCH_LATER },
	{ "notes.txt.~1~", SCRATCH_LATER },
	{ "#notes.txt#", SCRATCH_LATER },
	{ ".~notes", SCRATCH_LATER },
	{ ".goutputstream-A1B2C3", SCRATCH_LATER },
	{ "sedAbC123", SCRATCH_LATER },
	{ ".DS_Store", SCRATCH_LATER },
	{ "._notes.txt", SCRATCH_LATER },
	/* A user's own. */
	{ "notes.txt", SCRATCH_NO },
	{ "a.swp", SCRATCH_NO },
	{ ".a.sw", SCRATCH_NO },
	{ ".a.swpy", SCRATCH_NO },
	{ "49130", SCRATCH_NO },
	{ "sed", SCRATCH_NO },
	{ "sedAbC12", SCRATCH_NO },
	{ "sedAbC1234", SCRATCH_NO },
	{ "sedAbC-12", SCRATCH_NO },
	{ "usedAbC12", SCRATCH_NO },
	{ "#notes", SCRATCH_NO },
	{ "#", SCRATCH_NO },
	{ "~notes", SCRATCH_NO },
	{ ".notes.txt.a1B2c3", SCRATCH_NO },
	{ ".gitignore", SCRATCH_NO },
	{ ".", SCRATCH_NO },
};

START_TEST(a_name_is_of_its_class)
{
	ck_assert_int_eq(scratch_of_name(name_rows[_i].name),
	    name_rows[_i].want);
}
END_TEST

static const struct {
	const char *name;
	int flags;
	mode_t mode;
	enum scratch want;
} created_rows[] = {
	{ ".notes.txt.a1B2c3", O_CREAT | O_EXCL | O_RDWR, 0600, SCRATCH_LATER },
	{ ".notes.txt.a1B2c3", O_CREAT | O_RDWR, 0600, SCRATCH_NO },
	{ ".notes.txt.a1B2c3", O_CREAT | O_EXCL | O_RDWR, 0644, SCRATCH_NO },
	{ ".notes.txt.a1B2c", O_CREAT | O_EXCL, 0600, SCRATCH_NO },
	{ ".notes.txt.a1B2c34", O_CREAT | O_EXCL, 0600, SCRATCH_NO },
	{ ".notes.txt.a1B2-3", O_CREAT | O_EXCL, 0600, SCRATCH_NO },
	{ "notes.txt.a1B2c3", O_CREAT | O_EXCL, 0600, SCRATCH_NO },
	{ "..a1B2c3", O_CREAT | O_EXCL, 0600, SCRATCH_NO },
	{ ".x.a1B2c3", O_CREAT | O_EXCL, 0600, SCRATCH_LATER },
	{ "XXa1B2c3", O_CREAT | O_EXCL | O_RDWR, 0600, SCRATCH_LATER },
	{ "XXa1B2c3", O_CREAT | O_RDWR, 0600, SCRATCH_NO },
	{ "XXa1B2c3", O_CREAT | O_EXCL | O_RDWR, 0644, SCRATCH_NO },
	{ "XXa1B2c", O_CREAT | O_EXCL, 0600, SCRATCH_NO },
	{ "XYa1B2c3", O_CREAT | O_EXCL, 0600, SCRATCH_NO },
	{ "notes.txt~", O_CREAT, 0644, SCRATCH_LATER },
	{ ".a.swp", O_CREAT | O_EXCL, 0600, SCRATCH_NEVER },
};

START_TEST(some_are_told_by_how_they_are_created)
{
	ck_assert_int_eq(scratch_of_created(created_rows[_i].name,
	    created_rows[_i].flags, created_rows[_i].mode),
	    created_rows[_i].want);
}
END_TEST

static const struct unit_test tests[] = {
	UNIT_ROWS(a_name_is_of_its_class, name_rows),
	UNIT_ROWS(some_are_told_by_how_they_are_created, created_rows),
};

UNIT_MAIN("scratch", tests)
