/* tests/support/emu_ws.h: calls of the Workspace API, and what they are to answer. */
#ifndef TESTS_SUPPORT_EMU_WS_H
#define TESTS_SUPPORT_EMU_WS_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/emu_server.h"

#define WS   "/api/2.0/workspace"
#define WSF  "/api/2.0/workspace-files"
#define FORM "Content-Type: multipart/form-data; boundary=XX\r\n"
#define PART "--XX\r\nContent-Disposition: form-data; name="
#define END  "--XX--\r\n"

/* "print(1)"; "1+1" */
#define PRINT "cHJpbnQoMSk="
#define SUM   "MSsx"

#define IMPORT(path, rest) "{\"path\":\"" path "\"," rest "}"
#define STATUS(path) "GET " WS "/get-status?return_export_info=true&path=" path
#define EXPORT(path) "GET " WS "/export?direct_download=true&path=" path

struct step {
	const char *line, *body;
	int status;
	const char *says; /* somewhere in the answer; NULL: it does not matter */
};

static inline void
run(const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct step *s = &steps[i];
		char *answer = call(s->line,
		    strncmp(s->body, "--XX", 4) == 0 ? FORM : "", s->body, 5000);

		expect_status(answer, s->status);
		ck_assert_msg(
		    s->says == NULL || strstr(answer, s->says) != NULL,
		    "%s %s: %s", s->line, s->body, answer);
		free(answer);
	}
}

/* The number after the name in what a call answers. */
static inline int64_t
number(const char *line, const char *name)
{
	char *answer = call(line, "", "", 5000), *at = strstr(answer, name);
	int64_t n;

	expect_status(answer, 200);
	ck_assert_ptr_nonnull(at);
	n = strtoll(at + strlen(name), NULL, 10);
	free(answer);
	return n;
}

static inline int64_t
id_of(const char *path)
{
	char *line = text_printf("GET " WS "/get-status?path=%s", path);
	int64_t id = number(line, "\"object_id\":");

	free(line);
	return id;
}

static inline void
set(const char *name, const char *value)
{
	ck_assert_int_eq(settings_set(&emu.settings, name, value), 0);
}

#endif
