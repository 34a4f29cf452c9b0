/* net/headers.h: what the headers of an answer say; private to net.
 *
 * Pure: a line in, fields of the reply out. */
#ifndef NET_HEADERS_H
#define NET_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http.h"

#define HEADERS_RETRY_AFTER_BYTES 64

struct headers {
	struct http_reply *reply;
	char retry_after[HEADERS_RETRY_AFTER_BYTES]; /* as sent; "" when absent */
	int status;    /* of the newest status line; 0: none yet */
	bool complete; /* the empty line after that has come */
};

/* One line as libcurl hands it over, with or without its line end.  A status line
 * forgets what an earlier block (100 Continue) said.  Lines that are too long for
 * any header of interest are passed over. */
void headers_take(struct headers *h, const char *bytes, size_t len);

/* Retry-After in ms from now_ms (Unix time, the server's if it told), -1 when the
 * value is neither seconds nor a date.  At most HEADERS_RETRY_AFTER_MAX_MS. */
#define HEADERS_RETRY_AFTER_MAX_MS ((int64_t)3600 * 1000)
int64_t headers_retry_after_ms(const char *value, int64_t now_ms);

#endif
