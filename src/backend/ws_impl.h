/* backend/ws_impl.h: what the files of the workspace backend share. */
#ifndef BACKEND_WS_IMPL_H
#define BACKEND_WS_IMPL_H

#include "backend/workspace.h"
#include "backend/ws_bodies.h"
#include "backend/ws_large.h"
#include "backend/ws_memory.h"

struct workspace {
	struct backend backend;
	struct rest *rest; /* set once, as all here */
	struct ws_memory *memory;
	struct ws_bodies *bodies;
	struct ws_large *large;
	char *base_url;
	char *org_id;
	enum ws_mode mode;
};

struct workspace *ws_of(struct backend *b);

/* --- names and entries ------------------------------------------------------------ */

/* New memory; NULL when there is none. */
char *ws_join(const char *dir, const char *name);

/* Can it be sent at all, and is it none of ours?  0 or -errno. */
int ws_check_name(const char *name);

/* The path of a new name; NULL and *err otherwise. */
char *ws_new_path(const struct entry *dir, const char *name, int *err);

/* The path that e is stored under; NULL: its form is not known, or no memory. */
char *ws_stored_path(const struct entry *e);

/* The form of an object, with what is remembered of it. */
unsigned ws_known_form(struct workspace *w, const struct api_workspace_info *info);

/* Shown at path, which ends in name, in that form.  NULL when out of memory. */
struct entry *ws_entry(struct workspace *w, const char *path, const char *name,
    const struct api_workspace_info *info, unsigned form);

/* Asks about one stored path, counts it, and remembers the form. */
int ws_status(struct workspace *w, struct call *call, const char *stored,
    struct api_workspace_info *info, struct json_object **json);

/* What is shown at a path, when no more is known than that. */
int ws_resolve(struct workspace *w, struct call *call, const char *path,
    const char *name, struct entry **out);

/* --- content ------------------------------------------------------------------------ */

/* The whole of e as it is shown; to be released to w->bodies. */
int ws_body(struct workspace *w, struct call *call, const struct entry *e,
    const struct ws_body **out);

/* Which of our uploads a version came from, until the service shows its time. */
uint64_t ws_next_generation(void);

/* --- operations ------------------------------------------------------------------------ */

int ws_list(struct backend *b, struct call *call, const struct entry *dir,
    entry_fn *each, void *ctx);
int ws_put(struct backend *b, struct call *call, const struct put *p,
    struct entry **out);
int ws_rename(struct backend *b, struct call *call, const struct entry *e,
    const struct entry *dir, const char *name, const struct entry *target,
    struct entry **out);

bool ws_keeps_form(struct backend *b, const struct entry *e, const char *name);

/* The form that a content gets under name, over old (NULL: nothing). */
unsigned ws_form_over(const struct workspace *w, const struct entry *old,
    const char *name, const char *text, size_t len);

/* Puts text under a name in a form that is given. */
int ws_put_text(struct workspace *w, struct call *call, const struct put *p,
    unsigned form, const char *text, struct entry **out);

/* Gives what is stored at from the path to; looks when the answer is lost. */
int ws_move(struct workspace *w, struct call *call, const char *from,
    const char *to);

#endif
