/* emu/faults.h: rules that make chosen requests go wrong.
 *
 * A rule is a match and a verb (emu/verbs.h), given as JSON:
 *
 *   {"match": {"method": "GET", "path": "/api/2.0/dbfs/read",
 *              "target": "/x/?*", "nth": 3, "every": 2, "times": 1,
 *              "p": 0.5, "seed": 7, "once_after": 1},
 *    "verb": "status", "args": {"code": 503}}
 *
 * (arguments may also stand beside the verb).  Each rule counts the requests that
 * its method, path and target fit, from 1; nth is the first count at which it
 * fires, every the step from there, times how often it fires at most (default: 1
 * with a bare nth, else no end).  p and seed then decide by chance, the same one
 * in every run.  once_after names a rule that must have fired before.
 *
 * Rules are tried in the order they were added, and all that fire act.  Requests
 * below /emulator/ never meet a rule.  Threads: any. */
#ifndef EMU_FAULTS_H
#define EMU_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/attr.h"
#include "base/buf.h"

#include "emu/why.h"

struct faults;
struct request;

enum fault_phase {
	FAULT_INTAKE, /* headers were read, the body was not */
	FAULT_BEFORE, /* the request is complete, nothing was done */
	FAULT_AFTER,  /* there is an answer, nothing was sent */
};

int faults_new(struct faults **out) WARN_UNUSED;
void faults_free(struct faults *f);

/* -EINVAL and why for a rule that makes no sense. */
int faults_add(struct faults *f, struct json_object *rule, int64_t *id,
    struct why *why) WARN_UNUSED;

/* id 0: all.  -ENOENT. */
int faults_remove(struct faults *f, int64_t id);

/* Appends the rules with their counters as a JSON array. */
int faults_print(struct faults *f, struct buf *out) WARN_UNUSED;

/* Lets the rules of this phase act on the request. */
void faults_run(struct request *req, enum fault_phase phase);

/* Does a deny rule for reads, or for all calls, with a target and nothing else but a
 * token, fit path?  Then listings of the workspace are without it, unless --hidden
 * says 403.  Counts nothing. */
bool faults_hides(const struct request *req, const char *path);

/* Shell pattern, where '*' and '?' match '/', too. */
bool faults_glob(const char *pattern, const char *text);

#endif
