/* rest/errmap.h: the one table from what the service says to an errno. */
#ifndef REST_ERRMAP_H
#define REST_ERRMAP_H

/* Negative errno for an answer with that status (400 and above), error code, reason (""
 * when there is none) and message.  Only an answer that clearly says so is -ENOENT: a
 * bare 404 may come from something in between. */
int errmap_errno(int status, const char *code, const char *reason,
    const char *message);

#endif
