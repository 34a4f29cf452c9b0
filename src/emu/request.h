/* emu/request.h: one request on its way through the server.
 *
 *   intake    headers, route, token; then the body, piece by piece
 *   dispatch  fault rules, the handler, fault rules
 *   sender    the answer, delayed and shaped
 *
 * A request lives from its request line to the end of its answer, and is used by
 * its connection's thread alone. */
#ifndef EMU_REQUEST_H
#define EMU_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"

#include "emu/params.h"
#include "emu/plan.h"
#include "emu/spool.h"

#define REQUEST_ID_BYTES 40
#define REPLY_HEADERS    16
#define REPLY_TYPE_BYTES 80
#define REQUEST_HEADERS  1024

struct MHD_Connection;
struct emu;
struct multipart;
struct route;

struct reply_header {
	char *name, *value;
};

struct reply {
	int status;                  /* 0 until there is an answer */
	char type[REPLY_TYPE_BYTES]; /* "": no Content-Type */
	struct buf body;
	int fd; /* -1, or the body is in this file; closed with the reply */
	uint64_t fd_start, fd_bytes;
	struct reply_header headers[REPLY_HEADERS];
	size_t header_count;
};

/* What arrives after the headers. */
struct body {
	uint64_t bytes;         /* so far */
	struct buf raw;         /* parameters as JSON or form */
	struct multipart *form; /* NULL: no multipart */
	char *part;             /* name of the text part being read */
	struct buf text;        /* and its content */
	uint64_t text_bytes;    /* of all text parts */
	bool has_file;          /* file was started */
	struct spool *file;     /* the file part, or a raw body */
	int err; /* first failure; the rest is read and dropped */
};

struct request {
	struct emu *emu;
	struct MHD_Connection *conn;
	int client; /* socket, for waits */
	struct door_guest *guest; /* borrowed; NULL when nobody's */
	bool admin_door; /* it came in by the admin's own port */
	char id[REQUEST_ID_BYTES];
	char method[16];
	char *target; /* as sent, with the query */
	char *path;   /* decoded, without query and trailing slash */
	const struct route *route; /* NULL: no such endpoint */
	char *endpoint; /* "GET /api/2.0/dbfs/list", for counts and rules */
	char token_hash[DIGEST_SHA256_HEX]; /* "" without a token */
	/* "Name: value" lines, the token replaced by its hash; cut when long */
	char headers[REQUEST_HEADERS];
	struct params params;
	char *subject; /* the path that the call is about; NULL when none */
	char *goal;    /* where a move goes; NULL when none */
	struct body body;
	struct reply reply;
	struct plan plan;
	bool begun;       /* headers were seen */
	bool foreign;     /* it carries a token that was never good */
	bool recorded;    /* in the log and the counts */
	bool carried_out; /* the handler did it, whatever is answered */
	int64_t start_ns;
	uint64_t bytes_out;
};

/* Makes an answer. */
typedef int handler_fn(struct request *req);

struct request *request_new(struct emu *emu, const char *target);
void request_free(struct request *req);

/* Answers.  All return 0, so that a handler can end with them, or -ENOMEM. */
int reply_text(
    struct request *req, int status, const char *type, const char *text);
int reply_json(struct request *req, const char *text);
int reply_error(struct request *req, int status, const char *code,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The same with the reason of an ErrorInfo, by which clients tell what is meant. */
int reply_error_reason(struct request *req, int status, const char *code,
    const char *reason, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* What a call answers that was carried out by half. */
int reply_half(struct request *req);

/* An authentication failure: its error_code is a number. */
int reply_denied(struct request *req, int status, const char *message);

/* Value is copied; too many or no memory is ignored, a test would notice. */
void reply_add_header(struct request *req, const char *name, const char *value);

/* Forgets the answer made so far. */
void reply_reset(struct request *req);

#endif
