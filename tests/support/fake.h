/* tests/support/fake.h: a backend that is a tree in memory.
 *
 * It behaves as DBFS does: files by path, reads without a version, a put that
 * replaces in one step, a rename that may replace.  A test counts its calls, lets
 * one fail (before or after its effect), holds one back until told to go on, and
 * looks at every version that a path ever had.  Functions that start with fake_set,
 * fake_remove or fake_mkdir are what another client of the service does.
 *
 * With no_sizes it is as the Workspace with its notebooks: nothing says how long a file
 * is before its content was fetched for that (FAKE_MEASURE), once for each version.
 *
 * Each change advances the service's clock by a minute, so that a change by others
 * is never taken for an upload of ours. */
#ifndef TESTS_SUPPORT_FAKE_H
#define TESTS_SUPPORT_FAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/lock.h"

enum fake_op {
	FAKE_LOOKUP,
	FAKE_REFRESH,
	FAKE_LIST,
	FAKE_READ,
	FAKE_PUT,
	FAKE_MKDIR,
	FAKE_UNLINK,
	FAKE_RMDIR,
	FAKE_RENAME,
	FAKE_MEASURE,
	FAKE_HEAL, /* deletes the path of any record */
	FAKE_OPS,
};

struct fake_object;
struct fake_version;

struct fake_rule {
	unsigned left; /* the call that makes it 0 fails; 0: no rule */
	unsigned times;
	int err;
	bool after; /* has had its effect */
};

struct fake {
	struct backend backend;
	struct lock lock;
	struct cond changed;
	/* All below with lock. */
	struct fake_object *objects;
	struct fake_version *history;
	int64_t now_ms;
	int64_t step_ms; /* by which each change advances it */
	uint64_t generation;
	unsigned calls[FAKE_OPS];
	struct fake_rule rules[FAKE_OPS];
	bool blocked[FAKE_OPS];
	unsigned waiting[FAKE_OPS];
	bool held[FAKE_OPS];
	unsigned done[FAKE_OPS]; /* and not answered yet */
	unsigned delay_ms[FAKE_OPS]; /* each takes that long */
	const char *stuck; /* puts of paths that begin so are held back */
	unsigned n_stuck;  /* of them */
	enum call_class put_class; /* of the last put, now */
	bool stale_list; /* the next list answers what was there when it came */
	bool own_times; /* a put says the time that the service shows */
	bool no_sizes; /* to be set before there are files */
};

void fake_init(struct fake *f);
void fake_release(struct fake *f);

/* The root directory; a reference. */
struct entry *fake_root(struct fake *f);

/* --- another client --------------------------------------------------------- */

void fake_set(struct fake *f, const char *path, const void *data, size_t len);
void fake_set_text(struct fake *f, const char *path, const char *text);
void fake_mkdir(struct fake *f, const char *path);
void fake_remove(struct fake *f, const char *path);
void fake_forget_sizes(struct fake *f); /* that were measured */
void fake_move(struct fake *f, const char *from, const char *to); /* a file */

/* --- looking ------------------------------------------------------------------ */

bool fake_has(struct fake *f, const char *path);

/* Asserts that path holds exactly that; or nothing when text is NULL. */
void fake_expect(struct fake *f, const char *path, const void *data, size_t len);
void fake_expect_text(struct fake *f, const char *path, const char *text);

/* Objects below the root, hidden ones too. */
size_t fake_count(struct fake *f);
size_t fake_hidden_count(struct fake *f);

/* How many versions path ever had, and whether one of them was this text. */
size_t fake_versions(struct fake *f, const char *path);
bool fake_ever(struct fake *f, const char *path, const char *text);

/* --- calls --------------------------------------------------------------------- */

unsigned fake_calls(struct fake *f, enum fake_op op);
unsigned fake_all_calls(struct fake *f);
void fake_forget_calls(struct fake *f);

/* The nth call from now (1: the next) and times - 1 more give err. */
void fake_fail(struct fake *f, enum fake_op op, unsigned nth, unsigned times,
    int err);
/* The next call does what it is asked for, and its answer is lost. */
void fake_lose_answer(struct fake *f, enum fake_op op, int err);

/* Holds calls back, before their effect. */
void fake_block(struct fake *f, enum fake_op op);
void fake_unblock(struct fake *f, enum fake_op op);
/* Holds puts of paths that begin so back, before anything else; NULL: no more. */
void fake_stick(struct fake *f, const char *prefix);
/* Holds answers back: the call has had its effect. */
void fake_hold(struct fake *f, enum fake_op op, bool hold);
/* Returns when n calls are held back, before or after their effect. */
void fake_await(struct fake *f, enum fake_op op, unsigned n);
/* The next listing is made now, and held back until fake_unblock. */
void fake_stale_list(struct fake *f);
void fake_delay(struct fake *f, enum fake_op op, unsigned ms);

#endif
