/* rest/errors.c - the last 200 errors. */
#include "config.h"

#include "rest/errors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"

#include "base/banned.h"

struct errors {
	struct lock lock;
	char *lines[ERRORS_KEPT]; /* with lock, as next */
	size_t next;
};

int
errors_new(struct errors **out)
{
	struct errors *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	lock_init(&e->lock, "errors");
	*out = e;
	return 0;
}

void
errors_free(struct errors *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < ERRORS_KEPT; i++)
		free(e->lines[i]);
	lock_release(&e->lock);
	free(e);
}

void
errors_add(struct errors *e, const struct error_row *row)
{
	char when[CLOCK_TEXT_BYTES];
	char *line;

	clock_text(clock_real_ms(), when);
	line = text_printf("%s\x1f%s\x1f%s\x1f%s\x1f%d\x1f%s\x1f%s\x1f%s\x1f%s",
	    when, row->op != NULL ? row->op : "-", row->subject, row->request,
	    row->http_status, row->code[0] != '\0' ? row->code : "-",
	    strerrorname_np(row->err) != NULL ? strerrorname_np(row->err) : "?",
	    row->message, row->request_id[0] != '\0' ? row->request_id : "-");
	if (line == NULL)
		return;
	for (char *p = line; *p != '\0'; p++) {
		if (*p == '\x1f')
			*p = '\t';
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	lock_take(&e->lock);
	free(e->lines[e->next % ERRORS_KEPT]);
	e->lines[e->next % ERRORS_KEPT] = line;
	e->next++;
	lock_drop(&e->lock);
}

int
errors_print(struct errors *e, struct buf *out)
{
	int ret;

	ret = buf_puts(out, "# time\toperation\tpath\trequest\tstatus\tcode\t"
	    "errno\tmessage\trequest id\n");
	lock_take(&e->lock);
	for (size_t i = 0; i < ERRORS_KEPT && ret == 0; i++) {
		const char *line = e->lines[(e->next + i) % ERRORS_KEPT];

		if (line != NULL)
			ret = buf_printf(out, "%s\n", line);
	}
	lock_drop(&e->lock);
	return ret;
}
