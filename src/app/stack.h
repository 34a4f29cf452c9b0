/* app/stack.h: the layers of a mount, built bottom up and taken down top down. */
#ifndef APP_STACK_H
#define APP_STACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/call.h"

struct config;
struct ops;
struct part;
struct stack;

struct stack_config {
	/* Borrowed; all outlive the stack. */
	const struct config *config;
	const struct part *part;
	const char *mountpoint; /* absolute, without symbolic links */
	mode_t umask;           /* of who mounts */
};

/* Asks the service whether everything is as the user says, and builds.  On failure
 * negative errno, and a line in words. */
int stack_new(const struct stack_config *config, struct call *call,
    struct buf *words, struct stack **out) WARN_UNUSED;

/* After stack_drain, or before stack_start, with no operation running. */
void stack_free(struct stack *s);

/* For the session; borrowed. */
struct ops *stack_ops(struct stack *s);

/* Nothing can be written: asked for, or no place for state. */
bool stack_is_read_only(const struct stack *s);

/* Starts the threads that upload, and opens connections in the background. */
int stack_start(struct stack *s) WARN_UNUSED;

/* The mount is about to go: another one of the same directory may wait for us.  Any
 * thread, until stack_free. */
void stack_leave(struct stack *s);

/* The mount is gone: sends what is dirty for at most timeout_ms, and stops the
 * threads.  Returns how many files the server still does not have. */
unsigned stack_drain(struct stack *s, int64_t timeout_ms);

/* Any thread, until stack_free. */
unsigned stack_dirty(struct stack *s);
void stack_drop_caches(struct stack *s);

/* Where unsent files are kept; NULL when read-only. */
const char *stack_state_dir(const struct stack *s);

#endif
