/* rest/bucket.h: a model of the bucket of tokens that the service keeps for a family
 * of calls.  Pure: no lock, and the time is told.
 *
 * The service refills its bucket at a rate, up to a bound, and answers 429 when it is
 * empty.  Neither number is told to clients.  We keep a bucket of our own in step:
 *
 *  - A call takes a token of ours.  At rate and bound of the service both buckets then
 *    stay in step, and no 429 ever comes.
 *  - A 429 says one thing for sure: theirs is empty now.  Ours is set to that (a little
 *    below: answers are late).  What they regain while we hold off, ours regains, too,
 *    and may be spent at once afterwards.  So a 429 costs the round trip of the one call
 *    that looks whether all is well again, and not the second that we wait.
 *  - Calls that left before that 429 was known say nothing new (struct bucket_pass).
 *
 *  state     calls leave                    left by
 *  -----     -----------                    -------
 *  open      while there are tokens         429: held
 *  held      not at all                     time: probing
 *  probing   one, the probe; another one    the probe's answer: open;
 *            if it has none after a second  429, 5xx, no answer: held, for longer
 *
 * Held for what Retry-After says; without it 1 s, and 2 and 4 s when the probe fails;
 * when it says 0, for 0.1 s, 0.2 s and so on.
 *
 * The rate begins at the documented one, with a full bucket, and is then found out.
 * "Limited" is when calls have had to wait for tokens again and again for
 * BUCKET_LIMITED_MS: only then more would be used.
 *
 *  limited, never a 429          the rate doubles, every BUCKET_LIMITED_MS
 *  429 of a call that waited     above the documented rate: back to that; else to 0.7
 *                                of the rate.  But not below what the service has
 *                                carried out per second lately (above what is
 *                                documented: 0.9 of it), so that with its limit met
 *                                exactly, or in any period of the last 15 s, a 429 by bad
 *                                luck costs no rate; nor does one that comes when as much
 *                                got through as the rate allows
 *  429 of a call that did not    the rate is right, the bound may be wrong: after a
 *  wait (tokens saved up)        hold, when it is known what was saved up, as many as
 *                                got through are the bound; otherwise somebody else
 *                                was there, and nothing follows
 *  limited, after a 429          the rate grows by 1/8, and if that goes well by 1/4,
 *                                1/2, 1: 5 s after the last change, and after a rise
 *                                that met a 429 in 10, 20, 40, 60 s.  Above what is
 *                                documented not before 2 minutes have passed
 *
 * So a service that enforces the documented limit loses a round trip's worth of tokens
 * once in two minutes; one that enforces none is limited for half a second; tests/unit/
 * test_bucket.c simulates both and others. */
#ifndef REST_BUCKET_H
#define REST_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_LIMITED_MS 250

/* Reading ahead leaves so many tokens, so that it never delays an ls. */
#define BUCKET_RESERVE 5

/* A service that asks to wait longer is asked again after this. */
#define BUCKET_AFTER_MAX_MS ((int64_t)60 * 1000)

/* Answers are counted in seconds; the last ones, with the one that is going on. */
#define BUCKET_SECONDS 4

struct bucket {
	double documented; /* calls a second */
	double rate;       /* calls a second that we allow */
	double bound;      /* tokens saved up at most; no more than rate, either */
	double tokens;     /* below 0 just after a 429 */
	int64_t filled_ms;

	/* Held and probing. */
	bool shut;
	int64_t held_until_ms;
	int64_t probe_until_ms; /* a probe is out, and waited for */
	int64_t opened_ms;
	unsigned holds; /* in a row */

	/* What the last 429 was about. */
	unsigned epoch;	      /* counts those that said something new */
	unsigned done_now;    /* answers to calls that left since */
	unsigned done_before; /* and to those between it and the one before */
	bool bound_failed;    /* done_before tells the bound */
	double burst;	      /* or would, if it had failed before; 0: it had not */

	/* Changes of the rate. */
	bool throttled; /* a 429 ever came */
	bool raised;    /* since the last 429 */
	double step;	/* of the next rise */
	int64_t pause_ms;     /* from changed_ms to the next rise */
	int64_t changed_ms;   /* the last 429 or rise */
	int64_t throttled_ms; /* the last 429 */
	int64_t limited_ms;   /* since when calls had to wait; 0: they had not */
	int64_t refused_ms;   /* the last time that one had to */
	int64_t bound_ms;     /* when the bound last changed */

	/* What the service carries out. */
	double proved;	   /* a second, in the best period of late; 0: none */
	int64_t proved_ms;
	int64_t period_ms; /* the 429 before throttled_ms */
	unsigned done[BUCKET_SECONDS];
	int64_t done_s; /* the second that the newest is about */
};

/* Of a call that may leave; given back with its outcome. */
struct bucket_pass {
	unsigned epoch;
	bool waited; /* for a token */
	bool burst;  /* just after a hold, from what was saved up in it */
	bool probe;
};

/* documented: calls a second, at least 1.  Times are monotonic, and not 0. */
void bucket_init(struct bucket *b, double documented, int64_t now_ms);

/* Takes a token, and says so with 0; otherwise the ms after which to ask again, at the
 * latest (the outcome of another call may come before).  ahead: leaves the reserve. */
int64_t bucket_take(struct bucket *b, bool ahead, int64_t now_ms,
    struct bucket_pass *out);

/* One of these for each pass: */

/* The service has carried it out, or refused it for what it is. */
void bucket_answered(struct bucket *b, const struct bucket_pass *pass,
    int64_t now_ms);
/* No answer, or 5xx. */
void bucket_failed(struct bucket *b, const struct bucket_pass *pass,
    int64_t now_ms, uint64_t random);
/* It was given up before there was an answer. */
void bucket_dropped(struct bucket *b, const struct bucket_pass *pass);
/* The service asks to come back, after_ms from now; below 0: it does not say when. */
void bucket_throttled(struct bucket *b, const struct bucket_pass *pass,
    int64_t after_ms, int64_t now_ms, uint64_t random);

/* For .control/metrics: tokens now, and ms until the end of a hold (0: none). */
double bucket_tokens(struct bucket *b, int64_t now_ms);
int64_t bucket_held_ms(const struct bucket *b, int64_t now_ms);

#endif
