/* base/columns.c - text in two columns. */
#include "config.h"

#include "base/columns.h"

#include <string.h>

#include "base/banned.h"

int
columns_row(struct buf *out, size_t column, const char *left, const char *right)
{
	size_t at = strlen(left) + 2;
	int ret;

	ret = buf_printf(out, "  %s", left);
	if (ret == 0 && at + 2 > column) {
		ret = buf_puts(out, "\n");
		at = 0;
	}
	if (ret == 0)
		ret = buf_printf(out, "%*s", (int)(column - at), "");
	at = column;
	while (*right != '\0' && ret == 0) {
		size_t len = strcspn(right, " ");

		if (at > column && at + 1 + len > COLUMNS_WIDTH) {
			ret = buf_printf(out, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			ret = buf_puts(out, " ");
			at++;
		}
		if (ret == 0)
			ret = buf_append(out, right, len);
		at += len;
		right += len + strspn(right + len, " ");
	}
	return ret == 0 ? buf_puts(out, "\n") : ret;
}
