/* emu/form.c - multipart/form-data by libmicrohttpd's post processor. */
#include "config.h"

#include "emu/form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "base/text.h"

#include "emu/emu.h"
#include "emu/routes.h"

#include "base/banned.h"

#define PROCESSOR_BYTES 65536

/* The text part read so far becomes a parameter. */
static int
end_text(struct request *req)
{
	struct body *body = &req->body;
	int ret;

	if (body->part == NULL)
		return 0;
	ret = params_add(
	    &req->params, body->part, buf_text(&body->text), body->text.len);
	free(body->part);
	body->part = NULL;
	buf_clear(&body->text);
	return ret;
}

static int
add_file(struct request *req, const char *data, size_t len, uint64_t off)
{
	struct body *body = &req->body;
	uint64_t limit =
	    (uint64_t)settings_get(&req->emu->settings, SET_PUT_LIMIT);
	int ret;

	if (off == 0 && body->has_file && spool_size(body->file) > 0)
		return -EBADMSG;
	if (!body->has_file) {
		ret = spool_new(store_spools(req->emu->dbfs), &body->file);
		if (ret < 0)
			return ret;
		body->has_file = true;
	}
	if (spool_size(body->file) + len >= limit)
		return -EFBIG;
	return spool_write(body->file, data, len);
}

static int
add_text(struct request *req, const char *name, const char *data, size_t len,
    uint64_t off)
{
	struct body *body = &req->body;
	int ret;

	if (off == 0) {
		ret = end_text(req);
		if (ret < 0)
			return ret;
		body->part = text_dup(name);
		if (body->part == NULL)
			return -ENOMEM;
	}
	return buf_append(&body->text, data, len);
}

static enum MHD_Result
take_part(void *cls, enum MHD_ValueKind kind, const char *name,
    const char *filename, const char *type, const char *encoding,
    const char *data, uint64_t off, size_t len)
{
	struct request *req = cls;
	int ret;

	(void)kind;
	(void)type;
	(void)encoding;
	if (filename != NULL) {
		ret = end_text(req);
		if (ret == 0)
			ret = add_file(req, data, len, off);
	} else {
		ret = add_text(req, name != NULL ? name : "", data, len, off);
	}
	if (ret < 0 && req->body.err == 0)
		req->body.err = ret;
	return ret < 0 ? MHD_NO : MHD_YES;
}

int
form_open(struct request *req)
{
	buf_init(&req->body.text, (size_t)req->route->max_body);
	req->body.form = MHD_create_post_processor(
	    req->conn, PROCESSOR_BYTES, take_part, req);
	return req->body.form != NULL ? 0 : -EBADMSG;
}

int
form_piece(struct request *req, const char *data, size_t len)
{
	if (MHD_post_process(req->body.form, data, len) == MHD_YES)
		return 0;
	return req->body.err < 0 ? req->body.err : -EBADMSG;
}

int
form_end(struct request *req)
{
	enum MHD_Result whole = MHD_destroy_post_processor(req->body.form);

	req->body.form = NULL;
	if (req->body.err < 0)
		return req->body.err;
	return whole == MHD_YES ? end_text(req) : -EBADMSG;
}
