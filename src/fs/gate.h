/* fs/gate.h: lets so many requests wait for the network at once, and no more.
 *
 * The threads of libfuse's loop run operations from top to bottom and may block.
 * If all of them did, none would read the kernel's FUSE_INTERRUPT, and Ctrl-C would
 * not end anything.  So only max run at once; a request beyond that is put aside
 * with its arguments, and its thread goes back to reading.  Whoever finishes takes
 * the next one.  One that is interrupted while it waits in line is answered with
 * EINTR at once. */
#ifndef FS_GATE_H
#define FS_GATE_H

#include <fuse_lowlevel.h>

#include "base/attr.h"
#include "base/call.h"

struct gate;
struct ops;

/* A request with its arguments, as libfuse gave them.  Which fields count depends
 * on run. */
struct job {
	void (*run)(struct ops *o, struct job *j);
	fuse_req_t req;
	const char *op; /* for .control/errors; static */
	fuse_ino_t ino;
	fuse_ino_t ino2;
	const char *name;  /* copied when the job has to wait */
	const char *name2; /* likewise */
	const char *data;  /* likewise; size bytes of it when has_data */
	bool has_data;
	size_t size;
	off_t off;
	off_t len;
	int flags;
	mode_t mode;
	struct stat attr;
	struct fuse_file_info fi;
	bool has_fi;

	struct call call; /* made by the gate */
	bool let_go; /* was answered with EINTR while it goes on: no other answer */

	/* The gate's own. */
	struct gate *gate;
	bool copied;
	bool queued;
	bool interrupted;
	struct job *prev, *next;
};

int gate_new(struct ops *o, unsigned max, struct gate **out) WARN_UNUSED;

/* With no job running or waiting. */
void gate_free(struct gate *g);

/* Runs j, now or later; the caller's copy may go when this returns.  j->run answers
 * the request. */
void gate_pass(struct gate *g, struct job *j);

/* A let_go for j->call, which j->run sets when it can do without an answer: arg is j.
 * When j->let_go is set afterwards the request is answered. */
void gate_let_go(void *arg);

#endif
