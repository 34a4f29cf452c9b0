/* base/io.h: whole reads and writes on file descriptors and paths.
 *
 * All return 0 or -errno unless said otherwise, and go on after EINTR. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"

int io_write(int fd, const void *src, size_t len) WARN_UNUSED;
int io_pwrite(int fd, const void *src, size_t len, uint64_t off) WARN_UNUSED;

/* Bytes read, fewer than len only at the end of the file; or -errno. */
ssize_t io_pread(int fd, void *dst, size_t len, uint64_t off) WARN_UNUSED;

/* Appends the whole file to out.  -EFBIG when it is longer than out's limit. */
int io_read_file(const char *path, struct buf *out) WARN_UNUSED;

/* Temporary file beside path, fsync, rename: the path holds the old or the new
 * content, whole. */
int io_write_file(const char *path, const void *src, size_t len, mode_t mode)
    WARN_UNUSED;

/* mkdir, and mkdir -p, with durable names; what exists keeps its mode. */
int io_mkdir(const char *path, mode_t mode) WARN_UNUSED;
int io_mkdirs(const char *path, mode_t mode) WARN_UNUSED;

/* Makes names in a directory durable. */
int io_sync_dir(const char *path) WARN_UNUSED;

/* rm -r; 0 when path does not exist. */
int io_remove_tree(const char *path) WARN_UNUSED;

#endif
