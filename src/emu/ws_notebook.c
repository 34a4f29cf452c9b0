/* emu/ws_notebook.c - a notebook of the workspace in any of its forms. */
#include "config.h"

#include "emu/ws_notebook.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

/* The extensions in a DBC archive. */
static const char *const words[] = {
	[NOTEBOOK_PYTHON] = "python",
	[NOTEBOOK_SQL] = "sql",
	[NOTEBOOK_SCALA] = "scala",
	[NOTEBOOK_R] = "r",
};

static enum notebook_language
language_of(const struct object *o)
{
	enum notebook_language language;

	return notebook_language_of_name(o->language, &language)
		   ? language
		   : NOTEBOOK_PYTHON;
}

bool
ws_notebook_is_model(const char *extension)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], extension) == 0)
			return true;
	return false;
}

enum ws_form
ws_notebook_kept(const struct object *o)
{
	return strcmp(o->format, "JUPYTER") == 0 ? WS_FORM_JUPYTER
						 : WS_FORM_SOURCE;
}

const char *
ws_notebook_type(const struct object *o, enum ws_form form)
{
	switch (form) {
	case WS_FORM_SOURCE: return notebook_extension(language_of(o)) + 1;
	case WS_FORM_JUPYTER: return "ipynb";
	case WS_FORM_HTML: return "html";
	case WS_FORM_RMD: return "Rmd";
	case WS_FORM_MODEL: return words[language_of(o)];
	}
	return "";
}

int
ws_notebook_print(const struct object *o, const char *name,
    const struct buf *kept, enum ws_form form, struct buf *out)
{
	struct notebook nb;
	int ret;

	if (form == ws_notebook_kept(o))
		return buf_append(out, buf_text(kept), kept->len);
	ret = ws_notebook_kept(o) == WS_FORM_JUPYTER
		  ? notebook_read_jupyter(buf_text(kept), kept->len, &nb)
		  : notebook_read_source(
			buf_text(kept), kept->len, language_of(o), &nb);
	if (ret < 0)
		return ret;
	switch (form) {
	case WS_FORM_SOURCE: ret = notebook_print_source(&nb, out); break;
	case WS_FORM_JUPYTER:
		ret = notebook_print_jupyter(&nb, name, out);
		break;
	case WS_FORM_HTML: ret = notebook_print_html(&nb, name, out); break;
	case WS_FORM_RMD: ret = notebook_print_rmarkdown(&nb, name, out); break;
	case WS_FORM_MODEL: ret = notebook_print_archived(&nb, name, out); break;
	}
	notebook_release(&nb);
	return ret;
}

int
ws_notebook_read(const struct buf *text, enum ws_form form,
    enum notebook_language *language, struct buf *source)
{
	struct notebook nb;
	int ret;

	ret = form == WS_FORM_HTML
		  ? notebook_read_html(buf_text(text), text->len, &nb)
	      : form == WS_FORM_RMD
		  ? notebook_read_rmarkdown(buf_text(text), text->len, &nb)
		  : notebook_read_archived(buf_text(text), text->len, &nb);
	if (ret < 0)
		return ret;
	*language = nb.language;
	ret = notebook_print_source(&nb, source);
	notebook_release(&nb);
	return ret;
}
