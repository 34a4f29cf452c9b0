/* emu/timeline.c - real time plus an offset. */
#include "config.h"

#include "emu/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"

#include "base/banned.h"

#define OFFSET_TEXT 32

int64_t
timeline_now_ms(struct timeline *t)
{
	return clock_real_ms() + atomic_load(&t->offset_ms);
}

struct timespec
timeline_now(struct timeline *t)
{
	struct timespec ts = clock_real();
	int64_t offset_ms = atomic_load(&t->offset_ms);
	int64_t ns = ts.tv_nsec + offset_ms % 1000 * 1000000;

	ts.tv_sec += (time_t)(offset_ms / 1000);
	if (ns < 0) {
		ns += 1000000000;
		ts.tv_sec--;
	} else if (ns >= 1000000000) {
		ns -= 1000000000;
		ts.tv_sec++;
	}
	ts.tv_nsec = (long)ns;
	return ts;
}

void
timeline_http(int64_t ms, char out[TIMELINE_HTTP_BYTES])
{
	time_t sec = (time_t)(ms / 1000);
	struct tm tm;

	if (gmtime_r(&sec, &tm) == NULL ||
	    strftime(out, TIMELINE_HTTP_BYTES, "%a, %d %b %Y %H:%M:%S GMT",
		&tm) == 0)
		out[0] = '\0';
}

int
timeline_set_offset(struct timeline *t, int64_t offset_ms)
{
	if (offset_ms > TIMELINE_MAX_MS || offset_ms < -TIMELINE_MAX_MS)
		return -EINVAL;
	atomic_store(&t->offset_ms, offset_ms);
	return 0;
}

int64_t
timeline_offset(struct timeline *t)
{
	return atomic_load(&t->offset_ms);
}

void
timeline_load(struct timeline *t, const char *state_dir)
{
	char *path = text_printf("%s/clock", state_dir);
	struct buf text;
	int64_t offset_ms;

	buf_init(&text, OFFSET_TEXT);
	/* Missing in a new state; anything else that is wrong is no offset. */
	if (path != NULL && io_read_file(path, &text) == 0 &&
	    text_i64(buf_text(&text), &offset_ms) == 0)
		(void)timeline_set_offset(t, offset_ms);
	buf_release(&text);
	free(path);
}

int
timeline_save(struct timeline *t, const char *state_dir)
{
	char *path = text_printf("%s/clock", state_dir), text[OFFSET_TEXT];
	int ret;

	if (path == NULL)
		return -ENOMEM;
	(void)snprintf(text, sizeof(text), "%" PRId64, timeline_offset(t));
	ret = io_write_file(path, text, strlen(text), 0600);
	free(path);
	return ret;
}
