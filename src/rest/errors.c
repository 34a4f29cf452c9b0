/* rest/errors.c - the last 200 errors. */
#include "config.h"

#include "rest/errors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"

#include "base/banned.h"

#define ROW_BYTES ((size_t)64 << 10) /* a path is the longest of it */

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

/* One field and the tab before the next: a row is a line, a field has no tab. */
static int
add_field(struct buf *line, const char *text)
{
	int ret = 0;

	if (text == NULL || *text == '\0')
		text = "-";
	for (; *text != '\0' && ret == 0; text++)
		ret = buf_append(line, (unsigned char)*text < 0x20 ||
		    *text == 0x7f ? "?" : text, 1);
	return ret == 0 ? buf_puts(line, "\t") : ret;
}

static int
print_row(const struct error_row *row, struct buf *line)
{
	char when[CLOCK_TEXT_BYTES], status[16];
	const char *const fields[] = { when, row->op, row->subject,
		row->request, status, row->code, strerrorname_np(row->err),
		row->message, row->request_id };
	int ret = 0;

	clock_text(clock_real_ms(), when);
	(void)snprintf(status, sizeof(status), "%d", row->http_status);
	for (size_t i = 0; i < ARRAY_LEN(fields) && ret == 0; i++)
		ret = add_field(line, fields[i]);
	if (ret == 0)
		line->data[--line->len] = '\0'; /* the last tab */
	return ret;
}

void
errors_add(struct errors *e, const struct error_row *row)
{
	struct buf line;
	char *text;

	buf_init(&line, ROW_BYTES);
	text = print_row(row, &line) == 0 ? buf_take(&line) : NULL;
	buf_release(&line);
	if (text == NULL)
		return; /* the caller has logged it */
	lock_take(&e->lock);
	free(e->lines[e->next % ERRORS_KEPT]);
	e->lines[e->next % ERRORS_KEPT] = text;
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
