/* emu/ep_scim.c - SCIM: who am I. */
#include "config.h"

#include "emu/ep_scim.h"

#include "emu/emu.h"

#include "base/banned.h"

int
ep_scim_me(struct request *req)
{
	return reply_text(req, 200, "application/scim+json",
	    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\","
	    "\"urn:ietf:params:scim:schemas:extension:workspace:2.0:User\"],"
	    "\"id\":\"1000012345\",\"userName\":\"" EMU_USER "\","
	    "\"displayName\":\"Me\",\"active\":true,"
	    "\"name\":{\"givenName\":\"Me\"},"
	    "\"emails\":[{\"type\":\"work\",\"value\":\"" EMU_USER "\","
	    "\"primary\":true}],"
	    "\"entitlements\":[{\"value\":\"workspace-access\"},"
	    "{\"value\":\"allow-cluster-create\"}],"
	    "\"groups\":[{\"display\":\"admins\",\"type\":\"direct\","
	    "\"value\":\"11\",\"$ref\":\"Groups/11\"},"
	    "{\"display\":\"users\",\"type\":\"direct\",\"value\":\"12\","
	    "\"$ref\":\"Groups/12\"}]}");
}
