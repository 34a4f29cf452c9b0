/* rest/errors.h: the last 200 errors, for .control/errors. */
#ifndef REST_ERRORS_H
#define REST_ERRORS_H

#include "base/attr.h"
#include "base/buf.h"

#define ERRORS_KEPT 200

struct errors;

struct error_row {
	const char *op;	     /* the file operation, or "-" */
	const char *request; /* "POST /api/2.0/dbfs/put" or "-" */
	const char *subject; /* path */
	int http_status;     /* 0: none */
	const char *code;    /* error_code or "" */
	const char *message;
	const char *request_id;
	int err; /* positive errno */
};

int errors_new(struct errors **out) WARN_UNUSED;
void errors_free(struct errors *e);

/* Copies the row, stamps the time, forgets the oldest beyond ERRORS_KEPT.  Never
 * fails: without memory the row is only logged. */
void errors_add(struct errors *e, const struct error_row *row);

/* One line a row, oldest first, fields separated by tabs, control bytes
 * replaced. */
int errors_print(struct errors *e, struct buf *out) WARN_UNUSED;

#endif
