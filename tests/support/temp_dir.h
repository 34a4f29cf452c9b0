/* tests/support/temp_dir.h: a directory of the test's own, mode 0700. */
#ifndef TESTS_SUPPORT_TEMP_DIR_H
#define TESTS_SUPPORT_TEMP_DIR_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"

#define TEMP_PATH_BYTES 256

struct temp_dir {
	char path[64];
	char file[TEMP_PATH_BYTES]; /* of the last temp_path */
};

static inline void
temp_dir_make(struct temp_dir *t)
{
	*t = (struct temp_dir){ .path = "/tmp/brickfs-unit.XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(t->path));
}

static inline void
temp_dir_remove(struct temp_dir *t)
{
	ck_assert_int_eq(io_remove_tree(t->path), 0);
}

/* A path in it; valid until the next call. */
static inline const char *
temp_path(struct temp_dir *t, const char *name)
{
	snprintf(t->file, sizeof t->file, "%s/%s", t->path, name);
	return t->file;
}

#endif
