/* emu/why.h: one line about why the program cannot start. */
#ifndef EMU_WHY_H
#define EMU_WHY_H

#include "base/attr.h"

struct why {
	char text[512];
};

/* Returns err, so that a failing function can end with it. */
int why_set(struct why *why, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
