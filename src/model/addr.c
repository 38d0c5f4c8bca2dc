/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses to and from text. IPv4 is written by hand as it stands in every row; IPv6 is
 * left to the C library, which follows RFC 5952.
 */
#include "model/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

static char *
put_octet(char *p, unsigned v)
{
	if (v >= 100) {
		*p++ = (char)('0' + v / 100);
		v %= 100;
		*p++ = (char)('0' + v / 10);
		v %= 10;
	} else if (v >= 10) {
		*p++ = (char)('0' + v / 10);
		v %= 10;
	}
	*p++ = (char)('0' + v);
	return p;
}

size_t
addr_print(const struct addr *a, char out[ADDR_TEXT])
{
	char *p = out;
	int shift;

	if (a->is_v6) {
		/* The C library writes these as ::1.2.3.4, other programs do not. */
		if (memcmp(a->v6, (uint8_t[12]){0}, 12) == 0 &&
		    (a->v6[12] | a->v6[13]) != 0)
			return (size_t)snprintf(out, ADDR_TEXT, "::%x:%x",
			    (unsigned)(a->v6[12] << 8 | a->v6[13]),
			    (unsigned)(a->v6[14] << 8 | a->v6[15]));
		inet_ntop(AF_INET6, a->v6, out, ADDR_TEXT);
		return strlen(out);
	}
	for (shift = 24; shift >= 0; shift -= 8) {
		p = put_octet(p, a->v4 >> shift & 0xff);
		*p++ = '.';
	}
	*--p = '\0';
	return (size_t)(p - out);
}

bool
addr_parse(const char *s, size_t n, struct addr *out)
{
	char copy[ADDR_TEXT];
	struct in_addr v4;
	uint8_t v6[16];

	if (n == 0 || n >= sizeof copy || memchr(s, '\0', n) != NULL)
		return false;
	memcpy(copy, s, n);
	copy[n] = '\0';
	if (inet_pton(AF_INET, copy, &v4) == 1)
		*out = addr_v4(ntohl(v4.s_addr));
	else if (inet_pton(AF_INET6, copy, v6) == 1)
		*out = addr_v6(v6);
	else
		return false;
	return true;
}

bool
addr_parse_logged(const char *s, size_t n, struct addr *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *v4 = out->v6 + sizeof mapped;

	if (!addr_parse(s, n, out))
		return false;
	if (out->is_v6 && memcmp(out->v6, mapped, sizeof mapped) == 0)
		*out = addr_v4((uint32_t)v4[0] << 24 | (uint32_t)v4[1] << 16 |
		    (uint32_t)v4[2] << 8 | v4[3]);
	return true;
}
