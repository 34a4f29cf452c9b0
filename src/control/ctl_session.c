/* control/ctl_session.c - an open file of the control tree. */
#include "config.h"

#include "control/ctl_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/ctl_tree.h"
#include "rest/errors.h"

#include "base/banned.h"

#define SHOWN_MAX   ((size_t)64 << 20) /* bytes of a text that is made whole */
#define WRITTEN_MAX ((size_t)64 << 10) /* bytes of one value */

struct ctl_session {
	const struct ctl *ctl; /* all set once, by open */
	char *path;
	struct ctl_place place; /* without a call */
	struct ctl_stream stream;
	struct buf shown;
	bool writable;

	struct lock lock;
	struct buf written; /* with lock: of the value that is not complete */
	bool acted; /* with lock: on the last value */
};

/* A failure that no service has reported, for .control/errors. */
static void
note_error(
    const struct ctl_session *s, const char *op, int err, const char *message)
{
	char subject[512];
	const struct error_row row = {
		.op = op,
		.request = "-",
		.subject = subject,
		.code = "",
		.message = message,
		.request_id = "",
		.err = err,
	};

	(void)snprintf(subject, sizeof(subject), ".control/%s", s->path);
	errors_add(s->ctl->errors, &row);
}

/* The place, as the caller of now sees it. */
static struct ctl_at
at_now(const struct ctl_session *s, struct call *call)
{
	struct ctl_at at = s->place.at;

	at.call = call;
	return at;
}

static int
make_content(struct ctl_session *s, struct call *call)
{
	const struct ctl_row *row = s->place.row;
	struct ctl_at at = at_now(s, call);

	if (row->open != NULL)
		return row->open(&at, &s->stream);
	if (row->show != NULL)
		return row->show(&at, &s->shown);
	return -EACCES;
}

int
ctl_session_open(const struct ctl *ctl, struct call *call, const char *path,
    int flags, struct ctl_session **out)
{
	struct ctl_session *s = calloc(1, sizeof(*s));
	int mode = flags & O_ACCMODE;
	int ret;

	if (s == NULL)
		return -ENOMEM;
	s->ctl = ctl;
	s->writable = mode != O_RDONLY;
	buf_init(&s->shown, SHOWN_MAX);
	buf_init(&s->written, WRITTEN_MAX);
	lock_init(&s->lock, "control session");
	s->path = text_dup(path);
	ret = s->path != NULL ? 0 : -ENOMEM;
	if (ret == 0)
		ret = ctl_tree_find(ctl, call, path, &s->place);
	if (ret == 0 && s->place.row == NULL)
		ret = -EISDIR;
	if (ret == 0 && s->writable && s->place.row->store == NULL)
		ret = -EACCES;
	if (ret == 0 && mode != O_WRONLY)
		ret = make_content(s, call);
	if (ret < 0) {
		ctl_session_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
ctl_session_close(struct ctl_session *s)
{
	if (s == NULL)
		return;
	if (s->written.len > 0)
		note_error(s, "write", EINVAL,
		    "the value that was written has"
		    " no end (a newline); nothing was done");
	if (s->stream.close != NULL)
		s->stream.close(s->stream.ctx);
	buf_release(&s->shown);
	buf_release(&s->written);
	lock_release(&s->lock);
	free(s->path);
	free(s);
}

ssize_t
ctl_session_read(struct ctl_session *s, struct call *call, uint64_t off,
    void *dst, size_t len)
{
	if (s->stream.read != NULL)
		return s->stream.read(s->stream.ctx, call, off, dst, len);
	if (off >= s->shown.len)
		return 0;
	if (len > s->shown.len - off)
		len = s->shown.len - (size_t)off;
	memcpy(dst, s->shown.data + off, len);
	return (ssize_t)len;
}

/* --- writing -------------------------------------------------------------------------- */

/* The newline of a value that came without one, and acted already, is no value.  Any
 * other empty one is a mistake: who writes it must not believe that it did something. */
static bool
is_rest(struct ctl_session *s, const char *value)
{
	bool acted;

	lock_take(&s->lock);
	acted = s->acted;
	lock_drop(&s->lock);
	return acted && *value == '\0';
}

/* Does one action. */
static int
act(struct ctl_session *s, struct call *call, const char *value)
{
	const char *wanted = ctl_tree_value(&s->place);
	struct ctl_at at = at_now(s, call);
	int ret;

	if (is_rest(s, value))
		return 0;
	if (*value == '\0' || (wanted != NULL && strcmp(value, wanted) != 0)) {
		if (wanted != NULL)
			(void)snprintf(call->words, sizeof(call->words),
			    "this file takes the value %s only", wanted);
		else
			text_copy(call->words, sizeof(call->words),
			    "there is no value in what was written");
		note_error(s, "write", EINVAL, call->words);
		return -EINVAL;
	}
	log_info("control", "%s is written", s->path);
	ret = s->place.row->store(&at, value);
	if (ret < 0 && ret != -EINTR)
		note_error(s, "write", -ret,
		    call->words[0] != '\0' ? call->words : strerror(-ret));
	return ret;
}

/* Takes the first complete value off what is written; NULL when there is none. */
static char *
take_value_locked(struct ctl_session *s) REQUIRES(s->lock)
{
	const char *wanted = ctl_tree_value(&s->place);
	const char *text = buf_text(&s->written);
	size_t len = strcspn(text, "\n");
	size_t used = len + (len < s->written.len);
	char *value;

	if (s->written.len == 0 ||
	    (used == len && (wanted == NULL || strcmp(text, wanted) != 0)))
		return NULL;
	value = strndup(text, len);
	if (value == NULL)
		return NULL; /* it waits for the next write, or the close */
	memmove(
	    s->written.data, s->written.data + used, s->written.len - used + 1);
	s->written.len -= used;
	return value;
}

ssize_t
ctl_session_write(
    struct ctl_session *s, struct call *call, const void *src, size_t len)
{
	int ret;

	if (memchr(src, '\0', len) != NULL)
		return -EINVAL;
	lock_take(&s->lock);
	ret = buf_append(&s->written, src, len);
	lock_drop(&s->lock);
	while (ret == 0) {
		char *value;

		lock_take(&s->lock);
		value = take_value_locked(s);
		lock_drop(&s->lock);
		if (value == NULL)
			return (ssize_t)len;
		ret = act(s, call, value);
		free(value);
		lock_take(&s->lock);
		s->acted = ret == 0;
		lock_drop(&s->lock);
	}
	/* What follows a failed value is dropped: the writer is told that this
	 * write did not happen. */
	lock_take(&s->lock);
	buf_clear(&s->written);
	lock_drop(&s->lock);
	return ret;
}
