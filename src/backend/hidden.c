/* backend/hidden.c - names of our own on the server. */
#include "config.h"

#include "backend/hidden.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"

#include "base/banned.h"

#define PREFIX ".brickfs-"
#define DIGITS 16

void
hidden_name(char out[HIDDEN_NAME_BYTES])
{
	char digits[DIGITS + 1];

	digest_random_hex(digits, DIGITS / 2);
	(void)snprintf(out, HIDDEN_NAME_BYTES, PREFIX "%s", digits);
}

char *
hidden_sibling(const char *path)
{
	const char *slash = strrchr(path, '/');
	char name[HIDDEN_NAME_BYTES];

	hidden_name(name);
	return text_printf("%.*s/%s", (int)(slash - path), path, name);
}

bool
hidden_is(const char *name)
{
	return text_starts(name, PREFIX) &&
	    strlen(name) == strlen(PREFIX) + DIGITS &&
	    strspn(name + strlen(PREFIX), "0123456789abcdef") == DIGITS;
}

const char *
hidden_digits(const char *name)
{
	return name + strlen(PREFIX);
}
