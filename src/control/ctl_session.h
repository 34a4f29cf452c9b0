/* control/ctl_session.h: an open file of the control tree.
 *
 * What a reader sees is made when the file is opened.  What is written acts in the
 * write that completes a value: one that ends with a newline, or is the one value
 * that the row takes.  A value cut short does nothing; at the close it is told to
 * the list of errors. */
#ifndef CONTROL_CTL_SESSION_H
#define CONTROL_CTL_SESSION_H

#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/call.h"
#include "control/ctl.h"

struct ctl_session;

/* path as in control/ctl_tree.h; flags as of open(2).  -EISDIR, -EACCES: the file
 * cannot be read, or not written. */
int ctl_session_open(const struct ctl *ctl, struct call *call, const char *path,
    int flags, struct ctl_session **out) WARN_UNUSED;
void ctl_session_close(struct ctl_session *s);

ssize_t ctl_session_read(struct ctl_session *s, struct call *call, uint64_t off,
    void *dst, size_t len);

/* len, or the error of the action: -EINVAL when the row does not take the value. */
ssize_t ctl_session_write(
    struct ctl_session *s, struct call *call, const void *src, size_t len);

#endif
