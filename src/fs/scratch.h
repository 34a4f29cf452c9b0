/* fs/scratch.h: names of temporary files that programs make beside the real one.
 *
 * A file with such a name stays in staging: most of them are gone, or renamed to
 * the real name, a moment later, and cost no request then. */
#ifndef FS_SCRATCH_H
#define FS_SCRATCH_H

#include <sys/types.h>

enum scratch {
	SCRATCH_NO,    /* an ordinary name */
	SCRATCH_LATER, /* sent like any file if it is still there after a while */
	SCRATCH_NEVER, /* swap and lock files: never sent */
};

/* By the name alone. */
enum scratch scratch_of_name(const char *name);

/* By the name and how the file was created: rsync's ".NAME.XXXXXX" is told from a
 * user's file by O_EXCL and mode 0600.  flags and mode are those of open(2). */
enum scratch scratch_of_created(const char *name, int flags, mode_t mode);

#endif
