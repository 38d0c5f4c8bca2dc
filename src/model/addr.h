/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_ADDR_H
#define MODEL_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * An IP address. v4 is in host byte order. ::ffff:a.b.c.d stays IPv6, as on the wire.
 * Bytes that do not matter are 0, so two equal addresses are equal by memcmp.
 */
struct addr {
	uint32_t is_v6; /* 0 or 1 */
	union {
		uint32_t v4;
		uint8_t v6[16];
	};
};

/*
 * Where it counts, addresses are made where they belong: one made on the stack in parts
 * and copied whole waits for its stores.
 */
static inline void
addr_set_v4(struct addr *to, uint32_t v4)
{
	memset(to, 0, sizeof *to);
	to->v4 = v4;
}

static inline struct addr
addr_v4(uint32_t v4)
{
	struct addr a;

	addr_set_v4(&a, v4);
	return a;
}

static inline struct addr
addr_v6(const uint8_t bytes[16])
{
	struct addr a = {.is_v6 = 1};

	memcpy(a.v6, bytes, 16);
	return a;
}

/* <0, 0, >0: IPv4 before IPv6, then as unsigned big-endian numbers. */
static inline int
addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->is_v6 != b->is_v6)
		return a->is_v6 < b->is_v6 ? -1 : 1;
	if (a->is_v6)
		return memcmp(a->v6, b->v6, 16);
	return a->v4 < b->v4 ? -1 : a->v4 > b->v4;
}

enum { ADDR_TEXT = 46 }; /* room for the longest text and its 0 */

/* Writes the text (RFC 5952 for IPv6); returns its length. */
size_t addr_print(const struct addr *a, char out[ADDR_TEXT]);

/* False, out untouched, unless s is a whole IPv4 or IPv6 address. */
bool addr_parse(const char *s, size_t n, struct addr *out);

/* The same for what servers log: one that listens by IPv6 for both writes a client of
 * IPv4 as ::ffff:a.b.c.d, which is a.b.c.d here. */
bool addr_parse_logged(const char *s, size_t n, struct addr *out);

#endif
