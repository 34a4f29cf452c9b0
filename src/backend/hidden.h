/* backend/hidden.h: names of our own on the server that no listing shows.
 *
 * Where a service cannot do a thing in one step, an object stands under such a
 * name for a moment: a file that is being replaced, or one that was deleted here
 * while a program still had it open.  The journal knows each of them. */
#ifndef BACKEND_HIDDEN_H
#define BACKEND_HIDDEN_H

#include <stdbool.h>

#define HIDDEN_NAME_BYTES 32

/* A name that nobody has used: ".brickfs-" and 16 hex digits. */
void hidden_name(char out[HIDDEN_NAME_BYTES]);

/* The path of one beside path, which is absolute; new memory, NULL when there is
 * none. */
char *hidden_sibling(const char *path);

bool hidden_is(const char *name);

/* The digits of such a name. */
const char *hidden_digits(const char *name);

#endif
