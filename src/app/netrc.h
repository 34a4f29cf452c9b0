/* app/netrc.h: the entry of one host in a netrc file. */
#ifndef APP_NETRC_H
#define APP_NETRC_H

#include "base/attr.h"

/* login and password of "machine host" in text, new strings for the caller.
 * -ENOENT: no such entry.  A "default" entry is not for us: it would send somebody's
 * password to any host. */
int netrc_find(const char *text, const char *host, char **login,
    char **password) WARN_UNUSED;

#endif
