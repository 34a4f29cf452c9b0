/* tests/conformance/convert.c: convert FROM TO LANGUAGE <in >out: a notebook in another
 * form, for tests of what others make of it.  Status 2: it is none of form FROM. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/io.h"
#include "emu/notebook.h"

#define NAME "A name"

static enum notebook_language language;

static int
read_source(const char *text, size_t len, struct notebook *out)
{
	return notebook_read_source(text, len, language, out);
}

static int
print_source(const struct notebook *nb, const char *name, struct buf *out)
{
	(void)name;
	return notebook_print_source(nb, out);
}

static const struct {
	const char *name;
	int (*read)(const char *text, size_t len, struct notebook *out);
	int (*print)(
	    const struct notebook *nb, const char *name, struct buf *out);
} forms[] = {
	{ "source", read_source, print_source },
	{ "jupyter", notebook_read_jupyter, notebook_print_jupyter },
	{ "archived", notebook_read_archived, notebook_print_archived },
	{ "html", notebook_read_html, notebook_print_html },
	{ "rmarkdown", notebook_read_rmarkdown, notebook_print_rmarkdown },
};

static size_t
form(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(forms) && strcmp(forms[i].name, name) != 0)
		i++;
	return i;
}

static int
convert(const struct buf *in, const char *from, const char *to, struct buf *out)
{
	struct notebook nb;
	int ret;

	if (strcmp(to, "kept") == 0)
		return notebook_keep_jupyter(
		    buf_text(in), in->len, NAME, &language, out);
	if (form(from) == ARRAY_LEN(forms) || form(to) == ARRAY_LEN(forms))
		return -EINVAL;
	ret = forms[form(from)].read(buf_text(in), in->len, &nb);
	if (ret == 0)
		ret = forms[form(to)].print(&nb, NAME, out);
	notebook_release(&nb);
	return ret;
}

int
main(int argc, char **argv)
{
	struct buf in, out;
	int ret = -EINVAL;

	buf_init(&in, BUF_LIMIT_TEXT);
	buf_init(&out, 8 * BUF_LIMIT_TEXT);
	if (argc == 4 && notebook_language_of_name(argv[3], &language))
		ret = io_read_file("/dev/stdin", &in);
	if (ret == 0)
		ret = convert(&in, argv[1], argv[2], &out);
	if (ret == 0)
		ret = io_write(STDOUT_FILENO, buf_text(&out), out.len);
	if (ret < 0)
		fprintf(stderr, "convert: %s\n", strerror(-ret));
	buf_release(&in);
	buf_release(&out);
	return ret == -EBADMSG ? 2 : ret < 0;
}
