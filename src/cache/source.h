/* cache/source.h: how a cache asks for the bytes that it lacks.
 *
 * The cache does not know where they come from; at run time it is a backend, in a
 * unit test five lines. */
#ifndef CACHE_SOURCE_H
#define CACHE_SOURCE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/call.h"

struct source {
	/* Bytes at off, fewer than len only at the end of the file; or -errno.
	 * Any thread; several at once. */
	ssize_t (*read)(void *ctx, struct call *call, uint64_t off, void *dst,
	    size_t len);
	void *ctx;
};

#endif
