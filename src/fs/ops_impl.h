/* fs/ops_impl.h: what the files of fs/ops.c share, private to them.
 *
 * Each operation is a pair: op_x packs what libfuse gave into a job, run_x does it
 * and answers.  Those that never wait for the network answer at once. */
#ifndef FS_OPS_IMPL_H
#define FS_OPS_IMPL_H

#include "backend/backend.h"
#include "fs/content.h"
#include "fs/dir.h"
#include "fs/gate.h"
#include "fs/node.h"
#include "fs/ops.h"
#include "fs/rows.h"

#define NAME_BYTES_MAX 255

struct ops {
	struct vfs *v;
	struct gate *gate;
	struct notifier *notifier;
	struct lock lock;
	struct open_file *files; /* open ones; with lock */
};

/* What fi->fh points to: one of three. */
struct open_file {
	struct handle *handle;	 /* a file with content, or */
	struct session *session; /* a session, or */
	struct backend *backend; /* of the session */
	struct node *dir;	 /* a directory, and its snapshot */
	struct dir_rows rows;
	bool caches; /* the kernel keeps what it reads */
	/* Until when the kernel may answer for us, ms; 0: it asks.  With the lock
	 * of struct ops. */
	int64_t cached_until_ms;
	struct open_file *prev, *next;
};

struct ops *ops_of(fuse_req_t req);
struct open_file *ops_file(const struct fuse_file_info *fi);
struct open_file *ops_file_new(struct ops *o);
void ops_file_free(struct ops *o, struct open_file *f);

/* The kernel has names of f->dir that are good until then. */
void ops_dir_cached(struct ops *o, struct open_file *f, int64_t until_ms);

/* Tells the kernel which of them are too old by now.  A notifier_due_fn. */
int64_t ops_expire_dirs(void *ops);

/* Releases what f holds, and f. */
void ops_close_file(struct ops *o, struct open_file *f);

/* Answers with -ret: 0 is success. */
void ops_reply(struct job *j, int ret);
double ops_seconds(int64_t ms);
void ops_fill_entry_locked(struct vfs *v, struct node *n,
    struct fuse_entry_param *e) REQUIRES(v->lock);

/* Answers with n, which the kernel refers to from now on. */
void ops_reply_entry(struct vfs *v, struct job *j, struct node *n);

/* Only the mounting user may look into sessions, whoever else may enter. */
int ops_check_user(struct job *j, const struct node *n);

/* The node of a request, with a reference; NULL: has answered ESTALE. */
struct node *ops_node(struct ops *o, struct job *j, fuse_ino_t ino);

/* True: has answered. */
bool ops_name_too_long(struct job *j, const char *name);

/* In the order of the table. */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data
    *forgets);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t
    mode);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t
    newparent, const char *newname, unsigned int flags);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char
    *newname);
void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const
    char *name);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
    struct fuse_file_info *fi);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t
    size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char
    *value, size_t size, int flags);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t
    mode, struct fuse_file_info *fi);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t
    mode, dev_t rdev);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct
    fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
    off_t off, struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct
    fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t
    len, struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct
    fuse_file_info *fi);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct
    fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct
    fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);

#endif
