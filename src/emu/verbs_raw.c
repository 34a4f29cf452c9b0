/* emu/verbs_raw.c - verbs about what surrounds a body, and whose body it is. */
#include "config.h"

#include "emu/verbs_impl.h"

#include <string.h>

#include "emu/params.h"
#include "emu/request.h"

#include "base/banned.h"

#define GZIP_RUN   258 /* bytes that one match stands for */
#define BOMB_BYTES INT64_C(1073741824)

/* The request is carried out as if it had named another path. */
void
verb_swap(struct request *req, struct json_object *args)
{
	const char *path = verb_text(args, "path", NULL);

	if (path != NULL)
		req->plan.answered |= params_replace(&req->params, "path", path) < 0;
}

/* More or fewer bytes are announced than come. */
void
verb_content_length(struct request *req, struct json_object *args)
{
	req->plan.length_lie = verb_number(args, "d", 1);
}

void
verb_bad_chunk(struct request *req, struct json_object *args)
{
	static const struct {
		const char *mode;
		enum plan_chunk chunk;
	} modes[] = {
		{ "size", PLAN_CHUNK_SIZE },
		{ "long", PLAN_CHUNK_LONG },
		{ "huge", PLAN_CHUNK_HUGE },
		{ "end", PLAN_CHUNK_END },
		{ "last", PLAN_CHUNK_LAST },
	};
	const char *mode = verb_text(args, "mode", "size");

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(modes[i].mode, mode) == 0)
			req->plan.chunk = modes[i].chunk;
}

/* Deflate's bits: codes go in from their highest bit, other numbers from their
 * lowest. */
struct bits {
	struct buf *out;
	unsigned pending, count;
	int ret;
};

static void
put_bit(struct bits *b, unsigned bit)
{
	char byte;

	b->pending |= bit << b->count;
	if (++b->count < 8)
		return;
	byte = (char)b->pending;
	if (b->ret == 0)
		b->ret = buf_append(b->out, &byte, 1);
	b->pending = b->count = 0;
}

static void
put_code(struct bits *b, unsigned code, unsigned len)
{
	while (len-- > 0)
		put_bit(b, code >> len & 1);
}

/* Literals of ASCII, by the fixed code. */
static void
put_literals(struct bits *b, const char *text)
{
	for (; *text != '\0'; text++)
		put_code(b, 0x30u + (unsigned char)*text, 8);
}

/* A JSON object with a text of n bytes, made of matches that repeat one. */
static int
write_bomb(struct buf *out, int64_t n)
{
	static const char head[] = "\x1f\x8b\x08\0\0\0\0\0\0\xff";
	static const char tail[8]; /* a wrong checksum: who gets so far is lost */
	struct bits b = { .out = out };

	b.ret = buf_append(out, head, sizeof(head) - 1);
	put_bit(&b, 1); /* the last block, */
	put_bit(&b, 1); /* with the fixed code */
	put_bit(&b, 0);
	put_literals(&b, "{\"junk\":\"x");
	for (int64_t i = 0; b.ret == 0 && i < n / GZIP_RUN; i++) {
		put_code(&b, 0xc5, 8); /* 258 bytes */
		put_code(&b, 0, 5);    /* from one before */
	}
	put_literals(&b, "\"}");
	put_code(&b, 0, 7); /* the end */
	while (b.count > 0)
		put_bit(&b, 0);
	return b.ret < 0 ? b.ret : buf_append(out, tail, sizeof(tail));
}

void
verb_gzip_bomb(struct request *req, struct json_object *args)
{
	struct buf *body = verb_body(req);
	int64_t n = verb_number(args, "n", BOMB_BYTES);

	if (body == NULL)
		return;
	buf_clear(body);
	if (write_bomb(body, n) < 0)
		buf_clear(body);
	reply_add_header(req, "Content-Encoding", "gzip");
}
