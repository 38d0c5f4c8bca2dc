/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lengths of paths in HPACK's Huffman code. Only how long the codes are matters here:
 * what is encrypted keeps its length.
 */
#include "identify/hpack.h"

/* RFC 7541, appendix B: bits of the codes of ' ' to '~'. */
static const uint8_t code_bits['~' - ' ' + 1] = {
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,  /* blank ! to / */
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, /* 0 to ? */
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  /* @ A to O */
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,  /* P to _ */
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  /* ` a to o */
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13,     /* p to ~ */
};

static uint32_t
bits_of(unsigned char c)
{
	return code_bits[c - ' '];
}

uint32_t
hpack_path_bits(const char *path, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	uint32_t bits = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)path[i];

		bits += c > ' ' && c <= '~' ? bits_of(c)
					    : bits_of('%') +
					    bits_of((unsigned char)hex[c >> 4]) +
						  bits_of((unsigned char)hex[c & 15]);
	}
	return bits;
}
