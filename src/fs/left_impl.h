/* fs/left_impl.h: inside of fs/left: one kind of record each.  For left*.c alone. */
#ifndef FS_LEFT_IMPL_H
#define FS_LEFT_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/jval.h"
#include "cache/entry.h"
#include "fs/left.h"

struct left_record {
	uint16_t type;
	uint64_t subject;
	/* Of others, which end with it: whose name it has taken, and by which it was
	 * aside; 0 */
	int64_t over, unaside;
};

enum left_found { LEFT_SENT_AGAIN, LEFT_KEPT, LEFT_NOT_HERE, LEFT_FOUND };

/* --- left_dir.c: by path ---------------------------------------------------------- */

/* The node of a directory by its path in the tree, with a reference; it is taken to be
 * there.  NULL when this mount does not show it. */
struct node *left_dir(struct vfs *v, const char *tree, const char *path) WARN_UNUSED;
/* The path of the directory that path is in; new memory. */
char *left_parent(const char *path) WARN_UNUSED;
/* The name that an object of dir has by its path; NULL without memory. */
struct entry *left_object(struct node *dir, const char *path,
    const struct version *version) WARN_UNUSED;

/* --- left_file.c: JOURNAL_STAGED ---------------------------------------------------- */

/* Takes up the file of record p; what became of it. */
enum left_found left_file_take(
    struct vfs *v, struct json_object *p, uint64_t subject) WARN_UNUSED;
/* The file is of no use any more: it goes, and its record ends. */
void left_file_drop(struct vfs *v, struct json_object *p, uint64_t subject);

/* --- left_name.c: JOURNAL_ASIDE, JOURNAL_MOVE ------------------------------------------ */

/* An object was shown under another name.  It is so again, unless it was replaced. */
void left_aside_take(struct vfs *v, struct call *call, struct json_object *p,
    uint64_t subject);
/* Was it moved?  Then the other records have the paths of before. */
void left_move_settle(struct vfs *v, struct call *call,
    const struct vfs_left *left, struct json_object *p, uint64_t subject);
/* Is a path of record p at or below a directory of which nobody can tell where it is? */
bool left_move_astray(const struct vfs *v, const struct vfs_left *left,
    struct json_object *p);

#endif
