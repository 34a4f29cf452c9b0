/* rest/apierr.h: reads the bodies in which the service says what went wrong. */
#ifndef REST_APIERR_H
#define REST_APIERR_H

#include <stddef.h>

struct apierr {
	char code[64];	   /* error_code; a number is kept as digits; "" */
	char reason[64];   /* of an ErrorInfo in the details: what a general code
			    * means; "" */
	char message[256]; /* never empty */
	char request_id[64];
};

/* Any body, of any shape of reference section 1.5: JSON with error_code, of API 1.2,
 * of SCIM, "CODE: text", HTML, nothing.  Where it has no words, phrase (of the header
 * X-Databricks-Reason-Phrase; or "") and then the status stand in. */
void apierr_read(int status, const char *body, size_t len, const char *phrase,
    struct apierr *out);

#endif
