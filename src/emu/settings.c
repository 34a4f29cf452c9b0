/* emu/settings.c - the table of settings. */
#include "config.h"

#include "emu/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "base/banned.h"

enum kind { KIND_NUMBER, KIND_FLAG, KIND_CHOICE };

static const struct row {
	const char *name;
	enum kind kind;
	int64_t def;
	const char *arg; /* the word in the help; of a choice the choices */
	const char *help;
} rows[] = {
/* clang-format off */
#define NUMBER(id, name, def, arg, help) { name, KIND_NUMBER, def, arg, help },
#define FLAG(id, name, help)		 { name, KIND_FLAG, 0, NULL, help },
#define CHOICE(id, name, choices, help)	 { name, KIND_CHOICE, 0, choices, help },
#include "emu/settings.def"
#undef NUMBER
#undef FLAG
#undef CHOICE
	/* clang-format on */
};

static const char *const on_words[] = { "1", "true", "on", "yes" };
static const char *const off_words[] = { "0", "false", "off", "no" };

void
settings_init(struct settings *s)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		atomic_store(&s->values[i], rows[i].def);
}

int64_t
settings_get(const struct settings *s, enum setting id)
{
	return atomic_load(&s->values[id]);
}

bool
settings_on(const struct settings *s, enum setting id)
{
	return settings_get(s, id) != 0;
}

static const struct row *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

bool
settings_wants_value(const char *name)
{
	const struct row *row = find(name);

	return row != NULL && row->kind != KIND_FLAG;
}

/* The n-th of "a|b|c", or NULL; *len is its length. */
static const char *
choice_at(const char *choices, int64_t n, size_t *len)
{
	const char *p = choices;

	for (;;) {
		*len = strcspn(p, "|");
		if (n-- == 0)
			return p;
		if (p[*len] == '\0')
			return NULL;
		p += *len + 1;
	}
}

static int
parse_choice(const char *choices, const char *value, int64_t *out)
{
	const char *word;
	size_t len;

	for (int64_t i = 0; (word = choice_at(choices, i, &len)) != NULL; i++) {
		if (strlen(value) == len && memcmp(value, word, len) == 0) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_flag(const char *value, int64_t *out)
{
	for (size_t i = 0; i < ARRAY_LEN(on_words); i++) {
		if (strcmp(value, on_words[i]) == 0) {
			*out = 1;
			return 0;
		}
		if (strcmp(value, off_words[i]) == 0) {
			*out = 0;
			return 0;
		}
	}
	return -EINVAL;
}

int
settings_set(struct settings *s, const char *name, const char *value)
{
	const struct row *row = find(name);
	uint64_t number;
	int64_t parsed = 1;
	int ret = 0;

	if (row == NULL)
		return -ENOENT;
	if (value == NULL)
		ret = row->kind == KIND_FLAG ? 0 : -EINVAL;
	else if (row->kind == KIND_FLAG)
		ret = parse_flag(value, &parsed);
	else if (row->kind == KIND_CHOICE)
		ret = parse_choice(row->arg, value, &parsed);
	else {
		ret = text_u64(value, INT64_MAX / 2000000, &number);
		if (ret == 0)
			parsed = (int64_t)number;
	}
	if (ret == 0)
		atomic_store(&s->values[row - rows], parsed);
	return ret;
}

int
settings_print(const struct settings *s, struct buf *out)
{
	int ret;

	ret = buf_puts(out, "{");
	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		int64_t value = settings_get(s, (enum setting)i);
		const char *word;
		size_t len;

		ret = buf_printf(out, "%s\"%s\":", i > 0 ? "," : "", row->name);
		if (ret < 0)
			break;
		switch (row->kind) {
		case KIND_NUMBER:
			ret = buf_printf(out, "%" PRId64, value);
			break;
		case KIND_FLAG:
			ret = buf_puts(out, value != 0 ? "true" : "false");
			break;
		case KIND_CHOICE:
			word = choice_at(row->arg, value, &len);
			ret = buf_printf(out, "\"%.*s\"", (int)len, word);
			break;
		}
	}
	return ret < 0 ? ret : buf_puts(out, "}");
}

int
settings_help(struct buf *out)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		char left[64];

		(void)snprintf(left, sizeof(left), "--%s%s%s", row->name,
		    row->arg != NULL ? " " : "",
		    row->arg != NULL ? row->arg : "");
		ret = buf_printf(out, "  %-34s %s\n", left, row->help);
	}
	return ret;
}
