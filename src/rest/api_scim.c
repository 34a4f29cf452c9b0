/* rest/api_scim.c - who we are. */
#include "config.h"

#include "rest/api_scim.h"

#include <errno.h>
#include <string.h>

#include "base/jval.h"
#include "base/text.h"
#include "rest/rest.h"

#include "base/banned.h"

/* It is asked at the mount, when somebody waits to hear that a host's name is
 * wrong. */
#define REACH_MS 5000

int
api_scim_me(struct rest *r, struct call *call, struct api_scim_me *out)
{
	struct rest_request req = {
		.method = "GET",
		.path = "/api/2.0/preview/scim/v2/Me",
		.subject = "-",
		.family = REST_OTHER,
		.repeatable = true,
		.metadata = true,
		.connect_ms = REACH_MS,
	};
	struct rest_answer answer;
	const char *user = NULL, *id = "";
	int ret;

	ret = rest_send(r, call, &req, &answer);
	if (ret == 0 && jval_str(answer.json, "userName", &user) < 0) {
		text_copy(call->words, sizeof(call->words),
		    "the server does not answer as Databricks does");
		ret = -EIO;
	}
	if (ret == 0) {
		(void)jval_str(answer.json, "id", &id);
		*out = (struct api_scim_me){ .id = "" };
		text_copy(out->user_name, sizeof(out->user_name), user);
		text_copy(out->id, sizeof(out->id), id);
		text_copy(out->org_id, sizeof(out->org_id), answer.org_id);
	}
	rest_answer_release(&answer);
	return ret;
}
