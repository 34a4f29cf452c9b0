/* emu/spool.c - a file on its way into a tree. */
#include "config.h"

#include "emu/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/io.h"
#include "base/text.h"

#include "base/banned.h"

#define NAME_BYTES 40
#define MD_BYTES   32
#define PIECE      65536

struct spool {
	int dir_fd; /* borrowed */
	int fd;
	char name[NAME_BYTES];
	uint64_t size;
	EVP_MD_CTX *md; /* NULL after a resume, until the hash is wanted */
	bool stays;     /* kept or moved: spool_free leaves the file */
};

int
spool_resume(int dir_fd, const char *name, uint64_t size, struct spool **out)
{
	struct spool *s;
	int ret;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->dir_fd = dir_fd;
	s->size = size;
	text_copy(s->name, sizeof(s->name), name);
	s->fd = openat(
	    dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->fd < 0 || ftruncate(s->fd, (off_t)size) < 0) {
		ret = -errno;
		s->stays = true;
		spool_free(s);
		return ret;
	}
	*out = s;
	return 0;
}

int
spool_new(int dir_fd, struct spool **out)
{
	char name[NAME_BYTES];

	digest_random_hex(name, 16);
	return spool_resume(dir_fd, name, 0, out);
}

void
spool_free(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	if (!s->stays)
		(void)unlinkat(s->dir_fd, s->name, 0);
	EVP_MD_CTX_free(s->md);
	free(s);
}

void
spool_keep(struct spool *s)
{
	s->stays = true;
}

/* Starts the hash; what a resumed file holds already is read once. */
static int
start_hash(struct spool *s)
{
	unsigned char *piece = NULL;
	uint64_t off = 0;
	int ret = 0;

	s->md = EVP_MD_CTX_new();
	if (s->md == NULL || EVP_DigestInit_ex(s->md, EVP_sha256(), NULL) != 1)
		ret = -ENOMEM;
	if (ret == 0 && s->size > 0) {
		piece = malloc(PIECE);
		ret = piece != NULL ? 0 : -ENOMEM;
	}
	while (ret == 0 && off < s->size) {
		ssize_t n = io_pread(s->fd, piece, PIECE, off);

		if (n <= 0)
			ret = n < 0 ? (int)n : -EIO;
		else
			(void)EVP_DigestUpdate(s->md, piece, (size_t)n);
		off += n > 0 ? (uint64_t)n : 0;
	}
	free(piece);
	if (ret < 0) {
		EVP_MD_CTX_free(s->md);
		s->md = NULL;
	}
	return ret;
}

int
spool_write(struct spool *s, const void *src, size_t len)
{
	int ret;

	if (s->md == NULL) {
		ret = start_hash(s);
		if (ret < 0)
			return ret;
	}
	ret = io_pwrite(s->fd, src, len, s->size);
	if (ret < 0) {
		if (ftruncate(s->fd, (off_t)s->size) < 0)
			return -errno;
		return ret;
	}
	(void)EVP_DigestUpdate(s->md, src, len);
	s->size += len;
	return 0;
}

uint64_t
spool_size(const struct spool *s)
{
	return s->size;
}

int
spool_fd(const struct spool *s)
{
	return s->fd;
}

int
spool_seal(struct spool *s, char sha256[DIGEST_SHA256_HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	int ret = 0;

	if (s->md == NULL)
		ret = start_hash(s);
	if (ret < 0)
		return ret;
	if (EVP_DigestFinal_ex(s->md, md, NULL) != 1)
		return -EIO;
	for (size_t i = 0; i < MD_BYTES; i++)
		(void)snprintf(sha256 + 2 * i, 3, "%02x", md[i]);
	return 0;
}

int
spool_move(struct spool *s, int dir_fd, const char *name)
{
	if (renameat(s->dir_fd, s->name, dir_fd, name) < 0)
		return -errno;
	s->stays = true;
	return 0;
}
