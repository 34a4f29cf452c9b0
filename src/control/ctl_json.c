/* control/ctl_json.c - documents for people. */
#include "config.h"

#include "control/ctl_json.h"

#include <errno.h>

#include "base/banned.h"

int
ctl_json_print(struct json_object *doc, int ret, struct buf *out)
{
	const char *text;

	if (ret == 0) {
		text = json_object_to_json_string_ext(
		    doc, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			     JSON_C_TO_STRING_NOSLASHESCAPE);
		ret = text == NULL ? -ENOMEM : buf_printf(out, "%s\n", text);
	}
	json_object_put(doc);
	return ret;
}
