/* emu/seed.h: content for a new, empty workspace. */
#ifndef EMU_SEED_H
#define EMU_SEED_H

#include "base/attr.h"

#include "emu/store.h"

struct emu;

/* A README, tables, a nested tree, a binary file.  0 or -errno. */
int seed_dbfs(struct store *s) WARN_UNUSED;

/* Notebooks of each language, one of them Jupyter's, and files. */
int seed_workspace(struct emu *emu) WARN_UNUSED;

#endif
