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
#define NUMBER_BYTES ((size_t)16)

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

/* As strerrorname_np has it, which is younger than the C libraries that come with
 * the libfuse that we ask for. */
static const char *
name_of(int err, char number[static NUMBER_BYTES])
{
#define ROW(name) { name, #name }
	static const struct {
		int err;
		const char *name;
	} rows[] = {
		ROW(EACCES), ROW(EAGAIN), ROW(EBADMSG), ROW(EBUSY),
		ROW(ECONNREFUSED), ROW(ECONNRESET), ROW(EDQUOT), ROW(EEXIST),
		ROW(EFBIG), ROW(EHOSTUNREACH), ROW(EINTR), ROW(EINVAL),
		ROW(EIO), ROW(EISDIR), ROW(ELOOP), ROW(EMFILE),
		ROW(ENAMETOOLONG), ROW(ENETDOWN), ROW(ENETUNREACH), ROW(ENFILE),
		ROW(ENODATA), ROW(ENOENT), ROW(ENOMEM), ROW(ENOSPC),
		ROW(ENOSYS), ROW(ENOTDIR), ROW(ENOTEMPTY), ROW(EOPNOTSUPP),
		ROW(EPERM), ROW(EPIPE), ROW(EPROTO), ROW(EPROTONOSUPPORT),
		ROW(ERANGE), ROW(EROFS), ROW(ESTALE), ROW(ETIMEDOUT),
		ROW(EXDEV),
	};
#undef ROW

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].err == err)
			return rows[i].name;
	}
	(void)snprintf(number, NUMBER_BYTES, "%d", err);
	return number;
}

static int
print_row(const struct error_row *row, struct buf *line)
{
	char when[CLOCK_TEXT_BYTES], status[NUMBER_BYTES], number[NUMBER_BYTES];
	const char *const fields[] = { when, row->op, row->subject,
		row->request, status, row->code, name_of(row->err, number),
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
