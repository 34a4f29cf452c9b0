/* tests/support/rig.h: a mount without FUSE, over a backend in memory.
 *
 * The functions do what the kernel does for a system call: look the names of the
 * path up, then ask for the operation, and remember each node that it was told of
 * (unless forgetful).  Results are 0 or -errno. */
#ifndef TESTS_SUPPORT_RIG_H
#define TESTS_SUPPORT_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "cache/journal.h"
#include "cache/pending.h"
#include "fs/content.h"
#include "fs/node.h"
#include "fs/rows.h"
#include "fs/vfs.h"
#include "tests/support/fake.h"
#include "tests/support/temp_dir.h"

struct rig_file;

struct rig {
	struct fake fake;
	struct temp_dir temp;
	unsigned mounts;
	char *state; /* directory of the mount's staging and journal */
	char *kept_state; /* by rig_keep_state */
	struct json_object *kept_record; /* by rig_keep_record */
	uint16_t kept_type;
	uint64_t kept_subject;
	bool forgetful; /* the kernel forgets each node at once */
	struct vfs_config config; /* may be changed before rig_mount */
	struct vfs *v;
	struct vfs_left left;
	size_t records; /* that the last mount found */
	struct entry *root;
	struct call call; /* of the operations below; words, interruption */
	pthread_t renamer;
	struct rig_rename *renaming; /* of rig_rename_later */
	bool interrupt; /* atomic: the call is interrupted */
};

/* An open file. */
struct rig_file {
	struct rig *rig;
	struct node *node;
	struct handle *handle;
	bool keep_pages; /* what the kernel was told at open */
};

void rig_init(struct rig *r); /* times-to-live: 10 s, 3 s, 60 s */
void rig_mount(struct rig *r);
/* The same in two steps: what is built may be freed without having started. */
void rig_build(struct rig *r);
void rig_free(struct rig *r);
/* rig_init and rig_mount. */
void rig_make(struct rig *r);

/* The same mount for another thread, with a call of its own. */
void rig_view(struct rig *r, struct rig *view);

/* Drains for so long and frees; what vfs_drain said. */
unsigned rig_unmount(struct rig *r, int64_t timeout_ms);

/* The program dies here, and is started anew on what is on disk. */
void rig_crash(struct rig *r);
/* With f open. */
void rig_crash_open(struct rig *r, struct rig_file *f);

/* The same in two steps: what is on disk now, and the start on that. */
void rig_keep_state(struct rig *r);
void rig_crash_kept(struct rig *r);

/* Remembers the last open record of that type, with its staging file, and writes it
 * again, as if its end had not come to the disk. */
void rig_keep_record(struct rig *r, uint16_t type);
void rig_put_record(struct rig *r);

/* Unmounts if needed; asserts that no staging file is left open. */
void rig_release(struct rig *r);

/* Staging files that this mount has on disk. */
size_t rig_staging_files(struct rig *r);

/* Records of that type that are open in the journal on disk now. */
unsigned rig_records(struct rig *r, uint16_t type);

/* --- as system calls ---------------------------------------------------------- */

/* The node of a path; a reference. */
int rig_walk(struct rig *r, const char *path, struct node **out);
void rig_put(struct rig *r, struct node *n);

int rig_open(struct rig *r, const char *path, int flags, struct rig_file *out);
int rig_open_mode(struct rig *r, const char *path, int flags, mode_t mode,
    struct rig_file *out);
int rig_pwrite(struct rig_file *f, const void *src, size_t len, uint64_t off);
int rig_write_text(struct rig_file *f, const char *text, uint64_t off);
ssize_t rig_pread(struct rig_file *f, void *dst, size_t len, uint64_t off);
int rig_flush(struct rig_file *f);
int rig_fsync(struct rig_file *f);
void rig_release_file(struct rig_file *f);
int rig_close(struct rig_file *f); /* flush and release; flush's result */
int rig_ftruncate(struct rig_file *f, uint64_t size);

int rig_stat(struct rig *r, const char *path, struct stat *st);
int rig_truncate(struct rig *r, const char *path, uint64_t size);
int rig_mkdir(struct rig *r, const char *path);
int rig_rmdir(struct rig *r, const char *path);
int rig_unlink(struct rig *r, const char *path);
int rig_rename(struct rig *r, const char *from, const char *to);
/* In a thread of its own; then its result. */
int rig_rename_later(struct rig *r, const char *from, const char *to);
int rig_await_rename(struct rig *r);
int rig_rename2(struct rig *r, const char *from, const char *to,
    unsigned flags);

/* open, write, close of a whole text. */
int rig_save(struct rig *r, const char *path, const char *text);

/* The whole file holds exactly this; NULL: there is no such file. */
void rig_expect(struct rig *r, const char *path, const char *text);
void rig_expect_file(struct rig_file *f, const char *text);

/* The sorted names in a directory, separated by blanks. */
void rig_expect_list(struct rig *r, const char *path, const char *names);

/* Waits until nothing is dirty or being saved. */
void rig_settle(struct rig *r);

/* As if so much time had passed: what is known is too old. */
void rig_expire(struct rig *r);

/* Pending items; the first one's state. */
size_t rig_pending(struct rig *r);
struct pending_info rig_pending_first(struct rig *r);

#endif
