/* rest/api_scim.h: who we are.
 * Source: API reference, sections 1.1 and 5.5. */
#ifndef REST_API_SCIM_H
#define REST_API_SCIM_H

#include "base/attr.h"
#include "base/call.h"

struct rest;

struct api_scim_me {
	char user_name[256];
	char id[64];
	char org_id[32]; /* the workspace's id, from X-Databricks-Org-Id; or "" */
};

/* The token check that works with DBFS off.  -EACCES: the credential is refused. */
int api_scim_me(struct rest *r, struct call *call, struct api_scim_me *out)
    WARN_UNUSED;

#endif
