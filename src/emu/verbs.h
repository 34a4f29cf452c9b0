/* emu/verbs.h: what a fault rule can do to a request. */
#ifndef EMU_VERBS_H
#define EMU_VERBS_H

#include <stdbool.h>

#include <json-c/json.h>

#include "base/attr.h"
#include "base/buf.h"

#include "emu/faults.h"

struct request;

/* Changes the plan or the answer of a request.  args is never NULL. */
typedef void verb_fn(struct request *req, struct json_object *args);

struct verb {
	const char *name;
	enum fault_phase phase; /* {"when": "after"} moves BEFORE to AFTER */
	bool rated;             /* fires beyond "rps" calls a second only */
	bool shares;            /* its rule has a struct shared */
	const char *args;       /* names it knows */
	verb_fn *act;
	const char *help;
};

/* NULL when there is none of that name. */
const struct verb *verbs_find(const char *name);

/* Does the verb know that argument? */
bool verbs_knows(const struct verb *verb, const char *arg);

/* Can its argument be what it is in args? */
bool verbs_takes(
    const struct verb *verb, struct json_object *args, const char *name);

/* Appends the table for --verbs. */
int verbs_print(struct buf *out) WARN_UNUSED;

/* Arguments, with the value for when they are missing or of another type. */
int64_t verb_number(struct json_object *args, const char *name, int64_t def);
const char *verb_text(
    struct json_object *args, const char *name, const char *def);

#endif
