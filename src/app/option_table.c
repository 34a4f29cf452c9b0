/* app/option_table.c - every option of the command line, one row each. */
#include "config.h"

#include "app/option_table.h"

#include <string.h>

#include "base/attr.h"

#include "base/banned.h"

#define AT(member) offsetof(struct config, member)
#define HOUR       3600
#define KIB        1024ULL

static const struct option table[] = {
	/* clang-format off */
	{ "host", OPTION_TEXT, AT(host), NULL, 0, 0, "URL",
	    "the workspace, such as https://adb-1.2.azuredatabricks.net" },
	{ "profile", OPTION_TEXT, AT(profile), NULL, 0, 0, "NAME",
	    "take host and credentials from this profile alone" },
	{ "config", OPTION_TEXT, AT(config_file), NULL, 0, 0, "FILE",
	    "the file with profiles (~/.databrickscfg)" },
	{ "cacert", OPTION_TEXT, AT(cacert), NULL, 0, 0, "FILE",
	    "trust the certificate authorities in FILE" },

	{ "ro", OPTION_FLAG, AT(read_only), NULL, 0, 0, NULL,
	    "mount read-only" },
	{ "nonempty", OPTION_FLAG, AT(nonempty), NULL, 0, 0, NULL,
	    "mount over what is in the mount point" },
	{ "allow_other", OPTION_FLAG, AT(allow_other), NULL, 0, 0, NULL,
	    "let other users in, as far as modes allow" },
	{ "uid", OPTION_USER, AT(uid), NULL, 0, 0, "USER",
	    "owner of the files (who mounts)" },
	{ "gid", OPTION_GROUP, AT(gid), NULL, 0, 0, "GROUP",
	    "group of the files (the group of who mounts)" },
	{ "umask", OPTION_OCTAL, AT(umask), NULL, 0, 0, "OCTAL",
	    "bits that no mode has (the umask of brickfs)" },
	{ "fmask", OPTION_OCTAL, AT(fmask), NULL, 0, 0, "OCTAL",
	    "the same for files alone" },
	{ "dmask", OPTION_OCTAL, AT(dmask), NULL, 0, 0, "OCTAL",
	    "the same for directories alone" },
	{ "control", OPTION_WORD, AT(control), NULL, 0, 0, "shown|hidden|off",
	    "is .control listed, only reachable, or absent"
	    " (shown in a mount of everything, else hidden)" },

	{ "attr_timeout", OPTION_SECONDS, AT(attr_timeout_ms), "10", 0, 24 * HOUR,
	    "SECONDS", "how long names and attributes are believed" },
	{ "negative_timeout", OPTION_SECONDS, AT(negative_timeout_ms), "3", 0, 24 * HOUR,
	    "SECONDS", "how long the absence of a name is believed" },
	{ "scratch_keep", OPTION_SECONDS, AT(scratch_keep_ms), "60", 0, 24 * HOUR,
	    "SECONDS", "how long temporary files of editors stay here" },
	{ "timeout", OPTION_SECONDS, AT(timeout_ms), "60", 1, HOUR,
	    "SECONDS", "give up a transfer that does not move for so long" },
	{ "retry_timeout", OPTION_SECONDS, AT(retry_timeout_ms), "300", 0, 24 * HOUR,
	    "SECONDS", "be patient with a busy server for so long" },
	{ "writeback", OPTION_SECONDS, AT(writeback_ms), NULL, 0, 24 * HOUR,
	    "SECONDS", "let close and fsync return when content is safe on the"
	    " local disk, and send it so long after the last close (off)" },
	{ "conflict", OPTION_WORD, AT(conflict), "keep", 0, 0,
	    "keep|sibling|overwrite",
	    "what becomes of content when another client has changed the file" },
	{ "verify", OPTION_WORD, AT(verify), "size", 0, 0, "size|read",
	    "how an upload is checked: the server's size, or all of it read back" },
	{ "notebooks", OPTION_WORD, AT(notebooks), "source", 0, 0,
	    "source|ipynb|files",
	    "how notebooks are shown; with files, new ones are not made" },
	{ "drain_timeout", OPTION_SECONDS, AT(drain_timeout_ms), "60", 0, 24 * HOUR,
	    "SECONDS", "go on sending after the unmount for so long" },
	{ "cache_mem", OPTION_BYTES, AT(cache_mem), "128M", 8 * KIB * KIB,
	    KIB * KIB * KIB * KIB,
	    "SIZE", "memory for the content of files" },
	{ "cache_disk", OPTION_BYTES, AT(cache_disk), "10G", 0,
	    KIB * KIB * KIB * KIB * KIB,
	    "SIZE", "local disk for the content of files; 0: none" },
	{ "state_dir", OPTION_TEXT, AT(state_dir), NULL, 0, 0, "DIR",
	    "where unsent files and the journal are kept"
	    " (~/.local/state/brickfs)" },

	{ "offline", OPTION_FLAG, AT(offline), NULL, 0, 0, NULL,
	    "show what is known while the service cannot be reached" },

	{ "debug", OPTION_FLAG, AT(debug), NULL, 0, 0, NULL,
	    "log each request" },
	{ "foreground", OPTION_FLAG, AT(foreground), NULL, 0, 0, NULL,
	    "-f: stay in the foreground and log to stderr" },
	{ "help", OPTION_FLAG, AT(help), NULL, 0, 0, NULL,
	    "-h: show this, and end" },
	{ "version", OPTION_FLAG, AT(version), NULL, 0, 0, NULL,
	    "-V: show the version, and end" },

	{ "rw", OPTION_UNFLAG, AT(read_only), NULL, 0, 0, NULL, NULL },
	{ "noexec", OPTION_FLAG, AT(noexec), NULL, 0, 0, NULL, NULL },
	{ "exec", OPTION_UNFLAG, AT(noexec), NULL, 0, 0, NULL, NULL },
	{ "noatime", OPTION_FLAG, AT(noatime), NULL, 0, 0, NULL, NULL },
	{ "atime", OPTION_UNFLAG, AT(noatime), NULL, 0, 0, NULL, NULL },

	/* Always so, whatever is asked: no device and no set-user-id bit comes
	 * from a server, the kernel checks permissions, and libfuse's names for
	 * what we set ourselves. */
	{ "suid", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "nosuid", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "dev", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "nodev", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "default_permissions", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },

	/* For mount(8), systemd and the boot scripts. */
	{ "defaults", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "_netdev", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "auto", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "noauto", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "fail", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "nofail", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "user", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "nouser", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "users", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "owner", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "group", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "async", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "sync", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "dirsync", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "relatime", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "norelatime", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "strictatime", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "nostrictatime", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "lazytime", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "nolazytime", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "diratime", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "nodiratime", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },
	{ "comment", OPTION_IGNORED, 0, NULL, 0, 0, NULL, NULL },

	{ "token", OPTION_SECRET, 0, NULL, 0, 0, NULL, NULL },
	{ "password", OPTION_SECRET, 0, NULL, 0, 0, NULL, NULL },
	{ "client_secret", OPTION_SECRET, 0, NULL, 0, 0, NULL, NULL },
	{ "azure_client_secret", OPTION_SECRET, 0, NULL, 0, 0, NULL, NULL },
	/* clang-format on */
};

const struct option *
option_table_row(size_t i)
{
	return i < ARRAY_LEN(table) ? &table[i] : NULL;
}

const struct option *
option_table_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}
