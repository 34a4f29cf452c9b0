/* base/log.h: log lines with a level and a tag.
 *
 * One line a message; control bytes in what is printed are replaced, so that
 * text from a server cannot forge a line.  Nobody logs a token or the content of
 * a file.  Any thread may log. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_target {
	LOG_TO_STDERR, /* "brickfs: tag: text", with "<3>"-style prefixes under a
		     * journal (JOURNAL_STREAM is set) */
	LOG_TO_SYSLOG,
	LOG_TO_FILE, /* time, level, tag, text */
};

/* Before the first thread starts.  program is kept.  file is for LOG_TO_FILE and
 * stays open; otherwise -1. */
void log_open(const char *program, enum log_target target, int file);

/* From now on to syslog, and not to stderr, which is about to be closed.  Any
 * thread, at any time. */
void log_to_syslog(void);

void log_set_level(enum log_level level);
bool log_shows(enum log_level level);

void log_line(enum log_level level, const char *tag, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#define log_error(tag, ...) log_line(LOG_LEVEL_ERROR, tag, __VA_ARGS__)
#define log_warn(tag, ...)  log_line(LOG_LEVEL_WARN, tag, __VA_ARGS__)
#define log_info(tag, ...)  log_line(LOG_LEVEL_INFO, tag, __VA_ARGS__)
#define log_debug(tag, ...) \
	do { \
		if (log_shows(LOG_LEVEL_DEBUG)) \
			log_line(LOG_LEVEL_DEBUG, tag, __VA_ARGS__); \
	} while (0)

#endif
