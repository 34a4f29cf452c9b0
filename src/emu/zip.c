/* emu/zip.c - zip archives in memory. */
#include "config.h"

#include "emu/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/text.h"

#include "base/banned.h"

#define PIECE 65536

/* An archive with nothing in it is its end alone, which libarchive takes for none. */
#define EMPTY	    "PK\5\6"
#define EMPTY_BYTES 22

struct zip {
	struct archive *archive;
	locale_t utf8; /* borrowed */
	struct buf *out; /* borrowed */
};

static la_ssize_t
take_bytes(struct archive *a, void *ctx, const void *data, size_t len)
{
	struct buf *out = ctx;

	if (buf_append(out, data, len) == 0)
		return (la_ssize_t)len;
	archive_set_error(a, ENOMEM, "out of memory");
	return -1;
}

int
zip_new(struct buf *out, locale_t utf8, struct zip **zip)
{
	struct zip *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return -ENOMEM;
	z->out = out;
	z->utf8 = utf8;
	z->archive = archive_write_new();
	if (z->archive == NULL ||
	    archive_write_set_format_zip(z->archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(z->archive, 1) != ARCHIVE_OK ||
	    archive_write_open(z->archive, out, NULL, take_bytes, NULL) !=
		ARCHIVE_OK) {
		zip_free(z);
		return -ENOMEM;
	}
	*zip = z;
	return 0;
}

static int
add_entry(struct zip *z, struct archive_entry *e, const void *data, size_t len)
{
	if (archive_write_header(z->archive, e) != ARCHIVE_OK)
		return -EIO;
	if (len > 0 && archive_write_data(z->archive, data, len) !=
			   (la_ssize_t)len)
		return -EIO;
	return 0;
}

int
zip_add(struct zip *z, const char *name, int64_t mtime_ms, const void *data,
    size_t len)
{
	struct archive_entry *e = archive_entry_new();
	bool is_dir = text_ends(name, "/");
	locale_t old;
	int ret;

	if (e == NULL)
		return -ENOMEM;
	old = uselocale(z->utf8);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, is_dir ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(e, is_dir ? 0755 : 0644);
	archive_entry_set_size(e, (la_int64_t)len);
	archive_entry_set_mtime(e, (time_t)(mtime_ms / 1000), 0);
	ret = add_entry(z, e, data, len);
	(void)uselocale(old);
	archive_entry_free(e);
	return ret;
}

int
zip_end(struct zip *z)
{
	return archive_write_close(z->archive) == ARCHIVE_OK ? 0 : -EIO;
}

void
zip_free(struct zip *z)
{
	if (z == NULL)
		return;
	if (z->archive != NULL)
		(void)archive_write_free(z->archive);
	free(z);
}

/* The content of one entry, of which room bytes may come. */
static int
read_entry(struct archive *a, size_t room, struct buf *out)
{
	la_ssize_t n = 1;
	int ret = 0;

	while (ret == 0 && n > 0) {
		ret = buf_reserve(out, PIECE);
		if (ret < 0)
			break;
		n = archive_read_data(a, out->data + out->len, PIECE);
		if (n < 0)
			ret = -EBADMSG;
		else if (out->len + (size_t)n > room)
			ret = -EFBIG;
		else
			out->len += (size_t)n;
	}
	return ret;
}

static int
read_all(struct archive *a, size_t limit, zip_fn *each, void *ctx)
{
	struct archive_entry *e;
	struct buf content;
	int ret = 0, got = ARCHIVE_OK;

	buf_init(&content, SIZE_MAX / 4);
	while (ret == 0 &&
	       (got = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(e);

		buf_clear(&content);
		ret = name != NULL ? read_entry(a, limit, &content) : -EBADMSG;
		limit -= content.len < limit ? content.len : limit;
		content.data[content.len] = '\0';
		if (ret == 0)
			ret = each(ctx, name, buf_text(&content), content.len);
	}
	buf_release(&content);
	return ret == 0 && got != ARCHIVE_EOF ? -EBADMSG : ret;
}

int
zip_read(const void *data, size_t len, size_t limit, locale_t utf8,
    zip_fn *each, void *ctx)
{
	struct archive *a = archive_read_new();
	locale_t old;
	int ret = -EBADMSG;

	if (a == NULL)
		return -ENOMEM;
	if (len == EMPTY_BYTES && memcmp(data, EMPTY, strlen(EMPTY)) == 0) {
		(void)archive_read_free(a);
		return 0;
	}
	old = uselocale(utf8);
	if (len > 0 && archive_read_support_format_zip_seekable(a) == ARCHIVE_OK &&
	    archive_read_open_memory(a, data, len) == ARCHIVE_OK)
		ret = read_all(a, limit, each, ctx);
	(void)archive_read_free(a);
	(void)uselocale(old);
	return ret;
}
