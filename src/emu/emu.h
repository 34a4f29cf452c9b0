/* emu/emu.h: the parts of a running emulator.
 *
 * Set up by main before the first connection, taken down after the last; the
 * pointers never change in between.  Each part locks itself. */
#ifndef EMU_EMU_H
#define EMU_EMU_H

#include <locale.h>

#include "emu/contents.h"
#include "emu/faults.h"
#include "emu/flags.h"
#include "emu/halt.h"
#include "emu/place.h"
#include "emu/settings.h"
#include "emu/shaper.h"
#include "emu/store.h"
#include "emu/streams.h"
#include "emu/tally.h"
#include "emu/timeline.h"
#include "emu/tokens.h"

/* The workspace that the emulator is. */
#define EMU_WORKSPACE_ID "900800700600"
#define EMU_USER         "me@example.com"

struct emu {
	struct flags flags;
	struct settings settings;
	struct timeline timeline;
	struct halt *halt;
	struct place *place;
	struct store *dbfs;
	struct store_owner workspace_owner;
	struct store *workspace;
	locale_t utf8; /* (locale_t)0 where the machine has none */
	struct streams *streams;
	struct tokens *tokens;
	struct shaper *shaper;
	struct tally *tally;
	struct contents *contents;
	struct faults *faults;
	struct door *door; /* of the server; NULL before it starts */
	const char *scheme; /* "http" or "https" */
};

#endif
