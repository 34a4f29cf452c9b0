/* rest/read_answer.h: the answer of dbfs/read, decoded while it arrives.
 *
 *   {"bytes_read": 1048576, "data": "<base64>"}
 *
 * The value of "data" goes from the connection straight to where its bytes belong;
 * the little that is left of the document is kept and parsed like any other.  So one
 * block costs no buffer of 1.4 MB, and what json-c would refuse is refused.
 *
 * Source: API reference, section 2 (read). */
#ifndef REST_READ_ANSWER_H
#define REST_READ_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"

struct read_answer {
	unsigned char *dst; /* borrowed; room for len bytes */
	size_t len;
	size_t done;	    /* bytes that are there */
	struct buf rest;    /* the document with "data" as "" */
	const char *broken; /* what is wrong with it; NULL: nothing so far */

	/* Where in the document the next byte is. */
	unsigned depth;
	bool in_string, escaped;
	bool is_key;	/* of the string: a member's name of the outermost object */
	bool key_is_data;
	bool after_colon;
	bool in_data;	/* the string is the value of "data" */
	bool seen_data;
	char key[8];	/* its first bytes */
	size_t key_len;
	char group[4];	/* of base64, not whole yet */
	size_t n_group;
	bool ended;	/* by padding */
};

/* For an answer of at most len bytes; again for each attempt. */
void read_answer_begin(struct read_answer *a, void *dst, size_t len);

/* The next bytes of the body.  Never fails: what is wrong shows at the end. */
void read_answer_take(struct read_answer *a, const char *bytes, size_t len);

/* After the last byte: how many bytes were read, or -EIO and the reason in *why. */
ssize_t read_answer_end(struct read_answer *a, const char **why) WARN_UNUSED;

void read_answer_release(struct read_answer *a);

#endif
