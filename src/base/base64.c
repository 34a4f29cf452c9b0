/* base/base64.c - base64 by libcrypto, made strict. */
#include "config.h"

#include "base/base64.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/banned.h"

void
base64_encode(char *dst, const void *src, size_t len)
{
	(void)EVP_EncodeBlock((unsigned char *)dst, src, (int)len);
}

ssize_t
base64_decode(void *dst, const char *text, size_t text_len)
{
	size_t pad = 0;
	int n;

	if (text_len == 0)
		return 0;
	if (text_len % 4 != 0 || text_len > (size_t)1 << 30)
		return -EBADMSG;
	/* EVP_DecodeBlock skips blanks at both ends and takes '=' anywhere near
	 * the end; neither is base64 here. */
	if (strchr(" \t\r\n\v\f", text[0]) != NULL ||
	    strchr(" \t\r\n\v\f-", text[text_len - 1]) != NULL)
		return -EBADMSG;
	if (text[text_len - 1] == '=')
		pad = text[text_len - 2] == '=' ? 2 : 1;
	if (memchr(text, '=', text_len - pad) != NULL)
		return -EBADMSG;
	n = EVP_DecodeBlock(dst, (const unsigned char *)text, (int)text_len);
	if (n < 0 || (size_t)n != text_len / 4 * 3)
		return -EBADMSG;
	return (ssize_t)((size_t)n - pad);
}
