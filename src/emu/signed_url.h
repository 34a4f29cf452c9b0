/* emu/signed_url.h: URLs of a storage that the emulator plays itself: who has one may
 * read or write one file without a token, for a while, if he sends the headers that
 * came with it.  Reference, 3.4.
 *
 *   /storage/OBJECT_ID?op=read&path=/Users/x&expires=MS&sig=SEAL
 */
#ifndef EMU_SIGNED_URL_H
#define EMU_SIGNED_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "emu/request.h"

enum signed_op { SIGNED_READ, SIGNED_WRITE };

/* Are there any, by the setting? */
bool signed_url_on(struct request *req);

/* Appends {"url", "headers", "url_type", "expiry_time_millis"} to the answer. */
int signed_url_put(struct request *req, enum signed_op op, int64_t object_id,
    const char *path) WARN_UNUSED;

/* Is the request, to such a URL, to be carried out?  Then its path and object;
 * else it was answered, as the storage does. */
bool signed_url_check(struct request *req, enum signed_op op,
    int64_t *object_id, const char **path);

/* An error as the storage words it, in XML. */
int signed_url_fail(struct request *req, int status, const char *code);

#endif
