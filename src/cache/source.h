/* cache/source.h: how a cache asks for the bytes that it lacks.
 *
 * The cache does not know where they come from; at run time it is a backend, in a
 * unit test five lines. */
#ifndef CACHE_SOURCE_H
#define CACHE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/call.h"

struct source {
	/* Bytes at off, fewer than len only at the end of the file; or -errno.
	 * Any thread; several at once. */
	ssize_t (*read)(void *ctx, struct call *call, uint64_t off, void *dst,
	    size_t len);
	void *ctx;

	/* For bytes that are asked for before anybody waits for them: a ctx that is
	 * valid until its release (NULL: out of memory).  Both NULL: such bytes
	 * cannot be asked for.  No lock of the cache is held. */
	void *(*keep)(void *ctx);
	void (*release)(void *kept);

	/* What the bytes are is not settled enough to outlive the program. */
	bool passing;
};

#endif
