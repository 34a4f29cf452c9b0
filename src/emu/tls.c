/* emu/tls.c - certificates, by libcrypto. */
#include "config.h"

#include "emu/tls.h"

#include <errno.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/digest.h"

#include "base/banned.h"

#define PEM_BYTES  ((size_t)65536)
#define DAY        86400L
#define LIFE       (30 * DAY)
#define ANY_HOST   "DNS:localhost,IP:127.0.0.1,IP:::1"
#define OTHER_HOST "DNS:other.example,IP:192.0.2.1"

struct pair {
	EVP_PKEY *key;
	X509 *cert;
};

static void
pair_release(struct pair *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
	*p = (struct pair){ 0 };
}

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
	EVP_PKEY *key = NULL;

	if (ctx != NULL && EVP_PKEY_keygen_init(ctx) > 0 &&
	    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(
		ctx, NID_X9_62_prime256v1) > 0)
		(void)EVP_PKEY_keygen(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool good;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return good;
}

static bool
set_name(X509 *cert, const char *name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
		   MBSTRING_ASC, (const unsigned char *)name, -1, -1,
		   0) == 1;
}

struct wish {
	const char *name;
	const char *hosts; /* NULL: an authority */
	long from, until;  /* seconds from now */
};

/* A certificate, signed by issuer, or with NULL by itself. */
static bool
make_pair(const struct wish *w, const struct pair *issuer, struct pair *out)
{
	uint32_t serial;
	X509 *cert = X509_new();
	bool good;

	*out = (struct pair){ make_key(), cert };
	if (issuer == NULL)
		issuer = out;
	digest_random(&serial, sizeof(serial));
	good = out->key != NULL && cert != NULL &&
	       X509_set_version(cert, 2) == 1 &&
	       ASN1_INTEGER_set(
		   X509_get_serialNumber(cert), (long)(serial >> 1 | 1)) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), w->from) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), w->until) != NULL &&
	       X509_set_pubkey(cert, out->key) == 1 && set_name(cert, w->name) &&
	       X509_set_issuer_name(
		   cert, X509_get_subject_name(issuer->cert)) == 1 &&
	       add_extension(cert, issuer->cert, NID_basic_constraints,
		   w->hosts == NULL ? "critical,CA:TRUE" : "CA:FALSE") &&
	       (w->hosts == NULL || add_extension(cert, issuer->cert,
					NID_subject_alt_name, w->hosts)) &&
	       X509_sign(cert, issuer->key, EVP_sha256()) > 0;
	if (!good)
		pair_release(out);
	return good;
}

static bool
take_pem(BIO *bio, struct buf *out)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	return len > 0 && buf_append(out, data, (size_t)len) == 0;
}

/* key may be NULL. */
static bool
write_pair(const struct pair *p, struct buf *cert, struct buf *key)
{
	BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
	bool good;

	good = a != NULL && b != NULL && PEM_write_bio_X509(a, p->cert) == 1 &&
	       take_pem(a, cert);
	if (good && key != NULL)
		good = PEM_write_bio_PrivateKey(
			   b, p->key, NULL, NULL, 0, NULL, NULL) == 1 &&
		       take_pem(b, key);
	BIO_free(a);
	BIO_free(b);
	return good;
}

static bool
make_leaf(struct tls *t, const struct pair *authority, int kind)
{
	static const struct wish wishes[CERT_COUNT] = {
		[CERT_GOOD] = { "brickfs-emulator", ANY_HOST, -DAY, LIFE },
		[CERT_EXPIRED] = { "brickfs-emulator", ANY_HOST, -LIFE, -DAY },
		[CERT_SELF] = { "brickfs-emulator", ANY_HOST, -DAY, LIFE },
		[CERT_WRONG_HOST] = { "other.example", OTHER_HOST, -DAY, LIFE },
	};
	struct pair leaf;
	bool good;

	if (!make_pair(&wishes[kind], kind == CERT_SELF ? NULL : authority,
		&leaf))
		return false;
	good = write_pair(&leaf, &t->leaf[kind].cert, &t->leaf[kind].key);
	pair_release(&leaf);
	return good;
}

int
tls_make(struct tls *t, struct why *why)
{
	static const struct wish root = { "brickfs-emulator authority", NULL,
		-2 * LIFE, 12 * LIFE };
	struct pair authority;
	bool good;

	buf_init(&t->authority, PEM_BYTES);
	for (int i = 0; i < CERT_COUNT; i++) {
		buf_init(&t->leaf[i].cert, PEM_BYTES);
		buf_init(&t->leaf[i].key, PEM_BYTES);
	}
	good = make_pair(&root, NULL, &authority);
	if (good)
		good = write_pair(&authority, &t->authority, NULL);
	for (int i = 0; good && i < CERT_COUNT; i++)
		good = make_leaf(t, &authority, i);
	pair_release(&authority);
	return good ? 0 : why_set(why, -EIO, "cannot make certificates");
}

void
tls_release(struct tls *t)
{
	buf_release(&t->authority);
	for (int i = 0; i < CERT_COUNT; i++) {
		buf_release(&t->leaf[i].cert);
		buf_release(&t->leaf[i].key);
	}
}
