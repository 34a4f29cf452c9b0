/* emu/tally.h: what was asked of the server: counts by endpoint, and the last
 * requests.  Threads: any. */
#ifndef EMU_TALLY_H
#define EMU_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct tally;

struct tally_entry {
	const char *endpoint; /* "GET /api/2.0/dbfs/list" */
	const char *method;
	const char *target;  /* as sent */
	const char *subject; /* the path that the call is about, or NULL */
	const char *request_id;
	const char *token_hash; /* "" when none was sent */
	const char *headers;    /* lines "Name: value" */
	bool foreign;           /* its token was never good */
	int status;             /* 0: no answer */
	bool mutates;           /* it was carried out, and changed something */
	uint64_t bytes_in, bytes_out;
	int64_t time_ms; /* real time */
	int64_t took_us;
};

int tally_new(struct tally **out) WARN_UNUSED;
void tally_free(struct tally *t);

void tally_add(struct tally *t, const struct tally_entry *e);

/* Forgets counts and requests. */
void tally_reset(struct tally *t);

/* Appends {"METHOD PATH": n, ..., "requests": n, "mutations": n, "errors": n,
 * "bytes_in": n, "bytes_out": n}. */
int tally_print_counts(struct tally *t, struct buf *out) WARN_UNUSED;

/* Appends members of a JSON object: foreign_tokens, a count, unknown_headers and
 * raw_targets, examples.  *good is cleared when there is any. */
int tally_print_invariants(
    struct tally *t, struct buf *out, bool *good) WARN_UNUSED;

/* Appends the last requests as a JSON array, oldest first, max of them. */
int tally_print_log(struct tally *t, uint64_t max, struct buf *out) WARN_UNUSED;

#endif
