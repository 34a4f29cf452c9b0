/* app/place.h: directories of ours on the local disk: where they are, and whether
 * they are safe.
 *
 * A base is named by an option, by systemd, by the XDG variable, or is in the home
 * directory of the passwd entry.  From the directory of the format (v1) down all are
 * ours alone; nobody else may be able to change what lies above them. */
#ifndef APP_PLACE_H
#define APP_PLACE_H

#include "base/attr.h"
#include "base/buf.h"

struct place {
	const char *systemd; /* variable with the directory */
	const char *xdg;     /* variable with the directory above */
	const char *home;    /* below the home directory */
	const char *hidden;  /* what is wrong when the mount would hide it */
};

extern const struct place place_state, place_cache;

/* The base to use, in new memory; chosen may be NULL.  -ENOENT when there is no
 * place for one. */
int place_base(const struct place *p, const char *chosen,
    char **out) WARN_UNUSED;

/* Makes the base when it is missing; its path without symbolic links in *out, in
 * new memory.  On failure words are told why:
 *   -EPERM  others own it or could exchange it, or the mount would hide it
 *   else    it cannot be made */
int place_make(const struct place *p, const char *base, const char *mountpoint,
    struct buf *words, char **out) WARN_UNUSED;

/* Is the directory at path ours, and closed to all others?  0, -EPERM, -ENOENT. */
int place_check(const char *path, struct buf *words) WARN_UNUSED;

/* Makes *path/name, which may be there, ours alone; the new path replaces *path.
 * Fails as place_make does. */
int place_step(char **path, const char *name, struct buf *words) WARN_UNUSED;

#endif
