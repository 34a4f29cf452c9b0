/* emu/settings.h: behaviour that can be chosen, also while the emulator runs.
 *
 * Where nobody knows what the service does, a setting chooses; the default is
 * what the API reference thinks likeliest.  Any thread may read and set. */
#ifndef EMU_SETTINGS_H
#define EMU_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

enum setting {
#define NUMBER(id, name, def, arg, help) SET_##id,
#define FLAG(id, name, help)             SET_##id,
#define CHOICE(id, name, choices, help)  SET_##id,
#include "emu/settings.def"
#undef NUMBER
#undef FLAG
#undef CHOICE
	SETTING_COUNT
};

/* Values of the choices, in the order of settings.def. */
enum { NOT_EMPTY_IO_ERROR, NOT_EMPTY_BAD_REQUEST };
enum { HANDLES_KEEP, HANDLES_LOSE };
enum { MOVE_PARENT_CREATE, MOVE_PARENT_REFUSE };
enum { MOVE_ONTO_DIR_REFUSE, MOVE_ONTO_DIR_INTO };
enum { NETWORK_UP, NETWORK_REFUSE, NETWORK_STALL, NETWORK_DROP };
enum { CERT_GOOD, CERT_EXPIRED, CERT_SELF, CERT_WRONG_HOST, CERT_COUNT };
enum { TLS_MAX_1_3, TLS_MAX_1_2, TLS_MAX_1_1, TLS_MAX_1_0, TLS_MAX_COUNT };
enum { NAMES_ANY, NAMES_HADOOP };
enum { RENAME_REPOS_ALLOW, RENAME_REPOS_REFUSE };
enum { GIT_DIRS_REFUSE, GIT_DIRS_ALLOW };
enum { HIDDEN_404, HIDDEN_403 };
enum { OBJECTS_MODERN, OBJECTS_FILES, OBJECTS_OLDEST };
enum { NOTEBOOK_SIZE_ABSENT, NOTEBOOK_SIZE_ZERO };
enum { EXISTS_STATUS_400, EXISTS_STATUS_409 };
enum { WORKSPACE_FILES_ON, WORKSPACE_FILES_IMPORT, WORKSPACE_FILES_OFF };
enum { SIGNED_URLS_AZURE, SIGNED_URLS_AWS, SIGNED_URLS_GCS, SIGNED_URLS_OFF };
enum { DIRECT_DOWNLOAD_LIMITED, DIRECT_DOWNLOAD_UNLIMITED };

struct settings {
	_Atomic int64_t values[SETTING_COUNT];
};

void settings_init(struct settings *s);

/* A number, 0 or 1 for a flag, the position of a choice. */
int64_t settings_get(const struct settings *s, enum setting id);
bool settings_on(const struct settings *s, enum setting id);

/* value NULL switches a flag on.  0; -ENOENT for an unknown name; -EINVAL for a
 * value it cannot have. */
int settings_set(
    struct settings *s, const char *name, const char *value) WARN_UNUSED;

/* Does a word of the command line after it belong to the setting? */
bool settings_wants_value(const char *name);

/* Appends the values as a JSON object. */
int settings_print(const struct settings *s, struct buf *out) WARN_UNUSED;

/* Appends a line of help for each. */
int settings_help(struct buf *out) WARN_UNUSED;

#endif
