/* fs/node.h: the names and files that the mount knows: the private heart of fs/.
 *
 * A node is what the kernel calls an inode: it is known by a number that is never
 * used twice, lives while the kernel, a handle, a child or an unsent change refers
 * to it, and keeps its identity through renames.  It may have lost its name
 * (deleted, or replaced by a newer version while it was open).
 *
 * One lock, vfs->lock, guards all of it; it is never held across a request, nor while
 * content is written or synced.  What takes time is done between two holdings of the
 * lock, with the state that keeps others away (saving, listing, frozen) written down
 * here, and vfs->changed is broadcast when such a state ends. */
#ifndef FS_NODE_H
#define FS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "base/attr.h"
#include "base/call.h"
#include "base/digest.h"
#include "base/lock.h"
#include "base/table.h"
#include "cache/block_cache.h"
#include "cache/entry.h"
#include "cache/listing.h"
#include "cache/overlay.h"
#include "cache/staging.h"
#include "fs/node_table.h"
#include "fs/scratch.h"
#include "fs/vfs.h"

struct heal;
struct notifier;
struct pending_item;

/* Clean local content that is kept for a while after the last close. */
#define KEPT_FILES 32
#define KEPT_BYTES ((uint64_t)16 << 20) /* of one file, at most */

/* Names below which content is forgotten when it is looked at; more are all. */
#define FORGOTTEN_MAX 64

/* Names that this mount changed in a directory while a listing was on its way. */
#define RECENT_NAMES 64

/* One of our own changes of names: what the name has since. */
struct recent_name {
	char *name;	 /* NULL: memory was short */
	struct entry *e; /* a reference; NULL: nothing */
};

struct node_dir {
	/* The last complete listing, patched by our own changes since.  listed_ms
	 * is when it was asked for; 0: there is none. */
	struct listing list;
	int64_t listed_ms;
	bool doubtful; /* good only while the service cannot be asked */
	/* Of fs/lists.h: kept means in vfs->lists, with a reference to node. */
	bool kept;
	struct node *node;
	struct node_dir *prev, *next;
	size_t counted_rows, counted_bytes;

	uint64_t serial; /* counts changes of what a reader sees, as far as the
			  * kernel does not make them */
	uint64_t kernel_serial; /* what the kernel has cached; 0: who knows */

	struct call *listing; /* who is fetching one; NULL: nobody */
	int list_error;	      /* of the last fetch */
	int64_t asked_ms; /* when a single name was last asked for */
	int64_t walked_ms; /* when a program last read it, or a directory in it */
	bool ahead;	   /* read ahead, and no program came to it yet */
	uint64_t changes; /* counts our own changes of names here */
	struct recent_name *recent; /* the last of them; NULL: none yet */
	unsigned asides;  /* nodes that hide an object of this directory */
	/* The last name that the service said is absent, and when. */
	char *absent;
	int64_t absent_ms;
};

/* Content that was sent, and whose upload failed in a way that does not say whether the
 * server has it. */
#define MAYBE_SENT 4
struct maybe_sent {
	uint64_t size[MAYBE_SENT];
	char sum[MAYBE_SENT][DIGEST_SHA256_HEX];
	unsigned n; /* so far; the oldest makes room */
};

struct node_file {
	unsigned opens;
	unsigned writers; /* of these, for writing */
	unsigned pins; /* operations that are about to change it: content stays */

	/* Local content; NULL: the content is the remote version's.  base is what
	 * it builds on: the source of bytes that are not here, and the version
	 * that an upload may replace.  base NULL: the name must be free. */
	struct staged *staged;
	struct entry *base;

	/* A rename has put the content under another name: the object that goes
	 * when it is sent, as it was seen last, and its directory.  The error of
	 * that. */
	struct entry *drop;
	struct node *drop_dir; /* a reference */
	int drop_error;

	/* Counts changes of the content; the server has that of saved. */
	uint64_t changes;
	uint64_t saved;
	bool deferred; /* created or emptied, and nothing written since */
	bool flushed;  /* a close has promised to keep it */
	bool promised; /* by a record that is on disk, as the bytes are */
	bool sealed;   /* a record has the seal of staged's last promise */
	uint64_t told; /* changes, as a record has promised them last */
	struct timespec told_mtime; /* the time of that */
	uint64_t synced; /* the last seal whose bytes are on disk */
	bool recording;	 /* somebody writes a record: fs/save_record.c */
	unsigned recorders; /* that one and those who wait for it */
	bool conflict; /* the service has another version; nobody has decided */
	bool beside;   /* it has, and ours is on the server under another name */
	uint64_t over; /* subject of the record of the file that this one has
			* replaced in its name here; 0: none */
	uint64_t unaside; /* subject of the record by which this one was aside, and that
			   * ends with its own; 0: none */
	struct maybe_sent *maybe; /* since the last save; NULL: nothing */
	bool taken;    /* from an earlier mount, and not tried yet: the server may
			* have it, or not */
	bool going;    /* its object is about to be deleted, and it with that */
	bool moving;   /* a rename waits for the upload and deals with its failure */
	int torn; /* a write did not fit on the local disk: its error; the content
		   * is not what a program meant, and is never sent */
	struct timespec mtime; /* of the local content */

	/* Of the remote version: fs/base_source.c. */
	int64_t fetched_ms; /* monotonic, when bytes of it last came in */
	uint64_t young; /* the version that was read within its first moments */

	uint64_t kernel_pages; /* hash of the version whose pages the kernel has */

	/* Of a hidden object, which is deleted at the last release: the directory
	 * that it is in, a reference, and its record. */
	struct node *hidden_in;
	uint64_t delete_subject;
	uint64_t aside_subject; /* the record of one that is aside */

	/* The saver's: see fs/save.c. */
	struct node *save_next, *save_prev; /* in one of vfs' lists */
	bool queued; /* in vfs->queue, or vfs->asked when asked */
	bool asked;
	bool saving;
	struct call *sending; /* of the save under way; NULL: none */
	uint64_t tickets; /* saves asked for */
	uint64_t settled; /* ticket up to which the outcome is known */
	int result;	  /* of the last save */
	unsigned failures; /* in a row */
	uint64_t due_ms;   /* monotonic; 0: not waiting for a time */
	uint64_t latest_ms; /* -o writeback puts it off no longer; 0: not put off */
	uint64_t subject;  /* in the journal; 0: none */
	uint64_t ended;	   /* the last subject that was ended */
	struct pending_item *pending;

	int error;	   /* of the last save, 0 when it went well */
	char *words;	   /* what the service said; NULL: nothing */
};

struct node { /* as many as names: each byte counts */
	uint64_t id;	  /* set once */
	uint64_t nlookup; /* references of the kernel */
	unsigned refs;	  /* all others */

	/* The name; parent is NULL for the root and when it has none any more. */
	uint32_t name_hash;
	struct node *parent; /* holds a reference */
	const char *name;    /* that of remote, unless own_name */

	struct backend *backend; /* set once, as ino */
	uint64_t ino;

	struct entry *remote; /* last seen at the service; NULL: not there */
	int64_t seen_ms;      /* when it was asked for; 0: not to be trusted */
	struct overlay_attr attr; /* shown in place of remote's */

	struct node_dir *dir;	/* directories; made when needed */
	struct node_file *file; /* files; made when needed */

	struct node *children;	  /* of a directory */
	struct node *prev, *next; /* in parent->children */

	/* A memory location of its own, as it is read without the lock. */
	enum entry_kind kind : 8; /* set once */
	uint8_t unsure; /* frozen until it is known whether it was moved */
	enum scratch scratch : 8;
	bool own_name : 1;
	bool ino_moved : 1; /* ino is not the hash of the path any more */
	bool looking : 1;   /* a reader is asking whether it has changed */
	bool gone : 1;	    /* the service has another version or nothing */
	bool attr_loaded : 1;
	/* Shown under another name than remote has: remote is hidden, and a new
	 * file of that name replaces it. */
	bool aside : 1;
	bool delete_at_release : 1; /* remote has a hidden name of ours */

	bool renaming : 1; /* a rename in it is under way: no other begins */
	uint16_t changing; /* changes of names in it under way */
	uint16_t frozen;   /* being renamed or removed: no save here or below */
	uint16_t closing; /* about to be, when the names below are at rest */
	uint32_t forgotten; /* a mark: fs/forget.h */
};

struct vfs {
	struct vfs_config config; /* set once, as notifier, which may be NULL */
	struct notifier *notifier;
	struct heal *heal; /* set once; NULL: read-only */

	struct lock lock;
	struct cond changed;
	/* All below with lock. */
	uint64_t last_id;
	struct node_table by_id;
	struct node_table by_name; /* those that have a parent */
	struct node *root; /* holds a reference */
	struct moved_ino *moved; /* inode numbers that no longer follow the path */

	struct node_dir *lists; /* last used first: fs/lists.h */
	size_t lists_rows, lists_bytes;
	struct walker *walker; /* set once, as measurer */
	struct measurer *measurer;

	/* The saver. */
	/* Lists of files to be sent; each holds a reference. */
	struct node *asked;   /* somebody waits for these */
	struct node *queue;   /* queued, too: now, for nobody */
	struct node *waiting; /* in the order of their due_ms */
	struct cond work;
	uint64_t saves;	 /* that have ended, well or not */
	unsigned saving; /* saves under way */
	unsigned unasked; /* of these, for which nobody waited when they began */
	unsigned again;   /* of these, after a failure */
	bool was_lost;    /* was the service, when it was looked last? */
	unsigned dirty;	 /* nodes with unsent changes */
	unsigned loose;	 /* contents without a node: fs/loose.h */
	_Atomic bool stopping; /* also read without the lock */
	pthread_t *threads;
	unsigned n_threads;

	/* The files that were written last, each with its content: a rename or a
	 * read that follows the close finds it here.  Each holds a reference. */
	struct node *kept[KEPT_FILES];
	unsigned next_kept;

	/* Names whose content is forgotten when it is looked at, each with a
	 * reference, and versions for which that is done: fs/forget.c. */
	_Atomic uint32_t marks; /* so far; also read without the lock */
	struct node *forgotten[FORGOTTEN_MAX];
	unsigned n_forgotten;
	struct cleared *cleared;

	/* Records to end once the lock is free: fs/save_record.c. */
	struct doomed *doomed;
};

/* --- life ------------------------------------------------------------------ */

/* Once, before all others. */
void node_tables_init_locked(struct vfs *v) REQUIRES(v->lock);

/* A node for e under parent and name, which has none yet; one reference for the
 * caller.  remote may be NULL for a file that is not on the server.  NULL when out
 * of memory. */
struct node *node_new_locked(struct vfs *v, struct node *parent,
    const char *name, enum entry_kind kind, struct backend *backend,
    struct entry *remote) REQUIRES(v->lock);

struct node *node_ref_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);
void node_unref_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);
void node_unref(struct vfs *v, struct node *n) EXCLUDES(v->lock);

/* The next of all nodes, in no order: *at begins at 0; NULL after the last.  None may come
 * or go meanwhile. */
static inline struct node *
node_next_locked(struct vfs *v, size_t *at) REQUIRES(v->lock)
{
	return node_table_next(&v->by_id, at);
}

/* Every node, whoever refers to it: the mount is over. */
void node_free_all_locked(struct vfs *v) REQUIRES(v->lock);

/* The kernel's references. */
void node_remember_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);
void node_forget(struct vfs *v, uint64_t id, uint64_t count) EXCLUDES(v->lock);

/* A reference to the node with that number; NULL: the kernel made it up. */
struct node *node_get(struct vfs *v, uint64_t id) EXCLUDES(v->lock);

/* --- names ------------------------------------------------------------------ */

/* Borrowed; NULL when no node has that name. */
struct node *node_find_locked(struct vfs *v, struct node *parent,
    const char *name) REQUIRES(v->lock);

/* Gives n the name in parent, which nobody has; -ENOMEM. */
int node_name_locked(struct vfs *v, struct node *n, struct node *parent,
    const char *name) REQUIRES(v->lock);

/* n has another name from now on, which nobody has; -ENOMEM. */
int node_rename_locked(struct vfs *v, struct node *n, struct node *parent,
    const char *name) REQUIRES(v->lock);

/* The name shows something else from now on, and the kernel does not know: n keeps
 * its content for those who have it open. */
void node_part_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

/* n, a file without a name, has its object in dir, and moves with it. */
void node_hide_locked(struct vfs *v, struct node *n, struct node *dir)
    REQUIRES(v->lock);
void node_unhide_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

/* The directory of n or of its object; NULL for the root and others without. */
static inline struct node *
node_home(const struct node *n)
{
	if (n->parent != NULL || n->file == NULL)
		return n->parent;
	return n->file->hidden_in;
}

/* n has no name any more; the caller must not use it without a reference. */
void node_unname_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

/* Is n, or a directory above it, in the subtree of top? */
bool node_is_below_locked(struct vfs *v, const struct node *n,
    const struct node *top) REQUIRES(v->lock);

/* Path below the mount point, without a leading slash; NULL when out of memory. */
char *node_path_locked(struct vfs *v, const struct node *n) REQUIRES(v->lock);
char *node_path(struct vfs *v, const struct node *n) EXCLUDES(v->lock);

/* --- content ----------------------------------------------------------------- */

struct node_dir *node_dir_locked(struct vfs *v, struct node *n)
    REQUIRES(v->lock);
struct node_file *node_file_locked(struct vfs *v, struct node *n)
    REQUIRES(v->lock);

bool node_is_dirty_locked(struct vfs *v, const struct node *n)
    REQUIRES(v->lock);

/* One more change of n's content; the server has that of goal.  A dirty node
 * refers to itself, so that it lives until it is clean. */
void node_changed_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);
void node_saved_locked(struct vfs *v, struct node *n, uint64_t goal)
    REQUIRES(v->lock);

/* Has the service an object there whose content nobody can change? */
bool node_is_fixed_locked(struct vfs *v, const struct node *n)
    REQUIRES(v->lock);

/* Exists here whatever a listing of the server says? */
bool node_is_local_locked(struct vfs *v, const struct node *n)
    REQUIRES(v->lock);

/* Takes e (a reference of its own) as what the service has now; 0 for seen_ms: do
 * not trust it for long. */
void node_set_remote_locked(struct vfs *v, struct node *n, struct entry *e,
    int64_t seen_ms) REQUIRES(v->lock);

/* The object that goes when n is sent, in dir; NULL: none. */
void node_set_drop_locked(struct vfs *v, struct node *n, struct node *dir,
    struct entry *drop) REQUIRES(v->lock);

/* Drops clean local content that nobody is about to need. */
void node_drop_content_locked(struct vfs *v, struct node *n)
    REQUIRES(v->lock);

/* Clean content of a file that nobody has open stays for a while, when it is small;
 * the file whose turn it was before makes room. */
void node_keep_content_locked(struct vfs *v, struct node *n)
    REQUIRES(v->lock);

/* --- attributes --------------------------------------------------------------- */

/* Did a call fail with ret because the service cannot be reached, and may what is known
 * be shown instead?  Whoever finds that out is answered as all who come later. */
bool node_went_offline(const struct vfs *v, int ret);

/* Can what n is made of not be reached?  Then what is known about it is believed. */
bool node_is_lost(const struct vfs *v, const struct node *n);

/* How long knowledge about n may be trusted, ms; and what is left of that. */
int64_t node_ttl_ms(const struct vfs *v, const struct node *n);
int64_t node_ttl_left_locked(struct vfs *v, const struct node *n)
    REQUIRES(v->lock);

void node_stat_locked(struct vfs *v, struct node *n, struct stat *st)
    REQUIRES(v->lock);

/* Writes n->attr to the overlay. */
void node_save_attr_locked(struct vfs *v, struct node *n) REQUIRES(v->lock);

#endif
