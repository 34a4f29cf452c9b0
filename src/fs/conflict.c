/* fs/conflict.c - an upload met another version than the one that it was to replace. */
#include "config.h"

#include "fs/conflict.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/log.h"
#include "base/text.h"

#include "base/banned.h"

#define HOST_BYTES   64 /* of a host's name in a file's */
#define SIBLINGS_MAX 9	/* of one name and time */

/* --- a name beside it ---------------------------------------------------------- */

void
conflict_name(char out[CONFLICT_NAME_BYTES], const char *name,
    const char *host, time_t time, unsigned nth)
{
	char safe[HOST_BYTES], stamp[32], number[16] = "", tail[160];
	size_t n = 0, len = strlen(name), room;
	struct tm tm;

	for (; *host != '\0' && n < sizeof(safe) - 1; host++)
		if (isalnum((unsigned char)*host) || *host == '-' ||
		    *host == '_')
			safe[n++] = *host;
		else if (*host == '.')
			break; /* the domain */
	safe[n] = '\0';
	if (gmtime_r(&time, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm) == 0)
		text_copy(stamp, sizeof(stamp), "unknown");
	if (nth > 1)
		(void)snprintf(number, sizeof(number), "-%u", nth);
	(void)snprintf(tail, sizeof(tail), ".conflict-%s-%s%s",
	    n > 0 ? safe : "host", stamp, number);
	room = CONFLICT_NAME_BYTES - 1 - strlen(tail);
	if (len > room) /* not in the middle of a character */
		for (len = room; len > 0 && (name[len] & 0xc0) == 0x80;)
			len--;
	memcpy(out, name, len);
	text_copy(out + len, CONFLICT_NAME_BYTES - len, tail);
}

/* -EEXIST: that name is taken by something else. */
static int
put_sibling(struct call *call, const struct upload *up, struct entry **out)
{
	struct backend *b = up->dir->backend;
	int ret;

	ret = b->ops->check_name != NULL ? b->ops->check_name(b, up->name) : 0;
	if (ret == 0)
		ret = upload_put(call, up, NULL, out);
	if (ret == -EEXIST && upload_is_there(call, up, out))
		ret = 0;
	return ret;
}

static int
send_beside(struct call *call, const struct upload *up, int err,
    const struct timespec *mtime, struct entry **out)
{
	char host[HOST_NAME_MAX + 1] = "", name[CONFLICT_NAME_BYTES];
	struct upload sibling = *up;
	int ret = -EEXIST;

	(void)gethostname(host, sizeof(host) - 1);
	sibling.name = name;
	for (unsigned nth = 1; ret == -EEXIST && nth <= SIBLINGS_MAX; nth++) {
		conflict_name(name, up->name, host, mtime->tv_sec, nth);
		ret = put_sibling(call, &sibling, out);
	}
	if (ret == -EEXIST || ret == -EINVAL || ret == -ENAMETOOLONG ||
	    ret == -EPERM)
		return err; /* there is no such name: it is kept here */
	if (ret < 0)
		return ret;
	log_warn("save", "%s was changed on the server; our content is beside"
	    " it as %s", up->name, name);
	text_copy(call->words, sizeof(call->words),
	    "the file was changed on the server; our content is beside it");
	return err;
}

/* --- in its place ---------------------------------------------------------------- */

static int
replace_theirs(struct call *call, const struct upload *up, int err,
    struct entry **out)
{
	struct backend *b = up->dir->backend;
	struct entry *theirs = NULL;
	int ret;

	ret = b->ops->lookup(b, call, up->dir, up->name, &theirs);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	if (theirs != NULL && theirs->kind != ENTRY_FILE) {
		entry_unref(theirs);
		return err;
	}
	ret = upload_put(call, up, theirs, out);
	if (ret == 0 && theirs != NULL)
		log_warn("save", "%s: a version of %llu bytes that another"
		    " client had put there (time %lld ms) was replaced by ours",
		    theirs->path, (unsigned long long)theirs->version.size,
		    (long long)theirs->version.mtime_ms);
	entry_unref(theirs);
	return ret;
}

int
conflict_decide(struct vfs *v, struct call *call, const struct upload *up,
    int err, const struct timespec *mtime, bool beside, struct entry **out)
{
	struct call again = call_copy(call); /* the words are those of the conflict */
	int ret = err;

	/* What is missing was of a version that is gone. */
	if (!staged_complete(up->staged))
		return err;
	switch (v->config.conflict) {
	case VFS_CONFLICT_KEEP:
		return err;
	case VFS_CONFLICT_SIBLING:
		if (!beside)
			return err;
		ret = send_beside(&again, up, err, mtime, out);
		break;
	case VFS_CONFLICT_OVERWRITE:
		ret = replace_theirs(&again, up, err, out);
		break;
	}
	if (ret != err || *out != NULL)
		memcpy(call->words, again.words, sizeof(call->words));
	return ret;
}
