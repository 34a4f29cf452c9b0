/* app/netrc.c - the entry of one host in a netrc file. */
#include "config.h"

#include "app/netrc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/text.h"

#include "base/banned.h"

static const char blanks[] = " \t\r\n";

/* A quoted word, whose first quote is before *at: cut out of the text itself, with
 * "\x" as x. */
static char *
quoted_word(char **at)
{
	char *word = *at, *to = word;

	while (**at != '\0' && **at != '"') {
		if (**at == '\\' && (*at)[1] != '\0')
			++*at;
		*to++ = *(*at)++;
	}
	if (**at == '"')
		++*at;
	*to = '\0';
	return word;
}

/* The next word, in the text itself; NULL at the end.  Comments run from a '#' word
 * to the end of the line. */
static char *
next_word(char **at)
{
	char *word;

	for (;;) {
		*at += strspn(*at, blanks);
		if (**at != '#')
			break;
		*at += strcspn(*at, "\n");
	}
	if (**at == '\0')
		return NULL;
	if (**at == '"') {
		++*at;
		return quoted_word(at);
	}
	word = *at;
	*at += strcspn(*at, blanks);
	if (**at != '\0')
		*(*at)++ = '\0';
	return word;
}

/* A macro runs to the next empty line, and may hold any words. */
static void
skip_macro(char **at)
{
	char *end = strstr(*at, "\n\n");

	*at = end != NULL ? end : *at + strlen(*at);
}

struct found {
	const char *user, *secret; /* in the text */
};

/* The first entry of host that has a password. */
static bool
find_entry(char *at, const char *host, struct found *out)
{
	bool ours = false;
	char *word;

	while ((word = next_word(&at)) != NULL) {
		bool is_machine = strcmp(word, "machine") == 0;

		if (is_machine || strcmp(word, "default") == 0) {
			if (out->secret != NULL)
				break;
			*out = (struct found){ NULL, NULL };
			word = is_machine ? next_word(&at) : NULL;
			ours = word != NULL && strcasecmp(word, host) == 0;
		} else if (strcmp(word, "macdef") == 0) {
			skip_macro(&at);
		} else if (strcmp(word, "login") == 0) {
			word = next_word(&at);
			out->user = ours ? word : NULL;
		} else if (strcmp(word, "password") == 0) {
			word = next_word(&at);
			out->secret = ours ? word : NULL;
		} else if (strcmp(word, "account") == 0) {
			(void)next_word(&at);
		}
	}
	return out->secret != NULL;
}

int
netrc_find(const char *text, const char *host, char **login, char **password)
{
	struct found found = { NULL, NULL };
	size_t len = strlen(text);
	char *copy = text_dup(text), *user, *secret;
	int ret = -ENOENT;

	if (copy == NULL)
		return -ENOMEM;
	if (find_entry(copy, host, &found)) {
		user = text_dup(found.user != NULL ? found.user : "token");
		secret = text_dup(found.secret);
		ret = user != NULL && secret != NULL ? 0 : -ENOMEM;
		if (ret == 0) {
			*login = user;
			*password = secret;
		} else {
			free(user);
			free(secret);
		}
	}
	OPENSSL_cleanse(copy, len);
	free(copy);
	return ret;
}
