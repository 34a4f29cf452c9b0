/* base/text.c - numbers and small questions about strings. */
#include "config.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static int
digits(const char *s, unsigned base, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (*s == '\0')
		return -EINVAL;
	for (; *s != '\0'; s++) {
		unsigned d = (unsigned)(unsigned char)*s - '0';

		if (d >= base || n > (max - d) / base)
			return -EINVAL;
		n = n * base + d;
	}
	*out = n;
	return 0;
}

int
text_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t n;
	int ret;

	ret = digits(s, 10, UINT64_MAX, &n);
	if (ret < 0)
		return ret;
	if (n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

int
text_i64(const char *s, int64_t *out)
{
	bool negative = *s == '-';
	uint64_t n;
	int ret;

	ret = digits(s + negative, 10, (uint64_t)INT64_MAX + negative, &n);
	if (ret < 0)
		return ret;
	*out = negative ? -(int64_t)(n - (n > 0)) - (n > 0) : (int64_t)n;
	return 0;
}

int
text_octal(const char *s, unsigned max, unsigned *out)
{
	uint64_t n;
	int ret;

	ret = digits(s, 8, UINT64_MAX, &n);
	if (ret < 0)
		return ret;
	if (n > max)
		return -EINVAL;
	*out = (unsigned)n;
	return 0;
}

int
text_bytes(const char *s, uint64_t *out)
{
	char number[24];
	size_t len = strspn(s, "0123456789");
	unsigned shift;
	uint64_t n;

	if (len == 0 || len >= sizeof(number))
		return -EINVAL;
	memcpy(number, s, len);
	number[len] = '\0';
	s += len;
	switch (toupper((unsigned char)*s)) {
	case 'K': shift = 10; break;
	case 'M': shift = 20; break;
	case 'G': shift = 30; break;
	case 'T': shift = 40; break;
	case 'B':
	case '\0': shift = 0; break;
	default: return -EINVAL;
	}
	if (shift > 0)
		s++;
	if (shift > 0 && *s == 'i')
		s++;
	if (*s == 'B' || *s == 'b')
		s++;
	if (*s != '\0' || text_u64(number, UINT64_MAX >> shift, &n) < 0)
		return -EINVAL;
	*out = n << shift;
	return 0;
}

bool
text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
text_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), tail = strlen(suffix);

	return len >= tail && memcmp(s + len - tail, suffix, tail) == 0;
}

char *
text_dup(const char *s)
{
	return s != NULL ? strdup(s) : NULL;
}

char *
text_printf(const char *fmt, ...)
{
	va_list ap;
	char *out;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&out, fmt, ap);
	va_end(ap);
	return len < 0 ? NULL : out;
}

void
text_copy(char *dst, size_t dst_bytes, const char *src)
{
	if (dst_bytes > 0)
		(void)snprintf(dst, dst_bytes, "%s", src);
}

bool
text_is_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	const unsigned char *end = p + len;

	while (p < end) {
		unsigned lead = *p++;
		uint32_t point, least;
		int more;

		if (lead == 0)
			return false;
		if (lead < 0x80)
			continue;
		if (lead >= 0xc2 && lead <= 0xdf) {
			more = 1;
			point = lead & 0x1f;
			least = 0x80;
		} else if (lead >= 0xe0 && lead <= 0xef) {
			more = 2;
			point = lead & 0x0f;
			least = 0x800;
		} else if (lead >= 0xf0 && lead <= 0xf4) {
			more = 3;
			point = lead & 0x07;
			least = 0x10000;
		} else {
			return false;
		}
		for (; more > 0; more--) {
			if (p == end || (*p & 0xc0) != 0x80)
				return false;
			point = point << 6 | (*p++ & 0x3f);
		}
		if (point < least || point > 0x10ffff ||
		    (point >= 0xd800 && point <= 0xdfff))
			return false;
	}
	return true;
}
