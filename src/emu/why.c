/* emu/why.c - one line about why the program cannot start. */
#include "config.h"

#include "emu/why.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

int
why_set(struct why *why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return err;
}
