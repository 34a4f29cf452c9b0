/* emu/form.c - the parts of a form: parameters, and the file. */
#include "config.h"

#include "emu/form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "emu/emu.h"
#include "emu/multipart.h"
#include "emu/routes.h"

#include "base/banned.h"

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
add_file(struct request *req, bool first, const char *data, size_t len)
{
	struct body *body = &req->body;
	uint64_t limit =
	    (uint64_t)settings_get(&req->emu->settings, SET_PUT_LIMIT);
	int ret;

	if (first && body->has_file)
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

/* All text parts together are as long as any other parameters may be. */
static int
add_text(struct request *req, const char *name, bool first, const char *data,
    size_t len)
{
	struct body *body = &req->body;

	body->text_bytes += len;
	if (body->text_bytes > req->route->max_body)
		return -EFBIG;
	if (first) {
		body->part = text_dup(name);
		if (body->part == NULL)
			return -ENOMEM;
	}
	return buf_append(&body->text, data, len);
}

static int
take_part(void *ctx, const struct multipart_part *part, bool first,
    const char *data, size_t len)
{
	struct request *req = ctx;
	bool is_file = part->is_file && req->route->body == ROUTE_FORM;
	int ret = 0;

	if (first)
		ret = end_text(req);
	if (ret == 0 && is_file)
		ret = add_file(req, first, data, len);
	else if (ret == 0)
		ret = add_text(req, part->name, first, data, len);
	return ret;
}

int
form_open(struct request *req, const char *content_type)
{
	buf_init(&req->body.text, (size_t)req->route->max_body);
	return multipart_new(content_type, take_part, req, &req->body.form);
}

int
form_piece(struct request *req, const char *data, size_t len)
{
	return multipart_feed(req->body.form, data, len);
}

int
form_end(struct request *req)
{
	return multipart_complete(req->body.form) ? end_text(req) : -EBADMSG;
}
