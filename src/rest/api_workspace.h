/* rest/api_workspace.h: the Workspace API, typed.
 *
 * Paths are absolute, without "/Workspace", and by stored names: a notebook has no
 * extension.  Results are 0 or negative errno from the table in rest/errmap.c; the
 * service's words are in call->words.  Any thread.
 * Source: API reference, section 3 (Workspace) and appendices A, B, C. */
#ifndef REST_API_WORKSPACE_H
#define REST_API_WORKSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/call.h"

struct json_object;
struct rest;
struct rest_body;
struct rest_sink;

#define API_WORKSPACE_EXPORT_MAX   10485760 /* bytes of an export */
#define API_WORKSPACE_NOTEBOOK_MAX 10485760 /* bytes of a notebook's import */
#define API_WORKSPACE_FILE_MAX	   500000000 /* bytes of a file's import */

enum api_workspace_type {
	API_WORKSPACE_DIRECTORY, /* a Git folder, too */
	API_WORKSPACE_FILE,
	API_WORKSPACE_NOTEBOOK,
	API_WORKSPACE_OTHER, /* library, dashboard, and what is not known yet */
};

enum api_workspace_language {
	API_WORKSPACE_NO_LANGUAGE,
	API_WORKSPACE_PYTHON,
	API_WORKSPACE_SQL,
	API_WORKSPACE_SCALA,
	API_WORKSPACE_R,
	API_WORKSPACE_LANGUAGES
};

/* "PYTHON"; NULL for none. */
const char *api_workspace_language_name(enum api_workspace_language language);

struct api_workspace_info {
	const char *path;      /* strings live as long as the answer: see below */
	const char *type_name; /* "NOTEBOOK", as the service says it */
	enum api_workspace_type type;
	enum api_workspace_language language;
	uint64_t object_id;
	int64_t created_ms;  /* Unix time; 0: the service does not say */
	int64_t modified_ms; /* likewise */
	bool has_size;	     /* files; an old service says none */
	uint64_t size;	     /* bytes */
	bool has_format;     /* of a notebook; only get_status says it */
	bool jupyter;
};

/* info borrows from *json, one reference for the caller, which is the answer as it
 * came; NULL unless it returns 0.  git: asks for the Git folder, too, whose member
 * "git_info" is only there.  -ENOENT when nothing is there that the caller may see. */
int api_workspace_get_status(struct rest *r, struct call *call,
    const char *path, bool git, struct api_workspace_info *info,
    struct json_object **json);

/* What is in a directory, in no particular order.  The array *json, one reference for the
 * caller, holds the objects; api_workspace_row reads one, and api_workspace_list has
 * found that all can be read.  -ENOTDIR when path is none. */
int api_workspace_list(struct rest *r, struct call *call, const char *path,
    struct json_object **json);
int api_workspace_row(struct json_object *row, struct api_workspace_info *info);

/* "SOURCE", "JUPYTER", or "AUTO": a file as it is.  Appends the bytes to out.  -EFBIG
 * above what the service exports.  A directory is exported as an archive: not asked
 * for here, whoever calls it knows the type. */
int api_workspace_export(struct rest *r, struct call *call, const char *path,
    const char *format, struct buf *out);

/* Where a file can be had in pieces, without a credential, for some minutes. */
struct api_workspace_url {
	char *url;
	char *headers[4]; /* n lines that must go with it, "Name: value" */
	size_t n;
	int64_t until_ms; /* the service's clock */
};

/* Undocumented: -ENOSYS or -EACCES where there is no such call; -ENODATA when it names no
 * URL.  out needs api_workspace_url_release when it returns 0. */
int api_workspace_sign(struct rest *r, struct call *call, const char *path,
    struct api_workspace_url *out);
void api_workspace_url_release(struct api_workspace_url *u);

/* len bytes at off of the file at path, all of which must be there.  -EOPNOTSUPP when the
 * storage gives no pieces; other errors, when the URL is none any more. */
int api_workspace_fetch(struct rest *r, struct call *call, const char *path,
    const struct api_workspace_url *u, uint64_t off, void *dst, size_t len);

/* The whole file of size bytes, to sink (which counts them: an attempt may bring fewer).
 * Undocumented, too. */
int api_workspace_download(struct rest *r, struct call *call, const char *path,
    uint64_t size, const struct rest_sink *sink);

/* One object from one body, streamed; its directory must be there (-ENOENT).
 * format "SOURCE" with a language or "JUPYTER" makes a notebook, "RAW" a file, "AUTO" what
 * the service makes of name and first line.  Repeated when an answer is lost; with
 * overwrite false that may give -EEXIST for an object that is ours.  -EEXIST, too, when an
 * object of another type has the path. */
struct api_workspace_import {
	const char *path;
	const char *format;
	enum api_workspace_language language;
	bool overwrite;
};

/* *server_ms: the service's clock in the answer; 0 when it does not say. */
int api_workspace_import(struct rest *r, struct call *call,
    const struct api_workspace_import *what, const struct rest_body *body,
    int64_t *server_ms);

/* Creates missing parents; an existing directory is success; -EEXIST when something
 * else is in the way. */
int api_workspace_mkdirs(struct rest *r, struct call *call, const char *path);

/* -ENOTEMPTY for a directory with content: never recursive. */
int api_workspace_delete(struct rest *r, struct call *call, const char *path);

/* -EEXIST when the destination exists, -ENOENT when the source does not; -ENOSYS or
 * -EACCES where the service has no such call, which it does not document.  Never
 * repeated; -ETIMEDOUT or -EIO after sending leaves the outcome unknown, which *unknown
 * tells. */
int api_workspace_rename(struct rest *r, struct call *call, const char *from,
    const char *to, bool *unknown);

#endif
