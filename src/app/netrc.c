/* app/netrc.c - the entry of one host in a netrc file. */
#include "config.h"

#include "app/netrc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/text.h"

#include "base/banned.h"

static const char blanks[] = " \t\r\n";

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
	word = *at;
	*at += strcspn(*at, blanks);
	if (**at != '\0')
		*(*at)++ = '\0';
	return word;
}

int
netrc_find(const char *text, const char *host, char **login, char **password)
{
	char *copy = text_dup(text), *at = copy, *word;
	const char *user = NULL, *secret = NULL;
	bool ours = false, done = false;
	int ret = -ENOENT;

	if (copy == NULL)
		return -ENOMEM;
	while (!done && (word = next_word(&at)) != NULL) {
		if (strcmp(word, "machine") == 0) {
			done = ours && secret != NULL;
			word = done ? NULL : next_word(&at);
			ours = ours ? done :
			    word != NULL && strcasecmp(word, host) == 0;
		} else if (strcmp(word, "default") == 0) {
			done = ours;
		} else if (strcmp(word, "login") == 0) {
			word = next_word(&at);
			user = ours ? word : user;
		} else if (strcmp(word, "password") == 0) {
			word = next_word(&at);
			secret = ours ? word : secret;
		}
	}
	if (secret != NULL) {
		*login = text_dup(user != NULL ? user : "token");
		*password = text_dup(secret);
		ret = *login != NULL && *password != NULL ? 0 : -ENOMEM;
	}
	OPENSSL_cleanse(copy, strlen(text));
	free(copy);
	return ret;
}
