/* emu/plan.h: what fault rules want done to one request. */
#ifndef EMU_PLAN_H
#define EMU_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* How an answer stops before its end. */
enum plan_ending {
	PLAN_WHOLE,
	PLAN_CLOSE, /* orderly close of the connection */
	PLAN_RESET, /* TCP reset */
	PLAN_STALL, /* nothing more comes, the connection stays */
};

/* What is wrong with a chunked answer. */
enum plan_chunk {
	PLAN_CHUNK_GOOD,
	PLAN_CHUNK_SIZE, /* a length that is no number */
	PLAN_CHUNK_LONG, /* longer than what comes */
	PLAN_CHUNK_HUGE, /* longer than a number can be */
	PLAN_CHUNK_END,  /* no line end after a chunk */
	PLAN_CHUNK_LAST, /* no last chunk */
};

struct shared;

struct plan {
	/* Of the rule that acts now: a number in [0, 1) of its own sequence, and
	 * what its requests share, borrowed. */
	double luck;
	struct shared *shared;

	int64_t delay_ms; /* before the answer, on top of --latency */

	/* The answer is decided, the request must not be carried out. */
	bool answered;

	/* No byte of an answer: ending says how. */
	bool silent;

	enum plan_ending ending;
	uint64_t after_bytes; /* of the answer's body, for the ending */
	int64_t stall_ns;     /* a stall ends after that; 0: never */

	/* While the request's body arrives. */
	enum plan_ending intake_ending;
	uint64_t intake_after;
	uint64_t max_body; /* bytes; more are refused.  0: as the route says */

	uint64_t pace_bps;     /* bytes a second of this answer; 0: no limit */
	uint64_t filler_bytes; /* 'x' put into the body at filler_at */
	uint64_t filler_at;
	uint64_t partial_delete; /* files; 0: as --partial-delete says */

	bool half; /* carry out only half_n of it, and fail */
	uint64_t half_n;

	/* References, dropped with the request. */
	struct shared *line; /* that the bytes of both directions pass */
	int64_t line_bps;
	struct shared *order; /* release this pair when it is carried out */
	uint64_t order_pair;
	struct shared *memory; /* remember the answer */

	int64_t length_lie; /* added to Content-Length */
	enum plan_chunk chunk;
};

#endif
