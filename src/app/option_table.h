/* app/option_table.h: every option of the command line, one row each; private to
 * app/options.c. */
#ifndef APP_OPTION_TABLE_H
#define APP_OPTION_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "app/options.h"

enum option_kind {
	OPTION_FLAG,    /* bool: true when given */
	OPTION_UNFLAG,  /* bool: false when given */
	OPTION_TEXT,    /* char * */
	OPTION_SECONDS, /* int64_t: milliseconds */
	OPTION_BYTES,   /* uint64_t */
	OPTION_OCTAL,   /* int64_t */
	OPTION_USER,    /* int64_t: a number or a name */
	OPTION_GROUP,
	OPTION_WORD,    /* an enum, which gcc and clang make unsigned: one of the
			 * words in arg, counted from 1; 0: none was given */
	OPTION_IGNORED, /* of fstab and mount(8), of no meaning here */
	OPTION_SECRET,  /* never on a command line */
};

struct option {
	const char *name;
	enum option_kind kind;
	size_t at;          /* in struct config */
	const char *preset; /* set before the command line is read; or NULL */
	uint64_t min, max; /* of OPTION_SECONDS, in seconds, and OPTION_BYTES */
	const char
	    *arg; /* how the value is called; of OPTION_WORD: the words */
	const char *help; /* NULL: --help does not show it */
};

/* The rows in the order in which --help shows them; NULL beyond the last. */
const struct option *option_table_row(size_t i);

/* NULL: there is none. */
const struct option *option_table_find(const char *name);

#endif
