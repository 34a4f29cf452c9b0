/* fs/aside.h: objects that are shown under another name than they have.
 *
 * vim and emacs rename a file to a backup name, write a new file, and delete the
 * backup a moment later.  The rename is only noted: the object stays on the server
 * under its real name, hidden, so that the new file replaces it, keeping its
 * identity, and nothing is ever missing there.  If no new file comes, the rename is
 * done after a while.
 *
 * An object whose name is one of ours (backend/hidden.h), because its file was
 * deleted while it was open, is deleted here too. */
#ifndef FS_ASIDE_H
#define FS_ASIDE_H

#include "fs/node.h"

/* n, clean and with a remote version, has been given a new name here alone. */
int aside_begin(struct vfs *v, struct node *n);

/* The same in two steps: the record, under *subject (0: a new one), and when it is on disk
 * and n has the name, with the same holding of the lock, the rest.  over: the record of
 * the file that had the name; 0: none.  shown, the object's own name: it is aside no
 * more. */
int aside_note(struct vfs *v, struct node *n, const char *shown, uint64_t over,
    uint64_t *subject);
int aside_begin_locked(struct vfs *v, struct node *n, uint64_t subject)
    REQUIRES(v->lock);

/* Before the object is replaced: its content is fetched. */
int aside_keep(struct vfs *v, struct call *call, struct node *n);

/* The object was replaced: n is a local file from now on. */
void aside_replaced(struct vfs *v, struct node *n);

/* n is not aside any more: its object has the name it shows, or is gone. */
void aside_end_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

/* The same, but the record stays until the caller ends the subject that this gives: what
 * n becomes is not done yet.  0: n was not aside. */
uint64_t aside_leave_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

/* The object that goes when n goes, with a reference; NULL: there is none, or a new
 * file is about to replace it. */
struct entry *aside_object_locked(struct vfs *v, struct node *n)
    REQUIRES(v->lock);

/* If name in dir is that of an object moved aside, gives that the name that it
 * shows, so that this one is free on the server too, even of a new file that was
 * to replace the object. */
int aside_clear(struct vfs *v, struct call *call, struct node *dir,
    const char *name);

/* n, if it is aside, gets the name that it shows for real, as in aside_clear. */
int aside_rename(struct vfs *v, struct call *call, struct node *n);

/* An open file is about to lose its last name: gives its object e in dir a hidden
 * one, with a record of what must go under *subject written before; then
 * aside_hidden_locked(), in the holding of the lock that takes the name, lets the
 * last release delete it. */
int aside_hide(struct vfs *v, struct call *call, const struct entry *e,
    const struct entry *dir, struct entry **hidden, uint64_t *subject);
void aside_hidden_locked(struct vfs *v, struct node *n, struct node *dir,
    struct entry *hidden, uint64_t subject) REQUIRES(v->lock);

/* n was sent under the name that a rename gave it: the object that it had under the old
 * one goes, unless others have changed it.  The saver calls it. */
void aside_drop_old(struct vfs *v, struct call *call, struct node *n);

/* Does now what waited: the real rename, or the deletion.  The saver calls it. */
int aside_settle(struct vfs *v, struct call *call, struct node *n);

#endif
