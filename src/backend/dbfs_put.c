/* backend/dbfs_put.c - uploads to DBFS. */
#include "config.h"

#include "backend/dbfs_put.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/dbfs_move.h"
#include "backend/hidden.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/journal.h"
#include "rest/api_dbfs.h"
#include "rest/rest.h"

#include "base/banned.h"

struct upload {
	struct rest *rest;
	struct call *call;
	const char *path; /* that the content is for */
	const struct put *put;
	bool verify_read;
};

static void
say(struct call *call, const char *text)
{
	if (call->words[0] == '\0')
		text_copy(call->words, sizeof(call->words), text);
}

/* Exactly len bytes of the content, or the reason why not. */
static int
read_content(void *ctx, uint64_t off, void *dst, size_t len)
{
	struct upload *u = ctx;
	ssize_t n;

	n = u->put->content.read(u->put->content.ctx, u->call, off, dst, len);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EIO;
}

/* Which of our uploads a version came from, until the service shows its time. */
static uint64_t
next_generation(void)
{
	static _Atomic uint64_t last;

	return atomic_fetch_add(&last, 1) + 1;
}

/* --- checks ------------------------------------------------------------------- */

/* Adds what the service has and what was sent, piece by piece. */
static int
sum_up(struct upload *u, const char *path, struct digest_sum *theirs,
    struct digest_sum *ours)
{
	char *block = malloc(API_DBFS_READ_MAX);
	uint64_t off = 0;
	int ret = block != NULL ? 0 : -ENOMEM;

	while (ret == 0 && off < u->put->size) {
		size_t len = u->put->size - off < API_DBFS_READ_MAX ?
		    (size_t)(u->put->size - off) : API_DBFS_READ_MAX;
		ssize_t n = api_dbfs_read(u->rest, u->call, path, off, block,
		    len);

		if (n < 0) {
			ret = (int)n;
			break;
		}
		digest_sum_add(theirs, block, (size_t)n);
		ret = read_content(u, off, block, len);
		if (ret == 0)
			digest_sum_add(ours, block, len);
		off += len;
	}
	free(block);
	return ret;
}

static int
check_bytes(struct upload *u, const char *path)
{
	struct digest_sum *theirs = digest_sum_new(), *ours = digest_sum_new();
	char has[DIGEST_SHA256_HEX] = "", sent[DIGEST_SHA256_HEX] = "";
	int ret;

	ret = theirs != NULL && ours != NULL ?
	    sum_up(u, path, theirs, ours) : -ENOMEM;
	digest_sum_end(theirs, has);
	digest_sum_end(ours, sent);
	if (ret < 0 || strcmp(has, sent) == 0)
		return ret;
	log_error("dbfs", "%s: the server has bytes of SHA-256 %s, and %s was"
	    " sent", path, has, sent);
	say(u->call, "the server has other bytes than were sent");
	return -EIO;
}

/* Asks the service what it has now. */
static int
check(struct upload *u, const char *path, struct version *out)
{
	struct api_dbfs_info info;
	int ret;

	ret = api_dbfs_get_status(u->rest, u->call, path, &info);
	if (ret < 0)
		return ret == -ENOENT ? -EIO : ret;
	if (info.is_dir || info.size != u->put->size) {
		say(u->call, "the server has another size than was sent");
		return -EIO; /* or another client's file, which must stay */
	}
	*out = (struct version){ .mtime_ms = info.mtime_ms, .size = info.size };
	return u->verify_read ? check_bytes(u, path) : 0;
}

/* --- one request ------------------------------------------------------------ */

static int
put_whole(struct upload *u, const char *path, struct version *out)
{
	struct rest_body body = { u->put->size, read_content, u };
	int64_t server_ms = 0;
	int ret;

	ret = api_dbfs_put(u->rest, u->call, path, &body, u->put->old != NULL,
	    &server_ms);
	if (ret < 0)
		return ret;
	if (u->put->size > API_DBFS_BLOCK_MAX || u->verify_read)
		return check(u, path, out);
	*out = (struct version){
		.mtime_ms = server_ms != 0 ? server_ms : clock_real_ms(),
		.size = u->put->size,
		.gen = next_generation(),
	};
	return 0;
}

/* --- blocks ------------------------------------------------------------------ */

static int
send_blocks(struct upload *u, const struct api_dbfs_stream *stream)
{
	char *block = malloc(API_DBFS_BLOCK_MAX);
	uint64_t off = 0;
	int ret = block != NULL ? 0 : -ENOMEM;

	while (ret == 0 && off < u->put->size) {
		size_t len = u->put->size - off < API_DBFS_BLOCK_MAX ?
		    (size_t)(u->put->size - off) : API_DBFS_BLOCK_MAX;

		ret = read_content(u, off, block, len);
		if (ret == 0)
			ret = api_dbfs_add_block(u->rest, u->call, stream,
			    block, len);
		off += len;
	}
	free(block);
	return ret;
}

/* A second close says that there is no such stream, and so does one whose first
 * answer was lost: the size decides. */
static int
put_blocks(struct upload *u, const char *path, bool overwrite,
    struct version *out)
{
	struct api_dbfs_stream stream;
	int ret;

	ret = api_dbfs_create(u->rest, u->call, path, overwrite, &stream);
	stream.subject = u->path;
	if (ret == 0)
		ret = send_blocks(u, &stream);
	if (ret < 0)
		return ret;
	ret = api_dbfs_close(u->rest, u->call, &stream);
	if (ret == -EINTR)
		return ret;
	return check(u, path, out) == 0 ? 0 : ret < 0 ? ret : -EIO;
}

static int
remove_sibling(struct upload *u, const char *sibling)
{
	struct call again = call_copy(u->call); /* the words are those of the failure */
	int ret = api_dbfs_delete(u->rest, &again, sibling, false);

	if (ret < 0)
		log_warn("dbfs", "%s, a part of an upload, could not be deleted",
		    sibling);
	return ret;
}

static int
put_blocks_and_swap(struct upload *u, struct journal *journal,
    const char *path, struct version *out)
{
	uint64_t subject = journal_subject(journal);
	char *sibling = hidden_sibling(path);
	int ret;

	if (sibling == NULL)
		return -ENOMEM;
	/* Written down before it is there, so that it can go after a crash. */
	ret = journal_note_delete(journal, subject, "dbfs", sibling);
	if (ret == 0)
		ret = put_blocks(u, sibling, false, out);
	if (ret == 0)
		ret = dbfs_replace(u->rest, journal, u->call, sibling, path,
		    u->put->size);
	if (ret < 0) /* was of the sibling */
		*out = (struct version){ 0 };
	if (ret == 0 || remove_sibling(u, sibling) == 0)
		journal_end(journal, subject);
	else
		journal_leave(journal, subject);
	u->verify_read = false; /* the bytes were, under the other name */
	if (ret == 0)
		ret = check(u, path, out);
	free(sibling);
	return ret;
}

int
dbfs_upload(const struct dbfs_upload *up, struct call *call, const char *path,
    const struct put *p, struct version *out)
{
	struct upload u = { up->rest, call, path, p, up->verify_read };

	if (p->size <= API_DBFS_PUT_MAX)
		return put_whole(&u, path, out);
	if (p->old == NULL)
		return put_blocks(&u, path, false, out);
	return put_blocks_and_swap(&u, up->journal, path, out);
}
