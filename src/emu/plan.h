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

struct plan {
	int64_t delay_ms; /* before the answer, on top of --latency */

	/* The answer is decided, the request must not be carried out. */
	bool answered;

	/* No byte of an answer: ending says how. */
	bool silent;

	enum plan_ending ending;
	uint64_t after_bytes; /* of the answer's body, for the ending */

	/* While the request's body arrives. */
	enum plan_ending intake_ending;
	uint64_t intake_after;

	uint64_t pace_bps;     /* bytes a second of this answer; 0: no limit */
	uint64_t filler_bytes; /* 'x' put into the body at filler_at */
	uint64_t filler_at;
	uint64_t partial_delete; /* files; 0: as --partial-delete says */
};

#endif
