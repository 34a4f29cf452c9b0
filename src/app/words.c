/* app/words.c - the one line that says why a mount cannot be made. */
#include "config.h"

#include "app/words.h"

#include "base/log.h"

#include "base/banned.h"

int
words_say(struct buf *words, int err, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = buf_vprintf(words, fmt, ap);
	va_end(ap);
	return ret < 0 ? ret : err;
}

void
words_keep_quiet(bool quiet)
{
	if (!log_shows(LOG_LEVEL_DEBUG))
		log_set_level(quiet ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO);
}
