/* app/ini.c - reads the INI files of the Databricks clients. */
#include "config.h"

#include "app/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/text.h"

#include "base/banned.h"

struct row {
	size_t section; /* index */
	char *key;
	char *value;
};

struct ini {
	char **sections;
	size_t n_sections;
	struct row *rows;
	size_t n_rows;
};

void
ini_free(struct ini *i)
{
	if (i == NULL)
		return;
	for (size_t n = 0; n < i->n_rows; n++) {
		OPENSSL_cleanse(i->rows[n].value, strlen(i->rows[n].value));
		free(i->rows[n].key);
		free(i->rows[n].value);
	}
	for (size_t n = 0; n < i->n_sections; n++)
		free(i->sections[n]);
	free(i->rows);
	free(i->sections);
	free(i);
}

static int
section_index(struct ini *i, const char *name, size_t *out)
{
	char **more;

	for (size_t n = 0; n < i->n_sections; n++)
		if (strcmp(i->sections[n], name) == 0) {
			*out = n;
			return 0;
		}
	more = realloc(i->sections, (i->n_sections + 1) * sizeof(char *));
	if (more == NULL)
		return -ENOMEM;
	i->sections = more;
	i->sections[i->n_sections] = text_dup(name);
	if (i->sections[i->n_sections] == NULL)
		return -ENOMEM;
	*out = i->n_sections++;
	return 0;
}

static int
add_row(struct ini *i, size_t section, const char *key, const char *value)
{
	struct row *more;
	struct row row = { section, text_dup(key), text_dup(value) };

	more = realloc(i->rows, (i->n_rows + 1) * sizeof(*more));
	if (more != NULL)
		i->rows = more;
	if (more == NULL || row.key == NULL || row.value == NULL) {
		free(row.key);
		free(row.value);
		return -ENOMEM;
	}
	i->rows[i->n_rows++] = row;
	return 0;
}

static char *
trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s;
}

/* A comment begins after a blank, so that "dapi#x" stays whole. */
static void
cut_comment(char *value)
{
	for (char *p = value; *p != '\0'; p++)
		if ((*p == '#' || *p == ';') &&
		    (p == value || isblank((unsigned char)p[-1]))) {
			*p = '\0';
			return;
		}
}

static int
read_line(struct ini *i, char *line, size_t *section)
{
	char *equals, *end;

	line = trim(line);
	if (*line == '\0' || *line == '#' || *line == ';')
		return 0;
	if (*line == '[') {
		end = strrchr(line, ']');
		if (end == NULL)
			return -EINVAL;
		cut_comment(end + 1);
		if (*trim(end + 1) != '\0')
			return -EINVAL;
		*end = '\0';
		return section_index(i, trim(line + 1), section);
	}
	equals = strchr(line, '=');
	if (equals == NULL || equals == line)
		return -EINVAL;
	*equals++ = '\0';
	cut_comment(equals);
	return add_row(i, *section, trim(line), trim(equals));
}

int
ini_parse(const char *text, size_t len, struct ini **out, unsigned *line)
{
	struct ini *i = calloc(1, sizeof(*i));
	char *copy = malloc(len + 1), *next;
	size_t section = 0;
	bool has_nul;
	int ret = -ENOMEM;

	*line = 0;
	if (i == NULL || copy == NULL)
		goto out;
	memcpy(copy, text, len);
	copy[len] = '\0';
	has_nul = strlen(copy) < len;
	ret = section_index(i, "DEFAULT", &section);
	next = copy;
	if (text_starts(next, "\xef\xbb\xbf"))
		next += 3;
	while (ret == 0 && next != NULL) {
		char *this = next;

		next = strchr(this, '\n');
		if (next != NULL)
			*next++ = '\0';
		++*line;
		ret = read_line(i, this, &section);
	}
	/* It ends the last line that was read. */
	if (ret == 0 && has_nul)
		ret = -EINVAL;
out:
	if (copy != NULL)
		OPENSSL_cleanse(copy, len);
	free(copy);
	if (ret == 0)
		*out = i;
	else
		ini_free(i);
	return ret;
}

const char *
ini_get(const struct ini *i, const char *section, const char *key)
{
	const char *value = NULL;

	for (size_t n = 0; n < i->n_rows; n++)
		if (strcmp(i->sections[i->rows[n].section], section) == 0 &&
		    strcasecmp(i->rows[n].key, key) == 0)
			value = i->rows[n].value;
	return value;
}

const char *
ini_section(const struct ini *i, size_t n)
{
	return n < i->n_sections ? i->sections[n] : NULL;
}
