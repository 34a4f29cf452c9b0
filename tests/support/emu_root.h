/* tests/support/emu_root.h: a root directory for parts of the emulator. */
#ifndef TESTS_SUPPORT_EMU_ROOT_H
#define TESTS_SUPPORT_EMU_ROOT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "emu/place.h"
#include "emu/settings.h"
#include "emu/store.h"
#include "emu/timeline.h"

/* Everything that a store needs, in a directory that emu_root_remove removes. */
struct emu_root {
	char dir[64];
	struct settings settings;
	struct timeline timeline;
	struct place *place;
	struct store *store;
};

static inline void
emu_root_open(struct emu_root *r)
{
	struct why why;

	ck_assert_int_eq(place_open(r->dir, &r->place, &why), 0);
	ck_assert_int_eq(
	    store_open(r->place, &r->timeline, "dbfs", NULL, &r->store), 0);
}

static inline void
emu_root_make(struct emu_root *r)
{
	*r = (struct emu_root){ .dir = "/tmp/brickfs-unit.XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	settings_init(&r->settings);
	emu_root_open(r);
}

static inline void
emu_root_close(struct emu_root *r)
{
	store_close(r->store);
	place_close(r->place);
	r->store = NULL;
	r->place = NULL;
}

/* As after a kill and a new start. */
static inline void
emu_root_restart(struct emu_root *r)
{
	emu_root_close(r);
	emu_root_open(r);
}

static inline void
emu_root_remove(struct emu_root *r)
{
	emu_root_close(r);
	ck_assert_int_eq(io_remove_tree(r->dir), 0);
}

static inline void
emu_root_put(struct emu_root *r, const char *path, const char *text)
{
	ck_assert_int_eq(
	    store_put(r->store, path, text, strlen(text), HISTORY_PUT, "req"),
	    0);
}

#endif
