/* base/log.c - log lines with a level and a tag.
 *
 * The level and the target are the only global state: every layer logs, and a
 * logger passed through each call would be noise. */
#include "config.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"

#include "base/banned.h"

#define LINE_BYTES 2048

static const char *log_program = "brickfs";
static _Atomic int log_target = LOG_TO_STDERR;
static int log_file = -1;
static bool under_journal;
static _Atomic int log_level = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARN] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

void
log_open(const char *program, enum log_target target, int file)
{
	log_program = program;
	log_file = file;
	under_journal = getenv("JOURNAL_STREAM") != NULL;
	if (target == LOG_TO_SYSLOG)
		log_to_syslog();
	else
		atomic_store(&log_target, (int)target);
}

void
log_to_syslog(void)
{
	openlog(log_program, LOG_PID, LOG_DAEMON);
	atomic_store(&log_target, (int)LOG_TO_SYSLOG);
}

void
log_set_level(enum log_level level)
{
	atomic_store(&log_level, (int)level);
}

bool
log_shows(enum log_level level)
{
	return (int)level <= atomic_load(&log_level);
}

static void
write_line(int fd, const char *line)
{
	char out[LINE_BYTES + 160];
	int len;

	len = snprintf(out, sizeof(out), "%s\n", line);
	if (len > 0 && write(fd, out, (size_t)len) < 0)
		return; /* nowhere left to complain to */
}

void
log_line(enum log_level level, const char *tag, const char *fmt, ...)
{
	char text[LINE_BYTES], line[LINE_BYTES + 128], when[CLOCK_TEXT_BYTES];
	va_list ap;

	if (!log_shows(level))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';

	switch ((enum log_target)atomic_load(&log_target)) {
	case LOG_TO_SYSLOG:
		syslog(levels[level].priority, "%s: %s", tag, text);
		return;
	case LOG_TO_FILE:
		clock_text(clock_real_ms(), when);
		(void)snprintf(line, sizeof(line), "%s %s %s: %s", when,
		    levels[level].name, tag, text);
		write_line(log_file, line);
		return;
	case LOG_TO_STDERR:
		if (under_journal)
			(void)snprintf(line, sizeof(line), "<%d>%s: %s",
			    levels[level].priority, tag, text);
		else
			(void)snprintf(line, sizeof(line), "%s: %s: %s",
			    log_program, tag, text);
		write_line(STDERR_FILENO, line);
		return;
	}
}
