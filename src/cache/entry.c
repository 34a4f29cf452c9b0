/* cache/entry.c - what a name resolved to. */
#include "config.h"

#include "cache/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "base/banned.h"

/* The service's clock at an upload and the time that it then shows differ by its
 * own granularity (whole seconds on some clouds) and by how long the upload
 * took; the backend stamps the end of the upload. */
#define OWN_UPLOAD_BEFORE_MS 5000
#define OWN_UPLOAD_AFTER_MS  2000

bool
version_matches(const struct version *known, const struct version *seen)
{
	int64_t late;

	if (known->size != seen->size && known->size != VERSION_NO_SIZE &&
	    seen->size != VERSION_NO_SIZE)
		return false;
	if (known->gen == seen->gen)
		return known->mtime_ms == seen->mtime_ms;
	if (known->gen == 0 || seen->gen != 0)
		return false;
	late = seen->mtime_ms - known->mtime_ms;
	return late >= -OWN_UPLOAD_BEFORE_MS && late <= OWN_UPLOAD_AFTER_MS;
}

struct entry *
entry_new(struct backend *backend, const char *tree, enum entry_kind kind,
    const char *path, const char *name, const struct version *version)
{
	size_t path_bytes = strlen(path) + 1, name_bytes = strlen(name) + 1;
	bool is_end = text_ends(path, name);
	struct entry *e;
	char *text;

	e = malloc(sizeof(*e) + path_bytes + (is_end ? 0 : name_bytes));
	if (e == NULL)
		return NULL;
	text = (char *)(e + 1);
	memcpy(text, path, path_bytes);
	if (!is_end)
		memcpy(text + path_bytes, name, name_bytes);
	*e = (struct entry){
		.refs = 1,
		.kind = kind,
		.backend = backend,
		.tree = tree,
		.path = text,
		.name = text + path_bytes - (is_end ? name_bytes : 0),
	};
	if (version != NULL)
		e->version = *version;
	return e;
}

struct entry *
entry_moved(const struct entry *e, const char *path, const char *name)
{
	struct entry *moved;

	moved = entry_new(e->backend, e->tree, e->kind, path, name,
	    &e->version);
	if (moved == NULL)
		return NULL;
	moved->form = e->form;
	moved->mode = e->mode;
	moved->object_id = e->object_id;
	return moved;
}

struct entry *
entry_ref(struct entry *e)
{
	(void)__atomic_add_fetch(&e->refs, 1, __ATOMIC_RELAXED);
	return e;
}

void
entry_unref(struct entry *e)
{
	if (e != NULL && __atomic_sub_fetch(&e->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(e);
}

size_t
entry_bytes(const struct entry *e)
{
	return sizeof(*e) + strlen(e->path) + strlen(e->name) + 2;
}

bool
entry_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 255 || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if (*p == '/' || (unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}
