/* fs/save_record.h: what is written down about content that is not sent yet: the
 * journal's record, for after a crash, and the pending list, for people. */
#ifndef FS_SAVE_RECORD_H
#define FS_SAVE_RECORD_H

#include "fs/node.h"

/* The content of n was changed: counts it.  written: by a program's write or truncate;
 * not by opening or creating it.  1: it was clean, and has no record yet, which
 * save_record_change makes.  -ESTALE: nobody will send it. */
int save_record_count(struct vfs *v, struct node *n, bool written) WARN_UNUSED;
int save_record_change(struct vfs *v, struct node *n) WARN_UNUSED;

/* A close or an fsync of n returns now and relies on the record.  durable: content
 * and record are on disk first.  What n holds now is what a crash finds, until the
 * next promise, whatever is written meanwhile (but to swap and lock files, which are
 * written in place).  When the content cannot be made durable, it is torn
 * unless it was promised before. */
int save_record_promise(struct vfs *v, struct node *n, bool durable);

/* The record of the last promise of n, which may have been changed since, is on disk; the
 * promise is made when there was none. */
int save_record_harden(struct vfs *v, struct node *n);

/* n's object is about to be deleted: when only a part of n's content is here, and a crash
 * finds the object gone, so is n.  save_record_stays: it was not deleted, so what is here
 * is kept whatever others do to it. */
void save_record_going(struct vfs *v, struct node *n);
void save_record_stays(struct vfs *v, struct node *n);

/* n, moved aside and clean, is about to be all that is left of its content, which is
 * here: content and record are on disk. */
int save_record_keep(struct vfs *v, struct node *n);

/* The program that waited for n's upload was interrupted: it goes on, and is listed
 * as pending until it has ended. */
void save_record_abandoned(struct vfs *v, struct node *n);

/* n waits for its time to be sent (-o writeback), and is listed as pending. */
void save_record_waiting(struct vfs *v, struct node *n);

/* n has another name or directory.  A promise holds for the new one when this
 * returns; one_of_many: when journal_sync has returned after it was true. */
bool save_record_renamed(struct vfs *v, struct node *n, bool one_of_many);

/* An upload of n ended.  Ends the record or says why it is still there.  When the
 * service has another version, the content becomes a loose one (fs/loose.h) and n
 * loses its name.  Returns ret. */
int save_record_outcome(struct vfs *v, struct node *n, int ret,
    const char *words);

/* The content needs no record any more; what there is ends at the next reap, by whomever,
 * which who calls this does when the lock is free. */
void save_record_drop_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);
void save_record_reap(struct vfs *v) EXCLUDES(v->lock);

/* The same, but it ends when the caller says so: what has taken its place must be written
 * down first.  NULL: there is none, which is good for end. */
struct doomed *save_record_detach_locked(struct vfs *v, struct node *n)
    REQUIRES(v->lock) WARN_UNUSED;
void save_record_end(struct vfs *v, struct doomed *d) EXCLUDES(v->lock);

#endif
