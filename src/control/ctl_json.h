/* control/ctl_json.h: documents for people. */
#ifndef CONTROL_CTL_JSON_H
#define CONTROL_CTL_JSON_H

#include <json-c/json.h>

#include "base/attr.h"
#include "base/buf.h"

/* Appends doc as text for people, and frees it.  ret: how making it went; it comes
 * back when that was not 0. */
int ctl_json_print(
    struct json_object *doc, int ret, struct buf *out) WARN_UNUSED;

#endif
