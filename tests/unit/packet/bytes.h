/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_PACKET_BYTES_H
#define TESTS_UNIT_PACKET_BYTES_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Frames and files put together by hand: bytes as hex text, numbers in either byte
 * order. */
struct bytes {
	uint8_t at[1 << 17];
	uint32_t n;
};

static inline void
put(struct bytes *b, const void *bytes, uint32_t n)
{
	assert(n <= sizeof b->at - b->n);
	if (n > 0)
		memcpy(b->at + b->n, bytes, n);
	b->n += n;
}

static inline void
put_zeros(struct bytes *b, uint32_t n)
{
	assert(n <= sizeof b->at - b->n);
	memset(b->at + b->n, 0, n);
	b->n += n;
}

static inline void
put_hex(struct bytes *b, const char *hex)
{
	char pair[3] = {0};
	uint8_t one;

	while (*hex != '\0') {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		memcpy(pair, hex, 2);
		one = (uint8_t)strtoul(pair, NULL, 16);
		put(b, &one, 1);
		hex += 2;
	}
}

static inline void
put_number(struct bytes *b, uint64_t v, uint32_t n, int is_big)
{
	uint8_t one;
	uint32_t i;

	for (i = 0; i < n; i++) {
		one = (uint8_t)(v >> 8 * (is_big ? n - 1 - i : i));
		put(b, &one, 1);
	}
}

static inline void
put_be16(struct bytes *b, uint32_t v)
{
	put_number(b, v, 2, 1);
}

/* 10.0.0.1 to 10.0.0.2, of which total length says `said` bytes follow. */
static inline void
put_ipv4(struct bytes *b, uint8_t proto, uint32_t said)
{
	put_hex(b, "4500");
	put_be16(b, 20 + said);
	put_hex(b, "1234 4000 40");
	put(b, &proto, 1);
	put_hex(b, "0000 0a000001 0a000002");
}

/* 2001:db8:1::1 to 2001:db8:1::2 */
static inline void
put_ipv6(struct bytes *b, uint8_t next, uint32_t said)
{
	put_hex(b, "60212345");
	put_be16(b, said);
	put(b, &next, 1);
	put_hex(b, "3f 20010db8000100000000000000000001 20010db8000100000000000000000002");
}

/* 1000 to 80, sequence 0x01020304, SYN, window 0x2000, MSS and window scale: 28 bytes. */
static inline void
put_tcp(struct bytes *b)
{
	put_hex(b, "03e8 0050 01020304 05060708 7002 2000 abcd 0000 020405b4 01030307");
}

/* 1000 to 53, 8 bytes of data */
static inline void
put_udp(struct bytes *b)
{
	put_hex(b, "03e8 0035 0010 abcd 6461746164617461");
}

#endif
